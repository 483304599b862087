//! Route table + request + verified token -> permit, or the reason there is none.
//!
//! Each method has its own table. Of all entries whose method and path match, the one with the most specific path decides.
//! Paths are compared segment by segment from the left: a literal before `{name}` before `{name+}`. At the same path a named
//! method comes before `ANY`.

mod need;
mod path;

use std::sync::Arc;

pub(crate) use need::{Alternative, ClaimNeed, ClaimValue, Need, path_texts, segment};
pub(crate) use path::{PathPattern, RequestPath, Segment};

use rustc_hash::FxHashMap;

use crate::claims::Verified;
use crate::error::Error;
use crate::event::{CONNECT, MethodArn};

/// The methods that API Gateway knows, in the order in which policies spell them.
pub(crate) const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Which methods an entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Methods {
    /// All seven, except those that another entry for the same path names.
    Any,
    /// The methods whose position in [`METHODS`] is true.
    Named([bool; METHODS.len()]),
}

/// One entry of the route table.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) methods: Methods,
    pub(crate) path: PathPattern,
    pub(crate) need: Arc<Need>,
}

/// What happens to a request that no entry matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undeclared {
    /// It is refused.
    Deny,
    /// It passes with any valid token.
    Allow,
    /// It is refused, and the API has no such method with this authorizer, so a cached policy may allow it.
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
    /// The entry for a WebSocket API's `$connect`, which no method and path reaches.
    connect: Option<usize>,
}

/// A node of the trie: the nodes that may follow, most specific first, and the entries that end here.
#[derive(Debug, Default)]
pub(crate) struct Node {
    /// A fast hash is safe here, because only the configuration adds keys.
    pub(crate) literals: FxHashMap<Box<[u8]>, usize>,
    pub(crate) parameter: Option<usize>,
    pub(crate) greedy: Option<usize>,
    /// The entry that names each method, by position in [`METHODS`].
    pub(crate) by_method: [Option<usize>; METHODS.len()],
    pub(crate) any: Option<usize>,
}

impl Node {
    /// The entry for a method (a position in [`METHODS`]): the one that names it, else `ANY`.
    pub(crate) fn entry(&self, method: usize) -> Option<usize> {
        self.declared(method).ok()?
    }

    /// Like [`Self::entry`], but a method that does not exist is an error.
    ///
    /// # Errors
    /// [`Error::Internal`] for a position that no method has.
    fn declared(&self, method: usize) -> Result<Option<usize>, Error> {
        let named = self.by_method.get(method).ok_or(Error::Internal)?;
        Ok(named.or(self.any))
    }
}

/// Two entries for the same method and path shape.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Clash {
    pub(crate) first: usize,
    pub(crate) second: usize,
    pub(crate) method: &'static str,
}

/// What the table decides about a request.
#[derive(Debug)]
pub(crate) struct Decision<'a> {
    /// The path of the entry that decides.
    pub(crate) route: Option<&'a str>,
    /// What that entry needs of a token.
    pub(crate) need: Option<&'a Need>,
    /// The permit, or the reason there is none.
    pub(crate) permit: Result<Permit, Error>,
}

/// The proof that the rules let this request pass.
#[derive(Debug)]
pub(crate) struct Permit(());

