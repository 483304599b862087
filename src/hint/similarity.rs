//! How two names that should be equal differ.

use crate::similarity::slip;

/// The one thing in which two names differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    WhiteSpace,
    Quotes,
    TrailingSlash,
    Case,
    Scheme,
    Letters,
}

/// Compares two names; `None` if they are equal, or differ in more than one thing.
pub(super) fn difference(ours: &str, theirs: &str) -> Option<Difference> {
    let bare = |name: &str| name.trim_end_matches('/').to_owned();
    let same_without = |unwanted: fn(char) -> bool| {
        let rest = |name: &'_ str| -> String { name.chars().filter(|c| !unwanted(*c)).collect() };
        (ours.contains(unwanted) || theirs.contains(unwanted)) && rest(ours) == rest(theirs)
    };
    let tail = |name: &str| bare(name.rsplit_once("://").map_or(name, |(_, rest)| rest));
    if ours == theirs {
        None
    } else if same_without(char::is_whitespace) {
        Some(Difference::WhiteSpace)
    } else if same_without(|c| matches!(c, '"' | '\'')) {
        Some(Difference::Quotes)
    } else if bare(ours) == bare(theirs) {
        Some(Difference::TrailingSlash)
    } else if bare(ours).eq_ignore_ascii_case(&bare(theirs)) {
        Some(Difference::Case)
    } else if tail(ours).eq_ignore_ascii_case(&tail(theirs)) {
        Some(Difference::Scheme)
    } else {
        misspelt(ours, theirs).then_some(Difference::Letters)
    }
}

/// Whether two names differ in one place only, by one or two letters of many.
pub(super) fn misspelt(ours: &str, theirs: &str) -> bool {
    const FEWEST: usize = 6;
    ours.len().min(theirs.len()) >= FEWEST && slip(ours, theirs).is_some()
}
