//! Security schemes and requirements of OpenAPI -> how a method is protected.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::model::{Protection, Selection};

/// What a security scheme asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scheme {
    /// A token that a Lambda authorizer reads.
    Token,
    /// An API key, which API Gateway asks for beside an authorizer.
    Key,
    /// Something else.
    Other(&'static str),
}

/// What a list of security requirements means.
pub(super) struct Reading {
    pub(super) protection: Protection,
    /// The authorizers that it takes, if the document says which there are.
    pub(super) authorizers: BTreeSet<String>,
    /// What a client may show instead of a token, or beside it.
    pub(super) beside: BTreeSet<String>,
}

impl From<Protection> for Reading {
    fn from(protection: Protection) -> Self {
        Self { protection, authorizers: BTreeSet::new(), beside: BTreeSet::new() }
    }
}

/// The security schemes of a document.
pub(super) struct Schemes {
    by_name: BTreeMap<String, Scheme>,
    /// Whether the document says which schemes are authorizers of API Gateway.
    names_authorizers: bool,
}

impl Schemes {
    pub(super) fn of(document: &Value) -> Self {
        let declared = document.pointer("/components/securitySchemes").or_else(|| document.get("securityDefinitions"));
        let declared = declared.and_then(Value::as_object);
        let authorizer = |scheme: &Value| {
            ["x-amazon-apigateway-authorizer", "x-amazon-apigateway-authtype"]
                .iter()
                .any(|name| scheme.get(name).is_some())
        };
        let names_authorizers = declared.is_some_and(|schemes| schemes.values().any(authorizer));
        let scheme = |value: &Value| if names_authorizers { of_gateway(value) } else { of_document(value) };
        let by_name = declared.into_iter().flatten().map(|(name, value)| (name.clone(), scheme(value))).collect();
        Self { by_name, names_authorizers }
    }

    /// What a list of security requirements means. Any one of them is enough.
    pub(super) fn reading(&self, requirements: &[Value], selection: &Selection) -> Reading {
        let (mut entries, mut used, mut others) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut unrestricted = false;
        for requirement in requirements {
            let Some(requirement) = requirement.as_object() else {
                let why = "a security requirement that is not an object".to_owned();
                return Protection::Unknown(why).into();
            };
            if requirement.is_empty() {
                return Protection::Public.into();
            }
            let (mut scopes, mut tokens) = (BTreeSet::new(), Vec::new());
            for (name, needs) in requirement {
                match self.by_name.get(name) {
                    None => {
                        let why = "a security scheme that the document does not declare".to_owned();
                        return Protection::Unknown(why).into();
                    }
                    Some(Scheme::Token) => {
                        tokens.push(name.clone());
                        let needs = needs.as_array().into_iter().flatten().filter_map(Value::as_str);
                        scopes.extend(needs.flat_map(str::split_whitespace).map(str::to_owned));
                    }
                    Some(Scheme::Key) => drop(others.insert("an API key".to_owned())),
                    Some(Scheme::Other(what)) => drop(others.insert((*what).to_owned())),
                }
            }
            tokens.retain(|name| match &selection.authorizer {
                Some(wanted) if name != wanted => {
                    others.insert(format!("the authorizer {name}"));
                    false
                }
                _ => true,
            });
            if !tokens.is_empty() {
                unrestricted |= scopes.is_empty();
                entries.insert(scopes.into_iter().collect::<Vec<_>>().join(" "));
                used.extend(tokens);
            }
        }
        if used.is_empty() {
            let others = others.into_iter().collect::<Vec<_>>().join(" or ");
            return if others.is_empty() { Protection::Public.into() } else { Protection::Other(others).into() };
        }
        let entries = if unrestricted { BTreeSet::new() } else { entries };
        let (authorizers, beside) = match self.names_authorizers {
            true => (used, BTreeSet::new()),
            false => (BTreeSet::new(), others),
        };
        Reading { protection: Protection::Token(entries), authorizers, beside }
    }
}

/// A scheme of a document that says which are authorizers.
fn of_gateway(scheme: &Value) -> Scheme {
    let kind = scheme.pointer("/x-amazon-apigateway-authorizer/type").and_then(Value::as_str);
    let authtype = scheme.get("x-amazon-apigateway-authtype").and_then(Value::as_str);
    match (kind.map(str::to_lowercase).as_deref(), authtype.map(str::to_lowercase).as_deref()) {
        (Some("token" | "request"), _) | (None, Some("custom")) => Scheme::Token,
        (Some("cognito_user_pools"), _) | (None, Some("cognito_user_pools")) => Scheme::Other("a Cognito user pool"),
        (Some("jwt"), _) => Scheme::Other("API Gateway's own JWT authorizer"),
        (None, Some("awssigv4")) => Scheme::Other("IAM"),
        (None, None) if text(scheme, "type") == Some("apiKey") => Scheme::Key,
        (None, None) => Scheme::Other("nothing: its scheme has no x-amazon-apigateway-authorizer"),
        _ => Scheme::Other("an authorizer of another kind"),
    }
}

/// A scheme of a document that API Gateway has no part in.
fn of_document(scheme: &Value) -> Scheme {
    let named = |name: &str| text(scheme, "name").is_some_and(|given| given.eq_ignore_ascii_case(name));
    let http = |name: &str| text(scheme, "scheme").is_some_and(|given| given.eq_ignore_ascii_case(name));
    match text(scheme, "type") {
        Some("oauth2" | "openIdConnect") => Scheme::Token,
        Some("http") if http("bearer") => Scheme::Token,
        Some("apiKey") if text(scheme, "in") == Some("header") && named("Authorization") => Scheme::Token,
        Some("apiKey") => Scheme::Key,
        Some("basic" | "http") => Scheme::Other("credentials that are not a bearer token"),
        Some("mutualTLS") => Scheme::Other("client certificates"),
        _ => Scheme::Other("a scheme of an unknown type"),
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}
