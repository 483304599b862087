//! Keys missing from the set: when the set is fetched again, and the answers until then.

use std::time::Duration;

use serde_json::json;

use crate::support::http::Reply;
use crate::support::{KeyServer, SigningKey, eventually, key, stranger};
use crate::world::{ISSUER, KEYS, Local, api, api_of, claims, down, issuer, nameless, random, served, set, token};

/// Sends a request; checks its outcome and the total number of fetches.
#[track_caller]
fn asked(local: &Local, server: &KeyServer, token: &str, expected: &str, fetches: usize) {
    assert_eq!(local.decides(token), expected);
    assert_eq!(server.count(KEYS), fetches, "fetches");
}

#[test]
fn an_unknown_kid_refetches_at_most_once_per_cooldown_counted_from_the_last_attempt() {
    let (server, local) = served(&[&key("ES256")], json!({ "cooldown_seconds": 15 }));
    asked(&local, &server, &token(&key("ES256")), "allow", 1);
    asked(&local, &server, &random(0), "Unauthorized", 1);
    local.clock.advance(14);
    asked(&local, &server, &random(1), "Unauthorized", 1);
    local.clock.advance(1);
    asked(&local, &server, &random(2), "Unauthorized", 2);
    asked(&local, &server, &random(3), "Unauthorized", 2);
    local.clock.advance(14);
    asked(&local, &server, &random(3), "Unauthorized", 2);
    local.clock.advance(1);
    server.set(KEYS, down());
    asked(&local, &server, &random(3), "KeysUnavailable", 3);
    local.clock.advance(14);
    asked(&local, &server, &random(3), "KeysUnavailable", 3);
    local.clock.advance(1);
    asked(&local, &server, &random(3), "KeysUnavailable", 4);
}

#[test]
fn unknown_key_is_answered_only_if_a_successful_fetch_within_the_cooldown_lacked_the_key() {
    let (server, local) = served(&[&key("ES256")], json!({}));
    asked(&local, &server, &random(0), "Unauthorized", 1);
    server.set(KEYS, down());
    local.clock.advance(15);
    asked(&local, &server, &random(0), "KeysUnavailable", 2);
    asked(&local, &server, &random(0), "KeysUnavailable", 2);
    server.set(KEYS, set(&[&key("ES256")]));
    asked(&local, &server, &random(0), "KeysUnavailable", 2);
    local.clock.advance(15);
    asked(&local, &server, &random(0), "Unauthorized", 3);
}

#[test]
fn a_new_key_is_accepted_on_first_sight_and_an_old_one_refused_after_the_next_refresh() {
    let (old, new) = (key("ES256"), stranger("ES256"));
    let (server, local) = served(&[&old], json!({}));
    asked(&local, &server, &token(&old), "allow", 1);
    server.set(KEYS, set(&[&old, &new]));
    local.clock.advance(15);
    asked(&local, &server, &token(&new), "allow", 2);
    asked(&local, &server, &token(&old), "allow", 2);
    server.set(KEYS, set(&[&new]));
    local.clock.advance(539);
    asked(&local, &server, &token(&old), "allow", 2);
    local.clock.advance(61);
    asked(&local, &server, &token(&old), "Unauthorized", 3);
    asked(&local, &server, &token(&new), "allow", 3);
}

#[test]
fn a_new_key_within_the_cooldown_is_refused_without_being_cached() {
    let (server, local) = served(&[&key("ES256")], json!({}));
    asked(&local, &server, &token(&key("ES256")), "allow", 1);
    server.set(KEYS, set(&[&stranger("ES256")]));
    asked(&local, &server, &token(&stranger("ES256")), "Unauthorized", 1);
    local.clock.advance(15);
    asked(&local, &server, &token(&stranger("ES256")), "allow", 2);
}

#[test]
fn a_bad_signature_on_a_token_without_kid_also_refetches() {
    let (old, new) = (key("ES256"), stranger("ES256"));
    let (server, local) = served(&[&old], json!({}));
    asked(&local, &server, &nameless(&old), "allow", 1);
    asked(&local, &server, &nameless(&new), "deny invalid_signature", 1);
    local.clock.advance(15);
    asked(&local, &server, &nameless(&new), "deny invalid_signature", 2);
    local.clock.advance(15);
    server.set(KEYS, down());
    asked(&local, &server, &nameless(&new), "Unauthorized", 3);
    asked(&local, &server, &nameless(&old), "allow", 3);
    server.set(KEYS, set(&[&new]));
    local.clock.advance(15);
    asked(&local, &server, &nameless(&new), "allow", 4);
    asked(&local, &server, &nameless(&old), "deny invalid_signature", 4);
}

