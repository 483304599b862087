//! A configuration in plain words.

use serde::Serialize;

use super::{advice, words};
use crate::authorizer::Authorizer;
use crate::issuer::{Issuer, IssuerName};
use crate::keys::{KeySource, RemoteKeys, join_at_most};
use crate::policy::PolicyExpiry;
use crate::response::InvalidToken;
use crate::routes::{ClaimNeed, METHODS, Methods, Route, Routes, Segment, Undeclared};
use crate::settings::{Policies, RouteRules};

/// How many key sets are fetched at the same time.
const FETCHED_AT_ONCE: usize = 8;

/// What a configuration means.
#[derive(Debug, Serialize)]
pub struct Meaning {
    /// Who may have issued a token.
    pub issuers: Vec<IssuerMeaning>,
    /// The routes, most specific first.
    pub routes: Vec<RouteMeaning>,
    /// The other settings: what each is called, and what it does.
    pub settings: Vec<(&'static str, String)>,
}

/// What an issuer's entry means.
#[derive(Debug, Serialize)]
pub struct IssuerMeaning {
    /// The issuer.
    pub issuer: String,
    /// What is asked of its tokens: what each is called, and its value.
    pub facts: Vec<(&'static str, String)>,
}

/// What a route means.
#[derive(Debug, Serialize)]
pub struct RouteMeaning {
    /// The methods that the entry decides.
    pub methods: Vec<&'static str>,
    /// Its path.
    pub path: String,
    /// What it needs, one text for each alternative.
    pub needs: Vec<String>,
    /// What a cached policy calls it.
    pub cached: String,
}

/// What was fetched for an issuer.
#[derive(Debug, Serialize)]
pub struct Fetched {
    /// The issuer.
    pub issuer: String,
    /// Where from.
    pub from: Vec<String>,
    /// The usable keys, by `kid` and algorithm; or why there are none.
    pub keys: Result<Vec<String>, String>,
    /// What to do if there are none.
    pub advice: Option<&'static str>,
    /// The keys of the set that are not used, by `kid` and reason.
    pub passed_over: Vec<String>,
}

impl Authorizer {
    /// The configuration in plain words.
    #[must_use]
    pub fn meaning(&self) -> Meaning {
        let routes = in_order(&self.routes);
        Meaning {
            issuers: self.issuers.iter().enumerate().map(|(index, entry)| self.issuer_meaning(index, entry)).collect(),
            routes: routes.into_iter().filter_map(|index| self.route_meaning(index)).collect(),
            settings: self.setting_meanings(),
        }
    }

    /// An entry, and what is asked about its opaque tokens.
    fn issuer_meaning(&self, index: usize, entry: &Issuer) -> IssuerMeaning {
        let mut meaning = issuer(entry);
        if let Some(introspection) = self.introspection.as_ref().filter(|introspection| introspection.entry == index) {
            let facts = words::introspection(introspection).into_iter().map(|(name, value)| format!("{name} {value}"));
            meaning.facts.push(("opaque", facts.collect::<Vec<_>>().join(", ")));
        }
        meaning
    }

    /// Fetches what the issuers' keys are fetched from, discovery included, and says what is usable. An entry that has `introspection`
    /// alone may well have no keys, so they are not asked for.
    pub async fn fetched(&self) -> Vec<Fetched> {
        let sets =
            self.issuers_of_jwts().flat_map(|issuer| issuer.keys.remotes().iter().map(move |keys| (issuer, keys)));
        let fetch = async |issuer: &Issuer, keys: &RemoteKeys| {
            let mut from = vec![words::address(keys)];
            let (usable, passed_over) = match keys.probe().await {
                Ok((set, discovered)) => {
                    from.extend(discovered.map(|url| format!("fetched from {}", url.as_str())));
                    (Ok(words::keys(&set)), words::passed_over(&set))
                }
                Err(failure) => (Err(failure), Vec::new()),
            };
            let advice = usable.as_ref().err().map(|failure| advice::fetch(failure));
            let issuer = match &issuer.keys {
                KeySource::PerTenant { .. } => words::printable(keys.issuer()),
                _ => words::issuer(issuer),
            };
            Fetched { issuer, from, keys: usable, advice, passed_over }
        };
        join_at_most(FETCHED_AT_ONCE, sets.map(|(issuer, keys)| fetch(issuer, keys))).await
    }

    fn route_meaning(&self, index: usize) -> Option<RouteMeaning> {
        let entry = self.routes.entries().get(index)?;
        let methods = if entry.path.is_connect() { vec!["WebSocket"] } else { self.routes.governed(index) };
        Some(RouteMeaning {
            methods,
            path: entry.path.as_str().to_owned(),
            needs: words::needs(entry),
            cached: self.cached(entry, index),
        })
    }

    /// What a cached policy calls a route.
    fn cached(&self, entry: &Route, index: usize) -> String {
        let Policies::Cacheable(plan) = &self.settings.policies else {
            return "not cached".to_owned();
        };
        let bound = |segment: usize| {
            let mut claims = entry.need.any_of.iter().flat_map(|way| &way.claims);
            claims.any(|need| need.positions().any(|position| position == segment))
        };
        let parameters: Vec<usize> = (0..entry.path.segments().len())
            .filter(|at| entry.path.segments().get(*at).is_some_and(|segment| segment.parameter().is_some()))
            .collect();
        let (tails, denies) = plan.spelt(index);
        if parameters.is_empty() {
            return "as itself".to_owned();
        }
        let open = entry.need.any_of.iter().any(|way| !way.claims.iter().any(ClaimNeed::is_bound))
            || entry.need.any_of.is_empty();
        let mut texts = Vec::new();
        if open {
            let slashed: Vec<String> = tails.iter().map(|tail| format!("/{tail}")).collect();
            let mut text = format!("as {}", slashed.join(" and "));
            if !denies.is_empty() {
                let denied: Vec<String> = denies.iter().take(4).map(|deny| format!("/{deny}")).collect();
                let more = denies.len().saturating_sub(denied.len());
                text = format!("{text} without {}", denied.join(", "));
                if more > 0 {
                    text = format!("{text} and {more} more");
                }
            }
            texts.push(text);
        }
        if parameters.iter().any(|at| bound(*at)) {
            texts.push("as the paths with the token's own value".to_owned());
        }
        texts.join("; ")
    }

