//! The JSON document -> each stage's settings, read once, at start-up; every issue is reported at once.

mod claim;
mod introspection;
mod issuer;
mod key_address;
mod network;
mod operator;
mod requests;
mod route;
mod scope_map;
mod secret;
mod syntax;
mod tenants;
mod unknown;
mod walk;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use serde_json::Value;

use crate::claims::{ClaimName, Forwarding};
use crate::event::TokenSource;
use crate::introspection::IntrospectionSettings;
use crate::issuer::{IssuerName, IssuerSettings};
use crate::json;
use crate::keys::{Extension, Trust};
use crate::policy::{Plan, PolicyExpiry};
use crate::response::{Form, InvalidToken};
use crate::routes::{Route, Routes, Undeclared};
use crate::settings::{Policies, RouteRules, Settings};
use claim::{claim_name, claim_names, context};
use network::{extension, tls};
use tenants::Takes;
pub use walk::ConfigIssue;
#[cfg(feature = "authz")]
pub(crate) use walk::expanded;
use walk::{Node, Place, Walk};

/// More issuers than anybody has asked for. Start-up fetches the keys of the first few only.
const MAX_ISSUERS: usize = 1000;

/// A valid configuration.
pub struct Config {
    pub(crate) issuers: Vec<IssuerSettings>,
    pub(crate) introspection: Option<IntrospectionSettings>,
    pub(crate) routes: Routes,
    pub(crate) settings: Settings,
    pub(crate) trust: Trust,
    pub(crate) extension: Extension,
    warnings: Vec<String>,
}

/// Everything that is wrong with a configuration. It prints one issue per line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The issues, in the order of the document.
    pub issues: Vec<ConfigIssue>,
}

