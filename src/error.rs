//! Every rule that can be broken, in the order of the pipeline.
//!
//! RFC 8725bis is draft-ietf-oauth-rfc8725bis, which replaces RFC 8725 and keeps the numbers of the sections named here.

use std::fmt;

/// The rule a request broke, or what kept the authorizer from deciding.
///
/// The variants stand in the order of the pipeline. Each has one answer, chosen in `response.rs`, and one
/// [code](Error::code), which is all that clients and log lines see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Error {
    /// The event is not a TOKEN event, or its `methodArn` does not name an API, stage, method and path.
    MalformedEvent,
    /// The request has no bearer credentials (RFC 6750 section 2.1).
    MissingToken,
    /// The credentials are not a signed JWT in compact form (RFC 7515 sections 3.1 and 7.1), or have a header that changes how
    /// to read them: `crit`, `b64`, `zip`, `enc`, a nested `cty` (RFC 7515 section 4.1.11, RFC 7797, RFC 7519 section 5.2).
    MalformedToken,
    /// `alg` is not one that the issuer is configured for (RFC 8725 and 8725bis section 3.1).
    UnsupportedAlgorithm,
    /// `iss` is not, byte for byte, a configured issuer (RFC 8725 and 8725bis section 3.8).
    UnknownIssuer,
    /// The keys or the secret could not be fetched. This is an outage, not a decision about the token.
    KeysUnavailable,
    /// No key in the issuer's current key set fits `kid` and `alg` (RFC 7515 section 4.1.4).
    UnknownKey,
    /// The chosen key did not make the signature (RFC 7515 section 5.2).
    InvalidSignature,
    /// No fetched key or secret made the signature, but they may have been rotated since they were fetched.
    InvalidSignatureUnderOldKeys,
    /// The introspection endpoint could not be asked about an opaque token. This is an outage, not a decision about the token.
    IntrospectionUnavailable,
    /// The introspection endpoint says that an opaque token is not active (RFC 7662 section 2.2).
    InactiveToken,
    /// The current time is on or after `exp` (RFC 7519 section 4.1.4).
    Expired,
    /// `nbf` or `iat` is in the future (RFC 7519 sections 4.1.5 and 4.1.6).
    NotYetValid,
    /// `iat` is older than the configured maximum age.
    TooOld,
    /// The audience claim has none of the configured audiences (RFC 7519 section 4.1.3).
    WrongAudience,
    /// `typ` is not an access token's (RFC 8725 and 8725bis section 3.11, RFC 9068 section 4).
    WrongTokenType,
    /// `cnf` binds the token to a key (RFC 7800 section 3.1), or introspection says a `token_type` other than `Bearer` (RFC 7662
    /// section 2.2). The authorizer cannot check who holds that key.
    BoundToken,
    /// A claim has the wrong type or a value that is not accepted.
    InvalidClaim,
    /// A required claim is missing.
    MissingClaim,
    /// The token's scopes are not enough for the route (RFC 6750 section 3.1).
    InsufficientScope,
    /// The token's claims do not fit the route.
    ClaimMismatch,
    /// No route is declared for this method and path.
    UndeclaredRoute,
    /// The path can be read as more than one route, or no policy can name it.
    AmbiguousPath,
    /// A panic, or a clock that shows a time before this program was built.
    Internal,
}

impl Error {
    /// The fixed code in logs and answers.
    ///
    /// ```
    /// use apigw_jwt_authorizer::Error;
    /// assert_eq!(Error::WrongAudience.code(), "wrong_audience");
    /// ```
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::MalformedEvent => "malformed_event",
            Self::MissingToken => "missing_token",
            Self::MalformedToken => "malformed_token",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
            Self::UnknownIssuer => "unknown_issuer",
            Self::KeysUnavailable => "keys_unavailable",
            Self::UnknownKey => "unknown_key",
            Self::InvalidSignature | Self::InvalidSignatureUnderOldKeys => "invalid_signature",
            Self::IntrospectionUnavailable => "introspection_unavailable",
            Self::InactiveToken => "inactive_token",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::TooOld => "too_old",
            Self::WrongAudience => "wrong_audience",
            Self::WrongTokenType => "wrong_token_type",
            Self::BoundToken => "bound_token",
            Self::InvalidClaim => "invalid_claim",
            Self::MissingClaim => "missing_claim",
            Self::InsufficientScope => "insufficient_scope",
            Self::ClaimMismatch => "claim_mismatch",
            Self::UndeclaredRoute => "undeclared_route",
            Self::AmbiguousPath => "ambiguous_path",
            Self::Internal => "internal_error",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for Error {}
