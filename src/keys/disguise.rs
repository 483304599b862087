//! Keys in the place of a secret, in whatever form they were copied: whoever knows a public key could sign with it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::jwk::is_point;
use super::readings::{readings, tails, words};

/// How many encodings may lie around a key: base64 of a PEM text has two, base64 of the hex of a DER file as well.
const MAX_LAYERS: u32 = 6;
/// The moduli of RSA keys in bytes (RFC 7518 section 3.3), the longest that a key set may have included.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
/// And what they are a multiple of.
const MODULUS_STEP: usize = 16;
/// A modulus has no prime factor below this, nor anywhere near it.
const SMALL_FACTORS: u64 = 1 << 16;

/// Whether a text is a key rather than a secret, or holds one: PEM, JWK, DER, a certificate, a point or an SSH key, as it is
/// or in base64 or hex, also percent-encoded or among other text, and the modulus `n` as a JWK writes it.
///
/// Some forms look like random bytes, and are not found: a coordinate by itself, a compressed point, an Ed25519 key without
/// its algorithm, a modulus in another encoding. A modulus is recognized in base64url, as a number of a usual length without
/// small factors. One in forty random secrets of exactly such a length and encoding has none either, and is refused.
pub(super) fn is_key(text: &[u8]) -> bool {
    is_key_within(text, MAX_LAYERS)
}

fn is_key_within(bytes: &[u8], layers: u32) -> bool {
    let Some(inner) = layers.checked_sub(1) else {
        return is_key_itself(bytes);
    };
    is_key_itself(bytes)
        || readings(bytes).iter().any(|read| is_key_within(read, inner))
        || tails(bytes, may_begin_key).iter().any(|tail| is_key_itself(tail))
}

/// Whether bytes are a key, or hold one, as they are.
fn is_key_itself(bytes: &[u8]) -> bool {
    has_armour(bytes)
        || is_jwk(bytes)
        || holds_ssh(bytes)
        || holds_der(bytes)
        || is_point_of(bytes)
        || is_positive_modulus(bytes)
        || words(bytes).any(is_n)
        || is_n(&words(bytes).collect::<Vec<_>>().concat())
}

/// Whether bytes begin like DER of a key, an SSH key, a point or a PEM text.
fn may_begin_key(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [SEQUENCE, 0..=0x7f, SEQUENCE | INTEGER, ..]
            | [SEQUENCE, 0x81, _, SEQUENCE | INTEGER, ..]
            | [SEQUENCE, 0x82, _, _, SEQUENCE | INTEGER, ..]
            | [0, 0, 0, ..]
            | [4, ..]
            | [b'-', b'-', b'-', ..]
    )
}

/// PEM armour (RFC 7468 section 2), wherever it is, also in UTF-16.
fn has_armour(text: &[u8]) -> bool {
    let armours = ["-----BEGIN", "-----END", "---- BEGIN"];
    let has = |text: &[u8]| armours.iter().any(|armour| contains(text, armour.as_bytes()));
    has(text) || text.contains(&0) && has(&text.iter().copied().filter(|byte| *byte != 0).collect::<Vec<_>>())
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Whether a text names a member that every JWK has, or a modulus as OpenSSL does, or is JSON that holds a JWK or a JWK Set (RFC
/// 7517 sections 4 and 5) at any depth.
fn is_jwk(text: &[u8]) -> bool {
    fn holds_key(value: &Value) -> bool {
        match value {
            Value::Object(members) => {
                ["kty", "keys", "crv"].iter().any(|name| members.contains_key(*name)) || members.values().any(holds_key)
            }
            Value::Array(items) => items.iter().any(holds_key),
            _ => false,
        }
    }
    let named = words(text).any(|word| word == b"kty" || word == b"Modulus");
    let text = text.trim_ascii();
    named || matches!(text, [b'{' | b'[', ..]) && serde_json::from_slice(text).is_ok_and(|value| holds_key(&value))
}

/// A key as OpenSSH writes it, decoded (RFC 4253 section 6.6): its name after the length of that.
fn holds_ssh(bytes: &[u8]) -> bool {
    ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"].iter().any(|name| {
        let mut places = bytes.windows(name.len().saturating_add(4));
        places.any(|window| window.starts_with(&[0, 0, 0]) && window.ends_with(name.as_bytes()))
    })
}

/// A point on a curve, with the byte that says that both coordinates follow, or without (SEC 1 section 2.3.3).
fn is_point_of(bytes: &[u8]) -> bool {
    is_point(bytes) || bytes.len().is_multiple_of(2) && is_point(&[&[4], bytes].concat())
}

/// An RSA private key with more than two primes has ten (RFC 8017 appendix A.1.2).
const MAX_DER_VALUES: usize = 10;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// A key in DER, wherever it is.
fn holds_der(bytes: &[u8]) -> bool {
    let places = bytes.iter().enumerate().filter(|(_, byte)| **byte == SEQUENCE);
    places.filter_map(|(place, _)| bytes.get(place..)).any(begins_with_der)
}