impl Routes {
    /// Compiles a table.
    ///
    /// # Errors
    /// Every pair of entries for the same method and shape: the same path, whatever the names of its parameters. None, if the
    /// table cannot be compiled for another reason: an entry is never left out of it.
    pub(crate) fn new(entries: Vec<Route>, undeclared: Undeclared) -> Result<Self, Vec<Clash>> {
        // Roughly the final number of nodes. Growing the list would take longer than everything else here.
        let mut nodes = Vec::with_capacity(entries.len().saturating_add(1));
        nodes.push(Node::default());
        let mut routes = Self { entries: Vec::new(), nodes, undeclared, with_capitals: Vec::new(), connect: None };
        let mut clashes = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            if entry.path.segments().iter().any(has_capitals) {
                routes.with_capitals.push(index);
            }
            let node = routes.place(entry.path.segments()).ok_or_else(Vec::new)?;
            let mut claim = |slot: &mut Option<usize>, method| match *slot {
                Some(first) => clashes.push(Clash { first, second: index, method }),
                None => *slot = Some(index),
            };
            match &entry.methods {
                _ if entry.path.is_connect() => claim(&mut routes.connect, CONNECT),
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

    /// Finds or makes the node of a declared path.
    fn place(&mut self, segments: &[Segment]) -> Option<&mut Node> {
        let mut place = 0;
        for segment in segments {
            let new = self.nodes.len();
            let node = self.nodes.get_mut(place)?;
            place = match segment {
                Segment::Literal(text) => *node.literals.entry(text.as_bytes().into()).or_insert(new),
                Segment::Parameter(_) => *node.parameter.get_or_insert(new),
                Segment::Greedy(_) => *node.greedy.get_or_insert(new),
            };
            if place == new {
                self.nodes.push(Node::default());
            }
        }
        self.nodes.get_mut(place)
    }

    /// Decides whether this token may make this request: [`Error::AmbiguousPath`], [`Error::UndeclaredRoute`],
    /// [`Error::InsufficientScope`] or [`Error::ClaimMismatch`] if not.
    pub(crate) fn decide(&self, arn: &MethodArn<'_>, token: &Verified) -> Decision<'_> {
        match arn.is_connect() {
            // `$connect` has no path that a claim could be compared with.
            true => self.decided(self.connect, token, |_, _, _| false),
            false => self.decide_path(arn.method(), arn.path(), token),
        }
    }

    /// Decides about a method and a path without its first slash.
    pub(crate) fn decide_path(&self, method: &str, path: &str, token: &Verified) -> Decision<'_> {
        match RequestPath::parse(path).and_then(|path| Ok((self.matched(&path, method)?, path))) {
            Ok((entry, path)) => self.decided(entry, token, |position, last, text| path.holds(position, last, text)),
            Err(error) => Decision { route: None, need: None, permit: Err(error) },
        }
    }

    /// What the entry at this place decides, or that there is none.
    fn decided(
        &self,
        entry: Option<usize>,
        token: &Verified,
        holds: impl Fn(usize, bool, &str) -> bool,
    ) -> Decision<'_> {
        let entry = entry.map(|index| self.entries.get(index));
        let outcome = match &entry {
            Some(Some(entry)) => entry.need.check(token, holds),
            Some(None) => Err(Error::Internal),
            None if self.undeclared == Undeclared::Allow => Ok(()),
            None => Err(Error::UndeclaredRoute),
        };
        let entry = entry.flatten();
        Decision {
            route: entry.map(|entry| entry.path.as_str()),
            need: entry.map(|entry| &*entry.need),
            permit: outcome.map(|()| Permit(())),
        }
    }

    /// The entry that decides about a plain path, without its first slash, and a method (a position in [`METHODS`]).
    pub(crate) fn taken(&self, path: &str, method: usize) -> Option<usize> {
        let path = RequestPath::parse(path).ok()?;
        let raw: Vec<&[u8]> = path.raw().collect();
        self.find(0, &raw, method).ok()?
    }

    /// Whether an entry for any method matches this path, without its first slash.
    pub(crate) fn declares(&self, path: &str) -> bool {
        let Ok(path) = RequestPath::parse(path) else {
            return false;
        };
        let raw: Vec<&[u8]> = path.raw().collect();
        METHODS.iter().enumerate().any(|(method, _)| matches!(self.find(0, &raw, method), Ok(Some(_))))
    }

    /// Whether a path that differs from this one only in case is declared. Most tables have no capitals, and then this takes
    /// at most one more lookup, however long the table is.
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

    /// The methods that an entry decides.
    #[cfg(feature = "authz")]
    pub(crate) fn governed(&self, entry: usize) -> Vec<&'static str> {
        let decides = |method: usize| self.nodes.iter().any(|node| node.entry(method) == Some(entry));
        METHODS.into_iter().enumerate().filter(|(method, _)| decides(*method)).map(|(_, name)| name).collect()
    }

    /// The entries, in the order of the table.
    pub(crate) fn entries(&self) -> &[Route] {
        &self.entries
    }

    /// The trie; node 0 is the root path.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What happens to a request that no entry matches.
    pub(crate) fn undeclared(&self) -> Undeclared {
        self.undeclared
    }

    /// The entry for a path and a method, which has to be one that API Gateway knows. A path that matches another entry when decoded
    /// is ambiguous.
    fn matched(&self, path: &RequestPath<'_>, method: &str) -> Result<Option<usize>, Error> {
        let method = METHODS.iter().position(|known| *known == method).ok_or(Error::UndeclaredRoute)?;
        let raw: Vec<&[u8]> = path.raw().collect();
        let entry = self.find(0, &raw, method)?;
        if let Some(decoded) = path.decoded() {
            let decoded: Vec<&[u8]> = decoded.collect();
            if self.find(0, &decoded, method)? != entry {
                return Err(Error::AmbiguousPath);
            }
        }
        Ok(entry)
    }

    /// The entry for a method with the most specific path. It visits each node of the trie at most once, because only one path
    /// leads to a node.
    ///
    /// # Errors
    /// [`Error::Internal`] for a node or method that is not there, so that it is never taken for a path that is not declared.
    pub(crate) fn find(&self, place: usize, segments: &[&[u8]], method: usize) -> Result<Option<usize>, Error> {
        let node = self.nodes.get(place).ok_or(Error::Internal)?;
        let Some((first, rest)) = segments.split_first() else {
            return node.declared(method);
        };
        for next in node.literals.get(*first).into_iter().chain(&node.parameter) {
            if let Some(entry) = self.find(*next, rest, method)? {
                return Ok(Some(entry));
            }
        }
        match node.greedy {
            Some(greedy) => self.nodes.get(greedy).ok_or(Error::Internal)?.declared(method),
            None => Ok(None),
        }
    }
}

fn has_capitals(segment: &Segment) -> bool {
    matches!(segment, Segment::Literal(text) if text.bytes().any(|byte| byte.is_ascii_uppercase()))
}
