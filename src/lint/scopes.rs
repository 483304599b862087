//! Scopes that are probably misspelt.

use super::Warnings;
use crate::routes::Routes;
use crate::similarity::{Slip, bare, slip};

/// Scopes that are spelt like no other, and nearly like one.
pub(super) fn lint(routes: &Routes, warnings: &mut Warnings) {
    let mut used: Vec<(&str, Vec<usize>)> = Vec::new();
    for (index, entry) in routes.entries().iter().enumerate() {
        for scope in entry.need.any_of.iter().flat_map(|way| way.scopes.iter().flatten()) {
            match used.iter_mut().find(|(known, _)| **known == **scope) {
                Some((_, entries)) => entries.push(index),
                None => used.push((scope, vec![index])),
            }
        }
    }
    for (position, (scope, entries)) in used.iter().enumerate() {
        let [only] = entries.as_slice() else { continue };
        let twin = used.iter().enumerate().find(|(at, (other, others))| {
            // Of two that stand alone the later one is named.
            *at != position && (others.len() > 1 || *at < position) && nearly(scope, other)
        });
        if let Some((_, (_, others))) = twin {
            let first = others.first().copied().unwrap_or_default();
            warnings.add(
                &format!("routes[{only}]"),
                format!("a scope is spelt like no other, and nearly like one of routes[{first}]"),
            );
        }
    }
}

/// Whether two scopes differ in capital letters and separators only, or in one letter that is missing or two that are
/// swapped.
fn nearly(a: &str, b: &str) -> bool {
    let (a, b) = (bare(a), bare(b));
    a == b || matches!(slip(&a, &b), Some(Slip::Missing | Slip::Swapped))
}
