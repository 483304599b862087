//! What providers write into their tokens, as far as an entry shows that it expects something else.

use serde_json::Value;

use super::Warnings;
use crate::claims::{Accepted, ClaimName, ClaimRules};
use crate::issuer::Issuer;
use crate::tenant::PLACEHOLDER;

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
    let Some(address) = Address::of(name) else { return };
    let rules = &issuer.claims;
    slash(path, name, &address, warnings);
    if address.host.starts_with("cognito-idp.") {
        cognito(path, &address, rules, warnings);
    } else if address.host.ends_with(".amazoncognito.com") {
        warnings.add(
            &format!("{path}.issuer"),
            "this is the domain of Cognito's sign-in pages; its `iss` is https://cognito-idp.REGION.amazonaws.com/POOL_ID",
        );
    } else if matches!(address.host, "login.microsoftonline.com" | "sts.windows.net") {
        entra(path, &address, rules, warnings);
    } else if [".okta.com", ".oktapreview.com", ".okta-emea.com"].iter().any(|end| address.host.ends_with(end)) {
        okta(path, &address, warnings);
    } else if address.host == "securetoken.google.com" {
        firebase(path, &address, rules, warnings);
    } else if address.host.ends_with(".supabase.co") {
        supabase(path, &address, rules, warnings);
    } else if address.host.ends_with(".clerk.accounts.dev") || address.host.starts_with("clerk.") {
        clerk(path, rules, warnings);
    } else if address.host == "token.actions.githubusercontent.com" {
        github(path, rules, warnings);
    } else if address.path.contains("realms/") {
        keycloak(path, rules, warnings);
    }
}

