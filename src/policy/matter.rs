//! Everything that a token's policy is made of, and the drafts it is chosen from.

use super::ambiguous::Encoded;
use super::draft::{Draft, Which, bit, json_bytes};
use super::memory::Limits;
use super::named::Named;
use super::own::Own;
use super::pattern::Part;
use super::plan::{DeclaredPath, Plan};
use super::resources::{Others, Resources};
use super::space::{Declared, Space};
use super::standing::{Binding, Standing, is_bound};
use super::standings::Standings;
use super::{IamPolicy, PolicyExpiry};
use crate::claims::Verified;
use crate::event::MethodArn;
use crate::routes::Undeclared;

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
    /// What this answer may walk.
    pub(super) space: Space,
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

impl Plan {
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

impl<'a> Matter<'a> {
    pub(super) fn new(
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
            space: plan.space.for_an_answer(),
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

    /// Whether some draft says everything.
    pub(super) fn fits(&self) -> bool {
        // The one way to refuse what is encoded that takes the least room.
        self.orders().iter().any(|order| self.draft(Encoded::All, Wildcards::Along, *order).left_out == 0)
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
    pub(super) fn best(&self) -> (Draft<'_>, Option<Limits>) {
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
    pub(super) fn document(
        &self,
        draft: &Draft<'_>,
        arn: &MethodArn,
        token: &Verified,
        expiry: PolicyExpiry,
    ) -> IamPolicy {
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
        IamPolicy::of_resources(allow, deny, arn, token.not_after(), expiry)
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
