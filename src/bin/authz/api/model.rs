//! An API: its methods, and how each is protected.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;

use super::path;
use crate::page::{Colour, Page};

/// How a method is protected, as far as the document says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    /// By the authorizer: any one entry of scopes is enough, and any valid token if there are none.
    Token(BTreeSet<String>),
    /// Not at all.
    Public,
    /// By something else, which this names.
    Other(String),
    /// The document leaves it open, for this reason.
    Unknown(String),
}

/// The methods that a document may name, in the order in which they are printed. `ANY` is every method that the path lacks.
pub(crate) const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "ANY"];

/// A method of an API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Method {
    pub(crate) path: String,
    /// The position in [`METHODS`].
    rank: usize,
    pub(crate) name: &'static str,
}

impl Method {
    /// A method by its name in any case; `None` if API Gateway has none of this name.
    pub(crate) fn new(name: &str, path: &str) -> Option<Self> {
        let (rank, name) = METHODS.into_iter().enumerate().find(|(_, known)| known.eq_ignore_ascii_case(name))?;
        Some(Self { path: path.to_owned(), rank, name })
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.path)
    }
}

/// An API as a document describes it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Api {
    pub(crate) methods: BTreeMap<Method, Protection>,
    /// What there is to say, and about which methods.
    notes: Vec<(String, BTreeSet<String>)>,
    /// The authorizers that its methods use, by name.
    pub(super) authorizers: BTreeSet<String>,
    /// What could not be read.
    unread: BTreeSet<String>,
}

/// Which API to read, and which of its methods.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Only the methods of this authorizer, if the API has several
    #[arg(long, value_name = "ID")]
    pub(crate) authorizer: Option<String>,
    /// The API's name in the template, if it has several
    #[arg(long, value_name = "ID")]
    pub(crate) rest_api: Option<String>,
    /// Also count methods that declare no security as protected
    #[arg(long)]
    pub(crate) all_methods: bool,
}

impl Api {
    /// The methods that the authorizer protects.
    pub(crate) fn protected(&self) -> impl Iterator<Item = (&Method, &BTreeSet<String>)> {
        self.methods.iter().filter_map(|(method, protection)| match protection {
            Protection::Token(scopes) => Some((method, scopes)),
            Protection::Public | Protection::Other(_) | Protection::Unknown(_) => None,
        })
    }

    /// Why this may not be all of the API; empty if it is.
    pub(crate) fn open_questions(&self) -> Vec<String> {
        let unknown = self.methods.iter().filter_map(|(method, protection)| match protection {
            Protection::Unknown(why) => Some(format!("{method}: {why}")),
            Protection::Token(_) | Protection::Public | Protection::Other(_) => None,
        });
        self.unread.iter().cloned().chain(unknown).collect()
    }

    /// The methods that a method stands for: for `ANY`, those that its path does not name.
    pub(crate) fn verbs(&self, method: &Method) -> Vec<&'static str> {
        if method.name != "ANY" {
            return vec![method.name];
        }
        let named = |verb: &str| self.methods.keys().any(|other| other.path == method.path && other.name == verb);
        METHODS.into_iter().filter(|verb| *verb != "ANY" && !named(verb)).collect()
    }

    /// What is left out, and what else there is to say, for standard error.
    pub(crate) fn remarks(&self, page: &mut Page) {
        let mut left_out: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (method, protection) in &self.methods {
            let reason = match protection {
                Protection::Token(_) => continue,
                Protection::Public => "public".to_owned(),
                Protection::Other(by) => format!("protected by {by}"),
                Protection::Unknown(why) => format!("not read: {why}"),
            };
            left_out.entry(reason).or_default().push(method.to_string());
        }
        for (reason, methods) in left_out {
            page.row(&[("  left out", 12, Some(Colour::Yellow))], &format!("{reason}: {}", methods.join(", ")));
        }
        for (text, methods) in &self.notes {
            let methods = methods.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let text = if methods.is_empty() { text.clone() } else { format!("{text}: {methods}") };
            page.row(&[("  note", 12, Some(Colour::Yellow))], &text);
        }
        if self.authorizers.len() > 1 {
            let names = self.authorizers.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let text = format!(
                "the methods of several authorizers are taken together ({names}); --authorizer takes those of one"
            );
            page.row(&[("  note", 12, Some(Colour::Yellow))], &text);
        }
    }

    /// Adds a method, under a path that a route may have.
    pub(super) fn add(&mut self, name: &str, text: &str, protection: Protection) {
        let spelt = format!("{} {text}", name.to_uppercase());
        let cleaned = match path::cleaned(text) {
            Ok(cleaned) => cleaned,
            Err(problem) => {
                self.note(&format!("left out, because API Gateway cannot have {problem}"), spelt);
                return;
            }
        };
        let Some(method) = Method::new(name, &cleaned.path) else {
            self.note("left out, because no route can have this method", spelt);
            return;
        };
        if cleaned.changed {
            self.note(&format!("written as {}", cleaned.path), spelt);
        }
        let shape = path::shape(&method.path);
        let same = |known: &&Method| {
            known.rank == method.rank && known.path != method.path && path::shape(&known.path) == shape
        };
        if let Some(known) = self.methods.keys().find(same).cloned() {
            self.note(&format!("left out, because it has the shape of {known}"), method.to_string());
            return;
        }
        self.methods.insert(method, protection);
    }

    /// Notes what may hold methods and could not be read.
    pub(super) fn unread(&mut self, why: &str, what: String) {
        self.unread.insert(format!("{what}: {why}"));
        self.note(&format!("not read, because {why}"), what);
    }

    pub(super) fn note(&mut self, text: &str, method: String) {
        match self.notes.iter_mut().find(|(known, _)| known == text) {
            Some((_, methods)) => drop(methods.insert(method)),
            None => self.notes.push((text.to_owned(), [method].into())),
        }
    }
}
