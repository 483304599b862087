//! What a claim may be, where that says something else than it seems to.

use serde_json::Value;

use super::{Warnings, texts};
use crate::claims::Accepted;

/// The accepted values of a claim, any one of which is enough.
pub(super) fn lint<'a>(path: &str, accepted: impl Iterator<Item = &'a Accepted> + Clone, warnings: &mut Warnings) {
    let mut exclusions = 0_usize;
    for one in accepted.clone() {
        match one {
            Accepted::StartsWith(start) if start.ends_with('*') => {
                warnings.add(path, "the `*` at the end of `starts_with` is part of it; leave it out");
            }
            Accepted::StartsWith(start) => {
                texts::lint(path, "the beginning of a value", start, warnings);
                if texts::is_template(start) {
                    warnings.add(path, "the beginning of a value has braces, which are part of it");
                }
            }
            Accepted::NoneOf(listed) => {
                exclusions = exclusions.saturating_add(1);
                for text in listed.iter().filter_map(Value::as_str) {
                    texts::lint(path, "a value", text, warnings);
                }
            }
            Accepted::Value(_) | Accepted::Present | Accepted::Absent => {}
        }
    }
    let any = |wanted: fn(&Accepted) -> bool| accepted.clone().any(wanted);
    let present = any(|accepted| *accepted == Accepted::Present);
    if present && any(|accepted| *accepted == Accepted::Absent) {
        warnings.add(
            path,
            "one of a list is enough, so `present` and `absent` together take every token; leave the claim out",
        );
    } else if present && accepted.clone().count() > 1 {
        warnings
            .add(path, "one of a list is enough, so `present` takes what the others are to refuse; remove one of them");
    } else if exclusions > 1 {
        warnings.add(
            path,
            "one of a list is enough, so of several `none_of` each takes what another refuses; list all values in one",
        );
    }
}
