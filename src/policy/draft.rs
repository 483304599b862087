//! A token's own policy: what it may do, within the room there is.

use super::ambiguous::{self, Encoded, Letters, percent_encoded};
use super::pattern::{Part, Pattern, matches, spell};
use super::plan::{DeclaredPath, Plan, Wildcard, reaches};
use super::space::Declared;
use super::standing::{Binding, Completeness, Standing, bind, is_bound};
use super::{IamPolicy, MAX_RESOURCE_CHARS, PolicyExpiry, Statement};
use crate::claims::Verified;
use crate::error::Error;
use crate::event::MethodArn;
use crate::routes::{METHODS, Permit, Routes, Undeclared};

/// What a document with one Allow and one Deny holds besides its Resources.
const FRAME_BYTES: usize = r#"{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":[],"Condition":{"DateLessThan":{"aws:CurrentTime":"9999-12-31T23:59:59Z"}}},{"Action":"execute-api:Invoke","Effect":"Deny","Resource":[]}]}"#.len();

/// An answer of 8 KiB without a context, and a stage with the longest region and a generous name, for the warning.
const FULL_ROOM: usize = 7936;
const TYPICAL_STAGE: &str = "arn:aws:execute-api:ap-southeast-2:123456789012:abcdefghij/production/";

/// How the token's texts are written into a path.
type Spelling = fn(&str) -> String;

/// Whether wildcards may be in a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wildcards {
    Along,
    LeftOut,
}

/// Which wildcards to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    All,
    CoveringRequest,
}

/// What goes first where not everything fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    Literals,
    /// `METHOD/*`, which makes the literals superfluous.
    Everything,
}

/// The request that a policy answers.
struct Own<'a> {
    method: &'a str,
    /// `METHOD/path`.
    tail: &'a str,
    allowed: bool,
    /// What names it in a Deny, or in an Allow.
    resource: Option<String>,
}

/// What the token may do, by node: methods as bits.
struct Grants {
    /// On all paths.
    whole: Vec<u8>,
    /// On some, at least.
    some: Vec<u8>,
}

/// Everything a draft is made of.
struct Matter<'a> {
    plan: &'a Plan,
    stage: &'a str,
    room: usize,
    standings: Vec<Standing<'a>>,
    grants: Grants,
    own: Option<Own<'a>>,
    /// Whether the rules allow this token a method and path.
    permits: &'a dyn Fn(&str, &str) -> bool,
}

/// What a policy will say, without the stage.
struct Draft<'a> {
    matter: &'a Matter<'a>,
    encoded: Encoded,
    allow: Vec<String>,
    /// By Deny of the plan, the methods that need it.
    deny: Vec<u8>,
    /// In the order in which they came.
    denied: Vec<usize>,
    more_denies: Vec<String>,
    letters: Option<Letters>,
    used: usize,
    left_out: usize,
    /// By node, methods that are in already.
    done: Vec<u8>,
    everything: u8,
}

impl Plan {
    /// The policy of a token: right for this request and for every later one, as far as `room` bytes reach.
    pub(crate) fn policy(
        &self,
        routes: &Routes,
        token: &Verified,
        arn: &MethodArn,
        decision: &Result<Permit, Error>,
        expiry: PolicyExpiry,
        room: usize,
    ) -> IamPolicy {
        self.policy_and_rest(routes, token, arn, decision, expiry, room).0
    }

    /// The policy, and how many units did not fit.
    pub(super) fn policy_and_rest(
        &self,
        routes: &Routes,
        token: &Verified,
        arn: &MethodArn,
        decision: &Result<Permit, Error>,
        expiry: PolicyExpiry,
        room: usize,
    ) -> (IamPolicy, usize) {
        let standings: Vec<_> = self.needs.iter().map(|need| Standing::of(need, token)).collect();
        let matter = Matter {
            plan: self,
            stage: arn.stage(),
            room,
            grants: self.grants(&standings),
            standings,
            own: Some(Own::new(arn, decision.is_ok())),
            permits: &|method, path| routes.permit_path(method, path, token).is_ok(),
        };
        let draft = matter.best();
        let left_out = draft.left_out;
        (draft.finish(arn, token, expiry), left_out)
    }

