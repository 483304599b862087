//! Operations on patterns.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::examples::{none, table};
use super::properties;
use super::rules::{Entry, Mode, Rules};
use super::*;
use crate::policy::automaton::Literals;
use crate::policy::findings::TableMistake;
use crate::policy::glob::matches;
use crate::policy::pattern::{CellPart, Form, Part, TextPart, belongs, cutbacks, intersection, spell, tails};
use crate::policy::plan::UNDECLARED;

/// The literals a, b and c.
fn literals() -> Literals {
    Literals::new(&routes(&table(Mode::Deny, &[("GET", "/a/b/c", none())])).unwrap())
}

/// Parses a pattern in IAM's syntax, with `<t>` for a value of the token.
fn pattern(text: &str) -> Vec<Part> {
    let part = |part: &str| match part {
        "?*" => Part::Gap,
        "<t>" => Part::Text(TextPart { known: 1, held: 1 }),
        literal => Part::Literal(literals().number(literal).unwrap()),
    };
    text.split('/').map(part).collect()
}

/// Parses the path of an entry.
fn entry(text: &str) -> Vec<CellPart> {
    let part = |part: &str| match part {
        "{}" => CellPart::Free { asked: 0, found: 0 },
        "{+}" => CellPart::Rest,
        literal => CellPart::Literal(literals().number(literal).unwrap()),
    };
    text.split('/').map(part).collect()
}

fn spelt(words: &[Vec<Part>]) -> Vec<String> {
    let mut spelt: Vec<_> = words.iter().map(|word| spell(word, &literals(), &["<t>", "<t>"]).unwrap()).collect();
    spelt.sort();
    spelt
}

#[test]
fn the_intersection_of_a_pattern_and_a_path() {
    for (one, path, expected) in [
        ("?*", "a/{}", &["a/?*"][..]),
        ("?*", "{}/a/{}", &["?*/a/?*"]),
        ("?*/?*", "{}/{}/{}", &["?*/?*/?*"]),
        ("?*/b", "a/{}", &["a/b"]),
        ("?*/b", "{}", &[]),
        ("a/?*", "b/{}", &[]),
        ("?*/b", "a/{+}", &["a/?*/b", "a/b"]),
        ("a/?*/c", "{}/b/{+}", &["a/b/?*/c", "a/b/c"]),
        // A value of the token that is not a literal of the table.
        ("<t>/?*", "a/{}", &[]),
        ("<t>/?*", "{}/a", &["<t>/a"]),
        ("a/<t>", "a/{+}", &["a/<t>"]),
    ] {
        let found = intersection(&pattern(one), &entry(path), 16).unwrap();
        assert_eq!(spelt(&found), expected, "{one} and {path}");
    }
}

/// All lists of up to `longest` of these parts, with those of `last` only at the end.
fn lists(parts: &[&str], last: &[&str], longest: usize) -> Vec<String> {
    let (mut all, mut level) = (Vec::new(), vec![String::new()]);
    for _ in 0..longest {
        let with = |part: &str| level.iter().map(|before| format!("{before}/{part}")).collect::<Vec<_>>();
        all.extend(last.iter().flat_map(|part| with(part)));
        level = parts.iter().flat_map(|part| with(part)).collect();
        all.extend(level.iter().cloned());
    }
    all.iter().map(|list| list.strip_prefix('/').unwrap().to_owned()).collect()
}

#[test]
fn the_intersection_of_a_pattern_and_a_path_matches_exactly_what_both_match() {
    let is_of = |path: &str, text: &str| {
        let (path, text): (Vec<_>, Vec<_>) = (path.split('/').collect(), text.split('/').collect());
        let greedy = path.last() == Some(&"{+}");
        (text.len() == path.len() || greedy && text.len() > path.len())
            && path.iter().zip(&text).all(|(part, segment)| part.starts_with('{') || part == segment)
    };
    let texts = lists(&["a", "b", "zz"], &[], 4);
    for one in lists(&["a", "b", "?*"], &[], 3) {
        for path in lists(&["a", "b", "{}"], &["{+}"], 3) {
            let common = spelt(&intersection(&pattern(&one), &entry(&path), 64).unwrap());
            for text in texts.iter().filter(|text| is_of(&path, text)) {
                let found = common.iter().any(|word| matches(word, text));
                assert_eq!(found, matches(&one, text), "{one}, {path} and {text}: {common:?}");
            }
        }
    }
}

