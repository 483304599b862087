//! `authz simulate`: what tokens and sets of scopes may do on every route.

mod against;
mod table;
mod who;

use std::path::{Path, PathBuf};
use std::time::Duration;

use apigw_jwt_authorizer::explain::Bearer;
use clap::Args;
use serde_json::{Map, Value};

use crate::{Failure, authorizer, configuration, explain, moment};
use who::{Format, Report as _, Who};

pub(crate) const ABOUT: &str =
    "Says for every declared route what tokens and sets of scopes may do: whether the request passes, and
whether an answer to another request does something else to it once the gateway has cached it.

--scopes assumes a valid token with these scopes, and what a `scope_map` adds to them, and checks
nothing else of it; --claim adds claims to it, and `iss` among them picks one of several issuers.
--against shows only what another configuration decides differently, and for which token.";

/// What to simulate.
#[derive(Args)]
#[command(after_help = "Examples:
  authz simulate authorizer.json --scopes \"read:pets write:pets\" --scopes \"\"
  authz simulate authorizer.json --token ada.txt --at 2026-01-31T12:00:00Z
  authz simulate authorizer.json --scopes read:me --claim sub=ada --format json
  authz simulate authorizer.json --scopes read:pets --against old.json --format markdown

Exit status: 0 whatever is allowed, 1 for input that cannot be used, 2 for a mistake in the
configuration.")]
pub(crate) struct Arguments {
    /// The configuration; without it, as the authorizer finds it
    file: Option<PathBuf>,
    /// The file of a token; may be given several times
    #[arg(long, value_name = "FILE", required_unless_present = "scopes")]
    token: Vec<PathBuf>,
    /// Scopes, separated by spaces; may be given several times
    #[arg(long, value_name = "SCOPES")]
    scopes: Vec<String>,
    /// A claim of the tokens that --scopes supposes; its value is JSON, or else a text
    #[arg(long, value_name = "NAME=VALUE", requires = "scopes")]
    claim: Vec<String>,
    /// Decides as if it were this time: RFC 3339, or seconds since 1970
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Duration>,
    /// Shows only what changes from this configuration
    #[arg(long, value_name = "CONFIGURATION")]
    against: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<String, Failure> {
    let load = |file: Option<&PathBuf>| authorizer(configuration(file)?.config, arguments.at);
    let new = load(arguments.file.as_ref())?;
    let all = everybody(arguments)?;
    match &arguments.against {
        None => Ok(table::simulated(&new, &all).await.text(arguments.format)),
        Some(file) => {
            let old = load(Some(file))?;
            Ok(against::changes(&old, &new, &all).await.text(arguments.format))
        }
    }
}

fn everybody(arguments: &Arguments) -> Result<Vec<Who>, String> {
    let mut all = Vec::new();
    for file in &arguments.token {
        all.push(Who { name: format!("token {}", name(file)), bearer: Bearer::Header(explain::header(file)?) });
    }
    let mut claims = Map::new();
    for claim in &arguments.claim {
        let (name, value) = claim.split_once('=').ok_or("--claim: expected NAME=VALUE")?;
        claims.insert(name.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| Value::from(value)));
    }
    for scopes in &arguments.scopes {
        let scopes: Vec<String> = scopes.split_whitespace().map(str::to_owned).collect();
        let name = if scopes.is_empty() { "no scopes".to_owned() } else { format!("scopes {}", scopes.join(" ")) };
        all.push(Who { name, bearer: Bearer::Supposed { claims: claims.clone(), scopes } });
    }
    Ok(all)
}

/// The name of a file, without its folder.
fn name(file: &Path) -> String {
    file.file_name().map_or_else(|| "-".to_owned(), |name| name.to_string_lossy().into_owned())
}
