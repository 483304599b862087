//! The resources of the API: its methods are those that the route table declares.
//!
//! API Gateway looks for the most specific resource that a path matches, segment by segment: a literal before `{name}` before
//! `{name+}`. It asks no authorizer about a method that this resource lacks.

use serde_json::{Map, Value};

/// A resource and its methods.
#[derive(Clone, Debug)]
struct Resource {
    path: String,
    segments: Vec<Segment>,
    methods: Vec<&'static str>,
    /// Whether an entry names `OPTIONS` itself, so that it is not the preflight's.
    own_options: bool,
}

/// A segment, more specific ones first. The name of a parameter says nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Parameter,
    Greedy,
}

/// The resources of an API.
#[derive(Clone, Debug, Default)]
pub(super) struct Resources(Vec<Resource>);

/// What a request reaches.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A method: the path of its resource, and the parameters that the request's path holds.
    Method { resource: String, parameters: Map<String, Value> },
    /// The answer to a CORS preflight: a resource and the methods it has.
    Preflight(Vec<&'static str>),
    /// No resource, or none with this method.
    Nothing,
}

const ALL: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

impl Resources {
    /// The resources of a table: for each entry its methods, whether they are `ANY`, and its path. With `open`, whatever is not
    /// declared is there too, as a proxy resource.
    pub(super) fn new(declared: Vec<(Vec<&'static str>, bool, String)>, open: bool) -> Self {
        let mut all = Self::default();
        for (methods, any, path) in declared {
            all.add(&path, methods, any);
        }
        if open {
            all.add("/{proxy+}", ALL.to_vec(), true);
            all.add("/", ALL.to_vec(), true);
        }
        all
    }

    fn add(&mut self, path: &str, methods: Vec<&'static str>, any: bool) {
        let segments: Vec<Segment> = split(path).into_iter().map(segment).collect();
        let own_options = !any && methods.contains(&"OPTIONS");
        match self.0.iter_mut().find(|known| known.segments == segments) {
            Some(known) => {
                known
                    .methods
                    .extend(methods.into_iter().filter(|method| !known.methods.contains(method)).collect::<Vec<_>>());
                known.own_options |= own_options;
            }
            None => self.0.push(Resource { path: path.to_owned(), segments, methods, own_options }),
        }
    }

    /// What a request reaches; the path begins with `/`.
    pub(super) fn find(&self, method: &str, path: &str) -> Found {
        let raw = split(path.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(path));
        let matching = self.0.iter().filter(|resource| resource.matches(&raw));
        let Some(found) = matching.min_by_key(|resource| &resource.segments) else {
            return Found::Nothing;
        };
        if method == "OPTIONS" && !found.own_options {
            let mut methods = found.methods.clone();
            if !methods.contains(&"OPTIONS") {
                methods.push("OPTIONS");
            }
            return Found::Preflight(methods);
        }
        match found.methods.contains(&method) {
            true => Found::Method { resource: found.path.clone(), parameters: found.parameters(&raw) },
            false => Found::Nothing,
        }
    }
}

impl Resource {
    fn matches(&self, raw: &[&str]) -> bool {
        let greedy = self.segments.last() == Some(&Segment::Greedy);
        let long_enough = if greedy { raw.len() >= self.segments.len() } else { raw.len() == self.segments.len() };
        long_enough
            && self.segments.iter().zip(raw).all(|(segment, text)| match segment {
                Segment::Literal(literal) => literal == text,
                Segment::Parameter => !text.is_empty(),
                Segment::Greedy => !text.is_empty() || raw.len() > self.segments.len(),
            })
    }

    fn parameters(&self, raw: &[&str]) -> Map<String, Value> {
        let mut parameters = Map::new();
        for (position, (segment, name)) in self.segments.iter().zip(split(&self.path)).enumerate() {
            let value = match segment {
                Segment::Literal(_) => continue,
                Segment::Parameter => raw.get(position).map(|text| (*text).to_owned()),
                Segment::Greedy => raw.get(position..).map(|rest| rest.join("/")),
            };
            parameters.insert(name.trim_matches(['{', '+', '}']).to_owned(), value.unwrap_or_default().into());
        }
        parameters
    }
}

/// The segments of a path; none for the root.
fn split(path: &str) -> Vec<&str> {
    let rest = path.strip_prefix('/').unwrap_or(path);
    if rest.is_empty() { Vec::new() } else { rest.split('/').collect() }
}

fn segment(text: &str) -> Segment {
    match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        None => Segment::Literal(text.to_owned()),
        Some(name) if name.ends_with('+') => Segment::Greedy,
        Some(_) => Segment::Parameter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Resources {
        let entry = |methods: &[&'static str], any, path: &str| (methods.to_vec(), any, path.to_owned());
        let declared = vec![
            entry(&["GET"], false, "/pets"),
            entry(&["POST"], false, "/pets"),
            entry(&["GET"], false, "/pets/{id}"),
            entry(&["DELETE"], false, "/pets/{pet}"),
            entry(&["GET"], false, "/pets/mine"),
            entry(&ALL, true, "/files/{path+}"),
            entry(&["OPTIONS"], false, "/raw"),
            entry(&["GET"], false, "/a/{x}/c"),
        ];
        Resources::new(declared, false)
    }

    #[track_caller]
    fn reaches(method: &str, path: &str, expected: &str) {
        let found = match table().find(method, path) {
            Found::Method { resource, parameters } => format!("{resource} {}", Value::Object(parameters)),
            Found::Preflight(methods) => format!("preflight {}", methods.join(" ")),
            Found::Nothing => "nothing".to_owned(),
        };
        assert_eq!(found, expected, "{method} {path}");
    }

    #[test]
    fn the_most_specific_resource_takes_a_request_and_a_method_it_lacks_is_not_there() {
        reaches("GET", "/pets", "/pets {}");
        reaches("GET", "/pets/", "/pets {}");
        reaches("POST", "/pets", "/pets {}");
        reaches("PUT", "/pets", "nothing");
        reaches("GET", "/pets/7", r#"/pets/{id} {"id":"7"}"#);
        reaches("DELETE", "/pets/7", r#"/pets/{id} {"id":"7"}"#);
        reaches("GET", "/pets/mine", "/pets/mine {}");
        reaches("DELETE", "/pets/mine", "nothing");
        reaches("PUT", "/files/a/b.txt", r#"/files/{path+} {"path":"a/b.txt"}"#);
        reaches("GET", "/files", "nothing");
        reaches("GET", "/files/", "nothing");
        reaches("GET", "/", "nothing");
        reaches("GET", "//pets", "nothing");
        reaches("GET", "/a//c", "nothing");
        reaches("get", "/pets", "nothing");
    }

    #[test]
    fn options_is_the_preflight_unless_an_entry_names_it() {
        reaches("OPTIONS", "/pets", "preflight GET POST OPTIONS");
        reaches("OPTIONS", "/files/x", "preflight GET HEAD POST PUT PATCH DELETE OPTIONS");
        reaches("OPTIONS", "/raw", "/raw {}");
        reaches("OPTIONS", "/nothing", "nothing");
    }

    #[test]
    fn an_api_whose_undeclared_routes_are_allowed_is_a_proxy() {
        let open = Resources::new(vec![(vec!["GET"], false, "/pets".to_owned())], true);
        assert!(matches!(open.find("PUT", "/any/thing"), Found::Method { resource, .. } if resource == "/{proxy+}"));
        assert!(matches!(open.find("GET", "/"), Found::Method { resource, .. } if resource == "/"));
        assert_eq!(open.find("PUT", "/pets"), Found::Nothing);
    }
}
