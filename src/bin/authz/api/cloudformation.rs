//! The APIs of a template: `AWS::ApiGateway::Method` and its tree of resources, and what SAM makes of its own types.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::model::{Api, Protection, Selection};
use super::sam;
use super::template::{Template, property, reference};

/// How deep a tree of resources may be; API Gateway allows no more than 30 levels of resources.
const MAX_LEVELS: usize = 64;

/// Reads the API that the selection names, or the only one that an authorizer protects.
///
/// # Errors
/// If there is no such API, or more than one.
pub(super) fn read(document: &Value, folder: &Path, selection: &Selection) -> Result<Api, String> {
    let template = Template { document, folder, selection };
    let mut apis: BTreeMap<String, Api> = BTreeMap::new();
    for (name, resource) in template.resources("AWS::ApiGateway::RestApi") {
        let api = apis.entry(name.to_owned()).or_default();
        template.body(property(resource, "Body"), None, api)?;
        if property(resource, "BodyS3Location").is_some() {
            api.unread("its document is in S3", name.to_owned());
        }
    }
    for (name, method) in template.resources("AWS::ApiGateway::Method") {
        template.method(name, method, &mut apis);
    }
    sam::add(&template, &mut apis)?;
    choose(apis, selection)
}

fn choose(mut apis: BTreeMap<String, Api>, selection: &Selection) -> Result<Api, String> {
    let names = |apis: &BTreeMap<String, Api>| apis.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let all = names(&apis);
    if let Some(wanted) = &selection.rest_api {
        return apis
            .remove(wanted)
            .ok_or_else(|| format!("the template has no API of the name that --rest-api gives, but: {all}"));
    }
    if apis.len() > 1 {
        apis.retain(|_, api| api.protected().next().is_some());
    }
    match apis.len() {
        0 if all.is_empty() => Err("the template has no API: no methods, and no events of type Api".to_owned()),
        0 => Err(format!("no authorizer protects a method of {all}")),
        1 => Ok(apis.into_values().next().unwrap_or_default()),
        _ => Err(format!("the template has several APIs; choose one with --rest-api: {}", names(&apis))),
    }
}

impl Template<'_> {
    fn method(&self, name: &str, method: &Value, apis: &mut BTreeMap<String, Api>) {
        let owner = property(method, "RestApiId").and_then(reference).unwrap_or("an API outside of the template");
        let api = apis.entry(owner.to_owned()).or_default();
        let verb = property(method, "HttpMethod").and_then(Value::as_str);
        let path = property(method, "ResourceId").and_then(|id| self.path(id, MAX_LEVELS));
        match verb.zip(path) {
            Some((verb, path)) => {
                let protection = self.protection(method, api);
                api.add(verb, if path.is_empty() { "/" } else { &path }, protection);
            }
            None => api.unread("the template does not say its method or path", name.to_owned()),
        }
    }

    /// The path of a resource, without a slash at its end.
    fn path(&self, id: &Value, levels: usize) -> Option<String> {
        if id.get("Fn::GetAtt").is_some_and(is_root) {
            return Some(String::new());
        }
        let resource = self.resource(reference(id)?)?;
        let parent = self.path(property(resource, "ParentId")?, levels.checked_sub(1)?)?;
        Some(format!("{parent}/{}", property(resource, "PathPart")?.as_str()?))
    }

    fn protection(&self, method: &Value, api: &mut Api) -> Protection {
        let kind = match property(method, "AuthorizationType") {
            None => "NONE",
            Some(Value::String(kind)) => kind.as_str(),
            Some(_) => return Protection::Unknown("the template's parameters say how it is protected".to_owned()),
        };
        match kind {
            "NONE" if self.selection.all_methods => Protection::Token(BTreeSet::new()),
            "NONE" => Protection::Public,
            "AWS_IAM" => Protection::Other("IAM".to_owned()),
            "COGNITO_USER_POOLS" => Protection::Other("a Cognito user pool".to_owned()),
            "CUSTOM" => {
                let named = property(method, "AuthorizerId").and_then(reference);
                let resource = named.and_then(|name| self.resource(name));
                if resource
                    .and_then(|resource| property(resource, "Type"))
                    .is_some_and(|kind| kind == "COGNITO_USER_POOLS")
                {
                    return Protection::Other("a Cognito user pool".to_owned());
                }
                let named = named.unwrap_or("an authorizer outside of the template");
                self.token(named, property(method, "AuthorizationScopes"), api)
            }
            _ => Protection::Other("an authorizer of another kind".to_owned()),
        }
    }
}

/// Whether an attribute is the root of an API's resources.
fn is_root(attribute: &Value) -> bool {
    match attribute {
        Value::String(text) => text.ends_with(".RootResourceId"),
        attribute => attribute.get(1).is_some_and(|name| name == "RootResourceId"),
    }
}
