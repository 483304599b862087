//! What is wrong with a document that is not JSON, and where.

/// Says the line, the column and what is wrong there. Nothing of the document is repeated.
pub(super) fn mistake(text: &str, error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    match slip(text, error) {
        Some((what, line, column)) => format!("line {line}, column {column}: {what}"),
        None => format!(
            "line {line}, column {column} is not part of a document, which is one JSON object in which no member appears twice"
        ),
    }
}

/// A usual slip, and its place.
fn slip(text: &str, error: &serde_json::Error) -> Option<(&'static str, usize, usize)> {
    let here = |what| Some((what, error.line(), error.column()));
    if text.starts_with('\u{feff}') {
        return Some(("the document begins with a byte order mark; save it as UTF-8 without one", 1, 1));
    }
    let said = error.to_string();
    if said.starts_with("a member appears twice") {
        return here("a member appears twice in one object; remove one of them");
    }
    let begin = text.trim_start();
    let first = begin.chars().next();
    let Some(first) = first else {
        return Some(("the document is empty; expected a JSON object", 1, 1));
    };
    let at_start = || {
        let before = text.strip_suffix(begin).unwrap_or_default();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count().saturating_add(1);
        (before.matches('\n').count().saturating_add(1), column)
    };
    let start = |what| Some((what, at_start().0, at_start().1));
    match first {
        '/' => return start("comments are not JSON; remove it"),
        '{' => {}
        '[' => return start("the document is a list; expected an object with `issuers` and `routes`"),
        '"' | '\'' => return start("the document stands in quotes; expected a JSON object"),
        '#' => return start("comments and YAML are not JSON; expected an object in braces"),
        _ if begin.starts_with("---") || looks_like_yaml(begin) => {
            return start("this is YAML; expected JSON, an object in braces");
        }
        _ => return start("expected a JSON object, which begins with `{`"),
    }
    if error.is_eof() {
        return here("the document ends too early: a brace, a bracket or a quote is not closed");
    }
    let (before, rest) = split(text, error.line(), error.column())?;
    let last = before.trim_end().chars().next_back();
    let next = rest.chars().next();
    here(match (last, next) {
        (_, Some('/')) => "comments are not JSON; remove it",
        (_, Some('#')) => "comments are not JSON; remove it",
        _ if said.starts_with("trailing characters") => {
            "something follows the end of the document; a document is one object"
        }
        (Some(','), Some('}' | ']')) => "the comma before this bracket is one too many; remove it",
        (Some(','), Some(',')) => "there are two commas; remove one",
        (Some('{' | '['), Some(',')) => "there is a comma with nothing before it; remove it",
        (_, Some('\'')) => "texts stand in double quotes in JSON, not in single ones",
        (_, Some('\u{201c}' | '\u{201d}' | '\u{201e}')) => {
            "texts stand in straight double quotes in JSON, not in curly ones"
        }
        (Some('{' | ','), Some(_)) if said.starts_with("key must be a string") => {
            "the name of a member stands in double quotes"
        }
        (Some('"' | '}' | ']'), Some('"' | '{' | '[')) => "a comma is missing before this",
        (Some('"'), Some('=')) => "between a name and its value stands `:`, not `=`",
        (_, Some('\n' | '\r' | '\t')) if said.starts_with("control character") => {
            "a text goes on over the end of a line, or holds a tab; write `\\n` or `\\t`"
        }
        _ if said.starts_with("invalid escape") => "a backslash begins an escape; write `\\\\` for a backslash",
        (_, Some('T' | 'F' | 'N' | 'u')) if said.starts_with("expected value") => {
            "expected a value; JSON has `true`, `false` and `null`, in small letters"
        }
        _ if said.starts_with("expected value") => "expected a value: texts stand in double quotes",
        _ if said.starts_with("expected `,` or") => "a comma is missing before this, or a bracket",
        _ if said.starts_with("expected `:`") => "a `:` is missing between a name and its value",
        _ => return None,
    })
}

/// The text before the character that an error is about, and from there on.
fn split(text: &str, line: usize, column: usize) -> Option<(&str, &str)> {
    let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    // The column counts bytes, and is that of the byte which was read last.
    let mut at = start.checked_add(column.saturating_sub(1))?;
    while !text.is_char_boundary(at) {
        at = at.checked_sub(1)?;
    }
    text.split_at_checked(at)
}

fn looks_like_yaml(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default().trim_end();
    let name = line.split(':').next().unwrap_or_default();
    line.contains(':') && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[track_caller]
    fn said(text: &str, expected: &str) {
        let error = json::object(text.as_bytes()).unwrap_err();
        assert_eq!(mistake(text, &error), expected, "{text}");
    }

    #[test]
    fn a_syntax_error_is_reported_with_its_line_and_column() {
        let twice = "line 1, column 13: a member appears twice in one object; remove one of them";
        said(r#"{"a":1,"a":2}"#, twice);
        said("{\n \"a\": [1, 2,],\n}", "line 2, column 13: the comma before this bracket is one too many; remove it");
        said("{\"a\": 1,\n}", "line 2, column 1: the comma before this bracket is one too many; remove it");
        said("{\n  // note\n  \"a\": 1\n}", "line 2, column 3: comments are not JSON; remove it");
        said("// note\n{}", "line 1, column 1: comments are not JSON; remove it");
        said("{\"a\": 1 /* note */}", "line 1, column 9: comments are not JSON; remove it");
        let mark = "line 1, column 1: the document begins with a byte order mark; save it as UTF-8 without one";
        said("\u{feff}{}", mark);
        said("issuers:\n  - issuer: x\n", "line 1, column 1: this is YAML; expected JSON, an object in braces");
        said("\n---\nissuers: []\n", "line 2, column 1: this is YAML; expected JSON, an object in braces");
        said("# note\nissuers: []\n", "line 1, column 1: comments and YAML are not JSON; expected an object in braces");
        said("{'a': 1}", "line 1, column 2: texts stand in double quotes in JSON, not in single ones");
        said("{a: 1}", "line 1, column 2: the name of a member stands in double quotes");
        said("{\"a\": 1\n \"b\": 2}", "line 2, column 2: a comma is missing before this, or a bracket");
        said("{\"a\": \"x\"\n \"b\": 2}", "line 2, column 2: a comma is missing before this");
        said(
            "{\"a\": {\"b\": 1}",
            "line 1, column 14: the document ends too early: a brace, a bracket or a quote is not closed",
        );
        said(
            "{\"a\": True}",
            "line 1, column 7: expected a value; JSON has `true`, `false` and `null`, in small letters",
        );
        said("", "line 1, column 1: the document is empty; expected a JSON object");
        said("[{}]", "line 1, column 1: the document is a list; expected an object with `issuers` and `routes`");
        said("{}\n{}", "line 2, column 1: something follows the end of the document; a document is one object");
        said(
            "{\"a\": \u{201c}x\u{201d}}",
            "line 1, column 7: texts stand in straight double quotes in JSON, not in curly ones",
        );
    }
}
