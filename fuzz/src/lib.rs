//! What the fuzz targets run, and `tests/corpus.rs` with what they have found. Each panics at what must not be.

pub mod authorize;
pub mod config;
pub mod differential;
pub mod header_and_claims;
pub mod key_set;
pub mod policy;
pub mod world;
