//! A simulated gateway, which caches each token's answer (policy and context) and evaluates the policy for every
//! request.

use serde_json::{Value, json};

use crate::local::{Local, NOW, STAGE, signed};

fn api() -> Value {
    json!({
        "issuers": [{ "issuer": "https://issuer.example/", "audience": "api", "secret": { "env": "SECRET" } }],
        "routes": [
            { "method": "GET", "path": "/movies", "scopes": "read:movies" },
            { "method": "POST", "path": "/movies", "scopes": "admin" },
            { "path": "/movies/{id}", "scopes": "read:movies" },
            { "path": "/users/{id}", "claims": { "sub": "{id}" } }
        ],
        "context": { "email": "email" },
        "usage_identifier_key": "plan"
    })
}

fn token(scope: &str) -> String {
    let claims = json!({
        "iss": "https://issuer.example/", "aud": "api", "sub": "auth0|1", "exp": NOW + 60, "scope": scope,
        "email": "a@b.example", "plan": "gold"
    });
    signed(r#"{"alg":"HS256"}"#, &claims.to_string())
}

/// API Gateway with its authorizer cache, which holds the answer for the last token.
struct Gateway {
    local: Local,
    cached: Option<(String, Value)>,
}

impl Gateway {
    fn new(config: &Value) -> Self {
        Self { local: Local::new(config), cached: None }
    }

    /// The client's status, and the identity and context that the backend receives.
    fn request(&mut self, token: &str, method: &str, path: &str) -> (u16, Value) {
        if self.cached.as_ref().is_none_or(|(kept, _)| kept != token) {
            let answer = self.local.answers(method, path, Some(&format!("Bearer {token}")));
            self.cached = Some((token.to_owned(), answer));
        }
        let answer = &self.cached.as_ref().unwrap().1;
        let arn = format!("{STAGE}{method}/{path}");
        match allows(answer, &arn) {
            true => (200, json!([answer["principalId"], answer["context"], answer["usageIdentifierKey"]])),
            false => (403, Value::Null),
        }
    }
}

/// IAM policy evaluation: an explicit Deny overrides every Allow, and without an Allow the request is denied.
fn allows(answer: &Value, arn: &str) -> bool {
    let statements = answer["policyDocument"]["Statement"].as_array().unwrap();
    let hits = |effect: &str| {
        statements.iter().filter(|statement| statement["Effect"] == effect).any(|statement| {
            let resources = statement["Resource"].as_array().unwrap();
            resources.iter().any(|resource| glob(resource.as_str().unwrap().as_bytes(), arn.as_bytes()))
        })
    };
    hits("Allow") && !hits("Deny")
}

/// IAM wildcards: `*` matches any text, including slashes and the empty text, and `?` one character.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => glob(rest, text) || text.split_first().is_some_and(|(_, text)| glob(pattern, text)),
        (Some((b'?', rest)), Some((_, text))) => glob(rest, text),
        (Some((a, rest)), Some((b, text))) => a == b && glob(rest, text),
        _ => false,
    }
}

#[test]
fn a_method_that_is_not_one_of_the_seven_never_passes() {
    let mut config = api();
    config["undeclared_routes"] = "allow".into();
    config["routes"].as_array_mut().unwrap().truncate(2);
    let token = token("read:movies admin");
    for first in [("TRACE", "nowhere"), ("GET", "nowhere")] {
        let mut gateway = Gateway::new(&config);
        gateway.request(&token, first.0, first.1);
        for path in ["nowhere", "", "movies", "movies/17"] {
            for method in ["TRACE", "CONNECT", "X"] {
                assert_eq!(gateway.request(&token, method, path), (403, Value::Null), "{method} {path}");
            }
        }
        assert_eq!(gateway.request(&token, "GET", "nowhere").0, 200);
    }
}

