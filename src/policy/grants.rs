//! What a token may do, as far as policies depend on it.

use rustc_hash::FxHashMap;

use super::ambiguity_denies::percent_encoded;
use super::automaton::CellId;
use super::conditions::{Bound, ClaimSet, ConditionId};
use super::plan::Plan;
use crate::claims::Verified;
use crate::routes::path_texts;

/// The conditions that a token meets, and its texts that stand in paths.
#[derive(Debug)]
pub(super) struct Grants {
    /// In order.
    pub(super) conditions: Vec<ConditionId>,
    /// By class.
    usable: Vec<bool>,
    /// In the order of the token's claims, each once.
    pub(super) texts: Vec<BoundText>,
    /// How many more there are than an answer has room for.
    pub(super) texts_beyond: usize,
}

/// A text of the token that is compared with path parameters, and is not a literal of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BoundText {
    pub(super) text: String,
    /// As clients encode it, if that is not the same.
    pub(super) encoded: Option<String>,
    /// The claims that have it.
    pub(super) signature: ClaimSet,
}

/// What a text takes of an answer at least: a Resource with the shortest stage.
const LEAST_BYTES: usize = 50;

impl Grants {
    /// Of a token whose answer has so many bytes.
    pub(super) fn of(plan: &Plan, token: &Verified, room: usize) -> Self {
        let conditions = plan.conditions.met(token);
        let opens_texts = |condition: &ConditionId| plan.opens_texts.get(*condition).is_none_or(|opens| *opens);
        let (texts, beyond) = match conditions.iter().any(opens_texts) {
            true => texts(plan, token, room.checked_div(LEAST_BYTES).unwrap_or(0)),
            false => (Vec::new(), 0),
        };
        Self { texts_beyond: beyond, ..Self::new(plan, conditions, texts) }
    }

    /// Of a token that may do everything, with one text for each claim that a path is compared with.
    pub(super) fn everything(plan: &Plan) -> Self {
        let text = |(number, bound): (usize, &Bound)| {
            let text = format!("claim-{number}-of-the-token");
            BoundText { encoded: None, text, signature: bound.claim }
        };
        let texts = plan.conditions.bound.iter().enumerate().map(text).collect();
        Self::new(plan, (0..plan.conditions.len()).collect(), texts)
    }

    fn new(plan: &Plan, conditions: Vec<ConditionId>, texts: Vec<BoundText>) -> Self {
        let mut usable = vec![false; plan.classes.len()];
        for class in conditions.iter().filter_map(|condition| plan.classes_of.get(*condition)).flatten() {
            if let Some(usable) = usable.get_mut(*class) {
                *usable = true;
            }
        }
        Self { conditions, usable, texts, texts_beyond: 0 }
    }

    /// Whether the token may use the paths of a cell.
    pub(super) fn allow(&self, plan: &Plan, cell: CellId) -> bool {
        plan.class_of.get(cell).and_then(|class| self.usable.get(*class)).is_some_and(|usable| *usable)
    }
}

/// The token's texts that stand in paths, each with all claims that have it: two claims with one text are one. And how many
/// more there are.
fn texts(plan: &Plan, token: &Verified, most: usize) -> (Vec<BoundText>, usize) {
    let mut texts: Vec<BoundText> = Vec::new();
    let mut places: FxHashMap<&str, usize> = FxHashMap::default();
    let mut beyond = 0_usize;
    for bound in &plan.conditions.bound {
        for text in bound.name.of(token.claims()).into_iter().flat_map(path_texts) {
            let is_full = texts.len() >= most;
            beyond = beyond.saturating_add(usize::from(is_full));
            if let Some(known) = places.get(text).and_then(|place| texts.get_mut(*place)) {
                known.signature |= bound.claim;
            } else if !is_full && is_segment(plan, text) {
                places.insert(text, texts.len());
                let encoded = percent_encoded(text);
                let encoded = (encoded != text).then_some(encoded);
                texts.push(BoundText { text: text.to_owned(), encoded, signature: bound.claim });
            }
        }
    }
    (texts, beyond)
}

/// Whether a text is one segment that can be read in one way only, and no literal of the table, with which it would take
/// other routes.
fn is_segment(plan: &Plan, text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.contains(['\\', ';']) && plan.literals.number(text).is_none()
}
