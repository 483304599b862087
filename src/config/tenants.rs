//! `issuer` with `{tenant}`, `tenants`, and the addresses of tenants' keys.

use std::collections::HashMap;

use super::walk::{Fields, Node, Walk, all};
use crate::claims::{Accepted, ClaimName, Forwarding};
use crate::issuer::{IssuerName, IssuerSettings};
use crate::keys::IssuerMember;
use crate::routes::{Alternative, ClaimNeed, ClaimValue, Routes};
use crate::tenant::{PLACEHOLDER, TENANT_CLAIM, TenantPattern, Tenants};

/// Whose tokens an entry takes. It is known even if other fields have issues.
pub(super) struct Takes {
    pub(super) name: IssuerName,
    pub(super) with_secret: bool,
}

/// The most tenants that all entries list together: each has a key set, which is never evicted.
const MAX_TENANTS: usize = 1000;

/// Reads `issuer`, and `tenants` beside it.
pub(super) fn issuer_name(node: &Node<'_>, fields: &Fields<'_>) -> Option<IssuerName> {
    let text = node.text("expected the text of the `iss` claim")?;
    let listed = fields.optional("tenants");
    if !text.contains(PLACEHOLDER) {
        for name in ["tenants", "tenant_claim"] {
            if let Some(node) = fields.optional(name) {
                return node.reject("only where `issuer` holds `{tenant}`");
            }
        }
        return Some(IssuerName::Exact(text.into_owned()));
    }
    let Some(pattern) = TenantPattern::parse(&text) else {
        return node.reject(
            "expected `{tenant}` once, as a whole segment of the path or a whole label of the host of an address that begins \
             with `https://`, and no other braces",
        );
    };
    let Some(listed) = listed else {
        fields.required("tenants", "expected the list of accepted tenants for `{tenant}` in `issuer`, or `any`");
        return None;
    };
    let tenants = tenants(&listed, &pattern)?;
    Some(IssuerName::PerTenant { pattern, tenants })
}

fn tenants(node: &Node<'_>, pattern: &TenantPattern) -> Option<Tenants> {
    let expected = "expected a list of at least one tenant, or `any`";
    if node.value.is_string() {
        return match node.string(expected)?.as_ref() {
            "any" => Some(Tenants::Any),
            _ => node.reject(expected),
        };
    }
    let mut seen = HashMap::new();
    let tenants = all(node.items(expected)?.iter().enumerate().map(|(index, item)| {
        let tenant = item.text(pattern.expected())?;
        if !pattern.takes(&tenant) {
            return item.reject(pattern.expected());
        }
        match seen.insert(tenant.clone().into_owned(), index) {
            Some(first) => item.reject(format!("this tenant is listed already, as item {first}")),
            None => Some(tenant.into_owned()),
        }
    }))?;
    if tenants.len() > MAX_TENANTS {
        return node.reject(TOO_MANY);
    }
    Some(Tenants::Listed(tenants))
}

const TOO_MANY: &str = "expected at most 1000 tenants in all entries together; list fewer, or set `tenants` to `any`";

/// What a member `issuer` of a key means in the sets of an entry.
pub(super) fn issuer_member(name: Option<&IssuerName>) -> IssuerMember {
    match name {
        Some(IssuerName::PerTenant { tenants: Tenants::Any, .. }) => IssuerMember::Required,
        Some(IssuerName::PerTenant { tenants: Tenants::Listed(_), .. }) => IssuerMember::Honoured,
        Some(IssuerName::Exact(_) | IssuerName::Unnamed) | None => IssuerMember::Ignored,
    }
}

/// Checks the fields beside `{tenant}`, whose issues are found whether or not the others have some.
pub(super) fn beside(fields: &Fields<'_>, name: &IssuerName) -> Option<()> {
    let IssuerName::PerTenant { tenants, .. } = name else {
        return Some(());
    };
    let secret = fields.optional("secret").map_or(Some(()), |node| {
        node.reject(
            "tenants do not share a secret; `{tenant}` in `issuer` needs keys, or write an entry for each issuer",
        )
    });
    let audience = fields.optional("audience").filter(|node| *tenants == Tenants::Any && node.value.is_null());
    let audience = audience.map_or(Some(()), |node| {
        node.reject("expected an audience: with `tenants` `any`, it is all that keeps out tokens made for other APIs")
    });
    secret.and(audience)
}

/// Reports entries that one `iss` could be for, and too many tenants.
pub(super) fn conflicts<'t>(node: &Node<'_>, takes: &'t [Option<Takes>]) {
    let pattern = |(index, takes): (usize, &'t Option<Takes>)| match &takes.as_ref()?.name {
        IssuerName::PerTenant { pattern, tenants } => Some((index, pattern, tenants)),
        IssuerName::Exact(_) | IssuerName::Unnamed => None,
    };
    let patterns: Vec<(usize, &TenantPattern, &Tenants)> = takes.iter().enumerate().filter_map(pattern).collect();
    let (mut of_listed, mut count) = (HashMap::new(), 0_usize);
    let mut clashing = Vec::new();
    for (index, pattern, tenants) in &patterns {
        let Tenants::Listed(tenants) = tenants else { continue };
        let before = count;
        count = count.saturating_add(tenants.len());
        if count > MAX_TENANTS && before <= MAX_TENANTS {
            node.walk.report(&format_args!("{}[{index}].tenants", node.place), TOO_MANY);
        }
        for tenant in tenants {
            clashing.extend(of_listed.insert(pattern.of(tenant), *index).map(|first| (first, *index)));
        }
    }
    for (index, pattern, tenants) in &patterns {
        if **tenants != Tenants::Any {
            continue;
        }
        let listed = of_listed.iter().filter(|(iss, _)| pattern.tenant_of(iss).is_some());
        clashing.extend(listed.map(|(_, other)| (*index.min(other), *index.max(other))));
        let open = patterns.iter().filter(|(other, ..)| other > index);
        let open = open.filter(|(_, other, tenants)| **tenants == Tenants::Any && pattern.overlaps(other));
        clashing.extend(open.map(|(other, ..)| (*index, *other)));
    }
    clashing.sort_unstable();
    clashing.dedup();
    for (first, second) in clashing {
        let issue = format!("issuers[{first}] can take the same `iss`; one tenant may stand in one entry only");
        node.walk.report(&format_args!("{}[{second}].issuer", node.place), issue);
    }
}

