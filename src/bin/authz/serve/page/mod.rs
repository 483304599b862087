//! The page `/__authorizer`, and what its script asks for.

use std::rc::Rc;

use apigw_jwt_authorizer::Clock as _;
use apigw_jwt_authorizer::explain::{Explanation, Verdict};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Map, Value, json};

use super::decision::Decision;
use super::gateway::Gateway;
use super::http::{Reply, Request, asset, private, single, text};
use super::journal::Journal;
use super::loaded::{Loaded, Source};
use super::resources::Found;
use super::safety::{Origin, Origins};
use super::users::Roster;
use crate::check::listed;
use crate::explain::bearer;

/// Where it is, on this server.
pub(super) const MOUNT: &str = "/__authorizer";

/// The parts of the page: they come with the program.
const ASSETS: [(&str, &str, &str); 3] = [
    ("", "text/html; charset=utf-8", include_str!("page.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("page.css")),
    ("/page.js", "text/javascript; charset=utf-8", include_str!("page.js")),
];

/// What browsers let the page do: nothing but to ask this server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; \
base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the page shows and steers.
pub(super) struct Page {
    pub(super) gateway: Rc<Gateway>,
    pub(super) journal: Journal,
    pub(super) source: Source,
    /// The file of the configuration, to show.
    pub(super) file: String,
    pub(super) address: String,
    pub(super) cache_seconds: u64,
    pub(super) expression: String,
    /// The users that were given on the command line.
    pub(super) users: Option<Value>,
    pub(super) demo: bool,
    /// The address of the app, if there is one.
    pub(super) app: Option<String>,
}

impl Page {
    /// Answers a request below the page's address.
    pub(super) async fn answer(&self, request: &Request, origins: &Origins) -> Reply {
        let path = request.path.strip_prefix(MOUNT).unwrap_or_default();
        if let Some(api) = path.strip_prefix("/api/") {
            return match origins.is_own_script(request) {
                true => self.api(request, api).await,
                false => text(StatusCode::FORBIDDEN, "Only the page itself may ask this."),
            };
        }
        let path = path.trim_end_matches('/');
        match ASSETS.iter().find(|(name, ..)| *name == path) {
            Some((_, kind, content)) if matches!(request.method, Method::GET | Method::HEAD) => {
                asset(kind, content, POLICY, "same-origin")
            }
            Some(_) => text(StatusCode::METHOD_NOT_ALLOWED, "The page is read with GET."),
            None => text(StatusCode::NOT_FOUND, "The page has nothing here."),
        }
    }

    async fn api(&self, request: &Request, name: &str) -> Reply {
        if (request.method.as_str(), name) == ("GET", "state") {
            let after = single(&request.parameters(), "after").and_then(|after| after.parse().ok()).unwrap_or_default();
            return private(StatusCode::OK, &self.state(after));
        }
        let body: Value = match serde_json::from_slice(&request.body) {
            Ok(body) if request.method == Method::POST => body,
            _ => return text(StatusCode::BAD_REQUEST, "expected JSON, by POST"),
        };
        let field = |name: &str| body.get(name).and_then(Value::as_str);
        let answer = match name {
            "send" => self.send(&body).await,
            "mint" => self.mint(&body),
            "check" => Ok(self.check(field("text").unwrap_or_default())),
            "apply" => Ok(self.apply(field("text").unwrap_or_default())),
            "flush" => {
                self.gateway.cache.borrow_mut().flush();
                Ok(json!({}))
            }
            "issuer" => self.steer(field("action").unwrap_or_default()),
            _ => return text(StatusCode::NOT_FOUND, "The page has nothing here."),
        };
        match answer {
            Ok(answer) => private(StatusCode::OK, &answer),
            Err(why) => private(StatusCode::BAD_REQUEST, &json!({ "error": why })),
        }
    }

    fn state(&self, after: u64) -> Value {
        let loaded = self.gateway.loaded();
        let (last, lines) = self.journal.after(after);
        let now = self.gateway.clock.now().monotonic;
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "address": self.address,
            "demo": self.demo,
            "app": self.app,
            "backend": self.gateway.backend.name(),
            "cacheSeconds": self.cache_seconds,
            "expression": self.expression,
            "configuration": { "file": self.file, "text": loaded.text, "warnings": listed(&loaded.warnings, "text") },
            "routes": loaded.authorizer.meaning().routes,
            "issuer": self.gateway.issuer.as_ref().map(|issuer| issuer.state()),
            "cache": self.gateway.cache.borrow_mut().list(now),
            "log": { "last": last, "lines": lines },
        })
    }

    /// Sends a request through the gateway, and says everything about it.
    async fn send(&self, body: &Value) -> Result<Value, String> {
        let field = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let method = Method::from_bytes(field("method").as_bytes()).map_err(|_| "expected a method")?;
        let uri: http::Uri =
            field("path").parse().map_err(|_| "expected a path that begins with /, as it stands in a request")?;
        if !uri.path().starts_with('/') || uri.authority().is_some() {
            return Err("expected a path that begins with /".to_owned());
        }
        let mut headers = HeaderMap::new();
        let token = Some(bearer(field("token"))).filter(|token| !token.is_empty());
        if let Some(token) = &token {
            let value = HeaderValue::from_str(token).map_err(|_| "the token has characters that no header can have")?;
            headers.insert("authorization", value);
        }
        let sent = field("body");
        if !sent.is_empty() {
            headers.insert("content-type", HeaderValue::from_static("application/json"));
        }
        let request = Request {
            method,
            path: uri.path().to_owned(),
            query: uri.query().map(str::to_owned),
            headers,
            body: Bytes::from(sent.to_owned()),
        };
        let (answered, decision) = self.gateway.answer(&request, &Origin::Own).await;
        let explanation = self.gateway.explain(request.method.as_str(), &request.path, token.as_deref()).await;
        let matrix = self.matrix(&explanation, &decision);
        let status = answered.status();
        let headers: Vec<Value> = answered
            .headers()
            .iter()
            .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
            .collect();
        let body = answered.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        Ok(json!({
            "status": status.as_u16(),
            "headers": headers,
            "body": String::from_utf8_lossy(&body),
            "gateway": {
                "id": decision.request_id, "resource": decision.resource, "asked": decision.asked,
                "age": decision.age.map(|age| age.as_secs()), "verdict": decision.verdict, "steps": decision.steps,
                "answer": decision.answer,
            },
            "explanation": explanation,
            "matrix": matrix,
        }))
    }

    /// What the policy in force does to every declared route and method.
    fn matrix(&self, explanation: &Explanation, decision: &Decision) -> Value {
        let answer = decision.answer.as_ref().filter(|answer| answer.get("policyDocument").is_some());
        let (Some(answer), Some(cached)) = (answer, &explanation.cached) else { return Value::Null };
        let mut rows: Vec<(String, String, Map<String, Value>)> = Vec::new();
        let resources = &self.gateway.loaded().resources;
        for effect in &cached.effects {
            // A preflight is answered whatever the policy says.
            let preflight = matches!(resources.find(effect.method, &effect.sample), Found::Preflight(_));
            let passes = preflight || self.gateway.verdict(answer, effect.method, &effect.sample) == Verdict::Allowed;
            let rules = if preflight { None } else { effect.rules };
            let cell = json!({ "passes": passes, "rules": rules, "preflight": preflight });
            match rows.iter_mut().find(|(path, ..)| *path == effect.path) {
                Some((_, _, cells)) => drop(cells.insert(effect.method.to_owned(), cell)),
                None => {
                    let cells = Map::from_iter([(effect.method.to_owned(), cell)]);
                    rows.push((effect.path.clone(), effect.sample.clone(), cells));
                }
            }
        }
        rows.into_iter()
            .map(|(path, sample, methods)| json!({ "path": path, "sample": sample, "methods": methods }))
            .collect()
    }

    fn mint(&self, body: &Value) -> Result<Value, String> {
        let issuer = self.gateway.issuer.as_ref().ok_or("start with --issuer to mint tokens")?;
        let user = body.get("user").and_then(Value::as_str).unwrap_or_default();
        let claims = match body.get("claims") {
            None | Some(Value::Null) => None,
            Some(Value::Object(claims)) => Some(claims.clone()),
            Some(_) => return Err("expected the claims as a JSON object".to_owned()),
        };
        let seconds = body.get("seconds").and_then(Value::as_i64).unwrap_or(300);
        Ok(json!({ "token": issuer.mint(user, claims, seconds)? }))
    }

    /// The mistakes or the warnings of a configuration.
    fn check(&self, text: &str) -> Value {
        match Loaded::new(text, &self.source) {
            Ok(loaded) => json!({
                "mistakes": [], "warnings": listed(&loaded.warnings, "text"), "routes": loaded.authorizer.meaning().routes,
            }),
            Err(error) => json!({ "mistakes": listed(&error.issues, "text"), "warnings": [] }),
        }
    }

    /// Serves a configuration, if it has no mistakes. No file is written.
    fn apply(&self, text: &str) -> Value {
        let loaded = match Loaded::new(text, &self.source) {
            Ok(loaded) => loaded,
            Err(error) => return json!({ "mistakes": listed(&error.issues, "text"), "warnings": [] }),
        };
        if let Some(issuer) = &self.gateway.issuer {
            let given = Roster::new(&loaded.document, issuer.base(), self.users.as_ref());
            match given.or_else(|_| Roster::new(&loaded.document, issuer.base(), None)) {
                Ok(roster) => issuer.set_roster(roster),
                Err(why) => return json!({ "mistakes": [{ "path": "(users)", "text": why }], "warnings": [] }),
            }
        }
        let warnings = listed(&loaded.warnings, "text");
        self.gateway.replace(loaded);
        tracing::info!(target: "authz::gateway", "another configuration is served; the cache is flushed");
        json!({ "mistakes": [], "warnings": warnings, "applied": true })
    }

    fn steer(&self, action: &str) -> Result<Value, String> {
        let issuer = self.gateway.issuer.as_ref().ok_or("start with --issuer for a provider")?;
        issuer.steer(action).ok_or("there is no such action")??;
        tracing::info!(target: "authz::gateway", action, "provider");
        Ok(json!({}))
    }
}
