//! How two names that should be equal differ.

use crate::similarity::slip;

/// The one thing in which two names differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    WhiteSpace,
    TrailingSlash,
    Case,
    Scheme,
    Letters,
}

/// Compares two names; `None` if they are equal, or differ in more than one thing.
pub(super) fn difference(ours: &str, theirs: &str) -> Option<Difference> {
    let bare = |name: &str| name.trim_end_matches('/').to_owned();
    let tail = |name: &str| bare(name.rsplit_once("://").map_or(name, |(_, rest)| rest));
    if ours == theirs {
        None
    } else if ours.trim() == theirs.trim() {
        Some(Difference::WhiteSpace)
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
