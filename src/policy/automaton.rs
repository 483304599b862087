//! The paths of one method's table, read segment by segment with all ways followed at once.
//!
//! [`Routes`] finds the entry of one path, with steps back. Here a state is everything that may still match, so that a
//! path has one state and a pattern can be asked which entries it overlaps. What a state has read of the claims that are
//! bound to the path is a set of marks.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::conditions::{ClaimSet, Mark};
use super::findings::TooTangled;
use super::method_table::{MAX_CLAIMS_AT_A_PLACE, MarkSet, MethodTable};
use super::sorted::sorted;
use crate::routes::{Routes, Segment};

/// The most states of one method: some hundred times what a table of a thousand routes needs.
const MAX_STATES: usize = 100_000;
pub(super) type StateId = usize;
pub(super) type LiteralId = usize;
pub(super) type CellId = usize;

/// Every literal of a table, by number.
#[derive(Debug, Default)]
pub(super) struct Literals {
    numbers: FxHashMap<Arc<str>, LiteralId>,
    texts: Vec<Arc<str>>,
}

impl Literals {
    pub(super) fn new(routes: &Routes) -> Self {
        let mut literals = Self::default();
        for segment in routes.entries().iter().flat_map(|entry| entry.path.segments()) {
            if let Segment::Literal(text) = segment
                && !literals.numbers.contains_key(text)
            {
                literals.numbers.insert(Arc::clone(text), literals.texts.len());
                literals.texts.push(Arc::clone(text));
            }
        }
        literals
    }

    pub(super) fn number(&self, text: &str) -> Option<LiteralId> {
        self.numbers.get(text).copied()
    }

    pub(super) fn text(&self, literal: LiteralId) -> Option<&str> {
        self.texts.get(literal).map(|text| &**text)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|text| &**text)
    }
}

/// The subsets of some claims, each but the empty one.
pub(super) fn subsets(claims: ClaimSet) -> impl Iterator<Item = ClaimSet> {
    let mut next = claims;
    std::iter::from_fn(move || {
        let subset = next;
        next = next.wrapping_sub(1) & claims;
        (subset != 0).then_some(subset)
    })
}

/// What may still match, most specific first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Live {
    Node(usize),
    /// A `{name+}` that has taken one segment.
    First(usize),
    /// One that has taken more.
    Rest(usize),
}

/// Everything that one reading of a path has left.
#[derive(Debug)]
pub(super) struct State {
    /// The cell of the paths that end here; `None` if no entry takes them.
    pub(super) winner: Option<CellId>,
    pub(super) literals: Vec<(LiteralId, StateId)>,
    /// The claims that are compared with the next segment.
    pub(super) claims: ClaimSet,
    /// After the text of exactly these claims, which is not a literal of the table.
    pub(super) texts: Vec<(ClaimSet, StateId)>,
    /// After any other text.
    pub(super) other: StateId,
}

impl State {
    pub(super) fn literal(&self, literal: LiteralId) -> Option<StateId> {
        let place = self.literals.binary_search_by_key(&literal, |(literal, _)| *literal).ok()?;
        self.literals.get(place).map(|(_, state)| *state)
    }
}

/// An entry with the marks that hold: paths for which the same tokens pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Cell {
    pub(super) table: usize,
    pub(super) entry: usize,
    pub(super) marks: MarkSet,
}

/// All states of one method. State 0 is where nothing matches any more, state 1 the beginning.
#[derive(Debug)]
pub(super) struct Automaton {
    pub(super) states: Vec<State>,
}

pub(super) const DEAD: StateId = 0;
pub(super) const START: StateId = 1;

/// What may be read next, and what was read of the marks.
type Key = (Vec<Live>, MarkSet);

