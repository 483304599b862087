//! An `iss` or an `alg` that no entry of `issuers` is for.

use std::borrow::Cow;

use serde_json::Value;

use super::list::Hint;
use super::similarity::{Difference, difference};
use super::unverified::UnverifiedJwt;

/// An `alg` that its issuer is not configured for.
pub(super) fn algorithm(token: &UnverifiedJwt, issuers: &[(Option<Cow<'_, str>>, bool)]) -> Option<Hint> {
    let alg = token.header.get("alg")?.as_str()?;
    if alg.eq_ignore_ascii_case("none") {
        return Some(Hint::UnsignedToken);
    }
    if token.claims.get("typ").is_some_and(|typ| typ == "Refresh" || typ == "Offline") {
        return Some(Hint::RefreshToken);
    }
    crate::algorithm::Algorithm::named(alg)?;
    let iss = token.claims.get("iss").and_then(Value::as_str);
    let named = |name: &Option<Cow<'_, str>>| name.as_deref() == iss;
    let known = issuers.iter().any(|(name, _)| named(name));
    let secret = alg.starts_with("HS");
    let same_kind = |(name, with_secret): &(Option<Cow<'_, str>>, bool)| {
        (if known { named(name) } else { name.is_none() }) && *with_secret == secret
    };
    match issuers.iter().any(same_kind) {
        true => Some(Hint::AlgorithmNotListed),
        false => Some(Hint::AlgorithmOfOtherKind),
    }
}

/// An `iss` that is not configured.
pub(super) fn issuer(claims: &Value, issuers: &[(Option<Cow<'_, str>>, bool)]) -> Option<Hint> {
    let Some(iss) = claims.get("iss") else {
        return Some(Hint::IssuerAbsent);
    };
    let iss = iss.as_str()?;
    let ours = || issuers.iter().filter_map(|(name, _)| name.as_deref());
    let has_two_schemes = |name: &str| name.matches("://").count() > 1;
    if let Some(difference) = ours().find_map(|name| difference(name, iss)) {
        return Some(match difference {
            Difference::WhiteSpace => Hint::IssuerDiffersByWhiteSpace,
            Difference::Quotes => Hint::IssuerHasQuotes,
            Difference::TrailingSlash => Hint::IssuerDiffersByTrailingSlash,
            Difference::Case => Hint::IssuerDiffersByCase,
            Difference::Scheme if ours().any(has_two_schemes) => Hint::IssuerHasTwoSchemes,
            Difference::Scheme => Hint::IssuerDiffersByScheme,
            Difference::Letters => Hint::IssuerMisspelt,
        });
    }
    provider(iss, &ours).or_else(|| ours().find_map(|name| place(name, iss)))
}

/// What is known of single providers.
fn provider<'a, I: Iterator<Item = &'a str>>(iss: &str, ours: &dyn Fn() -> I) -> Option<Hint> {
    let (v1, v2) = ("https://sts.windows.net/", "https://login.microsoftonline.com/");
    if iss.starts_with(v1) && ours().any(|name| name.starts_with(v2)) {
        return Some(Hint::EntraV1Token);
    }
    if iss.starts_with(v2) {
        let all = ["common", "organizations", "consumers", "{tenantid}"];
        let mut tenants = ours().filter_map(|name| name.strip_prefix(v2)?.split('/').next());
        if tenants.any(|tenant| all.contains(&tenant)) {
            return Some(Hint::EntraTenantMissing);
        }
        if ours().any(|name| name.starts_with(v1)) {
            return Some(Hint::EntraV2Token);
        }
    }
    let okta = ours().any(|name| name.strip_prefix(iss).is_some_and(|rest| rest.starts_with("/oauth2/")));
    okta.then_some(Hint::OktaOrgToken)
}

/// An address in its parts.
struct Parts<'a> {
    host: &'a str,
    port: Option<&'a str>,
    /// Without empty segments at the end.
    path: &'a str,
}

impl<'a> Parts<'a> {
    fn of(address: &'a str) -> Option<Self> {
        let (_, rest) = address.trim().rsplit_once("://")?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
        Some(Self { host, port, path: path.trim_end_matches('/') })
    }
}

/// Which part of the address differs.
fn place(ours: &str, iss: &str) -> Option<Hint> {
    let (our, their) = (Parts::of(ours)?, Parts::of(iss)?);
    let same_host = our.host.eq_ignore_ascii_case(their.host);
    if same_host && is_document(our.path) {
        return Some(Hint::IssuerIsADocument);
    }
    let without_auth = |path: &'_ str| path.strip_prefix("auth/").unwrap_or(path).to_owned();
    if our.path == their.path {
        return match same_host {
            true => (our.port != their.port).then_some(Hint::IssuerDiffersByPort),
            false => (!our.path.is_empty() || has_own_domains(our.host) || has_own_domains(their.host))
                .then_some(Hint::IssuerDiffersByHost),
        };
    }
    if without_auth(our.path) == without_auth(their.path) {
        return Some(Hint::IssuerDiffersByAuth);
    }
    (same_host && one_segment_differs(our.path, their.path)).then_some(Hint::IssuerOfAnotherTenant)
}

/// Whether a path is that of a discovery document or of a key set.
pub(crate) fn is_document(path: &str) -> bool {
    let ends = ["/protocol/openid-connect/certs", "/discovery/v2.0/keys", "/discovery/keys", "/v1/keys", "jwks.json"];
    path.contains(".well-known/") || path.ends_with(".well-known") || ends.iter().any(|end| path.ends_with(end))
}

/// Providers whose tenants may have a domain of their own beside the provider's.
fn has_own_domains(host: &str) -> bool {
    [".auth0.com", ".okta.com", ".oktapreview.com", ".clerk.accounts.dev", ".onelogin.com"]
        .iter()
        .any(|end| host.ends_with(end))
        || host.starts_with("clerk.")
}

/// Whether two paths have the same number of segments and differ in one.
fn one_segment_differs(ours: &str, theirs: &str) -> bool {
    let count = |path: &str| path.split('/').count();
    let differing = ours.split('/').zip(theirs.split('/')).filter(|(ours, theirs)| ours != theirs).count();
    count(ours) == count(theirs) && differing == 1
}
