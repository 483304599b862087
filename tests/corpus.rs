//! What the fuzz targets have found to be worth keeping, through the same oracles, on the stable toolchain (`docs/fuzzing.md`).
//!
//! The seeds are replayed in every run. The corpora are in `fuzz/corpus.tar.xz`, and are replayed where they are unpacked
//! (`cargo xtask corpus unpack`). With `REPLAY_CORPUS=1` a corpus that is missing fails.

use std::fs;
use std::path::{Path, PathBuf};

#[cfg(test)]
#[expect(dead_code, reason = "some of it is for the tests of the schema")]
#[path = "support/bad_documents.rs"]
mod bad_documents;

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a target that overflows has found something too")]
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

/// The corpus of a target, or nothing if it is not unpacked.
#[cfg(test)]
#[track_caller]
fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = format!("fuzz/corpus/{target}");
    if Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder).exists() {
        return files(&folder);
    }
    assert!(std::env::var_os("REPLAY_CORPUS").is_none(), "{folder} is not there: run `cargo xtask corpus unpack`");
    Vec::new()
}

/// Gives a target each of these files, and says how many it has counted.
#[cfg(test)]
#[track_caller]
fn replay(files: &[PathBuf], target: impl Fn(&[u8]) -> bool) -> usize {
    let held = |file: &Path| {
        // The panic tells what is wrong, this which file shows it.
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
    for files in [files("fuzz/seeds/authorize"), files("events"), corpus("authorize")] {
        replay(&files, always(targets::authorize::run));
    }
}

#[test]
fn header_and_claims_are_judged_as_a_plain_reading_of_the_rules_does() {
    for files in [files("fuzz/seeds/header_and_claims"), corpus("header_and_claims")] {
        replay(&files, always(targets::header_and_claims::run));
    }
}

#[test]
fn key_sets_hold_fit_keys_only() {
    for files in [files("fuzz/seeds/key_set"), corpus("key_set")] {
        replay(&files, always(targets::key_set::run));
    }
}

#[test]
fn configurations_make_an_authorizer_or_mistakes_that_repeat_no_value() {
    let bad = bad_documents::ALL.iter().map(|bad| bad_documents::FOLDER.join(bad.path())).collect();
    for files in [files("fuzz/seeds/config"), files("tests/config/good"), bad, corpus("config")] {
        replay(&files, always(targets::config::run));
    }
}

/// The property tests make cases of their own in every run, so there are no seeds.
#[test]
fn policies_are_sound_exact_and_within_their_budgets() {
    replay(&corpus("policy"), always(targets::policy::run));
}

/// The other library is a dependency of the fuzz targets alone: here only our own side is held, and that there is something to
/// compare.
#[test]
fn tokens_are_accepted_in_the_differential_corpus() {
    let count = |files: &[PathBuf]| replay(files, |data| targets::differential::run(data, &|_, _, _| None));
    let seeds = count(&files("fuzz/seeds/differential"));
    assert!(seeds >= 12, "seeds: {seeds}");
    let corpus = corpus("differential");
    let accepted = count(&corpus);
    assert!(corpus.is_empty() || accepted >= 12, "corpus: {accepted}");
}
