//! Which Denies may have `*` for the method.

use rustc_hash::FxHashMap;

use super::automaton::CellId;
use super::overlap::{Begin, Matcher, Texts};
use super::pattern::{CellPart, ROOT};
use super::plan::Plan;
use super::sources::{Sources, word};
use crate::routes::Undeclared;

/// The most that is compared to find out which Denies may leave their method out.
const MAX_STAR_STEPS: usize = 400_000;

/// Finds out which Denies may have `*` for the method. Where that takes too long, none may.
pub(super) fn find(plan: &mut Plan, sources: &Sources<'_>) {
    let methods: usize = plan.tables.iter().map(|table| table.methods.len()).sum();
    if methods < 2 || plan.undeclared == Undeclared::Allow {
        return;
    }
    let beginnings: usize =
        plan.tables.iter().filter_map(|table| Some(table.patterns.tree.get(ROOT)?.literals.len())).sum();
    let most = if plan.collides { 1 } else { beginnings };
    if sources.cells.len().saturating_mul(most) > MAX_STAR_STEPS {
        return;
    }
    // The same paths of several methods are read once.
    let mut words: FxHashMap<Vec<CellPart>, Vec<CellId>> = FxHashMap::default();
    for cell in 1..sources.cells.len() {
        let Some(word) = word(sources, &plan.literals, cell) else { return };
        words.entry(word).or_default().push(cell);
    }
    // Where a Deny may refuse a path whose parameter is a literal anyway, only ordinary paths are spared.
    let texts = if plan.collides { Texts::Ordinary } else { Texts::All };
    let mut steps = 0_usize;
    for table in &mut plan.tables {
        for overlaps in [&mut table.patterns, &mut table.extra] {
            let mut matcher = Matcher::new(&overlaps.tree);
            let mut sets = vec![Vec::new(); overlaps.tree.nodes.len()];
            for (word, cells) in &words {
                for node in matcher.matching(word, Begin::Anywhere, texts) {
                    if let Some(set) = sets.get_mut(*node) {
                        set.extend(cells);
                    }
                }
                if steps.saturating_add(matcher.steps) > MAX_STAR_STEPS {
                    return;
                }
            }
            steps = steps.saturating_add(matcher.steps);
            overlaps.anywhere = Some(sets);
        }
    }
}
