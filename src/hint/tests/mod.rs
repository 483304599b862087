//! Each hint on the refusals that it is for.

use serde_json::{Value, json};

use super::{Hint, cause};
use crate::claims::{ClaimName, ClaimRules};
use crate::routes::{Alternative, Need};

/// Every hint and its advice stand in the documentation; `UPDATE_GOLDEN=1 cargo test hint` writes them there.
#[test]
fn the_documentation_lists_every_hint() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/hints.md");
    let rows: String = Hint::ALL
        .iter()
        .map(|hint| format!("| `{}` | {} |\n", hint.code(), hint.advice().replace('|', "\\|")))
        .collect();
    let expected = format!(
        "# Hints\n\nA refusal that has a usual cause says it: in the log line as `hint`, and in `authz explain` with this advice. A hint is read\nout of a token that was refused, so it may be wrong about a forged one; nothing is decided by it.\n\n| hint | what to do |\n|---|---|\n{rows}"
    );
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        std::fs::write(&file, &expected).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap_or_default(), expected);
}

#[track_caller]
fn malformed(authorization: &str, expected: Option<Hint>) {
    assert_eq!(cause::malformed(authorization), expected, "{authorization:?}");
}

#[test]
fn credentials_that_are_no_jwt_say_what_they_look_like() {
    malformed("eyJh.e30.AA", Some(Hint::SchemeMissing));
    malformed("Bearer Bearer eyJh.e30.AA", Some(Hint::SchemeRepeated));
    malformed("Basic dTpw", Some(Hint::OtherScheme));
    malformed("Bearer \"eyJh.e30.AA\"", Some(Hint::TokenInQuotes));
    malformed("Bearer undefined", Some(Hint::PlaceholderToken));
    malformed("bearer [object Object]", Some(Hint::PlaceholderToken));
    malformed("Bearer a.b.c.d.e", Some(Hint::EncryptedToken));
    malformed("Bearer ya29_opaque", Some(Hint::OpaqueToken));
    malformed("Bearer eyJh.e30=.AA", Some(Hint::NotBase64Url));
    malformed("Bearer ya29.a0", Some(Hint::OpaqueToken));
    malformed("Bearer a b", None);
    malformed("=", None);
}

#[track_caller]
fn issuer(configured: &str, iss: &str, expected: Option<Hint>) {
    let issuers = [(Some(configured), false)];
    assert_eq!(cause::issuer(&json!({ "iss": iss }), &issuers), expected, "{configured} {iss}");
}

#[test]
fn an_unknown_issuer_says_what_it_is_near_to() {
    issuer("https://t.auth0.com/", "https://t.auth0.com", Some(Hint::IssuerDiffersByTrailingSlash));
    issuer("https://t.auth0.com/", "https://T.auth0.com/", Some(Hint::IssuerDiffersByCase));
    issuer("https://accounts.google.com", "accounts.google.com", Some(Hint::IssuerDiffersByScheme));
    issuer("https://sso.example/realms/r", "http://sso.example/realms/r", Some(Hint::IssuerDiffersByScheme));
    issuer("https://sso.example/realms/r", "http://keycloak:8080/realms/r", Some(Hint::IssuerDiffersByHost));
    issuer("https://issuer.example/", "https://isuer.example/", Some(Hint::IssuerMisspelt));
    issuer("https://login.microsoftonline.com/1/v2.0", "https://sts.windows.net/1/", Some(Hint::EntraV1Token));
    issuer("https://sts.windows.net/1/", "https://login.microsoftonline.com/1/v2.0", Some(Hint::EntraV2Token));
    issuer(
        "https://login.microsoftonline.com/common/v2.0",
        "https://login.microsoftonline.com/1/v2.0",
        Some(Hint::EntraTenantMissing),
    );
    issuer("https://o.okta.com/oauth2/default", "https://o.okta.com", Some(Hint::OktaOrgToken));
    issuer("https://r.supabase.co/auth/v1", "supabase", Some(Hint::SupabaseApiKey));
    issuer("https://a.example/", "https://b.example.org/", None);
    assert_eq!(cause::issuer(&json!({}), &[(Some("x"), false)]), Some(Hint::IssuerAbsent));
    assert_eq!(cause::issuer(&json!({ "iss": 1 }), &[(Some("x"), false)]), None);
}

