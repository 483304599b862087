//! Hints for claims that are compared with a value.

use super::*;

fn required(name: &'static str, value: Value, claims: Value) -> Case {
    requiring(name, Accepted::Value(value), claims)
}

fn requiring(name: &'static str, accepted: Accepted, claims: Value) -> Case {
    let error = if claims.get(name).is_some() { Error::InvalidClaim } else { Error::MissingClaim };
    let mut claims = claims;
    claims["exp"] = 1_900_000_000.into();
    claims["sub"] = "ada".into();
    Case { required: vec![(name, accepted)], ..Case::new(error, claims) }
}

fn of_route(name: &'static str, value: Value, claims: Value) -> Case {
    Case { claim: Some((name, Some(Accepted::Value(value)))), ..Case::new(Error::ClaimMismatch, claims) }
}

#[test]
fn a_value_of_another_type_is_named_in_either_direction() {
    let cases = [
        ("email_verified", json!(true), json!({ "email_verified": "true" })),
        ("email_verified", json!("true"), json!({ "email_verified": true })),
        ("level", json!(5), json!({ "level": "5" })),
        ("level", json!("5"), json!({ "level": 5 })),
        ("level", json!(5), json!({ "level": ["1", "5"] })),
        ("admin", json!(true), json!({ "admin": 1 })),
        ("admin", json!(false), json!({ "admin": "False" })),
    ];
    for (name, value, claims) in cases {
        required(name, value.clone(), claims.clone()).says(Some(Hint::ClaimOfOtherType));
        of_route(name, value, claims).says(Some(Hint::ClaimOfOtherType));
    }
    required("level", json!(5), json!({ "level": 6 })).says(None);
    required("level", json!(5), json!({ "level": "6" })).says(None);
}

#[test]
fn a_claim_name_that_never_matches_is_corrected() {
    let nested = json!({ "realm_access": { "roles": ["admin"] } });
    of_route("realm_access.roles", json!("admin"), nested.clone())
        .says_at(Hint::ClaimNameIsDotted, "/realm_access/roles");
    of_route("/realm_access.roles", json!("admin"), nested.clone())
        .says_at(Hint::ClaimNameIsDotted, "/realm_access/roles");
    of_route("$.realm_access.roles", json!("admin"), nested).says_at(Hint::ClaimNameIsDotted, "/realm_access/roles");
    let spaced = json!({ "https://example.com/roles": ["admin"] });
    of_route("/https://example.com/roles", json!("admin"), spaced.clone())
        .says_at(Hint::ClaimNameNotEscaped, "/https:~1~1example.com~1roles");
    required("/https://example.com/roles", json!("admin"), spaced)
        .says_at(Hint::ClaimNameNotEscaped, "/https:~1~1example.com~1roles");
    let spelt = [
        ("emailVerified", "/email_verified"),
        ("Email_Verified", "/email_verified"),
        ("email_verifed", "/email_verified"),
    ];
    for (name, pointer) in spelt {
        required(name, json!(true), json!({ "email_verified": true })).says_at(Hint::ClaimNameDiffers, pointer);
    }
}

#[test]
fn a_value_that_is_elsewhere_is_found() {
    let cases = [
        ("role", json!("admin"), json!({ "app_metadata": { "role": "admin" } }), "/app_metadata/role"),
        ("role", json!("admin"), json!({ "custom:role": "admin" }), "/custom:role"),
        ("role", json!("admin"), json!({ "https://x.example/role": ["admin"] }), "/https:~1~1x.example~1role"),
        ("admin", json!(true), json!({ "custom": { "admin": true } }), "/custom/admin"),
        ("tenant", json!("acme"), json!({ "org": { "slug": "acme" } }), "/org/slug"),
    ];
    for (name, value, claims, pointer) in cases {
        required(name, value.clone(), claims.clone()).says_at(Hint::ClaimInAnotherPlace, pointer);
        of_route(name, value, claims).says_at(Hint::ClaimInAnotherPlace, pointer);
    }
    of_route("admin", json!(true), json!({ "email_verified": true })).says(None);
}

#[test]
fn a_path_segment_is_found_in_another_claim_or_as_a_number() {
    let own =
        |claims: Value| Case { claim: Some(("sub", None)), path: "4711", ..Case::new(Error::ClaimMismatch, claims) };
    own(json!({ "sub": "auth0|1", "uid": "4711" })).says_at(Hint::ClaimInAnotherPlace, "/uid");
    own(json!({ "sub": 4711 })).says(Some(Hint::ClaimOfOtherType));
    own(json!({ "sub": "other" })).says(None);
}

