//! Keeps the published schema and the parser consistent with one corpus: the schema accepts every good document and
//! rejects every bad one; the binary starts with every good document and names each mistake of every bad one.
//!
//! In `tests/config`:
//! - `good/` has the good documents, `files/` the files that they name, `environment.json` the variables that they name;
//! - `bad.json` is the table of the bad documents (`tests/support/bad_documents.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

#[cfg(test)]
#[path = "support/bad_documents.rs"]
mod bad_documents;
#[cfg(test)]
use bad_documents::{ALL, Bad, FOLDER};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// A marker in bad documents, variables and files for texts that no message may repeat.
const CANARY: &str = "7f3a9c";

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config")
}

fn json<T: serde::de::DeserializeOwned>(path: &Path) -> Outcome<T> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// The good documents.
fn good() -> Outcome<Vec<PathBuf>> {
    let mut files = fs::read_dir(corpus().join("good"))?.map(|entry| Ok(entry?.path())).collect::<Outcome<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

fn schema() -> Outcome<Value> {
    json(&Path::new(env!("CARGO_MANIFEST_DIR")).join("authorizer.schema.json"))
}

/// Runs the binary with a document and an event without a token, which a valid configuration refuses.
fn run(document: &Path) -> Outcome<Output> {
    let environment: BTreeMap<String, String> = json(&corpus().join("environment.json"))?;
    Ok(Command::new(env!("CARGO_BIN_EXE_apigw-jwt-authorizer"))
        .arg(corpus().join("event.json"))
        .env_clear()
        .envs(environment)
        .env("AUTHORIZER_CONFIG_FILE", document)
        .output()?)
}

/// The mistakes that the binary printed, one on each line after the first: path -> expectations.
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

/// The texts of a document that no message may repeat: all except methods, paths, short texts and words of the schema.
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

/// Runs a check for each document, and reports all failures together.
fn each<'a, T: 'a>(
    documents: impl IntoIterator<Item = &'a T>,
    name: impl Fn(&T) -> String,
    check: impl Fn(&T) -> Outcome,
) {
    let wrong: Vec<String> = documents
        .into_iter()
        .filter_map(|document| check(document).err().map(|difference| format!("{}: {difference}", name(document))))
        .collect();
    assert!(wrong.is_empty(), "{} documents:\n{}", wrong.len(), wrong.join("\n"));
}

fn each_good(check: impl Fn(&PathBuf) -> Outcome) -> Outcome {
    each(&good()?, |file| file.display().to_string(), check);
    Ok(())
}

#[cfg(test)]
fn each_bad(check: impl Fn(&Bad) -> Outcome) {
    each(ALL.iter(), |bad| bad.name.clone(), check);
}

#[test]
fn each_bad_document_has_a_unique_name_and_mistakes() {
    let names: BTreeSet<&str> = ALL.iter().map(|bad| bad.name.as_str()).collect();
    assert_eq!(names.len(), ALL.len());
    assert!(ALL.iter().all(|bad| !bad.mistakes.is_empty()));
    assert!(!corpus().join("bad").exists(), "bad documents are in bad.json");
}

#[test]
fn the_schema_is_valid() -> Outcome {
    let schema = schema()?;
    assert_eq!(schema.get("$schema").and_then(Value::as_str), Some("https://json-schema.org/draft/2020-12/schema"));
    jsonschema::draft202012::meta::validate(&schema).map_err(|error| error.to_string())?;
    Ok(())
}

#[test]
fn the_schema_accepts_good_documents() -> Outcome {
    let schema = jsonschema::validator_for(&schema()?)?;
    each_good(|file| {
        let document: Value = json(file)?;
        schema.validate(&document).map_err(|error| error.to_string().into())
    })
}

#[test]
fn the_schema_accepts_the_sample_configuration() -> Outcome {
    let sample = json(&Path::new(env!("CARGO_MANIFEST_DIR")).join("events/config/authorizer.json"))?;
    jsonschema::validator_for(&schema()?)?.validate(&sample).map_err(|error| error.to_string().into())
}

#[test]
fn the_schema_rejects_bad_documents_except_those_beyond_it() -> Outcome {
    let schema = jsonschema::validator_for(&schema()?)?;
    each_bad(|bad| {
        // Text that is not JSON never reaches the schema.
        let refused = serde_json::from_slice(&bad.content()).is_ok_and(|document| !schema.is_valid(&document));
        match (refused, bad.beyond_schema.is_some()) {
            (false, false) => Err("the schema passes it".into()),
            (true, true) => Err("listed as beyond the schema, which refuses it".into()),
            _ => Ok(()),
        }
    });
    Ok(())
}

/// Checks that the binary printed exactly the paths of the mistakes.
fn check_printed(output: &Output, mistakes: &BTreeSet<String>) -> Outcome {
    let text = String::from_utf8_lossy(&output.stderr);
    let expected_code = if mistakes.is_empty() { 0 } else { 2 };
    if output.status.code() != Some(expected_code) {
        return Err(format!("expected exit {expected_code}, got {:?}: {text}", output.status.code()).into());
    }
    if expected_code == 0 {
        return Ok(());
    }
    let printed = printed(output)?;
    if printed.keys().eq(mistakes) { Ok(()) } else { Err(format!("expected {mistakes:?}, printed {printed:?}").into()) }
}

#[test]
fn the_binary_starts_with_good_documents() -> Outcome {
    each_good(|file| check_printed(&run(file)?, &BTreeSet::new()))
}

#[test]
fn the_binary_names_every_mistake_of_bad_documents_and_nothing_else() {
    each_bad(|bad| check_printed(&run(&FOLDER.join(bad.path()))?, &bad.mistakes));
}

#[test]
fn no_message_repeats_a_text_of_the_document_or_the_environment() -> Outcome {
    let schema = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("authorizer.schema.json"))?;
    let environment: Value = json(&corpus().join("environment.json"))?;
    each_bad(|bad| {
        let output = run(&FOLDER.join(bad.path()))?;
        let printed = String::from_utf8([output.stdout, output.stderr].concat())?;
        if printed.is_empty() {
            return Err("nothing is printed".into());
        }
        let mut texts = BTreeSet::from([CANARY.to_owned()]);
        private_texts(&environment, &schema, &mut texts);
        if let Ok(document) = serde_json::from_slice(&bad.content()) {
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
