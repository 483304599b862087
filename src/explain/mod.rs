//! What the authorizer makes of a configuration and of a request, for whoever runs it. Only with the feature `authz`.
//!
//! It observes the handler's own decision. What comes out holds claims, for it is meant for the terminal of somebody who has
//! the token anyway.

mod advice;
mod cached;
mod claims;
mod explanation;
mod iam;
mod meaning;
mod request;
mod segments;
mod simulation;
mod steps;
mod witness;
mod words;

use std::borrow::Cow;

use serde_json::Value;

use crate::authorizer::{Authorizer, Seen};
use crate::error::Error;
use crate::event::{Api, Request};
use crate::hint::{Cause, Hint, kind_of_event};
use crate::response::Answer;
use crate::similarity::meant;
use crate::time::Deadline;
pub use explanation::{Advice, Cached, Effect, Explanation, Outcome, Step};
use iam::Policy;
pub use iam::Verdict;
pub use meaning::{Fetched, IssuerMeaning, Meaning, RouteMeaning};
pub use request::event;
pub use simulation::{Asked, Bearer, Fate, Holder};
use witness::Witness;
use words::printable;

/// Every hint: its code, and what to do.
pub fn hints() -> impl Iterator<Item = Advice> {
    Hint::ALL.iter().copied().map(Advice::from)
}

/// The code of the hint that was probably meant.
#[must_use]
pub fn similar_hint(code: &str) -> Option<&'static str> {
    let codes: Vec<&str> = Hint::ALL.iter().map(|hint| hint.code()).collect();
    meant(code, &codes)
}

/// A text of a configuration with every `${NAME}` replaced; `$${` stands for `${`.
///
/// # Errors
/// What is wrong with a reference.
pub fn expanded(text: &str, env: impl FnMut(&str) -> Option<String>) -> Result<Cow<'_, str>, &'static str> {
    crate::config::expanded(text, env)
}

impl Authorizer {
    /// Decides a request as [`authorize`](Self::authorize) does, and says why.
    pub async fn explain(&self, event: &[u8]) -> Explanation {
        let request = Request::parse(event, &self.settings.token_sources);
        let mut witness = Witness::new(self);
        let (answer, error) = self.answer(&request, Deadline::of(None, self.clock.now()), &mut witness).await;
        witness.probe_keys(error).await;
        let Witness { seen, mut trail, token, steps, .. } = witness;
        if trail.refused.is_none() {
            // A request that no policy can name is refused here.
            trail.step("policy", Vec::new(), error.map_or(Ok(()), Err), |_| advice::NO_POLICY.to_owned());
        }
        let taken = trail.steps.len();
        steps.iter().skip(taken).for_each(|name| trail.missed(name));
        let hint = match (&request, error) {
            (Ok(request), Some(error)) => self.advice(error, request, &seen),
            (Err(_), Some(_)) => kind_of_event(event).map(Advice::from),
            (_, None) => None,
        };
        let value: Value = serde_json::from_str(&answer.to_json()).unwrap_or_default();
        let policy = value.get("policyDocument").map(Policy::new);
        let now = self.clock.now().date();
        let arn = request.as_ref().ok().map(|request| &request.arn);
        let passes = match value.get("isAuthorized") {
            Some(simple) => *simple == true,
            None => policy.as_ref().zip(arn).is_some_and(|(policy, arn)| policy.allows(arn.as_str(), now)),
        };
        let api = request.as_ref().map_or(Api::Rest, |request| request.api);
        Explanation {
            at: now.iso8601(),
            method: arn.map(|arn| arn.method().to_owned()),
            path: arn.map(|arn| printable(&words::path(arn))),
            steps: trail.steps,
            decision: match &answer {
                Answer::Policy(_) if passes => "allow",
                Answer::Policy(_) => "deny",
                failure if failure.is_decision() => "unauthorized",
                Answer::Failure(_) => "error",
            },
            reason: error.map(Error::code),
            advice: trail.advice.filter(|_| error.is_some() && hint.is_none()),
            hint,
            client_sees: answer.status(passes, api),
            route: seen.route.map(str::to_owned),
            cached: policy.zip(request.as_ref().ok()).map(|(policy, request)| Cached {
                until: policy.until().map(str::to_owned),
                effects: self.effects(&policy, request, seen.route, token.as_ref(), now),
            }),
            answer: value,
        }
    }

    /// The hint for a refusal, with the place that it is about.
    fn advice(&self, error: Error, request: &Request<'_>, seen: &Seen<'_>) -> Option<Advice> {
        let Cause { hint, place } = self.cause(error, request, seen)?;
        Some(Advice { place: place.map(|place| words::place(hint, &place)), ..Advice::from(hint) })
    }
}
