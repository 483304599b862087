//! Everything about a route table's policies that does not depend on a token.

use rustc_hash::FxHashMap;

use super::ambiguity_denies::Encodable;
use super::automaton::{CellId, Literals};
use super::cache::Cache;
use super::conditions::{ConditionId, Conditions};
use super::overlap::CellSets;
use super::pattern::{Form, NodeId, PatternTree};
#[cfg(feature = "authz")]
use super::pattern::{spell, tails};
use crate::routes::Undeclared;

/// The cell of all that no entry takes, for every method.
pub(super) const UNDECLARED: CellId = 0;

pub(super) type TableId = usize;
pub(super) type ClassId = usize;

/// A route table, ready to become a policy for any token.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) undeclared: Undeclared,
    pub(super) conditions: Conditions,
    pub(super) literals: Literals,
    /// By class, its conditions. One of them is enough.
    pub(super) classes: Vec<Vec<ConditionId>>,
    /// By condition, the classes that it is enough for.
    pub(super) classes_of: Vec<Vec<ClassId>>,
    /// By cell.
    pub(super) class_of: Vec<ClassId>,
    pub(super) tables: Vec<Table>,
    /// By condition, the patterns that it opens.
    pub(super) own: Vec<Vec<OwnPattern>>,
    /// By condition, whether some of its patterns hold texts of the token.
    pub(super) opens_texts: Vec<bool>,
    pub(super) encodable: Encodable,
    /// Whether some Deny may refuse a path whose parameter is a literal of the table. A warning says so.
    pub(super) collides: bool,
    pub(super) cache: Cache,
}

/// The patterns of the methods for which the same entries count.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// One at least.
    pub(super) methods: Vec<&'static str>,
    pub(super) entries: Vec<TableEntry>,
    /// By cell, the place in `entries`.
    pub(super) entry_of: FxHashMap<CellId, usize>,
    pub(super) patterns: Overlaps,
    /// Patterns that are only denied.
    pub(super) extra: Overlaps,
    /// If each gap is one segment; empty where no pattern needs it.
    pub(super) short_reach: CellSets,
    /// By pattern, its cutbacks in `extra`.
    pub(super) cutbacks: FxHashMap<NodeId, Vec<NodeId>>,
    /// By pattern and cell, what both match, in `extra`.
    pub(super) common: FxHashMap<(NodeId, CellId), Vec<NodeId>>,
}

/// An entry of one method's table.
#[derive(Debug)]
pub(super) struct TableEntry {
    /// In the order of the routes.
    pub(super) entry: usize,
    pub(super) node: NodeId,
    /// The cell where no mark holds.
    pub(super) plain: CellId,
}

/// Patterns and the cells they overlap.
#[derive(Debug, Default)]
pub(super) struct Overlaps {
    pub(super) tree: PatternTree,
    pub(super) reach: CellSets,
    pub(super) hits: CellSets,
    /// The cells that the pattern must not hit if it has any method and any segments before it; `None` if they are not known.
    pub(super) anywhere: Option<CellSets>,
}

/// A pattern of an entry, and the condition under which its paths are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OwnPattern {
    pub(super) table: TableId,
    pub(super) node: NodeId,
    /// The cell of the entry without marks: where it is usable, the pattern without texts says all.
    pub(super) plain: CellId,
}

impl Plan {
    /// What an Allow for an entry says after the method, and what may have to be denied beside it.
    #[cfg(feature = "authz")]
    pub(crate) fn spelt(&self, entry: usize) -> (Vec<String>, Vec<String>) {
        let found = || {
            let mut places = self.tables.iter().flat_map(|table| table.entries.iter().map(move |place| (table, place)));
            let (table, own) = places.find(|(_, place)| place.entry == entry)?;
            let needs = self.class(own.plain)?.1;
            let written = |overlaps: &Overlaps, node: NodeId| -> Option<Vec<String>> {
                let base = spell(&overlaps.tree.word(node)?, &self.literals, &[])?;
                Some(tails(&base, Form::Exact, overlaps.tree.get(node)?.is_gap()))
            };
            let mut denies = Vec::new();
            for cutback in table.cutbacks.get(&own.node).into_iter().flatten() {
                denies.extend(written(&table.extra, *cutback)?);
            }
            for cell in table.patterns.reach.get(own.node)?.iter().filter(|cell| **cell != UNDECLARED) {
                let place = table.entry(*cell)?;
                // A token that may use the one may use the other.
                let other = self.class(*cell)?.1;
                let implied = !needs.is_empty() && needs.iter().all(|condition| other.contains(condition));
                if place.entry != entry && !implied {
                    denies.extend(written(&table.patterns, place.node)?);
                }
            }
            denies.sort_unstable();
            denies.dedup();
            Some((written(&table.patterns, own.node)?, denies))
        };
        found().unwrap_or_default()
    }

    pub(super) fn class(&self, cell: CellId) -> Option<(ClassId, &[ConditionId])> {
        let class = *self.class_of.get(cell)?;
        Some((class, self.classes.get(class)?))
    }
}

impl Table {
    /// The entry of a cell.
    pub(super) fn entry(&self, cell: CellId) -> Option<&TableEntry> {
        self.entries.get(*self.entry_of.get(&cell)?)
    }
}

impl Overlaps {
    /// The cells of a pattern in a form, of sets by pattern; `None` if they are not known.
    pub(super) fn cells<'a>(&self, sets: &'a CellSets, node: NodeId, form: Form) -> Option<[&'a [CellId]; 2]> {
        let exact = || sets.get(node).map(Vec::as_slice);
        let below = || sets.get(self.tree.get(node)?.gap?).map(Vec::as_slice);
        Some(match form {
            Form::Exact => [exact()?, &[]],
            Form::Below => [&[], below()?],
            Form::Subtree => [exact()?, below()?],
            // It has cells of its siblings, too.
            Form::Prefix(_) => return None,
        })
    }
}
