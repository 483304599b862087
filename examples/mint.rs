//! Mints the tokens of the sample events and writes `events/`, its folders and the published key set: `cargo run --example mint`.
//!
//! The same keys give the same bytes: HMAC and RSASSA-PKCS1-v1_5 signatures are deterministic, and the dates are fixed.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

#[path = "../src/bin/authz/sign.rs"]
mod sign;

use sign::{Signer, segment};

const MOVIES: &str = "https://movies.example.com/";
const MOVIES_AUDIENCE: &str = "https://StreamingResourceServer";
const ORDERS: &str = "https://orders.example.com/";
const ORDERS_AUDIENCE: &str = "https://api.example.com/orders";
const PETS: &str = "https://pets.example.com/";
const PETS_AUDIENCE: &str = "https://api.example.com/pets";

/// A connection to a database of users, and one to a social network.
const DATABASE: &str = "Username-Password-Authentication";
const SOCIAL: &str = "google-oauth2";

/// 2026-01-01 and 2126-01-01: no sample expires while anybody uses it.
const ISSUED: u64 = 1_767_225_600;
const EXPIRES: u64 = 4_922_899_200;
/// 2020-01-01 and a day later, for the one that has expired.
const LONG_AGO: u64 = 1_577_836_800;
const EXPIRED: u64 = 1_577_923_200;

const STAGE: &str = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/demo";

fn main() -> Result<(), Box<dyn Error>> {
    let events = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    for (name, text) in minted(&events)? {
        fs::write(events.join(name), text)?;
    }
    Ok(())
}

/// Every file to write into the directory of the events, signed with the keys that lie there.
///
/// # Errors
/// A key file that is missing or not a key.
pub(crate) fn minted(events: &Path) -> Result<Vec<(PathBuf, String)>, Box<dyn Error>> {
    let keys = events.join("keys");
    let private = |name: &str| fs::read(keys.join(name).with_extension("private.jwk.json"));
    let [first, second, stranger] = [private("orders-1")?, private("orders-2")?, private("orders-3")?];
    let public = |key: &[u8]| serde_json::from_slice::<PublicJwk>(key);
    let signer = |key: &[u8]| Signer::jwk(key, None, None);
    let movies = fs::read(keys.join("movies.secret.txt"))?;
    let pets = STANDARD.decode(fs::read(keys.join("pets.secret.base64"))?)?;

    let set = KeySet { keys: [public(&first)?, public(&second)?] };
    let mut files = vec![(PathBuf::from("keys/orders.jwks.json"), pretty(&set)?)];
    for event in movies_and_devices(&Signer::secret(&movies, None, None)?)?
        .into_iter()
        .chain(orders([&signer(&first)?, &signer(&second)?, &signer(&stranger)?])?)
        .chain(pets_and_people(&Signer::secret(&pets, None, None)?)?)
        .chain(without_token())
    {
        files.push((PathBuf::from(event.name).with_extension("json"), pretty(&event)?));
    }
    let movies = Signer::secret(&movies, None, None)?;
    for (name, event) in rest_request(&movies)?.into_iter().chain(http_api(&movies)?).chain(websocket(&movies)?) {
        files.push((PathBuf::from(name).with_extension("json"), pretty(&event)?));
    }
    let tenants = signer(&first)?;
    for tenant in TENANTS {
        let (name, event) = of_tenant(&tenants, tenant)?;
        files.push((PathBuf::from(name).with_extension("json"), pretty(&event)?));
    }
    Ok(files)
}

