//! The path of an API's method -> a path that a route may have.

use std::collections::BTreeSet;

/// A path of a route, and whether it differs from what the document says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cleaned {
    pub(super) path: String,
    pub(super) changed: bool,
}

/// Writes a path as a route does: without a slash at the end, and with parameter names of letters, digits and `. _ - : ,`. Routes
/// match by shape, so the name of a parameter means nothing to the gateway.
///
/// # Errors
/// What keeps API Gateway from having such a resource.
pub(super) fn cleaned(text: &str) -> Result<Cleaned, &'static str> {
    let rest = text.strip_prefix('/').ok_or("a path that does not begin with `/`")?;
    if rest.is_empty() {
        return Ok(Cleaned { path: "/".to_owned(), changed: false });
    }
    let trimmed = rest.strip_suffix('/').unwrap_or(rest);
    let mut names = BTreeSet::new();
    let mut path = String::new();
    let segments: Vec<&str> = trimmed.split('/').collect();
    let last = segments.len().saturating_sub(1);
    for (number, segment) in segments.into_iter().enumerate() {
        let segment = match segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}')) {
            Some(inner) if !inner.contains(['{', '}']) => {
                let (name, greedy) = inner.strip_suffix('+').map_or((inner, ""), |name| (name, "+"));
                if !greedy.is_empty() && number != last {
                    return Err("`{name+}` before the end of a path");
                }
                format!("{{{}{greedy}}}", parameter(name, &mut names))
            }
            _ if segment.contains(['{', '}']) => return Err("a parameter that is only a part of a segment"),
            _ if matches!(segment, "" | "." | "..") => return Err("a segment that is empty, `.` or `..`"),
            _ if !segment.bytes().all(is_plain) => {
                return Err("a segment with other characters than letters, digits and `. _ - : ,`");
            }
            _ => segment.to_owned(),
        };
        path.push('/');
        path.push_str(&segment);
    }
    let changed = path != text;
    Ok(Cleaned { path, changed })
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':' | b',')
}

/// A name that a parameter may have, and that no other of the path has.
fn parameter(name: &str, names: &mut BTreeSet<String>) -> String {
    let plain = |c: char| if u8::try_from(c).is_ok_and(is_plain) { c } else { '_' };
    let mut name: String = name.chars().map(plain).collect();
    if name.is_empty() {
        "parameter".clone_into(&mut name);
    }
    while !names.insert(name.clone()) {
        name.push('_');
    }
    name
}

/// The shape of a path: what it matches, whatever its parameters are called.
pub(crate) fn shape(path: &str) -> String {
    let segments =
        path.split('/').map(|segment| match segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
            Some(inner) if inner.ends_with('+') => "{+}",
            Some(_) => "{}",
            None => segment,
        });
    segments.collect::<Vec<_>>().join("/")
}

/// Whether every request path of the second matches the first.
pub(crate) fn covers(wide: &str, narrow: &str) -> bool {
    pairs(wide, narrow, |wide, narrow| match (wide, narrow) {
        ("{}", other) => other != "{+}",
        (wide, narrow) => wide == narrow,
    })
}

/// Whether some request path matches both.
pub(crate) fn overlap(one: &str, other: &str) -> bool {
    let agree = |one: &str, other: &str| one == other || one == "{}" || other == "{}";
    pairs(one, other, agree) || pairs(other, one, agree)
}

/// Compares paths segment by segment, up to where the first takes the rest.
fn pairs(one: &str, other: &str, agree: impl Fn(&str, &str) -> bool) -> bool {
    let (one, other) = (shape(one), shape(other));
    let split = |path: &'_ str| -> Vec<String> {
        path.split('/').skip(1).filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
    };
    let (one, other) = (split(&one), split(&other));
    for (number, segment) in one.iter().enumerate() {
        match (segment.as_str(), other.get(number)) {
            (_, None) => return false,
            ("{+}", Some(_)) => return true,
            (segment, Some(theirs)) if agree(segment, theirs) => {}
            _ => return false,
        }
    }
    one.len() == other.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_a_route_writes_it() {
        for (text, path) in [
            ("/", "/"),
            ("/pets/{id}", "/pets/{id}"),
            ("/pets/", "/pets"),
            ("/{proxy+}", "/{proxy+}"),
            ("/pets/{pet id}/{pet id}", "/pets/{pet_id}/{pet_id_}"),
            ("/a/{x*}", "/a/{x_}"),
        ] {
            assert_eq!(cleaned(text), Ok(Cleaned { path: path.to_owned(), changed: path != text }));
        }
        for text in ["pets", "/a/{x}.{y}", "/v{x}", "/a?b", "/a b", "//", "/a//b", "/{p+}/x", "/a/../b", "/users({id})"]
        {
            assert!(cleaned(text).is_err(), "{text}");
        }
    }

    #[test]
    fn paths_cover_and_overlap_by_shape() {
        for (wide, narrow) in [
            ("/{p+}", "/a/b"),
            ("/{p+}", "/{q+}"),
            ("/a/{x}", "/a/b"),
            ("/a/{x}", "/a/{y}"),
            ("/", "/"),
            ("/{p+}", "/{x}"),
        ] {
            assert!(covers(wide, narrow) && overlap(narrow, wide), "{wide} {narrow}");
        }
        for (one, other) in [("/a", "/{p+}"), ("/a/{x}", "/a/{p+}"), ("/a/b", "/a/{x}")] {
            assert!(!covers(one, other) && overlap(one, other), "{one} {other}");
        }
        for (one, other) in [("/a", "/b"), ("/", "/{p+}"), ("/a/{x}", "/a"), ("/a/{p+}", "/b/{p+}"), ("/a/b", "/{x}/c")]
        {
            assert!(!overlap(one, other) && !covers(one, other), "{one} {other}");
        }
    }
}
