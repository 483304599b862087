//! Unverified token -> the issuer that it may be from.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::algorithm::{Algorithm, Family};
use crate::claims::ClaimRules;
use crate::error::Error;
use crate::keys::{KeyAccess, KeySettings, KeySource};
use crate::tenant::{TenantPattern, Tenants};
use crate::token::{self, Unverified};

/// An entry of `issuers` as configured.
pub(crate) type IssuerSettings = Issuer<KeySettings>;

/// Who may have issued a token, and what such tokens must say.
pub(crate) struct Issuer<K = KeySource> {
    pub(crate) name: IssuerName,
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) keys: K,
    pub(crate) claims: ClaimRules,
}

/// The `iss` that an entry is for.
#[derive(Clone)]
pub(crate) enum IssuerName {
    /// This one, compared byte for byte.
    Exact(String),
    /// That of any accepted tenant.
    PerTenant { pattern: TenantPattern, tenants: Tenants },
    /// One that is absent or that no other entry is for.
    Unnamed,
}

impl IssuerName {
    /// As the configuration has it.
    pub(crate) fn as_configured(&self) -> Option<&str> {
        match self {
            Self::Exact(name) => Some(name),
            Self::PerTenant { pattern, .. } => Some(pattern.as_str()),
            Self::Unnamed => None,
        }
    }

    /// Whether tokens with this `iss` are for the entry.
    #[cfg(feature = "authz")]
    pub(crate) fn takes(&self, iss: &str) -> bool {
        match self {
            Self::Exact(name) => name == iss,
            Self::PerTenant { pattern, tenants } => pattern.tenant_of(iss).is_some_and(|tenant| match tenants {
                Tenants::Listed(tenants) => tenants.iter().any(|listed| listed == tenant),
                Tenants::Any => true,
            }),
            Self::Unnamed => false,
        }
    }
}

impl Issuer {
    /// Makes the key source that the settings describe.
    ///
    /// # Errors
    /// If the keys have to be fetched and TLS cannot be set up.
    pub(crate) fn new(settings: IssuerSettings, access: &KeyAccess) -> Result<Self, &'static str> {
        let Issuer { name, algorithms, keys, claims } = settings;
        let keys = KeySource::new(keys, name.as_configured().unwrap_or_default(), &algorithms, access)?;
        Ok(Self { name, algorithms, keys, claims })
    }

    /// Whether the entry takes this algorithm: it is allowed, and it uses the kind of key that the entry has.
    fn takes(&self, alg: Algorithm) -> bool {
        let secret = matches!(self.keys, KeySource::Secrets(_));
        secret == (alg.family() == Family::Secret) && self.algorithms.contains(&alg)
    }
}

/// All entries, and which `iss` each is for.
pub(crate) struct Issuers {
    entries: Vec<Issuer>,
    /// Every `iss` that is known in advance, those of listed tenants included, so that many cost hardly more than one.
    known: BTreeMap<String, Known>,
    /// The entries for any tenant, by their place.
    open: Vec<usize>,
    /// The entries without a name, by their place.
    unnamed: Vec<usize>,
}

/// The entries for one `iss`, by their place, and the tenant that it names.
#[derive(Default)]
struct Known {
    entries: Vec<usize>,
    tenant: Option<Arc<str>>,
}

/// The entry for a token, and the tenant of it that the token's `iss` names.
pub(crate) struct Selected<'i> {
    pub(crate) issuer: &'i Issuer,
    pub(crate) tenant: Option<Arc<str>>,
}

impl Issuers {
    /// Finds out which `iss` each entry is for. An entry with a name of its own goes before the tenants of a pattern.
    pub(crate) fn new(entries: Vec<Issuer>) -> Self {
        let (mut known, mut open, mut unnamed) = (BTreeMap::<String, Known>::new(), Vec::new(), Vec::new());
        for (index, entry) in entries.iter().enumerate() {
            match &entry.name {
                IssuerName::Exact(name) => known.entry(name.clone()).or_default().entries.push(index),
                IssuerName::PerTenant { tenants: Tenants::Listed(_), .. } => {}
                IssuerName::PerTenant { tenants: Tenants::Any, .. } => open.push(index),
                IssuerName::Unnamed => unnamed.push(index),
            }
        }
        for (index, entry) in entries.iter().enumerate() {
            if let IssuerName::PerTenant { pattern, tenants: Tenants::Listed(tenants) } = &entry.name {
                for tenant in tenants {
                    let of_tenant = || Known { entries: vec![index], tenant: Some(tenant.as_str().into()) };
                    known.entry(pattern.of(tenant)).or_insert_with(of_tenant);
                }
            }
        }
        Self { entries, known, open, unnamed }
    }

    /// The entry at this place in the configuration.
    pub(crate) fn get(&self, place: usize) -> Option<&Issuer> {
        self.entries.get(place)
    }

    /// The entries, as the configuration orders them.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Issuer> {
        self.entries.iter()
    }

    /// Chooses the entry whose issuer a token names and whose kind of key its algorithm needs.
    ///
    /// # Errors
    /// [`Error::UnknownIssuer`] if no entry is for this `iss`, a tenant that is not listed included;
    /// [`Error::UnsupportedAlgorithm`] if none of those takes its `alg`.
    pub(crate) fn select(&self, token: &Unverified<'_>) -> Result<Selected<'_>, Error> {
        let (places, tenant) = match token.iss() {
            token::Issuer::Named(name) => match self.known.get(name) {
                Some(known) => (&known.entries, known.tenant.clone()),
                None => match self.of_any_tenant(name) {
                    Some(selected) if selected.issuer.takes(token.alg()) => return Ok(selected),
                    Some(_) => return Err(Error::UnsupportedAlgorithm),
                    None if self.name_a_tenant(name) => return Err(Error::UnknownIssuer),
                    None => (&self.unnamed, None),
                },
            },
            token::Issuer::Absent => (&self.unnamed, None),
            token::Issuer::Malformed => return Err(Error::UnknownIssuer),
        };
        let mut entries = places.iter().filter_map(|place| self.entries.get(*place)).peekable();
        if entries.peek().is_none() {
            return Err(Error::UnknownIssuer);
        }
        let issuer = entries.find(|issuer| issuer.takes(token.alg())).ok_or(Error::UnsupportedAlgorithm)?;
        Ok(Selected { issuer, tenant })
    }

    /// The entry for any tenant whose pattern an `iss` matches, and the tenant.
    fn of_any_tenant(&self, iss: &str) -> Option<Selected<'_>> {
        self.open.iter().filter_map(|place| self.entries.get(*place)).find_map(|issuer| {
            let IssuerName::PerTenant { pattern, .. } = &issuer.name else {
                return None;
            };
            Some(Selected { issuer, tenant: Some(pattern.tenant_of(iss)?.into()) })
        })
    }

    /// Whether an entry has tenants.
    pub(crate) fn have_tenants(&self) -> bool {
        self.entries.iter().any(|issuer| matches!(issuer.name, IssuerName::PerTenant { .. }))
    }

    /// Whether an `iss` names a tenant of some entry, listed or not. Then no entry without a name is for it.
    pub(crate) fn name_a_tenant(&self, iss: &str) -> bool {
        self.entries.iter().any(|issuer| match &issuer.name {
            IssuerName::PerTenant { pattern, .. } => pattern.tenant_of(iss).is_some(),
            IssuerName::Exact(_) | IssuerName::Unnamed => false,
        })
    }
}
