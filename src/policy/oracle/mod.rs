//! Oracles for the tests and the fuzz targets, which share no code with the policy compiler: IAM's evaluation of a
//! document, the rules of a route table, and the cases that compare them.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a panic in an oracle is also a finding"
)]

pub(crate) mod case;
#[cfg(feature = "unstable-internals")]
pub(crate) mod choices;
pub(crate) mod iam;
pub(crate) mod rules;
pub(crate) mod wanted;

use std::sync::Arc;

use serde_json::Value;

use self::rules::{Mode, Rules, Token};
use self::wanted::Wanted;
use super::{IamPolicy, Plan};
use crate::claims::{Accepted, ClaimName, Verified};
use crate::event::MethodArn;
use crate::routes::{
    Alternative, ClaimNeed, ClaimValue, METHODS, Methods, Need, PathPattern, Route, Routes, Undeclared,
};
use crate::time::NumericDate;

pub(crate) const STAGE: &str = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/";

/// The program's form of a table; `None` if two entries conflict.
pub(crate) fn routes(rules: &Rules) -> Option<Routes> {
    let entries = rules.entries.iter().map(|entry| {
        let path = PathPattern::parse(&entry.path).unwrap();
        let value = |wanted: &Wanted| {
            ClaimValue::Fixed(match wanted {
                Wanted::Parameter(name) => {
                    let name = &name[1..name.len() - 1];
                    let position = path.position(name).unwrap();
                    return ClaimValue::Parameter { position, last: entry.path.ends_with(&format!("{{{name}+}}")) };
                }
                Wanted::Text(text) => Accepted::Value(text.as_str().into()),
                Wanted::Present => Accepted::Present,
                Wanted::Absent => Accepted::Absent,
                Wanted::Begins(begins) => Accepted::StartsWith((*begins).to_owned()),
                Wanted::NoneOf(listed) => Accepted::NoneOf(listed.clone()),
            })
        };
        let any_of = entry.any_of.iter().map(|way| Alternative {
            scopes: way.scopes.iter().map(|all| all.iter().map(|scope| (*scope).into()).collect()).collect(),
            claims: way
                .claims
                .iter()
                .map(|(claim, values)| ClaimNeed {
                    claim: ClaimName::parse(claim).unwrap(),
                    values: values.iter().map(value).collect(),
                })
                .collect(),
        });
        Route {
            methods: match entry.methods.as_slice() {
                [] => Methods::Any,
                named => Methods::Named(METHODS.map(|known| named.contains(&known))),
            },
            need: Arc::new(Need { any_of: any_of.collect() }),
            path: path.clone(),
        }
    });
    let undeclared = match rules.mode {
        Mode::Deny => Undeclared::Deny,
        Mode::Allow => Undeclared::Allow,
        Mode::Absent => Undeclared::Absent,
    };
    Routes::new(entries.collect(), undeclared).ok()
}

pub(crate) fn verified(token: &Token) -> Verified {
    Verified::for_tests(token.claims.clone(), &token.scopes, NumericDate(1_800_000_000.0))
}

pub(crate) fn arn(tail: &str) -> MethodArn<'static> {
    MethodArn::parse(format!("{STAGE}{tail}")).unwrap()
}

/// The policy for a request, and the number of units that did not fit.
pub(crate) fn answer(routes: &Routes, plan: &Plan, token: &Token, tail: &str, room: usize) -> (IamPolicy, usize) {
    let (token, arn) = (verified(token), arn(tail));
    let decision = routes.decide(&arn, &token).permit;
    let said = plan.policy(&token, &arn, &decision, token.not_after(), room);
    (said.policy, said.left_out)
}

pub(crate) fn json(policy: &IamPolicy) -> Value {
    serde_json::to_value(policy).unwrap()
}
