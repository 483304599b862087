//! What a claim may be: a value, or an operator such as `{"starts_with": "repo:acme/"}`.

use serde_json::Value;

use super::walk::{Node, all};
use crate::claims::Accepted;

const OPERATORS: [&str; 4] = ["present", "absent", "starts_with", "none_of"];

/// Reads a value or an operator. `is_parameter` says whether a text has a place for the path's own parameter, which no operator
/// may hold.
pub(super) fn accepted(node: &Node<'_>, is_parameter: impl Fn(&str) -> bool) -> Option<Accepted> {
    match node.value {
        Value::Object(_) => operator(node, is_parameter),
        _ => scalar(
            node,
            "expected a string, a number, a boolean, an operator such as `{\"present\": true}`, or a list of these",
        )
        .map(Accepted::Value),
    }
}

fn operator(node: &Node<'_>, is_parameter: impl Fn(&str) -> bool) -> Option<Accepted> {
    let fields = node.fields(&OPERATORS)?;
    let mut given = OPERATORS.into_iter().filter_map(|name| Some((name, fields.optional(name)?)));
    let (name, operand) = match (given.next(), given.next()) {
        (Some(only), None) => only,
        // Its unknown members are reported.
        (None, _) if *node.value != serde_json::json!({}) => return None,
        _ => return node.reject("expected exactly one of `present`, `absent`, `starts_with` and `none_of`"),
    };
    match name {
        "present" => switch(&operand, Accepted::Present),
        "absent" => switch(&operand, Accepted::Absent),
        "starts_with" => beginning(&operand, is_parameter).map(Accepted::StartsWith),
        _ => {
            let items = operand.items("expected a list of at least one string, number or boolean")?;
            let listed = items.iter().map(|item| {
                let value = scalar(item, "expected a string, a number or a boolean")?;
                free_of_parameters(item, value.as_str().unwrap_or_default(), &is_parameter)?;
                Some(value)
            });
            all(listed).map(Accepted::NoneOf)
        }
    }
}

/// Reads the `true` of `{"present": true}`.
fn switch(node: &Node<'_>, accepted: Accepted) -> Option<Accepted> {
    if *node.value == true { Some(accepted) } else { node.reject("expected `true`") }
}

/// Reads how a claim has to begin.
fn beginning(node: &Node<'_>, is_parameter: impl Fn(&str) -> bool) -> Option<String> {
    let text = node.text("expected the beginning of a text, at least one character")?;
    free_of_parameters(node, &text, is_parameter)?;
    if text.ends_with(char::is_alphanumeric) {
        node.walk.warning(
            &node.place,
            "it ends in a letter or a digit, so names that go on are taken, too: `repo:acme` also takes `repo:acme-evil/`; end it with a separator",
        );
    }
    Some(text.into_owned())
}

fn free_of_parameters(node: &Node<'_>, text: &str, is_parameter: impl Fn(&str) -> bool) -> Option<()> {
    match is_parameter(text) {
        true => node.reject("a path parameter stands as a value of its own, never inside an operator"),
        false => Some(()),
    }
}

/// Reads a string, a number or a boolean.
fn scalar(node: &Node<'_>, expected: &str) -> Option<Value> {
    match node.value {
        Value::String(_) => Some(node.string(expected)?.into()),
        Value::Number(_) | Value::Bool(_) => Some(node.value.clone()),
        Value::Object(_) | Value::Null | Value::Array(_) => node.reject(expected),
    }
}
