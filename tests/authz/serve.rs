//! `authz serve`: the gateway, over real HTTP.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Reply, Server};
use crate::program::authz;

/// A gateway on a free port. Dropping it kills it.
pub(crate) struct Gateway {
    child: Child,
    pub(crate) port: u16,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
}

/// What a gateway wrote, and how it ended.
pub(crate) struct Stopped {
    pub(crate) output: String,
    status: ExitStatus,
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }
}

impl Gateway {
    /// Starts it in the repository.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_in(Path::new(env!("CARGO_MANIFEST_DIR")), arguments)
    }

    pub(crate) fn start_in(folder: &Path, arguments: &[&str]) -> Self {
        Self::started(folder, &[&["--port", "0"], arguments].concat()).unwrap()
    }

    /// Starts it in the repository on a port that may be taken; `None` if it is.
    pub(crate) fn try_start(arguments: &[&str]) -> Option<Self> {
        Self::started(Path::new(env!("CARGO_MANIFEST_DIR")), arguments)
    }

    fn started(folder: &Path, arguments: &[&str]) -> Option<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_authz"))
            .arg("serve")
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (first, address) = mpsc::channel();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let stdout = std::thread::spawn(move || {
            let mut text = String::new();
            out.read_line(&mut text).unwrap();
            first.send(text.clone()).unwrap();
            out.read_to_string(&mut text).unwrap();
            text
        });
        let mut err = child.stderr.take().unwrap();
        let stderr = std::thread::spawn(move || {
            let mut text = String::new();
            err.read_to_string(&mut text).unwrap();
            text
        });
        let address = address.recv_timeout(Duration::from_secs(30)).unwrap();
        if address.is_empty() {
            drop(child.wait());
            return None;
        }
        let port = address.trim().strip_prefix("http://127.0.0.1:").unwrap_or_else(|| panic!("{address}"));
        Some(Self { child, port: port.parse().unwrap(), stdout: Some(stdout), stderr: Some(stderr) })
    }

    /// The port of the app of `--demo`.
    pub(crate) fn app(&self) -> u16 {
        let app = self.state()["app"].as_str().unwrap().to_owned();
        app.strip_prefix("http://127.0.0.1:").unwrap_or_else(|| panic!("{app}")).parse().unwrap()
    }

    /// Sends a request as a client on this machine does.
    pub(crate) fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Got {
        self.send_to(self.port, method, target, headers, body)
    }

    /// The same to another port of it.
    pub(crate) fn send_to(&self, port: u16, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let host = format!("127.0.0.1:{port}");
        let mut all = vec![("Host", host.as_str())];
        all.retain(|(name, _)| headers.iter().all(|(given, _)| !given.eq_ignore_ascii_case(name)));
        all.extend(headers);
        Self::raw(port, method, target, &all, body)
    }

    fn raw(port: u16, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut head = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {answer}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header =
            |line: &str| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        Got { status, headers: lines.filter_map(header).collect(), body: body.to_owned() }
    }

    /// A request with the value of the `Authorization` header.
    pub(crate) fn get(&self, path: &str, authorization: &str) -> Got {
        self.send("GET", path, &[("Authorization", authorization)], "")
    }

    /// What the page's script asks.
    pub(crate) fn page(&self, name: &str, body: &Value) -> Got {
        self.send("POST", &format!("/__authorizer/api/{name}"), &[("X-Authz-Page", "1")], &body.to_string())
    }

    /// A token of the development issuer, as a header.
    pub(crate) fn minted(&self, user: &str, seconds: i64) -> String {
        let token = self.page("mint", &json!({ "user": user, "seconds": seconds })).json();
        format!("Bearer {}", token["token"].as_str().unwrap_or_else(|| panic!("{token}")))
    }

    /// What the page shows.
    pub(crate) fn state(&self) -> Value {
        self.send("GET", "/__authorizer/api/state", &[("X-Authz-Page", "1")], "").json()
    }

    /// How the authorizer took part in each request to the API: `cached`, `invoked` or `not_asked`.
    pub(crate) fn asked(&self) -> Vec<String> {
        let state = self.state();
        let lines = state["log"]["lines"].as_array().unwrap();
        let requests = lines.iter().filter(|line| line["message"] == "request");
        requests.map(|line| line["fields"]["authorizer"].as_str().unwrap().to_owned()).collect()
    }

    /// Tells it to stop as Ctrl-C does, and waits until it has.
    pub(crate) fn stop(mut self) -> Stopped {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        let output = [self.stdout.take(), self.stderr.take()].map(|stream| stream.unwrap().join().unwrap()).concat();
        Stopped { output, status }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An empty folder of its own.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("serve-{name}-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The header value of a sample event.
pub(crate) fn sample(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("events").join(name).with_extension("json");
    let event: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    event["authorizationToken"].as_str().unwrap().to_owned()
}

const SAMPLES: &str = "events/config/authorizer.json";

#[test]
fn every_sample_event_is_answered_as_it_is_explained_or_as_the_gateway_does_before_that() {
    let gateway = Gateway::start(&[SAMPLES]);
    let mut statuses = BTreeSet::new();
    for file in crate::events() {
        let event: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let explained = authz(&["explain", "--json", "--config", SAMPLES, file.to_str().unwrap()], "");
        let explained: Value = serde_json::from_str(&explained.stdout).unwrap();
        let (method, path) = (explained["method"].as_str().unwrap(), explained["path"].as_str().unwrap());
        let headers = event["authorizationToken"].as_str().map(|token| ("Authorization", token));
        let got = gateway.send(method, path, headers.as_slice(), "");
        let reason = explained["reason"].as_str().unwrap_or_default();
        let expected = match reason {
            // The validation expression refuses it; an unsigned token has no signature.
            "missing_token" | "malformed_token" | "unsupported_algorithm" => (401, Some("UnauthorizedException")),
            "undeclared_route" => (403, Some("MissingAuthenticationTokenException")),
            "" => (200, None),
            "unknown_key" => (401, Some("UnauthorizedException")),
            _ => (403, Some("AccessDeniedException")),
        };
        assert_eq!((got.status, got.header("x-amzn-errortype")), expected, "{}: {got:?}", file.display());
        if !matches!(reason, "missing_token" | "malformed_token" | "unsupported_algorithm") {
            assert_eq!(explained["client_sees"], got.status, "{}", file.display());
        }
        statuses.insert(got.status);
    }
    assert_eq!(statuses, BTreeSet::from([200, 401, 403]));
}

#[test]
fn refusals_are_api_gateways_own() {
    let gateway = Gateway::start(&[SAMPLES]);
    let movies = sample("movies-get-movie");
    let answered = |path: &str, token: &str| {
        let got = gateway.get(path, token);
        (got.status, got.header("x-amzn-errortype").unwrap_or_default().to_owned(), got.body)
    };
    let own = |status, kind: &str, body: &str| (status, kind.to_owned(), body.to_owned());
    let unauthorized = own(401, "UnauthorizedException", r#"{"message":"Unauthorized"}"#);
    assert_eq!(answered("/movie", ""), unauthorized);
    assert_eq!(answered("/movie", "Basic YTpi"), unauthorized);
    assert_eq!(answered("/movie", &format!("x{movies}")), unauthorized);
    assert_eq!(answered("/orders", &sample("orders-token-of-unknown-key")), unauthorized);
    let missing = r#"{"message":"Missing Authentication Token"}"#;
    assert_eq!(answered("/nothing", &movies), own(403, "MissingAuthenticationTokenException", missing));
    assert_eq!(answered("/movie/7", &movies), own(403, "MissingAuthenticationTokenException", missing));
    let explicit = r#"{"Message":"User is not authorized to access this resource with an explicit deny"}"#;
    assert_eq!(answered("/movie", &sample("movies-token-expired")), own(403, "AccessDeniedException", explicit));
    let long = format!("/{}", "a".repeat(2000));
    assert_eq!(answered(&long, &movies), own(403, "MissingAuthenticationTokenException", missing));
    let two = gateway.send("GET", "/movie", &[("Authorization", &movies), ("Authorization", &movies)], "");
    assert_eq!(two.status, 401, "two tokens are none");
}

#[test]
fn an_answer_is_cached_by_its_token_and_judged_anew_for_every_request() {
    let gateway = Gateway::start(&[SAMPLES]);
    let (movies, devices) = (sample("movies-get-movie"), sample("devices-get-device"));
    let statuses = [("/movie", &movies), ("/device", &movies), ("/movie/", &movies), ("/device", &devices)]
        .map(|(path, token)| gateway.get(path, token).status);
    assert_eq!(statuses, [200, 403, 200, 200]);
    assert_eq!(gateway.asked(), ["invoked", "cached", "cached", "invoked"]);
    let cache = gateway.state()["cache"].clone();
    let principals: BTreeSet<&str> =
        cache.as_array().unwrap().iter().map(|entry| entry["principal"].as_str().unwrap()).collect();
    assert_eq!(principals, BTreeSet::from(["device-owner", "movie-fan"]));
    assert_eq!(gateway.page("flush", &json!({})).status, 200);
    gateway.get("/movie", &movies);
    assert_eq!(gateway.asked().last().unwrap(), "invoked");
}

#[test]
fn errors_are_not_cached_and_zero_seconds_switch_the_cache_off() {
    let gateway = Gateway::start(&[SAMPLES]);
    let unknown = sample("orders-token-of-unknown-key");
    gateway.get("/orders", &unknown);
    gateway.get("/orders", &unknown);
    assert_eq!(gateway.asked(), ["invoked", "invoked"]);
    let off = Gateway::start(&[SAMPLES, "--cache-seconds", "0"]);
    let movies = sample("movies-get-movie");
    off.get("/movie", &movies);
    off.get("/movie", &movies);
    assert_eq!(off.asked(), ["invoked", "invoked"]);
}

#[test]
fn a_token_that_ends_while_its_answer_is_cached_is_refused_by_the_date_in_the_policy() {
    let gateway = Gateway::start(&["--demo"]);
    // Five of the ten seconds of leeway have passed.
    let token = gateway.minted("movie-fan", -5);
    assert_eq!(gateway.get("/movie", &token).status, 200);
    std::thread::sleep(Duration::from_millis(6200));
    let refused = gateway.get("/movie", &token);
    assert_eq!((refused.status, refused.header("x-amzn-errortype")), (403, Some("AccessDeniedException")));
    assert!(!refused.body.contains("explicit"), "the Allow has run out: {refused:?}");
    assert_eq!(gateway.asked(), ["invoked", "cached"]);
}

#[test]
fn a_request_that_passes_is_echoed_as_a_proxy_integration_would_be_told() {
    let folder = folder("echo");
    let config = json!({
        "issuers": [{ "issuer": "https://idp.test/", "audience": "api", "jwks": { "keys": [] } }],
        "routes": [{ "path": "/users/{id}/files/{rest+}" }],
        "undeclared_routes": "absent",
        "context": { "level": "level", "who": "email" },
    });
    let key = authz_in(&folder, &["token", "--new-key", "key.json"]);
    let config = config.to_string().replace(r#"{"keys":[]}"#, key.trim());
    std::fs::write(folder.join("authorizer.json"), config).unwrap();
    let claims = ["--claim", "iss=https://idp.test/", "--claim", "aud=api", "--claim", "sub=ada", "--claim", "level=7"];
    let token = authz_in(&folder, &[&["token", "--key", "key.json"][..], &claims].concat());
    let gateway = Gateway::start_in(&folder, &["authorizer.json", "--validation-expression", ""]);
    let got = gateway.get("/users/7/files/a/b?x=1&y=z%20z", &format!("BEARER   {}", token.trim()));
    let mut echoed = got.json();
    assert_eq!(got.header("x-amzn-requestid"), Some("local-1"));
    assert_eq!(echoed["requestContext"]["requestId"].take(), "local-1");
    assert_eq!(
        echoed,
        json!({
            "resource": "/users/{id}/files/{rest+}",
            "path": "/users/7/files/a/b",
            "httpMethod": "GET",
            "pathParameters": { "id": "7", "rest": "a/b" },
            "queryStringParameters": { "x": "1", "y": "z z" },
            "requestContext": {
                "authorizer": { "principalId": "ada", "level": "7" },
                "requestId": null, "resourcePath": "/users/{id}/files/{rest+}", "stage": "prod",
            },
            "isBase64Encoded": false,
        })
    );
    let long = format!("/users/7/files/{}", "a".repeat(1600));
    assert_eq!(
        gateway.get(&long, &format!("Bearer {}", token.trim())).status,
        414,
        "no ARN is longer than 1,600 bytes"
    );
}

/// What `authz` prints in a folder.
pub(crate) fn authz_in(folder: &Path, arguments: &[&str]) -> String {
    let ran = crate::program::authz_in(folder, arguments, "", &[]);
    assert_eq!(ran.status, 0, "{ran:?}");
    ran.stdout
}

#[test]
fn a_backend_gets_the_request_with_what_the_authorizer_passed_on() {
    let (told, requests) = mpsc::channel();
    let backend = Server::start(move |request| {
        told.send(request).unwrap();
        Reply::status(418).header("X-Own", "yes").header("WWW-Authenticate", "Basic").body("short and stout")
    });
    let url = format!("http://{}/base/", backend.authority());
    let gateway = Gateway::start(&[SAMPLES, "--backend", &url]);
    let pets = sample("pets-database-post-pets");
    let headers = [("Authorization", pets.as_str()), ("X-Authorizer-Email", "forged@example.com"), ("X-Mine", "1")];
    let got = gateway.send("POST", "/pets?x=%20y", &headers, r#"{"name":"x"}"#);
    assert_eq!((got.status, got.body.as_str(), got.header("x-own")), (418, "short and stout", Some("yes")));
    assert_eq!(got.header("x-amzn-remapped-www-authenticate"), Some("Basic"));
    assert_eq!(got.header("www-authenticate"), None);
    let asked = requests.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/base/pets?x=%20y"));
    assert_eq!(asked.body, br#"{"name":"x"}"#);
    let emails: Vec<&str> = asked
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("x-authorizer-email"))
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(emails, ["ada@example.com"]);
    assert_eq!(asked.header("x-authorizer-principalid"), Some("auth0|ada"));
    assert_eq!((asked.header("x-mine"), asked.header("authorization")), (Some("1"), Some(pets.as_str())));
    assert_eq!(gateway.get("/movie", &pets).status, 403);
    assert!(requests.try_recv().is_err(), "what is refused does not reach the backend");
    drop(backend);
    let got = gateway.get("/pets", &pets);
    assert_eq!((got.status, got.body.as_str()), (504, r#"{"message":"Network error communicating with endpoint"}"#));
}

#[test]
fn a_preflight_needs_no_token_and_answers_are_shared_with_this_machine_alone() {
    let gateway = Gateway::start(&[SAMPLES, "--allow-origin", "https://app.example.com"]);
    let origin = ("Origin", "http://localhost:5173");
    let got = gateway.send("OPTIONS", "/pets", &[origin, ("Access-Control-Request-Method", "POST")], "");
    assert_eq!((got.status, got.body.as_str()), (200, ""));
    assert_eq!(got.header("access-control-allow-origin"), Some("http://localhost:5173"));
    assert_eq!(got.header("access-control-allow-methods"), Some("GET,POST,OPTIONS"));
    assert_eq!(got.header("access-control-allow-headers"), Some("Authorization,Content-Type"));
    for origin in ["http://localhost:5173", "https://app.example.com"] {
        let got = gateway.send("GET", "/pets", &[("Origin", origin)], "");
        assert_eq!((got.status, got.header("access-control-allow-origin")), (401, Some(origin)));
        assert_eq!(
            got.header("access-control-expose-headers"),
            Some("WWW-Authenticate,x-amzn-errortype,x-amzn-requestid")
        );
    }
    for origin in ["https://evil.example", "http://localhost.evil.example", "null"] {
        for path in ["/pets", "/__authorizer", "/__authorizer/api/state"] {
            let got = gateway.send("GET", path, &[("Origin", origin), ("X-Authz-Page", "1")], "");
            assert_eq!((got.status, got.header("access-control-allow-origin")), (403, None), "{origin} {path}");
        }
    }
}

#[test]
fn only_its_own_names_on_loopback_reach_it() {
    let gateway = Gateway::start(&["--demo"]);
    let port = gateway.port;
    for path in ["/movie", "/__authorizer", "/__authorizer/api/state", "/__issuer/jwks.json"] {
        for host in [format!("evil.example:{port}"), "127.0.0.1".to_owned(), format!("localhost.evil.example:{port}")] {
            let got = gateway.send("GET", path, &[("Host", &host), ("X-Authz-Page", "1")], "");
            assert_eq!(got.status, 421, "{host} {path}");
        }
        let absolute = format!("http://evil.example:{port}{path}");
        assert_eq!(gateway.send("GET", &absolute, &[], "").status, 421, "{absolute}");
    }
    assert_eq!(gateway.send("GET", "/__issuer/jwks.json", &[("Host", &format!("localhost:{port}"))], "").status, 200);
    assert!(TcpStream::connect(("127.0.0.2", port)).is_err(), "it listens on 127.0.0.1 alone");
}

#[test]
fn it_says_its_address_first_stops_at_ctrl_c_and_leaves_nothing_behind() {
    let folder = folder("traces");
    let gateway = Gateway::start_in(&folder, &["--demo"]);
    let port = gateway.port;
    let token = gateway.minted("customer", 300);
    assert_eq!(gateway.get("/pets", &token).status, 200);
    assert_eq!(gateway.get("/movie", &token).status, 403);
    let shown =
        gateway.page("send", &json!({ "method": "GET", "path": "/movie", "token": sample("movies-token-expired") }));
    assert_eq!(shown.json()["status"], 403);
    assert!(!gateway.state()["log"].to_string().contains("eyJ"), "no token in the log");
    let stopped = gateway.stop();
    assert_eq!(stopped.status.code(), Some(0));
    assert!(stopped.output.starts_with(&format!("http://127.0.0.1:{port}\n")), "{}", stopped.output);
    assert!(stopped.output.contains("reason=expired"), "the authorizer's own line: {}", stopped.output);
    for secret in ["eyJ", "customer@example.com", token.rsplit('.').next().unwrap()] {
        assert!(!stopped.output.contains(secret), "{secret} in: {}", stopped.output);
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "no file is written");
}

#[test]
fn a_body_of_more_than_10_mb_is_too_long() {
    let gateway = Gateway::start(&[SAMPLES]);
    let pets = sample("pets-database-post-pets");
    let status = |bytes: usize| gateway.send("POST", "/pets", &[("Authorization", &pets)], &"x".repeat(bytes)).status;
    assert_eq!([status(10_485_760), status(10_485_761)], [200, 413]);
}

#[test]
fn what_cannot_be_served_is_told_and_exits_with_1_or_2() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (arguments, status, expected) in [
        (&["--demo", "--port", &port][..], 1, "is taken; --port 0 takes a free one"),
        (&["absent.json", "--port", "0"], 2, "there is no such file"),
        (&["--demo", "--port", "0", "--backend", "localhost:3000"], 1, "--backend: expected an address"),
        (
            &["--demo", "--port", "0", "--validation-expression", "("],
            1,
            "--validation-expression: not a regular expression",
        ),
        (&["--demo", "--port", "0", "--allow-origin", "*"], 1, "--allow-origin: expected a scheme"),
        (
            &["--demo", "--port", "0", "--allow-origin", "https://a.example/path"],
            1,
            "--allow-origin: expected a scheme",
        ),
        (&["--demo", "--port", "0", "--users", "absent.json"], 1, "absent.json: there is no such file"),
        (&["--demo", "--port", "0", "--users", SAMPLES], 1, "expected a JSON list of users"),
        (&["--demo", "--port", "0", "--cache-seconds", "3601"], 1, "3601 is not in 0..=3600"),
        (&["--demo", SAMPLES], 1, "cannot be used with"),
    ] {
        let ran = authz(&[&["serve"], arguments].concat(), "");
        assert_eq!(ran.status, status, "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(expected) && ran.stdout.is_empty(), "{arguments:?}: {ran:?}");
    }
}
