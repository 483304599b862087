//! The checks of the claims, explained.

use serde_json::Value;

use super::words::{self, or_absent, printable, text};
use crate::claims::{Check, ClaimName, Forwarding, Genuine, is_identifier};
use crate::issuer::Issuer;
use crate::tenant::TENANT_CLAIM;
use crate::time::NumericDate;

/// What a check is called, and what it compares.
pub(super) fn facts(
    check: Check,
    token: &Genuine,
    issuer: &Issuer,
    forwarding: &Forwarding,
    now: NumericDate,
) -> (&'static str, Vec<(&'static str, String)>) {
    let (claims, rules) = (token.claims(), &issuer.claims);
    let claim = |name: &ClaimName| or_absent(name.of(claims));
    match check {
        Check::Issuer => ("issuer", vec![("iss", or_absent(claims.get("iss"))), ("configured", words::issuer(issuer))]),
        Check::Dates => {
            let mut facts = vec![("now", now.iso8601())];
            let date = |name: &'static str| claims.get(name).map(|date| (name, moment(date)));
            facts.push(date("exp").unwrap_or_else(|| ("exp", "absent".to_owned())));
            facts.extend(date("nbf").into_iter().chain(date("iat")));
            facts.push(("leeway", format!("{} s", rules.leeway)));
            facts.extend(rules.max_age.map(|age| ("oldest iat", format!("{age} s ago"))));
            ("dates", facts)
        }
        Check::Audience => {
            let found = rules.audience_claim.iter().find(|name| name.of(claims).is_some());
            let facts = vec![
                (
                    "token",
                    match found {
                        Some(name) => format!("{} = {}", name.as_str(), claim(name)),
                        None => format!("no {}", words::names(&rules.audience_claim)),
                    },
                ),
                (
                    "configured",
                    rules
                        .audience
                        .as_ref()
                        .map_or_else(|| "null: not checked".to_owned(), |ours| printable(&ours.join(", "))),
                ),
            ];
            ("audience", facts)
        }
        Check::Type => {
            let facts = vec![
                ("typ", token.typ().map_or_else(|| "absent".to_owned(), printable)),
                (
                    "allowed",
                    rules
                        .typ
                        .as_ref()
                        .map_or_else(|| "absent, JWT or at+jwt".to_owned(), |typ| printable(&typ.join(", "))),
                ),
            ];
            ("type", facts)
        }
        Check::Binding => {
            let bound = if claims.get("cnf").is_some() { "present" } else { "absent" };
            let mut facts = vec![("cnf", bound.to_owned())];
            if let Genuine::Introspected(_) = token {
                facts.push(("token_type", or_absent(claims.get("token_type"))));
            }
            ("binding", facts)
        }
        Check::Required => {
            let mut facts = Vec::new();
            if let Some(name) = &rules.tenant_claim {
                let tenant = claims.get(TENANT_CLAIM).map_or_else(|| "that of `iss`".to_owned(), text);
                facts.push(("needed", format!("{} {tenant}, the tenant", name.as_str())));
                facts.push(("token", format!("{} = {}", name.as_str(), claim(name))));
            }
            for (name, accepted) in &rules.required {
                let wanted: Vec<String> = accepted.iter().map(words::accepted).collect();
                facts.push(("needed", format!("{} {}", name.as_str(), wanted.join(" or "))));
                facts.push(("token", format!("{} = {}", name.as_str(), claim(name))));
            }
            if facts.is_empty() {
                facts.push(("needed", "none beyond the others".to_owned()));
            }
            ("claims", facts)
        }
        Check::Scopes => {
            let present = rules.scope_claims.iter().filter(|name| name.of(claims).is_some());
            let mut facts: Vec<_> =
                present.map(|name| ("token", format!("{} = {}", name.as_str(), claim(name)))).collect();
            if facts.is_empty() {
                facts.push(("token", format!("no {}", words::names(&rules.scope_claims))));
            }
            facts.extend(rules.granting(claims).map(|(name, granted)| ("scope_map", words::grants(name, granted))));
            ("scopes", facts)
        }
        Check::Identity => {
            let names = &forwarding.principal;
            let found = names.iter().find(|name| name.of(claims).is_some());
            let value = match found {
                Some(name) => format!("{} = {}", name.as_str(), claim(name)),
                None => format!("no {}", words::names(names)),
            };
            let mut facts = vec![("token", value)];
            facts.extend(found.and_then(|name| name.of(claims)).and_then(unfit).map(|why| ("unfit", why)));
            let key = forwarding.usage_identifier_key.as_ref();
            if let Some((name, claim)) = key.and_then(|name| Some((name, name.of(claims)?))) {
                facts.push(("usage key", format!("{} = {}", name.as_str(), text(claim))));
                facts.extend(unfit(claim).map(|why| ("unfit", why)));
            }
            ("principal", facts)
        }
    }
}

/// Why a claim cannot be `principalId`.
fn unfit(claim: &Value) -> Option<String> {
    (!is_identifier(claim)).then(|| match claim {
        Value::String(text) if text.is_empty() => "it is empty".to_owned(),
        Value::String(text) if text.chars().any(char::is_control) => "it has control characters".to_owned(),
        Value::String(text) => format!("it has {} bytes, and may have 256", text.len()),
        _ => "it is not a text".to_owned(),
    })
}

/// A date claim.
fn moment(claim: &Value) -> String {
    match claim.as_f64().map(NumericDate) {
        Some(date) => format!("{} ({})", date.iso8601(), date.0),
        None => format!("{}, which is not a number", text(claim)),
    }
}
