//! What a pattern touches: the cells are walked as the pattern is read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Declared, Others, Space};
use crate::policy::pattern::{Part, Pattern, Places};

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
