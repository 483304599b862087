//! What providers write into their tokens, as far as an entry shows that it expects something else.

use serde_json::Value;

use super::Warnings;
use crate::claims::{Accepted, ClaimName, ClaimRules};
use crate::issuer::Issuer;
use crate::tenant::PLACEHOLDER;

/// Warns about a field of the entry.
type Warn<'w> = &'w mut dyn FnMut(&str, &str);

/// The parts of an `iss` that say whose it is.
struct Address<'a> {
    host: &'a str,
    /// Without its first slash.
    path: &'a str,
}

impl<'a> Address<'a> {
    fn of(issuer: &'a str) -> Option<Self> {
        let (_, rest) = issuer.split_once("://")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        Some(Self { host, path })
    }

    fn first(&self) -> &'a str {
        self.path.split('/').next().unwrap_or_default()
    }
}

pub(super) fn lint(path: &str, name: &str, issuer: &Issuer, warnings: &mut Warnings) {
    let warn = &mut |field: &str, warning: &str| warnings.add(&format!("{path}.{field}"), warning);
    let Some(address) = Address::of(name) else { return };
    let rules = &issuer.claims;
    slash(name, &address, warn);
    if address.host.starts_with("cognito-idp.") {
        cognito(&address, rules, warn);
    } else if address.host.ends_with(".amazoncognito.com") {
        warn(
            "issuer",
            "this is the domain of Cognito's sign-in pages; its `iss` is https://cognito-idp.REGION.amazonaws.com/POOL_ID",
        );
    } else if matches!(address.host, "login.microsoftonline.com" | "sts.windows.net") {
        entra(&address, rules, warn);
    } else if [".okta.com", ".oktapreview.com", ".okta-emea.com"].iter().any(|end| address.host.ends_with(end)) {
        okta(&address, warn);
    } else if address.host == "securetoken.google.com" {
        firebase(&address, rules, warn);
    } else if address.host.ends_with(".supabase.co") {
        supabase(&address, rules, warn);
    } else if address.host.ends_with(".clerk.accounts.dev") || address.host.starts_with("clerk.") {
        clerk(rules, warn);
    } else if address.host == "token.actions.githubusercontent.com" {
        github(rules, warn);
    } else if address.path.contains("realms/") {
        keycloak(rules, warn);
    }
}

/// The slash at the end, by which `iss` and `issuer` differ most often.
fn slash(name: &str, address: &Address<'_>, warn: Warn<'_>) {
    let with = (address.host.ends_with(".auth0.com") && !address.path.contains(".well-known"))
        || address.host == "sts.windows.net";
    let without = address.host.starts_with("cognito-idp.")
        || address.host == "login.microsoftonline.com"
        || [".okta.com", ".oktapreview.com", ".supabase.co", ".clerk.accounts.dev"]
            .iter()
            .any(|end| address.host.ends_with(end))
        || matches!(address.host, "accounts.google.com" | "securetoken.google.com")
        || address.host.starts_with("clerk.")
        || address.path.contains("realms/");
    if with && !name.ends_with('/') {
        warn("issuer", "this provider's `iss` ends in a slash; add it");
    }
    let incomplete = address.host == "securetoken.google.com" && address.path.is_empty();
    if without && name.ends_with('/') && !name.ends_with("//") && !incomplete {
        warn("issuer", "this provider's `iss` does not end in a slash; remove it");
    }
}

/// Whether the rules require a claim to have this value.
fn requires(rules: &ClaimRules, claim: &str, value: &str) -> bool {
    required(rules, claim).is_some_and(|accepted| accepted.contains(&Accepted::Value(Value::from(value))))
}

fn required<'r>(rules: &'r ClaimRules, claim: &str) -> Option<&'r Vec<Accepted>> {
    let named = |(name, _): &&(ClaimName, Vec<Accepted>)| matches!(name, ClaimName::Member(name) if name == claim);
    rules.required.iter().find(named).map(|(_, accepted)| accepted)
}

/// Whether the audience is looked for in this claim.
fn looks_in(rules: &ClaimRules, claim: &str) -> bool {
    rules.audience_claim.iter().any(|name| matches!(name, ClaimName::Member(name) if name == claim))
}

fn cognito(address: &Address<'_>, rules: &ClaimRules, warn: Warn<'_>) {
    let region = address.host.split('.').nth(1).unwrap_or_default();
    let pool = address.first();
    if pool.is_empty() {
        warn("issuer", "Cognito's `iss` ends in the ID of the user pool; add it");
    } else if !pool.contains('_') || pool.contains(':') || address.path.trim_end_matches('/').contains('/') {
        warn(
            "issuer",
            "Cognito's `iss` ends in the ID of the user pool, such as eu-west-1_AbCdEf12G, not in its name or ARN; copy the ID",
        );
    } else if pool.split_once('_').is_some_and(|(own, _)| own != region) {
        warn("issuer", "the user pool's ID begins with another region than the host names");
    }
    let (id, access) = (requires(rules, "token_use", "id"), requires(rules, "token_use", "access"));
    let checked = rules.audience.is_some();
    if checked && !id && !looks_in(rules, "client_id") {
        warn(
            "audience_claim",
            "Cognito's access tokens have `client_id` and no `aud`; set [\"aud\", \"client_id\"], or require `token_use` to be `id`",
        );
    } else if checked && id && !access && !looks_in(rules, "aud") {
        warn("audience_claim", "Cognito's ID tokens have `aud` and no `client_id`; set \"aud\"");
    } else if required(rules, "token_use").is_none() {
        warn("required_claims", "Cognito signs ID and access tokens alike; require `token_use` to be `access` or `id`");
    } else if !id && !access {
        warn("required_claims", "`token_use` is `access` or `id`");
    }
    if rules.typ.is_some() {
        warn("typ", "Cognito's tokens have no `typ` header; remove it");
    }
}

