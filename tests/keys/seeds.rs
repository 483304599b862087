//! Key sets from a seed file.

use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::support::{KeyServer, Scratch, jwks, key, stranger};
use crate::world::{KEYS, Local, NOW, api_of, down, parse, random, set, token};

/// A server with a newer set, and an authorizer whose seed file is `age` seconds old.
fn seeded(age: u64) -> (KeyServer, Scratch, Local) {
    written(NOW - age)
}

/// A server with a newer set, and an authorizer whose seed file was written at this time.
fn written(at: u64) -> (KeyServer, Scratch, Local) {
    let (server, scratch) = (KeyServer::start(), Scratch::new());
    server.set(KEYS, set(&[&stranger("ES256")]));
    let path = scratch.file("seed.json", jwks(&[key("ES256")]).to_string());
    let written = SystemTime::UNIX_EPOCH + Duration::from_secs(at);
    let file = std::fs::File::options().append(true).open(&path).unwrap();
    file.set_modified(written).unwrap();
    let mut config = api_of(&server, json!({}));
    config["issuers"][0]["jwks_seed_file"] = path.into();
    let local = Local::new(&config);
    (server, scratch, local)
}

#[test]
fn a_fresh_seed_needs_no_fetch_at_start_up_nor_for_the_first_token() {
    let (server, _scratch, local) = seeded(530);
    local.warm_up();
    assert_eq!(local.decides(&token(&key("ES256"))), "allow");
    assert_eq!(server.count(KEYS), 0);
    // The age of a seed is that of its file.
    local.clock.advance(70);
    assert_eq!(local.decides(&token(&stranger("ES256"))), "allow");
    assert_eq!(local.decides(&token(&key("ES256"))), "Unauthorized");
    assert_eq!(server.count(KEYS), 1);
}

#[test]
fn a_key_that_a_fresh_seed_lacks_is_fetched_at_once() {
    let (server, _scratch, local) = seeded(0);
    local.warm_up();
    assert_eq!(local.decides(&token(&stranger("ES256"))), "allow");
    assert_eq!(server.count(KEYS), 1, "there was no attempt before, so there is no cooldown");
    assert_eq!(local.decides(&random(0)), "Unauthorized");
    assert_eq!(server.count(KEYS), 1);
}

#[test]
fn a_stale_seed_is_refreshed_at_start_up_and_serves_in_an_outage() {
    let (server, _scratch, local) = seeded(600);
    local.warm_up();
    assert_eq!(server.count(KEYS), 1);
    assert_eq!(local.decides(&token(&stranger("ES256"))), "allow");

    let (server, _scratch, local) = seeded(600 + 2900);
    server.set(KEYS, down());
    local.warm_up();
    assert_eq!(local.decides(&token(&key("ES256"))), "allow");
    assert_eq!(server.count(KEYS), 2);
    local.clock.advance(700);
    assert_eq!(local.decides(&token(&key("ES256"))), "KeysUnavailable");
}

#[test]
fn a_seed_that_is_too_old_is_not_used() {
    let (server, _scratch, local) = seeded(4200);
    server.set(KEYS, down());
    local.warm_up();
    assert_eq!(local.decides(&token(&key("ES256"))), "KeysUnavailable");
    server.set(KEYS, set(&[&stranger("ES256")]));
    local.clock.advance(61);
    assert_eq!(local.decides(&token(&stranger("ES256"))), "allow");
    assert_eq!(local.decides(&token(&key("ES256"))), "Unauthorized");
}

#[test]
fn a_seed_dated_in_the_future_is_of_unknown_age_and_fetched_before_it_is_believed() {
    // A second; nine hours, because a zip file has no time zone; and the year 2099.
    for ahead in [1, 9 * 3600, 2_270_000_000] {
        let (server, _scratch, local) = written(NOW + ahead);
        assert_eq!(local.decides(&token(&key("ES256"))), "Unauthorized", "{ahead}: a key that has been removed");
        assert_eq!(local.decides(&token(&stranger("ES256"))), "allow", "{ahead}");
        assert_eq!(server.count(KEYS), 1, "{ahead}");

        let (server, _scratch, local) = written(NOW + ahead);
        local.warm_up();
        assert_eq!(server.count(KEYS), 1, "{ahead}: fetched at start-up");

        let (server, _scratch, local) = written(NOW + ahead);
        server.set(KEYS, down());
        local.warm_up();
        assert_eq!(local.decides(&token(&key("ES256"))), "KeysUnavailable", "{ahead}");
        local.clock.advance(ahead + 1);
        assert_eq!(local.decides(&token(&key("ES256"))), "KeysUnavailable", "{ahead}: not used later either");
    }
}

#[test]
fn a_seed_without_a_usable_key_is_a_mistake() {
    let (server, scratch) = (KeyServer::start(), Scratch::new());
    for (name, text) in [("none", r#"{"keys":[]}"#), ("text", "not a set"), ("odd", r#"{"keys":[{"kty":"oct"}]}"#)] {
        let mut config = api_of(&server, json!({}));
        config["issuers"][0]["jwks_seed_file"] = scratch.file(name, text).into();
        let error = parse(&config, &[]).err().unwrap().to_string();
        assert!(error.contains("issuers[0].jwks_seed_file: "), "{error}");
    }
    let mut config = api_of(&server, json!({}));
    config["issuers"][0]["jwks_seed_file"] = format!("{}/absent", scratch.path()).into();
    assert!(parse(&config, &[]).is_err());
}
