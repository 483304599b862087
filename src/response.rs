//! Every outcome -> the exact JSON or error. The only table of 200, 401, 403 and 500.

use std::{fmt, io};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::claims::Identity;
use crate::error::Error;
#[cfg(feature = "authz")]
use crate::event::Api;
use crate::event::MethodArn;
use crate::policy::IamPolicy;

/// The longest answer in bytes. API Gateway documents this limit for WebSocket APIs, and none for REST APIs.
const MAX_ANSWER_BYTES: usize = 8192;

/// The answer to API Gateway.
#[derive(Debug)]
pub enum Answer {
    /// An IAM policy with its principal and context, or the simple answer of an HTTP API: the client sees what it says, or 403.
    Policy(Box<PolicyAnswer>),
    /// An error: the client sees 401 for `Unauthorized`, else 500. API Gateway does not cache it.
    Failure(Failure),
}

/// An error as the Runtime API takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// What kind of error it is.
    pub error_type: &'static str,
    /// One fixed sentence; exactly `Unauthorized` to make the gateway answer 401.
    pub error_message: &'static str,
}

/// How an invalid token is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InvalidToken {
    /// A Deny policy: 403, cached.
    Deny,
    /// The error `Unauthorized`: 401, not cached.
    Unauthorized,
}

/// How the answer to a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As an IAM policy.
    Policy,
    /// As `isAuthorized`, for an HTTP API with simple responses. The gateway takes it for whatever its cache key covers.
    Simple,
}

/// How an error is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The token is invalid, and will stay so.
    Invalid,
    /// The token is valid but may not make this request.
    Insufficient,
    /// There is no decision, or none that may be cached.
    Failure(Failure),
}

const UNAUTHORIZED: Failure = Failure { error_type: "Unauthorized", error_message: "Unauthorized" };
const KEYS_UNAVAILABLE: Failure = Failure {
    error_type: "KeysUnavailable",
    error_message: "The keys to verify the token with could not be had; the log says why.",
};
const INTROSPECTION_UNAVAILABLE: Failure = Failure {
    error_type: "IntrospectionUnavailable",
    error_message: "The token's issuer could not be asked about it; the log says why.",
};
const MALFORMED_EVENT: Failure = Failure {
    error_type: "MalformedEvent",
    error_message: "The event is not an authorizer event of API Gateway; the log says what it looks like.",
};
const INTERNAL_ERROR: Failure =
    Failure { error_type: "InternalError", error_message: "The authorizer failed; the log says where." };

/// The table of answers.
fn kind(error: Error) -> Kind {
    match error {
        Error::MissingToken
        | Error::MalformedToken
        | Error::UnsupportedAlgorithm
        | Error::UnknownIssuer
        | Error::InvalidSignature
        | Error::InactiveToken
        | Error::Expired
        | Error::TooOld
        | Error::WrongAudience
        | Error::WrongTokenType
        | Error::BoundToken
        | Error::InvalidClaim
        | Error::MissingClaim => Kind::Invalid,
        // These may pass within the time that a Deny would be cached.
        Error::UnknownKey | Error::NotYetValid | Error::InvalidSignatureUnderOldKeys => Kind::Failure(UNAUTHORIZED),
        Error::InsufficientScope | Error::ClaimMismatch | Error::UndeclaredRoute | Error::AmbiguousPath => {
            Kind::Insufficient
        }
        Error::KeysUnavailable => Kind::Failure(KEYS_UNAVAILABLE),
        Error::IntrospectionUnavailable => Kind::Failure(INTROSPECTION_UNAVAILABLE),
        Error::MalformedEvent => Kind::Failure(MALFORMED_EVENT),
        Error::Internal => Kind::Failure(INTERNAL_ERROR),
    }
}

/// An IAM policy, and the identity that it is for.
pub struct PolicyAnswer {
    identity: Identity,
    policy: IamPolicy,
    form: Form,
}

impl Serialize for PolicyAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.form {
            Form::Policy => Shape::new(&self.identity, &self.policy).serialize(serializer),
            Form::Simple => {
                Simple { is_authorized: self.policy.allows(), context: &self.identity.context }.serialize(serializer)
            }
        }
    }
}

/// The JSON of a simple answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Simple<'a> {
    is_authorized: bool,
    #[serde(skip_serializing_if = "Map::is_empty")]
    context: &'a Map<String, Value>,
}

/// Prints no identity, because it is made of claims.
impl fmt::Debug for PolicyAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PolicyAnswer").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// The JSON of a policy answer. Absent members are left out, because API Gateway answers 500 to a `null`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shape<'a, P> {
    principal_id: &'a str,
    policy_document: P,
    #[serde(skip_serializing_if = "Map::is_empty")]
    context: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_identifier_key: Option<&'a str>,
}

