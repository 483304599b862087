//! The wildcards of a draft, each with every Deny that it needs, or not at all.

use super::{Draft, Spelling, Which, bit};
use crate::policy::ambiguous::{self, Letters};
use crate::policy::named::Named;
use crate::policy::pattern::{Part, Pattern, matches, spell};
use crate::policy::plan::{DeclaredPath, Wildcard};
use crate::policy::reach::reaches;
use crate::policy::space::Touched;
use crate::policy::standing::{Binding, is_bound};
use crate::routes::{METHODS, Undeclared};

impl<'a> Draft<'a> {
    /// `METHOD/*` with its cuts, where undeclared paths are allowed.
    pub(in crate::policy) fn everything(&mut self) {
        if self.matter.plan.undeclared != Undeclared::Allow {
            return;
        }
        for method in 0..METHODS.len() {
            if self.everything & bit(method) == 0 && self.wildcard(&self.matter.plan.everything, method) {
                self.everything |= bit(method);
            }
        }
    }

    /// Every path with parameters; or, first of all, those that a request needs which is too long to be named.
    pub(in crate::policy) fn wildcards(&mut self, which: Which) {
        for path in self.matter.open() {
            let Some(wildcard) = &path.wildcard else { continue };
            for (method, name) in METHODS.iter().enumerate() {
                let done = self.done.get(path.node).is_some_and(|done| done & bit(method) != 0);
                if done || self.everything & bit(method) != 0 {
                    continue;
                }
                if self.matter.whole(path.node, method) {
                    let covers = || wildcard.tails.iter().any(|tail| self.matter.is_own(name, &tail.text));
                    if (which == Which::All || covers())
                        && self.wildcard(wildcard, method)
                        && let Some(done) = self.done.get_mut(path.node)
                    {
                        *done |= bit(method);
                    }
                }
                for binding in self.matter.bindings(path, method) {
                    for (pattern, text) in self.variants(&path.pattern, binding) {
                        let covers = || spell(&pattern).iter().any(|tail| self.matter.is_own(name, tail));
                        if pattern.contains(&Part::Wild) && is_plain(binding) && (which == Which::All || covers()) {
                            self.bound(path, method, &pattern, text);
                        }
                    }
                }
            }
        }
    }

    /// A wildcard of the table with the Denies that this token needs; `false` if it does not fit.
    fn wildcard(&mut self, wildcard: &'a Wildcard, method: usize) -> bool {
        let name = METHODS.get(method).copied().unwrap_or_default();
        let mut used = self.used.saturating_add(self.tails_bytes(name, &wildcard.tails));
        if !self.fits(used) {
            self.leave_out();
            return false;
        }
        let mut denies: Vec<usize> = Vec::new();
        for cut in &wildcard.cuts {
            if cut.winner.is_some_and(|winner| self.matter.whole(winner, method)) {
                continue;
            }
            denies.extend(cut.denies.iter().filter(|deny| {
                let new = self.deny.get(**deny).is_some_and(|methods| methods & bit(method) == 0);
                let deny = self.matter.plan.denies.get(**deny);
                new && deny.is_some_and(|deny| self.matter.refuses(cut.winner, method, &deny.pattern))
            }));
        }
        denies.sort_unstable();
        denies.dedup();
        let all = denies.clone();
        denies.retain(|deny| !self.is_covered(*deny, bit(method), |wider| all.binary_search(&wider).is_ok()));
        for deny in &denies {
            let before = self.deny.get(*deny).copied().unwrap_or(0);
            used = used
                .saturating_sub(self.deny_bytes(*deny, before))
                .saturating_add(self.deny_bytes(*deny, before | bit(method)));
        }
        if !self.take(used, wildcard.letters) {
            return false;
        }
        for tail in &wildcard.tails {
            self.allow.push(Named::new(name, &*tail.text));
        }
        for deny in denies {
            if let Some(methods) = self.deny.get_mut(deny) {
                if *methods == 0 {
                    self.denied.push(deny);
                }
                *methods |= bit(method);
            }
        }
        true
    }

    /// Whether wider Denies refuse what this one does, for these methods; some may be about to come.
    pub(super) fn is_covered(&self, deny: usize, methods: u8, coming: impl Fn(usize) -> bool) -> bool {
        let wider = self.matter.plan.denies.get(deny).map(|deny| deny.wider.as_slice()).unwrap_or_default();
        wider
            .iter()
            .any(|wider| coming(*wider) || self.deny.get(*wider).is_some_and(|denied| denied & methods == methods))
    }

    /// A wildcard with the token's own texts in it.
    fn bound(&mut self, path: &DeclaredPath, method: usize, pattern: &Pattern, text: Spelling) {
        let plan = self.matter.plan;
        let name = METHODS.get(method).copied().unwrap_or_default();
        let allow: Vec<_> = spell(pattern).into_iter().map(|path| Named::new(name, path)).collect();
        let used = allow.iter().fold(self.used, |used, resource| used.saturating_add(self.bytes(&resource.after(""))));
        // Only what has room is worth a walk.
        if !self.fits(used) {
            self.leave_out();
            return;
        }
        let own = |touched: &Touched<'_>| match touched.winner {
            Some(winner) if winner == path.node => {
                let mut bindings = self.matter.bindings(path, method).iter();
                bindings.any(|binding| is_bound(&touched.pattern(), binding, text))
            }
            winner => !self.matter.refuses(winner, method, &touched.pattern()),
        };
        let space = &self.matter.space;
        let reaches = reaches(plan, space, std::slice::from_ref(pattern), own, |_, _| false);
        let patterns = reaches.iter().flat_map(|reach| &reach.patterns);
        let mut denies: Vec<_> = patterns
            .flat_map(|pattern| spell(pattern))
            .map(|path| Named::new(name, path))
            .filter(|resource| !self.more_denies.contains(resource))
            .collect();
        denies.sort_unstable();
        denies.dedup();
        let used = denies.iter().fold(used, |used, resource| used.saturating_add(self.bytes(&resource.after(""))));
        let mut letters = Letters::default();
        space.hidden_literals(pattern, &mut |literal| letters.add(literal));
        // What was not walked to its end may lack a Deny.
        if space.is_exhausted() {
            self.leave_out();
        } else if self.take(used, letters) {
            self.allow.extend(allow);
            self.more_denies.extend(denies);
        }
    }

    /// Makes room for a wildcard, if there is any and the request does not speak against it.
    fn take(&mut self, used: usize, letters: Letters) -> bool {
        let all = letters.and(self.letters.unwrap_or_default());
        let mut letters_bytes = self.letters_bytes;
        if self.letters != Some(all) {
            let denies = ambiguous::denies(all, self.encoded);
            // It may be a path that the rules allow as it is encoded.
            let own = self.matter.own.as_ref().filter(|own| own.allowed && own.tail.contains('%'));
            if own.is_some_and(|own| denies.iter().any(|deny| matches(deny.chars(), own.tail))) {
                self.leave_out();
                return false;
            }
            letters_bytes = denies.iter().fold(0, |sum, deny| usize::saturating_add(sum, self.bytes(deny)));
        }
        if !self.limits.fit(used.saturating_add(letters_bytes), self.matter.room) {
            self.leave_out();
            return false;
        }
        self.used = used;
        self.letters = Some(all);
        self.letters_bytes = letters_bytes;
        true
    }
}

/// Whether texts can stand in a path as they are: the rules call these ambiguous.
fn is_plain(binding: &Binding<'_>) -> bool {
    binding.iter().all(|bound| !matches!(bound.text, "" | "." | "..") && !bound.text.contains('\\'))
}
