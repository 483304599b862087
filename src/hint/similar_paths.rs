//! Which declared path a request that takes none was probably meant for.

use super::list::Hint;
use crate::routes::{METHODS, RequestPath, Routes, Segment};

/// What this path, written without its first slash, was probably meant for.
pub(super) fn similar(routes: &Routes, path: &str, stage: &str) -> Option<Hint> {
    let bare = path.trim_end_matches('/');
    let with_stage = || routes.declares(format!("{stage}/{path}").trim_end_matches('/'));
    if routes.declares(path) {
        Some(Hint::MethodNotDeclared)
    } else if routes.declares_in_other_case(path) {
        Some(Hint::PathDiffersByCase)
    } else if !stage.is_empty() && with_stage() {
        Some(Hint::StageInPath)
    } else if declared_with_colon(routes, bare) {
        Some(Hint::PathParameterWithColon)
    } else if takes_what_is_below(routes, bare) {
        Some(Hint::GreedyPathNeedsMore)
    } else if declared_with_less(routes, path) || declared_with_more(routes, path) {
        Some(Hint::PathDiffersByFirstSegment)
    } else {
        let (above, _) = bare.rsplit_once('/')?;
        routes.declares(above).then_some(Hint::PathBelowDeclared)
    }
}

/// Whether what lies below this path takes an entry with `{name+}`.
fn takes_what_is_below(routes: &Routes, path: &str) -> bool {
    let taken = taken(routes, &format!("{path}/x"));
    let entry = taken.and_then(|entry| routes.entries().get(entry));
    entry.is_some_and(|entry| matches!(entry.path.segments().last(), Some(Segment::Greedy(_))))
}

fn declared_with_less(routes: &Routes, path: &str) -> bool {
    let rest = path.split_once('/').map_or("", |(_, rest)| rest);
    !rest.is_empty() && taken(routes, rest).is_some_and(|entry| is_literal_at(routes, entry, 0))
}

/// The entry that decides about a path and the first of the methods that has one.
fn taken(routes: &Routes, path: &str) -> Option<usize> {
    (0..METHODS.len()).find_map(|method| routes.taken(path, method))
}

fn declared_with_more(routes: &Routes, path: &str) -> bool {
    let Ok(path) = RequestPath::parse(path) else { return false };
    let raw: Vec<&[u8]> = path.raw().collect();
    let Some(root) = routes.nodes().first() else { return false };
    let mut taken = root.literals.values().flat_map(|next| {
        let methods = 0..METHODS.len();
        methods.filter_map(|method| routes.find(*next, &raw, method).ok().flatten())
    });
    !raw.is_empty() && taken.any(|entry| is_literal_at(routes, entry, 1))
}

/// Nearly anything is like a parameter, so a path is only similar to one whose own text it has.
fn is_literal_at(routes: &Routes, entry: usize, position: usize) -> bool {
    let segments = routes.entries().get(entry).map(|entry| entry.path.segments());
    matches!(segments.and_then(|segments| segments.get(position)), Some(Segment::Literal(_)))
}

/// Whether an entry has a parameter as web frameworks write it, which is a literal here.
fn declared_with_colon(routes: &Routes, path: &str) -> bool {
    let texts: Vec<&str> = path.split('/').collect();
    routes.entries().iter().any(|entry| {
        let segments = entry.path.segments();
        let colon = |segment: &Segment| matches!(segment, Segment::Literal(text) if text.starts_with(':'));
        segments.len() == texts.len()
            && segments.iter().any(colon)
            && segments.iter().zip(&texts).all(|(segment, text)| match segment {
                Segment::Literal(literal) => colon(segment) || **literal == **text,
                Segment::Parameter(_) | Segment::Greedy(_) => true,
            })
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::routes::{Methods, Need, PathPattern, Route, Undeclared};

    #[test]
    fn a_path_without_an_entry_names_a_similar_one() {
        let entry = |path: &str| Route {
            methods: Methods::Named([true, false, false, false, false, false, false]),
            path: PathPattern::parse(path).unwrap(),
            need: Arc::new(Need::default()),
        };
        let paths = ["/movies", "/prod/pets", "/users/:id", "/files/{path+}", "/v1/orders/{id}"];
        let routes = Routes::new(paths.map(entry).to_vec(), Undeclared::Deny).unwrap();
        let cases = [
            ("movies", Some(Hint::MethodNotDeclared)),
            ("Movies", Some(Hint::PathDiffersByCase)),
            ("pets", Some(Hint::StageInPath)),
            ("users/17", Some(Hint::PathParameterWithColon)),
            ("files", Some(Hint::GreedyPathNeedsMore)),
            ("files/", Some(Hint::GreedyPathNeedsMore)),
            ("v2/movies", Some(Hint::PathDiffersByFirstSegment)),
            ("orders/17", Some(Hint::PathDiffersByFirstSegment)),
            ("movies/17", Some(Hint::PathBelowDeclared)),
            ("nothing", None),
            ("", None),
        ];
        for (path, expected) in cases {
            assert_eq!(similar(&routes, path, "prod"), expected, "{path}");
        }
    }
}
