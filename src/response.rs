//! Every outcome -> the exact JSON or error. The only table of 200, 401, 403 and 500.

use std::borrow::Cow;
use std::io;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::claims::Identity;
use crate::error::Error;
use crate::event::MethodArn;
use crate::policy::IamPolicy;

/// The longest answer in bytes, which is what API Gateway documents for WebSocket APIs; for REST APIs it documents none.
const MAX_ANSWER_BYTES: usize = 8192;

/// What API Gateway is told.
#[derive(Debug)]
pub enum Answer {
    /// An IAM policy with its principal and context: the client sees what the policy says, or 403.
    Policy(Box<PolicyAnswer>),
    /// No answer but an error: the client sees 401 for `Unauthorized`, else 500. API Gateway does not cache it.
    Failure(Failure),
}

/// An error as the Runtime API takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// What kind of error it is.
    pub error_type: &'static str,
    /// One fixed sentence; exactly `Unauthorized` where the gateway is to answer 401.
    pub error_message: &'static str,
}

/// What becomes of a token that is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InvalidToken {
    /// A Deny policy: 403, cached.
    Deny,
    /// The error `Unauthorized`: 401, not cached.
    Unauthorized,
}

/// How an error is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A token that is not valid, and will not become so.
    Invalid,
    /// A valid token that may not do this.
    Insufficient,
    /// No decision, or none that may be cached.
    Failure(Failure),
}

const UNAUTHORIZED: Failure = Failure { error_type: "Unauthorized", error_message: "Unauthorized" };
const KEYS_UNAVAILABLE: Failure = Failure {
    error_type: "KeysUnavailable",
    error_message: "The keys to verify the token with could not be had; the log says why.",
};
const MALFORMED_EVENT: Failure = Failure {
    error_type: "MalformedEvent",
    error_message: "The event is not a TOKEN authorizer event with a methodArn.",
};
const INTERNAL_ERROR: Failure =
    Failure { error_type: "InternalError", error_message: "The authorizer failed; the log says where." };

/// The table.
fn kind(error: Error) -> Kind {
    match error {
        Error::MissingToken
        | Error::MalformedToken
        | Error::UnsupportedAlgorithm
        | Error::UnknownIssuer
        | Error::InvalidSignature
        | Error::Expired
        | Error::TooOld
        | Error::WrongAudience
        | Error::WrongTokenType
        | Error::BoundToken
        | Error::InvalidClaim
        | Error::MissingClaim => Kind::Invalid,
        // These may heal by themselves within the time that a Deny would be cached.
        Error::UnknownKey | Error::NotYetValid | Error::InvalidSignatureUnderOldSecret => Kind::Failure(UNAUTHORIZED),
        Error::InsufficientScope | Error::ClaimMismatch | Error::UndeclaredRoute | Error::AmbiguousPath => {
            Kind::Insufficient
        }
        Error::KeysUnavailable => Kind::Failure(KEYS_UNAVAILABLE),
        Error::MalformedEvent => Kind::Failure(MALFORMED_EVENT),
        Error::Internal => Kind::Failure(INTERNAL_ERROR),
    }
}

/// An IAM policy with its principal and context. What is absent is left out: API Gateway answers 500 to a `null`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyAnswer {
    principal_id: Cow<'static, str>,
    policy_document: IamPolicy,
    #[serde(skip_serializing_if = "Map::is_empty")]
    context: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_identifier_key: Option<String>,
}

/// The same without its policy document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Frame<'a> {
    principal_id: &'a str,
    policy_document: (),
    #[serde(skip_serializing_if = "Map::is_empty")]
    context: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_identifier_key: Option<&'a str>,
}

/// Counts the bytes that are written to it.
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
    /// The answer to a request whose token is valid. If the policy allows anything it will be applied to other requests
    /// too, and so carries the token's identity whatever became of this one.
    pub(crate) fn decided(identity: Identity, policy: IamPolicy, refusal: Option<Error>) -> Self {
        let Identity { principal, context, usage_identifier_key } = identity;
        match refusal {
            Some(refusal) if !policy.allows() => {
                Self::policy(principal, policy, reason("insufficient_scope", refusal), None)
            }
            _ => Self::policy(principal, policy, context, usage_identifier_key),
        }
    }

    /// The bytes that an answer with this identity leaves for the policy document.
    pub(crate) fn room(identity: &Identity) -> usize {
        // The longest `context` of an answer that allows nothing, which the identity's own may be shorter than.
        const REASON_BYTES: usize = r#""context":{"error":"insufficient_scope","reason":"insufficient_scope"},"#.len();
        let bare = Frame {
            principal_id: &identity.principal,
            policy_document: (),
            context: &identity.context,
            usage_identifier_key: identity.usage_identifier_key.as_deref(),
        };
        let mut frame = Count(0);
        let frame = serde_json::to_writer(&mut frame, &bare).map_or(MAX_ANSWER_BYTES, |()| frame.0);
        MAX_ANSWER_BYTES.saturating_sub(frame).saturating_sub(REASON_BYTES)
    }

    /// The answer where there is no valid token.
    pub(crate) fn refused(error: Error, invalid_token: InvalidToken, arn: Option<&MethodArn>) -> Self {
        match (kind(error), arn) {
            (Kind::Failure(failure), _) => Self::Failure(failure),
            (Kind::Invalid, Some(arn)) if invalid_token == InvalidToken::Deny => {
                Self::policy("anonymous", IamPolicy::deny_stage(arn), reason("invalid_token", error), None)
            }
            (Kind::Invalid, Some(_)) => Self::Failure(UNAUTHORIZED),
            // A route's refusal without a token that it refuses, or a token's without a request, would be our own mistake.
            (Kind::Insufficient, _) | (Kind::Invalid, None) => Self::Failure(INTERNAL_ERROR),
        }
    }

    fn policy(
        principal: impl Into<Cow<'static, str>>,
        policy_document: IamPolicy,
        context: Map<String, Value>,
        usage_identifier_key: Option<String>,
    ) -> Self {
        let principal_id = principal.into();
        Self::Policy(Box::new(PolicyAnswer { principal_id, policy_document, context, usage_identifier_key }))
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

    /// The status that the client sees; 200 stands for whatever the backend answers to a request that passes.
    #[cfg(feature = "authz")]
    pub(crate) fn status(&self, passes: bool) -> u16 {
        match self {
            Self::Policy(_) if passes => 200,
            Self::Policy(_) => 403,
            Self::Failure(failure) if *failure == UNAUTHORIZED => 401,
            Self::Failure(_) => 500,
        }
    }

    /// The answer after a panic.
    #[must_use]
    pub fn internal_error() -> Self {
        Self::Failure(INTERNAL_ERROR)
    }

    /// The answer to an event that could not even be read.
    #[must_use]
    pub fn malformed_event() -> Self {
        Self::Failure(MALFORMED_EVENT)
    }
}

/// The context of an answer that allows nothing, for gateway response templates.
fn reason(error: &str, reason: Error) -> Map<String, Value> {
    Map::from_iter([("error".to_owned(), error.into()), ("reason".to_owned(), reason.code().into())])
}
