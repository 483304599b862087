//! The header's value, where it is not `Bearer` and a compact JWS.

use super::list::Hint;
use super::unverified::part;
use crate::bearer::all_compact_jws;

/// What clients send that have no token yet.
const PLACEHOLDERS: [&str; 10] =
    ["undefined", "null", "None", "nil", "false", "token", "TOKEN", "[object", "[object Object]", "YOUR_TOKEN"];

/// Credentials that are not a compact JWS.
pub(super) fn malformed(authorization: &str) -> Option<Hint> {
    let value = authorization.trim();
    let (scheme, rest) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
    let token = rest.trim_start();
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return other_scheme(value, scheme, token);
    }
    let braced = |open: &str, close: &str| token.starts_with(open) && token.ends_with(close);
    let template = braced("{{", "}}") || braced("${", "}") || braced("<", ">") || token.starts_with('$');
    if PLACEHOLDERS.contains(&token) || template {
        return Some(Hint::PlaceholderToken);
    }
    if token.starts_with(['"', '\'']) {
        return Some(Hint::TokenInQuotes);
    }
    if token.starts_with('{') {
        return token.contains("_token\"").then_some(Hint::TokenResponsePasted);
    }
    // Long tokens are mostly of the right alphabet, which is found out faster than where they are not.
    let plain = all_compact_jws(token);
    let spaced = !plain && token.contains(char::is_whitespace);
    let first = || token.split(char::is_whitespace).next().unwrap_or_default();
    if spaced && first().eq_ignore_ascii_case("Bearer") || token.eq_ignore_ascii_case("Bearer") {
        return Some(Hint::SchemeRepeated);
    }
    if !plain && token.contains(',') {
        return Some(Hint::TwoTokens);
    }
    if spaced || (value.len() < authorization.len() && all_compact_jws(token)) {
        return Some(Hint::TokenHasWhiteSpace).filter(|_| is_jwt(token));
    }
    match token.split('.').take(6).count() {
        5 => Some(Hint::EncryptedToken),
        1 | 2 if token.starts_with("eyJ") => Some(Hint::TokenTruncated),
        1 | 2 => Some(Hint::OpaqueToken),
        3 if !plain && token.contains(['+', '/', '=']) => Some(Hint::NotBase64Url),
        3 if part(authorization, 0).contains_key("enc") => Some(Hint::EncryptedToken),
        3 if is_cut(token) => Some(Hint::TokenTruncated),
        _ => None,
    }
}

/// A value that does not begin with `Bearer` and a space.
fn other_scheme(value: &str, scheme: &str, token: &str) -> Option<Hint> {
    let starts_with =
        |text: &str, start: &str| text.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start));
    if starts_with(value, "Authorization") {
        return Some(Hint::HeaderNamePasted);
    }
    if ["Bearer:", "Bearer%20", "Bearer=", "Bearer+", "BearereyJ"].iter().any(|start| starts_with(value, start)) {
        return Some(Hint::SchemeWithColon);
    }
    if value.starts_with(['"', '\'']) {
        return Some(Hint::TokenInQuotes);
    }
    let other = !token.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match is_jwt(value) {
        true => Some(Hint::SchemeMissing),
        false => other.then_some(Hint::OtherScheme),
    }
}

fn is_jwt(text: &str) -> bool {
    text.starts_with("eyJ") && text.matches('.').count() >= 2
}

/// Whether a token of three segments ends before its end: a good header, and then a segment that is empty or breaks off.
fn is_cut(token: &str) -> bool {
    let mut segments = token.split('.').map(|segment| segment.len());
    let broken = |length: usize| length == 0 || length % 4 == 1;
    !part(token, 0).is_empty() && segments.next().is_some_and(|length| !broken(length)) && segments.any(broken)
}
