//! Declared resource paths, and request paths: the rules for ambiguous paths are here.

use std::borrow::Cow;
use std::sync::Arc;

use crate::error::Error;
use crate::event::CONNECT;

/// One segment of a declared path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// Exactly this text.
    Literal(Arc<str>),
    /// `{name}`: one non-empty segment.
    Parameter(String),
    /// `{name+}`: the rest, at least one character.
    Greedy(String),
}

/// A path as API Gateway writes resource paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathPattern {
    text: String,
    segments: Vec<Segment>,
}

impl PathPattern {
    /// Reads a resource path.
    ///
    /// # Errors
    /// The rule that the path breaks: `pets`, `/pets/`, `/a b`, `/{id`, `/{p+}/x`, `/{id}/{id}`.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if text == CONNECT {
            // No request path reaches it: the table has no method for it.
            return Ok(Self { text: text.to_owned(), segments: vec![Segment::Literal(text.into())] });
        }
        let rest = text.strip_prefix('/').ok_or("a resource path begins with `/`")?;
        if rest.is_empty() {
            return Ok(Self { text: text.to_owned(), segments: Vec::new() });
        }
        if rest.ends_with('/') {
            return Err("a resource path does not end in `/`, but for the root");
        }
        if rest.split('/').any(str::is_empty) {
            return Err("a resource path has no empty segments; `//` should be `/`");
        }
        let segments = rest.split('/').map(Segment::parse).collect::<Result<Vec<_>, _>>()?;
        let before_last = segments.split_last().map_or(&[][..], |(_, before)| before);
        if before_last.iter().any(|segment| matches!(segment, Segment::Greedy(_))) {
            return Err("`{name+}` takes the rest of a path, so it stands last");
        }
        let mut names: Vec<_> = segments.iter().filter_map(Segment::parameter).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err("a path names each of its parameters differently");
        }
        Ok(Self { text: text.to_owned(), segments })
    }

    /// Whether it is a WebSocket API's `$connect`, which is not a path.
    pub(crate) fn is_connect(&self) -> bool {
        self.text == CONNECT
    }

    /// The path as it was declared.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The path with `{name+}` in place of a parameter at its end; `None` if it does not end in one.
    pub(crate) fn with_greedy_end(&self) -> Option<Self> {
        let (Segment::Parameter(name), before) = self.segments.split_last()? else {
            return None;
        };
        let start = self.text.strip_suffix(&format!("{{{name}}}"))?;
        let segments = before.iter().cloned().chain([Segment::Greedy(name.clone())]).collect();
        Some(Self { text: format!("{start}{{{name}+}}"), segments })
    }

    /// The segments of the path; none for the root.
    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The position of a parameter's segment.
    pub(crate) fn position(&self, parameter: &str) -> Option<usize> {
        self.segments.iter().position(|segment| segment.parameter() == Some(parameter))
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let plain = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b':' | b','))
        };
        if let Some(inner) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            let (name, greedy) = inner.strip_suffix('+').map_or((inner, false), |name| (name, true));
            return match plain(name) {
                true if greedy => Ok(Self::Greedy(name.to_owned())),
                true => Ok(Self::Parameter(name.to_owned())),
                false => {
                    Err("a parameter is `{name}` or, last, `{name+}`, its name of letters, digits and `. _ - : ,`")
                }
            };
        }
        if text.contains('*') {
            return Err("a path has no wildcards: `{name}` takes one segment and `{name+}`, last, the rest");
        }
        if text.contains(['?', '#']) {
            return Err("a path has no query: the gateway asks about the path alone");
        }
        match text {
            "." | ".." => Err("`.` and `..` are not segments of a resource path"),
            text if plain(text) => Ok(Self::Literal(text.into())),
            _ => Err("a segment is made of letters, digits and `. _ - : ,`, or is `{name}` or, last, `{name+}`"),
        }
    }

    /// The name of a parameter.
    pub(crate) fn parameter(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Parameter(name) | Self::Greedy(name) => Some(name),
        }
    }
}

/// The path of a request, split into segments: as sent, and decoded once.
#[derive(Debug)]
pub(crate) struct RequestPath<'a> {
    raw: Vec<&'a str>,
    /// `None` where decoding changes nothing.
    decoded: Option<Vec<Cow<'a, str>>>,
}

