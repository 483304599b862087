//! `routes`, and the claim values that issuers and routes accept.

use std::sync::Arc;

use serde_json::Value;

use super::operator::accepted;
use super::walk::{Fields, Node, all};
use crate::claims::{Accepted, ClaimName};
use crate::routes::{Alternative, ClaimNeed, ClaimValue, METHODS, Methods, Need, PathPattern, Route, Segment};

/// Reads `routes`. An invalid entry is `None`.
pub(super) fn table(node: &Node<'_>) -> Option<Vec<Option<Route>>> {
    Some(node.items("expected a list of at least one route")?.iter().map(entry).collect())
}

fn entry(node: &Node<'_>) -> Option<Route> {
    let fields = node.fields(&["method", "path", "scopes", "claims", "any_of"])?;
    let methods = fields.or("method", Methods::Any, methods);
    let path = fields.required("path", "expected a resource path such as `/pets/{id}`").and_then(|node| {
        let text = node.text("expected a resource path such as `/pets/{id}`")?;
        PathPattern::parse(&text).map_err(|expected| node.walk.report(&node.place, expected)).ok()
    });
    let beside = ["scopes", "claims"].into_iter().filter_map(|name| fields.optional(name)).next();
    let need = match (fields.optional("any_of"), beside) {
        (Some(any_of), Some(_)) => any_of.reject("`any_of` stands instead of `scopes` and `claims`, not beside them"),
        (Some(any_of), None) => any_of
            .items("expected a list of at least one alternative, each with `scopes`, `claims` or both")
            .and_then(|items| {
                all(items.iter().map(|item| alternative(item, &item.fields(&["scopes", "claims"])?, path.as_ref())))
            }),
        (None, Some(_)) => alternative(node, &fields, path.as_ref()).map(|only| vec![only]),
        (None, None) => Some(Vec::new()),
    };
    if let (Some(path), Some(node)) = (&path, fields.optional("method"))
        && path.is_connect()
    {
        return node.reject("`$connect` has no method");
    }
    Some(Route { methods: methods?, path: path?, need: Arc::new(Need { any_of: need? }) })
}

/// Reads `method`: `ANY`, or one or more of the seven methods.
fn methods(node: &Node<'_>) -> Option<Methods> {
    const EXPECTED: &str =
        "expected `ANY`, or one or a list of `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`, `OPTIONS`";
    if matches!(node.value, Value::String(_)) && node.string(EXPECTED)? == "ANY" {
        return Some(Methods::Any);
    }
    let (mut named, mut whole, mut twice) = ([false; METHODS.len()], true, false);
    for item in node.one_or_more()? {
        let method = item.string(EXPECTED).and_then(|text| {
            let known = named.iter_mut().zip(METHODS).find(|(_, known)| *known == text);
            known.or_else(|| item.reject(EXPECTED))
        });
        match method {
            Some((named, _)) => twice |= std::mem::replace(named, true),
            None => whole = false,
        }
    }
    match (whole, twice) {
        (true, true) => node.reject("a method is listed twice"),
        _ => whole.then_some(Methods::Named(named)),
    }
}

/// Reads `scopes` and `claims`, which are both needed.
fn alternative(node: &Node<'_>, fields: &Fields<'_>, path: Option<&PathPattern>) -> Option<Alternative> {
    if fields.optional("scopes").is_none() && fields.optional("claims").is_none() {
        return node.reject("expected `scopes`, `claims` or both");
    }
    let expected = "expected a scope, or several that are needed together, separated by spaces";
    let scopes =
        fields.or("scopes", Vec::new(), |node| all(node.one_or_more()?.map(|item| scope_words(&item, expected))));
    let claims = fields.or("claims", Vec::new(), |node| claim_needs(node, path));
    Some(Alternative { scopes: scopes?, claims: claims? })
}

/// Reads one or more scopes, which spaces separate (RFC 6749 section 3.3).
pub(super) fn scope_words<T: for<'t> From<&'t str>>(node: &Node<'_>, expected: &str) -> Option<Vec<T>> {
    let text = node.text(expected)?;
    let scopes: Vec<T> = text.split(' ').filter(|scope| !scope.is_empty()).map(T::from).collect();
    if scopes.is_empty() || text.chars().any(char::is_control) { node.reject(expected) } else { Some(scopes) }
}

/// Reads the claims that a route needs.
fn claim_needs(node: &Node<'_>, path: Option<&PathPattern>) -> Option<Vec<ClaimNeed>> {
    let needs = claim_values(node, |item| {
        let name = match item.value {
            Value::String(_) => braces(&item.string("expected a string")?).map(str::to_owned),
            _ => None,
        };
        let Some(name) = name else {
            return accepted(item, |text| holds_parameter(text, path)).map(ClaimValue::Fixed);
        };
        // The path has an issue of its own, so its parameters are unknown.
        let path = path?;
        let found = path.position(&name).and_then(|position| Some((position, path.segments().get(position)?)));
        let Some((position, segment)) = found else {
            return item.reject(
                "a value in braces is a parameter of the route's own path, and the path has none of this name",
            );
        };
        let last = matches!(segment, Segment::Greedy(_));
        Some(ClaimValue::Parameter { position, last })
    });
    needs.map(|claims| claims.into_iter().map(|(claim, values)| ClaimNeed { claim, values }).collect())
}

/// What stands in braces.
fn braces(text: &str) -> Option<&str> {
    text.strip_prefix('{')?.strip_suffix('}')
}

/// Whether a text is in braces as a whole, or has a parameter of the path in it.
fn holds_parameter(text: &str, path: Option<&PathPattern>) -> bool {
    let named = |segment: &Segment| segment.parameter().is_some_and(|name| text.contains(&format!("{{{name}}}")));
    braces(text).is_some() || path.is_some_and(|path| path.segments().iter().any(named))
}

/// Reads the claims that an issuer's tokens need. They come before any path, so braces mean nothing here.
pub(super) fn required_claims(node: &Node<'_>) -> Option<Vec<(ClaimName, Vec<Accepted>)>> {
    claim_values(node, |item| accepted(item, |_| false))
}

/// Reads an object that maps a claim to what it may be, or a list of that.
fn claim_values<T>(node: &Node<'_>, item: impl Fn(&Node<'_>) -> Option<T>) -> Option<Vec<(ClaimName, Vec<T>)>> {
    const NAME: &str = "expected the name of a claim, or a JSON Pointer that begins with `/`";
    let entries = node.entries("expected an object of claims and their accepted values")?;
    all(entries.into_iter().map(|(name, node)| {
        let values = node.one_or_more().and_then(|items| all(items.map(|value| item(&value))));
        let claim = ClaimName::parse(&name).or_else(|| node.reject(NAME));
        Some((claim?, values?))
    }))
}
