//! One entry of `issuers`.

use std::borrow::Cow;
use std::time::Duration;

use super::claim::{claim_name, claim_names};
use super::key_address;
use super::route::required_claims;
use super::scope_map::scope_map;
use super::secret::secret;
use super::tenants::{self, Takes};
use super::unknown::unreadable;
use super::walk::{Fields, Node, all};
use crate::algorithm::Algorithm;
use crate::claims::{ClaimName, ClaimRules, ScopeMap};
use crate::issuer::{IssuerName, IssuerSettings};
use crate::keys::{CacheTimes, KeyRules, KeySet, KeySettings, NotAKeySet, SecretSettings, Seed};

/// Upper bounds in seconds: a longer time is probably a typo.
const DAY: u32 = 86_400;
const WEEK: u32 = 604_800;
const YEAR: u32 = 31_536_000;

const NOT_A_KEY_SET: &str = "expected a JWK Set: an object with a list `keys`";

pub(super) fn issuer(node: &Node<'_>) -> (Option<Takes>, Option<IssuerSettings>) {
    let mut takes = None;
    let issuer = read(node, &mut takes);
    (takes, issuer)
}

fn read(node: &Node<'_>, takes: &mut Option<Takes>) -> Option<IssuerSettings> {
    let fields = node.fields(&[
        "issuer",
        "tenants",
        "tenant_claim",
        "audience",
        "audience_claim",
        "jwks_uri",
        "jwks",
        "jwks_file",
        "secret",
        "jwks_seed_file",
        "introspection",
        "algorithms",
        "typ",
        "required_claims",
        "scope_claims",
        "scope_map",
        "leeway_seconds",
        "max_token_age_seconds",
        "keys_cache",
    ])?;
    let sources: Vec<_> = ["jwks_uri", "jwks", "jwks_file", "secret"]
        .into_iter()
        .filter(|name| fields.optional(name).is_some())
        .collect();
    let with_secret = sources.contains(&"secret");
    let name = match fields.optional("issuer") {
        Some(node) => tenants::issuer_name(&node, &fields),
        None if with_secret => Some(IssuerName::Unnamed),
        None => {
            fields.required(
                "issuer",
                "expected the text of the `iss` claim; only an entry with a `secret` may leave it out",
            );
            None
        }
    };
    *takes = name.clone().map(|name| Takes { name, with_secret });
    let beside = name.as_ref().and_then(|name| tenants::beside(&fields, name));
    let usual = if with_secret { vec![Algorithm::Hs256] } else { Algorithm::WITH_KEYS.to_vec() };
    let algorithms = fields.or("algorithms", usual, |node| algorithms(node, with_secret));
    let times = times(&fields);
    let fetched = matches!(sources.as_slice(), [] | ["jwks_uri"]);
    let seed = fields.or("jwks_seed_file", None, |node| match fetched {
        true => seed(node, &rules(algorithms.as_deref(), name.as_ref())?).map(Some),
        false => node.reject("only with `jwks_uri` or discovery, where a key set is fetched"),
    });
    let keys = match sources.as_slice() {
        [_, _, ..] => node.reject("expected at most one of `jwks_uri`, `jwks`, `jwks_file` and `secret`"),
        _ if fetched => key_address::remote(&fields, name.as_ref(), seed, times),
        _ => keys(&fields, algorithms.as_ref(), name.as_ref(), times),
    };
    let claims = claim_rules(&fields);
    beside?;
    Some(IssuerSettings { name: name?, algorithms: algorithms?, keys: keys?, claims: claims? })
}

/// Reads `algorithms`. All must fit the kind of keys that the entry has.
fn algorithms(node: &Node<'_>, with_secret: bool) -> Option<Vec<Algorithm>> {
    let (allowed, expected) = if with_secret {
        (&Algorithm::WITH_SECRET[..], "with a `secret`, expected a list of `HS256`, `HS384`, `HS512`")
    } else {
        let expected = "with keys, expected a list of `RS256`, `RS384`, `RS512`, `PS256`, `PS384`, `PS512`, `ES256`, `ES384`, `ES512`, `EdDSA`";
        (&Algorithm::WITH_KEYS[..], expected)
    };
    all(node.one_or_more()?.map(|item| {
        let named = Algorithm::named(&item.string(expected)?);
        named.filter(|algorithm| allowed.contains(algorithm)).or_else(|| item.reject(expected))
    }))
}

/// How the entry's key sets are read; what is not known yet counts as usual, so that other issues are found.
fn rules(algorithms: Option<&[Algorithm]>, name: Option<&IssuerName>) -> Option<KeyRules> {
    Some(KeyRules { allowed: algorithms?.to_vec(), issuer: tenants::issuer_member(name) })
}

