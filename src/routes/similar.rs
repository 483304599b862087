//! Which declared path a request that takes none was probably meant for.

use super::{METHODS, RequestPath, Routes, Segment};

/// What is different about the declared path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Similar {
    /// It is the same, for other methods.
    OtherMethod,
    /// It differs in capital letters.
    Case,
    /// It begins with the stage.
    Stage,
    /// It has a parameter as web frameworks write it, which is a literal here.
    Colon,
    /// It is the part below this one.
    Below,
    /// It has one segment more or less at its beginning.
    FirstSegment,
    /// It is one above this one.
    Above,
}

impl Routes {
    /// What this path, written without its first slash, was probably meant for.
    pub(crate) fn similar(&self, path: &str, stage: &str) -> Option<Similar> {
        let with_stage = || self.declares(format!("{stage}/{path}").trim_end_matches('/'));
        if self.declares(path) {
            Some(Similar::OtherMethod)
        } else if self.declares_in_other_case(path) {
            Some(Similar::Case)
        } else if !stage.is_empty() && with_stage() {
            Some(Similar::Stage)
        } else if self.declares_with_colon(path) {
            Some(Similar::Colon)
        } else if self.declares(&format!("{}/x", path.trim_end_matches('/'))) && self.ends_in_greedy(path) {
            Some(Similar::Below)
        } else if self.declares_with_less(path) || self.declares_with_more(path) {
            Some(Similar::FirstSegment)
        } else {
            let above = path.trim_end_matches('/').rsplit_once('/').map(|(above, _)| above);
            above.is_some_and(|above| self.declares(above)).then_some(Similar::Above)
        }
    }

    /// Whether what lies below this path takes an entry with `{name+}`.
    fn ends_in_greedy(&self, path: &str) -> bool {
        let below = format!("{}/x", path.trim_end_matches('/'));
        let taken = (0..METHODS.len()).find_map(|method| self.taken(&below, method));
        let entry = taken.and_then(|entry| self.entries().get(entry));
        entry.is_some_and(|entry| matches!(entry.path.segments().last(), Some(Segment::Greedy(_))))
    }

    fn declares_with_less(&self, path: &str) -> bool {
        let rest = path.split_once('/').map_or("", |(_, rest)| rest);
        let taken = (0..METHODS.len()).find_map(|method| self.taken(rest, method));
        !rest.is_empty() && taken.is_some_and(|entry| self.is_literal_at(entry, 0))
    }

    fn declares_with_more(&self, path: &str) -> bool {
        let Ok(path) = RequestPath::parse(path) else { return false };
        let raw: Vec<&[u8]> = path.raw().collect();
        let Some(root) = self.nodes().first() else { return false };
        let mut taken = root.literals.values().flat_map(|next| {
            let methods = 0..METHODS.len();
            methods.filter_map(|method| self.find(*next, &raw, method).ok().flatten())
        });
        !raw.is_empty() && taken.any(|entry| self.is_literal_at(entry, 1))
    }

    /// Nearly anything is like a parameter, so a path is only similar to one whose own text it has.
    fn is_literal_at(&self, entry: usize, position: usize) -> bool {
        let segments = self.entries().get(entry).map(|entry| entry.path.segments());
        matches!(segments.and_then(|segments| segments.get(position)), Some(Segment::Literal(_)))
    }

    fn declares_with_colon(&self, path: &str) -> bool {
        let texts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        self.entries().iter().any(|entry| {
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
            ("movies", Some(Similar::OtherMethod)),
            ("Movies", Some(Similar::Case)),
            ("pets", Some(Similar::Stage)),
            ("users/17", Some(Similar::Colon)),
            ("files", Some(Similar::Below)),
            ("files/", Some(Similar::Below)),
            ("v2/movies", Some(Similar::FirstSegment)),
            ("orders/17", Some(Similar::FirstSegment)),
            ("movies/17", Some(Similar::Above)),
            ("nothing", None),
            ("", None),
        ];
        for (path, expected) in cases {
            assert_eq!(routes.similar(path, "prod"), expected, "{path}");
        }
    }
}
