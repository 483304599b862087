//! One corpus holds the published schema and the parser together: the schema passes every good document and refuses every
//! bad one; the binary starts with every good one and names each mistake of every bad one.
//!
//! In `tests/config`:
//! - `good/` and `bad/` are the documents, `files/` what they name, `environment.json` the variables they refer to;
//! - `bad.paths.json`: bad document -> the paths of its mistakes;
//! - `beyond-schema.json`: bad document -> what no schema can see in it, so that only the parser refuses it;
//! - `not-yet.json`: document -> the paths that the parser names for now, because a feature is not supported yet.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// What bad documents, variables and files hold where a message must not repeat it.
const CANARY: &str = "7f3a9c";

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config")
}

fn json<T: serde::de::DeserializeOwned>(path: &Path) -> Outcome<T> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// The documents of one kind as `good/name.json`, in order.
fn documents(kind: &str) -> Outcome<Vec<String>> {
    let mut names = fs::read_dir(corpus().join(kind))?
        .map(|entry| Ok(format!("{kind}/{}", entry?.file_name().to_string_lossy())))
        .collect::<Outcome<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// Bad document -> the paths of its mistakes.
fn mistakes() -> Outcome<BTreeMap<String, BTreeSet<String>>> {
    let listed: BTreeMap<String, BTreeSet<String>> = json(&corpus().join("bad.paths.json"))?;
    Ok(listed.into_iter().map(|(name, paths)| (format!("bad/{name}"), paths)).collect())
}

fn beyond_schema() -> Outcome<BTreeSet<String>> {
    let listed: BTreeMap<String, String> = json(&corpus().join("beyond-schema.json"))?;
    Ok(listed.into_keys().map(|name| format!("bad/{name}")).collect())
}

fn not_yet() -> Outcome<BTreeMap<String, BTreeSet<String>>> {
    json(&corpus().join("not-yet.json"))
}

fn schema() -> Outcome<Value> {
    json(&Path::new(env!("CARGO_MANIFEST_DIR")).join("authorizer.schema.json"))
}

/// Runs the binary with a document and a request without a token: refused, if the configuration stands.
fn run(document: &str) -> Outcome<Output> {
    let environment: BTreeMap<String, String> = json(&corpus().join("environment.json"))?;
    Ok(Command::new(env!("CARGO_BIN_EXE_apigw-jwt-authorizer"))
        .arg(corpus().join("event.json"))
        .env_clear()
        .envs(environment)
        .env("AUTHORIZER_CONFIG_FILE", corpus().join(document))
        .output()?)
}

/// The mistakes that the binary printed, one on each line after the first: path -> what is expected there.
fn printed(output: &Output) -> Outcome<BTreeMap<String, Vec<String>>> {
    let text = String::from_utf8(output.stderr.clone())?;
    let mut mistakes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let (path, expected) = split_at_colon(line).ok_or_else(|| format!("not `path: expectation`: {line}"))?;
        let said = mistakes.entry(path.to_owned()).or_default();
        if said.iter().any(|earlier| earlier == expected) {
            return Err(format!("said twice: {line}").into());
        }
        said.push(expected.to_owned());
    }
    Ok(mistakes)
}

/// Splits `path: expectation` at the first `: ` outside of quotes.
fn split_at_colon(line: &str) -> Option<(&str, &str)> {
    let (mut quoted, mut escaped) = (false, false);
    line.char_indices().find_map(|(position, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ':' if !quoted => {
                let (path, rest) = line.split_at_checked(position)?;
                return Some((path, rest.strip_prefix(": ")?));
            }
            _ => {}
        }
        None
    })
}

/// The texts of a document that no message may repeat: all but methods, paths, short ones and the schema's own words.
fn private_texts(value: &Value, schema: &str, texts: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.len() >= 8 && !schema.contains(text.as_str()) => {
            texts.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| private_texts(item, schema, texts)),
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "path" | "method"))
            .for_each(|(_, member)| private_texts(member, schema, texts)),
        _ => {}
    }
}

/// Holds each document against a check; all that differ are named together.
fn each(documents: Vec<String>, check: impl Fn(&str) -> Outcome) {
    let wrong: Vec<String> = documents
        .iter()
        .filter_map(|name| check(name).err().map(|difference| format!("{name}: {difference}")))
        .collect();
    assert!(wrong.is_empty(), "{} of {} documents:\n{}", wrong.len(), documents.len(), wrong.join("\n"));
}

#[test]
fn the_lists_name_documents_that_exist() -> Outcome {
    let good: BTreeSet<String> = documents("good")?.into_iter().collect();
    let bad: BTreeSet<String> = documents("bad")?.into_iter().collect();
    assert_eq!(mistakes()?.into_keys().collect::<BTreeSet<_>>(), bad);
    assert!(mistakes()?.values().all(|paths| !paths.is_empty()));
    assert_eq!(beyond_schema()?.difference(&bad).next(), None);
    let all = good.union(&bad).cloned().collect();
    assert_eq!(not_yet()?.into_keys().collect::<BTreeSet<_>>().difference(&all).next(), None);
    Ok(())
}

