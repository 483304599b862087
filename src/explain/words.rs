//! Configured things in words.

use serde_json::Value;

use crate::claims::{Accepted, ClaimName};
use crate::event::MethodArn;
use crate::hint::{Hint, How, Place};
use crate::introspection::{ClientAuth, Introspection};
use crate::issuer::Issuer;
use crate::keys::{Address, KeySet, KeySource, Previous, RemoteKeys, SecretLocation};
use crate::routes::{Alternative, ClaimValue, Route};
use crate::tenant::Tenants;

/// How many tenants are named.
const MAX_NAMED: usize = 10;

/// What an entry needs, one text for each alternative.
pub(super) fn needs(route: &Route) -> Vec<String> {
    if route.need.any_of.is_empty() {
        return vec!["any valid token".to_owned()];
    }
    route.need.any_of.iter().map(|way| alternative(route, way)).collect()
}

fn alternative(route: &Route, way: &Alternative) -> String {
    let scopes: Vec<String> = way.scopes.iter().map(|all| all.join(" and ")).collect();
    let mut parts = Vec::new();
    match scopes.as_slice() {
        [] => {}
        [one] => parts.push(format!("scope {one}")),
        several => parts.push(format!("scope {}", several.join(", or "))),
    }
    for need in &way.claims {
        let values: Vec<String> = need.values.iter().map(|value| claim_value(route, value)).collect();
        parts.push(format!("claim {} {}", need.claim.as_str(), values.join(" or ")));
    }
    parts.join("; ")
}

fn claim_value(route: &Route, value: &ClaimValue) -> String {
    match value {
        ClaimValue::Fixed(accepted) => self::accepted(accepted),
        ClaimValue::Parameter { position, .. } => {
            let name = route.path.segments().get(*position).and_then(|segment| segment.parameter());
            format!("= {{{}}} of the path", name.unwrap_or_default())
        }
    }
}

pub(super) fn accepted(accepted: &Accepted) -> String {
    match accepted {
        Accepted::Value(value) => format!("= {}", text(value)),
        operator => self::operator(operator),
    }
}

/// What is accepted, as in "it has to be ...".
pub(super) fn operator(accepted: &Accepted) -> String {
    match accepted {
        Accepted::Value(value) => text(value),
        Accepted::Present => "present".to_owned(),
        Accepted::Absent => "absent".to_owned(),
        Accepted::StartsWith(start) => format!("a text that begins with {}", quoted(start)),
        Accepted::NoneOf(listed) => format!("none of {}", listed.iter().map(text).collect::<Vec<_>>().join(", ")),
    }
}

/// A claim's value as JSON, so that `"5"` is told from 5, and without control characters, which a terminal might obey.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", printable(text)),
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_string) => {
            items.iter().map(text).collect::<Vec<_>>().join(", ")
        }
        Value::Array(items) if items.is_empty() => "[], an empty list".to_owned(),
        other => printable(&other.to_string()),
    }
}

/// A claim or a header parameter as [`text`] writes it, or that it is absent.
pub(super) fn or_absent(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), text)
}

/// What a name of `scope_map` grants.
pub(super) fn grants(name: &str, granted: &[String]) -> String {
    format!("{} grants {}", printable(name), printable(&granted.join(", ")))
}

/// A text in quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", printable(text))
}

/// A text that does nothing to a terminal.
pub(super) fn printable(text: &str) -> String {
    let odd = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .flat_map(|c| {
            let escaped: Vec<char> = if odd(c) { c.escape_default().collect() } else { vec![c] };
            escaped
        })
        .collect()
}

/// Where opaque tokens are asked about, and as whom.
pub(super) fn introspection(introspection: &Introspection) -> Vec<(&'static str, String)> {
    let (endpoint, client, auth, cache) = introspection.described();
    let auth = match auth {
        ClientAuth::Basic => "basic",
        ClientAuth::Post => "post",
    };
    let kept = format!("{} s at most", cache.as_secs());
    vec![("asked", printable(endpoint)), ("client", format!("{} by {auth}", quoted(client))), ("kept", kept)]
}

pub(super) fn names(names: &[ClaimName]) -> String {
    names.iter().map(ClaimName::as_str).collect::<Vec<_>>().join(", ")
}

