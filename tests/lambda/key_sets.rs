//! Fetched key sets.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::api::{AUDIENCE, KEYS, allow, claims, event, lambda};
use crate::support::http::Reply;
use crate::support::{Answer, KeyServer, Lambda, SigningKey, eventually, instant, jwks, key, stranger};

/// The largest document that the program reads.
const MAX_BODY_BYTES: usize = 512 * 1024;

/// An API with one issuer whose key set is at `/keys`.
fn config(server: &KeyServer, keys_cache: Value) -> Value {
    let mut issuer = json!({ "issuer": KEYS, "audience": AUDIENCE, "jwks_uri": server.url("/keys") });
    if !keys_cache.is_null() {
        issuer["keys_cache"] = keys_cache;
    }
    json!({
        "policy": "single_request",
        "issuers": [issuer],
        "routes": [{ "method": "GET", "path": "/movies", "scopes": "read:movies" }],
    })
}

/// Requests `GET /movies` with a token signed by this key.
#[track_caller]
fn ask(lambda: &Lambda, key: &SigningKey) -> Answer {
    lambda.invoke(event(&key.token(&claims(KEYS, json!({}))), "GET/movies"))
}

#[track_caller]
fn allowed(answer: &Answer) {
    assert_eq!(answer.policy(), allow("alice", "GET/movies"));
}

/// Repeats a request until it is allowed; until then it must get this error.
#[track_caller]
fn allowed_after(error: &str, lambda: &Lambda, key: &SigningKey) {
    let answer = eventually("the key is found", || {
        let answer = ask(lambda, key);
        if answer.is_error {
            assert_eq!(answer.error().0, error);
        }
        (!answer.is_error).then_some(answer)
    });
    allowed(&answer);
}

#[test]
fn a_set_is_fetched_once_at_start_up_and_serves_every_invocation() {
    let server = KeyServer::start();
    server.set("/keys", Reply::json(&jwks(&[key("RS256"), key("ES256")])));
    let lambda = lambda(&config(&server, Value::Null), &[]);
    lambda.api.started();
    assert_eq!(server.count("/keys"), 1, "before the first invocation");
    for _ in 0..10 {
        allowed(&ask(&lambda, &key("RS256")));
        allowed(&ask(&lambda, &key("ES256")));
    }
    assert_eq!(server.count("/keys"), 1);
}

#[test]
fn a_key_that_the_set_lacks_is_fetched_once_per_cooldown() {
    let server = KeyServer::start();
    server.set("/keys", Reply::json(&jwks(&[key("RS256")])));
    let lambda = lambda(&config(&server, json!({ "cooldown_seconds": 3600 })), &[]);
    for _ in 0..5 {
        assert_eq!(ask(&lambda, &stranger("RS256")).error().0, "Unauthorized");
        allowed(&ask(&lambda, &key("RS256")));
    }
    assert_eq!(server.count("/keys"), 1, "the fetch at start-up counts for the cooldown");
}

