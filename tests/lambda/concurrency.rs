//! Concurrent and sequential invocations.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::api::{
    AUDIENCE, KEYS, allow, claims, config, deny, event, event_with, healing_tokens, lambda, malformed_events,
    secret_token,
};
use crate::support::http::Reply;
use crate::support::{KeyServer, eventually, jwks, key};

#[test]
fn without_concurrency_all_invocations_share_one_connection() {
    let lambda = lambda(&config(), &[]);
    lambda.api.idle(1);
    for number in 0..20 {
        let subject = format!("user-{number}");
        let token = secret_token(json!({ "sub": subject }));
        let answer = lambda.invoke(event(&token, "GET/movies"));
        assert_eq!(answer.policy(), allow(&subject, "GET/movies"));
        assert!(lambda.invoke("not json").is_error);
    }
    lambda.api.idle(1);
    assert_eq!(lambda.api.connections(), 1);
}

#[test]
fn with_concurrency_eight_invocations_in_flight_get_their_own_answers() {
    let lambda = lambda(&config(), &[("AWS_LAMBDA_MAX_CONCURRENCY", "4")]);
    lambda.api.idle(4);
    let mut begun = Vec::new();
    for round in 0..8 {
        let subject = format!("user-{round}");
        let token = secret_token(json!({ "sub": subject }));
        let request = if round % 2 == 0 { "GET/movies" } else { "PUT/movies" };
        begun.push((lambda.api.begin(event(&token, request)), subject, request));
    }
    let bad: Vec<_> = malformed_events().iter().map(|body| lambda.api.begin(body)).collect();
    let healing: Vec<_> =
        healing_tokens().iter().map(|(_, token)| lambda.api.begin(event(token, "GET/movies"))).collect();
    let missing = lambda.api.begin(event_with(None, "GET/movies"));
    for (request_id, subject, request) in begun {
        let expected = match request {
            "GET/movies" => allow(&subject, request),
            _ => deny(&subject, request, "insufficient_scope"),
        };
        assert_eq!(lambda.api.answer(&request_id).policy(), expected);
    }
    for request_id in bad {
        assert_eq!(lambda.api.answer(&request_id).error().0, "MalformedEvent");
    }
    for request_id in healing {
        assert_eq!(lambda.api.answer(&request_id).error().0, "Unauthorized");
    }
    assert_eq!(lambda.api.answer(&missing).policy()["principalId"], "anonymous");
    lambda.api.idle(4);
}

#[test]
fn an_invocation_that_waits_for_keys_does_not_delay_others() {
    let server = KeyServer::start();
    server.set("/keys", Reply::status(503));
    let mut config = config();
    config["issuers"][1] = json!({
        "issuer": KEYS, "audience": AUDIENCE, "jwks_uri": server.url("/keys"), "keys_cache": { "timeout_ms": 10_000 },
    });
    let lambda = lambda(&config, &[("AWS_LAMBDA_MAX_CONCURRENCY", "4")]);
    lambda.api.idle(4);
    let begun = server.count("/keys");
    server.set("/keys", Reply::json(&jwks(&[key("RS256")])).stalling_after(10));
    let token = key("RS256").token(&claims(KEYS, json!({})));

    // After a failure there is a pause before the next fetch.
    let waiting = eventually("an invocation waits for keys", || {
        let request_id = lambda.api.begin(event(&token, "GET/movies"));
        eventually("the invocation fetches keys or is answered", || {
            (server.count("/keys") > begun || lambda.api.is_answered(&request_id)).then_some(())
        });
        (!lambda.api.is_answered(&request_id)).then_some(request_id)
    });
    let mut answered = BTreeSet::new();
    for number in 0..8 {
        let subject = format!("user-{number}");
        let token = secret_token(json!({ "sub": subject }));
        let answer = lambda.invoke(event(&token, "GET/movies"));
        assert_eq!(answer.policy(), allow(&subject, "GET/movies"));
        answered.insert(answer.request_id);
    }
    assert_eq!(answered.len(), 8);
    assert!(!lambda.api.is_answered(&waiting));
}
