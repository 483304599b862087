//! A configuration document as text: what is not changed stays as it is written.

use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The members of a JSON object, in their order, each with its text.
pub(crate) struct Document {
    members: Vec<(String, String)>,
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// Where it is not one.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let members: Members = serde_json::from_str(text)
            .map_err(|error| format!("line {}, column {}: expected one JSON object", error.line(), error.column()))?;
        Ok(Self { members: members.0 })
    }

    /// A document with these members.
    pub(crate) fn of(members: Vec<(&str, String)>) -> Self {
        Self { members: members.into_iter().map(|(name, text)| (name.to_owned(), text)).collect() }
    }

    /// The text of a member.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.members.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    /// Sets the text of a member, in its place or at the end.
    pub(crate) fn set(&mut self, name: &str, text: String) {
        match self.members.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = text,
            None => self.members.push((name.to_owned(), text)),
        }
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.members.iter().map(|(name, text)| format!("  {}: {text}", Value::from(name.as_str())));
        writeln!(f, "{{\n{}\n}}", members.collect::<Vec<_>>().join(",\n"))
    }
}

/// The text of a list, an entry a line.
pub(crate) fn list(entries: &[String]) -> String {
    let entries: Vec<String> = entries.iter().map(|entry| format!("    {entry}")).collect();
    format!("[\n{}\n  ]", entries.join(",\n"))
}

/// A value on one line, with spaces as people write them.
pub(crate) fn line(value: &Value) -> String {
    match value {
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.as_str(), line(value)));
            object(&members.collect::<Vec<_>>())
        }
        Value::Array(items) => format!("[{}]", items.iter().map(line).collect::<Vec<_>>().join(", ")),
        scalar => scalar.to_string(),
    }
}

/// An object of these members on one line.
pub(crate) fn object(members: &[(&str, String)]) -> String {
    let members = members.iter().map(|(name, text)| format!("{}: {text}", Value::from(*name)));
    format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
}

struct Members(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    members.push((name, value.get().to_owned()));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}
