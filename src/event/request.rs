//! REQUEST events: of REST APIs, of WebSocket APIs at `$connect`, and of HTTP APIs in both payload formats.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::arn::MethodArn;
use super::shape::{Pairs, Text};
use super::sources::{Carried, TokenSource};
use super::{Api, Request};
use crate::error::Error;
use crate::json;

/// An object whose members are read by name, each as it was sent.
type Object<'a> = Pairs<'a, &'a RawValue>;

/// The member with this name; none if it is absent or `null`.
///
/// # Errors
/// If it is there twice, or does not have its documented shape.
fn member<'a, T: Deserialize<'a>>(Pairs(members): &Object<'a>, name: &str) -> Result<Option<T>, Error> {
    let mut named = members.iter().filter(|(member, _)| member == name);
    match (named.next(), named.next()) {
        (None, _) => Ok(None),
        (Some((_, value)), None) => serde_json::from_slice(value.get().as_bytes()).map_err(|_| Error::MalformedEvent),
        (Some(_), Some(_)) => Err(Error::MalformedEvent),
    }
}

/// Reads a REQUEST event that is about this ARN; `http` is the kind of an HTTP API.
///
/// # Errors
/// [`Error::MalformedEvent`] if it does not have the documented shape, or if an HTTP API keeps answers by something else than the
/// token.
pub(super) fn parse<'a>(
    event: &'a [u8],
    arn: Cow<'a, str>,
    http: Option<Api>,
    sources: &[TokenSource],
) -> Result<Request<'a>, Error> {
    let event: Object<'a> = json::members(event).map_err(|_| Error::MalformedEvent)?;
    let context: Option<Object<'a>> = member(&event, "requestContext")?;
    let event_type: Option<Text<'a>> = context.map(|context| member(&context, "eventType")).transpose()?.flatten();
    let (arn, api) = match (http, event_type.as_ref().map(|Text(text)| &**text)) {
        (Some(http), None) => (MethodArn::parse(arn), http),
        (None, None) => (MethodArn::parse(arn), Api::Rest),
        (None, Some("CONNECT")) => (MethodArn::of_connect(arn), Api::WebSocket),
        _ => return Err(Error::MalformedEvent),
    };
    let arn = arn.ok_or(Error::MalformedEvent)?;
    let carried = Carried::new(
        member(&event, "headers")?,
        member(&event, "multiValueHeaders")?,
        member(&event, "cookies")?,
        member(&event, "queryStringParameters")?,
        member(&event, "multiValueQueryStringParameters")?,
    );
    let found = sources.iter().find_map(|source| source.find(&carried));
    // Format 1.0 has one text, and 2.0 a list.
    let identity: Vec<Text<'a>> = match member(&event, "identitySource") {
        Ok(texts) => texts.unwrap_or_default(),
        Err(_) => member(&event, "identitySource")?.into_iter().collect(),
    };
    if http.is_some() {
        // An answer is kept by the identity sources. By others than the token, it would be another token's.
        let holds = |text: &str| {
            identity.iter().any(|Text(identity)| identity == text || identity.split(',').any(|part| part == text))
        };
        let kept_by_token = found.as_ref().is_some_and(|found| found.sent.iter().any(|sent| holds(sent)));
        if !kept_by_token && identity.iter().any(|Text(text)| !text.is_empty()) {
            return Err(Error::MalformedEvent);
        }
    }
    Ok(Request { authorization: found.map(|found| Cow::Owned(found.authorization)), arn, api })
}
