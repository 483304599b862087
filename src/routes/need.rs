//! The scopes and claims that a route needs of a token.

use std::sync::Arc;

use crate::claims::{Accepted, ClaimName, Verified};
use crate::error::Error;

/// What a route needs: one of the alternatives, or nothing if there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Need {
    pub(crate) any_of: Vec<Alternative>,
}

/// One way to meet a need: any one entry of `scopes`, if there are any, and every claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Alternative {
    /// Any one entry is enough; an entry needs all of its scopes.
    pub(crate) scopes: Vec<Vec<Arc<str>>>,
    pub(crate) claims: Vec<ClaimNeed>,
}

/// A claim and the values it may have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ClaimNeed {
    pub(crate) claim: ClaimName,
    pub(crate) values: Vec<ClaimValue>,
}

/// A value that a claim may have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ClaimValue {
    /// A fixed value, or an operator.
    Fixed(Accepted),
    /// The text of the path at this segment; `last` for `{name+}`.
    Parameter { position: usize, last: bool },
}

impl Need {
    /// The need to meet both.
    pub(crate) fn and(&self, other: &Self) -> Self {
        match (self.any_of.is_empty(), other.any_of.is_empty()) {
            (true, _) => other.clone(),
            (_, true) => self.clone(),
            _ => {
                let ways = self.any_of.iter().flat_map(|own| other.any_of.iter().map(move |other| own.and(other)));
                Self { any_of: ways.collect() }
            }
        }
    }

    /// Checks a token; `holds` tells whether the path has a text at a segment.
    ///
    /// # Errors
    /// [`Error::InsufficientScope`] if no alternative has its scopes, else [`Error::ClaimMismatch`] if none has its claims.
    pub(crate) fn check(&self, token: &Verified, holds: impl Fn(usize, bool, &str) -> bool) -> Result<(), Error> {
        let mut refusal = Error::InsufficientScope;
        for alternative in &self.any_of {
            if alternative.scopes_met(token) {
                if alternative.claims.iter().all(|need| need.is_met(token, &holds)) {
                    return Ok(());
                }
                refusal = Error::ClaimMismatch;
            }
        }
        if self.any_of.is_empty() { Ok(()) } else { Err(refusal) }
    }
}

impl Alternative {
    fn and(&self, other: &Self) -> Self {
        let scopes = match (self.scopes.is_empty(), other.scopes.is_empty()) {
            (true, _) => other.scopes.clone(),
            (_, true) => self.scopes.clone(),
            _ => self
                .scopes
                .iter()
                .flat_map(|own| other.scopes.iter().map(|other| [own.as_slice(), other.as_slice()].concat()))
                .collect(),
        };
        Self { scopes, claims: self.claims.iter().chain(&other.claims).cloned().collect() }
    }

    /// Whether the token has all the scopes of one entry.
    pub(crate) fn scopes_met(&self, token: &Verified) -> bool {
        self.scopes.is_empty() || self.scopes.iter().any(|entry| entry.iter().all(|scope| token.has_scope(scope)))
    }
}

impl ClaimNeed {
    /// Whether the claim is compared with a path parameter.
    pub(crate) fn is_bound(&self) -> bool {
        self.values.iter().any(|value| matches!(value, ClaimValue::Parameter { .. }))
    }

    /// The positions of the segments that the claim is compared with.
    pub(crate) fn positions(&self) -> impl Iterator<Item = usize> {
        self.values.iter().filter_map(|value| match value {
            ClaimValue::Parameter { position, .. } => Some(*position),
            ClaimValue::Fixed(_) => None,
        })
    }

    /// Whether the token's claim is one of the values; `holds` tells whether the path has a text at a segment.
    pub(crate) fn is_met(&self, token: &Verified, holds: &impl Fn(usize, bool, &str) -> bool) -> bool {
        let claim = self.claim.present(token.claims());
        self.values.iter().any(|value| match value {
            ClaimValue::Fixed(accepted) => accepted.fits(claim),
            ClaimValue::Parameter { position, last } => {
                claim.is_some_and(|claim| path_texts(claim).any(|text| holds(*position, *last, text)))
            }
        })
    }
}

/// The segment at a position of a path without its first slash, with all that follows if it is the `last`.
pub(crate) fn segment(path: &str, position: usize, last: bool) -> Option<&str> {
    match last {
        true => path.splitn(position.saturating_add(1), '/').nth(position),
        false => path.split('/').nth(position),
    }
}

/// The strings of a claim that a path segment may equal. A string with a character that has a meaning in paths or policies
/// never does.
pub(crate) fn path_texts(claim: &serde_json::Value) -> impl Iterator<Item = &str> {
    let items = match claim {
        serde_json::Value::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    let plain = |text: &&str| !text.contains(['/', '*', '?', '$', '%']) && !text.chars().any(char::is_control);
    items.iter().filter_map(serde_json::Value::as_str).filter(plain)
}
