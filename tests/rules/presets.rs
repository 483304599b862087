//! Presets: each accepts tokens as its provider documents them, and refuses the provider's other tokens.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::local::{Local, NOW};
use crate::tokens::{SigningKey, jwks, key};

fn presets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/presets")
}

/// A preset with its variables filled in, and a signing key in place of its `jwks_uri`.
struct Provider {
    local: Local,
    key: SigningKey,
    header: Value,
    claims: Value,
}

impl Provider {
    /// Fills in a preset. `typical` holds the claims of a typical token, without `iat` and `exp`.
    fn new(preset: &str, variables: &[(&str, &str)], alg: &'static str, typical: &Value) -> Self {
        Self::requiring(preset, variables, alg, typical, &json!({}))
    }

    /// A preset that also requires these claims.
    fn requiring(
        preset: &str,
        variables: &[(&str, &str)],
        alg: &'static str,
        typical: &Value,
        required: &Value,
    ) -> Self {
        let key = key(alg);
        let mut text = fs::read_to_string(presets().join(preset).with_extension("json")).unwrap();
        for (name, value) in variables {
            assert!(text.contains(&format!("${{{name}}}")), "{preset} has no {name}");
            text = text.replace(&format!("${{{name}}}"), value);
        }
        assert!(!text.contains("${"), "{preset}: {text}");
        let mut document: Value = serde_json::from_str(&text).unwrap();
        // With this policy, the answer to a refused request gives the reason.
        document["policy"] = "single_request".into();
        let issuer = document["issuers"][0].as_object_mut().unwrap();
        issuer.remove("jwks_uri");
        merge(issuer.entry("required_claims").or_insert_with(|| json!({})), required);
        if issuer["required_claims"] == json!({}) {
            issuer.remove("required_claims");
        }
        let mut set = jwks([&key]);
        if preset.starts_with("entra-id") {
            // Entra ID's keys have no `alg`, and those for all tenants name their issuer.
            let key = set["keys"][0].as_object_mut().unwrap();
            key.remove("alg");
            key.insert("issuer".to_owned(), "https://login.microsoftonline.com/{tenantid}/v2.0".into());
        }
        issuer.insert("jwks".to_owned(), set);
        let mut claims = json!({ "iat": NOW - 60, "exp": NOW + 3600 });
        merge(&mut claims, typical);
        Self { local: Local::new(&document), header: key.header(), key, claims }
    }

    /// The outcome of a request with the typical token, whose claims `changes` replaces (`null` removes one).
    fn decides(&self, request: &str, changes: &Value) -> String {
        let mut claims = self.claims.clone();
        merge(&mut claims, changes);
        let (method, path) = request.split_once(" /").unwrap();
        let token = self.key.token_with(&self.header, &claims);
        self.local.decides(method, path, &token)
    }

    #[track_caller]
    fn allows(&self, request: &str, changes: &Value) {
        assert_eq!(self.decides(request, changes), "allow", "{request} {changes}");
    }

    #[track_caller]
    fn refuses(&self, request: &str, changes: &Value, reason: &str) {
        assert_eq!(self.decides(request, changes), format!("deny {reason}"), "{request} {changes}");
    }
}

fn merge(into: &mut Value, from: &Value) {
    let into = into.as_object_mut().unwrap();
    for (name, value) in from.as_object().unwrap() {
        match value {
            Value::Null => drop(into.remove(name)),
            value => drop(into.insert(name.clone(), value.clone())),
        }
    }
}

/// No changes to the typical token.
fn as_issued() -> Value {
    json!({})
}

#[test]
fn every_preset_is_valid_by_the_schema() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("authorizer.schema.json");
    let schema: Value = serde_json::from_slice(&fs::read(schema).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut seen = 0;
    for entry in fs::read_dir(presets()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let document = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            assert!(validator.is_valid(&document), "{}", path.display());
            seen += 1;
        }
    }
    assert_eq!(seen, 15);
}

