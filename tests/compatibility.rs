//! Holds docs/compatibility.md to the code: the fields of log lines and the members of answers are those that the page names.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "a failed step fails the test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

type Names = BTreeSet<String>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The texts in backquotes.
fn quoted(text: &str) -> Names {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// A table of the page: the first cell of each row, and the names in its others. `Unauthorized` is a value.
fn table(heading: &str) -> BTreeMap<String, Names> {
    let page = read("docs/compatibility.md");
    let (_, rest) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = rest.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        assert_eq!(cells.len(), 3, "{row}");
        let (stable, changing) = (quoted(cells[1]), quoted(cells[2]));
        assert!(stable.is_disjoint(&changing), "both stable and not: {row}");
        (cells[0].trim().trim_matches('`').to_owned(), &stable | &changing)
    })
    .collect()
}

/// The deployed program's sources, each without its tests.
fn sources() -> Vec<(PathBuf, String)> {
    let (mut found, mut open) = (Vec::new(), vec![root().join("src")]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() && !["bin", "tests"].contains(&name.as_str()) {
                open.push(path);
            } else if name.ends_with(".rs") && !["tests.rs", "test_support.rs"].contains(&name.as_str()) {
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap();
                let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                found.push((path, code.map(|line| format!("{line}\n")).collect()));
            }
        }
    }
    assert!(found.len() > 50, "{}", found.len());
    found
}

/// The arguments of a macro's call whose opening parenthesis comes before `text`.
fn arguments(text: &str) -> Vec<String> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let mut found = vec![String::new()];
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            '(' | '[' | '{' if !in_text => depth += 1,
            ')' if !in_text && depth == 0 => return found.iter().map(|argument| argument.trim().to_owned()).collect(),
            ')' | ']' | '}' if !in_text => depth -= 1,
            ',' if !in_text && depth == 0 => {
                found.push(String::new());
                continue;
            }
            _ => {}
        }
        found.last_mut().unwrap().push(c);
    }
    panic!("a macro without an end: {text}");
}

/// Each message that is logged, with the names of its fields.
fn logged() -> BTreeMap<String, Names> {
    let mut found: BTreeMap<String, Names> = BTreeMap::new();
    for (path, code) in sources() {
        for other in ["event!(", "span!(", "#[instrument", " as warn", " as info"] {
            assert!(!code.contains(other), "{}: {other} is not looked at here", path.display());
        }
        for level in ["trace!(", "debug!(", "info!(", "warn!(", "error!("] {
            for (position, _) in code.match_indices(level) {
                let before = code[..position].chars().next_back().unwrap();
                assert!(
                    !before.is_alphanumeric() && before != '_',
                    "{}: another macro that ends in {level}",
                    path.display()
                );
                let arguments = arguments(&code[position + level.len()..]);
                let message = arguments.iter().position(|argument| argument.starts_with('"'));
                let message = message.unwrap_or_else(|| panic!("{}: no message: {arguments:?}", path.display()));
                let text = arguments[message].trim_matches('"').to_owned();
                let fields = arguments[..message].iter().map(|field| {
                    let name = field.split('=').next().unwrap().trim().trim_start_matches(['%', '?']);
                    assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{}: {field}", path.display());
                    name.to_owned()
                });
                found.entry(text).or_default().extend(fields);
            }
        }
    }
    found
}

/// The messages that the page names and the code makes of a name.
const MADE: [(&str, &str); 2] = [
    ("secret`, `client secret", "{}"),
    (
        "a stale key set is in use`, `a stale secret is in use`, `a stale client secret is in use",
        "a stale {what} is in use",
    ),
];

