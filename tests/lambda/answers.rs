//! The answer to each kind of event.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::api::{
    AUDIENCE, CANARY, EXPIRES, KEYS, SECRET, STAGE, allow, claims, config, config_with, deny, deny_all, event,
    event_with, healing_tokens, invalid_tokens, lambda, malformed_events, public_algorithms, secret_token, serves,
    statement,
};
use crate::support::{KeyServer, key};

fn unauthorized() -> (String, String) {
    ("Unauthorized".to_owned(), "Unauthorized".to_owned())
}

#[test]
fn a_valid_token_of_any_algorithm_is_allowed_its_request_until_it_ends() {
    let lambda = lambda(&config(), &[]);
    for alg in ["HS256", "HS384", "HS512"] {
        let token = key(alg).token(&claims(SECRET, json!({ "sub": alg })));
        assert_eq!(lambda.invoke(event(&token, "GET/movies")).policy(), allow(alg, "GET/movies"));
    }
    for alg in public_algorithms() {
        let token = key(alg).token(&claims(KEYS, json!({ "sub": alg })));
        assert_eq!(lambda.invoke(event(&token, "GET/movies")).policy(), allow(alg, "GET/movies"));
    }
    let ed25519 = json!({ "alg": "Ed25519", "kid": "eddsa" });
    let token = key("EdDSA").token_with(&ed25519, &claims(KEYS, json!({})));
    assert_eq!(lambda.invoke(event(&token, "GET/movies")).policy(), allow("alice", "GET/movies"));
}

#[test]
fn the_scheme_is_read_in_any_case_and_with_any_number_of_spaces() {
    let lambda = lambda(&config(), &[]);
    let token = secret_token(json!({}));
    for scheme in ["Bearer ", "bearer ", "BEARER   "] {
        let answer = lambda.invoke(event_with(Some(&format!("{scheme}{token}")), "GET/movies"));
        assert_eq!(answer.policy(), allow("alice", "GET/movies"), "{scheme:?}");
    }
}

#[test]
fn each_route_is_allowed_to_a_token_that_meets_its_rules() {
    let lambda = lambda(&config(), &[]);
    for (request, others) in [
        ("GET/", json!({ "scope": null })),
        ("GET/movies/", json!({})),
        ("POST/movies", json!({ "scope": "premium write:movies" })),
        ("PUT/movies", json!({ "scope": ["admin"] })),
        ("PUT/movies", json!({ "scp": "admin" })),
        ("DELETE/users/alice", json!({})),
        ("GET/users/a%20lice", json!({ "sub": "a lice" })),
        ("GET/users/a:b", json!({ "sub": "a:b" })),
    ] {
        let principal = others["sub"].as_str().unwrap_or("alice").to_owned();
        let answer = lambda.invoke(event(&secret_token(others), request));
        assert_eq!(answer.policy(), allow(&principal, request), "{request}");
    }
}

#[test]
fn a_valid_token_without_the_required_rights_is_denied_the_request_under_its_own_principal() {
    let lambda = lambda(&config_with("context", json!({ "email": "email" })), &[]);
    for (request, reason) in [
        ("POST/movies", "insufficient_scope"),
        ("GET/users/bob", "claim_mismatch"),
        ("GET/users/Alice", "claim_mismatch"),
        ("DELETE/movies", "undeclared_route"),
        ("GET/movies/1", "undeclared_route"),
        ("GET/Movies", "undeclared_route"),
        ("POST/", "undeclared_route"),
    ] {
        let token = secret_token(json!({ "email": CANARY }));
        let answer = lambda.invoke(event(&token, request));
        assert_eq!(answer.policy(), deny("alice", request, reason), "{request}");
    }
}

#[test]
fn an_ambiguous_path_is_denied_without_being_named() {
    let lambda = lambda(&config(), &[]);
    for path in [
        "*",
        "movies?",
        "users/${aws:username}",
        "movies%0a",
        "%zz",
        "movies//",
        "./movies",
        "users/../movies",
        "users\\alice",
        "users/alice%2f",
        "%6dovies",
    ] {
        let request = format!("GET/{path}");
        let answer = lambda.invoke(event(&secret_token(json!({})), &request)).policy();
        let statements = answer["policyDocument"]["Statement"].as_array().unwrap();
        assert!(statements.iter().all(|statement| statement["Effect"] == "Deny"), "{answer}");
        assert!(!statements.is_empty(), "{answer}");
        for resource in statements.iter().flat_map(|statement| statement["Resource"].as_array().unwrap()) {
            let resource = resource.as_str().unwrap();
            assert!(resource.starts_with(STAGE), "{answer}");
            assert!(path == "*" || !resource.contains(path), "{answer}");
        }
        assert_eq!(answer["principalId"], "alice", "{path}");
        assert_eq!(answer["context"], json!({ "error": "insufficient_scope", "reason": "ambiguous_path" }), "{path}");
    }
}

