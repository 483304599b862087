//! A policy in the making: what is in it, and how much room that leaves.

mod wildcards;

use super::MAX_RESOURCE_CHARS;
use super::ambiguous::{self, Encoded, Letters, percent_encoded};
use super::matter::Matter;
use super::memory::Limits;
use super::named::Named;
use super::pattern::{Part, Pattern, spell};
use super::plan::Tail;
use super::standing::{Binding, bind};
use crate::routes::METHODS;

/// What a document with one Allow and one Deny holds besides its Resources.
pub(super) const FRAME_BYTES: usize = r#"{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":[],"Condition":{"DateLessThan":{"aws:CurrentTime":"9999-12-31T23:59:59Z"}}},{"Action":"execute-api:Invoke","Effect":"Deny","Resource":[]}]}"#.len();

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
    /// Whether the request itself is allowed, which is not in `allow`.
    pub(super) allows_own: bool,
    pub(super) allow: Vec<Named<'a>>,
    /// By Deny of the plan, the methods that need it.
    deny: Vec<u8>,
    /// In the order in which they came.
    denied: Vec<usize>,
    /// Those of wildcards with the token's own texts in them.
    more_denies: Vec<Named<'a>>,
    /// Of all wildcards; `None` if there is none.
    letters: Option<Letters>,
    /// The bytes of what these ask for.
    letters_bytes: usize,
    used: usize,
    pub(super) limits: Limits,
    pub(super) left_out: usize,
    /// By node, methods that are in already.
    done: Vec<u8>,
    /// Methods whose undeclared paths are in.
    everything: u8,
}

/// A set of one method.
pub(super) fn bit(method: usize) -> u8 {
    u32::try_from(method).ok().and_then(|method| 1_u8.checked_shl(method)).unwrap_or(0)
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

/// The bytes of a Resource in a list: two quotes and a comma, the stage, and what comes after that.
fn written_bytes(stage: usize, tail: usize) -> usize {
    stage.saturating_add(3).saturating_add(tail)
}

/// The bytes of a Resource that is not too long.
pub(super) fn resource_bytes(stage: usize, tail: &str) -> usize {
    written_bytes(stage, json_bytes(tail))
}

impl<'a> Draft<'a> {
    pub(super) fn new(matter: &'a Matter<'a>, encoded: Encoded) -> Self {
        Self {
            matter,
            encoded,
            allows_own: false,
            // Two methods of each path, in two spellings, or as much as an answer holds.
            allow: Vec::with_capacity(matter.open.len().saturating_mul(4).min(128)),
            deny: vec![0; matter.plan.denies.len()],
            denied: Vec::new(),
            more_denies: Vec::new(),
            letters: None,
            letters_bytes: 0,
            used: FRAME_BYTES,
            limits: Limits::NONE,
            left_out: matter.standings.cut(),
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
        let fits = self.limits.fit(self.used, self.matter.room);
        self.allows_own = fits && own.allowed && own.resource.is_some();
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
        written_bytes(self.matter.stage_bytes, before.saturating_add(bytes))
    }

    /// The bytes of a plan's Resources with this method.
    fn tails_bytes(&self, method: &str, tails: &[Tail]) -> usize {
        let before = method.len().saturating_add(1);
        tails.iter().fold(0, |sum, tail| usize::saturating_add(sum, self.bytes_of(before, tail.chars, tail.bytes)))
    }

    fn fits(&mut self, used: usize) -> bool {
        self.limits.fit(used.saturating_add(self.letters_bytes), self.matter.room)
    }

    fn leave_out(&mut self) {
        self.left_out = self.left_out.saturating_add(1);
    }

    /// Every path that is its own Resource.
    pub(super) fn literals(&mut self) {
        for path in self.matter.open() {
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
    fn literal(&mut self, method: &'static str, tails: &'a [Tail]) {
        let used = self.used.saturating_add(self.tails_bytes(method, tails));
        if self.fits(used) {
            self.used = used;
            // One of them may be the request's own, whose bytes count twice then: to find out before is more work.
            self.allow.extend(tails.iter().map(|tail| Named::new(method, &*tail.text)));
        } else {
            self.leave_out();
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
    fn exact(&mut self, method: &'static str, pattern: &[Part]) {
        let mut paths = spell(pattern);
        paths.retain(|path| (self.matter.permits)(method, path));
        let used = paths.iter().fold(self.used, |used, path| {
            let before = method.len().saturating_add(1);
            used.saturating_add(self.bytes_of(before, path.chars().count(), json_bytes(path)))
        });
        if self.fits(used) {
            self.used = used;
            self.allow.extend(paths.into_iter().map(|path| Named::new(method, path)));
        } else {
            self.leave_out();
        }
    }

    /// The bytes of a Deny for these methods.
    fn deny_bytes(&self, deny: usize, methods: u8) -> usize {
        let tails = self.tails(deny);
        if methods.count_ones() > 1 && self.matter.freely(deny) {
            return self.tails_bytes("*", tails);
        }
        let names = METHODS.iter().enumerate().filter(|(method, _)| methods & bit(*method) != 0);
        names.fold(0, |sum, (_, name)| usize::saturating_add(sum, self.tails_bytes(name, tails)))
    }

    /// A Deny for these methods: for one of them by name, for more with `*` where that hits nothing else.
    fn deny_resources(&self, deny: usize, methods: u8) -> Vec<Named<'a>> {
        let tails = self.tails(deny).iter();
        if methods.count_ones() > 1 && self.matter.freely(deny) {
            return tails.map(|tail| Named::new("*", &*tail.text)).collect();
        }
        let names = METHODS.iter().enumerate().filter(|(method, _)| methods & bit(*method) != 0);
        names.flat_map(|(_, name)| tails.clone().map(move |tail| Named::new(name, &*tail.text))).collect()
    }

    fn tails(&self, deny: usize) -> &'a [Tail] {
        let deny = self.matter.plan.denies.get(deny);
        deny.map(|deny| deny.tails.as_slice()).unwrap_or_default()
    }

    /// All that is denied but the request itself.
    pub(super) fn denies(&self) -> Vec<Named<'a>> {
        let mut denies = self.cuts();
        if let Some(letters) = self.letters {
            denies.extend(ambiguous::denies(letters, self.encoded).into_iter().map(Named::pattern));
        }
        denies
    }

    /// The same without those for paths that are ambiguous or hold `%`.
    pub(super) fn cuts(&self) -> Vec<Named<'a>> {
        let mut denies: Vec<_> = self
            .denied
            .iter()
            .map(|deny| (*deny, self.deny.get(*deny).copied().unwrap_or(0)))
            .filter(|(deny, methods)| !self.is_covered(*deny, *methods, |_| false))
            .flat_map(|(deny, methods)| self.deny_resources(deny, methods))
            .collect();
        denies.extend(self.more_denies.iter().cloned());
        denies
    }

    /// How far it is from saying everything: the request counts for more than all the rest.
    pub(super) fn shortfall(&self) -> (usize, usize) {
        (usize::from(self.lacks_own()), self.left_out)
    }

    /// Whether the request is allowed and could not be said to be.
    pub(super) fn lacks_own(&self) -> bool {
        let own = self.matter.own.as_ref().filter(|own| own.allowed);
        own.is_some_and(|own| !self.allows_own && !self.allow.iter().any(|allow| allow.covers(own.tail)))
    }
}