/// The slash at the end, by which `iss` and `issuer` differ most often.
fn slash(path: &str, name: &str, address: &Address<'_>, warnings: &mut Warnings) {
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
    let path = format!("{path}.issuer");
    if with && !name.ends_with('/') {
        warnings.add(&path, "this provider's `iss` ends in a slash; add it");
    }
    let incomplete = address.host == "securetoken.google.com" && address.path.is_empty();
    if without && name.ends_with('/') && !name.ends_with("//") && !incomplete {
        warnings.add(&path, "this provider's `iss` does not end in a slash; remove it");
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

fn cognito(path: &str, address: &Address<'_>, rules: &ClaimRules, warnings: &mut Warnings) {
    let region = address.host.split('.').nth(1).unwrap_or_default();
    let pool = address.first();
    if pool.is_empty() {
        warnings.add(&format!("{path}.issuer"), "Cognito's `iss` ends in the ID of the user pool; add it");
    } else if !pool.contains('_') || pool.contains(':') || address.path.trim_end_matches('/').contains('/') {
        warnings.add(
            &format!("{path}.issuer"),
            "Cognito's `iss` ends in the ID of the user pool, such as eu-west-1_AbCdEf12G, not in its name or ARN; copy the ID",
        );
    } else if pool.split_once('_').is_some_and(|(own, _)| own != region) {
        warnings.add(&format!("{path}.issuer"), "the user pool's ID begins with another region than the host names");
    }
    let (id, access) = (requires(rules, "token_use", "id"), requires(rules, "token_use", "access"));
    let checked = rules.audience.is_some();
    if checked && !id && !looks_in(rules, "client_id") {
        warnings.add(
            &format!("{path}.audience_claim"),
            "Cognito's access tokens have `client_id` and no `aud`; set [\"aud\", \"client_id\"], or require `token_use` to be `id`",
        );
    } else if checked && id && !access && !looks_in(rules, "aud") {
        warnings
            .add(&format!("{path}.audience_claim"), "Cognito's ID tokens have `aud` and no `client_id`; set \"aud\"");
    } else if required(rules, "token_use").is_none() {
        warnings.add(
            &format!("{path}.required_claims"),
            "Cognito signs ID and access tokens alike; require `token_use` to be `access` or `id`",
        );
    } else if !id && !access {
        warnings.add(&format!("{path}.required_claims"), "`token_use` is `access` or `id`");
    }
    if rules.typ.is_some() {
        warnings.add(&format!("{path}.typ"), "Cognito's tokens have no `typ` header; remove it");
    }
}

fn entra(path: &str, address: &Address<'_>, rules: &ClaimRules, warnings: &mut Warnings) {
    let issuer = format!("{path}.issuer");
    let v2 = address.host == "login.microsoftonline.com";
    let tenant = address.first();
    if tenant == PLACEHOLDER {
        if rules.tenant_claim.is_none() {
            warnings.add(
                &format!("{path}.tenant_claim"),
                "Entra's tokens name their tenant in `tid` as well; set this to `tid`",
            );
        }
    } else if matches!(tenant, "common" | "organizations" | "consumers") || tenant.contains('{') {
        warnings.add(
            &issuer,
            "this is Entra's address for many tenants, and no token's `iss`, which names one; put the tenant's ID here, or `{tenant}` and list \
             them in `tenants`",
        );
    } else if tenant.contains('.') {
        warnings.add(&issuer, "Entra's `iss` names a tenant by its ID, not by a domain; put the ID here");
    }
    if v2 && !address.path.trim_end_matches('/').ends_with("/v2.0") {
        warnings.add(
            &issuer,
            "Entra's v2.0 `iss` is https://login.microsoftonline.com/TENANT/v2.0, and that of v1.0 https://sts.windows.net/TENANT/",
        );
    }
    let uris = rules.audience.iter().flatten().all(|audience| audience.contains("://"));
    if v2 && rules.audience.is_some() && uris {
        warnings.add(
            &format!("{path}.audience"),
            "the `aud` of Entra's v2.0 tokens is the API's client ID without `api://`; add it",
        );
    }
    if required(rules, "tid").is_some_and(|accepted| {
        !accepted.iter().any(|accepted| {
            matches!(accepted, Accepted::Value(Value::String(tid)) if tid == tenant) || *accepted == Accepted::Present
        })
    }) {
        warnings.add(&format!("{path}.required_claims"), "`tid` is another tenant than that of `issuer`");
    }
}

fn okta(path: &str, address: &Address<'_>, warnings: &mut Warnings) {
    let issuer = format!("{path}.issuer");
    if address.host.split('.').next().is_some_and(|first| first.ends_with("-admin")) {
        warnings.add(&issuer, "this is the host of Okta's admin console; leave out `-admin`");
    }
    if !address.path.starts_with("oauth2/") {
        warnings.add(
            &issuer,
            "this is Okta's org server, whose access tokens only Okta can verify; use a custom authorization server, such as /oauth2/default",
        );
    }
}

fn firebase(path: &str, address: &Address<'_>, rules: &ClaimRules, warnings: &mut Warnings) {
    if address.path.is_empty() {
        warnings.add(&format!("{path}.issuer"), "Firebase's `iss` ends in the project's ID; add it");
        return;
    }
    let fits = rules.audience.as_ref().is_none_or(|ours| ours.iter().any(|audience| audience == address.first()));
    if !fits {
        warnings.add(&format!("{path}.audience"), "Firebase's `aud` is the project's ID, with which `issuer` ends");
    }
}

fn supabase(path: &str, address: &Address<'_>, rules: &ClaimRules, warnings: &mut Warnings) {
    if address.path.trim_end_matches('/') != "auth/v1" {
        warnings.add(&format!("{path}.issuer"), "Supabase's `iss` is https://PROJECT.supabase.co/auth/v1");
    }
    if required(rules, "role").is_none() {
        warnings.add(
            &format!("{path}.required_claims"),
            "Supabase's API keys are JWTs, too; require `role` to be `authenticated`",
        );
    }
}

fn clerk(path: &str, rules: &ClaimRules, warnings: &mut Warnings) {
    if looks_in(rules, "azp") && rules.audience.iter().flatten().any(|origin| origin.ends_with('/')) {
        warnings.add(&format!("{path}.audience"), "an origin, as in `azp`, does not end in a slash; remove it");
    }
    if rules.audience.is_some() && !looks_in(rules, "azp") {
        warnings.add(
            &format!("{path}.audience_claim"),
            "Clerk's session tokens have no `aud`; set \"azp\", and `audience` to the origin of the front end",
        );
    }
    if required(rules, "sts").is_none() {
        warnings.add(
            &format!("{path}.required_claims"),
            "the sessions of users who have a task left are pending, and their tokens pass; require `sts` to be [{\"absent\": true}, {\"none_of\": [\"pending\"]}]",
        );
    }
}

fn github(path: &str, rules: &ClaimRules, warnings: &mut Warnings) {
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
        warnings.add(
            &format!("{path}.required_claims"),
            "any workflow of anybody gets tokens of this issuer, for any audience; require `repository`, `repository_owner` or `sub`",
        );
    }
}

fn keycloak(path: &str, rules: &ClaimRules, warnings: &mut Warnings) {
    let only = rules.audience.as_ref().is_some_and(|ours| ours.iter().all(|audience| audience == "account"));
    if only {
        warnings.add(
            &format!("{path}.audience"),
            "`account` is in the tokens of all of Keycloak's clients; add an audience mapper with the name of this API",
        );
    }
}
