//! An identity provider: how its key set is asked for, and what is said of the answer.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tracing::{info, warn};

use super::backoff::jitter;
use super::cache::{Extent, Held, Source, State};
use super::fetch::{Fetch, FetchError, Fetched, With};
use super::jwk::KeyRules;
use super::jwk_set::{KeySet, NotAKeySet};
use super::url::KeyUrl;
use crate::json;
use crate::time::{Clock, Moment};

/// How long a set is fresh unless configured or lengthened.
const DEFAULT_FRESH: Duration = Duration::from_secs(600);
/// The longest that `max-age` makes it fresh.
const MAX_FRESH: Duration = Duration::from_secs(3600);

const NOT_A_KEY_SET: FetchError = FetchError::Unfit("not_a_key_set");

/// Where a key set is fetched from.
pub(crate) enum Address {
    /// Here.
    Fixed(KeyUrl),
    /// Where the issuer's discovery document says (OpenID Connect Discovery 1.0 section 4).
    Discovered(KeyUrl),
}

/// How long a key set lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CacheTimes {
    /// Freshness as configured, an upper bound; `None` is the default, which `max-age` may lengthen.
    pub(crate) fresh: Option<Duration>,
    /// Usable after that for so long.
    pub(crate) stale: Duration,
    /// Between attempts for a key that is not in the set.
    pub(crate) cooldown: Duration,
    /// For one fetch.
    pub(crate) timeout: Duration,
}

impl CacheTimes {
    /// The freshness of a set that came with this `max-age`, less up to a tenth.
    pub(super) fn fresh(&self, max_age: Option<Duration>) -> Duration {
        let lengthened = || max_age.unwrap_or(DEFAULT_FRESH).clamp(DEFAULT_FRESH, MAX_FRESH);
        let whole = self.fresh.unwrap_or_else(lengthened);
        whole.saturating_sub(jitter(whole))
    }
}

/// A set as it was fetched; cheap to clone, for every request does.
#[derive(Clone)]
pub(super) struct Set {
    pub(super) keys: Arc<KeySet>,
    /// Its entity tag, and the address it came from.
    pub(super) version: Option<Arc<(KeyUrl, String)>>,
    /// Where the discovery document said it is.
    pub(super) discovered: Option<Arc<KeyUrl>>,
}

