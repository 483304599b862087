//! One configuration, one moment, and every token that was ever signed for it.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use apigw_jwt_authorizer::{Authorizer, Clock, Config, Invocation, Moment};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tracing::{Dispatch, Level};

/// 2027-01-15T08:00:00Z.
pub const NOW: u32 = 1_800_000_000;
/// Whose tokens are taken.
pub const ISSUER: &str = "https://issuer.example/";
/// How the method ARNs of the targets begin.
pub const STAGE: &str = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/";
/// The public keys that `examples/world.rs` of the targets has made; the private ones were thrown away.
pub const KEYS: &str = include_str!("../world/keys.json");
/// All tokens that were signed, one on a line.
pub const TOKENS: &str = include_str!("../world/tokens.txt");
/// The shared secret.
pub const SECRET: &str = include_str!("../world/secret.txt");
const OTHER_SECRET: &str = "of an entry without an issuer; it has signed nothing, 64 bytes +";

/// Keys and a secret that share an issuer, and a secret for everybody else.
fn configuration() -> Value {
    json!({
        "issuers": [
            { "issuer": ISSUER, "audience": "api", "jwks": serde_json::from_str::<Value>(KEYS).unwrap() },
            { "issuer": ISSUER, "audience": ["api", "other"], "secret": { "env": "SECRET" },
              "algorithms": ["HS256", "HS384", "HS512"], "max_token_age_seconds": 86400,
              "required_claims": { "ver": [1, "2"] } },
            { "audience": null, "secret": { "env": "OTHER_SECRET" } },
        ],
        "routes": [
            { "method": "GET", "path": "/movies", "scopes": "read:movies" },
            { "method": "POST", "path": "/pets", "scopes": ["write:pets premium", "admin"] },
            { "path": "/users/{id}", "any_of": [{ "scopes": "admin" }, { "scopes": "read:me", "claims": { "sub": "{id}" } }] },
            { "method": "GET", "path": "/tenants/{tenant}/files", "claims": { "/org/id": "{tenant}" } },
            { "method": "GET", "path": "/open" },
        ],
        "context": { "all": "", "email": "email", "tenant": "/org/id" },
        "usage_identifier_key": "key",
    })
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Moment {
        Moment { wall: Duration::from_secs(NOW.into()), monotonic: Duration::ZERO }
    }
}

/// An authorizer in this moment.
///
/// # Errors
/// TLS that cannot be set up.
pub fn authorizer(config: Config) -> Result<Authorizer, &'static str> {
    Authorizer::new(config, Arc::new(Fixed))
}

static AUTHORIZER: LazyLock<Authorizer> = LazyLock::new(|| {
    let env = |name: &str| match name {
        "SECRET" => Some(SECRET.to_owned()),
        "OTHER_SECRET" => Some(OTHER_SECRET.to_owned()),
        _ => None,
    };
    authorizer(Config::parse(&configuration().to_string(), &env, Path::new(".")).unwrap()).unwrap()
});

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

static LOGGING: LazyLock<Dispatch> = LazyLock::new(|| {
    let to_log = tracing_subscriber::fmt().with_writer(|| Log).with_ansi(false).without_time();
    to_log.with_max_level(Level::DEBUG).finish().into()
});

const REQUEST: Invocation<'static> = Invocation { request_id: Some("request"), deadline: None };

/// What an event is answered, and what the log then holds.
pub fn authorize(event: &[u8]) -> (String, String) {
    tracing::dispatcher::with_default(&LOGGING, || {
        let answer = pin!(AUTHORIZER.authorize(event, REQUEST)).poll(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(answer) = answer else { panic!("all keys are there, and something is waited for") };
        (answer.to_json(), String::from_utf8(LOG.take()).unwrap())
    })
}

/// What a token is answered that asks for `METHOD/path`.
pub fn asked(token: &str, tail: &str) -> Value {
    let event = json!({
        "type": "TOKEN",
        "authorizationToken": format!("Bearer {token}"),
        "methodArn": format!("{STAGE}{tail}"),
    });
    serde_json::from_str(&authorize(event.to_string().as_bytes()).0).unwrap()
}

/// Whether these first two segments are of a token that was signed.
pub fn was_signed(signing_input: &str) -> bool {
    static SIGNED: LazyLock<HashSet<&str>> =
        LazyLock::new(|| TOKENS.lines().map(|token| token.rsplit_once('.').unwrap().0).collect());
    SIGNED.contains(signing_input)
}

/// A token of these bytes, signed with the shared secret by the algorithm that its header names, or HS256.
pub fn signed(header: &[u8], claims: &[u8]) -> String {
    let algorithm = serde_json::from_slice::<Value>(header).ok();
    let hash = match algorithm.as_ref().and_then(|header| header["alg"].as_str()) {
        Some("HS384") => hmac::HMAC_SHA384,
        Some("HS512") => hmac::HMAC_SHA512,
        _ => hmac::HMAC_SHA256,
    };
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let tag = hmac::sign(&hmac::Key::new(hash, SECRET.as_bytes()), input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
}