    fn grants(&self, standings: &[Standing<'_>]) -> Grants {
        let mut grants = Grants {
            whole: vec![0; self.by_node.len()],
            some: vec![0; self.by_node.len()],
        };
        for path in &self.paths {
            let (mut whole, mut some) = (0, 0);
            for (method, need) in path.needs.iter().enumerate() {
                match need.and_then(|need| standings.get(need)) {
                    Some(Standing::Met) => {
                        whole |= bit(method);
                        some |= bit(method);
                    }
                    Some(Standing::Bound(..)) => some |= bit(method),
                    Some(Standing::Unmet) | None => {}
                }
            }
            if let Some(slot) = grants.whole.get_mut(path.node) {
                *slot = whole;
            }
            if let Some(slot) = grants.some.get_mut(path.node) {
                *slot = some;
            }
        }
        grants
    }
}

/// Whether a token that may do everything gets everything into one answer.
pub(super) fn fullest_answer(plan: &Plan) -> Option<()> {
    let standings: Vec<_> = plan.needs.iter().map(|_| Standing::Met).collect();
    let matter = Matter {
        plan,
        stage: TYPICAL_STAGE,
        room: FULL_ROOM,
        grants: plan.grants(&standings),
        standings,
        own: None,
        permits: &|_, _| false,
    };
    (matter.best().left_out == 0).then_some(())
}

fn bit(method: usize) -> u8 {
    u32::try_from(method)
        .ok()
        .and_then(|method| 1_u8.checked_shl(method))
        .unwrap_or(0)
}

/// The bytes of a text in JSON, with quotes and a comma.
fn json_bytes(text: &str) -> usize {
    let escapes = text.bytes().fold(0_usize, |sum, byte| {
        sum.saturating_add(match byte {
            b'"' | b'\\' => 1,
            0..0x20 => 5,
            _ => 0,
        })
    });
    text.len().saturating_add(escapes).saturating_add(3)
}

impl<'a> Own<'a> {
    fn new(arn: &'a MethodArn, allowed: bool) -> Self {
        let tail = arn.as_str().strip_prefix(arn.stage()).unwrap_or_default();
        let fits = arn.as_str().chars().count() <= MAX_RESOURCE_CHARS;
        let plain = fits && !tail.contains(['*', '?']) && !tail.contains("${");
        let resource = plain.then(|| tail.to_owned());
        Self {
            method: arn.method(),
            tail,
            allowed,
            resource,
        }
    }

    /// The narrowest pattern for a request that cannot be named: `?` for each character that IAM would not take for
    /// itself, and a `*` for what is too long.
    fn mask(&self, stage: &str) -> String {
        let room = MAX_RESOURCE_CHARS
            .saturating_sub(stage.chars().count())
            .saturating_sub(1);
        let mut mask = String::with_capacity(self.tail.len());
        let mut rest = self.tail.chars().peekable();
        for _ in 0..room {
            match rest.next() {
                Some('*' | '?') => mask.push('?'),
                Some('$') if rest.peek() == Some(&'{') => mask.push('?'),
                Some(other) => mask.push(other),
                None => return mask,
            }
        }
        if rest.peek().is_some() {
            mask.push('*');
        }
        mask
    }
}

impl Matter<'_> {
    /// The draft that leaves out least.
    fn best(&self) -> Draft<'_> {
        let open = self.plan.undeclared == Undeclared::Allow;
        let mut best = self.draft(
            Encoded::Telling,
            Wildcards::Along,
            if open { First::Everything } else { First::Literals },
        );
        let mut others = vec![(Encoded::All, First::Literals)];
        if open {
            others = vec![
                (Encoded::All, First::Everything),
                (Encoded::Telling, First::Literals),
                (Encoded::All, First::Literals),
            ];
        }
        for (encoded, first) in others {
            if best.shortfall() > (0, 0) {
                let other = self.draft(encoded, Wildcards::Along, first);
                if other.shortfall() < best.shortfall() {
                    best = other;
                }
            }
        }
        // Never for a plain path: the table would not have started.
        if self
            .own
            .as_ref()
            .is_some_and(|own| own.allowed && best.denies().iter().any(|deny| matches(deny, own.tail)))
        {
            best = self.draft(Encoded::Telling, Wildcards::LeftOut, First::Literals);
        }
        best
    }

    fn draft(&self, encoded: Encoded, wildcards: Wildcards, first: First) -> Draft<'_> {
        let mut draft = Draft::new(self, encoded);
        draft.own();
        if wildcards == Wildcards::Along {
            if self
                .own
                .as_ref()
                .is_some_and(|own| own.allowed && own.resource.is_none())
            {
                draft.wildcards(Which::CoveringRequest);
            }
            if first == First::Everything {
                draft.everything();
            }
        }
        draft.literals();
        if wildcards == Wildcards::Along {
            draft.everything();
            draft.wildcards(Which::All);
        }
        draft
    }

    fn whole(&self, node: Declared, method: usize) -> bool {
        self.grants
            .whole
            .get(node)
            .is_some_and(|methods| methods & bit(method) != 0)
    }

    fn bindings(&self, path: &DeclaredPath, method: usize) -> &[Binding<'_>] {
        let need = path.needs.get(method).copied().flatten();
        match need.and_then(|need| self.standings.get(need)) {
            Some(Standing::Bound(bindings, _)) => bindings,
            _ => &[],
        }
    }

    /// Whether something of this pattern, the paths of one winner, is refused.
    fn refuses(&self, winner: Option<Declared>, method: usize, pattern: &[Part]) -> bool {
        let Some(winner) = winner else { return true };
        let bound = || {
            let bindings = self
                .plan
                .path(winner)
                .map(|path| self.bindings(path, method))
                .unwrap_or_default();
            bindings.iter().any(|binding| is_bound(pattern, binding, str::to_owned))
        };
        !self.whole(winner, method) && (pattern.contains(&Part::Wild) || !bound())
    }

    /// Whether `*/` may stand before a Deny.
    fn freely(&self, deny: usize) -> bool {
        let hits = self.plan.denies.get(deny).and_then(|deny| deny.freely.as_ref());
        hits.is_some_and(|hits| {
            hits.iter()
                .all(|node| self.grants.some.get(*node).is_none_or(|methods| *methods == 0))
        })
    }
}

