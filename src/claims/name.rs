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

/// What a rule accepts of a claim: a value, or what an operator says of it. `null` counts as absent.
///
/// A scalar fares as a list with that one item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Accepted {
    /// This string, number or boolean, or an array that holds it.
    Value(Value),
    /// Anything but `null`.
    Present,
    /// Nothing, or `null`.
    Absent,
    /// A string that begins with this text, or an array that holds one.
    StartsWith(String),
    /// A string, number or boolean that is none of these, or an array of such alone. An absent claim, an object and a nested
    /// array are not accepted: nothing says that they are something else.
    NoneOf(Vec<Value>),
}

impl Accepted {
    /// Whether the claim is accepted; `None` if the token has none.
    pub(crate) fn fits(&self, claim: Option<&Value>) -> bool {
        let Some(claim) = claim.filter(|claim| !claim.is_null()) else {
            return *self == Self::Absent;
        };
        let items = match claim {
            Value::Array(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        };
        match self {
            Self::Value(value) => items.iter().any(|item| same(value, item)),
            Self::Present => true,
            Self::Absent => false,
            Self::StartsWith(start) => items.iter().filter_map(Value::as_str).any(|text| text.starts_with(start)),
            Self::NoneOf(listed) => {
                items.iter().all(|item| is_comparable(item) && !listed.iter().any(|value| same(value, item)))
            }
        }
    }
}

/// Whether a value is a string, a boolean, or a number that can be compared.
fn is_comparable(value: &Value) -> bool {
    match value {
        Value::String(_) | Value::Bool(_) => true,
        Value::Number(number) => Decimal::of(number).is_some(),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Whether two JSON values are equal. Numbers are compared by value: `1` equals `1.0`, and 2^64 + 1 does not equal 2^64.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (Decimal::of(a), Decimal::of(b)) {
            (Some(a), Some(b)) => a == b,
            // `json::object` refuses such numbers.
            _ => false,
        },
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Whether each of these claims is accepted; `None` is an absent one.
    #[track_caller]
    fn fits(accepted: &Accepted, claims: &[(Option<Value>, bool)]) {
        for (claim, expected) in claims {
            assert_eq!(accepted.fits(claim.as_ref()), *expected, "{accepted:?} and {claim:?}");
        }
    }

    #[test]
    fn a_value_is_accepted_alone_and_in_a_list() {
        let accepted = Accepted::Value(json!("a"));
        fits(&accepted, &[(Some(json!("a")), true), (Some(json!(["b", "a"])), true), (Some(json!([["a"]])), false)]);
        fits(&accepted, &[(Some(json!("A")), false), (Some(json!({"a": 1})), false), (Some(json!(null)), false)]);
        fits(&accepted, &[(None, false), (Some(json!([])), false)]);
    }

    #[test]
    fn null_counts_as_absent() {
        for (claim, absent) in [
            (None, true),
            (Some(json!(null)), true),
            (Some(json!([null])), false),
            (Some(json!([])), false),
            (Some(json!("")), false),
            (Some(json!(false)), false),
            (Some(json!({})), false),
        ] {
            fits(&Accepted::Absent, &[(claim.clone(), absent)]);
            fits(&Accepted::Present, &[(claim, !absent)]);
        }
    }

    #[test]
    fn a_beginning_is_compared_with_strings_alone_or_in_a_list() {
        let accepted = Accepted::StartsWith("repo:acme/".to_owned());
        fits(
            &accepted,
            &[(Some(json!("repo:acme/")), true), (Some(json!("repo:acme/pets:ref:refs/heads/main")), true)],
        );
        fits(&accepted, &[(Some(json!("repo:acme-evil/pets")), false), (Some(json!("Repo:acme/pets")), false)]);
        fits(&accepted, &[(Some(json!(" repo:acme/pets")), false), (Some(json!(["x", 1, "repo:acme/pets"])), true)]);
        fits(&accepted, &[(Some(json!([["repo:acme/pets"]])), false), (Some(json!({"repo:acme/": 1})), false)]);
        fits(&accepted, &[(None, false), (Some(json!(null)), false), (Some(json!([])), false)]);
        fits(&Accepted::StartsWith("1".to_owned()), &[(Some(json!(1)), false), (Some(json!(true)), false)]);
    }

    #[test]
    fn none_of_accepts_scalars_and_lists_of_scalars_that_are_not_listed() {
        let accepted = Accepted::NoneOf(vec![json!("pending"), json!(1), json!(true)]);
        fits(&accepted, &[(Some(json!("active")), true), (Some(json!("Pending")), true), (Some(json!("")), true)]);
        fits(&accepted, &[(Some(json!(2)), true), (Some(json!("1")), true), (Some(json!(false)), true)]);
        fits(&accepted, &[(Some(json!("pending")), false), (Some(json!(true)), false)]);
        for one in ["1", "1.0", "1e0", "10e-1"] {
            fits(&accepted, &[(Some(serde_json::from_str(one).unwrap()), false)]);
        }
        fits(&accepted, &[(Some(json!([])), true), (Some(json!(["a", 2, false])), true)]);
        fits(&accepted, &[(Some(json!(["a", "pending"])), false), (Some(json!(["a", 1.0])), false)]);
        fits(&accepted, &[(None, false), (Some(json!(null)), false), (Some(json!({})), false)]);
        fits(&accepted, &[(Some(json!(["a", null])), false), (Some(json!(["a", {}])), false)]);
        fits(&accepted, &[(Some(json!([["a"]])), false), (Some(json!({"sts": "active"})), false)]);
        // `json::object` lets no such number through.
        fits(&accepted, &[(Some(serde_json::from_str("1e99999999999999999999").unwrap()), false)]);
    }

    #[test]
    fn a_scalar_is_as_a_list_with_it() {
        let values = [json!("a"), json!("ab"), json!("b"), json!(""), json!(1), json!(true)];
        let operators = [
            Accepted::Value(json!("a")),
            Accepted::Value(json!(1)),
            Accepted::Present,
            Accepted::Absent,
            Accepted::StartsWith("a".to_owned()),
            Accepted::NoneOf(vec![json!("a"), json!(1)]),
        ];
        for value in &values {
            for accepted in &operators {
                assert_eq!(
                    accepted.fits(Some(value)),
                    accepted.fits(Some(&json!([value]))),
                    "{accepted:?} and {value}"
                );
            }
        }
    }
}
