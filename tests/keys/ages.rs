//! The age of a key set: fresh, stale but usable, unusable.

use std::time::Duration;

use serde_json::json;

use crate::support::KeyServer;
use crate::support::http::Reply;
use crate::support::{instant, jwks, key, stranger};
use crate::world::{KEYS, Local, api_of, down, served, set, token};

/// Sends a request; checks its outcome and the total number of fetches.
#[track_caller]
fn asked(local: &Local, server: &KeyServer, expected: &str, fetches: usize, what: &str) {
    assert_eq!(local.decides(&token(&key("ES256"))), expected, "{what}");
    assert_eq!(server.count(KEYS), fetches, "fetches: {what}");
}

/// Checks that a set fetched with these headers is fresh for `seconds`, less up to a tenth.
#[track_caller]
fn fresh_for(seconds: u64, keys_cache: serde_json::Value, headers: &[(&str, &str)]) {
    let server = KeyServer::start();
    let mut reply = set(&[&key("ES256")]);
    for (name, value) in headers {
        reply = reply.header(name, value);
    }
    server.set(KEYS, reply);
    let local = Local::new(&api_of(&server, keys_cache));
    let what = format!("{headers:?}");
    asked(&local, &server, "allow", 1, &what);
    local.clock.advance(seconds - seconds.div_ceil(10) - 1);
    asked(&local, &server, "allow", 1, &what);
    local.clock.advance(seconds.div_ceil(10) + 1);
    asked(&local, &server, "allow", 2, &what);
}

#[test]
fn a_set_is_fresh_for_fresh_seconds() {
    fresh_for(100, json!({ "fresh_seconds": 100 }), &[]);
}

#[test]
fn an_explicit_value_is_an_upper_bound() {
    for header in ["max-age=3600", "max-age=5"] {
        fresh_for(100, json!({ "fresh_seconds": 100 }), &[("Cache-Control", header)]);
    }
}

#[test]
fn the_default_is_600_and_is_lengthened_by_max_age_less_age_to_at_most_3600() {
    fresh_for(600, json!({}), &[]);
    fresh_for(600, json!({}), &[("Cache-Control", "no-store")]);
    fresh_for(2000, json!({}), &[("Cache-Control", "public, max-age=2000")]);
    fresh_for(1500, json!({}), &[("Cache-Control", "max-age=2000"), ("Age", "500")]);
    fresh_for(3600, json!({}), &[("Cache-Control", "max-age=3601")]);
    fresh_for(3600, json!({}), &[("Cache-Control", "max-age=99999999999")]);
}

#[test]
fn a_small_max_age_does_not_shorten_the_default() {
    for header in ["max-age=0", "max-age=15", "max-age=599"] {
        fresh_for(600, json!({}), &[("Cache-Control", header)]);
    }
    fresh_for(600, json!({}), &[("Cache-Control", "max-age=700"), ("Age", "650")]);
}

#[test]
fn freshness_is_less_by_up_to_a_tenth_and_differs_between_processes() {
    let server = KeyServer::start();
    server.set(KEYS, set(&[&key("ES256")]));
    let config = api_of(&server, json!({ "fresh_seconds": 1000 }));
    let locals: Vec<Local> = (0..40).map(|_| Local::new(&config)).collect();
    for local in &locals {
        assert_eq!(local.decides(&token(&key("ES256"))), "allow");
        local.clock.advance(950);
    }
    assert_eq!(server.count(KEYS), locals.len());
    for local in &locals {
        assert_eq!(local.decides(&token(&key("ES256"))), "allow");
    }
    let refreshed = server.count(KEYS) - locals.len();
    assert!((1..locals.len()).contains(&refreshed), "{refreshed} of {}", locals.len());
}

