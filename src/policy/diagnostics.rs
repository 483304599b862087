//! Why a table may not start with cacheable policies, and what to know about one that may.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::builder::{Builder, Paths};
use super::conditions::Way;
use super::entailment::Entailment;
use super::findings::{Label, TableMistake, Warning};
use super::grants::Grants;
use super::plan::{Plan, UNDECLARED};
use crate::routes::{ClaimNeed, METHODS, Methods, Node, Route, Routes, Segment, Undeclared};

/// An answer of 8 KiB without a context, less the request's own Resource, and a stage with the longest region and a generous
/// name, for the warning.
const FULL_ROOM: usize = 7680;
const TYPICAL_STAGE: &str = "arn:aws:execute-api:ap-southeast-2:123456789012:abcdefghij/production/";
/// Larger tables are refused without trying what would help.
const MAX_TRIED: usize = 3000;
/// The most routes that a warning names.
const MAX_NAMED: usize = 20;

/// The mistakes with each way out that works for this table, which is tried.
///
/// `is_right` says whether a table may start.
pub(super) fn with_ways_out(
    routes: &Routes,
    mut mistakes: Vec<TableMistake>,
    is_right: impl Fn(&Routes) -> bool,
) -> Vec<TableMistake> {
    if routes.entries().len() > MAX_TRIED {
        return mistakes;
    }
    let few = mistakes.len() <= 10;
    let starts = |entries: Vec<Route>, undeclared: Undeclared| {
        let routes = Routes::new(entries, undeclared).ok();
        routes.is_some_and(|routes| is_right(&routes))
    };
    let entries = || routes.entries().to_vec();
    let mut general = Vec::new();
    if routes.undeclared() == Undeclared::Allow && starts(entries(), Undeclared::Deny) {
        general.push("set `undeclared_routes` to \"deny\"".to_owned());
    }
    if routes.undeclared() != Undeclared::Absent && starts(entries(), Undeclared::Absent) {
        general
            .push("set `undeclared_routes` to \"absent\" if the API has no methods but those in the table".to_owned());
    }
    let of_conflict = |allowed: &Label, refused: &Label, hit: &Label| -> Vec<String> {
        let (Label::Entry { index: refused_index, .. }, true) = (refused, few) else { return Vec::new() };
        // What is asked for in the middle has to follow from what is asked for around it.
        let asking_more = |around: &Label| {
            let Label::Entry { index, .. } = around else { return None };
            let middle = &routes.entries().get(*refused_index).filter(|_| index != refused_index)?.need;
            let mut changed = entries();
            let entry = changed.get_mut(*index)?;
            // The same parameter has to be there, too.
            let parameter = |at: usize| matches!(entry.path.segments().get(at), Some(Segment::Parameter(_)));
            let mut claims = middle.any_of.iter().flat_map(|way| &way.claims);
            if !claims.all(|claim| claim.positions().all(parameter)) {
                return None;
            }
            entry.need = Arc::new(entry.need.and(middle));
            starts(changed, routes.undeclared()).then(|| format!("let {around} also need what {refused} needs"))
        };
        let mut ways: Vec<String> = [hit, allowed].into_iter().find_map(asking_more).into_iter().collect();
        let mut changed = entries();
        if let Some(entry) = changed.get_mut(*refused_index)
            && let Some(path) = entry.path.with_greedy_end()
            && !entry.need.any_of.iter().flat_map(|way| &way.claims).any(ClaimNeed::is_bound)
        {
            let way = format!("write {refused} as {}", path.as_str());
            entry.path = path;
            if starts(changed, routes.undeclared()) {
                ways.push(way);
            }
        }
        ways
    };
    for mistake in &mut mistakes {
        if let TableMistake::Conflict { allowed, refused, hit, ways_out } = mistake {
            *ways_out = general.iter().cloned().chain(of_conflict(allowed, refused, hit)).collect();
        }
    }
    mistakes
}

