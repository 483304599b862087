//! The segments of a token that cannot be read: which one is bad, and why.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::words::printable;
use crate::json;

/// What each of the first three segments is.
pub(super) fn facts(token: &str) -> Vec<(&'static str, String)> {
    let names = ["header", "claims", "signature"];
    let facts = names.into_iter().zip(token.split('.')).map(|(name, segment)| (name, fact(name, segment)));
    facts.collect()
}

/// The header, if it can be read.
pub(super) fn header(token: &str) -> Option<Map<String, Value>> {
    json::object(&decoded(token.split('.').next()?).ok()?).ok()
}

fn fact(name: &str, segment: &str) -> String {
    let bytes = match decoded(segment) {
        Ok(bytes) => bytes,
        Err(fault) => return format!("BAD: {fault}"),
    };
    match (name, json::object(&bytes)) {
        ("signature", _) => format!("{} bytes", bytes.len()),
        ("header", Ok(header)) => printable(&Value::Object(header).to_string()),
        (_, Ok(_)) => "a JSON object".to_owned(),
        (_, Err(error)) if error.is_eof() => "BAD: JSON that ends too early; it is cut off".to_owned(),
        (_, Err(_)) => "BAD: not base64url of a JSON object in which no member appears twice".to_owned(),
    }
}

/// A segment's bytes, or what is wrong with it.
fn decoded(segment: &str) -> Result<Vec<u8>, String> {
    let foreign = |c: &char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_');
    if segment.is_empty() {
        return Err("empty; it is cut off".to_owned());
    }
    if let Some(position) = segment.chars().position(|c| foreign(&c)) {
        let place = position.saturating_add(1);
        return Err(format!("character {place} is not base64url (letters, digits, `-`, `_`)"));
    }
    if segment.len() % 4 == 1 {
        return Err(format!("{} characters, a length that base64url never has; it is cut off", segment.len()));
    }
    URL_SAFE_NO_PAD
        .decode(segment)
        .map_err(|_| "its last character has bits too many; it is cut off or changed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bad_segment_is_named_with_its_fault() {
        let cases = [
            ("e30.e30.AAAAA", "signature", "BAD: 5 characters, a length that base64url never has; it is cut off"),
            ("e30.e30.", "signature", "BAD: empty; it is cut off"),
            ("e30.e3=.AA", "claims", "BAD: character 3 is not base64url (letters, digits, `-`, `_`)"),
            ("e30.eyJhIjox.AA", "claims", "BAD: JSON that ends too early; it is cut off"),
            ("e30.W10.AA", "claims", "BAD: not base64url of a JSON object in which no member appears twice"),
            ("e30.e30.AB", "signature", "BAD: its last character has bits too many; it is cut off or changed"),
            ("e30.e30.AA", "header", "{}"),
        ];
        for (token, name, expected) in cases {
            let all = facts(token);
            let fact = all.iter().find(|(known, _)| *known == name).map(|(_, fact)| fact.as_str());
            assert_eq!(fact, Some(expected), "{token}");
        }
    }
}