fn rules(audience: &str, audience_claim: &[&str]) -> ClaimRules {
    let names = |names: &[&str]| names.iter().filter_map(|name| ClaimName::parse(name)).collect();
    ClaimRules {
        audience: Some(vec![audience.to_owned()]),
        audience_claim: names(audience_claim),
        typ: None,
        required: Vec::new(),
        scope_claims: names(&["scope", "scp"]),
        leeway: 10,
        max_age: None,
    }
}

#[track_caller]
fn audience(ours: &str, claims: Value, expected: Option<Hint>) {
    assert_eq!(cause::audience(&claims, &rules(ours, &["aud"])), expected, "{claims}");
}

#[test]
fn a_wrong_audience_says_what_it_is_near_to() {
    audience("https://api/", json!({ "aud": ["x", "https://api"] }), Some(Hint::AudienceDiffersByTrailingSlash));
    audience("https://api", json!({ "aud": "HTTPS://API" }), Some(Hint::AudienceDiffersByCase));
    audience("client", json!({ "aud": "api://client" }), Some(Hint::AudienceDiffersByScheme));
    audience("https://api.example", json!({ "aud": "https://apl.example" }), Some(Hint::AudienceMisspelt));
    audience("client", json!({ "client_id": "client" }), Some(Hint::AudienceInAnotherClaim));
    audience("client", json!({ "aud": "other", "azp": "client" }), Some(Hint::AudienceInAnotherClaim));
    audience("client", json!({}), Some(Hint::AudienceClaimAbsent));
    audience("api-name", json!({ "aud": "client", "nonce": "n" }), Some(Hint::IdTokenForAccessToken));
    audience("api-name", json!({ "aud": "account" }), Some(Hint::AudienceIsAccount));
    audience("api-name", json!({ "aud": "https://graph.microsoft.com/" }), Some(Hint::EntraGraphToken));
    audience("api-1", json!({ "aud": "api-2" }), None);
}

#[track_caller]
fn scope(needed: &str, claims: Value, expected: Option<Hint>) {
    let need = Need { any_of: vec![Alternative { scopes: vec![vec![needed.into()]], claims: Vec::new() }] };
    assert_eq!(cause::scope(&claims, &rules("api", &["aud"]), &need), expected, "{needed} {claims}");
}

#[test]
fn an_insufficient_scope_says_where_else_it_may_be() {
    scope("read", json!({ "permissions": ["read"], "scope": "openid" }), Some(Hint::ScopesInAnotherClaim));
    scope("read", json!({ "roles": ["other"] }), Some(Hint::ScopesInAnotherClaim));
    scope("read", json!({ "realm_access": { "roles": ["read"] } }), Some(Hint::ScopesInAnotherClaim));
    scope("read:all", json!({ "scope": "Read:all" }), Some(Hint::ScopeDiffersByCase));
    scope("read", json!({ "scope": "server/read" }), Some(Hint::ScopeDiffersByPrefix));
    scope("api/read", json!({ "scope": "openid server/read" }), Some(Hint::ScopeDiffersByPrefix));
    scope("read:all", json!({ "scope": "server/read:all Read:all" }), Some(Hint::ScopeDiffersByCase));
    scope("read:pets", json!({ "scope": "read:pet" }), Some(Hint::ScopeMisspelt));
    scope("read", json!({ "scope": "write,read" }), Some(Hint::ScopesSeparatedByCommas));
    scope("read", json!({ "token_use": "id" }), Some(Hint::IdTokenForAccessToken));
    scope("read", json!({ "scope": "openid" }), None);
}
