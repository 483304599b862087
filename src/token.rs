//! Bearer token -> the parts of a compact JWS, parsed strictly and not yet trusted (RFC 7515 sections 4 and 7.1).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::bearer::BearerToken;
use crate::error::Error;
use crate::json;

/// The longest header segment in bytes. Real ones have under 300, and a certificate chain is of no use here.
const MAX_HEADER_BYTES: usize = 4096;
/// The longest `kid` in bytes. The longest in use are hexadecimal SHA-512 thumbprints, 128 bytes.
pub(crate) const MAX_KID_BYTES: usize = 256;

/// A token whose signature has not been checked.
///
/// Only [`alg`](Self::alg), [`iss`](Self::iss) and what names the [key](Self::key) can be read, to choose among what is
/// configured. The claims can be read only once the signature is verified.
pub(crate) struct Unverified<'a> {
    alg: Algorithm,
    kid: Option<Box<str>>,
    /// Boxed, because few tokens have any.
    thumbprints: Option<Box<[Option<Value>; 2]>>,
    typ: Option<String>,
    signing_input: &'a str,
    signature: Vec<u8>,
    claims: Map<String, Value>,
}

/// What a token's header says about its key, unverified.
#[derive(Clone, Copy)]
pub(crate) struct KeyReference<'a> {
    /// The algorithm.
    pub(crate) alg: Algorithm,
    /// The name of the key (RFC 7515 section 4.1.4).
    pub(crate) kid: Option<&'a str>,
    /// `x5t` and `x5t#S256`, whatever their types (RFC 7515 sections 4.1.7 and 4.1.8).
    pub(crate) thumbprints: [Option<&'a Value>; 2],
    /// The `iss` and the tenant in it, for key sets that tenants share.
    pub(crate) tenant: Option<(&'a str, &'a str)>,
}

/// The `iss` claim (RFC 7519 section 4.1.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Issuer<'a> {
    Absent,
    Named(&'a str),
    /// Present, and not a string.
    Malformed,
}

impl<'a> Unverified<'a> {
    /// Splits and decodes a compact JWS and parses its header and claims strictly.
    ///
    /// # Errors
    /// [`Error::MalformedToken`] for anything but three non-empty base64url segments, the first two JSON objects without
    /// duplicate members; for a header over 4 KiB, a `kid` over 256 bytes, `alg`, `kid`, `typ` or `cty` that is not a string,
    /// and for `crit`, `b64`, `enc`, `zip` or a nested JWT, none of which is supported. [`Error::UnsupportedAlgorithm`] for
    /// `alg` absent or unknown, `none` included.
    pub(crate) fn parse(token: BearerToken<'a>) -> Result<Self, Error> {
        let token = token.as_str();
        // `rsplit_once` and `split_once` stop at two separators, however many a hostile token has.
        let (signing_input, signature) = token.rsplit_once('.').ok_or(Error::MalformedToken)?;
        let (header, payload) = signing_input.split_once('.').ok_or(Error::MalformedToken)?;
        if header.len() > MAX_HEADER_BYTES || payload.contains('.') {
            return Err(Error::MalformedToken);
        }
        let mut header = object(header)?;
        let mut text = |name: &str| match header.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Error::MalformedToken),
        };
        let (alg, kid, typ, cty) = (text("alg")?, text("kid")?, text("typ")?, text("cty")?);
        let alg = alg.as_deref().and_then(Algorithm::named).ok_or(Error::UnsupportedAlgorithm)?;
        let nested = cty.is_some_and(|cty| media_type(&cty).eq_ignore_ascii_case("JWT"));
        let changed = ["crit", "b64", "enc", "zip"].iter().any(|name| header.contains_key(*name));
        if nested || changed || kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID_BYTES) {
            return Err(Error::MalformedToken);
        }
        let thumbprints = ["x5t", "x5t#S256"].map(|name| header.remove(name));
        let thumbprints = thumbprints.iter().any(Option::is_some).then(|| Box::new(thumbprints));
        let kid = kid.map(String::into_boxed_str);
        Ok(Self { alg, kid, thumbprints, typ, signing_input, signature: decoded(signature)?, claims: object(payload)? })
    }

    /// The algorithm in the header, unverified.
    pub(crate) fn alg(&self) -> Algorithm {
        self.alg
    }

    /// The key that the header names, unverified (RFC 7515 section 4.1.4).
    pub(crate) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// What the header says about the key, unverified, and the tenant that the token's `iss` was found to name.
    pub(crate) fn key<'t>(&'t self, tenant: Option<&'t str>) -> KeyReference<'t> {
        let thumbprints = self.thumbprints.as_ref().map(|both| both.each_ref().map(Option::as_ref));
        let tenant = match self.iss() {
            Issuer::Named(iss) => tenant.map(|tenant| (iss, tenant)),
            Issuer::Absent | Issuer::Malformed => None,
        };
        KeyReference { alg: self.alg, kid: self.kid(), thumbprints: thumbprints.unwrap_or_default(), tenant }
    }

    /// The issuer that the claims name, unverified.
    pub(crate) fn iss(&self) -> Issuer<'_> {
        match self.claims.get("iss") {
            None => Issuer::Absent,
            Some(Value::String(iss)) => Issuer::Named(iss),
            Some(_) => Issuer::Malformed,
        }
    }

    /// The signed bytes: the first two segments as they were sent (RFC 7515 section 5.2).
    pub(crate) fn signing_input(&self) -> &[u8] {
        self.signing_input.as_bytes()
    }

    /// The signature, decoded.
    pub(crate) fn signature(&self) -> &Vec<u8> {
        &self.signature
    }

    /// Whether the algorithm can produce a signature of this length.
    pub(crate) fn has_fitting_signature(&self) -> bool {
        self.alg.signature_bytes().contains(&self.signature.len())
    }

    /// The `typ` header and the claims. Only `signature.rs` may call this, once the signature is verified.
    pub(crate) fn into_contents(self) -> (Option<String>, Map<String, Value>) {
        (self.typ, self.claims)
    }
}

/// A media type without the optional `application/` (RFC 7515 section 4.1.9).
pub(crate) fn media_type(typ: &str) -> &str {
    match typ.split_at_checked("application/".len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => rest,
        _ => typ,
    }
}

/// Decodes a non-empty base64url segment without padding or trailing bits (RFC 7515 section 2).
fn decoded(segment: &str) -> Result<Vec<u8>, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(segment).map_err(|_| Error::MalformedToken)?;
    if bytes.is_empty() { Err(Error::MalformedToken) } else { Ok(bytes) }
}

/// Decodes a segment that is a JSON object without duplicate members.
fn object(segment: &str) -> Result<Map<String, Value>, Error> {
    json::object(&decoded(segment)?).map_err(|_| Error::MalformedToken)
}

/// Prints nothing of the token, not even its issuer.
impl fmt::Debug for Issuer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::Named(_) => "Named(..)",
            Self::Malformed => "Malformed",
        })
    }
}

impl fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified").field("alg", &self.alg).finish_non_exhaustive()
    }
}
