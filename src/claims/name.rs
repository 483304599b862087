//! The names of claims, and the values that rules accept.

use serde_json::Value;

use crate::decimal::Decimal;

/// How the configuration names a claim: by its name, or by a JSON Pointer (RFC 6901) to a nested member.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum ClaimName {
    Member(String),
    Pointer(String),
    /// The whole claims set; only for the context.
    Everything,
}

impl ClaimName {
    /// Reads a name, or a JSON Pointer if the text begins with `/`; `None` for an empty text or a malformed pointer.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let escapes_fit = || text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        match text.chars().next()? {
            '/' if escapes_fit() => Some(Self::Pointer(text.to_owned())),
            '/' => None,
            _ => Some(Self::Member(text.to_owned())),
        }
    }

    /// As the configuration writes it.
    #[cfg(feature = "authz")]
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Member(text) | Self::Pointer(text) => text,
            Self::Everything => "",
        }
    }

    /// Looks the claim up in a claims set.
    pub(crate) fn of<'a>(&self, claims: &'a Value) -> Option<&'a Value> {
        match self {
            Self::Member(name) => claims.get(name),
            Self::Pointer(pointer) => claims.pointer(pointer),
            Self::Everything => Some(claims),
        }
    }

    /// Looks the claim up; `null` counts as absent.
    pub(crate) fn present<'a>(&self, claims: &'a Value) -> Option<&'a Value> {
        self.of(claims).filter(|claim| !claim.is_null())
    }
}

/// A value that a rule accepts for a claim.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Accepted {
    /// This string, number or boolean, or an array that holds it.
    Value(Value),
    /// Anything but `null`.
    Present,
}

impl Accepted {
    /// Whether the claim is accepted.
    pub(crate) fn fits(&self, claim: &Value) -> bool {
        match (self, claim) {
            (Self::Present, claim) => !claim.is_null(),
            (Self::Value(value), Value::Array(items)) => items.iter().any(|item| same(value, item)),
            (Self::Value(value), single) => same(value, single),
        }
    }
}

/// Whether two JSON values are equal. Numbers are compared by value: `1` equals `1.0`, and 2^64 + 1 does not equal 2^64.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (Decimal::of(a), Decimal::of(b)) {
            (Some(a), Some(b)) => a == b,
            // `json::object` refuses such numbers.
            _ => false,
        },
        (a, b) => a == b,
    }
}
