//! Permit -> IAM policy document.
//!
//! Two kinds: one that speaks of the request alone, and one that a [`Plan`] makes of everything the token may do, for the
//! gateway applies what it has cached to every later request with the same token.

mod ambiguity_denies;
mod answer;
mod any_method;
mod automaton;
mod builder;
mod cache;
mod claim_space;
mod collisions;
mod compile;
mod conditions;
mod conflicts;
mod diagnostics;
mod entailment;
mod exclusions;
mod findings;
pub(crate) mod glob;
mod grants;
mod method_table;
#[cfg(any(test, feature = "unstable-internals"))]
pub(crate) mod oracle;
mod overlap;
mod pattern;
mod plan;
mod questions;
mod resources;
mod sorted;
mod sources;
#[cfg(test)]
mod tests;

use builder::{FRAME_BYTES, json_bytes, resource_bytes};
pub(crate) use plan::Plan;
use resources::Resources;

use serde::Serialize;

use crate::error::Error;
use crate::event::MethodArn;
use crate::routes::Permit;
use crate::time::NumericDate;

/// The longest Resource that API Gateway takes, in characters.
pub(crate) const MAX_RESOURCE_CHARS: usize = 512;

/// An IAM policy document, in the spelling that API Gateway insists on.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct IamPolicy {
    version: &'static str,
    statement: Vec<Statement>,
}

/// One statement of a policy. A Deny beats every Allow.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Statement {
    action: &'static str,
    effect: Effect,
    resource: Resources,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<Condition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Effect {
    Allow,
    Deny,
}

/// That the current time is before a date.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Condition {
    date_less_than: CurrentTime,
}

#[derive(Clone, Debug, Serialize)]
struct CurrentTime {
    #[serde(rename = "aws:CurrentTime")]
    current_time: String,
}

/// Whether an Allow ends when the token does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PolicyExpiry {
    /// Every Allow carries the token's end as a condition, if it has one.
    Token,
    /// No condition.
    None,
}

impl IamPolicy {
    /// Refuses everything in the stage: the answer to a token that is not valid.
    pub(crate) fn deny_stage(arn: &MethodArn<'_>) -> Self {
        Self::of(vec![Statement::deny(Resources::one(format!("{}*", arn.stage())))])
    }

    /// Allows everything in the stage.
    pub(crate) fn allow_stage(arn: &MethodArn<'_>, ends: Option<NumericDate>) -> Self {
        Self::of(vec![Statement::allow(Resources::one(format!("{}*", arn.stage())), ends)])
    }

    /// Speaks of this request and no other: its own ARN, allowed or denied. A request that cannot be named, because its path
    /// is ambiguous, its ARN is longer than a Resource may be, or the identity leaves no room for it, is denied with the stage.
    pub(crate) fn for_request(
        permit: Result<Permit, Error>,
        arn: &MethodArn<'_>,
        ends: Option<NumericDate>,
        room: usize,
    ) -> (Self, Option<Error>) {
        let nameable = arn.as_str().chars().count() <= MAX_RESOURCE_CHARS;
        let fits = FRAME_BYTES.saturating_add(resource_bytes(json_bytes(arn.as_str()))) <= room;
        let own = Resources::one(arn.as_str().to_owned());
        match permit {
            Ok(_) if nameable && fits => (Self::of(vec![Statement::allow(own, ends)]), None),
            Ok(_) => (Self::deny_stage(arn), Some(Error::AmbiguousPath)),
            Err(error) if error == Error::AmbiguousPath || !nameable => (Self::deny_stage(arn), Some(error)),
            Err(error) => (Self::of(vec![Statement::deny(own)]), Some(error)),
        }
    }

    /// Allows and denies these. Where there are none it refuses the stage.
    fn of_resources(allow: Resources, deny: Resources, arn: &MethodArn<'_>, ends: Option<NumericDate>) -> Self {
        let mut statements = Vec::new();
        if !allow.are_none() {
            statements.push(Statement::allow(allow, ends));
        }
        if !deny.are_none() {
            statements.push(Statement::deny(deny));
        }
        if statements.is_empty() { Self::deny_stage(arn) } else { Self::of(statements) }
    }

    /// Whether it allows anything, to anyone, at some time.
    pub(crate) fn allows(&self) -> bool {
        self.statement.iter().any(|statement| statement.effect == Effect::Allow)
    }

    fn of(statement: Vec<Statement>) -> Self {
        // The only version that knows policy variables, so that `${` can never mean two things.
        Self { version: "2012-10-17", statement }
    }
}

impl Statement {
    fn allow(resource: Resources, ends: Option<NumericDate>) -> Self {
        let before = |date: NumericDate| Condition { date_less_than: CurrentTime { current_time: date.iso8601() } };
        let condition = ends.map(before);
        Self { action: "execute-api:Invoke", effect: Effect::Allow, resource, condition }
    }

    fn deny(resource: Resources) -> Self {
        Self { action: "execute-api:Invoke", effect: Effect::Deny, resource, condition: None }
    }
}
