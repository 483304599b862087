//! Each hint, tested with the refusals that it explains.

mod credentials;
mod issuers;
mod kinds;
mod paths;
mod rights;
mod values;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::elsewhere::Place;
use super::{Hint, Refused};
use crate::claims::{Accepted, ClaimName, ClaimRules, ScopeMap};
use crate::error::Error;
use crate::routes::{Alternative, ClaimNeed, ClaimValue, Need, Routes, Undeclared};
use crate::time::NumericDate;

/// The documentation has every hint and its advice. `UPDATE_GOLDEN=1 cargo test hint` writes them.
#[test]
fn the_documentation_lists_every_hint() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/hints.md");
    let rows: String = Hint::ALL
        .iter()
        .map(|hint| format!("| `{}` | {} |\n", hint.code(), hint.advice().replace('|', "\\|")))
        .collect();
    let expected = format!(
        "# Hints\n\nA refusal that has a usual cause says it: in the log line as `hint`, and in `authz explain` with this advice. A hint is read\nout of a token that was refused, so it may be wrong about a forged one; nothing is decided by it.\n\n| hint | what to do |\n|---|---|\n{rows}"
    );
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        std::fs::write(&file, &expected).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap_or_default(), expected);
}

/// The input of a refusal, with defaults for everything but the cause.
struct Case {
    error: Error,
    is_opaque: bool,
    header: Value,
    claims: Value,
    issuer: &'static str,
    audience: &'static str,
    audience_claim: &'static [&'static str],
    required: Vec<(&'static str, Accepted)>,
    scope_claims: &'static [&'static str],
    scope_map: &'static [(&'static str, &'static str)],
    scope: Option<&'static str>,
    /// A claim that the route requires, and what of it; `None` for the first segment of the path.
    claim: Option<(&'static str, Option<Accepted>)>,
    method: &'static str,
    path: &'static str,
}

impl Case {
    fn new(error: Error, claims: Value) -> Self {
        Self {
            error,
            is_opaque: false,
            header: json!({ "alg": "RS256", "kid": "k" }),
            claims,
            issuer: "https://issuer.example/",
            audience: "https://api.example",
            audience_claim: &["aud"],
            required: Vec::new(),
            scope_claims: &["scope", "scp"],
            scope_map: &[],
            scope: None,
            claim: None,
            method: "GET",
            path: "movies",
        }
    }

    fn found(&self) -> (Option<Hint>, Option<Place>) {
        let names = |names: &[&str]| names.iter().filter_map(|name| ClaimName::parse(name)).collect();
        let rules = ClaimRules {
            audience: Some(vec![self.audience.to_owned()]),
            audience_claim: names(self.audience_claim),
            typ: None,
            tenant_claim: None,
            required: self
                .required
                .iter()
                .map(|(name, accepted)| (ClaimName::parse(name).unwrap(), vec![accepted.clone()]))
                .collect(),
            scope_claims: names(self.scope_claims),
            scope_map: ScopeMap::new(
                self.scope_map.iter().map(|(name, scope)| ((*name).to_owned(), vec![(*scope).to_owned()])).collect(),
            ),
            leeway: 10,
            max_age: None,
        };
        let claims = self.claim.iter().map(|(name, value)| ClaimNeed {
            claim: ClaimName::parse(name).unwrap(),
            values: vec![match value {
                Some(accepted) => ClaimValue::Fixed(accepted.clone()),
                None => ClaimValue::Parameter { position: 0, last: false },
            }],
        });
        let scopes = self.scope.iter().map(|scope| vec![(*scope).into()]);
        let need = Need { any_of: vec![Alternative { scopes: scopes.collect(), claims: claims.collect() }] };
        let part = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let authorization = format!("Bearer {}.{}.AA", part(&self.header), part(&self.claims));
        let issuers = [(Some(self.issuer.into()), false)];
        let principal = [ClaimName::Member("sub".to_owned())];
        let refused = Refused {
            authorization: &authorization,
            method: self.method,
            path: self.path,
            claims: Some(&self.claims),
            is_opaque: self.is_opaque,
            issuers: &issuers,
            tenant_not_listed: false,
            issuer: Some(self.issuer),
            rules: Some(&rules),
            principal: &principal,
            other_reading: &|| None,
            key: &|| None,
            need: Some(&need),
            routes: &Routes::new(Vec::new(), Undeclared::Deny).unwrap(),
            stage: "prod",
            now: NumericDate(1_800_000_000.0),
        };
        let cause = Hint::of(self.error, &refused);
        (cause.as_ref().map(|cause| cause.hint), cause.and_then(|cause| cause.place))
    }

    #[track_caller]
    fn says(&self, expected: Option<Hint>) {
        assert_eq!(self.found().0, expected, "{}", self.claims);
    }

    /// Checks the hint and its place in the token.
    #[track_caller]
    fn says_at(&self, hint: Hint, pointer: &str) {
        let (found, place) = self.found();
        assert_eq!(found, Some(hint), "{}", self.claims);
        assert_eq!(place.map(|place| place.pointer).as_deref(), Some(pointer), "{}", self.claims);
    }
}
