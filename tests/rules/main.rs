//! The rules, by table: the library in process, events in, answers out.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on has failed"
)]

mod decisions;
mod desk;
mod docs;
mod forge;
mod gateway;
mod keys;
mod presets;
mod signatures;
mod threats;
#[expect(dead_code, reason = "some of it is for the end-to-end tests")]
#[path = "../support/tokens.rs"]
mod tokens;
mod weak_keys;
