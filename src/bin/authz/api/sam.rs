//! SAM: `AWS::Serverless::Api`, the `Api` events of functions and state machines, and `Globals`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::model::{Api, Protection};
use super::openapi;
use super::template::{Template, property, reference};

/// What SAM calls the API of events that name none.
const IMPLICIT: &str = "ServerlessRestApi";

/// How an API's `Auth` protects it.
struct Auth {
    authorizers: BTreeMap<String, Protection>,
    /// The default authorizer.
    default: Option<String>,
    /// Whether SAM makes preflight methods that ask for a token.
    preflights: bool,
}

/// Adds the methods of SAM's own types.
pub(super) fn add(template: &Template<'_>, apis: &mut BTreeMap<String, Api>) -> Result<(), String> {
    let mut auths: BTreeMap<&str, Auth> = BTreeMap::new();
    for (name, resource) in template.resources("AWS::Serverless::Api") {
        let api = apis.entry(name.to_owned()).or_default();
        let auth = Auth::of(template, Some(resource));
        let default = auth
            .default
            .as_ref()
            .map(|name| openapi::ApiAuth { protection: auth.by_name(name), authorizers: &auth.authorizers });
        template.body(property(resource, "DefinitionBody"), default.as_ref(), api)?;
        match property(resource, "DefinitionUri") {
            Some(Value::String(location)) => template.file(location, default.as_ref(), api)?,
            Some(_) => api.unread("it is in S3", "the document of the API".to_owned()),
            None => {}
        }
        auths.insert(name, auth);
    }
    let global = Auth::of(template, None);
    for (name, resource) in template.all() {
        for event in property(resource, "Events").and_then(Value::as_object).into_iter().flat_map(Map::values) {
            if event.get("Type").is_some_and(|kind| kind == "HttpApi") {
                let api = apis.entry(IMPLICIT.to_owned()).or_default();
                api.note("left out, because it is an event of an HTTP API", name.to_owned());
            } else if event.get("Type").is_some_and(|kind| kind == "Api") {
                let id = property(event, "RestApiId").map_or(Some(IMPLICIT), reference);
                let Some(id) = id else {
                    let api = apis.entry("an API outside of the template".to_owned()).or_default();
                    api.unread("its API is not in the template", name.to_owned());
                    continue;
                };
                event_method(template, event, auths.get(id).unwrap_or(&global), apis.entry(id.to_owned()).or_default());
            }
        }
    }
    for (name, api) in apis {
        let auth = if name == IMPLICIT { Some(&global) } else { auths.get(name.as_str()) };
        if let Some(auth) = auth {
            preflights(auth, api);
        }
    }
    Ok(())
}

fn event_method(template: &Template<'_>, event: &Value, auth: &Auth, api: &mut Api) {
    let text = |name: &str| property(event, name).and_then(Value::as_str);
    let Some((method, path)) = text("Method").zip(text("Path")) else {
        api.unread("the template does not say its method or path", "an event".to_owned());
        return;
    };
    let own = property(event, "Auth");
    let named = match own.and_then(|own| own.get("Authorizer")) {
        Some(Value::String(name)) => Some(name),
        Some(_) => {
            let why = "the template's parameters say how it is protected".to_owned();
            return api.add(method, path, Protection::Unknown(why));
        }
        None => auth.default.as_ref(),
    };
    let protection = match named {
        None if template.selection.all_methods => Protection::Token([].into()),
        None => Protection::Public,
        Some(name) => match auth.by_name(name) {
            Protection::Token(_) => template.token(name, own.and_then(|own| own.get("AuthorizationScopes")), api),
            other => other,
        },
    };
    api.add(method, path, protection);
}

/// Adds the methods that SAM makes for CORS.
fn preflights(auth: &Auth, api: &mut Api) {
    let Some(protection) = auth.default.as_ref().filter(|_| auth.preflights).map(|name| auth.by_name(name)) else {
        return;
    };
    if !matches!(protection, Protection::Token(_)) {
        return;
    }
    let paths: Vec<String> = api.methods.keys().map(|method| method.path.clone()).collect();
    for path in paths {
        let says_so = api.methods.keys().any(|method| method.path == path && matches!(method.name, "OPTIONS" | "ANY"));
        if !says_so {
            api.note(
                "browsers send no token with a preflight, and this one asks for it: set AddDefaultAuthorizerToCorsPreflight to false",
                format!("OPTIONS {path}"),
            );
            api.add("OPTIONS", &path, protection.clone());
        }
    }
}

impl Auth {
    /// The `Auth` of an API, above that of `Globals`.
    fn of(template: &Template<'_>, api: Option<&Value>) -> Self {
        let global = template.document.pointer("/Globals/Api");
        let own = api.and_then(|api| api.get("Properties"));
        let field = |name: &str| {
            let of = |from: Option<&Value>| from?.get("Auth")?.get(name).cloned();
            (of(global), of(own))
        };
        let mut authorizers = BTreeMap::new();
        let (inherited, declared) = field("Authorizers");
        for (name, value) in [inherited, declared].iter().flatten().filter_map(Value::as_object).flatten() {
            authorizers.insert(name.clone(), authorizer(name, value, template));
        }
        let last = |name: &str| {
            let (inherited, declared) = field(name);
            declared.or(inherited)
        };
        let default = last("DefaultAuthorizer").and_then(|name| name.as_str().map(str::to_owned));
        let cors = [global, own].into_iter().flatten().any(|from| from.get("Cors").is_some());
        let asked = last("AddDefaultAuthorizerToCorsPreflight").is_none_or(|value| value != false);
        Self { authorizers, default, preflights: cors && asked }
    }

    fn by_name(&self, name: &str) -> Protection {
        match name {
            "NONE" => Protection::Public,
            "AWS_IAM" => Protection::Other("IAM".to_owned()),
            name => self
                .authorizers
                .get(name)
                .cloned()
                .unwrap_or_else(|| Protection::Unknown("its authorizer is not declared in the template".to_owned())),
        }
    }
}

fn authorizer(name: &str, value: &Value, template: &Template<'_>) -> Protection {
    if value.get("UserPoolArn").is_some() {
        return Protection::Other("a Cognito user pool".to_owned());
    }
    match &template.selection.authorizer {
        Some(wanted) if wanted != name => Protection::Other(format!("the authorizer {name}")),
        _ => Protection::Token([].into()),
    }
}
