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

mod assurance;
mod canaries;
mod confusion;
mod decisions;
mod docs;
mod forge;
mod framing;
mod gateway;
mod keys;
mod local;
mod presets;
mod properties;
mod signatures;
mod starts;
mod threats;
#[path = "../support/tokens.rs"]
mod tokens;
mod vectors;
mod weak_keys;
mod wycheproof;
