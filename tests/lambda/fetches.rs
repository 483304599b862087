//! Log lines about fetches, and the route of requests to the Parameters and Secrets extension.

use serde_json::{Value, json};

use crate::support::api::{AUDIENCE, KEYS, SECRET, allow, claims, event, lambda};
use crate::support::http::Reply;
use crate::support::{Finished, KeyServer, Lambda, eventually, jwks, key};

const JSON: (&str, &str) = ("AWS_LAMBDA_LOG_FORMAT", "JSON");
const MANAGED: &str = "/secretsmanager/get?secretId=hs&versionStage=AWSCURRENT";
const SESSION: &str = "canary-of-a-session-token-5d1f";

fn api(issuer: Value) -> Value {
    json!({ "policy": "single_request", "issuers": [issuer], "undeclared_routes": "allow" })
}

/// An API whose key set is at `/keys` and stale after a second.
fn keys(server: &KeyServer) -> Value {
    api(json!({
        "issuer": KEYS, "audience": AUDIENCE, "jwks_uri": server.url("/keys"),
        "keys_cache": { "fresh_seconds": 1, "cooldown_seconds": 1 },
    }))
}

/// An API whose secret is in Secrets Manager.
fn managed() -> Value {
    api(json!({ "issuer": SECRET, "audience": AUDIENCE, "secret": { "secrets_manager": "hs", "previous": false } }))
}

/// The extension's port.
fn port(extension: &KeyServer) -> String {
    extension.url("").rsplit(':').next().unwrap().to_owned()
}

/// The extension's response with the tests' shared secret.
fn secret() -> Reply {
    Reply::json(&json!({ "SecretString": key("HS256").secret() }))
}

fn ask_with(lambda: &Lambda, token: &str) -> String {
    let answer = lambda.invoke(event(token, "GET/movies"));
    if answer.is_error { answer.error().0 } else { "allow".to_owned() }
}

fn ask(lambda: &Lambda, alg: &'static str) -> String {
    ask_with(lambda, &key(alg).token(&claims(KEYS, json!({}))))
}

/// The log lines with this message.
#[track_caller]
fn lines(finished: &Finished, message: &str) -> Vec<Value> {
    let lines = finished.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["message"] == message).collect()
}

/// A line without the members that differ from run to run. Checks that it has them.
#[track_caller]
fn lasting(line: &Value) -> Value {
    let mut line = line.clone();
    for member in ["timestamp", "milliseconds"] {
        let taken = line.as_object_mut().unwrap().remove(member);
        assert!(taken.is_some(), "{member} in {line}");
    }
    line.as_object_mut().unwrap().remove("target");
    line
}

#[test]
fn a_fetch_is_one_line_with_issuer_outcome_milliseconds_keys_and_age() {
    let server = KeyServer::start();
    let three = json!({ "keys": [key("RS256").jwk(), key("ES256").jwk(), { "kty": "oct" }] });
    server.set("/keys", Reply::json(&three).header("ETag", "\"v1\""));
    let lambda = lambda(&keys(&server), &[JSON]);
    assert_eq!(ask(&lambda, "RS256"), "allow");
    server.set("/keys", Reply::status(304));
    eventually("it is revalidated", || {
        assert_eq!(ask(&lambda, "RS256"), "allow");
        (server.count("/keys") > 1).then_some(())
    });
    server.set("/keys", Reply::status(500));
    eventually("it fails", || {
        assert_eq!(ask(&lambda, "RS256"), "allow");
        (server.count("/keys") > 2).then_some(())
    });
    let finished = lambda.stop();
    let lines = lines(&finished, "key set");
    assert_eq!(lines.len(), server.count("/keys"), "{finished:?}");
    let line = |level, outcome, age: &Value| {
        json!({
            "level": level, "message": "key set", "issuer": KEYS, "outcome": outcome,
            "usable": 2, "skipped": 1, "age_seconds": age,
        })
    };
    assert_eq!(lasting(&lines[0]), line("INFO", "fetched", &json!(0)));
    assert_eq!(lasting(&lines[1]), line("INFO", "not_modified", &json!(0)));
    let last = lines.last().unwrap();
    assert!(last["age_seconds"].as_u64().unwrap() < 60, "{last}");
    assert_eq!(lasting(last), line("WARN", "status_500", &last["age_seconds"]));
}

