//! Answers to tokens with the same grants, kept for the next one.
//!
//! What the builder makes is a function of the key, so the cache only saves time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::value::{RawValue, to_raw_value};

use super::builder::{Draft, Paths};
use super::conditions::{ClaimSet, ConditionId};
use super::glob::matches;
use super::grants::Grants;

/// Few kinds of tokens make up most of an API's calls, and each takes some KiB.
const MAX_KEPT: usize = 32;

/// All that an answer depends on but the request's own Resource.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Key {
    conditions: Vec<ConditionId>,
    texts: Vec<(String, ClaimSet)>,
    texts_beyond: usize,
    stage: String,
    room: usize,
    paths: Paths,
}

impl Key {
    pub(super) fn new(grants: &Grants, stage: &str, room: usize, paths: Paths) -> Self {
        Self {
            conditions: grants.conditions.clone(),
            texts: grants.texts.iter().map(|text| (text.text.clone(), text.signature)).collect(),
            texts_beyond: grants.texts_beyond,
            stage: stage.to_owned(),
            room,
            paths,
        }
    }
}

/// The Resources of an answer besides the request's own, in JSON and after the stage.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) allow: Arc<[Box<RawValue>]>,
    pub(super) deny: Arc<[Box<RawValue>]>,
    pub(super) draft: Draft,
}

impl Kept {
    /// `None` if a Resource cannot be written.
    pub(super) fn new(draft: Draft, stage: &str) -> Option<Self> {
        let write = |tail: &String| to_raw_value(&[stage, tail].concat()).ok();
        Some(Self {
            allow: draft.allow.iter().map(write).collect::<Option<_>>()?,
            deny: draft.deny.iter().chain(&draft.ambiguity_denies).map(write).collect::<Option<_>>()?,
            draft,
        })
    }

    /// Whether a Deny of a route refuses a request, `METHOD/path`.
    pub(super) fn denies(&self, request: &str) -> bool {
        self.draft.deny.iter().any(|deny| matches(deny, request))
    }

    /// Whether a Deny for ambiguous paths does.
    pub(super) fn is_ambiguous(&self, request: &str) -> bool {
        self.draft.ambiguity_denies.iter().any(|deny| matches(deny, request))
    }

    /// Whether the answer lets a request pass that is not named in it.
    pub(super) fn allows(&self, request: &str) -> bool {
        self.draft.allow.iter().any(|allow| matches(allow, request))
            && !self.denies(request)
            && !self.is_ambiguous(request)
    }
}

/// The answers that were used last, the latest first.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<VecDeque<(Key, Arc<Kept>)>>);

impl Cache {
    /// What is kept for a key, or what is made for it.
    pub(super) fn get_or(&self, key: Key, make: impl FnOnce() -> Option<Kept>) -> Option<Arc<Kept>> {
        if let Some(known) = self.recall(&key) {
            return Some(known);
        }
        let made = Arc::new(make()?);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.truncate(MAX_KEPT.saturating_sub(1));
        all.push_front((key, Arc::clone(&made)));
        Some(made)
    }

    fn recall(&self, key: &Key) -> Option<Arc<Kept>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = all.iter().position(|(known, _)| known == key)?;
        let found = all.remove(place)?;
        let kept = Arc::clone(&found.1);
        all.push_front(found);
        Some(kept)
    }

    /// How many answers are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}
