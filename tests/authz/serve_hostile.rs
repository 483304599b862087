//! `authz serve` under hostile clients, backends and moments, over real HTTP.

use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Reply, Server};
use crate::serve::{Gateway, authz_in, folder, sample};

const SAMPLES: &str = "events/config/authorizer.json";

#[test]
fn no_spelling_of_a_header_forges_what_the_authorizer_passes_on() {
    let (told, requests) = mpsc::channel();
    let backend = Server::start(move |request| {
        told.send(request).unwrap();
        Reply::ok("done")
    });
    let gateway = Gateway::start(&[SAMPLES, "--backend", &format!("http://{}", backend.authority())]);
    let pets = sample("pets-database-post-pets");
    // Many servers read `_` as `-`.
    let forged =
        ["X-AUTHORIZER-EMAIL", "x_authorizer_email", "X-Authorizer_Email", "x_authorizer-role", "X-Authorizer-"];
    let mut headers = vec![("Authorization", pets.as_str()), ("X-Authorized", "mine")];
    headers.extend(forged.map(|name| (name, "forged@example.com")));
    assert_eq!(gateway.send("POST", "/pets", &headers, "{}").status, 200);
    let asked = requests.recv_timeout(Duration::from_secs(30)).unwrap();
    assert!(asked.headers.iter().all(|(_, value)| value != "forged@example.com"), "{:?}", asked.headers);
    assert_eq!(asked.header("x-authorizer-email"), Some("ada@example.com"));
    assert_eq!(asked.header("x-authorized"), Some("mine"));
}

#[test]
fn a_redirect_of_the_backend_is_the_clients_and_a_path_that_means_another_is_not_sent() {
    let (told, requests) = mpsc::channel();
    let backend = Server::start(move |request| {
        told.send(request.target).unwrap();
        Reply::status(302).header("Location", "/elsewhere")
    });
    let folder = folder("redirect");
    let config = json!({
        "issuers": [{ "issuer": "https://idp.test/", "audience": "api", "jwks_uri": "https://idp.test/keys" }],
        "routes": [{ "path": "/files/{path+}" }],
    });
    std::fs::write(folder.join("authorizer.json"), config.to_string()).unwrap();
    let url = format!("http://{}/base", backend.authority());
    let gateway = Gateway::start_in(&folder, &["authorizer.json", "--issuer", "--backend", &url]);
    let token = gateway.minted("user-without-rights", 300);
    let got = gateway.get("/files/a%20b/c", &token);
    assert_eq!((got.status, got.header("location")), (302, Some("/elsewhere")));
    for path in ["/files/../../secret", "/files/%2e%2e/secret", "/files/..\\secret", "/files/a%2Fb", "/files//b"] {
        assert_eq!(gateway.get(path, &token).status, 403, "the rules refuse {path}");
    }
    for path in ["/files/{x}", "/files/a\"b"] {
        assert_eq!(gateway.get(path, &token).status, 504, "{path} would be sent as another path");
    }
    assert_eq!(requests.try_iter().collect::<Vec<_>>(), ["/base/files/a%20b/c"]);
}

#[test]
fn an_answer_of_the_former_configuration_is_not_kept_for_the_next() {
    let folder = folder("race");
    let set = authz_in(&folder, &["token", "--new-key", "key.json"]);
    let claims = ["--claim", "iss=https://idp.test/", "--claim", "aud=api", "--claim", "sub=ada"];
    let token =
        format!("Bearer {}", authz_in(&folder, &[&["token", "--key", "key.json"][..], &claims].concat()).trim());
    let (release, released) = mpsc::channel::<()>();
    let (fetching, fetched) = mpsc::channel();
    let released = std::sync::Mutex::new(released);
    let keys = set.clone();
    let provider = Server::start(move |_| {
        fetching.send(()).unwrap();
        // Answers once the other configuration is served.
        released.lock().unwrap().recv_timeout(Duration::from_secs(30)).unwrap_or_default();
        Reply::ok(keys.clone())
    });
    let config = |keys: (&str, Value), scopes: Value| {
        let mut document =
            json!({ "issuers": [{ "issuer": "https://idp.test/", "audience": "api" }], "routes": [{ "path": "/a" }] });
        document["issuers"][0][keys.0] = keys.1;
        if !scopes.is_null() {
            document["routes"][0]["scopes"] = scopes;
        }
        document.to_string()
    };
    let uri = json!(format!("http://{}/keys", provider.authority()));
    std::fs::write(folder.join("authorizer.json"), config(("jwks_uri", uri), Value::Null)).unwrap();
    let gateway = Gateway::start_in(&folder, &["authorizer.json"]);
    std::thread::scope(|scope| {
        let before = scope.spawn(|| gateway.get("/a", &token).status);
        fetched.recv_timeout(Duration::from_secs(30)).unwrap();
        // The request is on its way once its line could be written; its answer waits for the keys.
        std::thread::sleep(Duration::from_millis(300));
        let strict = config(("jwks", serde_json::from_str(&set).unwrap()), json!("read"));
        assert_eq!(gateway.page("apply", &json!({ "text": strict })).json()["applied"], json!(true));
        release.send(()).unwrap();
        assert_eq!(before.join().unwrap(), 200, "it was decided by the rules that it met");
    });
    assert_eq!(gateway.state()["cache"], json!([]));
    assert_eq!(gateway.get("/a", &token).status, 403, "the rules of now ask for a scope");
}

