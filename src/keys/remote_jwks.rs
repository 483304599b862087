//! The key set of an issuer that is fetched, from a fixed address or by OIDC discovery.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

#[cfg(feature = "authz")]
use super::cache::State;
use super::cache::{Cache, Extent, Held};
use super::fetch::Fetch;
#[cfg(feature = "authz")]
use super::fetch::FetchError;
use super::jwk::KeyRules;
use super::jwk_set::KeySet;
use super::jwks_source::{Address, CacheTimes, JwksSource, Set};
#[cfg(any(test, feature = "authz"))]
use super::url::KeyUrl;
use crate::error::Error;
use crate::signature::Signed;
use crate::time::{Clock, Deadline, Moment};
#[cfg(test)]
use crate::token::KeyReference;
use crate::token::Unverified;

/// A key set that is there from the start.
pub(crate) struct Seed {
    pub(crate) keys: KeySet,
    /// When it was written, since 1970-01-01T00:00:00Z.
    pub(crate) written: Duration,
}

/// The keys of one issuer.
pub(crate) struct RemoteKeys {
    cache: Cache<JwksSource>,
}

impl RemoteKeys {
    pub(crate) fn new(
        issuer: String,
        (address, seed): (Address, Option<Seed>),
        rules: KeyRules,
        times: CacheTimes,
        fetcher: Arc<dyn Fetch>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let now = clock.now();
        let held = seed.and_then(|Seed { keys, written }| {
            if written > now.wall {
                warn!(issuer, "the seed file is dated in the future, so its age is unknown and it is not used");
                return None;
            }
            let item = Set { keys: Arc::new(keys), version: None, discovered: None };
            let since = Moment { wall: written, ..now };
            Some(Held { item, since, fresh: times.fresh(None), extent: Extent::Whole })
        });
        let provider = JwksSource { issuer, address, rules, times, fetcher, clock: Arc::clone(&clock) };
        Self { cache: Cache::new(provider, (times.stale, times.timeout), clock, held) }
    }

    /// Whether the set is there and need not be fetched yet.
    pub(crate) fn is_fresh(&self) -> bool {
        self.cache.fresh().is_some()
    }

    /// Fetches the set at start-up, which began then. A failure is logged. Whether there was time for it.
    pub(crate) async fn warm_up(&self, began: Instant) -> bool {
        self.cache.warm_up(began).await
    }

    /// Whose keys they are.
    #[cfg(feature = "authz")]
    pub(crate) fn issuer(&self) -> &str {
        &self.cache.source.issuer
    }

    /// Where the set comes from: its own address, or that of a discovery document.
    #[cfg(feature = "authz")]
    pub(crate) fn address(&self) -> &Address {
        &self.cache.source.address
    }

    /// The set as it is now, and the address it came from, or why there is none. What is held does not change.
    #[cfg(feature = "authz")]
    pub(crate) async fn probe(&self) -> Result<(Arc<KeySet>, Option<KeyUrl>), String> {
        let provider = &self.cache.source;
        let state = State::empty();
        let fetch = provider.fetch(provider.clock.now(), &state);
        let fetched = tokio::time::timeout(provider.times.timeout, fetch).await;
        let held = fetched.unwrap_or(Err(FetchError::Timeout)).map_err(|failure| failure.to_string())?;
        Ok((held.item.keys, held.item.discovered.as_deref().cloned()))
    }

    /// The set that is held, however old.
    pub(crate) fn held(&self) -> Option<Arc<KeySet>> {
        self.cache.held().map(|held| held.item.keys)
    }

