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
#[expect(dead_code, reason = "some of it is for the tests of the key cache")]
#[path = "../support/in_process.rs"]
mod in_process;
mod keys;
mod local;
#[expect(dead_code, reason = "some of it is for the end-to-end tests")]
#[path = "../support/pieces.rs"]
mod pieces;
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
