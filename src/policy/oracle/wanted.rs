//! What a rule of the oracle wants a claim to be, and whether it is.

use serde_json::Value;

/// What a claim may be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wanted {
    /// This text, alone or in a list.
    Text(String),
    /// The text of the path at `{name}`, alone or in a list.
    Parameter(String),
    /// Something.
    Present,
    /// Nothing.
    Absent,
    /// A text that begins like this, alone or in a list.
    Begins(&'static str),
    /// None of these: a scalar, or a list of scalars.
    NoneOf(Vec<Value>),
}

/// A text in braces is a parameter.
impl From<&str> for Wanted {
    fn from(text: &str) -> Self {
        if text.starts_with('{') { Self::Parameter(text.to_owned()) } else { Self::Text(text.to_owned()) }
    }
}

impl Wanted {
    /// Whether a claim is that; an absent one is `null`. `holds` says whether the path has a text at a parameter.
    pub(crate) fn is_met(&self, claim: &Value, holds: impl Fn(&str, &str) -> bool) -> bool {
        let list = match claim {
            Value::Array(items) => items.clone(),
            single => vec![single.clone()],
        };
        let mut texts = list.iter().filter_map(Value::as_str);
        match self {
            Self::Text(wanted) => texts.any(|text| text == wanted),
            Self::Parameter(name) => texts.any(|text| holds(name, text)),
            Self::Present => *claim != Value::Null,
            Self::Absent => *claim == Value::Null,
            Self::Begins(begins) => texts.any(|text| text.as_bytes().get(..begins.len()) == Some(begins.as_bytes())),
            Self::NoneOf(refused) => list.iter().all(|item| {
                let scalar = item.is_string() || item.is_number() || item.is_boolean();
                scalar && !refused.contains(item)
            }),
        }
    }
}
