//! What the judges are asked.

#![expect(clippy::arithmetic_side_effects, reason = "a test that overflows has found something too")]

mod bindings;
mod cache;
mod counterexamples;
mod examples;
mod patterns;
mod properties;
mod refusals;
mod room;
mod size;
mod started;
mod tables;

use super::findings::Warning;
use super::oracle::{STAGE, answer, arn, case, iam, json, routes, rules, verified};
use super::{Plan, PolicyExpiry};
use crate::routes::{METHODS, Routes};
