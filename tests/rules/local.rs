//! Drives the library in process, with a configuration, a clock that tests move, and shared-secret tokens.

use std::sync::Arc;

use apigw_jwt_authorizer::{Authorizer, Clock, Config, ConfigError, Invocation};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::canaries;
use crate::in_process::{Dial, Log};
pub(crate) use crate::in_process::{NOW, outcome, parse as config_with};

/// The shared secret in the environment variable `SECRET`.
pub(crate) const SECRET: &str = "a secret for tests, of 32 bytes or more, and long enough for HS512 too";
/// The ARN of the stage, which every method ARN starts with.
pub(crate) const STAGE: &str = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/";

/// An authorizer in this process, with its clock and its log.
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

/// An object with more members, which replace those of the same name.
pub(crate) fn with_members(mut object: Value, more: &Value) -> Value {
    object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object
}

/// An API with these issuers, where any valid token passes.
pub(crate) fn api(issuers: Value) -> Value {
    json!({ "policy": "single_request", "issuers": issuers, "undeclared_routes": "allow" })
}

/// An API whose only issuer has the secret in the environment variable `SECRET`.
pub(crate) fn secret_api() -> Value {
    api(json!([{ "issuer": "https://issuer.example/", "audience": "api", "secret": { "env": "SECRET" } }]))
}

/// An authorizer whose only issuer has this secret for one algorithm.
pub(crate) fn with_secret_for(alg: &str, secret: &str) -> Local {
    let mut api = secret_api();
    api["issuers"][0]["algorithms"] = json!([alg]);
    Local::with(&api, NOW, &[("SECRET", secret)])
}

/// Checks the decision on a request for the root with this token.
#[track_caller]
pub(crate) fn decided(local: &Local, token: &str, expected: &str, what: &str) {
    assert_eq!(local.verdict("GET", "", token), expected, "{what}");
}

impl Local {
    pub(crate) fn new(document: &Value) -> Self {
        Self::with(document, NOW, &[("SECRET", SECRET)])
    }

    /// Builds the authorizer at the time `now` with these environment variables.
    pub(crate) fn with(document: &Value, now: u64, variables: &[(&str, &str)]) -> Self {
        let clock = Arc::new(Dial::new(now, now - 1000));
        let config = config_with(&document.to_string(), variables).unwrap_or_else(|error| panic!("{error}"));
        let authorizer = Authorizer::new(config, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { authorizer, runtime, clock, configuration: document.to_string(), log: Log::new() }
    }

    /// The complete answer to a request.
    pub(crate) fn answers(&self, method: &str, path: &str, authorization: Option<&str>) -> Value {
        let arn = format!("{STAGE}{method}/{path}");
        let event = json!({ "type": "TOKEN", "authorizationToken": authorization, "methodArn": arn });
        let answer = self.answers_event(event.to_string().as_bytes());
        #[cfg(feature = "authz")]
        self.explained(event.to_string().as_bytes(), &answer);
        answer
    }

    /// The answer to an event of any bytes. Checks that neither the answer nor the log holds a piece of the token or
    /// the secret, and that the log holds no piece of a claim.
    #[track_caller]
    pub(crate) fn answers_event(&self, event: &[u8]) -> Value {
        let authorize = self.authorizer.authorize(event, Invocation::default());
        let (answer, lines) = self.log.of(|| self.runtime.block_on(authorize));
        let answer = answer.to_json();
        canaries::kept(event, &answer, &lines, &self.configuration);
        serde_json::from_str(&answer).unwrap()
    }

    /// Takes the lines logged since the last call, at every level.
    pub(crate) fn take_log(&self) -> String {
        self.log.take()
    }

    /// Checks that the explanation has the same answer as the handler, and that the step that refused gives its reason.
    #[cfg(feature = "authz")]
    fn explained(&self, event: &[u8], answer: &Value) {
        use apigw_jwt_authorizer::explain::Outcome;
        let explanation = self.runtime.block_on(self.authorizer.explain(event));
        assert_eq!(&explanation.answer, answer, "{explanation:?}");
        let refused = explanation.steps.iter().find(|step| step.outcome == Outcome::Refused);
        assert_eq!(refused.and_then(|step| step.reason), explanation.reason, "{explanation:?}");
        let opaque = explanation.steps.iter().any(|step| step.name == "endpoint");
        assert_eq!(explanation.steps.len(), if opaque { 13 } else { 16 }, "{explanation:?}");
    }

    /// The decision in the log line of a request: `allow`, `deny <reason>`, `unauthorized <reason>` or `error
    /// <reason>`. Checks that the answer agrees with it.
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

    /// The outcome of a request: `allow`, `deny <reason>`, or the type of an error.
    pub(crate) fn decides(&self, method: &str, path: &str, token: &str) -> String {
        outcome(&self.answers(method, path, Some(&format!("Bearer {token}"))))
    }
}

/// A compact JWS of exactly this header and payload, signed with HS256 even if the header names another algorithm.
pub(crate) fn signed(header: &str, payload: &str) -> String {
    signed_raw(&URL_SAFE_NO_PAD.encode(header), &URL_SAFE_NO_PAD.encode(payload))
}

/// A compact JWS of segments that are already encoded, signed with HS256.
pub(crate) fn signed_raw(header: &str, payload: &str) -> String {
    let input = format!("{header}.{payload}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, input.as_bytes())))
}
