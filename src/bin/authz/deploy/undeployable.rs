//! What a configuration names that the deployed function could not read.

use apigw_jwt_authorizer::ConfigIssue;
use apigw_jwt_authorizer::explain::expanded;
use serde_json::Value;

use super::issuers::{issuers, secrets};

/// The variables of the environment that every function has, as far as a configuration has a use for them.
const SET_BY_LAMBDA: [&str; 3] = ["AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION"];

/// What the function could not read.
pub(super) fn undeployable(document: &Value) -> Vec<ConfigIssue> {
    let mut issues = Vec::new();
    let mut refuse = |path: String, expected: &str| issues.push(ConfigIssue { path, expected: expected.to_owned() });
    for (path, entry) in issuers(document) {
        if entry.get("jwks_seed_file").is_some() {
            refuse(
                format!("{path}.jwks_seed_file"),
                "no file travels with the parameters: leave it out, or use `jwks_file`",
            );
        }
        for (path, secret) in secrets(&path, entry) {
            for kind in ["env", "file"] {
                if secret.get(kind).is_some() {
                    let expected = "the template sets no such secret: store it, and name it by `secrets_manager` or `parameter_store`";
                    refuse(format!("{path}.{kind}"), expected);
                }
            }
        }
    }
    if document.pointer("/tls/ca_file").is_some() {
        refuse(
            "tls.ca_file".to_owned(),
            "no file travels with the parameters: build the function with the file beside it",
        );
    }
    references(document, "", &mut |path, name| {
        if !SET_BY_LAMBDA.contains(&name) {
            let expected = format!("the template sets no variable for `${{{name}}}`: write its value here");
            issues.push(ConfigIssue { path, expected });
        }
    });
    issues
}

/// Tells of each `${NAME}` in a document, with its path.
fn references(value: &Value, path: &str, tell: &mut impl FnMut(String, &str)) {
    match value {
        Value::String(text) => names(text, |name| tell(path.to_owned(), name)),
        Value::Array(items) => {
            let places = items.iter().enumerate();
            places.for_each(|(number, item)| references(item, &format!("{path}[{number}]"), tell));
        }
        Value::Object(members) => {
            for (member, value) in members {
                let plain = !member.is_empty() && member.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                let path = match plain {
                    true if path.is_empty() => member.clone(),
                    true => format!("{path}.{member}"),
                    false => format!("{path}[{}]", Value::from(member.as_str())),
                };
                names(member, |name| tell(path.clone(), name));
                references(value, &path, tell);
            }
        }
        _ => {}
    }
}

/// Reports each NAME of `${NAME}` in a text.
fn names(text: &str, mut tell: impl FnMut(&str)) {
    // An unclosed `${` is a mistake of the configuration, which is reported elsewhere.
    drop(expanded(text, |name| {
        tell(name);
        Some(String::new())
    }));
}
