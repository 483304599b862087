//! What policies say besides the request's own Resource, kept for the next token with the same rights.
//!
//! A policy rests on the table, on the needs that the token meets, on the stage and on the room that is left. The room only
//! decides what fits, so that what was worked out holds for all rooms between two limits: as long as all that had room
//! still has, and all that had none still has none.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::value::{RawValue, to_raw_value};

use super::draft::{Draft, FRAME_BYTES, resource_bytes};
use super::named::Named;
use super::own::Own;
use super::pattern::matches;
use super::resources::Others;

/// Few kinds of tokens make up most of an API's calls, and each takes some KiB.
const MAX_KEPT: usize = 32;

/// What was kept, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<VecDeque<Arc<Kept>>>);

/// What a policy is to be made for.
pub(super) struct Asked {
    /// The needs that the token meets, none of which asks for a text in the path.
    met: Vec<usize>,
    stage: String,
    /// What the request's own Resource leaves of the room.
    free: usize,
}

/// What a policy says besides the request's own Resource.
#[derive(Debug)]
pub(super) struct Kept {
    met: Vec<usize>,
    stage: String,
    limits: Limits,
    pub(super) allow: Others,
    pub(super) deny: Others,
    /// The Denies, but for those that hit no path which the rules allow as it is written here.
    cuts: Vec<String>,
    pub(super) left_out: usize,
}

/// What was asked of the room: the most bytes that fitted, and the fewest that did not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    fitted: usize,
    refused: usize,
}

impl Limits {
    /// Nothing was asked.
    pub(super) const NONE: Self = Self { fitted: 0, refused: usize::MAX };

    /// Whether so many bytes fit.
    pub(super) fn fit(&mut self, bytes: usize, room: usize) -> bool {
        if bytes <= room {
            self.fitted = self.fitted.max(bytes);
            true
        } else {
            self.refused = self.refused.min(bytes);
            false
        }
    }

    /// What was asked by either.
    pub(super) fn and(self, other: Self) -> Self {
        Self { fitted: self.fitted.max(other.fitted), refused: self.refused.min(other.refused) }
    }

    /// The same without these bytes, which were in all that was asked. What never fits still does not.
    fn without(self, bytes: usize) -> Self {
        let refused = match self.refused {
            usize::MAX => usize::MAX,
            refused => refused.saturating_sub(bytes),
        };
        Self { fitted: self.fitted.saturating_sub(bytes), refused }
    }

    fn hold(self, room: usize) -> bool {
        self.fitted <= room && room < self.refused
    }
}

impl Asked {
    /// `None` where a policy rests on more: on texts of the token or of the request.
    pub(super) fn new(
        met: Option<Vec<usize>>,
        stage: &str,
        stage_bytes: usize,
        own: &Own<'_>,
        room: usize,
    ) -> Option<Self> {
        let resource = own.resource.as_ref()?;
        // One that is allowed as it is encoded may speak against a wildcard.
        if own.allowed && resource.contains('%') {
            return None;
        }
        let free = room.checked_sub(resource_bytes(stage_bytes, resource))?;
        (free >= FRAME_BYTES).then_some(())?;
        Some(Self { met: met?, stage: stage.to_owned(), free })
    }
}

impl Memory {
    /// What was worked out for a token with the same rights, if that is right for this request too.
    pub(super) fn recall(&self, asked: &Asked, own: &Own<'_>) -> Option<Arc<Kept>> {
        let fits =
            |kept: &&Arc<Kept>| kept.limits.hold(asked.free) && kept.met == asked.met && kept.stage == asked.stage;
        let kept = Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().find(fits)?);
        let denied = own.allowed && kept.cuts.iter().any(|cut| matches(cut.chars(), own.tail));
        (!denied).then_some(kept)
    }

    /// Keeps a draft. `limits` are those of all drafts that it was chosen from.
    pub(super) fn keep(&self, asked: Asked, draft: &Draft<'_>, limits: Limits, room: usize) -> Option<Arc<Kept>> {
        let Asked { met, stage, free } = asked;
        let write = |named: &[Named<'_>]| -> Option<Others> {
            let write = |named: &Named<'_>| -> Option<Box<RawValue>> { to_raw_value(&named.after(&stage)).ok() };
            Some(Others::Written(named.iter().map(write).collect::<Option<_>>()?))
        };
        let cuts = draft.cuts().iter().map(|cut| cut.after("")).collect();
        let (allow, deny) = (write(&draft.allow)?, write(&draft.denies())?);
        let limits = limits.without(room.checked_sub(free)?);
        let kept = Arc::new(Kept { met, stage, limits, allow, deny, cuts, left_out: draft.left_out });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_KEPT {
            all.pop_front();
        }
        all.push_back(Arc::clone(&kept));
        Some(kept)
    }

    /// How much is kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Hands out what was kept.
    #[cfg(test)]
    pub(super) fn forget(&self) -> VecDeque<Arc<Kept>> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// Takes it back in.
    #[cfg(test)]
    pub(super) fn remember(&self, kept: VecDeque<Arc<Kept>>) {
        *self.0.lock().unwrap() = kept;
    }
}
