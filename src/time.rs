//! Time as an argument: the two clocks of one moment, and the dates in a token.

use std::time::Duration;

use ::time::OffsetDateTime;
use ::time::format_description::well_known::Rfc3339;

/// One reading of both clocks.
///
/// A Lambda process is frozen between invocations, when the monotonic clock may stand still, and the wall clock may
/// jump. Ages are the greater of what the two say, so neither can make a key set look younger than it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock, since 1970-01-01T00:00:00Z.
    pub wall: Duration,
    /// The monotonic clock, since any fixed point of this process.
    pub monotonic: Duration,
}

impl Moment {
    /// How long ago `earlier` was, by the clock that says more.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        let wall = self.wall.saturating_sub(earlier.wall);
        wall.max(self.monotonic.saturating_sub(earlier.monotonic))
    }

    /// The wall clock in UTC to the microsecond (RFC 3339 section 5.6), such as `2026-11-20T23:59:59.000250Z`; at most the
    /// last second of the year 9999.
    pub fn date_time(self) -> String {
        let whole = date_time(self.wall.min(LAST));
        format!("{}.{:06}Z", whole.trim_end_matches('Z'), self.wall.subsec_micros())
    }

    /// The wall clock as a token's date.
    pub(crate) fn date(self) -> NumericDate {
        NumericDate(self.wall.as_secs_f64())
    }
}

/// How long an invocation may wait for keys and secrets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    began: Moment,
    wait: Duration,
}

impl Deadline {
    /// The time reserved for making and sending an answer.
    const RESERVE: Duration = Duration::from_millis(300);

    /// Takes the wall-clock time at which the platform ends the invocation, if it gives one. A time that has passed before the
    /// invocation begins comes from another clock and is ignored.
    pub(crate) fn of(ends: Option<Duration>, began: Moment) -> Self {
        let left = ends.and_then(|ends| ends.checked_sub(began.wall));
        Self { began, wait: left.map_or(Duration::MAX, |left| left.saturating_sub(Self::RESERVE)) }
    }

    /// The rest of the wait.
    pub(crate) fn left(self, now: Moment) -> Duration {
        self.wait.saturating_sub(now.since(self.began))
    }
}

/// A source of the time: the system in production, a clock set by hand in tests.
pub trait Clock: Send + Sync {
    /// Both clocks, now.
    fn now(&self) -> Moment;

    /// A wall-clock time that has certainly passed, such as the time of the build. A clock that shows an earlier time is wrong,
    /// and the authorizer decides nothing by it.
    fn earliest(&self) -> Duration {
        Duration::ZERO
    }
}

/// Seconds since 1970-01-01T00:00:00Z, possibly with a fraction (RFC 7519 section 2).
///
/// A double holds every whole second of the next 285 million years, and no number in a token can make a comparison of doubles
/// overflow.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct NumericDate(pub(crate) f64);

impl NumericDate {
    /// The date this many seconds later.
    pub(crate) fn plus(self, seconds: u32) -> Self {
        Self(self.0 + f64::from(seconds))
    }

    /// The earlier of two dates.
    pub(crate) fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    /// The date as IAM writes it, rounded down to the second and at most the last second of the year 9999.
    pub(crate) fn iso8601(self) -> String {
        date_time(Duration::try_from_secs_f64(self.0.max(0.0)).map_or(LAST, |date| date.min(LAST)))
    }
}

/// The last second of the year 9999.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// A date up to [`LAST`] to the second in UTC (RFC 3339 section 5.6), such as `2026-11-20T23:59:59Z`.
fn date_time(date: Duration) -> String {
    let seconds = i64::try_from(date.as_secs()).unwrap_or_default();
    // Neither step fails for a date up to the last one. The epoch allows nothing, and neither does an empty text.
    let date = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    date.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn written(seconds: f64, expected: &str) {
        assert_eq!(NumericDate(seconds).iso8601(), expected);
    }

    #[test]
    fn dates_are_rounded_down_and_capped_at_the_year_9999() {
        written(0.0, "1970-01-01T00:00:00Z");
        written(-5.0, "1970-01-01T00:00:00Z");
        written(951_782_400.999, "2000-02-29T00:00:00Z");
        written(1_795_219_199.5, "2026-11-20T23:59:59Z");
        written(253_402_300_799.0, "9999-12-31T23:59:59Z");
        written(253_402_300_800.0, "9999-12-31T23:59:59Z");
        written(1e308, "9999-12-31T23:59:59Z");
        written(f64::NAN, "1970-01-01T00:00:00Z");
    }

    #[test]
    fn a_moment_is_written_to_the_microsecond() {
        let at = |wall| Moment { wall, monotonic: Duration::ZERO }.date_time();
        assert_eq!(at(Duration::ZERO), "1970-01-01T00:00:00.000000Z");
        assert_eq!(at(Duration::new(951_782_400, 7_089_999)), "2000-02-29T00:00:00.007089Z");
        assert_eq!(at(Duration::new(1_795_219_199, 123_456_789)), "2026-11-20T23:59:59.123456Z");
        assert_eq!(at(Duration::new(253_402_300_799, 999_999_999)), "9999-12-31T23:59:59.999999Z");
        assert_eq!(at(Duration::MAX), "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn a_wait_ends_300_ms_before_the_invocation_does() {
        let at = |millis| Moment { wall: Duration::from_millis(millis), monotonic: Duration::from_millis(millis) };
        let left = |ends: Option<u64>, now| Deadline::of(ends.map(Duration::from_millis), at(10_000)).left(at(now));
        assert_eq!(left(Some(13_000), 10_000), Duration::from_millis(2700));
        assert_eq!(left(Some(13_000), 12_000), Duration::from_millis(700));
        assert_eq!(left(Some(13_000), 12_700), Duration::ZERO);
        assert_eq!(left(Some(10_300), 10_000), Duration::ZERO);
        assert_eq!(left(Some(10_000), 10_000), Duration::ZERO);
        // There is no deadline, or it is in the past by our clock, so the two clocks disagree.
        for ends in [None, Some(9_999), Some(0)] {
            assert!(left(ends, 10_000) > Duration::from_secs(1_000_000), "{ends:?}");
        }
    }

    #[test]
    fn age_is_the_greater_of_the_two_clocks() {
        let at =
            |wall, monotonic| Moment { wall: Duration::from_secs(wall), monotonic: Duration::from_secs(monotonic) };
        assert_eq!(at(200, 10).since(at(100, 5)), Duration::from_secs(100), "the monotonic clock was frozen");
        assert_eq!(at(90, 65).since(at(100, 5)), Duration::from_secs(60), "the wall clock was set back");
        assert_eq!(at(90, 5).since(at(100, 5)), Duration::ZERO);
    }
}
