//! Leak checks: no answer or log line holds a piece of a token or a secret, and no log line a piece of a claim.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::local::{Local, NOW, SECRET, STAGE, signed};
use crate::pieces::{pieces, pieces_in};

/// Checks an event's answer and its log lines for leaks. Claim values that `configuration` also contains are not leaks:
/// a line may name an issuer, a route or a key of the configuration.
#[track_caller]
pub(crate) fn kept(event: &[u8], answer: &str, lines: &str, configuration: &str) {
    let event: Value = serde_json::from_slice(event).unwrap_or_default();
    let authorization = event["authorizationToken"].as_str().unwrap_or_default();
    let credentials = authorization.split_once(' ').map_or(authorization, |(_, credentials)| credentials);
    let private = pieces([credentials, SECRET]);
    holds_none("the answer", answer, &private, "");
    holds_none("the log", lines, &private, "");
    let claims = claims(credentials);
    holds_none("the log", lines, &pieces(claims.iter().map(String::as_str)), configuration);
    // A REQUEST event carries the client's request. Its ARNs and ids are the gateway's own.
    let mut carried = Vec::new();
    for member in
        ["headers", "multiValueHeaders", "cookies", "queryStringParameters", "rawQueryString", "identitySource", "body"]
    {
        collect(&event[member], &mut carried);
    }
    collect(&event["multiValueQueryStringParameters"], &mut carried);
    let carried = pieces(carried.iter().map(String::as_str));
    holds_none("the answer", answer, &carried, configuration);
    holds_none("the log", lines, &carried, configuration);
}

#[track_caller]
fn holds_none(what: &str, text: &str, pieces: &HashSet<&[u8]>, known: &str) {
    let found = pieces_in(text, pieces).find(|piece| !known.contains(piece.as_ref()));
    assert_eq!(found, None, "{what} leaks: {text}");
}