#[test]
fn a_set_is_then_stale_but_usable_for_stale_seconds_and_then_unusable() {
    let (server, local) = served(&[&key("ES256")], json!({ "fresh_seconds": 100, "stale_seconds": 1000 }));
    asked(&local, &server, "allow", 1, "fetched");
    server.set(KEYS, down());
    local.clock.advance(89);
    asked(&local, &server, "allow", 1, "fresh");
    local.clock.advance(11);
    asked(&local, &server, "allow", 2, "stale");
    local.clock.advance(989);
    asked(&local, &server, "allow", 3, "stale for nearly as long as it may be");
    local.clock.advance(11);
    asked(&local, &server, "KeysUnavailable", 4, "unusable");
    asked(&local, &server, "KeysUnavailable", 4, "and it is left alone after a failure");
    server.set(KEYS, set(&[&key("ES256")]));
    local.clock.advance(61);
    asked(&local, &server, "allow", 5, "until a fetch succeeds");
}

#[test]
fn an_outage_shorter_than_the_stale_window_loses_no_request() {
    let (server, local) = served(&[&key("ES256")], json!({}));
    asked(&local, &server, "allow", 1, "fetched");
    server.set(KEYS, down());
    for _ in 0..40 {
        local.clock.advance(100);
        assert_eq!(local.decides(&token(&key("ES256"))), "allow");
    }
    server.set(KEYS, set(&[&key("ES256")]));
    local.clock.advance(61);
    let before = server.count(KEYS);
    asked(&local, &server, "allow", before + 1, "over");
    asked(&local, &server, "allow", before + 1, "fresh again");
}

#[test]
fn an_outage_longer_than_the_stale_window_is_keys_unavailable_and_never_a_denial() {
    let (server, local) = served(&[&key("ES256")], json!({}));
    asked(&local, &server, "allow", 1, "fetched");
    server.set(KEYS, down());
    local.clock.advance(4200);
    for _ in 0..40 {
        assert_eq!(local.decides(&token(&key("ES256"))), "KeysUnavailable");
        assert_eq!(local.decides(&token(&stranger("ES256"))), "KeysUnavailable");
        local.clock.advance(100);
    }
    server.set(KEYS, set(&[&key("ES256")]));
    assert_eq!(local.decides(&token(&key("ES256"))), "allow");
}

#[test]
fn with_zero_stale_seconds_a_stale_set_is_unusable() {
    let (server, local) = served(&[&key("ES256")], json!({ "fresh_seconds": 10, "stale_seconds": 0 }));
    asked(&local, &server, "allow", 1, "fetched");
    server.set(KEYS, down());
    local.clock.advance(10);
    asked(&local, &server, "KeysUnavailable", 2, "unusable at once");
}

#[test]
fn age_is_the_greater_of_the_monotonic_and_the_wall_clocks() {
    let aged = |age: &dyn Fn(&Local), what: &str| {
        let (server, local) = served(&[&key("ES256")], json!({ "fresh_seconds": 100, "stale_seconds": 100 }));
        asked(&local, &server, "allow", 1, what);
        server.set(KEYS, down());
        age(&local);
        asked(&local, &server, "allow", 2, what);
        local.clock.advance(61);
        age(&local);
        asked(&local, &server, "KeysUnavailable", 3, what);
    };
    aged(&|local| local.clock.advance_wall(100), "the monotonic clock stood still in a freeze");
    aged(&|local| local.clock.advance_monotonic(100), "the wall clock stood still");
    aged(
        &|local| {
            local.clock.advance_monotonic(100);
            local.clock.advance_wall(-50);
        },
        "the wall clock was set back",
    );
}