#[test]
fn a_token_without_kid_is_tried_with_the_keys_of_a_new_set_and_waits_for_none_if_a_held_key_has_signed_it() {
    let (old, new) = (key("ES256"), stranger("ES256"));
    let (server, local) = served(&[&old], json!({}));
    asked(&local, &server, &nameless(&old), "allow", 1);
    server.set(KEYS, set(&[&old, &new]));
    asked(&local, &server, &nameless(&new), "deny invalid_signature", 1);
    local.clock.advance(15);
    asked(&local, &server, &nameless(&old), "allow", 1);
    asked(&local, &server, &nameless(&new), "allow", 2);
    asked(&local, &server, &nameless(&old), "allow", 2);
}

#[test]
fn a_token_by_a_new_certificate_has_the_set_fetched_again() {
    let (old, new) = (key("ES256").named("old"), stranger("ES256").named("new"));
    let published = |signers: &[&SigningKey]| {
        let keys = signers.iter().map(|signer| {
            let mut jwk = signer.jwk();
            jwk["x5t"] = signer.kid.as_str().into();
            jwk
        });
        Reply::json(&json!({ "keys": keys.collect::<Vec<_>>() }))
    };
    let token = |signer: &SigningKey| signer.token_with(&json!({ "alg": "ES256", "x5t": signer.kid }), &claims(ISSUER));
    let (server, local) = served(&[&old], json!({}));
    server.set(KEYS, published(&[&old]));
    asked(&local, &server, &token(&old), "allow", 1);
    asked(&local, &server, &token(&new), "Unauthorized", 1);
    server.set(KEYS, published(&[&old, &new]));
    local.clock.advance(15);
    asked(&local, &server, &token(&new), "allow", 2);
    asked(&local, &server, &token(&old), "allow", 2);
}

/// Two keys with the same `kid`.
fn same_kid() -> (SigningKey, SigningKey) {
    (key("ES256").named("k"), stranger("ES256").named("k"))
}

#[test]
fn a_new_key_under_an_old_kid_is_fetched_when_the_old_one_does_not_fit() {
    let (old, new) = same_kid();
    let (server, local) = served(&[&old], json!({}));
    asked(&local, &server, &token(&old), "allow", 1);
    server.set(KEYS, set(&[&new]));
    asked(&local, &server, &token(&new), "deny invalid_signature", 1);
    local.clock.advance(15);
    asked(&local, &server, &token(&new), "allow", 2);
    asked(&local, &server, &token(&old), "deny invalid_signature", 2);
    // A key whose `kid` is no longer in the set is unknown, and that is not cached either.
    server.set(KEYS, set(&[&key("ES256").named("other")]));
    local.clock.advance(15);
    asked(&local, &server, &token(&old), "Unauthorized", 3);
}

#[test]
fn a_bad_signature_is_denied_only_by_keys_that_were_read_within_the_cooldown() {
    let (known, forged) = same_kid();
    let (server, local) = served(&[&known], json!({}));
    asked(&local, &server, &token(&known), "allow", 1);
    asked(&local, &server, &token(&forged), "deny invalid_signature", 1);
    local.clock.advance(15);
    server.set(KEYS, down());
    asked(&local, &server, &token(&forged), "Unauthorized", 2);
    asked(&local, &server, &nameless(&forged), "Unauthorized", 2);
    asked(&local, &server, &token(&known), "allow", 2);
    local.clock.advance(14);
    asked(&local, &server, &token(&forged), "Unauthorized", 2);
    local.clock.advance(1);
    server.set(KEYS, set(&[&known]));
    asked(&local, &server, &token(&forged), "deny invalid_signature", 3);
    local.clock.advance(15);
    asked(&local, &server, &token(&forged), "deny invalid_signature", 4);
}

#[test]
fn bad_signatures_and_unknown_kids_share_one_budget() {
    let (known, forged) = same_kid();
    let (server, local) = served(&[&known], json!({}));
    asked(&local, &server, &token(&known), "allow", 1);
    local.clock.advance(15);
    asked(&local, &server, &token(&forged), "deny invalid_signature", 2);
    asked(&local, &server, &random(0), "Unauthorized", 2);
    asked(&local, &server, &nameless(&forged), "deny invalid_signature", 2);
    local.clock.advance(15);
    asked(&local, &server, &random(0), "Unauthorized", 3);
    asked(&local, &server, &token(&forged), "deny invalid_signature", 3);
    assert_eq!(server.count(KEYS), 3);
}

