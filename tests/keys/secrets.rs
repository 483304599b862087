//! Shared secrets from Secrets Manager and Parameter Store, through a fake Parameters and Secrets extension.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::http::Reply;
use crate::support::{KeyServer, instant, key};
use crate::world::{ISSUER, Local, api, claims};

const CURRENT: &str = "/secretsmanager/get?secretId=hs%2Fkey&versionStage=AWSCURRENT";
const PREVIOUS: &str = "/secretsmanager/get?secretId=hs%2Fkey&versionStage=AWSPREVIOUS";
const PARAMETER: &str = "/systemsmanager/parameters/get?name=%2Fhs%2Fkey&withDecryption=true";
const SESSION: &str = "a session token";
const FIXED: &str = "a secret of the configuration that is long enough";

/// The secret with this number.
fn secret(number: usize) -> String {
    format!("secret number {number}, which is long enough for any of the algorithms here and then some more")
}

/// A token signed with this secret.
fn signed(secret: &str) -> String {
    let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let input = format!("{}.{}", encoded(r#"{"alg":"HS256"}"#), encoded(&claims(ISSUER).to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, input.as_bytes())))
}

/// A token signed with the secret of this number.
fn token(number: usize) -> String {
    signed(&secret(number))
}

/// The extension's response for a secret in Secrets Manager.
fn version(text: &str) -> Reply {
    Reply::json(
        &json!({ "ARN": "arn:aws:secretsmanager:x", "Name": "hs/key", "SecretString": text, "VersionStages": [] }),
    )
}

/// The extension's response for a parameter in Parameter Store.
fn parameter(text: &str) -> Reply {
    Reply::json(&json!({ "Parameter": { "Name": "/hs/key", "Type": "SecureString", "Value": text, "Version": 3 } }))
}

/// The extension's response while it is not ready.
fn refusal() -> Reply {
    Reply::status(400).body("not ready to serve traffic, please wait")
}

/// The extension's response for a version that does not exist.
fn absent() -> Reply {
    Reply::status(400).body(
        "operation error Secrets Manager: GetSecretValue, https response error StatusCode: 400, \
         ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS",
    )
}

/// Other failures of the extension, by name.
fn failures() -> Vec<(&'static str, Reply)> {
    vec![
        ("throttled", Reply::status(400).body("api error ThrottlingException: Rate exceeded")),
        ("not ready", refusal()),
        ("forbidden", Reply::status(403).body("AccessDeniedException")),
        ("no such page", Reply::status(404)),
        ("too many requests", Reply::status(429)),
        ("an internal error", Reply::status(500).body("ResourceNotFoundException")),
        ("closed", Reply::closed()),
        ("an empty object", Reply::ok("{}")),
        ("a page", Reply::ok("<html>ResourceNotFoundException</html>")),
        ("a binary secret", Reply::ok(r#"{"SecretBinary":"AAAA"}"#)),
        ("a short secret", version("short")),
    ]
}

fn managed() -> Value {
    json!({ "secrets_manager": "hs/key" })
}

/// An authorizer with this `secret`, which uses `extension`.
fn local(extension: &KeyServer, secret: &Value) -> Local {
    let url = extension.url("");
    let port = url.rsplit(':').next().unwrap();
    let config = api(json!([{ "issuer": ISSUER, "audience": "api", "secret": secret }]));
    Local::with(
        &config,
        &[("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", port), ("AWS_SESSION_TOKEN", SESSION), ("FIXED", FIXED)],
    )
}

/// An extension with secret 1 as the current version and secret 0 as the previous one.
fn rotated() -> KeyServer {
    let extension = KeyServer::start();
    extension.set(CURRENT, version(&secret(1)));
    extension.set(PREVIOUS, version(&secret(0)));
    extension
}

#[test]
fn secrets_come_through_the_extensions_endpoint_on_its_port_with_the_session_token() {
    let extension = rotated();
    let local = local(&extension, &managed());
    assert_eq!(local.decides(&token(1)), "allow");
    for path in [CURRENT, PREVIOUS] {
        let requests = extension.requests(path);
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].header("x-aws-parameters-secrets-token"), Some(SESSION));
    }
}

#[test]
fn secrets_are_fetched_on_the_first_invocation_and_never_during_init() {
    let extension = rotated();
    let local = local(&extension, &managed());
    local.warm_up();
    assert_eq!(extension.count(CURRENT), 0);
    assert_eq!(local.decides(&token(1)), "allow");
    assert_eq!(extension.count(CURRENT), 1);
}

#[test]
fn secrets_are_retried_while_the_extension_is_not_ready() {
    let extension = rotated();
    extension.once(CURRENT, refusal());
    extension.once(CURRENT, refusal());
    let local = local(&extension, &managed());
    assert_eq!(local.decides(&token(1)), "allow");
    assert_eq!((extension.count(CURRENT), extension.count(PREVIOUS)), (3, 1));
}

#[test]
fn the_current_version_and_the_previous_one_count() {
    let extension = rotated();
    let local = local(&extension, &managed());
    assert_eq!(local.decides(&token(1)), "allow");
    assert_eq!(local.decides(&token(0)), "allow");
    assert_eq!(local.decides(&token(2)), "deny invalid_signature");
    assert_eq!((extension.count(CURRENT), extension.count(PREVIOUS)), (1, 1));
}

#[test]
fn the_previous_version_does_not_count_if_it_is_not_wanted() {
    let extension = rotated();
    let local = local(&extension, &json!({ "secrets_manager": "hs/key", "previous": false }));
    assert_eq!(local.decides(&token(1)), "allow");
    assert_eq!(local.decides(&token(0)), "deny invalid_signature");
    assert_eq!((extension.count(CURRENT), extension.count(PREVIOUS)), (1, 0));
}

#[test]
fn before_the_first_rotation_there_is_no_previous_version() {
    let extension = rotated();
    extension.set(PREVIOUS, absent());
    let local = local(&extension, &managed());
    assert_eq!(local.decides(&token(1)), "allow");
    assert_eq!(local.decides(&token(0)), "deny invalid_signature");
    assert_eq!((extension.count(CURRENT), extension.count(PREVIOUS)), (1, 1));
}

#[test]
fn a_previous_version_that_could_not_be_read_is_an_outage_and_never_none() {
    for (what, failure) in failures() {
        let extension = rotated();
        extension.set(PREVIOUS, failure);
        let local = local(&extension, &managed());
        assert_eq!(local.decides(&token(1)), "allow", "{what}: the current version was read");
        assert_eq!(local.decides(&token(0)), "KeysUnavailable", "{what}");
        assert_eq!(local.decides(&token(2)), "KeysUnavailable", "{what}");
        assert_eq!(local.decides(&token(1)), "allow", "{what}");
        extension.set(PREVIOUS, version(&secret(0)));
        local.clock.advance(61);
        assert_eq!(local.decides(&token(0)), "allow", "{what}");
        assert_eq!(local.decides(&token(1)), "allow", "{what}");
        assert_eq!(local.decides(&token(2)), "deny invalid_signature", "{what}");
    }
}

#[test]
fn a_current_version_that_could_not_be_read_is_an_outage_and_the_previous_one_serves() {
    let failures = [
        ("no such version", absent()),
        ("throttled", Reply::status(400).body("api error ThrottlingException: Rate exceeded")),
        ("malformed", Reply::ok("{}")),
        ("short", version("short")),
    ];
    for (what, failure) in failures {
        let extension = rotated();
        extension.set(CURRENT, failure);
        let local = local(&extension, &managed());
        assert_eq!(local.decides(&token(0)), "allow", "{what}: the previous version was read");
        assert_eq!(local.decides(&token(1)), "KeysUnavailable", "{what}");
        extension.set(CURRENT, version(&secret(1)));
        local.clock.advance(61);
        assert_eq!(local.decides(&token(1)), "allow", "{what}");
        assert_eq!(local.decides(&token(2)), "deny invalid_signature", "{what}");
    }
}

#[test]
fn a_held_version_stays_when_it_cannot_be_read_again_and_no_longer_than_3600_seconds() {
    for (path, lost, read) in [(PREVIOUS, 0, 1), (CURRENT, 1, 0)] {
        let extension = rotated();
        let local = local(&extension, &managed());
        assert_eq!(local.decides(&token(lost)), "allow");
        extension.set(path, Reply::status(403));
        for _ in 0..11 {
            local.clock.advance(300);
            assert_eq!(local.decides(&token(lost)), "allow", "{path}");
            assert_eq!(local.decides(&token(read)), "allow", "{path}");
            assert_eq!(local.decides(&token(2)), "Unauthorized", "{path}: the secret may have been rotated since");
        }
        local.clock.advance(300);
        assert_eq!(local.decides(&token(lost)), "KeysUnavailable", "{path}");
        assert_eq!(local.decides(&token(read)), "allow", "{path}");
        assert_eq!(local.decides(&token(2)), "KeysUnavailable", "{path}");
    }
}

#[test]
fn a_parameter_that_could_not_be_read_is_an_outage_and_never_none() {
    for failure in [absent(), Reply::status(400).body("ParameterNotFound"), Reply::status(403), Reply::ok("{}")] {
        let extension = KeyServer::start();
        extension.set(PARAMETER, failure);
        let local = local(&extension, &json!({ "parameter_store": "/hs/key" }));
        assert_eq!(local.decides(&token(1)), "KeysUnavailable");
    }
}

#[test]
fn a_previous_version_that_cannot_be_read_is_an_outage() {
    let extension = rotated();
    extension.set(PREVIOUS, Reply::status(500));
    let local = local(&extension, &managed());
    assert_eq!(local.decides(&token(0)), "KeysUnavailable");
    extension.set(PREVIOUS, version(&secret(0)));
    local.clock.advance(61);
    assert_eq!(local.decides(&token(0)), "allow");
}

#[test]
fn a_field_of_a_json_secret_is_read() {
    let extension = rotated();
    extension.set(CURRENT, version(&json!({ "signing": secret(1), "user": "x" }).to_string()));
    extension.set(PREVIOUS, version(&json!({ "signing": secret(0) }).to_string()));
    let with = |field: &str| local(&extension, &json!({ "secrets_manager": "hs/key", "field": field }));
    let named = with("signing");
    assert_eq!(named.decides(&token(1)), "allow");
    assert_eq!(named.decides(&token(0)), "allow");
    assert_eq!(with("absent").decides(&token(1)), "KeysUnavailable");
    extension.set(CURRENT, version(&secret(1)));
    assert_eq!(with("signing").decides(&token(1)), "KeysUnavailable", "not a JSON object");
    extension.set(CURRENT, version(&json!({ "signing": 7 }).to_string()));
    assert_eq!(with("signing").decides(&token(1)), "KeysUnavailable", "not a string");
}

#[test]
fn parameter_store_is_asked_to_decrypt() {
    let extension = KeyServer::start();
    extension.set(PARAMETER, parameter(&secret(1)));
    let local = local(&extension, &json!({ "parameter_store": "/hs/key" }));
    assert_eq!(local.decides(&token(1)), "allow");
    assert_eq!(local.decides(&token(0)), "deny invalid_signature");
    let requests = extension.requests(PARAMETER);
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].header("x-aws-parameters-secrets-token"), Some(SESSION));
}

