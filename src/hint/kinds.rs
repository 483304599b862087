//! What kind of token this is, where the configuration takes another kind.

use serde_json::{Map, Value};

use super::elsewhere::texts;
use super::list::Hint;
use super::refused::Refused;
use super::values::Wanted as WantedClaim;
use crate::claims::{Accepted, ClaimName, ClaimRules};

/// The resources of Microsoft's own APIs, whose tokens are for them alone.
const MICROSOFT: [&str; 6] = [
    "00000003-0000-0000-c000-000000000000",
    "00000002-0000-0000-c000-000000000000",
    "https://graph.microsoft.com",
    "https://graph.windows.net",
    "https://management.azure.com",
    "https://management.core.windows.net",
];
const ENTRA: [&str; 2] = ["https://sts.windows.net/", "https://login.microsoftonline.com/"];
const FIREBASE: &str = "https://securetoken.google.com/";
const FIREBASE_CUSTOM: &str =
    "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit";

/// A token that is certainly of another kind, whatever else is wrong with it.
pub(super) fn known(header: &Map<String, Value>, claims: &Value, refused: &Refused<'_>) -> Option<Hint> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let iss = text("iss").unwrap_or_default();
    let ours = || refused.issuers.iter().filter_map(|(name, _)| name.as_deref());
    let entra = |iss: &str| ENTRA.iter().any(|start| iss.starts_with(start));
    if for_one_of(claims, &MICROSOFT) || (header.contains_key("nonce") && entra(iss) && ours().any(entra)) {
        return Some(Hint::EntraGraphToken);
    }
    if matches!(text("typ"), Some("Refresh" | "Offline")) {
        return Some(Hint::RefreshToken);
    }
    if ours().any(|name| name.starts_with(FIREBASE)) {
        if iss.starts_with("https://session.firebase.google.com/") {
            return Some(Hint::FirebaseSessionCookie);
        }
        if for_one_of(claims, &[FIREBASE_CUSTOM]) {
            return Some(Hint::FirebaseCustomToken);
        }
        if matches!(iss, "https://accounts.google.com" | "accounts.google.com") && !ours().any(|name| name == iss) {
            return Some(Hint::GoogleTokenForFirebase);
        }
    }
    let supabase = claims.get("ref").is_some() && matches!(text("role"), Some("anon" | "service_role"));
    if supabase || matches!(iss, "supabase" | "supabase-demo") {
        return Some(Hint::SupabaseApiKey);
    }
    match (wanted(refused.rules), text("token_use")) {
        (Some(Wanted::Access), Some("id")) => Some(Hint::IdTokenForAccessToken),
        (Some(Wanted::Id), Some("access")) => Some(Hint::AccessTokenForIdToken),
        (Some(Wanted::Access), None) if is_named_id_token(claims) => Some(Hint::IdTokenForAccessToken),
        _ => None,
    }
}

/// An ID token where nothing says that one is wanted.
pub(super) fn unwanted_id_token(claims: &Value, refused: &Refused<'_>) -> Option<Hint> {
    let taken = matches!(wanted(refused.rules), Some(Wanted::Id)) || refused.issuer.is_some_and(issues_id_tokens);
    (!taken && is_id_token(claims)).then_some(Hint::IdTokenForAccessToken)
}

/// Whether a claim is one that access tokens have and ID tokens have not, or that tells them apart.
pub(super) fn is_of_access_tokens((name, _): &WantedClaim<'_>) -> bool {
    let names = ["token_use", "typ", "scope", "scp", "permissions", "client_id", "cid", "appid"];
    matches!(name, ClaimName::Member(name) if names.contains(&name.as_str()))
}

/// The kind of token that an issuer's rules ask for by name.
enum Wanted {
    Access,
    Id,
}

fn wanted(rules: Option<&ClaimRules>) -> Option<Wanted> {
    let rules = rules?;
    let accepts = |claim: &str, value: &str| {
        let named = |(name, _): &&(ClaimName, Vec<Accepted>)| matches!(name, ClaimName::Member(name) if name == claim);
        let mut required = rules.required.iter().filter(named);
        required.any(|(_, accepted)| accepted.contains(&Accepted::Value(value.into())))
    };
    match (
        accepts("token_use", "access") || accepts("typ", "Bearer"),
        accepts("token_use", "id") || accepts("typ", "ID"),
    ) {
        (true, false) => Some(Wanted::Access),
        (false, true) => Some(Wanted::Id),
        _ => None,
    }
}

/// Issuers whose JWTs are all ID tokens.
fn issues_id_tokens(issuer: &str) -> bool {
    issuer.ends_with("accounts.google.com") || issuer.starts_with(FIREBASE)
}

/// Whether the claims say by name that they are those of an ID token.
fn is_named_id_token(claims: &Value) -> bool {
    let says = |name: &str, value: &str| claims.get(name).is_some_and(|claim| claim == value);
    says("token_use", "id") || says("typ", "ID")
}

/// Whether claims are those of an ID token (OpenID Connect Core 1.0 sections 2, 3.1.3.6 and 5.1): of Okta by the beginning of
/// `jti`, of others by what only ID tokens have, or a profile without anything that an access token has.
fn is_id_token(claims: &Value) -> bool {
    let has = |names: &[&str]| names.iter().any(|name| claims.get(name).is_some());
    let jti = claims.get("jti").and_then(Value::as_str).unwrap_or_default();
    let profile = ["nickname", "picture", "updated_at", "preferred_username", "email_verified", "given_name"];
    let access = ["scope", "scp", "permissions", "client_id", "cid", "azp", "appid", "role", "roles", "firebase"];
    is_named_id_token(claims)
        || jti.starts_with("ID.")
        || has(&["at_hash", "c_hash", "nonce"])
        || (has(&profile) && !has(&access) && claims.get("aud").is_some_and(Value::is_string))
}

fn for_one_of(claims: &Value, audiences: &[&str]) -> bool {
    let mut theirs = claims.get("aud").into_iter().flat_map(texts);
    theirs.any(|theirs| audiences.contains(&theirs.trim_end_matches('/')))
}
