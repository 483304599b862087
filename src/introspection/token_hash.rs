//! What stands for a token in memory.

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};

/// The SHA-256 of a token, so that no token is held longer than its request.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TokenHash([u8; SHA256_OUTPUT_LEN]);

impl TokenHash {
    pub(super) fn of(token: &str) -> Self {
        let mut hash = [0; SHA256_OUTPUT_LEN];
        // Both have the length of a SHA-256.
        hash.iter_mut().zip(digest(&SHA256, token.as_bytes()).as_ref()).for_each(|(to, from)| *to = *from);
        Self(hash)
    }
}
