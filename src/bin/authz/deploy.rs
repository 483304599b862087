//! `authz deploy-parameters`: a configuration as the parameters of the template.

mod issuers;
mod undeployable;

use std::fs;
use std::path::{Path, PathBuf};

use apigw_jwt_authorizer::{Config, ConfigError, ConfigIssue};
use clap::Args;
use serde_json::{Value, json};

use self::issuers::{issuers, secrets};
use self::undeployable::undeployable;
use crate::environment::{unreadable, variable};
use crate::expression::{expression, takes_opaque_tokens};
use crate::page::{Colour, Page};
use crate::{Failure, authorizer, check, source};

pub(crate) const ABOUT: &str = "Prints a configuration as the parameters of template.yaml, for `sam deploy`.

The configuration is checked first, as `authz check` does. Nothing is printed if it has a mistake,
or if it names what the function could not read: a file, or an environment variable. Key sets in
files become part of the document.

The output is YAML, which SAM takes as a file: --parameter-overrides file://parameters.yaml. With
--output the file is written only if all is well. After a mistake there is none, so SAM cannot
deploy an older one.";

/// What CloudFormation takes as the value of a parameter, and Lambda as all environment variables of a function, in bytes.
const LIMIT: usize = 4096;
/// The first line of the output. A file without it was written by someone else.
const MADE: &str = "# Made by authz deploy-parameters";
/// The file that the function looks for in its layers.
const IN_LAYER: &str = "authorizer.json";

/// What to deploy.
#[derive(Args)]
#[command(after_help = "Examples:
  authz deploy-parameters authorizer.json --output parameters.yaml
  sam deploy --parameter-overrides file://parameters.yaml

A long document, with a layer, and other parameters:
  authz deploy-parameters authorizer.json --output parameters.yaml --layer layer
  sam deploy --parameter-overrides file://parameters.yaml SampleApi=true

Exit status: 2 for a mistake in the configuration, 1 for input that cannot be used, else 0.")]
pub(crate) struct Arguments {
    /// The configuration
    file: PathBuf,
    /// Writes to this file instead, which ends in .yaml
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Deploys the document in a layer, whatever its size: the folder `layer` beside the template
    #[arg(long, value_name = "FOLDER")]
    layer: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<String, Failure> {
    let Some(output) = &arguments.output else { return parameters(arguments) };
    ours(output)?;
    match parameters(arguments) {
        Ok(text) => {
            fs::write(output, text).map_err(|error| format!("{}: {error}", output.display()))?;
            eprintln!("next: sam deploy --parameter-overrides file://{}", output.display());
            Ok(String::new())
        }
        Err(failure) => {
            // What is there is of an older document.
            drop(fs::remove_file(output));
            Err(failure)
        }
    }
}

/// Whether a file may be written, and removed.
fn ours(output: &Path) -> Result<(), String> {
    if !output.extension().is_some_and(|end| end == "yaml" || end == "yml") {
        return Err("--output: expected a name that ends in .yaml, which SAM reads".to_owned());
    }
    match fs::read(output) {
        Ok(text) if !text.starts_with(MADE.as_bytes()) => {
            Err(format!("{} is not a file of this command; choose another name, or remove it", output.display()))
        }
        _ => Ok(()),
    }
}

fn parameters(arguments: &Arguments) -> Result<String, Failure> {
    let (text, base) = source(Some(&arguments.file))?;
    let mut document: Value = serde_json::from_str(&text).unwrap_or_default();
    // First what cannot be deployed: a variable that is not set here would not be set there either.
    let refused = undeployable(&document);
    if !refused.is_empty() {
        return Err(ConfigError { issues: refused }.into());
    }
    let config = Config::parse(&text, &variable, &base)?;
    let mut warnings = check::of_start(&config);
    let authorizer = authorizer(config, None)?;
    warnings.extend(authorizer.lint());

    let inlined = inlined(&mut document, &base)?;
    if let Some(members) = document.as_object_mut() {
        members.remove("$schema");
    }
    let compact = ascii(&document);
    // What is deployed is what was checked.
    Config::parse(&compact, &variable, &base)?;

    let secret = secret(&document)?;
    match &arguments.layer {
        Some(layer) => write(layer, &document, inlined, &arguments.file)?,
        None => fits(&compact)?,
    }
    let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str);
    let (in_environment, in_layer) = match arguments.layer {
        Some(_) => ("", "true"),
        None => (compact.as_str(), "false"),
    };
    let mut values = vec![
        ("Configuration", in_environment),
        ("ConfigurationFile", in_layer),
        ("ConfigurationLayerArn", ""),
        ("InvalidToken", text("/invalid_token").unwrap_or("deny")),
        ("SecretArn", secret.manager.as_deref().unwrap_or_default()),
        ("SecretParameter", secret.parameter.as_deref().unwrap_or_default()),
        ("SampleApi", "false"),
    ];
    if text("/policy") == Some("single_request") {
        values.push(("CacheSeconds", "0"));
    }
    if takes_opaque_tokens(&document) {
        values.push(("IdentityValidationExpression", expression(&document)));
    }
    told(&warnings, &secret);
    let lines = values.iter().map(|(name, value)| format!("{name}: '{}'\n", value.replace('\'', "''")));
    Ok(format!("{MADE}: --parameter-overrides file://THIS_FILE\n{}", lines.collect::<String>()))
}

