//! A token's own policy: right for the request at hand, and for what the gateway will take it for afterwards.

use super::ambiguous::Encoded;
use super::draft::{Draft, Which, bit, json_bytes};
use super::memory::{Asked, Kept, Limits};
use super::named::Named;
use super::pattern::Part;
use super::plan::{DeclaredPath, Plan};
use super::resources::{Others, Resources};
use super::space::Declared;
use super::standing::{Binding, Standing, is_bound};
use super::standings::Standings;
use super::{IamPolicy, MAX_RESOURCE_CHARS, PolicyExpiry, Statement};
use crate::claims::Verified;
use crate::error::Error;
use crate::event::MethodArn;
use crate::routes::{Permit, Routes, Undeclared};

/// An answer of 8 KiB without a context, and a stage with the longest region and a generous name, for the warning.
const FULL_ROOM: usize = 7936;
const TYPICAL_STAGE: &str = "arn:aws:execute-api:ap-southeast-2:123456789012:abcdefghij/production/";

/// Whether wildcards may be in a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wildcards {
    Along,
    LeftOut,
}

/// What goes first where not everything fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    Literals,
    /// `METHOD/*`, which makes the literals superfluous.
    Everything,
}

/// The request that a policy answers.
pub(super) struct Own<'a> {
    arn: &'a MethodArn,
    /// `METHOD/path`.
    pub(super) tail: &'a str,
    pub(super) allowed: bool,
    /// The same, if it names the request and nothing else in a policy.
    pub(super) resource: Option<String>,
}

/// What the token may do, by node: methods as bits.
pub(super) struct Grants {
    /// On all paths.
    whole: Vec<u8>,
    /// On some, at least.
    some: Vec<u8>,
}

/// Everything a draft is made of.
pub(super) struct Matter<'a> {
    pub(super) plan: &'a Plan,
    pub(super) stage: &'a str,
    pub(super) stage_chars: usize,
    pub(super) stage_bytes: usize,
    /// For the whole document.
    pub(super) room: usize,
    pub(super) standings: Standings<'a>,
    /// The places of the paths on which the token may do anything: a large table costs a token no more than its own part of it.
    pub(super) open: Vec<usize>,
    grants: Grants,
    pub(super) own: Option<Own<'a>>,
    /// Whether the rules allow this token a method and path.
    pub(super) permits: &'a dyn Fn(&str, &str) -> bool,
}

/// A policy, and what it does not say.
pub(super) struct Said {
    pub(super) policy: IamPolicy,
    /// The request is allowed, and the policy could not say so.
    lacks_own: bool,
    /// How many units did not fit.
    #[cfg_attr(
        not(any(test, feature = "inner")),
        expect(dead_code, reason = "a policy says less where it must; tests count how often")
    )]
    pub(super) left_out: usize,
}

impl Plan {
    /// The policy of a token: right for this request and for every later one, as far as `room` bytes reach. A request that
    /// the rules let pass and no policy can name is refused with [`Error::AmbiguousPath`].
    pub(crate) fn policy(
        &self,
        routes: &Routes,
        token: &Verified,
        arn: &MethodArn,
        permit: Result<Permit, Error>,
        expiry: PolicyExpiry,
        room: usize,
    ) -> (IamPolicy, Option<Error>) {
        let said = self.said(routes, token, arn, &permit, expiry, room);
        (said.policy, permit.err().or_else(|| said.lacks_own.then_some(Error::AmbiguousPath)))
    }

    pub(super) fn said(
        &self,
        routes: &Routes,
        token: &Verified,
        arn: &MethodArn,
        permit: &Result<Permit, Error>,
        expiry: PolicyExpiry,
        room: usize,
    ) -> Said {
        let standings = Standings::of(&self.needs, &self.need_index, token);
        let own = Own::new(arn, permit.is_ok());
        let asked = Asked::new(standings.unbound(), arn.stage(), json_bytes(arn.stage()), &own, room);
        if let Some(kept) = asked.as_ref().and_then(|asked| self.memory.recall(asked, &own)) {
            return Said::again(&kept, &own, token, expiry);
        }
        let permits = |method: &str, path: &str| routes.decide_path(method, path, token).permit.is_ok();
        let matter = Matter::new(self, arn.stage(), room, standings, Some(own), &permits);
        let (draft, limits) = matter.best();
        if let (Some(asked), Some(own), Some(limits)) = (asked, &matter.own, limits)
            && let Some(kept) = self.memory.keep(asked, &draft, limits, room)
        {
            return Said::again(&kept, own, token, expiry);
        }
        let policy = matter.document(&draft, arn, token, expiry);
        Said { policy, lacks_own: draft.lacks_own(), left_out: draft.left_out }
    }

