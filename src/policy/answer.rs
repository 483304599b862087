//! A token's own policy: right for the request at hand, and for what the gateway will take it for afterwards.

use super::draft::json_bytes;
use super::matter::Matter;
use super::memory::{Asked, Kept};
use super::own::Own;
use super::plan::Plan;
use super::resources::Resources;
use super::standings::Standings;
use super::{IamPolicy, PolicyExpiry};
use crate::claims::Verified;
use crate::error::Error;
use crate::event::MethodArn;
use crate::routes::{Permit, Routes};

/// An answer of 8 KiB without a context, and a stage with the longest region and a generous name, for the warning.
const FULL_ROOM: usize = 7936;
const TYPICAL_STAGE: &str = "arn:aws:execute-api:ap-southeast-2:123456789012:abcdefghij/production/";

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
        matter.fits()
    }
}

impl Said {
    /// What was said to a token with the same rights, for this request.
    fn again(kept: &Kept, own: &Own<'_>, token: &Verified, expiry: PolicyExpiry) -> Self {
        let named = || Some(own.arn.as_str().to_owned());
        let (allowed, denied) = if own.allowed { (named(), None) } else { (None, named()) };
        let (allow, deny) = (Resources::new(allowed, kept.allow.clone()), Resources::new(denied, kept.deny.clone()));
        Self {
            policy: IamPolicy::of_resources(allow, deny, own.arn, token.not_after(), expiry),
            lacks_own: false,
            left_out: kept.left_out,
        }
    }
}