    /// Verifies a token with the keys that may have signed it ([`KeySet::candidates`]). A token for which there is none, or that
    /// none of them has signed, has the set fetched again, once in the cooldown. `chosen` is the name of the key that has signed, or
    /// of the only one that may have.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] and [`Error::InvalidSignature`] only if a fetch that succeeded within the cooldown says so;
    /// otherwise [`Error::InvalidSignatureUnderOldKeys`] for a key that is held, and [`Error::KeysUnavailable`] if there is no
    /// usable set, or a newer one that might have the key could not be had.
    pub(crate) async fn verify(
        &self,
        token: Unverified<'_>,
        tenant: Option<&str>,
        deadline: Deadline,
        chosen: &mut Option<String>,
    ) -> Result<Signed, Error> {
        let held = self.cache.usable(deadline).await?;
        let tried = held.item.keys.candidates(token.key(tenant));
        let token = match KeySet::signed_by(&tried, token, chosen) {
            Ok(signed) => return Ok(signed),
            // No key makes a signature of another length, so none is looked for.
            Err(token) if !tried.is_empty() && !token.has_fitting_signature() => return Err(Error::InvalidSignature),
            Err(token) => token,
        };
        let newer = match self.cache.refetched(self.cache.source.times.cooldown, deadline).await {
            Ok(newer) => newer,
            Err(_) if !tried.is_empty() => return Err(Error::InvalidSignatureUnderOldKeys),
            Err(error) => return Err(error),
        };
        let mut candidates = newer.item.keys.candidates(token.key(tenant));
        if candidates.is_empty() {
            return Err(Error::UnknownKey);
        }
        candidates.retain(|key| !tried.iter().any(|tried| key.verifying.is_same_key(&tried.verifying)));
        KeySet::signed_by(&candidates, token, chosen).map_err(|_| Error::InvalidSignature)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::algorithm::Algorithm;
    use crate::keys::fetch::{FetchError, Fetched, Fetching, With};
    use crate::keys::jwk::PublicKey;
    use crate::keys::test_support::{Dial, block_on, logged};

    impl RemoteKeys {
        /// Finds the key that would verify a token.
        async fn find(&self, alg: Algorithm, kid: Option<&str>) -> Result<Arc<PublicKey>, Error> {
            let held = self.cache.usable(Deadline::of(None, self.cache.source.clock.now())).await?;
            let token = KeyReference { alg, kid, thumbprints: [None, None], tenant: None };
            held.item.keys.candidates(token).first().map(|key| Arc::clone(key)).ok_or(Error::UnknownKey)
        }
    }

    /// Gives every request for an address the same answer, and records the requests.
    #[derive(Default)]
    struct Script {
        documents: Vec<(KeyUrl, String)>,
        asked: Mutex<Vec<KeyUrl>>,
    }

    impl Fetch for Script {
        fn fetch<'a>(&'a self, url: &'a KeyUrl, with: With<'a>) -> Fetching<'a> {
            self.asked.lock().unwrap().push(url.clone());
            let document = self.documents.iter().find(|(known, _)| known.url == url.url);
            let fetched = match (document, with) {
                (Some(_), With::Etag(Some(_))) => Ok(Fetched::NotModified { max_age: None }),
                (Some((_, text)), _) => Ok(Fetched::Document {
                    body: text.clone().into_bytes(),
                    max_age: None,
                    etag: Some("\"1\"".to_owned()),
                }),
                (None, _) => Err(FetchError::Status(404)),
            };
            Box::pin(std::future::ready(fetched))
        }
    }

    /// A set with one key, the example of RFC 8037 appendix A.2.
    const SET: &str =
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    fn url(text: &str) -> KeyUrl {
        KeyUrl::parse(text).unwrap()
    }

    fn keys(issuer: &str, address: Address, script: &Arc<Script>, clock: &Arc<Dial>) -> RemoteKeys {
        let times = CacheTimes {
            fresh: Some(Duration::from_secs(100)),
            stale: Duration::ZERO,
            cooldown: Duration::from_secs(15),
            timeout: Duration::from_secs(2),
        };
        let fetcher: Arc<dyn Fetch> = Arc::<Script>::clone(script);
        let clock: Arc<dyn Clock> = Arc::<Dial>::clone(clock);
        let rules = KeyRules::of_one_issuer(&[Algorithm::Ed25519]);
        RemoteKeys::new(issuer.to_owned(), (address, None), rules, times, fetcher, clock)
    }

    #[test]
    fn public_keys_become_verify_ready_objects_once_when_the_set_is_swapped_in() {
        let address = url("https://a.example/keys");
        let script = Arc::new(Script { documents: vec![(address.clone(), SET.to_owned())], ..Script::default() });
        let clock = Arc::<Dial>::default();
        let keys = keys("https://a.example/", Address::Fixed(address), &script, &clock);
        block_on(async {
            let find = || keys.find(Algorithm::Ed25519, Some("k"));
            let first = find().await.unwrap();
            assert!(Arc::ptr_eq(&first, &find().await.unwrap()));
            // They are not parsed again when a refresh returns the same set.
            *clock.0.lock().unwrap() = 100;
            assert!(Arc::ptr_eq(&first, &find().await.unwrap()));
            assert_eq!(script.asked.lock().unwrap().len(), 2);
        });
    }

    #[test]
    fn the_faults_of_a_set_are_logged_when_it_is_new_and_not_when_it_is_confirmed() {
        let private = SET.replace("\"x\"", "\"d\":\"AAAA\",\"x\"");
        let keys_of = |set: &str| set.trim_start_matches("{\"keys\":[").trim_end_matches("]}").to_owned();
        let both = format!("{{\"keys\":[{},{}]}}", keys_of(SET), keys_of(&private));
        let address = url("https://a.example/keys");
        let script = Arc::new(Script { documents: vec![(address.clone(), both)], ..Script::default() });
        let clock = Arc::<Dial>::default();
        let keys = keys("https://a.example/", Address::Fixed(address), &script, &clock);
        let logs = || logged(|| assert!(block_on(keys.find(Algorithm::Ed25519, Some("k"))).is_ok()));
        let complaint = "keys of the set cannot be used: k: it has private members, so it is no longer secret";
        let lines = logs();
        assert_eq!(
            (lines.len(), &lines[0]["outcome"], &lines[1]["message"]),
            (2, &"fetched".into(), &complaint.into())
        );
        assert_eq!((&lines[0]["usable"], &lines[0]["skipped"]), (&1.into(), &1.into()));
        *clock.0.lock().unwrap() = 100;
        let lines = logs();
        assert_eq!((lines.len(), &lines[0]["outcome"]), (1, &"not_modified".into()));
    }

    #[test]
    fn an_address_that_a_discovery_document_may_not_name_is_not_asked() {
        let issuer = "https://a.example/tenant/";
        let document = KeyUrl::discovery(issuer).unwrap();
        for (address, expected) in [
            ("https://b.example/keys", true),
            ("https://169.254.169.254/keys", false),
            // It may be fetched from if it is configured.
            ("http://127.0.0.1/keys", false),
            ("/keys", false),
        ] {
            let text = serde_json::json!({ "issuer": issuer, "jwks_uri": address }).to_string();
            let mut documents = vec![(document.clone(), text)];
            documents.extend(KeyUrl::parse(address).map(|address| (address, SET.to_owned())));
            let script = Arc::new(Script { documents, ..Script::default() });
            let keys = keys(issuer, Address::Discovered(document.clone()), &script, &Arc::default());
            let found = block_on(keys.find(Algorithm::Ed25519, Some("k")));
            let asked = script.asked.lock().unwrap().len();
            match expected {
                true => assert!(found.is_ok() && asked == 2, "{address}"),
                false => assert!(found.err() == Some(Error::KeysUnavailable) && asked == 1, "{address}"),
            }
        }
    }
}
