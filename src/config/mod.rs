//! The JSON document -> each stage's settings, once, at start-up; every mistake at once.

mod issuer;
mod route;
mod walk;

use std::cell::RefCell;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::authorizer::{Issuer, RouteRules, Settings};
use crate::claims::{ClaimName, Forwarding};
use crate::json;
use crate::keys::{KeySource, Network, RemoteKeys, SharedFetch};
use crate::policy::PolicyExpiry;
use crate::response::InvalidToken;
use crate::routes::{Routes, Undeclared};
use crate::time::Clock;
use issuer::{IssuerConfig, KeysConfig};
pub use walk::Mistake;
use walk::{Node, Walk, all};

/// Context keys that the program or the gateway uses itself.
const RESERVED_CONTEXT_KEYS: [&str; 3] = ["error", "reason", "principalId"];
/// More issuers than anybody has asked for; each may cost a fetch at a cold start.
const MAX_ISSUERS: usize = 32;

/// A configuration without mistakes.
pub struct Config {
    issuers: Vec<IssuerConfig>,
    routes: Routes,
    settings: Settings,
    warnings: Vec<String>,
}

/// All the mistakes of a configuration. It prints one on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// In the order in which they stand in the document.
    pub mistakes: Vec<Mistake>,
}

impl ConfigError {
    /// A mistake about the document as a whole.
    #[must_use]
    pub fn document(expected: impl Into<String>) -> Self {
        Self {
            mistakes: vec![Mistake {
                path: "(document)".to_owned(),
                expected: expected.into(),
            }],
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.mistakes.len();
        write!(
            f,
            "the configuration has {count} mistake{}:",
            if count == 1 { "" } else { "s" }
        )?;
        self.mistakes.iter().try_for_each(|mistake| write!(f, "\n{mistake}"))
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads a configuration document. Relative paths in it are relative to `base`, and `env` is the environment.
    ///
    /// # Errors
    /// Every mistake in the document with its JSON path, such as `issuers[0].leeway_seconds: expected a whole number from 0 to 300`.
    ///
    /// ```
    /// # use apigw_jwt_authorizer::Config;
    /// let error = Config::parse(r#"{ "issuers": [] }"#, &|_| None, std::path::Path::new(".")).err().unwrap();
    /// let paths: Vec<_> = error.mistakes.iter().map(|mistake| mistake.path.as_str()).collect();
    /// assert_eq!(paths, ["issuers", "routes"]);
    /// ```
    pub fn parse(text: &str, env: &dyn Fn(&str) -> Option<String>, base: &Path) -> Result<Self, ConfigError> {
        let document = json::object(text.as_bytes()).map(Value::Object).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            ConfigError::document(format!(
                "expected one JSON object in which no member appears twice; line {line}, column {column} is not part of one"
            ))
        })?;
        let walk = Walk {
            env,
            base,
            mistakes: RefCell::default(),
            warnings: RefCell::default(),
        };
        let parsed = read(&Node {
            walk: &walk,
            path: String::new(),
            value: &document,
        });
        let (mistakes, warnings) = (walk.mistakes.into_inner(), walk.warnings.into_inner());
        match parsed {
            Some((issuers, routes, settings)) if mistakes.is_empty() => Ok(Self {
                issuers,
                routes,
                settings,
                warnings,
            }),
            _ => Err(ConfigError { mistakes }),
        }
    }

