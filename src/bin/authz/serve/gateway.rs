//! The gateway: what API Gateway does with a request, in its order.
//!
//! Resource, validation expression, result cache, authorizer, policy. Then the backend, or an answer of its own.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use apigw_jwt_authorizer::explain::{Explanation, Verdict, event};
use apigw_jwt_authorizer::{Authorizer, Clock as _, Invocation};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderName, StatusCode};
use regex::Regex;
use serde_json::Value;

use super::backend::{Backend, Passed};
use super::cache::Cache;
use super::decision::{Asked, Decision, Outcome};
use super::gateway_responses::{GatewayResponses, Refused};
use super::http::{Reply, Request, json, set};
use super::identity::{self, IdentitySource};
use super::issuer::Issuer;
use super::loaded::Loaded;
use super::resources::Found;
use super::responses::{Own, preflight};
use super::safety::Origin;
use crate::environment::SystemClock;

/// The longest method ARN that an authorizer is asked about.
const MAX_ARN: usize = 1600;

/// The gateway in front of a configuration.
pub(super) struct Gateway {
    pub(super) clock: Rc<SystemClock>,
    pub(super) issuer: Option<Rc<Issuer>>,
    pub(super) backend: Backend,
    responses: GatewayResponses,
    expression: Option<Regex>,
    /// Those of a REQUEST authorizer; without any it is a TOKEN authorizer.
    identity_sources: Vec<IdentitySource>,
    loaded: RefCell<Rc<Loaded>>,
    pub(super) cache: RefCell<Cache>,
    requests: Cell<u64>,
}

impl Gateway {
    /// A gateway that keeps answers this long.
    ///
    /// # Errors
    /// A validation expression that is not a regular expression.
    pub(super) fn new(
        loaded: Loaded,
        clock: Rc<SystemClock>,
        issuer: Option<Rc<Issuer>>,
        backend: Backend,
        responses: GatewayResponses,
        (expression, identity_sources): (&str, &[IdentitySource]),
        cache: Duration,
    ) -> Result<Self, String> {
        let expression = match expression {
            "" => None,
            // The whole header has to match: an expression that is not anchored at its ends is taken as if it were.
            text => Some(
                Regex::new(&format!("^(?:{text})$"))
                    .map_err(|_| "--validation-expression: not a regular expression")?,
            ),
        };
        Ok(Self {
            clock,
            issuer,
            backend,
            responses,
            expression,
            identity_sources: identity_sources.to_vec(),
            loaded: RefCell::new(Rc::new(loaded)),
            cache: RefCell::new(Cache::new(cache)),
            requests: Cell::new(0),
        })
    }

    /// The configuration that is being served.
    pub(super) fn loaded(&self) -> Rc<Loaded> {
        Rc::clone(&self.loaded.borrow())
    }

    /// Serves another configuration from now on, as if the function was deployed anew and the cache flushed.
    pub(super) fn replace(&self, loaded: Loaded) {
        *self.loaded.borrow_mut() = Rc::new(loaded);
        self.cache.borrow_mut().flush();
    }

