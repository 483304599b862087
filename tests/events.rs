//! The real program answers every sample event with its stored answer.
//!
//! `UPDATE_ANSWERS=1 cargo test --test events` stores the current answers.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

#[path = "../examples/mint.rs"]
#[expect(dead_code, reason = "only the example calls `main`; this test compares its files")]
mod mint;

/// The folders of events, each with a configuration of its name and a folder of answers.
const FOLDERS: [(&str, &str); 5] = [
    ("", "authorizer"),
    ("rest-request", "rest-request"),
    ("http-api", "http-api"),
    ("websocket", "websocket"),
    ("tenants", "tenants"),
];

/// The shortest piece of a token that counts as a leak. Shorter ones may be in a log by chance.
const PIECE: usize = 16;

#[test]
fn the_events_are_those_that_the_example_mints() -> Result<(), Box<dyn Error>> {
    let minted = mint::minted(&events())?;
    for (name, text) in &minted {
        let stored = fs::read_to_string(events().join(name))?;
        assert_eq!(&stored, text, "{}: `cargo run --example mint` writes it", name.display());
    }
    let minted: BTreeSet<PathBuf> = minted.into_iter().map(|(name, _)| events().join(name)).collect();
    for (folder, _) in FOLDERS {
        for event in files(&events().join(folder))? {
            assert!(minted.contains(&event), "{} is not minted", event.display());
        }
    }
    Ok(())
}

#[test]
fn every_event_has_its_stored_answer() -> Result<(), Box<dyn Error>> {
    FOLDERS.into_iter().try_for_each(|(folder, configuration)| answered_as_stored(folder, configuration))
}

fn answered_as_stored(folder: &str, configuration: &str) -> Result<(), Box<dyn Error>> {
    let (answers, output) = authorized(folder, configuration, &[])?;
    assert!(output.status.success(), "{}: no event may be an outage", output.status);
    let directory = events().join("answers").join(folder);
    if std::env::var_os("UPDATE_ANSWERS").is_some_and(|value| value == "1") {
        for stale in files(&directory)? {
            fs::remove_file(stale)?;
        }
        for (name, answer) in &answers {
            fs::write(directory.join(name), format!("{}\n", serde_json::to_string_pretty(answer)?))?;
        }
    }
    let mut stored = BTreeMap::new();
    for file in files(&directory)? {
        stored.insert(name_of(&file), serde_json::from_slice(&fs::read(file)?)?);
    }
    assert_eq!(
        stored.keys().collect::<Vec<_>>(),
        answers.keys().collect::<Vec<_>>(),
        "one stored answer for each event"
    );
    for (name, answer) in &answers {
        assert_eq!(Some(answer), stored.get(name), "{name}");
    }
    Ok(())
}

#[test]
fn no_log_line_holds_a_piece_of_a_token_or_the_value_of_a_claim_or_a_secret() -> Result<(), Box<dyn Error>> {
    let mut pieces = HashSet::new();
    let mut values = BTreeSet::new();
    for secret in ["movies.secret.txt", "pets.secret.base64"] {
        values.insert(fs::read_to_string(events().join("keys").join(secret))?);
    }
    for (folder, _) in FOLDERS {
        for file in files(&events().join(folder))? {
            let event: Value = serde_json::from_slice(&fs::read(file)?)?;
            let mut tokens = BTreeSet::new();
            tokens_in(&event, &mut tokens);
            for token in &tokens {
                pieces.extend(token.as_bytes().windows(PIECE).map(<[u8]>::to_vec));
                // A log line may name the configured issuer.
                let values_of = claims(token).into_iter().filter(|(name, _)| name != "iss" && name != "tid");
                values.extend(values_of.filter_map(|(_, value)| value.as_str().map(str::to_owned)));
            }
        }
    }
    for (folder, configuration) in FOLDERS {
        logs_none_of(folder, configuration, &pieces, &values)?;
    }
    Ok(())
}

/// Every token in an event, wherever it is.
fn tokens_in(event: &Value, tokens: &mut BTreeSet<String>) {
    match event {
        Value::String(text) => {
            let words =
                text.split([' ', ',', ';', '=']).filter(|word| word.split('.').count() == 3 && word.len() > 2 * PIECE);
            tokens.extend(words.map(str::to_owned));
        }
        Value::Array(items) => items.iter().for_each(|item| tokens_in(item, tokens)),
        Value::Object(members) => members.values().for_each(|member| tokens_in(member, tokens)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn logs_none_of(
    folder: &str,
    configuration: &str,
    pieces: &HashSet<Vec<u8>>,
    values: &BTreeSet<String>,
) -> Result<(), Box<dyn Error>> {
    let (answers, _) = authorized(folder, configuration, &[])?;
    for settings in [
        [].as_slice(),
        &[("RUST_LOG", "trace")],
        &[("AWS_LAMBDA_LOG_LEVEL", "TRACE"), ("AWS_LAMBDA_LOG_FORMAT", "JSON")],
    ] {
        let (same, output) = authorized(folder, configuration, settings)?;
        assert_eq!(same, answers, "{settings:?}");
        let log = String::from_utf8(output.stderr)?;
        assert!(log.contains("deny"), "{settings:?}: refusals are logged");
        for line in log.lines() {
            assert!(
                !line.as_bytes().windows(PIECE).any(|piece| pieces.contains(piece)),
                "{settings:?}: a piece of a token in {line}"
            );
            for value in values {
                assert!(!line.contains(value.as_str()), "{settings:?}: {value} in {line}");
            }
        }
    }
    Ok(())
}

/// The answer to each event by file name, and the program's output.
fn authorized(
    folder: &str,
    configuration: &str,
    settings: &[(&str, &str)],
) -> Result<(BTreeMap<String, Value>, Output), Box<dyn Error>> {
    let events_in_order = files(&events().join(folder))?;
    let mut program = Command::new(env!("CARGO_BIN_EXE_apigw-jwt-authorizer"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("AUTHORIZER_")
            || text.starts_with("AWS_")
            || text.starts_with("LAMBDA_")
            || text == "RUST_LOG"
        {
            program.env_remove(&name);
        }
    }
    let output = program
        .env("AUTHORIZER_CONFIG_FILE", events().join("config").join(configuration).with_extension("json"))
        .envs(settings.iter().copied())
        .args(&events_in_order)
        .output()?;
    let lines =
        std::str::from_utf8(&output.stdout)?.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    assert_eq!(
        lines.len(),
        events_in_order.len(),
        "one line for each event; standard error: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok((events_in_order.iter().map(|file| name_of(file)).zip(lines).collect(), output))
}

/// The unverified claims of a token; none if it is not a token.
fn claims(token: &str) -> Map<String, Value> {
    token
        .split('.')
        .nth(1)
        .and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok())
        .and_then(|payload| serde_json::from_slice(&payload).ok())
        .unwrap_or_default()
}

/// The JSON files directly in a directory, sorted by name.
fn files(directory: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_file() {
            assert_eq!(path.extension(), Some(OsStr::new("json")), "{} does not belong here", path.display());
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn events() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("events")
}
