//! What a route table alone says about its policies, worked out once.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::ambiguous::Letters;
use super::compile::Compiler;
use super::draft::json_bytes;
use super::memory::Memory;
use super::pattern::{MAX_PARTS, Part, Pattern, spell};
use super::refusal::{self, TableMistake, Warning};
use super::space::{Declared, Space};
use super::standings::NeedIndex;
use crate::routes::{METHODS, Need, Routes, Segment, Undeclared};

/// A route table, ready to become a policy for any token.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) undeclared: Undeclared,
    pub(super) space: Space,
    /// All literals of the table.
    pub(super) literals: FxHashSet<Arc<str>>,
    /// Those that differ; entries point to them.
    pub(super) needs: Vec<Arc<Need>>,
    pub(super) need_index: NeedIndex,
    /// In the order of the table.
    pub(super) paths: Vec<DeclaredPath>,
    /// By node of the trie, the place in `paths`.
    pub(super) by_node: Vec<Option<usize>>,
    /// By need, the places in `paths` where some method has it.
    pub(super) by_need: Vec<Vec<usize>>,
    pub(super) denies: Vec<Deny>,
    /// What lets all undeclared paths pass.
    pub(super) everything: Wildcard,
    pub(super) memory: Memory,
}

/// A path with its entries, whatever its parameters are called.
#[derive(Debug)]
pub(super) struct DeclaredPath {
    pub(super) node: Declared,
    /// By position in [`METHODS`].
    pub(super) needs: [Option<usize>; METHODS.len()],
    /// Parameters of both kinds as [`Part::Wild`].
    pub(super) pattern: Pattern,
    /// For a path without parameters, both of its spellings.
    pub(super) tails: Vec<Tail>,
    /// For one with parameters.
    pub(super) wildcard: Option<Wildcard>,
}

/// What follows the method and its slash in a Resource.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) text: String,
    pub(super) chars: usize,
    /// In JSON.
    pub(super) bytes: usize,
}

impl Tail {
    pub(super) fn new(text: String) -> Self {
        Self { chars: text.chars().count(), bytes: json_bytes(&text), text }
    }
}

/// Resources of an Allow that say too much, and what takes the rest back.
#[derive(Debug, Default)]
pub(super) struct Wildcard {
    pub(super) tails: Vec<Tail>,
    pub(super) cuts: Vec<Cut>,
    /// Of the literals that it could reach in disguise.
    pub(super) letters: Letters,
}

/// What has to be denied beside a wildcard where the paths of another winner are refused.
#[derive(Debug)]
pub(super) struct Cut {
    /// `None`: paths that nothing declares.
    pub(super) winner: Option<Declared>,
    pub(super) denies: Vec<usize>,
}

/// A Deny for one method at a time, or for all.
#[derive(Debug)]
pub(super) struct Deny {
    pub(super) pattern: Pattern,
    pub(super) tails: Vec<Tail>,
    /// All that `*/` before it would refuse, of which nothing may be allowed; `None` if it refuses too much.
    pub(super) freely: Option<Vec<Declared>>,
    /// The Denies that refuse all that this one does.
    pub(super) wider: Vec<usize>,
}

impl Plan {
    /// Compiles a table.
    ///
    /// # Errors
    /// Every pair of paths for which some token's policy could not be cached without refusing what the rules allow.
    pub(crate) fn new(routes: &Routes) -> Result<(Self, Vec<Warning>), Vec<TableMistake>> {
        let longest = routes.entries().iter().map(|entry| entry.path.segments().len()).max();
        if longest.is_some_and(|longest| longest > MAX_PARTS) {
            return Err(vec![TableMistake::TooLong]);
        }
        let space = Space::new(routes).map_err(|_| vec![TableMistake::TooTangled])?;
        let (plan, mistakes) = Self::compile(routes, space);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let warnings = refusal::warnings(routes, &plan);
        Ok((plan, warnings))
    }

    /// The plan of a table, and why it may not be used.
    pub(super) fn compile(routes: &Routes, space: Space) -> (Self, Vec<TableMistake>) {
        let (needs, paths, by_node) = declared(routes);
        let mut by_need = vec![Vec::new(); needs.len()];
        for (index, path) in paths.iter().enumerate() {
            for need in path.needs.iter().flatten() {
                if let Some(places) = by_need.get_mut(*need).filter(|places| places.last() != Some(&index)) {
                    places.push(index);
                }
            }
        }
        let plan = Self {
            undeclared: routes.undeclared(),
            space,
            literals: literals(routes),
            by_need,
            need_index: NeedIndex::new(&needs),
            needs,
            paths,
            by_node,
            denies: Vec::new(),
            everything: Wildcard::default(),
            memory: Memory::default(),
        };
        Compiler::new(plan).compile(routes)
    }

