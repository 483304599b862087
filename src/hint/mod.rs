//! What a refusal usually means: a fixed code for the log line, and what to do about it.
//!
//! A hint comes from a token that was refused, so it is only ever text for whoever runs the authorizer. Only refusals look
//! for one, at the cost of one more HMAC for each other way to read a secret.

mod claims;
mod credentials;
mod elsewhere;
mod events;
mod issuers;
mod kinds;
mod list;
mod refused;
mod rights;
mod similar_paths;
mod similarity;
#[cfg(test)]
mod tests;
mod unverified;
mod values;

#[cfg(feature = "authz")]
pub(crate) use elsewhere::{How, Place};
pub(crate) use events::kind as kind_of_event;
#[cfg(feature = "authz")]
pub(crate) use issuers::is_document;
pub(crate) use list::Hint;
pub(crate) use refused::Refused;
pub(crate) use values::Cause;

use std::cell::LazyCell;

use crate::error::Error;
use unverified::UnverifiedJwt;

/// The longest token that is looked into: as long as one may be, with its scheme.
const MAX_BYTES: usize = 10_300;

impl Hint {
    /// The usual cause of this refusal, if it has one.
    pub(crate) fn of(error: Error, refused: &Refused<'_>) -> Option<Cause> {
        if refused.authorization.len() > MAX_BYTES {
            return Some(Self::TokenTooLong.into());
        }
        let token = LazyCell::new(|| UnverifiedJwt::of(refused.authorization));
        let claims = || refused.claims.unwrap_or_else(|| &token.claims);
        // What the token is comes before what is wrong with it.
        let kind = || kinds::known(&token.header, claims(), refused);
        let hint = match error {
            Error::MalformedToken => credentials::malformed(refused.authorization),
            Error::UnsupportedAlgorithm => issuers::algorithm(&token, refused.issuers),
            Error::UnknownIssuer if refused.tenant_not_listed => Some(Self::TenantNotListed),
            Error::UnknownIssuer => kind().or_else(|| issuers::issuer(claims(), refused.issuers)),
            Error::UnknownKey => kind().or_else(|| (refused.key)()),
            Error::InvalidSignature | Error::InvalidSignatureUnderOldKeys => match token.header.contains_key("nonce") {
                true => Some(Self::EntraGraphToken),
                false => kind().or_else(|| (refused.other_reading)()),
            },
            Error::Expired | Error::NotYetValid | Error::TooOld => claims::dates(error, claims(), refused),
            Error::WrongAudience => kind().or_else(|| claims::audience(claims(), refused)),
            Error::WrongTokenType => kind().or_else(|| match token.header.get("typ") {
                _ if kinds::unwanted_id_token(claims(), refused).is_some() => Some(Self::IdTokenForAccessToken),
                None => Some(Self::TypAbsent),
                Some(typ) => (typ == "JWT").then_some(Self::TypIsJwt),
            }),
            Error::InvalidClaim | Error::MissingClaim => {
                return kind().map(Cause::from).or_else(|| claims::claim(claims(), refused));
            }
            Error::InsufficientScope => {
                let cause = kind().map(Cause::from).or_else(|| rights::scope(claims(), refused));
                return cause.or_else(|| preflight(refused).map(Cause::from));
            }
            Error::ClaimMismatch => {
                let failing = values::failing_of_route(refused.need?, refused.path, claims());
                return failing.iter().find_map(|wanted| values::cause(wanted, claims()));
            }
            Error::UndeclaredRoute => {
                preflight(refused).or_else(|| similar_paths::similar(refused.routes, refused.path, refused.stage))
            }
            Error::MissingToken => preflight(refused),
            Error::AmbiguousPath => ambiguous(refused.path),
            Error::MalformedEvent
            | Error::KeysUnavailable
            | Error::IntrospectionUnavailable
            | Error::InactiveToken
            | Error::BoundToken
            | Error::Internal => None,
        };
        hint.map(Cause::from)
    }
}

/// A request that browsers send without credentials (Fetch standard, section 4.8).
fn preflight(refused: &Refused<'_>) -> Option<Hint> {
    (refused.method == "OPTIONS").then_some(Hint::PreflightRequest)
}

/// A path that can be read in more than one way.
fn ambiguous(path: &str) -> Option<Hint> {
    if path.starts_with('/') || path.contains("//") {
        return Some(Hint::DoubleSlashInPath);
    }
    let small = path.to_ascii_lowercase();
    let encoded = ["%2f", "%5c", "%2e", "%3b", "%25"].iter().any(|encoded| small.contains(encoded));
    encoded.then_some(Hint::EncodedSlashInPath)
}
