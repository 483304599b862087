//! The key set addresses that a discovery document may name, tested with the real program and trusted certificates.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::{Process, Scratch, key};
use crate::tls::{Authority, SecureServer};
use crate::world::api;

/// The result of authorizing one token.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    answer: String,
    /// How often the key set was served.
    served: usize,
    /// The outcomes of fetches in the log.
    logged: Vec<String>,
}

/// A proxy that connects to this machine, whatever the requested host. Its thread runs until the tests end.
struct Proxy {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let (url, asked) =
            (format!("http://{}/", listener.local_addr().unwrap()), Arc::<Mutex<Vec<String>>>::default());
        let names = Arc::clone(&asked);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // A client that goes away does not affect the next one.
                drop(tunnel(client, &names));
            }
        });
        Self { url, asked }
    }

    /// The requested hosts, without their ports.
    fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|name| name.rsplit_once(':').unwrap().0.to_owned()).collect()
    }
}

fn tunnel(mut client: TcpStream, asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8(head).map_err(std::io::Error::other)?;
    let name = head.split(' ').nth(1).ok_or(std::io::ErrorKind::InvalidData)?.to_owned();
    let port: u16 = name.rsplit(':').next().unwrap().parse().map_err(std::io::Error::other)?;
    asked.lock().unwrap().push(name);
    let server = TcpStream::connect(("127.0.0.1", port))?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    for (mut from, mut to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
        std::thread::spawn(move || {
            drop(std::io::copy(&mut from, &mut to));
            drop(to.shutdown(Shutdown::Write));
        });
    }
    Ok(())
}

/// Authorizes a token of an issuer on host `issuer`, whose discovery document names host `keys` in its `jwks_uri`. With
/// `configured`, the `jwks_uri` is in the configuration and there is no discovery.
fn outcome(issuer: &str, keys: &str, configured: bool, variables: &[(&str, &str)]) -> Outcome {
    let (authority, scratch) = (Authority::new(), Scratch::new());
    let server = SecureServer::named(&authority, &[issuer, keys], &rustls::version::TLS13);
    let port = server.address.port();
    let (name, keys) = (format!("https://{issuer}:{port}/"), format!("https://{keys}:{port}/keys"));
    *server.document.lock().unwrap() = json!({ "issuer": name, "jwks_uri": keys }).to_string();
    let mut config = api(json!([{ "issuer": name, "audience": "api", "keys_cache": { "timeout_ms": 10_000 } }]));
    if configured {
        config["issuers"][0]["jwks_uri"] = keys.into();
    }
    config["tls"] = json!({ "ca_file": scratch.file("authority.pem", authority.pem()) });
    // 2126-01-01, because the program reads the real clock.
    let claims = json!({ "iss": name, "aud": "api", "sub": "alice", "exp": 4_922_899_200_u64 });
    let event = json!({
        "type": "TOKEN",
        "authorizationToken": format!("Bearer {}", key("ES256").token(&claims)),
        "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/GET/movies",
    });
    let event = scratch.file("event.json", event.to_string());
    let config = config.to_string();
    let all = [&[("AUTHORIZER_CONFIG", config.as_str()), ("AWS_LAMBDA_LOG_FORMAT", "JSON")], variables].concat();
    let finished = Process::start(scratch.path(), &[&event], &all, b"").finished();
    let answer: Value = serde_json::from_str(finished.stdout.trim()).unwrap_or_else(|_| panic!("{finished:?}"));
    let effect = &answer["policyDocument"]["Statement"][0]["Effect"];
    let logged = finished.stderr.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    Outcome {
        answer: answer["errorType"].as_str().or_else(|| effect.as_str()).unwrap().to_owned(),
        served: server.served(),
        logged: logged.filter_map(|line| line["outcome"].as_str().map(str::to_owned)).collect(),
    }
}

fn allowed() -> Outcome {
    Outcome { answer: "Allow".to_owned(), served: 1, logged: vec!["fetched".to_owned()] }
}

fn refused() -> Outcome {
    Outcome {
        answer: "KeysUnavailable".to_owned(),
        served: 0,
        logged: vec!["discovered_address_not_allowed".to_owned()],
    }
}

#[test]
fn behind_a_proxy_only_the_text_of_a_discovered_address_is_checked() {
    let proxy = Proxy::start();
    // The proxy is on this machine, and so is every host that it connects to. Neither matters.
    let url = proxy.url.replace("127.0.0.1", "localhost");
    let variables = [("HTTPS_PROXY", url.as_str())];
    assert_eq!(outcome("issuer.example", "keys.example", false, &variables), allowed());
    assert_eq!(proxy.asked(), ["issuer.example", "keys.example"]);
    let others = [
        "localhost",
        "localhost.",
        "a.localhost.",
        "127.0.0.1",
        "127.1",
        "0177.0.0.1",
        "0x7f000001",
        "2130706433",
        "169.254.43518",
    ];
    for keys in others {
        assert_eq!(outcome("issuer.example", keys, false, &variables), refused(), "{keys}");
    }
    let asked = proxy.asked();
    assert_eq!(asked.len(), 2 + others.len());
    assert!(asked[2..].iter().all(|name| name == "issuer.example"), "{asked:?}");
}

#[test]
fn a_discovered_name_that_resolves_to_this_machine_is_refused() {
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let names = hosts.lines().filter_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address: IpAddr = words.next()?.parse().ok()?;
        if address.is_loopback() { words.find(|name| !name.contains("localhost")) } else { None }
    });
    let Some(name) = names.take(1).next() else {
        // `eprintln!` is captured in a test that passes; this is not.
        writeln!(std::io::stderr(), "\nskipped: /etc/hosts has no name for this machine other than localhost").unwrap();
        return;
    };
    assert_eq!(outcome(name, name, false, &[]), refused());
    assert_eq!(outcome(name, name, true, &[]), allowed(), "a configured address is not checked");
}
