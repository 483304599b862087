//! What to do about a refusal that no hint is for: the values that differ, and where each can be changed.

use serde_json::Value;

use super::segments;
use super::words::{self, printable, text};
use crate::algorithm::Algorithm;
use crate::bearer::BearerToken;
use crate::claims::{Accepted, Check, ClaimRules, Forwarding, Verified, is_identifier};
use crate::error::Error;
use crate::event::MethodArn;
use crate::issuer::Issuer;
use crate::keys::KeySource;
use crate::routes::{ClaimNeed, ClaimValue, Route, path_texts};
use crate::signature::Signed;
use crate::time::NumericDate;
use crate::token::{Issuer as Named, Unverified};

pub(super) const CLOCK: &str =
    "Set this machine's clock: it shows a time before this program was built. Or give the time with --at.";
pub(super) const EVENT: &str =
    "Send the event of a TOKEN authorizer, one JSON object with `type`, `authorizationToken` and `methodArn`.";
pub(super) const NO_TOKEN: &str = "Send `Authorization: Bearer <token>`, in the header that the authorizer's token source names. Here --token gives it.";
pub(super) const NO_CREDENTIALS: &str =
    "Send `Bearer`, a space, and the token as its issuer wrote it: letters, digits, `-`, `_` and two dots.";
pub(super) const NO_POLICY: &str = "Send long values in the query or the body: no policy can name this request. A Resource may have 512 characters, and an \
     answer 8 KiB; `authz check` warns of routes that are left out.";

/// A token that cannot be read.
pub(super) fn header(token: BearerToken<'_>, error: Error) -> String {
    let header = segments::header(token.as_str()).unwrap_or_default();
    if error == Error::UnsupportedAlgorithm {
        let supported: Vec<&str> = Algorithm::WITH_KEYS.iter().map(|alg| alg.name()).collect();
        let alg = header.get("alg").map_or_else(|| "absent".to_owned(), text);
        let supported = supported.join(", ");
        return format!(
            "Have the issuer sign with one of {supported}, or a secret with HS256, HS384 or HS512: this token's `alg` is {alg}."
        );
    }
    if let Some(name) = ["crit", "b64", "enc", "zip", "cty"].iter().find(|name| header.contains_key(**name)) {
        return format!(
            "Have the issuer leave `{name}` out of the token's header: it changes how the rest is read, and no such token is taken."
        );
    }
    let broken = segments::facts(token.as_str()).into_iter().find(|(_, fact)| fact.starts_with("BAD"));
    match broken {
        Some((name, _)) => format!(
            "Send the token as its issuer wrote it: it was changed, cut off or copied wrongly, in its {name}. Look at what stores it and passes it on."
        ),
        None => "Have the issuer write a shorter header, with a `kid` of at most 256 bytes, and `kid`, `typ` and `cty` as texts."
            .to_owned(),
    }
}

/// An `iss` or `alg` that no entry is for.
pub(super) fn issuer(token: &Unverified<'_>, error: Error) -> String {
    match (error, token.iss()) {
        (Error::UnsupportedAlgorithm, _) => {
            format!("Add {} to the issuer's `algorithms`, if it may sign with it.", token.alg().name())
        }
        (_, Named::Named(name)) => format!(
            "Send a token of a configured issuer: the `iss` of this one is \"{}\". If its tokens should pass, add an entry with this \
             `issuer` to `issuers`.",
            printable(name)
        ),
        _ => "Have the issuer write its address into `iss`, as a text.".to_owned(),
    }
}

/// A key that is not there. `there` are the keys that are.
pub(super) fn unknown_key(keys: &KeySource, entry: &str, kid: &str, there: &str) -> String {
    match keys {
        KeySource::Fixed(_) => format!(
            "Renew the key set of `{entry}`, if its issuer has a new key: the token's `kid` is {kid}, and the set has {there}. Else the token is of \
             another environment of this issuer."
        ),
        _ => format!(
            "Fetch a new token: the `kid` of this one is {kid}, and the issuer's set has {there}. If new tokens name it, too, they are of another \
             environment of this issuer, or `{entry}.jwks_uri` is not the address of its keys."
        ),
    }
}

/// Keys that cannot be had.
pub(super) fn no_keys(keys: &KeySource, entry: &str, failure: &str) -> String {
    match keys {
        KeySource::Secrets(_) => format!(
            "Explain with the secret in an environment variable: the one of `{entry}` is read through a Lambda extension, which is not here."
        ),
        _ => format!("{} `authz check --fetch` tries the keys of `{entry}` again.", fetch(failure)),
    }
}

