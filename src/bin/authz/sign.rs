//! Signing, for local use and tests: the authorizer itself only ever verifies.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::Value;

/// Who signs, and by which `alg`.
pub(crate) struct Signer {
    alg: String,
    kid: Option<String>,
    key: Key,
}

enum Key {
    /// Nobody: the signature is empty (RFC 7519 section 6.1).
    Nobody,
    Secret(Box<hmac::Key>),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A JOSE header, in the order in which it is written.
#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    typ: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

impl Signer {
    /// Signs nothing.
    pub(crate) fn nobody() -> Self {
        Self { alg: "none".to_owned(), kid: None, key: Key::Nobody }
    }

    /// A shared secret, for `HS256` or another `alg`.
    ///
    /// # Errors
    /// An `alg` that is not for secrets.
    pub(crate) fn secret(secret: &[u8], alg: Option<&str>, kid: Option<&str>) -> Result<Self, String> {
        let alg = alg.unwrap_or("HS256");
        let hash = match alg {
            "HS256" => hmac::HMAC_SHA256,
            "HS384" => hmac::HMAC_SHA384,
            "HS512" => hmac::HMAC_SHA512,
            _ => return Err("a secret signs with HS256, HS384 or HS512".to_owned()),
        };
        Ok(Self {
            alg: alg.to_owned(),
            kid: kid.map(str::to_owned),
            key: Key::Secret(Box::new(hmac::Key::new(hash, secret))),
        })
    }

    /// A private JWK (RFC 7517 section 4, RFC 7518 section 6), which may name its `alg` and `kid`.
    ///
    /// # Errors
    /// What is wrong with it, in words that hold nothing of it.
    pub(crate) fn jwk(jwk: &[u8], alg: Option<&str>, kid: Option<&str>) -> Result<Self, String> {
        const NOT_A_KEY: &str = "expected a private JWK: an RSA key with all of n, e, d, p, q, dp, dq, qi, or one of P-256, P-384, P-521 or Ed25519";
        let jwk: Value = serde_json::from_slice(jwk).map_err(|_| NOT_A_KEY.to_owned())?;
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let octets = |name: &str| -> Result<Vec<u8>, String> {
            URL_SAFE_NO_PAD.decode(text(name).ok_or(NOT_A_KEY)?).map_err(|_| NOT_A_KEY.to_owned())
        };
        let point = || Ok::<_, String>([vec![4], octets("x")?, octets("y")?].concat());
        let ecdsa = |algorithm: &'static EcdsaSigningAlgorithm| {
            EcdsaKeyPair::from_private_key_and_public_key(algorithm, &octets("d")?, &point()?)
                .map(Key::Ecdsa)
                .map_err(|_| NOT_A_KEY.to_owned())
        };
        let given = alg.or_else(|| text("alg"));
        let (implied, key) = match (text("kty"), text("crv")) {
            (Some("RSA"), _) => {
                let alg = given.unwrap_or("RS256");
                let encoding = rsa(alg).ok_or("an RSA key signs with RS256, RS384, RS512, PS256, PS384 or PS512")?;
                let pair = RsaKeyPair::from_components(&KeyPairComponents {
                    public_key: PublicKeyComponents { n: octets("n")?, e: octets("e")? },
                    d: octets("d")?,
                    p: octets("p")?,
                    q: octets("q")?,
                    dP: octets("dp")?,
                    dQ: octets("dq")?,
                    qInv: octets("qi")?,
                });
                (alg, Key::Rsa(Box::new(pair.map_err(|_| NOT_A_KEY)?), encoding))
            }
            (Some("EC"), Some("P-256")) => ("ES256", ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING)?),
            (Some("EC"), Some("P-384")) => ("ES384", ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING)?),
            (Some("EC"), Some("P-521")) => ("ES512", ecdsa(&ECDSA_P521_SHA512_FIXED_SIGNING)?),
            (Some("OKP"), Some("Ed25519")) => {
                let pair = Ed25519KeyPair::from_seed_and_public_key(&octets("d")?, &octets("x")?);
                ("EdDSA", Key::Ed25519(pair.map_err(|_| NOT_A_KEY)?))
            }
            _ => return Err(NOT_A_KEY.to_owned()),
        };
        if given.is_some_and(|given| given != implied && !(implied == "EdDSA" && given == "Ed25519")) {
            return Err(format!("this key signs with {implied} alone"));
        }
        Ok(Self { alg: given.unwrap_or(implied).to_owned(), kid: kid.or_else(|| text("kid")).map(str::to_owned), key })
    }

    /// The token in compact form (RFC 7515 section 7.1).
    ///
    /// # Errors
    /// Claims that are no JSON, or a key that does not sign.
    pub(crate) fn token(&self, typ: Option<&str>, claims: &impl Serialize) -> Result<String, String> {
        let header = Header { alg: &self.alg, typ, kid: self.kid.as_deref() };
        let input = format!("{}.{}", segment(&header)?, segment(claims)?);
        let signature = self.sign(input.as_bytes()).ok_or("the key does not sign")?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        Some(match &self.key {
            Key::Nobody => Vec::new(),
            Key::Secret(key) => hmac::sign(key, message).as_ref().to_vec(),
            Key::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).ok()?;
                signature
            }
            Key::Ecdsa(pair) => pair.sign(&random, message).ok()?.as_ref().to_vec(),
            Key::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        })
    }
}

/// One segment of a token.
pub(crate) fn segment(value: &impl Serialize) -> Result<String, String> {
    let json = serde_json::to_vec(value).map_err(|error| error.to_string())?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

fn rsa(alg: &str) -> Option<&'static dyn RsaEncoding> {
    Some(match alg {
        "RS256" => &RSA_PKCS1_SHA256,
        "RS384" => &RSA_PKCS1_SHA384,
        "RS512" => &RSA_PKCS1_SHA512,
        "PS256" => &RSA_PSS_SHA256,
        "PS384" => &RSA_PSS_SHA384,
        "PS512" => &RSA_PSS_SHA512,
        _ => return None,
    })
}