impl<'a> RequestPath<'a> {
    /// Splits the path of a method ARN, which has no first slash. One slash at the end is ignored.
    ///
    /// # Errors
    /// [`Error::AmbiguousPath`] for a path that the gateway, IAM and a backend may read differently: `*`, `?`, `${`, control
    /// characters, percent-encoding that is malformed or not UTF-8, empty, `.` and `..` segments, `\`, `;`, and an encoded
    /// `/`, `\`, `.`, `;`, `%` or control character. Servlet containers drop `;` and the rest of the segment, so to them
    /// `/any/..;` is `/`.
    pub(crate) fn parse(path: &'a str) -> Result<Self, Error> {
        let ambiguous =
            path.contains(['*', '?', '\\', ';']) || path.contains("${") || path.chars().any(char::is_control);
        if ambiguous {
            return Err(Error::AmbiguousPath);
        }
        if path.is_empty() {
            return Ok(Self { raw: Vec::new(), decoded: None });
        }
        let raw: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
        if raw.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
            return Err(Error::AmbiguousPath);
        }
        let decoded = if path.contains('%') {
            Some(
                raw.iter()
                    .map(|segment| percent_decoded(segment))
                    .collect::<Option<_>>()
                    .ok_or(Error::AmbiguousPath)?,
            )
        } else {
            None
        };
        Ok(Self { raw, decoded })
    }

    /// The segments as they were sent.
    pub(crate) fn raw(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.raw.iter().map(|segment| segment.as_bytes())
    }

    /// The segments decoded once; `None` if decoding changes nothing.
    pub(crate) fn decoded(&self) -> Option<impl ExactSizeIterator<Item = &[u8]>> {
        self.decoded.as_ref().map(|segments| segments.iter().map(|segment| segment.as_bytes()))
    }

    /// Whether the segment at this position, raw or decoded once, equals a text. For `{name+}` it must also be the last segment.
    pub(crate) fn holds(&self, position: usize, last: bool, text: &str) -> bool {
        if last && self.raw.len() != position.saturating_add(1) {
            return false;
        }
        let raw = self.raw.get(position).is_some_and(|segment| *segment == text);
        let decoded = || self.decoded.as_ref().and_then(|segments| segments.get(position));
        raw || decoded().is_some_and(|segment| segment == text)
    }
}

/// Decodes a segment once; `None` if it is malformed, not UTF-8, or encodes a control character, `/`, `\`, `.`, `;` or `%`.
fn percent_decoded(segment: &str) -> Option<Cow<'_, str>> {
    if !segment.contains('%') {
        return Some(Cow::Borrowed(segment));
    }
    let hex = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut decoded = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => match (hex(bytes.next()?)? << 4) | hex(bytes.next()?)? {
                b'/' | b'\\' | b'.' | b';' | b'%' => return None,
                byte => byte,
            },
            byte => byte,
        };
        decoded.push(byte);
    }
    // This also refuses overlong forms, such as `%c0%ae` for a dot, which a lenient decoder accepts.
    let decoded = String::from_utf8(decoded).ok()?;
    if decoded.chars().any(char::is_control) { None } else { Some(Cow::Owned(decoded)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_path_is_written_as_api_gateway_writes_it() {
        for path in ["/", "/pets", "/pets/{id}", "/{proxy+}", "/a.b_c-d:e,f/{x}/{y+}", "/v1/pets/..a", "/{a:b}"] {
            assert_eq!(PathPattern::parse(path).map(|parsed| parsed.as_str().to_owned()), Ok(path.to_owned()));
        }
        for path in [
            "",
            "pets",
            "/pets/",
            "//",
            "/a//b",
            "/.",
            "/..",
            "/a/../b",
            "/a b",
            "/a%20b",
            "/a*",
            "/a?",
            "/{}",
            "/{+}",
            "/{id",
            "/id}",
            "/x{id}",
            "/{id}x",
            "/{p+}/x",
            "/{id}/{id}",
            "/{i d}",
            "/$x",
            "/\u{e9}",
            "/a+b",
        ] {
            assert!(PathPattern::parse(path).is_err(), "{path}");
        }
    }

    #[track_caller]
    fn split(path: &str, expected: &[&str]) {
        let parsed = RequestPath::parse(path).unwrap();
        assert_eq!(parsed.raw().collect::<Vec<_>>(), expected.iter().map(|s| s.as_bytes()).collect::<Vec<_>>());
    }

    #[test]
    fn one_trailing_slash_after_a_segment_is_ignored() {
        split("", &[]);
        split("pets", &["pets"]);
        split("pets/", &["pets"]);
        split("pets/1/", &["pets", "1"]);
    }

    #[test]
    fn a_path_with_two_readings_is_ambiguous() {
        for path in [
            "*", "a*b", "a?", "${a}", "a\tb", "a\u{85}b", "/", "//", "pets//", "pets//1", "/pets", ".", "a/..",
            "a/./b", "a\\b", "a%2Fb", "a%2fb", "%5c", "%2e%2e", "a%2Eb", "%2541", "%", "%4", "%zz", "a%0Ab", "%7f",
            "%c2%85", "%C2%9f", "%+1", "..;", "a;b", "%3b", "a%3Bb", "%ff", "%c0%ae", "%e9", "%c3/%a9",
        ] {
            assert_eq!(RequestPath::parse(path).map(|_| ()), Err(Error::AmbiguousPath), "{path:?}");
        }
    }

    #[test]
    fn other_encodings_are_decoded_once() {
        let path = RequestPath::parse("a%20b/%c3%a9/c$d").unwrap();
        assert_eq!(path.decoded().unwrap().collect::<Vec<_>>(), [&b"a b"[..], "\u{e9}".as_bytes(), &b"c$d"[..]]);
        assert!(path.holds(0, false, "a b") && path.holds(0, false, "a%20b") && !path.holds(0, true, "a b"));
        assert!(RequestPath::parse("a/b").unwrap().decoded().is_none());
    }
}
