//! The methods of an API as entries of a route table.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::api::{Api, Method, Protection, Selection};
use crate::document::{list, object};

/// What to do if a document protects nothing.
pub(crate) fn nothing(file: &Path, selection: &Selection, api: &Api) -> String {
    let hint = match api.methods.values().any(|protection| matches!(protection, Protection::Public)) {
        false if api.methods.is_empty() => "",
        false => "; each takes other credentials. Where the authorizer protects them, the document has to say so",
        true if selection.all_methods => "",
        true => "; --all-methods takes those that declare no security, too",
    };
    format!("no method of {} is protected by a Lambda authorizer{hint}", file.display())
}

pub(crate) fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

/// The text of the table.
pub(crate) fn routes(api: &Api) -> String {
    let entries: Vec<String> = api.protected().map(|(method, scopes)| entry(method, scopes)).collect();
    list(&entries)
}

/// The text of an entry.
pub(super) fn entry(method: &Method, scopes: &BTreeSet<String>) -> String {
    let text = |text: &str| Value::from(text).to_string();
    let mut members = Vec::new();
    if method.name != "ANY" {
        members.push(("method", text(method.name)));
    }
    members.push(("path", text(&method.path)));
    let mut each = scopes.iter();
    match (each.next(), scopes.len()) {
        (None, _) => {}
        (Some(only), 1) => members.push(("scopes", text(only))),
        _ => members
            .push(("scopes", format!("[{}]", scopes.iter().map(|scope| text(scope)).collect::<Vec<_>>().join(", ")))),
    }
    object(&members)
}
