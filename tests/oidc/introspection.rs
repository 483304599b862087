//! Opaque tokens of the real provider, which is asked about them (RFC 7662), revokes them (RFC 7009) and goes down.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::provider::Provider;
use crate::support::Lambda;
use crate::tests::ask;

/// How long an answer is kept, in seconds.
const CACHE: u64 = 1;
const SECRET: &str = "an API: s%cret+&=/?";

/// Starts the program with the provider's endpoint, and this client's way to say who it is.
fn lambda(provider: &Provider, auth: &str, client: &str, secret: &str) -> Lambda {
    let config = json!({
        "policy": "single_request",
        "issuers": [{
            "issuer": provider.issuer, "audience": "https://api.example.com",
            "introspection": {
                "endpoint": format!("{}/token/introspection", provider.issuer),
                "client_id": client, "client_secret": { "env": "CLIENT_SECRET" },
                "auth": auth, "cache_seconds": CACHE,
            },
        }],
        "routes": [{ "method": "GET", "path": "/movies", "scopes": "read:movies" }],
        "principal": ["sub", "client_id"],
    });
    Lambda::start(&[
        ("AUTHORIZER_CONFIG", &config.to_string()),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
        ("CLIENT_SECRET", secret),
    ])
}

#[track_caller]
fn allowed(lambda: &Lambda, token: &str) {
    let policy = ask(lambda, token, "GET/movies").policy();
    let statement = &policy["policyDocument"]["Statement"][0];
    assert_eq!((&statement["Effect"], &policy["principalId"]), (&json!("Allow"), &json!("client")), "{policy}");
    assert!(statement["Condition"]["DateLessThan"]["aws:CurrentTime"].is_string(), "the provider says `exp`: {policy}");
}

#[track_caller]
fn refused(lambda: &Lambda, token: &str, reason: &str) {
    assert_eq!(ask(lambda, token, "GET/movies").policy()["context"]["reason"], reason);
}

#[track_caller]
fn unavailable(lambda: &Lambda, token: &str) {
    assert_eq!(ask(lambda, token, "GET/movies").error().0, "IntrospectionUnavailable");
}

/// Waits until no answer is kept any more.
fn outlast_the_cache() {
    std::thread::sleep(Duration::from_millis(CACHE * 1000 + 100));
}

#[test]
fn opaque_tokens_of_a_real_provider_pass_until_they_are_revoked_and_an_outage_is_never_a_deny() {
    let Some(provider) = Provider::start_or_skip() else { return };
    let basic = lambda(&provider, "basic", "api: basic+%", SECRET);
    let post = lambda(&provider, "post", "api: post&=", SECRET);
    let stranger = lambda(&provider, "basic", "api: basic+%", "another secret");
    let (first, second) = (provider.token("opaque"), provider.token("opaque"));
    assert!(!first.contains('.'), "an opaque token");
    for lambda in [&basic, &post] {
        allowed(lambda, &first);
        assert_eq!(ask(lambda, &first, "POST/movies").policy()["context"]["reason"], "undeclared_route");
        refused(lambda, "a-token-that-nobody-issued", "inactive_token");
        // The JWTs of the same issuer are verified by its keys, found by discovery.
        allowed(lambda, &provider.token("ES256"));
    }
    unavailable(&stranger, &first);

    provider.revoke(&first);
    outlast_the_cache();
    for lambda in [&basic, &post] {
        refused(lambda, &first, "inactive_token");
        allowed(lambda, &second);
    }

    drop(provider);
    outlast_the_cache();
    for lambda in [&basic, &post] {
        unavailable(lambda, &second);
        unavailable(lambda, "another-token-that-nobody-issued");
    }

    let outcomes = |lambda: Lambda| -> BTreeSet<String> {
        let finished = lambda.stop();
        for secret in [first.as_str(), &second, SECRET, "another secret", "read:movies"] {
            assert!(!finished.stdout.contains(secret), "{finished:?}");
        }
        let lines = finished.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let asked = lines.filter(|line| line["message"] == "introspection");
        asked.map(|line| line["outcome"].as_str().unwrap().to_owned()).collect()
    };
    let expected = BTreeSet::from(["active", "connection_failed", "inactive"].map(str::to_owned));
    assert_eq!(outcomes(basic), expected);
    assert_eq!(outcomes(post), expected);
    assert_eq!(outcomes(stranger), BTreeSet::from(["status_401".to_owned()]));
}
