//! The issuers of a document and their secrets, with the paths at which they stand.

use serde_json::Value;

/// The entries of `issuers`, with their paths.
pub(super) fn issuers(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    let entries = document.get("issuers").and_then(Value::as_array).into_iter().flatten();
    entries.enumerate().map(|(number, entry)| (format!("issuers[{number}]"), entry))
}

/// The secrets of an entry, with their paths.
pub(super) fn secrets(path: &str, entry: &Value) -> Vec<(String, Value)> {
    match entry.get("secret") {
        Some(Value::Array(several)) => {
            let path = |number| format!("{path}.secret[{number}]");
            several.iter().enumerate().map(|(number, secret)| (path(number), secret.clone())).collect()
        }
        Some(one) => vec![(format!("{path}.secret"), one.clone())],
        None => Vec::new(),
    }
}
