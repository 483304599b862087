//! The route table.

use super::{Warnings, claims, operators};
use crate::routes::{ClaimValue, METHODS, Methods, Route, Routes, Segment};

/// First segments that are hardly ever resources.
const STAGES: [&str; 12] = [
    "prod",
    "production",
    "dev",
    "develop",
    "development",
    "stage",
    "staging",
    "stg",
    "qa",
    "uat",
    "preprod",
    "$default",
];
/// First segments that are stages if all paths have them.
const MAYBE: [&str; 6] = ["test", "live", "demo", "sandbox", "beta", "default"];

pub(super) fn lint(routes: &Routes, warnings: &mut Warnings) {
    for (index, route) in routes.entries().iter().enumerate() {
        let path = format!("routes[{index}]");
        segments(&path, route, warnings);
        needs(&path, route, warnings);
        if let Methods::Named(named) = &route.methods {
            let options = METHODS.iter().zip(named).any(|(method, named)| *named && *method == "OPTIONS");
            if options && !route.need.any_of.is_empty() {
                warnings.add(
                    &format!("{path}.method"),
                    "browsers send OPTIONS without a token; take the authorizer off the OPTIONS methods instead",
                );
            }
        }
    }
    stage(routes, warnings);
}

fn segments(path: &str, route: &Route, warnings: &mut Warnings) {
    let colon =
        |segment: &Segment| matches!(segment, Segment::Literal(text) if text.starts_with(':') && text.len() > 1);
    if route.path.segments().iter().any(colon) {
        warnings
            .add(&format!("{path}.path"), "a segment that begins with `:` is a literal; write a parameter as `{name}`");
    }
}

fn needs(path: &str, route: &Route, warnings: &mut Warnings) {
    let several = route.need.any_of.len() > 1;
    for (number, way) in route.need.any_of.iter().enumerate() {
        let place = |field: &str| match several {
            true => format!("{path}.any_of[{number}].{field}"),
            false => format!("{path}.{field}"),
        };
        let scope = |found: &dyn Fn(&str) -> bool| way.scopes.iter().flatten().any(|scope| found(scope));
        if scope(&|scope| scope.contains(',')) {
            warnings.add(
                &place("scopes"),
                "a scope has a comma; spaces separate scopes that are needed together, and a list holds alternatives",
            );
        }
        if scope(&|scope| scope.contains(['{', '}'])) {
            warnings.add(
                &place("scopes"),
                "a scope has braces, which are part of it; the path's parameters stand in `claims` only",
            );
        }
        if scope(&|scope| scope.contains('*')) {
            warnings.add(&place("scopes"), "a scope has a `*`, which is part of it; scopes are compared as they are");
        }
        if scope(&|scope| scope.starts_with(['"', '\'', '[']) || scope.contains(['|', '&'])) {
            warnings.add(
                &place("scopes"),
                "a scope has quotes, brackets or an operator, which are part of it; a list holds alternatives",
            );
        }
        for need in &way.claims {
            claims::name(&place("claims"), &need.claim, warnings);
            let fixed = need.values.iter().filter_map(|value| match value {
                ClaimValue::Fixed(accepted) => Some(accepted),
                ClaimValue::Parameter { .. } => None,
            });
            operators::lint(&place("claims"), fixed, warnings);
        }
    }
}

/// The stage is not part of the path that is compared.
fn stage(routes: &Routes, warnings: &mut Warnings) {
    let first = |route: &Route| match route.path.segments().first() {
        Some(Segment::Literal(text)) => Some(text.to_string()),
        _ => None,
    };
    let all = |text: &str| routes.entries().iter().all(|route| first(route).as_deref() == Some(text));
    for (index, route) in routes.entries().iter().enumerate() {
        let Some(text) = first(route) else { continue };
        if STAGES.contains(&text.as_str()) || (MAYBE.contains(&text.as_str()) && all(&text)) {
            warnings.add(
                &format!("routes[{index}].path"),
                "the first segment looks like a stage, which is not part of the path; declare /pets, not /prod/pets",
            );
        }
    }
}
