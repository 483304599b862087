//! A claim that is compared with a value, and is not what it should be.

use std::cmp::Ordering;

use serde_json::Value;

use super::elsewhere::{self, How, Place, escaped};
use super::list::Hint;
use crate::claims::{Accepted, ClaimName};
use crate::routes::{ClaimValue, Need};
use crate::similarity::{bare, slip};

/// A claim and its accepted values. An empty list accepts any value.
pub(super) struct Wanted<'a> {
    pub(super) name: &'a ClaimName,
    values: Vec<Value>,
}

/// A cause, and the place that the configuration should name.
pub(super) struct Cause {
    pub(super) hint: Hint,
    #[cfg_attr(not(feature = "authz"), expect(dead_code, reason = "the log has the code alone"))]
    pub(super) place: Option<Place>,
}

/// The required claims that are absent or have another value.
pub(super) fn failing<'a>(required: &'a [(ClaimName, Vec<Accepted>)], claims: &Value) -> Vec<Wanted<'a>> {
    let fails = |(name, accepted): &&(ClaimName, Vec<Accepted>)| {
        name.present(claims).is_none_or(|claim| !accepted.iter().any(|value| value.fits(claim)))
    };
    required.iter().filter(fails).map(|(name, accepted)| Wanted { name, values: fixed(accepted).collect() }).collect()
}

fn fixed(accepted: &[Accepted]) -> impl Iterator<Item = Value> {
    accepted.iter().filter_map(|accepted| match accepted {
        Accepted::Value(value) => Some(value.clone()),
        Accepted::Present => None,
    })
}

/// The claims of a route that are absent or have another value, for a path without its first slash.
pub(super) fn failing_of_route<'a>(need: &'a Need, path: &str, claims: &Value) -> Vec<Wanted<'a>> {
    let segment = |position: usize, last: bool| match last {
        true => path.splitn(position.saturating_add(1), '/').nth(position),
        false => path.split('/').nth(position),
    };
    let needs = need.any_of.iter().flat_map(|way| &way.claims);
    let wanted = needs.map(|need| {
        let values = need.values.iter().filter_map(|value| match value {
            ClaimValue::Fixed(Accepted::Value(value)) => Some(value.clone()),
            ClaimValue::Fixed(Accepted::Present) => None,
            ClaimValue::Parameter { position, last } => segment(*position, *last).map(Value::from),
        });
        Wanted { name: &need.claim, values: values.collect() }
    });
    let fails = |wanted: &Wanted<'_>| match wanted.name.present(claims) {
        None => true,
        Some(claim) => {
            !wanted.values.is_empty() && !wanted.values.iter().any(|value| Accepted::Value(value.clone()).fits(claim))
        }
    };
    wanted.filter(fails).collect()
}

/// Why a claim is not what it should be.
pub(super) fn cause(wanted: &Wanted<'_>, claims: &Value) -> Option<Cause> {
    let found = match wanted.name.present(claims) {
        None => by_name(wanted.name, claims),
        Some(claim) => {
            wanted.values.iter().find_map(|value| by_value(value, claim)).map(|hint| Cause { hint, place: None })
        }
    };
    found.or_else(|| {
        let name = text(wanted.name)?;
        wanted.values.iter().find_map(|value| {
            let place = elsewhere::value(claims, name, value, &|claim| claim == value)?;
            Some(Cause { hint: Hint::ClaimInAnotherPlace, place: Some(place) })
        })
    })
}

/// A name that no claim has, and one that is meant.
fn by_name(name: &ClaimName, claims: &Value) -> Option<Cause> {
    let name = text(name)?;
    let members = claims.as_object()?;
    let at = |hint, pointer: String| Some(Cause { hint, place: Some(Place { how: How::Whole, pointer }) });
    let path = name.strip_prefix("$.").unwrap_or(name).trim_start_matches('/');
    if path.len() < name.len() && members.contains_key(path) {
        return at(Hint::ClaimNameNotEscaped, format!("/{}", escaped(path)));
    }
    let nested = format!("/{}", path.replace('.', "/"));
    if path.contains('.') && claims.pointer(&nested).is_some() {
        return at(Hint::ClaimNameIsDotted, nested);
    }
    let similar = |member: &&String| {
        bare(member) == bare(name) || (name.len().min(member.len()) > 3 && slip(name, member).is_some())
    };
    let member = members.keys().find(similar)?;
    at(Hint::ClaimNameDiffers, format!("/{}", escaped(member)))
}

/// A value that is nearly what is needed.
fn by_value(wanted: &Value, claim: &Value) -> Option<Hint> {
    if let Value::Array(items) = claim {
        return items.iter().find_map(|item| by_value(wanted, item));
    }
    if of_other_type(wanted, claim) {
        return Some(Hint::ClaimOfOtherType);
    }
    let (wanted, claim) = (wanted.as_str()?, claim.as_str()?);
    let one_of = || claim.split([' ', ',', ';']).any(|word| word.trim() == wanted);
    if claim.trim().eq_ignore_ascii_case(wanted.trim()) {
        Some(Hint::ClaimValueDiffersByCase)
    } else {
        one_of().then_some(Hint::ClaimIsOneText)
    }
}

/// Whether two scalars of different types are the same in words: `"true"` and `true`, `"5"` and 5, 1 and `true`.
fn of_other_type(a: &Value, b: &Value) -> bool {
    let words = |value: &Value| match value {
        Value::String(text) => text.trim().to_ascii_lowercase(),
        other => other.to_string(),
    };
    let flag = |value: &Value| match value {
        Value::Bool(flag) => Some(i64::from(*flag)),
        Value::Number(number) => number.as_i64(),
        _ => None,
    };
    let kind = |value: &Value| match value {
        Value::Bool(_) => 0,
        Value::Number(_) => 1,
        Value::String(_) => 2,
        _ => 3,
    };
    let differ = kind(a).cmp(&kind(b)) != Ordering::Equal && kind(a) != 3 && kind(b) != 3;
    differ && (words(a) == words(b) || (kind(a).max(kind(b)) == 1 && flag(a) == flag(b)))
}

fn text(name: &ClaimName) -> Option<&str> {
    match name {
        ClaimName::Member(text) | ClaimName::Pointer(text) => Some(text),
        ClaimName::Everything => None,
    }
}
