//! Shared secrets -> HMAC keys (RFC 7518 section 3.2).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::disguise::is_key;
use crate::algorithm::Algorithm;
use crate::signature::VerifyingKey;

/// What is said of a secret that is none.
const IS_A_KEY: &str = "the secret is a key or a certificate (PEM, JWK, DER, or one in base64 or hex); public keys go into `jwks` or `jwks_file`";

/// How a secret is written where it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// The text's bytes are the secret.
    Utf8,
    /// RFC 4648 section 4, padded or not.
    Base64,
    /// RFC 4648 section 5, padded or not.
    Base64Url,
}

/// A secret as one key for each HMAC algorithm that its issuer allows. It never prints.
#[derive(Debug)]
pub(crate) struct Secret {
    keys: Vec<VerifyingKey>,
    /// Those of the same text in another encoding, for hints alone: nothing is ever accepted by them.
    misread: Vec<VerifyingKey>,
    encoding: Encoding,
}

impl Secret {
    /// Decodes a secret and makes its keys.
    ///
    /// # Errors
    /// What is wrong with it, in words that hold nothing of it: empty, not in its encoding, shorter than the longest
    /// allowed hash, or a key that somebody mistook for a secret.
    pub(crate) fn new(text: &[u8], encoding: Encoding, algorithms: &[Algorithm]) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("the secret is empty");
        }
        if is_key(text) {
            return Err(IS_A_KEY);
        }
        let secret = match encoding {
            Encoding::Utf8 => text.to_vec(),
            Encoding::Base64 => {
                decode(alphabet::STANDARD, text).ok_or("the secret is not base64 as its `encoding` says")?
            }
            Encoding::Base64Url => {
                decode(alphabet::URL_SAFE, text).ok_or("the secret is not base64url as its `encoding` says")?
            }
        };
        if is_key(&secret) {
            return Err(IS_A_KEY);
        }
        match algorithms.iter().map(|algorithm| algorithm.secret_bytes()).max() {
            Some(64) if secret.len() < 64 => return Err("the secret is shorter than the 64 bytes that HS512 needs"),
            Some(48) if secret.len() < 48 => return Err("the secret is shorter than the 48 bytes that HS384 needs"),
            _ if secret.len() < 32 => return Err("the secret is shorter than the 32 bytes that HS256 needs"),
            _ => {}
        }
        let keys = |secret: &[u8]| {
            algorithms.iter().filter_map(|algorithm| VerifyingKey::secret(*algorithm, secret)).collect()
        };
        let misread = match encoding {
            Encoding::Utf8 => decode(alphabet::STANDARD, text).or_else(|| decode(alphabet::URL_SAFE, text)),
            Encoding::Base64 | Encoding::Base64Url => Some(text.to_vec()),
        };
        Ok(Self { keys: keys(&secret), misread: misread.map(|secret| keys(&secret)).unwrap_or_default(), encoding })
    }

    /// The key for an algorithm that the same text in another encoding would make, and how it is read now.
    pub(crate) fn misread(&self, alg: Algorithm) -> Option<(&VerifyingKey, Encoding)> {
        let key = self.misread.iter().find(|key| key.alg() == alg)?;
        Some((key, self.encoding))
    }

    /// The key for an algorithm.
    pub(crate) fn key(&self, alg: Algorithm) -> Option<&VerifyingKey> {
        self.keys.iter().find(|key| key.alg() == alg)
    }
}

/// Padding is part of the text or not; trailing bits never are.
fn decode(alphabet: alphabet::Alphabet, text: &[u8]) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&alphabet, config).decode(text).ok()
}

/// What a secret was probably copied with, though it may be meant.
pub(crate) fn doubt(text: &[u8]) -> Option<&'static str> {
    let in_quotes = || matches!(text, [b'"', .., b'"'] | [b'\'', .., b'\'']);
    let object = || serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(text).is_ok();
    if text.last().is_some_and(u8::is_ascii_whitespace) {
        Some("it ends in white space, which is part of it")
    } else if in_quotes() {
        Some("it stands in quotes, which are part of it")
    } else if object() {
        Some("it reads as a JSON object; `field` names the member of a stored one")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HS256: &[Algorithm] = &[Algorithm::Hs256];

    #[track_caller]
    fn refused(text: &str, encoding: Encoding, algorithms: &[Algorithm], expected: &str) {
        assert_eq!(Secret::new(text.as_bytes(), encoding, algorithms).map(|_| ()), Err(expected));
    }

    #[test]
    fn a_secret_is_as_long_as_the_longest_allowed_hash() {
        for (algorithm, bytes) in [(Algorithm::Hs256, 32), (Algorithm::Hs384, 48), (Algorithm::Hs512, 64)] {
            assert!(Secret::new(&vec![b'x'; bytes], Encoding::Utf8, &[algorithm]).is_ok());
            assert!(Secret::new(&vec![b'x'; bytes - 1], Encoding::Utf8, &[algorithm]).is_err());
            assert!(Secret::new(&[b'x'; 200], Encoding::Utf8, &[algorithm]).is_ok(), "longer than a block is fine");
        }
        let both = [Algorithm::Hs256, Algorithm::Hs512];
        refused(&"x".repeat(63), Encoding::Utf8, &both, "the secret is shorter than the 64 bytes that HS512 needs");
        refused("", Encoding::Utf8, HS256, "the secret is empty");
    }

    #[test]
    fn length_counts_after_decoding() {
        let text = "A".repeat(42);
        refused(&text, Encoding::Base64, HS256, "the secret is shorter than the 32 bytes that HS256 needs");
        for text in ["A".repeat(43), format!("{}=", "A".repeat(43))] {
            assert!(Secret::new(text.as_bytes(), Encoding::Base64, HS256).is_ok());
            assert!(Secret::new(text.as_bytes(), Encoding::Base64Url, HS256).is_ok());
        }
        let standard = format!("+/{}", "A".repeat(41));
        refused(&standard, Encoding::Base64Url, HS256, "the secret is not base64url as its `encoding` says");
        let url = format!("-_{}", "A".repeat(41));
        refused(&url, Encoding::Base64, HS256, "the secret is not base64 as its `encoding` says");
    }

    #[test]
    fn a_key_is_not_a_secret() {
        let pem = format!("  \n-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", "A".repeat(64));
        let jwk = format!(r#" {{"kty":"RSA","n":"{}","e":"AQAB"}}"#, "A".repeat(64));
        for key in [pem, jwk] {
            let encoded = base64::engine::general_purpose::STANDARD.encode(&key);
            refused(&key, Encoding::Utf8, HS256, IS_A_KEY);
            refused(&encoded, Encoding::Base64, HS256, IS_A_KEY);
        }
    }
}