#[test]
fn a_failed_first_fetch_is_a_line_without_keys_and_age() {
    let server = KeyServer::start();
    server.set("/keys", Reply::ok(r#"{"keys":[]}"#));
    let lambda = lambda(&keys(&server), &[JSON]);
    assert_eq!(ask(&lambda, "RS256"), "KeysUnavailable");
    let finished = lambda.stop();
    let lines = lines(&finished, "key set");
    assert_eq!(lines.len(), 2, "one at start-up and one for the request: {finished:?}");
    for line in &lines {
        let expected = json!({ "level": "WARN", "message": "key set", "issuer": KEYS, "outcome": "no_usable_key" });
        assert_eq!(lasting(line), expected);
    }
}

#[test]
fn a_stalling_server_at_start_up_is_logged_as_a_failed_fetch() {
    let server = KeyServer::start();
    server.set("/keys", Reply::json(&jwks(&[key("RS256")])).stalling_after(10));
    let mut config = keys(&server);
    config["issuers"][0]["keys_cache"]["timeout_ms"] = json!(10_000);
    let lambda = lambda(&config, &[JSON]);
    lambda.api.started();
    let finished = lambda.stop();
    let lines = lines(&finished, "key set");
    assert_eq!(lines.len(), 1, "{finished:?}");
    assert_eq!((&lines[0]["level"], &lines[0]["outcome"]), (&json!("WARN"), &json!("timeout")));
}

#[test]
fn a_warning_says_that_a_stale_set_is_served() {
    let server = KeyServer::start();
    server.set("/keys", Reply::json(&jwks(&[key("RS256")])));
    let lambda = lambda(&keys(&server), &[JSON]);
    assert_eq!(ask(&lambda, "RS256"), "allow");
    server.set("/keys", Reply::status(500));
    eventually("it fails", || {
        assert_eq!(ask(&lambda, "RS256"), "allow");
        (server.count("/keys") > 1).then_some(())
    });
    let finished = lambda.stop();
    let warnings = lines(&finished, "a stale key set is in use");
    assert!(!warnings.is_empty(), "{finished:?}");
    for warning in warnings {
        assert_eq!((&warning["level"], &warning["issuer"]), (&json!("WARN"), &json!(KEYS)));
        assert!(warning["age_seconds"].as_u64().unwrap() < 60, "{warning}");
    }
}

#[test]
fn reading_a_secret_is_a_line_with_the_reason_of_a_failure() {
    let extension = KeyServer::start();
    extension.set(MANAGED, Reply::status(403));
    let port = port(&extension);
    let variables = [JSON, ("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", &port), ("AWS_SESSION_TOKEN", SESSION)];
    let lambda = lambda(&managed(), &variables);
    let token = key("HS256").token(&claims(SECRET, json!({})));
    assert_eq!(ask_with(&lambda, &token), "KeysUnavailable");
    extension.set(MANAGED, secret());
    eventually("it is read", || (ask_with(&lambda, &token) == "allow").then_some(()));
    let finished = lambda.stop();
    let lines = lines(&finished, "secret");
    let failed = json!({ "level": "WARN", "message": "secret", "issuer": SECRET, "outcome": "status_403" });
    assert_eq!(lasting(&lines[0]), failed);
    let read = json!({
        "level": "INFO", "message": "secret", "issuer": SECRET, "outcome": "fetched", "versions": 1, "age_seconds": 0,
    });
    assert_eq!(lasting(lines.last().unwrap()), read);
    for private in [SESSION, key("HS256").secret(), &token] {
        assert!(!finished.stdout.contains(private), "{finished:?}");
    }
}

#[test]
fn the_session_token_never_goes_through_a_proxy() {
    let (extension, proxy) = (KeyServer::start(), KeyServer::start());
    extension.set(MANAGED, secret());
    // The extension is not ready at first.
    extension.once(MANAGED, Reply::status(400));
    let (port, url) = (port(&extension), proxy.url("/"));
    let mut variables = vec![("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", port.as_str()), ("AWS_SESSION_TOKEN", SESSION)];
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        variables.push((name, &url));
    }
    let lambda = lambda(&managed(), &variables);
    lambda.api.started();
    assert_eq!(extension.count(MANAGED), 0, "never during init");
    let answer = lambda.invoke(event(&key("HS256").token(&claims(SECRET, json!({}))), "GET/movies"));
    assert_eq!(answer.policy(), allow("alice", "GET/movies"));
    assert_eq!((extension.count(MANAGED), proxy.connections()), (2, 0));
}