/// A key in DER first: SubjectPublicKeyInfo and certificates (RFC 5280 section 4.1), `RSAPublicKey` and
/// `RSAPrivateKey` (RFC 8017 appendix A.1), PKCS #8 (RFC 5958 section 2), `ECPrivateKey` (RFC 5915 section 3).
fn begins_with_der(bytes: &[u8]) -> bool {
    let Some((SEQUENCE, contents, _)) = der_value(bytes) else {
        return false;
    };
    let Some(values) = der_values(contents) else {
        return false;
    };
    let names_algorithm = |contents: &[u8]| matches!(der_value(contents), Some((OID, ..)));
    match values.as_slice() {
        [(SEQUENCE, algorithm), (BIT_STRING, _)] => names_algorithm(algorithm),
        [(SEQUENCE, _), (SEQUENCE, algorithm), (BIT_STRING, _)] => names_algorithm(algorithm),
        [(INTEGER, modulus), (INTEGER, _)] => modulus.len() >= 64,
        [(INTEGER, [0 | 1]), (SEQUENCE, algorithm), (OCTET_STRING, _), ..] => names_algorithm(algorithm),
        [(INTEGER, [0 | 1]), (INTEGER, modulus), (INTEGER, _), ..] => modulus.len() >= 64,
        [(INTEGER, [1]), (OCTET_STRING, _), ..] => true,
        _ => false,
    }
}

/// The tag and contents of the first value, and what follows it (X.690 section 8.1); lengths of up to three bytes.
fn der_value(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x83 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (
                length
                    .iter()
                    .try_fold(0_usize, |length, byte| length.checked_mul(256)?.checked_add(usize::from(*byte)))?,
                rest,
            )
        }
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((*tag, contents, rest))
}

/// All the values there are, which leave nothing over; `None` if they are more than a key has.
fn der_values(mut bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut values = Vec::new();
    while !bytes.is_empty() {
        if values.len() >= MAX_DER_VALUES {
            return None;
        }
        let (tag, contents, rest) = der_value(bytes)?;
        values.push((tag, contents));
        bytes = rest;
    }
    Some(values)
}

/// The `n` of an RSA key, as a JWK writes it (RFC 7518 section 6.3.1.1), with zeros before it as some providers have them.
fn is_n(text: &[u8]) -> bool {
    let is_hex = text.iter().all(u8::is_ascii_hexdigit);
    let number = URL_SAFE_NO_PAD.decode(text).ok().filter(|_| !is_hex);
    number.is_some_and(|number| is_modulus(without_zeros(&number)))
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let mut number = number;
    while let [0, rest @ ..] = number {
        number = rest;
    }
    number
}

/// A modulus with the zero before it that DER and OpenSSL have, for an integer with its first bit set is negative without.
fn is_positive_modulus(bytes: &[u8]) -> bool {
    matches!(bytes, [0, number @ ..] if is_modulus(number))
}

fn is_modulus(number: &[u8]) -> bool {
    MODULUS_BYTES.contains(&number.len())
        && number.len().is_multiple_of(MODULUS_STEP)
        && number.first().is_some_and(|first| first & 0x80 != 0)
        && number.last().is_some_and(|last| last & 1 == 1)
        // Composite divisors find nothing that their prime factors have not found before.
        && (3..SMALL_FACTORS).step_by(2).all(|divisor| remainder(number, divisor) != Some(0))
}

fn remainder(number: &[u8], divisor: u64) -> Option<u64> {
    let (limbs, _) = number.as_chunks::<4>();
    limbs
        .iter()
        .map(|limb| u64::from(u32::from_be_bytes(*limb)))
        .try_fold(0_u64, |rest, limb| rest.checked_mul(1 << 32)?.checked_add(limb)?.checked_rem(divisor))
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// `length` pseudorandom bytes, which depend only on `seed`.
    fn random(seed: usize, length: usize) -> Vec<u8> {
        let block = |number: usize| {
            let text = format!("{seed} {number}");
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref().to_vec()
        };
        (0..length.div_ceil(32)).flat_map(block).take(length).collect()
    }

    #[test]
    fn one_in_forty_random_secrets_in_the_form_of_a_modulus_is_taken_for_one() {
        let taken = (0..400).filter(|seed| is_key(URL_SAFE_NO_PAD.encode(random(*seed, 256)).as_bytes())).count();
        assert!((4..20).contains(&taken), "{taken}");
    }

    #[test]
    fn random_secrets_in_other_forms_are_not_taken_for_keys() {
        for seed in 0..40 {
            let bytes = random(seed, 256);
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let lines = STANDARD.encode(&bytes).as_bytes().chunks(64).map(<[u8]>::to_vec).collect::<Vec<_>>();
            for text in [hex.as_bytes(), &lines.join(&b'\n'), STANDARD.encode(&bytes).as_bytes(), &bytes] {
                assert!(!is_key(text), "{seed}");
            }
            assert!(!is_key(URL_SAFE_NO_PAD.encode(random(seed, 128)).as_bytes()), "{seed}");
        }
    }
}
