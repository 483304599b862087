//! Why there is no answer.

use std::fmt;

use crate::error::Error;
use crate::keys::FetchError;

/// Why a token is not known to be active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotActive {
    /// The endpoint says so.
    Inactive,
    /// The endpoint could not be asked, which says nothing about the token.
    Unavailable(Failure),
}

/// Why the endpoint could not be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The invocation ends too soon.
    OutOfTime,
    /// It has failed, and is left alone for a while.
    LeftAlone,
    /// The client's secret could not be read from its store.
    Secret,
    Fetch(FetchError),
    /// What it sends is not an object that says whether the token is active.
    Response,
}

impl NotActive {
    pub(crate) fn error(self) -> Error {
        match self {
            Self::Inactive => Error::InactiveToken,
            Self::Unavailable(_) => Error::IntrospectionUnavailable,
        }
    }
}

impl Failure {
    /// The endpoint does not know the client by its credentials (RFC 7662 section 2.3).
    pub(super) const REFUSED: Self = Self::Fetch(FetchError::Status(401));

    /// Whether it says something about the endpoint: that it is down, overloaded, or does not know this client. Any other status and
    /// any other response may be about one token, and whoever can send such a token must not be able to stop the questions about others.
    pub(super) fn is_of_the_endpoint(self) -> bool {
        match self {
            Self::Fetch(FetchError::Status(status)) => status >= 500 || matches!(status, 401 | 403 | 407 | 408 | 429),
            Self::Fetch(
                FetchError::Connection
                | FetchError::Tls(_)
                | FetchError::Address
                | FetchError::NotFound
                | FetchError::Timeout,
            ) => true,
            Self::Fetch(FetchError::TooLarge | FetchError::Unfit(_)) => false,
            Self::OutOfTime | Self::LeftAlone | Self::Secret | Self::Response => false,
        }
    }

    /// What to do about it, for the log, if that is clear.
    pub(crate) fn advice(self) -> Option<&'static str> {
        match self {
            Self::REFUSED => Some(
                "the endpoint does not take these credentials: compare `client_id`, `client_secret` and `auth` with what the server has for this client",
            ),
            Self::Fetch(FetchError::Status(403)) => {
                Some("the endpoint does not let this client ask: have the server allow it introspection")
            }
            Self::Fetch(FetchError::Status(300..=399)) => {
                Some("set `endpoint` to the address that this one redirects to: redirects are not followed")
            }
            Self::Fetch(FetchError::Status(404 | 405)) => Some(
                "correct `endpoint`: it is not an introspection endpoint (`introspection_endpoint` of the server's metadata)",
            ),
            Self::Response => Some("`endpoint` has to send JSON with `active`, as RFC 7662 says"),
            _ => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fetch(error) => return error.fmt(f),
            Self::OutOfTime => "out_of_time",
            Self::LeftAlone => "left_alone_after_failures",
            Self::Secret => "no_client_secret",
            Self::Response => "not_an_introspection_response",
        })
    }
}
