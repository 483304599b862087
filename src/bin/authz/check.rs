//! `authz check`: every mistake in a configuration, and what it means.

use std::path::PathBuf;

use apigw_jwt_authorizer::explain::{Fetched, Meaning};
use apigw_jwt_authorizer::{Config, ConfigError, ConfigIssue};
use clap::Args;
use serde_json::{Value, json};

use crate::api::Selection;
use crate::drift::Drift;
use crate::page::{Colour, Page};
use crate::{Failure, Loaded, authorizer, configuration};

/// What all environment variables of a Lambda function may hold together, in bytes.
const ENVIRONMENT: usize = 4096;
/// From here on a document leaves little of that to the others.
const NEARLY: usize = 3500;

/// What to check.
#[derive(Args)]
#[command(after_help = "Examples:
  authz check                            what AUTHORIZER_CONFIG or authorizer.json says
  authz check authorizer.json            a file
  authz check authorizer.json --strict   for CI: a warning fails, too
  authz check authorizer.json --fetch    and whether its keys can be had
  authz check --api openapi.yaml         and whether its routes are those of the API

Exit status: 2 for a mistake in the configuration, or if the API has other methods; 1 if
--fetch finds no usable key of an issuer, else 0.")]
pub(crate) struct Arguments {
    /// The configuration; without it, as the authorizer finds it
    file: Option<PathBuf>,
    /// Fetches discovery documents and key sets, and says what is usable in them
    #[arg(long)]
    fetch: bool,
    /// Compares the routes with the methods that an API's document has
    #[arg(long, value_name = "FILE")]
    api: Option<PathBuf>,
    #[command(flatten)]
    selection: Selection,
    /// Takes warnings for mistakes
    #[arg(long)]
    strict: bool,
    /// Prints JSON, for programs; mistakes, too
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<String, Failure> {
    match told(arguments).await {
        Err(Failure::Configuration(error)) if arguments.json => {
            print!("{}", document(&json!({ "mistakes": listed(&error.issues, "expected"), "warnings": [] })));
            Err(Failure::Differs(String::new()))
        }
        other => other,
    }
}

async fn told(arguments: &Arguments) -> Result<String, Failure> {
    let Loaded { config, bytes, in_environment } = configuration(arguments.file.as_ref())?;
    let mut warnings = of_start(&config);
    let authorizer = authorizer(config, None)?;
    warnings.extend(authorizer.lint());
    let size = size(bytes, in_environment);
    if arguments.strict {
        // A file may be as long as it likes.
        warnings.extend(size.filter(|_| in_environment));
        if !warnings.is_empty() {
            return Err(ConfigError { issues: warnings }.into());
        }
    } else {
        warnings.extend(size);
    }
    let meaning = authorizer.meaning();
    let fetched = match arguments.fetch {
        true => Some(authorizer.fetched().await),
        false => None,
    };
    let drift = match &arguments.api {
        Some(file) => Some(Drift::of(&authorizer, file, &arguments.selection)?),
        None => None,
    };
    let text = match arguments.json {
        true => {
            let mut value = json!({
                "mistakes": [], "warnings": listed(&warnings, "warning"), "meaning": meaning, "fetched": fetched
            });
            if let (Some(drift), Some(members)) = (&drift, value.as_object_mut()) {
                members.insert("api".to_owned(), drift.json());
            }
            document(&value)
        }
        false => {
            let text = page(&warnings, &meaning, fetched.as_deref());
            drift.as_ref().map_or_else(|| text.clone(), |drift| format!("{text}{}", drift.page()))
        }
    };
    if let Some(drift) = drift.filter(|drift| !drift.is_none()) {
        print!("{text}");
        return Err(Failure::Differs(drift.differences()));
    }
    if fetched.is_some_and(|fetched| fetched.iter().any(|fetched| fetched.keys.is_err())) {
        print!("{text}");
        return Err(Failure::Unusable("the keys of an issuer cannot be had".to_owned()));
    }
    Ok(text)
}

/// What the authorizer itself warns of at start: each is a path and a text.
pub(crate) fn of_start(config: &Config) -> Vec<ConfigIssue> {
    let split = |warning: &String| {
        let (path, text) = warning.split_once(": ").unwrap_or(("(document)", warning));
        ConfigIssue { path: path.to_owned(), expected: text.to_owned() }
    };
    config.warnings().iter().map(split).collect()
}

/// Whether a document fits beside the other variables of a function.
fn size(bytes: usize, in_environment: bool) -> Option<ConfigIssue> {
    let longer = match bytes {
        0..=NEARLY => return None,
        _ if bytes <= ENVIRONMENT => "nearly as long as the 4 KB",
        _ => "longer than the 4 KB",
    };
    let deploy = match in_environment {
        true => "deploy it as a file, authorizer.json beside the binary or in a layer",
        false => "deploy it as a file and not in AUTHORIZER_CONFIG",
    };
    Some(ConfigIssue {
        path: "(document)".to_owned(),
        expected: format!("{longer} that all environment variables of a function hold together; {deploy}"),
    })
}

/// Issues for programs, where what is said of each is in the member `text`.
pub(crate) fn listed(issues: &[ConfigIssue], text: &str) -> Value {
    issues.iter().map(|issue| json!({ "path": issue.path, text: issue.expected })).collect()
}

fn document(value: &Value) -> String {
    format!("{value:#}\n")
}

/// The mistakes, for standard error.
pub(crate) fn issues(error: &ConfigError) -> String {
    let mut page = Page::stderr();
    let count = error.issues.len();
    page.heading(&format!("{count} mistake{} in the configuration", if count == 1 { "" } else { "s" }));
    for issue in &error.issues {
        page.line(2, &issue.path, Colour::Red);
        page.paragraph(4, &issue.expected);
    }
    page.finish()
}

fn page(warnings: &[ConfigIssue], meaning: &Meaning, fetched: Option<&[Fetched]>) -> String {
    let mut page = Page::stdout();
    page.heading(match warnings.len() {
        0 => "No mistakes.",
        _ => "No mistakes, but look at this:",
    });
    for warning in warnings {
        page.row(&[("  warning", 11, Some(Colour::Yellow))], &warning.to_string());
    }
    page.gap();
    page.heading("Issuers");
    for issuer in &meaning.issuers {
        page.paragraph(2, &issuer.issuer);
        for (name, value) in &issuer.facts {
            page.row(&[("", 4, None), (name, 13, Some(Colour::Dim))], value);
        }
    }
    page.gap();
    page.heading("Routes, in the order in which they match");
    let widest = meaning.routes.iter().map(|route| methods(&route.methods).chars().count()).max();
    let width = widest.unwrap_or_default().saturating_add(2).min(22);
    for route in &meaning.routes {
        page.row(&[("", 2, None), (&methods(&route.methods), width, Some(Colour::Bold))], &route.path);
        for (number, needs) in route.needs.iter().enumerate() {
            let label = if number == 0 { "needs" } else { "or" };
            page.row(&[("", width.saturating_add(4), None), (label, 8, Some(Colour::Dim))], needs);
        }
        page.row(&[("", width.saturating_add(4), None), ("cached", 8, Some(Colour::Dim))], &route.cached);
    }
    if meaning.routes.is_empty() {
        page.paragraph(2, "none");
    }
    page.gap();
    page.heading("Settings");
    for (name, value) in &meaning.settings {
        page.row(&[("", 2, None), (name, 22, Some(Colour::Dim))], value);
    }
    if let Some(fetched) = fetched {
        page.gap();
        page.heading("Fetched");
        for fetched in fetched {
            page.paragraph(2, &fetched.issuer);
            for from in &fetched.from {
                page.row(&[("", 4, None), ("keys", 13, Some(Colour::Dim))], from);
            }
            match &fetched.keys {
                Ok(keys) => {
                    page.row(&[("", 4, None), ("usable", 13, Some(Colour::Green))], &keys.join(", "));
                    for key in &fetched.passed_over {
                        page.row(&[("", 4, None), ("passed over", 13, Some(Colour::Dim))], key);
                    }
                }
                Err(failure) => page.row(&[("", 4, None), ("failed", 13, Some(Colour::Red))], failure),
            }
            if let Some(advice) = fetched.advice {
                page.row(&[("", 4, None), ("to do", 13, Some(Colour::Yellow))], advice);
            }
        }
        if fetched.is_empty() {
            page.paragraph(2, "no key set is fetched");
        }
    }
    page.finish()
}

/// Methods in short.
pub(crate) fn methods(methods: &[&'static str]) -> String {
    match methods.len() {
        0 => "(none)".to_owned(),
        7 => "ANY".to_owned(),
        _ => methods.join(" "),
    }
}
