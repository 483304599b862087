//! The issuers of a document and their secrets, with the paths at which they stand.

use serde_json::Value;

/// The entries of `issuers`, with their paths.
pub(super) fn issuers(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    let entries = document.get("issuers").and_then(Value::as_array).into_iter().flatten();
    entries.enumerate().map(|(number, entry)| (format!("issuers[{number}]"), entry))
}

/// The secrets of an entry, that of its client included, with their paths.
pub(super) fn secrets(path: &str, entry: &Value) -> Vec<(String, Value)> {
    let client = entry.pointer("/introspection/client_secret").cloned();
    let client = client.map(|secret| (format!("{path}.introspection.client_secret"), secret));
    let shared = match entry.get("secret") {
        Some(Value::Array(several)) => {
            let path = |number| format!("{path}.secret[{number}]");
            several.iter().enumerate().map(|(number, secret)| (path(number), secret.clone())).collect()
        }
        Some(one) => vec![(format!("{path}.secret"), one.clone())],
        None => Vec::new(),
    };
    shared.into_iter().chain(client).collect()
}
