//! Each kind of warning, for documents that start.

mod operators;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::{Authorizer, Clock, Config, Moment};

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Moment {
        Moment { wall: Duration::from_secs(1_800_000_000), monotonic: Duration::ZERO }
    }
}

/// The path of each warning, and the start of its message.
fn warnings(document: &Value) -> Vec<(String, String)> {
    let config =
        Config::parse(&document.to_string(), &|_| None, Path::new(".")).unwrap_or_else(|error| panic!("{error}"));
    let authorizer = Authorizer::new(config, Arc::new(Stopped)).unwrap();
    authorizer.lint().into_iter().map(|issue| (issue.path, issue.expected)).collect()
}

/// The warnings for an entry with these members, whose key set is on another host.
fn issuer(members: Value) -> Vec<(String, String)> {
    let mut entry = json!({ "audience": "api", "jwks_uri": "https://keys.test/set" });
    entry.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    warnings(&json!({ "issuers": [entry], "routes": [{ "path": "/pets" }] }))
}

#[track_caller]
fn of_issuer(members: Value, path: &str, begins: &str) {
    let found = issuer(members.clone());
    assert_eq!(found.len(), 1, "{members}: {found:#?}");
    assert_eq!(found[0].0, path, "{members}");
    assert!(found[0].1.starts_with(begins), "{members}: {}", found[0].1);
}

#[track_caller]
fn of_route(route: Value, path: &str, begins: &str) {
    let entry = json!({ "issuer": "https://idp.test/", "audience": "api", "jwks_uri": "https://keys.test/set" });
    let found = warnings(&json!({ "issuers": [entry], "routes": [route] }));
    assert_eq!(found.len(), 1, "{route}: {found:#?}");
    assert_eq!(found[0].0, path, "{route}");
    assert!(found[0].1.starts_with(begins), "{route}: {}", found[0].1);
}

#[test]
fn an_issuer_that_no_token_names_gets_a_warning() {
    let cases = [
        ("https://t.auth0.com", "this provider's `iss` ends in a slash"),
        ("https://sts.windows.net/1", "this provider's `iss` ends in a slash"),
        ("https://kc.test/realms/main/", "this provider's `iss` does not end in a slash"),
        ("https://o.okta.com/oauth2/default/", "this provider's `iss` does not end in a slash"),
        ("https://accounts.google.com/", "this provider's `iss` does not end in a slash"),
        ("https://login.microsoftonline.com/common/v2.0", "this is Entra's address for many tenants"),
        ("https://login.microsoftonline.com/organizations/v2.0", "this is Entra's address for many tenants"),
        ("https://login.microsoftonline.com/contoso.onmicrosoft.com/v2.0", "Entra's `iss` names a tenant by its ID"),
        ("https://login.microsoftonline.com/1-2-3", "Entra's v2.0 `iss` is"),
        ("https://o.okta.com", "this is Okta's org server"),
        ("https://TENANT/", "the issuer looks like that of an example"),
        ("https://YOUR_DOMAIN/", "the issuer looks like that of an example"),
        ("https://your-tenant.eu.auth0.com/", "the issuer looks like that of an example"),
        ("https://idp.example.com/", "the issuer looks like that of an example"),
        ("https://undefined/", "the issuer looks like that of an example"),
        ("https://idp.test/.well-known/openid-configuration", "the issuer is the address of a document"),
        ("https://kc.test/realms/r/protocol/openid-connect/certs", "the issuer is the address of a document"),
        ("https://https://idp.test/", "the issuer has a scheme twice"),
        ("https://idp.test//", "the issuer has two slashes in a row"),
        ("https:///", "the issuer has no host"),
        ("https://\"idp.test\"/", "the issuer has quotes in it"),
        ("\"https://idp.test/\"", "the issuer stands in quotes"),
        ("https://shop.auth.eu-west-1.amazoncognito.com", "this is the domain of Cognito's sign-in pages"),
        ("https://securetoken.google.com/", "Firebase's `iss` ends in the project's ID"),
        ("https://idp.test/ ", "the issuer begins or ends with white space"),
        ("https://idp.test/\n", "the issuer begins or ends with white space"),
        ("https://*.idp.test/", "the issuer is compared byte for byte"),
        ("^https://idp\\.test/$", "the issuer is compared byte for byte"),
        ("https://idp.test/.*", "the issuer is compared byte for byte"),
        ("idp.test", "the issuer is a host name without `https://`"),
        ("https://{TENANT_NAME}/", "the issuer has braces"),
    ];
    for (name, begins) in cases {
        of_issuer(json!({ "issuer": name }), "issuers[0].issuer", begins);
    }
}

