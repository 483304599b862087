//! The time for an event is linear in its size, whatever it contains. It is measured in instructions, which do not
//! depend on other load on the machine.
//!
//! The unmodified program runs locally under valgrind's `cachegrind`, with one event at a time. A run with a small
//! event gives the cost of the start, which is subtracted. The counts are the same in every run. Without valgrind the
//! tests are skipped with a message. `cargo test` alone does not run this file, because it takes two minutes:
//! `.ci/full` runs it with a release binary.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a failed step fails the test"
)]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const SECRET: &str = "a secret for tests, of 32 bytes or more";
const STAGE: &str = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/";
/// The limit of the cost ratio for twice the size. It is a little above 2, because buffers grow in steps and a tree
/// gains a level. A quadratic algorithm has a ratio of up to 4.
const AT_MOST: f64 = 2.2;

fn api() -> Value {
    let routes: Vec<Value> =
        (0..5).map(|n| json!({ "path": format!("/r{n}/{{id}}"), "scopes": format!("s{n}") })).collect();
    let issuer = json!({ "issuer": "https://issuer.example/", "audience": "api", "secret": { "env": "SECRET" } });
    json!({ "issuers": [issuer], "routes": routes, "context": { "all": "", "x": "x" } })
}

fn claims(more: &str) -> String {
    format!(r#"{{"iss":"https://issuer.example/","aud":"api","sub":"u","exp":4922899200,"scope":"s0 s1"{more}}}"#)
}

fn signed(header: &str, payload: &str) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, input.as_bytes())))
}

fn token(more: &str) -> String {
    signed(r#"{"alg":"HS256"}"#, &claims(more))
}

fn event(token: &str, request: &str) -> String {
    json!({ "type": "TOKEN", "authorizationToken": format!("Bearer {token}"), "methodArn": format!("{STAGE}{request}") }).to_string()
}

/// A valid event with this text before its other members.
fn event_with(more: &str) -> String {
    event(&token(""), "GET/r0/1").replacen('{', &format!("{{{more},"), 1)
}

/// A file that is removed after the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(content: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("linear-{}-{}.json", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A leftover file is harmless: it is in the build directory.
        drop(std::fs::remove_file(&self.0));
    }
}

fn can_count() -> bool {
    let found = Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("skipped: valgrind is not installed");
    }
    found
}

/// The path of the program: `TEST_PROGRAM`, or else the one built with the tests.
fn program() -> OsString {
    std::env::var_os("TEST_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_apigw-jwt-authorizer").into())
}

/// The instructions of a whole run with one event, and the answer.
fn run(api: &Value, event: &str) -> (u64, String) {
    let (config, event) = (Scratch::new(&api.to_string()), Scratch::new(event));
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(program())
        .arg(&event.0)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("AUTHORIZER_CONFIG_FILE", &config.0)
        .env("SECRET", SECRET)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let count = told.lines().find_map(|line| line.split_once(" refs:")).unwrap_or_else(|| panic!("{told}")).1;
    let count = count.trim().replace(',', "").parse().unwrap();
    (count, String::from_utf8(output.stdout).unwrap())
}

/// Checks that each doubling of the size costs at most [`AT_MOST`] times as much, and that every answer contains
/// `answered`.
fn linear(what: &str, sizes: [usize; 3], answered: &str, shape: impl Fn(usize) -> String) {
    // The cost of the start: an empty event is refused at once.
    static START: LazyLock<u64> = LazyLock::new(|| run(&api(), "{}").0);
    let costs = sizes.map(|size| {
        let event = shape(size);
        let (count, answer) = run(&api(), &event);
        assert!(answer.contains(answered), "{what} of {size}: {answer}");
        (event.len(), count.saturating_sub(*START))
    });
    judged(what, costs);
}

fn judged(what: &str, costs: [(usize, u64); 3]) {
    eprintln!("{what}: bytes and instructions {costs:?}");
    for pair in costs.windows(2) {
        let [(smaller, less), (larger, more)] = pair else { panic!("windows of two") };
        let (size, cost) = (*larger as f64 / *smaller as f64, *more as f64 / (*less).max(1) as f64);
        assert!(
            cost <= AT_MOST * (size / 2.0).max(1.0),
            "{what}: {size:.2} times the size costs {cost:.2} times as much"
        );
    }
}

