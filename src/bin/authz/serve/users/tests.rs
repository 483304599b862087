//! The users that a configuration asks for, and those that are given.

use super::*;

#[test]
fn each_of_a_few_tenants_has_users_and_the_claims_that_its_tokens_need() {
    let document = json!({
        "issuers": [
            { "issuer": "https://a.example/{tenant}", "tenants": ["x", "y"], "tenant_claim": "tid", "audience": "api" },
            { "issuer": "https://b.example/{tenant}", "tenants": "any", "audience": "api" },
        ],
        "routes": [
            { "path": "/x", "claims": { "{tenant}": "x", "role": "admin" } },
            { "path": "/{t}", "claims": { "{tenant}": "{t}", "role": "user" } },
        ],
        "principal": ["{tenant}", "sub"],
        "context": { "tenant": "{tenant}" },
    });
    let roster = Roster::new(&document, "http://127.0.0.1/__issuer", None).unwrap();
    let seen: Vec<_> = roster
        .users
        .iter()
        .map(|user| {
            let realm = &roster.realms[user.realm];
            let claims = user.access_claims(realm, &[], None);
            (realm.issuer.as_str(), claims.get("tid").cloned(), claims.get("role").cloned())
        })
        .collect();
    let (x, y) = (Some(json!("x")), Some(json!("y")));
    assert_eq!(
        seen,
        [
            ("https://a.example/x", x.clone(), Some(json!("admin"))),
            ("https://a.example/x", x.clone(), Some(json!("user"))),
            ("https://a.example/x", x, None),
            ("https://a.example/y", y.clone(), Some(json!("user"))),
            ("https://a.example/y", y, None),
            ("https://b.example/some-tenant", None, Some(json!("user"))),
            ("https://b.example/some-tenant", None, None),
        ]
    );
    assert!(roster.users.iter().all(|user| !user.claims.contains_key("{tenant}")));
}

#[test]
fn every_right_of_the_table_has_a_user_and_one_has_none() {
    let document = json!({
        "issuers": [
            { "issuer": "https://a.example/", "audience": ["api", "other"], "scope_claims": ["/realm/roles"],
              "required_claims": { "email": { "present": true }, "token_use": ["access", "x"] } },
            { "issuer": "https://b.example/", "audience": null },
        ],
        "routes": [
            { "path": "/pets", "scopes": ["read:pets write:pets", "admin"] },
            { "path": "/a", "scopes": "read:pets", "claims": { "iss": "https://a.example/" } },
            { "path": "/b", "claims": { "iss": "https://b.example/", "connection": ["social", "mail"] } },
            { "path": "/users/{id}", "any_of": [{ "scopes": "admin" }, { "claims": { "sub": "{id}" } }] },
        ],
        "context": { "tenant": "https://b.example/tenant" },
    });
    let roster = Roster::new(&document, "http://127.0.0.1/", None).unwrap();
    let names = |at: usize| -> Vec<&str> {
        roster.users.iter().filter(|user| user.realm == at).map(|user| user.name.as_str()).collect()
    };
    assert_eq!(
        names(0),
        [
            "Administrator",
            "User with read:pets, write:pets",
            "User with admin",
            "User with read:pets",
            "User without rights"
        ]
    );
    assert_eq!(
        names(1),
        [
            "Administrator",
            "User with read:pets, write:pets",
            "User with admin",
            "User with social",
            "User without rights"
        ]
    );
    let (user, realm) = roster.user("administrator").unwrap();
    let claims = user.access_claims(realm, &user.scopes, Some("other"));
    assert_eq!(
        Value::Object(claims),
        json!({
            "iss": "https://a.example/", "aud": "other", "sub": "administrator", "name": "Administrator",
            "email": "administrator@example.com", "token_use": "access", "https://b.example/tenant": "administrator's tenant",
            "realm": { "roles": ["admin", "read:pets", "write:pets"] },
        })
    );
    let (social, realm) = roster.user("user-with-social").unwrap();
    let claims = social.access_claims(realm, &[], None);
    assert_eq!((claims.get("connection"), claims.get("aud")), (Some(&json!("social")), None));
    let (user, _) = roster.user("administrator-2").unwrap();
    assert_eq!(user.realm, 1);
}

