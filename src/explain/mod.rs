//! What the authorizer makes of a configuration and of a request, for whoever runs it. Only with the feature `authz`.
//!
//! Each step is the pipeline's own, called with what it is called with in Lambda, and the decision is the handler's. What
//! comes out holds claims, for it is meant for the terminal of somebody who has the token anyway.

mod iam;
mod meaning;
mod words;

use serde::Serialize;
use serde_json::{Value, json};

use crate::authorizer::{Authorizer, Issuer, Policies, RouteRules, Seen};
use crate::bearer::BearerToken;
use crate::claims::{Check, ClaimName, Verified};
use crate::error::Error;
use crate::event::Request;
use crate::hint::{Hint, seeming_header};
use crate::keys::KeySource;
use crate::response::Answer;
use crate::routes::{ClaimValue, Route, Segment, path_texts};
use crate::signature::Signed;
use crate::time::NumericDate;
use crate::token::{Issuer as Named, Unverified};
use iam::Policy;
pub use meaning::{Fetched, IssuerMeaning, Meaning, RouteMeaning};
use words::{printable, text};

/// A stage for requests that are asked about without an event.
const STAGE: &str = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/prod";

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

impl From<Hint> for Advice {
    fn from(hint: Hint) -> Self {
        Self { code: hint.code(), advice: hint.advice() }
    }
}

/// The steps that were taken, and those that may follow.
struct Trail {
    steps: Vec<Step>,
    refused: Option<Error>,
}

