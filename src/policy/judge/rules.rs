//! A judge of requests: the rules of the route table, walked one by one.

use serde_json::Value;

/// An entry of the table, as plain data.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// None for `ANY`.
    pub(crate) methods: Vec<&'static str>,
    pub(crate) path: String,
    pub(crate) any_of: Vec<Way>,
}

/// One way to meet the need of an entry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Way {
    /// Any one of these, each of which is several scopes.
    pub(crate) scopes: Vec<Vec<&'static str>>,
    /// Claim and accepted values, of which `"{name}"` is a parameter of the path.
    pub(crate) claims: Vec<(&'static str, Vec<String>)>,
}

/// What becomes of undeclared paths.
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

/// A table.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) entries: Vec<Entry>,
    pub(crate) mode: Mode,
}

/// A table whose paths have been read.
pub(crate) struct Judge<'a> {
    rules: &'a Rules,
    /// Of each entry.
    shapes: Vec<Vec<String>>,
}

/// A path and how it may be read.
pub(crate) struct Reading<'a> {
    raw: Vec<Vec<u8>>,
    decoded: Option<Vec<Vec<u8>>>,
    /// `*`, `?`, `${`, control characters, `%` that is malformed or encodes a control character.
    pub(crate) ambiguous_a: bool,
    /// Empty and dot segments, `\`, encoded separators.
    pub(crate) ambiguous_b: bool,
    pub(crate) encoded: bool,
    /// The shape of the declared path that it takes.
    taken: Option<&'a [String]>,
    /// That decoding leads elsewhere.
    pub(crate) ambiguous_c: bool,
    /// Some declared path matches it, as it is or decoded once.
    pub(crate) declared: bool,
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

/// Literal before `{name}` before `{name+}`, from the left.
fn rank(shape: &[String]) -> Vec<u8> {
    let rank = |part: &String| match part.as_str() {
        "{+}" => 2,
        "{}" => 1,
        _ => 0,
    };
    shape.iter().map(rank).collect()
}

impl<'a> Judge<'a> {
    pub(crate) fn new(rules: &'a Rules) -> Self {
        let shapes = rules.entries.iter().map(|entry| shape(&entry.path)).collect();
        Self { rules, shapes }
    }

    fn take(&self, path: &[Vec<u8>]) -> Option<&[String]> {
        let matching = self.shapes.iter().filter(|shape| shape_matches(shape, path));
        matching.min_by_key(|shape| rank(shape)).map(Vec::as_slice)
    }

    /// Reads a path, which is written without its first slash.
    pub(crate) fn read(&self, path: &str) -> Reading<'_> {
        let raw = segments(path);
        let encoded = path.contains('%');
        let decoded: Option<Vec<Vec<u8>>> = raw.iter().map(|segment| decode(segment)).collect();
        let all = |bytes: &[Vec<u8>]| bytes.join(&b'/');
        let control = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes).chars().any(char::is_control)
                || bytes.windows(2).any(|pair| pair[0] == 0xc2 && (0x80..0xa0).contains(&pair[1]))
        };
        let ambiguous_a = path.contains(['*', '?'])
            || path.contains("${")
            || path.chars().any(char::is_control)
            || decoded.as_ref().is_none_or(|decoded| control(&all(decoded)));
        let lower = path.to_ascii_lowercase();
        let ambiguous_b = raw.iter().any(|segment| matches!(segment.as_slice(), b"" | b"." | b".."))
            || path.contains('\\')
            || ["%2f", "%5c", "%2e", "%25"].iter().any(|separator| lower.contains(separator));
        let taken = self.take(&raw);
        let taken_decoded = match encoded {
            true => decoded.as_ref().map(|decoded| self.take(decoded)),
            false => Some(taken),
        };
        Reading {
            ambiguous_c: taken_decoded.as_ref().is_some_and(|decoded| *decoded != taken),
            declared: taken.is_some() || taken_decoded.is_some_and(|decoded| decoded.is_some()),
            raw,
            decoded,
            ambiguous_a,
            ambiguous_b,
            encoded,
            taken,
        }
    }

    /// Whether a token may make a request with this path.
    pub(crate) fn allow(&self, token: &Token, method: &str, path: &Reading<'_>) -> bool {
        if path.ambiguous_a || path.ambiguous_b || path.ambiguous_c {
            return false;
        }
        let Some(taken) = path.taken else {
            return self.rules.mode == Mode::Allow;
        };
        let all = || self.rules.entries.iter().zip(&self.shapes);
        let of_path = || all().filter(|(_, shape)| shape.as_slice() == taken).map(|(entry, _)| entry);
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].contains(&method);
        let named = of_path().find(|entry| entry.methods.contains(&method));
        let any = of_path().find(|entry| entry.methods.is_empty() && known);
        named.or(any).is_some_and(|entry| {
            entry.any_of.is_empty() || entry.any_of.iter().any(|way| way.is_met(token, entry, path))
        })
    }
}

impl Reading<'_> {
    /// A path that no cached answer may refuse wrongly.
    pub(crate) fn plain(&self) -> bool {
        !self.encoded && !self.ambiguous_a && !self.ambiguous_b && !self.ambiguous_c
    }

    /// That a declared path takes it.
    pub(crate) fn taken(&self) -> bool {
        self.taken.is_some()
    }
}

impl Way {
    fn is_met(&self, token: &Token, entry: &Entry, path: &Reading<'_>) -> bool {
        let scopes = self.scopes.is_empty()
            || self.scopes.iter().any(|all| all.iter().all(|scope| token.scopes.contains(scope)));
        scopes && self.claims.iter().all(|(claim, values)| claim_met(token, claim, values, entry, path))
    }
}

fn claim_met(token: &Token, claim: &str, values: &[String], entry: &Entry, path: &Reading<'_>) -> bool {
    let claim = match &token.claims[claim] {
        Value::Array(items) => items.clone(),
        Value::Null => return false,
        single => vec![single.clone()],
    };
    claim.iter().filter_map(Value::as_str).any(|text| {
        values.iter().any(|value| {
            if !value.starts_with('{') {
                return value == text;
            }
            let parts: Vec<&str> = entry.path.split('/').skip(1).collect();
            let greedy = value.replace('}', "+}");
            let position = parts.iter().position(|part| *part == value || **part == greedy).unwrap();
            if text.contains(['/', '*', '?', '$', '%']) || text.chars().any(char::is_control) {
                return false;
            }
            if parts[position].ends_with("+}") && path.raw.len() != position + 1 {
                return false;
            }
            path.raw[position] == text.as_bytes()
                || path.decoded.as_ref().is_some_and(|decoded| decoded[position] == text.as_bytes())
        })
    })
}
