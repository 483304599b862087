//! A route table, a token and a request -> the policy. Checks it against IAM's evaluation and the rules of the table.

use apigw_jwt_authorizer::internals;

/// Checks the policy for the table, token and request that these bytes choose.
pub fn run(choices: &[u8]) {
    if let Err(broken) = internals::policy(choices) {
        panic!("{broken}");
    }
}