/// The methods of specific paths that are decided by a less specific entry which asks for less.
pub(super) fn falls_through(routes: &Routes, ways: &[Arc<Vec<Way>>], entailment: &mut Entailment<'_>) -> Vec<Warning> {
    let mut asks_less = |wider: usize, narrower: usize| {
        let (Some(wide), Some(narrow)) = (ways.get(wider), ways.get(narrower)) else { return false };
        let refused: Vec<_> = narrow.iter().map(|way| way.condition).collect();
        wide.iter().any(|way| entailment.asks_less(way.condition, &refused))
    };
    let mut warnings = Vec::new();
    for node in routes.nodes() {
        let mut own: Vec<(usize, usize)> =
            (0..METHODS.len()).filter_map(|method| Some((method, node.entry(method)?))).collect();
        let Some((method, first)) = own.first().copied() else { continue };
        if own.len() == METHODS.len() {
            continue;
        }
        own.dedup_by_key(|(_, entry)| *entry);
        let Some(segments) = routes.entries().get(first).map(|entry| entry.path.segments()) else { continue };
        let mut wider = Vec::new();
        covering(routes, 0, segments, &mut wider);
        let mut found: Vec<(usize, Vec<&'static str>)> = Vec::new();
        for (missing, name) in METHODS.iter().enumerate().filter(|(method, _)| node.entry(*method).is_none()) {
            let behind = wider.iter().filter_map(|node: &&Node| node.entry(missing)).next();
            let Some(to) = behind.filter(|to| own.iter().any(|(_, entry)| asks_less(*to, *entry))) else { continue };
            match found.iter_mut().find(|(known, _)| *known == to) {
                Some((_, methods)) => methods.push(name),
                None => found.push((to, vec![name])),
            }
        }
        let name = METHODS.get(method).copied().unwrap_or("ANY");
        warnings.extend(found.into_iter().map(|(to, methods)| {
            let any = routes.entries().get(to).is_some_and(|entry| entry.methods == Methods::Any);
            let by = if any { "ANY" } else { methods.first().copied().unwrap_or("ANY") };
            Warning::FallsThrough { path: Label::of(routes, first, name), methods, to: Label::of(routes, to, by) }
        }));
    }
    warnings
}

/// The nodes of all paths that would take every path of another one, most specific first.
fn covering<'a>(routes: &'a Routes, place: usize, segments: &[Segment], found: &mut Vec<&'a Node>) {
    let Some(node) = routes.nodes().get(place) else { return };
    let Some((first, rest)) = segments.split_first() else {
        found.push(node);
        return;
    };
    let literal = match first {
        Segment::Literal(text) => node.literals.get(text.as_bytes()).copied(),
        Segment::Parameter(_) | Segment::Greedy(_) => None,
    };
    let parameter = node.parameter.filter(|_| !matches!(first, Segment::Greedy(_)));
    for next in literal.into_iter().chain(parameter) {
        covering(routes, next, rest, found);
    }
    found.extend(node.greedy.and_then(|greedy| routes.nodes().get(greedy)));
}

/// With "allow": the first entry below which undeclared paths are refused along with it.
pub(super) fn refused_below(plan: &Plan, routes: &Routes) -> Option<Warning> {
    if plan.undeclared != Undeclared::Allow {
        return None;
    }
    let open = plan.class(UNDECLARED)?.1;
    let mut found = plan.tables.iter().flat_map(|table| {
        let method = table.methods.first().copied().unwrap_or("ANY");
        table.entries.iter().filter_map(move |place| {
            let (_, conditions) = plan.class(place.plain)?;
            let is_open = conditions.iter().any(|condition| open.contains(condition));
            let reaches = table.patterns.reach.get(place.node)?.binary_search(&UNDECLARED).is_ok();
            (reaches && !is_open).then(|| Label::of(routes, place.entry, method))
        })
    });
    found.next().map(|path| Warning::RefusedBelow { path })
}

/// The routes that an answer for a token that may do everything leaves out.
pub(super) fn left_out(plan: &Plan, routes: &Routes) -> Option<Warning> {
    // Then all that the token's methods reach is open to it.
    if plan.undeclared == Undeclared::Absent && plan.conditions.bound.is_empty() {
        return None;
    }
    let grants = Grants::everything(plan);
    let covered = Builder::new(plan, &grants, TYPICAL_STAGE, FULL_ROOM, Paths::All, None).covered()?;
    let mut missing = Vec::new();
    for table in &plan.tables {
        let cells = table.entry_of.iter().filter(|(cell, _)| covered.contains(*cell));
        let found: FxHashSet<usize> = cells.map(|(_, place)| *place).collect();
        for (_, left) in table.entries.iter().enumerate().filter(|(place, _)| !found.contains(place)) {
            missing.extend(table.methods.iter().map(|method| Label::of(routes, left.entry, method)));
        }
    }
    missing.sort_unstable();
    let more = missing.len().saturating_sub(MAX_NAMED);
    missing.truncate(MAX_NAMED);
    (!missing.is_empty()).then_some(Warning::LeftOut { routes: missing, more })
}
