//! A JWK Set (RFC 7517 section 5) -> the keys of it that can be used.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::jwk::PublicKey;
use crate::algorithm::Algorithm;
use crate::json;

/// How many keys of a set are read: the largest public ones have about 20.
const MAX_KEYS: usize = 100;

/// The usable keys of one issuer.
#[derive(Debug)]
pub(crate) struct KeySet {
    keys: Vec<Arc<PublicKey>>,
    skipped: usize,
}

/// Why a document is not taken as a key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAKeySet {
    /// It is not a JSON object with a list `keys`.
    Malformed,
    /// None of its keys can be used.
    NoUsableKey,
}

impl KeySet {
    /// Reads a key set. Keys that cannot be used are passed over, and two different keys with the same `kid` and algorithm
    /// both are, for nothing tells which of them is meant.
    ///
    /// # Errors
    /// [`NotAKeySet`] if it does not parse or no key is left, so that an outage page never replaces a set.
    pub(crate) fn parse(text: &[u8], allowed: &[Algorithm]) -> Result<Self, NotAKeySet> {
        #[derive(Deserialize)]
        struct Document<'a> {
            #[serde(borrow)]
            keys: Vec<&'a RawValue>,
        }
        let document: Document<'_> = json::members(text).map_err(|_| NotAKeySet::Malformed)?;
        let parsed: Vec<PublicKey> = document
            .keys
            .iter()
            .take(MAX_KEYS)
            .filter_map(|key| PublicKey::parse(key.get(), allowed).ok())
            .collect();
        let namesake = |a: &PublicKey, b: &PublicKey| a.kid == b.kid && a.verifying.alg() == b.verifying.alg();
        let clashes = |key: &PublicKey| {
            key.kid.is_some()
                && parsed
                    .iter()
                    .any(|other| namesake(key, other) && !key.is_same_key(other))
        };
        let ambiguous: Vec<bool> = parsed.iter().map(clashes).collect();
        let mut keys: Vec<Arc<PublicKey>> = Vec::new();
        for (key, ambiguous) in parsed.into_iter().zip(ambiguous) {
            let repeated = keys.iter().any(|held| namesake(held, &key) && held.is_same_key(&key));
            if !ambiguous && !repeated {
                keys.push(Arc::new(key));
            }
        }
        let skipped = document.keys.len().saturating_sub(keys.len());
        if keys.is_empty() {
            Err(NotAKeySet::NoUsableKey)
        } else {
            Ok(Self { keys, skipped })
        }
    }

    /// The key that a token names; for a token that names none, the only key for its algorithm.
    pub(crate) fn find(&self, alg: Algorithm, kid: Option<&str>) -> Option<&Arc<PublicKey>> {
        let mut fitting = self.keys.iter().filter(|key| key.verifying.alg() == alg);
        match kid {
            Some(_) => fitting.find(|key| key.kid.as_deref() == kid),
            None => fitting.next().filter(|_| fitting.next().is_none()),
        }
    }

    /// The names and algorithms of the usable keys.
    #[cfg(feature = "authz")]
    pub(crate) fn names(&self) -> impl Iterator<Item = (Option<&str>, Algorithm)> {
        self.keys.iter().map(|key| (key.kid.as_deref(), key.verifying.alg()))
    }

    /// How many keys can be used.
    pub(crate) fn usable(&self) -> usize {
        self.keys.len()
    }

    /// How many keys were passed over.
    pub(crate) fn skipped(&self) -> usize {
        self.skipped
    }
}
