//! Answers that are kept, by a hash of their token.

use std::collections::HashMap;
use std::time::Duration;

use super::answer::Standing;
use super::token_hash::TokenHash;
use crate::time::Moment;

/// How many answers of a kind are kept: a process of Lambda seldom sees more tokens within the minute that they last.
const MAX_ANSWERS: usize = 1_000;
/// And how many bytes the endpoint may have sent for them, in all: read, they take some times as much of the function's memory.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// How long an answer that a token is not active is kept. A token that is new to its issuer may become active in a moment.
const INACTIVE: Duration = Duration::from_secs(10);

/// The answers. Inactive ones have a room of their own, so that random tokens, which anyone can send, drive out no active ones.
pub(super) struct Kept {
    /// How long an active one is kept at most.
    pub(super) longest: Duration,
    active: Room,
    inactive: Room,
}

#[derive(Default)]
struct Room {
    answers: HashMap<TokenHash, Answer>,
    bytes: usize,
    /// Counts the uses.
    uses: u64,
}

struct Answer {
    standing: Standing,
    since: Moment,
    lasts: Duration,
    bytes: usize,
    used: u64,
}

impl Kept {
    pub(super) fn new(longest: Duration) -> Self {
        Self { longest, active: Room::default(), inactive: Room::default() }
    }

    /// The answer for a token, unless it is too old.
    pub(super) fn find(&mut self, token: &TokenHash, now: Moment) -> Option<Standing> {
        self.active.find(token, now).or_else(|| self.inactive.find(token, now))
    }

    /// Keeps an answer of this many bytes to a question that was asked at `since`: an active one until `exp`.
    pub(super) fn keep(&mut self, token: TokenHash, standing: &Standing, bytes: usize, since: Moment) {
        let (room, lasts) = match standing {
            Standing::Active(claims) => {
                let exp = claims.get("exp").and_then(serde_json::Value::as_f64);
                // A difference that is no duration is of a date in the past, or of one beyond all times.
                let left = |exp: f64| {
                    let left = (exp - since.date().0).max(0.0);
                    Duration::try_from_secs_f64(left).unwrap_or(self.longest)
                };
                self.inactive.remove(&token);
                (&mut self.active, exp.map_or(self.longest, left).min(self.longest))
            }
            Standing::Inactive => {
                self.active.remove(&token);
                (&mut self.inactive, INACTIVE)
            }
        };
        if lasts > Duration::ZERO && bytes <= MAX_BYTES {
            room.put(token, Answer { standing: standing.clone(), since, lasts, bytes, used: 0 });
        }
    }
}

impl Answer {
    fn is_current(&self, now: Moment) -> bool {
        now.since(self.since) < self.lasts
    }
}

impl Room {
    fn find(&mut self, token: &TokenHash, now: Moment) -> Option<Standing> {
        if !self.answers.get(token)?.is_current(now) {
            self.remove(token);
            return None;
        }
        self.uses = self.uses.saturating_add(1);
        let answer = self.answers.get_mut(token)?;
        answer.used = self.uses;
        Some(answer.standing.clone())
    }

    /// Makes room, first by what is too old and then by what was not used for longest, and puts an answer there.
    fn put(&mut self, token: TokenHash, answer: Answer) {
        self.remove(&token);
        let full =
            |room: &Self| room.answers.len() >= MAX_ANSWERS || room.bytes.saturating_add(answer.bytes) > MAX_BYTES;
        if full(self) {
            self.answers.retain(|_, kept| kept.is_current(answer.since));
            self.bytes = self.answers.values().fold(0, |sum, kept| sum.saturating_add(kept.bytes));
        }
        while full(self) {
            let Some(oldest) = self.answers.iter().min_by_key(|(_, kept)| kept.used).map(|(token, _)| *token) else {
                break;
            };
            self.remove(&oldest);
        }
        self.uses = self.uses.saturating_add(1);
        self.bytes = self.bytes.saturating_add(answer.bytes);
        self.answers.insert(token, Answer { used: self.uses, ..answer });
    }