#[test]
fn secrets_are_read_again_after_300_seconds() {
    let extension = rotated();
    let local = local(&extension, &managed());
    assert_eq!(local.decides(&token(1)), "allow");
    local.clock.advance(299);
    assert_eq!(local.decides(&token(1)), "allow");
    assert_eq!(extension.count(CURRENT), 1);
    local.clock.advance(1);
    assert_eq!(local.decides(&token(1)), "allow");
    assert_eq!(extension.count(CURRENT), 2);
}

#[test]
fn secrets_are_used_for_at_most_3600_seconds_when_reading_again_fails() {
    let extension = rotated();
    let local = local(&extension, &managed());
    assert_eq!(local.decides(&token(1)), "allow");
    extension.set(CURRENT, Reply::status(500));
    for _ in 0..11 {
        local.clock.advance(300);
        assert_eq!(local.decides(&token(1)), "allow");
        assert_eq!(local.decides(&token(2)), "Unauthorized");
    }
    local.clock.advance(299);
    assert_eq!(local.decides(&token(1)), "allow");
    local.clock.advance(1);
    assert_eq!(local.decides(&token(1)), "KeysUnavailable");
    assert_eq!(local.decides(&token(2)), "KeysUnavailable");
    extension.set(CURRENT, version(&secret(1)));
    local.clock.advance(61);
    assert_eq!(local.decides(&token(1)), "allow");
}

