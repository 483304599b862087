//! `authz init`: a first configuration.

use std::path::{Path, PathBuf};

use apigw_jwt_authorizer::Config;
use clap::Args;
use serde_json::{Map, Value};

use crate::Failure;
use crate::api::{self, Selection};
use crate::document::{Document, line, list};
use crate::environment::variable;
use crate::import::{nothing, routes};
use crate::page::{Colour, Page};

pub(crate) const ABOUT: &str =
    "Prints a first configuration: who issues your tokens, for which audience, and the routes of an API.

With --issuer the keys are found by OIDC discovery. --provider sets what is peculiar to a provider:
the claims of scopes and audience, and the algorithms. --api takes the routes from the API's own
document, as `authz import` does. Without it any valid token passes everywhere, until you declare
routes.";

/// The presets, by the name of their provider.
const PRESETS: [(&str, &str); 12] = [
    ("auth0", include_str!("../../../examples/presets/auth0.json")),
    ("clerk", include_str!("../../../examples/presets/clerk.json")),
    ("cognito-access-token", include_str!("../../../examples/presets/cognito-access-token.json")),
    ("cognito-id-token", include_str!("../../../examples/presets/cognito-id-token.json")),
    ("entra-id", include_str!("../../../examples/presets/entra-id.json")),
    ("firebase", include_str!("../../../examples/presets/firebase.json")),
    ("github-actions", include_str!("../../../examples/presets/github-actions.json")),
    ("google", include_str!("../../../examples/presets/google.json")),
    ("keycloak", include_str!("../../../examples/presets/keycloak.json")),
    ("okta", include_str!("../../../examples/presets/okta.json")),
    ("supabase", include_str!("../../../examples/presets/supabase.json")),
    ("zitadel", include_str!("../../../examples/presets/zitadel.json")),
];

/// The order in which the fields of an issuer are printed.
const FIELDS: [&str; 9] = [
    "issuer",
    "audience",
    "audience_claim",
    "jwks_uri",
    "introspection",
    "algorithms",
    "typ",
    "required_claims",
    "scope_claims",
];

/// What to begin with.
#[derive(Args)]
#[command(after_help = "Examples:
  authz init --issuer https://tenant.example.com/ --audience pets --api openapi.yaml
  authz init --provider auth0 --with domain=acme.eu.auth0.com --audience pets > authorizer.json
  authz init --provider cognito-access-token --with region=eu-west-1 --with pool=eu-west-1_a1b2c3 \\
      --audience CLIENT_ID --api template.yaml

Providers: auth0, clerk, cognito-access-token, cognito-id-token, entra-id, firebase,
github-actions, google, keycloak, okta, supabase, zitadel.

