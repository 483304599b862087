//! IAM patterns of paths, segment by segment.
//!
//! `?*` between slashes is any text of at least one character, so of plain paths (no empty segments) it takes one whole
//! segment or more. That makes every pattern here a word of texts and [`Part::Wild`], and questions about patterns
//! questions about words.

use std::sync::Arc;

/// One part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Part {
    /// This segment.
    Text(Arc<str>),
    /// `?*`: one segment or more.
    Wild,
}

/// The parts between the slashes; none for the root.
pub(crate) type Pattern = Vec<Part>;

/// Positions in a pattern at which reading may stand, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Places(u128);

/// The most parts of a pattern, for [`Places`] has a bit for each and one for its end. A Resource of 512 characters
/// could hold some more, but no API does.
pub(crate) const MAX_PARTS: usize = 120;
/// The most parts of a pattern that [`Places`] can read. One that is made of two, for what both match, may have more.
pub(crate) const MAX_READABLE: usize = 127;

impl Places {
    /// Where reading begins.
    pub(crate) const START: Self = Self(1);

    fn bit(position: usize) -> u128 {
        u32::try_from(position).ok().and_then(|position| 1_u128.checked_shl(position)).unwrap_or(0)
    }

    /// Whether this position is among them.
    pub(crate) fn hold(self, position: usize) -> bool {
        self.0 & Self::bit(position) != 0
    }

    /// Whether there is no way to read on.
    pub(crate) fn are_none(self) -> bool {
        self.0 == 0
    }

    /// After one more segment: this text, or one that no part of a pattern names.
    pub(crate) fn after(self, pattern: &[Part], segment: Option<&str>) -> Self {
        let (mut after, mut rest) = (0, self.0);
        // Without the first condition a pattern of more than 128 parts would be read for ever.
        while rest != 0
            && let Some(part) = usize::try_from(rest.trailing_zeros()).ok().and_then(|position| pattern.get(position))
        {
            let here = rest & rest.wrapping_neg();
            match part {
                Part::Wild => after |= here | (here << 1),
                Part::Text(text) if segment == Some(&**text) => after |= here << 1,
                Part::Text(_) => {}
            }
            rest &= !here;
        }
        Self(after)
    }
}

/// Whether everything that `inner` matches is matched by `outer`.
pub(crate) fn within(inner: &[Part], outer: &[Part]) -> bool {
    let mut places = Places::START;
    for part in inner {
        places = match part {
            Part::Text(text) => places.after(outer, Some(text)),
            Part::Wild => places.after(outer, None),
        };
        if places.are_none() {
            return false;
        }
    }
    places.hold(outer.len())
}

/// Adds a pattern to a set of which none lies within another.
pub(crate) fn add_widest(set: &mut Vec<Pattern>, pattern: Pattern) {
    if !set.iter().any(|wider| within(&pattern, wider)) {
        set.retain(|narrower| !within(narrower, &pattern));
        set.push(pattern);
    }
}

/// The pattern as IAM writes it, after the slash that follows the method: with and without a slash at the end, which the
/// rules ignore. `?*` takes it in.
pub(crate) fn spell(pattern: &[Part]) -> Vec<String> {
    let mut text = String::new();
    for (position, part) in pattern.iter().enumerate() {
        if position > 0 {
            text.push('/');
        }
        text.push_str(match part {
            Part::Text(text) => text,
            Part::Wild => "?*",
        });
    }
    match pattern.last() {
        Some(Part::Text(_)) => {
            let slashed = format!("{text}/");
            vec![text, slashed]
        }
        _ => vec![text],
    }
}

/// Whether an IAM pattern matches a text: `*` is any text, `?` one character.
pub(crate) fn matches(mut pattern: impl Iterator<Item = char> + Clone, text: &str) -> bool {
    let mut text = text.chars();
    // Where to go on if the text differs: after the last `*`, one character further into the text.
    let mut retry = None;
    loop {
        let at = text.clone();
        match (pattern.next(), text.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                text = at;
                retry = Some((pattern.clone(), text.clone()));
                continue;
            }
            (Some('?'), Some(_)) => continue,
            (Some(wanted), Some(found)) if wanted == found => continue,
            _ => {}
        }
        let Some((after_star, from)) = &mut retry else {
            return false;
        };
        if from.next().is_none() {
            return false;
        }
        pattern = after_star.clone();
        text = from.clone();
    }
}