/// A shared secret; scopes say what a token may read.
fn movies_and_devices(key: &Signer) -> Result<Vec<Event>, Box<dyn Error>> {
    let movies = Claims { sub: "movie-fan", scope: Some("read:Movies"), ..Claims::of(MOVIES, MOVIES_AUDIENCE) };
    let devices = Claims { sub: "device-owner", scope: Some("read:Devices"), ..movies };
    let expired = Claims { iat: LONG_AGO, exp: EXPIRED, ..movies };
    let elsewhere = Claims { aud: "https://AnotherResourceServer", ..movies };
    let bearer = |claims| key.token(Some("JWT"), claims).map(|token| format!("Bearer {token}"));
    Ok(vec![
        Event::new("movies-get-movie", "GET/movie", bearer(&movies)?),
        Event::new("movies-get-device-refused", "GET/device", bearer(&movies)?),
        Event::new("movies-get-orders-refused", "GET/orders", bearer(&movies)?),
        Event::new("devices-get-device", "GET/device", bearer(&devices)?),
        Event::new("devices-get-movie-refused", "GET/movie", bearer(&devices)?),
        Event::new("movies-token-expired", "GET/movie", bearer(&expired)?),
        Event::new("movies-token-for-another-audience", "GET/movie", bearer(&elsewhere)?),
    ])
}

/// A key set; `kid` says which of its keys signed.
fn orders([first, second, stranger]: [&Signer; 3]) -> Result<Vec<Event>, Box<dyn Error>> {
    let claims = Claims { sub: "warehouse@clients", ..Claims::of(ORDERS, ORDERS_AUDIENCE) };
    let bearer = |key: &Signer| key.token(Some("JWT"), &claims).map(|token| format!("Bearer {token}"));
    Ok(vec![
        Event::new("orders-get-orders", "GET/orders", bearer(first)?),
        Event::new("orders-get-orders-second-key", "GET/orders", bearer(second)?),
        Event::new("orders-post-orders-refused", "POST/orders", bearer(first)?),
        Event::new("orders-get-one-order-refused", "GET/orders/17", bearer(first)?),
        Event::new("orders-token-of-unknown-key", "GET/orders", bearer(stranger)?),
        Event::new("orders-token-unsigned", "GET/orders", bearer(&Signer::nobody())?),
    ])
}

/// A base64 secret; a claim says which connection the user signed in with, and `email` must be there.
fn pets_and_people(key: &Signer) -> Result<Vec<Event>, Box<dyn Error>> {
    let database = Claims {
        sub: "auth0|ada",
        email: Some("ada@example.com"),
        connection: Some(DATABASE),
        ..Claims::of(PETS, PETS_AUDIENCE)
    };
    let social =
        Claims { sub: "google-oauth2|grace", email: Some("grace@example.com"), connection: Some(SOCIAL), ..database };
    let nameless = Claims { email: None, ..database };
    let bearer = |claims| key.token(Some("JWT"), claims).map(|token| format!("bearer {token}"));
    let tampered = with_payload(&bearer(&social)?, &Claims { connection: Some(DATABASE), ..social })?;
    Ok(vec![
        Event::new("pets-database-get-pets", "GET/pets", bearer(&database)?),
        Event::new("pets-database-post-pets", "POST/pets", bearer(&database)?),
        Event::new("pets-database-purchase-refused", "POST/pets/purchase", bearer(&database)?),
        Event::new("pets-social-get-pets", "GET/pets", bearer(&social)?),
        Event::new("pets-social-post-pets-refused", "POST/pets", bearer(&social)?),
        Event::new("pets-social-purchase", "POST/pets/purchase", bearer(&social)?),
        Event::new("pets-token-tampered", "POST/pets", tampered),
        Event::new("pets-token-without-email", "GET/pets", bearer(&nameless)?),
    ])
}

/// Who may read movies, and who may read devices.
fn movie_tokens(key: &Signer) -> Result<[String; 2], Box<dyn Error>> {
    let movies = Claims { sub: "movie-fan", scope: Some("read:Movies"), ..Claims::of(MOVIES, MOVIES_AUDIENCE) };
    let devices = Claims { sub: "device-owner", scope: Some("read:Devices"), ..movies };
    Ok([key.token(Some("JWT"), &movies)?, key.token(Some("JWT"), &devices)?])
}

