//! Walking a JSON document and collecting every issue in it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// Something wrong in the configuration: where it is, and what is expected there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigIssue {
    /// The JSON path, such as `issuers[0].leeway_seconds`.
    pub path: String,
    /// What is expected there. It repeats nothing from the document except names of fields, methods and paths.
    pub expected: String,
}

impl fmt::Display for ConfigIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.expected)
    }
}

/// What the functions that read a document share.
pub(super) struct Walk<'e> {
    /// The environment, for `${NAME}` and secrets.
    pub(super) env: &'e dyn Fn(&str) -> Option<String>,
    /// The folder that relative paths in the document start from.
    pub(super) base: &'e Path,
    pub(super) issues: RefCell<Vec<ConfigIssue>>,
    pub(super) warnings: RefCell<Vec<String>>,
}

/// A value in the document and the path to it. A function that reads one reports an issue and then returns `None`.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) walk: &'a Walk<'a>,
    pub(super) place: Place<'a>,
    pub(super) value: &'a Value,
}

/// The path to a value: the last step, and the path before it. It becomes text only for an issue or a warning, so a cold
/// start without any does not pay for it.
#[derive(Clone, Copy, Default)]
pub(super) struct Place<'a>(Option<(&'a Self, Step<'a>)>);

#[derive(Clone, Copy)]
enum Step<'a> {
    Member(&'a str),
    Item(usize),
}

impl<'a> Place<'a> {
    fn then(&'a self, step: Step<'a>) -> Self {
        Self(Some((self, step)))
    }
}

/// The JSON path, such as `issuers[0].leeway_seconds`.
impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((before, step)) = &self.0 else {
            return Ok(());
        };
        before.fmt(f)?;
        match step {
            Step::Item(index) => write!(f, "[{index}]"),
            Step::Member(name) => {
                let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                match plain {
                    true if before.0.is_none() => f.write_str(name),
                    true => write!(f, ".{name}"),
                    false => write!(f, "[{}]", Value::from(*name)),
                }
            }
        }
    }
}

/// An object whose fields are all known.
pub(super) struct Fields<'a> {
    walk: &'a Walk<'a>,
    place: &'a Place<'a>,
    members: &'a Map<String, Value>,
}

impl<'a> Walk<'a> {
    pub(super) fn report(&self, place: &(impl fmt::Display + ?Sized), expected: impl Into<String>) {
        self.issues.borrow_mut().push(ConfigIssue { path: place.to_string(), expected: expected.into() });
    }

    pub(super) fn warning(&self, place: &(impl fmt::Display + ?Sized), warning: &str) {
        self.warnings.borrow_mut().push(format!("{place}: {warning}"));
    }
}

impl<'a> Node<'a> {
    /// Reports an issue here.
    pub(super) fn note(&self, expected: impl Into<String>) {
        self.walk.report(&self.place, expected);
    }

    /// Reports an issue here and returns `None`.
    pub(super) fn reject<T>(&self, expected: impl Into<String>) -> Option<T> {
        self.note(expected);
        None
    }

    /// Reads an object, and reports fields other than the known ones.
    pub(super) fn fields(&'a self, known: &[&str]) -> Option<Fields<'a>> {
        let Value::Object(members) = self.value else {
            return self.reject("expected an object");
        };
        for (name, _) in members.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
            self.walk.report(&self.place.then(Step::Member(name)), super::unknown::field(name, known));
        }
        Some(Fields { walk: self.walk, place: &self.place, members })
    }

    /// A member of an object whose fields are checked elsewhere.
    pub(super) fn member(&'a self, name: &'static str) -> Option<Self> {
        let value = self.value.get(name)?;
        Some(Self { walk: self.walk, place: self.place.then(Step::Member(name)), value })
    }

    /// Reads an object whose member names the user chooses: each name with `${NAME}` expanded, and its value.
    pub(super) fn entries(&'a self, expected: &str) -> Option<Vec<(Cow<'a, str>, Self)>> {
        let Value::Object(members) = self.value else {
            return self.reject(expected);
        };
        if members.is_empty() {
            return self.reject(format!("{expected}; an empty one says nothing"));
        }
        let mut seen: Vec<Cow<'a, str>> = Vec::new();
        all(members.iter().map(|(name, value)| {
            let node = Self { walk: self.walk, place: self.place.then(Step::Member(name)), value };
            let name = node.expand(name)?;
            if seen.contains(&name) {
                return node.reject("another member has the same name once `${NAME}` is expanded");
            }
            seen.push(name.clone());
            Some((name, node))
        }))
    }

    /// Reads a non-empty list.
    pub(super) fn items(&'a self, expected: &str) -> Option<Vec<Self>> {
        match self.value {
            Value::Array(items) if !items.is_empty() => Some(self.numbered(items).collect()),
            _ => self.reject(expected),
        }
    }