#[test]
fn a_request_longer_than_a_resource_may_be_is_refused() {
    const MAX_RESOURCE_CHARS: usize = 512;
    let lambda = lambda(&config_with("undeclared_routes", json!("allow")), &[]);
    let ask = |length: usize| {
        let request = format!("GET/{}", "a".repeat(length.saturating_sub(STAGE.len()).saturating_sub("GET/".len())));
        (lambda.invoke(event(&secret_token(json!({})), &request)).policy(), request)
    };
    let (longest, request) = ask(MAX_RESOURCE_CHARS);
    assert_eq!(longest, allow("alice", &request));
    let (longer, _) = ask(MAX_RESOURCE_CHARS.saturating_add(1));
    for statement in longer["policyDocument"]["Statement"].as_array().unwrap() {
        assert_eq!(statement["Effect"], "Deny", "{longer}");
        let mut resources = statement["Resource"].as_array().unwrap().iter();
        assert!(resources.all(|resource| resource.as_str().unwrap().len() <= MAX_RESOURCE_CHARS), "{longer}");
    }
    assert_eq!(longer["context"]["error"], "insufficient_scope", "{longer}");
}

#[test]
fn an_allow_carries_the_configured_context_and_a_refusal_none_of_it() {
    let mut config = config();
    config["principal"] = json!(["email", "sub"]);
    config["usage_identifier_key"] = json!("api_key");
    config["context"] = json!({
        "tenant": "https://example.com/tenant",
        "seats": "/plan/seats",
        "trial": "/plan/trial",
        "roles": "roles",
        "absent": "nowhere",
    });
    let lambda = lambda(&config, &[]);
    let token = secret_token(json!({
        "email": "alice@example.com",
        "api_key": "key-of-alice",
        "https://example.com/tenant": "acme",
        "plan": { "seats": 7, "trial": false },
        "roles": ["a", "b"],
    }));
    let mut expected = allow("alice@example.com", "GET/movies");
    expected["context"] = json!({ "tenant": "acme", "seats": 7, "trial": false, "roles": r#"["a","b"]"# });
    expected["usageIdentifierKey"] = "key-of-alice".into();
    assert_eq!(lambda.invoke(event(&token, "GET/movies")).policy(), expected);
    assert_eq!(
        lambda.invoke(event(&token, "POST/movies")).policy(),
        deny("alice@example.com", "POST/movies", "insufficient_scope")
    );
}

#[test]
fn an_allow_has_no_condition_if_policies_do_not_expire() {
    let lambda = lambda(&config_with("policy_expiry", json!("none")), &[]);
    let answer = lambda.invoke(event(&secret_token(json!({})), "GET/movies"));
    let expected = json!({ "principalId": "alice", "policyDocument": statement("Allow", "GET/movies") });
    assert_eq!(answer.policy(), expected);
}

#[test]
fn the_policy_names_the_partition_stage_and_path_of_its_event() {
    let lambda = lambda(&config_with("undeclared_routes", json!("allow")), &[]);
    let token = secret_token(json!({}));
    for arn in [
        "arn:aws-cn:execute-api:cn-north-1:123456789012:a1b2c3d4e5/ESTestInvoke-stage/GET/movies",
        "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:a1b2c3d4e5/v1.2/GET/",
        "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/PATCH/a:b/caf%C3%A9",
    ] {
        let event = json!({ "type": "TOKEN", "authorizationToken": format!("Bearer {token}"), "methodArn": arn });
        let policy = lambda.invoke(event.to_string()).policy();
        assert_eq!(policy["policyDocument"]["Statement"][0]["Effect"], "Allow", "{policy}");
        assert_eq!(policy["policyDocument"]["Statement"][0]["Resource"], json!([arn]));
    }
}

#[test]
fn route_rules_that_only_report_allow_the_stage_to_a_valid_token_alone() {
    let lambda = lambda(&config_with("route_rules", json!("report")), &[]);
    let answer = lambda.invoke(event(&secret_token(json!({})), "DELETE/movies"));
    assert_eq!(answer.policy(), allow("alice", "*"));
    let answer = lambda.invoke(event(&secret_token(json!({ "aud": "another" })), "GET/movies"));
    assert_eq!(answer.policy(), deny_all("wrong_audience"));
}

#[test]
fn an_invalid_token_is_denied_the_stage_for_its_own_reason() {
    let lambda = lambda(&config(), &[]);
    for (reason, authorization) in invalid_tokens() {
        let answer = lambda.invoke(event_with(authorization.as_deref(), "GET/movies"));
        assert_eq!(answer.policy(), deny_all(reason), "{authorization:?}");
    }
    let null = json!({ "type": "TOKEN", "authorizationToken": null, "methodArn": format!("{STAGE}GET/movies") });
    assert_eq!(lambda.invoke(null.to_string()).policy(), deny_all("missing_token"));
}

#[test]
fn an_invalid_token_is_the_error_unauthorized_where_that_is_configured() {
    let lambda = lambda(&config_with("invalid_token", json!("unauthorized")), &[]);
    for (reason, authorization) in invalid_tokens() {
        let answer = lambda.invoke(event_with(authorization.as_deref(), "GET/movies"));
        assert_eq!(answer.error(), unauthorized(), "{reason}: {authorization:?}");
    }
    // A valid token without the required rights is still denied by a policy.
    let answer = lambda.invoke(event(&secret_token(json!({})), "POST/movies"));
    assert_eq!(answer.policy(), deny("alice", "POST/movies", "insufficient_scope"));
}

#[test]
fn a_refusal_that_may_become_an_allow_is_the_error_unauthorized_whatever_is_configured() {
    for invalid_token in ["deny", "unauthorized"] {
        let lambda = lambda(&config_with("invalid_token", json!(invalid_token)), &[]);
        for (reason, token) in healing_tokens() {
            let answer = lambda.invoke(event(&token, "GET/movies"));
            assert_eq!(answer.error(), unauthorized(), "{invalid_token}, {reason}");
        }
    }
}

#[test]
fn the_error_unauthorized_has_no_other_members() {
    let lambda = lambda(&config_with("invalid_token", json!("unauthorized")), &[]);
    let answer = lambda.invoke(event_with(None, "GET/movies"));
    assert!(answer.is_error);
    let mut body = answer.json();
    // The Runtime API also defines `stackTrace`, which may be empty.
    body.as_object_mut().unwrap().retain(|name, value| name != "stackTrace" || *value != json!([]));
    assert_eq!(body, json!({ "errorType": "Unauthorized", "errorMessage": "Unauthorized" }));
}

#[test]
fn unavailable_keys_are_the_error_keys_unavailable_and_never_a_deny() {
    let gone = KeyServer::start();
    let url = gone.url("/keys");
    drop(gone);
    let mut messages = BTreeSet::new();
    for invalid_token in ["deny", "unauthorized"] {
        let mut config = config_with("invalid_token", json!(invalid_token));
        config["issuers"][1] = json!({ "issuer": KEYS, "audience": AUDIENCE, "jwks_uri": url });
        let lambda = lambda(&config, &[]);
        for others in [json!({}), json!({ "sub": CANARY })] {
            let answer = lambda.invoke(event(&key("RS256").token(&claims(KEYS, others)), "GET/movies"));
            let (kind, message) = answer.error();
            assert_eq!(kind, "KeysUnavailable");
            messages.insert(message);
        }
        // Tokens of another issuer are not affected.
        serves(&lambda);
    }
    assert_eq!(messages.len(), 1, "the message is always the same: {messages:?}");
    assert!(messages.iter().all(|message| !message.contains(&url) && !message.contains("127.0.0.1")));
}

#[test]
fn anything_but_an_authorizer_event_is_the_error_malformed_event_and_the_next_event_is_answered() {
    let lambda = lambda(&config(), &[]);
    let mut messages = BTreeSet::new();
    for body in malformed_events() {
        let answer = lambda.invoke(&body);
        let (kind, message) = answer.error();
        assert_eq!(kind, "MalformedEvent", "{}", String::from_utf8_lossy(&body));
        messages.insert(message);
        serves(&lambda);
    }
    assert_eq!(messages.len(), 1, "the message is always the same: {messages:?}");
    assert!(messages.iter().all(|message| message != "Unauthorized" && !message.contains(CANARY)));
}

#[test]
fn an_array_of_the_members_values_is_not_an_event() {
    let lambda = lambda(&config(), &[]);
    let bearer = format!("Bearer {}", secret_token(json!({})));
    let answer = lambda.invoke(json!(["TOKEN", bearer, format!("{STAGE}GET/movies")]).to_string());
    assert!(answer.is_error, "{}", answer.json());
    assert_eq!(answer.error().0, "MalformedEvent");
}

#[test]
fn additional_members_of_an_event_are_ignored() {
    let lambda = lambda(&config(), &[]);
    let mut event: Value = serde_json::from_str(&event(&secret_token(json!({})), "GET/movies")).unwrap();
    event["resource"] = "/movies".into();
    event["requestContext"] = json!({ "identity": null });
    assert_eq!(lambda.invoke(event.to_string()).policy(), allow("alice", "GET/movies"));
}

#[test]
fn no_answer_holds_a_null() {
    fn nulls(value: &Value) -> bool {
        match value {
            Value::Array(items) => items.iter().any(nulls),
            Value::Object(members) => members.values().any(nulls),
            other => other.is_null(),
        }
    }
    let mut config = config_with("context", json!({ "absent": "absent", "nothing": "nothing" }));
    config["usage_identifier_key"] = json!("absent");
    let lambda = lambda(&config, &[]);
    let token = key("HS256").token(&json!({
        "iss": SECRET, "sub": "alice", "aud": AUDIENCE, "exp": EXPIRES, "scope": "read:movies", "nothing": null,
    }));
    for request in ["GET/movies", "POST/movies", "GET/nowhere"] {
        let answer = lambda.invoke(event(&token, request)).policy();
        assert!(!nulls(&answer), "{answer}");
    }
}
