//! Signed tokens of every algorithm, and the keys that verify them. Keys are generated for each run.

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Every `alg` that a token may have.
pub(crate) const ALGORITHMS: [&str; 13] = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
];

/// A key that signs with one algorithm. Its `kid` is the algorithm in lower case, prefixed with `stranger-` for other
/// keys.
#[derive(Clone)]
pub(crate) struct SigningKey {
    pub(crate) alg: &'static str,
    pub(crate) kid: String,
    material: &'static Material,
}

struct Material {
    secret: Vec<u8>,
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    p521: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
}

impl Material {
    fn generate() -> Self {
        let mut random = [0; 48];
        aws_lc_rs::rand::fill(&mut random).unwrap();
        Self {
            // Text, so that it fits into an environment variable. At least 64 bytes, as HS512 requires.
            secret: encoded(random).into_bytes(),
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            p256: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            p384: EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap(),
            p521: EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap(),
            ed25519: Ed25519KeyPair::generate().unwrap(),
        }
    }
}

static OURS: LazyLock<Material> = LazyLock::new(Material::generate);
static ANOTHERS: LazyLock<Material> = LazyLock::new(Material::generate);

/// The key for an algorithm, the same on each call. All HMACs share a secret, and all RSA algorithms a key pair.
pub(crate) fn key(alg: &'static str) -> SigningKey {
    SigningKey { alg, kid: alg.to_ascii_lowercase(), material: &OURS }
}

/// A second key for an algorithm, which is not in the usual configuration.
pub(crate) fn stranger(alg: &'static str) -> SigningKey {
    SigningKey { alg, kid: format!("stranger-{}", alg.to_ascii_lowercase()), material: &ANOTHERS }
}

impl SigningKey {
    /// A new key for an algorithm, for tests that need more than two.
    pub(crate) fn generated(alg: &'static str) -> Self {
        Self { alg, kid: alg.to_ascii_lowercase(), material: Box::leak(Box::new(Material::generate())) }
    }

    /// The same key with another `kid`.
    pub(crate) fn named(mut self, kid: &str) -> Self {
        kid.clone_into(&mut self.kid);
        self
    }

    /// The header of tokens signed with this key: `alg`, `typ` and, for key pairs, `kid`.
    pub(crate) fn header(&self) -> Value {
        if self.is_secret() {
            json!({ "alg": self.alg, "typ": "JWT" })
        } else {
            json!({ "alg": self.alg, "typ": "JWT", "kid": self.kid })
        }
    }

    /// A token with these claims.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_with(&self.header(), claims)
    }

    /// A token with any header, signed with this key.
    pub(crate) fn token_with(&self, header: &Value, claims: &Value) -> String {
        self.token_of(header.to_string().as_bytes(), claims.to_string().as_bytes())
    }

    /// A token with a header and payload of any bytes, signed with this key.
    pub(crate) fn token_of(&self, header: &[u8], claims: &[u8]) -> String {
        let input = format!("{}.{}", encoded(header), encoded(claims));
        compact(header, claims, &self.sign(input.as_bytes()))
    }

    /// The signature of a message (RFC 7518 section 3, RFC 8037 section 3.1).
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let material = self.material;
        let hmac = |algorithm| {
            let key = hmac::Key::new(algorithm, &material.secret);
            hmac::sign(&key, message).as_ref().to_vec()
        };
        let padding: &'static dyn aws_lc_rs::signature::RsaEncoding = match self.alg {
            "HS256" => return hmac(hmac::HMAC_SHA256),
            "HS384" => return hmac(hmac::HMAC_SHA384),
            "HS512" => return hmac(hmac::HMAC_SHA512),
            "ES256" => return material.p256.sign(&random, message).unwrap().as_ref().to_vec(),
            "ES384" => return material.p384.sign(&random, message).unwrap().as_ref().to_vec(),
            "ES512" => return material.p521.sign(&random, message).unwrap().as_ref().to_vec(),
            "EdDSA" => return material.ed25519.sign(message).as_ref().to_vec(),
            "RS256" => &RSA_PKCS1_SHA256,
            "RS384" => &RSA_PKCS1_SHA384,
            "RS512" => &RSA_PKCS1_SHA512,
            "PS256" => &RSA_PSS_SHA256,
            "PS384" => &RSA_PSS_SHA384,
            "PS512" => &RSA_PSS_SHA512,
            other => panic!("no such algorithm: {other}"),
        };
        let mut signature = vec![0; material.rsa.public_modulus_len()];
        material.rsa.sign(padding, &random, message, &mut signature).unwrap();
        signature
    }

    /// The public key (RFC 7517 section 4) with `kid`, `alg` and `use`.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = match self.alg {
            "ES256" => point("P-256", self.material.p256.public_key().as_ref()),
            "ES384" => point("P-384", self.material.p384.public_key().as_ref()),
            "ES512" => point("P-521", self.material.p521.public_key().as_ref()),
            "EdDSA" => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encoded(self.material.ed25519.public_key().as_ref()) })
            }
            _ if self.is_secret() => panic!("a secret is not published"),
            _ => {
                let der = self.material.rsa.public_key().as_ref();
                // RFC 8017 appendix A.1.1, with a modulus of 2048 bits and the exponent 65537.
                assert_eq!((&der[..9], &der[265..]), (RSA_2048_DER, &[2, 3, 1, 0, 1][..]));
                json!({ "kty": "RSA", "n": encoded(&der[9..265]), "e": "AQAB" })
            }
        };
        jwk["kid"] = self.kid.as_str().into();
        jwk["alg"] = self.alg.into();
        jwk["use"] = "sig".into();
        jwk
    }

    /// The shared secret as text.
    pub(crate) fn secret(&self) -> &'static str {
        assert!(self.is_secret());
        std::str::from_utf8(&self.material.secret).unwrap()
    }

    fn is_secret(&self) -> bool {
        self.alg.starts_with("HS")
    }
}

/// The start of a DER sequence of 266 bytes whose first element is an integer of 257 bytes with a leading zero.
const RSA_2048_DER: &[u8] = &[0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00];

/// The JWK of an uncompressed point: a byte and both coordinates.
fn point(curve: &str, point: &[u8]) -> Value {
    let (x, y) = point[1..].split_at(point.len().div_euclid(2));
    json!({ "kty": "EC", "crv": curve, "x": encoded(x), "y": encoded(y) })
}

/// A key set (RFC 7517 section 5).
pub(crate) fn jwks<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> Value {
    let keys: Vec<Value> = keys.into_iter().map(SigningKey::jwk).collect();
    json!({ "keys": keys })
}

/// Three parts as a compact JWS (RFC 7515 section 7.1).
fn compact(header: &[u8], claims: &[u8], signature: &[u8]) -> String {
    [header, claims, signature].map(encoded).join(".")
}

/// Base64url without padding.
pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
