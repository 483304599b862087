//! API Gateway's own answers: its default gateway responses. `gateway_responses.rs` has those of the project's template.

use http::header::{HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde_json::{Value, json};

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
    /// The answer's status, body and `x-amzn-errortype`.
    fn parts(self) -> (StatusCode, Value, &'static str) {
        const DENIED: &str = "User is not authorized to access this resource";
        match self {
            Self::NoMethod => (
                StatusCode::FORBIDDEN,
                json!({ "message": "Missing Authentication Token" }),
                "MissingAuthenticationTokenException",
            ),
            Self::Unauthorized => {
                (StatusCode::UNAUTHORIZED, json!({ "message": "Unauthorized" }), "UnauthorizedException")
            }
            // The capital letter is API Gateway's.
            Self::AccessDenied { explicit: false } => {
                (StatusCode::FORBIDDEN, json!({ "Message": DENIED }), "AccessDeniedException")
            }
            Self::AccessDenied { explicit: true } => (
                StatusCode::FORBIDDEN,
                json!({ "Message": format!("{DENIED} with an explicit deny") }),
                "AccessDeniedException",
            ),
            Self::AuthorizerFailed => {
                (StatusCode::INTERNAL_SERVER_ERROR, json!({ "message": null }), "AuthorizerConfigurationException")
            }
            Self::UriTooLong => {
                (StatusCode::URI_TOO_LONG, json!({ "message": "Request-URI Too Long" }), "RequestTooLargeException")
            }
            Self::BodyTooLong => (
                StatusCode::PAYLOAD_TOO_LARGE,
                json!({ "message": "HTTP content length exceeded 10485760 bytes." }),
                "RequestTooLargeException",
            ),
            Self::BackendUnreachable => (
                StatusCode::GATEWAY_TIMEOUT,
                json!({ "message": "Network error communicating with endpoint" }),
                "InternalServerErrorException",
            ),
            Self::BackendTimedOut => (
                StatusCode::GATEWAY_TIMEOUT,
                json!({ "message": "Endpoint request timed out" }),
                "InternalServerErrorException",
            ),
        }
    }

    /// The answer.
    pub(super) fn reply(self) -> Reply {
        let (status, body, kind) = self.parts();
        let mut answer = reply(status, &body);
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
