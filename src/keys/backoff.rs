//! How long a server that fails is left alone.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use crate::time::Moment;

/// The first and the longest pause after failures.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// Attempts of one kind that failed since any succeeded.
#[derive(Clone, Copy, Default)]
pub(crate) struct Backoff {
    pub(super) failures: u32,
    last: Option<Moment>,
    /// How long to leave the server alone after the last of them, whether that is over or not.
    pub(super) pause: Duration,
}

impl Backoff {
    /// An attempt has failed at this moment: the pause doubles.
    pub(super) fn failed(&mut self, at: Moment) {
        let doubled = self.pause.saturating_mul(2).clamp(FIRST_PAUSE, MAX_PAUSE);
        self.pause = doubled.saturating_sub(jitter(doubled));
        self.failures = self.failures.saturating_add(1);
        self.last = Some(at);
    }

    /// One of several attempts that are under way at once has failed. It counts only if it began after the failure that was noted
    /// last: all of them meet the same outage.
    pub(crate) fn failed_since(&mut self, began: Moment, at: Moment) {
        if self.last.is_none_or(|last| !began.since(last).is_zero()) {
            self.failed(at);
        }
    }

    /// The failure that was noted last was over at this moment. It may have taken longer than the pause after it is.
    pub(super) fn ended(&mut self, at: Moment) {
        self.last = Some(at);
    }

    /// Whether the server is to be left alone now.
    pub(crate) fn holds_back(&self, now: Moment) -> bool {
        self.last.is_some_and(|last| now.since(last) < self.pause)
    }
}

/// A random part of a tenth of this, so that the processes of one function do not all ask at once.
pub(super) fn jitter(whole: Duration) -> Duration {
    // The standard library's hasher is seeded anew by the system for each process, which is random enough here.
    let permille = RandomState::new().build_hasher().finish().checked_rem(101).and_then(|p| u32::try_from(p).ok());
    whole.saturating_mul(permille.unwrap_or(0)).checked_div(1000).unwrap_or_default()
}
