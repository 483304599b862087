//! The API of the long run, and the events whose answers never change. Each is signed once, because millions of
//! signatures would take longer than the program.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::judge::Said;
use super::random::Random;
use super::world::{TENANTS, tenant_key};
use crate::support::api::{
    AUDIENCE, KEYS, STAGE, YOUNG, claims, config, event_with, healing_tokens, invalid_tokens, malformed_events,
    public_algorithms, secret_token,
};
use crate::support::{SigningKey, key, now, stranger};

/// The number of routes for members of an organization.
pub(super) const RESOURCES: usize = 41;
/// The most organizations that a token names, of so many.
const MAX_ORGS: usize = 300;
const ALL_ORGS: usize = 1000;
/// The issuers whose `{tenant}` is listed, and whose is any.
pub(super) const LISTED: &str = "https://tenants.example.com/";
pub(super) const ANY: &str = "https://any.example.com/";
/// The issuer of opaque tokens.
pub(super) const OPAQUE: &str = "https://opaque.example.com/";
/// An issuer with a required claim.
const REGION: &str = "https://region.example.com/";

/// What the rules say about an event.
#[derive(Debug)]
pub(super) enum Expected {
    /// Allowed, for this principal.
    Allowed(String),
    /// A valid token without the right to this, and the reason if the answer is about this request alone.
    Refused(Option<&'static str>),
    /// An invalid token, for this reason.
    Invalid(&'static str),
    Error(&'static str),
    /// A token of these organizations, with or without the scope for exports, and whether the request passes.
    Member {
        orgs: Vec<String>,
        exports: bool,
        passes: bool,
    },
}

/// An event, and the first answer to it.
pub(super) struct Event {
    pub(super) kind: &'static str,
    pub(super) body: Vec<u8>,
    /// `METHOD/path`.
    pub(super) request: String,
    pub(super) expected: Expected,
    pub(super) first: Option<Said>,
}

/// The API of other tests with cacheable policies, every source of tokens, tenants, opaque tokens, and routes bound to claims.
pub(super) fn document(server: &str) -> Value {
    let mut document = config();
    document["policy"] = "cacheable".into();
    document["token_sources"] = json!(["header:Authorization", "cookie:session", "websocket_protocol", "query:token"]);
    let patience = |fresh: u64| json!({ "fresh_seconds": fresh, "cooldown_seconds": 1, "timeout_ms": 10_000 });
    document["issuers"][1] = json!({
        "issuer": KEYS, "audience": AUDIENCE, "jwks_uri": format!("{server}/keys"), "keys_cache": patience(1),
    });
    let tenants: Vec<String> = (0..TENANTS).map(|number| format!("t{number}")).collect();
    document["issuers"].as_array_mut().unwrap().extend([
        json!({
            "issuer": format!("{LISTED}{{tenant}}/"), "tenants": tenants, "audience": AUDIENCE,
            "jwks_uri": format!("{server}/tenants/{{tenant}}"), "keys_cache": patience(10),
        }),
        json!({
            "issuer": format!("{ANY}{{tenant}}/"), "tenants": "any", "audience": AUDIENCE,
            "jwks_uri": format!("{server}/any"), "keys_cache": patience(10),
        }),
        json!({
            "issuer": OPAQUE, "audience": AUDIENCE, "jwks": { "keys": [key("ES256").jwk()] },
            "keys_cache": { "timeout_ms": 10_000 },
            "introspection": {
                "endpoint": format!("{server}/introspect"), "client_id": "api", "client_secret": { "env": "SECRET" },
                "cache_seconds": 1,
            },
        }),
        json!({
            "issuer": REGION, "audience": AUDIENCE, "secret": { "env": "SECRET" }, "required_claims": { "region": "eu" },
        }),
    ]);
    let routes = document["routes"].as_array_mut().unwrap();
    routes.push(json!({ "path": "$connect", "scopes": "read:movies" }));
    routes.push(json!({ "path": "/tenants/{t}/{path+}", "claims": { "{tenant}": "{t}" } }));
    routes.extend((0..RESOURCES).map(
        |number| json!({ "method": "GET", "path": format!("/orgs/{{org}}/res{number}/{{path+}}"), "claims": { "orgs": "{org}" } }),
    ));
    routes.push(json!({
        "method": "GET", "path": "/orgs/{org}/res0/export", "claims": { "orgs": "{org}" }, "scopes": "export",
    }));
    document
}

/// The events, with this many tokens of organizations.
pub(super) fn deck(members: usize) -> Vec<Event> {
    let mut deck = Vec::new();
    users(&mut deck);
    signatures(&mut deck);
    refusals(&mut deck);
    kinds_of_apis(&mut deck);
    tenants(&mut deck);
    organizations(&mut deck, members);
    deck
}

fn put(deck: &mut Vec<Event>, kind: &'static str, body: impl Into<Vec<u8>>, request: &str, expected: Expected) {
    deck.push(Event { kind, body: body.into(), request: request.to_owned(), expected, first: None });
}

/// A TOKEN event.
fn token_event(deck: &mut Vec<Event>, kind: &'static str, token: &str, request: &str, expected: Expected) {
    put(deck, kind, event_with(Some(&format!("Bearer {token}")), request), request, expected);
}

fn allowed(principal: &str) -> Expected {
    Expected::Allowed(principal.to_owned())
}

fn users(deck: &mut Vec<Event>) {
    for number in 0..200 {
        let subject = format!("user-{number}");
        let token = secret_token(json!({ "sub": subject }));
        for (request, expected) in [
            ("GET/movies".to_owned(), allowed(&subject)),
            (format!("GET/users/{subject}"), allowed(&subject)),
            ("GET/users/another".to_owned(), Expected::Refused(None)),
            ("POST/movies".to_owned(), Expected::Refused(None)),
        ] {
            token_event(deck, "TOKEN, HS256", &token, &request, expected);
        }
    }
}

fn signatures(deck: &mut Vec<Event>) {
    for alg in public_algorithms() {
        let kind = match alg {
            "RS256" => "TOKEN, RS256",
            "ES256" => "TOKEN, ES256",
            _ => "TOKEN, other algorithms",
        };
        for number in 0..if matches!(alg, "RS256" | "ES256") { 100 } else { 4 } {
            let subject = format!("{alg}-{number}");
            let token = key(alg).token(&claims(KEYS, json!({ "sub": subject })));
            token_event(deck, kind, &token, "GET/movies", allowed(&subject));
            token_event(deck, kind, &token, "GET/elsewhere", Expected::Refused(None));
        }
    }
}

/// Whether a token's answer changes as the hours pass, because its issuer takes young ones only.
fn ages(authorization: Option<&str>) -> bool {
    let payload = authorization.and_then(|text| text.split('.').nth(1));
    let payload = payload.and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok()).unwrap_or_default();
    String::from_utf8_lossy(&payload).contains(YOUNG)
}

/// Whether it goes to the introspection endpoint: one that is no JWT, of the characters of a bearer token.
fn is_opaque(authorization: Option<&str>) -> bool {
    let token = authorization.and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default();
    let dots = token.bytes().filter(|byte| *byte == b'.').count();
    dots != 2
        && !token.is_empty()
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte))
}

