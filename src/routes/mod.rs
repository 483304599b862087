//! Route table + request + verified token -> permit, or the reason there is none.
//!
//! As in API Gateway, the path decides first and the method second. Of all declared paths that match, whatever their
//! methods, the most specific one is taken, compared segment by segment from the left: a literal before `{name}` before
//! `{name+}`. Within it a named method goes before `ANY`.

mod need;
mod path;

use std::sync::Arc;

pub(crate) use need::{Alternative, ClaimNeed, ClaimValue, Need, path_texts};
pub(crate) use path::{PathPattern, RequestPath, Segment};

use rustc_hash::FxHashMap;

use crate::claims::Verified;
use crate::error::Error;
use crate::event::MethodArn;

/// The methods that API Gateway knows, in the order in which policies spell them.
pub(crate) const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Which methods an entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Methods {
    /// All seven, where no other entry of the path names the method.
    Any,
    /// Those that are true, by position in [`METHODS`].
    Named([bool; METHODS.len()]),
}

/// One entry of the route table.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) methods: Methods,
    pub(crate) path: PathPattern,
    pub(crate) need: Arc<Need>,
}

/// What becomes of a path that no entry matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undeclared {
    /// It is refused.
    Deny,
    /// Any valid token passes.
    Allow,
    /// It is refused, and the API has no such method, so what a cached policy says of it does not matter.
    Absent,
}

/// The route table, compiled into a trie of segments.
#[derive(Debug)]
pub(crate) struct Routes {
    entries: Vec<Route>,
    /// Node 0 is the root path.
    nodes: Vec<Node>,
    undeclared: Undeclared,
    /// The entries whose literals have capital letters.
    with_capitals: Vec<usize>,
}

/// A place in the trie: what may follow, most specific first, and what is declared here.
#[derive(Debug, Default)]
pub(crate) struct Node {
    /// Hashed fast, for nobody but the configuration adds to them.
    pub(crate) literals: FxHashMap<Box<[u8]>, usize>,
    pub(crate) parameter: Option<usize>,
    pub(crate) greedy: Option<usize>,
    /// By position in [`METHODS`], the entry that names the method.
    pub(crate) by_method: [Option<usize>; METHODS.len()],
    pub(crate) any: Option<usize>,
    pub(crate) declared: bool,
}

impl Node {
    /// The entry for a method, a position in [`METHODS`]: the one that names it, else `ANY`.
    pub(crate) fn entry(&self, method: usize) -> Option<usize> {
        let named = self.by_method.get(method)?;
        named.or(self.any)
    }
}

/// Two entries that say something about the same method of the same path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Clash {
    pub(crate) first: usize,
    pub(crate) second: usize,
    pub(crate) method: &'static str,
}

/// What the table says of a request.
#[derive(Debug)]
pub(crate) struct Decision<'a> {
    /// The declared path that it takes.
    pub(crate) route: Option<&'a str>,
    /// What it needs of a token.
    pub(crate) need: Option<&'a Need>,
    /// The permit, or the reason there is none.
    pub(crate) permit: Result<Permit, Error>,
}

/// The proof that the rules let this request pass.
#[derive(Debug)]
pub(crate) struct Permit {
    _private: (),
}

