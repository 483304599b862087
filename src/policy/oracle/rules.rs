//! The rules of the route table, applied one by one to a request.

use serde_json::Value;

use super::wanted::Wanted;

/// An entry of the table, as plain data.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Empty for `ANY`.
    pub(crate) methods: Vec<&'static str>,
    pub(crate) path: String,
    pub(crate) any_of: Vec<Way>,
}

/// One alternative that meets the need of an entry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Way {
    /// Lists of scopes. All scopes of any one list are enough.
    pub(crate) scopes: Vec<Vec<&'static str>>,
    /// Claims, and what each may be.
    pub(crate) claims: Vec<(&'static str, Vec<Wanted>)>,
}

/// The setting for undeclared paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Deny,
    Allow,
    Absent,
}

/// The token's scopes and claims.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) scopes: Vec<&'static str>,
    pub(crate) claims: Value,
}

/// A route table.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) entries: Vec<Entry>,
    pub(crate) mode: Mode,
}

/// A route table with parsed paths.
pub(crate) struct Judge<'a> {
    rules: &'a Rules,
    /// The shape of each entry's path.
    shapes: Vec<Vec<String>>,
}

/// A path and its possible readings.
pub(crate) struct Reading {
    raw: Vec<Vec<u8>>,
    decoded: Option<Vec<Vec<u8>>>,
    /// Has `*`, `?`, `${`, control characters, or a `%` that is malformed, not UTF-8 or encodes a control character.
    pub(crate) ambiguous_a: bool,
    /// Has empty or dot segments, `\`, `;` or encoded separators.
    pub(crate) ambiguous_b: bool,
    pub(crate) encoded: bool,
}

fn segments(path: &str) -> Vec<Vec<u8>> {
    if path.is_empty() {
        return Vec::new();
    }
    let mut segments: Vec<Vec<u8>> = path.split('/').map(|segment| segment.as_bytes().to_vec()).collect();
    if segments.len() > 1 && segments.last().unwrap().is_empty() && !segments[segments.len() - 2].is_empty() {
        segments.pop();
    }
    segments
}

/// Percent-decodes once; `None` if malformed.
fn decode(segment: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < segment.len() {
        if segment[at] == b'%' {
            let digits = std::str::from_utf8(segment.get(at + 1..at + 3)?).ok()?;
            if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                return None;
            }
            out.push(u8::from_str_radix(digits, 16).ok()?);
            at += 3;
        } else {
            out.push(segment[at]);
            at += 1;
        }
    }
    Some(out)
}

/// The shape of a declared path: its literals, `{}` and `{+}`.
fn shape(path: &str) -> Vec<String> {
    let parts = path.split('/').filter(|part| !part.is_empty());
    parts
        .map(|part| match (part.starts_with('{'), part.ends_with("+}")) {
            (true, true) => "{+}".to_owned(),
            (true, false) => "{}".to_owned(),
            _ => part.to_owned(),
        })
        .collect()
}

fn shape_matches(shape: &[String], path: &[Vec<u8>]) -> bool {
    for (position, part) in shape.iter().enumerate() {
        match (part.as_str(), path.get(position)) {
            (_, None) => return false,
            ("{+}", Some(_)) => {
                return path[position..].iter().map(Vec::len).sum::<usize>() + path.len() - position - 1 > 0;
            }
            ("{}", Some(segment)) if !segment.is_empty() => {}
            ("{}", Some(_)) => return false,
            (literal, Some(segment)) if literal.as_bytes() == segment => {}
            _ => return false,
        }
    }
    shape.len() == path.len()
}

/// The precedence of a shape: from the left, literals before `{name}` before `{name+}`.
fn rank(shape: &[String]) -> Vec<u8> {
    let rank = |part: &String| match part.as_str() {
        "{+}" => 2,
        "{}" => 1,
        _ => 0,
    };
    shape.iter().map(rank).collect()
}

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

impl<'a> Judge<'a> {
    pub(crate) fn new(rules: &'a Rules) -> Self {
        let shapes = rules.entries.iter().map(|entry| shape(&entry.path)).collect();
        Self { rules, shapes }
    }

    /// The entry for a method and a path: the matching one with the most specific path. A named method takes precedence
    /// over `ANY`.
    fn take(&self, method: &str, path: &[Vec<u8>]) -> Option<usize> {
        let fits = |index: &usize| {
            let methods = &self.rules.entries[*index].methods;
            (methods.contains(&method) || methods.is_empty() && METHODS.contains(&method))
                && shape_matches(&self.shapes[*index], path)
        };
        let key = |index: &usize| (rank(&self.shapes[*index]), self.rules.entries[*index].methods.is_empty());
        (0..self.shapes.len()).filter(fits).min_by_key(key)
    }