#[test]
fn the_settings_are_compared_with_the_provider_s_tokens() {
    let pool = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc";
    of_issuer(json!({ "issuer": pool }), "issuers[0].audience_claim", "Cognito's access tokens have `client_id`");
    let access = json!({ "token_use": "access" });
    of_issuer(
        json!({ "issuer": pool, "required_claims": access }),
        "issuers[0].audience_claim",
        "Cognito's access tokens have `client_id`",
    );
    let by_client = json!({ "issuer": pool, "audience_claim": "client_id", "required_claims": { "token_use": "id" } });
    of_issuer(by_client, "issuers[0].audience_claim", "Cognito's ID tokens have `aud`");
    of_issuer(
        json!({ "issuer": pool, "audience_claim": ["aud", "client_id"] }),
        "issuers[0].required_claims",
        "Cognito signs",
    );
    let slash = json!({ "issuer": format!("{pool}/"), "audience_claim": "client_id", "required_claims": access });
    of_issuer(slash, "issuers[0].issuer", "this provider's `iss` does not end in a slash");
    let region = json!({ "issuer": "https://cognito-idp.eu-west-1.amazonaws.com/us-east-1_abc", "required_claims": { "token_use": "id" } });
    of_issuer(region, "issuers[0].issuer", "the user pool's ID begins with another region");
    for pool in ["shop-users", "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_abc"] {
        let issuer = format!("https://cognito-idp.eu-west-1.amazonaws.com/{pool}");
        let entry = json!({ "issuer": issuer, "required_claims": { "token_use": "id" } });
        of_issuer(entry, "issuers[0].issuer", "Cognito's `iss` ends in the ID of the user pool, such as");
    }
    let v2 = "https://login.microsoftonline.com/1/v2.0";
    of_issuer(
        json!({ "issuer": v2, "audience": "api://app" }),
        "issuers[0].audience",
        "the `aud` of Entra's v2.0 tokens",
    );
    of_issuer(
        json!({ "issuer": v2, "required_claims": { "tid": "2" } }),
        "issuers[0].required_claims",
        "`tid` is another",
    );
    let firebase = json!({ "issuer": "https://securetoken.google.com/shop", "audience": "store" });
    of_issuer(firebase, "issuers[0].audience", "Firebase's `aud` is the project's ID");
    of_issuer(
        json!({ "issuer": "https://p.supabase.co/auth/v1" }),
        "issuers[0].required_claims",
        "Supabase's API keys",
    );
    let sts = json!({ "sts": [{ "absent": true }, { "none_of": ["pending"] }] });
    let clerk = |audience: &str, claim: &str, required: &Value| {
        json!({
            "issuer": "https://x.clerk.accounts.dev", "audience": audience, "audience_claim": claim, "required_claims": required
        })
    };
    of_issuer(clerk("api", "aud", &sts), "issuers[0].audience_claim", "Clerk's session tokens");
    of_issuer(
        clerk("https://app.test/", "azp", &sts),
        "issuers[0].audience",
        "an origin, as in `azp`, does not end in a slash",
    );
    of_issuer(
        clerk("https://app.test", "azp", &json!({ "v": 2 })),
        "issuers[0].required_claims",
        "the sessions of users who have a task left are pending",
    );
    let github = |required: Value| {
        json!({
            "issuer": "https://token.actions.githubusercontent.com", "audience": "https://api.test", "required_claims": required
        })
    };
    of_issuer(github(json!({ "ref": "x" })), "issuers[0].required_claims", "any workflow of anybody");
    assert_eq!(issuer(github(json!({ "repository_owner_id": "1" }))), []);
    let account = json!({ "issuer": "https://kc.test/realms/main", "audience": "account" });
    of_issuer(account, "issuers[0].audience", "`account` is in the tokens of all");
}

