//! How a plan is made: the wildcards of a table, what cuts them back, and whether that leaves everybody their own.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::ambiguous::Letters;
use super::implied::{By, Implications, Question};
use super::pattern::{Part, Pattern, add_widest, spell, within};
use super::plan::{Cut, Deny, Plan, Tail, Wildcard};
use super::reach::{Hits, Reach, hits_of, reaches};
use super::refusal::{Promise, TableMistake};
use super::space::{Declared, Touched};
use crate::routes::{ClaimValue, METHODS, Need, Routes, Undeclared};

/// The most cells times Denies for which it is asked whether a Deny may leave its method out.
const MAX_FREE_QUESTIONS: usize = 2_000_000;
/// The most Denies that are compared with each other.
const MAX_COMPARED: usize = 2000;

/// A plan in the making.
pub(super) struct Compiler {
    implications: Implications,
    promise: Promise,
    interned: FxHashMap<Pattern, usize>,
    hits: FxHashMap<Pattern, Hits>,
    plan: Plan,
}

impl Compiler {
    pub(super) fn new(plan: Plan) -> Self {
        Self {
            implications: Implications::new(&plan.needs),
            promise: Promise::default(),
            interned: FxHashMap::default(),
            hits: FxHashMap::default(),
            plan,
        }
    }

    /// The plan, and what forbids it.
    pub(super) fn compile(mut self, routes: &Routes) -> (Plan, Vec<TableMistake>) {
        for index in 0..self.plan.paths.len() {
            self.path(index);
            if self.promise.is_hopeless() {
                break;
            }
            if self.plan.space.is_exhausted() {
                break;
            }
        }
        if self.plan.undeclared == Undeclared::Allow {
            self.everything();
        }
        self.free_denies();
        if self.plan.space.is_exhausted() {
            return (self.plan, vec![TableMistake::TooTangled]);
        }
        self.wider_denies();
        (self.plan, self.promise.mistakes(routes))
    }

    /// Finds the wildcard of a declared path, and whether it can be cut back.
    fn path(&mut self, index: usize) {
        let Some(path) = self.plan.paths.get(index) else { return };
        if !path.pattern.contains(&Part::Wild) {
            return;
        }
        let (node, pattern, needs) = (path.node, path.pattern.clone(), path.needs);
        // For `{name+}` this is not always the pattern itself: a path beside it may take what is short.
        let mut won = Vec::new();
        self.plan.space.meet(&pattern, &mut |touched| {
            if touched.winner == Some(node) {
                add_widest(&mut won, touched.pattern());
            }
        });
        let wildcard = self.wildcard(&won, |touched| touched.winner == Some(node));
        // With everything undeclared allowed, a path is part of that.
        if self.plan.undeclared != Undeclared::Allow {
            for (method, need) in needs.iter().enumerate() {
                if let Some(need) = need.filter(|need| self.implications.can(*need, By::AnyPath)) {
                    self.check(&wildcard.0, method, Some((node, need)), By::AnyPath);
                }
            }
            self.bound(node, &pattern, needs);
        }
        if let Some(path) = self.plan.paths.get_mut(index) {
            path.wildcard = Some(wildcard.1);
        }
    }

