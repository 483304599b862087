//! OpenAPI 3 and Swagger 2, plain or with API Gateway's extensions (`aws apigateway get-export`).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::model::{Api, METHODS, Protection, Selection};
use super::scheme::{Reading, Schemes};

/// How many references to a path item are followed.
const MAX_REFERENCES: usize = 16;

/// How SAM protects methods that say nothing themselves.
pub(super) struct ApiAuth<'a> {
    pub(super) protection: Protection,
    /// The authorizers that SAM adds to the document, by name.
    pub(super) authorizers: &'a BTreeMap<String, Protection>,
}

/// Adds the methods of a document. Paths are those of `paths`: the base path of a server and the stage are not part of them.
pub(super) fn add(document: &Value, default: Option<&ApiAuth<'_>>, selection: &Selection, api: &mut Api) {
    let schemes = Schemes::of(document);
    let everywhere = document.get("security");
    for (path, item) in document.get("paths").and_then(Value::as_object).into_iter().flatten() {
        if !path.starts_with('/') {
            // `x-` extensions, and functions of a template.
            if !path.starts_with("x-") {
                api.note("left out, because a path begins with `/`", path.clone());
            }
            continue;
        }
        let Some(item) = resolved(document, item) else {
            api.unread("its path item is not in the document", path.clone());
            continue;
        };
        for (name, operation) in &item {
            let method = match name.as_str() {
                "x-amazon-apigateway-any-method" => "ANY",
                name if METHODS.iter().any(|known| known.eq_ignore_ascii_case(name)) => name,
                "trace" | "query" => name.as_str(),
                name if name.starts_with("Fn::") => {
                    api.unread("a function of the template makes it", path.clone());
                    continue;
                }
                _ => continue,
            };
            let Reading { protection, authorizers, beside } =
                reading(operation, everywhere, &schemes, default, selection);
            api.authorizers.extend(authorizers);
            for what in beside {
                let text = format!("the document also names {what}, which the authorizer does not look at");
                api.note(&text, format!("{} {path}", method.to_uppercase()));
            }
            api.add(method, path, protection);
        }
    }
}

/// How an operation is protected.
fn reading(
    operation: &Value,
    everywhere: Option<&Value>,
    schemes: &Schemes,
    default: Option<&ApiAuth<'_>>,
    selection: &Selection,
) -> Reading {
    match operation.pointer("/x-amazon-apigateway-auth/type").and_then(Value::as_str) {
        Some(kind) if kind.eq_ignore_ascii_case("none") => return Protection::Public.into(),
        Some(kind) if kind.eq_ignore_ascii_case("aws_iam") => return Protection::Other("IAM".to_owned()).into(),
        _ => {}
    }
    let requirements = match operation.get("security").or(everywhere) {
        None => {
            return match default {
                Some(default) => default.protection.clone(),
                None if selection.all_methods => Protection::Token([].into()),
                None => Protection::Public,
            }
            .into();
        }
        Some(Value::Array(requirements)) => requirements,
        Some(_) => return Protection::Unknown("its `security` is not a list".to_owned()).into(),
    };
    // What SAM adds has no scheme in the document.
    if let (Some(default), [Value::Object(only)]) = (default, requirements.as_slice())
        && let Some((name, needs)) = only.iter().next()
        && let Some(known) = default.authorizers.get(name)
    {
        let needs: Vec<&str> = needs.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        return match known {
            Protection::Token(_) if !needs.is_empty() => Protection::Token([needs.join(" ")].into()),
            known => known.clone(),
        }
        .into();
    }
    schemes.reading(requirements, selection)
}

/// A path item with what it refers to; `None` if that is not in the document.
fn resolved(document: &Value, item: &Value) -> Option<Map<String, Value>> {
    let mut members = Map::new();
    let mut item = item;
    for _ in 0..MAX_REFERENCES {
        for (name, value) in item.as_object()? {
            members.entry(name).or_insert_with(|| value.clone());
        }
        let Some(reference) = item.get("$ref").and_then(Value::as_str) else {
            return Some(members);
        };
        // A reference is a URI, in which braces are encoded.
        let pointer = reference.strip_prefix('#')?.replace("%7B", "{").replace("%7D", "}");
        item = document.pointer(&pointer)?;
    }
    None
}
