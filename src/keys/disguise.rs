//! Keys in the place of a secret, in whatever form they were copied: whoever knows a public key could sign with it.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::jwk::is_point;

/// How many encodings may lie around a key: base64 of a PEM text has two, base64 of the hex of a DER file as well.
const MAX_LAYERS: u32 = 3;
/// The moduli in use, in bytes.
const MODULUS_BYTES: [usize; 4] = [256, 384, 512, 1024];
/// A modulus has no factor below this, nor anywhere near it. A random number of its form has none once in eight times.
const SMALL_FACTORS: u64 = 1 << 12;

/// Whether a text is a key rather than a secret: PEM, JWK, DER, a certificate, a point or an SSH key, as it is or in base64 or
/// hex, and the bare modulus `n` of a JWK.
///
/// What a random secret cannot be told from is not found: the coordinate `x` of a JWK by itself. A modulus is a number of a
/// usual length without small factors, in base64url without padding; of random secrets of just these lengths and in this
/// form, three in a hundred look like one and are refused. Nothing else random is taken for a key in practice.
pub(super) fn is_key(text: &[u8]) -> bool {
    is_modulus(text) || is_key_within(text, MAX_LAYERS)
}

fn is_key_within(bytes: &[u8], layers: u32) -> bool {
    let stripped = stripped(bytes);
    if has_armour(bytes) || is_jwk(stripped) || is_ssh(stripped) || is_der(bytes) || is_der(stripped) || is_point(bytes)
    {
        return true;
    }
    let Some(layers) = layers.checked_sub(1) else {
        return false;
    };
    [hex(stripped), base64(stripped)].into_iter().flatten().any(|inner| is_key_within(&inner, layers))
}

/// Without white space and quotes around it.
fn stripped(bytes: &[u8]) -> &[u8] {
    let mut bytes = bytes.trim_ascii();
    while let [b'"' | b'\'', inner @ .., b'"' | b'\''] = bytes {
        bytes = inner.trim_ascii();
    }
    bytes
}

/// PEM armour (RFC 7468 section 2), wherever it is.
fn has_armour(text: &[u8]) -> bool {
    ["-----BEGIN", "-----END", "---- BEGIN"].iter().any(|armour| contains(text, armour.as_bytes()))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// JSON that holds a JWK or a set of them (RFC 7517 sections 4 and 5), however deep.
fn is_jwk(text: &[u8]) -> bool {
    fn holds_key(value: &Value) -> bool {
        match value {
            Value::Object(members) => {
                members.contains_key("kty") || members.contains_key("keys") || members.values().any(holds_key)
            }
            Value::Array(items) => items.iter().any(holds_key),
            _ => false,
        }
    }
    matches!(text, [b'{' | b'[', ..]) && serde_json::from_slice(text).is_ok_and(|value| holds_key(&value))
}

/// A line of OpenSSH's (RFC 4253 section 6.6), or its second word, decoded.
fn is_ssh(text: &[u8]) -> bool {
    let names = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"];
    let named = |bytes: &[u8]| names.iter().any(|name| bytes.starts_with(name.as_bytes()));
    match text {
        [0, 0, 0, _, rest @ ..] => named(rest),
        line => named(line) && contains(line, b" AAAA"),
    }
}

/// A key in DER and nothing else: SubjectPublicKeyInfo and certificates (RFC 5280 section 4.1), `RSAPublicKey` and
/// `RSAPrivateKey` (RFC 8017 appendix A.1), PKCS #8 (RFC 5958 section 2), `ECPrivateKey` (RFC 5915 section 3).
fn is_der(bytes: &[u8]) -> bool {
    const INTEGER: u8 = 0x02;
    const BIT_STRING: u8 = 0x03;
    const OCTET_STRING: u8 = 0x04;
    const OID: u8 = 0x06;
    const SEQUENCE: u8 = 0x30;
    let Some((SEQUENCE, contents, [])) = der_value(bytes) else {
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

/// All the values there are, which leave nothing over.
fn der_values(mut bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut values = Vec::new();
    while !bytes.is_empty() {
        let (tag, contents, rest) = der_value(bytes)?;
        values.push((tag, contents));
        bytes = rest;
    }
    Some(values)
}

/// The `n` of an RSA key, as a JWK writes it (RFC 7518 section 6.3.1.1).
fn is_modulus(text: &[u8]) -> bool {
    let text = stripped(text);
    let written_so = text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let Some(number) = base64(text).filter(|_| written_so) else {
        return false;
    };
    let (Some(first), Some(last)) = (number.first(), number.last()) else {
        return false;
    };
    MODULUS_BYTES.contains(&number.len())
        && first & 0x80 != 0
        && last & 1 == 1
        && (3..SMALL_FACTORS).step_by(2).all(|factor| remainder(&number, factor) != Some(0))
}

fn remainder(number: &[u8], divisor: u64) -> Option<u64> {
    number
        .iter()
        .try_fold(0_u64, |rest, byte| rest.checked_mul(256)?.checked_add(u64::from(*byte))?.checked_rem(divisor))
}

/// Either alphabet, padded or not, in lines or not.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true);
    let standard = |byte: &u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    };
    let text: Vec<u8> =
        text.iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != b'=').map(standard).collect();
    GeneralPurpose::new(&alphabet::STANDARD, config).decode(text).ok()
}

/// Either case, with or without `0x` before it, and colons or white space in it.
fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X")).unwrap_or(text);
    let digits = text.iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != b':');
    let digits: Vec<u8> = digits
        .map(|byte| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    pairs.iter().map(|[high, low]| high.checked_mul(16)?.checked_add(*low)).collect()
}
