//! What the judges are asked.

#![expect(clippy::arithmetic_side_effects, reason = "a test that overflows has found something too")]

mod bindings;
mod examples;
mod memory;
mod patterns;
mod properties;
mod refusals;
mod room;
mod size;
mod space;

use super::judge::{STAGE, answer, arn, case, iam, json, routes, rules, verified};
use super::refusal::Warning;
use super::{Plan, PolicyExpiry};
use crate::routes::{METHODS, Routes};