/// A fetch of keys that failed, by the outcome in the log.
pub(super) fn fetch(failure: &str) -> &'static str {
    match failure {
        "timeout" | "connection_failed" => {
            "See that the address can be reached, and that its certificate is trusted (`tls` takes an authority of your own). In Lambda, a \
             function in a VPC needs a NAT gateway for it."
        }
        "not_a_key_set" => "Set `jwks_uri` to the address of a JWK Set: this one has something else.",
        "no_usable_key" => "Compare `algorithms` with the keys of the set: none of them can be used.",
        "not_a_discovery_document" => {
            "Set `jwks_uri`, or correct `issuer`: what lies below it is not a discovery document."
        }
        "discovery_document_of_another_issuer" => {
            "Copy `issuer` from the member `issuer` of the discovery document, byte for byte: they differ."
        }
        "discovered_address_not_allowed" => {
            "Set `jwks_uri` to an address that may be fetched from: the discovery document names one that is not `https`, or is within this \
             machine or its network."
        }
        "status_404" => "Correct the address, which has nothing: an issuer without discovery needs `jwks_uri`.",
        "status_301" | "status_302" | "status_303" | "status_307" | "status_308" => {
            "Set the address that this one redirects to: redirects are not followed."
        }
        _ => "See what the address answers: it should be status 200, and at most 512 KiB.",
    }
}

/// A signature that no key has made.
pub(super) fn signature(keys: &KeySource, entry: &str) -> String {
    match keys {
        KeySource::Secrets(_) => format!(
            "Compare the secret of `{entry}` with the issuer's: it has not signed this token, also not read as base64, as hexadecimal digits or \
             without quotes and white space. Or the token was changed on its way."
        ),
        _ => format!(
            "Send a new token, as its issuer wrote it. If that is refused, too, the keys of `{entry}` are not those of its issuer: the one that \
             the token names has not signed it."
        ),
    }
}

