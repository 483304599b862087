//! Signed token + claim rules + now -> verified token (RFC 7519 section 4.1, RFC 8725).

use std::fmt;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::signature::Signed;
use crate::time::NumericDate;
use crate::token::media_type;

/// The longest `principalId` in bytes: it goes into every access log line.
const MAX_PRINCIPAL_BYTES: usize = 256;
/// The largest context value, and all of them together, in bytes: a whole answer has to stay under 8 KiB.
const MAX_CONTEXT_VALUE_BYTES: usize = 2048;
const MAX_CONTEXT_BYTES: usize = 6144;

/// Where a claim is: its name, or a JSON Pointer (RFC 6901) to what lies deeper.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum ClaimName {
    Member(String),
    Pointer(String),
    /// The whole claims set; only for the context.
    Everything,
}

impl ClaimName {
    /// A claim's name, or a JSON Pointer if it begins with `/`; `None` for an empty text or a malformed pointer.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let escapes_fit = || text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        match text.chars().next()? {
            '/' if escapes_fit() => Some(Self::Pointer(text.to_owned())),
            '/' => None,
            _ => Some(Self::Member(text.to_owned())),
        }
    }

    /// As the configuration writes it.
    #[cfg(feature = "authz")]
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Member(text) | Self::Pointer(text) => text,
            Self::Everything => "",
        }
    }

    /// The claim in this claims set.
    pub(crate) fn of<'a>(&self, claims: &'a Value) -> Option<&'a Value> {
        match self {
            Self::Member(name) => claims.get(name),
            Self::Pointer(pointer) => claims.pointer(pointer),
            Self::Everything => Some(claims),
        }
    }
}

/// What a claim may be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Accepted {
    /// This string, number or boolean, or an array that holds it.
    Value(Value),
    /// Anything but `null`.
    Present,
}

impl Accepted {
    /// Whether the claim is accepted.
    pub(crate) fn fits(&self, claim: &Value) -> bool {
        match (self, claim) {
            (Self::Present, claim) => !claim.is_null(),
            (Self::Value(value), Value::Array(items)) => items.iter().any(|item| same(value, item)),
            (Self::Value(value), single) => same(value, single),
        }
    }
}

/// JSON equality, in which `1` and `1.0` are the same number.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() != b.is_f64() => a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    }
}

/// What an issuer's tokens must say.
#[derive(Debug)]
pub(crate) struct ClaimRules {
    /// One of these must be in the audience claim; `None` switches the check off.
    pub(crate) audience: Option<Vec<String>>,
    /// Where the audience is: the first present one counts.
    pub(crate) audience_claim: Vec<ClaimName>,
    /// The allowed `typ` headers, of which one is then required.
    pub(crate) typ: Option<Vec<String>>,
    /// Claims that must be there, with one of the values.
    pub(crate) required: Vec<(ClaimName, Vec<Accepted>)>,
    /// Claims whose union is the token's scopes.
    pub(crate) scope_claims: Vec<ClaimName>,
    /// Clock skew allowed, in seconds.
    pub(crate) leeway: u32,
    /// The oldest acceptable `iat`, in seconds.
    pub(crate) max_age: Option<u32>,
}

/// Which claims go on to the gateway.
#[derive(Debug)]
pub(crate) struct Forwarding {
    /// The first present one becomes `principalId`.
    pub(crate) principal: Vec<ClaimName>,
    /// Context key -> claim, in key order.
    pub(crate) context: Vec<(String, ClaimName)>,
    /// Becomes `usageIdentifierKey`.
    pub(crate) usage_identifier_key: Option<ClaimName>,
}

/// A token that is genuine, current and meant for this API, and what it says to the gateway.
pub(crate) struct Verified {
    claims: Value,
    scopes: Vec<String>,
    identity: Identity,
    not_after: NumericDate,
}

/// Whom an answer speaks of: a function of the token alone, so that it may be cached with the policy.
#[derive(Clone, PartialEq)]
pub(crate) struct Identity {
    pub(crate) principal: String,
    pub(crate) context: Map<String, Value>,
    pub(crate) usage_identifier_key: Option<String>,
}

