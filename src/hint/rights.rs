//! Rights of a token that are there, and not where or as they are looked for.

use serde_json::Value;

use super::elsewhere::{self, How, Place, escaped, texts};
use super::kinds;
use super::list::Hint;
use super::refused::Refused;
use super::similarity::misspelt;
use super::values::Cause;
use crate::claims::ClaimName;
use crate::routes::Need;

/// Claims in which providers list rights.
const USUAL: [&str; 9] =
    ["scope", "scp", "scopes", "permissions", "perms", "roles", "groups", "cognito:groups", "org_permissions"];

/// How a scope of a token may be meant for one that is needed, the likeliest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    Case,
    Prefix,
    Letters,
    Commas,
}

impl Likeness {
    fn of(granted: &str, needed: &str) -> Option<Self> {
        fn last(scope: &str) -> &str {
            scope.rsplit_once('/').map_or(scope, |(_, last)| last)
        }
        // Of most pairs already this tells that they are not alike.
        let same_end = || granted.bytes().next_back() == needed.bytes().next_back();
        if granted == needed {
            None
        } else if granted.eq_ignore_ascii_case(needed) {
            Some(Self::Case)
        } else if same_end() && (last(granted) == last(needed) || is_prefixed(granted, needed)) {
            Some(Self::Prefix)
        } else if misspelt(needed, granted) {
            Some(Self::Letters)
        } else {
            let among = granted.contains(',') && granted.split(',').any(|part| part.trim() == needed);
            among.then_some(Self::Commas)
        }
    }
}

/// Whether a text ends in a right after a separator: `ROLE_admin`, `api:admin`.
fn is_prefixed(text: &str, needed: &str) -> bool {
    let before = text.strip_suffix(needed).and_then(|before| before.chars().next_back());
    before.is_some_and(|last| matches!(last, '_' | ':' | '/' | '.' | '-' | '|' | '#'))
}

/// Scopes that are there, and not where or as they are looked for.
pub(super) fn scope(claims: &Value, refused: &Refused<'_>) -> Option<Cause> {
    let (rules, need) = (refused.rules?, refused.need?);
    // What `scope_map` turns into a scope that is needed is as good.
    let wanted: Vec<&str> =
        needed(need).flat_map(|scope| std::iter::once(scope).chain(rules.scope_map.granting(scope))).collect();
    let configured = || rules.scope_claims.iter().filter_map(|name| name.of(claims));
    let granted = configured().flat_map(texts).flat_map(|text| text.split(' '));
    let likeness =
        granted.flat_map(|granted| wanted.iter().filter_map(move |wanted| Likeness::of(granted, wanted))).min();
    if let Some(likeness) = likeness {
        let hint = match likeness {
            Likeness::Case => Hint::ScopeDiffersByCase,
            Likeness::Prefix => Hint::ScopeDiffersByPrefix,
            Likeness::Letters => Hint::ScopeMisspelt,
            Likeness::Commas => Hint::ScopesSeparatedByCommas,
        };
        return Some(hint.into());
    }
    let known: Vec<String> = rules.scope_claims.iter().map(as_pointer).collect();
    let fits = |text: &str| {
        let how = wanted.iter().filter_map(|wanted| {
            if text == *wanted {
                Some(How::Whole)
            } else if text.eq_ignore_ascii_case(wanted) {
                Some(How::Case)
            } else {
                is_prefixed(text, wanted).then_some(How::Prefixed)
            }
        });
        how.min()
    };
    if let Some(place) = elsewhere::right(claims, &known, &fits) {
        let hint = if place.how == How::Member { Hint::ScopeIsAMember } else { Hint::ScopesInAnotherClaim };
        return Some(Cause { hint, place: Some(place) });
    }
    let none = configured().next().is_none();
    if none && let Some(kind) = kinds::unwanted_id_token(claims, refused) {
        return Some(kind.into());
    }
    // No right that is needed, but a list of rights where none is configured.
    let listed = |name: &&&str| claims.get(**name).is_some_and(|claim| texts(claim).any(|text| !text.is_empty()));
    let usual = USUAL.iter().filter(|_| none).find(listed).map(|name| format!("/{}", escaped(name)));
    let pointer = usual.filter(|pointer| !known.contains(pointer))?;
    Some(Cause { hint: Hint::ScopesInAnotherClaim, place: Some(Place { how: How::Whole, pointer }) })
}

/// The scopes of all alternatives.
fn needed(need: &Need) -> impl Iterator<Item = &str> {
    need.any_of.iter().flat_map(|alternative| alternative.scopes.iter().flatten()).map(|scope| &**scope)
}

fn as_pointer(name: &ClaimName) -> String {
    match name {
        ClaimName::Member(name) => format!("/{}", escaped(name)),
        ClaimName::Pointer(pointer) => pointer.clone(),
        ClaimName::Everything => String::new(),
    }
}
