//! What a token alone decides about a need, before there is a path.

use super::pattern::{Part, Pattern};
use crate::claims::Verified;
use crate::routes::{ClaimNeed, ClaimValue, Need, path_texts};

/// The most ways in which one token may be bound to one need: more would not fit into any policy.
const MAX_BINDINGS: usize = 256;

/// How a token stands to a need.
#[derive(Debug)]
pub(crate) enum Standing<'a> {
    /// It is met, whatever the path.
    Met,
    /// It is met where the path has these texts: one of these ways, of which there may have been more.
    Bound(Vec<Binding<'a>>, Completeness),
    /// It is not met by any path.
    Unmet,
}

/// Whether all was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completeness {
    Whole,
    Cut,
}

/// What has to stand where in the path, all of it.
pub(crate) type Binding<'a> = Vec<Bound<'a>>;

/// A text at a segment; `last` if the path must end with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bound<'a> {
    pub(crate) position: usize,
    pub(crate) last: bool,
    pub(crate) text: &'a str,
}

impl<'a> Standing<'a> {
    /// How this token stands to a need.
    pub(crate) fn of(need: &Need, token: &'a Verified) -> Self {
        if need.any_of.is_empty() {
            return Self::Met;
        }
        let (mut bindings, mut complete) = (Vec::new(), Completeness::Whole);
        for alternative in need.any_of.iter().filter(|alternative| alternative.scopes_met(token)) {
            let mut ways: Vec<Binding<'a>> = vec![Vec::new()];
            for claim in &alternative.claims {
                if let Some(options) = options(claim, token) {
                    ways = ways.iter().flat_map(|way| joined(way, &options)).take(MAX_BINDINGS).collect();
                }
            }
            if ways.iter().any(Vec::is_empty) {
                return Self::Met;
            }
            bindings.append(&mut ways);
        }
        bindings.iter_mut().for_each(|binding| binding.sort_unstable());
        bindings.sort_unstable();
        bindings.dedup();
        if bindings.len() >= MAX_BINDINGS {
            bindings.truncate(MAX_BINDINGS);
            complete = Completeness::Cut;
        }
        if bindings.is_empty() { Self::Unmet } else { Self::Bound(bindings, complete) }
    }
}

/// Where the path could meet a need of a claim; `None` if a fixed value does already.
fn options<'a>(need: &ClaimNeed, token: &'a Verified) -> Option<Vec<Bound<'a>>> {
    let Some(claim) = need.claim.of(token.claims()) else {
        return Some(Vec::new());
    };
    let mut options = Vec::new();
    for value in &need.values {
        match value {
            ClaimValue::Fixed(accepted) if accepted.fits(claim) => return None,
            ClaimValue::Fixed(_) => {}
            ClaimValue::Parameter { position, last } => {
                options.extend(path_texts(claim).take(MAX_BINDINGS).map(|text| Bound {
                    position: *position,
                    last: *last,
                    text,
                }))
            }
        }
    }
    Some(options)
}

/// A way with each of the options, where they do not contradict it.
fn joined<'a>(way: &Binding<'a>, options: &[Bound<'a>]) -> Vec<Binding<'a>> {
    let fits =
        |option: &&Bound<'a>| way.iter().all(|bound| bound.position != option.position || bound.text == option.text);
    let with = |option: &Bound<'a>| {
        let mut way = way.clone();
        if !way.contains(option) {
            way.push(*option);
        }
        way
    };
    options.iter().filter(fits).map(with).collect()
}

/// A declared path with texts in the place of its parameters.
pub(crate) fn bind(pattern: &[Part], binding: &[Bound<'_>], text: impl Fn(&str) -> String) -> Pattern {
    let at = |position| binding.iter().find(|bound| bound.position == position);
    pattern
        .iter()
        .enumerate()
        .map(|(position, part)| at(position).map_or_else(|| part.clone(), |bound| Part::Text(text(bound.text).into())))
        .collect()
}

/// Whether all paths that a pattern matches, each of its parts before the last bound one being one segment, have the
/// bound texts.
pub(crate) fn is_bound(pattern: &[Part], binding: &[Bound<'_>], text: impl Fn(&str) -> String) -> bool {
    binding.iter().all(|bound| {
        let wanted = text(bound.text);
        matches!(pattern.get(bound.position), Some(Part::Text(found)) if **found == *wanted)
            && (!bound.last || pattern.len() == bound.position.saturating_add(1))
    })
}
