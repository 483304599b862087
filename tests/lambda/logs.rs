//! Log lines: their content, destination and level, and what they must never contain.

use serde_json::{Value, json};

use crate::support::api::{
    AUDIENCE, CANARY, KEYS, claims, config, event, event_with, healing_tokens, invalid_tokens, lambda,
    malformed_events, public_algorithms, secret_token,
};
use crate::support::{Answer, Finished, KeyServer, Lambda, key, piece_in, pieces, stranger};

/// The setting with which Lambda can filter logs.
const JSON: (&str, &str) = ("AWS_LAMBDA_LOG_FORMAT", "JSON");

/// The lines on standard output, each of which must be a JSON object.
#[track_caller]
fn lines(finished: &Finished) -> Vec<Value> {
    let lines: Vec<Value> = finished
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
        .collect();
    assert!(lines.iter().all(Value::is_object), "{finished:?}");
    lines
}

/// The lines about one invocation.
fn about<'a>(lines: &'a [Value], answer: &Answer) -> Vec<&'a Value> {
    let id = answer.request_id.as_str();
    lines.iter().filter(|line| line["request_id"] == id).collect()
}

/// Whether a text is like `2026-01-01T00:00:00Z`, with an optional fraction (RFC 3339 section 5.6).
fn is_date_time(text: &str) -> bool {
    let Some((seconds, fraction)) = text.strip_suffix('Z').and_then(|text| text.split_at_checked(19)) else {
        return false;
    };
    let shape: String = seconds.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let digits = fraction.strip_prefix('.').unwrap_or("0");
    shape == "0000-00-00T00:00:00" && !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
}

#[test]
fn every_line_has_the_time_and_the_level_that_lambda_filters_by() {
    let lambda = lambda(&config(), &[JSON, ("AWS_LAMBDA_LOG_LEVEL", "TRACE")]);
    for (_, token) in healing_tokens() {
        lambda.invoke(event(&token, "GET/movies"));
    }
    lambda.invoke(event(&secret_token(json!({})), "GET/movies"));
    lambda.invoke("not json");
    let finished = lambda.stop();
    assert_eq!(finished.stderr, "", "in Lambda the log is standard output");
    let lines = lines(&finished);
    assert!(lines.len() > 5, "{lines:?}");
    for line in lines {
        assert!(is_date_time(line["timestamp"].as_str().unwrap()), "{line}");
        let level = line["level"].as_str().unwrap();
        assert!(["TRACE", "DEBUG", "INFO", "WARN", "ERROR"].contains(&level), "{line}");
        if ["TRACE", "DEBUG"].contains(&level) {
            let target = line["target"].as_str().unwrap_or_default();
            assert!(target.starts_with("apigw_jwt_authorizer"), "another crate below INFO: {line}");
        }
    }
}

