//! Tests of the policy compiler, with the oracles.

#![expect(clippy::arithmetic_side_effects, reason = "an overflow in a test is also a finding")]

mod bindings;
mod cache;
mod counterexamples;
mod examples;
mod operators;
mod patterns;
mod properties;
mod refusals;
mod room;
mod shared_places;
mod size;
mod started;
mod tables;
mod witnesses;

use super::Plan;
use super::findings::Warning;
use super::oracle::{STAGE, answer, arn, case, iam, json, routes, rules, verified, wanted};
use crate::routes::{METHODS, Routes};
