//! `authz token --new-key`: a key or a secret for tests.

use std::io::Write as _;
use std::path::Path;

use aws_lc_rs::encoding::{AsBigEndian as _, AsDer, EcPrivateKeyBin, Pkcs8V1Der};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const FAILED: &str = "the key could not be made";

/// Makes a key or a secret for this algorithm, writes it to the file, and gives what is to be printed: the public set; or
/// what is private, if the file is `-`.
///
/// # Errors
/// An algorithm that is not supported, or a file that cannot be written or is there already.
pub(crate) fn make(file: &Path, alg: &str, kid: Option<&str>) -> Result<String, String> {
    let bytes = match alg {
        "HS256" => Some(32),
        "HS384" => Some(48),
        "HS512" => Some(64),
        _ => None,
    };
    if let Some(bytes) = bytes {
        let mut secret = vec![0; bytes];
        SystemRandom::new().fill(&mut secret).map_err(|_| FAILED)?;
        // Letters that any shell and any JSON can hold; a text of this length is long enough without its encoding, too.
        let text = format!("{}\n", URL_SAFE_NO_PAD.encode(secret));
        return kept(file, &text, String::new());
    }
    let (public, private) = members(alg)?;
    let kid = match kid {
        Some(kid) => kid.to_owned(),
        None => random_name()?,
    };
    let named = json!({ "kid": kid, "alg": alg, "use": "sig" });
    let joined = |parts: &[&Value]| -> Value {
        let members = parts.iter().filter_map(|part| part.as_object()).flatten();
        Value::Object(members.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    let set = json!({ "keys": [joined(&[&public, &named])] });
    kept(file, &format!("{:#}\n", joined(&[&public, &private, &named])), format!("{set:#}\n"))
}

/// Keeps what is private in a file that only its owner may read.
fn kept(file: &Path, private: &str, public: String) -> Result<String, String> {
    if file.as_os_str() == "-" {
        return Ok(private.to_owned());
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(file).and_then(|mut file| file.write_all(private.as_bytes()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => format!("{} is there already, and is not replaced", file.display()),
        _ => format!("{}: {error}", file.display()),
    })?;
    Ok(public)
}

/// The public and the private members of a new key.
fn members(alg: &str) -> Result<(Value, Value), String> {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    match alg {
        "ES256" => ecdsa("P-256", &ECDSA_P256_SHA256_FIXED_SIGNING),
        "ES384" => ecdsa("P-384", &ECDSA_P384_SHA384_FIXED_SIGNING),
        "ES512" => ecdsa("P-521", &ECDSA_P521_SHA512_FIXED_SIGNING),
        "EdDSA" | "Ed25519" => {
            let pair = Ed25519KeyPair::generate().map_err(|_| FAILED)?;
            let seed = pair.seed().and_then(|seed| seed.as_be_bytes()).map_err(|_| FAILED)?;
            let public = json!({ "kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref()) });
            Ok((public, json!({ "d": text(seed.as_ref()) })))
        }
        "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| FAILED)?;
            let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(|_| FAILED)?;
            let numbers = rsa_numbers(der.as_ref()).ok_or(FAILED)?;
            let names = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];
            let mut public = json!({ "kty": "RSA" });
            let mut private = json!({});
            for (position, (name, number)) in names.into_iter().zip(numbers).enumerate() {
                let part = if position < 2 { &mut public } else { &mut private };
                part.as_object_mut().ok_or(FAILED)?.insert(name.to_owned(), text(number).into());
            }
            Ok((public, private))
        }
        _ => Err("--alg is HS256, HS384 or HS512 for a secret; or ES256, ES384, ES512, EdDSA, RS256, RS384, RS512, PS256, PS384 or PS512".to_owned()),
    }
}

fn ecdsa(crv: &str, algorithm: &'static EcdsaSigningAlgorithm) -> Result<(Value, Value), String> {
    let pair = EcdsaKeyPair::generate(algorithm).map_err(|_| FAILED)?;
    let private = pair.private_key();
    let d = aws_lc_rs::encoding::AsBigEndian::<EcPrivateKeyBin<'_>>::as_be_bytes(&private).map_err(|_| FAILED)?;
    // An uncompressed point: 4, x and y.
    let point = pair.public_key().as_ref().split_first().map(|(_, point)| point).ok_or(FAILED)?;
    let (x, y) = point.split_at_checked(point.len() / 2).ok_or(FAILED)?;
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    Ok((json!({ "kty": "EC", "crv": crv, "x": text(x), "y": text(y) }), json!({ "d": text(d.as_ref()) })))
}

/// The numbers of an RSA key from its PKCS #8 form (RFC 5958 section 2, RFC 8017 appendix A.1.2), after the version.
fn rsa_numbers(der: &[u8]) -> Option<Vec<&[u8]>> {
    let (outer, _) = element(der, 0x30)?;
    let (_, rest) = element(outer, 0x02)?;
    let (_, rest) = element(rest, 0x30)?;
    let (octets, _) = element(rest, 0x04)?;
    let (numbers, _) = element(octets, 0x30)?;
    let (_, mut rest) = element(numbers, 0x02)?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (number, after) = element(rest, 0x02)?;
        found.push(number.strip_prefix(&[0]).unwrap_or(number));
        rest = after;
    }
    Some(found)
}

/// The content of a DER element with this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    if *first != tag {
        return None;
    }
    if *length < 0x80 {
        return rest.split_at_checked(usize::from(*length));
    }
    let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
    let length =
        bytes.iter().try_fold(0_usize, |length, byte| length.checked_mul(256)?.checked_add(usize::from(*byte)))?;
    rest.split_at_checked(length)
}

fn random_name() -> Result<String, String> {
    let mut bytes = [0; 9];
    SystemRandom::new().fill(&mut bytes).map_err(|_| FAILED)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