impl Automaton {
    /// Follows all ways through a table. `cell` numbers what is found.
    ///
    /// # Errors
    /// [`TooTangled`] for a table whose parameters and literals overlap in too many ways.
    pub(super) fn new(
        table: &MethodTable<'_>,
        literals: &Literals,
        mut cell: impl FnMut(usize, MarkSet) -> CellId,
    ) -> Result<Self, TooTangled> {
        let empty = || State { winner: None, literals: Vec::new(), claims: 0, texts: Vec::new(), other: DEAD };
        let mut known: FxHashMap<Key, StateId> = FxHashMap::default();
        known.insert((Vec::new(), 0), DEAD);
        let start: Key = match table.live(0) {
            Some(_) => (vec![Live::Node(0)], 0),
            None => return Ok(Self { states: vec![empty(), empty()] }),
        };
        known.insert(start.clone(), START);
        let mut states = vec![empty(), empty()];
        let mut open = vec![(START, start)];
        while let Some((id, (live, marks))) = open.pop() {
            let mut to = |key: Key| {
                let next = states.len();
                let known = *known.entry(key.clone()).or_insert(next);
                if known == next {
                    states.push(empty());
                    open.push((next, key));
                }
                known
            };
            let nodes = || {
                live.iter().filter_map(|live| match live {
                    Live::Node(node) => table.live(*node).map(|place| (*node, place)),
                    Live::First(_) | Live::Rest(_) => None,
                })
            };
            let mut state = empty();
            for Live::Node(node) | Live::First(node) | Live::Rest(node) in &live {
                if let Some(entry) = table.routes.nodes().get(*node).ok_or(TooTangled)?.entry(table.method) {
                    let asked = table.entry_marks.get(&entry).ok_or(TooTangled)?;
                    state.winner = Some(cell(entry, marks & asked));
                    break;
                }
            }
            for (node, _) in nodes() {
                state.claims |= table.claims_after(node)?;
            }
            if state.claims.count_ones() > MAX_CLAIMS_AT_A_PLACE {
                return Err(TooTangled);
            }
            let depth = nodes().next().and_then(|(node, _)| table.depth.get(node).copied());
            for text in sorted(nodes().flat_map(|(_, place)| place.literals.keys().map(|text| &**text))) {
                let number = std::str::from_utf8(text).ok().and_then(|text| literals.number(text));
                let number = number.ok_or(TooTangled)?;
                let next = step(table, &live, Some(text))?;
                if !next.is_empty() {
                    state.literals.push((number, to(after(table, next, marks, 0))));
                }
            }
            state.literals.sort_unstable();
            let next = step(table, &live, None)?;
            for claims in subsets(state.claims) {
                let held = |mark: &Mark| Some(mark.position) == depth && claims & mark.claim != 0;
                state.texts.push((claims, to(after(table, next.clone(), marks, table.set(held)))));
            }
            state.other = to(after(table, next, marks, 0));
            if states.len() > MAX_STATES {
                return Err(TooTangled);
            }
            *states.get_mut(id).ok_or(TooTangled)? = state;
        }
        Ok(Self { states })
    }
}

/// A state's key: marks that nothing asks for any more are forgotten.
fn after(table: &MethodTable<'_>, live: Vec<Live>, marks: MarkSet, new: MarkSet) -> Key {
    let wanted = live.iter().fold(0, |wanted, live| {
        wanted
            | match live {
                Live::Node(node) | Live::First(node) => table.below.get(*node).copied().unwrap_or(0),
                Live::Rest(node) => table.below.get(*node).copied().unwrap_or(0) & !table.last_marks,
            }
    });
    (live, ((marks & !table.last_marks) | new) & wanted)
}

/// What may still match after one more segment: this literal, or a text that is not a literal of the table. Behind a `{name+}`
/// nothing comes into play any more.
fn step(table: &MethodTable<'_>, live: &[Live], text: Option<&[u8]>) -> Result<Vec<Live>, TooTangled> {
    let mut next = Vec::new();
    for item in live {
        match item {
            Live::Node(node) => {
                let place = table.live(*node).ok_or(TooTangled)?;
                let literal = text.and_then(|text| place.literals.get(text));
                let nodes = literal.into_iter().chain(&place.parameter).filter(|node| table.live(**node).is_some());
                next.extend(nodes.map(|node| Live::Node(*node)));
                next.extend(place.greedy.filter(|node| table.live(*node).is_some()).map(Live::First));
            }
            Live::First(node) | Live::Rest(node) => next.push(Live::Rest(*node)),
        }
        if matches!(next.last(), Some(Live::First(_) | Live::Rest(_))) {
            break;
        }
    }
    Ok(next)
}