#[test]
fn a_refusal_first_does_not_strip_the_identity_from_an_allowed_request_after_it() {
    let mut gateway = Gateway::new(&api());
    let token = token("read:movies");
    assert_eq!(gateway.request(&token, "POST", "movies"), (403, Value::Null));
    let identity = json!(["auth0|1", { "email": "a@b.example" }, "gold"]);
    for (method, path) in [
        ("GET", "movies"),
        ("GET", "movies/"),
        ("GET", "movies/17"),
        ("DELETE", "movies/17/"),
        ("GET", "users/auth0|1"),
        ("GET", "users/auth0%7C1"),
    ] {
        assert_eq!(gateway.request(&token, method, path), (200, identity.clone()), "{method} {path}");
    }
    for (method, path) in [
        ("POST", "movies"),
        ("GET", "movies//"),
        ("GET", "movies/17/cast"),
        ("GET", "movies/.."),
        ("GET", "movies/%2e%2e"),
        ("GET", "movies/17%2Fcast"),
        ("GET", "users/auth0|2"),
        ("GET", "users/"),
        ("GET", ""),
        ("GET", "nowhere"),
    ] {
        assert_eq!(gateway.request(&token, method, path), (403, Value::Null), "{method} {path}");
    }
}

#[test]
fn every_answer_that_allows_something_has_the_same_identity_whatever_was_requested_first() {
    let local = Local::new(&api());
    let token = token("read:movies");
    let identity = |method: &str, path: &str| {
        let answer = local.answers(method, path, Some(&format!("Bearer {token}")));
        json!([answer["principalId"], answer["context"], answer["usageIdentifierKey"]])
    };
    let first = identity("GET", "movies");
    for (method, path) in
        [("GET", "movies/17"), ("POST", "movies"), ("GET", "nowhere"), ("GET", "a//b"), ("GET", "movies/*")]
    {
        assert_eq!(identity(method, path), first, "{method} {path}");
    }
}

#[test]
fn a_token_without_any_rights_gets_only_a_refusal_with_its_reason() {
    let mut config = api();
    config["routes"].as_array_mut().unwrap().pop();
    let local = Local::new(&config);
    assert_eq!(
        local.answers("GET", "movies", Some(&format!("Bearer {}", token("")))),
        json!({
            "principalId": "auth0|1",
            "policyDocument": {
                "Version": "2012-10-17",
                "Statement": [{ "Action": "execute-api:Invoke", "Effect": "Deny", "Resource": [format!("{STAGE}GET/movies")] }]
            },
            "context": { "error": "insufficient_scope", "reason": "insufficient_scope" }
        })
    );
}

