//! What a refusal usually means: a fixed code for the log line, and what to do about it.
//!
//! A hint is read out of a token that was refused, so nothing follows from it but a text for whoever runs the authorizer.
//! It is sought on the way of a refusal alone, and costs at most one more HMAC for each secret.

use std::cell::LazyCell;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

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
/// The longest token that is looked into: as long as one may be, with its scheme.
const MAX_BYTES: usize = 10_300;

/// The hints: what each is called, and what to do.
macro_rules! hints {
    ($($hint:ident $code:literal $advice:literal)*) => {
        /// The usual cause of a refusal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Hint {
            $(#[doc = $advice] $hint,)*
        }

        impl Hint {
            /// All of them, in the order of the pipeline.
            #[cfg(any(test, feature = "authz"))]
            pub(crate) const ALL: &[Self] = &[$(Self::$hint),*];

            /// The fixed code that the log carries.
            pub(crate) fn code(self) -> &'static str {
                match self {
                    $(Self::$hint => $code,)*
                }
            }

            /// What to do.
            #[cfg(any(test, feature = "authz"))]
            pub(crate) fn advice(self) -> &'static str {
                match self {
                    $(Self::$hint => $advice,)*
                }
            }
        }
    };
}

hints! {
    SchemeMissing "scheme_missing"
        "The header holds a token without its scheme. Send `Authorization: Bearer <token>`."
    SchemeRepeated "scheme_repeated"
        "The header says `Bearer` twice: both the code that fetches the token and the code that sends it add the word. Drop one."
    OtherScheme "other_scheme"
        "The credentials are of another scheme, such as `Basic`. Send `Authorization: Bearer <token>`."
    TokenInQuotes "token_in_quotes"
        "The token is sent in quotes, often because it was stored as JSON. Send it without them."
    PlaceholderToken "placeholder_token"
        "The client sent `undefined`, `null` or the like: it had no token yet. Wait for the sign-in before the first request."
    TokenTooLong "token_too_long"
        "The token is longer than the 10,240 bytes that request headers may have in all. Take claims out of it, often groups or roles."
    EncryptedToken "encrypted_token"
        "The token is encrypted (JWE). Have the issuer sign tokens for this API without encrypting them; Auth0 has this in the settings of the API."
    OpaqueToken "opaque_token"
        "The token is not a JWT but a reference that only its issuer understands. Ask for a token for this API: with Auth0 name the `audience`, with Okta use a custom authorization server; Google's access tokens are always opaque, its ID tokens are not."
    NotBase64Url "not_base64url"
        "The token holds `+`, `/` or `=`: it was encoded as base64 instead of base64url (RFC 7515 section 2), or changed on its way."
    UnsignedToken "unsigned_token"
        "The token is not signed (`alg` is `none`). It is a test token or an attack."
    RefreshToken "refresh_token"
        "This is a refresh token. Send the access token that came with it."
    AlgorithmOfOtherKind "algorithm_of_other_kind"
        "The token is signed with a shared secret and its issuer is configured with keys, or the other way round. Change how the issuer signs, or configure `secret` or keys to fit; two entries may share an issuer if one has a secret and the other keys."
    AlgorithmNotListed "algorithm_not_listed"
        "The token's `alg` is supported, but is not in the issuer's `algorithms`. Add it if the issuer may use it."
    IssuerDiffersByTrailingSlash "issuer_differs_by_trailing_slash"
        "`iss` and a configured `issuer` differ by a slash at the end. Copy `iss` from a token: Auth0 writes the slash, most others do not."
    IssuerDiffersByCase "issuer_differs_by_case"
        "`iss` and a configured `issuer` differ in capital letters only. Copy `iss` from a token."
    IssuerDiffersByScheme "issuer_differs_by_scheme"
        "`iss` and a configured `issuer` differ in what stands before `://`. Google writes `accounts.google.com` with and without it; Keycloak behind a proxy writes `http` until its host name is set."
    IssuerDiffersByHost "issuer_differs_by_host"
        "`iss` has the path of a configured `issuer` and another host. The token came by another name of the same server: with Keycloak set its host name, with Auth0 and Okta use the same domain, your own or theirs, everywhere."
    IssuerMisspelt "issuer_misspelt"
        "`iss` and a configured `issuer` differ in one place, by one or two letters. Copy `iss` from a token."
    IssuerAbsent "issuer_absent"
        "The token has no `iss`. Have its issuer set one, or leave `issuer` out of an entry with a secret."
    EntraV1Token "entra_v1_token"
        "This is a v1.0 token of Microsoft Entra, and v2.0 is configured. Set `accessTokenAcceptedVersion` (`requestedAccessTokenVersion`) to 2 in the manifest of the API's app registration."
    EntraV2Token "entra_v2_token"
        "This is a v2.0 token of Microsoft Entra, and v1.0 is configured. Set `issuer` to https://login.microsoftonline.com/TENANT/v2.0 and `audience` to the API's client ID."
    EntraTenantMissing "entra_tenant_missing"
        "The configured `issuer` is Entra's address for all tenants, and tokens name one. Put the tenant's ID in the place of `common` or `organizations`; one entry for each tenant."
    OktaOrgToken "okta_org_token"
        "This is a token of Okta's org server, which only Okta itself can verify. Ask for one at a custom authorization server, such as /oauth2/default."
    SupabaseApiKey "supabase_api_key"
        "This is a Supabase API key (`anon` or `service_role`), not a user's token. Send the session's access token."
    KidAbsent "kid_absent"
        "The token has no `kid`, and not exactly one of the issuer's keys fits its algorithm. Have the issuer name its key, or narrow `algorithms`."
    EntraGraphToken "entra_graph_token"
        "This token is for Microsoft Graph, which alone can verify it. Ask for one with a scope of your own API (api://CLIENT_ID/...)."
    SecretMayBeBase64 "secret_may_be_base64"
        "The signature is right if the secret is read as base64. Set the secret's `encoding` to `base64` or `base64url`."
    SecretMayBeText "secret_may_be_text"
        "The signature is right if the secret is read as the text it is written as. Remove `encoding`, or set it to `utf8`."
    ClockSkew "clock_skew"
        "The token's dates are off by less than five minutes. Synchronize the clocks, fetch a new token a little before the old one ends, or raise `leeway_seconds` (at most 300)."
    DatesInMilliseconds "dates_in_milliseconds"
        "A date in the token is in milliseconds; `exp`, `nbf` and `iat` are seconds (RFC 7519 section 2). In JavaScript divide `Date.now()` by 1000."
    AudienceDiffersByTrailingSlash "audience_differs_by_trailing_slash"
        "The token's audience and a configured one differ by a slash at the end. Copy it from a token, or from the API's settings at the issuer."
    AudienceDiffersByCase "audience_differs_by_case"
        "The token's audience and a configured one differ in capital letters only. Copy it from a token."
    AudienceDiffersByScheme "audience_differs_by_scheme"
        "The token's audience and a configured one differ in what stands before `://`. Entra writes api://CLIENT_ID in v1.0 tokens and CLIENT_ID in v2.0 tokens; `audience` may list both."
    AudienceMisspelt "audience_misspelt"
        "The token's audience and a configured one differ in one place, by one or two letters. Copy it from a token, or from the API's settings at the issuer."
    AudienceInAnotherClaim "audience_in_another_claim"
        "A configured audience stands in another claim (`client_id`, `azp`, `cid` or `appid`). Cognito's access tokens have no `aud`: set `audience_claim` to [\"aud\", \"client_id\"]; with Clerk and Keycloak [\"aud\", \"azp\"] may fit."
    AudienceClaimAbsent "audience_claim_absent"
        "The token has no audience. Name this API when asking for it (Auth0 `audience`, a custom scope, Keycloak an audience mapper), or set `audience_claim` to the claim that says whom it is for."
    AudienceIsAccount "audience_is_account"
        "The token's audience is `account`, Keycloak's own default. Add an audience mapper with this API's name to the client or to a client scope."
    IdTokenForAccessToken "id_token_for_access_token"
        "This is an ID token, which is meant for the client that signed the user in. Send the access token."
    AccessTokenForIdToken "access_token_for_id_token"
        "This is an access token, and the configuration asks for an ID token. Send the ID token, or set `required_claims` to what access tokens have (Cognito: `token_use` is `access`)."
    TypAbsent "typ_absent"
        "The token has no `typ` header, and `typ` is configured. Cognito, among others, sends none: remove `typ`, and tell tokens apart by `required_claims`."
    TypIsJwt "typ_is_jwt"
        "The token's `typ` is `JWT`, and the configuration asks for another. Not every issuer writes `at+jwt` (Auth0: choose the RFC 9068 profile): change that, or `typ`."
    PrincipalAbsent "principal_absent"
        "The token has none of the claims in `principal`. Tokens for machines may have no `sub`: set `principal` to a list, such as [\"sub\", \"client_id\"]."
    ScopesInAnotherClaim "scopes_in_another_claim"
        "The token lists its rights in another claim. Add that to `scope_claims`: `permissions` (Auth0 with RBAC), `roles` (Entra applications), `cognito:groups`, /realm_access/roles (Keycloak)."
    ScopeDiffersByCase "scope_differs_by_case"
        "The token has a scope that differs from one that the route needs in capital letters only."
    ScopeDiffersByPrefix "scope_differs_by_prefix"
        "The token has a scope that differs from one that the route needs in what stands before the last `/`. Cognito puts the resource server there (SERVER/read); Entra leaves api://CLIENT_ID/ out of `scp`. Write scopes as they stand in the token."
    ScopeMisspelt "scope_misspelt"
        "The token has a scope that differs from one that the route needs in one place, by one or two letters."
    ScopesSeparatedByCommas "scopes_separated_by_commas"
        "The token's scopes are one text with commas; scopes are separated by spaces (RFC 6749 section 3.3). Have the issuer send a list or spaces."
    MethodNotDeclared "method_not_declared"
        "The path is declared, and not for this method. If it should be, add the method to the route; a more specific path hides the methods of a less specific one."
    PathDiffersByCase "path_differs_by_case"
        "A path that differs in capital letters only is declared. Paths are compared as they are, by the gateway too."
}

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
    pub(crate) near: &'a dyn Fn() -> Option<Hint>,
    pub(crate) now: NumericDate,
}

