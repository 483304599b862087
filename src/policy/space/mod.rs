//! Every plain path of a table, divided by the declared path that it takes.
//!
//! The trie of [`Routes`] finds the way of one path, with steps back. Here all ways are followed at once, so that each
//! path has one cell, or is among the rest below one, and a pattern can be asked what it touches.

mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::pattern::{MAX_READABLE, Part};
use crate::routes::Routes;

pub(crate) use walk::Touched;

/// The most cells: some hundred times what a table of a thousand routes needs, and a few milliseconds' work.
const MAX_CELLS: usize = 100_000;
/// The most cells that are looked at in all, for a start has to end: about two seconds' work.
const MAX_WALKED: usize = 20_000_000;
/// The same for one answer: some hundredth of a second's work. What needs more loses its wildcard.
const MAX_WALKED_FOR_AN_ANSWER: usize = 200_000;

/// A declared path, as its node in the trie.
pub(crate) type Declared = usize;

/// All plain paths.
#[derive(Debug)]
pub(crate) struct Space {
    /// The first is the root path.
    cells: Arc<[Cell]>,
    walked: AtomicUsize,
    limit: usize,
}

/// The paths with the same segments, where segments that no declared path names count as the same.
#[derive(Debug, Default)]
struct Cell {
    /// The declared path that they take.
    winner: Option<Declared>,
    literals: BTreeMap<Arc<str>, usize>,
    others: Others,
    /// How many more segments a path may have from here on that a declared path takes; `None` if there is no such path.
    deepest: Option<usize>,
}

/// Where a segment leads that is none of a cell's literals.
#[derive(Clone, Copy, Debug)]
enum Others {
    Cell(usize),
    /// All paths from here on, however long, take this.
    Rest(Option<Declared>),
}

impl Default for Others {
    fn default() -> Self {
        Self::Rest(None)
    }
}

/// What may still match: the node reached, or a `{name+}` that takes all the rest. Most specific first.
#[derive(Clone, Copy)]
enum Live {
    Node(usize),
    Greedy(Declared),
}

/// More than [`MAX_CELLS`].
#[derive(Debug)]
pub(crate) struct TooTangled;

impl Space {
    /// Divides the paths of a table.
    ///
    /// # Errors
    /// [`TooTangled`] for a table whose parameters and literals overlap in too many ways.
    pub(crate) fn new(routes: &Routes) -> Result<Self, TooTangled> {
        let mut cells = Vec::with_capacity(routes.nodes().len().saturating_add(1));
        cells.push(Cell::default());
        let mut open = vec![(0, vec![Live::Node(0)])];
        while let Some((index, live)) = open.pop() {
            let mut texts = BTreeSet::new();
            for node in live.iter().filter_map(|live| live.node(routes)) {
                texts.extend(node.literals.keys());
            }
            let winner = live.iter().find_map(|live| match live {
                Live::Node(node) => routes.nodes().get(*node)?.declared.then_some(*node),
                Live::Greedy(node) => Some(*node),
            });
            let mut literals = BTreeMap::new();
            for text in texts {
                literals.insert(Arc::from(String::from_utf8_lossy(text)), cells.len());
                open.push((cells.len(), step(routes, &live, Some(text))));
                cells.push(Cell::default());
            }
            let next = step(routes, &live, None);
            let others = match next.first() {
                Some(Live::Node(_)) => {
                    open.push((cells.len(), next));
                    cells.push(Cell::default());
                    Others::Cell(cells.len().saturating_sub(1))
                }
                Some(Live::Greedy(greedy)) => Others::Rest(Some(*greedy)),
                None => Others::Rest(None),
            };
            if cells.len() > MAX_CELLS {
                return Err(TooTangled);
            }
            if let Some(cell) = cells.get_mut(index) {
                *cell = Cell { winner, literals, others, deepest: None };
            }
        }
        // A cell comes before those that it leads to.
        for index in (0..cells.len()).rev() {
            let deepest = cells.get(index).and_then(|cell| cell.deepest_of(&cells));
            if let Some(cell) = cells.get_mut(index) {
                cell.deepest = deepest;
            }
        }
        Ok(Self { cells: cells.into(), walked: AtomicUsize::new(0), limit: MAX_WALKED })
    }

    /// The same paths with a count of their own, which begins at zero: what one answer walks must never be missing from
    /// what a later one may.
    pub(crate) fn for_an_answer(&self) -> Self {
        Self { cells: Arc::clone(&self.cells), walked: AtomicUsize::new(0), limit: MAX_WALKED_FOR_AN_ANSWER }
    }

    /// Whether more would have had to be looked at than there is time for. What was found is then not all there is.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.walked.load(Ordering::Relaxed) >= self.limit
    }

    /// Counts one more cell that is looked at, which is what takes the time; whether there is time for it. A pattern that is
    /// too long to be read takes all there is.
    fn has_time(&self, pattern: &[Part]) -> bool {
        if pattern.len() > MAX_READABLE {
            self.walked.store(self.limit, Ordering::Relaxed);
        }
        self.walked.fetch_add(1, Ordering::Relaxed) < self.limit
    }

    /// How many cells there are.
    pub(crate) fn size(&self) -> usize {
        self.cells.len()
    }
}

impl Cell {
    /// What [`Cell::deepest`] has to be, if that of all cells it leads to is known.
    fn deepest_of(&self, cells: &[Self]) -> Option<usize> {
        let below = |cell: usize| cells.get(cell)?.deepest.map(|deepest| deepest.saturating_add(1));
        let others = match self.others {
            Others::Cell(cell) => below(cell),
            Others::Rest(winner) => winner.map(|_| usize::MAX),
        };
        let literals = self.literals.values().filter_map(|cell| below(*cell)).max();
        self.winner.map(|_| 0).max(others).max(literals)
    }
}

impl Live {
    fn node(self, routes: &Routes) -> Option<&crate::routes::Node> {
        match self {
            Self::Node(node) => routes.nodes().get(node),
            Self::Greedy(_) => None,
        }
    }
}

/// What may still match after one more segment: this literal, or one that nothing names. Behind a `{name+}` nothing
/// comes into play any more.
fn step(routes: &Routes, live: &[Live], text: Option<&[u8]>) -> Vec<Live> {
    let mut next = Vec::new();
    for item in live {
        match item.node(routes) {
            Some(node) => {
                let literal = text.and_then(|text| node.literals.get(text));
                next.extend(literal.into_iter().chain(&node.parameter).map(|node| Live::Node(*node)));
                next.extend(node.greedy.map(Live::Greedy));
            }
            None => next.push(*item),
        }
        if matches!(next.last(), Some(Live::Greedy(_))) {
            break;
        }
    }
    next
}
