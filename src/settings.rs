//! The settings of the pipeline as a whole; each stage defines its own.

use crate::claims::Forwarding;
use crate::event::TokenSource;
use crate::policy::{Plan, PolicyExpiry};
use crate::response::{Form, InvalidToken};

/// How decisions become answers.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) forwarding: Forwarding,
    pub(crate) policies: Policies,
    pub(crate) policy_expiry: PolicyExpiry,
    pub(crate) route_rules: RouteRules,
    pub(crate) invalid_token: InvalidToken,
    /// Where the token of a REQUEST event is.
    pub(crate) token_sources: Vec<TokenSource>,
    /// How an event of format 2.0 is answered. All others are answered by a policy.
    pub(crate) http_api_answer: Form,
}

/// Which requests a policy covers.
#[derive(Debug)]
pub(crate) enum Policies {
    /// Every later request with the same token, because the gateway caches the policy.
    Cacheable(Box<Plan>),
    /// The current request only.
    SingleRequest,
}

/// Whether the route table decides, or only reports what it would decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RouteRules {
    Enforce,
    Report,
}