#[test]
fn users_have_what_operators_and_a_scope_map_ask_for() {
    let document = json!({
        "issuers": [{
            "issuer": "https://a.example/", "audience": "api", "scope_map": { "admins": "read write", "Domain Users": "read" },
            "required_claims": {
                "sub": { "starts_with": "repo:acme/" }, "sts": [{ "absent": true }, { "none_of": ["pending"] }],
                "ref_type": [{ "none_of": ["user-without-rights's ref_type", 1] }, "branch"],
            },
        }],
        "routes": [
            { "path": "/orders", "scopes": "read" },
            { "path": "/a", "claims": { "act": { "absent": true }, "iss": { "starts_with": "https://a." } } },
            { "path": "/b", "claims": { "plan": { "none_of": ["free"] }, "iss": { "none_of": ["https://a.example/"] } } },
        ],
        "context": { "act": "act", "sts": "sts" },
    });
    let roster = Roster::new(&document, "", None).unwrap();
    let names: Vec<&str> = roster.users.iter().map(|user| user.name.as_str()).collect();
    let expected = ["Administrator", "User with read", "User with no act", "User with admins", "User without rights"];
    assert_eq!(names, expected);
    let claims = |id: &str| Value::Object(roster.user(id).unwrap().0.claims.clone());
    assert_eq!(
        claims("user-with-no-act"),
        json!({
            "sub": "repo:acme/user-with-no-act", "name": "User with no act", "ref_type": "user-with-no-act's ref_type",
        })
    );
    assert_eq!(
        claims("user-without-rights"),
        json!({
            "sub": "repo:acme/user-without-rights", "name": "User without rights", "act": "user-without-rights's act",
            "ref_type": "user-without-rights 2",
        })
    );
}

#[test]
fn the_users_that_the_page_on_serve_shows_are_read() {
    let page = include_str!("../../../../../docs/serve.md");
    let (_, block) = page.split_once("```json\n").unwrap();
    let users: Value = serde_json::from_str(block.split_once("```").unwrap().0).unwrap();
    let document = json!({ "issuers": [{ "issuer": "https://a.example/", "audience": "api" }], "routes": [] });
    let roster = Roster::new(&document, "", Some(&users)).unwrap();
    let abouts: Vec<&str> = roster.users.iter().map(|user| user.about.as_str()).collect();
    assert_eq!(abouts, ["read:pets, write:pets", "buyer, google-oauth2"]);
}

#[test]
fn users_that_are_given_are_read_and_their_mistakes_are_told() {
    let document = json!({ "issuers": [{ "issuer": "https://a.example/", "audience": "api" }], "routes": [] });
    let read = |users: Value| Roster::new(&document, "", Some(&users));
    let roster =
        read(json!([{ "name": "Clerk", "scopes": "a b", "claims": { "/x/y": 1 } }, { "name": "Clerk" }])).unwrap();
    let (clerk, _) = roster.user("clerk").unwrap();
    assert_eq!(clerk.scopes, ["a", "b"]);
    assert_eq!(clerk.claims.get("x"), Some(&json!({ "y": 1 })));
    assert!(roster.user("clerk-2").is_some());
    for (users, expected) in [
        (json!({}), "expected a JSON list of users"),
        (json!([1]), "user 1: expected an object"),
        (json!([{ "name": "" }]), "user 1: name: expected a text"),
        (
            json!([{ "name": "a", "issuer": "https://b.example/" }]),
            "user 1: issuer: expected one of the configuration's issuers",
        ),
        (json!([{ "name": "a", "claims": [] }]), "user 1: claims: expected an object"),
        (json!([{ "name": "a", "rights": [] }]), "user 1: rights: a user has `name`, `issuer`, `scopes` and `claims`"),
    ] {
        assert_eq!(read(users).map(drop).unwrap_err(), expected);
    }
}