impl Verified {
    /// Checks the claims of a signed token in the order of the error codes.
    ///
    /// # Errors
    /// The first rule that is broken: [`Error::Expired`] on and after `exp` plus leeway, [`Error::NotYetValid`] for `nbf` or
    /// `iat` in the future, [`Error::TooOld`], [`Error::WrongAudience`], [`Error::WrongTokenType`], [`Error::BoundToken`],
    /// [`Error::MissingClaim`] and [`Error::InvalidClaim`], the latter also for dates that are not numbers.
    pub(crate) fn new(
        signed: Signed,
        rules: &ClaimRules,
        forwarding: &Forwarding,
        now: NumericDate,
    ) -> Result<Self, Error> {
        let claims = signed.claims();
        let not_after = check_dates(claims, rules, now)?;
        check_audience(claims, rules)?;
        check_type(signed.typ(), rules)?;
        check_binding(claims)?;
        check_required(claims, rules)?;
        let scopes = scopes(claims, &rules.scope_claims)?;
        let identity = Identity::of(claims, forwarding)?;
        Ok(Self { claims: signed.into_claims(), scopes, identity, not_after })
    }

    /// What each check of [`new`](Self::new) says of a token, in its order.
    #[cfg(feature = "authz")]
    pub(crate) fn checks(
        signed: &Signed,
        rules: &ClaimRules,
        forwarding: &Forwarding,
        now: NumericDate,
    ) -> [(Check, Result<(), Error>); 7] {
        let claims = signed.claims();
        [
            (Check::Dates, check_dates(claims, rules, now).map(drop)),
            (Check::Audience, check_audience(claims, rules)),
            (Check::Type, check_type(signed.typ(), rules)),
            (Check::Binding, check_binding(claims)),
            (Check::Required, check_required(claims, rules)),
            (Check::Scopes, scopes(claims, &rules.scope_claims).map(drop)),
            (Check::Identity, Identity::of(claims, forwarding).map(drop)),
        ]
    }

    /// The scopes it was granted.
    pub(crate) fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// A token with these claims and scopes, as if it had been verified.
    #[cfg(any(test, feature = "inner"))]
    pub(crate) fn for_tests(claims: Value, scopes: &[&str], not_after: NumericDate) -> Self {
        let mut scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        scopes.sort_unstable();
        Self {
            claims,
            scopes,
            identity: Identity { principal: "tester".to_owned(), context: Map::new(), usage_identifier_key: None },
            not_after,
        }
    }

    /// The claims set.
    pub(crate) fn claims(&self) -> &Value {
        &self.claims
    }

    /// Whom it speaks of, and the claims set.
    pub(crate) fn into_parts(self) -> (Identity, Value) {
        (self.identity, self.claims)
    }

    /// Whether the token was granted this scope, compared exactly (RFC 6749 section 3.3).
    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.scopes.binary_search_by(|granted| granted.as_str().cmp(scope)).is_ok()
    }

    /// Whom it speaks of.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The moment from which nothing may pass on this token.
    pub(crate) fn not_after(&self) -> NumericDate {
        self.not_after
    }
}

impl Identity {
    /// # Errors
    /// [`Error::MissingClaim`] and [`Error::InvalidClaim`] for a principal or usage identifier key that is not fit for one.
    fn of(claims: &Value, forwarding: &Forwarding) -> Result<Self, Error> {
        let usage_identifier_key = forwarding.usage_identifier_key.as_ref();
        Ok(Self {
            principal: principal(claims, &forwarding.principal)?,
            context: context(claims, &forwarding.context),
            usage_identifier_key: match usage_identifier_key.and_then(|name| name.of(claims)) {
                Some(key) => Some(identifier(key)?),
                None => None,
            },
        })
    }
}

/// A check of [`Verified::new`].
#[cfg(feature = "authz")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    Dates,
    Audience,
    Type,
    Binding,
    Required,
    Scopes,
    Identity,
}

/// A claims set does not print.
impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verified(..)")
    }
}

/// Nor does a principal.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(..)")
    }
}

