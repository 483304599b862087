//! Patterns as words.

use crate::policy::pattern::{Part, Pattern, add_widest};

/// A pattern as IAM writes it.
fn pattern(text: &str) -> Pattern {
    let part = |part: &str| if part == "?*" { Part::Wild } else { Part::Text(part.into()) };
    text.split('/').map(part).collect()
}

#[test]
fn a_set_keeps_its_widest_patterns_and_all_that_lie_in_no_other() {
    for (added, kept) in [
        (vec!["a", "b"], vec!["a", "b"]),
        (vec!["a", "b", "a"], vec!["a", "b"]),
        (vec!["a/b", "c", "a/?*"], vec!["c", "a/?*"]),
        (vec!["a/?*", "c", "a/b", "a/b/c"], vec!["a/?*", "c"]),
        (vec!["a/?*", "?*/b", "a/b"], vec!["a/?*", "?*/b"]),
        (vec!["a/?*", "?*/b", "?*"], vec!["?*"]),
    ] {
        let mut set = Vec::new();
        added.iter().for_each(|text| add_widest(&mut set, pattern(text)));
        assert_eq!(set, kept.into_iter().map(pattern).collect::<Vec<_>>(), "{added:?}");
    }
}