    /// What an Allow for a declared path says after the method, and what may have to be denied beside it.
    #[cfg(feature = "authz")]
    pub(crate) fn spelt(&self, place: usize) -> (Vec<&str>, Vec<&str>) {
        fn texts(tails: &[Tail]) -> Vec<&str> {
            tails.iter().map(|tail| tail.text.as_str()).collect()
        }
        let Some(path) = self.path(place) else {
            return (Vec::new(), Vec::new());
        };
        let Some(wildcard) = &path.wildcard else {
            return (texts(&path.tails), Vec::new());
        };
        let cuts = wildcard.cuts.iter().filter(|cut| !self.is_free(cut.winner));
        let denies = cuts.flat_map(|cut| &cut.denies).filter_map(|deny| self.denies.get(*deny));
        (texts(&wildcard.tails), denies.flat_map(|deny| texts(&deny.tails)).collect())
    }

    /// The declared path of a node.
    pub(super) fn path(&self, node: Declared) -> Option<&DeclaredPath> {
        let index = self.by_node.get(node).copied().flatten()?;
        self.paths.get(index)
    }

    /// Whether a wildcard needs no cut for these paths, whoever asks.
    pub(super) fn is_free(&self, winner: Option<Declared>) -> bool {
        winner.is_none() && self.undeclared != Undeclared::Deny
    }
}

/// The table's needs and paths.
fn declared(routes: &Routes) -> (Vec<Arc<Need>>, Vec<DeclaredPath>, Vec<Option<usize>>) {
    let mut needs: Vec<Arc<Need>> = Vec::new();
    let mut known: FxHashMap<&Arc<Need>, usize> = FxHashMap::default();
    known.reserve(routes.entries().len());
    let number = |need| {
        *known.entry(need).or_insert_with(|| {
            needs.push(Arc::clone(need));
            needs.len().saturating_sub(1)
        })
    };
    let numbers: Vec<usize> = routes.entries().iter().map(|entry| &entry.need).map(number).collect();
    let mut nodes: Vec<(usize, Declared)> = Vec::with_capacity(routes.nodes().len());
    for (index, node) in routes.nodes().iter().enumerate() {
        if let Some(first) = node.by_method.iter().flatten().chain(&node.any).min() {
            nodes.push((*first, index));
        }
    }
    nodes.sort_unstable();
    let mut by_node = vec![None; routes.nodes().len()];
    let mut paths = Vec::with_capacity(nodes.len());
    for (entry, node) in nodes {
        let (Some(entry), Some(place)) = (routes.entries().get(entry), routes.nodes().get(node)) else {
            continue;
        };
        if let Some(slot) = by_node.get_mut(node) {
            *slot = Some(paths.len());
        }
        let pattern: Pattern = entry.path.segments().iter().map(part).collect();
        let mut method = 0..METHODS.len();
        let need = || place.entry(method.next()?).and_then(|entry| numbers.get(entry).copied());
        paths.push(DeclaredPath {
            node,
            needs: [(); METHODS.len()].map({
                let mut need = need;
                move |()| need()
            }),
            tails: match pattern.contains(&Part::Wild) {
                true => Vec::new(),
                false => spell(&pattern).into_iter().map(Tail::new).collect(),
            },
            pattern,
            wildcard: None,
        });
    }
    (needs, paths, by_node)
}

fn part(segment: &Segment) -> Part {
    match segment {
        Segment::Literal(text) => Part::Text(Arc::clone(text)),
        Segment::Parameter(_) | Segment::Greedy(_) => Part::Wild,
    }
}

fn literals(routes: &Routes) -> FxHashSet<Arc<str>> {
    let segments = routes.entries().iter().flat_map(|entry| entry.path.segments());
    segments
        .filter_map(|segment| match segment {
            Segment::Literal(text) => Some(Arc::clone(text)),
            Segment::Parameter(_) | Segment::Greedy(_) => None,
        })
        .collect()
}