/// The keys of a set, by `kid` and algorithm.
pub(super) fn keys(set: &KeySet) -> Vec<String> {
    set.names().map(|(kid, alg)| format!("{} ({})", printable(kid.unwrap_or("no kid")), alg.name())).collect()
}

/// The keys of a set that are not used, and why.
pub(super) fn passed_over(set: &KeySet) -> Vec<String> {
    set.passed_over.iter().map(|key| printable(&key.to_string())).collect()
}

/// A place in a token, and how to write it in a configuration.
pub(super) fn place(hint: Hint, place: &Place) -> String {
    let pointer = printable(&place.pointer);
    let plain = match place.pointer.strip_prefix('/') {
        Some(name) if !name.contains('/') && name.contains('~') => {
            format!(", or by its name, {}", printable(&name.replace("~1", "/").replace("~0", "~")))
        }
        _ => String::new(),
    };
    match place.how {
        How::Member => {
            let parent = pointer.rsplit_once('/').map_or(pointer.as_str(), |(parent, _)| parent);
            format!("a member of {parent} in the token: \"claims\": {{\"{pointer}\": {{\"present\": true}}}}")
        }
        How::Prefixed => format!("{pointer} in the token{plain}, with a prefix"),
        How::Case => format!("{pointer} in the token{plain}, in other capital letters"),
        How::Whole if hint == Hint::ScopesInAnotherClaim => {
            format!("{pointer} in the token{plain}; add it to `scope_claims`")
        }
        How::Whole => format!("{pointer} in the token{plain}"),
    }
}

/// Where an issuer's keys come from.
pub(super) fn source(keys: &KeySource) -> Vec<String> {
    match keys {
        KeySource::Fixed(keys) => {
            vec![format!("a key set in the configuration: {}", self::keys(keys).join(", "))]
        }
        KeySource::Remote(keys) => vec![address(keys)],
        KeySource::PerTenant { sets, .. } => match sets.as_slice() {
            [] => Vec::new(),
            [only] => vec![address(only)],
            [first, others @ ..] => {
                vec![format!("one key set for each tenant, the first {}, and {} more", address(first), others.len())]
            }
        },
        KeySource::Secrets(secrets) => {
            let fixed = (!secrets.fixed.is_empty()).then(|| match secrets.fixed.len() {
                1 => "a shared secret".to_owned(),
                several => format!("{several} shared secrets"),
            });
            let stored = secrets.fetched.iter().map(|secret| match secret.stored() {
                SecretLocation::SecretsManager { id, previous, .. } => {
                    let versions = match previous {
                        Previous::Accepted => "AWSCURRENT and AWSPREVIOUS",
                        Previous::Refused => "AWSCURRENT alone",
                    };
                    format!("a shared secret, {versions} of {id} in Secrets Manager")
                }
                SecretLocation::ParameterStore { name } => format!("a shared secret, {name} in Parameter Store"),
            });
            fixed.into_iter().chain(stored).collect()
        }
    }
}

/// Where a key set comes from.
pub(super) fn address(keys: &RemoteKeys) -> String {
    match keys.address() {
        Address::Fixed(url) => format!("fetched from {}", url.as_str()),
        Address::Discovered(url) => format!("found by OIDC discovery at {}", url.as_str()),
    }
}

/// The tenants that an entry accepts.
pub(super) fn tenants(tenants: &Tenants) -> String {
    match tenants {
        Tenants::Any => "any for whose `iss` the key set has a key".to_owned(),
        Tenants::Listed(listed) => {
            let named = listed.iter().take(MAX_NAMED).map(|tenant| printable(tenant)).collect::<Vec<_>>().join(", ");
            match listed.len().saturating_sub(MAX_NAMED) {
                0 => named,
                more => format!("{named} and {more} more"),
            }
        }
    }
}

/// The path of a request; `$connect` is none.
pub(super) fn path(arn: &MethodArn<'_>) -> String {
    if arn.is_connect() { arn.path().to_owned() } else { format!("/{}", arn.path()) }
}

/// What an issuer is called.
pub(super) fn issuer(issuer: &Issuer) -> String {
    issuer.name.as_configured().map_or_else(|| "any other issuer, or none".to_owned(), printable)
}

/// The algorithms that an issuer is configured for.
pub(super) fn algorithms(issuer: &Issuer) -> String {
    let names: Vec<&str> = issuer.algorithms.iter().map(|alg| alg.name()).collect();
    names.join(", ")
}
