//! Local runs, which authorize event files.

use serde_json::{Value, json};

use crate::support::api::{
    AUDIENCE, CANARY, KEYS, allow, claims, config, config_with, deny, deny_all, event, event_with, healing_tokens,
    secret_token,
};
use crate::support::http::Reply;
use crate::support::{Finished, KeyServer, Process, Scratch, jwks, key};

/// Runs the program with these arguments.
#[track_caller]
fn local(config: &Value, arguments: &[&str], stdin: &str) -> Finished {
    let variables = [("AUTHORIZER_CONFIG", &*config.to_string()), ("SECRET", key("HS256").secret())];
    Process::start(env!("CARGO_TARGET_TMPDIR"), arguments, &variables, stdin.as_bytes()).finished()
}

/// The lines on standard output, each of which must be JSON.
#[track_caller]
fn answers(finished: &Finished) -> Vec<Value> {
    assert!(finished.stdout.is_empty() || finished.stdout.ends_with('\n'), "{finished:?}");
    finished.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn each_event_is_answered_on_a_line_in_order_and_decisions_exit_0() {
    let scratch = Scratch::new();
    let movies = scratch.file("movies.json", event(&secret_token(json!({})), "GET/movies"));
    let refused = scratch.file("refused.json", event(&secret_token(json!({})), "POST/movies"));
    let missing = scratch.file("missing.json", event_with(None, "GET/movies"));
    let healing = scratch.file("healing.json", event(&healing_tokens()[0].1, "GET/movies"));
    let root = event(&secret_token(json!({ "sub": "bob" })), "GET/");
    let finished = local(&config(), &[&movies, &refused, "-", &healing, &missing, &movies], &root);
    let expected = [
        allow("alice", "GET/movies"),
        deny("alice", "POST/movies", "insufficient_scope"),
        allow("bob", "GET/"),
        json!({ "errorType": "Unauthorized", "errorMessage": "Unauthorized" }),
        deny_all("missing_token"),
        allow("alice", "GET/movies"),
    ];
    assert_eq!(answers(&finished), expected);
    assert_eq!(finished.status.code(), Some(0), "{finished:?}");
    assert!(finished.stderr.contains("insufficient_scope"), "the log goes to standard error: {finished:?}");
}

#[test]
fn an_invalid_token_that_is_unauthorized_is_a_decision() {
    let config = config_with("invalid_token", json!("unauthorized"));
    let finished = local(&config, &["-"], &event_with(None, "GET/movies"));
    assert_eq!(answers(&finished), [json!({ "errorType": "Unauthorized", "errorMessage": "Unauthorized" })]);
    assert_eq!(finished.status.code(), Some(0), "{finished:?}");
}

#[test]
fn another_error_exits_1_after_all_files_are_done() {
    let scratch = Scratch::new();
    let movies = scratch.file("movies.json", event(&secret_token(json!({})), "GET/movies"));
    let malformed = scratch.file("malformed.json", CANARY);
    let absent = format!("{}/absent.json", scratch.path());
    for bad in [malformed.as_str(), absent.as_str(), scratch.path(), "-"] {
        let finished = local(&config(), &[bad, &movies], "");
        let answers = answers(&finished);
        assert_eq!(answers.len(), 2, "{bad}: {finished:?}");
        assert!(answers[0]["errorMessage"].is_string() && answers[0]["errorType"].is_string(), "{bad}: {finished:?}");
        assert_ne!(answers[0]["errorType"], "Unauthorized");
        assert_eq!(answers[1], allow("alice", "GET/movies"), "{bad}");
        assert_eq!(finished.status.code(), Some(1), "{bad}: {finished:?}");
        assert!(!finished.stdout.contains(CANARY));
    }
}

#[test]
fn unavailable_keys_exit_1() {
    let server = KeyServer::start();
    let mut config = config();
    config["issuers"][1] = json!({ "issuer": KEYS, "audience": AUDIENCE, "jwks_uri": server.url("/absent") });
    let finished = local(&config, &["-"], &event(&key("RS256").token(&claims(KEYS, json!({}))), "GET/movies"));
    assert_eq!(answers(&finished)[0]["errorType"], "KeysUnavailable");
    assert_eq!(finished.status.code(), Some(1), "{finished:?}");
}

#[test]
fn a_key_set_is_fetched_once_for_all_files() {
    let server = KeyServer::start();
    server.set("/keys", Reply::json(&jwks(&[key("RS256")])));
    let mut config = config();
    config["issuers"][1] = json!({ "issuer": KEYS, "audience": AUDIENCE, "jwks_uri": server.url("/keys") });
    let scratch = Scratch::new();
    let token = key("RS256").token(&claims(KEYS, json!({})));
    let movies = scratch.file("movies.json", event(&token, "GET/movies"));
    let finished = local(&config, &[&movies, &movies, &movies], "");
    assert_eq!(answers(&finished), vec![allow("alice", "GET/movies"); 3]);
    assert_eq!(finished.status.code(), Some(0), "{finished:?}");
    assert_eq!(server.count("/keys"), 1);
}

#[test]
fn a_configuration_mistake_exits_2_and_is_printed_on_standard_error_only() {
    let mut config = config_with("invalid_token", json!(CANARY));
    config["issuers"][0]["leeway_seconds"] = json!(301);
    let finished = local(&config, &["-"], &event_with(None, "GET/movies"));
    assert_eq!(finished.status.code(), Some(2), "{finished:?}");
    assert_eq!(finished.stdout, "");
    for path in ["issuers[0].leeway_seconds", "invalid_token"] {
        assert!(finished.stderr.contains(path), "{finished:?}");
    }
    assert!(!finished.stderr.contains(CANARY), "{finished:?}");
}

#[test]
fn run_locally_the_document_is_found_in_the_working_directory() {
    let scratch = Scratch::new();
    scratch.file("authorizer.json", config().to_string());
    let variables = [("SECRET", key("HS256").secret())];
    let event = event(&secret_token(json!({})), "GET/movies");
    let finished = Process::start(scratch.path(), &["-"], &variables, event.as_bytes()).finished();
    assert_eq!(answers(&finished), [allow("alice", "GET/movies")]);
}

#[test]
fn a_configuration_that_is_not_utf_8_is_a_mistake_and_not_an_absent_one() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let scratch = Scratch::new();
    scratch.file("authorizer.json", r#"{"issuers":[],"routes":[]}"#);
    let output = std::process::Command::new(Process::program())
        .arg("-")
        .env_clear()
        .env("AUTHORIZER_CONFIG", OsStr::from_bytes(b"{\xff}"))
        .current_dir(scratch.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message, "the configuration has 1 mistake:\n(document): AUTHORIZER_CONFIG is not UTF-8 text\n");
}
