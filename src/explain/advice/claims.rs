//! Claims that are not what the issuer's entry asks for.

use serde_json::Value;

use crate::claims::{Accepted, Check, ClaimName, ClaimRules, Forwarding, Genuine, is_identifier};
use crate::error::Error;
use crate::explain::words::{self, or_absent, printable, quoted, text};
use crate::issuer::Issuer;
use crate::tenant::TENANT_CLAIM;
use crate::time::NumericDate;

/// A claim that is not what the issuer's entry asks for.
pub(crate) fn check(
    check: Check,
    error: Error,
    token: &Genuine,
    issuer: &Issuer,
    entry: &str,
    forwarding: &Forwarding,
    now: NumericDate,
) -> String {
    let (claims, rules) = (token.claims(), &issuer.claims);
    match check {
        Check::Issuer => format!(
            "Set `{entry}.issuer` to the `iss` that the endpoint says, {}, if that is the issuer of these tokens.",
            or_absent(claims.get("iss"))
        ),
        Check::Dates => dates(error, claims, rules, entry, now),
        Check::Audience => audience(claims, rules, entry),
        Check::Type => {
            let (typ, allowed) = (token.typ().map_or_else(|| "absent".to_owned(), quoted), &rules.typ);
            let allowed = allowed.as_ref().map_or_else(|| "JWT or at+jwt".to_owned(), |typ| typ.join(" or "));
            format!(
                "Send an access token: the header `typ` of this one is {typ}, and `{entry}` takes {}. If such tokens should pass, name it in \
                 `{entry}.typ`.",
                printable(&allowed)
            )
        }
        Check::Binding if claims.get("cnf").is_none() => {
            "Have the issuer issue bearer tokens for this client: the `token_type` of this one is another (DPoP), whose proof is not checked here."
                .to_owned()
        }
        Check::Binding => {
            "Have the issuer issue bearer tokens for this client: `cnf` binds this one to a key (DPoP or mutual TLS), and who holds that key \
             is not checked here."
                .to_owned()
        }
        Check::Required => required(claims, rules, entry),
        Check::Scopes => format!(
            "Name other claims in `{entry}.scope_claims`, or have the issuer write them as texts or lists of texts."
        ),
        Check::Identity => identity(claims, forwarding),
    }
}

fn dates(error: Error, claims: &Value, rules: &ClaimRules, entry: &str, now: NumericDate) -> String {
    let date = |name: &str| claims.get(name).and_then(Value::as_f64);
    match error {
        Error::Expired => format!(
            "Have the client fetch a new token: this one ended {} ago. To explain what was decided before, give that time with --at.",
            span(date("exp").map_or(0.0, |exp| now.0 - exp))
        ),
        Error::NotYetValid => {
            let begin = ["nbf", "iat"].into_iter().filter_map(date).fold(0.0, f64::max);
            format!(
                "Set the clock of the issuer, or wait: this token begins in {}. At most 300 s of difference can be allowed, by \
                 `{entry}.leeway_seconds`.",
                span(begin - now.0)
            )
        }
        Error::TooOld => format!(
            "Have the client fetch a new token: this one was issued {} ago, and `{entry}.max_token_age_seconds` is {}.",
            span(date("iat").map_or(0.0, |iat| now.0 - iat)),
            rules.max_age.unwrap_or_default()
        ),
        Error::MissingClaim if date("exp").is_some() => format!(
            "Have the issuer write `iat` into its tokens: `{entry}.max_token_age_seconds` is counted from it. Or remove that."
        ),
        _ => "Have the issuer write `exp`, and `nbf` and `iat` if it has them, as numbers of seconds.".to_owned(),
    }
}

fn audience(claims: &Value, rules: &ClaimRules, entry: &str) -> String {
    let ours = rules.audience.iter().flatten().map(|ours| quoted(ours)).collect::<Vec<_>>().join(" or ");
    let found = rules.audience_claim.iter().find_map(|name| Some((name, name.of(claims)?)));
    let Some((name, theirs)) = found else {
        return format!(
            "Have the client ask for a token for {ours}: this one has no {}.",
            words::names(&rules.audience_claim)
        );
    };
    let name = printable(name.as_str());
    match theirs {
        Value::String(_) | Value::Array(_) => format!(
            "Have the client ask for a token for {ours}: the `{name}` of this one is {}. If that names this API, too, add it to `{entry}.audience`.",
            text(theirs)
        ),
        _ => format!(
            "Have the issuer write `{name}`, the audience, as a text or a list of texts: it is {}.",
            text(theirs)
        ),
    }
}

fn required(claims: &Value, rules: &ClaimRules, entry: &str) -> String {
    let names_another = |name: &&ClaimName| name.present(claims) != claims.get(TENANT_CLAIM);
    if let Some(name) = rules.tenant_claim.as_ref().filter(names_another) {
        return format!(
            "Have the issuer write the tenant that its `iss` names into `{}`, as a text: `{entry}.tenant_claim` compares them. If its tokens \
             name the tenant elsewhere, write that claim's name there.",
            printable(name.as_str())
        );
    }
    let fits = |accepted: &[Accepted], claim: Option<&Value>| accepted.iter().any(|accepted| accepted.fits(claim));
    let failing = rules.required.iter().find(|(name, accepted)| !fits(accepted, name.of(claims)));
    let Some((name, accepted)) = failing else {
        return format!("Compare the token's claims with `{entry}.required_claims`.");
    };
    let wanted = accepted.iter().map(words::operator).collect::<Vec<_>>().join(" or ");
    let printed = printable(name.as_str());
    match name.present(claims) {
        None => format!(
            "Have the issuer write `{printed}` into its tokens: this one has none, and `{entry}.required_claims` needs it to be {wanted}. \
             If it is called otherwise, write that name there."
        ),
        Some(claim) => {
            let only_values = accepted.iter().all(|accepted| matches!(accepted, Accepted::Value(_)));
            let cure = if only_values { "add that to" } else { "change" };
            format!(
                "Send a token whose `{printed}` is {wanted}: this one's is {}. If such tokens should pass, {cure} `{entry}.required_claims`.",
                text(claim)
            )
        }
    }
}

fn identity(claims: &Value, forwarding: &Forwarding) -> String {
    let unfit =
        forwarding.usage_identifier_key.as_ref().and_then(|name| name.of(claims)).filter(|key| !is_identifier(key));
    let field = if unfit.is_some() { "usage_identifier_key" } else { "principal" };
    format!("Set `{field}` to a claim that is a text of 1 to 256 bytes without control characters.")
}

/// A time in words, rounded down.
fn span(seconds: f64) -> String {
    let units = [(86_400.0, "days"), (3_600.0, "hours"), (60.0, "minutes")];
    // Two of a unit at least: one day is told in hours.
    let unit = units.into_iter().find(|(length, _)| seconds >= 2.0 * length);
    let (length, unit) = unit.unwrap_or((1.0, "seconds"));
    format!("{} {unit}", (seconds / length).floor().max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_the_largest_unit_of_which_it_has_two() {
        let cases = [
            (0.5, "0 seconds"),
            (119.0, "119 seconds"),
            (120.0, "2 minutes"),
            (7_300.0, "2 hours"),
            (172_800.0, "2 days"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(span(seconds), expected);
        }
    }
}