    fn remove(&mut self, token: &TokenHash) {
        if let Some(answer) = self.answers.remove(token) {
            self.bytes = self.bytes.saturating_sub(answer.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// The wall clock and the monotonic clock, in seconds.
    fn at(wall: u64, monotonic: u64) -> Moment {
        Moment { wall: Duration::from_secs(wall), monotonic: Duration::from_secs(monotonic) }
    }

    fn token(number: usize) -> TokenHash {
        TokenHash::of(&number.to_string())
    }

    fn active(claims: Value) -> Standing {
        Standing::Active(Arc::new(claims))
    }

    /// Checks the second in which an answer to a question asked at second 1,000 ends.
    #[track_caller]
    fn ends(standing: &Standing, expected: u64) {
        for clock in [|seconds: u64| at(seconds, 0), |seconds: u64| at(1_000, seconds.saturating_sub(1_000))] {
            let mut kept = Kept::new(MINUTE);
            kept.keep(token(0), standing, 20, at(1_000, 0));
            assert_eq!(kept.find(&token(0), clock(expected.saturating_sub(1))).is_some(), expected > 1_000);
            assert!(kept.find(&token(0), clock(expected)).is_none());
            assert!(kept.find(&token(0), clock(1_000)).is_none(), "it is gone");
        }
    }

    #[test]
    fn an_active_answer_is_kept_until_exp_and_for_the_configured_time_at_most_by_either_clock() {
        ends(&active(json!({})), 1_060);
        ends(&active(json!({ "exp": 1_030 })), 1_030);
        ends(&active(json!({ "exp": 1_000 })), 1_000);
        ends(&active(json!({ "exp": 5 })), 1_000);
        ends(&active(json!({ "exp": -1e300 })), 1_000);
        ends(&active(json!({ "exp": 1e300 })), 1_060);
        ends(&active(json!({ "exp": 2_000_000_000 })), 1_060);
        ends(&active(json!({ "exp": "soon" })), 1_060);
        ends(&Standing::Inactive, 1_010);
    }

    #[test]
    fn nothing_active_is_kept_if_the_configured_time_is_zero() {
        let mut kept = Kept::new(Duration::ZERO);
        kept.keep(token(0), &active(json!({})), 20, at(0, 0));
        assert!(kept.find(&token(0), at(0, 0)).is_none());
    }

    #[test]
    fn random_tokens_drive_out_no_active_answer() {
        let mut kept = Kept::new(MINUTE);
        kept.keep(token(0), &active(json!({})), 20, at(0, 0));
        (1..=10_000).for_each(|number| kept.keep(token(number), &Standing::Inactive, 20, at(0, 0)));
        assert!(matches!(kept.find(&token(0), at(0, 0)), Some(Standing::Active(_))));
        assert_eq!((kept.active.answers.len(), kept.inactive.answers.len()), (1, MAX_ANSWERS));
    }

    #[test]
    fn the_answer_that_was_not_used_for_longest_makes_room() {
        let mut kept = Kept::new(MINUTE);
        (0..MAX_ANSWERS).for_each(|number| kept.keep(token(number), &active(json!({})), 20, at(0, 0)));
        assert!(kept.find(&token(0), at(0, 0)).is_some());
        kept.keep(token(MAX_ANSWERS), &active(json!({})), 20, at(0, 0));
        assert!(kept.find(&token(0), at(0, 0)).is_some());
        assert!(kept.find(&token(1), at(0, 0)).is_none());
        assert_eq!(kept.active.answers.len(), MAX_ANSWERS);
    }

    #[test]
    fn the_bytes_of_all_answers_are_bounded() {
        let mut kept = Kept::new(MINUTE);
        (0..20).for_each(|number| kept.keep(token(number), &active(json!({})), 512 * 1024, at(0, 0)));
        assert_eq!((kept.active.answers.len(), kept.active.bytes), (8, MAX_BYTES));
        assert!(kept.find(&token(19), at(0, 0)).is_some());
        assert!(kept.find(&token(11), at(0, 0)).is_none());
    }

    #[test]
    fn an_answer_takes_the_place_of_the_one_before() {
        let mut kept = Kept::new(MINUTE);
        kept.keep(token(0), &active(json!({})), 20, at(0, 0));
        kept.keep(token(0), &Standing::Inactive, 20, at(1, 1));
        assert!(matches!(kept.find(&token(0), at(1, 1)), Some(Standing::Inactive)));
        kept.keep(token(0), &active(json!({})), 20, at(2, 2));
        assert!(matches!(kept.find(&token(0), at(2, 2)), Some(Standing::Active(_))));
        assert_eq!((kept.active.bytes, kept.inactive.bytes), (20, 0));
    }
}
