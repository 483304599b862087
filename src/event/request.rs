//! REQUEST events: of REST APIs, of WebSocket APIs at `$connect`, and of HTTP APIs in both payload formats.

use std::borrow::Cow;

use serde::Deserialize;

use super::arn::MethodArn;
use super::shape::{IdentitySource, Pairs, Text};
use super::sources::{Carried, TokenSource};
use super::{Api, Request};
use crate::error::Error;
use crate::json;

/// What is read of a REQUEST event, by its documented shape.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestEvent<'a> {
    #[serde(borrow, default)]
    headers: Option<Pairs<'a, Option<Text<'a>>>>,
    #[serde(borrow, default)]
    multi_value_headers: Option<Pairs<'a, Option<Vec<Text<'a>>>>>,
    #[serde(borrow, default)]
    cookies: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    query_string_parameters: Option<Pairs<'a, Option<Text<'a>>>>,
    #[serde(borrow, default)]
    multi_value_query_string_parameters: Option<Pairs<'a, Option<Vec<Text<'a>>>>>,
    #[serde(borrow, default)]
    identity_source: Option<IdentitySource<'a>>,
    #[serde(borrow, default)]
    request_context: Option<RequestContext<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    #[serde(borrow, default)]
    event_type: Option<Cow<'a, str>>,
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
    let event: RequestEvent<'a> = json::members(event).map_err(|_| Error::MalformedEvent)?;
    let event_type = event.request_context.and_then(|context| context.event_type);
    let (arn, api) = match (http, event_type.as_deref()) {
        (Some(http), None) => (MethodArn::parse(arn), http),
        (None, None) => (MethodArn::parse(arn), Api::Rest),
        (None, Some("CONNECT")) => (MethodArn::of_connect(arn), Api::WebSocket),
        _ => return Err(Error::MalformedEvent),
    };
    let arn = arn.ok_or(Error::MalformedEvent)?;
    let carried = Carried::new(
        event.headers,
        event.multi_value_headers,
        event.cookies,
        event.query_string_parameters,
        event.multi_value_query_string_parameters,
    );
    let found = sources.iter().find_map(|source| source.find(&carried));
    if http.is_some() {
        // An answer is kept by the identity sources. By others than the token, it would be another token's.
        let identity = event.identity_source.map(|IdentitySource(texts)| texts).unwrap_or_default();
        let holds = |text: &str| {
            identity.iter().any(|identity| identity == text || identity.split(',').any(|part| part == text))
        };
        let kept_by_token = found.as_ref().is_some_and(|found| found.sent.iter().any(|sent| holds(sent)));
        if !kept_by_token && identity.iter().any(|text| !text.is_empty()) {
            return Err(Error::MalformedEvent);
        }
    }
    Ok(Request { authorization: found.map(|found| Cow::Owned(found.authorization)), arn, api })
}
