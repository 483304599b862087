//! Verified claims -> the identity in an answer: `principalId`, `context` and `usageIdentifierKey`.

use serde_json::{Map, Value};

use super::name::ClaimName;
use crate::error::Error;

/// The longest `principalId` in bytes: it goes into every access log line.
const MAX_PRINCIPAL_BYTES: usize = 256;
/// The largest context value, and all of them together, in bytes: a whole answer has to stay under 8 KiB.
const MAX_CONTEXT_VALUE_BYTES: usize = 2048;
const MAX_CONTEXT_BYTES: usize = 6144;

/// Context keys that no claim may take: the authorizer writes the first two, the gateway the last.
pub(crate) const RESERVED_CONTEXT_KEYS: [&str; 4] = ["error", "reason", "principalId", "claims"];

/// Which claims the answer passes on to the gateway.
#[derive(Debug)]
pub(crate) struct Forwarding {
    /// The first present claim becomes `principalId`.
    pub(crate) principal: Vec<ClaimName>,
    /// Context key -> claim, in key order.
    pub(crate) context: Vec<(String, ClaimName)>,
    /// The claim that becomes `usageIdentifierKey`.
    pub(crate) usage_identifier_key: Option<ClaimName>,
}

/// The identity in an answer. It depends on nothing but the token, so it may be cached with the policy.
#[derive(Clone, PartialEq)]
pub(crate) struct Identity {
    pub(crate) principal: String,
    pub(crate) context: Map<String, Value>,
    pub(crate) usage_identifier_key: Option<String>,
}

impl Identity {
    /// Takes the identity from a token's claims.
    ///
    /// # Errors
    /// [`Error::MissingClaim`] if there is no principal. [`Error::InvalidClaim`] for a principal or usage identifier key that is
    /// not an identifier: a string of 1 to 256 bytes without control characters.
    pub(super) fn of(claims: &Value, forwarding: &Forwarding) -> Result<Self, Error> {
        let usage_identifier_key = forwarding.usage_identifier_key.as_ref();
        Ok(Self {
            principal: principal(claims, &forwarding.principal)?,
            context: context(claims, &forwarding.context),
            usage_identifier_key: match usage_identifier_key.and_then(|name| name.present(claims)) {
                Some(key) => Some(identifier(key)?),
                None => None,
            },
        })
    }
}

/// The principal: the first present claim of the list, which must be an identifier.
fn principal(claims: &Value, names: &[ClaimName]) -> Result<String, Error> {
    identifier(names.iter().find_map(|name| name.present(claims)).ok_or(Error::MissingClaim)?)
}

/// Reads an identifier: a string of 1 to 256 bytes without control characters.
fn identifier(claim: &Value) -> Result<String, Error> {
    match claim {
        Value::String(text) if is_identifier(claim) => Ok(text.clone()),
        _ => Err(Error::InvalidClaim),
    }
}

/// Whether a claim is a string of 1 to 256 bytes without control characters.
pub(crate) fn is_identifier(claim: &Value) -> bool {
    matches!(claim, Value::String(text) if (1..=MAX_PRINCIPAL_BYTES).contains(&text.len()) && !text.chars().any(char::is_control))
}

/// The mapped claims as API Gateway takes them: scalars as they are, everything else as JSON text. A claim is left out if it is
/// absent or `null`, is a string with control characters, is too long, or does not fit into the total, in key order.
fn context(claims: &Value, mapping: &[(String, ClaimName)]) -> Map<String, Value> {
    let mut context = Map::new();
    let mut room = MAX_CONTEXT_BYTES;
    for (key, name) in mapping {
        let value = match name.present(claims) {
            None => continue,
            Some(Value::String(text)) if text.chars().any(char::is_control) => continue,
            Some(scalar @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => scalar.clone(),
            Some(other) => Value::String(json_text(other)),
        };
        let bytes = value.as_str().map_or_else(|| value.to_string().len(), str::len);
        // The total counts what the answer holds, including quotes, escapes, the colon and the comma.
        let written = [value.to_string(), Value::from(key.as_str()).to_string()].map(|text| text.len());
        let written = written.into_iter().fold(2, usize::saturating_add);
        if bytes <= MAX_CONTEXT_VALUE_BYTES && written <= room {
            room = room.saturating_sub(written);
            context.insert(key.clone(), value);
        }
    }
    context
}

/// A list or an object as JSON text without control characters. `serde_json` does not escape DEL and U+0080 to U+009F.
fn json_text(value: &Value) -> String {
    let written = value.to_string();
    if !written.contains(char::is_control) {
        return written;
    }
    // They occur only inside strings, where an escape means the same (RFC 8259 section 7).
    written.chars().fold(String::with_capacity(written.len()), |mut text, c| {
        match c.is_control() {
            true => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => text.push(c),
        }
        text
    })
}