#[test]
fn a_decision_is_one_line_with_all_its_details() {
    let lambda = lambda(&config(), &[JSON, ("AWS_LAMBDA_LOG_LEVEL", "DEBUG")]);
    let permit = lambda.invoke(event(&key("ES384").token(&claims(KEYS, json!({}))), "GET/movies"));
    let refusal = lambda.invoke(event(&key("ES384").token(&claims(KEYS, json!({}))), "POST/movies"));
    let mismatch = lambda.invoke(event(&secret_token(json!({})), "PATCH/users/bob"));
    let expired = lambda.invoke(event(&secret_token(json!({ "exp": 1 })), "GET/movies"));
    let unknown = lambda.invoke(event(&stranger("RS256").token(&claims(KEYS, json!({}))), "GET/movies"));
    let foreign = lambda.invoke(event(&secret_token(json!({ "iss": "https://elsewhere.example.com/" })), "GET/movies"));
    let lines = lines(&lambda.stop());
    for (answer, expected) in [
        (
            &permit,
            json!({
                "level": "DEBUG", "decision": "allow", "method": "GET", "route": "/movies", "issuer": KEYS, "kid": "es384",
            }),
        ),
        (
            &refusal,
            json!({
                "level": "INFO", "decision": "deny", "reason": "insufficient_scope", "method": "POST", "route": "/movies",
                "issuer": KEYS, "kid": "es384",
            }),
        ),
        (
            &mismatch,
            json!({
                "level": "INFO", "decision": "deny", "reason": "claim_mismatch", "method": "PATCH",
                "route": "/users/{id}", "issuer": crate::support::api::SECRET,
            }),
        ),
        (
            &expired,
            json!({
                "level": "INFO", "decision": "deny", "reason": "expired", "method": "GET", "issuer": crate::support::api::SECRET,
            }),
        ),
        (
            &unknown,
            json!({ "level": "INFO", "decision": "unauthorized", "reason": "unknown_key", "method": "GET", "issuer": KEYS }),
        ),
        (&foreign, json!({ "level": "INFO", "decision": "deny", "reason": "unknown_issuer", "method": "GET" })),
    ] {
        let about = about(&lines, answer);
        assert_eq!(about.len(), 1, "one line: {about:?}");
        let line = about[0];
        for member in ["level", "decision", "reason", "method", "route", "issuer", "kid"] {
            assert_eq!(line.get(member), expected.get(member), "{member} in {line}");
        }
        let durations: Vec<_> =
            line.as_object().unwrap().iter().filter(|(name, _)| name.starts_with("duration")).collect();
        assert!(matches!(durations.as_slice(), [(_, Value::Number(_))]), "a duration: {line}");
    }
}

#[test]
fn a_forged_signature_is_logged_with_the_configured_key_that_it_names() {
    let lambda = lambda(&config(), &[JSON]);
    let token = stranger("ES384").named("es384").token(&claims(KEYS, json!({})));
    let answer = lambda.invoke(event(&token, "GET/movies"));
    let lines = lines(&lambda.stop());
    let about = about(&lines, &answer);
    assert_eq!(about.len(), 1, "one line: {about:?}");
    assert_eq!((&about[0]["reason"], &about[0]["kid"]), (&json!("invalid_signature"), &json!("es384")), "{}", about[0]);
}

#[test]
fn a_refusal_with_a_usual_cause_names_it_by_a_fixed_code() {
    let lambda = lambda(&config(), &[JSON]);
    let answers = [
        (
            event(&secret_token(json!({ "aud": format!("{AUDIENCE}/") })), "GET/movies"),
            json!("audience_differs_by_trailing_slash"),
        ),
        (
            event(&secret_token(json!({ "iss": crate::support::api::SECRET.trim_end_matches('/') })), "GET/movies"),
            json!("issuer_differs_by_trailing_slash"),
        ),
        (event_with(Some("Bearer opaque"), "GET/movies"), json!("opaque_token")),
        (event(&secret_token(json!({ "exp": 1 })), "GET/movies"), Value::Null),
    ]
    .map(|(event, hint)| (lambda.invoke(event), hint));
    let lines = lines(&lambda.stop());
    for (answer, hint) in &answers {
        assert_eq!(&about(&lines, answer)[0]["hint"], hint, "{lines:?}");
    }
}

#[test]
fn permissive_settings_and_missing_keys_get_a_warning_at_start_up() {
    let server = KeyServer::start();
    let mut config = config();
    config["route_rules"] = json!("report");
    config["issuers"][0]["audience"] = Value::Null;
    config["issuers"][1] = json!({ "issuer": KEYS, "audience": AUDIENCE, "jwks_uri": server.url("/absent") });
    let lambda = lambda(&config, &[JSON]);
    lambda.api.started();
    let lines = lines(&lambda.stop());
    let warned = |text: &str| lines.iter().any(|line| line["level"] == "WARN" && line.to_string().contains(text));
    for text in ["route_rules", "issuers[0].audience", KEYS] {
        assert!(warned(text), "{text}: {lines:?}");
    }
    assert!(!warned("issuers[2]"), "{lines:?}");
}

