//! What the authorizer makes of a configuration and of a request, for whoever runs it. Only with the feature `authz`.
//!
//! Each step is the pipeline's own, called with what it is called with in Lambda, and the decision is the handler's. What
//! comes out holds claims, for it is meant for the terminal of somebody who has the token anyway.

mod cached;
mod claims;
mod explanation;
mod iam;
mod meaning;
mod words;

use serde_json::{Value, json};

use crate::authorizer::{Authorizer, Seen};
use crate::bearer::BearerToken;
use crate::claims::{ClaimName, Verified};
use crate::error::Error;
use crate::event::Request;
use crate::hint::{Hint, seeming_header};
use crate::issuer::Issuer;
use crate::keys::KeySource;
use crate::response::Answer;
use crate::settings::{Policies, RouteRules};
use crate::signature::Signed;
use crate::time::Deadline;
use crate::token::{Issuer as Named, Unverified};
use explanation::Trail;
pub use explanation::{Advice, Cached, Effect, Explanation, Outcome, Step};
use iam::Policy;
pub use meaning::{Fetched, IssuerMeaning, Meaning, RouteMeaning};
use words::{printable, text};

/// A stage for requests that are asked about without an event.
const STAGE: &str = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/prod";

/// An event for a method and a path that begins with `/`.
#[must_use]
pub fn event(authorization: Option<&str>, method: &str, path: &str) -> String {
    let path = path.strip_prefix('/').unwrap_or(path);
    json!({ "type": "TOKEN", "authorizationToken": authorization, "methodArn": format!("{STAGE}/{method}/{path}") })
        .to_string()
}

/// Every hint: its code, and what to do.
pub fn hints() -> impl Iterator<Item = Advice> {
    Hint::ALL.iter().copied().map(Advice::from)
}

