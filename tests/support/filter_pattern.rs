//! CloudWatch's filter patterns for JSON, as far as `template.yaml` uses them:
//! `{ $.a.b = "text" && ($.c = "begins *" || $.d = *) }`. Anything else is refused.
//!
//! AWS: "Filter pattern syntax for metric filters, subscription filters, filter log events, and Live Tail".

use serde_json::Value;

/// The most characters that `PutMetricFilter` takes.
const MAX_LENGTH: usize = 1024;

/// Which log lines a metric filter counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    Any(Vec<Self>),
    All(Vec<Self>),
    Is(Selector, Text),
}

/// A place in a log line: `$.record.status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector(Vec<String>);

/// What a text has to be. An asterisk at its end stands for any text; elsewhere it would be a mere asterisk in some places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    Exactly(String),
    BeginsWith(String),
}

impl Pattern {
    /// Reads a pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.chars().count() > MAX_LENGTH {
            return Err(format!("over {MAX_LENGTH} characters"));
        }
        let inner = text.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        let mut rest = Rest(inner.ok_or("not in braces")?);
        let pattern = rest.any()?;
        rest.end()?;
        Ok(pattern)
    }

    /// Whether a log line is counted.
    pub(crate) fn matches(&self, line: &Value) -> bool {
        match self {
            Self::Any(patterns) => patterns.iter().any(|pattern| pattern.matches(line)),
            Self::All(patterns) => patterns.iter().all(|pattern| pattern.matches(line)),
            Self::Is(selector, wanted) => match selector.find(line) {
                None => false,
                Some(Value::String(text)) => match wanted {
                    Text::Exactly(wanted) => text == wanted,
                    Text::BeginsWith(wanted) => text.starts_with(wanted),
                },
                Some(other) => panic!("a filter for texts is not known to take {other}: {line}"),
            },
        }
    }
}

impl Selector {
    /// Reads `$.name.name`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut rest = Rest(text);
        let selector = rest.selector()?;
        rest.end()?;
        Ok(selector)
    }

    /// What is there in a log line.
    pub(crate) fn find<'a>(&self, line: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(line, |value, name| value.get(name))
    }
}

/// What is left to read.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Takes a text, if it is next.
    fn takes(&mut self, text: &str) -> bool {
        let rest = self.0.trim_start().strip_prefix(text);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn wants(&mut self, text: &str) -> Result<(), String> {
        if self.takes(text) { Ok(()) } else { Err(format!("expected {text:?} at {:?}", self.0)) }
    }

    fn end(&self) -> Result<(), String> {
        if self.0.trim().is_empty() { Ok(()) } else { Err(format!("not understood: {:?}", self.0)) }
    }

    /// `||` binds less than `&&`.
    fn any(&mut self) -> Result<Pattern, String> {
        let mut patterns = vec![self.all()?];
        while self.takes("||") {
            patterns.push(self.all()?);
        }
        Ok(Pattern::Any(patterns))
    }

    fn all(&mut self) -> Result<Pattern, String> {
        let mut patterns = vec![self.one()?];
        while self.takes("&&") {
            patterns.push(self.one()?);
        }
        Ok(Pattern::All(patterns))
    }

    fn one(&mut self) -> Result<Pattern, String> {
        if self.takes("(") {
            let pattern = self.any()?;
            return self.wants(")").map(|()| pattern);
        }
        let selector = self.selector()?;
        self.wants("=")?;
        Ok(Pattern::Is(selector, self.text()?))
    }

    fn selector(&mut self) -> Result<Selector, String> {
        self.wants("$")?;
        let mut names = Vec::new();
        while let Some(rest) = self.0.strip_prefix('.') {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
            let (name, rest) = rest.split_at(end);
            names.push(name.to_owned());
            self.0 = rest;
        }
        let is_whole = !names.is_empty() && names.iter().all(|name| !name.is_empty());
        if is_whole { Ok(Selector(names)) } else { Err(format!("expected a selector at {:?}", self.0)) }
    }

    fn text(&mut self) -> Result<Text, String> {
        if self.takes("*") {
            return Ok(Text::BeginsWith(String::new()));
        }
        self.wants("\"")?;
        let (text, rest) = self.0.split_once('"').ok_or("a text without its end")?;
        self.0 = rest;
        let (begin, wanted): (&'a str, fn(String) -> Text) = match text.strip_suffix('*') {
            Some(begin) => (begin, Text::BeginsWith),
            None => (text, Text::Exactly),
        };
        if begin.is_empty() || begin.contains(['*', '\\', '%']) {
            return Err(format!("not understood: {text:?}"));
        }
        Ok(wanted(begin.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(pattern: &str, line: &Value) -> bool {
        Pattern::parse(pattern).unwrap().matches(line)
    }

    #[test]
    fn a_pattern_matches_as_amazon_documents_it() {
        let line = json!({
            "eventType": "UpdateTrail",
            "user": { "email": "John.Stiles@example.com", "id": "1" },
            "first": "nonmatch",
        });
        for (pattern, expected) in [
            (r#"{ $.eventType = "UpdateTrail" }"#, true),
            (r#"{$.eventType="updateTrail"}"#, false),
            (r#"{ $.eventType = "Update*" }"#, true),
            (r#"{ $.eventType = "Trail*" }"#, false),
            ("{ $.eventType = * }", true),
            ("{ $.absent = * }", false),
            (r#"{ $.absent.email = "x" }"#, false),
            (r#"{ ($.user.id = "1") && ($.user.email = "John.Stiles@example.com") }"#, true),
            (r#"{ ($.user.id = "2" && $.first = "nonmatch") || $.eventType = "GET" }"#, false),
            // && before ||.
            (r#"{ $.user.email = "John.Stiles@example.com" || $.first = "x" && $.eventType = "nomatch" }"#, true),
            (r#"{ ($.user.email = "John.Stiles@example.com" || $.first = "x") && $.eventType = "nomatch" }"#, false),
        ] {
            assert_eq!(matches(pattern, &line), expected, "{pattern}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for pattern in [
            "ERROR",
            "{ $.a }",
            "{ a = \"b\" }",
            "{ $.a = b }",
            "{ $.a = 1 }",
            "{ $.a != \"b\" }",
            "{ $.a = \"b }",
            "{ $.a = \"*b\" }",
            "{ $.a = \"b*c\" }",
            "{ $.a = \"\" }",
            "{ $.a = \"*\" }",
            "{ $.a = %b% }",
            "{ $.a[0] = \"b\" }",
            "{ $. = \"b\" }",
            "{ $.a..b = \"c\" }",
            "{ $.a IS NULL }",
            "{ $.a NOT EXISTS }",
            "{ ($.a = \"b\" }",
            "{ $.a = \"b\" && }",
            "{ $.a = \"b\" and $.c = \"d\" }",
            "{ $.a = \"b\" } x",
            "{}",
        ] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
        let long = format!("{{ $.a = \"{}\" }}", "b".repeat(MAX_LENGTH));
        assert!(Pattern::parse(&long).is_err());
    }
}
