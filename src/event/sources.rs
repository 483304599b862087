//! Where the token of a REQUEST event is.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::shape::{Pairs, Text};

/// The header whose values begin with a scheme (RFC 9110 section 11.6.2).
const AUTHORIZATION: &str = "Authorization";
/// The header whose values are subprotocols (RFC 6455 section 11.3.4), the only one that a browser's `WebSocket` can set.
pub(crate) const PROTOCOLS: &str = "Sec-WebSocket-Protocol";
const SCHEME: &str = "bearer";

/// A place in which a REQUEST event may have the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenSource {
    /// A header, whose name is compared without case.
    Header(String),
    /// A cookie (RFC 6265 section 4.2.1).
    Cookie(String),
    /// A parameter of the query string.
    Query(String),
    /// `Sec-WebSocket-Protocol: bearer, <token>`.
    WebSocketProtocol,
}

/// What an event carries that may hold a token. Where an event has a header or parameter twice, both are here.
pub(super) struct Carried<'a> {
    headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    cookies: Vec<Cow<'a, str>>,
    parameters: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// A token that was found.
pub(super) struct Found {
    /// The value of an `Authorization` header that says the same.
    pub(super) authorization: String,
    /// What the gateway may call the value: as it was sent.
    pub(super) sent: Vec<String>,
}

impl<'a> Carried<'a> {
    pub(super) fn new(
        headers: Option<Pairs<'a, Option<Text<'a>>>>,
        multi_value_headers: Option<Pairs<'a, Option<Vec<Text<'a>>>>>,
        cookies: Option<Vec<Text<'a>>>,
        parameters: Option<Pairs<'a, Option<Text<'a>>>>,
        multi_value_parameters: Option<Pairs<'a, Option<Vec<Text<'a>>>>>,
    ) -> Self {
        let cookies = cookies.unwrap_or_default();
        Self {
            headers: all(headers, multi_value_headers),
            cookies: cookies.into_iter().map(|Text(cookie)| cookie).collect(),
            parameters: all(parameters, multi_value_parameters),
        }
    }

    /// The values of a header.
    fn header(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
}

fn all<'a>(
    single: Option<Pairs<'a, Option<Text<'a>>>>,
    multiple: Option<Pairs<'a, Option<Vec<Text<'a>>>>>,
) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
    let mut pairs = Vec::new();
    for (name, value) in single.map_or_else(Vec::new, |Pairs(pairs)| pairs) {
        pairs.extend(value.map(|Text(value)| (name, value)));
    }
    for (name, values) in multiple.map_or_else(Vec::new, |Pairs(pairs)| pairs) {
        for Text(value) in values.unwrap_or_default() {
            pairs.push((name.clone(), value));
        }
    }
    pairs
}

impl TokenSource {
    /// Reads a source as the configuration has it: `header:NAME`, `cookie:NAME`, `query:NAME` or `websocket_protocol`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // RFC 9110 section 5.6.2.
        let is_token = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
        };
        match text.split_once(':') {
            None if text == "websocket_protocol" => Some(Self::WebSocketProtocol),
            Some(("header", name)) if is_token(name) => Some(Self::Header(name.to_owned())),
            Some(("cookie", name)) if is_token(name) => Some(Self::Cookie(name.to_owned())),
            Some(("query", name)) if !name.is_empty() => Some(Self::Query(name.to_owned())),
            _ => None,
        }
    }

    /// The source that is used unless another is configured.
    pub(crate) fn authorization() -> Self {
        Self::Header(AUTHORIZATION.to_owned())
    }

    /// The token, if something is there. Different values are put together as RFC 9110 section 5.3 does it, which is not a token.
    pub(super) fn find(&self, carried: &Carried<'_>) -> Option<Found> {
        match self {
            Self::Header(name) => {
                let values = different(carried.header(name));
                let value = together(&values)?;
                let authorization = if name.eq_ignore_ascii_case(AUTHORIZATION) { value } else { with_scheme(value) };
                Some(Found { authorization, sent: lists(&values).collect() })
            }
            Self::Query(name) => {
                let named = carried.parameters.iter().filter(|(parameter, _)| parameter == name);
                let values = different(named.map(|(_, value)| &**value));
                Some(Found { authorization: with_scheme(together(&values)?), sent: lists(&values).collect() })
            }
            Self::Cookie(name) => {
                let headers = different(carried.header("Cookie"));
                let pairs: Vec<&str> = carried.cookies.iter().map(|pair| &**pair).collect();
                let values = different(headers.iter().chain(&pairs).flat_map(|list| cookies(list, name)));
                let authorization = with_scheme(together(&values)?);
                // Gateways name the whole header.
                let sent = lists(&headers).chain(lists(&pairs)).chain(lists(&values));
                Some(Found { authorization, sent: sent.collect() })
            }
            Self::WebSocketProtocol => {
                let values = different(carried.header(PROTOCOLS));
                let authorization = (!values.is_empty()).then(|| of_protocols(&values))?;
                Some(Found { authorization, sent: lists(&values).collect() })
            }
        }
    }
}

