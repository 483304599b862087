//! Threat table: issuers with tenants.

use serde_json::{Value, json};

use crate::local::{self, Local, NOW, api, config, with_members};
use crate::tokens::{SigningKey, jwks, key, stranger};

const ENTRA: &str = "https://login.example/{tenant}/v2.0";

/// An entry with tenants that share the key for ES256.
fn entry(tenants: Value, more: Value) -> Value {
    let entry = json!({ "issuer": ENTRA, "tenants": tenants, "audience": "api", "jwks": jwks(&[key("ES256")]) });
    with_members(entry, &more)
}

fn iss(tenant: &str) -> String {
    ENTRA.replace("{tenant}", tenant)
}

fn claims(iss: &str) -> Value {
    json!({ "iss": iss, "aud": "api", "sub": "alice", "exp": NOW + 60 })
}

/// A token of a tenant.
fn token(tenant: &str) -> String {
    key("ES256").token(&claims(&iss(tenant)))
}

#[track_caller]
fn decided(local: &Local, token: &str, expected: &str) {
    local::decided(local, token, expected, token);
}

/// A key of a shared set, for one `iss`.
fn key_for(signer: &SigningKey, issuer: Value) -> Value {
    let mut jwk = signer.jwk();
    jwk["issuer"] = issuer;
    jwk
}

#[test]
fn only_listed_tenants_pass() {
    let local = Local::new(&api(json!([entry(json!(["a", "b"]), json!({}))])));
    for tenant in ["a", "b"] {
        decided(&local, &token(tenant), "allow");
    }
    for tenant in ["c", "A", "", "a/b", "a%2fb", ".", "..", "a/", "{tenant}", "*", "a\u{0}", "\u{ff41}"] {
        decided(&local, &token(tenant), "deny unknown_issuer");
    }
    for iss in [format!("{}/", iss("a")), iss("a").replace("https", "http"), iss("a").replace("login", "LOGIN")] {
        decided(&local, &key("ES256").token(&claims(&iss)), "deny unknown_issuer");
    }
    decided(&local, &stranger("ES256").named("es256").token(&claims(&iss("a"))), "deny invalid_signature");
}

#[test]
fn an_entry_without_placeholder_goes_first_and_never_falls_through_to_a_pattern() {
    let own = json!({ "issuer": iss("a"), "audience": "other", "jwks": jwks(&[stranger("ES256")]) });
    let secret = json!({ "issuer": iss("b"), "audience": "api", "secret": { "env": "SECRET" } });
    for issuers in [
        json!([entry(json!(["a", "b", "c"]), json!({})), own, secret]),
        json!([own, secret, entry(json!(["a", "b", "c"]), json!({}))]),
    ] {
        let local = Local::new(&api(issuers));
        decided(&local, &token("c"), "allow");
        // The entry's own key and audience count, and the pattern's do not.
        decided(&local, &token("a"), "unauthorized unknown_key");
        decided(&local, &stranger("ES256").token(&claims(&iss("a"))), "deny wrong_audience");
        decided(&local, &token("b"), "deny unsupported_algorithm");
    }
}

