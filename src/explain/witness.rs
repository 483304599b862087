//! What is observed of a request, step by step.

use super::explanation::Trail;
use super::words::{self, or_absent, printable};
use super::{advice, claims, segments, steps};
use crate::authorizer::{Authorizer, Seen};
use crate::bearer::{BearerToken, OpaqueToken};
use crate::claims::{Check, ClaimName, Genuine, Verified};
use crate::error::Error;
use crate::event::{MethodArn, Request};
use crate::introspection::{Introspection, NotActive};
use crate::issuer::{Issuer, Selected};
use crate::keys::KeySource;
use crate::observer::Observer;
use crate::routes::Decision;
use crate::settings::RouteRules;
use crate::time::NumericDate;
use crate::token::{Issuer as Named, Unverified};

/// Notes what each step of the pipeline compared, and what came of it.
pub(super) struct Witness<'a> {
    authorizer: &'a Authorizer,
    /// What the log line has seen, which hints are made from.
    pub(super) seen: Seen<'a>,
    pub(super) trail: Trail,
    /// The token, once it is verified.
    pub(super) token: Option<Verified>,
    /// The steps of a request with a token of this kind.
    pub(super) steps: &'static [&'static str],
    /// The `kid` that the token names, to show.
    kid: String,
}

impl<'a> Witness<'a> {
    pub(super) fn new(authorizer: &'a Authorizer) -> Self {
        Self {
            authorizer,
            seen: Seen::default(),
            trail: Trail::default(),
            token: None,
            steps: &steps::OF_JWT,
            kid: String::new(),
        }
    }

    /// Where the issuer's entry stands in the configuration.
    fn entry(&self) -> String {
        let is_it = |entry: &Issuer| self.seen.issuer.is_some_and(|issuer| std::ptr::eq(issuer, entry));
        self.authorizer.issuers.iter().position(is_it).map(|index| format!("issuers[{index}]")).unwrap_or_default()
    }

    /// Adds to a step `key` that failed which keys there are.
    pub(super) async fn probe_keys(&mut self, error: Option<Error>) {
        let (Some(error @ (Error::UnknownKey | Error::KeysUnavailable)), Some(issuer)) = (error, self.seen.issuer)
        else {
            return;
        };
        let entry = self.entry();
        let passed_over = |set| words::passed_over(set).into_iter().map(|key| ("passed over", key));
        let (there, facts): (_, Vec<_>) = match &issuer.keys {
            KeySource::Remote(_) | KeySource::PerTenant { .. } => {
                let Some(keys) = issuer.keys.remote(self.seen.tenant.as_deref()) else { return };
                match keys.probe().await {
                    Ok((set, _)) => {
                        let names = words::keys(&set).join(", ");
                        (Ok(names.clone()), [("fetched", names)].into_iter().chain(passed_over(&set)).collect())
                    }
                    Err(failure) => (Err(failure.clone()), vec![("fetched", failure)]),
                }
            }
            KeySource::Fixed(set) => (Ok(words::keys(set).join(", ")), passed_over(set).collect()),
            KeySource::Secrets(_) if error == Error::KeysUnavailable => {
                let note = "a stored secret is read through a Lambda extension, which is not here";
                (Err(String::new()), vec![("note", note.to_owned())])
            }
            KeySource::Secrets(_) => return,
        };
        self.trail.advice = Some(match there {
            Ok(there) if error == Error::UnknownKey => advice::unknown_key(&issuer.keys, &entry, &self.kid, &there),
            // They can be had by now.
            Ok(_) => "Try again: the keys can be fetched now.".to_owned(),
            Err(failure) => advice::no_keys(&issuer.keys, &entry, &failure),
        });
        if let Some(step) = self.trail.steps.iter_mut().find(|step| step.name == "key") {
            step.facts.extend(facts);
        }
    }
}

