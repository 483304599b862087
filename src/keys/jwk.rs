//! One JWK -> a key that is ready to verify (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2).

use aws_lc_rs::signature::{self, EcdsaVerificationAlgorithm, ParsedPublicKey, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::unusable::{PassedOver, Unusable};
use crate::algorithm::{Algorithm, Family};
use crate::json;
use crate::signature::VerifyingKey;
use crate::token::MAX_KID_BYTES;

/// RSA moduli in bits: fewer are weak (RFC 7518 section 3.3), more only slow the verification down.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// The longest RSA exponent in bytes: everybody uses 65537, and long ones only slow the verification down.
const MAX_RSA_EXPONENT_BYTES: usize = 4;

/// What stands for the tenant in the `issuer` of a key.
const TENANT_OF_KEY: &str = "{tenantid}";

/// How the keys of a set are read.
#[derive(Clone, Debug)]
pub(crate) struct KeyRules {
    /// The algorithms that the issuer's entry allows.
    pub(crate) allowed: Vec<Algorithm>,
    /// What a member `issuer` of a key means.
    pub(crate) issuer: IssuerMember,
}

impl KeyRules {
    /// For a set that is one issuer's.
    pub(crate) fn of_one_issuer(allowed: &[Algorithm]) -> Self {
        Self { allowed: allowed.to_vec(), issuer: IssuerMember::Ignored }
    }
}

/// What the member `issuer` of a key means. Entra has it in the set that all its tenants share; no RFC defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IssuerMember {
    /// Nothing: the set is one issuer's.
    Ignored,
    /// The key is for tokens with this `iss`; without it, for those of all accepted tenants.
    Honoured,
    /// The same, and a key without it is not used, for nothing says which tenants it is for.
    Required,
}

/// A public key of a set, bound to one algorithm.
pub(crate) struct PublicKey {
    /// The only `iss` it is for, in which `{tenantid}` stands for the tenant.
    pub(crate) issuer: Option<Box<str>>,
    /// Its name in the set (RFC 7517 section 4.5).
    pub(crate) kid: Option<String>,
    /// The thumbprints of its certificate as the set has them, `x5t` and `x5t#S256` (RFC 7517 sections 4.8 and 4.9). Never
    /// computed from `x5c`.
    pub(crate) thumbprints: [Option<String>; 2],
    /// The key itself.
    pub(crate) verifying: VerifyingKey,
    /// Whether it says itself, by `alg` or its curve, which algorithm it is for.
    pub(crate) names_algorithm: bool,
}

impl PublicKey {
    /// Reads one JWK and binds it to one of the allowed algorithms: its `alg`, else the one its curve implies, else
    /// RS256 if that is allowed, else the only RSA algorithm that is.
    ///
    /// # Errors
    /// The name of a key that cannot be used, and why. The rest of its set is not affected.
    pub(crate) fn parse(jwk: &str, rules: &KeyRules) -> Result<Self, PassedOver> {
        let jwk = json::object(jwk.as_bytes()).map_err(|_| PassedOver { kid: None, reason: Unusable::NotAnObject })?;
        Self::read(&jwk, rules).map_err(|reason| {
            let kid = text(&jwk, "kid").ok().flatten().filter(|kid| kid.len() <= MAX_KID_BYTES).map(str::to_owned);
            PassedOver { kid, reason }
        })
    }

