//! Published vectors, as key, signing input and signature: their payloads are not claims.

mod prints;
mod rfc;
mod wycheproof;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::JwtVerifier as _;
use jsonwebtoken::signature::Verifier as _;
use serde_json::Value;

use super::{Key, VerifyingKey, hmac};
use crate::algorithm::Algorithm;
use crate::keys::PublicKey;

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// The key of a JWK, by the rules of `keys/jwk.rs`.
#[track_caller]
fn key(jwk: &Value, algorithm: Algorithm) -> VerifyingKey {
    PublicKey::parse(&jwk.to_string(), &[algorithm]).unwrap().verifying
}

fn accepts(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    key.verify(message, &signature.to_vec()).is_ok()
}

#[test]
fn a_key_says_its_algorithm_by_the_name_that_tokens_use() {
    for name in
        ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
    {
        let key = Key::Secret(Box::new(hmac::Key::new(hmac::HMAC_SHA256, b"any")));
        let key = VerifyingKey { algorithm: Algorithm::named(name).unwrap(), key };
        assert_eq!(key.algorithm(), name.parse().unwrap(), "{name}");
    }
}
