//! API Gateway's JSON, of each kind of API -> the credential, the method ARN, and which API asks.

mod arn;
mod request;
mod shape;
mod sources;

use std::borrow::Cow;

pub(crate) use arn::{CONNECT, MethodArn};
use serde::Deserialize;
pub(crate) use sources::{PROTOCOLS, TokenSource};

use crate::error::Error;
use crate::json;

/// The request in an authorizer event: the credential, and what it is for.
pub(crate) struct Request<'a> {
    /// The credential as the value of an `Authorization` header, if one was sent.
    pub(crate) authorization: Option<Cow<'a, str>>,
    /// The method and path of the request.
    pub(crate) arn: MethodArn<'a>,
    /// Which kind of API asks.
    pub(crate) api: Api,
}

/// A kind of API, as far as its answers differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    /// A REST API, by a TOKEN or a REQUEST authorizer.
    Rest,
    /// The `$connect` route of a WebSocket API.
    WebSocket,
    /// An HTTP API, by payload format 1.0 or 2.0.
    Http1,
    Http2,
}

/// What tells the kinds of events apart, and all that is read of a TOKEN event. Other members are ignored.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "authorizationToken", borrow, default)]
    authorization_token: Option<Cow<'a, str>>,
    #[serde(rename = "methodArn", borrow, default)]
    method_arn: Option<Cow<'a, str>>,
    #[serde(rename = "routeArn", borrow, default)]
    route_arn: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    version: Option<Cow<'a, str>>,
}

