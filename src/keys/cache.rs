//! What is fetched, across invocations: fresh, stale but usable, unusable.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::backoff::Backoff;
use super::fetch::connection_ends;
use crate::error::Error;
use crate::time::{Clock, Deadline, Moment};

/// For all fetches at start-up: less than the two seconds that it may take, so that what takes longer ends as a failure.
const START_UP_PATIENCE: Duration = Duration::from_millis(1900);
/// How long a request that finds a stale copy waits for a new one before it is served from the old.
const STALE_PATIENCE: Duration = Duration::from_millis(400);
/// Every third attempt on a stale copy may take the whole time-out: a slow server never meets the short one.
const PATIENT_EVERY: u32 = 3;

/// Where the copies come from.
pub(super) trait Source: Send + Sync {
    /// What is fetched.
    type Item: Clone + Send + Sync;

    /// Fetches a new copy, whole or not at all, and logs one line about it. The state is that from before this attempt.
    fn obtain(
        &self,
        began: Moment,
        patience: Duration,
        state: &State<Self::Item>,
    ) -> impl Future<Output = Option<Held<Self::Item>>> + Send;

    /// What a log line calls it, and whose it is.
    fn name(&self) -> (&'static str, &str);
}

/// A copy and its age.
#[derive(Clone)]
pub(super) struct Held<T> {
    pub(super) item: T,
    pub(super) since: Moment,
    /// It need not be fetched again for so long.
    pub(super) fresh: Duration,
    pub(super) extent: Extent,
}

/// How much of what a source has is in a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    /// The fetch failed for some of it, which is asked for again as after any failure.
    Part,
}

/// A copy of what a source has, fetched by the requests that need it: no task outlives an invocation.
pub(super) struct Cache<S: Source> {
    pub(super) source: S,
    /// A copy is usable for so long after it was fresh.
    stale: Duration,
    /// For one fetch.
    timeout: Duration,
    clock: Arc<dyn Clock>,
    state: Mutex<State<S::Item>>,
    /// Held by the one fetch under way.
    flight: tokio::sync::Mutex<()>,
}

/// A copy, and what is known about fetching it.
#[derive(Clone)]
pub(super) struct State<T> {
    pub(super) held: Option<Held<T>>,
    /// When the last attempt was, whatever came of it.
    attempted: Option<Moment>,
    /// Whether it brought a whole copy.
    succeeded: bool,
    /// Failures of refreshes that were due.
    refreshes: Backoff,
    /// Failures of fetches for tokens that the copy does not fit, which hold back no refresh.
    refetches: Backoff,
}

/// What an attempt is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// The copy is old, or there is none.
    Refresh,
    /// A token that does not fit it.
    Refetch,
    /// There may be tokens soon. A failure holds back nothing, the first request's own attempt least of all.
    StartUp,
}

/// How old a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Freshness {
    Fresh,
    Stale,
    Unusable,
}

impl<S: Source> Cache<S> {
    pub(super) fn new(
        source: S,
        (stale, timeout): (Duration, Duration),
        clock: Arc<dyn Clock>,
        held: Option<Held<S::Item>>,
    ) -> Self {
        let state = State { held, ..State::empty() };
        Self { source, stale, timeout, clock, state: Mutex::new(state), flight: tokio::sync::Mutex::default() }
    }

    /// Fetches a copy at start-up, which began then, unless there is a fresh one. Whether there was time for that.
    pub(super) async fn warm_up(&self, began: Instant) -> bool {
        let due = |state: &State<S::Item>| self.freshness(state) != Freshness::Fresh;
        let left = START_UP_PATIENCE.saturating_sub(began.elapsed());
        self.fetch(Purpose::StartUp, left.min(self.timeout), due).await
    }

    /// A copy that may be used, refreshed in line if that is due.
    ///
    /// # Errors
    /// [`Error::KeysUnavailable`] if there is none, and none can be had.
    pub(super) async fn usable(&self, deadline: Deadline) -> Result<Held<S::Item>, Error> {
        let due = |state: &State<S::Item>| !self.suffices(state) && !state.refreshes.holds_back(self.clock.now());
        let state = self.state();
        if !self.suffices(&state) {
            let patient = state.refreshes.failures.checked_rem(PATIENT_EVERY) == PATIENT_EVERY.checked_sub(1);
            let patience = match self.freshness(&state) {
                Freshness::Fresh | Freshness::Stale if !patient => STALE_PATIENCE.min(self.timeout),
                Freshness::Fresh | Freshness::Stale | Freshness::Unusable => self.timeout,
            };
            self.fetch(Purpose::Refresh, patience.min(deadline.left(self.clock.now())), due).await;
        }
        let state = self.state();
        match (self.freshness(&state), state.held) {
            (Freshness::Fresh, Some(held)) => Ok(held),
            (Freshness::Stale, Some(held)) => {
                let (what, issuer) = self.source.name();
                warn!(issuer, age_seconds = self.age(&held).as_secs(), "a stale {what} is in use");
                Ok(held)
            }
            (Freshness::Fresh | Freshness::Stale | Freshness::Unusable, _) => Err(Error::KeysUnavailable),
        }
    }