impl<'a> Observer<'a> for Witness<'a> {
    fn clock(&mut self, now: NumericDate, outcome: Result<(), Error>) {
        self.trail.step("clock", vec![("now", now.iso8601())], outcome, |_| advice::CLOCK.to_owned());
    }

    fn event(&mut self, outcome: Result<&Request<'_>, Error>) {
        let facts = outcome.map(|request| {
            vec![
                ("stage", printable(request.arn.stage())),
                ("method", request.arn.method().to_owned()),
                ("path", printable(&words::path(&request.arn))),
            ]
        });
        self.trail.step("event", facts.unwrap_or_default(), outcome, |_| advice::EVENT.to_owned());
    }

    fn bearer(&mut self, authorization: Option<&str>, outcome: Result<(), Error>) {
        let scheme =
            |value: &str| value.split(' ').next().map(|scheme| printable(&scheme.chars().take(20).collect::<String>()));
        let facts = match authorization {
            None | Some("") => vec![("header", "none".to_owned())],
            Some(value) if value.contains(' ') => {
                vec![("scheme", scheme(value).unwrap_or_default()), ("length", format!("{} bytes", value.len()))]
            }
            Some(value) => vec![("scheme", "none".to_owned()), ("length", format!("{} bytes", value.len()))],
        };
        self.trail.step("token", facts, outcome, |error| match error {
            Error::MissingToken => advice::NO_TOKEN.to_owned(),
            _ => advice::NO_CREDENTIALS.to_owned(),
        });
    }

    fn token(&mut self, bearer: BearerToken<'_>, outcome: Result<&Unverified<'_>, Error>) {
        let segments = bearer.as_str().split('.').count();
        let facts = match outcome {
            Ok(token) => vec![
                ("alg", token.alg().name().to_owned()),
                ("kid", token.kid().map_or_else(|| "none".to_owned(), printable)),
            ],
            Err(error) => {
                let mut facts = vec![("segments", format!("{segments}; a signed JWT has 3"))];
                facts.extend(segments::facts(bearer.as_str()));
                facts.push((
                    "expected",
                    match error {
                        Error::UnsupportedAlgorithm => "an `alg` that is supported".to_owned(),
                        _ => "strict JSON in base64url, no `crit`, `b64`, `zip`, `enc` or nested JWT, a `kid` of at most 256 bytes".to_owned(),
                    },
                ));
                facts
            }
        };
        self.kid = outcome.ok().and_then(Unverified::kid).map_or_else(|| "none".to_owned(), printable);
        self.trail.step("header", facts, outcome, |error| advice::header(bearer, error));
    }

    fn issuer(&mut self, token: &Unverified<'_>, outcome: Result<&Selected<'a>, Error>) {
        self.seen.issuer(token, outcome);
        let outcome = outcome.map(|selected| selected.issuer);
        let mut facts = vec![
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
                match outcome {
                    Ok(found) => words::issuer(found),
                    Err(_) => self.authorizer.issuers.iter().map(words::issuer).collect::<Vec<_>>().join(", "),
                },
            ),
            ("alg", token.alg().name().to_owned()),
            (
                "allowed",
                match (outcome, token.iss()) {
                    (Ok(found), _) => words::algorithms(found),
                    (Err(Error::UnsupportedAlgorithm), Named::Named(name)) => {
                        let named = self.authorizer.issuers.iter().filter(|issuer| issuer.name.takes(name));
                        named.map(words::algorithms).collect::<Vec<_>>().join(", ")
                    }
                    _ => "known once the issuer is".to_owned(),
                },
            ),
        ];
        facts.extend(self.seen.tenant.as_deref().map(|tenant| ("tenant", printable(tenant))));
        self.trail.step("issuer", facts, outcome, |error| advice::issuer(token, error));
    }

    fn signature(&mut self, kid: Option<String>, outcome: Result<(), Error>) {
        self.seen.signature(kid, outcome);
        let sources = self.seen.issuer.map(|issuer| words::source(&issuer.keys)).unwrap_or_default();
        let mut facts: Vec<_> = sources.into_iter().map(|source| ("keys", source)).collect();
        facts.push(("kid", self.kid.clone()));
        let key = match outcome {
            Err(error @ (Error::UnknownKey | Error::KeysUnavailable)) => Err(error),
            _ => Ok(()),
        };
        // The advice about a key depends on the keys that are there, and is looked up later.
        self.trail.step("key", facts, key, |_| None::<String>);
        if key.is_ok() {
            let (issuer, entry) = (self.seen.issuer, self.entry());
            self.trail.step("signature", Vec::new(), outcome, |_| Some(advice::signature(&issuer?.keys, &entry)));
        }
    }

    fn introspection(
        &mut self,
        token: OpaqueToken<'_>,
        introspection: &'a Introspection,
        issuer: &'a Issuer,
        outcome: Result<(), NotActive>,
    ) {
        self.seen.introspection(token, introspection, issuer, outcome);
        self.steps = &steps::OF_OPAQUE;
        let mut facts = words::introspection(introspection);
        facts.push((
            "said",
            match outcome {
                Ok(()) => "active".to_owned(),
                Err(NotActive::Inactive) => "not active".to_owned(),
                Err(NotActive::Unavailable(failure)) => failure.to_string(),
            },
        ));
        let advice = outcome.err().map(|not_active| advice::not_active(not_active, &self.entry()));
        self.trail.step("endpoint", facts, outcome.map_err(NotActive::error), |_| advice);
    }

    fn check(&mut self, check: Check, token: &Genuine, now: NumericDate, outcome: Result<(), Error>) {
        self.seen.check(check, token, now, outcome);
        let Some(issuer) = self.seen.issuer else { return };
        let forwarding = &self.authorizer.settings.forwarding;
        let (name, facts) = claims::facts(check, token, issuer, forwarding, now);
        let entry = self.entry();
        let advice = |error| advice::check(check, error, token, issuer, &entry, forwarding, now);
        self.trail.step(name, facts, outcome, advice);
    }

    fn route(&mut self, arn: &MethodArn<'_>, token: &Verified, decision: &Decision<'a>) {
        self.seen.route(arn, token, decision);
        self.token = Some(token.clone());
        let routes = &self.authorizer.routes;
        let mut facts = vec![("path", printable(&words::path(arn)))];
        let entry = decision.need.and_then(|need| {
            let mut entries = routes.entries().iter().enumerate();
            entries.find(|(_, entry)| std::ptr::eq(&raw const *entry.need, std::ptr::from_ref(need)))
        });
        match entry {
            Some((_, entry)) => {
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
                    let value = or_absent(name.of(token.claims()));
                    ("token", format!("{} = {value}", name.as_str()))
                }));
            }
            None => facts.push((
                "takes",
                match decision.permit {
                    Err(Error::AmbiguousPath) => "none: it can be read in more than one way".to_owned(),
                    _ if routes.declares(arn.path()) => "a path that declares other methods".to_owned(),
                    _ => "no declared path".to_owned(),
                },
            )),
        }
        if self.authorizer.settings.route_rules == RouteRules::Report {
            facts.push(("note", "`route_rules` is `report`: every valid token passes".to_owned()));
        }
        let place = self.entry();
        let rules = self.seen.issuer.map(|issuer| (&issuer.claims, place.as_str()));
        let advice = |error| advice::route(error, arn, token, entry, rules);
        self.trail.step("route", facts, decision.permit.as_ref().map_err(|error| *error), advice);
    }

    fn answered(&mut self, claims: serde_json::Value, refusal: Option<Error>) {
        self.seen.answered(claims, refusal);
    }
}