#[test]
fn a_rotation_is_never_a_cached_refusal_and_is_seen_at_the_next_reading() {
    let extension = rotated();
    let local = local(&extension, &managed());
    assert_eq!(local.decides(&token(1)), "allow");
    extension.set(CURRENT, version(&secret(2)));
    extension.set(PREVIOUS, version(&secret(1)));
    local.clock.advance(15);
    assert_eq!(local.decides(&token(2)), "deny invalid_signature", "the copy is no older than the cooldown");
    local.clock.advance(1);
    assert_eq!(local.decides(&token(2)), "Unauthorized", "now it is older");
    assert_eq!(local.decides(&token(1)), "allow");
    assert_eq!(extension.count(CURRENT), 1, "a bad signature does not refetch secrets");
    local.clock.advance(284);
    assert_eq!(local.decides(&token(2)), "allow");
    assert_eq!(local.decides(&token(1)), "allow");
    assert_eq!(local.decides(&token(0)), "deny invalid_signature", "two rotations back");
    assert_eq!(extension.count(CURRENT), 2);
}

#[test]
fn an_unsuitable_secret_is_keys_unavailable() {
    let extension = rotated();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", "A".repeat(64));
    for unfit in ["", "too short", &pem, &json!({ "kty": "RSA", "n": "A".repeat(64) }).to_string()] {
        extension.set(CURRENT, version(unfit));
        let local = local(&extension, &managed());
        assert_eq!(local.decides(&signed(unfit)), "KeysUnavailable", "{unfit}");
    }
    // A public key as consoles show it: as a SubjectPublicKeyInfo, or the modulus of the JWK.
    let jwk = key("RS256").jwk();
    let n = jwk["n"].as_str().unwrap();
    let number = URL_SAFE_NO_PAD.decode(n).unwrap();
    let head = "30820122300d06092a864886f70d01010105000382010f003082010a0282010100";
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let info = format!("{head}{}0203010001", hex(&number));
    let der: Vec<u8> =
        (0..info.len()).step_by(2).map(|at| u8::from_str_radix(&info[at..at + 2], 16).unwrap()).collect();
    for unfit in [n, &info, &STANDARD.encode(&der)] {
        extension.set(CURRENT, version(unfit));
        extension.set(PREVIOUS, version(unfit));
        assert_eq!(local(&extension, &managed()).decides(&signed(unfit)), "KeysUnavailable", "{unfit}");
    }
    let encoded = json!({ "secrets_manager": "hs/key", "encoding": "base64" });
    extension.set(CURRENT, version(&STANDARD.encode(&der)));
    assert_eq!(local(&extension, &encoded).decides(&token(1)), "KeysUnavailable");
    extension.set(CURRENT, version("!"));
    assert_eq!(local(&extension, &encoded).decides(&token(1)), "KeysUnavailable");
    for reply in [Reply::ok("{}"), Reply::ok("<html></html>"), Reply::ok(r#"{"SecretBinary":"AAAA"}"#)] {
        extension.set(CURRENT, reply);
        assert_eq!(local(&extension, &managed()).decides(&token(1)), "KeysUnavailable");
    }
}

#[test]
fn encodings_hold_for_fetched_secrets_too() {
    let extension = KeyServer::start();
    let encoded = STANDARD.encode(secret(1));
    extension.set(PARAMETER, parameter(&encoded));
    let local = local(&extension, &json!({ "parameter_store": "/hs/key", "encoding": "base64" }));
    assert_eq!(local.decides(&token(1)), "allow");
    assert_eq!(local.decides(&signed(&encoded)), "deny invalid_signature");
}

#[test]
fn an_extension_that_fails_is_an_outage_followed_by_a_pause() {
    let extension = KeyServer::start();
    extension.set(CURRENT, refusal());
    let local = local(&extension, &managed());
    assert_eq!(local.decides(&token(1)), "KeysUnavailable");
    let tried = extension.count(CURRENT);
    assert!((3..20).contains(&tried), "{tried}");
    for _ in 0..20 {
        assert_eq!(local.decides(&token(1)), "KeysUnavailable");
    }
    assert_eq!(extension.count(CURRENT), tried);
    extension.set(CURRENT, version(&secret(1)));
    local.clock.advance(1);
    assert_eq!(local.decides(&token(1)), "allow");
}

#[test]
fn a_missing_extension_is_an_outage() {
    let extension = KeyServer::start();
    let local = local(&extension, &managed());
    drop(extension);
    assert_eq!(local.decides(&token(1)), "KeysUnavailable");
}

#[test]
fn configured_secrets_serve_in_addition_to_fetched_ones_even_in_an_outage() {
    let extension = rotated();
    let both = json!([{ "env": "FIXED" }, managed(), { "parameter_store": "/hs/key" }]);
    let local = local(&extension, &both);
    assert_eq!(local.decides(&signed(FIXED)), "allow");
    assert_eq!(extension.count(CURRENT), 0, "the configured secret verifies, so nothing is fetched");
    assert_eq!(local.decides(&token(1)), "allow");
    assert_eq!(local.decides(&token(0)), "allow");
    // The parameter may have signed other tokens, but cannot be read.
    assert_eq!(local.decides(&token(2)), "KeysUnavailable");
    extension.set(PARAMETER, parameter(&secret(2)));
    local.clock.advance(2);
    assert_eq!(local.decides(&token(2)), "allow");
    assert_eq!(local.decides(&token(3)), "deny invalid_signature");
}

#[test]
fn several_stored_secrets_are_read_in_parallel() {
    let all: Vec<Value> = (0..5).map(|number| json!({ "parameter_store": format!("/hs/{number}") })).collect();
    let path = |number: usize| format!("/systemsmanager/parameters/get?name=%2Fhs%2F{number}&withDecryption=true");
    let down = local(&KeyServer::start(), &json!(all));
    let began = instant();
    assert_eq!(down.decides(&token(0)), "KeysUnavailable");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(4), "sequential reads take 8.5 s; took {took:?}");
    let hanging = KeyServer::start();
    for number in 0..5 {
        hanging.set(&path(number), parameter(&secret(number)).delayed(Duration::from_millis(800)));
    }
    let local = local(&hanging, &json!(all));
    let began = instant();
    assert_eq!(local.decides(&token(4)), "allow");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(3), "sequential reads take 4 s; took {took:?}");
    for number in 0..5 {
        assert_eq!((local.decides(&token(number)), hanging.count(&path(number))), ("allow".to_owned(), 1));
    }
}