#[test]
fn a_refusal_that_is_only_reported_is_logged_with_its_reason() {
    let lambda = lambda(&crate::support::api::config_with("route_rules", json!("report")), &[JSON]);
    let answer = lambda.invoke(event(&secret_token(json!({})), "POST/movies"));
    let lines = lines(&lambda.stop());
    let about = about(&lines, &answer);
    assert_eq!(about.len(), 1, "one line: {about:?}");
    assert_eq!(about[0]["level"], "INFO", "{}", about[0]);
    assert_eq!(about[0]["reason"], "insufficient_scope", "{}", about[0]);
}

#[test]
fn an_error_is_one_line_of_the_program_and_none_of_the_runtime() {
    let server = KeyServer::start();
    let mut config = config();
    config["issuers"][1] = json!({ "issuer": KEYS, "audience": AUDIENCE, "jwks_uri": server.url("/absent") });
    let lambda = lambda(&config, &[JSON]);
    let answers = [
        (lambda.invoke(event(&secret_token(json!({ "nbf": 4_900_000_000_u64 })), "GET/movies")), "not_yet_valid"),
        (lambda.invoke(event(&key("RS256").token(&claims(KEYS, json!({}))), "GET/movies")), "keys_unavailable"),
        (lambda.invoke("not json"), "malformed_event"),
        (lambda.invoke("null"), "malformed_event"),
    ];
    let lines = lines(&lambda.stop());
    for (answer, reason) in &answers {
        assert!(answer.is_error);
        let about = about(&lines, answer);
        assert_eq!(about.len(), 1, "one line: {about:?}");
        assert_eq!(about[0]["reason"], *reason, "{}", about[0]);
    }
    for line in &lines {
        let target = line["target"].as_str().unwrap_or_default();
        let ours = target.starts_with("apigw_jwt_authorizer");
        assert!(ours || ["INFO", "DEBUG", "TRACE"].contains(&line["level"].as_str().unwrap()), "the runtime's: {line}");
    }
}

#[test]
fn refusals_are_logged_at_info_and_permits_at_debug() {
    for (variables, refusals, permits) in [
        (&[][..], true, false),
        (&[("AWS_LAMBDA_LOG_LEVEL", "INFO")], true, false),
        (&[("AWS_LAMBDA_LOG_LEVEL", "DEBUG")], true, true),
        (&[("AWS_LAMBDA_LOG_LEVEL", "WARN")], false, false),
        (&[("AWS_LAMBDA_LOG_LEVEL", "FATAL")], false, false),
        (&[("RUST_LOG", "debug")], true, true),
        (&[("RUST_LOG", "warn")], false, false),
        (&[("RUST_LOG", "apigw_jwt_authorizer=debug")], true, true),
        (&[("RUST_LOG", "debug"), ("AWS_LAMBDA_LOG_LEVEL", "INFO")], true, false),
        (&[("RUST_LOG", "error"), ("AWS_LAMBDA_LOG_LEVEL", "DEBUG")], true, true),
    ] {
        let lambda = lambda(&config(), variables);
        let permit = lambda.invoke(event(&secret_token(json!({})), "GET/movies"));
        let refusal = lambda.invoke(event(&secret_token(json!({})), "POST/movies"));
        let finished = lambda.stop();
        let logged = |answer: &Answer| finished.stdout.contains(&answer.request_id);
        assert_eq!((logged(&refusal), logged(&permit)), (refusals, permits), "{variables:?}: {finished:?}");
    }
}

#[test]
fn text_is_one_plain_line_for_a_decision() {
    let lambda = lambda(&config(), &[("AWS_LAMBDA_LOG_FORMAT", "Text")]);
    let refusal = lambda.invoke(event(&key("RS256").token(&claims(KEYS, json!({}))), "POST/movies"));
    let finished = lambda.stop();
    let about: Vec<&str> = finished.stdout.lines().filter(|line| line.contains(&refusal.request_id)).collect();
    assert_eq!(about.len(), 1, "{finished:?}");
    for part in ["INFO", "deny", "insufficient_scope", "POST", "/movies", KEYS, "rs256"] {
        assert!(about[0].contains(part), "{part} in {}", about[0]);
    }
    let (time, rest) = about[0].split_once(' ').unwrap();
    assert!(is_date_time(time), "{about:?}");
    let expected = format!(" INFO decision request_id=\"{}\" decision=\"deny\" ", refusal.request_id);
    assert!(rest.starts_with(&expected), "{about:?}");
    assert!(!finished.stdout.contains('\u{1b}'), "no colours: {finished:?}");
    assert_eq!(finished.stderr, "");
}

