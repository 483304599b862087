//! Claim operators and `scope_map`.

use super::*;

#[test]
fn an_operator_that_takes_more_or_less_than_it_seems_to_gets_a_warning() {
    let cases = [
        (json!({ "starts_with": "repo:acme/*" }), "the `*` at the end of `starts_with`"),
        (json!({ "starts_with": "^repo:acme/" }), "the beginning of a value is compared byte for byte"),
        (json!({ "starts_with": "{tenant}/" }), "the beginning of a value has braces"),
        (json!({ "none_of": ["pending "] }), "a value begins or ends with white space"),
        (json!([{ "present": true }, { "absent": true }]), "one of a list is enough, so `present` and `absent`"),
        (json!([{ "present": true }, "a"]), "one of a list is enough, so `present` takes"),
        (json!([{ "none_of": ["a"] }, { "none_of": ["b"] }]), "one of a list is enough, so of several `none_of`"),
    ];
    for (accepted, begins) in cases {
        let claims = json!({ "c": accepted });
        of_issuer(
            json!({ "issuer": "https://idp.test/", "required_claims": claims }),
            "issuers[0].required_claims",
            begins,
        );
        of_route(json!({ "path": "/pets", "claims": claims }), "routes[0].claims", begins);
    }
    for accepted in [
        json!({ "starts_with": "repo:acme/" }),
        json!([{ "absent": true }, { "none_of": ["pending"] }]),
        json!(["a", { "starts_with": "b:" }, { "absent": true }]),
        json!([{ "present": true }]),
    ] {
        let found = issuer(json!({ "issuer": "https://idp.test/", "required_claims": { "c": accepted } }));
        assert_eq!(found, [], "{accepted}");
    }
}

#[test]
fn a_scope_map_that_grants_nothing_gets_a_warning() {
    let found = |map: Value| {
        let entry = json!({
            "issuer": "https://idp.test/", "audience": "api", "jwks_uri": "https://keys.test/set", "scope_map": map
        });
        let routes = json!([{ "path": "/pets", "scopes": ["read:pets write:pets", "admin"] }]);
        warnings(&json!({ "issuers": [entry], "routes": routes }))
    };
    assert_eq!(found(json!({ "admins": "read:pets write:pets admin", "Sales Europe": ["read:pets"] })), []);
    for (map, at, begins) in [
        (json!({ "admin": "admin" }), r#"["admin"]"#, "a token that has this name has it anyway"),
        (json!({ "admin": "admin read:pets" }), r#"["admin"]"#, "a token that has this name has it anyway"),
        (json!({ "users": "read:pet" }), r#"["users"]"#, "no route needs one of the scopes that it grants"),
        (json!({ "users": "read:pets x" }), r#"["users"]"#, "no route needs one of the scopes that it grants"),
        (json!({ "chief": "staff", "staff": "read:pets" }), r#"["chief"]"#, "what is granted grants nothing further"),
        (json!({ " users": "read:pets" }), r#"[" users"]"#, "the name begins or ends with white space"),
    ] {
        let found = found(map.clone());
        assert_eq!(found.len(), 1, "{map}: {found:#?}");
        assert_eq!(found[0].0, format!("issuers[0].scope_map{at}"));
        assert!(found[0].1.starts_with(begins), "{map}: {}", found[0].1);
    }
}
