//! Hints for scopes and roles that are elsewhere in the token.

use super::*;

fn scope(needed: &'static str, claims: Value) -> Case {
    Case { scope: Some(needed), ..Case::new(Error::InsufficientScope, claims) }
}

#[test]
fn a_scope_in_another_spelling_is_explained() {
    let cases = [
        ("read:all", json!({ "scope": "Read:all" }), Hint::ScopeDiffersByCase),
        ("read", json!({ "scope": "server/read" }), Hint::ScopeDiffersByPrefix),
        ("api/read", json!({ "scope": "openid server/read" }), Hint::ScopeDiffersByPrefix),
        ("admin", json!({ "scope": "ROLE_admin" }), Hint::ScopeDiffersByPrefix),
        ("read:all", json!({ "scope": "server/read:all Read:all" }), Hint::ScopeDiffersByCase),
        ("read:pets", json!({ "scope": "read:pet" }), Hint::ScopeMisspelt),
        ("read", json!({ "scope": "write,read" }), Hint::ScopesSeparatedByCommas),
        ("read", json!({ "token_use": "id" }), Hint::IdTokenForAccessToken),
    ];
    for (needed, claims, expected) in cases {
        scope(needed, claims).says(Some(expected));
    }
    scope("read", json!({ "scope": "openid" })).says(None);
}

#[test]
fn a_right_is_found_wherever_it_is_and_its_place_is_named() {
    let cases = [
        (json!({ "scope": "openid", "permissions": ["orders"] }), "/permissions"),
        (json!({ "scope": "openid", "perms": "orders other" }), "/perms"),
        (json!({ "realm_access": { "roles": ["x", "orders"] } }), "/realm_access/roles"),
        (json!({ "resource_access": { "shop": { "roles": ["orders"] } } }), "/resource_access/shop/roles"),
        (json!({ "https://example.com/roles": ["orders"] }), "/https:~1~1example.com~1roles"),
        (json!({ "cognito:groups": ["orders"] }), "/cognito:groups"),
        (
            json!({ "app_metadata": { "authorization": { "groups": ["orders"] } } }),
            "/app_metadata/authorization/groups",
        ),
        (json!({ "scope": "a", "authorities": ["ROLE_orders"] }), "/authorities"),
        (json!({ "scope": "a", "rights": "a,orders" }), "/rights"),
        (json!({ "scope": "a", "groups": ["Orders"] }), "/groups"),
        // A list of rights, but without the required one.
        (json!({ "roles": ["other"] }), "/roles"),
    ];
    for (claims, pointer) in cases {
        scope("orders", claims).says_at(Hint::ScopesInAnotherClaim, pointer);
    }
}

#[test]
fn a_right_that_is_a_member_name_is_explained() {
    let cases = [
        (
            json!({ "urn:zitadel:iam:org:project:roles": { "admin": { "1": "x" } } }),
            "/urn:zitadel:iam:org:project:roles/admin",
        ),
        (json!({ "scope": "a", "roles": { "admin": true } }), "/roles/admin"),
        (json!({ "app": { "permissions": { "admin": ["x"] } } }), "/app/permissions/admin"),
    ];
    for (claims, pointer) in cases {
        scope("admin", claims).says_at(Hint::ScopeIsAMember, pointer);
    }
    scope("admin", json!({ "scope": "a", "roles": { "admin": false } })).says(None);
}

#[test]
fn the_best_place_is_named_and_names_of_parties_are_ignored() {
    let both = json!({ "scope": "a", "groups": ["app:orders"], "perms": ["orders"] });
    scope("orders", both).says_at(Hint::ScopesInAnotherClaim, "/perms");
    scope("orders", json!({ "scope": "a", "aud": "orders", "azp": "orders", "sub": "orders" })).says(None);
}

#[test]
fn a_name_that_grants_what_is_needed_is_looked_for_like_a_scope() {
    let mapped = |claims: Value| Case {
        scope_map: &[("admins", "read:orders"), ("guests", "read:pets")],
        ..scope("read:orders", claims)
    };
    mapped(json!({ "scope": "Admins" })).says(Some(Hint::ScopeDiffersByCase));
    mapped(json!({ "scope": "amdins" })).says(Some(Hint::ScopeMisspelt));
    mapped(json!({ "scope": "ROLE_admins" })).says(Some(Hint::ScopeDiffersByPrefix));
    mapped(json!({ "scope": "openid", "groups": ["admins"] })).says_at(Hint::ScopesInAnotherClaim, "/groups");
    mapped(json!({ "scope": "Guests openid" })).says(None);
    mapped(json!({ "scope": "openid", "groups": ["guests"] })).says(None);
}
