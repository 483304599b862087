//! What is said of each kind of refusal.

use serde_json::{Value, json};

use crate::program::{authz, golden};

const AT: &str = "1800000000";
const ENTRA: &str = "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0";
const SECRET: &[&str] = &["--secret", "tests/authz/secret.txt"];
const MISREAD: &[&str] = &["--secret", "tests/authz/secret.txt", "--encoding", "base64"];
const KEY: &[&str] = &["--key", "events/keys/orders-1.private.jwk.json"];
const STRANGER: &[&str] = &["--key", "events/keys/orders-3.private.jwk.json"];

/// A token by this key with these flags: what is valid of the issuer it belongs to, and these claims.
fn token(key: &[&str], flags: &[&str], more: Value) -> String {
    let mut claims = match key.first() {
        Some(&"--key") => json!({ "iss": ENTRA, "aud": "orders-api", "client_id": "robot", "token_use": "access" }),
        _ => json!({ "iss": "https://issuer.example/", "aud": "https://api.example/", "sub": "ada" }),
    };
    for (name, value) in more.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    let ran = authz(&[&["token", "--at", AT, "--claims", "-"], key, flags].concat(), &claims.to_string());
    assert_eq!(ran.status, 0, "{ran:?}");
    ran.stdout
}

/// Explains a request with a token: what is printed is stored, and this is the reason and the hint.
#[track_caller]
fn told(name: &str, request: &str, token: &str, reason: Option<&str>, hint: Option<&str>) {
    let base = ["explain", "--policy", "--config", "tests/authz/authorizer.json", "--at", AT];
    let source = ["--token", "-", request];
    golden(&format!("explain-{name}"), &authz(&[&base[..], &source].concat(), token));
    let ran = authz(&[&base[..], &["--json"], &source].concat(), token);
    let explained: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    assert_eq!(explained["reason"].as_str(), reason, "{explained:#}");
    assert_eq!(explained["hint"]["code"].as_str(), hint, "{explained:#}");
    let says_what_to_do = explained["advice"].as_str().is_some_and(|advice| !advice.is_empty());
    assert_eq!(
        says_what_to_do,
        reason.is_some() && hint.is_none(),
        "a hint or what to do, for each refusal: {explained:#}"
    );
    for effect in explained["cached"]["effects"].as_array().into_iter().flatten() {
        let (passes, rules) = (&effect["passes"], &effect["rules"]);
        assert!(rules.is_null() || passes == rules, "a cached answer is right: {effect}");
    }
}

#[test]
fn a_permit_is_told_with_what_it_does_once_it_is_cached() {
    let scopes = json!({ "scope": "read:movies read:me" });
    told("allowed", "GET /movies", &token(SECRET, &[], scopes.clone()), None, None);
    told("allowed-own", "GET /users/ada?full=1", &token(SECRET, &[], scopes), None, None);
    let order = token(KEY, &["--typ", "at+jwt"], json!({ "scp": ["read:orders"] }));
    told("allowed-key", "GET /orders/17", &order, None, None);
}

#[test]
fn credentials_that_are_no_token() {
    let ours = token(SECRET, &[], json!({}));
    told("missing-token", "GET /movies", "", Some("missing_token"), None);
    told("opaque-token", "GET /movies", "ya29.opaque", Some("malformed_token"), Some("opaque_token"));
    told("encrypted-token", "GET /movies", "eyJh.e30.AA.AA.AA", Some("malformed_token"), Some("encrypted_token"));
    told("basic", "GET /movies", "Basic dTpw", Some("malformed_token"), Some("other_scheme"));
    let twice = format!("Bearer Bearer {ours}");
    told("scheme-repeated", "GET /movies", &twice, Some("malformed_token"), Some("scheme_repeated"));
    told("placeholder", "GET /movies", "Bearer undefined", Some("malformed_token"), Some("placeholder_token"));
}

#[test]
fn issuers_and_algorithms() {
    let slash = token(SECRET, &[], json!({ "iss": "https://issuer.example" }));
    told("unknown-issuer", "GET /movies", &slash, Some("unknown_issuer"), Some("issuer_differs_by_trailing_slash"));
    let v1 = json!({ "iss": "https://sts.windows.net/11111111-2222-3333-4444-555555555555/" });
    told("entra-v1", "GET /orders/17", &token(KEY, &[], v1), Some("unknown_issuer"), Some("entra_v1_token"));
    let none = token(&["--unsigned"], &[], json!({}));
    told("unsigned", "GET /movies", &none, Some("unsupported_algorithm"), Some("unsigned_token"));
    let other = token(SECRET, &[], json!({ "iss": ENTRA }));
    told("other-kind", "GET /orders/17", &other, Some("unsupported_algorithm"), Some("algorithm_of_other_kind"));
    let unlisted = token(SECRET, &["--alg", "HS384"], json!({}));
    told("not-listed", "GET /movies", &unlisted, Some("unsupported_algorithm"), Some("algorithm_not_listed"));
}

#[test]
fn keys_and_signatures() {
    let stranger = token(STRANGER, &[], json!({}));
    told("unknown-key", "GET /orders/17", &stranger, Some("unknown_key"), Some("entra_application_key"));
    let base64 = token(MISREAD, &[], json!({}));
    told("invalid-signature", "GET /movies", &base64, Some("invalid_signature"), Some("secret_may_be_base64"));
    let forged = token(STRANGER, &["--kid", "orders-1"], json!({}));
    told("forged", "GET /orders/17", &forged, Some("invalid_signature"), None);
}