fn refusals(deck: &mut Vec<Event>) {
    let region = |others: Value| key("HS256").token(&claims(REGION, others));
    let bearer = |token: String| Some(format!("Bearer {token}"));
    let others = [
        ("missing_claim", bearer(region(json!({})))),
        ("invalid_claim", bearer(region(json!({ "region": "us" })))),
        ("malformed_token", bearer("a.b.c".to_owned())),
    ];
    for (reason, authorization) in invalid_tokens().into_iter().chain(others) {
        let authorization = authorization.as_deref();
        if is_opaque(authorization) || (ages(authorization) && reason != "too_old") {
            continue;
        }
        let event = event_with(authorization, "GET/movies");
        put(deck, "invalid tokens", event, "GET/movies", Expected::Invalid(reason));
        if let Some(text) = authorization {
            let event = rest("GET/movies", &json!({ "headers": { "authorization": text } }));
            put(deck, "invalid tokens", event, "GET/movies", Expected::Invalid(reason));
        }
    }
    let padded = secret_token(json!({ "padding": "x".repeat(200_000) }));
    token_event(deck, "invalid tokens", &padded, "GET/movies", Expected::Invalid("malformed_token"));
    let later = now().saturating_add(30 * 24 * 3600);
    let later = ["nbf", "iat"].map(|date| secret_token(json!({ date: later })));
    let unknown = healing_tokens().into_iter().filter(|(reason, _)| *reason == "unknown_key").map(|(_, token)| token);
    for token in unknown.chain(later) {
        token_event(deck, "tokens that may become valid", &token, "GET/movies", Expected::Error("Unauthorized"));
    }
    for body in malformed_events() {
        put(deck, "malformed events", body, "", Expected::Error("MalformedEvent"));
    }
}