#[test]
fn a_tenant_that_is_not_listed_is_no_entry_without_a_name_either() {
    let unnamed = json!({ "audience": "api", "secret": { "env": "SECRET" } });
    let local = Local::new(&api(json!([entry(json!(["a"]), json!({})), unnamed])));
    let signed = |iss: &str| local::signed(r#"{"alg":"HS256"}"#, &claims(iss).to_string());
    decided(&local, &signed("https://other.example/"), "allow");
    decided(&local, &signed(&iss("b")), "deny unknown_issuer");
    decided(&local, &signed(&iss("a")), "deny unsupported_algorithm");
}

#[test]
fn two_entries_may_list_different_tenants_of_one_provider() {
    let other = entry(json!(["b"]), json!({ "audience": "b-api" }));
    let local = Local::new(&api(json!([entry(json!(["a"]), json!({})), other])));
    decided(&local, &token("a"), "allow");
    decided(&local, &token("b"), "deny wrong_audience");
}

#[test]
fn the_tenant_claim_equals_the_tenant() {
    let local = Local::new(&api(json!([entry(json!(["a", "b"]), json!({ "tenant_claim": "tid" }))])));
    for (tid, expected) in [
        (json!("a"), "allow"),
        (json!("b"), "deny invalid_claim"),
        (json!("A"), "deny invalid_claim"),
        (json!(["a"]), "deny invalid_claim"),
        (json!(1), "deny invalid_claim"),
        (json!(null), "deny missing_claim"),
    ] {
        let mut claims = claims(&iss("a"));
        claims["tid"] = tid;
        decided(&local, &key("ES256").token(&claims), expected);
    }
    decided(&local, &token("a"), "deny missing_claim");
}

#[test]
fn the_tenant_is_a_claim_that_no_token_can_bring() {
    let document = json!({
        "policy": "single_request",
        "issuers": [
            entry(json!(["a", "b"]), json!({})),
            { "issuer": "https://single.example/", "audience": "api", "jwks": jwks(&[key("ES256")]) },
        ],
        "routes": [
            { "path": "/tenants/{t}/{rest+}", "claims": { "{tenant}": "{t}" } },
            { "path": "/of-a", "claims": { "/{tenant}": "a" } },
            { "path": "/any" },
        ],
        "principal": ["{tenant}", "sub"],
        "context": { "tenant": "{tenant}", "user": "sub" },
    });
    let local = Local::new(&document);
    let mut forged = claims(&iss("a"));
    forged["{tenant}"] = json!("b");
    for token in [token("a"), key("ES256").token(&forged)] {
        assert_eq!(local.verdict("GET", "tenants/a/x", &token), "allow");
        assert_eq!(local.verdict("GET", "tenants/b/x", &token), "deny claim_mismatch");
        assert_eq!(local.verdict("GET", "of-a", &token), "allow");
        let answer = local.answers("GET", "any", Some(&format!("Bearer {token}")));
        assert_eq!(answer["principalId"], "a");
        assert_eq!(answer["context"], json!({ "tenant": "a", "user": "alice" }));
    }
    // An issuer without tenants has none, and a token of it cannot say that it has.
    let mut forged = claims("https://single.example/");
    forged["{tenant}"] = json!("a");
    let forged = key("ES256").token(&forged);
    assert_eq!(local.verdict("GET", "tenants/a/x", &forged), "deny claim_mismatch");
    assert_eq!(local.verdict("GET", "of-a", &forged), "deny claim_mismatch");
    let answer = local.answers("GET", "any", Some(&format!("Bearer {forged}")));
    assert_eq!(answer["principalId"], "alice");
    assert_eq!(answer["context"], json!({ "user": "alice" }));
}

#[test]
fn a_key_of_a_shared_set_verifies_only_tokens_of_its_own_issuer() {
    let (all, of_b) = (key("ES256"), stranger("ES256"));
    let set = json!({ "keys": [
        key_for(&all, json!("https://login.example/{tenantid}/v2.0")),
        key_for(&of_b, json!(iss("b"))),
        key_for(&key("EdDSA"), json!("https://login.example/{tenantid}/v1.0")),
    ] });
    let tenants = json!(["a", "b"]);
    for tenants in [tenants, json!("any")] {
        let local = Local::new(&api(json!([entry(tenants, json!({ "jwks": set }))])));
        for tenant in ["a", "b"] {
            decided(&local, &all.token(&claims(&iss(tenant))), "allow");
            decided(&local, &key("EdDSA").token(&claims(&iss(tenant))), "unauthorized unknown_key");
        }
        decided(&local, &of_b.token(&claims(&iss("b"))), "allow");
        decided(&local, &of_b.token(&claims(&iss("a"))), "unauthorized unknown_key");
        // Without `kid` as well: only the keys for this `iss` are tried.
        let nameless =
            |signer: &SigningKey, tenant| signer.token_with(&json!({ "alg": "ES256" }), &claims(&iss(tenant)));
        decided(&local, &nameless(&of_b, "b"), "allow");
        decided(&local, &nameless(&of_b, "a"), "deny invalid_signature");
    }
}

#[test]
fn with_any_tenant_a_key_counts_only_if_it_names_its_issuer() {
    let named = key_for(&key("ES256"), json!("https://login.example/{tenantid}/v2.0"));
    let set = json!({ "keys": [named, stranger("ES256").jwk()] });
    let local = Local::new(&api(json!([entry(json!("any"), json!({ "jwks": set }))])));
    for tenant in ["a", "9188040d-6c67-4c5b-b112-36a304b66dad", "x.y_z-1"] {
        decided(&local, &token(tenant), "allow");
        decided(&local, &stranger("ES256").token(&claims(&iss(tenant))), "unauthorized unknown_key");
    }
    for tenant in ["", ".", "..", "a/b", "{tenant}", "{tenantid}", "a b", "\u{e4}"] {
        decided(&local, &token(tenant), "deny unknown_issuer");
    }
    // With a list, a key without `issuer` is one for every tenant in it.
    let local = Local::new(&api(json!([entry(json!(["a"]), json!({ "jwks": set }))])));
    decided(&local, &stranger("ES256").token(&claims(&iss("a"))), "allow");
}

#[test]
fn an_issuer_of_a_key_that_is_not_a_string_makes_the_key_unusable() {
    for issuer in [json!(null), json!(1), json!([iss("a")]), json!({})] {
        let set = json!({ "keys": [key_for(&key("ES256"), issuer), stranger("ES256").jwk()] });
        let local = Local::new(&api(json!([entry(json!(["a"]), json!({ "jwks": set }))])));
        decided(&local, &token("a"), "unauthorized unknown_key");
        decided(&local, &stranger("ES256").token(&claims(&iss("a"))), "allow");
    }
}

#[test]
fn keys_with_the_same_name_for_different_issuers_are_both_used() {
    let (a, b) = (key("ES256").named("k"), stranger("ES256").named("k"));
    let set = |of_b: &str| json!({ "keys": [key_for(&a, json!(iss("a"))), key_for(&b, json!(of_b))] });
    let with = |of_b: &str| Local::new(&api(json!([entry(json!(["a", "b"]), json!({ "jwks": set(of_b) }))])));
    let local = with(&iss("b"));
    decided(&local, &a.token(&claims(&iss("a"))), "allow");
    decided(&local, &b.token(&claims(&iss("b"))), "allow");
    decided(&local, &a.token(&claims(&iss("b"))), "deny invalid_signature");
    decided(&local, &b.token(&claims(&iss("a"))), "deny invalid_signature");
    // Where both may be meant for one `iss`, neither is.
    let both = json!([entry(json!(["a", "b"]), json!({ "jwks": set("https://login.example/{tenantid}/v2.0") }))]);
    assert!(config(&api(both).to_string()).is_err());
}

#[test]
fn a_thousand_issuers_and_tenants_start_and_one_more_does_not() {
    let single = |number: usize| json!({ "issuer": format!("https://i{number}.example/"), "audience": "api", "jwks": jwks(&[key("ES256")]) });
    let singles = |count: usize| api((0..count).map(single).collect());
    let local = Local::new(&singles(1000));
    for number in [0, 999] {
        decided(&local, &key("ES256").token(&claims(&format!("https://i{number}.example/"))), "allow");
    }
    let names = |range: std::ops::Range<usize>| range.map(|number| format!("t{number}")).collect::<Vec<_>>();
    let local =
        Local::new(&api(json!([entry(json!(names(0..400)), json!({})), entry(json!(names(400..1000)), json!({}))])));
    for number in [0, 399, 400, 999] {
        decided(&local, &token(&format!("t{number}")), "allow");
    }
    let mistakes = |document: &Value| -> Vec<String> {
        let error = config(&document.to_string()).err().unwrap();
        error.issues.iter().map(ToString::to_string).collect()
    };
    assert_eq!(mistakes(&singles(1001)), ["issuers: expected a list of 1 to 1000 issuers"]);
    let too_many = "expected at most 1000 tenants in all entries together; list fewer, or set `tenants` to `any`";
    assert_eq!(
        mistakes(&api(json!([entry(json!(names(0..400)), json!({})), entry(json!(names(400..1001)), json!({}))]))),
        [format!("issuers[1].tenants: {too_many}")]
    );
    assert_eq!(
        mistakes(&api(json!([entry(json!(names(0..1001)), json!({}))]))),
        [format!("issuers[0].tenants: {too_many}")]
    );
}

#[test]
fn a_claim_bound_to_the_path_without_the_tenant_is_warned_of() {
    let warnings = |tenants: Value, claims: Value, more: Value| {
        let document = json!({
            "issuers": [entry(tenants, more)],
            "routes": [{ "path": "/users/{id}/{t}", "claims": claims }],
        });
        config(&document.to_string()).unwrap_or_else(|error| panic!("{error}")).warnings().to_vec()
    };
    let bound = "routes[0]: a claim is compared with the path, and what another tenant's tokens say there passes as well: subjects, \
                 roles and groups are unique within a tenant only; add the claim `{tenant}`, with a parameter of the path or the \
                 tenant's name";
    let two = || json!(["a", "b"]);
    assert_eq!(warnings(two(), json!({ "sub": "{id}" }), json!({})), [bound]);
    assert!(warnings(json!(["a"]), json!({ "sub": "{id}" }), json!({})).is_empty());
    assert!(warnings(two(), json!({ "role": "admin" }), json!({})).is_empty());
    assert_eq!(warnings(two(), json!({ "sub": "{id}", "{tenant}": { "present": true } }), json!({})), [bound]);
    let apart = json!({
        "issuers": [entry(json!(["a"]), json!({})), entry(json!(["b"]), json!({}))],
        "routes": [{ "path": "/users/{id}", "claims": { "sub": "{id}" } }],
    });
    let apart = config(&apart.to_string()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(apart.warnings(), [bound], "tenants in entries of their own");
    for tenant in ["{tenant}", "/{tenant}"] {
        assert!(warnings(two(), json!({ "sub": "{id}", tenant: "{t}" }), json!({})).is_empty());
        assert!(warnings(two(), json!({ "sub": "{id}", tenant: "a" }), json!({})).is_empty());
    }
    let tid = || json!({ "tenant_claim": "tid" });
    assert!(warnings(two(), json!({ "sub": "{id}", "tid": "{t}" }), tid()).is_empty());
    assert_eq!(warnings(two(), json!({ "sub": "{id}", "tid": "{t}" }), json!({})), [bound]);
}

#[test]
fn a_scope_map_of_several_tenants_is_warned_of_if_no_route_looks_at_the_tenant() {
    let warnings = |tenants: Value, claims: Value| {
        let document = json!({
            "issuers": [entry(tenants, json!({ "scope_map": { "admins": "write" } }))],
            "routes": [{ "path": "/users", "scopes": "write" }, { "path": "/own", "claims": claims }],
        });
        config(&document.to_string()).unwrap_or_else(|error| panic!("{error}")).warnings().to_vec()
    };
    let warning = "issuers[0].scope_map: groups and roles are unique within a tenant only, and each tenant chooses the names of its \
                   own; have routes look at the claim `{tenant}` as well";
    assert_eq!(warnings(json!(["a", "b"]), json!({ "role": "x" })), [warning]);
    assert!(warnings(json!(["a", "b"]), json!({ "{tenant}": "a" })).is_empty());
    assert!(warnings(json!(["a"]), json!({ "role": "x" })).is_empty());
}

#[test]
fn a_tenant_where_no_issuer_has_any_is_warned_of() {
    let document = json!({
        "issuers": [{ "issuer": "https://single.example/", "audience": "api", "secret": { "env": "SECRET" } }],
        "routes": [{ "path": "/a", "claims": { "{tenant}": "a" } }],
        "principal": "{tenant}",
        "context": { "tenant": "{tenant}" },
    });
    let config = config(&document.to_string()).unwrap_or_else(|error| panic!("{error}"));
    let warning =
        |place: &str| format!("{place}: no `issuer` holds `{{tenant}}`, so the claim `{{tenant}}` is never there");
    assert_eq!(config.warnings(), ["principal", "context", "routes[0]"].map(warning));
}

#[test]
fn an_entry_without_a_tenant_that_looks_at_it_is_warned_of() {
    let single = json!({
        "issuer": "https://single.example/", "audience": "api", "secret": { "env": "SECRET" },
        "required_claims": { "{tenant}": "a" }, "scope_claims": ["scope", "{tenant}"], "audience_claim": "/{tenant}",
    });
    let warning = |field: &str| {
        format!("issuers[0].{field}: `issuer` does not hold `{{tenant}}`, so the claim `{{tenant}}` is never there")
    };
    let expected = ["audience_claim", "required_claims", "scope_claims"].map(warning);
    for others in [json!([]), json!([entry(json!(["a"]), json!({}))])] {
        let issuers: Vec<Value> = [single.clone()].into_iter().chain(others.as_array().unwrap().clone()).collect();
        let document = json!({ "issuers": issuers, "routes": [{ "path": "/a" }] });
        let config = config(&document.to_string()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(config.warnings(), expected);
    }
}
