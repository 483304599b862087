//! Which key verifies a token: chosen among an issuer's configured ones, never by anything a token points to.

mod aws_extension;
mod cache;
mod disguise;
mod fetch;
mod jwk;
mod jwk_set;
mod jwks_source;
mod remote_jwks;
mod secret;
mod side_by_side;
#[cfg(test)]
mod test_log;
mod url;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use aws_extension::{Extension, FetchedSecret, Previous, SecretLocation, StoredSecret};
#[cfg(test)]
pub(crate) use fetch::Fetched;
pub(crate) use fetch::{Fetch, Network, SessionToken, Trust};
#[cfg(test)]
pub(crate) use jwk::{PublicKey, Unusable};
pub(crate) use jwk_set::{KeySet, NotAKeySet};
pub(crate) use remote_jwks::{Address, CacheTimes, RemoteKeys, Seed};
pub(crate) use secret::{Encoding, Secret, doubt};
pub(crate) use url::KeyUrl;

use crate::error::Error;
use crate::signature::Signed;
use crate::time::Deadline;
use crate::token::Unverified;
use aws_extension::Certainty;
pub(crate) use side_by_side::side_by_side;

/// Where the keys of an issuer come from.
pub(crate) enum KeySource {
    /// Shared secrets, any of which may have signed.
    Secrets(Secrets),
    /// A key set that came with the configuration.
    Fixed(KeySet),
    /// A key set that is fetched.
    Remote(Box<RemoteKeys>),
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
        if !has_a_fitting_signature(&token) {
            // It is by no secret, so none is waited for.
            return Err(Error::InvalidSignature);
        }
        let mut token = match signed_by_one_of(&self.fixed, token) {
            Ok(signed) => return Ok(signed),
            Err(token) => token,
        };
        // None of those that are there waits for one that has to be read.
        for versions in self.fetched.iter().filter_map(FetchedSecret::fresh) {
            token = match signed_by_one_of(versions.secrets(), token) {
                Ok(signed) => return Ok(signed),
                Err(token) => token,
            };
        }
        let mut refusal = Error::InvalidSignature;
        for versions in side_by_side(self.fetched.iter().map(|secret| secret.versions(deadline))).await {
            let Ok(versions) = versions else {
                refusal = Error::KeysUnavailable;
                continue;
            };
            token = match signed_by_one_of(versions.secrets(), token) {
                Ok(signed) => return Ok(signed),
                Err(token) => token,
            };
            refusal = match (refusal, versions.certainty(self.cooldown)) {
                (Error::KeysUnavailable, _) | (_, Certainty::Missing) => Error::KeysUnavailable,
                (_, Certainty::Old) => Error::InvalidSignatureUnderOldKeys,
                (refusal, Certainty::Recent) => refusal,
            };
        }
        Err(refusal)
    }

    /// Which encoding the secret that has signed this token is taken to have, if it would verify in another. The token is
    /// none the better for it.
    pub(crate) fn misread_as(&self, token: &Unverified<'_>) -> Option<Encoding> {
        let signed = |secret: &Secret| {
            let (key, encoding) = secret.misread(token.alg())?;
            key.has_signed(token).then_some(encoding)
        };
        let fetched = || self.fetched.iter().filter_map(FetchedSecret::held);
        let fixed = self.fixed.iter().find_map(signed);
        fixed.or_else(|| fetched().find_map(|versions| versions.secrets().find_map(signed)))
    }
}

/// Whether the signature has a length that its algorithm can give it.
fn has_a_fitting_signature(token: &Unverified<'_>) -> bool {
    token.alg().signature_bytes().contains(&token.signature().len())
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

impl KeySource {
    /// Verifies a token with the key it names; one that names none, with the only key that fits its algorithm. `chosen` is
    /// the name of that key, whether it has signed or not. Nothing is waited for beyond the deadline.
    ///
    /// # Errors
    /// [`Error::UnknownKey`], [`Error::InvalidSignature`], or what may heal by itself: [`Error::InvalidSignatureUnderOldKeys`],
    /// and [`Error::KeysUnavailable`] if a key that might fit could not be had.
    pub(crate) async fn verify(
        &self,
        token: Unverified<'_>,
        deadline: Deadline,
        chosen: &mut Option<String>,
    ) -> Result<Signed, Error> {
        match self {
            Self::Secrets(secrets) => secrets.verify(token, deadline).await,
            Self::Fixed(keys) => {
                let key = keys.find(token.alg(), token.kid()).ok_or(Error::UnknownKey)?;
                chosen.clone_from(&key.kid);
                Signed::by(&key.verifying, token).map_err(|_| Error::InvalidSignature)
            }
            Self::Remote(keys) => keys.verify(token, deadline, chosen).await,
        }
    }

    /// Fetches what has to be fetched.
    pub(crate) async fn warm_up(&self) {
        if let Self::Remote(keys) = self {
            keys.warm_up().await;
        }
    }
}

/// Fetched sets are shared by all invocations under way.
pub(crate) type SharedFetch = Arc<dyn Fetch>;
