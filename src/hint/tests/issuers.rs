//! Hints for an `iss` that no entry accepts.

use super::*;

#[track_caller]
fn issuer(configured: &'static str, iss: Value, expected: Option<Hint>) {
    Case { issuer: configured, ..Case::new(Error::UnknownIssuer, json!({ "iss": iss })) }.says(expected);
}

#[test]
fn an_unknown_issuer_that_is_almost_configured_is_explained() {
    let cases = [
        ("https://t.auth0.com/", "https://t.auth0.com", Some(Hint::IssuerDiffersByTrailingSlash)),
        ("https://t.auth0.com//", "https://t.auth0.com/", Some(Hint::IssuerDiffersByTrailingSlash)),
        ("https://t.auth0.com/", "https://T.auth0.com/", Some(Hint::IssuerDiffersByCase)),
        ("https://t.auth0.com/ ", "https://t.auth0.com/", Some(Hint::IssuerDiffersByWhiteSpace)),
        ("https://t.auth0.com/\n", "https://t.auth0.com/", Some(Hint::IssuerDiffersByWhiteSpace)),
        ("https://t.auth0.com\n/", "https://t.auth0.com/", Some(Hint::IssuerDiffersByWhiteSpace)),
        ("\"https://t.auth0.com/\"", "https://t.auth0.com/", Some(Hint::IssuerHasQuotes)),
        ("https://'t.auth0.com'/", "https://t.auth0.com/", Some(Hint::IssuerHasQuotes)),
        ("accounts.google.com", "https://accounts.google.com", Some(Hint::IssuerDiffersByScheme)),
        ("https://sso.example/realms/r", "http://sso.example/realms/r", Some(Hint::IssuerDiffersByScheme)),
        ("https://https://t.auth0.com/", "https://t.auth0.com/", Some(Hint::IssuerHasTwoSchemes)),
        ("https://issuer.example/", "https://isuer.example/", Some(Hint::IssuerMisspelt)),
        ("https://a.example/", "https://b.example.org/", None),
    ];
    for (configured, iss, expected) in cases {
        issuer(configured, iss.into(), expected);
    }
    issuer("x", json!(1), None);
    Case::new(Error::UnknownIssuer, json!({})).says(Some(Hint::IssuerAbsent));
}

#[test]
fn an_issuer_url_that_differs_in_one_part_names_that_part() {
    let cases = [
        ("https://sso.example/realms/r", "http://keycloak:8080/realms/r", Some(Hint::IssuerDiffersByHost)),
        ("https://t.auth0.com/", "https://login.example.com/", Some(Hint::IssuerDiffersByHost)),
        ("https://o.okta.com/oauth2/default", "https://id.example.com/oauth2/default", Some(Hint::IssuerDiffersByHost)),
        ("https://sso.example/realms/r", "https://sso.example:8443/realms/r", Some(Hint::IssuerDiffersByPort)),
        ("http://localhost/realms/r", "http://localhost:8080/realms/r", Some(Hint::IssuerDiffersByPort)),
        ("https://sso.example:443/", "https://sso.example/", Some(Hint::IssuerDiffersByPort)),
        ("https://sso.example/realms/r", "https://sso.example/auth/realms/r", Some(Hint::IssuerDiffersByAuth)),
        ("https://sso.example/auth/realms/r", "https://sso.example/realms/r", Some(Hint::IssuerDiffersByAuth)),
        ("https://sso.example/realms/r", "http://kc:8080/auth/realms/r", Some(Hint::IssuerDiffersByAuth)),
        ("https://sso.example/realms/r", "https://sso.example/realms/staging", Some(Hint::IssuerOfAnotherTenant)),
        (
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc1",
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_xyz2",
            Some(Hint::IssuerOfAnotherTenant),
        ),
        (
            "https://login.microsoftonline.com/1/v2.0",
            "https://login.microsoftonline.com/2/v2.0",
            Some(Hint::IssuerOfAnotherTenant),
        ),
        ("https://idp.test/.well-known/openid-configuration", "https://idp.test/", Some(Hint::IssuerIsADocument)),
        (
            "https://sso.example/realms/r/protocol/openid-connect/certs",
            "https://sso.example/realms/r",
            Some(Hint::IssuerIsADocument),
        ),
        ("https://t.auth0.com/.well-known/jwks.json", "https://t.auth0.com/", Some(Hint::IssuerIsADocument)),
    ];
    for (configured, iss, expected) in cases {
        issuer(configured, iss.into(), expected);
    }
}

#[test]
fn providers_have_issuers_of_several_kinds() {
    let cases = [
        ("https://login.microsoftonline.com/1/v2.0", "https://sts.windows.net/1/", Some(Hint::EntraV1Token)),
        ("https://sts.windows.net/1/", "https://login.microsoftonline.com/1/v2.0", Some(Hint::EntraV2Token)),
        (
            "https://login.microsoftonline.com/common/v2.0",
            "https://login.microsoftonline.com/1/v2.0",
            Some(Hint::EntraTenantMissing),
        ),
        ("https://o.okta.com/oauth2/default", "https://o.okta.com", Some(Hint::OktaOrgToken)),
        ("https://r.supabase.co/auth/v1", "supabase", Some(Hint::SupabaseApiKey)),
    ];
    for (configured, iss, expected) in cases {
        issuer(configured, iss.into(), expected);
    }
}
