//! The key set of an issuer that is fetched, from a fixed address or by OIDC discovery.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tracing::{info, warn};

use super::cache::{Cache, Held, Source, jitter};
use super::fetch::{Fetch, FetchError, Fetched, KeyUrl, With};
use super::jwk::PublicKey;
use super::jwks::{KeySet, NotAKeySet};
use crate::algorithm::Algorithm;
use crate::error::Error;
use crate::json;
use crate::time::{Clock, Moment};

/// How long a set is fresh unless configured or lengthened.
const DEFAULT_FRESH: Duration = Duration::from_secs(600);
/// The longest that `max-age` makes it fresh.
const MAX_FRESH: Duration = Duration::from_secs(3600);

/// Where a key set is fetched from.
#[derive(Debug)]
pub(crate) enum Address {
    /// Here.
    Fixed(KeyUrl),
    /// Where the issuer's discovery document says (OpenID Connect Discovery 1.0 section 4).
    Discovered(KeyUrl),
}

/// A key set that is there from the start.
#[derive(Debug)]
pub(crate) struct Seed {
    pub(crate) keys: KeySet,
    /// When it was written, since 1970-01-01T00:00:00Z.
    pub(crate) written: Duration,
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
    fn fresh(&self, max_age: Option<Duration>) -> Duration {
        let lengthened = || max_age.unwrap_or(DEFAULT_FRESH).clamp(DEFAULT_FRESH, MAX_FRESH);
        let whole = self.fresh.unwrap_or_else(lengthened);
        whole.saturating_sub(jitter(whole))
    }
}

/// The keys of one issuer.
pub(crate) struct RemoteKeys {
    cache: Cache<Provider>,
    cooldown: Duration,
}

impl RemoteKeys {
    pub(crate) fn new(
        issuer: String,
        (address, seed): (Address, Option<Seed>),
        allowed: Vec<Algorithm>,
        times: CacheTimes,
        fetcher: Arc<dyn Fetch>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let held = seed.map(|Seed { keys, written }| Held {
            item: Set {
                keys: Arc::new(keys),
                version: None,
                discovered: None,
            },
            since: Moment {
                wall: written,
                ..clock.now()
            },
            fresh: times.fresh(None),
        });
        let provider = Provider {
            issuer,
            address,
            allowed,
            times,
            fetcher,
            clock: Arc::clone(&clock),
        };
        Self {
            cache: Cache::new(provider, (times.stale, times.timeout), clock, held),
            cooldown: times.cooldown,
        }
    }

    /// Fetches the set at start-up. A failure is logged.
    pub(crate) async fn warm_up(&self) {
        self.cache.warm_up().await;
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
        let fetch = provider.fetch(provider.clock.now(), None);
        let fetched = tokio::time::timeout(provider.times.timeout, fetch).await;
        let held = fetched
            .unwrap_or(Err(Failure::Timeout))
            .map_err(|failure| failure.to_string())?;
        Ok((held.item.keys, held.item.discovered))
    }

    /// The key that a token names.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] only if a fetch that succeeded within the cooldown lacked it; [`Error::KeysUnavailable`] if there
    /// is no usable set, or a newer one that might have the key could not be had.
    pub(crate) async fn find(&self, alg: Algorithm, kid: Option<&str>) -> Result<Arc<PublicKey>, Error> {
        let find = |held: Held<Set>| held.item.keys.find(alg, kid).cloned();
        match find(self.cache.usable().await?) {
            Some(key) => Ok(key),
            None => find(self.cache.refetched(self.cooldown).await?).ok_or(Error::UnknownKey),
        }
    }

    /// A key other than the one that did not fit, for a token that names none.
    ///
    /// # Errors
    /// As [`find`](Self::find), with [`Error::InvalidSignature`] if the set was fetched within the cooldown and has no other.
    pub(crate) async fn another(&self, alg: Algorithm, tried: &PublicKey) -> Result<Arc<PublicKey>, Error> {
        let held = self.cache.refetched(self.cooldown).await?;
        let key = held.item.keys.find(alg, None).filter(|key| !key.is_same_key(tried));
        key.cloned().ok_or(Error::InvalidSignature)
    }
}

/// A set as it was fetched.
#[derive(Clone)]
struct Set {
    keys: Arc<KeySet>,
    /// Its entity tag, and the address it came from.
    version: Option<(KeyUrl, String)>,
    /// Where the discovery document said it is.
    discovered: Option<KeyUrl>,
}

/// An identity provider.
struct Provider {
    issuer: String,
    address: Address,
    allowed: Vec<Algorithm>,
    times: CacheTimes,
    fetcher: Arc<dyn Fetch>,
    clock: Arc<dyn Clock>,
}

