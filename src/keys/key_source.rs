//! Where the keys of an issuer come from, and how a token is verified with them.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::aws_extension::{Extension, StoredSecret};
use super::fetch::{Fetch, Network};
use super::join::join_all;
use super::jwk::{IssuerMember, KeyRules};
use super::jwk_set::KeySet;
use super::jwks_source::{Address, CacheTimes};
use super::remote_jwks::{RemoteKeys, Seed};
use super::secret::{Misreading, Secret, SecretKind};
use super::stored_secret::FetchedSecret;
use super::trust::Trust;
use super::unusable::WhyUnknown;
use crate::algorithm::Algorithm;
use crate::error::Error;
use crate::signature::Signed;
use crate::time::{Clock, Deadline};
use crate::token::{KeyReference, Unverified};

/// Where the keys of an issuer come from, as configured.
pub(crate) enum KeySettings {
    /// Shared secrets: given, or kept in a store.
    Secrets { fixed: Vec<Secret>, stored: Vec<StoredSecret>, cooldown: Duration },
    /// A key set that came with the configuration.
    Fixed(KeySet),
    /// A key set that is fetched, and one to start with.
    Remote { issuer: String, address: Address, seed: Option<Seed>, times: CacheTimes, member: IssuerMember },
    /// A key set for each tenant.
    PerTenant { tenants: Vec<TenantSettings>, times: CacheTimes },
}

/// Where the keys of a listed tenant come from.
pub(crate) struct TenantSettings {
    pub(crate) tenant: String,
    /// Its `iss`, which names it in the log and which its discovery document must have.
    pub(crate) issuer: String,
    pub(crate) address: Address,
}

/// What keys and secrets are fetched through. Without any to fetch, no TLS is set up.
pub(crate) struct KeyAccess {
    trust: Trust,
    network: OnceCell<Arc<dyn Fetch>>,
    extension: Arc<Extension>,
    clock: Arc<dyn Clock>,
}

impl KeyAccess {
    /// Nothing is set up yet.
    pub(crate) fn new(trust: Trust, extension: Extension, clock: Arc<dyn Clock>) -> Self {
        Self { trust, network: OnceCell::new(), extension: Arc::new(extension), clock }
    }

    /// The network, which is set up once.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub(crate) fn fetcher(&self) -> Result<Arc<dyn Fetch>, &'static str> {
        if let Some(network) = self.network.get() {
            return Ok(Arc::clone(network));
        }
        let network: Arc<dyn Fetch> = Arc::new(Network::new(self.trust.clone())?);
        Ok(Arc::clone(self.network.get_or_init(|| network)))
    }

    /// A secret that is fetched. The label names the issuer in the log.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub(crate) fn stored<K: SecretKind>(
        &self,
        label: &str,
        secret: StoredSecret<K>,
    ) -> Result<FetchedSecret<K>, &'static str> {
        let (extension, clock) = (Arc::clone(&self.extension), Arc::clone(&self.clock));
        Ok(FetchedSecret::new(label.to_owned(), secret, extension, self.fetcher()?, clock))
    }
}

/// Where the keys of an issuer come from.
pub(crate) enum KeySource {
    /// Shared secrets, any of which may have signed.
    Secrets(Secrets),
    /// A key set that came with the configuration.
    Fixed(KeySet),
    /// A key set that is fetched.
    Remote(Box<RemoteKeys>),
    /// One for each listed tenant, and which is whose. Each has a cache and pauses of its own, so that the others notice neither
    /// its rotation nor its outage; none is ever evicted.
    PerTenant { sets: Vec<RemoteKeys>, places: HashMap<String, usize> },
}

