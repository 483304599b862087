//! Real TLS handshakes with a server whose certificate comes from a private authority.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, Stream, SupportedProtocolVersion};
use serde_json::{Value, json};

use crate::support::in_process::Log;
use crate::support::{Process, Scratch, jwks, key};
use crate::world::{ISSUER, Local, api, issuer, parse, token};

/// A certificate authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }
}

/// A TLS server with a key set, and with a discovery document if one is set. Dropping it stops it.
pub(crate) struct SecureServer {
    pub(crate) address: SocketAddr,
    pub(crate) document: Arc<Mutex<String>>,
    served: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl SecureServer {
    fn start(authority: &Authority, name: &str, version: &'static SupportedProtocolVersion) -> Self {
        Self::named(authority, &[name], version)
    }

    pub(crate) fn named(authority: &Authority, names: &[&str], version: &'static SupportedProtocolVersion) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Self::showing(authority, &CertificateParams::new(names).unwrap(), version)
    }

    fn showing(authority: &Authority, params: &CertificateParams, version: &'static SupportedProtocolVersion) -> Self {
        let own = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&own, &authority.0).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let own = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.serialize_der()));
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], own)
            .unwrap();
        let (config, listener) = (Arc::new(config), TcpListener::bind(("127.0.0.1", 0)).unwrap());
        let address = listener.local_addr().unwrap();
        let (served, stopped) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let document = Arc::<Mutex<String>>::default();
        let (count, stop, discovery) = (Arc::clone(&served), Arc::clone(&stopped), Arc::clone(&document));
        let acceptor = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                // Some tests expect the handshake to fail.
                drop(serve(&config, stream, &count, &discovery));
            }
        });
        Self { address, document, served, stopped, acceptor: Some(acceptor) }
    }

    /// The key set's URL with this host name.
    fn url(&self, host: &str) -> String {
        format!("https://{host}:{}/keys", self.address.port())
    }

    /// The number of times the key set was served.
    pub(crate) fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }
}

impl Drop for SecureServer {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            drop(acceptor.join());
        }
    }
}

/// Answers one request with the discovery document or the key set, and counts the latter.
fn serve(
    config: &Arc<ServerConfig>,
    mut stream: TcpStream,
    served: &AtomicUsize,
    document: &Mutex<String>,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut connection = ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
    let mut tls = Stream::new(&mut connection, &mut stream);
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        tls.read_exact(&mut byte)?;
        request.extend_from_slice(&byte);
    }
    let body = if request.starts_with(b"GET /.well-known/") {
        document.lock().unwrap().clone()
    } else {
        served.fetch_add(1, Ordering::SeqCst);
        jwks(&[key("ES256")]).to_string()
    };
    write!(tls, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())?;
    tls.conn.send_close_notify();
    tls.flush()
}

/// An API whose key set is at this address, with these `tls` settings.
fn config(url: &str, tls: Value) -> Value {
    let mut config = api(json!([issuer(ISSUER, url, json!({ "timeout_ms": 10_000 }))]));
    if !tls.is_null() {
        config["tls"] = tls;
    }
    config
}

#[test]
fn a_server_with_a_certificate_from_a_configured_authority_is_trusted() {
    let (authority, scratch) = (Authority::new(), Scratch::new());
    let file = scratch.file("authority.pem", authority.pem());
    // A file may hold several authorities.
    let both = scratch.file("both.pem", format!("{}{}", Authority::new().pem(), authority.pem()));
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let server = SecureServer::start(&authority, "localhost", version);
        for (tls, served) in [
            (json!({ "ca_file": file }), 1),
            (json!({ "ca_file": both }), 2),
            (json!({ "roots": "webpki", "ca_file": file }), 3),
        ] {
            let local = Local::new(&config(&server.url("localhost"), tls));
            assert_eq!(local.decides(&token(&key("ES256"))), "allow");
            assert_eq!(server.served(), served);
        }
    }
    let by_address = SecureServer::start(&authority, "127.0.0.1", &rustls::version::TLS13);
    let local = Local::new(&config(&by_address.url("127.0.0.1"), json!({ "ca_file": file })));
    assert_eq!(local.decides(&token(&key("ES256"))), "allow");
}

/// A fetch from this address, with these `tls` settings, has no keys. Returns its outcome in the log.
#[track_caller]
fn fails(url: &str, tls: Value) -> String {
    let local = Local::new(&config(url, tls));
    let (decision, log) = Log::new().of(|| local.decides(&token(&key("ES256"))));
    assert_eq!(decision, "KeysUnavailable", "{url}");
    let mut lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["fields"].take());
    let fetch = lines.find(|fields| fields["message"] == "key set").unwrap();
    fetch["outcome"].as_str().unwrap().to_owned()
}

