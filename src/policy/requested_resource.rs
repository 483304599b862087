//! The Resource of the request that a policy answers.

use super::MAX_RESOURCE_CHARS;
use crate::event::MethodArn;

/// The request that a policy answers.
pub(super) struct RequestedResource<'a> {
    pub(super) arn: &'a MethodArn<'a>,
    /// `METHOD/path`.
    pub(super) tail: &'a str,
    pub(super) allowed: bool,
    /// Whether `tail` names the request and nothing else in a policy.
    pub(super) nameable: bool,
}

impl<'a> RequestedResource<'a> {
    pub(super) fn new(arn: &'a MethodArn<'a>, allowed: bool) -> Self {
        // An ARN outside its stage, which there is none of, passes by no Resource.
        let Some(tail) = arn.as_str().strip_prefix(arn.stage()) else {
            return Self { arn, tail: arn.as_str(), allowed, nameable: false };
        };
        let fits = arn.as_str().chars().count() <= MAX_RESOURCE_CHARS;
        let plain = fits && !tail.contains(['*', '?']) && !tail.contains("${");
        Self { arn, tail, allowed, nameable: plain }
    }

    /// The narrowest pattern for a request that cannot be named: `?` for each character that IAM would not take for
    /// itself, and a `*` for what is too long.
    pub(super) fn mask(&self, stage: &str) -> String {
        let room = MAX_RESOURCE_CHARS.saturating_sub(stage.chars().count()).saturating_sub(1);
        let mask = self.tail.replace('*', "?").replace("${", "?{");
        match mask.char_indices().nth(room) {
            Some((end, _)) => [mask.get(..end).unwrap_or_default(), "*"].concat(),
            None => mask,
        }
    }
}
