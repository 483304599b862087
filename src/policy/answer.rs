//! A token's own policy: right for the request at hand, and for what the gateway will apply it to afterwards.

use std::sync::Arc;

use super::builder::{Builder, FRAME_BYTES, Paths, json_bytes, resource_bytes};
use super::cache::{Kept, Key};
use super::grants::Grants;
use super::plan::Plan;
use super::resources::Resources;
use super::{IamPolicy, MAX_RESOURCE_CHARS};
use crate::claims::Verified;
use crate::error::Error;
use crate::event::MethodArn;
use crate::routes::Permit;
use crate::time::NumericDate;

/// What is reserved for the request's own Resource, and the steps in which more is: what else an answer says must not depend
/// on how long the first path was.
const REQUEST_BYTES: usize = 256;
/// Room is used in steps, so that tokens whose context differs by some bytes share an answer.
const ROOM_STEP: usize = 64;

/// A policy, and what it does not say.
pub(crate) struct Said {
    pub(crate) policy: IamPolicy,
    /// Why the request is refused, if it is. If the rules let it pass but no policy can name it: [`Error::AmbiguousPath`].
    pub(crate) refusal: Option<Error>,
    /// How many units did not fit.
    #[cfg_attr(
        not(any(test, feature = "unstable-internals")),
        expect(dead_code, reason = "a policy says less where it must; tests count how often")
    )]
    pub(super) left_out: usize,
}

impl Plan {
    /// The policy of a token: right for this request and for every later one, as far as `room` bytes reach.
    pub(crate) fn policy(
        &self,
        token: &Verified,
        arn: &MethodArn<'_>,
        permit: &Result<Permit, Error>,
        ends: Option<NumericDate>,
        room: usize,
    ) -> Said {
        let refused = permit.as_ref().err().copied();
        let own = RequestedResource::new(arn, refused.is_none());
        let grants = Grants::of(self, token, room);
        let Some(kept) = self.kept(&grants, &own, room) else {
            // No Resource of ours fails to be written; if one did, nothing is allowed.
            let refusal = refused.or(Some(Error::AmbiguousPath));
            return Said { policy: IamPolicy::deny_stage(arn), refusal, left_out: usize::MAX };
        };
        let passes = || kept.allows(own.tail);
        let own_bytes = resource_bytes(json_bytes(arn.as_str()));
        let fits = FRAME_BYTES.saturating_add(own_bytes) <= room;
        let named = (own.nameable && (fits || !own.allowed)).then(|| arn.as_str().to_owned());
        let (allowed, denied) = match (own.allowed, named) {
            (true, named) => (named, None),
            (false, Some(named)) => (None, Some(named)),
            // Without a name it is denied by a pattern, which hits other paths too, and only if it has to be.
            (false, None) => (None, passes().then(|| [arn.stage(), &*own.mask(arn.stage())].concat())),
        };
        let lacks_own = own.allowed && allowed.is_none() && !passes();
        let (allow, deny) = (Resources::new(allowed, &kept.allow), Resources::new(denied, &kept.deny));
        let refusal = refused.or_else(|| lacks_own.then_some(Error::AmbiguousPath));
        Said { policy: IamPolicy::of_resources(allow, deny, arn, ends), refusal, left_out: kept.draft.left_out }
    }

    /// What an answer says besides the request's own Resource. No Deny in it refuses a request that is allowed.
    fn kept(&self, grants: &Grants, own: &RequestedResource<'_>, room: usize) -> Option<Arc<Kept>> {
        let stage = own.arn.stage();
        let own_bytes = resource_bytes(json_bytes(own.arn.as_str())).max(1);
        let reserved = own_bytes.checked_next_multiple_of(REQUEST_BYTES)?;
        let room = room.saturating_sub(reserved);
        let room = room.saturating_sub(room.checked_rem(ROOM_STEP)?);
        let build = |paths, spare| Kept::new(Builder::new(self, grants, stage, room, paths, spare).build(), stage);
        let of = |paths| self.cache.get_or(Key::new(grants, stage, room, paths), || build(paths, None));
        let mut kept = of(Paths::All)?;
        // A parameter that is a literal of the table: what refuses it goes, with each Allow that needs it.
        if own.allowed && kept.denies(own.tail) {
            kept = Arc::new(build(Paths::All, Some(own.tail))?);
        }
        // A path that the rules allow as it is encoded, and that wildcards must refuse as they cannot read it.
        if own.allowed && kept.is_ambiguous(own.tail) {
            kept = of(Paths::Exact)?;
        }
        Some(kept)
    }
}

/// The request that a policy answers.
struct RequestedResource<'a> {
    arn: &'a MethodArn<'a>,
    /// `METHOD/path`.
    tail: &'a str,
    allowed: bool,
    /// Whether `tail` names the request and nothing else in a policy.
    nameable: bool,
}

impl<'a> RequestedResource<'a> {
    fn new(arn: &'a MethodArn<'a>, allowed: bool) -> Self {
        // No ARN lies outside its stage. If one did, no Resource would allow it.
        let Some(tail) = arn.as_str().strip_prefix(arn.stage()) else {
            return Self { arn, tail: arn.as_str(), allowed, nameable: false };
        };
        let fits = arn.as_str().chars().count() <= MAX_RESOURCE_CHARS;
        let plain = fits && !tail.contains(['*', '?']) && !tail.contains("${");
        Self { arn, tail, allowed, nameable: plain }
    }

    /// The narrowest pattern for a request that cannot be named: `?` for each character that IAM would not take for
    /// itself, and a `*` for what is too long.
    fn mask(&self, stage: &str) -> String {
        let room = MAX_RESOURCE_CHARS.saturating_sub(stage.chars().count()).saturating_sub(1);
        let mask = self.tail.replace('*', "?").replace("${", "?{");
        match mask.char_indices().nth(room) {
            Some((end, _)) => [mask.get(..end).unwrap_or_default(), "*"].concat(),
            None => mask,
        }
    }
}
