//! Start-up and init errors.

use serde_json::{Value, json};

use crate::support::api::{AUDIENCE, CANARY, KEYS, allow, claims, config, event, secret_token};
use crate::support::{Finished, Lambda, RuntimeApi, Scratch, jwks, key, piece_in, pieces};

/// Starts the program, which must fail; returns the message of its only init error, and its output.
#[track_caller]
fn init_error(variables: &[(&str, &str)]) -> (String, Finished) {
    let lambda = Lambda::start(variables);
    let Lambda { function, api } = lambda;
    let finished = function.finished();
    assert_eq!(finished.status.code(), Some(2), "{finished:?}");
    let message = posted(&api);
    (message, finished)
}

#[track_caller]
fn posted(api: &RuntimeApi) -> String {
    assert_eq!(api.polls(), 0, "the program must not poll for an event");
    let [error] = api.init_errors().try_into().unwrap();
    assert_eq!(error.header("Lambda-Runtime-Function-Error-Type"), Some("ConfigurationError"));
    let body: Value = serde_json::from_slice(&error.body).unwrap();
    assert_eq!(body["errorType"], "ConfigurationError", "{body}");
    body["errorMessage"].as_str().unwrap().to_owned()
}

#[test]
fn every_mistake_is_named_with_its_path_in_one_init_error_that_repeats_no_other_text() {
    let config = json!({
        "isuers": CANARY,
        "policy": "single_request",
        "issuers": [
            { "issuer": format!("https://{CANARY}.example.com/"), "audience": CANARY, "secret": { "env": "SHORT" }, "leeway_seconds": 301 },
            { "issuer": [CANARY], "jwks_uri": format!("http://{CANARY}.example.com/") },
            { "issuer": format!("${{{CANARY}}}"), "audience": [], "jwks": { "keys": [{ "kty": "oct", "k": CANARY }] } },
            { "issuer": KEYS, "audience": AUDIENCE, "secret": { "env": "SECRET" }, "algorithms": ["RS256"] },
            { "issuer": format!("{KEYS}4"), "audience": AUDIENCE, "secret": [{ "env": CANARY }, { "file": CANARY }] },
            { "issuer": format!("{KEYS}5"), "audience": AUDIENCE, "jwks_file": CANARY, "scope_claims": [7] },
            { "issuer": format!("{KEYS}6"), "audience": AUDIENCE, "jwks": [CANARY], "typ": [], "required_claims": { "a": [] } },
            { "issuer": format!("{KEYS}7"), "audience": AUDIENCE, "jwks": {}, "jwks_uri": CANARY },
        ],
        "routes": [
            { "method": "GTE", "path": "/movies" },
            { "path": "/pets/" },
            { "path": "/pets/{id}", "scopes": [] },
            { "path": "/dogs/{id}", "claims": { "sub": format!("{{{CANARY}}}") } },
        ],
        "invalid_token": CANARY,
        "context": { "principalId": CANARY },
    });
    let (message, finished) =
        init_error(&[("AUTHORIZER_CONFIG", &config.to_string()), ("SHORT", CANARY), ("SECRET", key("HS256").secret())]);
    for path in [
        "isuers",
        "issuers[0].secret",
        "issuers[0].leeway_seconds",
        "issuers[1].issuer",
        "issuers[1].audience",
        "issuers[1].jwks_uri",
        "issuers[2].issuer",
        "issuers[2].audience",
        "issuers[2].jwks",
        "issuers[3].algorithms",
        "issuers[4].secret[0]",
        "issuers[4].secret[1]",
        "issuers[5].jwks_file",
        "issuers[5].scope_claims[0]",
        "issuers[6].jwks",
        "issuers[6].typ",
        "issuers[6].required_claims.a",
        "issuers[7]",
        "routes[0].method",
        "routes[1].path",
        "routes[2].scopes",
        "routes[3].claims.sub",
        "invalid_token",
        "context.principalId",
    ] {
        let named = message.lines().filter(|line| line.starts_with(path)).count();
        assert_eq!(named, 1, "{path} must appear once in:\n{message}");
    }
    let leeway = message.lines().find(|line| line.starts_with("issuers[0].leeway_seconds")).unwrap();
    assert!(leeway.contains("0 to 300"), "the range is missing: {leeway}");
    let secrets = pieces([CANARY, key("HS256").secret()]);
    for text in [&message, &finished.stdout, &finished.stderr] {
        assert_eq!(piece_in(text, &secrets), None, "{text}");
    }
}