Exit status: 1 for input that cannot be used, 2 if what it comes to does not start, else 0.")]
pub(crate) struct Arguments {
    /// The `iss` of your tokens, byte for byte
    #[arg(long, value_name = "URL", required_unless_present = "provider")]
    issuer: Option<String>,
    /// A provider whose tokens are known
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// What the provider's address is made of
    #[arg(long, value_name = "NAME=VALUE", requires = "provider")]
    with: Vec<String>,
    /// The `aud` of your API's tokens; may be given several times, and a token needs one
    #[arg(long, value_name = "AUDIENCE", required_unless_present = "provider")]
    audience: Vec<String>,
    /// The API's document: OpenAPI, Swagger, or a template
    #[arg(long, value_name = "FILE")]
    api: Option<PathBuf>,
    #[command(flatten)]
    selection: Selection,
    /// Where the configuration's JSON Schema is, for editors
    #[arg(long, value_name = "PATH", default_value = "authorizer.schema.json")]
    schema: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<String, Failure> {
    let issuer = issuer(arguments)?;
    let mut members = vec![("$schema", line(&arguments.schema.as_str().into())), ("issuers", list(&[issuer]))];
    let mut page = Page::stderr();
    match &arguments.api {
        Some(file) => {
            let api = api::read(file, &arguments.selection)?;
            api.remarks(&mut page);
            if api.protected().next().is_none() {
                eprint!("{}", page.finish());
                return Err(Failure::Unusable(nothing(file, &arguments.selection, &api)));
            }
            members.push(("undeclared_routes", line(&"absent".into())));
            members.push(("routes", routes(&api)));
        }
        None => {
            members.push(("undeclared_routes", line(&"allow".into())));
            let text = "any valid token passes everywhere: declare routes, and set undeclared_routes to \"deny\"";
            page.row(&[("  note", 12, Some(Colour::Yellow))], text);
        }
    }
    let text = Document::of(members).to_string();
    Config::parse(&text, &variable, Path::new("."))?;
    eprint!("{}", page.finish());
    Ok(text)
}

/// The text of the issuer's entry.
fn issuer(arguments: &Arguments) -> Result<String, String> {
    let mut fields = match &arguments.provider {
        Some(provider) => preset(provider, &arguments.with, arguments.issuer.is_some(), arguments.audience.is_empty())?,
        None => Map::new(),
    };
    if let Some(issuer) = &arguments.issuer {
        fields.insert("issuer".to_owned(), issuer.as_str().into());
    }
    match arguments.audience.as_slice() {
        [] => {}
        [one] => drop(fields.insert("audience".to_owned(), one.as_str().into())),
        several => drop(fields.insert("audience".to_owned(), several.into())),
    }
    let lines = FIELDS.iter().filter_map(|name| Some(format!("      \"{name}\": {}", line(fields.get(*name)?))));
    Ok(format!("{{\n{}\n    }}", lines.collect::<Vec<_>>().join(",\n")))
}

/// A provider's entry, with what its variables stand for.
fn preset(
    provider: &str,
    with: &[String],
    has_issuer: bool,
    needs_audience: bool,
) -> Result<Map<String, Value>, String> {
    let known = PRESETS.iter().find(|(name, _)| *name == provider);
    let (_, text) =
        known.ok_or("--provider: expected a name that authz init --help lists; for others, use --issuer")?;
    let preset: Value = serde_json::from_str(text).map_err(|_| "the preset is not JSON".to_owned())?;
    let mut fields = preset.pointer("/issuers/0").and_then(Value::as_object).cloned().unwrap_or_default();
    if !needs_audience {
        fields.remove("audience");
    }
    if has_issuer {
        fields.remove("issuer");
    }
    let mut entry = Value::Object(fields).to_string();
    let mut unused = Vec::new();
    for given in with {
        let (name, value) = given.split_once('=').ok_or("--with: expected NAME=VALUE")?;
        let variables = variables(&entry);
        match variables.iter().find(|variable| short(variable) == name) {
            Some(variable) => {
                let text = Value::from(value).to_string();
                let text = text.trim_start_matches('"');
                entry = entry.replace(&format!("${{{variable}}}"), text.strip_suffix('"').unwrap_or(text));
            }
            None => unused.push(name),
        }
    }
    let lacking: Vec<String> =
        variables(&entry).iter().map(|variable| format!("--with {}=...", short(variable))).collect();
    if !lacking.is_empty() {
        return Err(format!("{provider} also needs {}", lacking.join(" ")));
    }
    if !unused.is_empty() {
        return Err(format!("--with: {provider} has nothing of the name {}", unused.join(", ")));
    }
    serde_json::from_str(&entry).map_err(|_| "the preset is not JSON".to_owned())
}

/// The names in `${...}`, each once.
fn variables(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for part in text.split("${").skip(1) {
        let name = part.split('}').next().unwrap_or_default().to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// A variable without its provider, in small letters: `domain` for `AUTH0_DOMAIN`.
fn short(variable: &str) -> String {
    variable.split_once('_').map_or(variable, |(_, name)| name).to_lowercase()
}
