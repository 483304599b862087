//! A policy in the making: what is in it, and how much room that leaves.

use super::MAX_RESOURCE_CHARS;
use super::ambiguous::{self, Encoded, Letters, percent_encoded};
use super::answer::Matter;
use super::pattern::{Part, Pattern, matches, spell};
use super::plan::{DeclaredPath, Tail, Wildcard};
use super::reach::reaches;
use super::space::Declared;
use super::standing::{Binding, Completeness, Standing, bind, is_bound};
use crate::routes::{METHODS, Undeclared};

/// What a document with one Allow and one Deny holds besides its Resources.
const FRAME_BYTES: usize = r#"{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":[],"Condition":{"DateLessThan":{"aws:CurrentTime":"9999-12-31T23:59:59Z"}}},{"Action":"execute-api:Invoke","Effect":"Deny","Resource":[]}]}"#.len();

/// How the token's texts are written into a path.
type Spelling = fn(&str) -> String;

/// Which wildcards to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    All,
    CoveringRequest,
}

/// What a policy will say, without the stage.
pub(super) struct Draft<'a> {
    matter: &'a Matter<'a>,
    encoded: Encoded,
    pub(super) allow: Vec<String>,
    /// By Deny of the plan, the methods that need it.
    deny: Vec<u8>,
    /// In the order in which they came.
    denied: Vec<usize>,
    /// Those of wildcards with the token's own texts in them.
    more_denies: Vec<String>,
    /// Of all wildcards; `None` if there is none.
    letters: Option<Letters>,
    /// The bytes of what these ask for.
    letters_bytes: usize,
    used: usize,
    pub(super) left_out: usize,
    /// By node, methods that are in already.
    done: Vec<u8>,
    /// Methods whose undeclared paths are in.
    everything: u8,
}

/// A set of one method.
pub(super) fn bit(method: usize) -> u8 {
    u32::try_from(method)
        .ok()
        .and_then(|method| 1_u8.checked_shl(method))
        .unwrap_or(0)
}

/// The bytes of a text in JSON, without its quotes.
pub(super) fn json_bytes(text: &str) -> usize {
    text.bytes().fold(text.len(), |sum, byte| {
        sum.saturating_add(match byte {
            b'"' | b'\\' => 1,
            0..0x20 => 5,
            _ => 0,
        })
    })
}

impl<'a> Draft<'a> {
    pub(super) fn new(matter: &'a Matter<'a>, encoded: Encoded) -> Self {
        let cut = |standing: &&Standing<'_>| matches!(standing, Standing::Bound(_, Completeness::Cut));
        Self {
            matter,
            encoded,
            allow: Vec::new(),
            deny: vec![0; matter.plan.denies.len()],
            denied: Vec::new(),
            more_denies: Vec::new(),
            letters: None,
            letters_bytes: 0,
            used: FRAME_BYTES,
            left_out: matter.standings.iter().filter(cut).count(),
            done: vec![0; matter.plan.by_node.len()],
            everything: 0,
        }
    }

    /// The request itself, for which there is room before anything else.
    pub(super) fn own(&mut self) {
        let Some(own) = &self.matter.own else { return };
        let bytes = match &own.resource {
            Some(resource) => self.bytes(resource),
            None if own.allowed => 0,
            None => self.bytes(&own.mask(self.matter.stage)),
        };
        self.used = self.used.saturating_add(bytes);
        if own.allowed && self.used <= self.matter.room {
            self.allow.extend(own.resource.clone());
        }
    }

    /// The bytes of a Resource after the stage, or too many if it is too long.
    fn bytes(&self, tail: &str) -> usize {
        self.bytes_of(0, tail.chars().count(), json_bytes(tail))
    }

    /// The same where a method and its slash come before.
    fn bytes_of(&self, before: usize, chars: usize, bytes: usize) -> usize {
        let chars = self.matter.stage_chars.saturating_add(before).saturating_add(chars);
        if chars > MAX_RESOURCE_CHARS {
            return usize::MAX;
        }
        // Two quotes and a comma.
        let around = self.matter.stage_bytes.saturating_add(before).saturating_add(3);
        bytes.saturating_add(around)
    }

    /// The bytes of a plan's Resources with this method.
    fn tails_bytes(&self, method: &str, tails: &[Tail]) -> usize {
        let before = method.len().saturating_add(1);
        tails.iter().fold(0, |sum, tail| {
            usize::saturating_add(sum, self.bytes_of(before, tail.chars, tail.bytes))
        })
    }