#[test]
fn auth0_access_tokens() {
    let variables = [("AUTH0_DOMAIN", "tenant.eu.auth0.com"), ("AUTH0_AUDIENCE", "https://api.example.com")];
    let typical = json!({
        "iss": "https://tenant.eu.auth0.com/", "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
        "aud": ["https://api.example.com", "https://tenant.eu.auth0.com/userinfo"],
        "azp": "my_client_id", "scope": "openid profile read:orders", "permissions": ["read:orders", "admin:all"],
    });
    let auth0 = Provider::new("auth0", &variables, "RS256", &typical);
    auth0.allows("GET /orders", &as_issued());
    auth0.allows("POST /admin/users", &as_issued());
    auth0.refuses("POST /admin/users", &json!({ "permissions": null }), "insufficient_scope");
    let machine = json!({ "sub": "client@clients", "aud": "https://api.example.com", "gty": "client-credentials", "scope": "read:orders" });
    auth0.allows("GET /orders", &machine);
    auth0.refuses("GET /orders", &json!({ "aud": "my_client_id" }), "wrong_audience");
}

const POOL: [(&str, &str); 3] = [
    ("COGNITO_REGION", "eu-west-1"),
    ("COGNITO_POOL", "eu-west-1_Example"),
    ("COGNITO_CLIENT", "57cbishk4j24pabc1234567890"),
];

fn cognito(preset: &str) -> (Provider, Value, Value) {
    let access = json!({
        "iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example", "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "client_id": POOL[2].1, "token_use": "access", "scope": "openid orders/read", "cognito:groups": ["admins"],
        "username": "ada", "version": 2, "auth_time": NOW - 60, "jti": "1", "origin_jti": "2", "event_id": "3",
    });
    let mut id = access.clone();
    let id_only = json!({
        "client_id": null, "scope": null, "username": null, "version": null, "aud": POOL[2].1, "token_use": "id",
        "cognito:username": "ada", "email": "ada@example.com", "email_verified": true,
    });
    merge(&mut id, &id_only);
    let typical = if preset == "cognito-id-token" { &id } else { &access };
    let mut provider = Provider::new(preset, &POOL, "RS256", typical);
    // Cognito's headers have no `typ`.
    provider.header.as_object_mut().unwrap().remove("typ");
    (provider, access, id)
}

#[test]
fn cognito_access_tokens() {
    let (cognito, _, id) = cognito("cognito-access-token");
    cognito.allows("GET /orders", &as_issued());
    cognito.allows("GET /admin/users", &as_issued());
    cognito.refuses("GET /admin/users", &json!({ "cognito:groups": null }), "claim_mismatch");
    cognito.refuses("GET /orders", &json!({ "client_id": "another" }), "wrong_audience");
    let mut id = id;
    merge(&mut id, &json!({ "client_id": POOL[2].1 }));
    cognito.refuses("GET /orders", &id, "invalid_claim");
}

#[test]
fn cognito_id_tokens() {
    let (cognito, access, _) = cognito("cognito-id-token");
    cognito.allows("GET /orders", &as_issued());
    cognito.allows("GET /admin/users", &as_issued());
    let mut access = access;
    merge(&mut access, &json!({ "aud": POOL[2].1 }));
    cognito.refuses("GET /orders", &access, "invalid_claim");
    cognito.refuses("GET /orders", &json!({ "aud": null }), "wrong_audience");
}

#[test]
fn okta_access_tokens() {
    let typical = json!({
        "ver": 1, "jti": "AT.0", "iss": "https://dev-1.okta.com/oauth2/default", "aud": "api://default",
        "cid": "0oa1", "uid": "00u1", "scp": ["openid", "orders.read"], "auth_time": NOW - 60,
        "sub": "ada@example.com", "groups": ["Everyone", "Admins"],
    });
    let mut okta = Provider::new("okta", &[("OKTA_DOMAIN", "dev-1.okta.com")], "RS256", &typical);
    okta.header.as_object_mut().unwrap().remove("typ");
    okta.allows("GET /orders", &as_issued());
    okta.allows("GET /admin/users", &as_issued());
    okta.refuses("GET /orders", &json!({ "scp": ["openid"] }), "insufficient_scope");
    okta.refuses("GET /orders", &json!({ "iss": "https://dev-1.okta.com" }), "unknown_issuer");
}