fn entra(address: &Address<'_>, rules: &ClaimRules, warn: Warn<'_>) {
    let v2 = address.host == "login.microsoftonline.com";
    let tenant = address.first();
    if tenant == PLACEHOLDER {
        if rules.tenant_claim.is_none() {
            warn("tenant_claim", "Entra's tokens name their tenant in `tid` as well; set this to `tid`");
        }
    } else if matches!(tenant, "common" | "organizations" | "consumers") || tenant.contains('{') {
        warn(
            "issuer",
            "this is Entra's address for many tenants, and no token's `iss`, which names one; put the tenant's ID here, or `{tenant}` and list \
             them in `tenants`",
        );
    } else if tenant.contains('.') {
        warn("issuer", "Entra's `iss` names a tenant by its ID, not by a domain; put the ID here");
    }
    if v2 && !address.path.trim_end_matches('/').ends_with("/v2.0") {
        warn(
            "issuer",
            "Entra's v2.0 `iss` is https://login.microsoftonline.com/TENANT/v2.0, and that of v1.0 https://sts.windows.net/TENANT/",
        );
    }
    let uris = rules.audience.iter().flatten().all(|audience| audience.contains("://"));
    if v2 && rules.audience.is_some() && uris {
        warn("audience", "the `aud` of Entra's v2.0 tokens is the API's client ID without `api://`; add it");
    }
    if required(rules, "tid").is_some_and(|accepted| {
        !accepted.iter().any(|accepted| {
            matches!(accepted, Accepted::Value(Value::String(tid)) if tid == tenant) || *accepted == Accepted::Present
        })
    }) {
        warn("required_claims", "`tid` is another tenant than that of `issuer`");
    }
}

fn okta(address: &Address<'_>, warn: Warn<'_>) {
    if address.host.split('.').next().is_some_and(|first| first.ends_with("-admin")) {
        warn("issuer", "this is the host of Okta's admin console; leave out `-admin`");
    }
    if !address.path.starts_with("oauth2/") {
        warn(
            "issuer",
            "this is Okta's org server, whose access tokens only Okta can verify; use a custom authorization server, such as /oauth2/default",
        );
    }
}

fn firebase(address: &Address<'_>, rules: &ClaimRules, warn: Warn<'_>) {
    if address.path.is_empty() {
        warn("issuer", "Firebase's `iss` ends in the project's ID; add it");
        return;
    }
    let fits = rules.audience.as_ref().is_none_or(|ours| ours.iter().any(|audience| audience == address.first()));
    if !fits {
        warn("audience", "Firebase's `aud` is the project's ID, with which `issuer` ends");
    }
}

fn supabase(address: &Address<'_>, rules: &ClaimRules, warn: Warn<'_>) {
    if address.path.trim_end_matches('/') != "auth/v1" {
        warn("issuer", "Supabase's `iss` is https://PROJECT.supabase.co/auth/v1");
    }
    if required(rules, "role").is_none() {
        warn("required_claims", "Supabase's API keys are JWTs, too; require `role` to be `authenticated`");
    }
}

fn clerk(rules: &ClaimRules, warn: Warn<'_>) {
    if looks_in(rules, "azp") && rules.audience.iter().flatten().any(|origin| origin.ends_with('/')) {
        warn("audience", "an origin, as in `azp`, does not end in a slash; remove it");
    }
    if rules.audience.is_some() && !looks_in(rules, "azp") {
        warn(
            "audience_claim",
            "Clerk's session tokens have no `aud`; set \"azp\", and `audience` to the origin of the front end",
        );
    }
    if required(rules, "sts").is_none() {
        warn(
            "required_claims",
            "the sessions of users who have a task left are pending, and their tokens pass; require `sts` to be [{\"absent\": true}, {\"none_of\": [\"pending\"]}]",
        );
    }
}

fn github(rules: &ClaimRules, warn: Warn<'_>) {
    let own = [
        "sub",
        "repository",
        "repository_id",
        "repository_owner",
        "repository_owner_id",
        "enterprise",
        "enterprise_id",
        "job_workflow_ref",
        "workflow_ref",
    ];
    if own.iter().all(|claim| required(rules, claim).is_none()) {
        warn(
            "required_claims",
            "any workflow of anybody gets tokens of this issuer, for any audience; require `repository`, `repository_owner` or `sub`",
        );
    }
}

fn keycloak(rules: &ClaimRules, warn: Warn<'_>) {
    let only = rules.audience.as_ref().is_some_and(|ours| ours.iter().all(|audience| audience == "account"));
    if only {
        warn(
            "audience",
            "`account` is in the tokens of all of Keycloak's clients; add an audience mapper with the name of this API",
        );
    }
}
