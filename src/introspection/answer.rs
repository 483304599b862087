//! What an endpoint says of a token (RFC 7662 section 2.2).

use std::sync::Arc;

use serde_json::Value;

use crate::error::Error;
use crate::json;

/// What an endpoint says of a token.
#[derive(Clone)]
pub(super) enum Standing {
    /// It is active, and these are its claims, a JSON object.
    Active(Arc<Value>),
    /// It is expired, revoked, unknown, or not for this client.
    Inactive,
}

impl Standing {
    /// Reads a response as strictly as the claims of a JWT. `None` for anything but an object whose `active` is a boolean: who does
    /// not say clearly that a token is active or not has not answered. Servers that have nothing to say about an optional member
    /// write `null`, so it counts as absent.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let mut members = json::object(body).ok()?;
        members.retain(|_, value| !value.is_null());
        match members.get("active")? {
            Value::Bool(true) => Some(Self::Active(Arc::new(Value::Object(members)))),
            Value::Bool(false) => Some(Self::Inactive),
            _ => None,
        }
    }
}

/// The proof that the issuer's endpoint calls a token active, so that what it says of it may be read.
pub(crate) struct Introspected {
    /// The claims set, a JSON object.
    pub(crate) claims: Value,
    issuer: Arc<str>,
}

impl Introspected {
    /// Takes an answer of this issuer's endpoint; `None` if the token is not active.
    pub(super) fn of(standing: &Standing, issuer: &Arc<str>) -> Option<Self> {
        match standing {
            Standing::Active(claims) => Some(Self { claims: Value::clone(claims), issuer: Arc::clone(issuer) }),
            Standing::Inactive => None,
        }
    }

    /// Checks that the answer names no other issuer than the one that was asked: a server may serve several.
    ///
    /// # Errors
    /// [`Error::UnknownIssuer`] for an `iss` that is not the configured text.
    pub(crate) fn check_issuer(&self) -> Result<(), Error> {
        match self.claims.get("iss") {
            None => Ok(()),
            Some(Value::String(iss)) if **iss == *self.issuer => Ok(()),
            Some(_) => Err(Error::UnknownIssuer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn says(body: &str, expected: Option<bool>) {
        let standing = Standing::parse(body.as_bytes());
        assert_eq!(standing.map(|standing| matches!(standing, Standing::Active(_))), expected, "{body}");
    }

    #[test]
    fn only_a_boolean_in_a_strict_object_says_whether_a_token_is_active() {
        says(r#"{"active":true}"#, Some(true));
        says(r#" {"active": true, "sub": "alice", "exp": 1e3} "#, Some(true));
        says(r#"{"active":false}"#, Some(false));
        says(r#"{"active":false,"sub":"alice"}"#, Some(false));
        for body in [
            "",
            "{}",
            "true",
            "[]",
            r#"[{"active":true}]"#,
            r#"{"active":"true"}"#,
            r#"{"active":1}"#,
            r#"{"active":null}"#,
            r#"{"Active":true}"#,
            r#"{"active":true,"active":true}"#,
            r#"{"active":false,"act\u0069ve":true}"#,
            r#"{"active":true,"a":{"b":1,"b":2}}"#,
            r#"{"active":true,"exp":1e99999999999999999999}"#,
            r#"{"active":true} x"#,
            r#"{"active":true"#,
            "\u{feff}{\"active\":true}",
            "<html>active</html>",
            "eyJhbGciOiJub25lIn0.eyJhY3RpdmUiOnRydWV9.",
        ] {
            says(body, None);
        }
        says(&format!("{{\"active\":true,\"a\":{}{}}}", "[".repeat(128), "]".repeat(128)), None);
    }

    #[test]
    fn an_answer_about_a_token_of_another_issuer_is_refused() {
        let issuer: Arc<str> = "https://a.example/".into();
        let check = |body: &str| {
            let introspected = Introspected::of(&Standing::parse(body.as_bytes()).unwrap(), &issuer).unwrap();
            introspected.check_issuer()
        };
        assert_eq!(check(r#"{"active":true}"#), Ok(()));
        assert_eq!(check(r#"{"active":true,"iss":"https://a.example/"}"#), Ok(()));
        assert_eq!(check(r#"{"active":true,"iss":null}"#), Ok(()));
        for iss in [r#""https://a.example""#, r#""https://b.example/""#, r#""""#, "1", r#"["https://a.example/"]"#] {
            assert_eq!(check(&format!(r#"{{"active":true,"iss":{iss}}}"#)), Err(Error::UnknownIssuer), "{iss}");
        }
    }
}
