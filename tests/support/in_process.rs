//! Shared by in-process tests: a clock set by hand, configurations, captured logs, and short forms of answers.

#[path = "log_buffer.rs"]
mod log_buffer;

use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use apigw_jwt_authorizer::{Clock, Config, ConfigError, Moment};
use log_buffer::LogBuffer;
use serde_json::Value;

/// The initial time of the wall clock in most tests.
pub(crate) const NOW: u64 = 1_800_000_000;

/// A wall clock and a monotonic clock that tests set by hand.
pub(crate) struct Dial {
    earliest: Duration,
    /// In milliseconds.
    wall: AtomicI64,
    /// In milliseconds.
    monotonic: AtomicU64,
}

impl Clock for Dial {
    fn now(&self) -> Moment {
        Moment {
            wall: Duration::from_millis(u64::try_from(self.wall.load(Ordering::SeqCst)).unwrap()),
            monotonic: Duration::from_millis(self.monotonic.load(Ordering::SeqCst)),
        }
    }

    fn earliest(&self) -> Duration {
        self.earliest
    }
}

impl Dial {
    /// Both times are in seconds since 1970; `earliest` stands for the time of the build.
    pub(crate) fn new(now: u64, earliest: u64) -> Self {
        Self {
            earliest: Duration::from_secs(earliest),
            wall: i64::try_from(millis(now)).unwrap().into(),
            monotonic: AtomicU64::new(0),
        }
    }

    /// Moves both clocks.
    pub(crate) fn advance(&self, seconds: u64) {
        self.advance_millis(millis(seconds));
    }

    /// Moves both clocks.
    pub(crate) fn advance_millis(&self, millis: u64) {
        self.wall.fetch_add(i64::try_from(millis).unwrap(), Ordering::SeqCst);
        self.monotonic.fetch_add(millis, Ordering::SeqCst);
    }

    /// Moves only the wall clock, as a freeze does, or sets it back.
    pub(crate) fn advance_wall(&self, seconds: i64) {
        self.wall.fetch_add(seconds.checked_mul(1000).unwrap(), Ordering::SeqCst);
    }

    /// Moves only the monotonic clock.
    pub(crate) fn advance_monotonic(&self, seconds: u64) {
        self.monotonic.fetch_add(millis(seconds), Ordering::SeqCst);
    }
}

fn millis(seconds: u64) -> u64 {
    seconds.checked_mul(1000).unwrap()
}

/// Parses a configuration with these environment variables.
pub(crate) fn parse(document: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variable =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Config::parse(document, &variable, Path::new("."))
}

/// The short form of an answer: `allow`, `deny <reason>`, or the type of an error.
#[track_caller]
pub(crate) fn outcome(answer: &Value) -> String {
    if let Some(error) = answer["errorType"].as_str() {
        return error.to_owned();
    }
    match (answer["policyDocument"]["Statement"][0]["Effect"].as_str(), answer["context"]["reason"].as_str()) {
        (Some("Allow"), None) => "allow".to_owned(),
        (Some("Deny"), Some(reason)) => format!("deny {reason}"),
        other => panic!("{other:?}"),
    }
}

/// Captures the log at every level, as JSON lines.
pub(crate) struct Log {
    lines: LogBuffer,
    dispatch: tracing::Dispatch,
}

impl Log {
    pub(crate) fn new() -> Self {
        let lines = LogBuffer::default();
        let written = lines.clone();
        let subscriber = tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE);
        let subscriber = subscriber.with_writer(move || written.clone()).finish();
        Self { lines, dispatch: log_buffer::dispatch(subscriber) }
    }

    /// Runs something and also returns the lines that it logged, without taking them.
    pub(crate) fn of<T>(&self, what: impl FnOnce() -> T) -> (T, String) {
        let before = self.lines.0.lock().unwrap().len();
        let done = tracing::dispatcher::with_default(&self.dispatch, what);
        let new = self.lines.0.lock().unwrap().split_at(before).1.to_vec();
        (done, String::from_utf8(new).unwrap())
    }

    /// Takes all lines logged since the last call.
    pub(crate) fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.lines.0.lock().unwrap())).unwrap()
    }
}
