//! Shared secrets -> HMAC keys (RFC 7518 section 3.2).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::disguise::is_key;
use crate::algorithm::Algorithm;
use crate::signature::VerifyingKey;

/// The messages about unusable secrets.
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

impl Encoding {
    /// The bytes of a secret that is written like this.
    ///
    /// # Errors
    /// If the text is not.
    pub(crate) fn bytes(self, text: &[u8]) -> Result<Vec<u8>, &'static str> {
        match self {
            Self::Utf8 => Ok(text.to_vec()),
            Self::Base64 => decode(alphabet::STANDARD, text).ok_or("the secret is not base64 as its `encoding` says"),
            Self::Base64Url => {
                decode(alphabet::URL_SAFE, text).ok_or("the secret is not base64url as its `encoding` says")
            }
        }
    }
}

/// A kind of secret: what is asked of its text, and what is made of it.
pub(crate) trait SecretKind: Send + Sync + Sized {
    /// What is asked of the text.
    type Rules: Clone + Send + Sync;

    /// What a log line calls it.
    const NAME: &'static str;

    /// Reads a secret from the text that is kept.
    ///
    /// # Errors
    /// What is wrong with it, in words that hold nothing of it.
    fn read(text: &[u8], encoding: Encoding, rules: &Self::Rules) -> Result<Self, &'static str>;
}

/// A secret as one key for each HMAC algorithm that its issuer allows. It cannot print.
pub(crate) struct Secret {
    keys: Vec<VerifyingKey>,
    /// Those of the same text read in other ways, for hints alone: nothing is ever accepted by them.
    misread: Vec<(VerifyingKey, Misreading)>,
}

impl SecretKind for Secret {
    /// The algorithms that it is for.
    type Rules = Vec<Algorithm>;

    const NAME: &'static str = "secret";

    /// It is refused if it is empty, not in its encoding, shorter than the longest allowed hash, or a key that somebody mistook
    /// for a secret.
    fn read(text: &[u8], encoding: Encoding, algorithms: &Vec<Algorithm>) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("the secret is empty");
        }
        if is_key(text) {
            return Err(IS_A_KEY);
        }
        let secret = encoding.bytes(text)?;
        if is_key(&secret) {
            return Err(IS_A_KEY);
        }
        match algorithms.iter().map(|algorithm| algorithm.secret_bytes()).max() {
            Some(64) if secret.len() < 64 => return Err("the secret is shorter than the 64 bytes that HS512 needs"),
            Some(48) if secret.len() < 48 => return Err("the secret is shorter than the 48 bytes that HS384 needs"),
            _ if secret.len() < 32 => return Err("the secret is shorter than the 32 bytes that HS256 needs"),
            _ => {}
        }
        let keys = |secret: &[u8]| -> Vec<VerifyingKey> {
            algorithms.iter().filter_map(|algorithm| VerifyingKey::secret(*algorithm, secret)).collect()
        };
        let others = misreadings(text, encoding, &secret);
        let misread = others.iter().flat_map(|(other, reading)| keys(other).into_iter().map(|key| (key, *reading)));
        Ok(Self { misread: misread.collect(), keys: keys(&secret) })
    }
}

impl Secret {
    /// The keys for an algorithm that the same text read in other ways would make.
    pub(crate) fn misread(&self, alg: Algorithm) -> impl Iterator<Item = (&VerifyingKey, Misreading)> {
        self.misread.iter().filter(move |(key, _)| key.alg() == alg).map(|(key, reading)| (key, *reading))
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

/// How a secret should have been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misreading {
    /// As base64, of either alphabet.
    Base64,
    /// As the text it is.
    Text,
    /// As hexadecimal digits.
    Hex,
    /// Without the white space around it.
    WhiteSpace,
    /// Without its quotes.
    Quotes,
    /// As one member of the JSON object that it is.
    Member,
}

/// How many members of a secret that is a JSON object are tried: those of a database's have seven.
const MAX_MEMBERS: usize = 8;

/// The secrets that a text would be if it were read in another way. Most texts have one such reading, as base64.
fn misreadings(text: &[u8], encoding: Encoding, own: &[u8]) -> Vec<(Vec<u8>, Misreading)> {
    let base64 = |text: &[u8]| decode(alphabet::STANDARD, text).or_else(|| decode(alphabet::URL_SAFE, text));
    let mut found = Vec::new();
    // In whichever encoding the part is.
    let mut part = |part: &[u8], reading: Misreading| {
        found.extend([Some(part.to_vec()), base64(part)].into_iter().flatten().map(|secret| (secret, reading)));
    };
    let trimmed = text.trim_ascii();
    if trimmed.len() < text.len() {
        part(trimmed, Misreading::WhiteSpace);
    }
    if let [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] = trimmed {
        part(inner, Misreading::Quotes);
    }
    if trimmed.first() == Some(&b'{')
        && let Ok(members) = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(trimmed)
    {
        members.values().filter_map(|value| value.as_str()).take(MAX_MEMBERS).for_each(|member| {
            part(member.as_bytes(), Misreading::Member);
        });
    }
    match encoding {
        Encoding::Utf8 => found.extend(base64(text).map(|secret| (secret, Misreading::Base64))),
        Encoding::Base64 | Encoding::Base64Url => found.push((text.to_vec(), Misreading::Text)),
    }
    found.extend(hex(text).map(|secret| (secret, Misreading::Hex)));
    found.retain(|(secret, _)| secret != own);
    found
}

/// Hexadecimal digits, two for a byte.
fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?)).collect()
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
        assert_eq!(Secret::read(text.as_bytes(), encoding, &algorithms.to_vec()).map(|_| ()), Err(expected));
    }

    #[test]
    fn a_secret_is_as_long_as_the_longest_allowed_hash() {
        for (algorithm, bytes) in [(Algorithm::Hs256, 32), (Algorithm::Hs384, 48), (Algorithm::Hs512, 64)] {
            assert!(Secret::read(&vec![b'x'; bytes], Encoding::Utf8, &vec![algorithm]).is_ok());
            assert!(Secret::read(&vec![b'x'; bytes - 1], Encoding::Utf8, &vec![algorithm]).is_err());
            assert!(
                Secret::read(&[b'x'; 200], Encoding::Utf8, &vec![algorithm]).is_ok(),
                "longer than a block is fine"
            );
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
            assert!(Secret::read(text.as_bytes(), Encoding::Base64, &HS256.to_vec()).is_ok());
            assert!(Secret::read(text.as_bytes(), Encoding::Base64Url, &HS256.to_vec()).is_ok());
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
