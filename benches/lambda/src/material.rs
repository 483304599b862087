//! The input of the bench: one issuer, its keys, tokens, events and route tables.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::sign::Signer;

pub(crate) const ISSUER: &str = "https://tenant.example.com/";
pub(crate) const AUDIENCE: &str = "https://api.example.com";
pub(crate) const SCOPE: &str = "read:movies";
const STAGE: &str = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/";
/// The scopes of the token: nine routes, some with a parameter.
const SCOPES: &str = "openid profile read:movies write:movies delete:movies read:orders write:orders";
/// The first resources of a table; the token may use the first two.
const NAMES: [&str; 10] =
    ["movies", "orders", "users", "pets", "devices", "invoices", "reports", "events", "places", "tags"];
/// The length of a padding claim that makes an RS256 token about 774 bytes long.
const PADDING: usize = 38;

/// An event as API Gateway sends it.
#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) body: Vec<u8>,
    pub(crate) arn: String,
    /// The Resource that covers the whole stage.
    pub(crate) stage: String,
}

/// The kind of an event: a permit, or what is wrong with its token or request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Permit,
    /// A permit for a table without path parameters.
    LiteralPermit,
    /// A permit for a token with scopes that no other event's token has.
    OwnScopes,
    Malformed,
    Unsigned,
    Expired,
    BadSignature,
    UndeclaredRoute,
    InsufficientScope,
}

pub(crate) struct Material {
    pub(crate) directory: PathBuf,
    rs256: Signer,
    hs256: Signer,
    /// The public keys, as an issuer publishes them.
    pub(crate) key_set: Vec<u8>,
}

impl Material {
    /// Reads the demo keys of the sample events, which protect nothing.
    pub(crate) fn new(repository: &Path, directory: &Path) -> Result<Self, Box<dyn Error>> {
        let keys = repository.join("events/keys");
        let private = fs::read(keys.join("orders-1.private.jwk.json"))?;
        let rs256 = Signer::jwk(&private, None, None)?;
        let private: Value = serde_json::from_slice(&private)?;
        let public = ["kty", "use", "alg", "kid", "n", "e"].map(|name| (name.to_owned(), private[name].clone()));
        let key_set = serde_json::to_vec(&json!({ "keys": [Value::Object(public.into_iter().collect())] }))?;
        let secret = fs::read(keys.join("movies.secret.txt"))?;
        let hs256 = Signer::secret(secret.trim_ascii_end(), None, Some("secret-1"))?;
        fs::create_dir_all(directory)?;
        fs::write(directory.join("jwks.json"), &key_set)?;
        fs::write(directory.join("secret.txt"), &secret)?;
        Ok(Self { directory: directory.to_owned(), rs256, hs256, key_set })
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    /// Writes a configuration with these routes and additional settings of the issuer and of the document.
    pub(crate) fn configuration(
        &self,
        name: &str,
        routes: &[Value],
        issuer: Value,
        more: Value,
    ) -> Result<String, Box<dyn Error>> {
        let issuer = merged(json!({ "issuer": ISSUER, "audience": AUDIENCE }), issuer);
        let document = merged(json!({ "issuers": [issuer], "routes": routes }), more);
        fs::write(self.directory.join(name), serde_json::to_vec(&document)?)?;
        Ok(self.file(name))
    }

    /// Events of a kind, each with its own token.
    pub(crate) fn events(&self, algorithm: &str, kind: Kind) -> Result<Vec<Event>, Box<dyn Error>> {
        let requests = match kind {
            Kind::UndeclaredRoute => ["GET/films", "GET/films/17", "POST/films", "PUT/films/17"],
            Kind::InsufficientScope => ["GET/users", "GET/users/17", "POST/users", "PUT/users/17"],
            Kind::LiteralPermit => ["GET/movies", "GET/movies/item", "POST/movies", "PUT/orders/item"],
            _ => ["GET/movies", "GET/movies/17", "POST/movies", "PUT/orders/17"],
        };
        let count = if kind == Kind::OwnScopes { NAMES.len().pow(2) } else { requests.len() };
        let requests = requests.into_iter().cycle().take(count);
        requests.enumerate().map(|(number, request)| self.event(algorithm, kind, number, request)).collect()
    }

    fn event(&self, algorithm: &str, kind: Kind, number: usize, request: &str) -> Result<Event, Box<dyn Error>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let issued = if kind == Kind::Expired { now - 7200 } else { now - 60 };
        let scopes = match kind {
            Kind::OwnScopes => {
                let [one, other] = [number / NAMES.len(), number % NAMES.len()].map(|place| NAMES[place]);
                format!("read:movies write:movies write:orders read:{one} delete:{other}")
            }
            _ => SCOPES.to_owned(),
        };
        let claims = json!({
            "iss": ISSUER,
            "sub": format!("auth0|65a1b2c3d4e5f60718293a{number:02}"),
            "aud": AUDIENCE,
            "iat": issued,
            "exp": issued + 3600,
            "azp": "w".repeat(PADDING),
            "scope": scopes,
        });
        let nobody = Signer::nobody();
        let signer = match (kind, algorithm) {
            (Kind::Unsigned, _) => &nobody,
            (_, "HS256") => &self.hs256,
            _ => &self.rs256,
        };
        let token = signer.token(Some("JWT"), &claims)?;
        let token = match kind {
            // Three segments and the right length, but the first is not JSON.
            Kind::Malformed => format!("e{token}"),
            Kind::BadSignature => {
                let (input, signature) = token.rsplit_once('.').ok_or("no signature")?;
                let other = if signature.starts_with('A') { "B" } else { "A" };
                format!("{input}.{other}{}", &signature[1..])
            }
            _ => token,
        };
        let arn = format!("{STAGE}{request}");
        let event = json!({ "type": "TOKEN", "authorizationToken": format!("Bearer {token}"), "methodArn": arn });
        Ok(Event { body: serde_json::to_vec(&event)?, arn, stage: format!("{STAGE}*") })
    }

    /// The length of the token in most calls.
    pub(crate) fn token_bytes(&self) -> Result<usize, Box<dyn Error>> {
        let event: Value = serde_json::from_slice(&self.event("RS256", Kind::Permit, 0, "GET/movies")?.body)?;
        Ok(event["authorizationToken"].as_str().ok_or("no token")?.len() - "Bearer ".len())
    }
}

/// A table with five routes for each resource.
pub(crate) fn routes(count: usize, parameters: bool) -> Vec<Value> {
    let name = |number: usize| match NAMES.get(number) {
        Some(name) => (*name).to_owned(),
        None => format!("resource-{number}"),
    };
    let item = if parameters { "{id}" } else { "item" };
    let of = |name: String| {
        [
            json!({ "method": "GET", "path": format!("/{name}"), "scopes": format!("read:{name}") }),
            json!({ "method": "POST", "path": format!("/{name}"), "scopes": format!("write:{name}") }),
            json!({ "method": "GET", "path": format!("/{name}/{item}"), "scopes": format!("read:{name}") }),
            json!({ "method": "PUT", "path": format!("/{name}/{item}"), "scopes": format!("write:{name}") }),
            json!({ "method": "DELETE", "path": format!("/{name}/{item}"), "scopes": [format!("delete:{name}"), "admin"] }),
        ]
    };
    (0..).flat_map(|number| of(name(number))).take(count).collect()
}

fn merged(mut object: Value, more: Value) -> Value {
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}