/// An identity provider.
pub(super) struct JwksSource {
    pub(super) issuer: String,
    pub(super) address: Address,
    pub(super) rules: KeyRules,
    pub(super) times: CacheTimes,
    pub(super) fetcher: Arc<dyn Fetch>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Source for JwksSource {
    type Item = Set;

    async fn obtain(&self, began: Moment, patience: Duration, state: &State<Set>) -> Option<Held<Set>> {
        let held = state.held.as_ref();
        let fetch = tokio::time::timeout(patience, self.fetch(began, state));
        let outcome = fetch.await.unwrap_or(Err(FetchError::Timeout));
        let now = self.clock.now();
        let (issuer, milliseconds) = (self.issuer.as_str(), u64::try_from(now.since(began).as_millis()).ok());
        // What is said of keys is said of the set that is held from now on.
        let used = outcome.as_ref().ok().or(held);
        let usable = used.map(|used| used.item.keys.usable());
        let skipped = used.map(|used| used.item.keys.skipped);
        match outcome {
            Ok(new) => {
                let confirmed = held.is_some_and(|held| Arc::ptr_eq(&held.item.keys, &new.item.keys));
                let outcome = if confirmed { "not_modified" } else { "fetched" };
                info!(issuer, outcome, milliseconds, usable, skipped, age_seconds = 0, "key set");
                if let Some(complaint) = new.item.keys.complaint().filter(|_| !confirmed) {
                    warn!(issuer, "{complaint}");
                }
                if let Some(others) = new.item.keys.others().filter(|_| !confirmed) {
                    info!(issuer, "{others}");
                }
                Some(new)
            }
            Err(failure) => {
                let age_seconds = held.map(|held| now.since(held.since).as_secs());
                warn!(
                    issuer,
                    outcome = %failure,
                    milliseconds,
                    usable,
                    skipped,
                    age_seconds,
                    "key set"
                );
                None
            }
        }
    }

    fn name(&self) -> (&'static str, &str) {
        ("key set", &self.issuer)
    }
}

impl JwksSource {
    /// A new set, whole or not at all.
    pub(super) async fn fetch(&self, began: Moment, state: &State<Set>) -> Result<Held<Set>, FetchError> {
        let held = state.held.as_ref();
        let document = match &self.address {
            Address::Fixed(url) => return self.read(url, began, held).await,
            Address::Discovered(document) => document,
        };
        // A fetch while the set is fresh is for a token that no key of it fits: the issuer may have moved its keys although the old
        // address still answers, so the document comes first. A first request that stalls leaves no time for the second, so every
        // other attempt reverses the order.
        let is_fresh = held.is_some_and(|held| began.since(held.since) < held.fresh);
        let document_first = is_fresh == state.failures().is_multiple_of(2);
        let known = held.and_then(|held| held.item.discovered.as_deref());
        if let Some(url) = known.filter(|_| !document_first)
            && let Ok(new) = self.read(url, began, held).await
        {
            return Ok(new);
        }
        let url = match (self.discover(document).await, known) {
            (Ok(url), _) => url,
            (Err(_), Some(known)) if document_first => known.clone(),
            (Err(failure), _) => return Err(failure),
        };
        let new = self.read(&url, began, held).await?;
        Ok(Held { item: Set { discovered: Some(Arc::new(url)), ..new.item }, ..new })
    }

    /// The address in a discovery document, which must be the issuer's own.
    async fn discover(&self, document: &KeyUrl) -> Result<KeyUrl, FetchError> {
        const MALFORMED: FetchError = FetchError::Unfit("not_a_discovery_document");
        #[derive(Deserialize)]
        struct Discovery {
            issuer: String,
            jwks_uri: String,
        }
        let Fetched::Document { body, .. } = self.fetcher.fetch(document, With::Etag(None)).await? else {
            return Err(MALFORMED);
        };
        let discovery: Discovery = json::members(&body).map_err(|_| MALFORMED)?;
        if discovery.issuer != self.issuer {
            return Err(FetchError::Unfit("discovery_document_of_another_issuer"));
        }
        KeyUrl::discovered(&discovery.jwks_uri, document).ok_or(FetchError::Address)
    }

    /// The set at an address.
    async fn read(&self, url: &KeyUrl, began: Moment, held: Option<&Held<Set>>) -> Result<Held<Set>, FetchError> {
        let known = held.and_then(|held| held.item.version.as_ref()).filter(|version| version.0 == *url);
        let fetched = self.fetcher.fetch(url, With::Etag(known.map(|version| version.1.as_str()))).await;
        let discovered = held.and_then(|held| held.item.discovered.clone());
        let (item, max_age) = match (fetched?, held) {
            (Fetched::Document { body, max_age, etag }, _) => {
                let keys = KeySet::parse(&body, &self.rules).map_err(|error| match error {
                    NotAKeySet::Malformed => NOT_A_KEY_SET,
                    NotAKeySet::NoUsableKey(_) => FetchError::Unfit("no_usable_key"),
                })?;
                let version = etag.map(|etag| Arc::new((url.clone(), etag)));
                (Set { keys: Arc::new(keys), version, discovered }, max_age)
            }
            (Fetched::NotModified { max_age }, Some(held)) => (held.item.clone(), max_age),
            (Fetched::NotModified { .. }, None) => return Err(NOT_A_KEY_SET),
        };
        Ok(Held { item, since: began, fresh: self.times.fresh(max_age), extent: Extent::Whole })
    }
}
