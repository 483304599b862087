//! The steps of the pipeline, in order.

/// Those for a JWT.
pub(super) const OF_JWT: [&str; 16] = [
    "clock",
    "event",
    "token",
    "header",
    "issuer",
    "key",
    "signature",
    "dates",
    "audience",
    "type",
    "binding",
    "claims",
    "scopes",
    "principal",
    "route",
    "policy",
];

/// Those for an opaque token.
pub(super) const OF_OPAQUE: [&str; 13] = [
    "clock",
    "event",
    "token",
    "endpoint",
    "issuer",
    "dates",
    "audience",
    "binding",
    "claims",
    "scopes",
    "principal",
    "route",
    "policy",
];
