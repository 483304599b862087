//! A claim that is compared with a value, and is not what it should be.

use serde_json::Value;

use super::elsewhere::{self, How, Place, escaped};
use super::list::Hint;
use crate::claims::{Accepted, ClaimName};
use crate::routes::{ClaimValue, Need, segment};
use crate::similarity::{bare, slip};

/// A claim, and what of it is accepted.
pub(super) type Wanted<'a> = (&'a ClaimName, Vec<Accepted>);

/// A cause, and the place that the configuration should name.
pub(crate) struct Cause {
    pub(crate) hint: Hint,
    #[cfg_attr(not(any(test, feature = "authz")), expect(dead_code, reason = "the log has the code alone"))]
    pub(crate) place: Option<Place>,
}

impl From<Hint> for Cause {
    fn from(hint: Hint) -> Self {
        Self { hint, place: None }
    }
}

/// The required claims that are absent or have another value.
pub(super) fn failing<'a>(required: &'a [(ClaimName, Vec<Accepted>)], claims: &Value) -> Vec<Wanted<'a>> {
    failing_of(required.iter().map(|(name, accepted)| (name, accepted.clone())), claims)
}

fn failing_of<'a>(wanted: impl Iterator<Item = Wanted<'a>>, claims: &Value) -> Vec<Wanted<'a>> {
    wanted.filter(|(name, accepted)| !accepted.iter().any(|accepted| accepted.fits(name.of(claims)))).collect()
}

/// The claims of a route that are absent or have another value, for a path without its first slash.
pub(super) fn failing_of_route<'a>(need: &'a Need, path: &str, claims: &Value) -> Vec<Wanted<'a>> {
    let needs = need.any_of.iter().flat_map(|way| &way.claims);
    let wanted = needs.map(|need| {
        let accepted = need.values.iter().filter_map(|value| match value {
            ClaimValue::Fixed(accepted) => Some(accepted.clone()),
            ClaimValue::Parameter { position, last } => {
                segment(path, *position, *last).map(|text| Accepted::Value(text.into()))
            }
        });
        (&need.claim, accepted.collect())
    });
    failing_of(wanted, claims)
}

/// Why a claim is not what it should be.
pub(super) fn cause((name, accepted): &Wanted<'_>, claims: &Value) -> Option<Cause> {
    let values = || {
        accepted.iter().filter_map(|accepted| if let Accepted::Value(value) = accepted { Some(value) } else { None })
    };
    let found = match name.present(claims) {
        None => by_name(name, claims),
        Some(claim) if claim == "pending" && **name == ClaimName::Member("sts".to_owned()) => {
            Some(Hint::SessionPending.into())
        }
        Some(claim) => {
            let by_value = values().find_map(|value| by_value(value, claim));
            by_value.or_else(|| accepted.iter().find_map(|accepted| by_beginning(accepted, claim))).map(Cause::from)
        }
    };
    found.or_else(|| {
        let name = text(name)?;
        values().find_map(|value| {
            let place = elsewhere::value(claims, name, value)?;
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

/// A text that begins nearly as it has to.
fn by_beginning(accepted: &Accepted, claim: &Value) -> Option<Hint> {
    let Accepted::StartsWith(start) = accepted else { return None };
    let alike = |text: &str| text.get(..start.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(start));
    elsewhere::texts(claim).any(alike).then_some(Hint::ClaimValueDiffersByCase)
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
    let differ = kind(a) != kind(b) && kind(a) != 3 && kind(b) != 3;
    differ && (words(a) == words(b) || (kind(a).max(kind(b)) == 1 && flag(a) == flag(b)))
}

fn text(name: &ClaimName) -> Option<&str> {
    match name {
        ClaimName::Member(text) | ClaimName::Pointer(text) => Some(text),
        ClaimName::Everything => None,
    }
}