    /// Whether a token that may do everything gets everything into one answer.
    pub(super) fn fits(&self) -> bool {
        let standings = Standings::all(&self.needs);
        let matter = Matter::new(self, TYPICAL_STAGE, FULL_ROOM, standings, None, &|_, _| false);
        // The one way to refuse what is encoded that takes the least room.
        matter.orders().iter().any(|order| matter.draft(Encoded::All, Wildcards::Along, *order).left_out == 0)
    }

    /// The places of the paths on which a token may do anything, and what.
    fn granted(&self, standings: &Standings<'_>) -> (Vec<usize>, Grants) {
        let places = standings.needs().filter_map(|need| self.by_need.get(need));
        let mut open: Vec<usize> = places.flatten().copied().collect();
        open.sort_unstable();
        open.dedup();
        let nothing = || vec![0; self.by_node.len()];
        let mut grants = Grants { whole: nothing(), some: nothing() };
        for path in open.iter().filter_map(|place| self.paths.get(*place)) {
            let (Some(whole), Some(some)) = (grants.whole.get_mut(path.node), grants.some.get_mut(path.node)) else {
                continue;
            };
            for (method, need) in path.needs.iter().enumerate() {
                match need.map(|need| standings.get(need)) {
                    Some(Standing::Met) => {
                        *whole |= bit(method);
                        *some |= bit(method);
                    }
                    Some(Standing::Bound(..)) => *some |= bit(method),
                    Some(Standing::Unmet) | None => {}
                }
            }
        }
        (open, grants)
    }
}

impl Said {
    /// What was said to a token with the same rights, for this request.
    fn again(kept: &Kept, own: &Own<'_>, token: &Verified, expiry: PolicyExpiry) -> Self {
        let named = || Some(own.arn.as_str().to_owned());
        let (allowed, denied) = if own.allowed { (named(), None) } else { (None, named()) };
        let (allow, deny) = (Resources::new(allowed, kept.allow.clone()), Resources::new(denied, kept.deny.clone()));
        Self { policy: document(allow, deny, own.arn, token, expiry), lacks_own: false, left_out: kept.left_out }
    }
}

/// A document of these Resources. Where there are none it refuses the stage.
fn document(allow: Resources, deny: Resources, arn: &MethodArn, token: &Verified, expiry: PolicyExpiry) -> IamPolicy {
    let mut statements = Vec::new();
    if !allow.are_none() {
        statements.push(Statement::allow(allow, token.not_after(), expiry));
    }
    if !deny.are_none() {
        statements.push(Statement::deny(deny));
    }
    if statements.is_empty() { IamPolicy::deny_stage(arn) } else { IamPolicy::of(statements) }
}

impl<'a> Own<'a> {
    fn new(arn: &'a MethodArn, allowed: bool) -> Self {
        let tail = arn.as_str().strip_prefix(arn.stage()).unwrap_or_default();
        let fits = arn.as_str().chars().count() <= MAX_RESOURCE_CHARS;
        let plain = fits && !tail.contains(['*', '?']) && !tail.contains("${");
        Self { arn, tail, allowed, resource: plain.then(|| tail.to_owned()) }
    }

    /// The narrowest pattern for a request that cannot be named: `?` for each character that IAM would not take for
    /// itself, and a `*` for what is too long.
    pub(super) fn mask(&self, stage: &str) -> String {
        let room = MAX_RESOURCE_CHARS.saturating_sub(stage.chars().count()).saturating_sub(1);
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

impl<'a> Matter<'a> {
    fn new(
        plan: &'a Plan,
        stage: &'a str,
        room: usize,
        standings: Standings<'a>,
        own: Option<Own<'a>>,
        permits: &'a dyn Fn(&str, &str) -> bool,
    ) -> Self {
        let (open, grants) = plan.granted(&standings);
        Self {
            plan,
            open,
            stage,
            stage_chars: stage.chars().count(),
            stage_bytes: json_bytes(stage),
            room,
            grants,
            standings,
            own,
            permits,
        }
    }

    /// The paths on which the token may do anything, in the order of the table.
    pub(super) fn open(&self) -> impl Iterator<Item = &'a DeclaredPath> {
        self.open.iter().filter_map(|place| self.plan.paths.get(*place))
    }

    /// What may go first.
    fn orders(&self) -> &'static [First] {
        match self.plan.undeclared {
            Undeclared::Allow => &[First::Everything, First::Literals],
            Undeclared::Deny | Undeclared::Absent => &[First::Literals],
        }
    }

