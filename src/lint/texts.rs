//! What may be wrong with any text that is compared byte for byte.

use super::Warnings;

/// Words that examples have where a value belongs.
const PLACEHOLDERS: [&str; 26] = [
    "TENANT",
    "TENANT_ID",
    "REGION",
    "POOL",
    "POOL_ID",
    "USER_POOL_ID",
    "DOMAIN",
    "REALM",
    "ORG",
    "HOST",
    "PROJECT",
    "PROJECT_ID",
    "CLIENT_ID",
    "APP_ID",
    "API_ID",
    "ACCOUNT",
    "AUDIENCE",
    "ISSUER",
    "CHANGEME",
    "CHANGE_ME",
    "REPLACE_ME",
    "TODO",
    "FIXME",
    "undefined",
    "null",
    "None",
];

/// White space, placeholders and patterns. `what` is the kind of value, as in "the issuer".
pub(super) fn lint(path: &str, what: &str, text: &str, warnings: &mut Warnings) {
    if text.trim() != text {
        warnings.add(path, format!("{what} begins or ends with white space, which is part of it; remove it"));
    } else if text.contains(char::is_whitespace) {
        warnings.add(path, format!("{what} has white space in it; remove it"));
    }
    if is_placeholder(text) {
        warnings.add(path, format!("{what} looks like that of an example; put your own in its place"));
    }
    if is_pattern(text) {
        warnings.add(
            path,
            format!("{what} is compared byte for byte and not as a pattern; write out each value in its own entry"),
        );
    }
    if stands_in_quotes(text) {
        warnings.add(path, format!("{what} stands in quotes, which are part of it; remove them"));
    }
}

/// Quotes within a text that never has any, as those around the value of an environment variable.
pub(super) fn quotes(path: &str, what: &str, text: &str, warnings: &mut Warnings) {
    if text.contains(['"', '\'']) && !stands_in_quotes(text) {
        warnings.add(path, format!("{what} has quotes in it; remove them, from the variable in it, too"));
    }
}

fn stands_in_quotes(text: &str) -> bool {
    text.starts_with(['"', '\'']) && text.len() > 1 && text.chars().next() == text.chars().next_back()
}

/// Whether a text has a word that examples have in the place of a value, or a domain that is reserved for examples (RFC 2606).
fn is_placeholder(text: &str) -> bool {
    let word = |word: &str| {
        let small = word.to_ascii_lowercase();
        PLACEHOLDERS.contains(&word)
            || ["your_", "your-", "my-tenant", "my_tenant"].iter().any(|start| small.starts_with(start))
            || small == "your"
            || (word.len() > 2 && word.bytes().all(|byte| byte == b'x' || byte == b'X'))
    };
    let host = text.split_once("://").map_or(text, |(_, rest)| rest).split(['/', ':']).next().unwrap_or_default();
    let reserved = ["example.com", "example.org", "example.net"];
    let is_reserved =
        |domain: &&str| host == *domain || host.strip_suffix(*domain).is_some_and(|rest| rest.ends_with('.'));
    text.split(['/', '.', ':', '@', '<', '>', '{', '}', ' ']).any(word)
        || text.contains(['<', '>'])
        || reserved.iter().any(is_reserved)
}

/// Whether a text has what only patterns have.
fn is_pattern(text: &str) -> bool {
    text.contains(['*', '^', '\\', '|', '[', ']', '(', ')']) || text.ends_with('$') || text.contains(".+")
}

/// Braces where a `${NAME}` was meant, or a template that was not filled in.
pub(super) fn is_template(text: &str) -> bool {
    text.contains(['{', '}'])
}
