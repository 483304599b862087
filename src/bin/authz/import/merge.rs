//! An API's methods into a configuration that people have edited.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use serde_json::value::RawValue;

use super::entries::{entry, plural};
use crate::api::path::{covers, shape};
use crate::api::{Api, METHODS, Method};
use crate::document::{Document, list};
use crate::page::{Colour, Page};
use crate::table::{Entry, compare};

/// Merges into the file, or prints what it would write.
///
/// # Errors
/// What keeps the file from being a configuration.
pub(super) fn run(api: &Api, file: &Path, print: bool, page: &mut Page) -> Result<String, String> {
    let name = file.display();
    let before = std::fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
    let (after, changes) = merged(api, &before).map_err(|problem| format!("{name}: {problem}"))?;
    changes.told(file, page);
    if print {
        return Ok(after);
    }
    if after != before {
        replace(file, &after).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(String::new())
}

/// Writes a file beside the old one and puts it in its place, so that no half is ever there.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, file)
}

/// What a merge did and found.
#[derive(Debug, Default)]
struct Changes {
    added: Vec<String>,
    /// Entries that ask for something else than the API's document does.
    kept: Vec<String>,
    wider: Vec<(String, String)>,
    extra: Vec<(String, String)>,
    /// What `undeclared_routes` is.
    undeclared: String,
}

/// The document with the methods that it lacks.
fn merged(api: &Api, text: &str) -> Result<(String, Changes), String> {
    let mut document = Document::parse(text)?;
    let mut entries: Vec<Box<RawValue>> = match document.get("routes") {
        Some(routes) => serde_json::from_str(routes).map_err(|_| "`routes` is not a list".to_owned())?,
        None => Vec::new(),
    };
    let values: Vec<Value> =
        entries.iter().map(|entry| serde_json::from_str(entry.get()).unwrap_or_default()).collect();
    let table = values
        .iter()
        .map(read)
        .collect::<Option<Vec<_>>>()
        .ok_or("`routes` has an entry without a path, or with an unknown method: run authz check")?;
    let found = compare(api, &table);
    let undeclared = document.get("undeclared_routes").and_then(|text| serde_json::from_str(text).ok());
    let mut changes = Changes {
        wider: found.wider,
        extra: found.extra,
        undeclared: undeclared.unwrap_or_else(|| "deny".to_owned()),
        ..Changes::default()
    };
    let lacking: BTreeSet<&str> = found.missing.iter().map(String::as_str).collect();
    let is_sorted = table.is_sorted_by_key(key);
    let mut keys: Vec<Key> = table.iter().map(key).collect();
    for (method, scopes) in api.protected() {
        let missing = api.verbs(method).iter().any(|verb| lacking.contains(format!("{verb} {}", method.path).as_str()));
        if !missing && !lacking.contains(method.to_string().as_str()) {
            let own = values.iter().zip(&table).find(|(_, entry)| is_same(entry, method));
            if own.is_some_and(|(value, _)| asked(value).as_ref() != Some(scopes)) {
                changes.kept.push(method.to_string());
            }
            continue;
        }
        let new = (method.path.clone(), rank(method.name));
        let after = keys.iter().position(|known| is_sorted && *known > new).unwrap_or(keys.len());
        keys.insert(after, new);
        let text = RawValue::from_string(entry(method, scopes)).map_err(|error| error.to_string())?;
        entries.insert(after, text);
        changes.added.push(method.to_string());
    }
    if changes.added.is_empty() {
        return Ok((text.to_owned(), changes));
    }
    let entries: Vec<String> = entries.iter().map(|entry| entry.get().to_owned()).collect();
    document.set("routes", list(&entries));
    Ok((document.to_string(), changes))
}

/// What an entry is sorted by.
type Key = (String, usize);

fn key(entry: &Entry) -> Key {
    let first = if entry.any { Some("ANY") } else { entry.methods.first().map(String::as_str) };
    (entry.path.clone(), first.map_or(METHODS.len(), rank))
}

fn rank(name: &str) -> usize {
    METHODS.iter().position(|known| *known == name).unwrap_or(METHODS.len())
}

/// Whether an entry is for this method at a path of the same shape.
fn is_same(entry: &Entry, method: &Method) -> bool {
    let named = entry.any || entry.methods.iter().any(|name| name == method.name);
    named && covers(&entry.path, &method.path) && shape(&entry.path) == shape(&method.path)
}

/// Reads an entry; `None` if it has no path or an unknown method.
fn read(entry: &Value) -> Option<Entry> {
    let path = entry.get("path")?.as_str()?.to_owned();
    let methods: Vec<String> = match entry.get("method") {
        None => vec!["ANY".to_owned()],
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => {
            several.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<_>>()?
        }
        Some(_) => return None,
    };
    let any = methods.iter().any(|method| method == "ANY");
    if !methods.iter().all(|method| METHODS.contains(&method.as_str())) {
        return None;
    }
    let all = METHODS.iter().filter(|method| **method != "ANY").map(|method| (*method).to_owned());
    Some(Entry { any, methods: if any { all.collect() } else { methods }, path })
}

/// The scopes that an entry asks for, as [`Api`] spells them; `None` if it asks for more than scopes.
fn asked(entry: &Value) -> Option<BTreeSet<String>> {
    if entry.get("claims").is_some() || entry.get("any_of").is_some() {
        return None;
    }
    let entries = match entry.get("scopes") {
        None => Vec::new(),
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        Some(one) => one.as_str().into_iter().collect(),
    };
    let sorted = |text: &str| {
        let scopes: BTreeSet<&str> = text.split_whitespace().collect();
        scopes.into_iter().collect::<Vec<_>>().join(" ")
    };
    Some(entries.into_iter().map(sorted).collect())
}

impl Changes {
    fn told(&self, file: &Path, page: &mut Page) {
        let name = file.display();
        page.heading(&match self.added.len() {
            0 => format!("{name} has every method of the API"),
            count => format!("{count} {} added to {name}", plural(count, "route")),
        });
        let mut row = |label: &str, colour, text: &str| page.row(&[(label, 12, Some(colour))], text);
        for added in &self.added {
            row("  added", Colour::Green, added);
        }
        if !self.kept.is_empty() {
            row(
                "  kept",
                Colour::Dim,
                &format!("asks for something else than the API's document does: {}", self.kept.join(", ")),
            );
        }
        for (method, path) in &self.wider {
            row("  kept", Colour::Dim, &format!("{method} is decided by the entry for {path}"));
        }
        for (entry, why) in &self.extra {
            row("  gone", Colour::Yellow, &format!("{entry} is {why}; remove the entry if that is meant"));
        }
        if self.undeclared != "absent" {
            let text = "undeclared_routes is not changed; \"absent\" promises that the API has no other methods with this authorizer, \
                        and lets cached policies use wider wildcards";
            row("  note", Colour::Yellow, text);
        }
    }
}
