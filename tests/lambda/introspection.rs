//! Opaque tokens in the real program: one question for many invocations, a revocation, an outage, and what is never logged.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::api::{AUDIENCE, CANARY, KEYS, STAGE, claims, event, lambda as started, secret_token, statement};
use crate::support::endpoint::Endpoint;
use crate::support::http::Reply;
use crate::support::{Answer, Lambda, eventually, key, piece_in, pieces};

const TOKEN: &str = "opaque-8a1f6c0d94e27b35~a+b/c=";
const CLIENT_SECRET: &str = "a client's secret, canary-77c1e09a4b";
const MESSAGE: &str = "The token's issuer could not be asked about it; the log says why.";

fn config(endpoint: &Endpoint, cache_seconds: u64) -> Value {
    json!({
        "policy": "single_request",
        "issuers": [
            { "issuer": crate::support::api::SECRET, "audience": AUDIENCE, "secret": { "env": "SECRET" } },
            {
                "issuer": KEYS, "audience": AUDIENCE, "jwks": { "keys": [key("ES256").jwk()] },
                "introspection": {
                    "endpoint": endpoint.url(), "client_id": "api", "client_secret": { "env": "CLIENT_SECRET" },
                    "cache_seconds": cache_seconds,
                },
            },
        ],
        "routes": [{ "method": "GET", "path": "/movies", "scopes": "read:movies" }],
        "context": { "all": "" },
    })
}

fn lambda(endpoint: &Endpoint, cache_seconds: u64, variables: &[(&str, &str)]) -> Lambda {
    let all: Vec<_> = [("CLIENT_SECRET", CLIENT_SECRET)].iter().chain(variables).copied().collect();
    started(&config(endpoint, cache_seconds), &all)
}

/// The claims of an active token without dates.
fn undated() -> Value {
    claims(KEYS, json!({ "exp": null, "iat": null }))
}

#[track_caller]
fn unavailable(answer: &Answer) {
    assert_eq!(answer.error(), ("IntrospectionUnavailable".to_owned(), MESSAGE.to_owned()));
}

#[track_caller]
fn refused(answer: &Answer, reason: &str) {
    let mut expected = statement("Deny", "*");
    expected["Statement"][0]["Resource"] = json!([format!("{STAGE}*")]);
    let policy = answer.policy();
    assert_eq!((&policy["policyDocument"], &policy["principalId"]), (&expected, &json!("anonymous")));
    assert_eq!(policy["context"], json!({ "error": "invalid_token", "reason": reason }));
}

#[test]
fn an_active_token_without_exp_is_allowed_by_a_policy_without_a_date() {
    let endpoint = Endpoint::start();
    endpoint.activate(TOKEN, &undated());
    let lambda = lambda(&endpoint, 60, &[]);
    let policy = lambda.invoke(event(TOKEN, "GET/movies")).policy();
    assert_eq!(
        (&policy["policyDocument"], &policy["principalId"]),
        (&statement("Allow", "GET/movies"), &json!("alice"))
    );
    let mut members = undated();
    members["active"] = json!(true);
    let all: Value = serde_json::from_str(policy["context"]["all"].as_str().unwrap()).unwrap();
    assert_eq!(all, members, "the members of the response are the claims");
    refused(&lambda.invoke(event("another", "GET/movies")), "inactive_token");
    refused(&lambda.invoke(event("a.b.c", "GET/movies")), "malformed_token");
    let jwt = key("ES256").token(&claims(KEYS, json!({})));
    assert_eq!(lambda.invoke(event(&jwt, "GET/movies")).policy()["principalId"], "alice");
}

