//! A key set for each tenant of an issuer.

use std::collections::HashMap;
use std::sync::Arc;

use super::fetch::Fetch;
use super::jwk::KeyRules;
use super::jwks_source::{Address, CacheTimes};
use super::remote_jwks::RemoteKeys;
use crate::time::Clock;

/// Where the keys of a listed tenant come from.
pub(crate) struct TenantSettings {
    pub(crate) tenant: String,
    /// Its `iss`, which names it in the log and which its discovery document must have.
    pub(crate) issuer: String,
    pub(crate) address: Address,
}

/// The key sets of an issuer's listed tenants. Each has a cache and pauses of its own, so that the others notice neither its
/// rotation nor its outage; none is ever evicted.
pub(crate) struct TenantKeys {
    sets: Vec<RemoteKeys>,
    places: HashMap<String, usize>,
}

impl TenantKeys {
    pub(super) fn new(
        tenants: Vec<TenantSettings>,
        rules: &KeyRules,
        times: CacheTimes,
        fetcher: &Arc<dyn Fetch>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let places = tenants.iter().enumerate().map(|(place, of)| (of.tenant.clone(), place)).collect();
        let set = |TenantSettings { issuer, address, .. }: TenantSettings| {
            RemoteKeys::new(issuer, (address, None), rules.clone(), times, Arc::clone(fetcher), Arc::clone(clock))
        };
        Self { sets: tenants.into_iter().map(set).collect(), places }
    }

    /// The key set of a tenant.
    pub(crate) fn of(&self, tenant: &str) -> Option<&RemoteKeys> {
        self.sets.get(*self.places.get(tenant)?)
    }

    /// All key sets, as the configuration lists their tenants.
    pub(crate) fn all(&self) -> &[RemoteKeys] {
        &self.sets
    }
}
