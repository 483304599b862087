//! The usual cause of each kind of refusal.

use serde_json::Value;

use super::list::Hint;
use super::similarity::{Difference, difference, misspelt};
use super::unverified::{UnverifiedJwt, part};
use crate::bearer::all_compact_jws;
use crate::claims::{Accepted, ClaimName, ClaimRules};
use crate::error::Error;
use crate::routes::Need;
use crate::time::NumericDate;

/// How far off a clock may be to be taken for one that is not set right, in seconds: those that are not synchronized at all
/// drift further, and are found otherwise.
const CLOCK_SKEW: u32 = 300;
/// From here on a date is in milliseconds: as seconds it lies in the year 5138.
const MILLISECONDS: f64 = 1e11;

/// What is known of a refused request.
pub(crate) struct Refused<'a> {
    /// The value of the token header.
    pub(crate) authorization: &'a str,
    /// The claims of the token, if it was verified.
    pub(crate) claims: Option<&'a Value>,
    /// The configured issuers, and whether each has a secret.
    pub(crate) issuers: &'a [(Option<&'a str>, bool)],
    /// What the issuer's tokens must say, if it was found.
    pub(crate) rules: Option<&'a ClaimRules>,
    /// The claims that may become the principal.
    pub(crate) principal: &'a [ClaimName],
    /// Whether the other reading of a secret, if there is one, has signed: as base64, or as text.
    pub(crate) other_reading: &'a dyn Fn() -> Option<Hint>,
    /// What the route needs.
    pub(crate) need: Option<&'a Need>,
    /// What other requests the path or method at hand may have been meant for.
    pub(crate) similar_route: &'a dyn Fn() -> Option<Hint>,
    pub(crate) now: NumericDate,
}

/// Credentials that are no compact JWS.
pub(super) fn malformed(authorization: &str) -> Option<Hint> {
    let value = authorization.trim();
    let jwt = |text: &str| text.starts_with("eyJ") && text.matches('.').count() >= 2;
    let (scheme, rest) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
    let token = rest.trim_start();
    if !scheme.eq_ignore_ascii_case("Bearer") {
        let other = !token.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        return match jwt(value) {
            true => Some(Hint::SchemeMissing),
            false => other.then_some(Hint::OtherScheme),
        };
    }
    if ["undefined", "null", "None", "nil", "false", "[object", "[object Object]"].contains(&token) {
        return Some(Hint::PlaceholderToken);
    }
    if token.starts_with(['"', '\'']) {
        return Some(Hint::TokenInQuotes);
    }
    // Long tokens are mostly of the right alphabet, which is found out faster than where they are not.
    let plain = all_compact_jws(token);
    let spaced = !plain && token.contains(char::is_whitespace);
    let first = || token.split(char::is_whitespace).next().unwrap_or_default();
    if spaced && first().eq_ignore_ascii_case("Bearer") || token.eq_ignore_ascii_case("Bearer") {
        return Some(Hint::SchemeRepeated);
    }
    match token.split('.').take(6).count() {
        _ if spaced => None,
        5 => Some(Hint::EncryptedToken),
        1 | 2 => Some(Hint::OpaqueToken),
        3 if !plain && token.contains(['+', '/', '=']) => Some(Hint::NotBase64Url),
        3 if part(authorization, 0).contains_key("enc") => Some(Hint::EncryptedToken),
        _ => None,
    }
}

/// An `alg` that its issuer is not configured for.
pub(super) fn algorithm(token: &UnverifiedJwt, issuers: &[(Option<&str>, bool)]) -> Option<Hint> {
    let alg = token.header.get("alg")?.as_str()?;
    if alg.eq_ignore_ascii_case("none") {
        return Some(Hint::UnsignedToken);
    }
    if token.claims.get("typ").is_some_and(|typ| typ == "Refresh" || typ == "Offline") {
        return Some(Hint::RefreshToken);
    }
    crate::algorithm::Algorithm::named(alg)?;
    let iss = token.claims.get("iss").and_then(Value::as_str);
    let named = |name: &Option<&str>| *name == iss;
    let known = issuers.iter().any(|(name, _)| named(name));
    let secret = alg.starts_with("HS");
    let same_kind = |(name, with_secret): &(Option<&str>, bool)| {
        (if known { named(name) } else { name.is_none() }) && *with_secret == secret
    };
    match issuers.iter().any(same_kind) {
        true => Some(Hint::AlgorithmNotListed),
        false => Some(Hint::AlgorithmOfOtherKind),
    }
}

