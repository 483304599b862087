//! What is asked of a table's Allows: which cells they reach, and whether some token may use the one and not the other.

use std::borrow::Cow;
use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use super::automaton::CellId;
use super::conditions::{ClaimSet, ConditionId};
use super::entailment::Entailment;
use super::findings::TooTangled;
use super::pattern::{Form, NodeId, ROOT, held_claims};
use super::plan::{ClassId, Overlaps, Plan, Table, TableId, UNDECLARED};
use super::sorted::sorted;
use crate::routes::Undeclared;

/// The most questions about a table, each of some set operations: some seconds' work at the worst.
const MAX_QUESTIONS: usize = 4_000_000;

/// An Allow that some token gets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    pub(super) node: NodeId,
    pub(super) form: Form,
    pub(super) condition: ConditionId,
    pub(super) held: ClaimSet,
}

/// Asks the entailment, and counts.
pub(super) struct Questions<'a, 'b> {
    entailment: &'a mut Entailment<'b>,
    asked: usize,
}

impl<'a, 'b> Questions<'a, 'b> {
    pub(super) fn new(entailment: &'a mut Entailment<'b>) -> Self {
        Self { entailment, asked: 0 }
    }

    /// Whether some token with this Allow may not use `refused` and may use one cell of each of `hits`.
    pub(super) fn possible(
        &mut self,
        plan: &Plan,
        allowed: &Allowed,
        refused: CellId,
        hits: &[ClassId],
    ) -> Result<bool, TooTangled> {
        self.asked = self.asked.saturating_add(1);
        if self.asked > MAX_QUESTIONS {
            return Err(TooTangled);
        }
        let classes: Option<Vec<_>> =
            hits.iter().map(|class| plan.classes.get(*class).map(|found| (*class, found.as_slice()))).collect();
        let (refused, classes) = plan.class(refused).zip(classes).ok_or(TooTangled)?;
        let possible = self.entailment.possible(allowed.condition, allowed.held, refused, &classes);
        if self.entailment.is_exhausted() { Err(TooTangled) } else { Ok(possible) }
    }

    /// Those of the classes that some token may use which has this Allow and may not use `refused`.
    pub(super) fn usable(
        &mut self,
        plan: &Plan,
        allowed: &Allowed,
        refused: CellId,
        classes: &[ClassId],
    ) -> Result<Vec<ClassId>, TooTangled> {
        let mut usable = Vec::new();
        for class in classes {
            if self.possible(plan, allowed, refused, &[*class])? {
                usable.push(*class);
            }
        }
        Ok(usable)
    }
}

/// The Allows of a table.
pub(super) fn allowed(plan: &Plan, id: TableId) -> Result<Vec<Allowed>, TooTangled> {
    if plan.undeclared == Undeclared::Allow {
        let everybody = plan.classes.first().and_then(|class| class.first()).copied();
        let condition = everybody.ok_or(TooTangled)?;
        return Ok(vec![Allowed { node: ROOT, form: Form::Subtree, condition, held: 0 }]);
    }
    let table = plan.tables.get(id).ok_or(TooTangled)?;
    let mut allowed = Vec::new();
    for (condition, own) in plan.own.iter().enumerate() {
        for own in own.iter().filter(|own| own.table == id) {
            let word = table.patterns.tree.word(own.node).ok_or(TooTangled)?;
            allowed.push(Allowed { node: own.node, form: Form::Exact, condition, held: held_claims(&word) });
        }
    }
    Ok(allowed)
}

/// The cells that an Allow reaches, in order.
pub(super) fn reached<'a>(table: &'a Table, allow: &Allowed) -> Result<Cow<'a, [CellId]>, TooTangled> {
    let cells = table.patterns.cells(&table.patterns.reach, allow.node, allow.form);
    let [exact, below] = cells.ok_or(TooTangled)?;
    if below.is_empty() {
        return Ok(Cow::Borrowed(exact));
    }
    Ok(Cow::Owned(sorted([exact, below].concat())))
}

/// The classes of a table's own patterns, each looked up once.
#[derive(Default)]
pub(super) struct ClassCache(FxHashMap<NodeId, Vec<ClassId>>);

impl ClassCache {
    pub(super) fn of(
        &mut self,
        node: NodeId,
        find: impl FnOnce() -> Result<Vec<ClassId>, TooTangled>,
    ) -> Result<Vec<ClassId>, TooTangled> {
        Ok(match self.0.entry(node) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(new) => new.insert(find()?).clone(),
        })
    }
}

/// The classes that some patterns hit.
pub(super) fn hits(plan: &Plan, overlaps: &Overlaps, nodes: &[NodeId]) -> Result<Vec<ClassId>, TooTangled> {
    let hits: Option<Vec<_>> = nodes.iter().map(|node| overlaps.hits.get(*node)).collect();
    classes_of(plan, hits.ok_or(TooTangled)?.into_iter().flatten())
}

/// The classes that a pattern matches only by paths whose parameters are literals of the table.
pub(super) fn collisions(plan: &Plan, overlaps: &Overlaps, node: NodeId) -> Result<Vec<ClassId>, TooTangled> {
    let (hits, reach) = overlaps.hits.get(node).zip(overlaps.reach.get(node)).ok_or(TooTangled)?;
    let only = reach.iter().filter(|cell| **cell != UNDECLARED && hits.binary_search(cell).is_err());
    classes_of(plan, only)
}

/// The classes of some cells, each once.
fn classes_of<'a>(plan: &Plan, cells: impl IntoIterator<Item = &'a CellId>) -> Result<Vec<ClassId>, TooTangled> {
    let classes = cells.into_iter().map(|cell| plan.class_of.get(*cell).copied());
    Ok(sorted(classes.collect::<Option<Vec<_>>>().ok_or(TooTangled)?))
}