#[test]
fn the_matrix_is_what_the_gateway_does() {
    let folder = folder("matrix");
    let config = json!({
        "issuers": [{ "issuer": "https://idp.test/", "audience": "api", "jwks_uri": "https://idp.test/keys" }],
        "routes": [
            { "path": "/a", "scopes": "a" },
            { "method": "GET", "path": "/users/{id}",
              "any_of": [{ "scopes": "admin" }, { "scopes": "me", "claims": { "sub": "{id}" } }] },
            { "method": "GET", "path": "/users/me", "scopes": "me" },
            { "method": "OPTIONS", "path": "/own", "scopes": "a" },
            { "method": "GET", "path": "/own", "scopes": "b" },
            { "path": "/files/{path+}", "scopes": "b" },
            { "method": ["GET", "HEAD"], "path": "/x/{y}/z", "scopes": "a b" },
            { "method": "GET", "path": "/x/{y}/z/{rest+}", "scopes": "a" },
        ],
        "undeclared_routes": "absent",
    });
    std::fs::write(folder.join("authorizer.json"), config.to_string()).unwrap();
    let gateway = Gateway::start_in(&folder, &["authorizer.json", "--issuer"]);
    let users =
        ["administrator", "user-with-a", "user-with-admin", "user-with-me", "user-with-b", "user-without-rights"];
    let mut counts = [0, 0, 0];
    for user in users {
        let token = gateway.minted(user, 300);
        let shown = gateway.page("send", &json!({ "method": "GET", "path": "/a", "token": token })).json();
        for row in shown["matrix"].as_array().unwrap() {
            for (method, cell) in row["methods"].as_object().unwrap() {
                let path = row["sample"].as_str().unwrap();
                let got = gateway.send(method, path, &[("Authorization", &token)], "");
                let preflight = got.header("access-control-allow-methods").is_some();
                let does = json!([got.status == 200, preflight]);
                assert_eq!(json!([cell["passes"], cell["preflight"]]), does, "{user}: {method} {path}: {cell}");
                counts[if preflight { 2 } else { usize::from(got.status == 200) }] += 1;
            }
        }
    }
    assert!(counts.iter().all(|count| *count > 10), "refused, allowed, preflights: {counts:?}");
}

#[test]
fn somebody_signs_in_on_the_providers_own_page_alone() {
    let gateway = Gateway::start(&["--demo", "--allow-origin", "https://app.example.com"]);
    let own = format!("http://127.0.0.1:{}", gateway.port);
    let form = "response_type=code&client_id=spa&redirect_uri=http%3A%2F%2Flocalhost%3A5173%2F&code_challenge_method=S256\
                &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&user=customer";
    let status = |origin: &[(&str, &str)]| {
        let got = gateway.send("POST", "/__issuer/authorize", origin, form);
        (got.status, got.header("location").is_some())
    };
    assert_eq!(status(&[("Origin", &own)]), (303, true));
    assert_eq!(status(&[]), (303, true), "a program");
    // Another page of this machine, or a named one, may ask for a token but not choose the user.
    for origin in ["http://localhost:5173", "https://app.example.com", "https://evil.example", "null"] {
        assert_eq!(status(&[("Origin", origin)]), (403, false), "{origin}");
    }
}