/// What API Gateway sends to a REQUEST authorizer of a REST API.
fn rest_request(key: &Signer) -> Result<Vec<(&'static str, Value)>, Box<dyn Error>> {
    let [movies, devices] = movie_tokens(key)?;
    let event = |path: &str, headers: Value| {
        let multiple: Map<String, Value> =
            headers.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), json!([value]))).collect();
        json!({
            "type": "REQUEST",
            "methodArn": format!("{STAGE}/GET{path}"),
            "resource": path,
            "path": path,
            "httpMethod": "GET",
            "headers": headers,
            "multiValueHeaders": multiple,
            "queryStringParameters": {},
            "multiValueQueryStringParameters": {},
            "pathParameters": {},
            "stageVariables": {},
            "requestContext": {
                "resourcePath": path, "httpMethod": "GET", "path": format!("/demo{path}"), "accountId": "123456789012", "stage": "demo",
                "requestId": "11111111-2222-3333-4444-555555555555", "identity": { "sourceIp": "192.0.2.1" }, "apiId": "a1b2c3d4e5",
            },
        })
    };
    let two = json!({ "Authorization": format!("Bearer {movies}"), "authorization": format!("Bearer {devices}") });
    Ok(vec![
        ("rest-request/movie-by-header", event("/movie", json!({ "Authorization": format!("Bearer {movies}") }))),
        ("rest-request/movie-by-cookie", event("/movie", json!({ "Cookie": format!("theme=dark; session={movies}") }))),
        ("rest-request/device-refused", event("/device", json!({ "Authorization": format!("Bearer {movies}") }))),
        ("rest-request/two-tokens-refused", event("/movie", two)),
        ("rest-request/no-token-refused", event("/movie", json!({ "Accept": "*/*" }))),
    ])
}

/// What API Gateway sends to the authorizer of an HTTP API, in both payload formats.
fn http_api(key: &Signer) -> Result<Vec<(&'static str, Value)>, Box<dyn Error>> {
    let [movies, _] = movie_tokens(key)?;
    let arn = |path: &str| format!("{}/GET{path}", STAGE.replace("/demo", "/$default"));
    let bearer = format!("Bearer {movies}");
    let format_1 = json!({
        "version": "1.0", "type": "REQUEST", "methodArn": arn("/movie"), "identitySource": bearer, "authorizationToken": bearer,
        "resource": "/movie", "path": "/movie", "httpMethod": "GET",
        "headers": { "Authorization": bearer }, "queryStringParameters": {}, "pathParameters": {}, "stageVariables": {},
        "requestContext": { "path": "/movie", "httpMethod": "GET", "stage": "$default" },
    });
    let format_2 = |path: &str, headers: Value, identity: Value| {
        json!({
            "version": "2.0", "type": "REQUEST", "routeArn": arn(path), "identitySource": identity, "routeKey": format!("GET {path}"),
            "rawPath": path, "rawQueryString": "", "cookies": ["theme=dark"], "headers": headers, "queryStringParameters": {},
            "requestContext": { "http": { "method": "GET", "path": path, "protocol": "HTTP/1.1" }, "stage": "$default" },
        })
    };
    let with_token = json!({ "authorization": bearer });
    let kept = |path: &str| json!([bearer, format!("GET {path}"), path]);
    Ok(vec![
        ("http-api/movie-format-1", format_1),
        ("http-api/movie-format-2", format_2("/movie", with_token.clone(), kept("/movie"))),
        ("http-api/device-format-2-refused", format_2("/device", with_token, kept("/device"))),
        ("http-api/no-token-format-2-refused", format_2("/movie", json!({ "accept": "*/*" }), json!([]))),
    ])
}