    /// The wildcard of these patterns, cut back to the paths that are its own.
    fn wildcard(&mut self, patterns: &[Pattern], own: impl Fn(&Touched<'_>) -> bool) -> (Vec<Reach>, Wildcard) {
        let Self { plan, hits, implications, .. } = self;
        let reaches = reaches(plan, &plan.space, patterns, own, |winner, wider| {
            let bound = |need: &Option<usize>| need.is_some_and(|need| implications.can(need, By::BoundPath));
            let path = winner.and_then(|winner| plan.path(winner));
            // Nothing else is hit, so nothing is lost, and the same Deny serves many.
            let same = |hit: &Option<Declared>| *hit == winner || hit.is_none() && plan.undeclared != Undeclared::Allow;
            !path.is_some_and(|path| path.needs.iter().any(bound)) && hits_of(hits, plan, wider).keys().all(same)
        });
        let mut letters = Letters::default();
        let cuts = reaches
            .iter()
            .map(|reach| Cut {
                winner: reach.winner,
                denies: reach.patterns.iter().map(|pattern| self.intern(pattern)).collect(),
            })
            .collect();
        for pattern in patterns {
            self.plan.space.hidden_literals(pattern, &mut |text| letters.add(text));
        }
        let tails = patterns.iter().flat_map(|pattern| spell(pattern)).map(Tail::new).collect();
        (reaches, Wildcard { tails, cuts, letters })
    }

    fn intern(&mut self, pattern: &Pattern) -> usize {
        let new = self.plan.denies.len();
        let index = *self.interned.entry(pattern.clone()).or_insert(new);
        if index == new {
            self.plan.denies.push(Deny {
                pattern: pattern.clone(),
                tails: spell(pattern).into_iter().map(Tail::new).collect(),
                freely: None,
                wider: Vec::new(),
            });
        }
        index
    }

    /// The wildcards that a token's own texts in the place of parameters would have: with a text that no path declares, and
    /// with each literal that a path declares there.
    fn bound(&mut self, node: Declared, pattern: &Pattern, needs: [Option<usize>; METHODS.len()]) {
        let nobody: Arc<str> = "\0".into();
        for (method, need) in needs.iter().enumerate() {
            let Some(need) = need.filter(|need| self.implications.can(*need, By::BoundPath)) else {
                continue;
            };
            for bound in self.plan.needs.get(need).map(|need| bindings(need)).unwrap_or_default() {
                let stands_in = |texts: &dyn Fn(usize) -> Arc<str>| -> Pattern {
                    let parts = pattern.iter().enumerate();
                    let part = |(position, part): (usize, &Part)| match bound.contains(&position) {
                        true => Part::Text(texts(position)),
                        false => part.clone(),
                    };
                    parts.map(part).collect()
                };
                let unknown = stands_in(&|_| Arc::clone(&nobody));
                if !unknown.contains(&Part::Wild) {
                    continue;
                }
                let mut variants = vec![unknown];
                for position in &bound {
                    let before = pattern.get(..*position).unwrap_or_default();
                    for literal in self.plan.space.literals_after(before) {
                        variants.push(stands_in(&|at| {
                            if at == *position { literal.into() } else { Arc::clone(&nobody) }
                        }));
                    }
                }
                for variant in variants {
                    let own = |touched: &Touched<'_>| {
                        let found = touched.pattern();
                        touched.winner == Some(node)
                            && bound.iter().all(|at| found.get(*at) == variant.get(*at))
                            // A text in the place of `{name+}` is all that is left.
                            && (found.len() == variant.len() || variant.last() == Some(&Part::Wild))
                    };
                    let reaches =
                        reaches(&self.plan, &self.plan.space, std::slice::from_ref(&variant), own, |_, _| false);
                    self.check(&reaches, method, Some((node, need)), By::BoundPath);
                }
            }
        }
    }

    /// The wildcard for all undeclared paths.
    fn everything(&mut self) {
        let (mut reaches, mut wildcard) = self.wildcard(&[vec![Part::Wild]], |touched| touched.winner.is_none());
        if self.plan.path(0).is_some() {
            let root = Pattern::new();
            wildcard.cuts.push(Cut { winner: Some(0), denies: vec![self.intern(&root)] });
            reaches.push(Reach { winner: Some(0), patterns: vec![root] });
        }
        wildcard.tails = vec![Tail::new("*".to_owned())];
        for method in 0..METHODS.len() {
            self.check(&reaches, method, None, By::AnyPath);
        }
        self.plan.everything = wildcard;
    }