/// A REQUEST event with these members, of a REST API unless they say otherwise.
fn rest(request: &str, members: &Value) -> String {
    let mut event = json!({
        "type": "REQUEST", "methodArn": format!("{STAGE}{request}"), "headers": {}, "multiValueHeaders": {},
        "queryStringParameters": {}, "multiValueQueryStringParameters": {},
    });
    event.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    event.to_string()
}

fn kinds_of_apis(deck: &mut Vec<Event>) {
    for number in 0..40 {
        let subject = format!("caller-{number}");
        let token = secret_token(json!({ "sub": subject }));
        let bearer = format!("Bearer {token}");
        let in_header =
            json!({ "headers": { "authorization": bearer }, "multiValueHeaders": { "authorization": [bearer] } });
        let in_cookie = json!({ "headers": { "Cookie": format!("a=b; session={token}") } });
        let format_1 = json!({ "version": "1.0", "headers": { "Authorization": bearer }, "identitySource": bearer });
        for (kind, members) in
            [("REST REQUEST", &in_header), ("REST REQUEST", &in_cookie), ("HTTP API, format 1.0", &format_1)]
        {
            put(deck, kind, rest("GET/movies", members), "GET/movies", allowed(&subject));
            put(deck, kind, rest("PUT/movies", members), "PUT/movies", Expected::Refused(None));
        }
        for (request, expected) in [("GET/movies", allowed(&subject)), ("PUT/movies", Expected::Refused(None))] {
            let event = json!({
                "version": "2.0", "type": "REQUEST", "routeArn": format!("{STAGE}{request}"), "identitySource": [bearer],
                "headers": { "authorization": bearer }, "rawPath": "/movies", "rawQueryString": "", "requestContext": {},
            });
            put(deck, "HTTP API, format 2.0", event.to_string(), request, expected);
        }
        let connect = json!({ "routeKey": "$connect", "eventType": "CONNECT", "stage": "prod", "connectionId": "c" });
        let protocol = json!({ "Sec-WebSocket-Protocol": format!("bearer, {token}") });
        let protocol = json!({ "headers": protocol, "requestContext": connect });
        let query = json!({ "queryStringParameters": { "token": token }, "requestContext": connect });
        for members in [&protocol, &query] {
            put(deck, "WebSocket $connect", rest("$connect", members), "$connect", allowed(&subject));
        }
        let poor = secret_token(json!({ "sub": subject, "scope": "openid" }));
        let poor = json!({ "queryStringParameters": { "token": poor }, "requestContext": connect });
        put(
            deck,
            "WebSocket $connect",
            rest("$connect", &poor),
            "$connect",
            Expected::Refused(Some("insufficient_scope")),
        );
    }
}

