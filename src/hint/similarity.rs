//! How two names that should be equal differ.

/// The one thing in which two names differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    TrailingSlash,
    Case,
    Scheme,
    Letters,
}

/// Compares two names; `None` if they are equal, or differ in more than one thing.
pub(super) fn difference(ours: &str, theirs: &str) -> Option<Difference> {
    let bare = |name: &str| name.strip_suffix('/').unwrap_or(name).to_owned();
    let tail = |name: &str| bare(name.split_once("://").map_or(name, |(_, rest)| rest));
    if ours == theirs {
        None
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

/// Whether two names differ in one place only, by one or two letters of many. A different digit is a different name.
pub(super) fn misspelt(ours: &str, theirs: &str) -> bool {
    const FEWEST: usize = 6;
    const MOST: usize = 2;
    let alike = |(a, b): &(u8, u8)| a == b;
    if ours.len().abs_diff(theirs.len()) > MOST {
        return false;
    }
    let same = ours.bytes().zip(theirs.bytes()).take_while(alike).count();
    let (ours, theirs) = (ours.as_bytes(), theirs.as_bytes());
    let (mut mine, mut other) = (ours.get(same..).unwrap_or_default(), theirs.get(same..).unwrap_or_default());
    while let (Some((a, before)), Some((b, others_before))) = (mine.split_last(), other.split_last())
        && a == b
    {
        (mine, other) = (before, others_before);
    }
    let letters = |part: &[u8]| part.len() <= MOST && part.iter().all(u8::is_ascii_alphabetic);
    ours.len().min(theirs.len()) >= FEWEST && letters(mine) && letters(other)
}