    fn read(jwk: &Map<String, Value>, KeyRules { allowed, issuer }: &KeyRules) -> Result<Self, Unusable> {
        let kty = text(jwk, "kty")?.ok_or(Unusable::Member("kty"))?;
        let kid = text(jwk, "kid")?;
        if kid.is_some_and(|kid| kid.len() > MAX_KID_BYTES) {
            return Err(Unusable::LongKid);
        }
        let issuer = issuer_member(jwk, *issuer)?;
        let thumbprints = [text(jwk, "x5t")?, text(jwk, "x5t#S256")?].map(|text| text.map(str::to_owned));
        if kty == "oct" {
            return Err(Unusable::Secret);
        }
        if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|member| present(jwk, member).is_some()) {
            return Err(Unusable::Private);
        }
        if !may_verify(jwk)? {
            return Err(Unusable::OtherUse);
        }
        let named = match text(jwk, "alg")? {
            Some(name) => Some(Algorithm::named(name).ok_or(Unusable::UnknownAlg)?),
            None => None,
        };
        if ["n", "x"].iter().all(|member| present(jwk, member).is_none()) && present(jwk, "x5c").is_some() {
            return Err(Unusable::CertificatesAlone);
        }
        let (implied, numbers) = match kty {
            "RSA" => (rsa_algorithm(named, allowed)?, rsa(jwk)?),
            "EC" => match text(jwk, "crv")? {
                Some("P-256") => (Algorithm::Es256, point(jwk, 32)?),
                Some("P-384") => (Algorithm::Es384, point(jwk, 48)?),
                Some("P-521") => (Algorithm::Es512, point(jwk, 66)?),
                _ => return Err(Unusable::Type),
            },
            "OKP" => match text(jwk, "crv")? {
                Some("Ed25519") => (Algorithm::Ed25519, [octets(jwk, "x")?, Vec::new()]),
                _ => return Err(Unusable::Type),
            },
            _ => return Err(Unusable::Type),
        };
        if named.is_some_and(|named| named != implied) {
            return Err(Unusable::AlgOfOtherType);
        }
        if !allowed.contains(&implied) {
            return Err(Unusable::NotAllowed(implied));
        }
        let key = parsed(implied, &numbers).ok_or(Unusable::NotOnCurve)?;
        Ok(Self {
            issuer,
            kid: kid.map(str::to_owned),
            thumbprints,
            verifying: VerifyingKey::public(implied, key),
            names_algorithm: named.is_some() || kty != "RSA",
        })
    }

    /// Whether the key is for tokens with this `iss`, given with the tenant in it.
    pub(crate) fn is_for(&self, tenant: Option<(&str, &str)>) -> bool {
        self.issuer.as_deref().is_none_or(|only| {
            // A key that is for one `iss` is for none that is not known.
            tenant.is_some_and(|(iss, tenant)| only.replace(TENANT_OF_KEY, tenant) == iss)
        })
    }

    /// Whether no token is for both keys, because each is for an `iss` of its own.
    pub(crate) fn is_for_another_issuer_than(&self, other: &Self) -> bool {
        match (self.issuer.as_deref(), other.issuer.as_deref()) {
            (Some(a), Some(b)) => a != b && ![a, b].iter().any(|text| text.contains(TENANT_OF_KEY)),
            _ => false,
        }
    }
}

/// The numbers of a public key, normalized: a modulus and its exponent, or a point and nothing.
type Numbers = [Vec<u8>; 2];

/// Parses the key for an algorithm; `None` if aws-lc refuses it.
fn parsed(algorithm: Algorithm, [n, e]: &Numbers) -> Option<ParsedPublicKey> {
    let rsa = |parameters| RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters);
    let ec = |curve: &'static EcdsaVerificationAlgorithm| ParsedPublicKey::new(curve, n);
    let key = match algorithm {
        Algorithm::Rs256 => rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => rsa(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => rsa(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => rsa(&signature::RSA_PSS_2048_8192_SHA512),
        Algorithm::Es256 => ec(&signature::ECDSA_P256_SHA256_FIXED),
        Algorithm::Es384 => ec(&signature::ECDSA_P384_SHA384_FIXED),
        Algorithm::Es512 => ec(&signature::ECDSA_P521_SHA512_FIXED),
        // aws-lc takes a SubjectPublicKeyInfo here as well, which is not what a JWK holds.
        Algorithm::Ed25519 if n.len() == signature::ED25519_PUBLIC_KEY_LEN => {
            ParsedPublicKey::new(&signature::ED25519, n)
        }
        Algorithm::Ed25519 | Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => return None,
    };
    key.ok()
}

/// A member; `null` counts as absent.
fn present<'a>(jwk: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    jwk.get(name).filter(|member| !member.is_null())
}

/// A member that is absent or a string.
fn text<'a>(jwk: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>, Unusable> {
    match present(jwk, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Unusable::Member(name)),
    }
}

/// The only `iss` that the key is for, where that counts. `null` is malformed here: taken as absent, it would make the key one for
/// every tenant.
fn issuer_member(jwk: &Map<String, Value>, means: IssuerMember) -> Result<Option<Box<str>>, Unusable> {
    match (means, jwk.get("issuer")) {
        (IssuerMember::Ignored, _) | (IssuerMember::Honoured, None) => Ok(None),
        (IssuerMember::Required, None) => Err(Unusable::WithoutIssuer),
        (IssuerMember::Honoured | IssuerMember::Required, Some(Value::String(issuer))) => {
            Ok(Some(issuer.as_str().into()))
        }
        (IssuerMember::Honoured | IssuerMember::Required, Some(_)) => Err(Unusable::Member("issuer")),
    }
}

