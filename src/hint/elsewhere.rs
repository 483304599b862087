//! A value that is needed, looked for in all of a token's claims.

use serde_json::Value;

/// How a place has what is needed, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    /// As it is: the whole claim, an item of a list or a word of a text.
    Whole,
    /// In other capital letters.
    Case,
    /// As the name of a member of an object.
    Member,
    /// Behind a prefix, such as `ROLE_`.
    Prefixed,
}

/// Where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) how: How,
    /// As a JSON Pointer (RFC 6901).
    pub(crate) pointer: String,
}

/// Claims that hold names of parties, tokens and methods, and never rights.
const NO_RIGHTS: [&str; 16] = [
    "iss",
    "aud",
    "sub",
    "azp",
    "client_id",
    "cid",
    "appid",
    "jti",
    "sid",
    "nonce",
    "typ",
    "acr",
    "amr",
    "token_use",
    "at_hash",
    "auth_time",
];

/// The best place of a right. `fits` says how a text has it; `known` are the pointers of claims that were looked at already.
pub(super) fn right(claims: &Value, known: &[String], fits: &dyn Fn(&str) -> Option<How>) -> Option<Place> {
    let mut best: Option<Place> = None;
    let mut keep = |how: How, pointer: &dyn Fn() -> String| {
        if best.as_ref().is_none_or(|best| how < best.how) {
            best = Some(Place { how, pointer: pointer() });
        }
    };
    walk(claims, &mut Vec::new(), &mut |path, found| {
        if path.first().is_some_and(|first| NO_RIGHTS.contains(first)) {
            return;
        }
        let here = || pointer(path);
        match found {
            Found::Value(Value::String(text)) if known.is_empty() || !known.contains(&here()) => {
                // A text as a whole, or a list of words.
                let words = text.split([' ', ',']).filter(|word| word.len() < text.len());
                if let Some(how) = [text.as_str()].into_iter().chain(words).filter_map(fits).min() {
                    keep(how, &here);
                }
            }
            Found::Member(name, value) => {
                let granted = !matches!(value, Value::Null | Value::Bool(false));
                if granted && path.len() > 1 && fits(name) == Some(How::Whole) {
                    keep(How::Member, &here);
                }
            }
            Found::Value(_) => {}
        }
    });
    best
}

/// Where a claim has this value under another name: under the last part of its own name first, else anywhere for a text that
/// is long enough to be no accident.
pub(super) fn value(claims: &Value, name: &str, wanted: &Value) -> Option<Place> {
    const TELLING: usize = 3;
    let own = name.rsplit(['/', '.']).next().unwrap_or_default();
    let telling = wanted.as_str().is_some_and(|text| text.len() >= TELLING);
    let (mut named, mut other) = (None, None);
    walk(claims, &mut Vec::new(), &mut |path, found| {
        if let Found::Value(value) = found
            && value == wanted
        {
            let place = || Some(Place { how: How::Whole, pointer: pointer(path) });
            let last = path.iter().rev().find(|step| !step.bytes().all(|byte| byte.is_ascii_digit()));
            if named.is_none() && last.is_some_and(|last| last.rsplit(['/', ':', '.']).next() == Some(own)) {
                named = place();
            } else if other.is_none() && telling && path.first().is_none_or(|first| !["iss", "aud"].contains(first)) {
                other = place();
            }
        }
    });
    named.or(other)
}

/// Something on the way through the claims.
enum Found<'a> {
    /// A value, or an item of a list.
    Value(&'a Value),
    /// A member of an object; the path ends in its name.
    Member(&'a str, &'a Value),
}

/// Visits every value and member. The items of a list are visited with the list's own path if they are not objects.
fn walk<'a>(value: &'a Value, path: &mut Vec<&'a str>, visit: &mut dyn FnMut(&[&'a str], Found<'a>)) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                path.push(name);
                visit(path, Found::Member(name, value));
                walk(value, path, visit);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (item, index) in items.iter().zip(INDEXES.iter().map(Some).chain(std::iter::repeat(None))) {
                match (item, index) {
                    (Value::Object(_) | Value::Array(_), Some(index)) => {
                        path.push(index);
                        walk(item, path, visit);
                        path.pop();
                    }
                    (Value::Object(_) | Value::Array(_), None) => {}
                    _ => visit(path, Found::Value(item)),
                }
            }
        }
        single => visit(path, Found::Value(single)),
    }
}

/// The first items of a list that are objects are looked into; a right that stands behind them has no place worth naming.
const INDEXES: [&str; 8] = ["0", "1", "2", "3", "4", "5", "6", "7"];

/// A path as a JSON Pointer.
pub(super) fn pointer(path: &[&str]) -> String {
    path.iter().map(|step| format!("/{}", escaped(step))).collect()
}

/// A name as a step of a JSON Pointer (RFC 6901 section 3).
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A text, or those of a list.
pub(super) fn texts(claim: &Value) -> impl Iterator<Item = &str> {
    let items = match claim {
        Value::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    items.iter().filter_map(Value::as_str)
}