/// The values that are not empty, each once, in their order.
fn different<'v>(values: impl Iterator<Item = &'v str>) -> Vec<&'v str> {
    let mut seen = BTreeSet::new();
    values.filter(|value| !value.is_empty() && seen.insert(*value)).collect()
}

fn together(values: &[&str]) -> Option<String> {
    if values.is_empty() { None } else { Some(values.join(", ")) }
}

/// How the gateway may write these values as an identity source. Never one of several: an answer cached by one alone would also be
/// served to a request that has only that one.
fn lists(values: &[&str]) -> impl Iterator<Item = String> {
    [", ", ",", "; ", ";"].into_iter().map(|between| values.join(between)).filter(|list| !list.is_empty())
}

/// A value with its scheme, which may be left out everywhere but in `Authorization`.
fn with_scheme(value: String) -> String {
    let scheme = value.split_once(' ').map(|(scheme, _)| scheme);
    if scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME)) { value } else { format!("{SCHEME} {value}") }
}

/// The values of a cookie in a list of pairs. Quotes around a value are not part of it (RFC 6265 section 4.1.1).
fn cookies<'v>(list: &'v str, name: &str) -> impl Iterator<Item = &'v str> {
    list.split(';').filter_map(move |pair| {
        let (found, value) = pair.trim_matches([' ', '\t']).split_once('=')?;
        let bare = || value.strip_prefix('"')?.strip_suffix('"');
        // A name has no space at its end (RFC 6265 section 4.1.1), but some backends trim it.
        (found.trim_end_matches([' ', '\t']) == name).then(|| bare().unwrap_or(value))
    })
}

/// The token after `bearer` in lists of subprotocols, if no other item could be one. Anything else becomes a value without the scheme.
fn of_protocols(lists: &[&str]) -> String {
    let malformed = || format!(",{}", lists.join(","));
    let is_bearer = |item: &str| item.eq_ignore_ascii_case(SCHEME);
    // Names of subprotocols have dots as well, but a JOSE header begins with `{"`.
    let is_token = |item: &str| item.starts_with("ey") && item.split('.').count() == 3;
    let (mut token, mut other) = (None, None);
    let mut items = lists.iter().flat_map(|list| list.split(',')).map(|item| item.trim_matches([' ', '\t']));
    while let Some(item) = items.next() {
        let (place, found) = match item {
            item if is_bearer(item) => (&mut token, items.next()),
            item if is_token(item) => (&mut other, Some(item)),
            _ => continue,
        };
        if place.is_some() && *place != found {
            return malformed();
        }
        *place = found;
    }
    match token {
        Some(token)
            if !token.is_empty()
                && !token.contains(' ')
                && !is_bearer(token)
                && other.is_none_or(|other| other == token) =>
        {
            format!("{SCHEME} {token}")
        }
        _ => malformed(),
    }
}

#[cfg(test)]
mod tests;
