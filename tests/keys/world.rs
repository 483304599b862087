//! An in-process authorizer, its clock and its issuers.

use std::sync::Arc;
use std::time::Duration;

use apigw_jwt_authorizer::{Authorizer, Clock, Config, ConfigError, Invocation};
use serde_json::{Value, json};

use crate::support::http::Reply;
pub(crate) use crate::support::in_process::NOW;
use crate::support::in_process::{self, Dial, outcome};
use crate::support::{KeyServer, SigningKey, jwks, key};

/// The issuer of most tokens.
pub(crate) const ISSUER: &str = "https://issuer.example/";
/// The path of its key set.
pub(crate) const KEYS: &str = "/keys";

/// An in-process authorizer with a clock that tests move.
pub(crate) struct Local {
    authorizer: Arc<Authorizer>,
    runtime: tokio::runtime::Runtime,
    pub(crate) clock: Arc<Dial>,
}

/// Parses a configuration with these environment variables.
pub(crate) fn parse(document: &Value, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    in_process::parse(&document.to_string(), variables)
}

impl Local {
    pub(crate) fn new(document: &Value) -> Self {
        Self::with(document, &[])
    }

    /// Builds an authorizer with these environment variables.
    pub(crate) fn with(document: &Value, variables: &[(&str, &str)]) -> Self {
        let clock = Arc::new(Dial::new(NOW, 0));
        let config = parse(document, variables).unwrap_or_else(|error| panic!("{error}"));
        let authorizer = Authorizer::new(config, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        Self { authorizer: Arc::new(authorizer), runtime: runtime.unwrap(), clock }
    }

    /// An authorizer on one thread: like a frozen process, it does nothing between two requests.
    pub(crate) fn on_one_thread(document: &Value) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self { runtime: runtime.unwrap(), ..Self::new(document) }
    }

    /// The number of tasks alive.
    pub(crate) fn tasks(&self) -> usize {
        self.runtime.metrics().num_alive_tasks()
    }

    /// Fetches key sets as the program does before its first invocation.
    pub(crate) fn warm_up(&self) {
        self.runtime.block_on(self.authorizer.warm_up());
    }

    /// The answer to a token: `allow`, `deny <reason>`, or the type of an error.
    pub(crate) fn decides(&self, token: &str) -> String {
        self.runtime.block_on(decision(&self.authorizer, token, None))
    }

    /// The answer in an invocation whose deadline is this many milliseconds away, by the wall clock.
    pub(crate) fn decides_within(&self, millis: i64, token: &str) -> String {
        let now = i64::try_from(self.clock.now().wall.as_millis()).unwrap();
        let deadline = Duration::from_millis(u64::try_from(now + millis).unwrap());
        self.runtime.block_on(decision(&self.authorizer, token, Some(deadline)))
    }

    /// The answers to several tokens decided concurrently.
    pub(crate) fn decide_at_once(&self, tokens: impl IntoIterator<Item = String>) -> Vec<String> {
        self.runtime.block_on(async {
            let all = tokens.into_iter().map(|token| {
                let authorizer = Arc::clone(&self.authorizer);
                tokio::spawn(async move { decision(&authorizer, &token, None).await })
            });
            // Start them all before waiting for the first.
            let all: Vec<_> = all.collect();
            let mut decisions = Vec::new();
            for one in all {
                decisions.push(one.await.unwrap());
            }
            decisions
        })
    }

    /// Starts a decision; [`Self::finish`] waits for it.
    pub(crate) fn begin(&self, token: String) -> tokio::task::JoinHandle<String> {
        let authorizer = Arc::clone(&self.authorizer);
        self.runtime.spawn(async move { decision(&authorizer, &token, None).await })
    }

    /// Waits for a decision that was started.
    pub(crate) fn finish(&self, begun: tokio::task::JoinHandle<String>) -> String {
        self.runtime.block_on(begun).unwrap()
    }

    /// Ends a decision that was started and has not been made.
    pub(crate) fn give_up(&self, begun: tokio::task::JoinHandle<String>) {
        begun.abort();
        assert!(self.runtime.block_on(begun).unwrap_err().is_cancelled());
    }
}

async fn decision(authorizer: &Authorizer, token: &str, deadline: Option<Duration>) -> String {
    let event = json!({
        "type": "TOKEN",
        "authorizationToken": format!("Bearer {token}"),
        "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/GET/movies",
    });
    let invocation = Invocation { request_id: None, deadline };
    let answer = authorizer.authorize(event.to_string().as_bytes(), invocation).await;
    outcome(&serde_json::from_str(&answer.to_json()).unwrap())
}

/// An API with these issuers, where any valid token passes.
pub(crate) fn api(issuers: Value) -> Value {
    json!({ "policy": "single_request", "undeclared_routes": "allow", "issuers": issuers })
}

/// An API with one issuer, whose set is on this server.
pub(crate) fn api_of(server: &KeyServer, keys_cache: Value) -> Value {
    api(json!([issuer(ISSUER, &server.url(KEYS), keys_cache)]))
}

/// An issuer whose set is at this address.
pub(crate) fn issuer(name: &str, url: &str, keys_cache: Value) -> Value {
    json!({ "issuer": name, "audience": "api", "jwks_uri": url, "keys_cache": keys_cache })
}

/// A server with a set of these keys, and an authorizer that fetches it.
pub(crate) fn served(keys: &[&SigningKey], keys_cache: Value) -> (KeyServer, Local) {
    let server = KeyServer::start();
    server.set(KEYS, set(keys));
    let local = Local::new(&api_of(&server, keys_cache));
    (server, local)
}

/// The response with a set of these keys.
pub(crate) fn set(keys: &[&SigningKey]) -> Reply {
    Reply::json(&jwks(keys.iter().copied()))
}

/// The claims of a token that outlives every test.
pub(crate) fn claims(issuer: &str) -> Value {
    json!({ "iss": issuer, "aud": "api", "sub": "alice", "exp": NOW + 1_000_000 })
}

/// A token of the issuer.
pub(crate) fn token(key: &SigningKey) -> String {
    key.token(&claims(ISSUER))
}

/// A token of the issuer without `kid`.
pub(crate) fn nameless(key: &SigningKey) -> String {
    key.token_with(&json!({ "alg": key.alg }), &claims(ISSUER))
}

/// A token with a `kid` that no set has.
pub(crate) fn random(number: usize) -> String {
    let kid = format!("random-{number}");
    key("ES256").token_with(&json!({ "alg": "ES256", "kid": kid }), &claims(ISSUER))
}

/// The response of a server that is down.
pub(crate) fn down() -> Reply {
    Reply::status(503).body(jwks(&[key("ES256")]).to_string())
}