    /// What is allowed, and should be seen by somebody at start-up.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// What the pipeline is made of.
    pub(crate) fn into_parts(self, clock: &Arc<dyn Clock>) -> Result<(Vec<Issuer>, Routes, Settings), &'static str> {
        let remote = self
            .issuers
            .iter()
            .any(|issuer| matches!(issuer.keys, KeysConfig::Remote { .. }));
        let network: Option<SharedFetch> = if remote { Some(Arc::new(Network::new()?)) } else { None };
        let issuers = self.issuers.into_iter().map(|config| {
            let IssuerConfig {
                name,
                algorithms,
                keys,
                claims,
            } = config;
            let keys = match (keys, &network) {
                (KeysConfig::Secrets(secrets), _) => KeySource::Secrets(secrets),
                (KeysConfig::Fixed(keys), _) => KeySource::Fixed(keys),
                (KeysConfig::Remote { url, times }, Some(network)) => {
                    let issuer = name.clone().unwrap_or_default();
                    let (fetcher, clock) = (Arc::clone(network), Arc::clone(clock));
                    KeySource::Remote(Box::new(RemoteKeys::new(
                        issuer,
                        url,
                        algorithms.clone(),
                        times,
                        fetcher,
                        clock,
                    )))
                }
                (KeysConfig::Remote { .. }, None) => {
                    return Err("a key set has to be fetched, but there is no network");
                }
            };
            Ok(Issuer {
                name,
                algorithms,
                keys,
                claims,
            })
        });
        Ok((issuers.collect::<Result<_, _>>()?, self.routes, self.settings))
    }
}

/// The document, top to bottom.
fn read(document: &Node<'_>) -> Option<(Vec<IssuerConfig>, Routes, Settings)> {
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
        "tls",
    ])?;
    let walk = document.walk;
    let issuers = fields
        .required("issuers", "expected a list of 1 to 32 issuers")
        .and_then(|node| issuers(&node));
    let undeclared = fields
        .optional("undeclared_routes")
        .map_or(Some(Undeclared::Deny), |node| {
            match node.word(&[
                ("deny", Some(Undeclared::Deny)),
                ("allow", Some(Undeclared::Allow)),
                ("absent", None),
            ])? {
                Some(undeclared) => Some(undeclared),
                None => node.mistake("`absent` is not supported yet"),
            }
        });
    let entries = match fields.optional("routes") {
        Some(node) => route::table(&node),
        None if undeclared == Some(Undeclared::Allow) => Some(Vec::new()),
        None => {
            walk.mistake(
                fields.path_of("routes"),
                "missing, so that nothing would ever pass; declare routes, or set `undeclared_routes` to `allow`",
            );
            None
        }
    };
    if let Some(node) = fields.optional("policy")
        && node.word(&[("cacheable", true), ("single_request", false)]) == Some(true)
    {
        node.note("`cacheable` is not supported yet");
    }
    if let Some(node) = fields.optional("tls") {
        tls(&node);
    }
    let policy_expiry = fields
        .optional("policy_expiry")
        .map_or(Some(PolicyExpiry::Token), |node| {
            node.word(&[("token", PolicyExpiry::Token), ("none", PolicyExpiry::None)])
        });
    let route_rules = fields
        .optional("route_rules")
        .map_or(Some(RouteRules::Enforce), |node| {
            let rules = node.word(&[("enforce", RouteRules::Enforce), ("report", RouteRules::Report)])?;
            if rules == RouteRules::Report {
                walk.warning(
                    &node.path,
                    "every verified token passes everywhere; refusals are only logged",
                );
            }
            Some(rules)
        });
    let invalid_token = fields
        .optional("invalid_token")
        .map_or(Some(InvalidToken::Deny), |node| {
            node.word(&[
                ("deny", InvalidToken::Deny),
                ("unauthorized", InvalidToken::Unauthorized),
            ])
        });
    let principal = fields.optional("principal").map_or_else(
        || Some(vec![ClaimName::Member("sub".to_owned())]),
        |node| claim_names(&node),
    );
    let context = fields
        .optional("context")
        .map_or_else(|| Some(Vec::new()), |node| context(&node));
    let usage_identifier_key = fields
        .optional("usage_identifier_key")
        .map_or(Some(None), |node| claim_name(&node).map(Some));
    let routes = compiled(walk, entries?, undeclared?)?;
    let forwarding = Forwarding {
        principal: principal?,
        context: context?,
        usage_identifier_key: usage_identifier_key?,
    };
    let settings = Settings {
        forwarding,
        policy_expiry: policy_expiry?,
        route_rules: route_rules?,
        invalid_token: invalid_token?,
    };
    Some((issuers?, routes, settings))
}