/// A token as anybody may have written it. Nothing in it is verified.
#[derive(Default)]
struct Reread {
    header: Map<String, Value>,
    claims: Value,
}

/// How two names that should be one differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    TrailingSlash,
    Case,
    Scheme,
    Letters,
}

impl Hint {
    /// The usual cause of this refusal, if it has one.
    pub(crate) fn of(error: Error, refused: &Refused<'_>) -> Option<Self> {
        if refused.authorization.len() > MAX_BYTES {
            return Some(Self::TokenTooLong);
        }
        if error == Error::MalformedToken {
            return malformed(refused.authorization);
        }
        let token = LazyCell::new(|| Reread::of(refused.authorization));
        let claims = || refused.claims.unwrap_or_else(|| &token.claims);
        match error {
            Error::UnsupportedAlgorithm => algorithm(&token, refused.issuers),
            Error::UnknownIssuer => issuer(claims(), refused.issuers),
            Error::UnknownKey => (!token.header.contains_key("kid")).then_some(Self::KidAbsent),
            Error::InvalidSignature | Error::InvalidSignatureUnderOldSecret => match token.header.contains_key("nonce")
            {
                true => Some(Self::EntraGraphToken),
                false => (refused.other_reading)(),
            },
            Error::Expired | Error::NotYetValid | Error::TooOld => dates(error, claims(), refused),
            Error::WrongAudience => audience(claims(), refused.rules?),
            Error::WrongTokenType => match token.header.get("typ") {
                _ if is_id_token(claims()) => Some(Self::IdTokenForAccessToken),
                None => Some(Self::TypAbsent),
                Some(typ) => (typ == "JWT").then_some(Self::TypIsJwt),
            },
            Error::InvalidClaim | Error::MissingClaim => claim(claims(), refused),
            Error::InsufficientScope => scope(claims(), refused.rules?, refused.need?),
            Error::UndeclaredRoute => (refused.near)(),
            Error::MissingToken
            | Error::MalformedToken
            | Error::MalformedEvent
            | Error::KeysUnavailable
            | Error::BoundToken
            | Error::ClaimMismatch
            | Error::AmbiguousPath
            | Error::Internal => None,
        }
    }
}

