//! API Gateway's own answers: its default gateway responses. `gateway_responses.rs` has those of the project's template.

use http::header::{HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde_json::json;

use super::http::{Reply, json as reply, set};

/// What API Gateway answers by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    /// No resource, or a method that it lacks: `MISSING_AUTHENTICATION_TOKEN`.
    NoMethod,
    /// No token, one that fails the validation expression, or the error `Unauthorized`: `UNAUTHORIZED`.
    Unauthorized,
    /// The policy does not allow the request: `ACCESS_DENIED`.
    AccessDenied { explicit: bool },
    /// The function ended in another error: `AUTHORIZER_FAILURE`.
    AuthorizerFailed,
    /// The method ARN is longer than 1,600 bytes.
    UriTooLong,
    /// The body is longer than 10 MB: `REQUEST_TOO_LARGE`.
    BodyTooLong,
    /// The backend cannot be reached: `INTEGRATION_FAILURE`.
    BackendUnreachable,
    /// The backend takes longer than 29 seconds: `INTEGRATION_TIMEOUT`.
    BackendTimedOut,
}

impl Own {
    /// The answer.
    pub(super) fn reply(self) -> Reply {
        const DENIED: &str = "User is not authorized to access this resource";
        const EXPLICITLY: &str = "User is not authorized to access this resource with an explicit deny";
        let (status, message, kind) = match self {
            Self::NoMethod => (403, Some("Missing Authentication Token"), "MissingAuthenticationTokenException"),
            Self::Unauthorized => (401, Some("Unauthorized"), "UnauthorizedException"),
            Self::AccessDenied { explicit: false } => (403, Some(DENIED), "AccessDeniedException"),
            Self::AccessDenied { explicit: true } => (403, Some(EXPLICITLY), "AccessDeniedException"),
            Self::AuthorizerFailed => (500, None, "AuthorizerConfigurationException"),
            Self::UriTooLong => (414, Some("Request-URI Too Long"), "RequestTooLargeException"),
            Self::BodyTooLong => {
                (413, Some("HTTP content length exceeded 10485760 bytes."), "RequestTooLargeException")
            }
            Self::BackendUnreachable => {
                (504, Some("Network error communicating with endpoint"), "InternalServerErrorException")
            }
            Self::BackendTimedOut => (504, Some("Endpoint request timed out"), "InternalServerErrorException"),
        };
        // The capital letter is API Gateway's.
        let name = if let Self::AccessDenied { .. } = self { "Message" } else { "message" };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = reply(status, &json!({ name: message }));
        set(&mut answer, HeaderName::from_static("x-amzn-errortype"), kind);
        answer
    }
}

/// The answer to a CORS preflight, as the template of this project has it: no credentials are asked for.
pub(super) fn preflight(methods: &[&str]) -> Reply {
    let mut answer = Response::new(http_body_util::Full::default());
    *answer.status_mut() = StatusCode::OK;
    set(&mut answer, http::header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization,Content-Type");
    set(&mut answer, http::header::ACCESS_CONTROL_ALLOW_METHODS, &methods.join(","));
    answer
}

/// Lets a page of this origin read the answer.
pub(super) fn shared_with(answer: &mut Reply, origin: &str) {
    let headers = answer.headers_mut();
    if let Ok(origin) = HeaderValue::from_str(origin) {
        headers.insert(http::header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    headers.append(http::header::VARY, HeaderValue::from_static("Origin"));
}