impl<'a, P> Shape<'a, P> {
    fn new(identity: &'a Identity, policy_document: P) -> Self {
        let Identity { principal, context, usage_identifier_key } = identity;
        Self {
            principal_id: principal,
            policy_document,
            context,
            usage_identifier_key: usage_identifier_key.as_deref(),
        }
    }
}

/// A writer that only counts bytes.
struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Answer {
    /// The answer to a request whose token is valid. A policy that allows anything applies to other requests too, so it carries
    /// the token's identity even if this request is refused.
    pub(crate) fn decided(identity: Identity, policy: IamPolicy, refusal: Option<Error>, form: Form) -> Self {
        match refusal {
            Some(refusal) if !policy.allows() => {
                Self::nothing(identity.principal, policy, "insufficient_scope", refusal, form)
            }
            _ => Self::Policy(Box::new(PolicyAnswer { identity, policy, form })),
        }
    }

    /// The number of bytes that an answer with this identity leaves for the policy document.
    pub(crate) fn room(identity: &Identity) -> usize {
        // The longest `context` of an answer that allows nothing. It may be longer than the identity's own.
        const REASON_BYTES: usize = r#""context":{"error":"insufficient_scope","reason":"insufficient_scope"},"#.len();
        let mut frame = Count(0);
        let frame = serde_json::to_writer(&mut frame, &Shape::new(identity, ())).map_or(MAX_ANSWER_BYTES, |()| frame.0);
        MAX_ANSWER_BYTES.saturating_sub(frame).saturating_sub(REASON_BYTES)
    }

    /// The answer to a request without a valid token.
    pub(crate) fn refused(error: Error, invalid_token: InvalidToken, arn: Option<&MethodArn<'_>>, form: Form) -> Self {
        match (kind(error), arn) {
            (Kind::Failure(failure), _) => Self::Failure(failure),
            (Kind::Invalid, Some(arn)) if invalid_token == InvalidToken::Deny => {
                Self::nothing("anonymous".to_owned(), IamPolicy::deny_stage(arn), "invalid_token", error, form)
            }
            (Kind::Invalid, Some(_)) => Self::Failure(UNAUTHORIZED),
            // A bug: only a verified token reaches the routes, and only a request has a token.
            (Kind::Insufficient, _) | (Kind::Invalid, None) => Self::Failure(INTERNAL_ERROR),
        }
    }

    /// An answer that allows nothing. Its context gives the reason, for gateway response templates.
    fn nothing(principal: String, policy: IamPolicy, error: &str, reason: Error, form: Form) -> Self {
        let why = [("error", error), ("reason", reason.code())];
        let context = why.into_iter().map(|(key, text)| (key.to_owned(), text.into())).collect();
        let identity = Identity { principal, context, usage_identifier_key: None };
        Self::Policy(Box::new(PolicyAnswer { identity, policy, form }))
    }

    /// The answer as one line of JSON.
    ///
    /// ```
    /// # use apigw_jwt_authorizer::Answer;
    /// assert_eq!(
    ///     Answer::internal_error().to_json(),
    ///     r#"{"errorType":"InternalError","errorMessage":"The authorizer failed; the log says where."}"#
    /// );
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        match self {
            Self::Policy(answer) => serde_json::to_string(answer),
            Self::Failure(failure) => serde_json::to_string(failure),
        }
        .unwrap_or_default()
    }

    /// Whether it is a decision: a policy, or the error that makes the gateway answer 401.
    #[must_use]
    pub fn is_decision(&self) -> bool {
        match self {
            Self::Policy(_) => true,
            Self::Failure(failure) => *failure == UNAUTHORIZED,
        }
    }

    /// The status that the client sees; 200 stands for the backend's answer to a request that passes.
    #[cfg(feature = "authz")]
    pub(crate) fn status(&self, passes: bool, api: Api) -> u16 {
        match self {
            Self::Policy(_) if passes => 200,
            Self::Policy(_) => 403,
            Self::Failure(failure) if *failure == UNAUTHORIZED && matches!(api, Api::Rest | Api::WebSocket) => 401,
            Self::Failure(_) => 500,
        }
    }

    /// The answer after a panic.
    #[must_use]
    pub fn internal_error() -> Self {
        Self::Failure(INTERNAL_ERROR)
    }

    /// The answer to an event that could not be read.
    #[must_use]
    pub fn malformed_event() -> Self {
        Self::Failure(MALFORMED_EVENT)
    }
}