#[test]
fn entra_id_access_tokens() {
    let variables = [
        ("ENTRA_TENANT", "11111111-2222-3333-4444-555555555555"),
        ("ENTRA_APPLICATION", "6e74172b-be56-4843-9ff4-e66a39bb12e3"),
    ];
    let typical = json!({
        "aud": variables[1].1, "iss": format!("https://login.microsoftonline.com/{}/v2.0", variables[0].1),
        "nbf": NOW - 60, "aio": "AX", "azp": "a-client", "azpacr": "0", "name": "Ada", "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474",
        "preferred_username": "ada@example.com", "rh": "I", "scp": "Orders.Read", "sub": "HKZpfaHyWadeOouYlitjrI", "tid": variables[0].1,
        "uti": "f", "ver": "2.0", "roles": ["Admin"],
    });
    let entra = Provider::new("entra-id", &variables, "RS256", &typical);
    entra.allows("GET /orders", &as_issued());
    entra.allows("GET /admin/users", &as_issued());
    entra.allows("GET /orders", &json!({ "scp": null, "roles": ["Orders.Read.All"], "idtyp": "app" }));
    entra.refuses("GET /orders", &json!({ "scp": "User.Read" }), "insufficient_scope");
    entra.refuses("GET /orders", &json!({ "tid": "another" }), "invalid_claim");
    let first = json!({ "iss": format!("https://sts.windows.net/{}/", variables[0].1), "ver": "1.0" });
    entra.refuses("GET /orders", &first, "unknown_issuer");
}

#[test]
fn entra_id_access_tokens_of_several_tenants() {
    let (one, other) = ("11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000");
    let variables = [
        ("ENTRA_TENANT_1", one),
        ("ENTRA_TENANT_2", other),
        ("ENTRA_APPLICATION", "6e74172b-be56-4843-9ff4-e66a39bb12e3"),
    ];
    let of = |tenant: &str| json!({ "iss": format!("https://login.microsoftonline.com/{tenant}/v2.0"), "tid": tenant });
    let mut typical = json!({
        "aud": variables[2].1, "azp": "a-client", "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474", "scp": "Orders.Read",
        "sub": "HKZpfaHyWadeOouYlitjrI", "ver": "2.0", "roles": ["Admin"],
    });
    merge(&mut typical, &of(one));
    let entra = Provider::new("entra-id-tenants", &variables, "RS256", &typical);
    entra.allows("GET /orders", &as_issued());
    entra.allows("GET /orders", &of(other));
    entra.allows(&format!("GET /tenants/{other}/users"), &of(other));
    entra.refuses(&format!("GET /tenants/{one}/users"), &of(other), "claim_mismatch");
    entra.refuses("GET /orders", &json!({ "tid": other }), "invalid_claim");
    entra.refuses("GET /orders", &json!({ "tid": null }), "missing_claim");
    entra.refuses("GET /orders", &of("9188040d-6c67-4c5b-b112-36a304b66dad"), "unknown_issuer");
}

#[test]
fn keycloak_access_tokens_of_several_realms() {
    let variables = [
        ("KEYCLOAK_HOST", "sso.example.com"),
        ("KEYCLOAK_REALM_1", "shop"),
        ("KEYCLOAK_REALM_2", "Shop_2"),
        ("KEYCLOAK_AUDIENCE", "orders-api"),
    ];
    let typical = json!({
        "iss": "https://sso.example.com/realms/shop", "aud": ["orders-api", "account"], "sub": "0d5f", "typ": "Bearer", "azp": "shop",
        "realm_access": { "roles": ["admin"] }, "scope": "openid orders", "preferred_username": "ada",
    });
    let keycloak = Provider::new("keycloak-realms", &variables, "RS256", &typical);
    let other = json!({ "iss": "https://sso.example.com/realms/Shop_2" });
    keycloak.allows("GET /orders", &as_issued());
    keycloak.allows("GET /orders", &other);
    keycloak.allows("GET /realms/Shop_2/users", &other);
    keycloak.refuses("GET /realms/shop/users", &other, "claim_mismatch");
    keycloak.refuses("GET /orders", &json!({ "iss": "https://sso.example.com/realms/master" }), "unknown_issuer");
}

