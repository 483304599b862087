//! What a pattern reaches beside the paths that it is meant for.

use std::collections::BTreeMap;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::pattern::{Part, Pattern, add_widest, within};
use super::plan::Plan;
use super::space::{Declared, Space, Touched};

/// The winners of all paths that a Deny hits, and the fewest segments of each.
pub(super) type Hits = Rc<BTreeMap<Option<Declared>, usize>>;

/// What a pattern hits, asked once.
pub(super) fn hits_of(known: &mut FxHashMap<Pattern, Hits>, plan: &Plan, pattern: &[Part]) -> Hits {
    if let Some(hits) = known.get(pattern) {
        return Rc::clone(hits);
    }
    let hits = Rc::new(plan.space.winners(pattern));
    known.insert(pattern.to_vec(), Rc::clone(&hits));
    hits
}

/// What patterns reach beside what is their own: for each winner the patterns of its paths.
pub(super) struct Reach {
    pub(super) winner: Option<Declared>,
    pub(super) patterns: Vec<Pattern>,
}

/// What patterns reach beside what is their own; something wider where that hits nothing else.
pub(super) fn reaches(
    plan: &Plan,
    space: &Space,
    patterns: &[Pattern],
    own: impl Fn(&Touched<'_>) -> bool,
    mut harmless: impl FnMut(Option<Declared>, &[Part]) -> bool,
) -> Vec<Reach> {
    let mut reaches: Vec<Reach> = Vec::new();
    let mut places: FxHashMap<Option<Declared>, usize> = FxHashMap::default();
    for pattern in patterns {
        space.meet(pattern, &mut |touched| {
            if plan.is_free(touched.winner) || own(touched) {
                return;
            }
            let found = touched.pattern();
            let place = *places.entry(touched.winner).or_insert(reaches.len());
            if place == reaches.len() {
                reaches.push(Reach { winner: touched.winner, patterns: Vec::new() });
            }
            if let Some(reach) = reaches.get_mut(place)
                && !reach.patterns.iter().any(|wider| within(&found, wider))
            {
                let mut deeper = found.clone();
                if let Some(last) = deeper.last_mut() {
                    *last = Part::Wild;
                }
                let wider = [touched.region(), &deeper].into_iter().find(|wider| harmless(touched.winner, wider));
                add_widest(&mut reach.patterns, wider.map_or(found, <[Part]>::to_vec));
            }
        });
    }
    reaches
}
