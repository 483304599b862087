//! Unverified token + key -> signed token. The only file that verifies.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::ParsedPublicKey;
use jsonwebtoken::signature::{Error as SignatureError, Verifier};
use serde_json::Value;

use crate::algorithm::Algorithm;
use crate::token::Unverified;

/// A key that is ready to verify one algorithm and no other (RFC 8725 and 8725bis section 3.1).
///
/// The key is parsed once, when its key set is read; the verifiers of `jsonwebtoken` parse it again for every token, and they lack
/// ES512. What they share with this is the [`Verifier`] trait.
pub(crate) struct VerifyingKey {
    algorithm: Algorithm,
    key: Key,
}

enum Key {
    Public(ParsedPublicKey),
    Secret(Box<hmac::Key>),
}

impl VerifyingKey {
    /// Binds a public key to its algorithm. The caller has checked the key's strength.
    pub(crate) fn public(algorithm: Algorithm, key: ParsedPublicKey) -> Self {
        Self { algorithm, key: Key::Public(key) }
    }

    /// Binds a shared secret to one HMAC algorithm; `None` for other algorithms. The caller has checked the secret's length.
    pub(crate) fn secret(algorithm: Algorithm, secret: &[u8]) -> Option<Self> {
        let hash = match algorithm {
            Algorithm::Hs256 => hmac::HMAC_SHA256,
            Algorithm::Hs384 => hmac::HMAC_SHA384,
            Algorithm::Hs512 => hmac::HMAC_SHA512,
            _ => return None,
        };
        Some(Self { algorithm, key: Key::Secret(Box::new(hmac::Key::new(hash, secret))) })
    }

    /// Whether both are the same public key, each for whatever algorithm.
    pub(crate) fn is_same_key(&self, other: &Self) -> bool {
        matches!((&self.key, &other.key), (Key::Public(a), Key::Public(b)) if a.as_ref() == b.as_ref())
    }

    /// The only algorithm it verifies.
    pub(crate) fn alg(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether this key has signed a token. The proof of it, for other code to rely on, is [`Signed::by`].
    pub(crate) fn has_signed(&self, token: &Unverified<'_>) -> bool {
        self.algorithm == token.alg() && self.verify(token.signing_input(), token.signature()).is_ok()
    }
}

impl Verifier<Vec<u8>> for VerifyingKey {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        match &self.key {
            Key::Public(key) => key.verify_sig(message, signature),
            // Compares all bytes, in constant time.
            Key::Secret(key) => hmac::verify(key, message, signature),
        }
        .map_err(|_| SignatureError::new())
    }
}

/// The proof that a configured key has signed a token, so that its claims may be read.
pub(crate) struct Signed {
    typ: Option<String>,
    /// The claims set, a JSON object.
    pub(crate) claims: Value,
}

impl Signed {
    /// Checks a token's signature over its first two segments as they were sent (RFC 7515 section 5.2).
    ///
    /// # Errors
    /// The token itself if this key did not sign it or is for another algorithm, so that the caller can try another key.
    pub(crate) fn by<'a>(key: &VerifyingKey, token: Unverified<'a>) -> Result<Self, Unverified<'a>> {
        if !key.has_signed(&token) {
            return Err(token);
        }
        let (typ, claims) = token.into_contents();
        Ok(Self { typ, claims: Value::Object(claims) })
    }

    /// The `typ` header.
    pub(crate) fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }
}

#[cfg(test)]
mod tests;