    /// The copy, if it may be used without a fetch.
    pub(super) fn fresh(&self) -> Option<Held<S::Item>> {
        let state = self.state();
        if self.freshness(&state) == Freshness::Fresh { state.held } else { None }
    }

    /// A copy from a fetch that succeeded within the cooldown: a new one, if the last attempt was before that.
    ///
    /// # Errors
    /// [`Error::KeysUnavailable`] if the last attempt failed, or none could be made within the time there is.
    pub(super) async fn refetched(&self, cooldown: Duration, deadline: Deadline) -> Result<Held<S::Item>, Error> {
        let due = |state: &State<S::Item>| {
            let pause = cooldown.max(state.refreshes.pause).max(state.refetches.pause);
            state.attempted.is_none_or(|attempted| self.clock.now().since(attempted) >= pause)
        };
        let patience = self.timeout.min(deadline.left(self.clock.now()));
        let settled = self.fetch(Purpose::Refetch, patience, due).await;
        let state = self.state();
        let is_recent = settled || !due(&state);
        state.held.filter(|_| is_recent && state.succeeded).ok_or(Error::KeysUnavailable)
    }

    /// The copy there is, whatever its age.
    pub(super) fn held(&self) -> Option<Held<S::Item>> {
        self.state().held
    }

    /// How long ago a copy was fetched.
    pub(super) fn age(&self, held: &Held<S::Item>) -> Duration {
        self.clock.now().since(held.since)
    }

    /// Waits for the fetch under way, if there is one, and fetches a copy if that is due then. So requests at the same time
    /// share what one of them fetches, be it a copy or a failure. Whether there was time for that.
    async fn fetch(&self, purpose: Purpose, patience: Duration, due: impl Fn(&State<S::Item>) -> bool) -> bool {
        if patience.is_zero() {
            return false;
        }
        let asked = self.clock.now();
        let Ok(_flight) = tokio::time::timeout(patience, self.flight.lock()).await else {
            return false;
        };
        let began = self.clock.now();
        let patience = patience.saturating_sub(began.since(asked));
        let state = self.state();
        if due(&state) {
            // Recorded as a failure first: an invocation may be dropped while it waits.
            self.update(|state| state.failed(purpose, began));
            let obtained = self.source.obtain(began, patience, &state).await;
            connection_ends().await;
            let ended = self.clock.now();
            self.update(|state| state.ended(purpose, obtained, ended));
        }
        true
    }

    /// Whether nothing needs to be fetched.
    fn suffices(&self, state: &State<S::Item>) -> bool {
        let whole = state.held.as_ref().map(|held| held.extent) == Some(Extent::Whole);
        whole && self.freshness(state) == Freshness::Fresh
    }

    fn freshness(&self, state: &State<S::Item>) -> Freshness {
        match state.held.as_ref().map(|held| (self.age(held), held.fresh)) {
            Some((age, fresh)) if age < fresh => Freshness::Fresh,
            Some((age, fresh)) if age < fresh.saturating_add(self.stale) => Freshness::Stale,
            _ => Freshness::Unusable,
        }
    }

    fn state(&self) -> State<S::Item> {
        // A poisoned lock holds a whole state: every change is one assignment after another, none of which panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn update(&self, change: impl FnOnce(&mut State<S::Item>)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl<T> State<T> {
    /// Nothing held, nothing tried.
    pub(super) fn empty() -> Self {
        let (refreshes, refetches) = (Backoff::default(), Backoff::default());
        Self { held: None, attempted: None, succeeded: false, refreshes, refetches }
    }

    /// Attempts that failed since one succeeded.
    pub(super) fn failures(&self) -> u32 {
        self.refreshes.failures.saturating_add(self.refetches.failures)
    }

    fn failed(&mut self, purpose: Purpose, began: Moment) {
        (self.attempted, self.succeeded) = (Some(began), false);
        if let Some(backoff) = self.backoff(purpose) {
            backoff.failed(began);
        }
    }

    /// What an attempt has brought, which was taken for a failure until now.
    fn ended(&mut self, purpose: Purpose, obtained: Option<Held<T>>, ended: Moment) {
        match obtained {
            Some(held) if held.extent == Extent::Whole => {
                (self.held, self.succeeded) = (Some(held), true);
                (self.refreshes, self.refetches) = (Backoff::default(), Backoff::default());
            }
            part => {
                self.held = part.or_else(|| self.held.take());
                // It may have taken longer than the pause after it is.
                self.attempted = Some(ended);
                if let Some(backoff) = self.backoff(purpose) {
                    backoff.ended(ended);
                }
            }
        }
    }

    fn backoff(&mut self, purpose: Purpose) -> Option<&mut Backoff> {
        match purpose {
            Purpose::Refresh => Some(&mut self.refreshes),
            Purpose::Refetch => Some(&mut self.refetches),
            Purpose::StartUp => None,
        }
    }
}