/// Sizes of a whole event. Lambda accepts up to 6 MB.
const LARGE: [usize; 3] = [25_000, 50_000, 100_000];
/// Sizes that fit into a token of 10,240 bytes.
const SMALL: [usize; 3] = [1650, 3300, 6600];

#[test]
fn credentials_of_any_length() {
    if !can_count() {
        return;
    }
    for (what, piece) in [("dots", "."), ("segments", "eyJ."), ("escapes", "\u{1}"), ("spaces", " ")] {
        let reason = if piece == " " { "missing_token" } else { "malformed_token" };
        linear(what, LARGE, reason, |size| event(&piece.repeat(size / piece.len()), "GET/r0/1"));
    }
    linear("dots within the limit", [2500, 5000, 10_000], "malformed_token", |size| {
        event(&".".repeat(size), "GET/r0/1")
    });
}

#[test]
fn events_of_any_length() {
    if !can_count() {
        return;
    }
    linear("a wide list", LARGE, "Allow", |size| event_with(&format!(r#""x":[{}0]"#, "0,".repeat(size / 2))));
    linear("a long text", LARGE, "Allow", |size| event_with(&format!(r#""x":"{}""#, "\\u0041".repeat(size / 6))));
    linear("many members", LARGE, "Allow", |size| {
        let members: Vec<String> = (0..size / 12).map(|n| format!(r#""x{n:06}":0"#)).collect();
        event_with(&members.join(","))
    });
    linear("deep lists", LARGE, "MalformedEvent", |size| event_with(&format!(r#""x":{}"#, "[".repeat(size))));
}

#[test]
fn paths_of_any_length() {
    if !can_count() {
        return;
    }
    for (what, piece) in [("segments", "a/"), ("empty segments", "/"), ("encodings", "%41"), ("stars", "*")] {
        linear(what, LARGE, "Deny", |size| event(&token(""), &format!("GET/r0/{}", piece.repeat(size / piece.len()))));
    }
}

#[test]
fn tokens_of_any_contents() {
    if !can_count() {
        return;
    }
    let allowed = |token: String| event(&token, "GET/r0/1");
    let names = |size: usize| (0..size / 10).map(|n| format!(r#","x{n:04}":0"#)).collect::<String>();
    linear("many claims", SMALL, "Allow", |size| allowed(token(&names(size))));
    linear("many header members", [700, 1400, 2800], "Allow", |size| {
        allowed(signed(&format!(r#"{{"alg":"HS256"{}}}"#, names(size)), &claims("")))
    });
    linear("a wide claim", SMALL, "Allow", |size| allowed(token(&format!(r#","x":[{}0]"#, "0,".repeat(size / 2)))));
    linear("a long claim", SMALL, "Allow", |size| allowed(token(&format!(r#","x":"{}""#, "\\\"".repeat(size / 2)))));
    linear("deep claims", SMALL, "Allow", |size| {
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        allowed(token(&format!(r#","x":[{}0]"#, format!("{deep},").repeat(size / 201))))
    });
    linear("many scopes", SMALL, "Allow", |size| {
        let scopes: Vec<String> = (0..size / 6).map(|n| format!("x{n:04}")).collect();
        allowed(token(&format!(r#","scp":"{}""#, scopes.join(" "))))
    });
    linear("many audiences", SMALL, "Allow", |size| {
        let many = format!(r#""aud":[{}"api"]"#, r#""x","#.repeat(size / 4));
        allowed(signed(r#"{"alg":"HS256"}"#, &claims("").replace(r#""aud":"api""#, &many)))
    });
    linear("a repeated claim", SMALL, "malformed_token", |size| {
        allowed(token(&format!("{}{}", names(size), r#","x0000":0"#)))
    });
}

#[test]
fn key_sets_of_any_size() {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    if !can_count() {
        return;
    }
    let key = |n: usize| {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(|half| URL_SAFE_NO_PAD.encode(half));
        json!({ "kty": "EC", "crv": "P-256", "kid": format!("k{n}"), "x": x, "y": y })
    };
    let odd = |n: usize| json!({ "kty": "EC", "crv": "P-256", "kid": format!("k{n}"), "x": "AAAA", "y": "AAAA" });
    let cost = |keys: Vec<Value>| {
        let issuer = json!({ "issuer": "https://issuer.example/", "audience": "api", "jwks": { "keys": keys } });
        let (api, event) =
            (json!({ "issuers": [issuer], "undeclared_routes": "allow" }), event(&token(""), "GET/r0/1"));
        let (count, answer) = run(&api, &event);
        assert!(answer.contains("unsupported_algorithm"), "{answer}");
        (api.to_string().len(), count)
    };
    let (_, start) = cost(vec![key(0)]);
    let costs = |sizes: [usize; 3], more: &dyn Fn(usize) -> Value| {
        sizes.map(|size| {
            let (bytes, count) = cost((0..size).map(more).chain([key(size)]).collect());
            (bytes, count.saturating_sub(start))
        })
    };
    judged("keys", costs([24, 48, 96], &key));
    judged("odd keys", costs([24, 48, 96], &odd));
}

/// The cost of an event without the start, for an API with another route table.
fn besides_the_start(api: &Value, event: &str, answered: &str) -> u64 {
    let (count, answer) = run(api, event);
    assert!(answer.contains(answered), "{answer}");
    count.saturating_sub(run(api, "{}").0)
}

#[test]
fn a_thousand_values_bound_to_a_path_cost_ten_times_one_at_most() {
    if !can_count() {
        return;
    }
    let mut routes: Vec<Value> = (0..41)
        .map(|n| json!({ "path": format!("/orgs/{{org}}/res{n}/{{path+}}"), "claims": { "orgs": "{org}" } }))
        .collect();
    routes.push(json!({ "path": "/orgs/{org}/res0/export", "claims": { "orgs": "{org}" }, "scopes": "export" }));
    let api = json!({ "issuers": api()["issuers"], "routes": routes, "undeclared_routes": "absent" });
    let costs = [1, 10, 100, 1000].map(|values| {
        // With three letters each, a thousand values fit into a token of 10,240 bytes.
        let digit = |n: usize| char::from(b'a' + (n % 26) as u8);
        let text = |n: usize| format!(r#""{}{}{}""#, digit(n / 676), digit(n / 26), digit(n));
        let texts: Vec<String> = (0..values).map(text).collect();
        let token = token(&format!(r#","orgs":[{}]"#, texts.join(",")));
        besides_the_start(&api, &event(&token, "GET/orgs/aaa/res1/x"), "Allow")
    });
    eprintln!("values bound to a path: instructions {costs:?}");
    assert!(costs[3] <= 10 * costs[0], "{costs:?}");
}

#[test]
fn a_thousand_tenants_cost_a_decision_no_more_than_one() {
    if !can_count() {
        return;
    }
    // The public key of RFC 8037 appendix A.2, and a signature that it has not made.
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let claims = r#"{"iss":"https://issuer.example/t0","aud":"api","sub":"u","exp":4922899200}"#;
    let input = [r#"{"alg":"EdDSA","kid":"k"}"#, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let token = format!("{input}.{}", URL_SAFE_NO_PAD.encode([0; 64]));
    let costs = [1, 1000].map(|count| {
        let tenants: Vec<String> = (0..count).map(|n| format!("t{n}")).collect();
        let issuer = json!({
            "issuer": "https://issuer.example/{tenant}", "tenants": tenants, "audience": "api", "jwks": { "keys": [key] },
        });
        let api = json!({ "issuers": [issuer], "undeclared_routes": "allow" });
        besides_the_start(&api, &event(&token, "GET/r0/1"), "invalid_signature")
    });
    eprintln!("tenants: instructions {costs:?}");
    assert!(costs[1].saturating_mul(100) <= costs[0].saturating_mul(102), "{costs:?}");
}

#[test]
fn tables_of_any_size() {
    if !can_count() {
        return;
    }
    let costs = [200, 400, 800].map(|size: usize| {
        let mut api = api();
        let paths = (0..size)
            .map(|n| json!({ "method": "GET", "path": format!("/r{n}/{{id}}"), "scopes": format!("s{}", n % 7) }));
        api["routes"] = json!(paths.collect::<Vec<_>>());
        (size, run(&api, "{}").0)
    });
    let (start, _) = run(&api(), "{}");
    judged("routes", costs.map(|(size, count)| (size, count.saturating_sub(start))));
}