#[test]
fn a_flood_of_bad_signatures_costs_one_fetch_per_cooldown_and_known_keys_all_pass() {
    let (known, forged) = same_kid();
    let (server, local) = served(&[&known], json!({}));
    asked(&local, &server, &token(&known), "allow", 1);
    for number in 0..1000 {
        assert_eq!(local.decides(&token(&forged)), "deny invalid_signature");
        if number % 10 == 0 {
            assert_eq!(local.decides(&token(&known)), "allow");
        }
        if number % 100 == 99 {
            local.clock.advance(5);
        }
    }
    assert_eq!(server.count(KEYS), 1 + 3);
}

#[test]
fn bad_signatures_at_once_cost_one_fetch_and_delay_no_known_key() {
    let (known, forged) = same_kid();
    let (server, local) = served(&[&known], json!({ "timeout_ms": 10_000 }));
    asked(&local, &server, &token(&known), "allow", 1);
    local.clock.advance(15);
    server.set(KEYS, set(&[&known]).delayed(Duration::from_secs(3)));
    let flood: Vec<_> = (0..100).map(|_| local.begin(token(&forged))).collect();
    eventually("the set is asked for", || (server.count(KEYS) == 2).then_some(()));
    for _ in 0..20 {
        assert_eq!(local.decides(&token(&known)), "allow");
    }
    assert!(flood.iter().any(|one| !one.is_finished()), "a request still waits");
    for one in flood {
        assert_eq!(local.finish(one), "deny invalid_signature");
    }
    assert_eq!(server.count(KEYS), 2);
}

#[test]
fn failed_fetches_for_unknown_keys_do_not_delay_a_refresh_that_is_due() {
    let (known, forged) = same_kid();
    let (server, local) = served(&[&known], json!({ "fresh_seconds": 1000, "stale_seconds": 0 }));
    asked(&local, &server, &token(&known), "allow", 1);
    for _ in 0..14 {
        local.clock.advance(60);
        server.set(KEYS, down());
        assert_eq!(local.decides(&token(&forged)), "Unauthorized");
        assert_eq!(local.decides(&random(0)), "KeysUnavailable");
    }
    assert_eq!(server.count(KEYS), 1 + 14);
    // The set becomes unusable at a random second of these, one second after a failed fetch.
    let refreshed = (840..1001).any(|_| {
        let before = server.count(KEYS);
        server.set(KEYS, set(&[&known]));
        assert_eq!(local.decides(&token(&known)), "allow");
        if server.count(KEYS) > before {
            return true;
        }
        server.set(KEYS, down());
        assert_eq!(local.decides(&token(&forged)), "Unauthorized");
        local.clock.advance(1);
        false
    });
    assert!(refreshed);
}

#[test]
fn a_flood_of_unknown_kids_costs_one_fetch_per_cooldown_and_known_keys_all_pass() {
    let (server, local) = served(&[&key("ES256")], json!({}));
    asked(&local, &server, &token(&key("ES256")), "allow", 1);
    for number in 0..1000 {
        assert_eq!(local.decides(&random(number)), "Unauthorized");
        if number % 10 == 0 {
            assert_eq!(local.decides(&token(&key("ES256"))), "allow");
        }
        if number % 100 == 99 {
            local.clock.advance(5);
        }
    }
    // The flood took 45 seconds, which is three cooldowns.
    assert_eq!(server.count(KEYS), 1 + 3);
}

#[test]
fn a_flood_of_unknown_kids_in_an_outage_costs_fewer_and_known_keys_all_pass() {
    let (server, local) = served(&[&key("ES256")], json!({ "fresh_seconds": 3600 }));
    asked(&local, &server, &token(&key("ES256")), "allow", 1);
    server.set(KEYS, down());
    local.clock.advance(15);
    for number in 0..1000 {
        assert_eq!(local.decides(&random(number)), "KeysUnavailable");
        if number % 10 == 0 {
            assert_eq!(local.decides(&token(&key("ES256"))), "allow");
        }
        if number % 10 == 9 {
            local.clock.advance(3);
        }
    }
    // Fetches within 300 seconds are first 15 s apart, then up to 60 s.
    let fetches = server.count(KEYS) - 1;
    assert!((7..=12).contains(&fetches), "{fetches}");
}

