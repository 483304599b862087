//! The API that most tests protect, its issuers and their tokens.

use serde_json::{Value, json};

use super::{ALGORITHMS, Lambda, SigningKey, jwks, key, now, stranger};

/// The stage of every request.
pub(crate) const STAGE: &str = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/";
pub(crate) const AUDIENCE: &str = "https://api.example.com";
/// The issuer that signs with a shared secret.
pub(crate) const SECRET: &str = "https://secret.example.com/";
/// The issuer that has a key for every other algorithm.
pub(crate) const KEYS: &str = "https://keys.example.com/";
/// The issuer that signs with the same secret, but has a maximum token age and a required claim.
pub(crate) const YOUNG: &str = "https://young.example.com/";

/// 2126-01-01, and that date in a policy, with ten seconds of leeway.
pub(crate) const EXPIRES: u64 = 4_922_899_200;
pub(crate) const POLICY_EXPIRES: &str = "2126-01-01T00:00:10Z";

/// A text of over 16 bytes that must never appear in an answer or a log line.
pub(crate) const CANARY: &str = "canary-0f4b7a61c2d95e38";

/// An API with an issuer of each kind. The environment variable `SECRET` is the shared secret.
pub(crate) fn config() -> Value {
    let public: Vec<SigningKey> = public_algorithms().into_iter().map(key).collect();
    let secret = json!({ "env": "SECRET" });
    json!({
        "policy": "single_request",
        "issuers": [
            { "issuer": SECRET, "audience": AUDIENCE, "secret": secret, "algorithms": ["HS256", "HS384", "HS512"] },
            { "issuer": KEYS, "audience": AUDIENCE, "jwks": jwks(&public) },
            {
                "issuer": YOUNG, "audience": AUDIENCE, "secret": secret,
                "max_token_age_seconds": 3600, "required_claims": { "region": ["eu", "us"] },
            },
        ],
        "routes": [
            { "method": "GET", "path": "/" },
            { "method": "GET", "path": "/movies", "scopes": "read:movies" },
            { "method": ["POST", "PUT"], "path": "/movies", "scopes": ["write:movies premium", "admin"] },
            { "path": "/users/{id}", "claims": { "sub": "{id}" } },
        ],
    })
}

/// The configuration with one member replaced.
pub(crate) fn config_with(member: &str, value: Value) -> Value {
    let mut config = config();
    config[member] = value;
    config
}

/// Every algorithm with a public key.
pub(crate) fn public_algorithms() -> Vec<&'static str> {
    ALGORITHMS.into_iter().filter(|alg| !alg.starts_with("HS")).collect()
}

/// Starts the program with this configuration and additional environment variables.
pub(crate) fn lambda(config: &Value, variables: &[(&str, &str)]) -> Lambda {
    let config = config.to_string();
    let mut all = vec![("AUTHORIZER_CONFIG", config.as_str()), ("SECRET", key("HS256").secret())];
    all.extend(variables);
    Lambda::start(&all)
}

/// The claims of a token that may read movies, with others added or replaced; `null` removes one.
pub(crate) fn claims(issuer: &str, others: Value) -> Value {
    let mut claims = json!({
        "iss": issuer,
        "sub": "alice",
        "aud": AUDIENCE,
        "iat": now(),
        "exp": EXPIRES,
        "scope": "openid read:movies",
    });
    let Value::Object(others) = others else {
        panic!("claims are an object");
    };
    for (name, value) in others {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(&name);
        } else {
            claims[name] = value;
        }
    }
    claims
}

/// A token signed with the shared secret.
pub(crate) fn secret_token(others: Value) -> String {
    key("HS256").token(&claims(SECRET, others))
}

/// An event that asks for `<METHOD>/<path>` with a bearer token.
pub(crate) fn event(token: &str, request: &str) -> String {
    event_with(Some(&format!("Bearer {token}")), request)
}

/// An event with any value of the token's header.
pub(crate) fn event_with(authorization: Option<&str>, request: &str) -> String {
    let mut event = json!({ "type": "TOKEN", "methodArn": format!("{STAGE}{request}") });
    if let Some(authorization) = authorization {
        event["authorizationToken"] = authorization.into();
    }
    event.to_string()
}

/// Checks that the program answers a valid request.
#[track_caller]
pub(crate) fn serves(lambda: &Lambda) {
    assert_eq!(lambda.invoke(event(&secret_token(json!({})), "GET/movies")).policy(), allow("alice", "GET/movies"));
}

/// A policy of one statement.
pub(crate) fn statement(effect: &str, resource: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Action": "execute-api:Invoke", "Effect": effect, "Resource": [format!("{STAGE}{resource}")] }],
    })
}

/// The answer that allows a request until the token ends.
pub(crate) fn allow(principal: &str, request: &str) -> Value {
    let mut policy = statement("Allow", request);
    policy["Statement"][0]["Condition"] = json!({ "DateLessThan": { "aws:CurrentTime": POLICY_EXPIRES } });
    json!({ "principalId": principal, "policyDocument": policy })
}

/// The answer that denies a request to a valid token.
pub(crate) fn deny(principal: &str, request: &str, reason: &str) -> Value {
    json!({
        "principalId": principal,
        "policyDocument": statement("Deny", request),
        "context": { "error": "insufficient_scope", "reason": reason },
    })
}

/// The answer to an invalid token.
pub(crate) fn deny_all(reason: &str) -> Value {
    json!({
        "principalId": "anonymous",
        "policyDocument": statement("Deny", "*"),
        "context": { "error": "invalid_token", "reason": reason },
    })
}

