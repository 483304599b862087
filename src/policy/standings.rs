//! What a token alone decides about all needs of a table.

use std::sync::Arc;

use super::standing::{Completeness, Standing};
use crate::claims::Verified;
use crate::routes::Need;

/// The needs of a table by what a token must have to meet them at all, so that a decision looks at no more of them than the
/// token has scopes for.
#[derive(Debug)]
pub(super) struct NeedIndex {
    /// One of the scopes of each of their entries and the need that asks for it, in order.
    by_scope: Vec<(Arc<str>, usize)>,
    /// Those that may be met without any scope.
    without_scopes: Vec<usize>,
}

impl NeedIndex {
    pub(super) fn new(needs: &[Arc<Need>]) -> Self {
        let mut index = Self { by_scope: Vec::new(), without_scopes: Vec::new() };
        for (number, need) in needs.iter().enumerate() {
            if need.any_of.is_empty() {
                index.without_scopes.push(number);
            }
            for alternative in &need.any_of {
                if alternative.scopes.is_empty() {
                    index.without_scopes.push(number);
                }
                for entry in &alternative.scopes {
                    match entry.first() {
                        Some(scope) => index.by_scope.push((Arc::clone(scope), number)),
                        None => index.without_scopes.push(number),
                    }
                }
            }
        }
        index.by_scope.sort_unstable();
        index
    }

    /// The needs that ask for a scope.
    fn asking_for(&self, scope: &str) -> impl Iterator<Item = usize> {
        let from = self.by_scope.partition_point(|(asked, _)| **asked < *scope);
        let asking = self.by_scope.iter().skip(from).take_while(move |(asked, _)| **asked == *scope);
        asking.map(|(_, need)| *need)
    }

    /// The needs that this token may meet, in order.
    fn worth_a_look(&self, token: &Verified) -> Vec<usize> {
        let by_scope = token.scopes().iter().flat_map(|scope| self.asking_for(scope));
        let mut needs: Vec<usize> = by_scope.chain(self.without_scopes.iter().copied()).collect();
        needs.sort_unstable();
        needs.dedup();
        needs
    }
}

/// How a token stands to the needs that it meets, at least on some path, in their order.
#[derive(Debug)]
pub(super) struct Standings<'a>(Vec<(usize, Standing<'a>)>);

impl<'a> Standings<'a> {
    pub(super) fn of(needs: &[Arc<Need>], index: &NeedIndex, token: &'a Verified) -> Self {
        let looked_at = index.worth_a_look(token).into_iter();
        let standings = looked_at.filter_map(|number| Some((number, Standing::of(needs.get(number)?, token))));
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