/// A member in base64url without padding.
fn octets(jwk: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, Unusable> {
    let text = text(jwk, name)?.ok_or(Unusable::Member(name))?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Unusable::NotBase64Url(name))
}

/// Whether `use` and `key_ops`, where present, say that the key verifies signatures (RFC 7517 sections 4.2 and 4.3).
fn may_verify(jwk: &Map<String, Value>) -> Result<bool, Unusable> {
    let by_use = text(jwk, "use")?.is_none_or(|usage| usage == "sig");
    let by_operation = match present(jwk, "key_ops") {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|operation| operation == "verify"),
        Some(_) => return Err(Unusable::Member("key_ops")),
    };
    Ok(by_use && by_operation)
}

/// The one algorithm of an RSA key.
fn rsa_algorithm(named: Option<Algorithm>, allowed: &[Algorithm]) -> Result<Algorithm, Unusable> {
    if let Some(named) = named {
        return if named.family() == Family::Rsa { Ok(named) } else { Err(Unusable::AlgOfOtherType) };
    }
    let mut rsa = allowed.iter().copied().filter(|algorithm| algorithm.family() == Family::Rsa);
    match (rsa.clone().any(|algorithm| algorithm == Algorithm::Rs256), rsa.next(), rsa.next()) {
        (true, ..) => Ok(Algorithm::Rs256),
        (false, Some(only), None) => Ok(only),
        (false, None, _) => Err(Unusable::NotAllowed(Algorithm::Rs256)),
        _ => Err(Unusable::SeveralAlgorithms),
    }
}

/// Modulus and exponent without leading zeros, which some providers send against RFC 7518 section 6.3.1.1, and within bounds.
fn rsa(jwk: &Map<String, Value>) -> Result<Numbers, Unusable> {
    let minimal = |name| -> Result<Vec<u8>, Unusable> {
        Ok(octets(jwk, name)?.into_iter().skip_while(|byte| *byte == 0).collect())
    };
    let (n, e) = (minimal("n")?, minimal("e")?);
    let zeros = n.first().and_then(|byte| usize::try_from(byte.leading_zeros()).ok()).ok_or(Unusable::Numbers)?;
    let bits = n.len().checked_mul(8).and_then(|bits| bits.checked_sub(zeros)).ok_or(Unusable::Numbers)?;
    if !RSA_BITS.contains(&bits) {
        return Err(Unusable::Bits(bits));
    }
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    let fits = odd(&n) && odd(&e) && e.len() <= MAX_RSA_EXPONENT_BYTES && e != [1];
    if fits { Ok([n, e]) } else { Err(Unusable::Numbers) }
}

/// An uncompressed point whose coordinates have the full length (RFC 7518 section 6.2.1.2).
fn point(jwk: &Map<String, Value>, length: usize) -> Result<Numbers, Unusable> {
    let (x, y) = (octets(jwk, "x")?, octets(jwk, "y")?);
    for (name, coordinate) in [("x", &x), ("y", &y)] {
        if coordinate.len() != length {
            return Err(Unusable::Coordinate { name, bytes: coordinate.len(), needed: length });
        }
    }
    Ok([[&[4], x.as_slice(), &y].concat(), Vec::new()])
}

/// Whether these bytes are an uncompressed point on a curve of RFC 7518 section 6.2.1.1 or RFC 8812 (SEC 1 section 2.3.3).
pub(super) fn is_point(bytes: &[u8]) -> bool {
    let is_on = |curve: &'static EcdsaVerificationAlgorithm| ParsedPublicKey::new(curve, bytes).is_ok();
    match bytes {
        [4, rest @ ..] if rest.len() == 64 => {
            is_on(&signature::ECDSA_P256_SHA256_FIXED) || is_on(&signature::ECDSA_P256K1_SHA256_FIXED)
        }
        [4, rest @ ..] if rest.len() == 96 => is_on(&signature::ECDSA_P384_SHA384_FIXED),
        [4, rest @ ..] if rest.len() == 132 => is_on(&signature::ECDSA_P521_SHA512_FIXED),
        _ => false,
    }
}
