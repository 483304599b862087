//! The single-page app of `examples/spa`, built, at an address of its own: it calls the API as any page of another origin does.

use http::{Method, Request as Incoming, StatusCode};
use hyper::body::Incoming as Body;
use serde_json::{Value, json};

use super::http::{Reply, asset, private, text};
use super::issuer::Client;
use super::safety::{Origin, Origins};
use super::server::{Site, read};

/// What the app calls itself at the provider.
const CLIENT: &str = "stories";

/// The app: it comes with the program. `npm run embed` in `examples/spa` builds it.
const ASSETS: [(&str, &str, &str); 3] = [
    ("/", "text/html; charset=utf-8", include_str!("built/index.html")),
    ("/app.css", "text/css; charset=utf-8", include_str!("built/app.css")),
    ("/app.js", "text/javascript; charset=utf-8", include_str!("built/app.js")),
];

/// The app and its origin.
pub(super) struct App {
    origins: Origins,
    port: u16,
    gateway: String,
    settings: Value,
}

impl App {
    /// The app on this port, for the API at this address and the provider that stands before it.
    pub(super) fn new(port: u16, gateway: &str, issuer: &str, page: &str) -> Self {
        let settings = json!({
            "issuer": issuer,
            "clientId": CLIENT,
            "scope": "openid offline_access",
            "apis": { "movies": gateway, "pets": gateway },
            "inspector": format!("{gateway}{page}"),
        });
        Self { origins: Origins::new(port, Vec::new()), port, gateway: gateway.to_owned(), settings }
    }

    /// Where it is.
    pub(super) fn address(&self) -> String {
        address(self.port)
    }

    /// Its registration at the provider.
    pub(super) fn client(port: u16) -> Client {
        let redirect_uris = vec![format!("{}/", address(port)), format!("http://localhost:{port}/")];
        Client { id: CLIENT.to_owned(), redirect_uris }
    }

    /// What browsers let it do: nothing but to ask for its settings, and to call the gateway.
    fn policy(&self) -> String {
        format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' {}; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
            self.gateway
        )
    }
}

impl Site for App {
    async fn answer(&self, request: Incoming<Body>) -> Reply {
        let request = match read(request, &self.origins).await {
            Ok(request) => request,
            Err(refusal) => return refusal,
        };
        if !matches!(self.origins.of(&request), Origin::Absent | Origin::Own) {
            return text(StatusCode::FORBIDDEN, "Pages of another origin may not read the app.");
        }
        let found = ASSETS.iter().find(|(path, ..)| *path == request.path);
        match found {
            _ if !matches!(request.method, Method::GET | Method::HEAD) => {
                text(StatusCode::METHOD_NOT_ALLOWED, "The app is read with GET.")
            }
            // The address of a page that a provider came back to has a code in it, so no other server is told it.
            Some((_, kind, content)) => asset(kind, content, &self.policy(), "no-referrer"),
            None if request.path == "/settings.json" => private(StatusCode::OK, &self.settings),
            None => text(StatusCode::NOT_FOUND, "The app has nothing here."),
        }
    }
}

fn address(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}
