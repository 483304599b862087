//! Before the first invocation.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::http::Reply;
use crate::support::{KeyServer, instant, key};
use crate::world::{ISSUER, KEYS, Local, api, api_of, claims, down, issuer, served, set, token};

/// So many issuers, and the address of each one's set.
fn issuers(server: &KeyServer, count: usize) -> Value {
    let all = (0..count).map(|number| {
        let url = server.url(&format!("/{number}"));
        issuer(&format!("{ISSUER}{number}"), &url, json!({ "timeout_ms": 10_000 }))
    });
    api(all.collect())
}

fn of(number: usize) -> String {
    key("ES256").token(&claims(&format!("{ISSUER}{number}")))
}

#[test]
fn start_up_fetches_all_issuers_at_once() {
    let server = KeyServer::start();
    for number in 0..8 {
        server.set(&format!("/{number}"), set(&[&key("ES256")]).delayed(Duration::from_millis(500)));
    }
    let local = Local::new(&issuers(&server, 8));
    let began = instant();
    local.warm_up();
    // One after the other they would take four.
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    for number in 0..8 {
        assert_eq!(local.decides(&of(number)), "allow");
        assert_eq!(server.count(&format!("/{number}")), 1);
    }
}

#[test]
fn start_up_waits_no_longer_than_two_seconds_and_one_that_stalls_keeps_no_other() {
    let server = KeyServer::start();
    server.set("/0", set(&[&key("ES256")]));
    server.set("/1", set(&[&key("ES256")]).stalling_after(10));
    server.set("/2", set(&[&key("ES256")]).delayed(Duration::from_secs(3600)));
    let local = Local::new(&issuers(&server, 3));
    let began = instant();
    local.warm_up();
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(1500) && took < Duration::from_secs(5), "{took:?}");
    assert_eq!(local.decides(&of(0)), "allow");
    assert_eq!(server.count("/0"), 1);
    // What stalled is fetched by the first request that needs it, without a pause.
    for number in [1, 2] {
        let path = format!("/{number}");
        assert_eq!(server.count(&path), 1);
        server.set(&path, set(&[&key("ES256")]));
        assert_eq!(local.decides(&of(number)), "allow", "{number}");
        assert_eq!(server.count(&path), 2);
    }
}

#[test]
fn a_failure_at_start_up_is_not_fatal_and_does_not_hold_back_the_first_request() {
    let (server, local) = served(&[&key("ES256")], json!({}));
    server.set(KEYS, down());
    local.warm_up();
    assert_eq!(server.count(KEYS), 1);
    assert_eq!(local.decides(&token(&key("ES256"))), "KeysUnavailable");
    assert_eq!(server.count(KEYS), 2, "its own attempt");
    assert_eq!(local.decides(&token(&key("ES256"))), "KeysUnavailable");
    assert_eq!(server.count(KEYS), 2, "and then a pause");
    server.set(KEYS, set(&[&key("ES256")]));
    local.clock.advance(1);
    assert_eq!(local.decides(&token(&key("ES256"))), "allow");
    assert_eq!(server.count(KEYS), 3);
}

#[test]
fn what_start_up_fetched_serves_the_first_request_and_counts_for_the_cooldown() {
    let (server, local) = served(&[&key("ES256")], json!({}));
    local.warm_up();
    assert_eq!(local.decides(&token(&key("ES256"))), "allow");
    assert_eq!(local.decides(&crate::world::random(0)), "Unauthorized");
    assert_eq!(server.count(KEYS), 1);
}

#[test]
fn an_environment_that_is_started_long_before_its_first_request_refreshes_then() {
    let (server, local) = served(&[&key("ES256")], json!({}));
    local.warm_up();
    // Lambda may freeze it for as long as it likes, when the monotonic clock may stand still.
    local.clock.advance_wall(7200);
    assert_eq!(local.decides(&token(&key("ES256"))), "allow");
    assert_eq!(server.count(KEYS), 2);
}

#[test]
fn no_connection_is_kept_across_invocations() {
    let (server, local) = served(&[&key("ES256")], json!({ "fresh_seconds": 100 }));
    for fetches in 1..5 {
        assert_eq!(local.decides(&token(&key("ES256"))), "allow");
        assert_eq!((server.count(KEYS), server.connections()), (fetches, fetches));
        local.clock.advance(100);
    }
}

#[test]
fn no_task_outlives_an_invocation() {
    let server = KeyServer::start();
    let local = Local::on_one_thread(&api_of(&server, json!({ "fresh_seconds": 100, "timeout_ms": 300 })));
    for (reply, expected) in [
        (set(&[&key("ES256")]), "allow"),
        (down(), "allow"),
        (set(&[&key("ES256")]).stalling_after(10), "allow"),
        (Reply::closed(), "allow"),
        (set(&[&key("ES256")]), "allow"),
    ] {
        server.set(KEYS, reply);
        let before = server.count(KEYS);
        assert_eq!(local.decides(&token(&key("ES256"))), expected);
        assert_eq!(server.count(KEYS), before + 1);
        assert_eq!(local.tasks(), 0, "tasks left behind");
        local.clock.advance(160);
    }
}
