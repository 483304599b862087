//! What is known while a table is compiled, and not kept.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::automaton::{Automaton, Cell, CellId, Literals};
use super::conditions::{ClaimSet, ConditionId, Way};
use super::findings::TooTangled;
use super::method_table::{MarkSet, MethodTable};
use super::overlap::{Begin, CellSets, Matcher, Texts};
use super::pattern::{CellPart, PatternTree};
use super::plan::{ClassId, TableId};
use crate::routes::{Routes, Segment};

/// The most patterns that an Allow or a Deny and an entry may have in common.
pub(super) const MAX_COMMON: usize = 16;

/// What is found while a table is compiled.
pub(super) struct Sources<'a> {
    pub(super) routes: &'a Routes,
    /// By entry.
    pub(super) ways: Vec<Arc<Vec<Way>>>,
    pub(super) methods: Vec<MethodTable<'a>>,
    pub(super) automata: Vec<Automaton>,
    pub(super) cells: Vec<Option<Cell>>,
    pub(super) classes: FxHashMap<Vec<ConditionId>, ClassId>,
}

/// The ordinary paths of a cell, as one word.
pub(super) fn word(sources: &Sources<'_>, literals: &Literals, cell: CellId) -> Option<Vec<CellPart>> {
    let cell = sources.cells.get(cell)?.as_ref()?;
    let method = sources.methods.get(cell.table)?;
    let own = method.entry_marks.get(&cell.entry).copied().unwrap_or(0);
    let mut word = Vec::new();
    for (position, segment) in sources.routes.entries().get(cell.entry)?.path.segments().iter().enumerate() {
        let claims = |marks: MarkSet| -> ClaimSet { method.claims(marks, |mark| mark.position == position) };
        word.push(match segment {
            Segment::Literal(text) => CellPart::Literal(literals.number(text)?),
            Segment::Parameter(_) => CellPart::Free { asked: claims(own), found: claims(cell.marks) },
            Segment::Greedy(_) if claims(cell.marks) != 0 => {
                CellPart::Free { asked: claims(own), found: claims(cell.marks) }
            }
            Segment::Greedy(_) => CellPart::Rest,
        });
    }
    Some(word)
}

/// The cells whose ordinary paths each pattern matches.
pub(super) fn hits(
    tree: &PatternTree,
    sources: &Sources<'_>,
    literals: &Literals,
    table: TableId,
) -> Result<CellSets, TooTangled> {
    let mut hits = vec![Vec::new(); tree.nodes.len()];
    let mut matcher = Matcher::new(tree);
    let own = |(_, cell): &(CellId, &Option<Cell>)| cell.as_ref().is_some_and(|cell| cell.table == table);
    for (cell, _) in sources.cells.iter().enumerate().filter(own) {
        let word = word(sources, literals, cell).ok_or(TooTangled)?;
        for node in matcher.matching(&word, Begin::AtTheRoot, Texts::Ordinary) {
            hits.get_mut(*node).ok_or(TooTangled)?.push(cell);
        }
    }
    Ok(hits)
}
