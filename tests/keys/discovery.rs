//! OpenID Connect discovery.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::http::Reply;
use crate::support::{KeyServer, SigningKey, key, stranger};
use crate::world::{KEYS, Local, api, claims, down, set};

const DOCUMENT: &str = "/.well-known/openid-configuration";

/// A provider with a discovery document. Its issuer may end in a slash.
struct Provider {
    server: KeyServer,
    issuer: String,
}

impl Provider {
    fn start(path: &str) -> Self {
        let server = KeyServer::start();
        let issuer = server.url(path);
        let provider = Self { server, issuer };
        provider.says(KEYS);
        provider.server.set(KEYS, set(&[&key("ES256")]));
        provider
    }

    /// The path of the discovery document.
    fn document(&self) -> String {
        let path = self.issuer.strip_prefix(&self.server.url("")).unwrap();
        format!("{}{DOCUMENT}", path.trim_end_matches('/'))
    }

    /// Serves a discovery document that names the key set at this path.
    fn says(&self, path: &str) {
        self.is(&json!({ "issuer": self.issuer, "jwks_uri": self.server.url(path), "scopes_supported": ["a"] }));
    }

    fn is(&self, document: &Value) {
        self.server.set(&self.document(), Reply::json(document));
    }

    fn local(&self, keys_cache: Value) -> Local {
        Local::new(&api(json!([{ "issuer": self.issuer, "audience": "api", "keys_cache": keys_cache }])))
    }

    fn token(&self, key: &SigningKey) -> String {
        key.token(&claims(&self.issuer))
    }

    /// The number of requests for the document and for the set at this path.
    fn counts(&self, path: &str) -> (usize, usize) {
        (self.server.count(&self.document()), self.server.count(path))
    }
}

#[test]
fn the_document_is_below_the_issuer_with_one_slash_between() {
    for path in ["", "/", "/tenant", "/tenant/", "/a/b"] {
        let provider = Provider::start(path);
        let local = provider.local(json!({}));
        local.warm_up();
        assert_eq!(provider.counts(KEYS), (1, 1), "{path}");
        assert_eq!(local.decides(&provider.token(&key("ES256"))), "allow", "{path}");
        assert_eq!(provider.counts(KEYS), (1, 1), "{path}");
        assert!(!provider.document().contains("//"));
    }
}

#[test]
fn the_documents_issuer_must_equal_the_configured_one() {
    let provider = Provider::start("/tenant");
    let url = provider.server.url(KEYS);
    for issuer in [
        json!(format!("{}/", provider.issuer)),
        json!(provider.issuer.to_uppercase()),
        json!("https://elsewhere.example/"),
        json!(""),
        json!(null),
        json!([provider.issuer]),
    ] {
        provider.is(&json!({ "issuer": issuer, "jwks_uri": url }));
        let local = provider.local(json!({}));
        assert_eq!(local.decides(&provider.token(&key("ES256"))), "KeysUnavailable", "{issuer}");
    }
    assert_eq!(provider.server.count(KEYS), 0);
}

#[test]
fn anything_but_a_discovery_document_is_a_failure() {
    let provider = Provider::start("");
    let good = json!({ "issuer": provider.issuer, "jwks_uri": provider.server.url(KEYS) }).to_string();
    let elsewhere = provider.server.url("/elsewhere");
    provider.server.set("/elsewhere", Reply::ok(good.as_str()));
    for reply in [
        Reply::status(404),
        Reply::status(500).body(good.as_str()),
        Reply::status(302).header("Location", &elsewhere),
        Reply::ok("<html></html>"),
        Reply::ok("{}"),
        Reply::ok(format!("{good}{}", " ".repeat(512 * 1024))),
        Reply::ok(json!({ "issuer": provider.issuer, "jwks_uri": "/keys" }).to_string()),
        Reply::ok(json!({ "issuer": provider.issuer, "jwks_uri": "http://192.0.2.1/keys" }).to_string()),
        Reply::ok(json!({ "issuer": provider.issuer, "jwks_uri": "file:///etc/passwd" }).to_string()),
        Reply::ok(json!({ "issuer": provider.issuer, "jwks_uri": null }).to_string()),
    ] {
        provider.server.set(&provider.document(), reply.clone());
        let local = provider.local(json!({}));
        assert_eq!(local.decides(&provider.token(&key("ES256"))), "KeysUnavailable", "{reply:?}");
    }
    assert_eq!(provider.counts(KEYS), (10, 0));
    assert_eq!(provider.server.count("/elsewhere"), 0);
}

#[test]
fn the_document_is_read_again_when_the_old_address_fails() {
    let provider = Provider::start("");
    let local = provider.local(json!({ "fresh_seconds": 100 }));
    let ask = |key: &SigningKey| local.decides(&provider.token(key));
    assert_eq!(ask(&key("ES256")), "allow");
    local.clock.advance(100);
    assert_eq!(ask(&key("ES256")), "allow");
    assert_eq!(provider.counts(KEYS), (1, 2), "the document is not fetched while the address works");
    provider.server.set("/moved", set(&[&stranger("ES256")]));
    provider.says("/moved");
    provider.server.set(KEYS, Reply::status(410));
    local.clock.advance(100);
    assert_eq!(ask(&stranger("ES256")), "allow");
    assert_eq!(ask(&key("ES256")), "Unauthorized");
    assert_eq!((provider.counts(KEYS), provider.counts("/moved")), ((2, 3), (2, 1)));
    local.clock.advance(100);
    assert_eq!(ask(&stranger("ES256")), "allow");
    assert_eq!((provider.counts(KEYS), provider.counts("/moved")), ((2, 3), (2, 2)), "the new address is kept");
}