impl Reread {
    /// Reads what can be read.
    fn of(authorization: &str) -> Self {
        Self { header: part(authorization, 0), claims: Value::Object(part(authorization, 1)) }
    }
}

/// What can be read of a segment: nothing, if it is not an object.
fn part(authorization: &str, position: usize) -> Map<String, Value> {
    let token = authorization.rsplit(' ').next().unwrap_or_default();
    let bytes = token.split('.').nth(position).and_then(|segment| URL_SAFE_NO_PAD.decode(segment).ok());
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// The header that a token seems to have, as JSON.
#[cfg(feature = "authz")]
pub(crate) fn seeming_header(token: &str) -> Option<String> {
    let header = part(token, 0);
    (!header.is_empty()).then(|| Value::Object(header).to_string())
}

/// Credentials that are no compact JWS.
fn malformed(authorization: &str) -> Option<Hint> {
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
fn algorithm(token: &Reread, issuers: &[(Option<&str>, bool)]) -> Option<Hint> {
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
fn issuer(claims: &Value, issuers: &[(Option<&str>, bool)]) -> Option<Hint> {
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

/// What keeps a name from being another; `None` if there is more to it.
fn difference(ours: &str, theirs: &str) -> Option<Difference> {
    let bare = |name: &str| name.strip_suffix('/').unwrap_or(name).to_owned();
    let tail = |name: &str| bare(name.split_once("://").map_or(name, |(_, rest)| rest));
    if ours == theirs {
        None
    } else if bare(ours) == bare(theirs) {
        Some(Difference::TrailingSlash)
    } else if bare(ours).eq_ignore_ascii_case(&bare(theirs)) {
        Some(Difference::Case)
    } else if tail(ours).eq_ignore_ascii_case(&tail(theirs)) {
        Some(Difference::Scheme)
    } else {
        misspelt(ours, theirs).then_some(Difference::Letters)
    }
}

/// Whether two names differ in one place alone, by one or two letters of many. Digits tell things apart.
fn misspelt(ours: &str, theirs: &str) -> bool {
    const FEWEST: usize = 6;
    const MOST: usize = 2;
    let alike = |(a, b): &(u8, u8)| a == b;
    if ours.len().abs_diff(theirs.len()) > MOST {
        return false;
    }
    let same = ours.bytes().zip(theirs.bytes()).take_while(alike).count();
    let (ours, theirs) = (ours.as_bytes(), theirs.as_bytes());
    let (mut mine, mut other) = (ours.get(same..).unwrap_or_default(), theirs.get(same..).unwrap_or_default());
    while let (Some((a, before)), Some((b, others_before))) = (mine.split_last(), other.split_last())
        && a == b
    {
        (mine, other) = (before, others_before);
    }
    let letters = |part: &[u8]| part.len() <= MOST && part.iter().all(u8::is_ascii_alphabetic);
    ours.len().min(theirs.len()) >= FEWEST && letters(mine) && letters(other)
}

/// Dates that are just off, or off by a factor of a thousand.
fn dates(error: Error, claims: &Value, refused: &Refused<'_>) -> Option<Hint> {
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
fn audience(claims: &Value, rules: &ClaimRules) -> Option<Hint> {
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
fn claim(claims: &Value, refused: &Refused<'_>) -> Option<Hint> {
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
    let required = |rules: &ClaimRules| rules.required.iter().all(|(name, _)| name.of(claims).is_some());
    (!principal && refused.rules.is_some_and(required)).then_some(Hint::PrincipalAbsent)
}

/// Scopes that are there, and not where or as they are looked for.
fn scope(claims: &Value, rules: &ClaimRules, need: &Need) -> Option<Hint> {
    const OTHERS: [&str; 9] = [
        "scope",
        "scp",
        "scopes",
        "permissions",
        "roles",
        "groups",
        "cognito:groups",
        "org_permissions",
        "/realm_access/roles",
    ];
    let needed: Vec<&str> =
        need.any_of.iter().flat_map(|alternative| alternative.scopes.iter().flatten()).map(String::as_str).collect();
    let configured = || rules.scope_claims.iter().filter_map(|name| name.of(claims));
    let granted: Vec<&str> = configured().flat_map(texts).flat_map(|text| text.split(' ')).collect();
    let any = |alike: &dyn Fn(&str, &str) -> bool| {
        granted.iter().any(|granted| needed.iter().any(|needed| granted != needed && alike(granted, needed)))
    };
    if any(&|granted, needed| granted.eq_ignore_ascii_case(needed)) {
        return Some(Hint::ScopeDiffersByCase);
    }
    fn last(scope: &str) -> &str {
        scope.rsplit_once('/').map_or(scope, |(_, last)| last)
    }
    if any(&|granted, needed| last(granted) == last(needed)) {
        return Some(Hint::ScopeDiffersByPrefix);
    }
    if any(&|granted, needed| misspelt(needed, granted)) {
        return Some(Hint::ScopeMisspelt);
    }
    if any(&|granted, needed| granted.split(',').any(|part| part == needed)) {
        return Some(Hint::ScopesSeparatedByCommas);
    }
    let is = |name: &str, known: &ClaimName| matches!(known, ClaimName::Member(text) | ClaimName::Pointer(text) if text == name);
    let elsewhere = OTHERS
        .into_iter()
        .filter(|name| !rules.scope_claims.iter().any(|known| is(name, known)))
        .filter_map(|name| if name.starts_with('/') { claims.pointer(name) } else { claims.get(name) });
    let none = configured().next().is_none();
    let helps = |claim: &Value| {
        let mut scopes = texts(claim).flat_map(|text| text.split(' ')).peekable();
        (none && scopes.peek().is_some()) || scopes.any(|scope| needed.contains(&scope))
    };
    if elsewhere.into_iter().any(helps) {
        return Some(Hint::ScopesInAnotherClaim);
    }
    (none && is_id_token(claims)).then_some(Hint::IdTokenForAccessToken)
}

/// Whether claims are those of an ID token (OpenID Connect Core 1.0 sections 2 and 3.1.3.6).
fn is_id_token(claims: &Value) -> bool {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::routes::Alternative;

    /// Every hint and its advice stand in the documentation; `UPDATE_GOLDEN=1 cargo test hint` writes them there.
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

    #[track_caller]
    fn malformed(authorization: &str, expected: Option<Hint>) {
        assert_eq!(super::malformed(authorization), expected, "{authorization:?}");
    }

    #[test]
    fn credentials_that_are_no_jwt_say_what_they_look_like() {
        malformed("eyJh.e30.AA", Some(Hint::SchemeMissing));
        malformed("Bearer Bearer eyJh.e30.AA", Some(Hint::SchemeRepeated));
        malformed("Basic dTpw", Some(Hint::OtherScheme));
        malformed("Bearer \"eyJh.e30.AA\"", Some(Hint::TokenInQuotes));
        malformed("Bearer undefined", Some(Hint::PlaceholderToken));
        malformed("bearer [object Object]", Some(Hint::PlaceholderToken));
        malformed("Bearer a.b.c.d.e", Some(Hint::EncryptedToken));
        malformed("Bearer ya29_opaque", Some(Hint::OpaqueToken));
        malformed("Bearer eyJh.e30=.AA", Some(Hint::NotBase64Url));
        malformed("Bearer ya29.a0", Some(Hint::OpaqueToken));
        malformed("Bearer a b", None);
        malformed("=", None);
    }

    #[track_caller]
    fn issuer(configured: &str, iss: &str, expected: Option<Hint>) {
        let issuers = [(Some(configured), false)];
        assert_eq!(super::issuer(&json!({ "iss": iss }), &issuers), expected, "{configured} {iss}");
    }

    #[test]
    fn an_unknown_issuer_says_what_it_is_near_to() {
        issuer("https://t.auth0.com/", "https://t.auth0.com", Some(Hint::IssuerDiffersByTrailingSlash));
        issuer("https://t.auth0.com/", "https://T.auth0.com/", Some(Hint::IssuerDiffersByCase));
        issuer("https://accounts.google.com", "accounts.google.com", Some(Hint::IssuerDiffersByScheme));
        issuer("https://sso.example/realms/r", "http://sso.example/realms/r", Some(Hint::IssuerDiffersByScheme));
        issuer("https://sso.example/realms/r", "http://keycloak:8080/realms/r", Some(Hint::IssuerDiffersByHost));
        issuer("https://issuer.example/", "https://isuer.example/", Some(Hint::IssuerMisspelt));
        issuer("https://login.microsoftonline.com/1/v2.0", "https://sts.windows.net/1/", Some(Hint::EntraV1Token));
        issuer("https://sts.windows.net/1/", "https://login.microsoftonline.com/1/v2.0", Some(Hint::EntraV2Token));
        issuer(
            "https://login.microsoftonline.com/common/v2.0",
            "https://login.microsoftonline.com/1/v2.0",
            Some(Hint::EntraTenantMissing),
        );
        issuer("https://o.okta.com/oauth2/default", "https://o.okta.com", Some(Hint::OktaOrgToken));
        issuer("https://r.supabase.co/auth/v1", "supabase", Some(Hint::SupabaseApiKey));
        issuer("https://a.example/", "https://b.example.org/", None);
        assert_eq!(super::issuer(&json!({}), &[(Some("x"), false)]), Some(Hint::IssuerAbsent));
        assert_eq!(super::issuer(&json!({ "iss": 1 }), &[(Some("x"), false)]), None);
    }

    fn rules(audience: &str, audience_claim: &[&str]) -> ClaimRules {
        let names = |names: &[&str]| names.iter().filter_map(|name| ClaimName::parse(name)).collect();
        ClaimRules {
            audience: Some(vec![audience.to_owned()]),
            audience_claim: names(audience_claim),
            typ: None,
            required: Vec::new(),
            scope_claims: names(&["scope", "scp"]),
            leeway: 10,
            max_age: None,
        }
    }

    #[track_caller]
    fn audience(ours: &str, claims: Value, expected: Option<Hint>) {
        assert_eq!(super::audience(&claims, &rules(ours, &["aud"])), expected, "{claims}");
    }

    #[test]
    fn a_wrong_audience_says_what_it_is_near_to() {
        audience("https://api/", json!({ "aud": ["x", "https://api"] }), Some(Hint::AudienceDiffersByTrailingSlash));
        audience("https://api", json!({ "aud": "HTTPS://API" }), Some(Hint::AudienceDiffersByCase));
        audience("client", json!({ "aud": "api://client" }), Some(Hint::AudienceDiffersByScheme));
        audience("https://api.example", json!({ "aud": "https://apl.example" }), Some(Hint::AudienceMisspelt));
        audience("client", json!({ "client_id": "client" }), Some(Hint::AudienceInAnotherClaim));
        audience("client", json!({ "aud": "other", "azp": "client" }), Some(Hint::AudienceInAnotherClaim));
        audience("client", json!({}), Some(Hint::AudienceClaimAbsent));
        audience("api-name", json!({ "aud": "client", "nonce": "n" }), Some(Hint::IdTokenForAccessToken));
        audience("api-name", json!({ "aud": "account" }), Some(Hint::AudienceIsAccount));
        audience("api-name", json!({ "aud": "https://graph.microsoft.com/" }), Some(Hint::EntraGraphToken));
        audience("api-1", json!({ "aud": "api-2" }), None);
    }

    #[track_caller]
    fn scope(needed: &str, claims: Value, expected: Option<Hint>) {
        let need = Need { any_of: vec![Alternative { scopes: vec![vec![needed.to_owned()]], claims: Vec::new() }] };
        assert_eq!(super::scope(&claims, &rules("api", &["aud"]), &need), expected, "{needed} {claims}");
    }

    #[test]
    fn an_insufficient_scope_says_where_else_it_may_be() {
        scope("read", json!({ "permissions": ["read"], "scope": "openid" }), Some(Hint::ScopesInAnotherClaim));
        scope("read", json!({ "roles": ["other"] }), Some(Hint::ScopesInAnotherClaim));
        scope("read", json!({ "realm_access": { "roles": ["read"] } }), Some(Hint::ScopesInAnotherClaim));
        scope("read:all", json!({ "scope": "Read:all" }), Some(Hint::ScopeDiffersByCase));
        scope("read", json!({ "scope": "server/read" }), Some(Hint::ScopeDiffersByPrefix));
        scope("read:pets", json!({ "scope": "read:pet" }), Some(Hint::ScopeMisspelt));
        scope("read", json!({ "scope": "write,read" }), Some(Hint::ScopesSeparatedByCommas));
        scope("read", json!({ "token_use": "id" }), Some(Hint::IdTokenForAccessToken));
        scope("read", json!({ "scope": "openid" }), None);
    }
}
