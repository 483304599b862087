//! An explanation: the steps that were taken, and what came of them.

use serde::Serialize;
use serde_json::Value;

use crate::error::Error;
use crate::hint::Hint;

/// How a request was decided, and why.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// The moment it was decided for.
    pub at: String,
    /// Its method; `None` if the event is malformed.
    pub method: Option<String>,
    /// Its path.
    pub path: Option<String>,
    /// Every step of the pipeline, in order.
    pub steps: Vec<Step>,
    /// `allow`, `deny`, `unauthorized` or `error`, as in the log.
    pub decision: &'static str,
    /// The reason code of a refusal or an error.
    pub reason: Option<&'static str>,
    /// Its usual cause.
    pub hint: Option<Advice>,
    /// What to do, if there is no usual cause.
    pub advice: Option<String>,
    /// The status that the client sees; 200 stands for the backend's own.
    pub client_sees: u16,
    /// The declared path that the request took.
    pub route: Option<String>,
    /// The answer as the gateway gets it.
    pub answer: Value,
    /// What the answer does once it is cached; `None` for an error, which is not cached.
    pub cached: Option<Cached>,
}

/// A hint and what to do.
#[derive(Debug, Serialize)]
pub struct Advice {
    /// The code in the log.
    pub code: &'static str,
    /// What to do.
    pub advice: &'static str,
    /// Where the token has what the configuration looks for elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// One step of the pipeline.
#[derive(Debug, Serialize)]
pub struct Step {
    /// What it is about.
    pub name: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// The reason code, if it refused.
    pub reason: Option<&'static str>,
    /// What was compared: what it is called, and its value.
    pub facts: Vec<(&'static str, String)>,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It let the request on.
    Passed,
    /// It refused it.
    Refused,
    /// An earlier one did.
    NotReached,
}

/// What an answer does to later requests with the same token.
#[derive(Debug, Serialize)]
pub struct Cached {
    /// When what it allows ends, if it says so.
    pub until: Option<String>,
    /// What it does to each declared route and method.
    pub effects: Vec<Effect>,
}

/// What a cached answer does to a route.
#[derive(Debug, Serialize)]
pub struct Effect {
    /// The method.
    pub method: &'static str,
    /// The path as declared.
    pub path: String,
    /// A path that takes it.
    pub sample: String,
    /// Whether the cached answer lets it pass.
    pub passes: bool,
    /// Whether the rules would, if the token is valid.
    pub rules: Option<bool>,
}

impl From<Hint> for Advice {
    fn from(hint: Hint) -> Self {
        Self { code: hint.code(), advice: hint.advice(), place: None }
    }
}

/// The steps that were taken, and those that may follow.
#[derive(Default)]
pub(super) struct Trail {
    pub(super) steps: Vec<Step>,
    pub(super) refused: Option<Error>,
    /// What to do about the refusal.
    pub(super) advice: Option<String>,
}

impl Trail {
    /// Notes a step and, if it refuses, what to do; unless an earlier one has refused.
    pub(super) fn step<T, A: Into<Option<String>>>(
        &mut self,
        name: &'static str,
        facts: Vec<(&'static str, String)>,
        outcome: Result<T, Error>,
        advice: impl FnOnce(Error) -> A,
    ) {
        if self.refused.is_some() {
            return self.missed(name);
        }
        self.refused = outcome.err();
        self.advice = self.refused.and_then(|error| advice(error).into());
        let outcome = if self.refused.is_some() { Outcome::Refused } else { Outcome::Passed };
        self.steps.push(Step { name, outcome, reason: self.refused.map(Error::code), facts });
    }

    pub(super) fn missed(&mut self, name: &'static str) {
        self.steps.push(Step { name, outcome: Outcome::NotReached, reason: None, facts: Vec::new() });
    }
}