#[test]
fn without_the_configured_authority_the_server_is_not_trusted() {
    let (authority, scratch) = (Authority::new(), Scratch::new());
    let another = scratch.file("another.pem", Authority::new().pem());
    let server = SecureServer::start(&authority, "localhost", &rustls::version::TLS13);
    for tls in [json!(null), json!({ "roots": "webpki" }), json!({ "ca_file": another })] {
        assert_eq!(fails(&server.url("localhost"), tls.clone()), "certificate_not_trusted", "{tls}");
    }
    assert_eq!(server.served(), 0);
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let (authority, scratch) = (Authority::new(), Scratch::new());
    let file = scratch.file("authority.pem", authority.pem());
    let server = SecureServer::start(&authority, "keys.example", &rustls::version::TLS13);
    for host in ["localhost", "127.0.0.1"] {
        let outcome = fails(&server.url(host), json!({ "ca_file": file }));
        assert_eq!(outcome, "certificate_name_mismatch", "{host}");
    }
    assert_eq!(server.served(), 0);
}

#[test]
fn a_certificate_that_has_expired_or_is_not_valid_yet_is_refused() {
    let (authority, scratch) = (Authority::new(), Scratch::new());
    let file = scratch.file("authority.pem", authority.pem());
    for (from, to, expected) in [(2001, 2002, "certificate_expired"), (2101, 2102, "certificate_not_yet_valid")] {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
        let server = SecureServer::showing(&authority, &params, &rustls::version::TLS13);
        let outcome = fails(&server.url("localhost"), json!({ "ca_file": file }));
        assert_eq!(outcome, expected);
        assert_eq!(server.served(), 0);
    }
}

#[test]
fn a_server_without_tls_and_one_that_is_not_there_are_told_apart() {
    let plain = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("https://{}/keys", plain.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = plain.accept().unwrap();
        stream.read_exact(&mut [0; 5]).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").unwrap();
    });
    assert_eq!(fails(&url, json!(null)), "tls_failed");
    server.join().unwrap();
    assert_eq!(fails(&url, json!(null)), "connection_failed");
}

#[test]
fn the_systems_authorities_can_be_combined_with_a_configured_one() {
    let (authority, scratch) = (Authority::new(), Scratch::new());
    let file = scratch.file("authority.pem", authority.pem());
    let server = SecureServer::start(&authority, "localhost", &rustls::version::TLS13);
    let system = config(&server.url("localhost"), json!({ "roots": "system" }));
    match parse(&system, &[]) {
        Ok(_) => {
            assert_eq!(Local::new(&system).decides(&token(&key("ES256"))), "KeysUnavailable");
            let added = config(&server.url("localhost"), json!({ "roots": "system", "ca_file": file }));
            assert_eq!(Local::new(&added).decides(&token(&key("ES256"))), "allow");
        }
        // A minimal container has no authorities, which is an error at start-up.
        Err(error) => assert!(error.to_string().contains("tls.roots: the system has no certificate"), "{error}"),
    }
}

#[test]
fn a_system_without_authorities_is_a_mistake() {
    let scratch = Scratch::new();
    let arn = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/GET/movies";
    let event = scratch.file("event.json", json!({ "type": "TOKEN", "methodArn": arn }).to_string());
    // Runs the program with these authorities as the system's; returns its exit status.
    let ends = |pem: String| {
        let program = Command::new(Process::program())
            .arg(&event)
            .env_clear()
            .env("SSL_CERT_FILE", scratch.file("system.pem", pem))
            .env("AUTHORIZER_CONFIG", config("https://127.0.0.1:1/keys", json!({ "roots": "system" })).to_string())
            .output();
        program.unwrap().status.code()
    };
    assert_eq!(ends(Authority::new().pem()), Some(0), "a request without a token is refused");
    assert_eq!(ends(String::new()), Some(2));
}

#[test]
fn a_file_without_an_authority_is_a_mistake() {
    let scratch = Scratch::new();
    for (name, text) in [
        ("empty", String::new()),
        ("text", "not a certificate".to_owned()),
        ("key", KeyPair::generate().unwrap().serialize_pem()),
        ("broken", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned()),
    ] {
        let config = config("https://localhost/keys", json!({ "ca_file": scratch.file(name, text) }));
        let error = parse(&config, &[]).err().unwrap().to_string();
        assert!(error.contains("tls.ca_file: "), "{name}: {error}");
    }
}