/// An `iss` that is not configured.
pub(super) fn issuer(claims: &Value, issuers: &[(Option<&str>, bool)]) -> Option<Hint> {
    let Some(iss) = claims.get("iss") else {
        return Some(Hint::IssuerAbsent);
    };
    let iss = iss.as_str()?;
    let ours = || issuers.iter().filter_map(|(name, _)| *name);
    if iss == "supabase" || iss == "supabase-demo" {
        return Some(Hint::SupabaseApiKey);
    }
    if let Some(difference) = ours().find_map(|name| difference(name, iss)) {
        return Some(match difference {
            Difference::TrailingSlash => Hint::IssuerDiffersByTrailingSlash,
            Difference::Case => Hint::IssuerDiffersByCase,
            Difference::Scheme => Hint::IssuerDiffersByScheme,
            Difference::Letters => Hint::IssuerMisspelt,
        });
    }
    let (v1, v2) = ("https://sts.windows.net/", "https://login.microsoftonline.com/");
    if iss.starts_with(v1) && ours().any(|name| name.starts_with(v2)) {
        return Some(Hint::EntraV1Token);
    }
    if iss.starts_with(v2) {
        let all = ["common", "organizations", "consumers", "{tenantid}"];
        let mut tenants = ours().filter_map(|name| name.strip_prefix(v2)?.split('/').next());
        if tenants.any(|tenant| all.contains(&tenant)) {
            return Some(Hint::EntraTenantMissing);
        }
        return ours().any(|name| name.starts_with(v1)).then_some(Hint::EntraV2Token);
    }
    if ours().any(|name| name.strip_prefix(iss).is_some_and(|rest| rest.starts_with("/oauth2/"))) {
        return Some(Hint::OktaOrgToken);
    }
    let path = |name: &str| -> Option<String> {
        let (_, path) = name.split_once("://")?.1.split_once('/')?;
        (!path.is_empty()).then(|| path.to_owned())
    };
    let ours_is_near = |name| path(name).is_some_and(|ours| path(iss).as_deref() == Some(&ours));
    ours().any(ours_is_near).then_some(Hint::IssuerDiffersByHost)
}

