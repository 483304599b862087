//! What stands behind the gateway: another server, the demo, or an echo of what the authorizer passed on.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::{Method, StatusCode};
use http_body_util::Full;
use reqwest::{Client, redirect};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Map, Value, json};
use url::Url;

use super::demo::{Store, shelf};
use super::http::{MAX_BODY, Reply, Request, json as reply, private};
use super::responses::Own;

/// The longest that API Gateway waits for a backend, unless the account asked for more.
const TIMEOUT: Duration = Duration::from_secs(29);

/// The start of the headers that carry what the authorizer passed on.
pub(super) const PASSED_ON: &str = "x-authorizer-";

/// Headers that are about one connection (RFC 9110 section 7.6.1).
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];

/// A request that may pass.
pub(super) struct Passed<'a> {
    pub(super) request: &'a Request,
    pub(super) resource: &'a str,
    pub(super) parameters: &'a Map<String, Value>,
    /// The authorizer's answer.
    pub(super) answer: &'a Value,
    pub(super) request_id: &'a str,
}

/// What answers the requests that pass.
pub(super) enum Backend {
    /// Nothing: the client sees what a backend would have been told.
    Echo,
    Demo(Store),
    Proxy {
        client: Client,
        url: Url,
    },
}

impl Backend {
    /// A server at this address.
    ///
    /// # Errors
    /// An address that requests cannot be sent to.
    pub(super) fn at(address: &str) -> Result<Self, String> {
        Self::within(address, TIMEOUT)
    }

    fn within(address: &str, timeout: Duration) -> Result<Self, String> {
        const EXPECTED: &str = "--backend: expected an address such as http://127.0.0.1:3000, without a query";
        let url = Url::parse(address).map_err(|_| EXPECTED)?;
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || url.password().is_some() || !plain {
            return Err(EXPECTED.to_owned());
        }
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| "TLS cannot be set up")?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .timeout(timeout)
            .no_proxy()
            .build()
            .map_err(|_| "the HTTP client could not be started")?;
        Ok(Self::Proxy { client, url })
    }

    /// What the page calls it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Echo => "echo".to_owned(),
            Self::Demo(_) => "demo".to_owned(),
            Self::Proxy { url, .. } => url.to_string(),
        }
    }

    /// Its answer.
    ///
    /// # Errors
    /// What the gateway answers in its place.
    pub(super) async fn answer(&self, passed: &Passed<'_>) -> Result<Reply, Own> {
        match self {
            Self::Echo => Ok(reply(StatusCode::OK, &echo(passed))),
            Self::Demo(store) => Ok(demo(store, passed)),
            Self::Proxy { client, url } => proxied(client, url, passed).await,
        }
    }
}

/// What a Lambda function behind a proxy integration would be told, without the headers.
fn echo(passed: &Passed<'_>) -> Value {
    let request = passed.request;
    let query: Map<String, Value> =
        request.parameters().into_iter().map(|(name, value)| (name, value.into())).collect();
    let or_null = |map: &Map<String, Value>| if map.is_empty() { Value::Null } else { map.clone().into() };
    json!({
        "resource": passed.resource,
        "path": request.path,
        "httpMethod": request.method.as_str(),
        "pathParameters": or_null(passed.parameters),
        "queryStringParameters": or_null(&query),
        "requestContext": {
            "authorizer": authorizer(passed.answer),
            "requestId": passed.request_id,
            "resourcePath": passed.resource,
            "stage": "prod",
        },
        "isBase64Encoded": false,
    })
}

