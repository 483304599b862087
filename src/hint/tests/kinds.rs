//! Hints for tokens of another kind.

use super::*;

const COGNITO: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc";
const ENTRA: &str = "https://login.microsoftonline.com/1/v2.0";
const FIREBASE: &str = "https://securetoken.google.com/project";

#[test]
fn cognito_s_two_kinds_of_tokens_are_distinguished_with_both_presets() {
    let id = json!({ "iss": COGNITO, "aud": "https://api.example", "token_use": "id" });
    let access = json!({ "iss": COGNITO, "client_id": "https://api.example", "token_use": "access" });
    let at = |wanted: &str, audience_claim, error, claims: &Value| Case {
        issuer: COGNITO,
        audience_claim,
        required: vec![("token_use", Accepted::Value(wanted.into()))],
        ..Case::new(error, claims.clone())
    };
    at("access", &["client_id"], Error::WrongAudience, &id).says(Some(Hint::IdTokenForAccessToken));
    at("access", &["aud", "client_id"], Error::InvalidClaim, &id).says(Some(Hint::IdTokenForAccessToken));
    at("id", &["aud"], Error::WrongAudience, &access).says(Some(Hint::AccessTokenForIdToken));
    at("id", &["aud", "client_id"], Error::InvalidClaim, &access).says(Some(Hint::AccessTokenForIdToken));
    // Without a required `token_use`, the two kinds differ only in the claim with the audience.
    Case { issuer: COGNITO, ..Case::new(Error::WrongAudience, access) }.says(Some(Hint::AudienceInAnotherClaim));
}

#[test]
fn a_token_for_graph_is_recognized_by_its_audience_or_the_nonce_in_its_header() {
    let v1 = "https://sts.windows.net/1/";
    for aud in ["00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com", "https://graph.microsoft.com/"] {
        let claims = json!({ "iss": v1, "aud": aud });
        Case { issuer: ENTRA, ..Case::new(Error::UnknownIssuer, claims.clone()) }.says(Some(Hint::EntraGraphToken));
        Case { issuer: ENTRA, ..Case::new(Error::WrongAudience, claims) }.says(Some(Hint::EntraGraphToken));
    }
    let header = json!({ "alg": "RS256", "kid": "k", "nonce": "n" });
    for error in [Error::UnknownIssuer, Error::UnknownKey, Error::InvalidSignature, Error::WrongAudience] {
        let claims = json!({ "iss": v1, "aud": "api" });
        Case { issuer: ENTRA, header: header.clone(), ..Case::new(error, claims) }.says(Some(Hint::EntraGraphToken));
    }
    Case { issuer: ENTRA, ..Case::new(Error::UnknownIssuer, json!({ "iss": v1, "aud": "api" })) }
        .says(Some(Hint::EntraV1Token));
}

#[test]
fn firebase_s_session_cookies_and_custom_tokens_are_recognized() {
    let at = |claims: Value, expected| {
        Case { issuer: FIREBASE, ..Case::new(Error::UnknownIssuer, claims) }.says(Some(expected));
    };
    at(json!({ "iss": "https://session.firebase.google.com/project" }), Hint::FirebaseSessionCookie);
    let service = "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit";
    at(json!({ "iss": "sdk@project.iam.gserviceaccount.com", "aud": service }), Hint::FirebaseCustomToken);
    at(json!({ "iss": "https://accounts.google.com", "aud": "x" }), Hint::GoogleTokenForFirebase);
}

