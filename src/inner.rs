//! What the fuzz targets ask besides the public names. It is for them alone and may change in any release.

use serde_json::Value;

use crate::algorithm::Algorithm;
use crate::event::MethodArn;
use crate::keys::KeySet;
use crate::policy::oracle::{case, choices, iam};

/// The `kid` and `alg` of every key that would be used of a key set for which all algorithms are allowed; `None` if it would
/// not be taken.
#[must_use]
pub fn key_set(text: &[u8]) -> Option<Vec<(Option<String>, &'static str)>> {
    let keys = KeySet::parse(text, &Algorithm::WITH_KEYS).ok()?;
    Some(keys.names().map(|(kid, alg)| (kid.map(str::to_owned), alg.name())).collect())
}

/// Whether a policy lets a request with this method ARN pass, by the rules of IAM. It panics if a Resource is too long or of
/// another stage, or if the text is no method ARN.
#[must_use]
#[expect(clippy::expect_used, reason = "a target that panics has found something")]
pub fn passes(policy: &Value, arn: &str) -> bool {
    let arn = MethodArn::parse(arn).expect("an answer to what is no method ARN");
    let tail = arn.as_str().strip_prefix(arn.stage()).unwrap_or_default();
    iam::Document::new(policy, arn.stage()).allows(tail)
}

/// Judges the policy for the table, token and request that these bytes choose.
///
/// # Errors
/// The promise that the policy breaks.
pub fn policy(bytes: &[u8]) -> Result<(), String> {
    case::judge(&choices::case(bytes)).map(drop)
}