#[test]
fn keys_that_cannot_be_had_say_what_to_do_about_the_failure() {
    let token = token(KEY, &[], json!({ "iss": "https://issuer.example/", "aud": "api", "sub": "ada" }));
    let base =
        ["explain", "--json", "--config", "tests/authz/unreachable.json", "--at", AT, "--token", "-", "GET /movies"];
    let explained: Value = serde_json::from_str(&authz(&base, &token).stdout).unwrap();
    assert_eq!(explained["reason"], "keys_unavailable", "{explained:#}");
    let advice = "See that the address can be reached. In Lambda, a function in a VPC needs a NAT gateway for it. `authz check --fetch` \
                  tries the keys of `issuers[0]` again.";
    assert_eq!(explained["advice"], advice, "{explained:#}");
}

#[test]
fn dates() {
    let exp = |exp: u64| token(SECRET, &[], json!({ "iat": 1_700_000_000, "exp": exp }));
    told("expired", "GET /movies", &exp(1_700_000_300), Some("expired"), None);
    told("expired-just-now", "GET /movies", &exp(1_799_999_900), Some("expired"), Some("clock_skew"));
    let early = token(SECRET, &[], json!({ "iat": 1_800_000_060 }));
    told("not-yet-valid", "GET /movies", &early, Some("not_yet_valid"), Some("clock_skew"));
    let milliseconds = token(SECRET, &[], json!({ "iat": 1_800_000_000_000_u64, "exp": 1_800_000_300_000_u64 }));
    told("milliseconds", "GET /movies", &milliseconds, Some("not_yet_valid"), Some("dates_in_milliseconds"));
    let old = token(KEY, &["--typ", "at+jwt"], json!({ "iat": 1_799_990_000 }));
    told("too-old", "GET /orders/17", &old, Some("too_old"), None);
}

#[test]
fn audiences_and_types() {
    let audience = |audience: Value| token(SECRET, &[], json!({ "aud": audience }));
    let wrong = Some("wrong_audience");
    told(
        "misspelt-audience",
        "GET /movies",
        &audience(json!("https://apl.example/")),
        wrong,
        Some("audience_misspelt"),
    );
    let slash = audience(json!(["https://api.example"]));
    told("audience-slash", "GET /movies", &slash, wrong, Some("audience_differs_by_trailing_slash"));
    told("no-audience", "GET /movies", &audience(Value::Null), wrong, Some("audience_claim_absent"));
    let id = token(SECRET, &[], json!({ "aud": "web-client", "nonce": "n-1", "at_hash": "x" }));
    told("id-token", "GET /movies", &id, wrong, Some("id_token_for_access_token"));
    let jwt = token(KEY, &[], json!({}));
    told("wrong-type", "GET /orders/17", &jwt, Some("wrong_token_type"), Some("typ_is_jwt"));
    let bare = token(KEY, &["--typ", ""], json!({}));
    told("no-type", "GET /orders/17", &bare, Some("wrong_token_type"), Some("typ_absent"));
    let bound = token(SECRET, &[], json!({ "cnf": { "jkt": "x" } }));
    told("bound-token", "GET /movies", &bound, Some("bound_token"), None);
}

#[test]
fn claims() {
    let order = |more: Value| token(KEY, &["--typ", "at+jwt"], more);
    let id = order(json!({ "token_use": "id" }));
    told("invalid-claim", "GET /orders/17", &id, Some("invalid_claim"), Some("id_token_for_access_token"));
    told("missing-claim", "GET /orders/17", &order(json!({ "token_use": null })), Some("missing_claim"), None);
    let nobody = order(json!({ "client_id": null }));
    told("no-principal", "GET /orders/17", &nobody, Some("missing_claim"), Some("principal_absent"));
}

#[test]
fn routes() {
    let insufficient = Some("insufficient_scope");
    let with = |more: Value| token(SECRET, &[], more);
    let plain = with(json!({ "scope": "read:movies" }));
    told("insufficient-scope", "POST /movies", &plain, insufficient, None);
    let elsewhere = with(json!({ "permissions": ["admin"] }));
    told("scopes-elsewhere", "POST /movies", &elsewhere, insufficient, Some("scopes_in_another_claim"));
    let me = with(json!({ "scope": "read:me" }));
    told("claim-mismatch", "GET /users/grace", &me, Some("claim_mismatch"), None);
    told("undeclared-route", "GET /nowhere", &plain, Some("undeclared_route"), None);
    told("other-method", "DELETE /movies", &plain, Some("undeclared_route"), Some("method_not_declared"));
    told("other-case", "GET /Movies", &plain, Some("undeclared_route"), Some("path_differs_by_case"));
    told("ambiguous-path", "GET /users/%2e%2e", &plain, Some("ambiguous_path"), Some("encoded_slash_in_path"));
}

#[test]
fn an_event_that_is_none() {
    golden(
        "explain-malformed-event",
        &authz(
            &["explain", "--config", "tests/authz/authorizer.json", "--at", AT, "tests/config/environment.json"],
            "",
        ),
    );
}

#[test]
fn nothing_in_a_token_reaches_the_terminal_as_a_control_character() {
    let odd = token(SECRET, &[], json!({ "aud": "\u{1b}[31mred\u{202e}", "sub": "a\nb" }));
    let base = ["explain", "--config", "tests/authz/authorizer.json", "--at", AT, "--token", "-", "GET /movies"];
    let ran = authz(&base, &odd);
    ran.is_plain();
    assert!(ran.stdout.contains("\\u{1b}[31mred\\u{202e}"), "{}", ran.stdout);
}
