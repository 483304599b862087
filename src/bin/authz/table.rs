//! A route table beside an API: what each has that the other lacks.

use std::collections::BTreeSet;

use crate::api::path::{covers, overlap};
use crate::api::{Api, Protection};

/// An entry of a route table.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Whether the entry is for `ANY` method.
    pub(crate) any: bool,
    /// The methods that it decides.
    pub(crate) methods: Vec<String>,
    pub(crate) path: String,
}

/// How a table differs from an API.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// Methods of the API that no entry matches.
    pub(crate) missing: Vec<String>,
    /// Entries that no method of the API reaches, and why.
    pub(crate) extra: Vec<(String, String)>,
    /// Methods of the API that an entry with a wider path decides, and that path.
    pub(crate) wider: Vec<(String, String)>,
}

/// Compares a table with the methods that the authorizer protects.
pub(crate) fn compare(api: &Api, table: &[Entry]) -> Comparison {
    let mut comparison = Comparison::default();
    for (method, _) in api.protected() {
        let verbs = api.verbs(method);
        let (mut lacking, mut wider) = (Vec::new(), None);
        for verb in &verbs {
            let mut matching = table.iter().filter(|entry| entry.is_for(verb) && covers(&entry.path, &method.path));
            let exact = matching.clone().any(|entry| covers(&method.path, &entry.path));
            match matching.next() {
                None => lacking.push(*verb),
                Some(entry) if !exact => wider = Some(entry.path.clone()),
                Some(_) => {}
            }
        }
        if lacking.len() == verbs.len() {
            comparison.missing.push(method.to_string());
        } else {
            comparison.missing.extend(lacking.iter().map(|verb| format!("{verb} {}", method.path)));
        }
        comparison.wider.extend(wider.map(|path| (method.to_string(), path)));
    }
    for entry in table {
        let reached = |verb: &str| {
            let mut methods = api.methods.iter().filter(|(method, protection)| {
                matches!(protection, Protection::Token(_) | Protection::Unknown(_)) && api.verbs(method).contains(&verb)
            });
            methods.any(|(method, _)| overlap(&method.path, &entry.path))
        };
        let unreached: Vec<&str> = entry.methods.iter().map(String::as_str).filter(|verb| !reached(verb)).collect();
        if entry.any && unreached.len() == entry.methods.len() {
            comparison.extra.push((format!("ANY {}", entry.path), why(api, &unreached, &entry.path)));
        } else if !entry.any {
            for verb in unreached {
                comparison.extra.push((format!("{verb} {}", entry.path), why(api, &[verb], &entry.path)));
            }
        }
    }
    comparison
}

impl Entry {
    /// Whether this entry is for a method; an entry for `ANY` also is for those that another one names.
    fn is_for(&self, verb: &str) -> bool {
        self.any || self.methods.iter().any(|method| method == verb)
    }
}

/// Why no request to these methods reaches the authorizer.
fn why(api: &Api, verbs: &[&str], path: &str) -> String {
    let there = api
        .methods
        .iter()
        .filter(|(method, _)| overlap(&method.path, path) && api.verbs(method).iter().any(|verb| verbs.contains(verb)));
    let reasons: BTreeSet<String> = there
        .filter_map(|(_, protection)| match protection {
            Protection::Public => Some("public in the API".to_owned()),
            Protection::Other(by) => Some(format!("protected by {by}")),
            Protection::Token(_) | Protection::Unknown(_) => None,
        })
        .collect();
    match reasons.is_empty() {
        true => "not in the API".to_owned(),
        false => reasons.into_iter().collect::<Vec<_>>().join(", "),
    }
}
