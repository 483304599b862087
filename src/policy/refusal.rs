//! Why a table may not start with cacheable policies, and what to know about one that may.

use std::collections::BTreeMap;
use std::fmt;

use super::plan::Plan;
use super::space::Declared;
use crate::routes::{METHODS, Routes, Segment, Undeclared};

/// The most findings that anybody reads.
const MAX_FINDINGS: usize = 100;

/// Why no cached policy of a table can be right for every token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TableMistake {
    /// A token may have `allowed` and `hit`, and not `refused`, which no IAM pattern keeps apart.
    Entangled { allowed: Label, refused: Label, hit: Label, undeclared: Undeclared },
    /// A path with more segments than a Resource has room for.
    TooLong,
    /// Literals and parameters overlap in more ways than can be told apart in time.
    TooTangled,
}

/// What to know about a table that starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Warning {
    /// A path without an entry for methods that a less specific path has.
    Hidden { path: Label, methods: Vec<&'static str>, by: Label },
    /// A token that may do everything gets an answer that leaves something out.
    TooLarge { routes: usize },
}

/// An entry of the table as a message names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Label {
    Entry {
        index: usize,
        method: &'static str,
        path: String,
    },
    /// What no entry declares.
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
        match self {
            Self::Entangled { allowed, refused, hit, undeclared } => {
                // Undeclared paths are let pass by that field alone.
                let left = match allowed {
                    Label::Undeclared => "`undeclared_routes` \"allow\"".to_owned(),
                    Label::Entry { .. } => allowed.to_string(),
                };
                if refused == hit {
                    write!(
                        f,
                        "{refused} is open to one token for some paths and closed for others, all of which {left} covers"
                    )?;
                } else {
                    write!(f, "{left} covers {refused}, and no IAM pattern refuses that without {hit}")?;
                }
                f.write_str(", so a cached policy would be wrong for some token: ")?;
                if *undeclared == Undeclared::Deny && *refused == Label::Undeclared {
                    f.write_str("set `undeclared_routes` to \"absent\" if the API has no other methods, ")?;
                }
                f.write_str(
                    "set `policy` to \"single_request\" with a gateway cache of 0 s, or give the paths another shape, such as \
                     /admin/{path+} for /admin/{id} beside /{proxy+}",
                )
            }
            Self::TooLong => f.write_str("a path has more segments than a policy can name"),
            Self::TooTangled => f.write_str(
                "literals and parameters overlap in too many ways, or over too many segments, for a cached policy: set \
                 `policy` to \"single_request\" with a gateway cache of 0 s, or give the paths fewer parameters beside \
                 literals, or fewer segments",
            ),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hidden { path, methods, by } => {
                write!(f, "{path} hides {by}, which is less specific, so {} is refused there", methods.join(" "))
            }
            Self::TooLarge { routes } => write!(
                f,
                "a policy for all {routes} routes does not fit into 8 KiB, so answers for tokens that may do the most leave \
                 some routes out"
            ),
        }
    }
}

/// An Allow and what it has to spare; `None` for what nothing declares.
type Pair = (Option<Declared>, Option<Declared>);

/// Where the promise of no false refusal cannot be kept: one finding for each pair.
#[derive(Debug, Default)]
pub(super) struct Promise {
    broken: BTreeMap<Pair, (usize, Option<Declared>)>,
}

impl Promise {
    /// Notes that what `refused` needs would hit `hit`.
    pub(super) fn broken(
        &mut self,
        method: usize,
        allowed: Option<Declared>,
        refused: Option<Declared>,
        hit: Option<Declared>,
    ) {
        self.broken.entry((allowed, refused)).or_insert((method, hit));
    }

    /// Whether more findings would help nobody.
    pub(super) fn is_hopeless(&self) -> bool {
        self.broken.len() > MAX_FINDINGS
    }

    /// The findings, in the words of the table.
    pub(super) fn mistakes(&self, routes: &Routes) -> Vec<TableMistake> {
        let mut mistakes: Vec<_> = self
            .broken
            .iter()
            .map(|((allowed, refused), (method, hit))| {
                let label =
                    |node: Option<Declared>| node.map_or(Label::Undeclared, |node| label(routes, node, *method));
                (label(*allowed), label(*refused), label(*hit))
            })
            .collect();
        mistakes.sort_unstable();
        mistakes
            .into_iter()
            .map(|(allowed, refused, hit)| TableMistake::Entangled {
                allowed,
                refused,
                hit,
                undeclared: routes.undeclared(),
            })
            .collect()
    }
}

/// The entry of a declared path for a method, or its first one if it has none.
fn label(routes: &Routes, node: Declared, method: usize) -> Label {
    let entry = || {
        let node = routes.nodes().get(node)?;
        let index = node.entry(method).or_else(|| first_entry(node))?;
        let path = routes.entries().get(index)?.path.as_str().to_owned();
        let method = METHODS.get(method)?;
        Some(Label::Entry { index, method, path })
    };
    entry().unwrap_or(Label::Undeclared)
}

fn first_entry(node: &crate::routes::Node) -> Option<usize> {
    node.by_method.iter().flatten().chain(&node.any).min().copied()
}

/// What to know about a table that starts.
pub(super) fn warnings(routes: &Routes, plan: &Plan) -> Vec<Warning> {
    let mut warnings = hidden(routes, plan);
    if !plan.fits() {
        warnings.push(Warning::TooLarge { routes: routes.entries().len() });
    }
    warnings
}

/// The paths that leave methods of less specific paths undeclared.
fn hidden(routes: &Routes, plan: &Plan) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for path in &plan.paths {
        let Some(place) = routes.nodes().get(path.node) else {
            continue;
        };
        let Some(first) = first_entry(place) else { continue };
        let Some(entry) = routes.entries().get(first) else {
            continue;
        };
        let own = (0..METHODS.len()).find(|method| place.entry(*method) == Some(first)).unwrap_or(0);
        let mut wider = Vec::new();
        covering(routes, 0, entry.path.segments(), &mut wider);
        for node in wider.into_iter().filter(|node| *node != path.node) {
            let Some(behind) = routes.nodes().get(node) else {
                continue;
            };
            let missing: Vec<_> = (0..METHODS.len())
                .filter(|method| behind.entry(*method).is_some() && place.entry(*method).is_none())
                .collect();
            if let Some(method) = missing.first() {
                warnings.push(Warning::Hidden {
                    path: label(routes, path.node, own),
                    methods: missing.iter().filter_map(|method| METHODS.get(*method).copied()).collect(),
                    by: label(routes, node, *method),
                });
            }
        }
    }
    warnings
}

/// The declared paths that would take all that another takes, if that were not more specific.
fn covering(routes: &Routes, place: Declared, segments: &[Segment], found: &mut Vec<Declared>) {
    let Some(node) = routes.nodes().get(place) else { return };
    let Some((first, rest)) = segments.split_first() else {
        found.extend(node.declared.then_some(place));
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
    found.extend(node.greedy);
}
