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
    for event in files(&events())? {
        assert!(minted.contains(&event), "{} is not minted", event.display());
    }
    Ok(())
}

#[test]
fn every_event_has_its_stored_answer() -> Result<(), Box<dyn Error>> {
    let (answers, output) = authorized(&[])?;
    assert!(output.status.success(), "{}: no event may be an outage", output.status);
    let directory = events().join("answers");
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
    for file in files(&events())? {
        let event: Value = serde_json::from_slice(&fs::read(file)?)?;
        let authorization = event.get("authorizationToken").and_then(Value::as_str).unwrap_or_default();
        let credentials = authorization.split_once(' ').map_or("", |(_, credentials)| credentials);
        pieces.extend(credentials.as_bytes().windows(PIECE).map(<[u8]>::to_vec));
        // A log line may name the configured issuer.
        values.extend(
            claims(credentials)
                .into_iter()
                .filter(|(name, _)| name != "iss")
                .filter_map(|(_, value)| value.as_str().map(str::to_owned)),
        );
    }
    let (answers, _) = authorized(&[])?;

    for settings in [
        [].as_slice(),
        &[("RUST_LOG", "trace")],
        &[("AWS_LAMBDA_LOG_LEVEL", "TRACE"), ("AWS_LAMBDA_LOG_FORMAT", "JSON")],
    ] {
        let (same, output) = authorized(settings)?;
        assert_eq!(same, answers, "{settings:?}");
        let log = String::from_utf8(output.stderr)?;
        assert!(log.contains("insufficient_scope"), "{settings:?}: refusals are logged");
        for line in log.lines() {
            assert!(
                !line.as_bytes().windows(PIECE).any(|piece| pieces.contains(piece)),
                "{settings:?}: a piece of a token in {line}"
            );
            for value in &values {
                assert!(!line.contains(value.as_str()), "{settings:?}: {value} in {line}");
            }
        }
    }
    Ok(())
}

/// The answer to each event by file name, and the program's output.
fn authorized(settings: &[(&str, &str)]) -> Result<(BTreeMap<String, Value>, Output), Box<dyn Error>> {
    let events_in_order = files(&events())?;
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
        .env("AUTHORIZER_CONFIG_FILE", events().join("config").join("authorizer.json"))
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
