//! A table, a token and a request -> the policy, judged by the rules of IAM and of the table.

use apigw_jwt_authorizer::internals;

/// Judges the policy that these bytes choose.
pub fn run(choices: &[u8]) {
    if let Err(broken) = internals::policy(choices) {
        panic!("{broken}");
    }
}
