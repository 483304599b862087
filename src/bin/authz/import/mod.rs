//! `authz import`: the route table that an API's own document describes.

mod entries;
mod merge;

use std::path::PathBuf;

use clap::Args;
pub(crate) use entries::{nothing, plural, routes};

use crate::Failure;
use crate::api::{self, Api, Selection};
use crate::document::{Document, line};
use crate::page::Page;

pub(crate) const ABOUT: &str = "Prints the route table that an API's own document describes.

The document is OpenAPI 3 or Swagger 2, such as `aws apigateway get-export` writes, or a SAM or
CloudFormation template, as JSON or YAML. Only methods that a Lambda authorizer protects go into the
table; standard error says what is left out, and why.

--into adds what is new to a configuration that you have. It keeps every entry as it is, says which
ones the API no longer has, and never changes `undeclared_routes`.";

/// What to import.
#[derive(Args)]
#[command(after_help = "Examples:
  authz import openapi.yaml > authorizer.json
  authz import template.yaml --into authorizer.json
  authz import openapi.yaml --into authorizer.json --print | diff authorizer.json -
  aws apigateway get-export --rest-api-id a1b2c3 --stage-name prod --export-type oas30 \\
      --parameters extensions=authorizers export.json && authz import export.json

Exit status: 1 for a document that cannot be used, else 0.")]
pub(crate) struct Arguments {
    /// The document, `-` for standard input
    file: PathBuf,
    /// Adds the methods that this configuration lacks, in place
    #[arg(long, value_name = "CONFIGURATION")]
    into: Option<PathBuf>,
    /// Prints the merged configuration instead of writing it
    #[arg(long, requires = "into")]
    print: bool,
    #[command(flatten)]
    selection: Selection,
}

pub(crate) fn run(arguments: &Arguments) -> Result<String, Failure> {
    let api = api::read(&arguments.file, &arguments.selection)?;
    let mut page = Page::stderr();
    let count = api.protected().count();
    if count == 0 {
        api.remarks(&mut page);
        eprint!("{}", page.finish());
        return Err(Failure::Unusable(nothing(&arguments.file, &arguments.selection, &api)));
    }
    let text = match &arguments.into {
        None => {
            page.heading(&format!("{count} {} from {}", plural(count, "route"), arguments.file.display()));
            Ok(document(&api))
        }
        Some(into) => merge::run(&api, into, arguments.print, &mut page),
    };
    api.remarks(&mut page);
    eprint!("{}", page.finish());
    Ok(text?)
}

fn document(api: &Api) -> String {
    Document::of(vec![("undeclared_routes", line(&"absent".into())), ("routes", routes(api))]).to_string()
}
