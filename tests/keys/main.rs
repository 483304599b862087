//! The key cache: the library in process, an identity provider on loopback that can misbehave, and a clock that tests
//! move. Each test is named after the rule that it checks, and counts the fetches.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::string_slice,
    reason = "a failed step fails the test"
)]

#[cfg(test)]
mod addresses;
#[cfg(test)]
mod ages;
#[cfg(test)]
mod deadlines;
#[cfg(test)]
mod discovery;
#[cfg(test)]
mod introspection;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod sets;
#[cfg(test)]
mod start_up;
#[cfg(test)]
mod tenants;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod unknown_keys;
#[cfg(test)]
mod world;

#[cfg(test)]
#[expect(dead_code, unused_imports, reason = "the end-to-end tests use the rest")]
#[path = "../support/mod.rs"]
mod support;
