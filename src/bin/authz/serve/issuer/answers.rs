//! The provider's answers.

use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY};
use http::{HeaderName, StatusCode};
use serde_json::json;
use url::Url;

use crate::serve::http::{Reply, private, reply as raw, set};

/// An error of the token endpoint (RFC 6749 section 5.2).
pub(super) fn refusal(error: &str, why: &str) -> Reply {
    private(StatusCode::BAD_REQUEST, &json!({ "error": error, "error_description": why }))
}

/// Sends the browser on.
pub(super) fn moved(to: &Url) -> Reply {
    let mut answer = raw(StatusCode::SEE_OTHER, "text/plain", "");
    set(&mut answer, LOCATION, to.as_str());
    set(&mut answer, CACHE_CONTROL, "no-store");
    answer
}

/// A page of the provider. Its form may lead to the client, which browsers count as a target of the form.
pub(super) fn document(status: StatusCode, page: String, back: Option<&Url>) -> Reply {
    let mut answer = raw(status, "text/html; charset=utf-8", page);
    let back = back.map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self' {back}"
    );
    set(&mut answer, CONTENT_SECURITY_POLICY, policy.trim_end());
    // `no-referrer` would make the form's `Origin` the text `null`.
    set(&mut answer, REFERRER_POLICY, "same-origin");
    set(&mut answer, CACHE_CONTROL, "no-store");
    set(&mut answer, HeaderName::from_static("x-content-type-options"), "nosniff");
    answer
}
