//! Requests that no entry takes, and tokens that an entry refuses.

use crate::claims::{ClaimRules, Verified};
use crate::error::Error;
use crate::event::MethodArn;
use crate::explain::words::{self, printable, text};
use crate::routes::{ClaimValue, Route, path_texts, segment};

/// A request that no entry takes, or one that the token does not meet. `index` is the entry's place in `routes`.
pub(crate) fn route(
    error: Error,
    arn: &MethodArn<'_>,
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
        .map(|set| set.iter().filter(|scope| !token.has_scope(scope)).map(|scope| &**scope).collect::<Vec<_>>())
        .min_by_key(Vec::len)
        .unwrap_or_default();
    // One name of the map may grant all that is missing.
    let names = rules.into_iter().flat_map(|(rules, _)| rules.scope_map.entries());
    let names = names.filter(|(_, granted)| missing.iter().all(|scope| granted.iter().any(|granted| granted == scope)));
    let by_map: String = names.map(|(name, _)| format!(" or {} (by `scope_map`)", printable(name))).collect();
    let missing = format!("{}{by_map}", printable(&missing.join(" and ")));
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

fn claims(request: &str, arn: &MethodArn<'_>, token: &Verified, index: usize, route: &Route) -> String {
    let ways = route.need.any_of.iter().filter(|way| way.scopes_met(token));
    let holds = |position: usize, last: bool, text: &str| segment(arn.path(), position, last) == Some(text);
    let failing = ways.flat_map(|way| &way.claims).find(|need| !need.is_met(token, &holds));
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

/// What an entry needs, on one line.
fn needs(route: &Route) -> String {
    let ways = words::needs(route);
    match ways.as_slice() {
        [one] => one.clone(),
        several => several.iter().map(|way| format!("({way})")).collect::<Vec<_>>().join(" or "),
    }
}
