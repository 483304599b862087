//! What needs ask of a token, whatever the path: the atoms, and which sets of them a token meets.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::findings::TooTangled;
use super::sorted::sorted;
use crate::claims::{Accepted, ClaimName, Verified};
use crate::routes::{Alternative, ClaimValue, Need, path_texts};

/// The most ways to meet one need. Each is a set of scopes, claim values and texts in the path.
const MAX_WAYS: usize = 256;
/// Claims that are compared with path parameters, one bit each: a table may have 32 of them.
pub(super) type ClaimSet = u32;
/// A set of atoms that some need asks for.
pub(super) type ConditionId = usize;
pub(super) type AtomId = usize;

/// One thing that a need asks of a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Atom {
    Scope(Arc<str>),
    Claim(ClaimName, Accepted),
    /// The claim has a text that can stand in a path.
    Text(ClaimName),
}

/// A claim that has to equal the path's segment at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) position: usize,
    /// For `{name+}`: holds only where the path ends with this segment.
    pub(super) last: bool,
    /// One claim.
    pub(super) claim: ClaimSet,
}

/// A claim that is compared with path parameters.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) name: ClaimName,
    /// Itself alone.
    pub(super) claim: ClaimSet,
    /// That it has a text.
    pub(super) atom: AtomId,
}

/// The atoms and marks of one way.
type Asked = (Vec<AtomId>, Vec<Mark>);

/// One way to meet a need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) condition: ConditionId,
    /// In order, each once.
    pub(super) marks: Vec<Mark>,
}

/// All that the needs of a table ask of a token.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    pub(super) atoms: Vec<Atom>,
    pub(super) sets: Vec<Vec<AtomId>>,
    /// By atom, the sets that ask for it.
    by_atom: Vec<Vec<ConditionId>>,
    by_scope: FxHashMap<Arc<str>, AtomId>,
    /// The atoms that are not scopes.
    pub(super) claim_atoms: Vec<AtomId>,
    /// The sets that ask for nothing.
    always: Vec<ConditionId>,
    /// The claims that are compared with path parameters.
    pub(super) bound: Vec<Bound>,
    known_atoms: FxHashMap<Atom, AtomId>,
    pub(super) known_sets: FxHashMap<Vec<AtomId>, ConditionId>,
}

impl Conditions {
    /// The ways to meet a need.
    ///
    /// # Errors
    /// [`TooTangled`] if there are more than anybody means.
    pub(super) fn ways(&mut self, need: &Need) -> Result<Vec<Way>, TooTangled> {
        if need.any_of.is_empty() {
            let condition = self.set(Vec::new());
            return Ok(vec![Way { condition, marks: Vec::new() }]);
        }
        let mut ways: Vec<Asked> = Vec::new();
        for alternative in &need.any_of {
            ways.extend(self.alternative(alternative)?);
            if ways.len() > MAX_WAYS {
                return Err(TooTangled);
            }
        }
        let minimal = |(atoms, marks): &&Asked| {
            !ways.iter().any(|(fewer, where_)| {
                let smaller = fewer.len() < atoms.len() || where_.len() < marks.len();
                smaller
                    && fewer.iter().all(|atom| atoms.contains(atom))
                    && where_.iter().all(|mark| marks.contains(mark))
            })
        };
        let kept = sorted(ways.iter().filter(minimal).cloned());
        Ok(kept.into_iter().map(|(atoms, marks)| Way { condition: self.set(atoms), marks }).collect())
    }

