//! The Denies that only some Allows need: the Allow's cutbacks, and what it has in common with a refused entry.

use super::automaton::CellId;
use super::findings::TooTangled;
use super::overlap::{self, Gaps};
use super::pattern::{Form, cutbacks, intersection};
use super::plan::{Plan, TableId, UNDECLARED};
use super::questions::Allowed;
use super::sorted::sorted;
use super::sources::{MAX_COMMON, Sources, hits, word};
use crate::routes::Undeclared;

/// An Allow, by its place, and a cell that it reaches, whose own pattern may hit what some token may use. What no entry takes
/// has no such pattern; it is here if it is refused.
pub(super) type Contested = Vec<(usize, CellId)>;

/// Makes the Denies that only some Allows need.
pub(super) fn add(
    plan: &mut Plan,
    sources: &Sources<'_>,
    id: TableId,
    allowed: &[Allowed],
    contested: &Contested,
) -> Result<(), TooTangled> {
    let Plan { undeclared, literals, tables, .. } = plan;
    let table = tables.get_mut(id).ok_or(TooTangled)?;
    let cut = contested.iter().filter(|_| *undeclared != Undeclared::Allow);
    let cut = sorted(cut.filter_map(|(place, _)| allowed.get(*place)).map(|allow| allow.node));
    for node in &cut {
        let word = table.patterns.tree.word(*node).ok_or(TooTangled)?;
        table.cutbacks.insert(*node, table.extra.tree.insert(&cutbacks(&word), literals)?);
    }
    for (place, cell) in contested.iter().filter(|(_, cell)| *cell != UNDECLARED) {
        let allow = allowed.get(*place).ok_or(TooTangled)?;
        let plain = table.entry(*cell).ok_or(TooTangled)?.plain;
        let path = word(sources, literals, plain).ok_or(TooTangled)?;
        let word = table.patterns.tree.word(allow.node).ok_or(TooTangled)?;
        if allow.form == Form::Exact
            && let Some(words) = intersection(&word, &path, MAX_COMMON)
        {
            table.common.insert((allow.node, *cell), table.extra.tree.insert(&words, literals)?);
        }
    }
    let automaton = sources.automata.get(id).ok_or(TooTangled)?;
    let matters = (*undeclared != Undeclared::Absent).then_some(UNDECLARED);
    if !cut.is_empty() {
        table.short_reach = overlap::reach(automaton, &table.patterns.tree, Gaps::Short, matters)?;
    }
    if table.extra.tree.nodes.len() > 1 {
        table.extra.reach = overlap::reach(automaton, &table.extra.tree, Gaps::Long, matters)?;
        table.extra.hits = hits(&table.extra.tree, sources, literals, id)?;
    }
    Ok(())
}
