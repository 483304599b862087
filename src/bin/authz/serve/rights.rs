//! What a configuration asks of tokens: the rights that open its routes, and the claims that go into every token.

use serde_json::{Map, Value, json};

use super::tenants::TENANT;

/// Scopes and claims that open a route.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Right {
    pub(super) scopes: Vec<String>,
    pub(super) claims: Map<String, Value>,
}

/// What the routes ask of tokens of this issuer and its tenant, each right once, and the names that its entry turns into scopes.
pub(super) fn rights(document: &Value, entry: &Value, issuer: &str, tenant: Option<&str>) -> Vec<Right> {
    let mut rights = Vec::new();
    for route in items(document.get("routes")) {
        let ways = match route.get("any_of") {
            Some(ways) => items(Some(ways)),
            None => vec![route.clone()],
        };
        for way in ways {
            let mut claims = Map::new();
            let mut elsewhere = false;
            for (name, wanted) in way.get("claims").and_then(Value::as_object).into_iter().flatten() {
                if name == "iss" {
                    elsewhere |= !items(Some(wanted)).iter().any(|wanted| takes(wanted, issuer));
                } else if name == TENANT {
                    let is_it =
                        |wanted: &Value| is_parameter(wanted) || tenant.is_some_and(|tenant| takes(wanted, tenant));
                    elsewhere |= tenant.is_none() || !items(Some(wanted)).iter().any(is_it);
                } else if !is_parameter(wanted) {
                    claims.insert(name.clone(), fitting(wanted, name, "user"));
                }
            }
            if elsewhere {
                continue;
            }
            let scopes: Vec<Vec<String>> = match way.get("scopes") {
                None => vec![Vec::new()],
                Some(Value::String(all)) => vec![all.split_whitespace().map(str::to_owned).collect()],
                Some(list) => items(Some(list)).iter().map(words).collect(),
            };
            for scopes in scopes {
                let right = Right { scopes, claims: claims.clone() };
                if !rights.contains(&right) {
                    rights.push(right);
                }
            }
        }
    }
    // One with a space could stand in a list only.
    let mapped = entry.get("scope_map").and_then(Value::as_object).into_iter().flatten();
    for (name, _) in mapped.filter(|(name, _)| !name.contains(' ')) {
        let right = Right { scopes: vec![name.clone()], claims: Map::new() };
        if !rights.contains(&right) {
            rights.push(right);
        }
    }
    rights
}

/// Whether an issuer is what a claim `iss` may be.
fn takes(wanted: &Value, issuer: &str) -> bool {
    let Some(operator) = wanted.as_object() else { return wanted == issuer };
    match (operator.get("starts_with").and_then(Value::as_str), operator.get("none_of")) {
        (Some(start), _) => issuer.starts_with(start),
        (None, Some(listed)) => !items(Some(listed)).iter().any(|value| value == issuer),
        (None, None) => operator.contains_key("present"),
    }
}

/// The claims that every token of an issuer needs, or that are passed on, for this user.
pub(super) fn common(document: &Value, entry: &Value, id: &str, name: &str) -> Map<String, Value> {
    let mut claims = Map::new();
    let context = document.get("context").and_then(Value::as_object);
    let context = context.into_iter().flatten().filter_map(|(_, claim)| claim.as_str());
    for claim in context.filter(|claim| !claim.is_empty() && *claim != TENANT) {
        put(&mut claims, claim, invented(claim, id));
    }
    for claim in items(document.get("principal")).iter().filter_map(Value::as_str).filter(|claim| *claim != TENANT) {
        put(&mut claims, claim, id.into());
    }
    claims.insert("sub".to_owned(), id.into());
    claims.insert("name".to_owned(), name.into());
    for (claim, wanted) in entry.get("required_claims").and_then(Value::as_object).into_iter().flatten() {
        put(&mut claims, claim, fitting(wanted, claim, id));
    }
    claims
}

/// A value that a condition accepts; `null` if the claim has to be absent.
fn fitting(wanted: &Value, claim: &str, id: &str) -> Value {
    match wanted {
        Value::Array(all) => all.first().map_or(Value::Null, |first| fitting(first, claim, id)),
        Value::Object(operator) => match (operator.get("starts_with"), operator.get("none_of")) {
            (Some(start), _) => format!("{}{id}", start.as_str().unwrap_or_default()).into(),
            (None, Some(listed)) => {
                let another = |number: u32| Value::from(format!("{id} {number}"));
                let values = std::iter::once(invented(claim, id)).chain((2..).map(another));
                let listed = items(Some(listed));
                values.into_iter().find(|value| !listed.contains(value)).unwrap_or_default()
            }
            (None, None) if operator.contains_key("absent") => Value::Null,
            (None, None) => invented(claim, id),
        },
        scalar => scalar.clone(),
    }
}

/// A value for a claim of which nothing is known but its name.
fn invented(claim: &str, id: &str) -> Value {
    match claim {
        "sub" => id.into(),
        _ if claim.ends_with("email_verified") => true.into(),
        _ if claim.ends_with("email") => format!("{id}@example.com").into(),
        _ => format!("{id}'s {}", claim.rsplit('/').next().unwrap_or(claim)).into(),
    }
}

fn is_parameter(wanted: &Value) -> bool {
    items(Some(wanted))
        .iter()
        .any(|value| value.as_str().is_some_and(|text| text.starts_with('{') && text.ends_with('}')))
}

/// A value as a list; none for an absent one.
pub(super) fn items(value: Option<&Value>) -> Vec<Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items.clone(),
        Some(one) => vec![one.clone()],
    }
}

/// The words of a text, or of a list of texts.
pub(super) fn words(value: &Value) -> Vec<String> {
    let all = items(Some(value));
    all.iter().filter_map(Value::as_str).flat_map(str::split_whitespace).map(str::to_owned).collect()
}

/// Sets a claim by its name or its JSON Pointer; `null` removes it.
pub(super) fn put(claims: &mut Map<String, Value>, claim: &str, value: Value) {
    let Some(pointer) = claim.strip_prefix('/') else {
        set(claims, claim.to_owned(), value);
        return;
    };
    let mut names: Vec<String> = pointer.split('/').map(|name| name.replace("~1", "/").replace("~0", "~")).collect();
    let Some(last) = names.pop() else { return };
    let mut place = claims;
    for name in names {
        let inner = place.entry(name).or_insert_with(|| json!({}));
        if !inner.is_object() {
            *inner = json!({});
        }
        let Some(inner) = inner.as_object_mut() else { return };
        place = inner;
    }
    set(place, last, value);
}

fn set(claims: &mut Map<String, Value>, name: String, value: Value) {
    match value {
        Value::Null => drop(claims.remove(&name)),
        value => drop(claims.insert(name, value)),
    }
}
