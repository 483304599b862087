//! Requests that are asked about without an event.

use serde_json::json;

/// A stage for requests that are asked about without an event.
pub(super) const STAGE: &str = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/prod";

/// An event for a method and a path that begins with `/`.
#[must_use]
pub fn event(authorization: Option<&str>, method: &str, path: &str) -> String {
    let path = path.strip_prefix('/').unwrap_or(path);
    json!({ "type": "TOKEN", "authorizationToken": authorization, "methodArn": format!("{STAGE}/{method}/{path}") })
        .to_string()
}