#[test]
fn cognito_access_tokens_of_several_pools() {
    let variables = [
        ("COGNITO_REGION", "eu-west-1"),
        ("COGNITO_POOL_1", "eu-west-1_AbCdEfGhI"),
        ("COGNITO_POOL_2", "eu-west-1_JkLmNoPqR"),
        ("COGNITO_CLIENT_1", "1example23456789"),
        ("COGNITO_CLIENT_2", "2example23456789"),
    ];
    let typical = json!({
        "iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI", "client_id": "1example23456789", "token_use": "access",
        "scope": "orders/read", "sub": "aaaaaaaa", "username": "ada", "cognito:groups": ["admins"],
    });
    let cognito = Provider::new("cognito-pools", &variables, "RS256", &typical);
    let other = json!({
        "iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_JkLmNoPqR", "client_id": "2example23456789",
    });
    cognito.allows("GET /orders", &as_issued());
    cognito.allows("GET /orders", &other);
    cognito.allows("GET /admin/users", &as_issued());
    cognito.refuses("GET /admin/users", &other, "claim_mismatch");
    let foreign = json!({ "iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_XXXXXXXXX" });
    cognito.refuses("GET /orders", &foreign, "unknown_issuer");
}

#[test]
fn google_id_tokens() {
    let variables = [("GOOGLE_CLIENT", "1234987819200.apps.googleusercontent.com"), ("GOOGLE_DOMAIN", "example.com")];
    let typical = json!({
        "iss": "https://accounts.google.com", "azp": variables[0].1, "aud": variables[0].1, "sub": "10769150350006150715113082367",
        "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q", "hd": "example.com", "email": "ada@example.com", "email_verified": true,
    });
    let google = Provider::new("google", &variables, "RS256", &typical);
    google.allows("GET /orders", &as_issued());
    google.refuses("GET /orders", &json!({ "hd": null }), "missing_claim");
    google.refuses("GET /orders", &json!({ "hd": "example.org" }), "invalid_claim");
    google.refuses("GET /orders", &json!({ "email_verified": false }), "invalid_claim");
    google.refuses("GET /orders", &json!({ "aud": "another.apps.googleusercontent.com" }), "wrong_audience");
}

#[test]
fn keycloak_access_tokens() {
    let variables =
        [("KEYCLOAK_HOST", "sso.example.com"), ("KEYCLOAK_REALM", "shop"), ("KEYCLOAK_AUDIENCE", "orders-api")];
    let typical = json!({
        "jti": "1", "iss": "https://sso.example.com/realms/shop", "aud": ["orders-api", "account"], "sub": "0d5f", "typ": "Bearer",
        "azp": "shop", "acr": "1", "sid": "2", "realm_access": { "roles": ["offline_access", "admin"] },
        "resource_access": { "account": { "roles": ["view-profile"] } }, "scope": "openid email orders", "preferred_username": "ada",
    });
    let keycloak = Provider::new("keycloak", &variables, "RS256", &typical);
    keycloak.allows("GET /orders", &as_issued());
    keycloak.allows("GET /admin/users", &as_issued());
    keycloak.refuses("GET /admin/users", &json!({ "realm_access": { "roles": ["user"] } }), "insufficient_scope");
    keycloak.refuses("GET /orders", &json!({ "aud": "account" }), "wrong_audience");
    keycloak.refuses("GET /orders", &json!({ "typ": "ID" }), "invalid_claim");
}

#[test]
fn firebase_id_tokens() {
    let typical = json!({
        "iss": "https://securetoken.google.com/shop", "aud": "shop", "auth_time": NOW - 60, "user_id": "u1", "sub": "u1",
        "email": "ada@example.com", "email_verified": true,
        "firebase": { "identities": { "email": ["ada@example.com"] }, "sign_in_provider": "password" },
    });
    let firebase = Provider::new("firebase", &[("FIREBASE_PROJECT", "shop")], "RS256", &typical);
    firebase.allows("GET /orders", &as_issued());
    firebase.allows("GET /users/u1", &as_issued());
    firebase.refuses("GET /users/u2", &as_issued(), "claim_mismatch");
    firebase.allows("GET /admin/users", &json!({ "admin": true }));
    firebase.refuses("GET /admin/users", &as_issued(), "claim_mismatch");
    firebase.refuses("GET /orders", &json!({ "aud": "another" }), "wrong_audience");
}

