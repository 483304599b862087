//! The fields that name claims.

use super::walk::{Node, all};
use crate::claims::{ClaimName, RESERVED_CONTEXT_KEYS};

/// Reads a claim's name or JSON Pointer.
pub(super) fn claim_name(node: &Node<'_>) -> Option<ClaimName> {
    let expected = "expected the name of a claim, or a JSON Pointer that begins with `/`";
    let text = node.text(expected)?;
    ClaimName::parse(&text).or_else(|| node.reject(expected))
}

/// Reads one claim or a list of them.
pub(super) fn claim_names(node: &Node<'_>) -> Option<Vec<ClaimName>> {
    all(node.one_or_more()?.map(|item| claim_name(&item)))
}

/// Reads `context`, which maps context keys to claims; sorted by key.
pub(super) fn context(node: &Node<'_>) -> Option<Vec<(String, ClaimName)>> {
    let entries = node.entries("expected an object of context keys and the claims that become them")?;
    let mut mapping = all(entries.into_iter().map(|(key, node)| {
        if key.is_empty() || key.chars().any(char::is_control) {
            return node.reject("a context key is a text without control characters");
        }
        if RESERVED_CONTEXT_KEYS.contains(&&*key) {
            return node.reject("this context key is reserved for the authorizer and the gateway");
        }
        match node.string("expected the name of a claim, a JSON Pointer, or `\"\"` for all claims")? {
            everything if everything.is_empty() => Some((key.into_owned(), ClaimName::Everything)),
            _ => Some((key.into_owned(), claim_name(&node)?)),
        }
    }))?;
    mapping.sort_by(|(a, _), (b, _)| a.cmp(b));
    Some(mapping)
}
