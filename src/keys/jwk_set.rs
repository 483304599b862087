//! A JWK Set (RFC 7517 section 5) -> the keys of it that can be used.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::jwk::{KeyRules, PublicKey};
use super::unusable::{PassedOver, Unusable, WhyUnknown};
#[cfg(any(feature = "authz", feature = "unstable-internals"))]
use crate::algorithm::Algorithm;
use crate::algorithm::Family;
use crate::json;
use crate::signature::Signed;
use crate::token::{KeyReference, Unverified};

/// How many keys of a set are read: the largest public ones have about 20.
const MAX_KEYS: usize = 100;
/// How many keys are tried for a token that names none: each costs a verification.
const MAX_TRIED: usize = 4;
/// How many keys a line of the log names.
const MAX_NAMED: usize = 10;

/// The usable keys of one issuer.
pub(crate) struct KeySet {
    keys: Vec<Arc<PublicKey>>,
    /// How many are not used: passed over, or there twice.
    pub(super) skipped: usize,
    /// Those of them that were passed over, and why.
    pub(crate) passed_over: Vec<PassedOver>,
}

/// Why a document is not taken as a key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAKeySet {
    /// It is not a JSON object with a list `keys`.
    Malformed,
    /// None of its keys can be used, the first for this reason; without one, it has none.
    NoUsableKey(Option<Unusable>),
}

