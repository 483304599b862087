//! Opaque tokens: `explain` asks the endpoint as the function would, and says what it said.

use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::http::Reply;
use crate::program::{Ran, authz_in, golden_text};

const ISSUER: &str = "https://issuer.example.com/";
const SECRET: (&str, &str) = ("CLIENT_SECRET", "a client's own secret");
/// The token of most cases, which nothing may print.
const TOKEN: &str = "opaque-5e0f91c2a7d3b846";

/// A configuration with an endpoint, in a folder of its own.
struct Api {
    endpoint: Endpoint,
    folder: std::path::PathBuf,
}

impl Api {
    fn new(name: &str) -> Self {
        let endpoint = Endpoint::start();
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("opaque").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let document = json!({
            "issuers": [{
                "issuer": ISSUER, "audience": "https://api.example.com",
                "introspection": {
                    "endpoint": endpoint.url(), "client_id": "movies", "client_secret": { "env": SECRET.0 },
                },
            }],
            "routes": [{ "method": "GET", "path": "/movies", "scopes": "read:movies" }],
        });
        std::fs::write(folder.join("authorizer.json"), document.to_string()).unwrap();
        Self { endpoint, folder }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let environment = [(SECRET.0.to_owned(), SECRET.1.to_owned())];
        let ran = authz_in(&self.folder, arguments, TOKEN, &environment);
        ran.is_plain();
        for private in [TOKEN, SECRET.1] {
            assert!(!ran.text().contains(private), "{ran:?}");
        }
        ran
    }

    /// Compares an explanation with the stored one. The port of the endpoint differs from run to run.
    #[track_caller]
    fn explains(&self, name: &str, reply: Reply) {
        self.endpoint.always(Some(reply));
        let ran = self.run(&["explain", "--token", "-", "--at", "1800000000", "GET /movies"]);
        golden_text(name, &self.without_port(&ran.text()));
    }

    fn without_port(&self, text: &str) -> String {
        let url = self.endpoint.url();
        let port = url.rsplit(':').next().unwrap().split('/').next().unwrap();
        text.replace(&format!("127.0.0.1:{port}"), "127.0.0.1:PORT")
    }
}

/// The response for an active token, with these members more.
fn active(more: &Value) -> Reply {
    let mut members = json!({
        "active": true, "iss": ISSUER, "aud": "https://api.example.com", "sub": "alice", "scope": "read:movies", "exp": 1_800_000_600,
        "token_type": "Bearer",
    });
    members.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Reply::json(&members)
}

#[test]
fn an_explanation_says_what_the_endpoint_said_and_what_to_do() {
    let api = Api::new("explain");
    api.explains("explain-opaque-active", active(&json!({})));
    api.explains("explain-opaque-inactive", Reply::json(&json!({ "active": false })));
    api.explains("explain-opaque-refused-client", Reply::status(401));
    api.explains("explain-opaque-unreachable", Reply::closed());
    api.explains("explain-opaque-other-issuer", active(&json!({ "iss": "https://issuer.example.com" })));
    api.explains("explain-opaque-bound", active(&json!({ "token_type": "DPoP" })));
    api.explains("explain-opaque-audience", active(&json!({ "aud": "https://other.example.com" })));
}

#[test]
fn a_configuration_says_who_is_asked_about_opaque_tokens() {
    let api = Api::new("check");
    let ran = api.run(&["check", "authorizer.json"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    golden_text("check-opaque", &api.without_port(&ran.text()));
    let fetched = api.run(&["check", "--fetch", "authorizer.json"]);
    assert_eq!(fetched.status, 0, "an entry with introspection alone may have no keys: {fetched:?}");
}
