//! Documents of released versions keep starting. `tests/config/released` has, for each version, a folder with its schema and documents
//! that use all of it, and in `warnings.json` the warnings of today for each document, which `UPDATE_GOLDEN=1` writes anew.

#![cfg(feature = "authz")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn released() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/released")
}

fn json<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Each released version, and the folder for its format.
fn versions() -> BTreeMap<String, String> {
    json(&released().join("versions.json"))
}

/// The folders, each with its documents.
fn folders() -> Vec<(PathBuf, Vec<PathBuf>)> {
    let names: BTreeSet<String> = versions().into_values().collect();
    let folders = names.into_iter().map(|name| {
        let folder = released().join(name);
        let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let beside = ["authorizer.schema.json", "warnings.json"].map(|name| folder.join(name));
        let mut documents: Vec<PathBuf> = files.filter(|file| !beside.contains(file)).collect();
        documents.sort();
        assert!(!documents.is_empty());
        (folder, documents)
    });
    folders.collect()
}

/// The variables that the documents name.
fn environment() -> BTreeMap<String, String> {
    json(&released().join("../environment.json"))
}

#[test]
fn every_version_of_the_changelog_has_its_documents() {
    let changelog = fs::read_to_string(released().join("../../../CHANGELOG.md")).unwrap();
    let headings = changelog.lines().filter_map(|line| line.strip_prefix("## [")?.split_once(']'));
    let listed: BTreeSet<&str> =
        headings.map(|(version, _)| version).filter(|version| *version != "Unreleased").collect();
    let versions = versions();
    assert_eq!(versions.keys().map(String::as_str).collect::<BTreeSet<_>>(), listed);
    assert!(versions.len() >= 2 && versions.contains_key(env!("CARGO_PKG_VERSION")));
    let folders: BTreeSet<String> = versions.into_values().collect();
    let there = fs::read_dir(released()).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir());
    assert_eq!(there.map(|entry| entry.file_name().into_string().unwrap()).collect::<BTreeSet<_>>(), folders);
}

/// Collects what a schema describes: the path of each field (`*` where the document chooses the name), and its fixed values.
fn described(root: &Value, node: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(reference) = node["$ref"].as_str() {
        described(root, root.pointer(reference.trim_start_matches('#')).unwrap(), path, found);
    }
    for keyword in ["anyOf", "oneOf", "allOf"] {
        for branch in node[keyword].as_array().into_iter().flatten() {
            described(root, branch, path, found);
        }
    }
    if let Some(items) = node.get("items") {
        described(root, items, path, found);
    }
    if node["additionalProperties"].is_object() {
        described(root, &node["additionalProperties"], &format!("{path}/*"), found);
    }
    for value in node["enum"].as_array().into_iter().flatten().chain(node.get("const")) {
        found.insert(format!("{path} = {value}"));
    }
    for (name, field) in node["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}/{name}");
        // Some branches of the schema name a field only to narrow or forbid it.
        if field.is_object() && (field.get("title").is_some() || field.get("$ref").is_some()) {
            found.insert(path.clone());
            described(root, field, &path, found);
        }
    }
}

/// Collects what a document uses, written as `described` does.
fn used(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| used(item, path, found)),
        Value::Object(members) => {
            let names_are_free = ["context", "claims", "required_claims"].iter().any(|name| path.ends_with(name));
            for (name, member) in members {
                let path = format!("{path}/{}", if names_are_free { "*" } else { name });
                found.insert(path.clone());
                used(member, &path, found);
            }
        }
        value => {
            found.insert(format!("{path} = {value}"));
        }
    }
}