impl<'a> Draft<'a> {
    fn new(matter: &'a Matter<'a>, encoded: Encoded) -> Self {
        let cut = matter
            .standings
            .iter()
            .filter(|standing| matches!(standing, Standing::Bound(_, Completeness::Cut)));
        Self {
            matter,
            encoded,
            allow: Vec::new(),
            deny: vec![0; matter.plan.denies.len()],
            denied: Vec::new(),
            more_denies: Vec::new(),
            letters: None,
            used: FRAME_BYTES,
            left_out: cut.count(),
            done: vec![0; matter.plan.by_node.len()],
            everything: 0,
        }
    }

    /// The request itself, for which there is room before anything else.
    fn own(&mut self) {
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

    /// The bytes of a Resource, or too many if it is too long.
    fn bytes(&self, tail: &str) -> usize {
        let chars = self.matter.stage.chars().count().saturating_add(tail.chars().count());
        if chars > MAX_RESOURCE_CHARS {
            return usize::MAX;
        }
        json_bytes(tail)
            .saturating_add(json_bytes(self.matter.stage))
            .saturating_sub(3)
    }

    /// Every path that is its own Resource.
    fn literals(&mut self) {
        for path in &self.matter.plan.paths {
            for (method, name) in METHODS.iter().enumerate() {
                if self.everything & bit(method) != 0 {
                    continue;
                }
                if !path.pattern.contains(&Part::Wild) && self.matter.whole(path.node, method) {
                    self.exact(name, &path.pattern);
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

    /// A path with the token's own texts in it: as they are, and as clients encode them where that is not refused anyway.
    fn variants(&self, path: &[Part], binding: &Binding<'_>) -> Vec<(Pattern, Spelling)> {
        let raw = bind(path, binding, str::to_owned);
        let encoded = bind(path, binding, percent_encoded);
        let hidden = || {
            binding
                .iter()
                .any(|bound| self.matter.plan.literals.contains(bound.text))
        };
        if raw == encoded || self.encoded == Encoded::All || hidden() {
            return vec![(raw, str::to_owned)];
        }
        vec![(raw, str::to_owned), (encoded, percent_encoded)]
    }

    /// A path without wildcards, in both spellings, as far as the rules really allow it.
    fn exact(&mut self, method: &str, pattern: &[Part]) {
        let mut resources = Vec::new();
        for path in spell(pattern) {
            if (self.matter.permits)(method, &path) || self.matter.own.is_none() {
                resources.push(format!("{method}/{path}"));
            }
        }
        let own = self.matter.own.as_ref().and_then(|own| own.resource.as_ref());
        resources.retain(|resource| Some(resource) != own);
        let bytes = resources
            .iter()
            .fold(0_usize, |sum, resource| sum.saturating_add(self.bytes(resource)));
        let used = self.used.saturating_add(bytes);
        if used.saturating_add(self.ambiguous_bytes(self.letters)) <= self.matter.room {
            self.used = used;
            self.allow.append(&mut resources);
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    /// `METHOD/*` with its cuts, where undeclared paths are allowed.
    fn everything(&mut self) {
        if self.matter.plan.undeclared != Undeclared::Allow {
            return;
        }
        for (method, name) in METHODS.iter().enumerate() {
            if self.everything & bit(method) == 0 && self.wildcard(&self.matter.plan.everything, method, name) {
                self.everything |= bit(method);
            }
        }
    }

    /// Every path with parameters; or, first of all, those that a request needs which is too long to be named.
    fn wildcards(&mut self, which: Which) {
        for path in &self.matter.plan.paths {
            let Some(wildcard) = &path.wildcard else { continue };
            for (method, name) in METHODS.iter().enumerate() {
                let done = self.done.get(path.node).is_some_and(|done| done & bit(method) != 0);
                if done || self.everything & bit(method) != 0 {
                    continue;
                }
                let mut complete = false;
                if self.matter.whole(path.node, method) {
                    let covers = || {
                        wildcard
                            .resources
                            .iter()
                            .any(|resource| self.covers_own(name, resource))
                    };
                    if which == Which::All || covers() {
                        complete = self.wildcard(wildcard, method, name);
                    }
                }
                for binding in self.matter.bindings(path, method) {
                    for (pattern, text) in self.variants(&path.pattern, binding) {
                        let covers = || spell(&pattern).iter().any(|resource| self.covers_own(name, resource));
                        if pattern.contains(&Part::Wild) && is_plain(binding) && (which == Which::All || covers()) {
                            self.bound(path, method, name, &pattern, text);
                        }
                    }
                }
                if complete && let Some(done) = self.done.get_mut(path.node) {
                    *done |= bit(method);
                }
            }
        }
    }

    fn covers_own(&self, method: &str, resource: &str) -> bool {
        self.matter
            .own
            .as_ref()
            .is_some_and(|own| own.method == method && matches(&format!("{method}/{resource}"), own.tail))
    }

    /// A wildcard of the table with the Denies that this token needs; `false` if it does not fit.
    fn wildcard(&mut self, wildcard: &Wildcard, method: usize, name: &str) -> bool {
        let mut denies: Vec<usize> = Vec::new();
        for cut in &wildcard.cuts {
            let needed = |deny: &usize| {
                let deny = self.matter.plan.denies.get(*deny);
                deny.is_some_and(|deny| self.matter.refuses(cut.winner, method, &deny.pattern))
            };
            let new = |deny: &usize| self.deny.get(*deny).is_some_and(|methods| methods & bit(method) == 0);
            if !cut.winner.is_some_and(|winner| self.matter.whole(winner, method)) {
                denies.extend(cut.denies.iter().filter(|deny| new(deny) && needed(deny)));
            }
        }
        denies.sort_unstable();
        denies.dedup();
        let allow: Vec<_> = wildcard
            .resources
            .iter()
            .map(|resource| format!("{name}/{resource}"))
            .collect();
        let mut used = self.used;
        for resource in &allow {
            used = used.saturating_add(self.bytes(resource));
        }
        for deny in &denies {
            let before = self.deny.get(*deny).copied().unwrap_or(0);
            used = used
                .saturating_sub(self.deny_bytes(*deny, before))
                .saturating_add(self.deny_bytes(*deny, before | bit(method)));
        }
        if !self.take(used, wildcard.letters) {
            return false;
        }
        self.allow.extend(allow);
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

    /// A wildcard with the token's own texts in it.
    fn bound(&mut self, path: &DeclaredPath, method: usize, name: &str, pattern: &Pattern, text: Spelling) {
        let plan = self.matter.plan;
        let own = |winner: Option<Declared>, found: &[Part]| match winner {
            Some(winner) if winner == path.node => {
                let mut bindings = self.matter.bindings(path, method).iter();
                bindings.any(|binding| is_bound(found, binding, text))
            }
            winner => !self.matter.refuses(winner, method, found),
        };
        let mut denies: Vec<String> = reaches(plan, std::slice::from_ref(pattern), own)
            .iter()
            .flat_map(|reach| &reach.patterns)
            .flat_map(|pattern| spell(pattern))
            .map(|resource| format!("{name}/{resource}"))
            .filter(|resource| !self.more_denies.contains(resource))
            .collect();
        denies.sort_unstable();
        denies.dedup();
        let allow: Vec<_> = spell(pattern)
            .iter()
            .map(|resource| format!("{name}/{resource}"))
            .collect();
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
        let letters = letters.and(self.letters.unwrap_or_default());
        let against = |own: &Own<'_>| {
            own.allowed
                && own.tail.contains('%')
                && ambiguous::denies(letters, self.encoded)
                    .iter()
                    .any(|deny| matches(deny, own.tail))
        };
        let fits = used.saturating_add(self.ambiguous_bytes(Some(letters))) <= self.matter.room
            && !self.matter.own.as_ref().is_some_and(against);
        if fits {
            self.used = used;
            self.letters = Some(letters);
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
        fits
    }

    fn ambiguous_bytes(&self, letters: Option<Letters>) -> usize {
        let denies = letters
            .map(|letters| ambiguous::denies(letters, self.encoded))
            .unwrap_or_default();
        denies.iter().fold(0, |sum, deny| sum.saturating_add(self.bytes(deny)))
    }

    /// The bytes of a Deny for these methods.
    fn deny_bytes(&self, deny: usize, methods: u8) -> usize {
        self.deny_resources(deny, methods)
            .iter()
            .fold(0, |sum, resource| sum.saturating_add(self.bytes(resource)))
    }

    /// A Deny for these methods: for one of them by name, for more with `*` where that hits nothing else.
    fn deny_resources(&self, deny: usize, methods: u8) -> Vec<String> {
        let resources = self
            .matter
            .plan
            .denies
            .get(deny)
            .map(|deny| deny.resources.as_slice())
            .unwrap_or_default();
        if methods.count_ones() > 1 && self.matter.freely(deny) {
            return resources.iter().map(|resource| format!("*/{resource}")).collect();
        }
        let names = METHODS
            .iter()
            .enumerate()
            .filter(|(method, _)| methods & bit(*method) != 0);
        names
            .flat_map(|(_, name)| resources.iter().map(move |resource| format!("{name}/{resource}")))
            .collect()
    }

    /// All that is denied but the request itself.
    fn denies(&self) -> Vec<String> {
        let mut denies: Vec<_> = self
            .denied
            .iter()
            .flat_map(|deny| self.deny_resources(*deny, self.deny.get(*deny).copied().unwrap_or(0)))
            .collect();
        denies.extend(self.more_denies.iter().cloned());
        if let Some(letters) = self.letters {
            denies.extend(ambiguous::denies(letters, self.encoded));
        }
        denies
    }

    /// How far it is from saying everything: the request counts for more than all the rest.
    fn shortfall(&self) -> (usize, usize) {
        let own = self.matter.own.as_ref().filter(|own| own.allowed);
        let missing = own.is_some_and(|own| !self.allow.iter().any(|allow| matches(allow, own.tail)));
        (usize::from(missing), self.left_out)
    }

    fn finish(self, arn: &MethodArn, token: &Verified, expiry: PolicyExpiry) -> IamPolicy {
        let stage = self.matter.stage;
        let mut denies = self.denies();
        if let Some(own) = self.matter.own.as_ref().filter(|own| !own.allowed) {
            match &own.resource {
                Some(resource) => denies.insert(0, resource.clone()),
                None if self.allow.is_empty() => return IamPolicy::deny_stage(arn),
                None => {
                    let passes = |resources: &[String]| resources.iter().any(|resource| matches(resource, own.tail));
                    if passes(&self.allow) && !passes(&denies) {
                        denies.insert(0, own.mask(stage));
                    }
                }
            }
        }
        if self.allow.is_empty() && denies.is_empty() {
            return IamPolicy::deny_stage(arn);
        }
        let whole = |tails: Vec<String>| {
            tails
                .into_iter()
                .map(|tail| format!("{stage}{tail}"))
                .collect::<Vec<_>>()
        };
        let mut statements = Vec::new();
        if !self.allow.is_empty() {
            statements.push(Statement::allow(whole(self.allow), token.not_after(), expiry));
        }
        if !denies.is_empty() {
            statements.push(Statement::deny(whole(denies)));
        }
        IamPolicy::of(statements)
    }
}

/// Whether texts can stand in a path as they are: the rules call these ambiguous.
fn is_plain(binding: &Binding<'_>) -> bool {
    binding
        .iter()
        .all(|bound| !matches!(bound.text, "" | "." | "..") && !bound.text.contains('\\'))
}
