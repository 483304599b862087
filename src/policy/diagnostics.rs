//! Why a table may not start with cacheable policies, and what to know about one that may.

use std::fmt;
use std::sync::Arc;

use super::builder::{Builder, Paths};
use super::conditions::{Entailment, Way};
use super::glob::matches;
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

/// Why no cached policy of a table can be right for every token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TableMistake {
    /// A token may have `allowed` and `hit`, and not `refused`, which no IAM pattern keeps apart.
    Conflict { allowed: Label, refused: Label, hit: Label, undeclared: Undeclared, ways_out: Vec<String> },
    /// A path with more segments than a Resource has room for.
    TooLong,
    /// Literals, parameters and needs overlap in more ways than can be told apart in time.
    TooTangled,
}

/// A table whose start would take too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooTangled;

/// What to know about a table that starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Warning {
    /// Methods of a specific path take a less specific entry that asks for less.
    FallsThrough { path: Label, methods: Vec<&'static str>, to: Label },
    /// A cached answer may refuse a path whose parameter is a literal of the table.
    Collision { open: Label, refused: Label, example: Option<String> },
    /// With "allow": a path that no entry takes is refused below a refused one.
    RefusedBelow { path: Label },
    /// A token that may do everything gets an answer that leaves something out.
    LeftOut { routes: Vec<Label>, more: usize },
}

/// An entry of the table as a message names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Label {
    Entry {
        index: usize,
        method: &'static str,
        path: String,
    },
    /// What no entry takes.
    Undeclared,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry { index, method, path } => write!(f, "routes[{index}]: {method} {path}"),
            Self::Undeclared => f.write_str("undeclared paths"),
        }
    }
}

impl fmt::Display for TableMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SINGLE_REQUEST: &str = "set `policy` to \"single_request\" with a gateway cache of 0 s";
        match self {
            Self::Conflict { allowed, refused, hit, ways_out, .. } => {
                let mut ways = ways_out.clone();
                ways.push(SINGLE_REQUEST.to_owned());
                write!(f, "{}", ways.join(", or "))?;
                if hit == refused {
                    return write!(
                        f,
                        ": a cached policy that allows {allowed} cannot open {refused} for some of its paths and close it for \
                         others"
                    );
                }
                if refused == &Label::Undeclared && hit == &Label::Undeclared {
                    return write!(f, ": no IAM pattern allows {allowed} without longer paths that no entry matches");
                }
                write!(
                    f,
                    ": a token may use {allowed} and {hit} but not {refused}, and every IAM pattern that refuses the last also \
                     refuses {hit}"
                )
            }
            Self::TooLong => write!(
                f,
                "give the path fewer segments, or {SINGLE_REQUEST}: a path has more segments than a policy can name"
            ),
            Self::TooTangled => write!(
                f,
                "{SINGLE_REQUEST}, or give the paths fewer parameters beside literals, or fewer claims that are compared with \
                 them: literals and parameters overlap in too many ways for a cached policy"
            ),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FallsThrough { path, methods, to } => write!(
                f,
                "declare {} for the path of {path} if {to} should not decide them there: it asks for less",
                methods.join(", ")
            ),
            Self::Collision { open, refused, example } => {
                write!(f, "a cached policy may refuse paths of {open} whose parameter is a literal of the table")?;
                if let Some(example) = example {
                    write!(f, ", such as {example}")?;
                }
                write!(f, ", to a token that may not use {refused}")
            }
            Self::RefusedBelow { path } => write!(
                f,
                "undeclared paths below or between the segments of {path} are refused to a token that may not use it"
            ),
            Self::LeftOut { routes, more } => {
                f.write_str("an answer for a token that may do everything does not fit into 8 KiB; it leaves out ")?;
                for (place, route) in routes.iter().enumerate() {
                    if place > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{route}")?;
                }
                if *more > 0 {
                    write!(f, " and {more} more")?;
                }
                Ok(())
            }
        }
    }
}

