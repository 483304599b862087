//! Unverified token -> the issuer that it may be from.

use crate::algorithm::{Algorithm, Family};
use crate::claims::ClaimRules;
use crate::error::Error;
use crate::keys::{KeyAccess, KeySettings, KeySource};
use crate::token::{self, Unverified};

/// An entry of `issuers` as configured.
pub(crate) type IssuerSettings = Issuer<KeySettings>;

/// Who may have issued a token, and what such tokens must say.
pub(crate) struct Issuer<K = KeySource> {
    /// Compared byte for byte with `iss`. An entry without a name takes tokens whose `iss` is absent or names no other entry.
    pub(crate) name: Option<String>,
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) keys: K,
    pub(crate) claims: ClaimRules,
}

impl Issuer {
    /// Makes the key source that the settings describe.
    ///
    /// # Errors
    /// If the keys have to be fetched and `access` has no network.
    pub(crate) fn new(settings: IssuerSettings, access: &KeyAccess) -> Result<Self, &'static str> {
        let Issuer { name, algorithms, keys, claims } = settings;
        let keys = KeySource::new(keys, name.as_deref().unwrap_or_default(), &algorithms, access)?;
        Ok(Self { name, algorithms, keys, claims })
    }

    /// Chooses the entry whose issuer a token names and whose kind of key its algorithm needs.
    ///
    /// # Errors
    /// [`Error::UnknownIssuer`] if no entry is for this `iss`, [`Error::UnsupportedAlgorithm`] if none of those takes its `alg`.
    pub(crate) fn select<'i>(issuers: &'i [Self], token: &Unverified<'_>) -> Result<&'i Self, Error> {
        let name = match token.iss() {
            token::Issuer::Named(name) if issuers.iter().any(|issuer| issuer.name.as_deref() == Some(name)) => {
                Some(name)
            }
            token::Issuer::Named(_) | token::Issuer::Absent => None,
            token::Issuer::Malformed => return Err(Error::UnknownIssuer),
        };
        let mut named = issuers.iter().filter(|issuer| issuer.name.as_deref() == name).peekable();
        if named.peek().is_none() {
            return Err(Error::UnknownIssuer);
        }
        named.find(|issuer| issuer.takes(token.alg())).ok_or(Error::UnsupportedAlgorithm)
    }

    /// Whether the entry takes this algorithm: it is allowed, and it uses the kind of key that the entry has.
    fn takes(&self, alg: Algorithm) -> bool {
        let secret = matches!(self.keys, KeySource::Secrets(_));
        secret == (alg.family() == Family::Secret) && self.algorithms.contains(&alg)
    }
}