/// All issuers; no two of them for the same tokens.
fn issuers(node: &Node<'_>) -> Option<Vec<IssuerConfig>> {
    let expected = "expected a list of 1 to 32 issuers";
    let items = node.items(expected)?;
    if items.len() > MAX_ISSUERS {
        return node.mistake(expected);
    }
    let issuers = all(items.iter().map(issuer::issuer))?;
    for (index, issuer) in issuers.iter().enumerate() {
        let twin = issuers
            .iter()
            .position(|earlier| earlier.name == issuer.name && earlier.keys.is_secret() == issuer.keys.is_secret());
        if let Some(twin) = twin.filter(|twin| *twin < index) {
            node.walk.mistake(
                format!("{}[{index}].issuer", node.path),
                format!("issuers[{twin}] takes the same tokens; entries may share an issuer if one has a secret and the other keys"),
            );
        }
    }
    Some(issuers)
}

/// Compiles the table, naming the entries that clash.
fn compiled(walk: &Walk<'_>, entries: Vec<route::Entry>, undeclared: Undeclared) -> Option<Routes> {
    let (origins, routes): (Vec<_>, Vec<_>) = entries.into_iter().map(|entry| (entry.origin, entry.route)).unzip();
    match Routes::new(routes, undeclared) {
        Ok(routes) => Some(routes),
        Err(clashes) => {
            for clash in clashes {
                let origin = |index| origins.get(index).map(String::as_str).unwrap_or_default();
                let (first, second) = (origin(clash.first), origin(clash.second));
                walk.mistake(
                    second,
                    format!("{} of this path is already declared by {first}", clash.method),
                );
            }
            None
        }
    }
}

/// A claim's name or JSON Pointer.
fn claim_name(node: &Node<'_>) -> Option<ClaimName> {
    let expected = "expected the name of a claim, or a JSON Pointer that begins with `/`";
    let text = node.text(expected)?;
    ClaimName::parse(&text).or_else(|| node.mistake(expected))
}

/// One claim, or a list of them.
fn claim_names(node: &Node<'_>) -> Option<Vec<ClaimName>> {
    all(node.one_or_more()?.iter().map(claim_name))
}

/// Context key -> claim.
fn context(node: &Node<'_>) -> Option<Vec<(String, ClaimName)>> {
    let entries = node.entries("expected an object of context keys and the claims that become them")?;
    let mut mapping = all(entries.into_iter().map(|(key, node)| {
        if key.is_empty() || key.chars().any(char::is_control) {
            return node.mistake("a context key is a text without control characters");
        }
        if RESERVED_CONTEXT_KEYS.contains(&key.as_str()) {
            return node.mistake("this context key is reserved for the authorizer and the gateway");
        }
        match node.string("expected the name of a claim, a JSON Pointer, or `\"\"` for all claims")? {
            everything if everything.is_empty() => Some((key, ClaimName::Everything)),
            _ => Some((key, claim_name(&node)?)),
        }
    }))?;
    mapping.sort_by(|(a, _), (b, _)| a.cmp(b));
    Some(mapping)
}

/// Trust for the key fetches; for now, the compiled-in roots alone.
fn tls(node: &Node<'_>) {
    let Some(fields) = node.fields(&["roots", "ca_file"]) else {
        return;
    };
    if let Some(roots) = fields.optional("roots")
        && roots.word(&[("webpki", true), ("system", false)]) == Some(false)
    {
        roots.note("`system` is not supported yet")
    }
    if let Some(file) = fields.optional("ca_file")
        && file.file("expected the path of a PEM file").is_some()
    {
        file.note("not supported yet")
    }
}