#[test]
fn an_old_address_that_stalls_does_not_block_the_new_one() {
    let provider = Provider::start("");
    let local = provider.local(json!({ "fresh_seconds": 100, "stale_seconds": 1000, "timeout_ms": 300 }));
    let ask = |key: &SigningKey| local.decides(&provider.token(key));
    assert_eq!(ask(&key("ES256")), "allow");
    provider.server.set("/moved", set(&[&stranger("ES256")]));
    provider.says("/moved");
    provider.server.set(KEYS, set(&[&key("ES256")]).delayed(Duration::from_secs(3600)));
    local.clock.advance(100);
    assert_eq!(ask(&key("ES256")), "allow", "served from the old set");
    // The second attempt should be enough, but a busy machine may need more.
    let moved = (0..10).any(|_| {
        local.clock.advance(61);
        ask(&stranger("ES256")) == "allow"
    });
    assert!(moved);
    assert_eq!(ask(&key("ES256")), "Unauthorized");
}

#[test]
fn a_document_that_cannot_be_fetched_does_not_matter_while_the_address_works() {
    let provider = Provider::start("");
    let local = provider.local(json!({ "fresh_seconds": 100 }));
    let ask = || local.decides(&provider.token(&key("ES256")));
    assert_eq!(ask(), "allow");
    provider.server.set(&provider.document(), down());
    for _ in 0..3 {
        local.clock.advance(100);
        assert_eq!(ask(), "allow");
    }
    assert_eq!(provider.counts(KEYS), (1, 4));
    // The same after one failure of both.
    provider.server.once(KEYS, down());
    local.clock.advance(100);
    assert_eq!(ask(), "allow");
    for _ in 0..2 {
        local.clock.advance(61);
        assert_eq!(ask(), "allow");
    }
    local.clock.advance(20);
    let before = provider.server.count(KEYS);
    assert_eq!(ask(), "allow");
    assert_eq!(provider.server.count(KEYS), before, "fresh again");
}

#[test]
fn a_discovered_set_is_revalidated_by_its_entity_tag() {
    let provider = Provider::start("");
    provider.server.set(KEYS, set(&[&key("ES256")]).header("ETag", "\"v1\""));
    let local = provider.local(json!({ "fresh_seconds": 100, "stale_seconds": 0 }));
    assert_eq!(local.decides(&provider.token(&key("ES256"))), "allow");
    provider.server.set(KEYS, Reply::status(304));
    for fetches in 2..4 {
        local.clock.advance(100);
        assert_eq!(local.decides(&provider.token(&key("ES256"))), "allow");
        assert_eq!(provider.counts(KEYS), (1, fetches));
    }
    // The entity tag belongs to the old address and is not sent to the new one.
    provider.server.set("/moved", set(&[&key("ES256")]));
    provider.says("/moved");
    provider.server.set(KEYS, down());
    local.clock.advance(100);
    assert_eq!(local.decides(&provider.token(&key("ES256"))), "allow");
    assert_eq!(provider.server.requests("/moved")[0].header("if-none-match"), None);
}

#[test]
fn an_unknown_kid_refetches_the_document_and_then_the_set() {
    let provider = Provider::start("");
    let local = provider.local(json!({}));
    assert_eq!(local.decides(&provider.token(&stranger("ES256"))), "Unauthorized");
    assert_eq!(provider.counts(KEYS), (1, 1));
    provider.server.set(KEYS, set(&[&key("ES256"), &stranger("ES256")]));
    local.clock.advance(15);
    assert_eq!(local.decides(&provider.token(&stranger("ES256"))), "allow");
    assert_eq!(provider.counts(KEYS), (2, 2));
}

#[test]
fn keys_that_moved_are_found_by_the_first_token_of_a_new_one_although_the_old_address_answers() {
    let provider = Provider::start("");
    let local = provider.local(json!({}));
    let ask = |key: &SigningKey| local.decides(&provider.token(key));
    assert_eq!(ask(&key("ES256")), "allow");
    provider.server.set("/moved", set(&[&stranger("ES256")]));
    provider.says("/moved");
    local.clock.advance(31);
    assert_eq!(ask(&stranger("ES256")), "allow");
    assert_eq!(ask(&key("ES256")), "Unauthorized", "a set is replaced whole");
    assert_eq!((provider.counts(KEYS), provider.counts("/moved")), ((2, 1), (2, 1)));
}

#[test]
fn an_unknown_kid_finds_the_set_at_the_old_address_while_the_document_cannot_be_fetched() {
    let provider = Provider::start("");
    let local = provider.local(json!({}));
    assert_eq!(local.decides(&provider.token(&key("ES256"))), "allow");
    provider.server.set(&provider.document(), down());
    provider.server.set(KEYS, set(&[&key("ES256"), &stranger("ES256")]));
    local.clock.advance(31);
    assert_eq!(local.decides(&provider.token(&stranger("ES256"))), "allow");
    assert_eq!(provider.counts(KEYS), (2, 2));
}
