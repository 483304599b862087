//! Malformed keys and signatures, which no library produces, computed from the numbers of published keys.

use num_bigint::BigUint;
use serde_json::{Value, json};

use crate::tokens::encoded;

/// The private key of RFC 7515 appendix A.2.1.
const RFC7515_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const RFC7515_D: &str = "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ";
/// The DigestInfo prefix of SHA-256, with its NULL parameters and without (RFC 8017 section 9.2, note 1).
const SHA256: &[u8] =
    &[0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];
const SHA256_WITHOUT_NULL: &[u8] =
    &[0x30, 0x2f, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x04, 0x20];
/// The prefix with a length in two bytes where one is enough, as BER allows and DER does not.
const SHA256_BER: &[u8] = &[
    0x30, 0x81, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04,
    0x20,
];

/// An RSA private key as numbers.
pub(crate) struct Rsa {
    n: BigUint,
    e: BigUint,
    d: BigUint,
}

impl Rsa {
    /// The key of RFC 7515 appendix A.2.
    pub(crate) fn rfc7515() -> Self {
        Self { n: number(RFC7515_N), e: BigUint::from(65_537_u32), d: number(RFC7515_D) }
    }

    /// A toy key with the prime modulus 2^exponent - 1. Its signatures verify like those of any other key.
    pub(crate) fn mersenne(exponent: u32, e: u64) -> Self {
        let n = (BigUint::from(1_u8) << exponent) - 1_u8;
        let e = BigUint::from(e);
        let d = e.modinv(&(&n - 1_u8)).unwrap();
        Self { n, e, d }
    }

    pub(crate) fn jwk(&self) -> Value {
        json!({ "kty": "RSA", "alg": "RS256", "use": "sig", "n": encoded(self.n.to_bytes_be()), "e": encoded(self.e.to_bytes_be()) })
    }

    /// The length of the modulus in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.n.to_bytes_be().len()
    }

    pub(crate) fn n(&self) -> &BigUint {
        &self.n
    }

    /// The RSA signature of an already padded message, which need not be padded correctly.
    pub(crate) fn sign(&self, padded: &[u8]) -> Vec<u8> {
        whole(&BigUint::from_bytes_be(padded).modpow(&self.d, &self.n), self.bytes())
    }
}

/// A correct or incorrect padding for RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 9.2).
pub(crate) struct Padding {
    first: [u8; 2],
    filler: u8,
    filler_bytes: Option<usize>,
    prefix: &'static [u8],
    trailer: &'static [u8],
}

impl Padding {
    pub(crate) const RIGHT: Self =
        Self { first: [0, 1], filler: 0xff, filler_bytes: None, prefix: SHA256, trailer: &[] };

    /// Incorrect paddings that some verifier has accepted.
    pub(crate) fn wrong() -> Vec<(&'static str, Self)> {
        let right = Self::RIGHT;
        vec![
            ("no NULL in the algorithm", Self { prefix: SHA256_WITHOUT_NULL, ..right }),
            ("a length in BER", Self { prefix: SHA256_BER, ..right }),
            ("no algorithm", Self { prefix: &[], ..right }),
            ("SHA-512 named", Self { prefix: SHA512_NAMED, ..right }),
            ("block type 0", Self { first: [0, 0], ..right }),
            ("block type 2", Self { first: [0, 2], ..right }),
            ("another filler", Self { filler: 0x00, ..right }),
            ("eight bytes of filler and garbage after the hash", Self { filler_bytes: Some(8), ..right }),
            ("no filler and garbage after the hash", Self { filler_bytes: Some(0), ..right }),
            ("a byte after the hash", Self { trailer: &[0], ..right }),
        ]
    }

    /// Pads `message` for a modulus of `bytes` bytes.
    pub(crate) fn of(&self, message: &[u8], bytes: usize) -> Vec<u8> {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, message);
        let end = [&[0], self.prefix, hash.as_ref(), self.trailer].concat();
        let room = bytes - 2 - end.len();
        let filler = vec![self.filler; self.filler_bytes.unwrap_or(room)];
        let garbage = vec![0xaa; room - filler.len()];
        [&self.first[..], &filler, &end, &garbage].concat()
    }
}

/// The DigestInfo prefix of SHA-512, but with the length of a 32-byte hash.
const SHA512_NAMED: &[u8] =
    &[0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x20];

/// The order of the curve: P-256, P-384 and P-521 (FIPS 186-4 appendix D.1.2), Ed25519 (RFC 8032 section 5.1).
pub(crate) fn order(alg: &str) -> BigUint {
    let hex = match alg {
        "ES256" => "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        "ES384" => "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        "ES512" => {
            "1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409"
        }
        "EdDSA" => "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed",
        other => panic!("{other} has no order"),
    };
    BigUint::parse_bytes(hex.as_bytes(), 16).unwrap()
}

/// A number as `bytes` big-endian bytes, padded with zeros.
pub(crate) fn whole(number: &BigUint, bytes: usize) -> Vec<u8> {
    let digits = number.to_bytes_be();
    [vec![0; bytes - digits.len()], digits].concat()
}

fn number(text: &str) -> BigUint {
    BigUint::from_bytes_be(&decoded(text))
}

/// Decodes base64url without padding.
pub(crate) fn decoded(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap()
}