#[test]
fn clerk_session_tokens() {
    let variables = [("CLERK_DOMAIN", "clerk.example.com"), ("CLERK_ORIGIN", "https://app.example.com")];
    let typical = json!({
        "azp": "https://app.example.com", "fva": [0, -1], "iss": "https://clerk.example.com", "nbf": NOW - 60, "sid": "sess_1",
        "sts": "active", "sub": "user_1", "v": 2, "jti": "1",
        "o": { "id": "org_1", "slg": "shop", "rol": "admin", "per": "read,manage", "fpm": "3" },
    });
    let clerk = Provider::new("clerk", &variables, "RS256", &typical);
    let pending = json!({ "sts": "pending" });
    clerk.refuses("GET /orders", &pending, "invalid_claim");
    clerk.refuses("GET /orders", &json!({ "sts": ["active", "pending"] }), "invalid_claim");
    // Tokens of version 1 have none.
    clerk.allows("GET /orders", &json!({ "sts": null, "v": null }));
    let strict = Provider::requiring("clerk", &variables, "RS256", &typical, &json!({ "sts": "active" }));
    strict.allows("GET /orders", &as_issued());
    strict.refuses("GET /orders", &pending, "invalid_claim");
    strict.refuses("GET /orders", &json!({ "sts": null }), "missing_claim");
    clerk.allows("GET /orders", &as_issued());
    clerk.allows("GET /admin/users", &as_issued());
    clerk.refuses("GET /admin/users", &json!({ "o": { "id": "org_1", "rol": "member" } }), "claim_mismatch");
    clerk.refuses("GET /orders", &json!({ "azp": "https://evil.example.com" }), "wrong_audience");
    clerk.refuses("GET /orders", &json!({ "azp": null }), "wrong_audience");
}

#[test]
fn github_actions_tokens() {
    let variables =
        [("GITHUB_AUDIENCE", "https://api.example.com"), ("GITHUB_OWNER", "acme"), ("GITHUB_OWNER_ID", "1234567")];
    let typical = json!({
        "jti": "1", "iss": "https://token.actions.githubusercontent.com", "aud": "https://api.example.com", "nbf": NOW - 60,
        "sub": "repo:acme@1234567/orders@7654321:ref:refs/heads/main", "ref": "refs/heads/main", "ref_type": "branch", "sha": "5f7c8ec7",
        "repository": "acme/orders", "repository_id": "7654321", "repository_owner": "acme", "repository_owner_id": "1234567",
        "repository_visibility": "private", "actor": "ada", "actor_id": "1", "event_name": "push", "run_id": "42", "run_attempt": "1",
        "runner_environment": "github-hosted", "workflow_ref": "acme/orders/.github/workflows/release.yml@refs/heads/main",
    });
    let github = Provider::new("github-actions", &variables, "RS256", &typical);
    github.allows("GET /orders", &as_issued());
    github.allows("POST /releases", &as_issued());
    github.allows("POST /releases", &json!({ "ref": "refs/heads/release/1.0" }));
    github.refuses("POST /releases", &json!({ "ref": "refs/heads/releases" }), "claim_mismatch");
    github.refuses("POST /releases", &json!({ "ref": "refs/heads/topic" }), "claim_mismatch");
    github.refuses("POST /releases", &json!({ "event_name": "pull_request_target" }), "claim_mismatch");
    github.refuses("POST /releases", &json!({ "event_name": null }), "claim_mismatch");
    github.allows("GET /admin/users", &json!({ "environment": "production" }));
    github.refuses("GET /admin/users", &as_issued(), "claim_mismatch");
    // Anybody else's workflow, also one of whoever took the name.
    github.refuses("GET /orders", &json!({ "repository": "acme-evil/orders" }), "invalid_claim");
    github.refuses("GET /orders", &json!({ "repository_owner_id": "7" }), "invalid_claim");
    github.refuses("GET /orders", &json!({ "repository_owner_id": 1_234_567 }), "invalid_claim");
    github.refuses("GET /orders", &json!({ "repository": null }), "missing_claim");
    github.refuses("GET /orders", &json!({ "aud": "https://github.com/acme" }), "wrong_audience");
}

