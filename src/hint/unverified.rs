//! A refused token, read as far as it can be.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// The header and claims that a token seems to have. Anybody may have written them.
#[derive(Default)]
pub(super) struct UnverifiedJwt {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Value,
}

impl UnverifiedJwt {
    /// Reads what can be read.
    pub(super) fn of(authorization: &str) -> Self {
        Self { header: part(authorization, 0), claims: Value::Object(part(authorization, 1)) }
    }
}

/// What can be read of a segment: nothing, if it is not an object.
pub(super) fn part(authorization: &str, position: usize) -> Map<String, Value> {
    let token = authorization.rsplit(' ').next().unwrap_or_default();
    let bytes = token.split('.').nth(position).and_then(|segment| URL_SAFE_NO_PAD.decode(segment).ok());
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}
