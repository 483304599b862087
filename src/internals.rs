//! Internals for the fuzz targets and the benches. Unstable: any release may change them.

use serde_json::Value;

use crate::Authorizer;
use crate::algorithm::Algorithm;
use crate::bearer::BearerToken;
use crate::claims::{Genuine, Verified};
use crate::event::{MethodArn, Request};
use crate::issuer::Selected;
use crate::keys::{KeyRules, KeySet};
use crate::policy::oracle::{case, choices, iam};
use crate::time::Deadline;
use crate::token::Unverified;

/// The `kid` and `alg` of every usable key of a key set, with all algorithms allowed; `None` if the set is refused.
#[must_use]
pub fn key_set(text: &[u8]) -> Option<Vec<(Option<String>, &'static str)>> {
    let keys = KeySet::parse(text, &KeyRules::of_one_issuer(&Algorithm::WITH_KEYS)).ok()?;
    Some(keys.names().map(|(kid, alg)| (kid.map(str::to_owned), alg.name())).collect())
}

/// Whether a policy allows this method ARN by the rules of IAM. Panics if a Resource is too long or of another stage, or if
/// the text is not a method ARN.
#[must_use]
#[expect(clippy::expect_used, reason = "a target that panics has found something")]
pub fn passes(policy: &Value, arn: &str) -> bool {
    let arn = MethodArn::parse(arn).or_else(|| MethodArn::of_connect(arn));
    let arn = arn.expect("an answer to a text that is not a method ARN");
    let tail = arn.as_str().strip_prefix(arn.stage()).unwrap_or_default();
    iam::Document::new(policy, arn.stage()).allows(tail)
}

/// Checks the policy for the table, token and request that these bytes choose.
///
/// # Errors
/// The rule that the policy breaks.
pub fn policy(bytes: &[u8]) -> Result<(), String> {
    case::judge(&choices::case(bytes)).map(drop)
}

/// A stage of the pipeline, for [`reach`] to stop after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The event was read.
    Event,
    /// The token was split, decoded and parsed, and its issuer was found.
    Token,
    /// Its signature was verified.
    Signature,
    /// Its claims were checked.
    Claims,
    /// The route was found and its rules were checked.
    Route,
}

/// All stages in order.
pub const STAGES: [Stage; 5] = [Stage::Event, Stage::Token, Stage::Signature, Stage::Claims, Stage::Route];

/// Runs the pipeline up to a stage; `None` if an earlier one refuses.
pub async fn reach(authorizer: &Authorizer, event: &[u8], stage: Stage) -> Option<()> {
    let request = Request::parse(event, &authorizer.settings.token_sources).ok()?;
    if stage == Stage::Event {
        return Some(());
    }
    let token = BearerToken::parse(request.authorization.as_deref()).ok()?;
    let token = Unverified::parse(token).ok()?;
    let Selected { issuer, tenant } = authorizer.issuers.select(&token).ok()?;
    if stage == Stage::Token {
        return Some(());
    }
    let deadline = Deadline::of(None, authorizer.clock.now());
    let signed = issuer.keys.verify(token, tenant.as_deref(), deadline, &mut None).await.ok()?;
    if stage == Stage::Signature {
        return Some(());
    }
    let now = authorizer.clock.now().date();
    let rules = (&issuer.claims, &authorizer.settings.forwarding);
    let token = Verified::new(Genuine::Signed(signed), tenant.as_deref(), rules, now, |_, _, _| {}).ok()?;
    if stage == Stage::Route {
        authorizer.routes.decide(&request.arn, &token).permit.ok()?;
    }
    Some(())
}