/// The mistakes with each way out that works for this table, which is tried.
pub(super) fn with_ways_out(routes: &Routes, mistakes: Vec<TableMistake>) -> Vec<TableMistake> {
    if routes.entries().len() > MAX_TRIED
        || !mistakes.iter().any(|mistake| matches!(mistake, TableMistake::Conflict { .. }))
    {
        return mistakes;
    }
    let starts = |entries: Vec<Route>, undeclared: Undeclared| {
        let routes = Routes::new(entries, undeclared).ok();
        routes.is_some_and(|routes| Plan::compile(&routes).is_ok_and(|(_, mistakes, _)| mistakes.is_empty()))
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
        let (Label::Entry { index: refused_index, .. }, true) = (refused, mistakes.len() <= 10) else {
            return Vec::new();
        };
        let needed = |index: usize| routes.entries().get(index).map(|entry| Arc::clone(&entry.need));
        let mut ways = Vec::new();
        // What is asked for in the middle has to follow from what is asked for around it.
        for around in [hit, allowed] {
            if let Label::Entry { index, .. } = around
                && index != refused_index
                && let Some((own, refused_need)) = needed(*index).zip(needed(*refused_index))
                && ways.is_empty()
            {
                let mut changed = entries();
                // The same parameter has to be there, too.
                let fits = |entry: &Route| {
                    let segments = entry.path.segments();
                    let parameter = |at: usize| matches!(segments.get(at), Some(Segment::Parameter(_)));
                    let mut claims = refused_need.any_of.iter().flat_map(|way| &way.claims);
                    claims.all(|claim| claim.positions().all(parameter))
                };
                if let Some(entry) = changed.get_mut(*index).filter(|entry| fits(entry)) {
                    entry.need = Arc::new(own.and(&refused_need));
                    if starts(changed, routes.undeclared()) {
                        ways.push(format!("let {around} also need what {refused} needs"));
                    }
                }
            }
        }
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
    let mistakes_with = |mistake: &TableMistake| match mistake {
        TableMistake::Conflict { allowed, refused, hit, undeclared, .. } => TableMistake::Conflict {
            allowed: allowed.clone(),
            refused: refused.clone(),
            hit: hit.clone(),
            undeclared: *undeclared,
            ways_out: general.iter().cloned().chain(of_conflict(allowed, refused, hit)).collect(),
        },
        TableMistake::TooLong => TableMistake::TooLong,
        TableMistake::TooTangled => TableMistake::TooTangled,
    };
    mistakes.iter().map(mistakes_with).collect()
}

/// What to know about a table that starts.
pub(super) fn warnings(plan: &Plan, routes: &Routes, found: Vec<Warning>) -> Vec<Warning> {
    let mut warnings = found;
    warnings.extend(refused_below(plan, routes));
    warnings.extend(left_out(plan, routes));
    warnings
}

fn label(routes: &Routes, index: usize, method: &'static str) -> Label {
    let path = routes.entries().get(index).map(|entry| entry.path.as_str().to_owned());
    path.map_or(Label::Undeclared, |path| Label::Entry { index, method, path })
}

/// The methods of specific paths that are decided by a less specific entry which asks for less.
pub(super) fn falls_through(routes: &Routes, ways: &[Arc<Vec<Way>>], entailment: &mut Entailment<'_>) -> Vec<Warning> {
    let asks_less = |wider: usize, narrower: usize| {
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
            Warning::FallsThrough { path: label(routes, first, name), methods, to: label(routes, to, by) }
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
fn refused_below(plan: &Plan, routes: &Routes) -> Option<Warning> {
    if plan.undeclared != Undeclared::Allow {
        return None;
    }
    let open = plan.class(UNDECLARED)?.1;
    let mut found = plan.tables.iter().flat_map(|table| {
        let method = table.methods.first().and_then(|method| METHODS.get(*method)).copied().unwrap_or("ANY");
        table.entries.iter().filter_map(move |place| {
            let (_, conditions) = plan.class(place.plain)?;
            let is_open = conditions.iter().any(|condition| open.contains(condition));
            let reaches = table.patterns.reach.get(place.node)?.binary_search(&UNDECLARED).is_ok();
            (reaches && !is_open).then(|| label(routes, place.entry, method))
        })
    });
    found.next().map(|path| Warning::RefusedBelow { path })
}

/// The routes that an answer for a token that may do everything leaves out.
fn left_out(plan: &Plan, routes: &Routes) -> Option<Warning> {
    // Then all that the token's methods reach is open to it.
    if plan.undeclared == Undeclared::Absent && plan.conditions.bound.is_empty() {
        return None;
    }
    let grants = Grants::everything(plan);
    let builder = || Builder::new(plan, &grants, TYPICAL_STAGE, FULL_ROOM, Paths::All, None);
    if builder().fits() {
        return None;
    }
    let draft = builder().build();
    if draft.left_out == 0 {
        return None;
    }
    let mut missing = Vec::new();
    for table in &plan.tables {
        for place in &table.entries {
            let Some(path) = sample(plan, routes, &grants, place.entry) else { continue };
            for method in table.methods.iter().filter_map(|method| METHODS.get(*method)) {
                let request = format!("{method}/{path}");
                let one_of = |resources: &[String]| resources.iter().any(|resource| matches(resource, &request));
                if !one_of(&draft.allow) || one_of(&draft.deny) {
                    missing.push(label(routes, place.entry, method));
                }
            }
        }
    }
    missing.sort_unstable();
    let more = missing.len().saturating_sub(MAX_NAMED);
    missing.truncate(MAX_NAMED);
    (!missing.is_empty()).then_some(Warning::LeftOut { routes: missing, more })
}

/// An ordinary path of an entry, with the token's text where a claim is compared with a parameter.
fn sample(plan: &Plan, routes: &Routes, grants: &Grants, entry: usize) -> Option<String> {
    let route = routes.entries().get(entry)?;
    let text = |position: usize| {
        let claims = route.need.any_of.iter().flat_map(|way| &way.claims).filter(|claim| claim.is_bound_at(position));
        let bound = claims.filter_map(|claim| plan.conditions.bound.iter().position(|known| *known == claim.claim));
        bound.filter_map(|claim| grants.texts.get(claim)).map(|text| text.text.clone()).next()
    };
    let segments = route.path.segments().iter().enumerate().map(|(position, segment)| match segment {
        Segment::Literal(text) => text.to_string(),
        Segment::Parameter(_) | Segment::Greedy(_) => text(position).unwrap_or_else(|| "any".to_owned()),
    });
    Some(segments.collect::<Vec<_>>().join("/"))
}
