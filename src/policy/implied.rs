//! Which needs a token can meet without meeting another: what the table says before there is a token.

use std::cell::RefCell;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::claims::{Accepted, ClaimName};
use crate::routes::{Alternative, ClaimValue, Need};

/// The most ways to meet one need that are looked at. A decision does not rest on them, only whether a table may start.
const MAX_WAYS: usize = 256;

/// One way to meet a need: these scopes and claim values, and perhaps a text in the path.
#[derive(Clone, Debug, Default)]
struct Way {
    /// In order, each once.
    atoms: Vec<usize>,
    bound: bool,
    /// The number of segments, if a text in the place of `{name+}` settles it.
    segments: Option<usize>,
}

impl Way {
    fn add(&mut self, atom: usize) {
        if let Err(place) = self.atoms.binary_search(&atom) {
            self.atoms.insert(place, atom);
        }
    }

    fn has(&self, atom: usize) -> bool {
        self.atoms.binary_search(&atom).is_ok()
    }
}

/// All needs of a table, each as its ways.
#[derive(Debug)]
pub(crate) struct Implications {
    ways: Vec<Vec<Way>>,
    /// The atoms of which a token has one at most: `iss` is one string, for it picked the issuer.
    exclusive: Vec<usize>,
    known: RefCell<FxHashMap<Question, bool>>,
}

/// Whether some token is let through by `allowed`, not by `refused`, and at least on some path by `hit`. `None` for the
/// first and the last is no need at all, for the second one that nothing meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) allowed: Option<usize>,
    pub(crate) allowed_by: By,
    pub(crate) refused: Option<usize>,
    pub(crate) hit: Option<usize>,
    /// The fewest segments of the paths that are hit.
    pub(crate) hit_segments: usize,
}

/// By which of the ways of a need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum By {
    /// Those that hold for every path.
    AnyPath,
    /// Those that ask for a text in the path.
    BoundPath,
}

impl Implications {
    pub(crate) fn new(needs: &[Arc<Need>]) -> Self {
        let mut atoms = Atoms::default();
        atoms.reserve(needs.len());
        Self {
            ways: needs.iter().map(|need| ways(need, &mut atoms)).collect(),
            exclusive: atoms
                .iter()
                .filter(|(atom, _)| matches!(atom, Atom::Claim(ClaimName::Member(name), value) if name == "iss" && matches!(value, Accepted::Value(value) if value.is_string())))
                .map(|(_, number)| *number)
                .collect(),
            known: RefCell::default(),
        }
    }

    /// Whether a need can be met by ways of this kind.
    pub(crate) fn can(&self, need: usize, by: By) -> bool {
        let ways = self.ways.get(need).map(Vec::as_slice).unwrap_or_default();
        ways.iter().any(|way| way.bound == (by == By::BoundPath))
    }

    /// Answers a question. Every set of scopes and claim values is taken to be possible, for a claim may be an array.
    pub(crate) fn possible(&self, question: Question) -> bool {
        if let Some(known) = self.known.borrow().get(&question) {
            return *known;
        }
        let answer = self.answer(question);
        self.known.borrow_mut().insert(question, answer);
        answer
    }

    fn answer(&self, question: Question) -> bool {
        let free = [Way::default()];
        let of = |need: Option<usize>| match need {
            Some(need) => self.ways.get(need).map(Vec::as_slice).unwrap_or_default(),
            None => &free[..],
        };
        let refusing = question.refused.map(|need| of(Some(need))).unwrap_or_default();
        let reachable = |hit: &&Way| hit.segments.is_none_or(|segments| question.hit_segments <= segments);
        let bound = question.allowed_by == By::BoundPath;
        let both = |allowed: &Way, hit: &Way| {
            let has = |atom: &usize| allowed.has(*atom) || hit.has(*atom);
            let met = |way: &Way| !way.bound && way.atoms.iter().all(has);
            self.exclusive.iter().filter(|atom| has(atom)).count() <= 1 && !refusing.iter().any(met)
        };
        of(question.allowed)
            .iter()
            .filter(|way| way.bound == bound)
            .any(|allowed| of(question.hit).iter().filter(reachable).any(|hit| both(allowed, hit)))
    }
}

/// A scope, or a claim with a value.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Atom<'a> {
    Scope(&'a str),
    Claim(&'a ClaimName, &'a Accepted),
}

type Atoms<'a> = FxHashMap<Atom<'a>, usize>;

fn number<'a>(atoms: &mut Atoms<'a>, atom: Atom<'a>) -> usize {
    let new = atoms.len();
    *atoms.entry(atom).or_insert(new)
}

/// The ways to meet a need.
fn ways<'a>(need: &'a Need, atoms: &mut Atoms<'a>) -> Vec<Way> {
    if need.any_of.is_empty() {
        return vec![Way::default()];
    }
    need.any_of.iter().flat_map(|alternative| alternative_ways(alternative, atoms)).take(MAX_WAYS).collect()
}

fn alternative_ways<'a>(alternative: &'a Alternative, atoms: &mut Atoms<'a>) -> Vec<Way> {
    let mut ways: Vec<Way> = alternative
        .scopes
        .iter()
        .map(|entry| {
            let mut way = Way::default();
            entry.iter().for_each(|scope| way.add(number(atoms, Atom::Scope(scope))));
            way
        })
        .collect();
    if alternative.scopes.is_empty() {
        ways.push(Way::default());
    }
    for claim in &alternative.claims {
        let mut longer = Vec::new();
        for value in &claim.values {
            let atom = match value {
                ClaimValue::Fixed(value) => Some(number(atoms, Atom::Claim(&claim.claim, value))),
                ClaimValue::Parameter { .. } => None,
            };
            for way in &ways {
                let mut way = way.clone();
                if let ClaimValue::Parameter { position, last } = value {
                    way.bound = true;
                    if *last {
                        way.segments = Some(position.saturating_add(1));
                    }
                }
                atom.into_iter().for_each(|atom| way.add(atom));
                longer.push(way);
            }
        }
        longer.truncate(MAX_WAYS);
        ways = longer;
    }
    ways
}
