//! Claim operators and `scope_map`: which claims they accept, and with which reason they refuse.

use serde_json::{Value, json};

use crate::local::{Local, NOW, signed, with_members};

/// An API whose tokens have to have these claims.
fn requiring(claims: Value) -> Local {
    Local::new(&json!({
        "policy": "single_request",
        "issuers": [{
            "issuer": "https://issuer.example/", "audience": "api", "secret": { "env": "SECRET" }, "required_claims": claims
        }],
        "undeclared_routes": "allow"
    }))
}

/// An API whose root needs these claims.
fn with_route(claims: Value) -> Local {
    Local::new(&json!({
        "policy": "single_request",
        "issuers": [{ "issuer": "https://issuer.example/", "audience": "api", "secret": { "env": "SECRET" } }],
        "routes": [{ "path": "/", "claims": claims }]
    }))
}

fn token(more: &Value) -> String {
    let claims = json!({ "iss": "https://issuer.example/", "aud": "api", "sub": "user-1", "exp": NOW + 60 });
    signed(r#"{"alg":"HS256"}"#, &with_members(claims, more).to_string())
}

/// Checks what is decided of tokens with a claim `c`, required by the issuer and by a route; `None` accepts it.
#[track_caller]
fn accepts(accepted: &Value, cases: &[(Value, Option<&str>)]) {
    let rules = json!({ "c": accepted });
    let (required, route) = (requiring(rules.clone()), with_route(rules));
    for (claims, refusal) in cases {
        let expected = refusal.map_or_else(|| "allow".to_owned(), |reason| format!("deny {reason}"));
        assert_eq!(required.verdict("GET", "", &token(claims)), expected, "{accepted} {claims}");
        let expected = if refusal.is_some() { "deny claim_mismatch" } else { "allow" };
        assert_eq!(route.verdict("GET", "", &token(claims)), expected, "{accepted} {claims}");
    }
}

const MISSING: Option<&str> = Some("missing_claim");
const INVALID: Option<&str> = Some("invalid_claim");

#[test]
fn an_absent_claim_is_one_that_is_not_there_or_null() {
    accepts(
        &json!({ "absent": true }),
        &[
            (json!({}), None),
            (json!({ "c": null }), None),
            (json!({ "c": "" }), INVALID),
            (json!({ "c": false }), INVALID),
            (json!({ "c": [] }), INVALID),
            (json!({ "c": {} }), INVALID),
            (json!({ "c": [null] }), INVALID),
        ],
    );
}

#[test]
fn a_beginning_is_that_of_a_string_and_of_nothing_else() {
    accepts(
        &json!({ "starts_with": "repo:acme/" }),
        &[
            (json!({ "c": "repo:acme/orders:ref:refs/heads/main" }), None),
            (json!({ "c": "repo:acme/" }), None),
            (json!({ "c": ["x", 1, "repo:acme/orders"] }), None),
            (json!({ "c": "repo:acme-evil/orders" }), INVALID),
            (json!({ "c": "REPO:acme/orders" }), INVALID),
            (json!({ "c": " repo:acme/orders" }), INVALID),
            (json!({ "c": "repo:acme" }), INVALID),
            (json!({ "c": "repo:acme\u{2215}orders" }), INVALID),
            (json!({ "c": "" }), INVALID),
            (json!({ "c": { "repo:acme/": true } }), INVALID),
            (json!({ "c": [["repo:acme/orders"]] }), INVALID),
            (json!({ "c": [] }), INVALID),
            (json!({ "c": 1 }), INVALID),
            (json!({ "c": null }), MISSING),
            (json!({}), MISSING),
        ],
    );
    accepts(&json!({ "starts_with": "1" }), &[(json!({ "c": 12 }), INVALID), (json!({ "c": "12" }), None)]);
}

#[test]
fn none_of_takes_scalars_and_lists_of_scalars_that_are_not_listed() {
    accepts(
        &json!({ "none_of": ["pending", 1, true] }),
        &[
            (json!({ "c": "active" }), None),
            (json!({ "c": "Pending" }), None),
            (json!({ "c": "1" }), None),
            (json!({ "c": "" }), None),
            (json!({ "c": false }), None),
            (json!({ "c": 1.5 }), None),
            (json!({ "c": ["active", 2, false] }), None),
            (json!({ "c": [] }), None),
            (json!({ "c": "pending" }), INVALID),
            (json!({ "c": 1 }), INVALID),
            (json!({ "c": 1.0 }), INVALID),
            (json!({ "c": true }), INVALID),
            (json!({ "c": ["active", "pending"] }), INVALID),
            (json!({ "c": ["active", 1.0] }), INVALID),
            // What cannot be compared is not known to be something else.
            (json!({ "c": {} }), INVALID),
            (json!({ "c": { "pending": false } }), INVALID),
            (json!({ "c": ["active", null] }), INVALID),
            (json!({ "c": ["active", {}] }), INVALID),
            (json!({ "c": [["active"]] }), INVALID),
            (json!({ "c": null }), MISSING),
            (json!({}), MISSING),
        ],
    );
}

#[test]
fn one_of_a_list_of_values_and_operators_is_enough() {
    accepts(
        &json!([{ "absent": true }, { "none_of": ["pending"] }]),
        &[
            (json!({}), None),
            (json!({ "c": null }), None),
            (json!({ "c": "active" }), None),
            (json!({ "c": "pending" }), INVALID),
            (json!({ "c": {} }), INVALID),
        ],
    );
    accepts(
        &json!(["root", { "starts_with": "team:" }, 7]),
        &[
            (json!({ "c": "root" }), None),
            (json!({ "c": "team:red" }), None),
            (json!({ "c": 7.0 }), None),
            (json!({ "c": ["x", "team:red"] }), None),
            (json!({ "c": "rooter" }), INVALID),
            (json!({}), MISSING),
        ],
    );
    accepts(&json!([{ "present": true }]), &[(json!({ "c": {} }), None), (json!({}), MISSING)]);
}

#[test]
fn the_paths_own_parameter_stands_beside_operators() {
    let local = Local::new(&json!({
        "policy": "single_request",
        "issuers": [{ "issuer": "https://issuer.example/", "audience": "api", "secret": { "env": "SECRET" } }],
        "routes": [{ "path": "/users/{id}", "claims": { "sub": ["{id}", { "starts_with": "service:" }], "sts": { "none_of": ["pending"] } } }]
    }));
    for (sub, sts, path, expected) in [
        ("u1", "active", "users/u1", "allow"),
        ("u1", "active", "users/u2", "deny claim_mismatch"),
        ("u1", "pending", "users/u1", "deny claim_mismatch"),
        ("service:x", "active", "users/u2", "allow"),
        ("service", "active", "users/u2", "deny claim_mismatch"),
    ] {
        let claims = json!({ "sub": sub, "sts": sts });
        assert_eq!(local.verdict("GET", path, &token(&claims)), expected, "{claims} {path}");
    }
}

#[test]
fn a_scope_map_grants_exactly_and_one_step_deep() {
    let local = Local::new(&json!({
        "policy": "single_request",
        "issuers": [{
            "issuer": "https://issuer.example/", "audience": "api", "secret": { "env": "SECRET" }, "scope_claims": ["scope", "groups"],
            "scope_map": { "admins": "read write", "Sales Europe": ["read"], "chief": "admins", "read": "deep" }
        }],
        "routes": [
            { "path": "/read", "scopes": "read" },
            { "path": "/both", "scopes": "read write" },
            { "path": "/admins", "scopes": "admins" },
            { "path": "/deep", "scopes": "deep" }
        ]
    }));
    let open = |claims: Value| -> Vec<&str> {
        let mut paths = vec!["read", "both", "admins", "deep"];
        paths.retain(|path| match local.verdict("GET", path, &token(&claims)).as_str() {
            "allow" => true,
            refused => {
                assert_eq!(refused, "deny insufficient_scope");
                false
            }
        });
        paths
    };
    assert_eq!(open(json!({ "groups": ["admins"] })), ["read", "both", "admins"]);
    assert_eq!(open(json!({ "scope": "admins" })), ["read", "both", "admins"]);
    assert_eq!(open(json!({ "groups": ["Sales Europe"], "scope": "write" })), ["read", "both"]);
    // In a text, a space separates two names.
    assert_eq!(open(json!({ "scope": "Sales Europe" })), [""; 0]);
    assert_eq!(open(json!({ "groups": ["chief"] })), ["admins"]);
    assert_eq!(open(json!({ "scope": "read" })), ["read", "deep"]);
    for scopes in ["Admins", "admin", "admins2", "admins,read"] {
        assert_eq!(open(json!({ "scope": scopes })), [""; 0], "{scopes}");
    }
    assert_eq!(open(json!({ "roles": ["admins"] })), [""; 0]);
}

#[test]
fn each_issuer_has_its_own_scope_map() {
    let entry = |issuer: &str| json!({ "issuer": issuer, "audience": "api", "secret": { "env": "SECRET" } });
    let (mut ours, theirs) = (entry("https://issuer.example/"), entry("https://other.example/"));
    ours["scope_map"] = json!({ "admins": "write" });
    let local = Local::new(&json!({
        "policy": "single_request", "issuers": [ours, theirs], "routes": [{ "path": "/", "scopes": "write" }]
    }));
    let token = |issuer: &str| token(&json!({ "iss": issuer, "scope": "admins" }));
    assert_eq!(local.verdict("GET", "", &token("https://issuer.example/")), "allow");
    assert_eq!(local.verdict("GET", "", &token("https://other.example/")), "deny insufficient_scope");
}