impl KeySource {
    /// Makes the source that the settings describe, for these algorithms. The label names the issuer in the log.
    ///
    /// # Errors
    /// If keys have to be fetched and TLS cannot be set up.
    pub(crate) fn new(
        settings: KeySettings,
        label: &str,
        algorithms: &[Algorithm],
        access: &KeyAccess,
    ) -> Result<Self, &'static str> {
        let remote = |issuer, from, rules, times| -> Result<RemoteKeys, &'static str> {
            Ok(RemoteKeys::new(issuer, from, rules, times, access.fetcher()?, Arc::clone(&access.clock)))
        };
        Ok(match settings {
            KeySettings::Fixed(keys) => Self::Fixed(keys),
            KeySettings::Remote { issuer, address, seed, times, member } => {
                let rules = KeyRules { allowed: algorithms.to_vec(), issuer: member };
                Self::Remote(Box::new(remote(issuer, (address, seed), rules, times)?))
            }
            KeySettings::PerTenant { tenants, times } => {
                let places = tenants.iter().enumerate().map(|(place, of)| (of.tenant.clone(), place)).collect();
                let rules = || KeyRules::of_one_issuer(algorithms);
                let sets = tenants.into_iter().map(|of| remote(of.issuer, (of.address, None), rules(), times));
                Self::PerTenant { sets: sets.collect::<Result<_, _>>()?, places }
            }
            KeySettings::Secrets { fixed, stored, cooldown } => {
                let fetched = stored.into_iter().map(|secret| access.stored(label, secret));
                Self::Secrets(Secrets { fixed, fetched: fetched.collect::<Result<_, _>>()?, cooldown })
            }
        })
    }

    /// Verifies a token with the keys that may have signed it ([`KeySet::candidates`]). `chosen` is the name of the key that has,
    /// or of the only one that may have. The tenant is the one that the token's `iss` names. Nothing is waited for beyond the
    /// deadline.
    ///
    /// # Errors
    /// [`Error::UnknownKey`], [`Error::InvalidSignature`], or what may heal by itself: [`Error::InvalidSignatureUnderOldKeys`],
    /// and [`Error::KeysUnavailable`] if a key that might fit could not be had.
    pub(crate) async fn verify(
        &self,
        token: Unverified<'_>,
        tenant: Option<&str>,
        deadline: Deadline,
        chosen: &mut Option<String>,
    ) -> Result<Signed, Error> {
        match self {
            Self::Secrets(secrets) => secrets.verify(token, deadline).await,
            Self::Fixed(keys) => {
                let candidates = keys.candidates(token.key(tenant));
                if candidates.is_empty() {
                    return Err(Error::UnknownKey);
                }
                KeySet::signed_by(&candidates, token, chosen).map_err(|_| Error::InvalidSignature)
            }
            Self::Remote(_) | Self::PerTenant { .. } => {
                let keys = self.remote(tenant).ok_or(Error::UnknownIssuer)?;
                keys.verify(token, tenant, deadline, chosen).await
            }
        }
    }

    /// Why no key serves a token; `None` for secrets, and for keys that are not there.
    pub(crate) fn why_unknown(&self, token: KeyReference<'_>) -> Option<WhyUnknown> {
        match self {
            Self::Secrets(_) => None,
            Self::Fixed(keys) => Some(keys.why_unknown(token)),
            Self::Remote(_) | Self::PerTenant { .. } => {
                Some(self.remote(token.tenant.map(|(_, tenant)| tenant))?.held()?.why_unknown(token))
            }
        }
    }

    /// The key set that is fetched for the tokens of a tenant, or of an issuer without tenants.
    pub(crate) fn remote(&self, tenant: Option<&str>) -> Option<&RemoteKeys> {
        match self {
            Self::Remote(keys) => Some(keys),
            Self::PerTenant { sets, places } => sets.get(*places.get(tenant?)?),
            Self::Secrets(_) | Self::Fixed(_) => None,
        }
    }

    /// All key sets that are fetched, those of tenants as the configuration lists them.
    pub(crate) fn remotes(&self) -> &[RemoteKeys] {
        match self {
            Self::Remote(keys) => std::slice::from_ref(&**keys),
            Self::PerTenant { sets, .. } => sets,
            Self::Secrets(_) | Self::Fixed(_) => &[],
        }
    }
}

/// The shared secrets of one issuer.
pub(crate) struct Secrets {
    /// Those that came with the configuration.
    pub(crate) fixed: Vec<Secret>,
    /// Those that are fetched.
    pub(crate) fetched: Vec<FetchedSecret>,
    /// A fetched one that is older may have been rotated since.
    pub(crate) cooldown: Duration,
}

impl Secrets {
    /// # Errors
    /// [`Error::KeysUnavailable`] if one that may have signed could not be read, and [`Error::InvalidSignatureUnderOldKeys`] if
    /// one may have been rotated since it was.
    async fn verify(&self, token: Unverified<'_>, deadline: Deadline) -> Result<Signed, Error> {
        if !token.has_fitting_signature() {
            // It is by no secret, so none is waited for.
            return Err(Error::InvalidSignature);
        }
        // None of those that are there waits for one that has to be read.
        let fresh: Vec<_> = self.fetched.iter().filter_map(FetchedSecret::fresh).collect();
        let secrets = self.fixed.iter().chain(fresh.iter().flat_map(|versions| versions.secrets()));
        let mut token = match signed_by_one_of(secrets, token) {
            Ok(signed) => return Ok(signed),
            Err(token) => token,
        };
        let mut refusal = Error::InvalidSignature;
        for versions in join_all(self.fetched.iter().map(|secret| secret.versions(deadline))).await {
            let Ok(versions) = versions else {
                refusal = Error::KeysUnavailable;
                continue;
            };
            token = match signed_by_one_of(versions.secrets(), token) {
                Ok(signed) => return Ok(signed),
                Err(token) => token,
            };
            refusal = match (refusal, versions.refusal(self.cooldown)) {
                (Error::KeysUnavailable, _) => Error::KeysUnavailable,
                (refusal, Error::InvalidSignature) => refusal,
                (_, refusal) => refusal,
            };
        }
        Err(refusal)
    }

    /// How a secret would have to be read to have signed this token. The token stays refused.
    pub(crate) fn misread_as(&self, token: &Unverified<'_>) -> Option<Misreading> {
        let signed = |secret: &Secret| {
            let mut keys = secret.misread(token.alg());
            keys.find(|(key, _)| key.has_signed(token)).map(|(_, reading)| reading)
        };
        let fetched = || self.fetched.iter().filter_map(FetchedSecret::held);
        let fixed = self.fixed.iter().find_map(signed);
        fixed.or_else(|| fetched().find_map(|versions| versions.secrets().find_map(signed)))
    }
}

/// Tries each secret's key for the token's algorithm.
fn signed_by_one_of<'a, 's>(
    secrets: impl IntoIterator<Item = &'s Secret>,
    token: Unverified<'a>,
) -> Result<Signed, Unverified<'a>> {
    let (alg, mut token) = (token.alg(), token);
    for key in secrets.into_iter().filter_map(|secret| secret.key(alg)) {
        match Signed::by(key, token) {
            Ok(signed) => return Ok(signed),
            Err(unverified) => token = unverified,
        }
    }
    Err(token)
}