    /// Reads one value, or a non-empty list of them.
    pub(super) fn one_or_more(&'a self) -> Option<impl Iterator<Item = Self>> {
        let (single, items) = match self.value {
            Value::Array(items) if items.is_empty() => {
                return self.reject("an empty list says nothing; expected at least one item");
            }
            Value::Array(items) => (None, items.as_slice()),
            _ => (Some(*self), &[][..]),
        };
        Some(single.into_iter().chain(self.numbered(items)))
    }

    fn numbered(&'a self, items: &'a [Value]) -> impl Iterator<Item = Self> {
        let node = |(index, value)| Self { walk: self.walk, place: self.place.then(Step::Item(index)), value };
        items.iter().enumerate().map(node)
    }

    /// Reads a string that is not empty, with `${NAME}` expanded.
    pub(super) fn text(&self, expected: &str) -> Option<Cow<'a, str>> {
        match self.string(expected)? {
            text if text.is_empty() => self.reject(expected),
            text => Some(text),
        }
    }

    /// Reads a string, which may be empty, with `${NAME}` expanded.
    pub(super) fn string(&self, expected: &str) -> Option<Cow<'a, str>> {
        match self.value {
            Value::String(text) => self.expand(text),
            _ => self.reject(expected),
        }
    }

    /// Reads one of these words.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let names: Vec<_> = words.iter().map(|(name, _)| format!("`{name}`")).collect();
        let expected = format!("expected {}", names.join(" or "));
        let text = self.string(&expected)?;
        match words.iter().find(|(name, _)| *name == text) {
            Some((_, value)) => Some(*value),
            None => self.reject(expected),
        }
    }

    /// Reads a whole number within a range.
    pub(super) fn integer(&self, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let number = match self.value {
            Value::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
            _ => None,
        };
        match number {
            Some(number) if range.contains(&number) => Some(number),
            _ => self.reject(format!("expected a whole number from {} to {}", range.start(), range.end())),
        }
    }

    /// Reads the path of a file.
    pub(super) fn file(&self, expected: &str) -> Option<PathBuf> {
        Some(self.walk.base.join(&*self.text(expected)?))
    }

    /// Replaces every `${NAME}` by that environment variable.
    fn expand(&self, text: &'a str) -> Option<Cow<'a, str>> {
        expanded(text, self.walk.env).map_err(|expected| self.note(expected)).ok()
    }
}

impl<'a> Fields<'a> {
    /// An optional field.
    pub(super) fn optional(&self, name: &'static str) -> Option<Node<'a>> {
        let value = self.members.get(name)?;
        Some(Node { walk: self.walk, place: self.place_of(name), value })
    }

    /// An optional field as it is read, or its default.
    pub(super) fn or<T>(&self, name: &'static str, default: T, read: impl FnOnce(&Node<'_>) -> Option<T>) -> Option<T> {
        self.optional(name).map_or(Some(default), |node| read(&node))
    }

    /// An optional field that is one of these words.
    pub(super) fn word<T: Copy>(&self, name: &'static str, default: T, words: &[(&str, T)]) -> Option<T> {
        self.or(name, default, |node| node.word(words))
    }

    /// A required field.
    pub(super) fn required(&self, name: &'static str, expected: &str) -> Option<Node<'a>> {
        let node = self.optional(name);
        if node.is_none() {
            self.walk.report(&self.place_of(name), format!("missing; {expected}"));
        }
        node
    }

    /// Where a field is or would be.
    pub(super) fn place_of(&self, name: &'static str) -> Place<'a> {
        self.place.then(Step::Member(name))
    }
}

/// Replaces every `${NAME}` by what it stands for; `$${` stands for `${`.
///
/// # Errors
/// What is wrong with a reference.
pub(crate) fn expanded(text: &str, mut env: impl FnMut(&str) -> Option<String>) -> Result<Cow<'_, str>, &'static str> {
    if !text.contains("${") {
        return Ok(Cow::Borrowed(text));
    }
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = after;
            continue;
        }
        expanded.push_str(before);
        let (name, after) = after.split_once('}').ok_or("`${` is not closed by `}`; write `$${` for a literal `${`")?;
        expanded.push_str(&env(name).ok_or("`${NAME}` names an environment variable that is not set")?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(Cow::Owned(expanded))
}

/// Reads every item before giving up, so that each issue among them is reported.
pub(super) fn all<T>(items: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let mut read = Vec::with_capacity(items.size_hint().0);
    let mut whole = true;
    for item in items {
        match item {
            Some(item) => read.push(item),
            None => whole = false,
        }
    }
    whole.then_some(read)
}
