//! Whether every token can have a policy that neither allows what the rules refuse nor refuses what they allow.
//!
//! An Allow whose pattern reaches paths that some token may not use needs Denies. There are three kinds: the refused
//! entry's own pattern, the cutbacks of the Allow's, and what both match. A table may start if for every token one of them
//! hits nothing that the token may use.

use std::collections::BTreeMap;

use super::automaton::CellId;
use super::collisions;
use super::entailment::Entailment;
use super::exclusions::{self, Contested};
use super::findings::{Label, TableMistake, TooTangled, Warning};
use super::pattern::NodeId;
use super::plan::{ClassId, Plan, TableId, UNDECLARED};
use super::questions::{Allowed, ClassCache, Questions, allowed, hits, reached};
use super::sources::Sources;
use crate::routes::Undeclared;

/// The most findings that anybody reads.
const MAX_FINDINGS: usize = 100;

/// Finds the conflicts of all tables and the collisions to warn of, and adds the Denies that only some Allows need.
///
/// # Errors
/// [`TooTangled`] if that takes too long.
pub(super) fn find(
    plan: &mut Plan,
    sources: &Sources<'_>,
    entailment: &mut Entailment<'_>,
) -> Result<(Vec<TableMistake>, Vec<Warning>), TooTangled> {
    let mut search = Search { questions: Questions::new(entailment), mistakes: BTreeMap::new() };
    let mut collisions = Vec::new();
    for id in 0..plan.tables.len() {
        let allowed = allowed(plan, id)?;
        let contested = search.contested(plan, id, &allowed)?;
        exclusions::add(plan, sources, id, &allowed, &contested)?;
        search.judge(plan, sources, id, &allowed, &contested)?;
        collisions::find(&mut search.questions, plan, sources, id, &allowed, &mut collisions)?;
    }
    let mistake = |((allowed, refused), hit)| TableMistake::Conflict { allowed, refused, hit, ways_out: Vec::new() };
    Ok((search.mistakes.into_iter().map(mistake).collect(), collisions))
}

struct Search<'a, 'b> {
    questions: Questions<'a, 'b>,
    /// By the Allow's entry and the refused one, one that their Denies would hit.
    mistakes: BTreeMap<(Label, Label), Label>,
}

impl Search<'_, '_> {
    fn contested(&mut self, plan: &Plan, id: TableId, allowed: &[Allowed]) -> Result<Contested, TooTangled> {
        let table = plan.tables.get(id).ok_or(TooTangled)?;
        let mut classes = ClassCache::default();
        let mut contested = Vec::new();
        for (place, allow) in allowed.iter().enumerate() {
            for cell in reached(table, allow)?.iter().copied() {
                if cell == UNDECLARED {
                    // It has no pattern of its own.
                    contested.extend((plan.undeclared == Undeclared::Deny).then_some((place, cell)));
                    continue;
                }
                if !self.questions.possible(plan, allow, cell, &[])? {
                    continue;
                }
                let node = table.entry(cell).ok_or(TooTangled)?.node;
                let hits = classes.of(node, || hits(plan, &table.patterns, &[node]))?;
                if !self.questions.usable(plan, allow, cell, &hits)?.is_empty() {
                    contested.push((place, cell));
                }
            }
        }
        Ok(contested)
    }

    /// Asks of each Allow whether its Denies may do harm.
    fn judge(
        &mut self,
        plan: &Plan,
        sources: &Sources<'_>,
        id: TableId,
        allowed: &[Allowed],
        contested: &Contested,
    ) -> Result<(), TooTangled> {
        let table = plan.tables.get(id).ok_or(TooTangled)?;
        let hit_by = |nodes: &Vec<NodeId>| hits(plan, &table.extra, nodes);
        let cut = |allow: &Allowed, cell: CellId| {
            let short = table.short_reach.get(allow.node).filter(|short| short.binary_search(&cell).is_err());
            table.cutbacks.get(&allow.node).filter(|_| short.is_some()).map(hit_by).transpose()
        };
        let mut classes = ClassCache::default();
        for (place, cell) in contested {
            if self.mistakes.len() > MAX_FINDINGS {
                return Ok(());
            }
            let allow = allowed.get(*place).ok_or(TooTangled)?;
            let own = table.entry(*cell).map(|place| place.node);
            let own = own.map(|node| classes.of(node, || hits(plan, &table.patterns, &[node]))).transpose()?;
            let common = table.common.get(&(allow.node, *cell)).map(hit_by).transpose()?;
            // An option that does not exist hurts every token, and asks for nothing more.
            let mut usable = |option: Option<Vec<ClassId>>| -> Result<Vec<Option<ClassId>>, TooTangled> {
                let Some(hits) = option else { return Ok(vec![None]) };
                Ok(self.questions.usable(plan, allow, *cell, &hits)?.into_iter().map(Some).collect())
            };
            let (own, common, cut) = (usable(own)?, usable(common)?, usable(cut(allow, *cell)?)?);
            let pairs = own.iter().flat_map(|own| common.iter().map(move |common| (*own, *common)));
            for (own, common, cut) in pairs.flat_map(|(own, common)| cut.iter().map(move |cut| (own, common, *cut))) {
                let hits: Vec<ClassId> = [own, common, cut].into_iter().flatten().collect();
                if hits.is_empty() || self.questions.possible(plan, allow, *cell, &hits)? {
                    self.conflict(plan, sources, id, allow, *cell, hits.first().copied())?;
                    break;
                }
            }
        }
        Ok(())
    }

    /// Notes that no Deny of `refused` spares `hit`.
    fn conflict(
        &mut self,
        plan: &Plan,
        sources: &Sources<'_>,
        id: TableId,
        allow: &Allowed,
        refused: CellId,
        hit: Option<ClassId>,
    ) -> Result<(), TooTangled> {
        let table = plan.tables.get(id).ok_or(TooTangled)?;
        let method = table.methods.first().copied().ok_or(TooTangled)?;
        let node = table.patterns.tree.get(allow.node).ok_or(TooTangled)?;
        let label = |entry: usize| Label::of(sources.routes, entry, method);
        let of_cell = |cell: CellId| table.entry(cell).map_or(Label::Undeclared, |place| label(place.entry));
        let (overlaps, nodes) = match table.entry(refused) {
            Some(place) => (&table.patterns, vec![place.node]),
            None => (&table.extra, table.cutbacks.get(&allow.node).cloned().unwrap_or_default()),
        };
        let hits = nodes.iter().filter_map(|node| overlaps.hits.get(*node)).flatten().copied();
        let hit = hits.filter(|cell| hit.is_some() && plan.class_of.get(*cell) == hit.as_ref()).min();
        let allowed = node.entries.first().map_or(Label::Undeclared, |entry| label(*entry));
        let named = || hit.map_or(Label::Undeclared, of_cell);
        self.mistakes.entry((allowed, of_cell(refused))).or_insert_with(named);
        Ok(())
    }
}
