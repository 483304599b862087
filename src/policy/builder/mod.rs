//! Builds the Resources of a token's policy from what the token may do.
//!
//! A [`Unit`] is an Allow that owns the Denies it needs: it goes into an answer whole or not at all. Which units there are
//! is a function of the table and the token's grants; only bytes decide which of them fit.

mod assembly;
mod denies;
mod pieces;
mod units;

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use assembly::Assembly;

use super::ambiguity_denies::{GRADES, Grade};
use super::automaton::CellId;
use super::grants::Grants;
use super::pattern::{Form, NodeId};
use super::plan::{OwnPattern, Plan, TableId};
use crate::routes::Undeclared;

/// What a document with one Allow and one Deny holds besides its Resources.
pub(super) const FRAME_BYTES: usize = r#"{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":[],"Condition":{"DateLessThan":{"aws:CurrentTime":"9999-12-31T23:59:59Z"}}},{"Action":"execute-api:Invoke","Effect":"Deny","Resource":[]}]}"#.len();

/// Which patterns may be in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Paths {
    All,
    /// No wildcards, and so no Denies for ambiguous paths.
    Exact,
}

/// The Resources of an answer after the stage, without the request's own.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) allow: Vec<String>,
    pub(super) deny: Vec<String>,
    /// The Denies that any wildcard needs.
    pub(super) ambiguity_denies: Vec<String>,
    /// How many units did not fit.
    pub(super) left_out: usize,
}

/// What an answer is built from.
pub(super) struct Builder<'a> {
    plan: &'a Plan,
    grants: &'a Grants,
    stage_chars: usize,
    stage_bytes: usize,
    room: usize,
    paths: Paths,
    /// A request, `METHOD/path`, that no Deny may match.
    spare: Option<&'a str>,
    /// Whether texts are also written as clients encode them.
    encoded: bool,
    /// Never changed or removed, because pieces refer to them by position.
    tuples: Vec<Tuple<'a>>,
    /// The tuple that extends another by one text.
    longer_tuples: FxHashMap<(usize, &'a str), usize>,
    free: FxHashMap<Piece, bool>,
    own_denies: FxHashMap<(TableId, NodeId), Option<Piece>>,
    /// By place, the literals there that the token may use.
    used_literals: FxHashMap<(TableId, NodeId), Vec<&'a str>>,
    /// The units of patterns without texts.
    known: FxHashMap<Piece, Option<Unit>>,
}

/// The token's texts in a pattern, in their order.
#[derive(Clone, Debug, Default)]
struct Tuple<'a> {
    texts: Vec<&'a str>,
    chars: usize,
    bytes: usize,
}

/// A pattern with texts in it, for all methods of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Piece {
    table: TableId,
    source: Source,
    node: NodeId,
    form: Form,
    tuple: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Source {
    Patterns,
    Extra,
}

/// An Allow with all the Denies that it needs.
#[derive(Clone, Debug)]
struct Unit {
    allow: Piece,
    denies: Vec<Piece>,
    /// How many entries it opens.
    worth: usize,
    is_wild: bool,
}

/// The units of a subtree, or of all tables, with the bytes they take.
#[derive(Default)]
struct Branch {
    units: Vec<Unit>,
    allow_bytes: usize,
    denies: BTreeMap<Piece, usize>,
    worth: usize,
    /// How many units could not be made.
    left_out: usize,
    /// Whether one unit stands for several patterns.
    has_broad: bool,
}

/// Units that do not all fit, in order.
struct Choice {
    units: Vec<Unit>,
    /// Whether each unit fits.
    fits: Vec<bool>,
    /// How many units could not be made at all.
    beyond: usize,
}

impl Choice {
    /// The worth of the units that do not fit, and of those that could not be made.
    fn left_out(&self, fits: &[bool]) -> usize {
        let left = self.units.iter().zip(fits).filter(|(_, fits)| !**fits);
        left.fold(self.beyond, |sum, (unit, _)| sum.saturating_add(unit.worth))
    }
}