#[test]
fn a_document_that_is_not_json_is_an_init_error_that_does_not_repeat_it() {
    for document in [CANARY.to_owned(), format!("{{\"issuers\": {CANARY}"), format!("[\"{CANARY}\"]"), String::new()] {
        let (message, finished) = init_error(&[("AUTHORIZER_CONFIG", &document)]);
        for text in [&message, &finished.stdout, &finished.stderr] {
            assert_eq!(piece_in(text, &pieces([CANARY])), None, "{text}");
        }
    }
}

#[test]
fn two_configurations_are_a_mistake() {
    let scratch = Scratch::new();
    let file = scratch.file("config.json", config().to_string());
    let (message, _) = init_error(&[
        ("AUTHORIZER_CONFIG", &config().to_string()),
        ("AUTHORIZER_CONFIG_FILE", &file),
        ("SECRET", key("HS256").secret()),
    ]);
    assert!(message.contains("AUTHORIZER_CONFIG_FILE"), "{message}");
}

#[test]
fn no_configuration_is_a_mistake() {
    let scratch = Scratch::new();
    let (message, _) = init_error(&[("LAMBDA_TASK_ROOT", scratch.path())]);
    assert!(message.contains("AUTHORIZER_CONFIG") && message.contains("authorizer.json"), "{message}");
}

#[test]
fn a_configuration_file_that_is_not_there_is_a_mistake() {
    let scratch = Scratch::new();
    // The program does not fall back to `authorizer.json`.
    scratch.file("authorizer.json", config().to_string());
    let (message, _) = init_error(&[
        ("LAMBDA_TASK_ROOT", scratch.path()),
        ("AUTHORIZER_CONFIG_FILE", &format!("{}/absent.json", scratch.path())),
        ("SECRET", key("HS256").secret()),
    ]);
    assert!(message.contains("AUTHORIZER_CONFIG_FILE"), "{message}");
}

#[test]
fn the_document_is_found_in_the_task_root_and_its_paths_are_relative_to_it() {
    let scratch = Scratch::new();
    let mut config = config();
    config["issuers"][1] = json!({ "issuer": KEYS, "audience": AUDIENCE, "jwks_file": "keys/set.json" });
    scratch.file("authorizer.json", config.to_string());
    scratch.file("keys/set.json", jwks(&[key("RS256")]).to_string());
    let lambda = Lambda::start(&[("LAMBDA_TASK_ROOT", scratch.path()), ("SECRET", key("HS256").secret())]);
    for token in [secret_token(json!({})), key("RS256").token(&claims(KEYS, json!({})))] {
        let answer = lambda.invoke(event(&token, "GET/movies"));
        assert_eq!(answer.policy(), allow("alice", "GET/movies"));
    }
}

#[test]
fn the_configured_file_takes_precedence_over_the_task_root_and_its_paths_are_relative_to_it() {
    let (root, other) = (Scratch::new(), Scratch::new());
    root.file("authorizer.json", CANARY);
    let mut config = config();
    config["issuers"][0]["secret"] = json!({ "file": "secret.txt" });
    let file = other.file("deep/config.json", config.to_string());
    // The line break at the end of the file is not part of the secret.
    other.file("deep/secret.txt", format!("{}\n", key("HS256").secret()));
    let lambda = Lambda::start(&[
        ("LAMBDA_TASK_ROOT", root.path()),
        ("AUTHORIZER_CONFIG_FILE", &file),
        ("SECRET", key("HS256").secret()),
    ]);
    let answer = lambda.invoke(event(&secret_token(json!({})), "GET/movies"));
    assert_eq!(answer.policy(), allow("alice", "GET/movies"));
}

#[test]
fn one_document_serves_every_stage_by_the_environment() {
    let mut config = config();
    config["issuers"][0]["audience"] = json!("https://${STAGE_NAME}.example.com");
    let lambda = Lambda::start(&[
        ("AUTHORIZER_CONFIG", &config.to_string()),
        ("SECRET", key("HS256").secret()),
        ("STAGE_NAME", "beta"),
    ]);
    let ask = |audience: &str| lambda.invoke(event(&secret_token(json!({ "aud": audience })), "GET/movies")).policy();
    assert_eq!(ask("https://beta.example.com"), allow("alice", "GET/movies"));
    assert_eq!(ask("https://${STAGE_NAME}.example.com")["context"]["reason"], "wrong_audience");
}

#[test]
fn a_termination_signal_ends_an_idle_program() {
    let lambda = Lambda::start(&[("AUTHORIZER_CONFIG", &config().to_string()), ("SECRET", key("HS256").secret())]);
    lambda.api.idle(1);
    lambda.function.terminate();
    lambda.function.finished();
}