#[test]
fn a_set_is_revalidated_by_its_entity_tag() {
    let server = KeyServer::start();
    server.set(KEYS, set(&[&key("ES256")]).header("ETag", "\"v1\""));
    let local = Local::new(&api_of(&server, json!({ "fresh_seconds": 100, "stale_seconds": 0 })));
    asked(&local, &server, "allow", 1, "fetched");
    assert_eq!(server.requests(KEYS)[0].header("if-none-match"), None);
    server.set(KEYS, Reply::status(304));
    for fetches in 2..5 {
        local.clock.advance(100);
        asked(&local, &server, "allow", fetches, "revalidated");
        asked(&local, &server, "allow", fetches, "fresh again");
        assert_eq!(server.requests(KEYS)[fetches - 1].header("if-none-match"), Some("\"v1\""));
    }
    // A new version has a new entity tag, or none.
    server.set(KEYS, set(&[&key("ES256"), &stranger("ES256")]).header("ETag", "\"v2\""));
    local.clock.advance(100);
    asked(&local, &server, "allow", 5, "replaced");
    server.set(KEYS, set(&[&key("ES256")]));
    local.clock.advance(100);
    asked(&local, &server, "allow", 6, "replaced");
    assert_eq!(server.requests(KEYS)[5].header("if-none-match"), Some("\"v2\""));
    local.clock.advance(100);
    asked(&local, &server, "allow", 7, "replaced");
    assert_eq!(server.requests(KEYS)[6].header("if-none-match"), None);
}

#[test]
fn max_age_of_a_304_counts() {
    let server = KeyServer::start();
    server.set(KEYS, set(&[&key("ES256")]).header("ETag", "\"v1\""));
    let local = Local::new(&api_of(&server, json!({})));
    asked(&local, &server, "allow", 1, "fetched");
    server.set(KEYS, Reply::status(304).header("Cache-Control", "max-age=3000"));
    local.clock.advance(600);
    asked(&local, &server, "allow", 2, "revalidated");
    local.clock.advance(2699);
    asked(&local, &server, "allow", 2, "fresh for longer");
    local.clock.advance(301);
    asked(&local, &server, "allow", 3, "stale");
}

#[test]
fn a_304_to_an_unconditional_request_is_a_failure() {
    let (server, local) = served(&[&key("ES256")], json!({ "fresh_seconds": 100, "stale_seconds": 0 }));
    asked(&local, &server, "allow", 1, "fetched without a tag");
    server.set(KEYS, Reply::status(304));
    local.clock.advance(100);
    asked(&local, &server, "KeysUnavailable", 2, "there is nothing it could confirm");
}

#[test]
fn the_request_that_finds_a_set_stale_refreshes_it_in_line() {
    let (old, new) = (key("ES256"), stranger("ES256"));
    let (server, local) = served(&[&old], json!({ "fresh_seconds": 100 }));
    asked(&local, &server, "allow", 1, "fetched");
    server.set(KEYS, set(&[&new]));
    local.clock.advance(89);
    asked(&local, &server, "allow", 1, "a removed key lives until the next refresh");
    local.clock.advance(11);
    asked(&local, &server, "Unauthorized", 2, "and no longer, even for the request that refreshes");
    assert_eq!(local.decides(&token(&new)), "allow");
    assert_eq!(server.count(KEYS), 2);
}

#[test]
fn a_stale_set_is_served_after_400_milliseconds_and_every_third_attempt_may_take_timeout_ms() {
    let (server, local) = served(&[&key("ES256")], json!({ "fresh_seconds": 100, "timeout_ms": 10_000 }));
    asked(&local, &server, "allow", 1, "fetched");
    // Too slow for the wait of 400 ms, but not for `timeout_ms`.
    server.set(KEYS, set(&[&key("ES256")]).delayed(Duration::from_millis(3000)));
    local.clock.advance(100);
    for attempt in 2..4 {
        let began = instant();
        asked(&local, &server, "allow", attempt, "served from the old set");
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(350) && took < Duration::from_millis(2900), "{took:?}");
        local.clock.advance(61);
    }
    let began = instant();
    asked(&local, &server, "allow", 4, "the third attempt waits longer");
    assert!(began.elapsed() >= Duration::from_millis(2900), "{:?}", began.elapsed());
    local.clock.advance(50);
    asked(&local, &server, "allow", 4, "and so the set is fresh");
}