    fn alternative(&mut self, alternative: &Alternative) -> Result<Vec<Asked>, TooTangled> {
        let mut scope = |scope: &Arc<str>| self.atom(Atom::Scope(Arc::clone(scope)));
        let mut ways: Vec<Asked> =
            alternative.scopes.iter().map(|all| (all.iter().map(&mut scope).collect(), Vec::new())).collect();
        if ways.is_empty() {
            ways.push(Asked::default());
        }
        for need in &alternative.claims {
            let mut longer = Vec::new();
            for value in &need.values {
                let (atom, mark) = match value {
                    ClaimValue::Fixed(accepted) => (Atom::Claim(need.claim.clone(), accepted.clone()), None),
                    ClaimValue::Parameter { position, last } => {
                        let claim = self.bound_claim(&need.claim)?;
                        (Atom::Text(need.claim.clone()), Some(Mark { position: *position, last: *last, claim }))
                    }
                };
                let atom = self.atom(atom);
                for (atoms, marks) in &ways {
                    let (mut atoms, mut marks) = (atoms.clone(), marks.clone());
                    atoms.push(atom);
                    marks.extend(mark);
                    longer.push((atoms, marks));
                }
            }
            ways = longer;
            if ways.len() > MAX_WAYS {
                return Err(TooTangled);
            }
        }
        Ok(ways.into_iter().map(|(atoms, marks)| (sorted(atoms), sorted(marks))).collect())
    }

    fn bound_claim(&mut self, claim: &ClaimName) -> Result<ClaimSet, TooTangled> {
        if let Some(known) = self.bound.iter().find(|known| known.name == *claim) {
            return Ok(known.claim);
        }
        let bit =
            u32::try_from(self.bound.len()).ok().and_then(|number| 1_u32.checked_shl(number)).ok_or(TooTangled)?;
        let atom = self.atom(Atom::Text(claim.clone()));
        self.bound.push(Bound { name: claim.clone(), claim: bit, atom });
        Ok(bit)
    }

    fn atom(&mut self, atom: Atom) -> AtomId {
        if let Some(known) = self.known_atoms.get(&atom) {
            return *known;
        }
        let id = self.atoms.len();
        match &atom {
            Atom::Scope(scope) => {
                self.by_scope.insert(Arc::clone(scope), id);
            }
            Atom::Claim(..) | Atom::Text(_) => self.claim_atoms.push(id),
        }
        self.known_atoms.insert(atom.clone(), id);
        self.atoms.push(atom);
        self.by_atom.push(Vec::new());
        id
    }

    /// The set of these atoms, which are in order.
    fn set(&mut self, atoms: Vec<AtomId>) -> ConditionId {
        if let Some(known) = self.known_sets.get(&atoms) {
            return *known;
        }
        let id = self.sets.len();
        if atoms.is_empty() {
            self.always.push(id);
        }
        for atom in &atoms {
            if let Some(asking) = self.by_atom.get_mut(*atom) {
                asking.push(id);
            }
        }
        self.known_sets.insert(atoms.clone(), id);
        self.sets.push(atoms);
        id
    }

    /// How many sets there are.
    pub(super) fn len(&self) -> usize {
        self.sets.len()
    }

    /// Drops what only compiling needs.
    pub(super) fn seal(&mut self) {
        self.known_atoms = FxHashMap::default();
        self.known_sets = FxHashMap::default();
    }

    /// The sets that a token meets, in order.
    pub(super) fn met(&self, token: &Verified) -> Vec<ConditionId> {
        let mut missing: FxHashMap<ConditionId, usize> = FxHashMap::default();
        let mut met = self.always.clone();
        let mut holds = |atom: AtomId| {
            for set in self.by_atom.get(atom).into_iter().flatten() {
                let size = self.sets.get(*set).map_or(usize::MAX, Vec::len);
                let left = missing.entry(*set).or_insert(size);
                *left = left.saturating_sub(1);
                if *left == 0 {
                    met.push(*set);
                }
            }
        };
        let mut before = None;
        for scope in token.scopes() {
            // A token may name a scope twice; its scopes are sorted.
            if before != Some(scope)
                && let Some(atom) = self.by_scope.get(scope.as_str())
            {
                holds(*atom);
            }
            before = Some(scope);
        }
        for atom in &self.claim_atoms {
            let held = match self.atoms.get(*atom) {
                Some(Atom::Claim(name, accepted)) => accepted.fits(name.of(token.claims())),
                Some(Atom::Text(name)) => {
                    name.of(token.claims()).is_some_and(|claim| path_texts(claim).next().is_some())
                }
                Some(Atom::Scope(_)) | None => false,
            };
            if held {
                holds(*atom);
            }
        }
        met.sort_unstable();
        met
    }
}
