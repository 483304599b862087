//! Where the key sets of an issuer are fetched from.

use super::tenants::issuer_member;
use super::walk::Fields;
use crate::issuer::IssuerName;
use crate::keys::{Address, CacheTimes, KeySettings, KeyUrl, Seed, TenantSettings};
use crate::tenant::{PLACEHOLDER, TenantPattern, Tenants};

const NO_DISCOVERY: &str = "to find its keys by OIDC discovery, an issuer is an `https://` address, without query, fragment and white \
                            space, and no variable in it is empty; else set `jwks_uri`, `jwks`, `jwks_file` or `secret`";
pub(super) const NOT_AN_ADDRESS: &str =
    "expected an address that begins with `https://` (or with `http://` on a loopback host) and holds no user name";
const ONE_SET: &str = "with `tenants` `any`, expected the address of the one key set for all tenants, without `{tenant}`, or `jwks` or `jwks_file`";

/// Reads `jwks_uri`; without it, keys are found by discovery.
pub(super) fn remote(
    fields: &Fields<'_>,
    name: Option<&IssuerName>,
    seed: Option<Option<Seed>>,
    times: Option<CacheTimes>,
) -> Option<KeySettings> {
    let uri = match fields.optional("jwks_uri") {
        Some(node) => Some(node.text(NOT_AN_ADDRESS)?),
        None => None,
    };
    let uri = uri.as_deref();
    let for_each_tenant = uri.is_none_or(|uri| uri.contains(PLACEHOLDER));
    match name {
        Some(IssuerName::PerTenant { pattern, tenants: Tenants::Listed(tenants) }) if for_each_tenant => {
            let tenants = of_tenants(fields, pattern, tenants, uri);
            if let Some(seed) = fields.optional("jwks_seed_file") {
                return seed.reject("only for one key set; here each tenant has its own");
            }
            Some(KeySettings::PerTenant { tenants: tenants?, times: times? })
        }
        Some(IssuerName::PerTenant { tenants: Tenants::Any, .. }) if for_each_tenant => {
            match fields.optional("jwks_uri") {
                Some(node) => node.reject(ONE_SET),
                None => fields.required("jwks_uri", ONE_SET).and(None),
            }
        }
        name => {
            let issuer = name.and_then(IssuerName::as_configured);
            let address = match uri {
                None => discovered(fields, issuer?),
                // Without a name, what is wrong with `issuer` has been said.
                Some(_) if for_each_tenant => name
                    .and_then(|_| fields.optional("jwks_uri"))?
                    .reject("`{tenant}` stands here only if `issuer` holds it as well"),
                Some(uri) => fixed(fields, uri),
            };
            let (address, issuer, member) = (address?, issuer?.to_owned(), issuer_member(name));
            Some(KeySettings::Remote { issuer, address, seed: seed?, times: times?, member })
        }
    }
}

/// The address of each listed tenant's key set.
fn of_tenants(
    fields: &Fields<'_>,
    pattern: &TenantPattern,
    tenants: &[String],
    uri: Option<&str>,
) -> Option<Vec<TenantSettings>> {
    let settings = |tenant: &String| {
        let issuer = pattern.of(tenant);
        let address = match uri {
            None => discovered(fields, &issuer),
            Some(uri) => fixed(fields, &uri.replace(PLACEHOLDER, tenant)),
        };
        Some(TenantSettings { tenant: tenant.clone(), address: address?, issuer })
    };
    // What is wrong with the address of one is so with that of each, and said once.
    tenants.iter().map(settings).collect()
}

fn discovered(fields: &Fields<'_>, issuer: &str) -> Option<Address> {
    let document = KeyUrl::discovery(issuer).map(Address::Discovered);
    document.or_else(|| fields.optional("issuer")?.reject(NO_DISCOVERY))
}

fn fixed(fields: &Fields<'_>, uri: &str) -> Option<Address> {
    KeyUrl::parse(uri).map(Address::Fixed).or_else(|| fields.optional("jwks_uri")?.reject(NOT_AN_ADDRESS))
}
