//! API Gateway's JSON -> the credential and the method ARN.

mod arn;

use std::borrow::Cow;

pub(crate) use arn::MethodArn;
use serde::Deserialize;

use crate::error::Error;
use crate::json;

/// The request in a TOKEN authorizer event: the credential, and what it is for.
pub(crate) struct Request<'a> {
    /// The whole value of the token header, if it was sent.
    pub(crate) authorization: Option<Cow<'a, str>>,
    /// The method and path of the request.
    pub(crate) arn: MethodArn,
}

/// The three members of a TOKEN event that are read. All others are ignored.
#[derive(Deserialize)]
struct TokenEvent<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "authorizationToken", borrow, default)]
    authorization_token: Option<Cow<'a, str>>,
    #[serde(rename = "methodArn", borrow)]
    method_arn: Cow<'a, str>,
}

impl<'a> Request<'a> {
    /// Reads an event as API Gateway sends it.
    ///
    /// # Errors
    /// [`Error::MalformedEvent`] for anything but a TOKEN event with a method ARN: not JSON, `"type": "REQUEST"`, a
    /// `methodArn` without a path. A missing token is not an error here, because it is the client's mistake.
    pub(crate) fn parse(event: &'a [u8]) -> Result<Self, Error> {
        let event: TokenEvent<'a> = json::members(event).map_err(|_| Error::MalformedEvent)?;
        if event.kind != "TOKEN" {
            return Err(Error::MalformedEvent);
        }
        let arn = MethodArn::parse(&event.method_arn).ok_or(Error::MalformedEvent)?;
        Ok(Self { authorization: event.authorization_token, arn })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_token_event_is_an_event() {
        let arn = "arn:aws:execute-api:eu-west-1:123456789012:api/prod/GET/";
        let event =
            |text: String| Request::parse(text.as_bytes()).map(|request| request.authorization.map(Cow::into_owned));
        assert_eq!(
            event(format!(r#"{{"type":"TOKEN","authorizationToken":"Bearer x","methodArn":"{arn}","more":[1]}}"#)),
            Ok(Some("Bearer x".to_owned()))
        );
        assert_eq!(event(format!(r#"{{"type":"TOKEN","methodArn":"{arn}"}}"#)), Ok(None));
        assert_eq!(event(format!(r#"{{"type":"TOKEN","authorizationToken":null,"methodArn":"{arn}"}}"#)), Ok(None));
        for malformed in [
            String::new(),
            "null".to_owned(),
            "[]".to_owned(),
            "not json".to_owned(),
            r#"{"type":"TOKEN","authorizationToken":"Bearer x"}"#.to_owned(),
            format!(r#"{{"type":"REQUEST","authorizationToken":"Bearer x","methodArn":"{arn}"}}"#),
            format!(r#"{{"authorizationToken":"Bearer x","methodArn":"{arn}"}}"#),
            format!(r#"{{"type":"TOKEN","authorizationToken":7,"methodArn":"{arn}"}}"#),
            r#"{"type":"TOKEN","authorizationToken":"Bearer x","methodArn":null}"#.to_owned(),
            r#"{"type":"TOKEN","authorizationToken":"Bearer x","methodArn":"arn"}"#.to_owned(),
        ] {
            assert_eq!(event(malformed.clone()), Err(Error::MalformedEvent), "{malformed}");
        }
    }
}