/// The steps, in order.
const STEPS: [&str; 16] = [
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

impl Authorizer {
    /// Decides a request as [`authorize`](Self::authorize) does, and says why.
    pub async fn explain(&self, event: &[u8]) -> Explanation {
        let request = Request::parse(event);
        let mut seen = Seen::default();
        let (answer, error) = self.answer(&request, Deadline::of(None, self.clock.now()), &mut seen).await;
        let mut trail = Trail { steps: Vec::new(), refused: None };
        let facts = request.as_ref().map(|request| {
            vec![
                ("stage", printable(request.arn.stage())),
                ("method", request.arn.method().to_owned()),
                ("path", printable(&format!("/{}", request.arn.path()))),
            ]
        });
        let clock = match error {
            Some(Error::Internal) => Err(Error::Internal),
            _ => Ok(()),
        };
        trail.step("clock", vec![("now", self.clock.now().date().iso8601())], clock);
        trail.step("event", facts.unwrap_or_default(), request.as_ref().map_err(|error| *error));
        let token = match &request {
            Ok(request) if trail.refused.is_none() => self.steps(request, &mut trail).await,
            Ok(_) | Err(_) => None,
        };
        if trail.refused.is_none() {
            // A request that no policy can name is refused here.
            trail.step("policy", Vec::new(), error.map_or(Ok(()), Err));
        }
        let taken = trail.steps.len();
        STEPS.iter().skip(taken).for_each(|name| trail.missed(name));
        let hint = error.zip(request.as_ref().ok()).and_then(|(error, request)| self.hint(error, request, &seen));
        let value: Value = serde_json::from_str(&answer.to_json()).unwrap_or_default();
        let policy = value.get("policyDocument").map(Policy::new);
        let now = self.clock.now().date();
        let arn = request.as_ref().ok().map(|request| &request.arn);
        let passes = policy.as_ref().zip(arn).is_some_and(|(policy, arn)| policy.allows(arn.as_str(), now));
        Explanation {
            at: now.iso8601(),
            method: arn.map(|arn| arn.method().to_owned()),
            path: arn.map(|arn| printable(&format!("/{}", arn.path()))),
            steps: trail.steps,
            decision: match &answer {
                Answer::Policy(_) if passes => "allow",
                Answer::Policy(_) => "deny",
                failure if failure.is_decision() => "unauthorized",
                Answer::Failure(_) => "error",
            },
            reason: error.map(Error::code),
            hint: hint.map(Advice::from),
            client_sees: answer.status(passes),
            route: seen.route.map(str::to_owned),
            cached: policy.zip(request.as_ref().ok()).map(|(policy, request)| Cached {
                until: policy.until().map(str::to_owned),
                effects: self.effects(&policy, request, seen.route, token.as_ref(), now),
            }),
            answer: value,
        }
    }

    /// From the token header to the route.
    async fn steps(&self, request: &Request<'_>, trail: &mut Trail) -> Option<Verified> {
        let authorization = request.authorization.as_deref();
        let scheme =
            |value: &str| value.split(' ').next().map(|scheme| printable(&scheme.chars().take(20).collect::<String>()));
        let facts = match authorization {
            None | Some("") => vec![("header", "none".to_owned())],
            Some(value) if value.contains(' ') => {
                vec![("scheme", scheme(value).unwrap_or_default()), ("length", format!("{} bytes", value.len()))]
            }
            Some(value) => vec![("scheme", "none".to_owned()), ("length", format!("{} bytes", value.len()))],
        };
        let bearer = trail.step("token", facts, BearerToken::parse(authorization))?;
        let segments = bearer.as_str().split('.').count();
        let parsed = Unverified::parse(bearer);
        let facts = match &parsed {
            Ok(token) => vec![
                ("alg", token.alg().name().to_owned()),
                ("kid", token.kid().map_or_else(|| "none".to_owned(), printable)),
            ],
            Err(error) => {
                let header = seeming_header(bearer.as_str());
                vec![
                    ("segments", format!("{segments}; a signed JWT has 3")),
                    (
                        "header",
                        header.map_or_else(|| "not base64url of a JSON object".to_owned(), |header| printable(&header)),
                    ),
                    (
                        "expected",
                        match error {
                            Error::UnsupportedAlgorithm => "an `alg` that is supported".to_owned(),
                            _ => "strict JSON in base64url, no `crit`, `b64`, `zip`, `enc` or nested JWT, a `kid` of at most 256 bytes".to_owned(),
                        },
                    ),
                ]
            }
        };
        let token = trail.step("header", facts, parsed)?;
        let issuer = Issuer::select(&self.issuers, &token);
        let facts = vec![
            (
                "iss",
                match token.iss() {
                    Named::Named(name) => printable(name),
                    Named::Absent => "none".to_owned(),
                    Named::Malformed => "not a text".to_owned(),
                },
            ),
            (
                "configured",
                match issuer {
                    Ok(found) => words::issuer(found),
                    Err(_) => self.issuers.iter().map(words::issuer).collect::<Vec<_>>().join(", "),
                },
            ),
            ("alg", token.alg().name().to_owned()),
            (
                "allowed",
                match (issuer, token.iss()) {
                    (Ok(found), _) => words::algorithms(found),
                    (Err(Error::UnsupportedAlgorithm), Named::Named(name)) => {
                        let named = self.issuers.iter().filter(|issuer| issuer.name.as_deref() == Some(name));
                        named.map(words::algorithms).collect::<Vec<_>>().join(", ")
                    }
                    _ => "known once the issuer is".to_owned(),
                },
            ),
        ];
        let issuer = trail.step("issuer", facts, issuer)?;
        let signed = self.keys(issuer, token, trail).await?;
        self.claims(issuer, &signed, trail)?;
        let now = self.clock.now().date();
        let token = Verified::new(signed, &issuer.claims, &self.settings.forwarding, now).ok()?;
        self.route(request, &token, trail);
        Some(token)
    }

    /// The key and what it says of the signature.
    async fn keys(&self, issuer: &Issuer, token: Unverified<'_>, trail: &mut Trail) -> Option<Signed> {
        let mut chosen = None;
        let kid = token.kid().map_or_else(|| "none".to_owned(), printable);
        let deadline = Deadline::of(None, self.clock.now());
        let outcome = issuer.keys.verify(token, deadline, &mut chosen).await;
        let mut facts: Vec<_> = words::source(&issuer.keys).into_iter().map(|source| ("keys", source)).collect();
        facts.push(("kid", kid));
        if let (Err(Error::UnknownKey | Error::KeysUnavailable), KeySource::Remote(keys)) = (&outcome, &issuer.keys) {
            facts.push(match keys.probe().await {
                Ok((set, _)) => {
                    let names = set
                        .names()
                        .map(|(kid, alg)| format!("{} ({})", printable(kid.unwrap_or("no kid")), alg.name()));
                    ("fetched", names.collect::<Vec<_>>().join(", "))
                }
                Err(failure) => ("fetched", failure),
            });
        }
        if matches!((&outcome, &issuer.keys), (Err(Error::KeysUnavailable), KeySource::Secrets(_))) {
            facts.push(("note", "a stored secret is read through a Lambda extension, which is not here".to_owned()));
        }
        match outcome {
            Err(error @ (Error::UnknownKey | Error::KeysUnavailable)) => {
                trail.step::<()>("key", facts, Err(error));
                None
            }
            outcome => {
                trail.step("key", facts, Ok(()));
                trail.step("signature", Vec::new(), outcome)
            }
        }
    }

    /// What the route needs, and what the token has of it.
    fn route(&self, request: &Request<'_>, token: &Verified, trail: &mut Trail) {
        let decision = self.routes.decide(&request.arn, token);
        let mut facts = vec![("path", printable(&format!("/{}", request.arn.path())))];
        let entry = decision.need.and_then(|need| {
            let entries = self.routes.entries().iter();
            entries.into_iter().find(|entry| std::ptr::eq(&raw const *entry.need, std::ptr::from_ref(need)))
        });
        match entry {
            Some(entry) => {
                facts.push(("takes", entry.path.as_str().to_owned()));
                facts.extend(words::needs(entry).into_iter().map(|need| ("needs", need)));
                facts.push((
                    "token",
                    match token.scopes() {
                        [] => "no scopes".to_owned(),
                        scopes => format!("scopes {}", printable(&scopes.join(", "))),
                    },
                ));
                let mut claims: Vec<&ClaimName> =
                    entry.need.any_of.iter().flat_map(|way| way.claims.iter().map(|need| &need.claim)).collect();
                claims.dedup();
                facts.extend(claims.into_iter().map(|name| {
                    let value = name.of(token.claims()).map_or_else(|| "absent".to_owned(), text);
                    ("token", format!("{} = {value}", name.as_str()))
                }));
            }
            None => facts.push((
                "takes",
                match decision.permit {
                    Err(Error::AmbiguousPath) => "none: it can be read in more than one way".to_owned(),
                    _ if self.routes.declares(request.arn.path()) => "a path that declares other methods".to_owned(),
                    _ => "no declared path".to_owned(),
                },
            )),
        }
        if self.settings.route_rules == RouteRules::Report {
            facts.push(("note", "`route_rules` is `report`: every valid token passes".to_owned()));
        }
        trail.step("route", facts, decision.permit);
    }

    /// Whether answers may be cached.
    fn caches(&self) -> bool {
        matches!(self.settings.policies, Policies::Cacheable(_))
    }
}