/// Tokens that are invalid and will stay so: the reason, and the value of the token's header.
pub(crate) fn invalid_tokens() -> Vec<(&'static str, Option<String>)> {
    let secret = |others| secret_token(others);
    let young = |others| key("HS256").token(&claims(YOUNG, others));
    let hs256 = key("HS256");
    let with_header = |header: Value| hs256.token_with(&header, &claims(SECRET, json!({})));
    let good = secret(json!({ "canary": CANARY }));
    let (input, _) = good.rsplit_once('.').unwrap();
    let none = with_header(json!({ "alg": "none", "typ": "JWT" }));
    let (unsigned, _) = none.rsplit_once('.').unwrap();
    let confused = json!({ "alg": "HS256", "typ": "JWT", "kid": "rs256" });
    let bearer = |(reason, token): (&'static str, String)| (reason, Some(format!("Bearer {token}")));
    let tokens = [
        ("malformed_token", CANARY.to_owned()),
        ("malformed_token", format!("{CANARY}.{CANARY}")),
        ("malformed_token", input.to_owned()),
        ("malformed_token", format!("{good}.{CANARY}")),
        ("malformed_token", format!("{good} {CANARY}")),
        ("malformed_token", format!("{good}\n")),
        ("malformed_token", format!("{good}\u{e9}")),
        ("malformed_token", format!("{good}=")),
        ("malformed_token", format!("{good}{}", "A".repeat(10_240))),
        ("malformed_token", with_header(json!({ "alg": "HS256", "crit": ["exp"], "exp": EXPIRES }))),
        ("malformed_token", hs256.token_of(br#"{"alg":"HS256","alg":"HS256"}"#, b"{}")),
        ("unsupported_algorithm", none.clone()),
        ("unsupported_algorithm", format!("{unsigned}.")),
        ("unsupported_algorithm", hs256.token_with(&confused, &claims(KEYS, json!({})))),
        ("unsupported_algorithm", key("RS256").token(&claims(SECRET, json!({})))),
        ("unknown_issuer", secret(json!({ "iss": format!("{SECRET}{CANARY}") }))),
        ("unknown_issuer", secret(json!({ "iss": null }))),
        ("invalid_signature", stranger("HS256").token(&claims(SECRET, json!({})))),
        ("invalid_signature", stranger("ES256").named("es256").token(&claims(KEYS, json!({})))),
        ("invalid_signature", stranger("RS256").named("rs256").token(&claims(KEYS, json!({})))),
        ("expired", secret(json!({ "exp": now().saturating_sub(60) }))),
        ("too_old", young(json!({ "iat": now().saturating_sub(4000), "region": "eu" }))),
        ("wrong_audience", secret(json!({ "aud": CANARY }))),
        ("wrong_token_type", with_header(json!({ "alg": "HS256", "typ": "dpop+jwt" }))),
        ("bound_token", secret(json!({ "cnf": { "jkt": CANARY } }))),
        ("invalid_claim", secret(json!({ "exp": CANARY }))),
        ("invalid_claim", secret(json!({ "scope": 7 }))),
        ("invalid_claim", young(json!({ "region": CANARY }))),
        ("missing_claim", secret(json!({ "exp": null }))),
        ("missing_claim", young(json!({}))),
    ];
    let others = [
        ("missing_token", None),
        ("missing_token", Some(String::new())),
        ("missing_token", Some("Bearer".to_owned())),
        ("missing_token", Some("Bearer ".to_owned())),
        ("malformed_token", Some(format!("Basic {CANARY}"))),
        ("malformed_token", Some(good)),
    ];
    tokens.into_iter().map(bearer).chain(others).collect()
}

/// Tokens that may become valid: the reason and the token.
pub(crate) fn healing_tokens() -> Vec<(&'static str, String)> {
    let soon = now().saturating_add(3600);
    vec![
        ("unknown_key", stranger("RS256").token(&claims(KEYS, json!({ "sub": CANARY })))),
        ("unknown_key", key("EdDSA").named(CANARY).token(&claims(KEYS, json!({})))),
        ("not_yet_valid", secret_token(json!({ "nbf": soon }))),
        ("not_yet_valid", secret_token(json!({ "iat": soon }))),
    ]
}

/// Bodies that are not a TOKEN event.
pub(crate) fn malformed_events() -> Vec<Vec<u8>> {
    let token = secret_token(json!({}));
    let good: Value = serde_json::from_str(&event(&token, "GET/movies")).unwrap();
    let with = |member: &str, value: Value| {
        let mut event = good.clone();
        event[member] = value;
        event.to_string().into_bytes()
    };
    let without = |member: &str| {
        let mut event = good.clone();
        event.as_object_mut().unwrap().remove(member);
        event.to_string().into_bytes()
    };
    vec![
        Vec::new(),
        b" ".to_vec(),
        CANARY.into(),
        format!("{{\"type\":\"TOKEN\",\"{CANARY}").into_bytes(),
        format!("{good}{CANARY}").into_bytes(),
        b"{\"type\":\"TOKEN\",\"methodArn\":\"\xff\xfe\"}".to_vec(),
        vec![b'['; 100_000],
        b"null".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        b"7".to_vec(),
        format!("\"{CANARY}\"").into_bytes(),
        with("type", "request".into()),
        with("type", CANARY.into()),
        with("methodArn", Value::Null),
        with("methodArn", "".into()),
        with("methodArn", CANARY.into()),
        with("methodArn", json!([format!("{STAGE}GET/movies")])),
        with("methodArn", STAGE.into()),
        with("methodArn", format!("{STAGE}get/movies").into()),
        with("methodArn", format!("{STAGE}*/movies").into()),
        with("methodArn", STAGE.replace("/prod/", "/*/GET/movies").into()),
        without("methodArn"),
        without("type"),
    ]
}