/// Every string in the header and the claims of a token, including member names.
fn claims(token: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for segment in token.split('.').take(2) {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(segment).unwrap_or_default();
        collect(&serde_json::from_slice(&bytes).unwrap_or_default(), &mut texts);
    }
    texts
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            texts.push(name.clone());
            collect(value, texts);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn a_leak_of_any_kind_would_be_seen() {
    let token = signed(r#"{"alg":"HS256"}"#, &json!({ "email": "someone@mail.example" }).to_string());
    let event = json!({ "authorizationToken": format!("Bearer {token}") }).to_string();
    kept(event.as_bytes(), "{}", "a harmless line", "");
    kept(event.as_bytes(), "{}", "x someone@mail.exam y", "someone@mail.example is configured");
    for (answer, lines) in [
        (&token[10..26], ""),
        ("", &token[token.len() - 16..]),
        (&SECRET[..16], ""),
        ("", &SECRET[20..]),
        ("", "x someone@mail.exam y"),
    ] {
        let (event, answer, lines) = (event.clone(), answer.to_owned(), lines.to_owned());
        let caught = std::panic::catch_unwind(move || kept(event.as_bytes(), &answer, &lines, ""));
        assert!(caught.is_err());
    }
}

/// An API that uses claims in every possible way.
fn api() -> Value {
    json!({
        "issuers": [{
            "issuer": "https://issuer.example/", "audience": "api", "secret": { "env": "SECRET" },
            "required_claims": { "plan": ["gold", "silver"] }
        }],
        "routes": [
            { "method": "GET", "path": "/movies", "scopes": "read:movies" },
            { "path": "/users/{id}", "claims": { "sub": "{id}" } },
            { "path": "/open" }
        ],
        "principal": ["username", "sub"],
        "context": { "email": "email", "all": "" },
        "usage_identifier_key": "key"
    })
}

/// A claim value of any type. Its canary strings are long enough for a leak to be recognized.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!("api")),
        Just(json!("gold")),
        "[a-z]{3}-canary-[a-z0-9]{16}".prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,20}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A valid claims set with up to three members replaced at random.
fn claims_set() -> impl Strategy<Value = Value> {
    let names =
        ["iss", "aud", "sub", "exp", "nbf", "iat", "scope", "scp", "plan", "email", "username", "key", "cnf", "jti"];
    let changes = proptest::collection::vec((proptest::sample::select(names.to_vec()), value()), 0..4);
    changes.prop_map(|changes| {
        let mut claims = json!({
            "iss": "https://issuer.example/", "aud": "api", "sub": "canary-of-a-subject-1", "exp": NOW + 60,
            "scope": "read:movies canary-of-a-scope-1", "plan": "gold", "email": "canary-of-an-address-1"
        });
        for (name, value) in changes {
            claims[name] = value;
        }
        claims
    })
}

/// A random header. The token is signed with HS256 even if the header names another algorithm.
fn header() -> impl Strategy<Value = Value> {
    let names = ["alg", "typ", "kid", "cty", "crit", "jku", "x"];
    proptest::collection::vec((proptest::sample::select(names.to_vec()), value()), 0..2).prop_map(|changes| {
        let mut header = json!({ "alg": "HS256", "typ": "JWT" });
        for (name, value) in changes {
            header[name] = value;
        }
        header
    })
}

fn request() -> impl Strategy<Value = String> {
    let paths =
        ["GET/movies", "POST/movies", "GET/users/canary-of-a-subject-1", "GET/open", "GET/a//b", "GET/", "PUT/%zz"];
    prop_oneof![proptest::sample::select(paths.to_vec()).prop_map(str::to_owned), "GET/\\PC{0,60}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_token_of_any_contents_is_answered_without_leaks(
        header in header(), claims in claims_set(), request in request(), cut in proptest::option::of(0_usize..400)
    ) {
        thread_local!(static LOCAL: Local = Local::new(&api()));
        let mut token = signed(&header.to_string(), &claims.to_string());
        token.truncate(cut.unwrap_or(token.len()));
        let event = json!({
            "type": "TOKEN", "authorizationToken": format!("Bearer {token}"), "methodArn": format!("{STAGE}{request}")
        });
        // `answers_event` checks for leaks; only the kind of answer is left to check.
        let answer = LOCAL.with(|local| local.answers_event(event.to_string().as_bytes()));
        let kinds = (answer["policyDocument"].is_object(), answer["errorType"].as_str());
        prop_assert!(matches!(kinds, (true, None) | (false, Some("Unauthorized" | "MalformedEvent"))), "{answer}");
    }

    #[test]
    fn an_event_of_any_bytes_is_answered(event in proptest::collection::vec(any::<u8>(), 0..300)) {
        thread_local!(static LOCAL: Local = Local::new(&api()));
        let answer = LOCAL.with(|local| local.answers_event(&event));
        prop_assert_eq!(answer["errorType"].as_str(), Some("MalformedEvent"));
    }

    #[test]
    fn credentials_of_any_text_are_answered(authorization in "(Bearer |bearer  |Basic |)\\PC{0,200}") {
        thread_local!(static LOCAL: Local = Local::new(&api()));
        let event = json!({ "type": "TOKEN", "authorizationToken": authorization, "methodArn": format!("{STAGE}GET/open") });
        let answer = LOCAL.with(|local| local.answers_event(event.to_string().as_bytes()));
        let reason = answer["context"]["reason"].as_str();
        prop_assert!(matches!(reason, Some("malformed_token" | "missing_token")), "{answer}");
    }
}

#[test]
fn a_configuration_and_its_mistakes_print_nothing_of_the_secret() {
    let good = crate::local::config(&api().to_string()).unwrap();
    let private = pieces([SECRET]);
    holds_none("the warnings", &format!("{:?}", good.warnings()), &private, "");
    let mut bad = api();
    bad["issuers"][0]["secret"] = json!({ "env": SECRET });
    bad["issuers"][0]["audience"] = json!({ SECRET: SECRET });
    bad["principal"] = json!(["/", { "x": SECRET }]);
    let error = crate::local::config(&bad.to_string()).err().unwrap();
    assert_eq!(error.issues.len(), 3, "{error:?}");
    holds_none("the configuration error", &format!("{error} {error:?}"), &private, "");
}
