//! Where claims are, and what they may be.

use serde_json::Value;

use crate::decimal::Decimal;

/// Where a claim is: its name, or a JSON Pointer (RFC 6901) to what lies deeper.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum ClaimName {
    Member(String),
    Pointer(String),
    /// The whole claims set; only for the context.
    Everything,
}

impl ClaimName {
    /// A claim's name, or a JSON Pointer if it begins with `/`; `None` for an empty text or a malformed pointer.
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

    /// The claim in this claims set.
    pub(crate) fn of<'a>(&self, claims: &'a Value) -> Option<&'a Value> {
        match self {
            Self::Member(name) => claims.get(name),
            Self::Pointer(pointer) => claims.pointer(pointer),
            Self::Everything => Some(claims),
        }
    }

    /// The same where `null` counts as absent.
    pub(crate) fn present<'a>(&self, claims: &'a Value) -> Option<&'a Value> {
        self.of(claims).filter(|claim| !claim.is_null())
    }
}

/// What a claim may be.
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

/// JSON equality, in which numbers are equal by their value: `1` is `1.0`, and 2^64 + 1 is not 2^64.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (Decimal::of(a), Decimal::of(b)) {
            (Some(a), Some(b)) => a == b,
            // No document has such a number.
            _ => false,
        },
        (a, b) => a == b,
    }
}