#[test]
fn the_documents_of_a_version_are_valid_for_it_and_use_every_field_and_value() {
    for (folder, documents) in folders() {
        let schema: Value = json(&folder.join("authorizer.schema.json"));
        let validator = jsonschema::validator_for(&schema).unwrap();
        let (mut wanted, mut found) = (BTreeSet::new(), BTreeSet::new());
        for document in documents {
            let value: Value = json(&document);
            validator.validate(&value).unwrap_or_else(|error| panic!("{}: {error}", document.display()));
            used(&value, "", &mut found);
        }
        described(&schema, &schema, "", &mut wanted);
        assert!(wanted.len() > 90 && wanted.contains("/issuers/keys_cache/timeout_ms"), "{wanted:#?}");
        let unused: Vec<&String> = wanted.difference(&found).collect();
        assert!(unused.is_empty(), "{}: {unused:#?}", folder.display());
    }
}

/// The warnings at start, of a program that has to start.
fn at_start(document: &Path) -> Vec<String> {
    let run = Command::new(env!("CARGO_BIN_EXE_apigw-jwt-authorizer"))
        .arg(released().join("../event.json"))
        .env_clear()
        .envs(environment())
        .env("AUTHORIZER_CONFIG_FILE", document)
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
        .output()
        .unwrap();
    let log = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(0), "{}: {log}", document.display());
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let warnings = lines.filter(|line| line["level"] == "WARN");
    warnings.map(|line| line["message"].as_str().unwrap().to_owned()).collect()
}

/// What `authz check` says of the document that a variable holds or names, and its exit status.
fn checked(variable: &str, document: &str) -> (Value, i32) {
    let run = Command::new(env!("CARGO_BIN_EXE_authz"))
        .args(["check", "--json"])
        .env_clear()
        .envs(environment())
        .env(variable, document)
        .output()
        .unwrap();
    (serde_json::from_slice(&run.stdout).unwrap_or_else(|_| panic!("{run:?}")), run.status.code().unwrap())
}

/// The warnings of `authz check`, of a document that has to pass.
fn at_check(document: &Path) -> Vec<String> {
    let (checked, status) = checked("AUTHORIZER_CONFIG_FILE", document.to_str().unwrap());
    assert_eq!(status, 0, "{}: {checked}", document.display());
    let warnings = checked["warnings"].as_array().unwrap().iter();
    warnings
        .map(|entry| format!("{}: {}", entry["path"].as_str().unwrap(), entry["warning"].as_str().unwrap()))
        .collect()
}

#[test]
fn the_documents_of_every_version_start_and_pass_the_check_with_the_stored_warnings() {
    for (folder, documents) in folders() {
        let today: BTreeMap<String, BTreeMap<&str, Vec<String>>> = documents
            .iter()
            .map(|document| {
                let name = document.file_name().unwrap().to_str().unwrap().to_owned();
                (name, [("start", at_start(document)), ("check", at_check(document))].into())
            })
            .collect();
        let stored = folder.join("warnings.json");
        let text = serde_json::to_string_pretty(&today).unwrap() + "\n";
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&stored, text).unwrap();
        } else {
            assert_eq!(text, fs::read_to_string(&stored).unwrap(), "{}", stored.display());
        }
    }
}

#[test]
fn a_context_key_claims_started_once_and_its_refusal_is_in_the_changelog() {
    let mut document: Value = json(&released().join("0.1.0/absent.json"));
    document["context"] = serde_json::json!({ "claims": "" });
    let schema: Value = json(&released().join("0.1.0/authorizer.schema.json"));
    jsonschema::validator_for(&schema).unwrap().validate(&document).unwrap();
    let (checked, status) = checked("AUTHORIZER_CONFIG", &document.to_string());
    let mistake = "this context key is reserved for the authorizer and the gateway";
    let expected = serde_json::json!([{ "path": "context.claims", "expected": mistake }]);
    assert_eq!((status, &checked["mistakes"]), (2, &expected));
    let changelog = fs::read_to_string(released().join("../../../CHANGELOG.md")).unwrap();
    assert!(
        changelog.contains("### To do\n") && changelog.contains("- **A key `claims` in `context`** is reserved now")
    );
}
