//! The paths of a table, asked in two ways.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::properties::table;
use super::rules::{Entry, Mode, Rules};
use super::*;
use crate::policy::pattern::{Part, Pattern};
use crate::policy::space::Space;

#[test]
fn the_declared_paths_are_found_with_and_without_the_undeclared_ones() {
    let config = Config { cases: 2000, max_global_rejects: u32::MAX, failure_persistence: None, ..Config::default() };
    let part = prop_oneof![
        2 => prop::sample::select(vec!["a", "b", "me", "a:x", "zz"]).prop_map(|text| Part::Text(text.into())),
        1 => Just(Part::Wild),
    ];
    let patterns = prop::collection::vec(prop::collection::vec(part, 0..6), 1..20);
    let outcome = TestRunner::new(config).run(&(table(&[Mode::Deny]), patterns), |(rules, patterns)| {
        let Some(routes) = routes(&rules) else {
            return Err(TestCaseError::reject("no table"));
        };
        let space = Space::new(&routes).unwrap();
        for pattern in patterns {
            let pattern: Pattern = pattern;
            let of_all: Vec<_> = space.winners(&pattern).into_keys().flatten().collect();
            prop_assert_eq!(space.declared(&pattern).into_iter().collect::<Vec<_>>(), of_all, "{:?}", pattern);
        }
        Ok(())
    });
    if let Err(broken) = outcome {
        panic!("{broken}");
    }
}

#[test]
fn a_pattern_of_127_parts_is_read_to_its_end_and_a_longer_one_takes_all_the_time_there_is() {
    let entry = Entry { methods: Vec::new(), path: "/{all+}".to_owned(), any_of: Vec::new() };
    let routes = routes(&Rules { entries: vec![entry], mode: Mode::Deny }).unwrap();
    for (parts, readable) in [(126, true), (127, true), (128, false), (129, false)] {
        let space = Space::new(&routes).unwrap();
        let winners = space.winners(&vec![Part::Text("a".into()); parts]);
        assert_eq!((winners.len() == 1, !space.is_exhausted()), (readable, readable), "{parts}");
        // No other pattern is read after that either.
        assert_eq!(space.winners(&[Part::Text("a".into())]).len() == 1, readable, "{parts}");
    }
}
