//! A JWK Set (RFC 7517 section 5) -> the keys of it that can be used.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::jwk::{PublicKey, Unusable};
use crate::algorithm::Algorithm;
use crate::json;

/// How many keys of a set are read: the largest public ones have about 20.
const MAX_KEYS: usize = 100;

/// The usable keys of one issuer.
#[derive(Debug)]
pub(crate) struct KeySet {
    keys: Vec<Arc<PublicKey>>,
    skipped: usize,
    conflicting_kids: usize,
    private: usize,
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
        let (mut parsed, mut private) = (Vec::new(), 0_usize);
        for key in document.keys.iter().take(MAX_KEYS) {
            match PublicKey::parse(key.get(), allowed) {
                Ok(key) => parsed.push(key),
                Err(Unusable::Private) => private = private.saturating_add(1),
                Err(Unusable::Malformed | Unusable::NotForThis | Unusable::Weak) => {}
            }
        }
        let same_name = |a: &PublicKey, b: &PublicKey| a.kid == b.kid && a.verifying.alg() == b.verifying.alg();
        let clashes = |key: &PublicKey| {
            key.kid.is_some() && parsed.iter().any(|other| same_name(key, other) && !key.is_same_key(other))
        };
        let ambiguous: Vec<bool> = parsed.iter().map(clashes).collect();
        let mut keys: Vec<Arc<PublicKey>> = Vec::new();
        for (key, ambiguous) in parsed.into_iter().zip(&ambiguous) {
            let repeated = keys.iter().any(|held| same_name(held, &key) && held.is_same_key(&key));
            if !*ambiguous && !repeated {
                keys.push(Arc::new(key));
            }
        }
        let skipped = document.keys.len().saturating_sub(keys.len());
        let conflicting_kids = ambiguous.iter().filter(|ambiguous| **ambiguous).count();
        if keys.is_empty() {
            Err(NotAKeySet::NoUsableKey)
        } else {
            Ok(Self { keys, skipped, conflicting_kids, private })
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
    #[cfg(any(feature = "authz", feature = "unstable-internals"))]
    pub(crate) fn names(&self) -> impl Iterator<Item = (Option<&str>, Algorithm)> {
        self.keys.iter().map(|key| (key.kid.as_deref(), key.verifying.alg()))
    }

    /// How many keys can be used.
    pub(crate) fn usable(&self) -> usize {
        self.keys.len()
    }

    /// What its issuer should be told, for it is not only a key for something else that was passed over.
    pub(crate) fn complaint(&self) -> Option<String> {
        let counts = [
            (self.conflicting_kids, "that share their kid and algorithm with a different key"),
            (self.private, "with private members, which are no secret any more"),
        ];
        let complaints: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        let all = complaints.join(", ");
        (!all.is_empty()).then(|| format!("keys dropped from the set: {all}"))
    }

    /// How many keys were passed over.
    pub(crate) fn skipped(&self) -> usize {
        self.skipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points on P-256 and a private key, from RFC 7515 appendix A.3 and RFC 7517 appendix A.
    const ONE: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
    const OTHER: &str = r#""kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM""#;
    const PRIVATE: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"AAAA""#;

    #[track_caller]
    fn complains(keys: &[String], usable: usize, expected: Option<&str>) {
        let set = KeySet::parse(format!("{{\"keys\":[{}]}}", keys.join(",")).as_bytes(), &[Algorithm::Es256]).unwrap();
        assert_eq!((set.usable(), set.complaint().as_deref()), (usable, expected));
        assert_eq!(Some(set.skipped()), keys.len().checked_sub(usable));
    }

    #[test]
    fn dropped_namesakes_and_private_keys_are_complained_of_and_others_are_not() {
        let key = |kid: &str, members: &str| format!("{{\"kid\":\"{kid}\",{members}}}");
        complains(&[key("a", ONE), key("b", OTHER), key("c", r#""kty":"oct""#)], 2, None);
        complains(&[key("a", ONE), key("a", ONE)], 1, None);
        complains(
            &[key("a", ONE), key("a", OTHER), key("b", OTHER)],
            1,
            Some("keys dropped from the set: 2 that share their kid and algorithm with a different key"),
        );
        complains(
            &[key("a", ONE), key("b", PRIVATE)],
            1,
            Some("keys dropped from the set: 1 with private members, which are no secret any more"),
        );
    }
}