#[test]
fn only_a_200_with_a_usable_key_is_a_key_set() {
    let server = KeyServer::start();
    let good = jwks(&[key("RS256")]).to_string();
    let padded = |length: usize| format!("{good}{}", " ".repeat(length.saturating_sub(good.len())));
    let elsewhere = server.url("/elsewhere");
    server.set("/elsewhere", Reply::ok(good.as_str()));
    let redirect = |status| Reply::status(status).header("Location", &elsewhere).body(good.as_str());
    let mut private = key("RS256").jwk();
    private["d"] = "AQAB".into();
    let mut secret = json!({ "kty": "oct", "kid": "rs256", "alg": "HS256", "k": "AAAA" });
    secret["use"] = "sig".into();
    let keys = |key: Value| Reply::json(&json!({ "keys": [key] }));
    let cases = [
        ("a set of the largest size", Reply::ok(padded(MAX_BODY_BYTES)), true),
        ("a larger one", Reply::ok(padded(MAX_BODY_BYTES.saturating_add(1))), false),
        ("an enormous one", Reply::ok(padded(MAX_BODY_BYTES.saturating_mul(8))), false),
        ("500", Reply::status(500).body(good.as_str()), false),
        ("404", Reply::status(404).body(good.as_str()), false),
        ("401", Reply::status(401).body(good.as_str()), false),
        ("201", Reply::status(201).body(good.as_str()), false),
        ("203", Reply::status(203).body(good.as_str()), false),
        ("206", Reply::status(206).body(good.as_str()), false),
        ("301", redirect(301), false),
        ("302", redirect(302), false),
        ("307", redirect(307), false),
        ("308", redirect(308), false),
        ("a page", Reply::ok("<!doctype html><title>Sorry</title>").header("Content-Type", "text/html"), false),
        ("nothing", Reply::ok(""), false),
        ("null", Reply::ok("null"), false),
        ("no member keys", Reply::ok("{}"), false),
        ("no key", Reply::ok(r#"{"keys":[]}"#), false),
        ("a list", Reply::ok(format!("[{}]", key("RS256").jwk())), false),
        ("a set and more", Reply::ok(format!("{good}{good}")), false),
        ("a set without its end", Reply::ok(good.trim_end_matches('}')), false),
        ("a private key", keys(private), false),
        ("a secret", keys(secret), false),
        ("a connection that is closed", Reply::closed(), false),
        ("a body that is cut off", Reply::ok(good.as_str()).broken_after(20), false),
    ];
    let mut config = config(&server, Value::Null);
    let issuers = cases.iter().enumerate().map(|(number, (_, reply, _))| {
        server.set(&format!("/{number}"), reply.clone());
        let url = server.url(&format!("/{number}"));
        json!({ "issuer": format!("{KEYS}{number}"), "audience": AUDIENCE, "jwks_uri": url })
    });
    config["issuers"] = issuers.collect();
    let lambda = lambda(&config, &[]);
    for (number, (name, _, usable)) in cases.iter().enumerate() {
        let token = key("RS256").token(&claims(&format!("{KEYS}{number}"), json!({})));
        let answer = lambda.invoke(event(&token, "GET/movies"));
        if *usable {
            assert_eq!(answer.policy(), allow("alice", "GET/movies"), "{name}");
        } else {
            assert!(answer.is_error, "{name}: {}", answer.json());
            assert_eq!(answer.error().0, "KeysUnavailable", "{name}");
        }
    }
    assert_eq!(server.count("/elsewhere"), 0, "redirects are not followed");
}

#[test]
fn an_array_that_holds_an_array_of_keys_is_not_a_key_set() {
    let server = KeyServer::start();
    server.set("/keys", Reply::json(&json!([[key("RS256").jwk()]])));
    let lambda = lambda(&config(&server, Value::Null), &[]);
    let answer = ask(&lambda, &key("RS256"));
    assert!(answer.is_error, "{}", answer.json());
    assert_eq!(answer.error().0, "KeysUnavailable");
}

#[test]
fn servers_that_stall_delay_neither_the_start_nor_other_sets() {
    let set = jwks(&[key("RS256")]);
    let server = KeyServer::start();
    server.set("/stalling", Reply::json(&set).stalling_after(10));
    server.set("/silent", Reply::json(&set).delayed(Duration::from_secs(3600)));
    server.set("/keys", Reply::json(&set));
    let mut config = config(&server, json!({ "timeout_ms": 10_000 }));
    let issuers = config["issuers"].as_array_mut().unwrap();
    for path in ["/stalling", "/silent", "/stalling?2", "/silent?2"] {
        let mut issuer = issuers[0].clone();
        issuer["issuer"] = format!("{KEYS}{path}").into();
        issuer["jwks_uri"] = server.url(path.trim_end_matches("?2")).into();
        issuers.insert(0, issuer);
    }
    let began = instant();
    let lambda = lambda(&config, &[]);
    lambda.api.started();
    let took = began.elapsed();
    // Start-up waits two seconds in total; the limit is higher because the machine may be busy.
    assert!(took < Duration::from_secs(7), "{took:?}");
    assert_eq!((server.count("/stalling"), server.count("/silent")), (2, 2));
    allowed(&ask(&lambda, &key("RS256")));
    assert_eq!(server.count("/keys"), 1);
}

#[test]
fn a_server_that_stalls_means_keys_unavailable_until_it_recovers() {
    let set = jwks(&[key("RS256")]);
    let server = KeyServer::start();
    server.set("/keys", Reply::json(&set).stalling_after(10));
    let lambda = lambda(&config(&server, json!({ "timeout_ms": 300 })), &[]);
    assert_eq!(ask(&lambda, &key("RS256")).error().0, "KeysUnavailable");
    server.set("/keys", Reply::json(&set));
    allowed_after("KeysUnavailable", &lambda, &key("RS256"));
}

#[test]
fn an_invocation_that_ends_soon_does_not_wait_for_a_server_that_stalls() {
    let server = KeyServer::start();
    server.set("/keys", Reply::json(&jwks(&[key("RS256")])).delayed(Duration::from_secs(3600)));
    let lambda = lambda(&config(&server, json!({ "timeout_ms": 10_000 })), &[]);
    lambda.api.started();
    lambda.api.ends_after(Duration::from_secs(1));
    let began = instant();
    assert_eq!(ask(&lambda, &key("RS256")).error().0, "KeysUnavailable");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(server.count("/keys"), 2, "one fetch at start-up and one for the invocation");
}

#[test]
fn a_server_that_failed_at_start_up_is_retried_until_it_recovers() {
    let server = KeyServer::start();
    server.set("/keys", Reply::status(500));
    let lambda = lambda(&config(&server, Value::Null), &[]);
    assert_eq!(ask(&lambda, &key("RS256")).error().0, "KeysUnavailable");
    server.set("/keys", Reply::json(&jwks(&[key("RS256")])));
    allowed_after("KeysUnavailable", &lambda, &key("RS256"));
}

#[test]
fn a_server_that_fails_is_not_asked_by_every_invocation() {
    let server = KeyServer::start();
    server.set("/keys", Reply::status(500));
    let lambda = lambda(&config(&server, Value::Null), &[]);
    for _ in 0..40 {
        assert_eq!(ask(&lambda, &key("RS256")).error().0, "KeysUnavailable");
    }
    // One fetch at start-up, one for the first invocation, then with growing pauses.
    assert!((2..8).contains(&server.count("/keys")), "{}", server.count("/keys"));
}

#[test]
fn a_rotated_key_is_found_and_the_removed_one_is_gone() {
    let (old, new) = (key("ES256").named("old"), stranger("ES256").named("new"));
    let server = KeyServer::start();
    server.set("/keys", Reply::json(&jwks(&[old])));
    let lambda = lambda(&config(&server, json!({ "cooldown_seconds": 1 })), &[]);
    let old = key("ES256").named("old");
    allowed(&ask(&lambda, &old));
    server.set("/keys", Reply::json(&jwks([&new])));
    allowed(&ask(&lambda, &old));
    allowed_after("Unauthorized", &lambda, &new);
    assert_eq!(ask(&lambda, &old).error().0, "Unauthorized");
}

#[test]
fn a_set_that_cannot_be_refreshed_is_used_while_it_is_stale() {
    let server = KeyServer::start();
    server.set("/keys", Reply::json(&jwks(&[key("RS256")])));
    let lambda = lambda(&config(&server, json!({ "fresh_seconds": 1 })), &[]);
    allowed(&ask(&lambda, &key("RS256")));
    server.set("/keys", Reply::status(500));
    eventually("a refresh is tried", || {
        allowed(&ask(&lambda, &key("RS256")));
        (server.count("/keys") > 1).then_some(())
    });
    allowed(&ask(&lambda, &key("RS256")));
    // Without a refresh, it is undecided whether the key is unknown.
    assert_eq!(ask(&lambda, &stranger("RS256")).error().0, "KeysUnavailable");
}

#[test]
fn a_set_past_its_time_is_not_used_when_it_cannot_be_refreshed() {
    let server = KeyServer::start();
    server.set("/keys", Reply::json(&jwks(&[key("RS256")])));
    let lambda = lambda(&config(&server, json!({ "fresh_seconds": 1, "stale_seconds": 0 })), &[]);
    lambda.api.started();
    server.set("/keys", Reply::status(500));
    let error = eventually("the set ends", || {
        let answer = ask(&lambda, &key("RS256"));
        answer.is_error.then(|| answer.error().0)
    });
    assert_eq!(error, "KeysUnavailable");
}

#[test]
fn fetches_from_loopback_never_go_through_a_proxy() {
    let (server, proxy) = (KeyServer::start(), KeyServer::start());
    server.set("/keys", Reply::json(&jwks(&[key("RS256")])));
    let url = proxy.url("/");
    let variables = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let lambda = lambda(&config(&server, Value::Null), &variables.map(|name| (name, url.as_str())));
    allowed(&ask(&lambda, &key("RS256")));
    assert_eq!(proxy.count(&server.url("/keys")), 0);
    assert_eq!(server.count("/keys"), 1);
}

#[test]
fn other_fetches_go_through_the_proxy_of_the_environment() {
    let proxy = KeyServer::start();
    let mut config = config(&proxy, Value::Null);
    config["issuers"][0]["jwks_uri"] = "https://keys.example.com/keys".into();
    let lambda = lambda(&config, &[("HTTPS_PROXY", &proxy.url("/"))]);
    assert_eq!(ask(&lambda, &key("RS256")).error().0, "KeysUnavailable");
    let requests = proxy.requests("keys.example.com:443");
    assert!(!requests.is_empty() && requests.iter().all(|request| request.method == "CONNECT"), "{requests:?}");
}

#[test]
fn tenants_have_key_sets_of_their_own_and_one_that_is_not_listed_has_none() {
    let server = KeyServer::start();
    let tenants: Vec<String> = (0..20).map(|number| format!("t{number}")).collect();
    let path = |tenant: &str| format!("/{tenant}/keys");
    for tenant in tenants.iter().map(String::as_str).chain(["other"]) {
        server.set(&path(tenant), Reply::json(&jwks(&[key("ES256")])));
    }
    let mut document = config(&server, json!({ "cooldown_seconds": 1 }));
    let issuer = document["issuers"][0].as_object_mut().unwrap();
    issuer.insert("issuer".to_owned(), "https://keys.example/{tenant}".into());
    issuer.insert("tenants".to_owned(), json!(tenants));
    issuer.insert("jwks_uri".to_owned(), server.url("/{tenant}/keys").into());
    document["context"] = json!({ "tenant": "{tenant}" });
    let lambda = lambda(&document, &[]);
    let ask = |tenant: &str, signer: &SigningKey| {
        let claims = claims(&format!("https://keys.example/{tenant}"), json!({ "scope": "read:movies" }));
        lambda.invoke(event(&signer.token(&claims), "GET/movies"))
    };
    for tenant in &tenants {
        let answer = ask(tenant, &key("ES256")).policy();
        assert_eq!(answer["context"], json!({ "tenant": tenant }));
        assert_eq!(server.count(&path(tenant)), 1);
    }
    let refused = ask("other", &key("ES256")).policy();
    assert_eq!(refused["context"]["reason"], "unknown_issuer");
    assert_eq!(server.count(&path("other")), 0);
    // One tenant rotates its key while another is down.
    server.set(&path("t1"), Reply::json(&jwks(&[stranger("ES256")])));
    server.set(&path("t2"), Reply::status(503));
    eventually("the new key is found", || (!ask("t1", &stranger("ES256")).is_error).then_some(()));
    for tenant in tenants.iter().filter(|tenant| *tenant != "t1") {
        assert!(!ask(tenant, &key("ES256")).is_error, "{tenant}");
        assert_eq!(server.count(&path(tenant)), 1);
    }
}