#[test]
fn a_request_that_no_policy_can_name_is_refused_whatever_else_is_allowed() {
    let mut config = api();
    config["routes"] = json!([{ "path": "/users/{id}", "claims": { "sub": "{id}" } }, { "path": "/open" }]);
    let local = Local::new(&config);
    let long = "x".repeat(500);
    let claims = json!({ "iss": "https://issuer.example/", "aud": "api", "sub": long, "exp": NOW + 60 });
    config["principal"] = "iss".into();
    let local_by_issuer = Local::new(&config);
    let token = signed(r#"{"alg":"HS256"}"#, &claims.to_string());
    // With `sub` as the principal the token is invalid: it is too long. With another principal the token is valid, but
    // the path with its `sub` does not fit into a Resource.
    assert_eq!(local.decides("GET", "open", &token), "deny invalid_claim");
    let answer = local_by_issuer.answers("GET", &format!("users/{long}"), Some(&format!("Bearer {token}")));
    assert!(!allows(&answer, &format!("{STAGE}GET/users/{long}")));
    assert!(allows(&answer, &format!("{STAGE}GET/open")));
}

#[test]
fn an_answer_stays_under_8_kib_with_the_largest_context() {
    let mut config = api();
    let routes: Vec<Value> =
        (0..200).map(|n| json!({ "method": "GET", "path": format!("/resource-number-{n}") })).collect();
    config["routes"] = routes.into();
    config["context"] = json!({ "a": "a", "b": "b", "c": "c" });
    let local = Local::new(&config);
    let claims = json!({
        "iss": "https://issuer.example/", "aud": "api", "sub": "s".repeat(256), "exp": NOW + 60, "plan": "p".repeat(256),
        "a": "\"".repeat(1000), "b": "b".repeat(2000), "c": "c".repeat(2000)
    });
    let answer = local.answers(
        "GET",
        "resource-number-199",
        Some(&format!("Bearer {}", signed(r#"{"alg":"HS256"}"#, &claims.to_string()))),
    );
    assert!(answer.to_string().len() <= 8192, "{}", answer.to_string().len());
    assert!(allows(&answer, &format!("{STAGE}GET/resource-number-199")), "the request itself always fits");
    assert_eq!(answer["context"]["b"], "b".repeat(2000));
}

#[test]
fn a_policy_for_one_request_that_an_answer_of_8_kib_has_no_room_for_is_a_refusal() {
    let mut config = api();
    config["policy"] = "single_request".into();
    config["undeclared_routes"] = "allow".into();
    config["context"] = json!({ "a": "a", "b": "b", "c": "c" });
    config["usage_identifier_key"] = "sub".into();
    let local = Local::new(&config);
    let claims = json!({
        "iss": "https://issuer.example/", "aud": "api", "sub": "\"".repeat(250), "exp": NOW + 60,
        "a": "a".repeat(2000), "b": "b".repeat(2000), "c": "c".repeat(2000)
    });
    let authorization = format!("Bearer {}", signed(r#"{"alg":"HS256"}"#, &claims.to_string()));
    for (character, fits) in [("x", true), ("\u{20ac}", false), ("\u{1f600}", false)] {
        let path = character.repeat(400);
        let answer = local.answers("GET", &path, Some(&authorization));
        assert!(answer.to_string().len() <= 8192, "{character}: {}", answer.to_string().len());
        assert_eq!(allows(&answer, &format!("{STAGE}GET/{path}")), fits, "{character}");
        if !fits {
            assert_eq!(answer["context"], json!({ "error": "insufficient_scope", "reason": "ambiguous_path" }));
        }
    }
}

#[test]
fn an_answer_stays_under_8_kib_with_any_number_of_small_context_values() {
    let mut config = api();
    let mapping: serde_json::Map<String, Value> = (0..2000).map(|n| (format!("k{n}"), json!("one"))).collect();
    config["context"] = mapping.into();
    let local = Local::new(&config);
    let claims = json!({ "iss": "https://issuer.example/", "aud": "api", "sub": "me", "exp": NOW + 60, "scope": "read:movies", "one": 1 });
    let token = signed(r#"{"alg":"HS256"}"#, &claims.to_string());
    let answer = local.answers("GET", "movies", Some(&format!("Bearer {token}")));
    let context = answer["context"].to_string().len();
    assert!((6000..=6146).contains(&context), "{context}");
    assert!(answer.to_string().len() <= 8192);
    assert!(allows(&answer, &format!("{STAGE}GET/movies")));
}

#[test]
fn a_table_of_ten_thousand_routes_starts_and_answers() {
    for path in ["/group{g}/resource{n}", "/resource{n}/{id}"] {
        let mut config = api();
        let routes: Vec<Value> = (0..10_000)
            .map(|n| json!({ "method": "GET", "path": path.replace("{n}", &n.to_string()).replace("{g}", &(n % 100).to_string()), "scopes": format!("s{}", n % 1000) }))
            .collect();
        config["routes"] = routes.into();
        let local = Local::new(&config);
        let first = path.replace("{n}", "17").replace("{g}", "17").replace("{id}", "x");
        let answer = local.answers("GET", &first[1..], Some(&format!("Bearer {}", token("s17"))));
        assert!(allows(&answer, &format!("{STAGE}GET{first}")), "{first}");
        assert!(!allows(&answer, &format!("{STAGE}GET{}", first.replace("17", "18"))), "{first}");
    }
}
