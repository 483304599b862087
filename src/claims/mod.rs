//! Genuine token + claim rules + now -> verified token (RFC 7519 section 4.1, RFC 8725 and 8725bis, RFC 7662 section 2.2).

mod genuine;
mod identity;
mod name;
mod scope_map;

use serde_json::Value;

pub(crate) use genuine::Genuine;
pub(crate) use identity::{Forwarding, Identity, RESERVED_CONTEXT_KEYS, is_identifier};
pub(crate) use name::{Accepted, ClaimName, same};
pub(crate) use scope_map::ScopeMap;

use crate::error::Error;
use crate::time::NumericDate;
use crate::token::media_type;

/// What an issuer's tokens must say.
#[derive(Debug)]
pub(crate) struct ClaimRules {
    /// The accepted audiences; `None` switches the check off.
    pub(crate) audience: Option<Vec<String>>,
    /// Where to look for the audience: the first claim that is present.
    pub(crate) audience_claim: Vec<ClaimName>,
    /// The allowed `typ` headers; if there are any, a token needs one of them.
    pub(crate) typ: Option<Vec<String>>,
    /// The claim that must equal the tenant in `iss`.
    pub(crate) tenant_claim: Option<ClaimName>,
    /// Claims that a token must have, and the accepted values of each.
    pub(crate) required: Vec<(ClaimName, Vec<Accepted>)>,
    /// Claims whose union is the token's scopes.
    pub(crate) scope_claims: Vec<ClaimName>,
    /// The scopes that come with others.
    pub(crate) scope_map: ScopeMap,
    /// The allowed clock skew in seconds.
    pub(crate) leeway: u32,
    /// The oldest acceptable `iat`, in seconds.
    pub(crate) max_age: Option<u32>,
}

#[cfg(feature = "authz")]
impl ClaimRules {
    /// Of `scope_map`, the names that a token has, and what they grant.
    pub(crate) fn granting<'a>(&'a self, claims: &'a Value) -> impl Iterator<Item = (&'a str, &'a [String])> {
        let own = own_scopes(claims, &self.scope_claims).unwrap_or_default();
        self.scope_map.entries().filter(move |(name, _)| own.iter().any(|scope| scope == name))
    }

    /// Scopes, and what they also grant.
    pub(crate) fn extended(&self, scopes: &[String]) -> Vec<String> {
        let mut scopes = scopes.to_vec();
        scopes.sort_unstable();
        self.scope_map.extend(&mut scopes);
        scopes
    }
}

/// The proof that a token is genuine, current and meant for this API.
#[cfg_attr(feature = "authz", derive(Clone))]
pub(crate) struct Verified {
    claims: Value,
    scopes: Vec<String>,
    identity: Identity,
    not_after: Option<NumericDate>,
}

impl Verified {
    /// Checks the claims of a genuine token in the order of the error codes, and tells `observe` of each check. The tenant, if the
    /// token's `iss` names one, becomes the claim `{tenant}`; a token cannot bring that itself.
    ///
    /// # Errors
    /// The first rule that is broken: [`Error::UnknownIssuer`] for an opaque token of another issuer, [`Error::Expired`] on and
    /// after `exp` plus leeway, [`Error::NotYetValid`] for `nbf` or `iat` in the future, [`Error::TooOld`],
    /// [`Error::WrongAudience`], [`Error::WrongTokenType`], [`Error::BoundToken`], [`Error::MissingClaim`] and
    /// [`Error::InvalidClaim`], the latter also for dates that are not numbers.
    pub(crate) fn new(
        token: Genuine,
        tenant: Option<&str>,
        (rules, forwarding): (&ClaimRules, &Forwarding),
        now: NumericDate,
        observe: impl FnMut(Check, &Genuine, Result<(), Error>),
    ) -> Result<Self, Error> {
        let token = token.naming(tenant);
        let claims = token.claims();
        let mut observed = Observed { token: &token, observe };
        if let Genuine::Introspected(introspected) = &token {
            observed.check(Check::Issuer, introspected.check_issuer())?;
        }
        let not_after = observed.check(Check::Dates, check_dates(&token, rules, now))?;
        observed.check(Check::Audience, check_audience(claims, rules))?;
        if let Genuine::Signed(signed) = &token {
            observed.check(Check::Type, check_type(signed.typ(), rules))?;
        }
        observed.check(Check::Binding, check_binding(&token))?;
        let required = check_tenant(claims, rules, tenant).and_then(|()| check_required(claims, rules));
        observed.check(Check::Required, required)?;
        let scopes = observed.check(Check::Scopes, scopes(claims, rules))?;
        let identity = observed.check(Check::Identity, Identity::of(claims, forwarding))?;
        Ok(Self { claims: token.into_claims(), scopes, identity, not_after })
    }