#[test]
fn no_token_is_believed_for_the_kid_it_names() {
    let gateway = Gateway::start(&["--demo"]);
    let set = gateway.send("GET", "/__issuer/jwks.json", &[], "").json();
    let kid = set["keys"][0]["kid"].as_str().unwrap();
    let minted = gateway.minted("movie-fan", 300);
    let (_, signature) = minted.rsplit_once('.').unwrap();
    let payload = minted.split('.').nth(1).unwrap();
    let head = |head: Value| encoded(head.to_string().as_bytes());
    let hmac = |key: &[u8], text: &str| {
        use aws_lc_rs::hmac;
        encoded(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref())
    };
    assert_eq!(gateway.get("/movie", &minted).status, 200);
    let secret = std::fs::read("events/keys/movies.secret.txt").unwrap();
    let secret = secret.strip_suffix(b"\n").unwrap_or(&secret);
    let public = set["keys"][0].to_string();
    let signed = |header: Value, key: &[u8]| {
        let text = format!("{}.{payload}", head(header));
        format!("Bearer {text}.{}", hmac(key, &text))
    };
    assert_eq!(
        gateway.get("/movie", &signed(json!({ "alg": "HS256", "typ": "at+jwt" }), secret)).status,
        200,
        "the secret is the configured issuer's"
    );
    for (token, what) in [
        (
            signed(json!({ "alg": "HS256", "typ": "at+jwt", "kid": kid }), secret),
            "the configured secret under the provider's kid",
        ),
        (
            signed(json!({ "alg": "HS256", "typ": "at+jwt", "kid": kid }), public.as_bytes()),
            "the public key as a secret",
        ),
        (signed(json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid }), secret), "an HMAC that calls itself ES256"),
        (format!("Bearer {}.{payload}.{signature}", head(json!({ "alg": "none", "kid": kid }))), "none"),
        (
            format!(
                "Bearer {}.{payload}.{signature}",
                head(json!({ "alg": "ES256", "typ": "at+jwt", "kid": "other" }))
            ),
            "another kid",
        ),
        (format!("Bearer {}.{payload}.{signature}", head(json!({ "alg": "ES256", "typ": "at+jwt" }))), "no kid"),
    ] {
        let status = gateway.get("/movie", &token).status;
        assert!([401, 403].contains(&status), "{what}: {status}");
    }
}

fn encoded(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn what_a_backend_gets_wrong_is_a_504_and_the_gateway_goes_on() {
    let backend = Server::start(|request| match request.target.rsplit('/').next().unwrap() {
        "closed" => Reply::closed(),
        "garbage" => Reply::raw("SSH-2.0-OpenSSH\r\n"),
        "injected" => Reply::raw("HTTP/1.1 200 OK\r\nX-A: 1\0\r\nContent-Length: 0\r\n\r\n"),
        "short" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
        "endless" => Reply::endless("HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 65_536]),
        "upgrade" => Reply::raw("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
        "early" => Reply::raw("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        "cookies" => Reply::ok("ok").header("Set-Cookie", "a=1").header("Set-Cookie", "b=2").header("Keep-Alive", "x"),
        _ => Reply::status(204),
    });
    let folder = folder("backend");
    let config = json!({
        "issuers": [{ "issuer": "https://idp.test/", "audience": "api", "jwks_uri": "https://idp.test/keys" }],
        "routes": [{ "path": "/{path+}" }],
    });
    std::fs::write(folder.join("authorizer.json"), config.to_string()).unwrap();
    let url = format!("http://{}", backend.authority());
    let gateway = Gateway::start_in(&folder, &["authorizer.json", "--issuer", "--backend", &url]);
    let token = gateway.minted("user-without-rights", 300);
    for path in ["/closed", "/garbage", "/injected", "/short", "/endless", "/upgrade"] {
        let got = gateway.get(path, &token);
        assert_eq!(
            (got.status, got.header("x-amzn-errortype"), got.body.as_str()),
            (504, Some("InternalServerErrorException"), r#"{"message":"Network error communicating with endpoint"}"#),
            "{path}"
        );
    }
    assert_eq!((gateway.get("/early", &token).body.as_str(), gateway.get("/empty", &token).status), ("ok", 204));
    let cookies = gateway.get("/cookies", &token);
    let set: Vec<&str> =
        cookies.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.as_str()).collect();
    assert_eq!((set, cookies.header("keep-alive")), (vec!["a=1", "b=2"], None));
}
