//! Names that should be one, and differ.

/// How two names that should be one differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    TrailingSlash,
    Case,
    Scheme,
    Letters,
}

/// What keeps a name from being another; `None` if there is more to it.
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

/// Whether two names differ in one place alone, by one or two letters of many. Digits tell things apart.
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