impl Source for Provider {
    type Item = Set;

    async fn obtain(&self, began: Moment, patience: Duration, held: Option<Held<Set>>) -> Option<Held<Set>> {
        let fetch = tokio::time::timeout(patience, self.fetch(began, held.as_ref()));
        let outcome = fetch.await.unwrap_or(Err(Failure::Timeout));
        let now = self.clock.now();
        let (issuer, milliseconds) = (self.issuer.as_str(), u64::try_from(now.since(began).as_millis()).ok());
        match outcome {
            Ok(new) => {
                let (usable, skipped) = (new.item.keys.usable(), new.item.keys.skipped());
                info!(
                    issuer,
                    outcome = "fetched",
                    milliseconds,
                    usable,
                    skipped,
                    age_seconds = 0,
                    "key set"
                );
                Some(new)
            }
            Err(failure) => {
                let age_seconds = held.map(|held| now.since(held.since).as_secs());
                warn!(issuer, outcome = %failure, milliseconds, age_seconds, "key set");
                None
            }
        }
    }

    fn name(&self) -> (&'static str, &str) {
        ("key set", &self.issuer)
    }
}

impl Provider {
    /// A new set, whole or not at all.
    async fn fetch(&self, began: Moment, held: Option<&Held<Set>>) -> Result<Held<Set>, Failure> {
        let document = match &self.address {
            Address::Fixed(url) => return self.read(url, began, held).await,
            Address::Discovered(document) => document,
        };
        if let Some(url) = held.and_then(|held| held.item.discovered.as_ref())
            && let Ok(new) = self.read(url, began, held).await
        {
            return Ok(new);
        }
        let url = self.discover(document).await?;
        let new = self.read(&url, began, held).await?;
        Ok(Held {
            item: Set {
                discovered: Some(url),
                ..new.item
            },
            ..new
        })
    }

    /// The address in a discovery document, which must be the issuer's own.
    async fn discover(&self, document: &KeyUrl) -> Result<KeyUrl, Failure> {
        #[derive(Deserialize)]
        struct Discovery {
            issuer: String,
            jwks_uri: String,
        }
        let fetched = self
            .fetcher
            .fetch(document, With::Etag(None))
            .await
            .map_err(Failure::Fetch)?;
        let Fetched::Document { body, .. } = fetched else {
            return Err(Failure::Discovery);
        };
        let discovery: Discovery = json::members(&body).map_err(|_| Failure::Discovery)?;
        if discovery.issuer != self.issuer {
            return Err(Failure::DiscoveryOfAnother);
        }
        KeyUrl::discovered(&discovery.jwks_uri, document).ok_or(Failure::DiscoveredAddress)
    }

    /// The set at an address.
    async fn read(&self, url: &KeyUrl, began: Moment, held: Option<&Held<Set>>) -> Result<Held<Set>, Failure> {
        let known = held
            .and_then(|held| held.item.version.as_ref())
            .filter(|(from, _)| from == url);
        let fetched = self
            .fetcher
            .fetch(url, With::Etag(known.map(|(_, etag)| etag.as_str())))
            .await;
        let discovered = held.and_then(|held| held.item.discovered.clone());
        match (fetched.map_err(Failure::Fetch)?, held) {
            (Fetched::Document { body, max_age, etag }, _) => {
                let keys = KeySet::parse(&body, &self.allowed).map_err(Failure::Document)?;
                let version = etag.map(|etag| (url.clone(), etag));
                let item = Set {
                    keys: Arc::new(keys),
                    version,
                    discovered,
                };
                Ok(Held {
                    item,
                    since: began,
                    fresh: self.times.fresh(max_age),
                })
            }
            (Fetched::NotModified { max_age }, Some(held)) => Ok(Held {
                item: held.item.clone(),
                since: began,
                fresh: self.times.fresh(max_age),
            }),
            (Fetched::NotModified { .. }, None) => Err(Failure::Document(NotAKeySet::Malformed)),
        }
    }
}

/// Why a fetch brought no set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    Timeout,
    Fetch(FetchError),
    Document(NotAKeySet),
    /// The discovery document is not one.
    Discovery,
    /// It is another issuer's.
    DiscoveryOfAnother,
    /// It names an address that keys may not be fetched from.
    DiscoveredAddress,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fetch(error) => return error.fmt(f),
            Self::Timeout => "timeout",
            Self::Document(NotAKeySet::Malformed) => "not_a_key_set",
            Self::Document(NotAKeySet::NoUsableKey) => "no_usable_key",
            Self::Discovery => "not_a_discovery_document",
            Self::DiscoveryOfAnother => "discovery_document_of_another_issuer",
            Self::DiscoveredAddress => "discovered_address_not_allowed",
        })
    }
}
