//! A token's own policy: right for the request at hand, and for what the gateway will take it for afterwards.

use super::draft::json_bytes;
use super::matter::Matter;
use super::memory::{Asked, Kept};
use super::plan::Plan;
use super::resources::Resources;
use super::standings::Standings;
use super::{IamPolicy, MAX_RESOURCE_CHARS, PolicyExpiry, Statement};
use crate::claims::Verified;
use crate::error::Error;
use crate::event::MethodArn;
use crate::routes::{Permit, Routes};

/// An answer of 8 KiB without a context, and a stage with the longest region and a generous name, for the warning.
const FULL_ROOM: usize = 7936;
const TYPICAL_STAGE: &str = "arn:aws:execute-api:ap-southeast-2:123456789012:abcdefghij/production/";

/// The request that a policy answers.
pub(super) struct Own<'a> {
    pub(super) arn: &'a MethodArn,
    /// `METHOD/path`.
    pub(super) tail: &'a str,
    pub(super) allowed: bool,
    /// The same, if it names the request and nothing else in a policy.
    pub(super) resource: Option<String>,
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
        matter.fits()
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
pub(super) fn document(
    allow: Resources,
    deny: Resources,
    arn: &MethodArn,
    token: &Verified,
    expiry: PolicyExpiry,
) -> IamPolicy {
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
