//! What is known of a refused request.

use std::borrow::Cow;

use serde_json::Value;

use super::list::Hint;
use crate::claims::{ClaimName, ClaimRules};
use crate::routes::{Need, Routes};
use crate::time::NumericDate;

/// What is known of a refused request.
pub(crate) struct Refused<'a> {
    /// The value of the token header.
    pub(crate) authorization: &'a str,
    pub(crate) method: &'a str,
    /// Without its first slash.
    pub(crate) path: &'a str,
    /// The claims of the token, if it was verified or is opaque.
    pub(crate) claims: Option<&'a Value>,
    /// Whether the issuer's endpoint was asked about the token.
    pub(crate) is_opaque: bool,
    /// The configured issuers, and whether each has a secret. One with tenants stands here as that of the token's tenant.
    pub(crate) issuers: &'a [(Option<Cow<'a, str>>, bool)],
    /// Whether the token's `iss` names a tenant of an issuer that is not among those it accepts.
    pub(crate) tenant_not_listed: bool,
    /// The configured name of the issuer, and what its tokens must say, if it was found.
    pub(crate) issuer: Option<&'a str>,
    pub(crate) rules: Option<&'a ClaimRules>,
    /// The claims that may become the principal.
    pub(crate) principal: &'a [ClaimName],
    /// Whether the secret has signed, read in another way.
    pub(crate) other_reading: &'a dyn Fn() -> Option<Hint>,
    /// Whether the issuer's set has the key that the token names, and what is the matter with it.
    pub(crate) key: &'a dyn Fn() -> Option<Hint>,
    /// What the route needs.
    pub(crate) need: Option<&'a Need>,
    pub(crate) routes: &'a Routes,
    /// The name of the stage.
    pub(crate) stage: &'a str,
    pub(crate) now: NumericDate,
}