    fn setting_meanings(&self) -> Vec<(&'static str, String)> {
        let settings = &self.settings;
        let undeclared = match self.routes.undeclared() {
            Undeclared::Deny => "deny: a path that no route declares is refused",
            Undeclared::Allow => "allow: any valid token passes where no route is declared",
            Undeclared::Absent => "absent: refused, and the API is promised to have no other methods",
        };
        let policy = match settings.policies {
            Policies::Cacheable(_) => "cacheable: answers are right for every later request with the same token",
            Policies::SingleRequest => "single_request: cache time 0 s, or answers kept by token, method and path",
        };
        let expiry = match settings.policy_expiry {
            PolicyExpiry::Token => "token: what an answer allows ends with the token",
            PolicyExpiry::None => "none: a cached answer may outlive its token",
        };
        let invalid_token = match settings.invalid_token {
            InvalidToken::Deny => "deny: the client sees 403, and the answer is cached",
            InvalidToken::Unauthorized => "unauthorized: the client sees 401",
        };
        let rules = match settings.route_rules {
            RouteRules::Enforce => "enforce",
            RouteRules::Report => "report: every valid token passes; refusals are only logged",
        };
        let mut facts = vec![
            ("undeclared_routes", undeclared.to_owned()),
            ("policy", policy.to_owned()),
            ("policy_expiry", expiry.to_owned()),
            ("invalid_token", invalid_token.to_owned()),
            ("route_rules", rules.to_owned()),
            ("principal", words::names(&settings.forwarding.principal)),
        ];
        let context = settings.forwarding.context.iter().map(|(key, claim)| match claim.as_str() {
            "" => format!("{key} = all claims"),
            claim => format!("{key} = {claim}"),
        });
        let context: Vec<String> = context.collect();
        if !context.is_empty() {
            facts.push(("context", context.join(", ")));
        }
        let key = settings.forwarding.usage_identifier_key.as_ref();
        facts.extend(key.map(|claim| ("usage_identifier_key", claim.as_str().to_owned())));
        facts
    }
}

fn issuer(issuer: &Issuer) -> IssuerMeaning {
    let rules = &issuer.claims;
    let mut facts: Vec<(&str, String)> =
        words::source(&issuer.keys).into_iter().map(|source| ("keys", source)).collect();
    if let KeySource::Fixed(set) = &issuer.keys {
        facts.extend(words::passed_over(set).into_iter().map(|key| ("passed over", key)));
    }
    facts.push(("algorithms", words::algorithms(issuer)));
    facts.push((
        "audience",
        match &rules.audience {
            Some(ours) => format!("{} in {}", ours.join(" or "), words::names(&rules.audience_claim)),
            None => "not checked".to_owned(),
        },
    ));
    if let IssuerName::PerTenant { tenants, .. } = &issuer.name {
        facts.push(("tenants", words::tenants(tenants)));
        facts.extend(rules.tenant_claim.as_ref().map(|name| ("tenant claim", words::printable(name.as_str()))));
    }
    facts.extend(rules.typ.as_ref().map(|typ| ("typ", typ.join(" or "))));
    facts.extend(rules.required.iter().map(|(name, accepted)| {
        let values: Vec<String> = accepted.iter().map(words::accepted).collect();
        ("needs", format!("{} {}", name.as_str(), values.join(" or ")))
    }));
    facts.push(("scopes", format!("in {}", words::names(&rules.scope_claims))));
    facts.extend(rules.scope_map.entries().map(|(name, granted)| ("scope_map", words::grants(name, granted))));
    facts.push(("leeway", format!("{} s", rules.leeway)));
    facts.extend(rules.max_age.map(|age| ("oldest iat", format!("{age} s ago"))));
    IssuerMeaning { issuer: words::issuer(issuer), facts }
}

/// The entries in this order, each with the methods that it decides.
pub(super) fn declared(routes: &Routes) -> impl Iterator<Item = (&Route, Vec<&'static str>)> {
    in_order(routes).into_iter().filter_map(move |index| Some((routes.entries().get(index)?, routes.governed(index))))
}

/// The entries, most specific path first and named methods before `ANY`.
fn in_order(routes: &Routes) -> Vec<usize> {
    let rank = |index: &usize| {
        let entry = routes.entries().get(*index);
        let segments = entry.map(|entry| {
            let rank = |segment: &Segment| match segment {
                Segment::Literal(text) => (0, text.to_string()),
                Segment::Parameter(_) => (1, String::new()),
                Segment::Greedy(_) => (2, String::new()),
            };
            entry.path.segments().iter().map(rank).collect::<Vec<_>>()
        });
        let methods = entry.map(|entry| match &entry.methods {
            // Those that have the first of the methods come first.
            Methods::Named(named) => (0, named.map(|named| !named)),
            Methods::Any => (1, [true; METHODS.len()]),
        });
        (segments, methods)
    };
    let mut order: Vec<usize> = (0..routes.entries().len()).collect();
    order.sort_by_key(rank);
    order
}