#[test]
fn a_value_within_a_longer_text_or_in_another_case_is_explained() {
    of_route("roles", json!("admin"), json!({ "roles": "user admin" })).says(Some(Hint::ClaimIsOneText));
    of_route("roles", json!("admin"), json!({ "roles": "user, admin" })).says(Some(Hint::ClaimIsOneText));
    required("roles", json!("admin"), json!({ "roles": "user;admin" })).says(Some(Hint::ClaimIsOneText));
    for text in ["Admin", "ADMIN", " admin"] {
        of_route("roles", json!("admin"), json!({ "roles": text })).says(Some(Hint::ClaimValueDiffersByCase));
    }
}

#[test]
fn unusable_dates_scopes_and_principals_are_explained() {
    for dates in [
        json!({ "exp": "1900000000" }),
        json!({ "exp": 1, "iat": "2026-01-01T00:00:00Z" }),
        json!({ "exp": 1, "nbf": "1" }),
    ] {
        Case::new(Error::InvalidClaim, dates).says(Some(Hint::DatesAreTexts));
    }
    Case::new(Error::MissingClaim, json!({ "sub": "ada" })).says(Some(Hint::ExpiryAbsent));
    let opaque = |claims| Case { is_opaque: true, ..Case::new(Error::MissingClaim, claims) };
    opaque(json!({ "sub": "ada" })).says(None);
    opaque(json!({ "active": true })).says(Some(Hint::PrincipalAbsent));
    let with = |sub: Value| json!({ "exp": 1_900_000_000, "sub": sub });
    for sub in [json!(""), json!("x".repeat(257)), json!(17), json!("a\nb"), json!(null)] {
        Case::new(Error::InvalidClaim, with(sub)).says(Some(Hint::PrincipalUnfit));
    }
    Case::new(Error::MissingClaim, json!({ "exp": 1_900_000_000 })).says(Some(Hint::PrincipalAbsent));
    for scope in [json!({ "admin": true }), json!(7), json!([{ "name": "admin" }])] {
        let claims = json!({ "exp": 1_900_000_000, "sub": "ada", "scope": scope });
        Case::new(Error::InvalidClaim, claims).says(Some(Hint::ScopeClaimUnfit));
    }
}

#[test]
fn a_pending_session_is_named() {
    let none_of = || Accepted::NoneOf(vec![json!("pending")]);
    let pending = json!({ "sts": "pending" });
    requiring("sts", none_of(), pending.clone()).says(Some(Hint::SessionPending));
    requiring("sts", Accepted::Value(json!("active")), pending.clone()).says(Some(Hint::SessionPending));
    let of_route = |accepted, claims: &Value| Case {
        claim: Some(("sts", Some(accepted))),
        ..Case::new(Error::ClaimMismatch, claims.clone())
    };
    of_route(none_of(), &pending).says(Some(Hint::SessionPending));
    of_route(Accepted::Absent, &pending).says(Some(Hint::SessionPending));
    of_route(Accepted::Absent, &json!({ "sts": "active" })).says(None);
    requiring("status", none_of(), json!({ "status": "pending" })).says(None);
}

#[test]
fn a_beginning_in_other_capital_letters_is_named() {
    let begins = || Accepted::StartsWith("repo:Acme/".to_owned());
    requiring("workflow_sub", begins(), json!({ "workflow_sub": "repo:acme/pets" }))
        .says(Some(Hint::ClaimValueDiffersByCase));
    requiring("workflow_sub", begins(), json!({ "workflow_sub": ["x", "REPO:Acme/"] }))
        .says(Some(Hint::ClaimValueDiffersByCase));
    requiring("workflow_sub", begins(), json!({ "workflow_sub": "repo:acme" })).says(None);
    requiring("workflow_sub", begins(), json!({ "workflow_sub": "repo:\u{c9}cme/x" })).says(None);
}

#[test]
fn a_claim_that_has_to_be_absent_is_not_looked_for_elsewhere() {
    requiring("act", Accepted::Absent, json!({ "act": { "sub": "x" } })).says(None);
    requiring("act", Accepted::NoneOf(vec![json!("x")]), json!({ "act": ["x"], "actor": "x" })).says(None);
}