    /// Answers a request to the API.
    pub(super) async fn answer(&self, request: &Request, origin: &Origin) -> (Reply, Decision) {
        let began = self.clock.now();
        let method = request.method.as_str();
        // Two values, or one that is not text, are no token.
        let token = match request.headers.contains_key("authorization") {
            true => Some(request.header("authorization").unwrap_or_default()),
            false => None,
        };
        let decision = self.decide(request, token).await;
        let answered = match (&decision.outcome, &decision.answer, &decision.resource) {
            (Outcome::Preflight, ..) => Ok(preflight(&decision.methods)),
            (Outcome::Own(own), ..) => Err(*own),
            (Outcome::Passes, Some(answer), Some(resource)) => {
                let (parameters, request_id) = (&decision.parameters, decision.request_id.as_str());
                self.backend.answer(&Passed { request, resource, parameters, answer, request_id }).await
            }
            (Outcome::Passes, ..) => Ok(json(StatusCode::INTERNAL_SERVER_ERROR, &Value::Null)),
        };
        let own = answered.as_ref().err().copied();
        let mut reply = answered.unwrap_or_else(|own| self.refused(own, decision.answer.as_ref()));
        set(&mut reply, HeaderName::from_static("x-amzn-requestid"), &decision.request_id);
        if let Origin::Allowed(origin) = origin {
            self.responses.share(&mut reply, origin, own);
        }
        let took = u64::try_from(self.clock.now().monotonic.saturating_sub(began.monotonic).as_millis());
        let asked = match decision.asked {
            Asked::Invoked => "invoked",
            Asked::Cached => "cached",
            Asked::Skipped => "not_asked",
        };
        tracing::info!(
            target: "authz::gateway",
            request_id = decision.request_id.as_str(),
            method,
            path = request.path.as_str(),
            status = u64::from(reply.status().as_u16()),
            authorizer = asked,
            duration_ms = took.unwrap_or(u64::MAX),
            "request"
        );
        (reply, decision)
    }

    /// An answer of the gateway's own, to a request that the authorizer answered like this.
    pub(super) fn refused(&self, own: Own, answer: Option<&Value>) -> Reply {
        let loaded = self.loaded();
        let invalid_token = loaded.document.get("invalid_token").and_then(Value::as_str).unwrap_or("deny");
        self.responses.reply(own, &Refused { answer, invalid_token })
    }

    /// Explains what the authorizer itself says about a request, now and without the cache.
    pub(super) async fn explain(&self, method: &str, path: &str, token: Option<&str>) -> Explanation {
        let loaded = self.loaded();
        self.authorizer(&loaded, token).explain(event(token, method, path).as_bytes()).await
    }

    /// What a policy says about a request.
    pub(super) fn verdict(&self, answer: &Value, method: &str, path: &str) -> Verdict {
        let document = answer.get("policyDocument").unwrap_or(&Value::Null);
        self.loaded().authorizer.verdict(document, method, path)
    }

