//! Published test vectors, verified as key, signing input and signature, because their payloads are not claims.

mod prints;
mod rfc;
mod wycheproof;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::signature::Verifier as _;
use serde_json::Value;

use super::VerifyingKey;
use crate::algorithm::Algorithm;
use crate::keys::{KeyRules, PublicKey};

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// Parses a JWK by the rules of `keys/jwk.rs`.
#[track_caller]
fn key(jwk: &Value, algorithm: Algorithm) -> VerifyingKey {
    PublicKey::parse(&jwk.to_string(), &KeyRules::of_one_issuer(&[algorithm])).unwrap().verifying
}

fn accepts(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    key.verify(message, &signature.to_vec()).is_ok()
}
