//! A configuration that is being served: its authorizer, and the one for tokens of the development issuer.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use apigw_jwt_authorizer::explain::expanded;
use apigw_jwt_authorizer::{Authorizer, Config, ConfigError, ConfigIssue};
use serde_json::{Value, json};

use super::resources::Resources;
use super::tenants::list_tenants;
use crate::check::of_start;
use crate::environment::{SystemClock, variable};

/// Where a configuration's environment comes from: the process, or the demo.
pub(super) type Environment = fn(&str) -> Option<String>;

/// Where a configuration was found.
#[derive(Clone)]
pub(super) struct Source {
    /// The folder that its relative paths start from.
    pub(super) base: PathBuf,
    pub(super) environment: Environment,
    /// The address of the development issuer's key set, if there is one.
    pub(super) stand_in_keys: Option<String>,
}

/// A configuration that starts.
pub(super) struct Loaded {
    pub(super) text: String,
    pub(super) authorizer: Rc<Authorizer>,
    /// The same configuration with the keys of the development issuer in the place of every issuer's own.
    pub(super) stand_in: Option<Rc<Authorizer>>,
    pub(super) resources: Resources,
    pub(super) warnings: Vec<ConfigIssue>,
    /// The document, with the environment's values in it.
    pub(super) document: Value,
}

impl Loaded {
    /// Reads a configuration.
    ///
    /// # Errors
    /// Its mistakes.
    pub(super) fn new(text: &str, source: &Source) -> Result<Self, ConfigError> {
        let config = Config::parse(text, &source.environment, &source.base)?;
        let mut warnings = of_start(&config);
        let authorizer = started(config)?;
        warnings.extend(authorizer.lint());
        // It has been parsed, so it is JSON.
        let document: Value = serde_json::from_str(text).unwrap_or_default();
        let document = substituted(document, source.environment);
        let open = document.get("undeclared_routes").is_some_and(|value| value == "allow");
        let resources = Resources::new(authorizer.declared(), open);
        let stand_in = match &source.stand_in_keys {
            Some(keys) => Some(Rc::new(stand_in(&document, keys, &source.base)?)),
            None => None,
        };
        Ok(Self { text: text.to_owned(), authorizer: Rc::new(authorizer), stand_in, resources, warnings, document })
    }
}

/// An authorizer with the system's clock.
fn started(config: Config) -> Result<Authorizer, ConfigError> {
    Authorizer::new(config, Arc::new(SystemClock::new())).map_err(ConfigError::document)
}

/// The authorizer for tokens of the development issuer: every rule of the configuration, and no key of it.
fn stand_in(document: &Value, keys: &str, base: &Path) -> Result<Authorizer, ConfigError> {
    let mut document = document.clone();
    let own = keys.trim_end_matches("/jwks.json").to_owned();
    if let Some(issuers) = document.get_mut("issuers").and_then(Value::as_array_mut) {
        let mut names: Vec<Value> = Vec::new();
        issuers.retain_mut(|issuer| {
            list_tenants(issuer);
            let Some(members) = issuer.as_object_mut() else { return false };
            for key in ["secret", "jwks", "jwks_file", "jwks_seed_file", "jwks_uri", "algorithms"] {
                members.remove(key);
            }
            members.insert("jwks_uri".to_owned(), keys.into());
            members.insert("algorithms".to_owned(), json!(["ES256"]));
            // Short, so that a rotation or an outage shows while one looks; what the configuration says goes before.
            members
                .entry("keys_cache")
                .or_insert_with(|| json!({ "fresh_seconds": 10, "stale_seconds": 20, "cooldown_seconds": 1 }));
            let name = members.entry("issuer").or_insert_with(|| own.clone().into()).clone();
            let name = json!([name, members.get("tenants")]);
            // Two entries may share a name if their keys are of two kinds; here they are of one.
            let first = !names.contains(&name);
            names.push(name);
            first
        });
    }
    // The document has its values already, so a `$` in it is no reference any more.
    started(Config::parse(&unreferenced(document).to_string(), &variable, base)?)
}

/// The document with `${NAME}` replaced, and `$${` by `${`, in every text.
fn substituted(value: Value, environment: Environment) -> Value {
    let known = |name: &str| Some(environment(name).unwrap_or_default());
    each_text(value, &|text| expanded(text, known).map_or_else(|_| text.to_owned(), Cow::into_owned))
}

/// The document in a form whose texts are taken as they are.
fn unreferenced(value: Value) -> Value {
    each_text(value, &|text| text.replace("${", "$${"))
}

fn each_text(value: Value, change: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(&text)),
        Value::Array(items) => items.into_iter().map(|item| each_text(item, change)).collect(),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (name, each_text(value, change))).collect())
        }
        scalar => scalar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_to_the_environment_are_replaced_once() {
        let environment: Environment = |name| (name == "STAGE").then(|| "prod ${X}".to_owned());
        let value = substituted(json!({ "a": ["${STAGE}/x", "$${STAGE}", "plain"] }), environment);
        assert_eq!(value, json!({ "a": ["prod ${X}/x", "${STAGE}", "plain"] }));
        assert_eq!(unreferenced(value), json!({ "a": ["prod $${X}/x", "$${STAGE}", "plain"] }));
    }

    #[test]
    fn the_stand_in_takes_every_rule_and_no_key() {
        let source = Source {
            base: PathBuf::from("."),
            environment: |name| (name == "SECRET").then(|| "a shared secret of 32 bytes or more".to_owned()),
            stand_in_keys: Some("http://127.0.0.1:1/__issuer/jwks.json".to_owned()),
        };
        let text = json!({
            "issuers": [
                { "issuer": "https://one.example/", "audience": "a", "secret": { "env": "SECRET" }, "algorithms": ["HS256"] },
                { "issuer": "https://one.example/", "audience": "a" },
                { "audience": "b", "secret": { "env": "SECRET" } },
            ],
            "routes": [{ "method": "GET", "path": "/pets" }],
        });
        let loaded = Loaded::new(&text.to_string(), &source).map_err(|error| error.to_string()).unwrap();
        let meaning = loaded.stand_in.unwrap().meaning();
        let issuers: Vec<&str> = meaning.issuers.iter().map(|issuer| issuer.issuer.as_str()).collect();
        assert_eq!(issuers, ["https://one.example/", "http://127.0.0.1:1/__issuer"]);
        for issuer in meaning.issuers {
            let fact =
                |wanted: &str| issuer.facts.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone());
            assert_eq!(fact("keys").unwrap(), "fetched from http://127.0.0.1:1/__issuer/jwks.json");
            assert_eq!(fact("algorithms").unwrap(), "ES256");
        }
    }
}