    fn fits(&self, used: usize) -> bool {
        used.saturating_add(self.letters_bytes) <= self.matter.room
    }

    fn leave_out(&mut self) {
        self.left_out = self.left_out.saturating_add(1);
    }

    /// Every path that is its own Resource.
    pub(super) fn literals(&mut self) {
        for path in &self.matter.plan.paths {
            for (method, name) in METHODS.iter().enumerate() {
                if self.everything & bit(method) != 0 {
                    continue;
                }
                if !path.tails.is_empty() && self.matter.whole(path.node, method) {
                    self.literal(name, &path.tails);
                }
                for binding in self.matter.bindings(path, method) {
                    for (pattern, _) in self.variants(&path.pattern, binding) {
                        if !pattern.contains(&Part::Wild) {
                            self.exact(name, &pattern);
                        }
                    }
                }
            }
        }
    }

    /// A declared path without parameters.
    fn literal(&mut self, method: &str, tails: &[Tail]) {
        let used = self.used.saturating_add(self.tails_bytes(method, tails));
        if self.fits(used) {
            self.used = used;
            for tail in tails {
                self.allow_once(format!("{method}/{}", tail.text));
            }
        } else {
            self.leave_out();
        }
    }

    fn allow_once(&mut self, resource: String) {
        let own = self.matter.own.as_ref().and_then(|own| own.resource.as_ref());
        // The request came first. Its bytes count twice then, which is less work than to find out before.
        if own != Some(&resource) || !self.allow.contains(&resource) {
            self.allow.push(resource);
        }
    }

    /// A path with the token's own texts in it: as they are, and as clients encode them where that is not refused anyway.
    fn variants(&self, path: &[Part], binding: &Binding<'_>) -> Vec<(Pattern, Spelling)> {
        let raw = bind(path, binding, str::to_owned);
        let encoded = bind(path, binding, percent_encoded);
        let hidden = || {
            let literals = &self.matter.plan.literals;
            binding.iter().any(|bound| literals.contains(bound.text))
        };
        if raw == encoded || self.encoded == Encoded::All || hidden() {
            return vec![(raw, str::to_owned)];
        }
        vec![(raw, str::to_owned), (encoded, percent_encoded)]
    }

    /// A path with the token's own texts, in both spellings, as far as the rules really allow it.
    fn exact(&mut self, method: &str, pattern: &[Part]) {
        let mut paths = spell(pattern);
        paths.retain(|path| (self.matter.permits)(method, path));
        let used = paths.iter().fold(self.used, |used, path| {
            let before = method.len().saturating_add(1);
            used.saturating_add(self.bytes_of(before, path.chars().count(), json_bytes(path)))
        });
        if self.fits(used) {
            self.used = used;
            for path in paths {
                self.allow_once(format!("{method}/{path}"));
            }
        } else {
            self.leave_out();
        }
    }

