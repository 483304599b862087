//! Driving the library in process: a configuration, a clock that stands still, and shared-secret tokens.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use apigw_jwt_authorizer::{Authorizer, Clock, Config, ConfigError, Invocation, Moment};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::canaries;

/// What the tests' clock shows at first.
pub(crate) const NOW: u64 = 1_800_000_000;
/// The shared secret in the environment variable `SECRET`.
pub(crate) const SECRET: &str = "a secret for tests, of 32 bytes or more, and long enough for HS512 too";
/// Where requests go.
pub(crate) const STAGE: &str = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/";

/// A clock that moves when it is told to.
pub(crate) struct Dial {
    start: u64,
    millis: AtomicU64,
    back: AtomicU64,
}

impl Clock for Dial {
    fn now(&self) -> Moment {
        let millis = Duration::from_millis(self.millis.load(Ordering::SeqCst));
        let back = Duration::from_secs(self.back.load(Ordering::SeqCst));
        Moment { wall: Duration::from_secs(self.start) + millis - back, monotonic: millis }
    }

    fn earliest(&self) -> Duration {
        Duration::from_secs(self.start - 1000)
    }
}

impl Dial {
    /// Sets the wall clock back, once.
    pub(crate) fn set_back(&self, seconds: u64) {
        self.back.store(seconds, Ordering::SeqCst);
    }

    /// Moves the clock forward.
    pub(crate) fn advance(&self, by: Duration) {
        self.millis.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

/// A local authorizer, and all that it logs.
pub(crate) struct Local {
    authorizer: Authorizer,
    runtime: tokio::runtime::Runtime,
    pub(crate) clock: Arc<Dial>,
    configuration: String,
    log: Log,
}

/// Parses a configuration in the tests' environment.
pub(crate) fn config(document: &str) -> Result<Config, ConfigError> {
    config_with(document, &[("SECRET", SECRET)])
}

/// Parses a configuration with these environment variables.
pub(crate) fn config_with(document: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variable =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Config::parse(document, &variable, Path::new("."))
}

impl Local {
    pub(crate) fn new(document: &Value) -> Self {
        Self::with(document, NOW, &[("SECRET", SECRET)])
    }

    /// At this time, with these environment variables.
    pub(crate) fn with(document: &Value, now: u64, variables: &[(&str, &str)]) -> Self {
        let clock = Arc::new(Dial { start: now, millis: AtomicU64::new(0), back: AtomicU64::new(0) });
        let config = config_with(&document.to_string(), variables).unwrap_or_else(|error| panic!("{error}"));
        let authorizer = Authorizer::new(config, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { authorizer, runtime, clock, configuration: document.to_string(), log: Log::new() }
    }

    /// The whole answer to a request.
    pub(crate) fn answers(&self, method: &str, path: &str, authorization: Option<&str>) -> Value {
        let arn = format!("{STAGE}{method}/{path}");
        let event = json!({ "type": "TOKEN", "authorizationToken": authorization, "methodArn": arn });
        let answer = self.answers_event(event.to_string().as_bytes());
        #[cfg(feature = "authz")]
        self.explained(event.to_string().as_bytes(), &answer);
        answer
    }

    /// The answer to an event of any bytes. Neither it nor what was logged meanwhile holds a piece of the token or the
    /// secret, and the log none of a claim.
    #[track_caller]
    pub(crate) fn answers_event(&self, event: &[u8]) -> Value {
        let before = self.log.lines.lock().unwrap().len();
        let answer = tracing::dispatcher::with_default(&self.log.dispatch, || {
            self.runtime.block_on(self.authorizer.authorize(event, Invocation::default()))
        });
        let answer = answer.to_json();
        let lines = self.log.lines.lock().unwrap();
        canaries::kept(event, &answer, std::str::from_utf8(&lines[before..]).unwrap(), &self.configuration);
        serde_json::from_str(&answer).unwrap()
    }

    /// All lines since they were last taken, at the finest level.
    pub(crate) fn take_log(&self) -> String {
        let mut lines = self.log.lines.lock().unwrap();
        String::from_utf8(std::mem::take(&mut *lines)).unwrap()
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

    /// The decision and the reason in the log line of a request, which no answer contradicts: `allow`, `deny <reason>`,
    /// `unauthorized <reason>` or `error <reason>`.
    #[track_caller]
    pub(crate) fn verdict(&self, method: &str, path: &str, token: &str) -> String {
        self.take_log();
        let outcome = self.decides(method, path, token);
        let log = self.take_log();
        let mut lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let line = lines.find(|line| line["fields"]["message"] == "decision").unwrap();
        let text = |name: &str| line["fields"][name].as_str().map(str::to_owned);
        let verdict = [text("decision"), text("reason")].into_iter().flatten().collect::<Vec<_>>().join(" ");
        match outcome.as_str() {
            "Unauthorized" => assert!(verdict.starts_with("unauthorized "), "{verdict}"),
            "allow" => assert_eq!(verdict, "allow"),
            deny if deny.starts_with("deny ") => assert_eq!(verdict, deny),
            error => assert!(verdict.starts_with("error "), "{error}: {verdict}"),
        }
        verdict
    }

    /// What becomes of a request: `allow`, `deny <reason>`, or the type of an error.
    pub(crate) fn decides(&self, method: &str, path: &str, token: &str) -> String {
        outcome(&self.answers(method, path, Some(&format!("Bearer {token}"))))
    }
}

/// What is logged at any level, as JSON lines.
struct Log {
    lines: Arc<Mutex<Vec<u8>>>,
    dispatch: tracing::Dispatch,
}

/// Where the lines go.
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn new() -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let paper = Arc::clone(&lines);
        let subscriber = tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE);
        let subscriber = subscriber.with_writer(move || Paper(Arc::clone(&paper))).finish();
        Self { lines, dispatch: tracing::Dispatch::new(subscriber) }
    }
}

impl std::io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
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
