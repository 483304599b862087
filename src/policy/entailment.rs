//! Which needs follow from which, as far as scopes and claims decide it.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::claim_space::{ClaimSpace, is_one_string};
use super::conditions::{Atom, AtomId, ClaimSet, ConditionId, Conditions};
use crate::claims::{Accepted, ClaimName};
use crate::routes::path_texts;

/// The most items of claims that are looked at for a table: some seconds' work at the worst.
const MAX_STEPS: usize = 20_000_000;

/// Whether some token meets certain sets and not others, as far as scopes and claims decide it.
///
/// Every set of scopes is taken to be possible, and of claims what [`ClaimSpace`] does not exclude: a claim may be an array.
/// Different claims are taken to have nothing to do with each other. What is said to be possible and is not costs a table that
/// might start; the other way round a cached policy would refuse what the rules allow.
#[derive(Debug)]
pub(super) struct Entailment<'a> {
    conditions: &'a Conditions,
    /// By set, its atoms and all that each of them implies.
    closed: Vec<Vec<AtomId>>,
    /// The claims of which some atoms exclude others.
    spaces: Vec<ClaimSpace>,
    /// By atom, the spaces of claims that may meet atoms because they lack something: whoever lacks one atom there has another.
    two_sided: FxHashMap<AtomId, usize>,
    known: FxHashMap<(ConditionId, ClaimSet, [Option<usize>; 4]), bool>,
    steps: usize,
}

impl<'a> Entailment<'a> {
    pub(super) fn new(conditions: &'a Conditions) -> Self {
        let mut claims: BTreeMap<&ClaimName, Vec<(AtomId, &Atom)>> = BTreeMap::new();
        // Few of the atoms follow from others: which, by claim.
        let mut consequences: FxHashMap<&ClaimName, Vec<(AtomId, &Atom)>> = FxHashMap::default();
        for id in &conditions.claim_atoms {
            let Some(atom @ (Atom::Claim(name, _) | Atom::Text(name))) = conditions.atoms.get(*id) else { continue };
            claims.entry(name).or_default().push((*id, atom));
            if matches!(atom, Atom::Text(_) | Atom::Claim(_, Accepted::Present | Accepted::StartsWith(_))) {
                consequences.entry(name).or_default().push((*id, atom));
            }
        }
        let implied = |atom: &AtomId| -> Vec<AtomId> {
            let Some(found @ (Atom::Claim(name, _) | Atom::Text(name))) = conditions.atoms.get(*atom) else {
                return Vec::new();
            };
            let follows = |(id, other): &&(AtomId, &Atom)| id != atom && implies(found, other);
            consequences.get(name).into_iter().flatten().filter(follows).map(|(id, _)| *id).collect()
        };
        let close = |atoms: &Vec<AtomId>| atoms.iter().copied().chain(atoms.iter().flat_map(implied)).collect();
        let closed = conditions.sets.iter().map(close).collect();
        let mut spaces = Vec::new();
        let mut two_sided = FxHashMap::default();
        for (name, atoms) in &claims {
            // Such a claim may meet an atom because it lacks something.
            if atoms.iter().any(|(_, atom)| matches!(atom, Atom::Claim(_, Accepted::Absent | Accepted::NoneOf(_)))) {
                two_sided.extend(atoms.iter().map(|(id, _)| (*id, spaces.len())));
            } else if !is_one_string(name) {
                continue;
            }
            spaces.push(ClaimSpace::new(name, atoms));
        }
        Self { conditions, closed, spaces, two_sided, known: FxHashMap::default(), steps: 0 }
    }

    /// Whether it took so long that answers are no longer worked out.
    pub(super) fn is_exhausted(&self) -> bool {
        self.steps > MAX_STEPS
    }