#[test]
fn the_fields_of_log_lines_are_those_that_the_page_names() {
    let (mut page, mut code) = (table("Log lines"), logged());
    page.remove("every line, as JSON").unwrap();
    let others = page.remove("any other").unwrap();
    assert_eq!(page.len(), 5, "{page:?}");
    for (message, fields) in page {
        let text = MADE.iter().find(|(name, _)| *name == message).map_or(message.as_str(), |(_, text)| text);
        assert_eq!(code.remove(text), Some(fields), "{message}");
    }
    assert!(code.len() > 5, "{code:?}");
    assert_eq!(code.into_values().reduce(|all, fields| &all | &fields), Some(others));
}

#[test]
fn what_every_line_has_is_what_the_page_names() {
    let names = table("Log lines");
    let run = Command::new(env!("CARGO_BIN_EXE_apigw-jwt-authorizer"))
        .arg(root().join("tests/config/event.json"))
        .env_clear()
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
        .env("AUTHORIZER_CONFIG_FILE", root().join("tests/config/good/jwks-inline.json"))
        .output()
        .unwrap();
    let text = String::from_utf8(run.stderr).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1, "{text}");
    let written: Names = lines[0].as_object().unwrap().keys().cloned().collect();
    let frame = &names["every line, as JSON"];
    assert!(written.is_superset(frame), "{text}");
    let decision: Names = ["decision", "reason", "method", "duration_us"].map(str::to_owned).into();
    assert_eq!(&written - frame, decision, "{text}");
    assert!(decision.is_subset(&names["decision"]));
}

/// The names of the members that the structs of a source are written with.
fn written(source: &str) -> Names {
    let code = read(source);
    let mut found = Names::new();
    for part in code.split("Serialize)]\n").skip(1) {
        let Some((attributes, rest)) = part.split_once("struct ") else { continue };
        // An enum has values and no members.
        if attributes.contains("enum ") || attributes.contains("fn ") {
            continue;
        }
        let body = rest.split_once("{\n").unwrap().1;
        let body = body[..body.find("}\n").unwrap()].to_owned();
        let mut renamed = None;
        for line in body.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
            if let Some(name) = line.strip_prefix("#[serde(rename = \"") {
                renamed = Some(name.split('"').next().unwrap().to_owned());
            } else if let Some((name, _)) = line.split_once(": ").filter(|_| !line.starts_with('#')) {
                let name = name.rsplit(' ').next().unwrap();
                let pascal: String = name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
                let cased = if attributes.contains("PascalCase") {
                    pascal
                } else if attributes.contains("camelCase") {
                    pascal[..1].to_lowercase() + &pascal[1..]
                } else {
                    name.to_owned()
                };
                found.insert(renamed.take().unwrap_or(cased));
            }
        }
    }
    found
}

/// The names of the members of an answer, without those that the configuration chooses.
fn members(value: &Value, names: &mut Names) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| members(item, names)),
        Value::Object(object) => {
            for (name, value) in object {
                names.insert(name.clone());
                if name != "context" {
                    members(value, names);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn the_members_of_answers_are_those_that_the_page_names() {
    let page = table("Answers");
    assert_eq!(page.len(), 3, "{page:?}");
    let mut page: Names = page.into_values().reduce(|all, names| &all | &names).unwrap();
    // A value, and where the members are.
    assert!(page.remove("Unauthorized"));
    assert_eq!(&written("src/response.rs") | &written("src/policy/mod.rs"), page);

    let (mut answered, mut open, mut count) = (Names::new(), vec![root().join("events/answers")], 0);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                members(&serde_json::from_slice(&fs::read(path).unwrap()).unwrap(), &mut answered);
                count += 1;
            }
        }
    }
    assert!(count > 30, "{count}");
    // No sample has the key of a usage plan.
    answered.insert("usageIdentifierKey".to_owned());
    assert_eq!(answered, page);
}

#[test]
fn every_version_begins_with_what_to_do() {
    let changelog = read("CHANGELOG.md");
    let sections: Vec<&str> = changelog.split("\n## [").skip(1).collect();
    assert!(sections.len() > 2);
    for section in sections {
        let (version, rest) = section.split_once('\n').unwrap();
        assert!(rest.starts_with("### To do\n- "), "{version}");
    }
}
