//! `authz check`: every mistake in a configuration, and what it means.

use std::path::PathBuf;

use apigw_jwt_authorizer::ConfigError;
use apigw_jwt_authorizer::explain::{Fetched, Meaning};
use clap::Args;

use crate::page::{Colour, Page};
use crate::{Failure, authorizer, configuration};

/// What to check.
#[derive(Args)]
#[command(after_help = "Examples:
  authz check                            what AUTHORIZER_CONFIG or authorizer.json says
  authz check authorizer.json            a file
  authz check authorizer.json --fetch    and whether its keys can be had

Exit status: 2 for a mistake in the configuration, 1 if --fetch finds no usable key of an issuer,
else 0.")]
pub(crate) struct Arguments {
    /// The configuration; without it, as the authorizer finds it
    file: Option<PathBuf>,
    /// Fetches discovery documents and key sets, and says what is usable in them
    #[arg(long)]
    fetch: bool,
    /// Prints JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<String, Failure> {
    let config = configuration(arguments.file.as_ref())?;
    let warnings = config.warnings().to_vec();
    let authorizer = authorizer(config, None)?;
    let meaning = authorizer.meaning();
    let fetched = match arguments.fetch {
        true => Some(authorizer.fetched().await),
        false => None,
    };
    let text = match arguments.json {
        true => {
            let value = serde_json::json!({ "warnings": warnings, "meaning": meaning, "fetched": fetched });
            format!("{value:#}\n")
        }
        false => page(&warnings, &meaning, fetched.as_deref()),
    };
    if fetched.is_some_and(|fetched| fetched.iter().any(|fetched| fetched.keys.is_err())) {
        print!("{text}");
        return Err(Failure::Unusable("the keys of an issuer cannot be had".to_owned()));
    }
    Ok(text)
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

fn page(warnings: &[String], meaning: &Meaning, fetched: Option<&[Fetched]>) -> String {
    let mut page = Page::stdout();
    let count = warnings.len().saturating_add(meaning.doubts.len());
    page.heading(match count {
        0 => "No mistakes.",
        _ => "No mistakes, but look at this:",
    });
    for warning in warnings.iter().chain(&meaning.doubts) {
        page.row(&[("  warning", 11, Some(Colour::Yellow))], warning);
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
                    if fetched.skipped > 0 {
                        let skipped = format!("{} keys that cannot be used", fetched.skipped);
                        page.row(&[("", 4, None), ("passed over", 13, Some(Colour::Dim))], &skipped);
                    }
                }
                Err(failure) => page.row(&[("", 4, None), ("failed", 13, Some(Colour::Red))], failure),
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
