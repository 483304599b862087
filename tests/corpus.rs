//! What the fuzz targets have found to be worth keeping, through the same oracles, on the stable toolchain (`docs/fuzzing.md`).

use std::fs;
use std::path::Path;

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a target that overflows has found something too")]
#[path = "../fuzz/src/lib.rs"]
pub mod targets;

/// Gives a target each of these files, and says how many it has counted.
#[cfg(test)]
#[track_caller]
fn replay(folder: &str, target: impl Fn(&[u8]) -> bool) -> usize {
    let files: Vec<_> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    assert!(!files.is_empty(), "{folder} is empty");
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
    for folder in ["fuzz/seeds/authorize", "fuzz/corpus/authorize", "events"] {
        replay(folder, always(targets::authorize::run));
    }
}

#[test]
fn header_and_claims_are_judged_as_a_plain_reading_of_the_rules_does() {
    for folder in ["fuzz/seeds/header_and_claims", "fuzz/corpus/header_and_claims"] {
        replay(folder, always(targets::header_and_claims::run));
    }
}

#[test]
fn key_sets_hold_fit_keys_only() {
    replay("fuzz/corpus/key_set", always(targets::key_set::run));
}

#[test]
fn configurations_make_an_authorizer_or_mistakes_that_repeat_no_value() {
    for folder in ["fuzz/seeds/config", "fuzz/corpus/config", "tests/config/good", "tests/config/bad"] {
        replay(folder, always(targets::config::run));
    }
}

#[test]
fn policies_are_sound_exact_and_within_their_budgets() {
    replay("fuzz/corpus/policy", always(targets::policy::run));
}

/// The other library is a dependency of the fuzz targets alone: here only our own side is held, and that there is something to
/// compare.
#[test]
fn tokens_are_accepted_in_the_differential_corpus() {
    for folder in ["fuzz/seeds/differential", "fuzz/corpus/differential"] {
        let accepted = replay(folder, |data| targets::differential::run(data, &|_, _, _| None));
        assert!(accepted >= 12, "{folder}: {accepted}");
    }
}
