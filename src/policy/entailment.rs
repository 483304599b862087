//! Which needs follow from which, as far as scopes and claims decide it.

use rustc_hash::FxHashMap;

use super::conditions::{Atom, AtomId, ClaimSet, ConditionId, Conditions};
use crate::claims::{Accepted, ClaimName};

/// Whether some token meets certain sets and not others, as far as scopes and claims decide it.
///
/// Every set of scopes and claim values is taken to be possible, for a claim may be an array; only `iss` is one string.
#[derive(Debug)]
pub(super) struct Entailment<'a> {
    conditions: &'a Conditions,
    /// By set, its atoms and all that they imply.
    closed: Vec<Vec<AtomId>>,
    exclusive: Vec<AtomId>,
    known: FxHashMap<(ConditionId, ClaimSet, [Option<usize>; 4]), bool>,
}

impl<'a> Entailment<'a> {
    pub(super) fn new(conditions: &'a Conditions) -> Self {
        let presences: Vec<(AtomId, &ClaimName)> = conditions
            .claim_atoms
            .iter()
            .filter_map(|atom| match conditions.atoms.get(*atom)? {
                Atom::Claim(name, Accepted::Present) => Some((*atom, name)),
                _ => None,
            })
            .collect();
        let close = |atoms: &Vec<AtomId>| {
            let mut all = atoms.clone();
            for atom in atoms {
                if let Some(Atom::Claim(name, _) | Atom::Text(name)) = conditions.atoms.get(*atom) {
                    all.extend(presences.iter().filter(|(_, present)| *present == name).map(|(atom, _)| *atom));
                }
            }
            all
        };
        let issuer = |atom: &&AtomId| {
            matches!(
                conditions.atoms.get(**atom),
                Some(Atom::Claim(ClaimName::Member(name), Accepted::Value(value))) if name == "iss" && value.is_string()
            )
        };
        Self {
            conditions,
            closed: conditions.sets.iter().map(close).collect(),
            exclusive: conditions.claim_atoms.iter().filter(issuer).copied().collect(),
            known: FxHashMap::default(),
        }
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
    pub(super) fn asks_less(&self, own: ConditionId, refused: &[ConditionId]) -> bool {
        !refused.contains(&own) && self.choose(self.closed.get(own).map_or(&[], Vec::as_slice), refused, &[])
    }

    fn choose(&self, atoms: &[AtomId], refused: &[ConditionId], hits: &[(usize, &[ConditionId])]) -> bool {
        let Some(((_, first), rest)) = hits.split_first() else {
            let issuers = self.exclusive.iter().filter(|atom| atoms.contains(atom)).count();
            return issuers <= 1 && !refused.iter().any(|set| self.is_met(*set, atoms));
        };
        first.iter().any(|set| {
            let more = self.closed.get(*set).map(Vec::as_slice).unwrap_or_default();
            self.choose(&[atoms, more].concat(), refused, rest)
        })
    }

    /// Of a set that is not known nothing is said to be met: then its route counts as refused, which asks for more Denies.
    fn is_met(&self, set: ConditionId, atoms: &[AtomId]) -> bool {
        self.conditions.sets.get(set).is_some_and(|asked| asked.iter().all(|atom| atoms.contains(atom)))
    }
}