/// What the backend gets from the authorizer: the principal and the context, every value as a text.
fn authorizer(answer: &Value) -> Map<String, Value> {
    let mut passed = Map::new();
    for (key, value) in answer.get("context").and_then(Value::as_object).into_iter().flatten() {
        passed.insert(key.clone(), text_of(value).into());
    }
    passed.insert("principalId".to_owned(), text_of(answer.get("principalId").unwrap_or(&Value::Null)).into());
    passed
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn demo(store: &Store, passed: &Passed<'_>) -> Reply {
    let request = passed.request;
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let context = authorizer(passed.answer);
    let email = context.get("email").and_then(Value::as_str);
    let parameters = request.parameters();
    // As API Gateway has it, the last of several counts.
    let after = parameters.iter().rev().find(|(name, _)| name == "after").map(|(_, value)| value.as_str());
    let (status, body) = match (request.method.as_str(), passed.resource) {
        ("GET", "/pets") => store.list(after, email),
        ("POST", "/pets") => store.add(&body, email),
        ("POST", "/pets/purchase") => store.sell(&body, email),
        ("DELETE", _) if passed.parameters.contains_key("id") => {
            store.remove(passed.parameters.get("id").and_then(Value::as_str).unwrap_or_default())
        }
        (_, resource) => (StatusCode::OK, shelf(resource).unwrap_or_else(|| echo(passed))),
    };
    private(status, &body)
}

/// Sends the request on, as an HTTP proxy integration does.
async fn proxied(client: &Client, base: &Url, passed: &Passed<'_>) -> Result<Reply, Own> {
    let request = passed.request;
    let start = base.path().trim_end_matches('/');
    let mut url = base.clone();
    let path = format!("{start}{}", request.path);
    url.set_path(&path);
    url.set_query(request.query.as_deref());
    // A path that the URL reads in another way than the rules did is not sent.
    if url.path() != path {
        return Err(Own::BackendUnreachable);
    }
    let headers = sent_on(&request.headers, passed.answer);
    let method = Method::from_bytes(request.method.as_str().as_bytes()).map_err(|_| Own::BackendUnreachable)?;
    let sent = client.request(method, url).headers(headers).body(request.body.clone()).send().await;
    let fault = |error: reqwest::Error| if error.is_timeout() { Own::BackendTimedOut } else { Own::BackendUnreachable };
    let mut answered = sent.map_err(fault)?;
    let (status, headers) = (answered.status(), returned(answered.headers()));
    // Nobody asked for another protocol.
    if status.is_informational() {
        return Err(Own::BackendUnreachable);
    }
    let mut body: Vec<u8> = Vec::new();
    while let Some(part) = answered.chunk().await.map_err(fault)? {
        if body.len().saturating_add(part.len()) > MAX_BODY {
            return Err(Own::BackendUnreachable);
        }
        body.extend_from_slice(&part);
    }
    let mut reply = Reply::new(Full::new(Bytes::from(body)));
    *reply.status_mut() = status;
    *reply.headers_mut() = headers;
    Ok(reply)
}

/// The headers that the backend gets: the client's, less those of the connection and those that look like the authorizer's.
fn sent_on(headers: &HeaderMap, answer: &Value) -> HeaderMap {
    let mut sent = end_to_end(headers);
    // Many servers read `_` as `-`.
    let is_forged = |name: &&HeaderName| name.as_str().replace('_', "-").starts_with(PASSED_ON);
    let forged: Vec<HeaderName> = sent.keys().filter(is_forged).cloned().collect();
    forged.iter().for_each(|name| drop(sent.remove(name)));
    sent.remove(HOST);
    for (key, value) in authorizer(answer) {
        let name = HeaderName::from_bytes(format!("{PASSED_ON}{key}").as_bytes());
        let value = value.as_str().map(|text| HeaderValue::from_bytes(text.as_bytes()));
        if let (Ok(name), Some(Ok(value))) = (name, value) {
            sent.insert(name, value);
        }
    }
    sent.insert("x-forwarded-for", HeaderValue::from_static("127.0.0.1"));
    sent.insert("x-forwarded-proto", HeaderValue::from_static("http"));
    sent
}

/// The headers that the client gets.
fn returned(headers: &HeaderMap) -> HeaderMap {
    let mut returned = end_to_end(headers);
    if let Some(value) = returned.remove("www-authenticate") {
        // API Gateway renames it.
        returned.insert("x-amzn-remapped-www-authenticate", value);
    }
    returned
}

fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    let listed: Vec<String> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(|name| name.trim().to_ascii_lowercase()))
        .collect();
    for name in HOP_BY_HOP.into_iter().chain(listed.iter().map(String::as_str)) {
        kept.remove(name);
    }
    kept.remove(TRANSFER_ENCODING);
    kept.remove(CONTENT_LENGTH);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backend_gets_the_context_as_headers_and_no_client_can_forge_one() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "localhost"),
            ("connection", "close, x-private"),
            ("x-private", "1"),
            ("authorization", "Bearer a.b.c"),
            ("x-authorizer-email", "forged@example.com"),
            ("x-authorizer-role", "root"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let answer =
            json!({ "principalId": "ada", "context": { "email": "ada@example.com", "level": 7, "name": "Zoë" } });
        let sent = sent_on(&headers, &answer);
        let value = |name: &str| sent.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        assert_eq!(value("x-authorizer-email").as_deref(), Some("ada@example.com"));
        assert_eq!(value("x-authorizer-principalid").as_deref(), Some("ada"));
        assert_eq!(value("x-authorizer-level").as_deref(), Some("7"));
        assert_eq!(value("x-authorizer-name").as_deref(), Some("Zoë"));
        assert_eq!(value("authorization").as_deref(), Some("Bearer a.b.c"));
        for gone in ["x-authorizer-role", "host", "connection", "x-private"] {
            assert_eq!(value(gone), None, "{gone}");
        }
    }

    #[tokio::test]
    async fn a_backend_that_takes_too_long_is_a_504_of_its_own() {
        // It takes connections and never answers.
        let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = format!("http://{}", silent.local_addr().unwrap());
        let backend = Backend::within(&address, Duration::from_millis(100)).unwrap();
        let headers = HeaderMap::new();
        let request = Request { method: Method::GET, path: "/a".to_owned(), query: None, headers, body: Bytes::new() };
        let (parameters, answer) = (Map::new(), json!({ "principalId": "ada" }));
        let passed =
            Passed { request: &request, resource: "/a", parameters: &parameters, answer: &answer, request_id: "1" };
        let reply = backend.answer(&passed).await.unwrap_err().reply();
        assert_eq!(reply.status(), StatusCode::GATEWAY_TIMEOUT);
        let body = http_body_util::BodyExt::collect(reply.into_body()).await.unwrap().to_bytes();
        assert_eq!(body, r#"{"message":"Endpoint request timed out"}"#);
        assert_eq!(TIMEOUT, Duration::from_secs(29), "as API Gateway has it");
    }

    #[test]
    fn an_address_of_a_backend_has_a_host_and_no_secrets() {
        for address in ["", "localhost:3000", "ftp://a/", "http://u:p@a/", "http://a/?x=1", "http://a/#x"] {
            assert!(Backend::at(address).is_err(), "{address}");
        }
        assert!(
            Backend::at("http://127.0.0.1:3000/api/")
                .is_ok_and(|backend| backend.name() == "http://127.0.0.1:3000/api/")
        );
    }
}
