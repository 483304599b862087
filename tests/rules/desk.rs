//! Driving the library in process: a configuration, a clock that stands still, and shared-secret tokens.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use apigw_jwt_authorizer::{Authorizer, Clock, Config, ConfigError, Moment};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// What the tests' clock shows at first.
pub(crate) const NOW: u64 = 1_800_000_000;
/// The shared secret in the environment variable `SECRET`.
pub(crate) const SECRET: &str = "a secret for tests, of 32 bytes or more, and long enough for HS512 too";
/// Where requests go.
pub(crate) const STAGE: &str = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/";

/// A clock that moves when it is told to.
#[derive(Default)]
pub(crate) struct Dial(AtomicU64, AtomicU64);

impl Clock for Dial {
    fn now(&self) -> Moment {
        let millis = Duration::from_millis(self.0.load(Ordering::SeqCst));
        let back = Duration::from_secs(self.1.load(Ordering::SeqCst));
        Moment { wall: Duration::from_secs(NOW) + millis - back, monotonic: millis }
    }

    fn earliest(&self) -> Duration {
        Duration::from_secs(NOW - 1000)
    }
}

impl Dial {
    /// Sets the wall clock back, once.
    pub(crate) fn set_back(&self, seconds: u64) {
        self.1.store(seconds, Ordering::SeqCst);
    }

    /// Moves the clock forward.
    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

/// An authorizer on a desk.
pub(crate) struct Desk {
    authorizer: Authorizer,
    runtime: tokio::runtime::Runtime,
    pub(crate) clock: Arc<Dial>,
}

/// Parses a configuration in the tests' environment.
pub(crate) fn config(document: &str) -> Result<Config, ConfigError> {
    Config::parse(document, &|name| (name == "SECRET").then(|| SECRET.to_owned()), Path::new("."))
}

impl Desk {
    pub(crate) fn new(document: &Value) -> Self {
        let clock = Arc::new(Dial::default());
        let config = config(&document.to_string()).unwrap_or_else(|error| panic!("{error}"));
        let authorizer = Authorizer::new(config, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { authorizer, runtime, clock }
    }

    /// The whole answer to a request.
    pub(crate) fn answers(&self, method: &str, path: &str, authorization: Option<&str>) -> Value {
        let arn = format!("{STAGE}{method}/{path}");
        let event = json!({ "type": "TOKEN", "authorizationToken": authorization, "methodArn": arn });
        let answer = self.runtime.block_on(self.authorizer.authorize(event.to_string().as_bytes(), None));
        let answer = serde_json::from_str(&answer.to_json()).unwrap();
        #[cfg(feature = "authz")]
        self.explained(event.to_string().as_bytes(), &answer);
        answer
    }

    /// An explanation comes to the handler's own answer, by a step that refuses for the reason that is given.
    #[cfg(feature = "authz")]
    fn explained(&self, event: &[u8], answer: &Value) {
        use apigw_jwt_authorizer::explain::Outcome;
        let explanation = self.runtime.block_on(self.authorizer.explain(event));
        assert_eq!(&explanation.answer, answer, "{explanation:?}");
        let refused = explanation.steps.iter().find(|step| step.outcome == Outcome::Refused);
        assert_eq!(refused.and_then(|step| step.reason), explanation.reason, "{explanation:?}");
        assert_eq!(explanation.steps.len(), 16, "{explanation:?}");
    }

    /// What becomes of a request: `allow`, `deny <reason>`, or the type of an error.
    pub(crate) fn decides(&self, method: &str, path: &str, token: &str) -> String {
        outcome(&self.answers(method, path, Some(&format!("Bearer {token}"))))
    }
}

/// An answer in short.
pub(crate) fn outcome(answer: &Value) -> String {
    if let Some(error) = answer["errorType"].as_str() {
        return error.to_owned();
    }
    match (answer["policyDocument"]["Statement"][0]["Effect"].as_str(), answer["context"]["reason"].as_str()) {
        (Some("Allow"), None) => "allow".to_owned(),
        (Some("Deny"), Some(reason)) => format!("deny {reason}"),
        other => panic!("{other:?}"),
    }
}

/// A compact JWS of exactly this header and payload, signed with HS256 whatever the header says.
pub(crate) fn signed(header: &str, payload: &str) -> String {
    signed_raw(&URL_SAFE_NO_PAD.encode(header), &URL_SAFE_NO_PAD.encode(payload))
}

/// The same of segments that are encoded already.
pub(crate) fn signed_raw(header: &str, payload: &str) -> String {
    let input = format!("{header}.{payload}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, input.as_bytes())))
}