    /// Whether some token that meets `own`, and has a text for each of the `held` claims, meets one set of each of `hits`
    /// (three at most) and none of `refused`.
    pub(super) fn possible(
        &mut self,
        own: ConditionId,
        held: ClaimSet,
        refused: (usize, &[ConditionId]),
        hits: &[(usize, &[ConditionId])],
    ) -> bool {
        if refused.1.contains(&own) {
            return false;
        }
        let mut classes = [Some(refused.0), None, None, None];
        for (slot, (class, _)) in classes.iter_mut().skip(1).zip(hits) {
            *slot = Some(*class);
        }
        let key = (own, held, classes);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let mut atoms: Vec<AtomId> = self.closed.get(own).cloned().unwrap_or_default();
        for bound in &self.conditions.bound {
            if held & bound.claim != 0 {
                let text = self.conditions.known_sets.get(&vec![bound.atom]);
                atoms.push(bound.atom);
                atoms.extend(text.and_then(|set| self.closed.get(*set)).into_iter().flatten());
            }
        }
        let answer = self.choose(&atoms, refused.1, hits);
        self.known.insert(key, answer);
        answer
    }

    /// Whether some token meets a set and none of others.
    pub(super) fn asks_less(&mut self, own: ConditionId, refused: &[ConditionId]) -> bool {
        let atoms = self.closed.get(own).cloned().unwrap_or_default();
        !refused.contains(&own) && self.choose(&atoms, refused, &[])
    }

    fn choose(&mut self, held: &[AtomId], refused: &[ConditionId], hits: &[(usize, &[ConditionId])]) -> bool {
        let Some(((_, first), rest)) = hits.split_first() else { return self.is_possible(held, refused) };
        first.iter().any(|set| {
            let more = self.closed.get(*set).map(Vec::as_slice).unwrap_or_default();
            let all = [held, more].concat();
            self.choose(&all, refused, rest)
        })
    }

    /// Whether some token has these atoms, with all that they imply, and lacks one of each refused set.
    fn is_possible(&mut self, held: &[AtomId], refused: &[ConditionId]) -> bool {
        for space in &self.spaces {
            self.steps = self.steps.saturating_add(space.len());
            if !space.is_possible(held, &[]) {
                return false;
            }
        }
        // A token that has nothing more than it must lacks all of the atoms that are one-sided and not implied.
        let lacks = |atom: &AtomId| !held.contains(atom) && !self.two_sided.contains_key(atom);
        // Of a set that is not known nothing is said to be met: then its route counts as refused, which asks for more Denies.
        let sets = refused.iter().filter_map(|set| self.conditions.sets.get(*set)).map(Vec::as_slice);
        let left: Vec<&[AtomId]> = sets.filter(|set| !set.iter().any(lacks)).collect();
        self.may_lack(held, &mut Vec::new(), &left)
    }

    /// Whether some token has the atoms `held`, none of `lacked`, and lacks one of each set.
    fn may_lack(&mut self, held: &[AtomId], lacked: &mut Vec<AtomId>, sets: &[&'a [AtomId]]) -> bool {
        let Some((set, rest)) = sets.split_first() else { return true };
        if set.iter().any(|atom| lacked.contains(atom)) {
            return self.may_lack(held, lacked, rest);
        }
        for atom in set.iter().filter(|atom| !held.contains(atom)) {
            let Some(space) = self.two_sided.get(atom).and_then(|space| self.spaces.get(*space)) else { continue };
            self.steps = self.steps.saturating_add(space.len());
            if self.is_exhausted() {
                return true;
            }
            lacked.push(*atom);
            if space.is_possible(held, lacked) && self.may_lack(held, lacked, rest) {
                return true;
            }
            lacked.pop();
        }
        false
    }
}

/// Whether each claim that meets an atom meets another one of the same claim, as far as one atom alone says it.
fn implies(atom: &Atom, other: &Atom) -> bool {
    match (atom, other) {
        (Atom::Claim(_, accepted), Atom::Claim(_, Accepted::Present)) => *accepted != Accepted::Absent,
        (Atom::Text(_), Atom::Claim(_, Accepted::Present)) => true,
        (Atom::Claim(_, Accepted::Value(value)), Atom::Claim(_, Accepted::StartsWith(start))) => {
            value.as_str().is_some_and(|text| text.starts_with(start))
        }
        (Atom::Claim(_, Accepted::StartsWith(longer)), Atom::Claim(_, Accepted::StartsWith(start))) => {
            longer.starts_with(start)
        }
        (Atom::Claim(_, Accepted::Value(value)), Atom::Text(_)) => path_texts(value).next().is_some(),
        _ => false,
    }
}
