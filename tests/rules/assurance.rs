//! Checks docs/assurance-threats.md: every row names tests, and every test it names exists.

use std::collections::BTreeSet;
use std::path::Path;

const PAGE: &str = include_str!("../../docs/assurance-threats.md");
const ROWS: std::ops::RangeInclusive<usize> = 1..=122;
/// The codes that an outcome may contain: the reasons of refusals and errors.
const CODES: [&str; 24] = [
    "missing_token",
    "malformed_token",
    "unsupported_algorithm",
    "unknown_issuer",
    "unknown_key",
    "invalid_signature",
    "expired",
    "not_yet_valid",
    "too_old",
    "wrong_audience",
    "wrong_token_type",
    "bound_token",
    "invalid_claim",
    "missing_claim",
    "inactive_token",
    "introspection_unavailable",
    "insufficient_scope",
    "claim_mismatch",
    "undeclared_route",
    "ambiguous_path",
    "keys_unavailable",
    "malformed_event",
    "internal_error",
    "iat",
];

/// The texts between backticks.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Whether `test` (`file::name`) exists and is marked `#[test]`.
fn is_there(test: &str) -> bool {
    let (file, name) = test.split_once("::").unwrap();
    let source = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(file)).unwrap();
    let mut lines = source.lines().map(str::trim);
    let mut above = "";
    lines.any(|line| {
        let found =
            above == "#[test]" && line.strip_prefix("fn ").is_some_and(|rest| rest.starts_with(&format!("{name}(")));
        above = line;
        found
    })
}

/// The cells of each row of the threat table.
fn rows() -> Vec<[&'static str; 4]> {
    let table = PAGE.split("|---|---|---|---|\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let cells = |line: &'static str| -> [&'static str; 4] {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        cells.try_into().unwrap()
    };
    table.lines().map(cells).collect()
}

#[test]
fn every_threat_has_a_row_and_every_row_names_tests_that_run() {
    let numbers: Vec<usize> = rows().iter().map(|[number, ..]| number.parse().unwrap()).collect();
    assert_eq!(numbers, ROWS.collect::<Vec<_>>());
    for [number, _, outcome, tests] in rows() {
        let tests: Vec<&str> = codes(tests).collect();
        assert!(!tests.is_empty(), "row {number}");
        for test in tests {
            assert!(is_there(test), "row {number}: {test} does not exist");
        }
        for code in codes(outcome) {
            assert!(CODES.contains(&code), "row {number}: {code} is not a known reason");
        }
    }
    assert!(!is_there("rules/assurance.rs::rows"), "only tests count");
}

#[test]
fn every_test_of_a_row_is_named_by_the_page() {
    let named: BTreeSet<&str> = codes(PAGE).filter_map(|test| test.split_once("::")).map(|(_, name)| name).collect();
    for file in ["threats", "keys", "framing", "signatures", "confusion", "weak_keys", "starts"] {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/rules/{file}.rs"));
        let source = std::fs::read_to_string(source).unwrap();
        for name in
            source.lines().filter_map(|line| line.strip_prefix("fn row")).filter_map(|rest| rest.split('(').next())
        {
            assert!(named.contains(format!("row{name}").as_str()), "{file}.rs: row{name}");
        }
    }
}

#[test]
fn the_properties_name_tests_that_run() {
    let tests = PAGE.split("## Properties").nth(1).unwrap();
    let tests: Vec<&str> = codes(tests).filter(|test| test.contains("::") && !test.ends_with("::kept")).collect();
    assert_eq!(tests.len(), 3);
    assert!(tests.iter().all(|test| is_there(test)), "{tests:?}");
}