fn tenants(deck: &mut Vec<Event>) {
    let token = |signer: &SigningKey, issuer: &str| signer.token(&claims(issuer, json!({})));
    for number in 0..TENANTS {
        let token = token(&tenant_key(number), &format!("{LISTED}t{number}/"));
        token_event(deck, "tenants", &token, &format!("GET/tenants/t{number}/x"), allowed("alice"));
        let another = format!("GET/tenants/t{}/x", (number + 1) % TENANTS);
        token_event(deck, "tenants", &token, &another, Expected::Refused(None));
    }
    for number in 0..4 {
        let issuer = format!("{LISTED}t{number}/");
        let of_another = token(&tenant_key(number + 1), &issuer);
        token_event(deck, "tenants", &of_another, "GET/movies", Expected::Error("Unauthorized"));
        let forger = if number % 2 == 0 { stranger("ES256") } else { key("ES256") };
        let forged = token(&forger.named(&tenant_key(number).kid), &issuer);
        token_event(deck, "tenants", &forged, "GET/movies", Expected::Invalid("invalid_signature"));
    }
    for number in 0..100 {
        let invented = token(&tenant_key(0), &format!("{LISTED}invented-{number}/"));
        token_event(deck, "invented tenants", &invented, "GET/movies", Expected::Invalid("unknown_issuer"));
        let any = format!("{ANY}invented-{number}/");
        token_event(deck, "invented tenants", &token(&key("ES256"), &any), "GET/movies", allowed("alice"));
        let unknown = token(&stranger("ES256"), &any);
        token_event(deck, "invented tenants", &unknown, "GET/movies", Expected::Error("Unauthorized"));
    }
}

/// Tokens of 1 to 300 organizations in random order: more of them than the program keeps policies for.
fn organizations(deck: &mut Vec<Event>, members: usize) {
    let mut random = Random::new(9);
    for number in 0..members {
        let mut all: Vec<usize> = (0..ALL_ORGS).collect();
        let count = if number % 8 == 0 { 1 } else { 1 + random.below(MAX_ORGS) };
        random.choose(&mut all, count);
        let orgs: Vec<String> = all[..count].iter().map(|org| format!("org{org}")).collect();
        let exports = number % 5 == 4;
        let scope = if exports { "openid export" } else { "openid" };
        let token = secret_token(json!({ "sub": format!("member-{number}"), "orgs": orgs, "scope": scope }));
        let own = &orgs[random.below(count)];
        let (request, passes) = match number % 3 {
            0 => (format!("GET/orgs/{own}/res{}/x", random.below(RESOURCES)), true),
            1 => (format!("GET/orgs/{own}/res0/export"), exports),
            _ => ("GET/orgs/of-others/res1/x".to_owned(), false),
        };
        let expected = Expected::Member { orgs, exports, passes };
        token_event(deck, "claims bound to paths", &token, &request, expected);
    }
}

#[test]
fn the_deck_has_every_kind_of_refusal() {
    let deck = deck(3);
    let reasons: std::collections::BTreeSet<&str> = deck.iter().filter_map(|event| event.expected.code()).collect();
    for (reason, _) in invalid_tokens() {
        assert!(reasons.contains(reason), "{reason}");
    }
    assert!(deck.len() > 1500, "{} events", deck.len());
}

impl Expected {
    /// Whether it takes a fetch to say that a token fits no key.
    pub(super) fn asks_for_keys(&self) -> bool {
        matches!(self, Self::Error("Unauthorized") | Self::Invalid("invalid_signature"))
    }

    /// The reason or the error.
    #[cfg(test)]
    fn code(&self) -> Option<&'static str> {
        match self {
            Self::Invalid(code) | Self::Error(code) => Some(code),
            Self::Allowed(_) | Self::Refused(_) | Self::Member { .. } => None,
        }
    }
}