/// Warns where subjects, roles and groups of different tenants would be taken for the same, and of `{tenant}` where there is none.
pub(super) fn warn(walk: &Walk<'_>, issuers: &[IssuerSettings], routes: &Routes, forwarding: &Forwarding) {
    const NEVER_THERE: &str = "no `issuer` holds `{tenant}`, so the claim `{tenant}` is never there";
    let tenants = |issuer: &IssuerSettings| match &issuer.name {
        IssuerName::PerTenant { tenants: Tenants::Listed(tenants), .. } => tenants.len(),
        IssuerName::PerTenant { tenants: Tenants::Any, .. } => usize::MAX,
        IssuerName::Exact(_) | IssuerName::Unnamed => 0,
    };
    for (index, issuer) in issuers.iter().enumerate().filter(|(_, issuer)| tenants(issuer) == 0) {
        let claims = &issuer.claims;
        let fields = [
            ("audience_claim", claims.audience_claim.iter().any(is_tenant)),
            ("required_claims", claims.required.iter().any(|(claim, _)| is_tenant(claim))),
            ("scope_claims", claims.scope_claims.iter().any(is_tenant)),
        ];
        for (field, _) in fields.iter().filter(|(_, named)| *named) {
            let place = format_args!("issuers[{index}].{field}");
            walk.warning(&place, "`issuer` does not hold `{tenant}`, so the claim `{tenant}` is never there");
        }
    }
    let with_tenants: Vec<_> = issuers.iter().filter(|issuer| tenants(issuer) > 0).collect();
    let Some(first) = with_tenants.first() else {
        let fields = [
            ("principal", forwarding.principal.iter().all(is_tenant)),
            ("context", forwarding.context.iter().any(|(_, claim)| is_tenant(claim))),
            ("usage_identifier_key", forwarding.usage_identifier_key.iter().any(is_tenant)),
        ];
        for (field, _) in fields.iter().filter(|(_, named)| *named) {
            walk.warning(field, NEVER_THERE);
        }
        let named = |way: &Alternative| way.claims.iter().any(|need| is_tenant(&need.claim));
        for (index, _) in routes.entries().iter().enumerate().filter(|(_, route)| route.need.any_of.iter().any(named)) {
            walk.warning(&format_args!("routes[{index}]"), NEVER_THERE);
        }
        return;
    };
    if with_tenants.iter().fold(0, |sum: usize, issuer| sum.saturating_add(tenants(issuer))) < 2 {
        return;
    }
    // What all entries with tenants compare with the tenant says as much as `{tenant}`.
    let common = first.claims.tenant_claim.as_ref();
    let common =
        common.filter(|claim| with_tenants.iter().all(|issuer| issuer.claims.tenant_claim.as_ref() == Some(claim)));
    let same: Vec<&ClaimName> = common.into_iter().collect();
    let mut ways = routes.entries().iter().flat_map(|route| &route.need.any_of);
    if !ways.any(|way| names_tenant(way, &same)) {
        let maps = |issuer: &IssuerSettings| tenants(issuer) > 0 && issuer.claims.scope_map.entries().next().is_some();
        for (index, _) in issuers.iter().enumerate().filter(|(_, issuer)| maps(issuer)) {
            walk.warning(
                &format_args!("issuers[{index}].scope_map"),
                "groups and roles are unique within a tenant only, and each tenant chooses the names of its own; have routes look at the \
                 claim `{tenant}` as well",
            );
        }
    }
    for (index, route) in routes.entries().iter().enumerate() {
        let bound = |way: &Alternative| way.claims.iter().any(ClaimNeed::is_bound) && !names_tenant(way, &same);
        if route.need.any_of.iter().any(bound) {
            walk.warning(
                &format_args!("routes[{index}]"),
                "a claim is compared with the path, and what another tenant's tokens say there passes as well: subjects, roles and \
                 groups are unique within a tenant only; add the claim `{tenant}`, with a parameter of the path or the tenant's name",
            );
        }
    }
}

/// Whether the tenants are told apart. That there is a tenant tells nothing.
fn names_tenant(way: &Alternative, same: &[&ClaimName]) -> bool {
    let tells = |need: &ClaimNeed| need.values.iter().all(|value| *value != ClaimValue::Fixed(Accepted::Present));
    way.claims.iter().any(|need| (is_tenant(&need.claim) || same.contains(&&need.claim)) && tells(need))
}

fn is_tenant(claim: &ClaimName) -> bool {
    match claim {
        ClaimName::Member(name) => name == TENANT_CLAIM,
        ClaimName::Pointer(pointer) => pointer.strip_prefix('/') == Some(TENANT_CLAIM),
        ClaimName::Everything => false,
    }
}