impl ConfigError {
    /// An error about the document as a whole.
    #[must_use]
    pub fn document(expected: impl Into<String>) -> Self {
        Self { issues: vec![ConfigIssue { path: "(document)".to_owned(), expected: expected.into() }] }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.issues.len();
        write!(f, "the configuration has {count} mistake{}:", if count == 1 { "" } else { "s" })?;
        self.issues.iter().try_for_each(|issue| write!(f, "\n{issue}"))
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads a configuration document. Relative paths in it are relative to `base`, and `env` is the environment.
    ///
    /// # Errors
    /// Every issue in the document with its JSON path, such as `issuers[0].leeway_seconds: expected a whole number from 0 to 300`.
    ///
    /// ```
    /// # use apigw_jwt_authorizer::Config;
    /// let error = Config::parse(r#"{ "issuers": [] }"#, &|_| None, std::path::Path::new(".")).err().unwrap();
    /// let paths: Vec<_> = error.issues.iter().map(|issue| issue.path.as_str()).collect();
    /// assert_eq!(paths, ["issuers", "routes"]);
    /// ```
    pub fn parse(text: &str, env: &dyn Fn(&str) -> Option<String>, base: &Path) -> Result<Self, ConfigError> {
        let document = json::object(text.as_bytes())
            .map(Value::Object)
            .map_err(|error| ConfigError::document(syntax::mistake(text, &error)))?;
        let walk = Walk { env, base, issues: RefCell::default(), warnings: RefCell::default() };
        let parsed = read(&Node { walk: &walk, place: Place::default(), value: &document });
        let (issues, warnings) = (walk.issues.into_inner(), walk.warnings.into_inner());
        match parsed {
            Some(read) if issues.is_empty() => Ok(Self { warnings, ..read }),
            _ => Err(ConfigError { issues }),
        }
    }

    /// What is allowed but is probably a mistake or a risk. The binary logs it at start-up.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// Reads the document, top to bottom.
fn read(document: &Node<'_>) -> Option<Config> {
    let fields = document.fields(&[
        "$schema",
        "issuers",
        "routes",
        "undeclared_routes",
        "policy",
        "policy_expiry",
        "route_rules",
        "invalid_token",
        "principal",
        "context",
        "usage_identifier_key",
        "token_sources",
        "http_api_answer",
        "tls",
    ])?;
    let walk = document.walk;
    let issuers = fields.required("issuers", "expected a list of 1 to 1000 issuers").and_then(|node| issuers(&node));
    let words = [("deny", Undeclared::Deny), ("allow", Undeclared::Allow), ("absent", Undeclared::Absent)];
    let undeclared = fields.word("undeclared_routes", Undeclared::Deny, &words);
    let entries = match fields.optional("routes") {
        Some(node) => route::table(&node),
        None if undeclared == Some(Undeclared::Allow) => Some(Vec::new()),
        None => {
            walk.report(
                &fields.place_of("routes"),
                "missing, so that nothing would ever pass; declare routes, or set `undeclared_routes` to `allow`",
            );
            None
        }
    };
    let single_request = fields.word("policy", false, &[("cacheable", false), ("single_request", true)]);
    let trust = fields.or("tls", Trust::Webpki, tls);
    let extension = extension(walk);
    let words = [("token", PolicyExpiry::Token), ("none", PolicyExpiry::None)];
    let policy_expiry = fields.word("policy_expiry", PolicyExpiry::Token, &words);
    let route_rules = fields.or("route_rules", RouteRules::Enforce, |node| {
        let rules = node.word(&[("enforce", RouteRules::Enforce), ("report", RouteRules::Report)])?;
        if rules == RouteRules::Report {
            walk.warning(&node.place, "every verified token passes everywhere; refusals are only logged");
        }
        Some(rules)
    });
    let words = [("deny", InvalidToken::Deny), ("unauthorized", InvalidToken::Unauthorized)];
    let invalid_token = fields.word("invalid_token", InvalidToken::Deny, &words);
    let principal = fields.or("principal", vec![ClaimName::Member("sub".to_owned())], claim_names);
    let context = fields.or("context", Vec::new(), context);
    let usage_identifier_key = fields.or("usage_identifier_key", None, |node| claim_name(node).map(Some));
    let token_sources = fields.or("token_sources", vec![TokenSource::authorization()], requests::token_sources);
    let http_api_answer =
        fields.or("http_api_answer", Form::Policy, |node| requests::http_api_answer(node, single_request));
    let routes = compiled(walk, entries, undeclared);
    let policies = match single_request? {
        true => Some(Policies::SingleRequest),
        false => routes.as_ref().and_then(|routes| cacheable(walk, routes)),
    };
    let forwarding =
        Forwarding { principal: principal?, context: context?, usage_identifier_key: usage_identifier_key? };
    let settings = Settings {
        forwarding,
        policies: policies?,
        policy_expiry: policy_expiry?,
        route_rules: route_rules?,
        invalid_token: invalid_token?,
        token_sources: token_sources?,
        http_api_answer: http_api_answer?,
    };
    let (trust, extension) = (trust?, extension?);
    let (issuers, introspection) = issuers?;
    let routes = routes?;
    tenants::warn(walk, &issuers, &routes, &settings.forwarding);
    Some(Config { issuers, introspection, routes, settings, trust, extension, warnings: Vec::new() })
}

/// Reads `issuers`, and the `introspection` of one of them. No two of them may take the same tokens.
fn issuers(node: &Node<'_>) -> Option<(Vec<IssuerSettings>, Option<IntrospectionSettings>)> {
    let expected = "expected a list of 1 to 1000 issuers";
    let items = node.items(expected)?;
    if items.len() > MAX_ISSUERS {
        return node.reject(expected);
    }
    let (takes, issuers): (Vec<_>, Vec<_>) = items.iter().map(issuer::issuer).unzip();
    let mut first_takers = HashMap::new();
    for (index, taken) in takes.iter().enumerate() {
        let Some(Takes { name: name @ (IssuerName::Exact(_) | IssuerName::Unnamed), with_secret }) = taken else {
            continue;
        };
        let taken = (name.as_configured(), *with_secret);
        if let Some(twin) = first_takers.get(&taken) {
            let path = format!("{}[{index}].issuer", node.place);
            let expected = format!(
                "issuers[{twin}] takes the same tokens; two entries may share an issuer if one has a secret and the other keys"
            );
            node.walk.report(&path, expected);
        } else {
            first_takers.insert(taken, index);
        }
    }
    tenants::conflicts(node, &takes);
    let introspection = introspection::introspection(&items, &takes);
    issuers.into_iter().collect::<Option<_>>().zip(introspection)
}

/// Compiles the table and reports the entries that clash, even if others are invalid.
fn compiled(walk: &Walk<'_>, entries: Option<Vec<Option<Route>>>, undeclared: Option<Undeclared>) -> Option<Routes> {
    let entries = entries?;
    let whole = entries.iter().all(Option::is_some);
    let entries = entries.into_iter().enumerate().filter_map(|(index, entry)| Some((index, entry?)));
    let (origins, routes): (Vec<_>, Vec<_>) = entries.unzip();
    match Routes::new(routes, undeclared.unwrap_or(Undeclared::Deny)) {
        Ok(routes) => Some(routes).filter(|_| whole && undeclared.is_some()),
        Err(clashes) => {
            if clashes.is_empty() {
                walk.report("routes", "expected a table that can be compiled");
            }
            for clash in clashes {
                let [first, second] = [clash.first, clash.second].map(|at| origins.get(at).copied().unwrap_or(at));
                let issue = format!("{} of this path is already declared by routes[{first}]", clash.method);
                walk.report(&format_args!("routes[{second}]"), issue);
            }
            None
        }
    }
}

/// Plans the table's policies; reports what keeps them from doing what the mode promises.
fn cacheable(walk: &Walk<'_>, routes: &Routes) -> Option<Policies> {
    match Plan::new(routes) {
        Ok((plan, warnings)) => {
            warnings.iter().for_each(|warning| walk.warning("routes", &warning.to_string()));
            Some(Policies::Cacheable(Box::new(plan)))
        }
        Err(issues) => {
            issues.iter().for_each(|issue| walk.report("routes", issue.to_string()));
            None
        }
    }
}