#[test]
fn the_schema_is_a_schema() -> Outcome {
    let schema = schema()?;
    assert_eq!(schema.get("$schema").and_then(Value::as_str), Some("https://json-schema.org/draft/2020-12/schema"));
    jsonschema::draft202012::meta::validate(&schema).map_err(|error| error.to_string())?;
    Ok(())
}

#[test]
fn the_schema_passes_good_documents() -> Outcome {
    let schema = jsonschema::validator_for(&schema()?)?;
    each(documents("good")?, |name| {
        let document: Value = json(&corpus().join(name))?;
        schema.validate(&document).map_err(|error| error.to_string().into())
    });
    Ok(())
}

#[test]
fn the_schema_passes_the_sample_configuration() -> Outcome {
    let sample = json(&Path::new(env!("CARGO_MANIFEST_DIR")).join("events/config/authorizer.json"))?;
    jsonschema::validator_for(&schema()?)?.validate(&sample).map_err(|error| error.to_string().into())
}

#[test]
fn the_schema_refuses_bad_documents_but_those_beyond_it() -> Outcome {
    let (schema, beyond) = (jsonschema::validator_for(&schema()?)?, beyond_schema()?);
    each(documents("bad")?, |name| {
        // A text that is not JSON never reaches a schema.
        let refused = match json::<Value>(&corpus().join(name)) {
            Ok(document) => !schema.is_valid(&document),
            Err(_) => false,
        };
        match (refused, beyond.contains(name)) {
            (false, false) => Err("the schema passes it".into()),
            (true, true) => Err("listed as beyond the schema, which refuses it".into()),
            _ => Ok(()),
        }
    });
    Ok(())
}

/// Holds what the binary printed against the paths of the mistakes, or for now those of `not-yet.json`, where whatever is
/// no mistake has to be said to be unsupported yet.
fn check_printed(output: &Output, mistakes: &BTreeSet<String>, not_yet: Option<&BTreeSet<String>>) -> Outcome {
    let text = String::from_utf8_lossy(&output.stderr);
    let expected_code = if mistakes.is_empty() && not_yet.is_none() { 0 } else { 2 };
    if output.status.code() != Some(expected_code) {
        return Err(format!("expected exit {expected_code}, got {:?}: {text}", output.status.code()).into());
    }
    if expected_code == 0 {
        return Ok(());
    }
    let printed = printed(output)?;
    let expected = not_yet.unwrap_or(mistakes);
    let late: BTreeSet<_> = printed
        .iter()
        .filter(|(_, said)| said.iter().any(|expectation| expectation.contains("not supported yet")))
        .map(|(path, _)| path)
        .collect();
    let named: BTreeSet<_> = printed.keys().cloned().collect();
    let explained = named.iter().all(|path| mistakes.contains(path) || late.contains(path));
    if named == *expected && explained && late.is_empty() == not_yet.is_none() {
        Ok(())
    } else {
        Err(format!("expected {expected:?}, printed {printed:?}").into())
    }
}

#[test]
fn the_binary_starts_with_good_documents() -> Outcome {
    let (none, not_yet) = (BTreeSet::new(), not_yet()?);
    each(documents("good")?, |name| check_printed(&run(name)?, &none, not_yet.get(name)));
    Ok(())
}

#[test]
fn the_binary_names_every_mistake_of_bad_documents_and_nothing_else() -> Outcome {
    let (mistakes, not_yet) = (mistakes()?, not_yet()?);
    each(documents("bad")?, |name| {
        let mistakes = mistakes.get(name).ok_or("not in bad.paths.json")?;
        check_printed(&run(name)?, mistakes, not_yet.get(name))
    });
    Ok(())
}

#[test]
fn no_message_repeats_a_text_of_the_document_or_the_environment() -> Outcome {
    let schema = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("authorizer.schema.json"))?;
    let environment: Value = json(&corpus().join("environment.json"))?;
    each(documents("bad")?, |name| {
        let output = run(name)?;
        let printed = String::from_utf8([output.stdout, output.stderr].concat())?;
        if printed.is_empty() {
            return Err("nothing is printed".into());
        }
        let mut texts = BTreeSet::from([CANARY.to_owned()]);
        private_texts(&environment, &schema, &mut texts);
        if let Ok(document) = json(&corpus().join(name)) {
            private_texts(&document, &schema, &mut texts);
        }
        match texts.iter().find(|text| printed.contains(text.as_str())) {
            Some(text) => Err(format!("`{text}` is repeated in: {printed}").into()),
            None => Ok(()),
        }
    });
    Ok(())
}

#[test]
fn a_printed_path_may_hold_quoted_colons() {
    assert_eq!(split_at_colon("a[0].b: c: d"), Some(("a[0].b", "c: d")));
    assert_eq!(split_at_colon(r#"a["x: \": y"].b: c"#), Some((r#"a["x: \": y"].b"#, "c")));
    assert_eq!(split_at_colon("a b"), None);
}
