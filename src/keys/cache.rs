//! A fetched key set across invocations: fresh, stale but usable, unusable.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::{info, warn};

use super::fetch::{Fetch, FetchError, Fetched, KeyUrl};
use super::jwk::PublicKey;
use super::jwks::{KeySet, NotAKeySet};
use crate::algorithm::Algorithm;
use crate::error::Error;
use crate::time::{Clock, Moment};

/// How long a request that finds a stale set waits for a new one before it is served from the old.
const STALE_PATIENCE: Duration = Duration::from_millis(400);
/// Every so many attempts on a stale set may take the whole time-out, for a slow provider never makes the short one.
const PATIENT_EVERY: u32 = 3;
/// The longest that `max-age` makes a set fresh.
const MAX_FRESH: Duration = Duration::from_secs(3600);
/// The first and the longest pause after failures.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(60);

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
    /// Freshness unless configured or lengthened.
    pub(crate) const DEFAULT_FRESH: Duration = Duration::from_secs(600);

    /// The freshness of a set that came with this `max-age`, less up to a tenth, so that the processes of one function do
    /// not all ask at once.
    fn fresh(&self, max_age: Option<Duration>) -> Duration {
        let whole = match (self.fresh, max_age) {
            (Some(configured), _) => configured,
            (None, Some(max_age)) => max_age.clamp(Self::DEFAULT_FRESH, MAX_FRESH),
            (None, None) => Self::DEFAULT_FRESH,
        };
        whole.saturating_sub(jitter(whole))
    }
}

/// A random part of a tenth of this.
fn jitter(whole: Duration) -> Duration {
    // The standard library's hasher is seeded anew by the system for each process, which is random enough here.
    let permille = RandomState::new()
        .build_hasher()
        .finish()
        .checked_rem(101)
        .and_then(|p| u32::try_from(p).ok());
    whole
        .saturating_mul(permille.unwrap_or(0))
        .checked_div(1000)
        .unwrap_or_default()
}

/// The key set of one issuer that is fetched, and what is known about fetching it.
pub(crate) struct RemoteKeys {
    issuer: String,
    url: KeyUrl,
    allowed: Vec<Algorithm>,
    times: CacheTimes,
    fetcher: Arc<dyn Fetch>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Held by the one fetch under way.
    flight: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct State {
    held: Option<Held>,
    /// How many fetches have begun.
    attempts: u64,
    /// When the last one did, whatever came of it.
    attempted: Option<Moment>,
    /// Whether it brought a set.
    succeeded: bool,
    /// Attempts that failed since one did.
    failures: u32,
    /// How long to leave the provider alone after them.
    pause: Duration,
}

/// A set and its age.
#[derive(Clone)]
struct Held {
    keys: Arc<KeySet>,
    since: Moment,
    fresh: Duration,
    etag: Option<String>,
}

/// How old a set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Freshness {
    Fresh,
    Stale,
    Unusable,
}

impl State {
    fn freshness(&self, times: &CacheTimes, now: Moment) -> Freshness {
        match &self.held {
            Some(held) if now.since(held.since) < held.fresh => Freshness::Fresh,
            Some(held) if now.since(held.since) < held.fresh.saturating_add(times.stale) => Freshness::Stale,
            _ => Freshness::Unusable,
        }
    }

    /// Whether the last attempt was less than this ago.
    fn attempted_within(&self, pause: Duration, now: Moment) -> bool {
        self.attempted.is_some_and(|attempted| now.since(attempted) < pause)
    }

    fn find(&self, alg: Algorithm, kid: Option<&str>) -> Option<Arc<PublicKey>> {
        self.held.as_ref()?.keys.find(alg, kid).cloned()
    }
}

impl RemoteKeys {
    pub(crate) fn new(
        issuer: String,
        url: KeyUrl,
        allowed: Vec<Algorithm>,
        times: CacheTimes,
        fetcher: Arc<dyn Fetch>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (state, flight) = (Mutex::default(), tokio::sync::Mutex::default());
        Self {
            issuer,
            url,
            allowed,
            times,
            fetcher,
            clock,
            state,
            flight,
        }
    }

    /// Fetches the set at start-up. A failure is logged and does not hold back the first request's own attempt.
    pub(crate) async fn warm_up(&self) {
        self.refresh(0, self.times.timeout).await;
        self.update(|state| state.pause = Duration::ZERO);
    }

    /// The key that a token names.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] only if a fetch that succeeded within the cooldown lacked it; [`Error::KeysUnavailable`] if there
    /// is no usable set, or a newer one that might have the key could not be had.
    pub(crate) async fn find(&self, alg: Algorithm, kid: Option<&str>) -> Result<Arc<PublicKey>, Error> {
        let state = self.usable().await?;
        match state.find(alg, kid) {
            Some(key) => Ok(key),
            None => self.refetch().await?.find(alg, kid).ok_or(Error::UnknownKey),
        }
    }

    /// A key other than the one that did not fit, for a token that names none.
    ///
    /// # Errors
    /// As [`find`](Self::find), with [`Error::InvalidSignature`] if the set was fetched within the cooldown and has no other.
    pub(crate) async fn another(&self, alg: Algorithm, tried: &PublicKey) -> Result<Arc<PublicKey>, Error> {
        let state = self.refetch().await?;
        state
            .find(alg, None)
            .filter(|key| !key.is_same_key(tried))
            .ok_or(Error::InvalidSignature)
    }

