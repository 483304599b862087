//! The responses that replace a key set, and the keys that are read from them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::http::Reply;
use crate::support::{KeyServer, instant, jwks, key, stranger};
use crate::world::{KEYS, Local, api_of, down, served, set, token};

/// A valid key set, so that only the rest of a response can be wrong.
fn good() -> String {
    jwks(&[stranger("ES256")]).to_string()
}

#[test]
fn a_set_is_replaced_only_by_a_200_whose_body_parses_and_holds_a_usable_key() {
    let elsewhere = KeyServer::start();
    elsewhere.set("/elsewhere", Reply::ok(good()));
    let redirect = |status| Reply::status(status).header("Location", &elsewhere.url("/elsewhere")).body(good());
    let padded = |bytes: usize| format!("{}{}", good(), " ".repeat(bytes - good().len()));
    for (what, reply) in [
        ("500 with a set", Reply::status(500).body(good())),
        ("403 with a set", Reply::status(403).body(good())),
        ("201 with a set", Reply::status(201).body(good())),
        ("204", Reply::status(204)),
        ("301", redirect(301)),
        ("302", redirect(302)),
        ("307", redirect(307)),
        ("a page", Reply::ok("<html><body>Back soon</body></html>").header("Content-Type", "text/html")),
        ("nothing", Reply::ok("")),
        ("{}", Reply::ok("{}")),
        ("no keys", Reply::ok(r#"{"keys":[]}"#)),
        ("null keys", Reply::ok(r#"{"keys":null}"#)),
        ("an object of keys", Reply::ok(r#"{"keys":{}}"#)),
        ("odd keys alone", Reply::ok(r#"{"keys":[null,1,{"kty":"oct","k":"AAAA"},{"kty":"EC","crv":"P-256"}]}"#)),
        ("a list", Reply::ok("[]")),
        ("half a set", Reply::ok(&good()[..50])),
        ("more than a set", Reply::ok(format!("{}x", good()))),
        ("513 KiB", Reply::ok(padded(513 * 1024))),
        ("10 MB", Reply::ok(padded(10_000_000))),
        ("a body that breaks off", Reply::ok(good()).broken_after(50)),
        ("a closed connection", Reply::closed()),
    ] {
        let (server, local) = served(&[&key("ES256")], json!({ "fresh_seconds": 100 }));
        assert_eq!(local.decides(&token(&key("ES256"))), "allow", "{what}");
        server.set(KEYS, reply);
        local.clock.advance(100);
        assert_eq!(local.decides(&token(&key("ES256"))), "allow", "the old set is kept: {what}");
        assert_eq!(server.count(KEYS), 2, "{what}");
        assert_eq!(local.decides(&token(&stranger("ES256"))), "KeysUnavailable", "{what}");
        local.clock.advance(3600);
        assert_eq!(local.decides(&token(&key("ES256"))), "KeysUnavailable", "{what}");
        server.set(KEYS, Reply::ok(good()));
        local.clock.advance(61);
        assert_eq!(local.decides(&token(&stranger("ES256"))), "allow", "{what}");
    }
    assert_eq!(elsewhere.count("/elsewhere"), 0, "redirects are not followed");
}

#[test]
fn a_body_of_512_kib_is_read() {
    let server = KeyServer::start();
    let set = jwks(&[key("ES256")]).to_string();
    server.set(KEYS, Reply::ok(format!("{set}{}", " ".repeat(512 * 1024 - set.len()))));
    let local = Local::new(&api_of(&server, json!({})));
    assert_eq!(local.decides(&token(&key("ES256"))), "allow");
}

#[test]
fn a_slow_body_costs_no_more_than_the_configured_wait() {
    let (server, local) = served(&[&key("ES256")], json!({ "fresh_seconds": 100, "timeout_ms": 500 }));
    assert_eq!(local.decides(&token(&key("ES256"))), "allow");
    server.set(KEYS, Reply::ok(good()).stalling_after(20));
    local.clock.advance(100);
    let began = instant();
    assert_eq!(local.decides(&token(&key("ES256"))), "allow");
    local.clock.advance(3600);
    assert_eq!(local.decides(&token(&key("ES256"))), "KeysUnavailable");
    // It should take less than a second, but the machine may be busy.
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(server.count(KEYS), 3);
}

#[test]
fn a_set_is_replaced_whole_and_a_removed_key_is_gone() {
    let (first, second, third) = (key("ES256"), key("RS256"), stranger("EdDSA"));
    let (server, local) = served(&[&first, &second], json!({ "fresh_seconds": 100 }));
    let all = |expected: [&str; 3]| {
        let tokens = [&first, &second, &third].map(token);
        assert_eq!(tokens.map(|token| local.decides(&token)), expected);
    };
    all(["allow", "allow", "Unauthorized"]);
    server.set(KEYS, set(&[&third]));
    local.clock.advance(100);
    all(["Unauthorized", "Unauthorized", "allow"]);
    assert_eq!(server.count(KEYS), 2);
}

#[test]
fn unusable_keys_are_skipped_and_the_rest_are_read() {
    let private = {
        let mut jwk = stranger("ES256").jwk();
        jwk["d"] = "AAAA".into();
        jwk
    };
    for odd in [
        json!(null),
        json!({}),
        json!({ "kty": "oct", "k": "AAAA", "kid": "stranger-es256" }),
        json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA" }),
        json!({ "kty": "RSA", "n": "AQAB=", "e": "AQAB" }),
        private,
    ] {
        let server = KeyServer::start();
        server.set(KEYS, Reply::json(&json!({ "keys": [odd, key("ES256").jwk(), odd] })));
        let local = Local::new(&api_of(&server, json!({})));
        assert_eq!(local.decides(&token(&key("ES256"))), "allow", "{odd}");
        assert_eq!(local.decides(&token(&stranger("ES256"))), "Unauthorized", "{odd}");
        assert_eq!(server.count(KEYS), 1);
    }
}

#[test]
fn at_most_a_hundred_keys_are_read() {
    let many = |before: usize, after: usize| {
        let mut keys = Vec::new();
        for number in 0..before + after {
            if number == before {
                keys.push(key("ES256").jwk());
            }
            // Short, so that ten thousand of them stay below the limit of 512 KiB.
            keys.push(json!({ "kty": "EC", "kid": number }));
        }
        json!({ "keys": keys })
    };
    for (before, expected) in [(99, "allow"), (100, "KeysUnavailable")] {
        let server = KeyServer::start();
        let set = many(before, 9_900);
        assert!(set.to_string().len() < 512 * 1024);
        server.set(KEYS, Reply::json(&set));
        let local = Local::new(&api_of(&server, json!({})));
        assert_eq!(local.decides(&token(&key("ES256"))), expected, "{before} keys before it");
        assert_eq!(server.count(KEYS), 1);
    }
}

#[test]
fn two_different_keys_with_the_same_kid_and_algorithm_are_both_dropped() {
    let (one, two) = (key("ES256").named("k"), stranger("ES256").named("k"));
    let server = KeyServer::start();
    let mut odd = one.jwk();
    odd["use"] = "enc".into();
    let with = |keys: Value| {
        server.set(KEYS, Reply::json(&json!({ "keys": keys })));
        let local = Local::new(&api_of(&server, json!({})));
        [&one, &two].map(|key| local.decides(&token(key)))
    };
    let other = key("RS256").jwk();
    assert_eq!(with(json!([one.jwk(), two.jwk(), other])), ["Unauthorized", "Unauthorized"]);
    assert_eq!(with(json!([one.jwk(), one.jwk()])), ["allow", "deny invalid_signature"], "the same");
    assert_eq!(with(json!([odd, two.jwk()])), ["deny invalid_signature", "allow"], "an unusable twin");
    assert_eq!(with(json!([one.jwk(), two.jwk()])), ["KeysUnavailable", "KeysUnavailable"], "no usable key left");
}

#[test]
fn a_new_set_loses_its_ambiguous_keys_and_is_rejected_if_no_key_is_left() {
    let (one, two) = (key("ES256").named("k"), stranger("ES256").named("k"));
    let (server, local) = served(&[&one], json!({ "fresh_seconds": 100 }));
    assert_eq!(local.decides(&token(&one)), "allow");
    server.set(KEYS, set(&[&one, &two]));
    local.clock.advance(100);
    assert_eq!(local.decides(&token(&one)), "allow", "the old set");
    server.set(KEYS, set(&[&one, &two, &key("RS256")]));
    local.clock.advance(100);
    assert_eq!(local.decides(&token(&one)), "Unauthorized");
    server.set(KEYS, down());
    assert_eq!(local.decides(&token(&key("RS256"))), "allow");
}