#[test]
fn an_id_token_is_recognized_without_a_nonce() {
    let tokens = [
        // Auth0
        json!({ "aud": "client", "sub": "auth0|1", "nickname": "ada", "updated_at": "2026-01-01T00:00:00Z" }),
        // Okta
        json!({ "aud": "client", "sub": "u", "jti": "ID.abc", "ver": 1 }),
        // Keycloak
        json!({ "aud": "client", "azp": "client", "typ": "ID", "sub": "u" }),
        // Any provider, by OpenID Connect Core 1.0 section 3.1.3.6
        json!({ "aud": "client", "at_hash": "x" }),
    ];
    for claims in tokens {
        Case::new(Error::WrongAudience, claims.clone()).says(Some(Hint::IdTokenForAccessToken));
        Case { audience: "https://client", ..Case::new(Error::WrongAudience, claims) }
            .says(Some(Hint::IdTokenForAccessToken));
    }
    // Access tokens with a profile.
    let keycloak =
        json!({ "aud": "other", "azp": "web", "typ": "Bearer", "scope": "openid", "preferred_username": "a" });
    Case::new(Error::WrongAudience, keycloak).says(None);
    // An issuer whose JWTs are all ID tokens.
    let google = json!({ "iss": "https://accounts.google.com", "aud": "other", "at_hash": "x" });
    Case { issuer: "https://accounts.google.com", ..Case::new(Error::WrongAudience, google) }.says(None);
}

#[test]
fn refresh_tokens_and_api_keys_are_recognized_for_every_refusal() {
    for error in [Error::UnknownKey, Error::WrongAudience, Error::InvalidClaim] {
        Case::new(error, json!({ "typ": "Refresh" })).says(Some(Hint::RefreshToken));
        Case::new(error, json!({ "typ": "Offline" })).says(Some(Hint::RefreshToken));
        Case::new(error, json!({ "role": "anon", "ref": "abc" })).says(Some(Hint::SupabaseApiKey));
    }
}

#[test]
fn an_absent_or_similar_audience_is_explained() {
    let at = |audience, claims: Value, expected| {
        Case { audience, ..Case::new(Error::WrongAudience, claims) }.says(expected);
    };
    at("https://api/", json!({ "aud": ["x", "https://api"] }), Some(Hint::AudienceDiffersByTrailingSlash));
    at("https://api", json!({ "aud": "HTTPS://API" }), Some(Hint::AudienceDiffersByCase));
    at("client", json!({ "aud": "api://client" }), Some(Hint::AudienceDiffersByScheme));
    at("client ", json!({ "aud": "client" }), Some(Hint::AudienceDiffersByWhiteSpace));
    at("\"client\"", json!({ "aud": "client" }), Some(Hint::AudienceHasQuotes));
    at("https://api.example", json!({ "aud": "https://apl.example" }), Some(Hint::AudienceMisspelt));
    at("client", json!({ "client_id": "client" }), Some(Hint::AudienceInAnotherClaim));
    at("client", json!({ "aud": "other", "azp": "client" }), Some(Hint::AudienceInAnotherClaim));
    for none in [json!({}), json!({ "aud": [] }), json!({ "aud": "" }), json!({ "aud": null })] {
        at("client", none, Some(Hint::AudienceClaimAbsent));
    }
    at("api-name", json!({ "aud": "account" }), Some(Hint::AudienceIsAccount));
    at("api-1", json!({ "aud": "api-2" }), None);
    // It is there, as something that no audience is.
    at("client", json!({ "aud": 4711 }), None);
    at("client", json!({ "aud": { "name": "client" } }), None);
}

#[test]
fn a_claim_that_id_tokens_may_have_says_nothing_about_the_kind_of_token() {
    let id = json!({ "exp": 1_900_000_000, "sub": "ada", "aud": "https://api.example", "at_hash": "x", "tenant": "b" });
    let with = |name: &'static str, error| Case {
        required: vec![(name, Accepted::Value(json!("a")))],
        ..Case::new(error, id.clone())
    };
    with("tenant", Error::InvalidClaim).says(None);
    with("organization", Error::MissingClaim).says(None);
    with("client_id", Error::MissingClaim).says(Some(Hint::IdTokenForAccessToken));
    with("scp", Error::MissingClaim).says(Some(Hint::IdTokenForAccessToken));
}
