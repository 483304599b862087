//! What a token alone decides about all needs of a table.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::standing::{Completeness, Standing};
use crate::claims::Verified;
use crate::routes::Need;

/// The needs of a table by what a token must have to meet them at all, so that a decision looks at no more of them than the
/// token has scopes for.
#[derive(Debug, Default)]
pub(super) struct NeedIndex {
    /// By a scope that one of their entries asks for. Hashed fast, for nobody but the configuration adds to it.
    by_scope: FxHashMap<Arc<str>, Vec<Asking>>,
    /// Those that may be met without any scope.
    without_scopes: Vec<Asking>,
}

/// A need that asks for a scope, in the order of the needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Asking {
    need: usize,
    asks: Asks,
}

/// For what else a need asks, so that most needs are met without being looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asks {
    Nothing,
    More,
}

impl NeedIndex {
    pub(super) fn new(needs: &[Arc<Need>]) -> Self {
        let mut index = Self::default();
        index.by_scope.reserve(needs.len());
        for (number, need) in needs.iter().enumerate() {
            if need.any_of.is_empty() {
                index.without_scopes.push(Asking { need: number, asks: Asks::Nothing });
            }
            for alternative in &need.any_of {
                let asking = |scopes: usize| {
                    let alone = scopes <= 1 && alternative.claims.is_empty();
                    Asking { need: number, asks: if alone { Asks::Nothing } else { Asks::More } }
                };
                if alternative.scopes.is_empty() {
                    index.without_scopes.push(asking(0));
                }
                for entry in &alternative.scopes {
                    match entry.first() {
                        Some(scope) => index.by_scope.entry(Arc::clone(scope)).or_default().push(asking(entry.len())),
                        None => index.without_scopes.push(asking(0)),
                    }
                }
            }
        }
        index
    }

    /// The needs that this token may meet, in order.
    fn worth_a_look(&self, token: &Verified) -> Vec<Asking> {
        let by_scope = token.scopes().iter().filter_map(|scope| self.by_scope.get(scope.as_str())).flatten();
        // Most scopes are asked for by one need, a few by more.
        let mut asking: Vec<Asking> = Vec::with_capacity(token.scopes().len().saturating_mul(2));
        asking.extend(by_scope.chain(&self.without_scopes));
        // Of each need what asks for least comes first, and stays.
        asking.sort_unstable();
        asking.dedup_by_key(|asking| asking.need);
        asking
    }
}

/// How a token stands to the needs that it meets, at least on some path, in their order.
#[derive(Debug)]
pub(super) struct Standings<'a>(Vec<(usize, Standing<'a>)>);

impl<'a> Standings<'a> {
    pub(super) fn of(needs: &[Arc<Need>], index: &NeedIndex, token: &'a Verified) -> Self {
        let standings = index.worth_a_look(token).into_iter().filter_map(|Asking { need, asks }| match asks {
            Asks::Nothing => Some((need, Standing::Met)),
            Asks::More => Some((need, Standing::of(needs.get(need)?, token))),
        });
        Self(standings.filter(|(_, standing)| !matches!(standing, Standing::Unmet)).collect())
    }

    /// Of a token that meets them all.
    pub(super) fn all(needs: &[Arc<Need>]) -> Self {
        Self((0..needs.len()).map(|number| (number, Standing::Met)).collect())
    }

    pub(super) fn get(&self, need: usize) -> &Standing<'a> {
        let place = self.0.binary_search_by_key(&need, |(number, _)| *number);
        place.ok().and_then(|place| self.0.get(place)).map_or(&Standing::Unmet, |(_, standing)| standing)
    }

    /// The needs that are met, on all paths or on some.
    pub(super) fn needs(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|(number, _)| *number)
    }

    /// The same, if none of them asks for a text in the path: then they say all there is to say of the token.
    pub(super) fn unbound(&self) -> Option<Vec<usize>> {
        let unbound = |(number, standing): &(usize, Standing<'_>)| matches!(standing, Standing::Met).then_some(*number);
        self.0.iter().map(unbound).collect()
    }

    /// How many needs there are with more bindings than were looked at.
    pub(super) fn cut(&self) -> usize {
        self.0.iter().filter(|(_, standing)| matches!(standing, Standing::Bound(_, Completeness::Cut))).count()
    }
}
