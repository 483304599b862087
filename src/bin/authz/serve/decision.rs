//! How a request was decided, before the backend is asked.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use super::responses::Own;

/// What a request comes to before the backend is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passes,
    Preflight,
    Own(Own),
}

/// Where the policy came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Asked {
    /// The authorizer was asked.
    Invoked,
    /// The answer was in the cache.
    Cached,
    /// The request ended before.
    #[serde(rename = "not_asked")]
    Skipped,
}

/// How a request was decided.
pub(super) struct Decision {
    pub(super) outcome: Outcome,
    /// The methods that a preflight tells.
    pub(super) methods: Vec<&'static str>,
    pub(super) request_id: String,
    pub(super) resource: Option<String>,
    pub(super) parameters: Map<String, Value>,
    pub(super) asked: Asked,
    /// How old the answer is, if it was in the cache.
    pub(super) age: Option<Duration>,
    /// The authorizer's answer.
    pub(super) answer: Option<Value>,
    pub(super) verdict: Option<&'static str>,
    /// What came of each step, for the page.
    pub(super) steps: Vec<GatewayStep>,
}

/// A step of the gateway.
#[derive(Serialize)]
pub(super) struct GatewayStep {
    name: &'static str,
    passed: bool,
    says: String,
}

impl Decision {
    /// Nothing is decided yet about a request of this number.
    pub(super) fn new(number: u64) -> Self {
        Self {
            outcome: Outcome::Passes,
            methods: Vec::new(),
            request_id: format!("local-{number}"),
            resource: None,
            parameters: Map::new(),
            asked: Asked::Skipped,
            age: None,
            answer: None,
            verdict: None,
            steps: Vec::new(),
        }
    }

    /// Notes a step that lets the request on.
    pub(super) fn step(&mut self, name: &'static str, says: &str) {
        self.steps.push(GatewayStep { name, passed: true, says: says.to_owned() });
    }

    /// Notes the step that ends it.
    pub(super) fn ends(mut self, name: &'static str, says: &str, own: Own) -> Self {
        self.steps.push(GatewayStep { name, passed: false, says: says.to_owned() });
        self.outcome = Outcome::Own(own);
        self
    }
}