#[test]
fn an_outage_is_an_error_and_a_revocation_is_seen_after_cache_seconds() {
    let endpoint = Endpoint::start();
    endpoint.activate(TOKEN, &undated());
    let lambda = lambda(&endpoint, 1, &[]);
    assert_eq!(lambda.invoke(event(TOKEN, "GET/movies")).policy()["principalId"], "alice");
    endpoint.always(Some(Reply::status(503)));
    unavailable(&lambda.invoke(event("another", "GET/movies")));
    std::thread::sleep(Duration::from_millis(1100));
    unavailable(&lambda.invoke(event(TOKEN, "GET/movies")));
    let other = secret_token(json!({}));
    assert_eq!(lambda.invoke(event(&other, "GET/movies")).policy()["principalId"], "alice", "other tokens pass");
    endpoint.always(None);
    endpoint.revoke(TOKEN);
    let answer = eventually("the pause is over", || {
        let answer = lambda.invoke(event(TOKEN, "GET/movies"));
        (!answer.is_error).then_some(answer)
    });
    refused(&answer, "inactive_token");
}

#[test]
fn concurrent_invocations_with_one_token_share_a_question_and_with_many_at_most_20_are_under_way() {
    let endpoint = Endpoint::start();
    endpoint.activate(TOKEN, &undated());
    endpoint.takes(Duration::from_millis(1500));
    let mut config = config(&endpoint, 60);
    config["issuers"][1]["keys_cache"] = json!({ "timeout_ms": 10_000 });
    let lambda = started(&config, &[("CLIENT_SECRET", CLIENT_SECRET), ("AWS_LAMBDA_MAX_CONCURRENCY", "24")]);
    lambda.api.idle(24);
    let ask = |tokens: Vec<String>| {
        let begun: Vec<_> = tokens.iter().map(|token| lambda.api.begin(event(token, "GET/movies"))).collect();
        for request_id in begun {
            assert_eq!(lambda.api.answer(&request_id).policy()["principalId"], "alice");
        }
    };
    ask(vec![TOKEN.to_owned(); 24]);
    assert_eq!(endpoint.count(), 1);
    let many: Vec<_> = (0..24).map(|number| format!("token-{number}")).collect();
    many.iter().for_each(|token| endpoint.activate(token, &undated()));
    ask(many);
    assert_eq!((endpoint.count(), endpoint.most_under_way()), (25, 20));
}

