//! The result cache of the authorizer: the whole answer, by the value of the token header.

use std::collections::HashMap;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

/// As many answers as are kept; beyond, the oldest goes.
const MAX_ENTRIES: usize = 1000;

/// The answers that are still in force. Of a token it keeps the SHA-256 alone.
pub(super) struct Cache {
    lasts: Duration,
    entries: HashMap<Vec<u8>, Entry>,
    flushes: u64,
}

struct Entry {
    answer: Value,
    since: Duration,
    /// The request that it was made for.
    first: String,
    hits: u64,
}

impl Cache {
    /// A cache that keeps answers this long; zero switches it off.
    pub(super) fn new(lasts: Duration) -> Self {
        Self { lasts, entries: HashMap::new(), flushes: 0 }
    }

    /// The answer to this token, and how old it is.
    pub(super) fn hit(&mut self, token: &str, now: Duration) -> Option<(Value, Duration)> {
        self.expire(now);
        let entry = self.entries.get_mut(key(token).as_slice())?;
        entry.hits = entry.hits.saturating_add(1);
        Some((entry.answer.clone(), now.saturating_sub(entry.since)))
    }

    /// How often everything was forgotten.
    pub(super) fn flushes(&self) -> u64 {
        self.flushes
    }

    /// Keeps an answer, unless everything was forgotten since it was asked for. An error is never one.
    pub(super) fn keep(&mut self, token: &str, answer: &Value, first: String, now: Duration, flushes: u64) {
        if self.lasts.is_zero() || self.flushes != flushes {
            return;
        }
        if self.entries.len() >= MAX_ENTRIES {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.since).map(|(key, _)| key.clone());
            oldest.map(|key| self.entries.remove(&key));
        }
        self.entries.insert(key(token), Entry { answer: answer.clone(), since: now, first, hits: 0 });
    }

    /// Forgets everything, as "flush authorizer cache" does.
    pub(super) fn flush(&mut self) {
        self.entries.clear();
        self.flushes = self.flushes.wrapping_add(1);
    }

    /// What is kept, newest first.
    pub(super) fn list(&mut self, now: Duration) -> Value {
        self.expire(now);
        let mut all: Vec<(&Vec<u8>, &Entry)> = self.entries.iter().collect();
        all.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.since));
        let listed = all.into_iter().map(|(key, entry)| {
            let age = now.saturating_sub(entry.since);
            let name: String = key.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
            json!({
                "token": name,
                "principal": entry.answer.get("principalId"),
                "first": entry.first,
                "hits": entry.hits,
                "age": age.as_secs(),
                "left": self.lasts.saturating_sub(age).as_secs(),
            })
        });
        listed.collect()
    }

    fn expire(&mut self, now: Duration) {
        let lasts = self.lasts;
        self.entries.retain(|_, entry| now.saturating_sub(entry.since) < lasts);
    }
}

fn key(token: &str) -> Vec<u8> {
    digest(&SHA256, token.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_by_the_whole_header_and_for_as_long_as_it_lasts() {
        let at = Duration::from_secs;
        let mut cache = Cache::new(at(10));
        cache.keep("Bearer a", &json!({ "principalId": "ada" }), "GET /pets".to_owned(), at(100), 0);
        assert_eq!(cache.hit("Bearer a", at(103)), Some((json!({ "principalId": "ada" }), at(3))));
        assert_eq!(cache.hit("bearer a", at(103)), None);
        let listed = cache.list(at(104));
        assert_eq!(listed.pointer("/0/hits"), Some(&json!(1)));
        assert_eq!(listed.pointer("/0/left"), Some(&json!(6)));
        assert!(!listed.to_string().contains("Bearer"));
        assert_eq!(cache.hit("Bearer a", at(110)), None);
    }

    #[test]
    fn a_cache_of_zero_seconds_keeps_nothing_and_a_full_one_drops_its_oldest() {
        let mut off = Cache::new(Duration::ZERO);
        off.keep("a", &json!({}), String::new(), Duration::ZERO, 0);
        assert_eq!(off.hit("a", Duration::ZERO), None);
        let mut full = Cache::new(Duration::from_secs(3600));
        for number in 0..=1000 {
            full.keep(&number.to_string(), &json!({}), String::new(), Duration::from_millis(number), 0);
        }
        assert_eq!(full.entries.len(), MAX_ENTRIES);
        assert_eq!(full.hit("0", Duration::from_secs(2)), None);
        assert!(full.hit("1", Duration::from_secs(2)).is_some());
        full.flush();
        assert_eq!(full.hit("1", Duration::from_secs(2)), None);
        full.keep("late", &json!({}), String::new(), Duration::from_secs(2), 0);
        assert_eq!(full.hit("late", Duration::from_secs(2)), None, "asked for before the flush");
    }
}
