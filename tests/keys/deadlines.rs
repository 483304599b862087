//! The time that an invocation waits for keys and secrets, which ends before its deadline.

use std::time::Duration;

use serde_json::json;

use crate::support::http::Reply;
use crate::support::{KeyServer, instant, key, stranger};
use crate::world::{ISSUER, KEYS, Local, api, api_of, random, served, set, token};

/// A delay longer than any test.
const EVER: Duration = Duration::from_secs(3600);

/// Sends a request in an invocation with 900 ms left. The limit is higher because the machine may be busy.
#[track_caller]
fn decides_in_time(local: &Local, token: &str, expected: &str) {
    let began = instant();
    assert_eq!(local.decides_within(900, token), expected);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn a_key_set_is_waited_for_until_300_ms_before_the_deadline() {
    let server = KeyServer::start();
    server.set(KEYS, set(&[&key("ES256")]).delayed(EVER));
    let local = Local::new(&api_of(&server, json!({ "timeout_ms": 10_000 })));
    decides_in_time(&local, &token(&key("ES256")), "KeysUnavailable");
    assert_eq!(server.count(KEYS), 1);
}

#[test]
fn a_key_that_the_set_lacks_is_waited_for_until_300_ms_before_the_deadline() {
    let (server, local) = served(&[&key("ES256")], json!({ "timeout_ms": 10_000 }));
    assert_eq!(local.decides(&token(&key("ES256"))), "allow");
    server.set(KEYS, set(&[&key("ES256")]).delayed(EVER));
    local.clock.advance(15);
    decides_in_time(&local, &random(0), "KeysUnavailable");
    local.clock.advance(15);
    decides_in_time(&local, &token(&stranger("ES256").named("es256")), "Unauthorized");
    decides_in_time(&local, &token(&key("ES256")), "allow");
    assert_eq!(server.count(KEYS), 3);
}

#[test]
fn secrets_are_waited_for_until_300_ms_before_the_deadline() {
    let extension = KeyServer::start();
    let secrets: Vec<_> = (0..5).map(|number| json!({ "secrets_manager": number.to_string() })).collect();
    for number in 0..5 {
        for stage in ["AWSCURRENT", "AWSPREVIOUS"] {
            let path = format!("/secretsmanager/get?secretId={number}&versionStage={stage}");
            extension.set(&path, Reply::ok("{}").delayed(EVER));
        }
    }
    let url = extension.url("");
    let port = url.rsplit(':').next().unwrap();
    let config = api(json!([{ "issuer": ISSUER, "audience": "api", "secret": secrets }]));
    let local = Local::with(&config, &[("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", port)]);
    decides_in_time(&local, &token(&key("HS256")), "KeysUnavailable");
    assert_eq!(extension.connections(), 10);
}

#[test]
fn with_less_than_300_ms_left_nothing_is_fetched_and_the_cached_set_serves() {
    let (server, local) = served(&[&key("ES256")], json!({ "fresh_seconds": 100, "stale_seconds": 100 }));
    let late = |token: &str| local.decides_within(299, token);
    assert_eq!(late(&token(&key("ES256"))), "KeysUnavailable");
    assert_eq!(server.count(KEYS), 0);
    assert_eq!(
        local.decides_within(10_000, &token(&key("ES256"))),
        "allow",
        "the server has not failed, so there is no pause"
    );
    let forged = token(&stranger("ES256").named("es256"));
    assert_eq!(late(&forged), "deny invalid_signature", "the set was fetched within the cooldown");
    local.clock.advance(15);
    assert_eq!(late(&forged), "Unauthorized");
    assert_eq!(late(&random(0)), "KeysUnavailable");
    local.clock.advance(85);
    assert_eq!(late(&token(&key("ES256"))), "allow", "the set is stale");
    local.clock.advance(100);
    assert_eq!(late(&token(&key("ES256"))), "KeysUnavailable", "the set is too old");
    assert_eq!(server.count(KEYS), 1);
    assert_eq!(local.decides(&token(&key("ES256"))), "allow");
    assert_eq!(server.count(KEYS), 2);
}

#[test]
fn a_deadline_in_the_past_comes_from_another_clock_and_is_ignored() {
    let (server, local) = served(&[&key("ES256")], json!({}));
    assert_eq!(local.decides_within(-1, &token(&key("ES256"))), "allow");
    assert_eq!(server.count(KEYS), 1);
}
