//! Names of claims.

use super::Warnings;
use crate::claims::{ClaimName, Forwarding};

/// A name that no claim has, as far as can be told.
pub(super) fn name(path: &str, name: &ClaimName, warnings: &mut Warnings) {
    const POINTER: &str = "a nested claim is named by a JSON Pointer, such as /realm_access/roles";
    let text = match name {
        ClaimName::Pointer(pointer) if pointer.contains("://") => {
            return warnings.add(
                path,
                "a claim's name is an address behind a `/`, which reads as a JSON Pointer; write the name without that slash, \
                 or its slashes as `~1`",
            );
        }
        ClaimName::Pointer(_) | ClaimName::Everything => return,
        ClaimName::Member(text) => text.as_str(),
    };
    // An address without its scheme is a name of its own.
    let is_domain = text.split('/').next().is_some_and(|first| first.contains('.'));
    if text.trim() != text {
        warnings.add(path, "a claim's name begins or ends with white space, which is part of it; remove it");
    } else if text.starts_with("$.") || text.starts_with("$[") {
        warnings.add(path, format!("a claim's name is a JSONPath; {POINTER}"));
    } else if text.contains("[") || text.contains(']') {
        warnings.add(path, format!("a claim's name has brackets; {POINTER}"));
    } else if is_dotted(text) {
        warnings.add(
            path,
            format!("a claim's name has dots, which are part of it; {POINTER} (and one whose name has dots by `/` and its name)"),
        );
    } else if text.contains('/') && !text.contains("://") && !text.contains(':') && !is_domain {
        warnings.add(path, format!("a claim's name has a slash, which is part of it; {POINTER}"));
    }
}

/// Whether a name is words with dots between them. An address is a name of its own.
fn is_dotted(text: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    text.contains('.') && text.split('.').all(word)
}

/// The claims that go on to the gateway.
pub(super) fn forwarding(forwarding: &Forwarding, warnings: &mut Warnings) {
    for claim in &forwarding.principal {
        name("principal", claim, warnings);
    }
    for (_, claim) in &forwarding.context {
        name("context", claim, warnings);
    }
    if let Some(claim) = &forwarding.usage_identifier_key {
        name("usage_identifier_key", claim, warnings);
    }
}
