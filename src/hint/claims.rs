//! Dates, audiences and other claims that are not accepted.

use serde_json::Value;

use super::elsewhere::texts;
use super::list::Hint;
use super::refused::Refused;
use super::similarity::{Difference, difference};
use super::values::Cause;
use super::{kinds, values};
use crate::claims::{ClaimName, is_identifier};
use crate::error::Error;
use crate::time::NumericDate;

/// How far off a clock may be to be taken for one that is not set right, in seconds: those that are not synchronized at all
/// drift further, and are found otherwise.
const CLOCK_SKEW: u32 = 300;
/// From here on a date is in milliseconds: as seconds it lies in the year 5138.
const MILLISECONDS: f64 = 1e11;
const DATES: [&str; 3] = ["exp", "nbf", "iat"];

/// Dates that are just off, or off by a factor of a thousand.
pub(super) fn dates(error: Error, claims: &Value, refused: &Refused<'_>) -> Option<Hint> {
    let date = |name: &str| claims.get(name).and_then(Value::as_f64);
    if DATES.into_iter().filter_map(date).any(|date| date > MILLISECONDS) {
        return Some(Hint::DatesInMilliseconds);
    }
    let rules = refused.rules?;
    let near = |date: f64, limit: u32| NumericDate(date).plus(rules.leeway).plus(limit) > refused.now;
    let close = match error {
        Error::Expired => near(date("exp")?, CLOCK_SKEW),
        Error::TooOld => near(date("iat")?, rules.max_age?.saturating_add(CLOCK_SKEW)),
        _ => {
            let latest = refused.now.plus(rules.leeway).plus(CLOCK_SKEW);
            ["nbf", "iat"].into_iter().filter_map(date).all(|date| NumericDate(date) <= latest)
        }
    };
    close.then_some(Hint::ClockSkew)
}

/// An audience that is not ours.
pub(super) fn audience(claims: &Value, refused: &Refused<'_>) -> Option<Hint> {
    let rules = refused.rules?;
    if let Some(kind) = kinds::unwanted_id_token(claims, refused) {
        return Some(kind);
    }
    let ours = rules.audience.as_deref().unwrap_or_default();
    let texts = |claim: &Value| -> Vec<String> { texts(claim).map(str::to_owned).collect() };
    let found = rules.audience_claim.iter().find_map(|name| name.of(claims));
    let theirs = found.map(texts);
    let differs = || {
        let pairs = theirs.iter().flatten().flat_map(|theirs| ours.iter().map(move |ours| (ours, theirs)));
        pairs.into_iter().find_map(|(ours, theirs)| difference(ours, theirs))
    };
    if let Some(difference) = differs() {
        return Some(match difference {
            Difference::WhiteSpace => Hint::AudienceDiffersByWhiteSpace,
            Difference::Quotes => Hint::AudienceHasQuotes,
            Difference::TrailingSlash => Hint::AudienceDiffersByTrailingSlash,
            Difference::Case => Hint::AudienceDiffersByCase,
            Difference::Scheme => Hint::AudienceDiffersByScheme,
            Difference::Letters => Hint::AudienceMisspelt,
        });
    }
    let elsewhere =
        ["aud", "client_id", "azp", "cid", "appid"].iter().filter_map(|name| claims.get(name)).flat_map(texts);
    if elsewhere.into_iter().any(|text| ours.contains(&text)) {
        return Some(Hint::AudienceInAnotherClaim);
    }
    match found {
        None | Some(Value::Null) => return Some(Hint::AudienceClaimAbsent),
        Some(Value::String(text)) if text.is_empty() => return Some(Hint::AudienceClaimAbsent),
        Some(Value::Array(items)) if items.is_empty() => return Some(Hint::AudienceClaimAbsent),
        Some(_) => {}
    }
    (theirs? == ["account"]).then_some(Hint::AudienceIsAccount)
}

/// A claim that is not there, or not accepted.
pub(super) fn claim(claims: &Value, refused: &Refused<'_>) -> Option<Cause> {
    if DATES.iter().any(|name| claims.get(name).is_some_and(Value::is_string)) {
        return Some(Hint::DatesAreTexts.into());
    }
    // Without it nobody has looked further.
    if claims.get("exp").is_none() && !refused.is_opaque {
        return Some(Hint::ExpiryAbsent.into());
    }
    if DATES.iter().any(|name| claims.get(name).is_some_and(|date| !date.is_number())) {
        return None;
    }
    let rules = refused.rules?;
    let failing = values::failing(&rules.required, claims);
    if let Some(found) = failing.iter().find_map(|wanted| values::cause(wanted, claims)) {
        return Some(found);
    }
    let kind = kinds::unwanted_id_token(claims, refused).map(Cause::from);
    if !failing.is_empty() {
        // Other claims say nothing about the kind of token.
        return kind.filter(|_| failing.iter().any(kinds::is_of_access_tokens));
    }
    let unfit = |claim: &Value| match claim {
        Value::String(_) => false,
        Value::Array(items) => !items.iter().all(Value::is_string),
        _ => true,
    };
    let scopes = || rules.scope_claims.iter().filter_map(|name| name.of(claims)).any(unfit);
    kind.or_else(|| match scopes() {
        true => Some(Hint::ScopeClaimUnfit.into()),
        false => principal(claims, refused.principal).map(Cause::from),
    })
}

fn principal(claims: &Value, names: &[ClaimName]) -> Option<Hint> {
    match names.iter().find_map(|name| name.of(claims)) {
        None => Some(Hint::PrincipalAbsent),
        Some(claim) => (!is_identifier(claim)).then_some(Hint::PrincipalUnfit),
    }
}
