//! Every plain path of a table, divided by the declared path that it takes.
//!
//! The trie of [`Routes`] finds the way of one path, with steps back. Here all ways are followed at once, so that each
//! path has one cell, or is among the rest below one, and a pattern can be asked what it touches.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::pattern::{MAX_READABLE, Part, Pattern, Places};
use crate::routes::Routes;

/// The most cells: some hundred times what a table of a thousand routes needs, and a few milliseconds' work.
const MAX_CELLS: usize = 100_000;
/// The most cells that are looked at in all, for a start has to end: about two seconds' work.
const MAX_WALKED: usize = 20_000_000;

/// A declared path, as its node in the trie.
pub(crate) type Declared = usize;

/// All plain paths.
#[derive(Debug)]
pub(crate) struct Space {
    /// The first is the root path.
    cells: Vec<Cell>,
    walked: AtomicUsize,
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

/// What a pattern touches.
pub(crate) struct Touched<'a> {
    /// What takes the paths.
    pub(crate) winner: Option<Declared>,
    /// The paths: this, followed by `rest`.
    done: &'a [Part],
    rest: &'a [Part],
    /// The pattern of all paths that cannot be told from these by their literals.
    region: &'a [Part],
}

impl Touched<'_> {
    /// The paths themselves.
    pub(crate) fn pattern(&self) -> Pattern {
        [self.done, self.rest].concat()
    }

    /// All paths of the same cell, or of the same rest, whether the pattern matches them or not.
    pub(crate) fn region(&self) -> &[Part] {
        self.region
    }

    /// The fewest segments that they have.
    fn segments(&self) -> usize {
        self.done.len().saturating_add(self.rest.len())
    }
}

type Touch<'a> = dyn FnMut(&Touched<'_>) + 'a;

