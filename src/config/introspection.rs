//! `introspection` of an issuer (RFC 7662).

use std::borrow::Cow;
use std::time::Duration;

use serde_json::Value;

use super::key_address::NOT_AN_ADDRESS;
use super::secret::secret;
use super::tenants::Takes;
use super::walk::Node;
use crate::introspection::{Beside, ClientAuth, ClientSettings, IntrospectionSettings};
use crate::keys::KeyUrl;

/// The longest that an answer is kept, in seconds: a longer time is probably a typo, for that long a revoked token would pass.
const HOUR: u32 = 3600;
/// Most answers are kept for so long, in seconds.
const MINUTE: u32 = 60;
/// The default of `keys_cache.timeout_ms`.
const TIMEOUT: Duration = Duration::from_millis(2000);

/// Reads the `introspection` of the entries, of which one may have it. The inner `None` is of a document in which none has.
pub(super) fn introspection(entries: &[Node<'_>], takes: &[Option<Takes>]) -> Option<Option<IntrospectionSettings>> {
    let mut found =
        (0..).zip(entries.iter().zip(takes)).filter_map(|(index, of)| Some((index, of, of.0.member("introspection")?)));
    let Some((first, (entry, takes), node)) = found.next() else { return Some(None) };
    let name = takes.as_ref().map(|takes| takes.name.as_configured());
    let mut read = settings(&node, entry, first, name).map(Some);
    for (_, _, node) in found {
        read = node.reject(format!("expected in one entry at most, and issuers[{first}] has it"));
    }
    read
}

/// Reads one. The name is that of its entry: `None` if it was not understood, `Some(None)` if the entry has none.
fn settings(
    node: &Node<'_>,
    entry: &Node<'_>,
    index: usize,
    name: Option<Option<&str>>,
) -> Option<IntrospectionSettings> {
    let fields = node.fields(&["endpoint", "client_id", "client_secret", "auth", "cache_seconds"])?;
    let issuer = name.and_then(|name| match name {
        Some(name) if name.contains("{tenant}") => {
            node.reject("not with `{tenant}` in `issuer`: the endpoint is that of one issuer")
        }
        Some(name) => Some(name.to_owned()),
        None => node.reject("only in an entry with an `issuer`, which its answers must be of"),
    });
    let endpoint = fields.required("endpoint", NOT_AN_ADDRESS).and_then(|node| {
        let url = KeyUrl::parse(&node.text(NOT_AN_ADDRESS)?);
        url.or_else(|| node.reject(NOT_AN_ADDRESS))
    });
    let expected = "expected the name of this API as a client of the server";
    let id = fields.required("client_id", expected).and_then(|node| node.text(expected).map(Cow::into_owned));
    let expected = "expected one secret: an object with `env`, `file`, `secrets_manager` or `parameter_store`";
    let secret = fields.required("client_secret", expected).and_then(|node| match node.value {
        Value::Object(_) => secret(&node, Some(&())),
        _ => node.reject(expected),
    });
    let words = [("basic", ClientAuth::Basic), ("post", ClientAuth::Post)];
    let auth = fields.word("auth", ClientAuth::Basic, &words);
    let cache = fields.or("cache_seconds", MINUTE, |node| node.integer(0..=HOUR));
    let sources = ["jwks_uri", "jwks", "jwks_file", "secret"];
    let beside = match sources.iter().any(|name| entry.value.get(name).is_some()) {
        true => Beside::Keys,
        false => Beside::Nothing,
    };
    // One that is not understood is reported where the entry is read.
    let timeout = entry.value.pointer("/keys_cache/timeout_ms").and_then(Value::as_u64);
    Some(IntrospectionSettings {
        entry: index,
        issuer: issuer?,
        endpoint: endpoint?,
        client: ClientSettings { id: id?, secret: secret?, auth: auth? },
        cache: Duration::from_secs(cache?.into()),
        timeout: timeout.map_or(TIMEOUT, Duration::from_millis),
        beside,
    })
}
