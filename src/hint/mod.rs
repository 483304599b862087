//! What a refusal usually means: a fixed code for the log line, and what to do about it.
//!
//! A hint comes from a token that was refused, so it is only ever text for whoever runs the authorizer. Only refusals look
//! for one, at the cost of at most one more HMAC for each secret.

mod cause;
mod list;
mod similarity;
#[cfg(test)]
mod tests;
mod unverified;

pub(crate) use cause::Refused;
pub(crate) use list::Hint;
#[cfg(feature = "authz")]
pub(crate) use unverified::seeming_header;

use std::cell::LazyCell;

use crate::error::Error;
use unverified::UnverifiedJwt;

/// The longest token that is looked into: as long as one may be, with its scheme.
const MAX_BYTES: usize = 10_300;

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