/// The way to a cell: as the pattern takes it, and as the table does.
#[derive(Default)]
struct Way {
    done: Pattern,
    region: Pattern,
}

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
        Ok(Self { cells, walked: AtomicUsize::new(0) })
    }

    /// Whether more would have had to be looked at than a start has time for. What was found is then not all there is.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.walked.load(Ordering::Relaxed) >= MAX_WALKED
    }

    /// Counts one more cell that is looked at, which is what takes the time; whether there is time for it. A pattern that is
    /// too long to be read takes all there is.
    fn has_time(&self, pattern: &[Part]) -> bool {
        if pattern.len() > MAX_READABLE {
            self.walked.store(MAX_WALKED, Ordering::Relaxed);
        }
        self.walked.fetch_add(1, Ordering::Relaxed) < MAX_WALKED
    }

    /// How many cells there are.
    pub(crate) fn size(&self) -> usize {
        self.cells.len()
    }

    /// Everything that a pattern touches, wider patterns first.
    pub(crate) fn meet(&self, pattern: &[Part], touch: &mut Touch<'_>) {
        self.walk(0, pattern, Places::START, &mut Way::default(), touch);
    }

    /// The winners of all paths that a pattern matches, each with the fewest segments of such a path.
    pub(crate) fn winners(&self, pattern: &[Part]) -> BTreeMap<Option<Declared>, usize> {
        let mut winners = BTreeMap::new();
        self.meet(pattern, &mut |touched| {
            let fewest = winners.entry(touched.winner).or_insert(usize::MAX);
            *fewest = touched.segments().min(*fewest);
        });
        winners
    }

    /// The declared paths that take some path which a pattern matches. Nothing is sought where a declared path has fewer
    /// segments than the rest of the pattern.
    pub(crate) fn declared(&self, pattern: &[Part]) -> BTreeSet<Declared> {
        let mut found = BTreeSet::new();
        self.declared_below(0, pattern, Places::START, &mut found);
        found
    }

    fn declared_below(&self, cell: usize, pattern: &[Part], places: Places, found: &mut BTreeSet<Declared>) {
        let Some(cell) = self.cells.get(cell).filter(|_| self.has_time(pattern)) else { return };
        let Some(furthest) = (0..=pattern.len()).rev().find(|position| places.hold(*position)) else {
            return;
        };
        if cell.deepest.is_none_or(|deepest| deepest < pattern.len().saturating_sub(furthest)) {
            return;
        }
        let wild = places.after(pattern, None);
        let others = |places: Places, found: &mut BTreeSet<Declared>| match cell.others {
            Others::Cell(next) => self.declared_below(next, pattern, places, found),
            Others::Rest(winner) if !places.are_none() => found.extend(winner),
            Others::Rest(_) => {}
        };
        others(wild, found);
        for text in texts_at(pattern, places) {
            match cell.literals.get(text) {
                None => others(places.after(pattern, Some(text)), found),
                Some(next) if wild.are_none() => {
                    self.declared_below(*next, pattern, places.after(pattern, Some(text)), found);
                }
                Some(_) => {}
            }
        }
        if !wild.are_none() {
            for (text, next) in &cell.literals {
                self.declared_below(*next, pattern, places.after(pattern, Some(text)), found);
            }
        }
        if places.hold(pattern.len()) {
            found.extend(cell.winner);
        }
    }

    fn walk(&self, cell: usize, pattern: &[Part], places: Places, way: &mut Way, touch: &mut Touch<'_>) {
        let Some(cell) = self.cells.get(cell).filter(|_| self.has_time(pattern)) else { return };
        let wild = places.after(pattern, None);
        if !wild.are_none() {
            self.walk_others(cell.others, pattern, wild, Part::Wild, way, touch);
        }
        for text in texts_at(pattern, places) {
            if !cell.literals.contains_key(text) {
                let next = places.after(pattern, Some(text));
                self.walk_others(cell.others, pattern, next, Part::Text(Arc::clone(text)), way, touch);
            }
        }
        let mut literal = |text: &Arc<str>, next: usize| {
            way.done.push(Part::Text(Arc::clone(text)));
            way.region.push(Part::Text(Arc::clone(text)));
            self.walk(next, pattern, places.after(pattern, Some(text)), way, touch);
            way.done.pop();
            way.region.pop();
        };
        if wild.are_none() {
            for text in texts_at(pattern, places) {
                if let Some(next) = cell.literals.get(text) {
                    literal(text, *next);
                }
            }
        } else {
            for (text, next) in &cell.literals {
                literal(text, *next);
            }
        }
        if places.hold(pattern.len()) {
            touch(&Touched { winner: cell.winner, done: &way.done, rest: &[], region: &way.region });
        }
    }

    fn walk_others(
        &self,
        others: Others,
        pattern: &[Part],
        places: Places,
        part: Part,
        way: &mut Way,
        touch: &mut Touch<'_>,
    ) {
        way.done.push(part);
        way.region.push(Part::Wild);
        match others {
            Others::Cell(next) => self.walk(next, pattern, places, way, touch),
            // What follows is free, so what is left of the pattern stays as it is.
            Others::Rest(winner) => {
                for position in (0..=pattern.len()).rev().filter(|position| places.hold(*position)) {
                    touch(&Touched {
                        winner,
                        done: &way.done,
                        rest: pattern.get(position..).unwrap_or_default(),
                        region: &way.region,
                    });
                }
            }
        }
        way.done.pop();
        way.region.pop();
    }

    /// The literals that declared paths have where the pattern has `?*`, so that a segment which names one of them only
    /// once it is decoded would take another way.
    pub(crate) fn hidden_literals(&self, pattern: &[Part], found: &mut dyn FnMut(&str)) {
        self.hidden(0, pattern, Places::START, found);
    }

    fn hidden(&self, cell: usize, pattern: &[Part], places: Places, found: &mut dyn FnMut(&str)) {
        let Some(cell) = self.cells.get(cell).filter(|_| self.has_time(pattern)) else { return };
        let wild = places.after(pattern, None);
        if !wild.are_none() {
            cell.literals.keys().for_each(|text| found(text));
        }
        for (text, next) in &cell.literals {
            let places = places.after(pattern, Some(text));
            if !places.are_none() {
                self.hidden(*next, pattern, places, found);
            }
        }
        let Others::Cell(next) = cell.others else { return };
        let mut other = |places: Places| {
            if !places.are_none() {
                self.hidden(next, pattern, places, found);
            }
        };
        other(wild);
        for text in texts_at(pattern, places) {
            if !cell.literals.contains_key(text) {
                other(places.after(pattern, Some(text)));
            }
        }
    }

    /// The literals that may follow what a pattern matches.
    pub(crate) fn literals_after(&self, pattern: &[Part]) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        self.after(0, pattern, Places::START, &mut found);
        found
    }

    fn after<'a>(&'a self, cell: usize, pattern: &[Part], places: Places, found: &mut BTreeSet<&'a str>) {
        let Some(cell) = self.cells.get(cell).filter(|_| self.has_time(pattern)) else { return };
        if places.are_none() {
            return;
        }
        if places.hold(pattern.len()) {
            found.extend(cell.literals.keys().map(|text| &**text));
        }
        for (text, next) in &cell.literals {
            self.after(*next, pattern, places.after(pattern, Some(text)), found);
        }
        if let Others::Cell(next) = cell.others {
            self.after(next, pattern, places.after(pattern, None), found);
            for text in texts_at(pattern, places) {
                self.after(next, pattern, places.after(pattern, Some(text)), found);
            }
        }
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

/// The texts that a pattern asks for next.
fn texts_at(pattern: &[Part], places: Places) -> impl Iterator<Item = &Arc<str>> {
    let parts = pattern.iter().enumerate().filter(move |(position, _)| places.hold(*position));
    let texts = parts.filter_map(|(_, part)| match part {
        Part::Text(text) => Some(text),
        Part::Wild => None,
    });
    let mut position = 0_usize;
    texts.clone().filter(move |text| {
        position = position.saturating_add(1);
        !texts.clone().take(position.saturating_sub(1)).any(|earlier| earlier == *text)
    })
}
