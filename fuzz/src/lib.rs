//! The checks of the fuzz targets, which `tests/corpus.rs` runs with the corpora. Each panics if a check fails.

pub mod authorize;
pub mod config;
pub mod differential;
pub mod header_and_claims;
pub mod key_set;
pub mod policy;
pub mod request;
pub mod world;