impl KeySet {
    /// Reads a key set. Keys that cannot be used are passed over, and two different keys with the same `kid` and algorithm
    /// both are, for nothing tells which of them is meant.
    ///
    /// # Errors
    /// [`NotAKeySet`] if it does not parse or no key is left, so that an outage page never replaces a set.
    pub(crate) fn parse(text: &[u8], rules: &KeyRules) -> Result<Self, NotAKeySet> {
        #[derive(Deserialize)]
        struct Document<'a> {
            #[serde(borrow)]
            keys: Vec<&'a RawValue>,
        }
        let document: Document<'_> = json::members(text).map_err(|_| NotAKeySet::Malformed)?;
        let (mut parsed, mut passed_over) = (Vec::new(), Vec::new());
        for key in document.keys.iter().take(MAX_KEYS) {
            match PublicKey::parse(key.get(), rules) {
                Ok(key) => parsed.push(key),
                Err(key) => passed_over.push(key),
            }
        }
        if document.keys.len() > MAX_KEYS {
            passed_over.push(PassedOver { kid: None, reason: Unusable::TooMany });
        }
        let same_name = |a: &PublicKey, b: &PublicKey| a.kid == b.kid && a.verifying.alg() == b.verifying.alg();
        let same_key = |a: &PublicKey, b: &PublicKey| a.verifying.is_same_key(&b.verifying);
        let clashes = |key: &PublicKey| {
            let clash =
                |other| same_name(key, other) && !same_key(key, other) && !key.is_for_another_issuer_than(other);
            key.kid.is_some() && parsed.iter().any(clash)
        };
        let ambiguous: Vec<bool> = parsed.iter().map(clashes).collect();
        let mut keys: Vec<Arc<PublicKey>> = Vec::new();
        for (key, ambiguous) in parsed.into_iter().zip(&ambiguous) {
            let repeats =
                |held: &Arc<PublicKey>| same_name(held, &key) && same_key(held, &key) && held.issuer == key.issuer;
            let repeated = keys.iter().any(repeats);
            if *ambiguous {
                passed_over.push(PassedOver { kid: key.kid, reason: Unusable::SharedKid });
            } else if !repeated {
                keys.push(Arc::new(key));
            }
        }
        let skipped = document.keys.len().saturating_sub(keys.len());
        if keys.is_empty() {
            Err(NotAKeySet::NoUsableKey(passed_over.first().map(|key| key.reason)))
        } else {
            Ok(Self { keys, skipped, passed_over })
        }
    }

    /// The keys for a token's algorithm and issuer.
    fn fitting(&self, token: KeyReference<'_>) -> impl Iterator<Item = &Arc<PublicKey>> {
        self.keys.iter().filter(move |key| key.verifying.alg() == token.alg && key.is_for(token.tenant))
    }

    /// The keys that may have signed a token. There are none if too many would have to be tried.
    pub(crate) fn candidates(&self, token: KeyReference<'_>) -> Vec<&Arc<PublicKey>> {
        match token.kid {
            Some(kid) => self.named(token, kid).into_iter().collect(),
            None => self.unnamed(token),
        }
    }

    /// The key with this `kid`, or else the only key that fits if that has no `kid`.
    fn named(&self, token: KeyReference<'_>, kid: &str) -> Option<&Arc<PublicKey>> {
        self.fitting(token).find(|key| key.kid.as_deref() == Some(kid)).or_else(|| {
            let mut all = self.fitting(token);
            let first = all.next()?;
            (first.kid.is_none() && all.next().is_none()).then_some(first)
        })
    }

    /// The keys that fit. If any of them has a thumbprint that the token has as well, only those whose thumbprint equals
    /// the token's count.
    fn unnamed(&self, token: KeyReference<'_>) -> Vec<&Arc<PublicKey>> {
        let mut thumbprints = token.thumbprints;
        for (which, thumbprint) in thumbprints.iter_mut().enumerate() {
            let has_one = |key: &Arc<PublicKey>| key.thumbprints.get(which).is_some_and(Option::is_some);
            *thumbprint = thumbprint.filter(|_| self.fitting(token).any(has_one));
        }
        // A thumbprint of the token that is not a string equals none.
        let equals =
            |has: &Option<String>, wanted: &Value| has.as_deref().is_some_and(|has| wanted.as_str() == Some(has));
        let agrees = |key: &&Arc<PublicKey>| {
            key.thumbprints.iter().zip(thumbprints).all(|(has, wanted)| wanted.is_none_or(|wanted| equals(has, wanted)))
        };
        let keys: Vec<_> = self.fitting(token).filter(agrees).take(MAX_TRIED.saturating_add(1)).collect();
        if keys.len() > MAX_TRIED { Vec::new() } else { keys }
    }

    /// Verifies a token with these keys, one after the other. `chosen` is the name of the key that has signed it, or of the only
    /// one that may have.
    ///
    /// # Errors
    /// The token itself if none of them has.
    pub(crate) fn signed_by<'a>(
        keys: &[&Arc<PublicKey>],
        token: Unverified<'a>,
        chosen: &mut Option<String>,
    ) -> Result<Signed, Unverified<'a>> {
        let mut token = token;
        for key in keys {
            match Signed::by(&key.verifying, token) {
                Ok(signed) => {
                    chosen.clone_from(&key.kid);
                    return Ok(signed);
                }
                Err(unverified) => token = unverified,
            }
        }
        if let [only] = keys {
            chosen.clone_from(&only.kid);
        }
        Err(token)
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

    /// What its issuer should be told: the keys with which something is wrong, by `kid` and reason.
    pub(crate) fn complaint(&self) -> Option<String> {
        self.listed("keys of the set cannot be used", |key| !key.reason.is_for_something_else())
    }

    /// The keys that are for something else, by `kid` and reason.
    pub(crate) fn others(&self) -> Option<String> {
        self.listed("keys of the set are for something else", |key| key.reason.is_for_something_else())
    }

    fn listed(&self, what: &str, which: impl Fn(&PassedOver) -> bool) -> Option<String> {
        let mut all = self.passed_over.iter().filter(|key| which(key)).map(ToString::to_string);
        let named: Vec<String> = all.by_ref().take(MAX_NAMED).collect();
        let more = match all.count() {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        (!named.is_empty()).then(|| format!("{what}: {}{more}", named.join("; ")))
    }

    /// Why no key serves a token.
    pub(crate) fn why_unknown(&self, token: KeyReference<'_>) -> WhyUnknown {
        let alg = token.alg;
        let Some(kid) = token.kid else {
            let faulty = self.passed_over.iter().any(|key| !key.reason.is_for_something_else());
            return match self.fitting(token).count() {
                0 if faulty => WhyUnknown::PassedOver,
                0..=MAX_TRIED => WhyUnknown::NoSuchKey,
                _ => WhyUnknown::NoKid,
            };
        };
        let named = |name: &Option<String>| name.as_deref() == Some(kid);
        match self.keys.iter().find(|key| named(&key.kid) && key.is_for(token.tenant)) {
            Some(key) if key.names_algorithm || alg.family() != Family::Rsa => WhyUnknown::OtherAlgorithm,
            Some(_) => WhyUnknown::WithoutAlg,
            None if self.passed_over.iter().any(|key| named(&key.kid)) => WhyUnknown::PassedOver,
            None => WhyUnknown::NoSuchKey,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithm::Algorithm;

    /// Points on P-256 and a private key, from RFC 7515 appendix A.3 and RFC 7517 appendix A.
    const ONE: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
    const OTHER: &str = r#""kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM""#;
    const PRIVATE: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"AAAA""#;

    #[track_caller]
    fn complains(keys: &[String], usable: usize, expected: Option<&str>) {
        let set = KeySet::parse(
            format!("{{\"keys\":[{}]}}", keys.join(",")).as_bytes(),
            &KeyRules::of_one_issuer(&[Algorithm::Es256]),
        )
        .unwrap();
        assert_eq!((set.usable(), set.complaint().as_deref()), (usable, expected));
        assert_eq!(Some(set.skipped), keys.len().checked_sub(usable));
    }

    #[test]
    fn a_skipped_key_is_named_with_its_reason() {
        let key = |kid: &str, members: &str| format!("{{\"kid\":\"{kid}\",{members}}}");
        complains(&[key("a", ONE), key("b", OTHER), key("c", r#""kty":"oct""#)], 2, None);
        complains(&[key("a", ONE), key("a", ONE)], 1, None);
        let shared = "a different key of the set has the same `kid` and algorithm";
        complains(
            &[key("a", ONE), key("a", OTHER), key("b", OTHER)],
            1,
            Some(&format!("keys of the set cannot be used: a: {shared}; a: {shared}")),
        );
        complains(
            &[key("a", ONE), key("b", PRIVATE)],
            1,
            Some("keys of the set cannot be used: b: it has private members, so it is no longer secret"),
        );
    }

    #[track_caller]
    fn reason(members: &str, expected: Unusable) {
        let passed_over =
            PublicKey::parse(&format!("{{\"kid\":\"k\",{members}}}"), &KeyRules::of_one_issuer(&Algorithm::WITH_KEYS))
                .err();
        assert_eq!(passed_over, Some(PassedOver { kid: Some("k".to_owned()), reason: expected }), "{members}");
    }

    #[test]
    fn each_fault_of_a_key_has_its_own_reason() {
        let short =
            ONE.replace("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5Q");
        reason(&short, Unusable::Coordinate { name: "y", bytes: 31, needed: 32 });
        reason(&ONE.replace("45a0\"", "45a0=\"").replace("WI5a0", "WI5a0="), Unusable::NotBase64Url("y"));
        reason(r#""kty":"RSA","n":"AQAB==","e":"AQAB""#, Unusable::NotBase64Url("n"));
        reason(r#""kty":"RSA","n":"AQAB","e":"AQAB""#, Unusable::Bits(17));
        reason(r#""kty":"RSA","x5c":["MIIC"]"#, Unusable::CertificatesAlone);
        reason(r#""kty":"RSA","n":"AQAB","e":"AQAB","use":"enc""#, Unusable::OtherUse);
        reason(r#""kty":"RSA","n":"AQAB","e":"AQAB","alg":"RSA-OAEP""#, Unusable::UnknownAlg);
        reason(r#""kty":"RSA","e":"AQAB""#, Unusable::Member("n"));
        reason(
            r#""kty":"EC","crv":"P-521","x":"AA","y":"AA""#,
            Unusable::Coordinate { name: "x", bytes: 1, needed: 66 },
        );
        reason(r#""kty":"EC","crv":"secp256k1","x":"AA","y":"AA""#, Unusable::Type);
        reason(&format!("{ONE},\"alg\":\"RS256\""), Unusable::AlgOfOtherType);
        reason(r#""kty":"oct","k":"AA""#, Unusable::Secret);
        let only = PublicKey::parse(&format!("{{{ONE}}}"), &KeyRules::of_one_issuer(&[Algorithm::Rs256])).err();
        assert_eq!(only, Some(PassedOver { kid: None, reason: Unusable::NotAllowed(Algorithm::Es256) }));
    }

    #[test]
    fn a_member_that_is_null_counts_as_absent() {
        let null = format!("{{{ONE},\"d\":null,\"kid\":null,\"use\":null,\"key_ops\":null,\"alg\":null}}");
        assert_eq!(PublicKey::parse(&null, &KeyRules::of_one_issuer(&[Algorithm::Es256])).unwrap().kid, None);
    }

    #[test]
    fn a_name_that_breaks_lines_is_escaped() {
        let passed_over = PassedOver { kid: Some("a\nb\u{1b}".to_owned()), reason: Unusable::Private };
        assert!(passed_over.to_string().starts_with("a\\nb\\u{1b}: "));
    }
}