impl<'a> Request<'a> {
    /// Reads an event as API Gateway sends it. The sources say where the token of a REQUEST event is.
    ///
    /// # Errors
    /// [`Error::MalformedEvent`] for anything but a TOKEN event with a `methodArn`, a REQUEST event with one, or one of format 2.0
    /// with a `routeArn`. A missing token is not an error here, because it is the client's mistake.
    pub(crate) fn parse(event: &'a [u8], sources: &[TokenSource]) -> Result<Self, Error> {
        let members: Members<'a> = json::members(event).map_err(|_| Error::MalformedEvent)?;
        match (&*members.kind, members.version.as_deref(), members.method_arn, members.route_arn) {
            ("TOKEN", None, Some(arn), None) => {
                let arn = MethodArn::parse(arn).ok_or(Error::MalformedEvent)?;
                Ok(Self { authorization: members.authorization_token, arn, api: Api::Rest })
            }
            // The `authorizationToken` that format 1.0 has repeats the gateway's identity sources, which may be anything.
            ("REQUEST", None, Some(arn), None) => request::parse(event, arn, None, sources),
            ("REQUEST", Some("1.0"), Some(arn), None) => request::parse(event, arn, Some(Api::Http1), sources),
            ("REQUEST", Some("2.0"), None, Some(arn)) => request::parse(event, arn, Some(Api::Http2), sources),
            _ => Err(Error::MalformedEvent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:execute-api:eu-west-1:123456789012:api/prod/GET/";

    fn parsed(text: &str) -> Result<(Option<String>, Api), Error> {
        let sources = [TokenSource::authorization()];
        let request = Request::parse(text.as_bytes(), &sources)?;
        Ok((request.authorization.map(Cow::into_owned), request.api))
    }

    #[test]
    fn a_token_event_has_a_method_arn_and_may_have_a_token() {
        let bearer = Some("Bearer x".to_owned());
        for (event, expected) in [
            (format!(r#"{{"type":"TOKEN","authorizationToken":"Bearer x","methodArn":"{ARN}","more":[1]}}"#), bearer),
            (format!(r#"{{"type":"TOKEN","methodArn":"{ARN}"}}"#), None),
            (format!(r#"{{"type":"TOKEN","authorizationToken":null,"methodArn":"{ARN}"}}"#), None),
            (format!(r#"{{"type":"TOKEN","methodArn":"{ARN}","headers":{{"Authorization":"Bearer y"}}}}"#), None),
        ] {
            assert_eq!(parsed(&event), Ok((expected, Api::Rest)), "{event}");
        }
    }

    #[test]
    fn the_type_the_version_and_the_arn_say_together_which_event_it_is() {
        let connect = ARN.replace("GET/", "$connect");
        for (event, expected) in [
            (format!(r#"{{"type":"REQUEST","methodArn":"{ARN}"}}"#), Api::Rest),
            (
                format!(r#"{{"type":"REQUEST","version":"1.0","methodArn":"{ARN}","authorizationToken":"x"}}"#),
                Api::Http1,
            ),
            (format!(r#"{{"type":"REQUEST","version":"2.0","routeArn":"{ARN}"}}"#), Api::Http2),
            (
                format!(r#"{{"type":"REQUEST","methodArn":"{connect}","requestContext":{{"eventType":"CONNECT"}}}}"#),
                Api::WebSocket,
            ),
        ] {
            assert_eq!(parsed(&event), Ok((None, expected)), "{event}");
        }
        for malformed in [
            String::new(),
            "null".to_owned(),
            "[]".to_owned(),
            "not json".to_owned(),
            r#"{"type":"TOKEN","authorizationToken":"Bearer x"}"#.to_owned(),
            format!(r#"{{"authorizationToken":"Bearer x","methodArn":"{ARN}"}}"#),
            format!(r#"{{"type":"token","authorizationToken":"Bearer x","methodArn":"{ARN}"}}"#),
            format!(r#"{{"type":"TOKEN","authorizationToken":7,"methodArn":"{ARN}"}}"#),
            r#"{"type":"TOKEN","authorizationToken":"Bearer x","methodArn":null}"#.to_owned(),
            r#"{"type":"TOKEN","authorizationToken":"Bearer x","methodArn":"arn"}"#.to_owned(),
            // Of two kinds.
            format!(r#"{{"type":"TOKEN","version":"1.0","methodArn":"{ARN}"}}"#),
            format!(r#"{{"type":"TOKEN","routeArn":"{ARN}","methodArn":"{ARN}"}}"#),
            format!(r#"{{"type":"TOKEN","methodArn":"{connect}"}}"#),
            format!(r#"{{"type":"REQUEST","routeArn":"{ARN}"}}"#),
            format!(r#"{{"type":"REQUEST","version":"1.0","routeArn":"{ARN}"}}"#),
            format!(r#"{{"type":"REQUEST","version":"2.0","methodArn":"{ARN}"}}"#),
            format!(r#"{{"type":"REQUEST","version":"2.0","methodArn":"{ARN}","routeArn":"{ARN}"}}"#),
            format!(r#"{{"type":"REQUEST","version":"3.0","routeArn":"{ARN}"}}"#),
            format!(r#"{{"version":"2.0","routeArn":"{ARN}"}}"#),
            // `$connect` belongs to a WebSocket API alone, and is all that one asks about.
            format!(r#"{{"type":"REQUEST","methodArn":"{connect}"}}"#),
            format!(
                r#"{{"type":"REQUEST","version":"1.0","methodArn":"{connect}","requestContext":{{"eventType":"CONNECT"}}}}"#
            ),
            format!(r#"{{"type":"REQUEST","methodArn":"{ARN}","requestContext":{{"eventType":"CONNECT"}}}}"#),
            format!(r#"{{"type":"REQUEST","methodArn":"{connect}","requestContext":{{"eventType":"MESSAGE"}}}}"#),
            // Of other shapes than the documented ones.
            format!(r#"{{"type":"REQUEST","methodArn":"{ARN}","headers":[]}}"#),
            format!(r#"{{"type":"REQUEST","methodArn":"{ARN}","headers":{{"a":1}}}}"#),
            format!(r#"{{"type":"REQUEST","methodArn":"{ARN}","multiValueHeaders":{{"a":"b"}}}}"#),
            format!(r#"{{"type":"REQUEST","methodArn":"{ARN}","headers":{{}},"headers":{{}}}}"#),
            format!(r#"{{"type":"REQUEST","version":"2.0","routeArn":"{ARN}","cookies":"a=b"}}"#),
            format!(r#"{{"type":"REQUEST","methodArn":"{connect}","requestContext":["CONNECT"]}}"#),
            format!(r#"{{"type":"REQUEST","methodArn":"{ARN}","requestContext":{{}},"requestContext":{{}}}}"#),
            format!(r#"{{"type":"REQUEST","methodArn":"{ARN}","headers":{{"a":[}}}}"#),
        ] {
            assert_eq!(parsed(&malformed), Err(Error::MalformedEvent), "{malformed}");
        }
    }
}
