//! What a refusal usually means: a fixed code for the log line, and what to do about it.
//!
//! A hint is read out of a token that was refused, so nothing follows from it but a text for whoever runs the authorizer.
//! It is sought on the way of a refusal alone, and costs at most one more HMAC for each secret.

mod cause;
mod list;
mod similarity;
#[cfg(test)]
mod tests;

pub(crate) use list::Hint;

use std::cell::LazyCell;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::claims::{ClaimName, ClaimRules};
use crate::error::Error;
use crate::routes::Need;
use crate::time::NumericDate;

/// The longest token that is looked into: as long as one may be, with its scheme.
const MAX_BYTES: usize = 10_300;

/// What is known of a refused request.
pub(crate) struct Refused<'a> {
    /// The value of the token header.
    pub(crate) authorization: &'a str,
    /// The claims of the token, if it was verified.
    pub(crate) claims: Option<&'a Value>,
    /// The configured issuers, and whether each has a secret.
    pub(crate) issuers: &'a [(Option<&'a str>, bool)],
    /// What the issuer's tokens must say, if it was found.
    pub(crate) rules: Option<&'a ClaimRules>,
    /// The claims that may become the principal.
    pub(crate) principal: &'a [ClaimName],
    /// Whether the other reading of a secret, if there is one, has signed: as base64, or as text.
    pub(crate) other_reading: &'a dyn Fn() -> Option<Hint>,
    /// What the route needs.
    pub(crate) need: Option<&'a Need>,
    /// What other requests the path or method at hand may have been meant for.
    pub(crate) similar_route: &'a dyn Fn() -> Option<Hint>,
    pub(crate) now: NumericDate,
}

/// A token as anybody may have written it. Nothing in it is verified.
#[derive(Default)]
struct UnverifiedJwt {
    header: Map<String, Value>,
    claims: Value,
}

impl Hint {
    /// The usual cause of this refusal, if it has one.
    pub(crate) fn of(error: Error, refused: &Refused<'_>) -> Option<Self> {
        if refused.authorization.len() > MAX_BYTES {
            return Some(Self::TokenTooLong);
        }
        if error == Error::MalformedToken {
            return cause::malformed(refused.authorization);
        }
        let token = LazyCell::new(|| UnverifiedJwt::of(refused.authorization));
        let claims = || refused.claims.unwrap_or_else(|| &token.claims);
        match error {
            Error::UnsupportedAlgorithm => cause::algorithm(&token, refused.issuers),
            Error::UnknownIssuer => cause::issuer(claims(), refused.issuers),
            Error::UnknownKey => (!token.header.contains_key("kid")).then_some(Self::KidAbsent),
            Error::InvalidSignature | Error::InvalidSignatureUnderOldKeys => match token.header.contains_key("nonce") {
                true => Some(Self::EntraGraphToken),
                false => (refused.other_reading)(),
            },
            Error::Expired | Error::NotYetValid | Error::TooOld => cause::dates(error, claims(), refused),
            Error::WrongAudience => cause::audience(claims(), refused.rules?),
            Error::WrongTokenType => match token.header.get("typ") {
                _ if cause::is_id_token(claims()) => Some(Self::IdTokenForAccessToken),
                None => Some(Self::TypAbsent),
                Some(typ) => (typ == "JWT").then_some(Self::TypIsJwt),
            },
            Error::InvalidClaim | Error::MissingClaim => cause::claim(claims(), refused),
            Error::InsufficientScope => cause::scope(claims(), refused.rules?, refused.need?),
            Error::UndeclaredRoute => (refused.similar_route)(),
            Error::MissingToken
            | Error::MalformedToken
            | Error::MalformedEvent
            | Error::KeysUnavailable
            | Error::BoundToken
            | Error::ClaimMismatch
            | Error::AmbiguousPath
            | Error::Internal => None,
        }
    }
}

impl UnverifiedJwt {
    /// Reads what can be read.
    fn of(authorization: &str) -> Self {
        Self { header: part(authorization, 0), claims: Value::Object(part(authorization, 1)) }
    }
}

/// What can be read of a segment: nothing, if it is not an object.
fn part(authorization: &str, position: usize) -> Map<String, Value> {
    let token = authorization.rsplit(' ').next().unwrap_or_default();
    let bytes = token.split('.').nth(position).and_then(|segment| URL_SAFE_NO_PAD.decode(segment).ok());
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// The header that a token seems to have, as JSON.
#[cfg(feature = "authz")]
pub(crate) fn seeming_header(token: &str) -> Option<String> {
    let header = part(token, 0);
    (!header.is_empty()).then(|| Value::Object(header).to_string())
}
