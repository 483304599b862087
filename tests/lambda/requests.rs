//! Events of REQUEST authorizers, and of issuers with tenants, under the Runtime API.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::api::{STAGE, allow, config, lambda, secret_token};

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("events")
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn every_sample_event_of_another_kind_gets_its_stored_answer() {
    let mut answered = 0;
    for folder in ["rest-request", "http-api", "websocket", "tenants"] {
        let document = fs::read_to_string(samples().join("config").join(folder).with_extension("json")).unwrap();
        let keys = samples().join("keys");
        let document = document.replace("../keys", keys.to_str().unwrap());
        let lambda = lambda(&serde_json::from_str(&document).unwrap(), &[]);
        for entry in fs::read_dir(samples().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let stored = read(&samples().join("answers").join(folder).join(path.file_name().unwrap()));
            let answer = lambda.invoke(fs::read(&path).unwrap());
            assert!(!answer.is_error, "{}", path.display());
            assert_eq!(answer.json(), stored, "{}", path.display());
            answered += 1;
        }
    }
    assert_eq!(answered, 15);
}

#[test]
fn a_request_event_of_six_megabytes_is_decided_by_its_token() {
    let lambda = lambda(&config(), &[]);
    let bearer = format!("Bearer {}", secret_token(json!({})));
    let event = |headers: Value| {
        json!({ "type": "REQUEST", "methodArn": format!("{STAGE}GET/movies"), "headers": headers }).to_string()
    };
    let mut headers: serde_json::Map<String, Value> =
        (0..50_000).map(|number| (format!("x-{number}"), "v".repeat(80).into())).collect();
    headers.insert("AUTHORIZATION".to_owned(), bearer.clone().into());
    assert_eq!(lambda.invoke(event(headers.clone().into())).policy(), allow("alice", "GET/movies"));
    headers.insert("authorization".to_owned(), "Bearer a.b.c".into());
    let refused = lambda.invoke(event(headers.into())).policy();
    assert_eq!(refused["context"]["reason"], "malformed_token");
    let cookies = format!("{}x=y", "a=b; ".repeat(1_000_000));
    let refused = lambda.invoke(event(json!({ "Cookie": cookies }))).policy();
    assert_eq!(refused["context"]["reason"], "missing_token");
    assert_eq!(lambda.invoke(event(json!({ "Authorization": bearer }))).policy(), allow("alice", "GET/movies"));
}

#[test]
fn no_log_line_holds_a_piece_of_a_header_a_cookie_or_a_query_string() {
    let mut document = config();
    document["token_sources"] = json!(["header:X-Token", "cookie:session", "query:token", "websocket_protocol"]);
    let settings = [("AWS_LAMBDA_LOG_LEVEL", "TRACE"), ("AWS_LAMBDA_LOG_FORMAT", "JSON")];
    let lambda = lambda(&document, &settings);
    let canary = |name: &str| format!("canary-of-{name}-7f3a9c");
    let event = |arn: &str, value: &str| {
        json!({
            "type": "REQUEST",
            "methodArn": arn,
            "headers": { "X-Token": value, "Cookie": format!("session={}", canary("cookie")), "X-Other": canary("header") },
            "multiValueHeaders": { "X-Many": [canary("many")] },
            "queryStringParameters": { "token": canary("query") },
            "multiValueQueryStringParameters": { "token": [canary("queries")] },
            "cookies": [canary("cookies")],
            "identitySource": canary("identity"),
            "rawQueryString": canary("raw"),
            "body": canary("body"),
            "requestContext": { "identity": { "userAgent": canary("agent") } },
        })
        .to_string()
    };
    let arn = format!("{STAGE}GET/movies");
    for value in [canary("token"), secret_token(json!({})), "a.b.c".to_owned(), String::new()] {
        let answer = lambda.invoke(event(&arn, &value));
        assert!(!answer.json().to_string().contains("canary"));
    }
    lambda.invoke(event("not an ARN", "a.b.c"));
    let finished = lambda.stop();
    let log = format!("{}{}", finished.stdout, finished.stderr);
    assert!(log.contains("malformed_token") && log.contains("malformed_event"), "refusals are logged");
    assert!(!log.contains("canary"), "{log}");
}