#[test]
fn supabase_access_tokens() {
    let typical = json!({
        "iss": "https://abcdefgh.supabase.co/auth/v1", "aud": "authenticated", "sub": "5c1b", "role": "authenticated", "aal": "aal1",
        "session_id": "1", "email": "ada@example.com", "phone": "", "is_anonymous": false,
        "app_metadata": { "provider": "email", "role": "admin" }, "user_metadata": {}, "amr": [{ "method": "password", "timestamp": NOW - 60 }],
    });
    let variables = [("SUPABASE_PROJECT", "abcdefgh")];
    let supabase = Provider::new("supabase", &variables, "ES256", &typical);
    let anonymous = json!({ "is_anonymous": true });
    supabase.allows("GET /orders", &anonymous);
    let strict = Provider::requiring("supabase", &variables, "ES256", &typical, &json!({ "is_anonymous": false }));
    strict.allows("GET /orders", &as_issued());
    strict.refuses("GET /orders", &anonymous, "invalid_claim");
    supabase.allows("GET /orders", &as_issued());
    supabase.allows("GET /admin/users", &as_issued());
    supabase.refuses("GET /admin/users", &json!({ "app_metadata": {} }), "claim_mismatch");
    supabase.refuses("GET /orders", &json!({ "role": "anon" }), "invalid_claim");
    supabase.refuses("GET /orders", &json!({ "role": "service_role" }), "invalid_claim");
    supabase.refuses("GET /orders", &json!({ "iss": "supabase", "role": "anon" }), "unknown_issuer");
}

#[test]
fn zitadel_opaque_access_tokens() {
    let endpoint = Endpoint::start();
    let mut text = fs::read_to_string(presets().join("zitadel.json")).unwrap();
    for (name, value) in [
        ("ZITADEL_DOMAIN", "shop.zitadel.cloud"),
        ("ZITADEL_PROJECT", "281234567890123456"),
        ("ZITADEL_CLIENT", "281234567890123457"),
        ("ZITADEL_SECRET", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:zitadel-AbCdEf"),
    ] {
        assert!(text.contains(&format!("${{{name}}}")), "the preset has no {name}");
        text = text.replace(&format!("${{{name}}}"), value);
    }
    let mut document: Value = serde_json::from_str(&text).unwrap();
    document["policy"] = "single_request".into();
    let introspection = &mut document["issuers"][0]["introspection"];
    assert_eq!(introspection["endpoint"], "https://shop.zitadel.cloud/oauth/v2/introspect");
    introspection["endpoint"] = endpoint.url().into();
    introspection["client_secret"] = json!({ "env": "SECRET" });
    introspection["cache_seconds"] = 0.into();
    let local = Local::new(&document);
    let typical = json!({
        "iss": "https://shop.zitadel.cloud", "sub": "281234567890123999", "client_id": "281234567890123458",
        "aud": ["281234567890123458", "281234567890123457", "281234567890123456"], "token_type": "Bearer", "jti": "V2_1-at_2",
        "iat": NOW - 60, "nbf": NOW - 60, "exp": NOW + 3600, "scope": "openid orders", "username": "ada@shop.zitadel.cloud",
        "urn:zitadel:iam:org:project:roles": { "admin": { "281234567890120000": "shop.zitadel.cloud" } },
    });
    let decides = |path: &str, changes: &Value| {
        let mut claims = typical.clone();
        merge(&mut claims, changes);
        endpoint.activate("an-opaque-token-of-ZITADEL", &claims);
        local.decides("GET", path, "an-opaque-token-of-ZITADEL")
    };
    assert_eq!(decides("orders", &as_issued()), "allow");
    assert_eq!(decides("admin/users", &as_issued()), "allow");
    assert_eq!(decides("admin/users", &json!({ "urn:zitadel:iam:org:project:roles": null })), "deny claim_mismatch");
    assert_eq!(decides("orders", &json!({ "scope": "openid" })), "deny insufficient_scope");
    assert_eq!(decides("orders", &json!({ "aud": ["281234567890123458"] })), "deny wrong_audience");
    assert_eq!(decides("orders", &json!({ "iss": "https://other.zitadel.cloud" })), "deny unknown_issuer");
    assert_eq!(local.decides("GET", "orders", "a-token-of-another-server"), "deny inactive_token");
}