#[test]
fn failures_back_off_and_at_most_for_60_seconds() {
    let (server, local) = served(&[&key("ES256")], json!({ "fresh_seconds": 100, "stale_seconds": 604_800 }));
    asked(&local, &server, "allow", 1, "fetched");
    server.set(KEYS, down());
    local.clock.advance(100);
    let mut pauses = Vec::new();
    let mut fetches = 1;
    let mut pause = 0;
    for _ in 0..400 {
        assert_eq!(local.decides(&token(&key("ES256"))), "allow");
        if server.count(KEYS) > fetches {
            fetches += 1;
            assert_eq!(server.count(KEYS), fetches);
            pauses.push(pause);
            pause = 0;
        }
        local.clock.advance(1);
        pause += 1;
    }
    // Each pause is twice the previous one, less up to a tenth. The test looks once a second.
    let bounds = [(0, 0), (1, 1), (2, 2), (3, 4), (6, 8), (11, 16), (20, 32), (36, 60), (54, 60), (54, 60)];
    assert!(pauses.len() >= bounds.len(), "{pauses:?}");
    for (pause, (least, most)) in pauses.iter().zip(bounds) {
        assert!((least..=most).contains(pause), "{pauses:?}");
    }
    // After a success, the next failure starts with the shortest pause again.
    server.set(KEYS, set(&[&key("ES256")]));
    local.clock.advance(60);
    assert_eq!(local.decides(&token(&key("ES256"))), "allow");
    server.set(KEYS, down());
    local.clock.advance(100);
    let before = server.count(KEYS);
    asked(&local, &server, "allow", before + 1, "stale");
    local.clock.advance(1);
    asked(&local, &server, "allow", before + 2, "after a second");
}

#[test]
fn a_pause_begins_when_the_failure_is_known() {
    let server = KeyServer::start();
    server.set(KEYS, Reply::json(&jwks(&[key("ES256")])).delayed(Duration::from_secs(3600)));
    let local = Local::new(&api_of(&server, json!({ "timeout_ms": 1500 })));
    let waiting = local.begin(token(&key("ES256")));
    crate::support::eventually("the server is asked", || (server.count(KEYS) == 1).then_some(()));
    // The attempt takes longer than the first pause.
    local.clock.advance(5);
    assert_eq!(local.finish(waiting), "KeysUnavailable");
    asked(&local, &server, "KeysUnavailable", 1, "the server is not asked during the pause");
    local.clock.advance(1);
    asked(&local, &server, "KeysUnavailable", 2, "it is asked again after a second");
}

#[test]
fn one_fetch_serves_all_requests_that_wait_for_it() {
    let server = KeyServer::start();
    server.set(KEYS, set(&[&key("ES256")]).delayed(Duration::from_millis(100)));
    let local = Local::new(&api_of(&server, json!({ "fresh_seconds": 100 })));
    let fifty = || (0..50).map(|_| token(&key("ES256")));
    assert_eq!(local.decide_at_once(fifty()), ["allow"; 50], "no set yet");
    assert_eq!(server.count(KEYS), 1);
    local.clock.advance(100);
    assert_eq!(local.decide_at_once(fifty()), ["allow"; 50], "a stale set");
    assert_eq!(server.count(KEYS), 2);
    local.clock.advance(100);
    server.set(KEYS, down().delayed(Duration::from_millis(100)));
    assert_eq!(local.decide_at_once(fifty()), ["allow"; 50], "a stale set that cannot be refreshed");
    assert_eq!(server.count(KEYS), 3);
}

#[test]
fn one_failed_fetch_fails_all_requests_that_wait_for_it() {
    let server = KeyServer::start();
    server.set(KEYS, down().delayed(Duration::from_millis(200)));
    let local = Local::new(&api_of(&server, json!({})));
    let fifty = (0..50).map(|_| token(&key("ES256")));
    assert_eq!(local.decide_at_once(fifty), ["KeysUnavailable"; 50]);
    assert_eq!(server.count(KEYS), 1);
}