#[test]
fn a_token_that_no_stored_secret_can_have_signed_waits_for_none() {
    let extension = KeyServer::start();
    let local = local(&extension, &managed());
    let good = token(1);
    let input = good.rsplit_once('.').unwrap().0;
    for (bogus, expected) in [
        (format!("{input}.{}", URL_SAFE_NO_PAD.encode([7; 31])), "deny invalid_signature"),
        (format!("{input}.{}", URL_SAFE_NO_PAD.encode([7; 64])), "deny invalid_signature"),
        (format!("{good}."), "deny malformed_token"),
        (input.to_owned(), "deny malformed_token"),
        (key("HS512").token(&claims(ISSUER)), "deny unsupported_algorithm"),
    ] {
        assert_eq!(local.decides(&bogus), expected, "{bogus}");
    }
    assert_eq!(extension.connections(), 0);
}

#[test]
fn concurrent_invocations_share_one_reading() {
    let extension = rotated();
    extension.set(CURRENT, version(&secret(1)).delayed(Duration::from_millis(300)));
    let local = local(&extension, &managed());
    assert_eq!(local.decide_at_once((0..50).map(|_| token(1))), ["allow"; 50]);
    assert_eq!((extension.count(CURRENT), extension.count(PREVIOUS)), (1, 1));
}