    /// Notes where a Deny that a wildcard needs would refuse what some token may do.
    fn check(&mut self, reaches: &[Reach], method: usize, allowed: Option<(Declared, usize)>, by: By) {
        for reach in reaches {
            let refused = reach.winner.and_then(|winner| self.need(winner, method));
            let ask = |hit, hit_segments| Question {
                allowed: allowed.map(|(_, need)| need),
                allowed_by: by,
                refused,
                hit,
                hit_segments,
            };
            // Where no token needs the Deny it does not matter what it hits.
            if !self.implications.possible(ask(None, 0)) {
                continue;
            }
            // A path without wildcards hits nothing but itself, and a draft knows whether that is refused.
            for pattern in reach.patterns.iter().filter(|pattern| pattern.contains(&Part::Wild)) {
                for (hit, segments) in
                    hits_of(&mut self.hits, &self.plan, pattern).iter().map(|(hit, segments)| (*hit, *segments))
                {
                    let question = match hit {
                        None if self.plan.undeclared == Undeclared::Allow => ask(None, segments),
                        None => continue,
                        Some(hit) => match self.need(hit, method) {
                            Some(need) => ask(Some(need), segments),
                            None => continue,
                        },
                    };
                    if self.implications.possible(question) {
                        self.promise.broken(method, allowed.map(|(node, _)| node), reach.winner, hit);
                    }
                }
            }
        }
    }

    fn need(&self, node: Declared, method: usize) -> Option<usize> {
        self.plan.path(node)?.needs.get(method).copied().flatten()
    }

    /// Finds the Denies that make others superfluous.
    fn wider_denies(&mut self) {
        if self.plan.denies.len() > MAX_COMPARED {
            return;
        }
        let patterns: Vec<_> = self.plan.denies.iter().map(|deny| deny.pattern.clone()).collect();
        for (index, deny) in self.plan.denies.iter_mut().enumerate() {
            let others = patterns.iter().enumerate().filter(|(other, _)| *other != index);
            deny.wider = others.filter(|(_, wide)| within(&deny.pattern, wide)).map(|(other, _)| other).collect();
        }
    }

    /// Finds the Denies that may leave their method out: `*/` before a pattern also takes the pattern further inside a
    /// path.
    fn free_denies(&mut self) {
        if self.plan.denies.len().saturating_mul(self.plan.space.size()) > MAX_FREE_QUESTIONS {
            return;
        }
        let undeclared_may_go = self.plan.undeclared != Undeclared::Allow;
        for (pattern, index) in &self.interned {
            // `*/` alone would take every slash at an end.
            if pattern.is_empty() {
                continue;
            }
            let mut inside = vec![Part::Wild];
            inside.extend(pattern.iter().cloned());
            let hits = if undeclared_may_go {
                let mut hits = self.plan.space.declared(pattern);
                hits.append(&mut self.plan.space.declared(&inside));
                hits.into_iter().collect()
            } else {
                let mut hits: BTreeSet<_> = self.plan.space.winners(pattern).into_keys().collect();
                hits.extend(self.plan.space.winners(&inside).into_keys());
                match hits.into_iter().collect::<Option<_>>() {
                    Some(hits) => hits,
                    None => continue,
                }
            };
            if let Some(deny) = self.plan.denies.get_mut(*index) {
                deny.freely = Some(hits);
            }
        }
    }
}

/// The sets of positions at which a need may ask for a text in the path.
fn bindings(need: &Need) -> BTreeSet<BTreeSet<usize>> {
    let mut all = BTreeSet::new();
    for alternative in &need.any_of {
        let mut sets: BTreeSet<BTreeSet<usize>> = BTreeSet::from([BTreeSet::new()]);
        for claim in &alternative.claims {
            let mut longer = BTreeSet::new();
            for set in &sets {
                for value in &claim.values {
                    let mut set = set.clone();
                    if let ClaimValue::Parameter { position, .. } = value {
                        set.insert(*position);
                    }
                    longer.insert(set);
                }
            }
            sets = longer;
        }
        all.extend(sets.into_iter().filter(|set| !set.is_empty()));
    }
    all
}