/// Reads `jwks_seed_file`, a key set to start with.
fn seed(node: &Node<'_>, rules: &KeyRules) -> Option<Seed> {
    let file = node.file("expected the path of a file with a JWK Set")?;
    let written = || file.metadata()?.modified();
    let (text, written) = match (std::fs::read(&file), written()) {
        (Ok(text), Ok(written)) => (text, written),
        (Err(error), _) | (_, Err(error)) => return node.reject(unreadable(&error)),
    };
    // A date before 1970 counts as 1970, which is too old to use anyway.
    let written = written.duration_since(std::time::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Some(Seed { keys: key_set(node, &text, rules)?, written })
}

/// Reads the keys of an entry that does not fetch a key set.
fn keys(
    fields: &Fields<'_>,
    algorithms: Option<&Vec<Algorithm>>,
    name: Option<&IssuerName>,
    times: Option<CacheTimes>,
) -> Option<KeySettings> {
    let rules = || rules(algorithms.map(Vec::as_slice), name);
    if let Some(node) = fields.optional("jwks") {
        return match serde_json::to_vec(node.value) {
            Ok(text) => key_set(&node, &text, &rules()?).map(KeySettings::Fixed),
            Err(_) => node.reject(NOT_A_KEY_SET),
        };
    }
    if let Some(node) = fields.optional("jwks_file") {
        let expected = "expected the path of a file with a JWK Set";
        let file =
            std::fs::read(node.file(expected)?).map_err(|error| node.walk.report(&node.place, unreadable(&error)));
        return key_set(&node, &file.ok()?, &rules()?).map(KeySettings::Fixed);
    }
    let node = fields.optional("secret")?;
    let secrets = all(node.one_or_more()?.map(|item| secret(&item, algorithms)))?;
    let (mut fixed, mut stored) = (Vec::new(), Vec::new());
    for secret in secrets {
        match secret {
            SecretSettings::Given(secret) => fixed.push(secret),
            SecretSettings::Stored(secret) => stored.push(secret),
        }
    }
    Some(KeySettings::Secrets { fixed, stored, cooldown: times?.cooldown })
}

/// Reads a key set that comes with the configuration.
fn key_set(node: &Node<'_>, text: &[u8], rules: &KeyRules) -> Option<KeySet> {
    match KeySet::parse(text, rules) {
        Ok(keys) => {
            if let Some(complaint) = keys.complaint() {
                node.walk.warning(&node.place, &complaint);
            }
            Some(keys)
        }
        Err(NotAKeySet::Malformed) => node.reject(NOT_A_KEY_SET),
        Err(NotAKeySet::NoUsableKey(None)) => node.reject("expected a JWK Set with at least one key"),
        Err(NotAKeySet::NoUsableKey(Some(reason))) => node.reject(format!(
            "the first key cannot be used: {reason}; expected a JWK Set with at least one public key for signatures by an allowed algorithm (RSA of 2048 to 8192 bits, P-256, P-384, P-521 or Ed25519)"
        )),
    }
}

/// Reads the rules for the claims of the issuer's tokens.
fn claim_rules(fields: &Fields<'_>) -> Option<ClaimRules> {
    let audience = fields
        .required("audience", "expected the audience of your API, a text or a list of texts, or `null` to check none")
        .and_then(|node| audience(&node));
    let audience_claim = fields.or("audience_claim", vec![ClaimName::Member("aud".to_owned())], claim_names);
    let typ = fields.or("typ", None, |node| {
        all(node.one_or_more()?.map(|item| item.text("expected a `typ` header such as `at+jwt`").map(Cow::into_owned)))
            .map(Some)
    });
    let tenant_claim = fields.or("tenant_claim", None, |node| claim_name(node).map(Some));
    let required = fields.or("required_claims", Vec::new(), required_claims);
    let usual = ["scope", "scp"].map(|name| ClaimName::Member(name.to_owned())).to_vec();
    let scope_claims = fields.or("scope_claims", usual, claim_names);
    let scope_map = fields.or("scope_map", ScopeMap::default(), scope_map);
    let leeway = fields.or("leeway_seconds", 10, |node| node.integer(0..=300));
    let max_age = fields.or("max_token_age_seconds", None, |node| node.integer(1..=YEAR).map(Some));
    Some(ClaimRules {
        audience: audience?,
        audience_claim: audience_claim?,
        typ: typ?,
        tenant_claim: tenant_claim?,
        required: required?,
        scope_claims: scope_claims?,
        scope_map: scope_map?,
        leeway: leeway?,
        max_age: max_age?,
    })
}

/// Reads `audience`; `null` switches the check off.
fn audience(node: &Node<'_>) -> Option<Option<Vec<String>>> {
    if node.value.is_null() {
        node.walk
            .warning(&node.place, "tokens for any audience pass, also those that the issuer made for somebody else");
        return Some(None);
    }
    all(node
        .one_or_more()?
        .map(|item| item.text("expected an audience, a list of them, or `null`").map(Cow::into_owned)))
    .map(Some)
}

/// How long a fetched key set lives.
fn times(fields: &Fields<'_>) -> Option<CacheTimes> {
    let node = fields.optional("keys_cache");
    let fields = match &node {
        Some(node) => Some(node.fields(&["fresh_seconds", "stale_seconds", "cooldown_seconds", "timeout_ms"])?),
        None => None,
    };
    let number = |name, range, default| {
        let node = fields.as_ref().and_then(|fields| fields.optional(name));
        node.map_or(Some(default), |node| node.integer(range).map(Some))
    };
    let fresh = number("fresh_seconds", 1..=DAY, None);
    let stale = number("stale_seconds", 0..=WEEK, Some(3600));
    let cooldown = number("cooldown_seconds", 1..=3600, Some(15));
    let timeout = number("timeout_ms", 100..=10_000, Some(2000));
    let seconds = |number: u32| Duration::from_secs(number.into());
    Some(CacheTimes {
        fresh: fresh?.map(seconds),
        stale: seconds(stale??),
        cooldown: seconds(cooldown??),
        timeout: Duration::from_millis(timeout??.into()),
    })
}