/// Says on standard error what else there is to know.
fn told(warnings: &[ConfigIssue], secret: &Secret) {
    let mut page = Page::stderr();
    for issue in warnings {
        page.row(&[("  warning", 11, Some(Colour::Yellow))], &issue.to_string());
    }
    if secret.manager.is_some() || secret.parameter.is_some() {
        let text = "the document names a stored secret: add ExtensionLayerArn=..., and SecretKmsKeyArn=... if it has a key of its own";
        page.row(&[("  note", 11, Some(Colour::Yellow))], text);
    }
    eprint!("{}", page.finish());
}

/// Puts key sets that are in files into the document. Returns whether there was one.
fn inlined(document: &mut Value, base: &Path) -> Result<bool, String> {
    let mut some = false;
    for entry in document.get_mut("issuers").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(members) = entry.as_object_mut() else { continue };
        let Some(Value::String(name)) = members.remove("jwks_file") else { continue };
        let text = fs::read_to_string(base.join(name)).map_err(|error| format!("jwks_file: {}", unreadable(&error)))?;
        let keys: Value = serde_json::from_str(&text).map_err(|_| "jwks_file: the file is not JSON".to_owned())?;
        members.insert("jwks".to_owned(), keys);
        some = true;
    }
    Ok(some)
}

/// The one stored secret that the template lets the function read.
#[derive(Default)]
struct Secret {
    manager: Option<String>,
    parameter: Option<String>,
}

fn secret(document: &Value) -> Result<Secret, ConfigError> {
    let mut found = Secret::default();
    let mut issues = Vec::new();
    for (path, entry) in issuers(document) {
        for (path, secret) in secrets(&path, entry) {
            let named = |kind: &str| secret.get(kind).and_then(Value::as_str).map(str::to_owned);
            let (place, name, expected) = match (named("secrets_manager"), named("parameter_store")) {
                (Some(arn), _) if arn.starts_with("arn:") => (&mut found.manager, arn, None),
                (Some(arn), _) => {
                    (&mut found.manager, arn, Some("expected the secret's ARN, which the function's permission names"))
                }
                (None, Some(name)) if name.starts_with('/') => (&mut found.parameter, name, None),
                (None, Some(name)) => (&mut found.parameter, name, Some("expected a name that begins with a slash")),
                (None, None) => continue,
            };
            let other = place.as_ref().is_some_and(|known| *known != name);
            *place = Some(name);
            let both = found.manager.is_some() && found.parameter.is_some();
            let several = "the template lets the function read one secret, and this is another: keep them as members of one, or give \
                           the function's role the permission";
            if let Some(expected) = expected.or_else(|| (other || both).then_some(several)) {
                issues.push(ConfigIssue { path, expected: expected.to_owned() });
            }
        }
    }
    if issues.is_empty() { Ok(found) } else { Err(ConfigError { issues }) }
}

/// Whether a document can be an environment variable.
fn fits(compact: &str) -> Result<(), String> {
    // Lambda counts the variables as JSON, in which a quotation mark takes two bytes.
    let bytes = json!({ "AUTHORIZER_CONFIG": compact }).to_string().len();
    if bytes <= LIMIT {
        return Ok(());
    }
    Err(format!("the document takes {bytes} of the {LIMIT} bytes of a function's environment; add `--layer layer`"))
}

/// Writes the document into the folder that becomes the layer.
fn write(layer: &Path, document: &Value, inlined: bool, file: &Path) -> Result<(), String> {
    let target = layer.join(IN_LAYER);
    let failed = |error: std::io::Error| format!("{}: {error}", target.display());
    let same = matches!((target.canonicalize(), file.canonicalize()), (Ok(target), Ok(file)) if target == file);
    if same {
        // The document is in its place, unless it would need the file beside it.
        return match inlined {
            true => Err(format!("{} needs a file beside it; keep it in another folder", target.display())),
            false => Ok(()),
        };
    }
    fs::create_dir_all(layer).map_err(failed)?;
    fs::write(&target, format!("{document:#}\n")).map_err(failed)
}

/// JSON without spaces, in ASCII. In texts a quotation mark, an apostrophe and a backslash are written as numbers: SAM unquotes a
/// parameter's value, also one that it saved itself, and does not give back every backslash.
fn ascii(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| format!("{}:{}", quoted(name), ascii(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(ascii).collect::<Vec<_>>().join(",")),
        Value::String(text) => quoted(text),
        scalar => scalar.to_string(),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\'' | '\\' => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            ' '..='~' => out.push(letter),
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deployed_is_the_same_json_in_letters_that_sam_leaves_alone() {
        let document = json!({ "a b": ["x \"y\" \\ 'z'", "é", "𝄞", "\n\u{7f}", 1, null, true], "n": { "é": {} } });
        let text = ascii(&document);
        let left_alone = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'\'');
        assert!(left_alone(&text), "{text}");
        assert_eq!(text.matches('\\').count(), text.matches("\\u").count(), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), document);
        let digits: Value = serde_json::from_str("[1.50,12345678901234567890123]").unwrap();
        assert_eq!(ascii(&digits), "[1.50,12345678901234567890123]");
    }

    #[test]
    fn a_document_fits_if_lambda_counts_no_more_than_its_limit() {
        let of = |length: usize| "x".repeat(length - r#"{"AUTHORIZER_CONFIG":""}"#.len());
        assert_eq!(fits(&of(LIMIT)), Ok(()));
        assert!(fits(&of(LIMIT + 1)).unwrap_err().contains("4097 of"));
        assert!(fits(&"\"".repeat(LIMIT / 2)).unwrap_err().contains("--layer"));
    }
}