    /// A set that may be used, refreshed in line if it is due.
    async fn usable(&self) -> Result<State, Error> {
        let (state, now) = (self.state(), self.clock.now());
        let paused = state.failures > 0 && state.attempted_within(state.pause, now);
        match state.freshness(&self.times, now) {
            Freshness::Fresh => return Ok(state),
            Freshness::Stale | Freshness::Unusable if paused => {}
            Freshness::Stale => {
                let patient = state.failures.checked_rem(PATIENT_EVERY) == PATIENT_EVERY.checked_sub(1);
                let patience = if patient {
                    self.times.timeout
                } else {
                    STALE_PATIENCE.min(self.times.timeout)
                };
                self.refresh(state.attempts, patience).await;
            }
            Freshness::Unusable => self.refresh(state.attempts, self.times.timeout).await,
        }
        let (state, now) = (self.state(), self.clock.now());
        match state.freshness(&self.times, now) {
            Freshness::Fresh => Ok(state),
            Freshness::Stale => {
                let age = state.held.as_ref().map_or(0, |held| now.since(held.since).as_secs());
                warn!(issuer = self.issuer, age_seconds = age, "a stale key set is in use");
                Ok(state)
            }
            Freshness::Unusable => Err(Error::KeysUnavailable),
        }
    }

    /// A set from a fetch that succeeded within the cooldown, by a new one if the last attempt was before that.
    async fn refetch(&self) -> Result<State, Error> {
        let state = self.state();
        let pause = self.times.cooldown.max(state.pause);
        if !state.attempted_within(pause, self.clock.now()) {
            self.refresh(state.attempts, self.times.timeout).await;
        }
        let state = self.state();
        if state.succeeded {
            Ok(state)
        } else {
            Err(Error::KeysUnavailable)
        }
    }

    /// Fetches the set, unless somebody else did since `seen` attempts. At most one fetch is under way.
    async fn refresh(&self, seen: u64, patience: Duration) {
        let Ok(_flight) = tokio::time::timeout(patience, self.flight.lock()).await else {
            return;
        };
        if self.state().attempts == seen {
            // An invocation may be dropped while it waits, so the attempt is a failure until it is none.
            let began = self.clock.now();
            self.update(|state| state.failed(began));
            self.fetch(began, patience).await;
        }
    }

    /// One fetch and one log line.
    async fn fetch(&self, began: Moment, patience: Duration) {
        let etag = self.state().held.and_then(|held| held.etag);
        let outcome = self.fetcher.fetch(&self.url, etag.as_deref(), patience).await;
        let now = self.clock.now();
        let milliseconds = u64::try_from(now.since(began).as_millis()).unwrap_or(u64::MAX);
        match self.taken(outcome, began) {
            Ok((usable, skipped)) => {
                info!(
                    issuer = self.issuer,
                    outcome = "fetched",
                    milliseconds,
                    usable,
                    skipped,
                    "key set"
                );
            }
            Err(failure) => {
                let age = self.state().held.map(|held| now.since(held.since).as_secs());
                warn!(issuer = self.issuer, outcome = %failure, milliseconds, age_seconds = age, "key set");
            }
        }
    }

    /// Takes in what was fetched: whole, or not at all.
    fn taken(&self, outcome: Result<Fetched, FetchError>, began: Moment) -> Result<(usize, usize), Failure> {
        match outcome.map_err(Failure::Fetch)? {
            Fetched::Document { body, max_age, etag } => {
                let keys = Arc::new(KeySet::parse(&body, &self.allowed).map_err(Failure::Document)?);
                let counts = (keys.usable(), keys.skipped());
                let held = Held {
                    keys,
                    since: began,
                    fresh: self.times.fresh(max_age),
                    etag,
                };
                self.update(|state| state.took(held));
                Ok(counts)
            }
            Fetched::NotModified { max_age } => {
                let mut held = self.state().held.ok_or(Failure::Document(NotAKeySet::Malformed))?;
                (held.since, held.fresh) = (began, self.times.fresh(max_age));
                let counts = (held.keys.usable(), held.keys.skipped());
                self.update(|state| state.took(held));
                Ok(counts)
            }
        }
    }

    fn state(&self) -> State {
        // A poisoned lock holds a whole state: every change is one assignment after another, none of which panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl State {
    fn failed(&mut self, began: Moment) {
        self.attempts = self.attempts.saturating_add(1);
        self.attempted = Some(began);
        self.succeeded = false;
        let doubled = self.pause.saturating_mul(2).clamp(FIRST_PAUSE, MAX_PAUSE);
        self.pause = doubled.saturating_sub(jitter(doubled));
        self.failures = self.failures.saturating_add(1);
    }

    fn took(&mut self, held: Held) {
        self.held = Some(held);
        (self.succeeded, self.failures, self.pause) = (true, 0, Duration::ZERO);
    }
}

/// Why a fetch brought no set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    Fetch(FetchError),
    Document(NotAKeySet),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fetch(error) => error.fmt(f),
            Self::Document(NotAKeySet::Malformed) => f.write_str("not_a_key_set"),
            Self::Document(NotAKeySet::NoUsableKey) => f.write_str("no_usable_key"),
        }
    }
}