    async fn decide(&self, request: &Request, token: Option<&str>) -> Decision {
        let (method, path) = (request.method.as_str(), request.path.as_str());
        let mut decision = self.undecided();
        let loaded = self.loaded();
        match loaded.resources.find(method, path) {
            Found::Nothing => {
                return decision.ends(
                    "resource",
                    "the API has no such resource, or it lacks the method",
                    Own::NoMethod,
                );
            }
            Found::Preflight(methods) => {
                decision.step("resource", "OPTIONS is answered by the gateway: browsers send no token with it");
                (decision.outcome, decision.methods) = (Outcome::Preflight, methods);
                return decision;
            }
            Found::Method { resource, parameters } => {
                decision.step("resource", &format!("{method} {resource}"));
                (decision.resource, decision.parameters) = (Some(resource), parameters);
            }
        }
        let event = event(token, method, path);
        let arn =
            |event: &str| serde_json::from_str::<Value>(event).ok()?.get("methodArn")?.as_str().map(str::to_owned);
        let Some(arn) = arn(&event).filter(|arn| arn.len() <= MAX_ARN) else {
            return decision.ends("method ARN", "longer than 1,600 bytes", Own::UriTooLong);
        };
        let credential = match self.identity_sources.as_slice() {
            [] => self.token(token).map(|says| (says, token.unwrap_or_default().to_owned(), event)),
            sources => match identity::values(sources, request) {
                Some(values) => {
                    let resource = decision.resource.clone().unwrap_or_default();
                    let event = identity::event(request, &resource, &arn);
                    Ok(("all identity sources are there", identity::key(&values), event))
                }
                None => Err("an identity source is absent, so nobody is asked"),
            },
        };
        let (says, key, event) = match credential {
            Ok(credential) => credential,
            Err(says) => return decision.ends("token", says, Own::Unauthorized),
        };
        decision.step("token", says);
        let token = key.as_str();
        let now = self.clock.now().monotonic;
        let flushes = self.cache.borrow().flushes();
        let hit = self.cache.borrow_mut().hit(token, now);
        let answer = match hit {
            Some((answer, age)) => {
                decision.step("cache", &format!("an answer of {} s ago is used", age.as_secs()));
                (decision.asked, decision.age) = (Asked::Cached, Some(age));
                answer
            }
            None => {
                decision.step(
                    "cache",
                    if self.identity_sources.is_empty() { "no answer to this token" } else { "no answer to these" },
                );
                decision.asked = Asked::Invoked;
                let invocation = Invocation { request_id: Some(&decision.request_id), deadline: None };
                let answer = self.authorizer(&loaded, Some(token)).authorize(event.as_bytes(), invocation).await;
                serde_json::from_str(&answer.to_json()).unwrap_or_default()
            }
        };
        if answer.get("policyDocument").is_none() {
            let own = match answer.get("errorMessage").and_then(Value::as_str) {
                Some("Unauthorized") => Own::Unauthorized,
                _ => Own::AuthorizerFailed,
            };
            let kind = answer.get("errorType").and_then(Value::as_str).unwrap_or("an error");
            let says = format!("the error {kind}, which is not cached");
            decision.answer = Some(answer);
            return decision.ends("authorizer", &says, own);
        }
        if decision.asked == Asked::Invoked {
            decision.step("authorizer", "a policy");
            self.cache.borrow_mut().keep(token, &answer, format!("{method} {path}"), now, flushes);
        }
        let verdict = self.verdict(&answer, method, path);
        decision.answer = Some(answer);
        decision.verdict = Some(match verdict {
            Verdict::Allowed => "allowed",
            Verdict::ExplicitDeny => "explicit_deny",
            Verdict::ImplicitDeny => "implicit_deny",
        });
        match verdict {
            Verdict::Allowed => {
                decision.step("policy", "an Allow of the policy names the request");
                decision
            }
            Verdict::ExplicitDeny => {
                decision.ends("policy", "a Deny of the policy names the request", Own::AccessDenied { explicit: true })
            }
            Verdict::ImplicitDeny => decision.ends(
                "policy",
                "no Allow of the policy names the request",
                Own::AccessDenied { explicit: false },
            ),
        }
    }

    /// What a TOKEN authorizer's gateway says of a header that it asks about.
    ///
    /// # Errors
    /// Why it does not ask.
    fn token(&self, token: Option<&str>) -> Result<&'static str, &'static str> {
        let token = token.filter(|token| !token.is_empty()).ok_or("there is no Authorization header")?;
        match &self.expression {
            Some(expression) if !expression.is_match(token) => Err("the validation expression does not match"),
            Some(_) => Ok("the validation expression matches"),
            None => Ok("an Authorization header; there is no validation expression"),
        }
    }

    /// The configuration's authorizer; for a token that says one of the development issuer's keys signed it, the one with those
    /// keys. Each believes its own keys alone, so what the token says only chooses who refuses it.
    fn authorizer(&self, loaded: &Loaded, token: Option<&str>) -> Rc<Authorizer> {
        // Cookies, parameters and what identity sources are kept by hold one among others.
        let words = token.into_iter().flat_map(|token| token.split(|c: char| " =,;\u{1f}".contains(c)));
        let names_a_key = |issuer: &Issuer| words.clone().filter_map(kid_of).any(|kid| issuer.names_a_key_of(&kid));
        match (&loaded.stand_in, &self.issuer) {
            (Some(stand_in), Some(issuer)) if names_a_key(issuer) => Rc::clone(stand_in),
            _ => Rc::clone(&loaded.authorizer),
        }
    }

    fn undecided(&self) -> Decision {
        let number = self.requests.get().saturating_add(1);
        self.requests.set(number);
        Decision::new(number)
    }
}

/// The `kid` that a token's header names. Nothing here is verified.
fn kid_of(token: &str) -> Option<String> {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    let header: Value = serde_json::from_slice(&header).ok()?;
    header.get("kid")?.as_str().map(str::to_owned)
}