    /// Reads a path without its leading slash.
    pub(crate) fn read(&self, path: &str) -> Reading {
        let raw = segments(path);
        let encoded = path.contains('%');
        let decoded: Option<Vec<Vec<u8>>> = raw.iter().map(|segment| decode(segment)).collect();
        let unreadable = |bytes: &Vec<u8>| {
            std::str::from_utf8(bytes).is_err() || String::from_utf8_lossy(bytes).chars().any(char::is_control)
        };
        let ambiguous_a = path.contains(['*', '?'])
            || path.contains("${")
            || path.chars().any(char::is_control)
            || decoded.as_ref().is_none_or(|decoded| decoded.iter().any(unreadable));
        let lower = path.to_ascii_lowercase();
        let ambiguous_b = raw.iter().any(|segment| matches!(segment.as_slice(), b"" | b"." | b".."))
            || path.contains(['\\', ';'])
            || ["%2f", "%5c", "%2e", "%3b", "%25"].iter().any(|separator| lower.contains(separator));
        Reading { raw, decoded, ambiguous_a, ambiguous_b, encoded }
    }

    /// Whether decoding the path once changes its entry.
    pub(crate) fn ambiguous_c(&self, method: &str, path: &Reading) -> bool {
        let decoded = path.decoded.as_ref().filter(|_| path.encoded);
        decoded.is_some_and(|decoded| self.take(method, decoded) != self.take(method, &path.raw))
    }

    /// Whether an entry matches the method and the path, either as it is or decoded once.
    pub(crate) fn declared(&self, method: &str, path: &Reading) -> bool {
        let decoded = path.decoded.as_ref().filter(|_| path.encoded);
        self.take(method, &path.raw).is_some() || decoded.is_some_and(|decoded| self.take(method, decoded).is_some())
    }

    /// Whether a token may make a request with this path.
    pub(crate) fn allow(&self, token: &Token, method: &str, path: &Reading) -> bool {
        if path.ambiguous_a || path.ambiguous_b || self.ambiguous_c(method, path) {
            return false;
        }
        match self.take(method, &path.raw) {
            None => self.rules.mode == Mode::Allow && METHODS.contains(&method),
            Some(index) => self.rules.entries[index].is_open(token, Some(path)),
        }
    }

    /// Whether the path is ordinary: one that no cached policy may refuse wrongly.
    pub(crate) fn ordinary(&self, token: &Token, method: &str, path: &Reading) -> bool {
        if !path.plain() {
            return false;
        }
        let Some(index) = self.take(method, &path.raw) else {
            // Not ordinary: below a refused route, or matched by one if its parameters spanned several segments.
            let refused = |(entry, shape): (&Entry, &Vec<String>)| {
                (entry.methods.is_empty() || entry.methods.contains(&method))
                    && !entry.is_open(token, None)
                    && stretched(shape, &path.raw)
            };
            return self.rules.mode == Mode::Allow && !self.rules.entries.iter().zip(&self.shapes).any(refused);
        };
        let is_literal = |segment: &[u8]| self.shapes.iter().flatten().any(|part| part.as_bytes() == segment);
        let shape = &self.shapes[index];
        path.raw.iter().enumerate().all(|(position, segment)| {
            let in_a_parameter = shape.get(position).is_none_or(|part| part.starts_with('{'));
            !in_a_parameter || !is_literal(segment)
        })
    }
}

/// Whether a path has this shape if each parameter may span several segments.
fn stretched(shape: &[String], path: &[Vec<u8>]) -> bool {
    let Some((first, rest)) = shape.split_first() else { return path.is_empty() };
    let Some((segment, more)) = path.split_first() else { return false };
    match first.as_str() {
        "{}" | "{+}" => (1..=path.len()).any(|taken| stretched(rest, &path[taken..])),
        literal => literal.as_bytes() == segment && stretched(rest, more),
    }
}

impl Reading {
    /// Whether the path has only one reading, whatever the table.
    pub(crate) fn plain(&self) -> bool {
        !self.encoded && !self.ambiguous_a && !self.ambiguous_b
    }
}

impl Entry {
    /// Whether a token may use the entry for this path, or without a path, for every path.
    fn is_open(&self, token: &Token, path: Option<&Reading>) -> bool {
        self.any_of.is_empty() || self.any_of.iter().any(|way| way.is_met(token, self, path))
    }
}

impl Way {
    fn is_met(&self, token: &Token, entry: &Entry, path: Option<&Reading>) -> bool {
        let scopes = self.scopes.is_empty()
            || self.scopes.iter().any(|all| all.iter().all(|scope| token.scopes.contains(scope)));
        scopes && self.claims.iter().all(|(claim, values)| claim_met(token, claim, values, entry, path))
    }
}

fn claim_met(token: &Token, claim: &str, wanted: &[Wanted], entry: &Entry, path: Option<&Reading>) -> bool {
    let holds = |name: &str, text: &str| {
        let Some(path) = path else { return false };
        let parts: Vec<&str> = entry.path.split('/').skip(1).collect();
        let greedy = name.replace('}', "+}");
        let position = parts.iter().position(|part| *part == name || **part == greedy).unwrap();
        if text.contains(['/', '*', '?', '$', '%']) || text.chars().any(char::is_control) {
            return false;
        }
        if parts[position].ends_with("+}") && path.raw.len() != position + 1 {
            return false;
        }
        path.raw[position] == text.as_bytes()
            || path.decoded.as_ref().is_some_and(|decoded| decoded[position] == text.as_bytes())
    };
    wanted.iter().any(|wanted| wanted.is_met(&token.claims[claim], holds))
}