/// Dates that are just off, or off by a factor of a thousand.
pub(super) fn dates(error: Error, claims: &Value, refused: &Refused<'_>) -> Option<Hint> {
    let date = |name: &str| claims.get(name).and_then(Value::as_f64);
    if ["exp", "nbf", "iat"].into_iter().filter_map(date).any(|date| date > MILLISECONDS) {
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
pub(super) fn audience(claims: &Value, rules: &ClaimRules) -> Option<Hint> {
    const GRAPH: [&str; 2] = ["00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com"];
    let ours = rules.audience.as_deref().unwrap_or_default();
    let texts = |claim: &Value| -> Vec<String> { texts(claim).map(str::to_owned).collect() };
    let theirs = rules.audience_claim.iter().find_map(|name| name.of(claims)).map(texts);
    let differs = || {
        let pairs = theirs.iter().flatten().flat_map(|theirs| ours.iter().map(move |ours| (ours, theirs)));
        pairs.into_iter().find_map(|(ours, theirs)| difference(ours, theirs))
    };
    if let Some(difference) = differs() {
        return Some(match difference {
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
    let Some(theirs) = theirs else {
        return Some(Hint::AudienceClaimAbsent);
    };
    if theirs.iter().any(|theirs| GRAPH.contains(&theirs.trim_end_matches('/'))) {
        return Some(Hint::EntraGraphToken);
    }
    if is_id_token(claims) {
        return Some(Hint::IdTokenForAccessToken);
    }
    (theirs == ["account"]).then_some(Hint::AudienceIsAccount)
}

/// A claim that is not there, or not accepted.
pub(super) fn claim(claims: &Value, refused: &Refused<'_>) -> Option<Hint> {
    let use_of = |(name, accepted): &(ClaimName, Vec<Accepted>)| {
        let token_use = *name == ClaimName::Member("token_use".to_owned());
        token_use.then(|| accepted.contains(&Accepted::Value("id".into())))
    };
    let wanted = refused.rules.and_then(|rules| rules.required.iter().find_map(use_of));
    if wanted == Some(true) && claims.get("token_use").is_some_and(|token_use| token_use == "access") {
        return Some(Hint::AccessTokenForIdToken);
    }
    if wanted != Some(true) && is_id_token(claims) {
        return Some(Hint::IdTokenForAccessToken);
    }
    // Without it nobody has looked further.
    claims.get("exp").and_then(Value::as_f64)?;
    let principal = refused.principal.iter().any(|name| name.of(claims).is_some());
    let required = |rules: &ClaimRules| rules.required.iter().all(|(name, _)| name.present(claims).is_some());
    (!principal && refused.rules.is_some_and(required)).then_some(Hint::PrincipalAbsent)
}

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
        } else if same_end() && last(granted) == last(needed) {
            Some(Self::Prefix)
        } else if misspelt(needed, granted) {
            Some(Self::Letters)
        } else {
            let among = granted.contains(',') && granted.split(',').any(|part| part == needed);
            among.then_some(Self::Commas)
        }
    }
}

/// Scopes that are there, and not where or as they are looked for.
pub(super) fn scope(claims: &Value, rules: &ClaimRules, need: &Need) -> Option<Hint> {
    const OTHERS: [&str; 8] =
        ["scope", "scp", "scopes", "permissions", "roles", "groups", "cognito:groups", "org_permissions"];
    let needed =
        || need.any_of.iter().flat_map(|alternative| alternative.scopes.iter().flatten()).map(|scope| &**scope);
    let configured = || rules.scope_claims.iter().filter_map(|name| name.of(claims));
    let granted = configured().flat_map(texts).flat_map(|text| text.split(' '));
    let likeness = granted.flat_map(|granted| needed().filter_map(move |needed| Likeness::of(granted, needed))).min();
    if let Some(likeness) = likeness {
        return Some(match likeness {
            Likeness::Case => Hint::ScopeDiffersByCase,
            Likeness::Prefix => Hint::ScopeDiffersByPrefix,
            Likeness::Letters => Hint::ScopeMisspelt,
            Likeness::Commas => Hint::ScopesSeparatedByCommas,
        });
    }
    let is = |name: &str, known: &ClaimName| matches!(known, ClaimName::Member(text) | ClaimName::Pointer(text) if text == name);
    let known = |name: &str| rules.scope_claims.iter().any(|known| is(name, known));
    let mut elsewhere = claims.as_object().into_iter().flatten().filter_map(|(name, claim)| match name.as_str() {
        "realm_access" if !known("/realm_access/roles") => claim.get("roles"),
        name => (OTHERS.contains(&name) && !known(name)).then_some(claim),
    });
    let none = configured().next().is_none();
    let helps = |claim: &Value| {
        let mut scopes = texts(claim).flat_map(|text| text.split(' ')).peekable();
        (none && scopes.peek().is_some()) || scopes.any(|scope| needed().any(|needed| needed == scope))
    };
    if elsewhere.any(helps) {
        return Some(Hint::ScopesInAnotherClaim);
    }
    (none && is_id_token(claims)).then_some(Hint::IdTokenForAccessToken)
}

/// Whether claims are those of an ID token (OpenID Connect Core 1.0 sections 2 and 3.1.3.6).
pub(super) fn is_id_token(claims: &Value) -> bool {
    let says = |name: &str, value: &str| claims.get(name).is_some_and(|claim| claim == value);
    says("token_use", "id")
        || says("typ", "ID")
        || ["at_hash", "c_hash", "nonce"].iter().any(|name| claims.get(name).is_some())
}

/// A text, or those of a list.
fn texts(claim: &Value) -> impl Iterator<Item = &str> {
    let items = match claim {
        Value::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    items.iter().filter_map(Value::as_str)
}