/// Gets every kind of answer; returns the private texts, no piece of which may appear in a log.
fn every_kind_of_answer(lambda: &Lambda) -> Vec<String> {
    let mut private = vec![CANARY.to_owned()];
    let mut ask = |authorization: Option<&str>, request: &str| {
        private.extend(authorization.map(str::to_owned));
        let answer = lambda.invoke(event_with(authorization, request));
        let told = pieces(authorization.into_iter().chain([key("HS256").secret()]));
        assert_eq!(piece_in(&answer.json().to_string(), &told), None, "an answer: {answer:?}");
    };
    let mut tokens = vec![
        secret_token(json!({ "sub": CANARY, "email": CANARY })),
        key("HS512").token(&claims(crate::support::api::SECRET, json!({ "sub": CANARY, "scope": CANARY }))),
        key("RS256").token(&claims("https://down.example.com/", json!({ "sub": CANARY }))),
    ];
    tokens.extend(public_algorithms().into_iter().map(|alg| key(alg).token(&claims(KEYS, json!({ "sub": CANARY })))));
    tokens.extend(healing_tokens().into_iter().map(|(_, token)| token));
    for token in &tokens {
        let bearer = format!("Bearer {token}");
        for request in ["GET/movies", "POST/movies", "GET/nowhere", "GET/users/*", &format!("GET/users/{CANARY}")] {
            ask(Some(&bearer), request);
        }
    }
    for (_, authorization) in invalid_tokens() {
        ask(authorization.as_deref(), "GET/movies");
    }
    for body in malformed_events() {
        lambda.invoke(&body);
        if let Ok(Value::Object(event)) = serde_json::from_slice(&body) {
            private.extend(event.get("authorizationToken").and_then(Value::as_str).map(str::to_owned));
        }
    }
    private.push(key("HS256").secret().to_owned());
    for alg in public_algorithms() {
        let jwk = key(alg).jwk();
        private.extend(["n", "x", "y"].iter().filter_map(|part| jwk[*part].as_str()).map(str::to_owned));
    }
    private
}

#[test]
fn no_log_line_at_any_level_holds_a_piece_of_a_token_a_claim_a_secret_or_a_key() {
    let server = KeyServer::start();
    let mut config = config();
    config["context"] = json!({ "email": "email", "all": "" });
    let down =
        json!({ "issuer": "https://down.example.com/", "audience": AUDIENCE, "jwks_uri": server.url("/absent") });
    config["issuers"].as_array_mut().unwrap().push(down);
    let everything = ("RUST_LOG", "trace");
    for variables in [
        &[JSON, ("AWS_LAMBDA_LOG_LEVEL", "TRACE"), everything][..],
        &[("RUST_LOG", "trace,apigw_jwt_authorizer=trace,lambda_runtime=trace,hyper=trace,reqwest=trace")],
        &[everything, ("AWS_LAMBDA_MAX_CONCURRENCY", "2")],
    ] {
        for invalid_token in ["deny", "unauthorized"] {
            config["invalid_token"] = json!(invalid_token);
            let lambda = lambda(&config, variables);
            let private = every_kind_of_answer(&lambda);
            let finished = lambda.stop();
            assert!(finished.stdout.contains("insufficient_scope"), "{variables:?}: refusals are logged");
            let pieces = pieces(private.iter().map(String::as_str));
            for line in finished.stdout.lines().chain(finished.stderr.lines()) {
                assert_eq!(piece_in(line, &pieces), None, "{variables:?}: {line}");
            }
        }
    }
}