#[test]
fn a_slow_endpoint_is_answered_before_the_invocation_ends() {
    let endpoint = Endpoint::start();
    endpoint.always(Some(Reply::json(&json!({ "active": true })).delayed(Duration::from_secs(3600))));
    let mut config = config(&endpoint, 60);
    config["issuers"][1]["keys_cache"] = json!({ "timeout_ms": 10_000 });
    let lambda = started(&config, &[("CLIENT_SECRET", CLIENT_SECRET)]);
    lambda.api.started();
    lambda.api.ends_after(Duration::from_millis(1500));
    let began = crate::support::instant();
    unavailable(&lambda.invoke(event(TOKEN, "GET/movies")));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[test]
fn no_log_line_at_any_level_holds_a_piece_of_an_opaque_token_the_clients_secret_or_the_response() {
    let endpoint = Endpoint::start();
    let private =
        |sub: &str| claims(KEYS, json!({ "sub": sub, "username": CANARY, "scope": format!("read:movies {CANARY}") }));
    let tokens: Vec<String> =
        (0..16).map(|number| format!("opaque-{number:02}-{}", "5e0f91c2a7d3b846".repeat(2))).collect();
    let replies = [
        Reply::status(401).body(CANARY),
        Reply::status(500).body(CANARY),
        Reply::status(302).header("Location", &format!("{}?{CANARY}", endpoint.url())),
        Reply::ok(CANARY),
        Reply::ok(format!(r#"{{"active":"{CANARY}"}}"#)),
        Reply::closed(),
        Reply::json(&json!({ "active": false, "sub": CANARY })),
    ];
    for variables in [
        &[("AWS_LAMBDA_LOG_FORMAT", "JSON"), ("AWS_LAMBDA_LOG_LEVEL", "TRACE"), ("RUST_LOG", "trace")][..],
        &[("RUST_LOG", "trace,apigw_jwt_authorizer=trace,hyper=trace,reqwest=trace")],
    ] {
        let lambda = lambda(&endpoint, 0, variables);
        let ask = |token: &str| {
            let answer = lambda.invoke(event(token, "GET/movies"));
            let told = pieces([token, CLIENT_SECRET]);
            assert_eq!(piece_in(&answer.json().to_string(), &told), None, "{answer:?}");
        };
        for (token, changes) in tokens.iter().zip([
            json!({}),
            json!({ "aud": CANARY }),
            json!({ "iss": CANARY }),
            json!({ "exp": CANARY }),
            json!({ "exp": 1 }),
            json!({ "cnf": { "jkt": CANARY } }),
            json!({ "token_type": CANARY }),
            json!({ "scope": [CANARY, 1] }),
            json!({ "scope": CANARY }),
        ]) {
            let mut claims = private(CANARY);
            claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            endpoint.activate(token, &claims);
            ask(token);
        }
        for (token, reply) in tokens.iter().rev().zip(&replies) {
            // An endpoint that has failed is left alone for a second.
            endpoint.always(Some(reply.clone()));
            let before = endpoint.count();
            eventually("the endpoint is asked", || {
                ask(token);
                (endpoint.count() > before).then_some(())
            });
        }
        endpoint.always(None);
        let finished = lambda.stop();
        let outcomes =
            ["active", "inactive", "status_401", "status_500", "status_302", "not_an_introspection_response"];
        for outcome in outcomes {
            assert!(finished.stdout.contains(outcome), "{outcome}: {finished:?}");
        }
        let texts = tokens.iter().map(String::as_str).chain([CLIENT_SECRET, CANARY]);
        let pieces = pieces(texts);
        for line in finished.stdout.lines().chain(finished.stderr.lines()) {
            assert_eq!(piece_in(line, &pieces), None, "{variables:?}: {line}");
        }
    }
}

#[test]
fn a_failure_is_one_line_with_the_reason_and_what_to_do() {
    let endpoint = Endpoint::start();
    endpoint.always(Some(Reply::status(401)));
    let lambda = lambda(&endpoint, 60, &[("AWS_LAMBDA_LOG_FORMAT", "JSON")]);
    let answer = lambda.invoke(event(TOKEN, "GET/movies"));
    unavailable(&answer);
    let finished = lambda.stop();
    let lines: Vec<Value> = finished.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let failure = lines.iter().find(|line| line["message"] == "introspection").unwrap();
    assert_eq!(
        (&failure["level"], &failure["issuer"], &failure["outcome"]),
        (&json!("WARN"), &json!(KEYS), &json!("status_401"))
    );
    assert!(failure["advice"].as_str().unwrap().contains("`client_secret`"), "{failure}");
    let decision = lines.iter().find(|line| line["request_id"] == answer.request_id).unwrap();
    assert_eq!((&decision["reason"], &decision["issuer"]), (&json!("introspection_unavailable"), &json!(KEYS)));
}

#[test]
fn the_sample_events_of_opaque_tokens_are_answered_as_stored() {
    let endpoint = Endpoint::start();
    let said = |audience: &str| {
        json!({
            "iss": "https://login.example.com/", "sub": "ada", "aud": audience, "exp": 4_922_899_200_u64,
            "client_id": "shop", "scope": "read:orders", "token_type": "Bearer",
        })
    };
    endpoint.activate("opaque-sample-of-ada", &said("https://api.example.com/orders"));
    endpoint.activate("opaque-sample-for-another-api", &said("https://api.example.com/invoices"));
    let read = |path: String| -> Value { serde_json::from_slice(&std::fs::read(&path).expect(&path)).unwrap() };
    let mut config = read("events/config/opaque.json".to_owned());
    let introspection = &mut config["issuers"][0]["introspection"];
    introspection["endpoint"] = json!(endpoint.url());
    introspection["client_secret"] =
        json!({ "file": concat!(env!("CARGO_MANIFEST_DIR"), "/events/keys/opaque-client.secret.txt") });
    let lambda = started(&config, &[]);
    let mut names: Vec<String> = std::fs::read_dir("events/opaque")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 4);
    for name in names {
        let event = read(format!("events/opaque/{name}"));
        let answer = lambda.invoke(event.to_string()).policy();
        assert_eq!(answer, read(format!("events/answers/opaque/{name}")), "{name}: {answer:#}");
    }
}