#[test]
fn audiences_urls_and_claims_are_checked_too() {
    let with = |members: Value| {
        let mut entry = json!({ "issuer": "https://idp.test/" });
        entry.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        entry
    };
    of_issuer(
        with(json!({ "audience": "api " })),
        "issuers[0].audience",
        "the audience begins or ends with white space",
    );
    of_issuer(
        with(json!({ "audience": "CLIENT_ID" })),
        "issuers[0].audience",
        "the audience looks like that of an example",
    );
    of_issuer(with(json!({ "audience": ["api", "a,b"] })), "issuers[0].audience[1]", "the audience has a comma");
    of_issuer(with(json!({ "audience": "https://'api'" })), "issuers[0].audience", "the audience has quotes in it");
    of_issuer(
        with(json!({ "audience": "https://t.test/userinfo" })),
        "issuers[0].audience",
        "this is the audience of the issuer's",
    );
    let document = "https://idp.test/.well-known/openid-configuration";
    of_issuer(with(json!({ "jwks_uri": document })), "issuers[0].jwks_uri", "this is a discovery document");
    let certificates = "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com";
    of_issuer(with(json!({ "jwks_uri": certificates })), "issuers[0].jwks_uri", "this serves certificates");
    of_issuer(
        with(json!({ "scope_claims": "realm_access.roles" })),
        "issuers[0].scope_claims",
        "a claim's name has dots",
    );
    of_issuer(with(json!({ "scope_claims": "$.roles" })), "issuers[0].scope_claims", "a claim's name is a JSONPath");
    of_issuer(
        with(json!({ "scope_claims": "realm_access/roles" })),
        "issuers[0].scope_claims",
        "a claim's name has a slash",
    );
    of_issuer(
        with(json!({ "scope_claims": "/https://idp.test/roles" })),
        "issuers[0].scope_claims",
        "a claim's name is an address",
    );
    of_issuer(
        with(json!({ "required_claims": { "app_metadata.role": "x" } })),
        "issuers[0].required_claims",
        "a claim's name has dots",
    );
    of_issuer(with(json!({ "typ": "Bearer" })), "issuers[0].typ", "`typ` is the header");
    for fine in [
        json!({ "scope_claims": "https://idp.test/roles" }),
        json!({ "scope_claims": "cognito:groups" }),
        json!({ "scope_claims": "/kubernetes.io/namespace" }),
    ] {
        assert_eq!(issuer(with(fine)), []);
    }
}

#[test]
fn a_route_that_matches_no_request_or_no_token_gets_a_warning() {
    of_route(json!({ "path": "/pets/:id" }), "routes[0].path", "a segment that begins with `:`");
    of_route(json!({ "path": "/prod/pets" }), "routes[0].path", "the first segment looks like a stage");
    of_route(json!({ "path": "/demo/pets" }), "routes[0].path", "the first segment looks like a stage");
    of_route(json!({ "path": "/pets", "scopes": "a,b" }), "routes[0].scopes", "a scope has a comma");
    of_route(json!({ "path": "/pets", "scopes": "pets:{id}" }), "routes[0].scopes", "a scope has braces");
    of_route(json!({ "path": "/pets", "scopes": "pets:*" }), "routes[0].scopes", "a scope has a `*`");
    of_route(json!({ "path": "/pets", "scopes": "a|b" }), "routes[0].scopes", "a scope has quotes");
    of_route(json!({ "path": "/pets", "claims": { "a.b": "c" } }), "routes[0].claims", "a claim's name has dots");
    let ways = json!([{ "scopes": "a" }, { "scopes": "b,c" }]);
    of_route(json!({ "path": "/pets", "any_of": ways }), "routes[0].any_of[1].scopes", "a scope has a comma");
    of_route(
        json!({ "method": "OPTIONS", "path": "/pets", "scopes": "a" }),
        "routes[0].method",
        "browsers send OPTIONS",
    );
}

#[test]
fn all_warnings_come_together_and_none_repeats_a_text_of_the_document() {
    let entry = json!({
        "issuer": "https://canary-tenant.auth0.com", "audience": "canary audience",
        "jwks_uri": "https://canary.test//set", "scope_claims": "canary.roles"
    });
    let route = json!({ "path": "/prod/:id", "scopes": "canary,scope" });
    let found = warnings(&json!({ "issuers": [entry], "routes": [route], "principal": "canary.sub" }));
    assert_eq!(found.len(), 8, "{found:#?}");
    assert!(found.iter().all(|(path, text)| !path.contains("canary") && !text.contains("canary")), "{found:#?}");
}
