//! The text of a document, JSON or YAML, as one tree of JSON values.
//!
//! CloudFormation's short tags become the functions that they stand for: `!Ref X` is `{"Ref": "X"}`, `!Sub X` is
//! `{"Fn::Sub": "X"}`.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};
use serde_json::{Map, Value, json};

/// Deeper than any schema that people write, and shallow enough for the stack.
const MAX_DEPTH: usize = 100;
/// What aliases may add up to: a few kilobytes of them can otherwise stand for gigabytes.
const MAX_NODES: usize = 2_000_000;

/// Reads JSON or YAML.
///
/// # Errors
/// Where the text is neither.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.trim_start().starts_with('{') {
        return yaml(text);
    }
    // A flow mapping of YAML begins like JSON.
    serde_json::from_str(text).or_else(|error| {
        yaml(text).map_err(|_| format!("line {}, column {}: expected JSON", error.line(), error.column()))
    })
}

fn yaml(text: &str) -> Result<Value, String> {
    let mut tree = Tree { events: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0 };
    loop {
        match tree.next()? {
            (Event::StreamEnd, _) => return Ok(Value::Null),
            (Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd, _) => {}
            (event, span) => return tree.value(event, span, 0),
        }
    }
}

/// A tree in the making.
struct Tree<'a> {
    events: Parser<'a, StrInput<'a>>,
    /// What each anchor stands for, and how many nodes that is.
    anchors: HashMap<usize, (Value, usize)>,
    nodes: usize,
}

impl<'a> Tree<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), String> {
        match self.events.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => {
                let (line, column) = (error.marker().line(), error.marker().col().saturating_add(1));
                Err(format!("line {line}, column {column}: expected YAML"))
            }
            None => Err("expected YAML that does not end in the middle".to_owned()),
        }
    }

    /// The value that an event begins.
    fn value(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Value, String> {
        let at = |problem: &str| Err(format!("line {}: {problem}", span.start.line()));
        let before = self.nodes;
        self.nodes = self.nodes.saturating_add(1);
        if depth > MAX_DEPTH {
            return at("nested too deeply");
        }
        if self.nodes > MAX_NODES {
            return at("more values than an API document holds");
        }
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (tagged(scalar(&text, style, tag.as_deref()), tag.as_deref()), anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.value(event, span, depth.saturating_add(1))?),
                    }
                }
                (tagged(Value::Array(items), tag.as_deref()), anchor)
            }
            Event::MappingStart(anchor, tag) => (tagged(Value::Object(self.members(depth)?), tag.as_deref()), anchor),
            Event::Alias(anchor) => {
                let Some((value, nodes)) = self.anchors.get(&anchor) else {
                    return at("an alias of nothing");
                };
                self.nodes = self.nodes.saturating_add(*nodes);
                (value.clone(), 0)
            }
            _ => return at("expected a value"),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, (value.clone(), self.nodes.saturating_sub(before)));
        }
        Ok(value)
    }

    fn members(&mut self, depth: usize) -> Result<Map<String, Value>, String> {
        let (mut members, mut merged) = (Map::new(), Vec::new());
        loop {
            let (event, span) = self.next()?;
            let name = match event {
                Event::MappingEnd => break,
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(format!("line {}: expected a text as a key", span.start.line())),
            };
            let (event, at) = self.next()?;
            let value = self.value(event, at, depth.saturating_add(1))?;
            if name == "<<" {
                merged.push(value);
            } else if members.insert(name, value).is_some() {
                return Err(format!("line {}: this key is there already", span.start.line()));
            }
        }
        for value in merged {
            let sources = match value {
                Value::Array(items) => items,
                single => vec![single],
            };
            for source in sources {
                if let Value::Object(source) = source {
                    for (name, value) in source {
                        members.entry(name).or_insert(value);
                    }
                }
            }
        }
        Ok(members)
    }
}

/// A scalar of the core schema of YAML 1.2.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
    if style != ScalarStyle::Plain || is_text {
        return text.into();
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        text => match serde_json::from_str(text) {
            Ok(Value::Number(number)) => Value::Number(number),
            _ => text.into(),
        },
    }
}

/// A value under one of CloudFormation's short tags.
fn tagged(value: Value, tag: Option<&Tag>) -> Value {
    let Some(name) = tag.filter(|tag| tag.handle == "!").map(|tag| tag.suffix.as_str()) else {
        return value;
    };
    match (name, value) {
        ("Ref" | "Condition", value) => json!({ name: value }),
        ("GetAtt", Value::String(text)) => {
            let (resource, attribute) = text.split_once('.').unwrap_or((&text, ""));
            json!({ "Fn::GetAtt": [resource, attribute] })
        }
        (name, value) => json!({ format!("Fn::{name}"): value }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_and_json_come_to_the_same_tree() {
        let expected = json!({ "a": [1, true, null, "on", "2010-09-09"], "200": { "b": "1" } });
        assert_eq!(parse("a: [1, true, ~, on, 2010-09-09]\n200: { b: '1' }\n"), Ok(expected.clone()));
        assert_eq!(parse(&expected.to_string()), Ok(expected.clone()));
        assert_eq!(parse("{a: [1, true, ~, on, 2010-09-09], 200: {b: '1'}}"), Ok(expected));
    }

    #[test]
    fn short_tags_are_functions() {
        let expected = json!({
            "a": { "Ref": "Api" },
            "b": { "Fn::GetAtt": ["Api", "RootResourceId"] },
            "c": { "Fn::Sub": ["${x}", { "x": { "Ref": "y" } }] },
            "d": { "Fn::If": ["Prod", 1, { "Ref": "AWS::NoValue" }] },
        });
        let text = "a: !Ref Api\nb: !GetAtt Api.RootResourceId\nc: !Sub ['${x}', {x: !Ref y}]\nd: !If [Prod, 1, !Ref AWS::NoValue]\n";
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn anchors_and_merge_keys_are_followed() {
        let text = "base: &base { a: 1, b: 2 }\nmore: { <<: *base, b: 3 }\nsame: *base\n";
        let expected = json!({ "base": { "a": 1, "b": 2 }, "more": { "a": 1, "b": 3 }, "same": { "a": 1, "b": 2 } });
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn what_is_neither_json_nor_yaml_is_refused_with_its_place() {
        for (text, expected) in [
            ("{\"a\": 1,,}", "line 1, column 9: expected JSON"),
            ("a: 1\na: 2\n", "line 2: this key is there already"),
            ("a: *b\n", "line 1, column 4: expected YAML"),
            ("[a: 1]: 2\n", "line 1: expected a text as a key"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error, expected, "{text}");
        }
    }

    #[test]
    fn aliases_and_depth_are_bounded() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let alias = format!("*a{}", level - 1);
            let aliases = vec![alias; 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert!(parse(&bomb).unwrap_err().contains("more values"));
        assert!(parse(&"[".repeat(10_000)).is_err());
    }
}