#[test]
fn a_cutback_has_one_more_gap_in_one_run() {
    for (text, expected) in [
        ("a/b", &[][..]),
        ("a/<t>", &[]),
        ("a/?*", &["a/?*/?*"]),
        ("?*/?*", &["?*/?*/?*"]),
        ("?*/a/?*", &["?*/?*/a/?*", "?*/a/?*/?*"]),
        ("<t>/?*/b", &["<t>/?*/?*/b"]),
    ] {
        assert_eq!(spelt(&cutbacks(&pattern(text))), expected, "{text}");
    }
}

#[test]
fn a_pattern_has_these_resources() {
    for (base, form, ends_in_gap, expected) in [
        ("", Form::Exact, false, &[""][..]),
        ("a", Form::Exact, false, &["a", "a/"]),
        ("a/?*", Form::Exact, true, &["a/?*"]),
        ("", Form::Below, false, &["?*"]),
        ("a", Form::Below, false, &["a/?*"]),
        ("", Form::Subtree, false, &["*"]),
        ("a", Form::Subtree, false, &["a", "a/*"]),
        ("a/?*", Form::Subtree, true, &["a/?*", "a/?*/*"]),
    ] {
        assert_eq!(tails(base, form, ends_in_gap), expected, "{base} {form:?}");
    }
}

#[test]
fn a_pattern_without_all_its_values_is_not_spelt() {
    let word = pattern("a/<t>/b/<t>");
    assert_eq!(spell(&word, &literals(), &["x", "y"]).as_deref(), Some("a/x/b/y"));
    assert_eq!(spell(&word, &literals(), &["x"]), None);
}

#[test]
fn a_value_belongs_where_exactly_the_claims_required_there_have_it() {
    let part = TextPart { known: 0b011, held: 0b001 };
    for (claims, expected) in [(0b001, true), (0b101, true), (0b010, false), (0b011, false), (0b100, false)] {
        assert_eq!(belongs(part, claims), expected, "{claims:b}");
    }
}

#[test]
fn the_declared_paths_are_found_with_and_without_the_undeclared_ones() {
    let config = Config { cases: 1000, max_global_rejects: u32::MAX, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&properties::table(&[Mode::Deny]), |rules| {
        let compiled = |mode| -> Result<Plan, TestCaseError> {
            let routes = routes(&Rules { entries: rules.entries.clone(), mode });
            let routes = routes.ok_or_else(|| TestCaseError::reject("no table"))?;
            Ok(Plan::compile(&routes).unwrap().0)
        };
        let (with, without) = (compiled(Mode::Deny)?, compiled(Mode::Absent)?);
        prop_assert_eq!(with.tables.len(), without.tables.len());
        for (with, without) in with.tables.iter().zip(&without.tables) {
            let declared = with.patterns.reach.iter().map(|cells| {
                let declared = cells.iter().filter(|cell| **cell != UNDECLARED);
                declared.copied().collect::<Vec<_>>()
            });
            prop_assert_eq!(declared.collect::<Vec<_>>(), without.patterns.reach.clone());
        }
        Ok(())
    });
    if let Err(broken) = outcome {
        panic!("{broken}");
    }
}

#[test]
fn a_path_has_at_most_220_segments() {
    for (segments, expected) in [(220, None), (221, Some(vec![TableMistake::TooLong]))] {
        let entry = Entry { methods: Vec::new(), path: "/a".repeat(segments), any_of: Vec::new() };
        let mistakes = Plan::new(&routes(&Rules { entries: vec![entry], mode: Mode::Deny }).unwrap()).err();
        assert_eq!(mistakes, expected, "{segments}");
    }
}