    /// The draft that leaves out least, and what was asked of the room to find it; nothing of the latter where it does not
    /// decide alone.
    fn best(&self) -> (Draft<'_>, Option<Limits>) {
        let mut best: Option<Draft<'_>> = None;
        let mut limits = Limits::NONE;
        for order in self.orders() {
            for encoded in [Encoded::Telling, Encoded::All] {
                if best.as_ref().is_none_or(|best| best.shortfall() > (0, 0)) {
                    let draft = self.draft(encoded, Wildcards::Along, *order);
                    limits = limits.and(draft.limits);
                    if best.as_ref().is_none_or(|best| draft.shortfall() < best.shortfall()) {
                        best = Some(draft);
                    }
                }
            }
        }
        // Nothing plain is ever denied by what another path needs: the table would not have started.
        let own_denied = |draft: &Draft<'_>| {
            let own = self.own.as_ref().filter(|own| own.allowed);
            own.is_some_and(|own| draft.denies().iter().any(|deny| deny.covers(own.tail)))
        };
        match best.filter(|best| !own_denied(best)) {
            Some(best) => (best, Some(limits)),
            None => (self.draft(Encoded::Telling, Wildcards::LeftOut, First::Literals), None),
        }
    }

    fn draft(&self, encoded: Encoded, wildcards: Wildcards, first: First) -> Draft<'_> {
        let mut draft = Draft::new(self, encoded);
        draft.own();
        if wildcards == Wildcards::Along {
            if self.own.as_ref().is_some_and(|own| own.allowed && own.resource.is_none()) {
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

    /// The document of a draft. A refused request is denied by name, and one without a name only if it has to be.
    fn document(&self, draft: &Draft<'_>, arn: &MethodArn, token: &Verified, expiry: PolicyExpiry) -> IamPolicy {
        let denies = draft.denies();
        let passes =
            |resources: &[Named<'_>], own: &Own<'_>| resources.iter().any(|resource| resource.covers(own.tail));
        let denied = self.own.as_ref().filter(|own| !own.allowed).and_then(|own| match &own.resource {
            Some(resource) => Some(resource.clone()),
            None => (passes(&draft.allow, own) && !passes(&denies, own)).then(|| own.mask(self.stage)),
        });
        let others = |named: &[Named<'_>]| Others::These(named.iter().map(|named| named.after(self.stage)).collect());
        let allowed = draft.allows_own.then(|| arn.as_str().to_owned());
        let allow = Resources::new(allowed, others(&draft.allow));
        let denied = denied.map(|tail| [self.stage, &*tail].concat());
        let deny = Resources::new(denied, others(&denies));
        document(allow, deny, arn, token, expiry)
    }

    /// Whether the token may use a declared path with this method, whatever its parameters.
    pub(super) fn whole(&self, node: Declared, method: usize) -> bool {
        let methods = self.grants.whole.get(node);
        methods.is_some_and(|methods| methods & bit(method) != 0)
    }

    /// The texts with which the token may use it.
    pub(super) fn bindings(&self, path: &DeclaredPath, method: usize) -> &[Binding<'_>] {
        let need = path.needs.get(method).copied().flatten();
        match need.map(|need| self.standings.get(need)) {
            Some(Standing::Bound(bindings, _)) => bindings,
            _ => &[],
        }
    }

    /// Whether something of this pattern, the paths of one winner, is refused.
    pub(super) fn refuses(&self, winner: Option<Declared>, method: usize, pattern: &[Part]) -> bool {
        let Some(winner) = winner else { return true };
        let bound = || {
            let path = self.plan.path(winner);
            let bindings = path.map(|path| self.bindings(path, method)).unwrap_or_default();
            bindings.iter().any(|binding| is_bound(pattern, binding, str::to_owned))
        };
        !self.whole(winner, method) && (pattern.contains(&Part::Wild) || !bound())
    }

    /// Whether `*/` may stand before a Deny.
    pub(super) fn freely(&self, deny: usize) -> bool {
        let unused = |node: &Declared| self.grants.some.get(*node).is_none_or(|methods| *methods == 0);
        let hits = self.plan.denies.get(deny).and_then(|deny| deny.freely.as_ref());
        hits.is_some_and(|hits| hits.iter().all(unused))
    }

    /// Whether a Resource covers the request.
    pub(super) fn is_own(&self, method: &'static str, tail: &str) -> bool {
        let own = self.own.as_ref().filter(|own| own.arn.method() == method);
        own.is_some_and(|own| Named::new(method, tail).covers(own.tail))
    }
}