    /// The scopes that the token was granted, sorted.
    pub(crate) fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// A token that is supposed to be valid, for questions about the route table. No answer of the handler is made from one.
    #[cfg(feature = "authz")]
    pub(crate) fn supposed(claims: serde_json::Map<String, Value>, scopes: &[String]) -> Self {
        Self::made_up(Value::Object(claims), scopes, "supposed", NumericDate(253_402_300_799.0))
    }

    /// A token that tests treat as verified.
    #[cfg(any(test, feature = "unstable-internals"))]
    pub(crate) fn for_tests(claims: Value, scopes: &[&str], not_after: NumericDate) -> Self {
        Self::made_up(claims, scopes, "tester", not_after)
    }

    #[cfg(any(test, feature = "authz", feature = "unstable-internals"))]
    fn made_up(claims: Value, scopes: &[impl ToString], principal: &str, not_after: NumericDate) -> Self {
        let mut scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        scopes.sort_unstable();
        let principal = principal.to_owned();
        let identity = Identity { principal, context: serde_json::Map::new(), usage_identifier_key: None };
        Self { claims, scopes, identity, not_after: Some(not_after) }
    }

    /// The claims set.
    pub(crate) fn claims(&self) -> &Value {
        &self.claims
    }

    /// The identity to forward, and the claims set.
    pub(crate) fn into_parts(self) -> (Identity, Value) {
        (self.identity, self.claims)
    }

    /// Whether the token was granted this scope, compared exactly (RFC 6749 section 3.3).
    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.scopes.binary_search_by(|granted| granted.as_str().cmp(scope)).is_ok()
    }

    /// The identity to forward.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The moment from which this token must not let any request pass; `None` for an opaque token whose issuer names no end.
    pub(crate) fn not_after(&self) -> Option<NumericDate> {
        self.not_after
    }
}

/// One of the checks of [`Verified::new`], in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// Of opaque tokens; the `iss` of a signed one has picked its rules.
    Issuer,
    Dates,
    Audience,
    /// Of signed tokens.
    Type,
    Binding,
    Required,
    Scopes,
    Identity,
}

/// Tells the observer the outcome of each check, and returns it.
struct Observed<'t, F> {
    token: &'t Genuine,
    observe: F,
}

impl<F: FnMut(Check, &Genuine, Result<(), Error>)> Observed<'_, F> {
    fn check<T>(&mut self, check: Check, outcome: Result<T, Error>) -> Result<T, Error> {
        (self.observe)(check, self.token, outcome.as_ref().map(drop).map_err(|error| *error));
        outcome
    }
}

/// Checks `exp`, `nbf` and `iat` against now (RFC 7519 sections 4.1.4 to 4.1.6); returns when the token stops being valid. A signed
/// token without `exp` would be valid for ever; an opaque one can be revoked, and RFC 7662 section 2.2 makes its `exp` optional.
fn check_dates(token: &Genuine, rules: &ClaimRules, now: NumericDate) -> Result<Option<NumericDate>, Error> {
    let claims = token.claims();
    let (exp, nbf, iat) = (date(claims, "exp")?, date(claims, "nbf")?, date(claims, "iat")?);
    if exp.is_none() && matches!(token, Genuine::Signed(_)) {
        return Err(Error::MissingClaim);
    }
    let expiry = exp.map(|exp| exp.plus(rules.leeway));
    if expiry.is_some_and(|expiry| now >= expiry) {
        return Err(Error::Expired);
    }
    let latest = now.plus(rules.leeway);
    if nbf.into_iter().chain(iat).any(|begin| begin > latest) {
        return Err(Error::NotYetValid);
    }
    let Some(max_age) = rules.max_age else {
        return Ok(expiry);
    };
    let oldest = iat.ok_or(Error::MissingClaim)?.plus(max_age).plus(rules.leeway);
    if now >= oldest { Err(Error::TooOld) } else { Ok(Some(expiry.map_or(oldest, |expiry| expiry.min(oldest)))) }
}