#[test]
fn a_flood_at_once_costs_one_fetch_and_delays_no_known_key() {
    let (server, local) = served(&[&key("ES256")], json!({ "timeout_ms": 10_000 }));
    asked(&local, &server, &token(&key("ES256")), "allow", 1);
    local.clock.advance(15);
    server.set(KEYS, set(&[&key("ES256")]).delayed(Duration::from_secs(3)));
    let flood: Vec<_> = (0..100).map(|number| local.begin(random(number))).collect();
    eventually("the set is asked for", || (server.count(KEYS) == 2).then_some(()));
    for _ in 0..20 {
        assert_eq!(local.decides(&token(&key("ES256"))), "allow");
    }
    assert!(flood.iter().any(|one| !one.is_finished()), "a request still waits");
    for one in flood {
        assert_eq!(local.finish(one), "Unauthorized");
    }
    assert_eq!(server.count(KEYS), 2);
}

#[test]
fn a_refresh_that_is_due_is_never_held_back_by_the_cooldown() {
    let (server, local) = served(&[&key("ES256")], json!({ "fresh_seconds": 100, "cooldown_seconds": 3600 }));
    asked(&local, &server, &token(&key("ES256")), "allow", 1);
    asked(&local, &server, &random(0), "Unauthorized", 1);
    local.clock.advance(100);
    asked(&local, &server, &token(&key("ES256")), "allow", 2);
    local.clock.advance(100);
    asked(&local, &server, &random(0), "Unauthorized", 3);
    // The same if the attempt that started the cooldown failed.
    server.set(KEYS, down());
    local.clock.advance(100);
    asked(&local, &server, &token(&key("ES256")), "allow", 4);
    asked(&local, &server, &random(0), "KeysUnavailable", 4);
    local.clock.advance(1);
    server.set(KEYS, set(&[&key("ES256"), &stranger("ES256")]));
    asked(&local, &server, &token(&key("ES256")), "allow", 5);
    asked(&local, &server, &token(&stranger("ES256")), "allow", 5);
}

#[test]
fn cheap_refusals_fetch_nothing() {
    let (server, local) = served(&[&key("ES256")], json!({}));
    for (token, expected) in [
        ("x".to_owned(), "deny malformed_token"),
        (key("HS256").token(&claims(ISSUER)), "deny unsupported_algorithm"),
        (key("ES256").token(&claims("https://other.example/")), "deny unknown_issuer"),
    ] {
        asked(&local, &server, &token, expected, 0);
    }
}

#[test]
fn two_issuers_with_the_same_kid_never_mix() {
    let (ours, theirs) = (key("ES256").named("k"), stranger("ES256").named("k"));
    let server = KeyServer::start();
    server.set("/ours", set(&[&ours]));
    server.set("/theirs", set(&[&theirs]));
    let other = "https://other.example/";
    let config =
        api(json!(
            [issuer(ISSUER, &server.url("/ours"), json!({})), issuer(other, &server.url("/theirs"), json!({})),]
        ));
    let local = Local::new(&config);
    for (key, name, expected) in [
        (&ours, ISSUER, "allow"),
        (&theirs, other, "allow"),
        (&theirs, ISSUER, "deny invalid_signature"),
        (&ours, other, "deny invalid_signature"),
    ] {
        assert_eq!(local.decides(&key.token(&claims(name))), expected);
    }
    assert_eq!((server.count("/ours"), server.count("/theirs")), (1, 1));
    // Unknown keys of one issuer do not affect the other.
    local.clock.advance(15);
    server.set("/ours", down());
    for number in 0..20 {
        assert_eq!(local.decides(&random(number)), "KeysUnavailable");
        assert_eq!(local.decides(&theirs.token(&claims(other))), "allow");
    }
    assert_eq!((server.count("/ours"), server.count("/theirs")), (2, 1));
}

#[test]
fn nothing_in_a_token_chooses_what_is_fetched() {
    let server = KeyServer::start();
    server.set(KEYS, set(&[&key("ES256")]));
    server.set("/evil", set(&[&stranger("ES256")]));
    let local = Local::new(&api_of(&server, json!({})));
    let evil = server.url("/evil");
    for header in [
        json!({ "alg": "ES256", "kid": evil }),
        json!({ "alg": "ES256", "kid": "../evil" }),
        json!({ "alg": "ES256", "kid": "stranger-es256", "jku": evil }),
        json!({ "alg": "ES256", "kid": "stranger-es256", "x5u": evil }),
        json!({ "alg": "ES256", "kid": "stranger-es256", "jwk": stranger("ES256").jwk() }),
    ] {
        let forged = stranger("ES256").token_with(&header, &claims(ISSUER));
        assert_ne!(local.decides(&forged), "allow", "{header}");
    }
    assert_eq!(server.count("/evil"), 0);
    assert_eq!(server.count(KEYS), 1);
}