/// `exp`, `nbf` and `iat` against now (RFC 7519 sections 4.1.4 to 4.1.6); returns when the token stops being valid.
fn check_dates(claims: &Value, rules: &ClaimRules, now: NumericDate) -> Result<NumericDate, Error> {
    let (exp, nbf, iat) = (date(claims, "exp")?, date(claims, "nbf")?, date(claims, "iat")?);
    let exp = exp.ok_or(Error::MissingClaim)?;
    let expiry = exp.plus(rules.leeway);
    if now >= expiry {
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
    if now >= oldest { Err(Error::TooOld) } else { Ok(expiry.min(oldest)) }
}

/// A NumericDate claim: absent, or a number; `null` is neither.
fn date(claims: &Value, name: &str) -> Result<Option<NumericDate>, Error> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(|seconds| Some(NumericDate(seconds))).ok_or(Error::InvalidClaim),
    }
}

/// The audience claim is a string or a list of strings that holds one of ours (RFC 7519 section 4.1.3).
fn check_audience(claims: &Value, rules: &ClaimRules) -> Result<(), Error> {
    let Some(ours) = &rules.audience else { return Ok(()) };
    let claim = rules.audience_claim.iter().find_map(|name| name.of(claims)).ok_or(Error::WrongAudience)?;
    let theirs = strings(claim).ok_or(Error::WrongAudience)?;
    if theirs.iter().any(|theirs| ours.iter().any(|ours| ours == theirs)) { Ok(()) } else { Err(Error::WrongAudience) }
}

/// A string, or an array of nothing but strings.
fn strings(claim: &Value) -> Option<Vec<&str>> {
    match claim {
        Value::String(single) => Some(vec![single]),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// The `typ` header, compared as media types are (RFC 8725 section 3.11).
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

/// A sender-constrained token is worth nothing without its proof, and a thief would send it as a bearer token (RFC 9449
/// section 7, RFC 8705 section 3).
fn check_binding(claims: &Value) -> Result<(), Error> {
    match claims.get("cnf") {
        Some(_) => Err(Error::BoundToken),
        None => Ok(()),
    }
}

/// The claims that an issuer's tokens need.
fn check_required(claims: &Value, rules: &ClaimRules) -> Result<(), Error> {
    rules.required.iter().try_for_each(|(name, accepted)| {
        let claim = name.of(claims).ok_or(Error::MissingClaim)?;
        match accepted.iter().any(|value| value.fits(claim)) {
            true => Ok(()),
            false => Err(Error::InvalidClaim),
        }
    })
}

/// The union of the scope claims, sorted: strings split at spaces and nothing else (RFC 6749 section 3.3), lists as they are.
fn scopes(claims: &Value, names: &[ClaimName]) -> Result<Vec<String>, Error> {
    // Most tokens have no more.
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

/// The first present claim of the list, which must then be fit for an identifier.
fn principal(claims: &Value, names: &[ClaimName]) -> Result<String, Error> {
    identifier(names.iter().find_map(|name| name.of(claims)).ok_or(Error::MissingClaim)?)
}

/// A string of 1 to 256 bytes without control characters.
fn identifier(claim: &Value) -> Result<String, Error> {
    match claim {
        Value::String(text)
            if (1..=MAX_PRINCIPAL_BYTES).contains(&text.len()) && !text.chars().any(char::is_control) =>
        {
            Ok(text.clone())
        }
        _ => Err(Error::InvalidClaim),
    }
}

/// The mapped claims as API Gateway takes them: scalars, everything else as JSON text, what does not fit left out.
fn context(claims: &Value, mapping: &[(String, ClaimName)]) -> Map<String, Value> {
    let mut context = Map::new();
    let mut room = MAX_CONTEXT_BYTES;
    for (key, name) in mapping {
        let value = match name.of(claims) {
            None => continue,
            Some(Value::String(text)) if text.chars().any(char::is_control) => continue,
            Some(scalar @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => scalar.clone(),
            Some(other) => Value::String(other.to_string()),
        };
        let bytes = value.as_str().map_or_else(|| value.to_string().len(), str::len);
        // What counts in all is what the answer will hold: quotes, escapes, the colon and the comma included.
        let written = [value.to_string(), Value::from(key.as_str()).to_string()].map(|text| text.len());
        let written = written.into_iter().fold(2, usize::saturating_add);
        if bytes <= MAX_CONTEXT_VALUE_BYTES && written <= room {
            room = room.saturating_sub(written);
            context.insert(key.clone(), value);
        }
    }
    context
}
