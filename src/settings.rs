//! The settings of the pipeline as a whole; each stage defines its own.

use crate::claims::Forwarding;
use crate::policy::{Plan, PolicyExpiry};
use crate::response::InvalidToken;

/// How decisions become answers.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) forwarding: Forwarding,
    pub(crate) policies: Policies,
    pub(crate) policy_expiry: PolicyExpiry,
    pub(crate) route_rules: RouteRules,
    pub(crate) invalid_token: InvalidToken,
}

/// Which requests a policy speaks of.
#[derive(Debug)]
pub(crate) enum Policies {
    /// Every later one with the same token, for the gateway will apply it to them.
    Cacheable(Box<Plan>),
    /// The one that is made.
    SingleRequest,
}

/// Whether the route table decides, or only says what it would have decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RouteRules {
    Enforce,
    Report,
}
