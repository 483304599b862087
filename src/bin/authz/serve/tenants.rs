//! Issuers with tenants, as the development issuer plays them: as an issuer for each of a few tenants.

use serde_json::{Value, json};

/// Where the tenant stands, and the claim that it becomes.
pub(super) const TENANT: &str = "{tenant}";
/// Of how many tenants there are users.
const MAX_TENANTS: usize = 3;
/// The tenant of an entry that takes any.
const SOME_TENANT: &str = "some-tenant";

/// The entries of `issuers`. One with tenants is there for each of the first of them, named second, and asks for its tenant.
pub(super) fn entries(document: &Value) -> Vec<(Value, Option<String>)> {
    let mut entries = Vec::new();
    for entry in document.get("issuers").and_then(Value::as_array).into_iter().flatten().cloned() {
        let issuer = entry.get("issuer").and_then(Value::as_str).filter(|issuer| issuer.contains(TENANT));
        let Some(issuer) = issuer.map(str::to_owned) else {
            entries.push((entry, None));
            continue;
        };
        for tenant in listed(&entry) {
            let mut entry = entry.clone();
            let claim = entry.get("tenant_claim").and_then(Value::as_str).map(str::to_owned);
            let Some(members) = entry.as_object_mut() else { continue };
            members.insert("issuer".to_owned(), issuer.replace(TENANT, &tenant).into());
            if let Some(claim) = claim {
                let required = members.entry("required_claims").or_insert_with(|| json!({}));
                required.as_object_mut().map(|required| required.insert(claim, tenant.as_str().into()));
            }
            entries.push((entry, Some(tenant)));
        }
    }
    entries
}

/// Lists some tenant where an entry takes any: the development issuer's keys do not say whose they are.
pub(super) fn list_tenants(entry: &mut Value) {
    if entry.get("tenants").is_some_and(|tenants| tenants == "any")
        && let Some(members) = entry.as_object_mut()
    {
        members.insert("tenants".to_owned(), json!([SOME_TENANT]));
    }
}

fn listed(entry: &Value) -> Vec<String> {
    match entry.get("tenants") {
        Some(Value::Array(tenants)) => {
            tenants.iter().filter_map(Value::as_str).take(MAX_TENANTS).map(str::to_owned).collect()
        }
        _ => vec![SOME_TENANT.to_owned()],
    }
}