    /// `METHOD/*` with its cuts, where undeclared paths are allowed.
    pub(super) fn everything(&mut self) {
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
    pub(super) fn wildcards(&mut self, which: Which) {
        for path in &self.matter.plan.paths {
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
    fn wildcard(&mut self, wildcard: &Wildcard, method: usize) -> bool {
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
            self.allow.push(format!("{name}/{}", tail.text));
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
    fn is_covered(&self, deny: usize, methods: u8, coming: impl Fn(usize) -> bool) -> bool {
        let wider = self
            .matter
            .plan
            .denies
            .get(deny)
            .map(|deny| deny.wider.as_slice())
            .unwrap_or_default();
        wider
            .iter()
            .any(|wider| coming(*wider) || self.deny.get(*wider).is_some_and(|denied| denied & methods == methods))
    }

    /// A wildcard with the token's own texts in it.
    fn bound(&mut self, path: &DeclaredPath, method: usize, pattern: &Pattern, text: Spelling) {
        let plan = self.matter.plan;
        let name = METHODS.get(method).copied().unwrap_or_default();
        let own = |winner: Option<Declared>, found: &[Part]| match winner {
            Some(winner) if winner == path.node => {
                let mut bindings = self.matter.bindings(path, method).iter();
                bindings.any(|binding| is_bound(found, binding, text))
            }
            winner => !self.matter.refuses(winner, method, found),
        };
        let reaches = reaches(plan, std::slice::from_ref(pattern), own, |_, _| false);
        let patterns = reaches.iter().flat_map(|reach| &reach.patterns);
        let mut denies: Vec<String> = patterns
            .flat_map(|pattern| spell(pattern))
            .map(|path| format!("{name}/{path}"))
            .filter(|resource| !self.more_denies.contains(resource))
            .collect();
        denies.sort_unstable();
        denies.dedup();
        let allow: Vec<_> = spell(pattern).iter().map(|path| format!("{name}/{path}")).collect();
        let used = allow
            .iter()
            .chain(&denies)
            .fold(self.used, |used, resource| used.saturating_add(self.bytes(resource)));
        let mut letters = Letters::default();
        plan.space.hidden_literals(pattern, &mut |literal| letters.add(literal));
        if self.take(used, letters) {
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
            let own = self
                .matter
                .own
                .as_ref()
                .filter(|own| own.allowed && own.tail.contains('%'));
            if own.is_some_and(|own| denies.iter().any(|deny| matches(deny, own.tail))) {
                self.leave_out();
                return false;
            }
            letters_bytes = denies
                .iter()
                .fold(0, |sum, deny| usize::saturating_add(sum, self.bytes(deny)));
        }
        if used.saturating_add(letters_bytes) > self.matter.room {
            self.leave_out();
            return false;
        }
        self.used = used;
        self.letters = Some(all);
        self.letters_bytes = letters_bytes;
        true
    }

    /// The bytes of a Deny for these methods.
    fn deny_bytes(&self, deny: usize, methods: u8) -> usize {
        let tails = self.tails(deny);
        if methods.count_ones() > 1 && self.matter.freely(deny) {
            return self.tails_bytes("*", tails);
        }
        let names = METHODS
            .iter()
            .enumerate()
            .filter(|(method, _)| methods & bit(*method) != 0);
        names.fold(0, |sum, (_, name)| {
            usize::saturating_add(sum, self.tails_bytes(name, tails))
        })
    }

    /// A Deny for these methods: for one of them by name, for more with `*` where that hits nothing else.
    fn deny_resources(&self, deny: usize, methods: u8) -> Vec<String> {
        let tails = self.tails(deny).iter();
        if methods.count_ones() > 1 && self.matter.freely(deny) {
            return tails.map(|tail| format!("*/{}", tail.text)).collect();
        }
        let names = METHODS
            .iter()
            .enumerate()
            .filter(|(method, _)| methods & bit(*method) != 0);
        names
            .flat_map(|(_, name)| tails.clone().map(move |tail| format!("{name}/{}", tail.text)))
            .collect()
    }

    fn tails(&self, deny: usize) -> &[Tail] {
        let deny = self.matter.plan.denies.get(deny);
        deny.map(|deny| deny.tails.as_slice()).unwrap_or_default()
    }

    /// All that is denied but the request itself.
    pub(super) fn denies(&self) -> Vec<String> {
        let mut denies: Vec<_> = self
            .denied
            .iter()
            .map(|deny| (*deny, self.deny.get(*deny).copied().unwrap_or(0)))
            .filter(|(deny, methods)| !self.is_covered(*deny, *methods, |_| false))
            .flat_map(|(deny, methods)| self.deny_resources(deny, methods))
            .collect();
        denies.extend(self.more_denies.iter().cloned());
        if let Some(letters) = self.letters {
            denies.extend(ambiguous::denies(letters, self.encoded));
        }
        denies
    }

    /// How far it is from saying everything: the request counts for more than all the rest.
    pub(super) fn shortfall(&self) -> (usize, usize) {
        (usize::from(self.lacks_own()), self.left_out)
    }

    /// Whether the request is allowed and could not be said to be.
    pub(super) fn lacks_own(&self) -> bool {
        let own = self.matter.own.as_ref().filter(|own| own.allowed);
        own.is_some_and(|own| !self.allow.iter().any(|allow| matches(allow, own.tail)))
    }
}

/// Whether texts can stand in a path as they are: the rules call these ambiguous.
fn is_plain(binding: &Binding<'_>) -> bool {
    binding
        .iter()
        .all(|bound| !matches!(bound.text, "" | "." | "..") && !bound.text.contains('\\'))
}
