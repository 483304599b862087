//! `scope_map`: the scopes that come with others.

use super::route::scope_words;
use super::walk::{Node, all};
use crate::claims::ScopeMap;

/// Reads an object that maps a scope, a group or a role to the scopes that it also grants: a text with spaces between them, or
/// a list.
pub(super) fn scope_map(node: &Node<'_>) -> Option<ScopeMap> {
    const GRANTED: &str = "expected one or more scopes that it also grants, separated by spaces, or a list of them";
    let entries = node.entries("expected an object of scopes, groups or roles and the scopes that each also grants")?;
    let entries = all(entries.into_iter().map(|(name, node)| {
        if name.is_empty() || name.chars().any(char::is_control) {
            return node.reject("expected the name of a scope, a group or a role, without control characters");
        }
        let granted = all(node.one_or_more()?.map(|item| scope_words(&item, GRANTED)))?;
        Some((name.into_owned(), granted.concat()))
    }))?;
    Some(ScopeMap::new(entries))
}