impl Routes {
    /// Compiles a table.
    ///
    /// # Errors
    /// Every pair of entries for the same method and shape, a shape being a path whatever its parameters are called.
    pub(crate) fn new(entries: Vec<Route>, undeclared: Undeclared) -> Result<Self, Vec<Clash>> {
        // About as many as there will be: to make room for more takes a start longer than the rest of this.
        let mut nodes = Vec::with_capacity(entries.len().saturating_add(1));
        nodes.push(Node::default());
        let mut routes = Self { entries: Vec::new(), nodes, undeclared, with_capitals: Vec::new() };
        let mut clashes = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let place = routes.place(entry.path.segments());
            let Some(node) = routes.nodes.get_mut(place) else {
                continue;
            };
            node.declared = true;
            if entry.path.segments().iter().any(has_capitals) {
                routes.with_capitals.push(index);
            }
            let mut claim = |slot: &mut Option<usize>, method| match *slot {
                Some(first) => clashes.push(Clash { first, second: index, method }),
                None => *slot = Some(index),
            };
            match &entry.methods {
                Methods::Any => claim(&mut node.any, "ANY"),
                Methods::Named(named) => {
                    for ((slot, method), named) in node.by_method.iter_mut().zip(METHODS).zip(named) {
                        if *named {
                            claim(slot, method);
                        }
                    }
                }
            }
        }
        routes.entries = entries;
        if clashes.is_empty() { Ok(routes) } else { Err(clashes) }
    }

    /// The node of a declared path, made if it is not there.
    fn place(&mut self, segments: &[Segment]) -> usize {
        let mut place = 0;
        for segment in segments {
            let new = self.nodes.len();
            let Some(node) = self.nodes.get_mut(place) else { break };
            place = match segment {
                Segment::Literal(text) => *node.literals.entry(text.as_bytes().into()).or_insert(new),
                Segment::Parameter(_) => *node.parameter.get_or_insert(new),
                Segment::Greedy(_) => *node.greedy.get_or_insert(new),
            };
            if place == new {
                self.nodes.push(Node::default());
            }
        }
        place
    }

    /// Whether this token may make this request: [`Error::AmbiguousPath`], [`Error::UndeclaredRoute`],
    /// [`Error::InsufficientScope`] or [`Error::ClaimMismatch`] if it may not.
    pub(crate) fn decide(&self, arn: &MethodArn, token: &Verified) -> Decision<'_> {
        self.decide_path(arn.method(), arn.path(), token)
    }

    /// The same for a method and a path, the latter without its first slash.
    pub(crate) fn decide_path(&self, method: &str, path: &str, token: &Verified) -> Decision<'_> {
        let matched = RequestPath::parse(path).and_then(|path| Ok((self.matched(&path, method)?, path)));
        let (entry, outcome) = match matched {
            Err(error) => (None, Err(error)),
            Ok((Match::Entry(entry), path)) => {
                let outcome = entry.need.check(token, |position, last, text| path.holds(position, last, text));
                (Some(entry), outcome)
            }
            Ok((Match::Undeclared, _)) if self.undeclared == Undeclared::Allow => (None, Ok(())),
            Ok((Match::Undeclared | Match::OtherMethods, _)) => (None, Err(Error::UndeclaredRoute)),
        };
        Decision {
            route: entry.map(|entry| entry.path.as_str()),
            need: entry.map(|entry| &*entry.need),
            permit: outcome.map(|()| Permit { _private: () }),
        }
    }

    /// Whether any method is declared for this path, written without its first slash.
    pub(crate) fn declares(&self, path: &str) -> bool {
        let Ok(path) = RequestPath::parse(path) else {
            return false;
        };
        let raw: Vec<&[u8]> = path.raw().collect();
        self.find(0, &raw).is_some()
    }

    /// Whether a path that differs from this one in capital letters only is declared. Tables are mostly in small letters,
    /// and then it is one more look into the trie at most, whatever their size.
    pub(crate) fn declares_in_other_case(&self, path: &str) -> bool {
        let small = path.to_ascii_lowercase();
        if small != path && self.declares(&small) {
            return true;
        }
        let Ok(path) = RequestPath::parse(path) else {
            return false;
        };
        let fits = |entry: &Route| {
            let (segments, request) = (entry.path.segments(), path.raw());
            let as_long = match segments.last() {
                Some(Segment::Greedy(_)) => segments.len() <= request.len(),
                _ => segments.len() == request.len(),
            };
            as_long
                && segments.iter().zip(request).all(|(segment, text)| match segment {
                    Segment::Literal(literal) => literal.as_bytes().eq_ignore_ascii_case(text),
                    Segment::Parameter(_) | Segment::Greedy(_) => true,
                })
        };
        self.with_capitals.iter().filter_map(|entry| self.entries.get(*entry)).any(fits)
    }

    /// The node of a declared path, and the methods that an entry of it decides.
    #[cfg(feature = "authz")]
    pub(crate) fn governed(&self, entry: usize) -> Option<(usize, Vec<&'static str>)> {
        let mut place = 0;
        for segment in self.entries.get(entry)?.path.segments() {
            let node = self.nodes.get(place)?;
            place = match segment {
                Segment::Literal(text) => *node.literals.get(text.as_bytes())?,
                Segment::Parameter(_) => node.parameter?,
                Segment::Greedy(_) => node.greedy?,
            };
        }
        let node = self.nodes.get(place)?;
        let methods = METHODS.into_iter().enumerate();
        let own = methods.filter(|(method, _)| node.entry(*method) == Some(entry));
        Some((place, own.map(|(_, method)| method).collect()))
    }

    /// The entries, in the order of the table.
    pub(crate) fn entries(&self) -> &[Route] {
        &self.entries
    }

    /// The trie; node 0 is the root path.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What becomes of a path that no entry matches.
    pub(crate) fn undeclared(&self) -> Undeclared {
        self.undeclared
    }

    /// The entry for a path and a method.
    fn matched(&self, path: &RequestPath<'_>, method: &str) -> Result<Match<'_>, Error> {
        let raw: Vec<&[u8]> = path.raw().collect();
        let place = self.find(0, &raw);
        if let Some(decoded) = path.decoded() {
            let decoded: Vec<&[u8]> = decoded.collect();
            if self.find(0, &decoded) != place {
                return Err(Error::AmbiguousPath);
            }
        }
        let Some(node) = place.and_then(|place| self.nodes.get(place)) else {
            return Ok(Match::Undeclared);
        };
        let position = METHODS.iter().position(|known| *known == method);
        let entry = position.and_then(|position| node.entry(position));
        Ok(entry.and_then(|index| self.entries.get(index)).map_or(Match::OtherMethods, Match::Entry))
    }

    /// The most specific declared path. Each node of the trie is visited at most once, for only one way leads to it.
    fn find(&self, place: usize, segments: &[&[u8]]) -> Option<usize> {
        let node = self.nodes.get(place)?;
        let Some((first, rest)) = segments.split_first() else {
            return node.declared.then_some(place);
        };
        let literal = || node.literals.get(*first).and_then(|next| self.find(*next, rest));
        let parameter = || node.parameter.and_then(|next| self.find(next, rest));
        literal().or_else(parameter).or(node.greedy)
    }
}

fn has_capitals(segment: &Segment) -> bool {
    matches!(segment, Segment::Literal(text) if text.bytes().any(|byte| byte.is_ascii_uppercase()))
}

/// What the table has for a request.
enum Match<'a> {
    Entry(&'a Route),
    /// The path is declared, the method is not.
    OtherMethods,
    Undeclared,
}