/// The bytes of a text in JSON, without its quotes.
pub(super) fn json_bytes(text: &str) -> usize {
    let escape = |byte: u8| match byte {
        b'"' | b'\\' | 0x08 | 0x09 | 0x0a | 0x0c | 0x0d => "\\n".len(),
        0..=0x1f => "\\u0000".len(),
        _ => 1,
    };
    text.bytes().fold(0, |sum: usize, byte| sum.saturating_add(escape(byte)))
}

/// The bytes of a Resource in a list, given those of its text.
pub(super) fn resource_bytes(text: usize) -> usize {
    text.saturating_add(r#""","#.len())
}

impl<'a> Builder<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        grants: &'a Grants,
        stage: &'a str,
        room: usize,
        paths: Paths,
        spare: Option<&'a str>,
    ) -> Self {
        Self {
            plan,
            grants,
            stage_chars: stage.chars().count(),
            stage_bytes: json_bytes(stage),
            room,
            paths,
            spare,
            encoded: false,
            tuples: vec![Tuple::default()],
            longer_tuples: FxHashMap::default(),
            free: FxHashMap::default(),
            own_denies: FxHashMap::default(),
            used_literals: FxHashMap::default(),
            known: FxHashMap::default(),
        }
    }

    /// The cells of which the fullest answer allows paths; `None` if it is known that nothing is left out.
    pub(super) fn covered(mut self) -> Option<FxHashSet<CellId>> {
        let shortest = self.shortest();
        // Without broad units, `most_worth` looks at the same units.
        if shortest.has_broad && shortest.left_out == 0 && self.assembled(&shortest.units, Grade::All).is_some() {
            return None;
        }
        let choice = self.most_worth(shortest);
        let mut covered = FxHashSet::default();
        for (unit, _) in choice.units.iter().zip(&choice.fits).filter(|(_, fits)| **fits) {
            let allow = unit.allow;
            let overlaps = self.overlaps(allow);
            let hits = overlaps.and_then(|overlaps| overlaps.cells(&overlaps.hits, allow.node, allow.form));
            covered.extend(hits.into_iter().flatten().flatten().filter(|cell| self.grants.allow(self.plan, **cell)));
        }
        Some(covered)
    }

    /// The broadest units: where they do not fit, no others leave nothing out.
    fn shortest(&mut self) -> Branch {
        self.units((self.plan.undeclared != Undeclared::Allow).then_some(0))
    }

    /// The narrowest answer that leaves nothing out; where there is none, the one that is worth most.
    pub(super) fn build(mut self) -> Draft {
        let shortest = self.shortest();
        // Nothing is narrower and fits if the shortest does not.
        if shortest.left_out > 0 || self.assembled(&shortest.units, Grade::All).is_none() {
            return self.what_fits(shortest);
        }
        for level in self.levels() {
            self.encoded = true;
            let mut found = self.units(level);
            for grade in GRADES {
                // Where all that is encoded is refused, texts need not be written that way.
                if grade == Grade::All && self.grants.texts.iter().any(|text| text.encoded.is_some()) {
                    self.encoded = false;
                    found = self.units(level);
                }
                if found.left_out == 0
                    && let Some(draft) = self.assembled(&found.units, grade)
                {
                    return draft;
                }
            }
        }
        self.what_fits(shortest)
    }

    /// The levels at which the Allows may fit, the narrowest first: at a level each prefix of its depth takes one at least.
    fn levels(&self) -> Vec<Option<usize>> {
        if self.plan.undeclared == Undeclared::Allow {
            return vec![None];
        }
        let least = resource_bytes(self.stage_bytes.saturating_add("GET/".len()));
        let fits = |patterns: usize| least.saturating_mul(patterns) <= self.room;
        let mut prefixes: FxHashSet<(TableId, NodeId)> = FxHashSet::default();
        let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
        let mut bytes = 0_usize;
        for OwnPattern { table, node: mut at, .. } in self.own_patterns() {
            let piece = Piece { table, source: Source::Patterns, node: at, form: Form::Exact, tuple: 0 };
            bytes = bytes.saturating_add(self.allow_bytes(piece));
            // The root is its own parent.
            while let Some(node) = self.node(table, at)
                && prefixes.insert((table, at))
            {
                let size = sizes.entry(node.depth).or_default();
                *size = size.saturating_add(1);
                at = node.parent;
            }
        }
        let narrowest = (bytes <= self.room).then_some(None);
        let sizes = sizes.into_iter().rev().filter(|(_, size)| fits(*size));
        narrowest.into_iter().chain(sizes.map(|(level, _)| Some(level))).collect()
    }

    /// As much as fits, with the finest Denies for ambiguous paths that leave out no more than the coarsest.
    fn what_fits(&mut self, shortest: Branch) -> Draft {
        let choice = self.most_worth(shortest);
        let least = choice.left_out(&choice.fits);
        let of_grade = |grade: Grade| {
            let mut assembly = Assembly::new(self, grade);
            let fits: Vec<bool> = choice.units.iter().map(|unit| assembly.add(self, unit)).collect();
            let left_out = choice.left_out(&fits);
            (left_out <= least || grade == Grade::All).then(|| assembly.finish(left_out))
        };
        GRADES.into_iter().find_map(of_grade).unwrap_or_default()
    }

    /// The units in the order in which they are tried: literal ones first, then those that open most for their bytes. Chooses
    /// the broad units or the narrow ones, whichever leave out less.
    fn most_worth(&mut self, shortest: Branch) -> Choice {
        let Branch { units: mut broad, has_broad, left_out, .. } = shortest;
        self.encoded = false;
        // Without broad units, the narrow ones are the same.
        let Branch { units: mut narrow, left_out: beyond, .. } =
            if has_broad { self.part(None) } else { Branch::default() };
        self.by_price(&mut narrow);
        let is_joined = self.plan.undeclared == Undeclared::Allow;
        if is_joined && has_broad {
            // What everybody may do goes first, then what is left of the rest.
            broad.sort_by_key(|unit| unit.allow);
            broad.append(&mut narrow);
        } else {
            self.by_price(&mut broad);
        }
        let broad = self.chosen(broad, left_out);
        if is_joined || !has_broad {
            return broad;
        }
        let narrow = self.chosen(narrow, beyond);
        if broad.left_out(&broad.fits) <= narrow.left_out(&narrow.fits) { broad } else { narrow }
    }

    /// Which of the units fit, tried in order.
    fn chosen(&self, units: Vec<Unit>, beyond: usize) -> Choice {
        let mut assembly = Assembly::new(self, Grade::All);
        let fits = units.iter().map(|unit| assembly.add(self, unit)).collect();
        Choice { units, fits, beyond }
    }

    /// Literals first, then by bytes for each entry.
    fn by_price(&self, units: &mut [Unit]) {
        units.sort_by_cached_key(|unit| {
            let denies = unit.denies.iter().fold(0, |sum: usize, deny| sum.saturating_add(self.deny_bytes(*deny)));
            let bytes = self.allow_bytes(unit.allow).saturating_add(denies).saturating_mul(1000);
            (unit.is_wild, bytes.checked_div(unit.worth.max(1)).unwrap_or(usize::MAX), unit.allow)
        });
    }

    /// All of these units, if they fit.
    fn assembled(&self, units: &[Unit], grade: Grade) -> Option<Draft> {
        let allows = units.iter().fold(FRAME_BYTES, |sum, unit| sum.saturating_add(self.allow_bytes(unit.allow)));
        if allows > self.room {
            return None;
        }
        let mut assembly = Assembly::new(self, grade);
        units.iter().all(|unit| assembly.add(self, unit)).then(|| assembly.finish(0))
    }
}
