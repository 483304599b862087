//! Finds Denies that refuse paths whose parameters are literals of the table, and warns of them.

use super::automaton::{CellId, Literals};
use super::findings::{Label, TooTangled, Warning};
use super::pattern::{NodeId, Part, intersection, spell};
use super::plan::{ClassId, Overlaps, Plan, TableEntry, TableId, UNDECLARED};
use super::questions::{Allowed, ClassCache, Questions, collisions, reached};
use super::sources::{MAX_COMMON, Sources, word};
use crate::routes::METHODS;

const MAX_COLLISIONS: usize = 5;

/// Notes the Denies that refuse paths whose parameters are literals of the table.
pub(super) fn find(
    questions: &mut Questions<'_, '_>,
    plan: &Plan,
    sources: &Sources<'_>,
    id: TableId,
    allowed: &[Allowed],
    found: &mut Vec<Warning>,
) -> Result<(), TooTangled> {
    let table = plan.tables.get(id).ok_or(TooTangled)?;
    let mut classes = ClassCache::default();
    for allow in allowed {
        for cell in reached(table, allow)?.iter().copied() {
            if found.len() >= MAX_COLLISIONS {
                return Ok(());
            }
            if !questions.possible(plan, allow, cell, &[])? {
                continue;
            }
            let mut denies: Vec<(&Overlaps, NodeId)> = Vec::new();
            if cell != UNDECLARED {
                denies.push((&table.patterns, table.entry(cell).ok_or(TooTangled)?.node));
            }
            let extra = table.cutbacks.get(&allow.node).into_iter().chain(table.common.get(&(allow.node, cell)));
            denies.extend(extra.flatten().map(|node| (&table.extra, *node)));
            for (overlaps, node) in denies {
                let usable = match std::ptr::eq(overlaps, &table.patterns) {
                    true => classes.of(node, || collisions(plan, overlaps, node))?,
                    false => collisions(plan, overlaps, node)?,
                };
                if let Some(class) = questions.usable(plan, allow, cell, &usable)?.first() {
                    let warning = collision(plan, sources, id, overlaps, node, cell, *class);
                    found.extend(warning.filter(|warning| !found.contains(warning)));
                }
            }
        }
    }
    Ok(())
}

/// The warning of a Deny that refuses paths of a cell of this class.
fn collision(
    plan: &Plan,
    sources: &Sources<'_>,
    id: TableId,
    overlaps: &Overlaps,
    node: NodeId,
    refused: CellId,
    class: ClassId,
) -> Option<Warning> {
    let table = plan.tables.get(id)?;
    let name = *table.methods.first()?;
    let method = METHODS.iter().position(|method| *method == name)?;
    let hits = overlaps.hits.get(node)?;
    let mut cells = overlaps.reach.get(node)?.iter().filter(|cell| hits.binary_search(cell).is_err());
    let open = table.entry(*cells.find(|cell| plan.class_of.get(**cell) == Some(&class))?)?;
    let label = |entry: usize| Label::of(sources.routes, entry, name);
    let refused = table.entry(refused).map_or(Label::Undeclared, |place| label(place.entry));
    let example = example(sources, &plan.literals, &overlaps.tree.word(node)?, open, method);
    Some(Warning::Collision { open: label(open.entry), refused, example })
}

/// A path of an entry that a Deny matches.
fn example(
    sources: &Sources<'_>,
    literals: &Literals,
    deny: &[Part],
    open: &TableEntry,
    method: usize,
) -> Option<String> {
    let path = word(sources, literals, open.plain)?;
    let texts = deny.iter().map(|_| "u1").collect::<Vec<_>>();
    let words = intersection(deny, &path, MAX_COMMON)?;
    // A gap is one segment or more.
    let paths = words.iter().flat_map(|word| ["7", "7/8"].map(|text| (word, text))).filter_map(|(word, text)| {
        let path = spell(word, literals, &texts)?.replace("?*", text);
        (sources.routes.taken(&path, method) == Some(open.entry)).then_some(path)
    });
    paths.min().map(|path| format!("/{path}"))
}
