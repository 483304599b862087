//! Rule tables: the library runs in process, takes events and returns answers.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "a failed step fails the test"
)]

mod assurance;
mod canaries;
mod confusion;
mod decisions;
mod docs;
#[expect(dead_code, reason = "the tests of introspection use the rest")]
#[path = "../support/endpoint.rs"]
mod endpoint;
mod forge;
mod framing;
mod gateway;
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
#[path = "../support/http.rs"]
mod http;
#[expect(dead_code, reason = "the key cache tests use the rest")]
#[path = "../support/in_process.rs"]
mod in_process;
mod keys;
mod local;
mod operators;
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
#[path = "../support/pieces.rs"]
mod pieces;
mod presets;
mod properties;
mod requests;
mod signatures;
mod starts;
mod tenants;
mod threats;
#[path = "../support/tokens.rs"]
mod tokens;
mod vectors;
mod weak_keys;
mod wycheproof;
