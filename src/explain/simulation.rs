//! Every declared route for one token: what is decided, and what an answer that is cached does.

use serde::Serialize;
use serde_json::{Map, Value};

use super::cached::sample;
use super::iam::Policy;
use super::meaning;
use super::request::{STAGE, event};
use super::words::printable;
use crate::authorizer::Authorizer;
use crate::claims::Verified;
use crate::error::Error;
use crate::event::{MethodArn, Request};
use crate::issuer::Issuer;
use crate::observer::Observer;
use crate::routes::{Decision, Methods};
use crate::time::Deadline;

/// Paths that tables rarely declare. The first undeclared one stands for every undeclared path.
const UNDECLARED: [&str; 3] = ["undeclared", "undeclared/path", "undeclared/undeclared/undeclared/path"];

/// A token, or what it would say.
#[derive(Clone, Debug)]
pub enum Bearer {
    /// The value of the `Authorization` header.
    Header(String),
    /// A token that is taken to be valid, with these claims and scopes.
    Supposed {
        /// The claims set.
        claims: Map<String, Value>,
        /// The scopes.
        scopes: Vec<String>,
    },
}

/// A token that was verified, or is supposed to be valid.
pub struct Holder(Verified);

impl Holder {
    /// The holder of a token that is taken to be valid, with these claims and scopes.
    #[must_use]
    pub fn supposed(claims: Map<String, Value>, scopes: &[String]) -> Self {
        Self(Verified::supposed(claims, scopes))
    }
}

/// A request that stands for a declared route and method.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// The path as declared; `None` stands for all that is not declared.
    pub path: Option<String>,
    /// The method.
    pub method: &'static str,
    /// A path that takes it, without its first slash.
    sample: String,
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fate {
    /// Whether it passes.
    pub allowed: bool,
    /// The reason code if the rules refuse it.
    pub reason: Option<&'static str>,
    /// The other requests whose answer, once cached, does something else to this one: `GET /pets`.
    pub cached_otherwise: Vec<String>,
}

impl Asked {
    /// The path that is asked for.
    #[must_use]
    pub fn sample(&self) -> String {
        printable(&format!("/{}", self.sample))
    }
}

impl Authorizer {
    /// Takes a token, or what it would say.
    ///
    /// # Errors
    /// The reason code, if the token is refused.
    pub async fn holder(&self, bearer: &Bearer) -> Result<Holder, &'static str> {
        match bearer {
            Bearer::Supposed { claims, scopes } => {
                Ok(Holder::supposed(claims.clone(), &self.with_granted(claims, scopes)))
            }
            Bearer::Header(value) => {
                let event = event(Some(value), "GET", "/");
                let request = Request::parse(event.as_bytes(), &self.settings.token_sources);
                let mut granted = Granted(None);
                let (_, error) = self.answer(&request, Deadline::of(None, self.clock.now()), &mut granted).await;
                granted.0.map(Holder).ok_or_else(|| error.unwrap_or(Error::Internal).code())
            }
        }
    }

    /// Scopes with what the `scope_map` of their issuer grants: of the only one, or the one that `iss` names.
    fn with_granted(&self, claims: &Map<String, Value>, scopes: &[String]) -> Vec<String> {
        let named = |issuer: &&Issuer| match claims.get("iss") {
            Some(iss) => iss.as_str().is_some_and(|iss| issuer.name.takes(iss)),
            None => self.issuers.iter().len() == 1,
        };
        self.issuers.iter().find(named).map_or_else(|| scopes.to_vec(), |issuer| issuer.claims.extended(scopes))
    }

    /// A request for every declared route and method, and one for what is not declared.
    #[must_use]
    pub fn requests(&self, holder: &Holder) -> Vec<Asked> {
        let mut all = Vec::new();
        for (entry, methods) in meaning::declared(&self.routes) {
            let (path, sample) = (entry.path.as_str(), sample(entry, Some(&holder.0)));
            all.extend(methods.into_iter().map(|method| Asked {
                path: Some(path.to_owned()),
                method,
                sample: sample.clone(),
            }));
        }
        let undeclared = UNDECLARED.into_iter().find(|path| !self.routes.declares(path));
        all.extend(undeclared.map(|path| Asked { path: None, method: "GET", sample: path.to_owned() }));
        all
    }

    /// What happens to each request, by itself and under the cached answers to the others.
    #[must_use]
    pub fn fates(&self, holder: &Holder, requests: &[Asked]) -> Vec<Fate> {
        let now = self.clock.now().date();
        let arn = |asked: &Asked| MethodArn::parse(format!("{STAGE}/{}/{}", asked.method, asked.sample));
        let answers: Vec<_> = requests
            .iter()
            .map(|asked| {
                let arn = arn(asked)?;
                let (policy, refusal) = self.decide(&arn, &holder.0, &mut Granted(None));
                let policy = Policy::new(&serde_json::to_value(policy).ok()?);
                Some((arn, policy, refusal))
            })
            .collect();
        let fate = |answer: &Option<(MethodArn<'_>, Policy, Option<Error>)>| {
            let Some((arn, policy, refusal)) = answer else {
                return Fate {
                    allowed: false,
                    reason: Some(Error::MalformedEvent.code()),
                    cached_otherwise: Vec::new(),
                };
            };
            let allowed = policy.allows(arn.as_str(), now);
            let others = answers.iter().zip(requests);
            let otherwise = others.filter(|(other, _)| {
                other.as_ref().is_some_and(|(_, policy, _)| policy.allows(arn.as_str(), now) != allowed)
            });
            let cached_otherwise = otherwise.map(|(_, asked)| format!("{} {}", asked.method, asked.sample())).collect();
            Fate { allowed, reason: refusal.map(Error::code), cached_otherwise }
        };
        answers.iter().map(fate).collect()
    }

    /// The entries of the route table: the methods that each decides, whether it is for `ANY`, and its path.
    #[must_use]
    pub fn declared(&self) -> Vec<(Vec<&'static str>, bool, String)> {
        let entries = self.routes.entries().iter().enumerate();
        let declared = entries.map(|(index, entry)| {
            let any = matches!(entry.methods, Methods::Any);
            (self.routes.governed(index), any, entry.path.as_str().to_owned())
        });
        declared.collect()
    }
}

/// The token of a request, if it was verified.
struct Granted(Option<Verified>);

impl<'a> Observer<'a> for Granted {
    fn route(&mut self, _arn: &MethodArn<'_>, token: &Verified, _decision: &Decision<'a>) {
        self.0 = Some(token.clone());
    }
}