impl Trail {
    /// Notes a step, unless an earlier one has refused; gives what it made.
    fn step<T>(
        &mut self,
        name: &'static str,
        facts: Vec<(&'static str, String)>,
        outcome: Result<T, Error>,
    ) -> Option<T> {
        if self.refused.is_some() {
            self.missed(name);
            return None;
        }
        self.refused = outcome.as_ref().err().copied();
        let result = match outcome {
            Ok(_) => Outcome::Passed,
            Err(_) => Outcome::Refused,
        };
        self.steps.push(Step { name, outcome: result, reason: self.refused.map(Error::code), facts });
        outcome.ok()
    }

    fn missed(&mut self, name: &'static str) {
        self.steps.push(Step { name, outcome: Outcome::NotReached, reason: None, facts: Vec::new() });
    }
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
        let (answer, error) = self.answer(&request, &mut seen).await;
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
        let issuer = self.issuer(&token);
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
                    (Ok(found), _) => algorithms(found),
                    (Err(Error::UnsupportedAlgorithm), Named::Named(name)) => {
                        let named = self.issuers.iter().filter(|issuer| issuer.name.as_deref() == Some(name));
                        named.map(algorithms).collect::<Vec<_>>().join(", ")
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
        let outcome = issuer.keys.verify(token, &mut chosen).await;
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

    /// The checks of the claims, each with what it compares.
    fn claims(&self, issuer: &Issuer, signed: &Signed, trail: &mut Trail) -> Option<()> {
        let (claims, rules) = (signed.claims(), &issuer.claims);
        let now = self.clock.now().date();
        for (check, outcome) in Verified::checks(signed, rules, &self.settings.forwarding, now) {
            let claim = |name: &ClaimName| (name.of(claims)).map_or_else(|| "absent".to_owned(), text);
            let (name, facts) = match check {
                Check::Dates => {
                    let mut facts = vec![("now", now.iso8601())];
                    let date = |name: &'static str| claims.get(name).map(|date| (name, moment(date)));
                    facts.push(date("exp").unwrap_or_else(|| ("exp", "absent".to_owned())));
                    facts.extend(date("nbf").into_iter().chain(date("iat")));
                    facts.push(("leeway", format!("{} s", rules.leeway)));
                    facts.extend(rules.max_age.map(|age| ("oldest iat", format!("{age} s ago"))));
                    ("dates", facts)
                }
                Check::Audience => {
                    let found = rules.audience_claim.iter().find(|name| name.of(claims).is_some());
                    let facts = vec![
                        (
                            "token",
                            match found {
                                Some(name) => format!("{} = {}", name.as_str(), claim(name)),
                                None => format!("no {}", words::names(&rules.audience_claim)),
                            },
                        ),
                        (
                            "configured",
                            rules
                                .audience
                                .as_ref()
                                .map_or_else(|| "null: not checked".to_owned(), |ours| printable(&ours.join(", "))),
                        ),
                    ];
                    ("audience", facts)
                }
                Check::Type => {
                    let facts = vec![
                        ("typ", signed.typ().map_or_else(|| "absent".to_owned(), printable)),
                        (
                            "allowed",
                            rules
                                .typ
                                .as_ref()
                                .map_or_else(|| "absent, JWT or at+jwt".to_owned(), |typ| printable(&typ.join(", "))),
                        ),
                    ];
                    ("type", facts)
                }
                Check::Binding => {
                    let bound = if claims.get("cnf").is_some() { "present" } else { "absent" };
                    ("binding", vec![("cnf", bound.to_owned())])
                }
                Check::Required => {
                    let mut facts = Vec::new();
                    for (name, accepted) in &rules.required {
                        let wanted: Vec<String> = accepted.iter().map(words::accepted).collect();
                        facts.push(("needed", format!("{} {}", name.as_str(), wanted.join(" or "))));
                        facts.push(("token", format!("{} = {}", name.as_str(), claim(name))));
                    }
                    if facts.is_empty() {
                        facts.push(("needed", "none beyond the others".to_owned()));
                    }
                    ("claims", facts)
                }
                Check::Scopes => {
                    let present = rules.scope_claims.iter().filter(|name| name.of(claims).is_some());
                    let mut facts: Vec<_> =
                        present.map(|name| ("token", format!("{} = {}", name.as_str(), claim(name)))).collect();
                    if facts.is_empty() {
                        facts.push(("token", format!("no {}", words::names(&rules.scope_claims))));
                    }
                    ("scopes", facts)
                }
                Check::Identity => {
                    let names = &self.settings.forwarding.principal;
                    let found = names.iter().find(|name| name.of(claims).is_some());
                    let value = match found {
                        Some(name) => format!("{} = {}", name.as_str(), claim(name)),
                        None => format!("no {}", words::names(names)),
                    };
                    ("principal", vec![("token", value)])
                }
            };
            trail.step(name, facts, outcome)?;
        }
        Some(())
    }

    /// What the route needs, and what the token has of it.
    fn route(&self, request: &Request<'_>, token: &Verified, trail: &mut Trail) {
        let decision = self.routes.decide(&request.arn, token);
        let mut facts = vec![("path", printable(&format!("/{}", request.arn.path())))];
        let entry = decision.need.and_then(|need| {
            let entries = self.routes.entries().iter();
            entries.into_iter().find(|entry| std::ptr::eq(&raw const entry.need, std::ptr::from_ref(need)))
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

    /// What a policy does to every declared route.
    fn effects(
        &self,
        policy: &Policy,
        request: &Request<'_>,
        taken: Option<&str>,
        token: Option<&Verified>,
        now: NumericDate,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        for index in meaning::in_order(&self.routes) {
            let Some((entry, (_, methods))) = self.routes.entries().get(index).zip(self.routes.governed(index)) else {
                continue;
            };
            let sample = match taken == Some(entry.path.as_str()) {
                true => request.arn.path().to_owned(),
                false => sample(entry, token),
            };
            effects.extend(methods.into_iter().map(|method| Effect {
                method,
                path: entry.path.as_str().to_owned(),
                sample: printable(&format!("/{sample}")),
                passes: policy.allows(&format!("{}{method}/{sample}", request.arn.stage()), now),
                rules: token.map(|token| {
                    self.settings.route_rules == RouteRules::Report
                        || self.routes.decide_path(method, &sample, token).permit.is_ok()
                }),
            }));
        }
        effects
    }

    /// Whether answers may be cached.
    fn caches(&self) -> bool {
        matches!(self.settings.policies, Policies::Cacheable(_))
    }
}

/// A path that takes an entry: the token's own text where a claim is compared with a parameter, else a made-up one.
fn sample(entry: &Route, token: Option<&Verified>) -> String {
    let own = |position: usize| {
        let needs = entry.need.any_of.iter().flat_map(|way| &way.claims);
        let bound = |value: &ClaimValue| matches!(value, ClaimValue::Parameter { position: at, .. } if *at == position);
        let claim = needs.into_iter().find(|need| need.values.iter().any(bound))?;
        path_texts(claim.claim.of(token?.claims())?).next().map(str::to_owned)
    };
    let segments = entry.path.segments().iter().enumerate();
    let texts = segments.map(|(position, segment)| match segment {
        Segment::Literal(text) => text.clone(),
        Segment::Parameter(_) => own(position).unwrap_or_else(|| "any".to_owned()),
        Segment::Greedy(_) => own(position).unwrap_or_else(|| "any/path".to_owned()),
    });
    texts.collect::<Vec<_>>().join("/")
}

fn algorithms(issuer: &Issuer) -> String {
    let names: Vec<&str> = issuer.algorithms.iter().map(|alg| alg.name()).collect();
    names.join(", ")
}

/// A date claim.
fn moment(claim: &Value) -> String {
    claim
        .as_f64()
        .map_or_else(|| format!("{}, which is not a number", text(claim)), |seconds| dated(NumericDate(seconds)))
}

fn dated(date: NumericDate) -> String {
    format!("{} ({})", date.iso8601(), date.0)
}
