//! One entry of `secret`.

use serde_json::Value;

use super::unknown::unreadable;
use super::walk::Node;
use crate::keys::{Encoding, Previous, SecretKind, SecretLocation, SecretSettings, StoredSecret, doubt};

/// Reads one secret.
pub(super) fn secret<K: SecretKind>(node: &Node<'_>, rules: Option<&K::Rules>) -> Option<SecretSettings<K>> {
    let fields =
        node.fields(&["env", "file", "secrets_manager", "parameter_store", "field", "previous", "encoding"])?;
    let words = [("utf8", Encoding::Utf8), ("base64", Encoding::Base64), ("base64url", Encoding::Base64Url)];
    let encoding = fields.word("encoding", Encoding::Utf8, &words);
    let (manager, parameter) = (fields.optional("secrets_manager"), fields.optional("parameter_store"));
    let sources = ["env", "file", "secrets_manager", "parameter_store"];
    if sources.iter().filter(|name| fields.optional(name).is_some()).count() != 1 {
        return node.reject("expected exactly one of `env`, `file`, `secrets_manager` and `parameter_store`");
    }
    let of_manager = |name: &'static str| match fields.optional(name) {
        Some(node) if manager.is_none() => node.reject("only with `secrets_manager`"),
        other => Some(other),
    };
    let field = of_manager("field").and_then(|node| match node {
        Some(node) => {
            node.text("expected the name of a member of the secret's JSON").map(|field| Some(field.into_owned()))
        }
        None => Some(None),
    });
    let previous = of_manager("previous").and_then(|node| match node.map(|node| (node.value, node)) {
        None | Some((Value::Bool(true), _)) => Some(Previous::Accepted),
        Some((Value::Bool(false), _)) => Some(Previous::Refused),
        Some((_, node)) => node.reject("expected `true` or `false`"),
    });
    let stored = match (&manager, &parameter) {
        (Some(node), _) => {
            let id = node.text("expected the name or ARN of a secret");
            Some(SecretLocation::SecretsManager { id: id?.into_owned(), field: field?, previous: previous? })
        }
        (None, Some(node)) => {
            let name = node.text("expected the name of a parameter")?.into_owned();
            Some(SecretLocation::ParameterStore { name })
        }
        (None, None) => None,
    };
    if let Some(stored) = stored {
        let secret = StoredSecret { stored, encoding: encoding?, rules: rules?.clone() };
        return Some(SecretSettings::Stored(secret));
    }
    let text = if let Some(node) = fields.optional("env") {
        let name = node.text("expected the name of an environment variable")?;
        match (node.walk.env)(&name) {
            Some(value) => value.into_bytes(),
            None => return node.reject("this environment variable is not set"),
        }
    } else {
        let node = fields.optional("file")?;
        match std::fs::read(node.file("expected the path of a file with the secret")?) {
            // The line end that editors and shells add to a file is not part of the secret.
            Ok(text) => text.strip_suffix(b"\r\n").or_else(|| text.strip_suffix(b"\n")).unwrap_or(&text).to_vec(),
            Err(error) => return node.reject(unreadable(&error)),
        }
    };
    let secret = K::read(&text, encoding?, rules?);
    if let Some(doubt) = doubt(&text).filter(|_| secret.is_ok()) {
        node.walk.warning(&node.place, doubt);
    }
    secret.map(SecretSettings::Given).map_err(|expected| node.note(expected)).ok()
}