/// What API Gateway sends when a WebSocket client connects.
fn websocket(key: &Signer) -> Result<Vec<(&'static str, Value)>, Box<dyn Error>> {
    let [movies, devices] = movie_tokens(key)?;
    let event = |headers: Value, query: Value| {
        json!({
            "type": "REQUEST",
            "methodArn": format!("{STAGE}/$connect"),
            "headers": headers,
            "multiValueHeaders": {},
            "queryStringParameters": query,
            "multiValueQueryStringParameters": {},
            "stageVariables": {},
            "requestContext": {
                "routeKey": "$connect", "eventType": "CONNECT", "stage": "demo", "connectionId": "AbCdEfGhIjKlMnO=", "apiId": "a1b2c3d4e5",
            },
        })
    };
    let protocol = |token: &str| json!({ "Sec-WebSocket-Protocol": format!("bearer, {token}") });
    Ok(vec![
        ("websocket/connect-by-protocol", event(protocol(&movies), json!({}))),
        ("websocket/connect-by-query", event(json!({}), json!({ "token": movies }))),
        ("websocket/connect-refused", event(protocol(&devices), json!({}))),
    ])
}

/// Two tenants that are listed, and one that is not.
const TENANTS: [&str; 3] = ["contoso", "fabrikam", "initech"];

/// A request for the tenant's own orders.
fn of_tenant(key: &Signer, tenant: &str) -> Result<(String, Value), Box<dyn Error>> {
    let claims = json!({
        "iss": format!("https://login.example.com/{tenant}"), "sub": "ada", "aud": ORDERS_AUDIENCE, "iat": ISSUED, "exp": EXPIRES, "tid": tenant,
    });
    let event = json!({
        "type": "TOKEN",
        "authorizationToken": format!("Bearer {}", key.token(Some("JWT"), &claims)?),
        "methodArn": format!("{STAGE}/GET/tenants/{tenant}/orders"),
    });
    Ok((format!("tenants/{tenant}-get-orders"), event))
}

/// No credentials, empty ones, and those of another scheme.
fn without_token() -> [Event; 3] {
    [
        Event { authorization_token: None, ..Event::new("no-token", "GET/movie", String::new()) },
        Event::new("no-token-empty", "GET/movie", String::new()),
        Event::new("no-token-basic-scheme", "GET/movie", format!("Basic {}", STANDARD.encode("ada:lovelace"))),
    ]
}

/// What API Gateway sends to a TOKEN authorizer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(skip)]
    name: &'static str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_token: Option<String>,
    method_arn: String,
}

impl Event {
    fn new(name: &'static str, request: &str, authorization: String) -> Self {
        Self {
            name,
            r#type: "TOKEN",
            authorization_token: Some(authorization),
            method_arn: format!("{STAGE}/{request}"),
        }
    }
}

/// A claims set, in the order in which it is written.
#[derive(Clone, Copy, Serialize)]
struct Claims {
    iss: &'static str,
    sub: &'static str,
    aud: &'static str,
    iat: u64,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'static str>,
    #[serde(rename = "https://pets.example.com/connection", skip_serializing_if = "Option::is_none")]
    connection: Option<&'static str>,
}

impl Claims {
    /// What every token of an issuer says.
    fn of(iss: &'static str, aud: &'static str) -> Self {
        Self { iss, sub: "", aud, iat: ISSUED, exp: EXPIRES, scope: None, email: None, connection: None }
    }
}

/// The same header and signature around other claims.
fn with_payload(token: &str, claims: &Claims) -> Result<String, Box<dyn Error>> {
    let (input, signature) = token.rsplit_once('.').ok_or("no signature")?;
    let (header, _) = input.split_once('.').ok_or("no payload")?;
    Ok(format!("{header}.{}.{signature}", segment(claims)?))
}

fn pretty(value: &impl Serialize) -> Result<String, Box<dyn Error>> {
    Ok(format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// A JWK Set (RFC 7517 section 5).
#[derive(Serialize)]
struct KeySet {
    keys: [PublicJwk; 2],
}

/// An RSA public key (RFC 7518 section 6.3.1).
#[derive(Serialize, Deserialize)]
struct PublicJwk {
    kty: String,
    r#use: String,
    alg: String,
    kid: String,
    n: String,
    e: String,
}