/// A claim that is not what the issuer's entry asks for.
pub(super) fn check(
    check: Check,
    error: Error,
    signed: &Signed,
    issuer: &Issuer,
    entry: &str,
    forwarding: &Forwarding,
    now: NumericDate,
) -> String {
    let (claims, rules) = (signed.claims(), &issuer.claims);
    match check {
        Check::Dates => dates(error, claims, rules, entry, now),
        Check::Audience => audience(claims, rules, entry),
        Check::Type => {
            let (typ, allowed) = (signed.typ().map_or_else(|| "absent".to_owned(), quoted), &rules.typ);
            let allowed = allowed.as_ref().map_or_else(|| "JWT or at+jwt".to_owned(), |typ| typ.join(" or "));
            format!(
                "Send an access token: the header `typ` of this one is {typ}, and `{entry}` takes {}. If such tokens should pass, name it in \
                 `{entry}.typ`.",
                printable(&allowed)
            )
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
    let fits = |accepted: &[Accepted], claim: &Value| accepted.iter().any(|value| value.fits(claim));
    let failing =
        rules.required.iter().find(|(name, accepted)| !name.present(claims).is_some_and(|claim| fits(accepted, claim)));
    let Some((name, accepted)) = failing else {
        return format!("Compare the token's claims with `{entry}.required_claims`.");
    };
    let wanted = accepted.iter().map(|accepted| match accepted {
        Accepted::Value(value) => text(value),
        Accepted::Present => "present".to_owned(),
    });
    let wanted = wanted.collect::<Vec<_>>().join(" or ");
    let printed = printable(name.as_str());
    match name.present(claims) {
        None => format!(
            "Have the issuer write `{printed}` into its tokens: this one has none, and `{entry}.required_claims` needs it to be {wanted}. \
             If it is called otherwise, write that name there."
        ),
        Some(claim) => format!(
            "Send a token whose `{printed}` is {wanted}: this one's is {}. If such tokens should pass, add that to `{entry}.required_claims`.",
            text(claim)
        ),
    }
}

fn identity(claims: &Value, forwarding: &Forwarding) -> String {
    let unfit =
        forwarding.usage_identifier_key.as_ref().and_then(|name| name.of(claims)).filter(|key| !is_identifier(key));
    let field = if unfit.is_some() { "usage_identifier_key" } else { "principal" };
    format!("Set `{field}` to a claim that is a text of 1 to 256 bytes without control characters.")
}

/// A request that no entry takes, or one that the token does not meet. `index` is the entry's place in `routes`.
pub(super) fn route(
    error: Error,
    arn: &MethodArn,
    token: &Verified,
    taken: Option<(usize, &Route)>,
    rules: Option<(&ClaimRules, &str)>,
) -> String {
    let (method, path) = (arn.method(), printable(&format!("/{}", arn.path())));
    match (error, taken) {
        (Error::AmbiguousPath, _) => {
            "Send such values in the query or the body: the path can be read in more than one way, as wildcards \
             (`*`, `?`, `${`), by `;` or `\\`, or once it is decoded."
                .to_owned()
        }
        (Error::InsufficientScope, Some((index, route))) => {
            scopes(&format!("{method} {path}"), token, index, route, rules)
        }
        (Error::ClaimMismatch, Some((index, route))) => claims(&format!("{method} {path}"), arn, token, index, route),
        _ => format!(
            "Add an entry to `routes` if the API has this method: {{\"method\": \"{method}\", \"path\": \"{path}\"}} with what it needs. None matches \
             it, and `undeclared_routes` refuses the rest. `authz check --api FILE` names all that are missing."
        ),
    }
}

fn scopes(request: &str, token: &Verified, index: usize, route: &Route, rules: Option<(&ClaimRules, &str)>) -> String {
    let sets = route.need.any_of.iter().flat_map(|way| &way.scopes);
    let missing = sets
        .map(|set| set.iter().filter(|scope| !token.has_scope(scope)).map(|scope| printable(scope)).collect::<Vec<_>>())
        .min_by_key(Vec::len)
        .unwrap_or_default()
        .join(" and ");
    let mut held = token.scopes().to_vec();
    held.dedup();
    let has = if held.is_empty() { "no scopes".to_owned() } else { printable(&held.join(", ")) };
    let needs = needs(route);
    let place = rules.map(|(rules, entry)| {
        format!(
            " If its rights are in another claim than {}, name that in `{entry}.scope_claims`.",
            words::names(&rules.scope_claims)
        )
    });
    format!(
        "Have the issuer grant {missing}, and the client ask for it: {request} needs {needs}, and this token has {has}. To ask for less, change \
         `routes[{index}]`.{}",
        place.unwrap_or_default()
    )
}

fn claims(request: &str, arn: &MethodArn, token: &Verified, index: usize, route: &Route) -> String {
    let ways = route.need.any_of.iter().filter(|way| way.scopes_met(token));
    let failing = ways.flat_map(|way| &way.claims).find(|need| !is_met(need, arn.path(), token));
    let needs = needs(route);
    let Some(need) = failing else {
        return format!("Send a token with other claims: {request} needs {needs}.");
    };
    let name = printable(need.claim.as_str());
    let parameter = need.values.iter().find_map(|value| match value {
        ClaimValue::Parameter { position, .. } => route.path.segments().get(*position)?.parameter(),
        ClaimValue::Fixed(_) => None,
    });
    match (need.claim.present(token.claims()), parameter) {
        (None, _) => format!(
            "Have the issuer write `{name}` into the tokens of those who may: this one has none, and {request} needs {needs}. If it is called \
             otherwise, write that name into `routes[{index}]`."
        ),
        (Some(claim), Some(parameter)) if path_texts(claim).next().is_none() => format!(
            "Compare {{{parameter}}} with another claim in `routes[{index}]`: `{name}` is {}, which no path equals; it is not a text, or has one \
             of `/`, `*`, `?`, `$` and `%`.",
            text(claim)
        ),
        (Some(claim), Some(parameter)) => format!(
            "Ask for the path of this token: {{{parameter}}} has to be its `{name}`, {}. `routes[{index}]` needs {needs}.",
            text(claim)
        ),
        (Some(claim), None) => format!(
            "Send the token of somebody who may: {request} needs {needs}, and the `{name}` of this one is {}. To let it pass, change \
             `routes[{index}]`.",
            text(claim)
        ),
    }
}

fn is_met(need: &ClaimNeed, path: &str, token: &Verified) -> bool {
    let Some(claim) = need.claim.present(token.claims()) else { return false };
    need.values.iter().any(|value| match value {
        ClaimValue::Fixed(accepted) => accepted.fits(claim),
        ClaimValue::Parameter { position, last } => {
            let segment = match last {
                true => path.splitn(position.saturating_add(1), '/').nth(*position),
                false => path.split('/').nth(*position),
            };
            path_texts(claim).any(|text| Some(text) == segment)
        }
    })
}

/// What an entry needs, on one line.
fn needs(route: &Route) -> String {
    let ways = words::needs(route);
    match ways.as_slice() {
        [one] => one.clone(),
        several => several.iter().map(|way| format!("({way})")).collect::<Vec<_>>().join(" or "),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", printable(text))
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
    fn a_failed_fetch_says_what_to_do_about_its_outcome() {
        let cases = [
            ("timeout", "See that the address can be reached"),
            ("status_301", "Set the address that this one redirects to"),
            ("status_404", "Correct the address"),
            ("status_503", "See what the address answers"),
            ("not_a_key_set", "Set `jwks_uri` to the address of a JWK Set"),
            ("discovery_document_of_another_issuer", "Copy `issuer`"),
        ];
        for (outcome, begins) in cases {
            assert!(fetch(outcome).starts_with(begins), "{outcome}: {}", fetch(outcome));
        }
    }

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
