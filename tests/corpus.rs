//! Replays the corpora of the fuzz targets with the same checks, on the stable toolchain (`docs/fuzzing.md`).
//!
//! Every run replays the seeds. The corpora are in `fuzz/corpus.tar.xz`, and are replayed if they are unpacked
//! (`cargo xtask corpus unpack`). With `REPLAY_CORPUS=1` a missing corpus is a failure.

use std::fs;
use std::path::{Path, PathBuf};

#[cfg(test)]
#[expect(dead_code, reason = "the schema tests use the rest")]
#[path = "support/bad_documents.rs"]
mod bad_documents;

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "an overflow in a target is also a finding")]
#[path = "../fuzz/src/lib.rs"]
pub mod targets;

/// The files in a folder.
#[cfg(test)]
#[track_caller]
fn files(folder: &str) -> Vec<PathBuf> {
    let files: Vec<_> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    assert!(!files.is_empty(), "{folder} is empty");
    files
}

/// The files of a target's corpus; none if it is not unpacked.
#[cfg(test)]
#[track_caller]
fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = format!("fuzz/corpus/{target}");
    if Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder).exists() {
        return files(&folder);
    }
    assert!(std::env::var_os("REPLAY_CORPUS").is_none(), "{folder} is missing: run `cargo xtask corpus unpack`");
    Vec::new()
}

/// Runs a target with each of these files; returns the number for which it returned true.
#[cfg(test)]
#[track_caller]
fn replay(files: &[PathBuf], target: impl Fn(&[u8]) -> bool) -> usize {
    let held = |file: &Path| {
        // A panic does not name the file.
        println!("{}", file.display());
        target(&fs::read(file).unwrap())
    };
    files.iter().filter(|file| held(file)).count()
}

fn always(target: fn(&[u8])) -> impl Fn(&[u8]) -> bool {
    move |data| {
        target(data);
        true
    }
}

#[test]
fn authorize_answers_in_shape_and_allows_no_forgery() {
    let kinds = ["rest-request", "http-api", "websocket", "tenants", "opaque"];
    let samples = kinds.into_iter().flat_map(|kind| files(&format!("events/{kind}"))).collect();
    for files in [files("fuzz/seeds/authorize"), files("events"), samples, corpus("authorize")] {
        replay(&files, always(targets::authorize::run));
    }
}

#[test]
fn a_request_event_is_answered_like_a_token_event_with_the_token_that_a_second_reading_finds() {
    let seeds = files("fuzz/seeds/request");
    let allowed = replay(&seeds, targets::request::run);
    assert_eq!((seeds.len(), allowed), (17, 9));
    replay(&corpus("request"), targets::request::run);
}

#[test]
fn header_and_claims_are_judged_as_by_a_plain_reading_of_the_rules() {
    for files in [files("fuzz/seeds/header_and_claims"), corpus("header_and_claims")] {
        replay(&files, always(targets::header_and_claims::run));
    }
}

#[test]
fn key_sets_hold_suitable_keys_only() {
    for files in [files("fuzz/seeds/key_set"), corpus("key_set")] {
        replay(&files, always(targets::key_set::run));
    }
}

#[test]
fn configurations_make_an_authorizer_or_mistakes_without_values() {
    let bad = bad_documents::ALL.iter().map(|bad| bad_documents::FOLDER.join(bad.path())).collect();
    for files in [files("fuzz/seeds/config"), files("tests/config/good"), bad, corpus("config")] {
        replay(&files, always(targets::config::run));
    }
}

/// There are no seeds, because the property tests generate cases in every run.
#[test]
fn policies_are_sound_exact_and_within_their_budgets() {
    replay(&corpus("policy"), always(targets::policy::run));
}

/// Only the fuzz targets depend on the other library. This checks our side, and that the corpus has accepted tokens.
#[test]
fn tokens_are_accepted_in_the_differential_corpus() {
    let count = |files: &[PathBuf]| replay(files, |data| targets::differential::run(data, &|_, _, _| None));
    let seeds = count(&files("fuzz/seeds/differential"));
    assert!(seeds >= 12, "seeds: {seeds}");
    let corpus = corpus("differential");
    let accepted = count(&corpus);
    assert!(corpus.is_empty() || accepted >= 12, "corpus: {accepted}");
}