/// Reads a NumericDate claim, which may be absent. Anything but a number is invalid, `null` included.
fn date(claims: &Value, name: &str) -> Result<Option<NumericDate>, Error> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(|seconds| Some(NumericDate(seconds))).ok_or(Error::InvalidClaim),
    }
}

/// Checks the audience claim: a string, or a list of strings, with one of our audiences (RFC 7519 section 4.1.3).
fn check_audience(claims: &Value, rules: &ClaimRules) -> Result<(), Error> {
    let Some(ours) = &rules.audience else { return Ok(()) };
    let claim = rules.audience_claim.iter().find_map(|name| name.of(claims)).ok_or(Error::WrongAudience)?;
    let theirs = strings(claim).ok_or(Error::WrongAudience)?;
    if theirs.iter().any(|theirs| ours.iter().any(|ours| ours == theirs)) { Ok(()) } else { Err(Error::WrongAudience) }
}

/// Reads a string or an array of strings; `None` for anything else.
fn strings(claim: &Value) -> Option<Vec<&str>> {
    match claim {
        Value::String(single) => Some(vec![single]),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// Checks the `typ` header, compared as a media type (RFC 8725 and 8725bis section 3.11).
fn check_type(typ: Option<&str>, rules: &ClaimRules) -> Result<(), Error> {
    let typ = typ.map(media_type);
    let allowed = match (&rules.typ, typ) {
        (Some(allowed), Some(typ)) => allowed.iter().any(|allowed| media_type(allowed).eq_ignore_ascii_case(typ)),
        (Some(_), None) => false,
        (None, Some(typ)) => typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("at+jwt"),
        (None, None) => true,
    };
    if allowed { Ok(()) } else { Err(Error::WrongTokenType) }
}

/// Refuses a sender-constrained token: a thief without the proof of possession would send it as a bearer token (RFC 9449
/// section 7, RFC 8705 section 3). Introspection also tells it by the `token_type` (RFC 9449 section 6.2).
fn check_binding(token: &Genuine) -> Result<(), Error> {
    let bearer = match (token, token.claims().get("token_type")) {
        (Genuine::Signed(_), _) | (Genuine::Introspected(_), None) => true,
        (Genuine::Introspected(_), Some(kind)) => kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("Bearer")),
    };
    match token.claims().get("cnf") {
        None if bearer => Ok(()),
        _ => Err(Error::BoundToken),
    }
}

/// Checks the claim that names the tenant, which must be a string.
fn check_tenant(claims: &Value, rules: &ClaimRules, tenant: Option<&str>) -> Result<(), Error> {
    let Some(name) = &rules.tenant_claim else { return Ok(()) };
    let claim = name.present(claims).ok_or(Error::MissingClaim)?;
    match tenant {
        Some(tenant) if claim.as_str() == Some(tenant) => Ok(()),
        _ => Err(Error::InvalidClaim),
    }
}

/// Checks the claims that the issuer's tokens need; `null` counts as absent.
fn check_required(claims: &Value, rules: &ClaimRules) -> Result<(), Error> {
    rules.required.iter().try_for_each(|(name, accepted)| {
        let claim = name.present(claims);
        match (accepted.iter().any(|accepted| accepted.fits(claim)), claim) {
            (true, _) => Ok(()),
            (false, None) => Err(Error::MissingClaim),
            (false, Some(_)) => Err(Error::InvalidClaim),
        }
    })
}

/// The scopes of a token, with what `scope_map` adds to them.
fn scopes(claims: &Value, rules: &ClaimRules) -> Result<Vec<String>, Error> {
    let mut scopes = own_scopes(claims, &rules.scope_claims)?;
    rules.scope_map.extend(&mut scopes);
    Ok(scopes)
}

/// The union of the scope claims, sorted. Strings are split at spaces only (RFC 6749 section 3.3); a list has a scope per item.
fn own_scopes(claims: &Value, names: &[ClaimName]) -> Result<Vec<String>, Error> {
    // Enough for most tokens.
    let mut scopes = Vec::with_capacity(16);
    for claim in names.iter().filter_map(|name| name.of(claims)) {
        match claim {
            Value::String(text) => scopes.extend(text.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned)),
            list => scopes.extend(strings(list).ok_or(Error::InvalidClaim)?.into_iter().map(str::to_owned)),
        }
    }
    scopes.sort_unstable();
    Ok(scopes)
}
