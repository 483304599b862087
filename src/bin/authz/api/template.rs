//! A CloudFormation template: its resources, and the documents that it includes.

use std::path::Path;

use serde_json::Value;

use super::model::{Api, Protection, Selection};
use super::{openapi, text};

/// A template, and what is in its folder.
pub(super) struct Template<'a> {
    pub(super) document: &'a Value,
    pub(super) folder: &'a Path,
    pub(super) selection: &'a Selection,
}

impl<'a> Template<'a> {
    /// The resources of a type, by name.
    pub(super) fn resources(&self, kind: &str) -> Vec<(&'a str, &'a Value)> {
        self.all().filter(|(_, resource)| resource.get("Type").is_some_and(|given| given == kind)).collect()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let resources = self.document.get("Resources").and_then(Value::as_object);
        resources.into_iter().flatten().map(|(name, resource)| (name.as_str(), resource))
    }

    pub(super) fn resource(&self, name: &str) -> Option<&'a Value> {
        self.document.get("Resources")?.get(name)
    }

    /// Adds the methods of an OpenAPI document in the template, or of a file that it includes.
    pub(super) fn body(
        &self,
        body: Option<&Value>,
        default: Option<&openapi::ApiAuth<'_>>,
        api: &mut Api,
    ) -> Result<(), String> {
        let Some(body) = body else { return Ok(()) };
        match body.pointer("/Fn::Transform/Parameters/Location") {
            Some(Value::String(location)) => return self.file(location, default, api),
            Some(_) => api.unread("the template's parameters say where it is", "a document".to_owned()),
            None => openapi::add(body, default, self.selection, api),
        }
        Ok(())
    }

    /// Adds the methods of an OpenAPI document beside the template.
    pub(super) fn file(
        &self,
        location: &str,
        default: Option<&openapi::ApiAuth<'_>>,
        api: &mut Api,
    ) -> Result<(), String> {
        if location.contains("://") {
            api.unread("it is not a file", "a document that the template names".to_owned());
            return Ok(());
        }
        let file = self.folder.join(location);
        let bytes = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let document = text::parse(&String::from_utf8_lossy(&bytes))
            .map_err(|problem| format!("{}: {problem}", file.display()))?;
        openapi::add(&document, default, self.selection, api);
        Ok(())
    }

    /// By a Lambda authorizer. One of the scopes is enough.
    pub(super) fn token(&self, authorizer: &str, scopes: Option<&Value>, api: &mut Api) -> Protection {
        if self.selection.authorizer.as_ref().is_some_and(|wanted| wanted != authorizer) {
            return Protection::Other(format!("the authorizer {authorizer}"));
        }
        api.authorizers.insert(authorizer.to_owned());
        let scopes = scopes.and_then(Value::as_array).into_iter().flatten();
        Protection::Token(scopes.filter_map(Value::as_str).map(str::to_owned).collect())
    }
}

/// A property of a resource.
pub(super) fn property<'a>(resource: &'a Value, name: &str) -> Option<&'a Value> {
    resource.get("Properties")?.get(name)
}

/// What a `Ref` names.
pub(super) fn reference(value: &Value) -> Option<&str> {
    value.get("Ref").or_else(|| value.pointer("/Fn::GetAtt/0")).and_then(Value::as_str)
}
