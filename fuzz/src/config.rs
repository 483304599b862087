//! Bytes -> `Config::parse`. Checks that nothing panics, no message repeats a value of the document or the environment,
//! and a configuration without mistakes makes an authorizer.

use std::path::Path;

use apigw_jwt_authorizer::Config;
use serde_json::Value;

use super::world;

const PIECE: usize = 16;
/// Environment variables whose values no message may repeat.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("SECRET", "canary-secret-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLM"),
    ("ISSUER", "https://canary-issuer-0123456789.example/"),
    ("SHORT", "canary-too-short-9876"),
    ("EMPTY", ""),
];

/// Parses a configuration; checks the errors or warnings.
pub fn run(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    // A configuration may name any file, and reading a device may never end.
    if text.contains("dev") {
        return;
    }
    let env = |name: &str| ENVIRONMENT.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let messages = match Config::parse(text, &env, Path::new(".")) {
        Err(error) => {
            assert!(!error.issues.is_empty());
            error.to_string()
        }
        Ok(config) => {
            let warnings = config.warnings().join("\n");
            world::authorizer(config).map(drop).unwrap();
            warnings
        }
    };
    let (mut named, mut values) = (Vec::new(), Vec::new());
    if let Ok(document) = serde_json::from_str(text) {
        sort("", &document, &mut named, &mut values);
    }
    values.extend(ENVIRONMENT.map(|(_, value)| value.to_owned()));
    let escaped: Vec<String> = named.iter().map(|name| Value::from(name.as_str()).to_string()).collect();
    let names = || named.iter().map(String::as_str).chain(escaped.iter().map(|name| name.trim_matches('"')));
    // A long name and the punctuation after it may equal a piece of a value.
    let unnamed = names().filter(|name| name.len() * 2 >= PIECE).fold(messages, |text, name| text.replace(name, "\n"));
    // Plain words and code in backticks may be the program's own.
    let word = |piece: &str| piece.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b' ' | b'`'));
    let excused = |piece: &str| word(piece) || names().any(|name| name.contains(piece));
    for piece in values.iter().flat_map(|value| pieces(value)) {
        assert!(!unnamed.contains(piece) || excused(piece), "a message repeats a value: {unnamed}");
    }
}

/// Sorts texts into names of fields, methods and paths, which messages may repeat, and values, which they may not.
fn sort(name: &str, value: &Value, named: &mut Vec<String>, values: &mut Vec<String>) {
    match value {
        Value::String(text) if matches!(name, "path" | "method") => named.push(text.clone()),
        Value::String(text) => values.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| sort(name, item, named, values)),
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            named.push(name.clone());
            sort(name, value, named, values);
        }),
        _ => {}
    }
}

fn pieces(text: &str) -> impl Iterator<Item = &str> {
    (0..text.len()).filter_map(|start| text.get(start..start.checked_add(PIECE)?))
}
