//! The Parameters and Secrets extension's local endpoint: which secret is asked for, and what it answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use tracing::warn;

use super::fetch::{Fetch, FetchError, Fetched, SessionToken, With};
use super::secret::{Encoding, Secret, SecretKind, doubt};
use super::url::KeyUrl;
use crate::json;
use crate::time::Clock;

/// The extension answers with errors until it is ready, some tens of milliseconds after the first invocation begins.
const FIRST_RETRY: Duration = Duration::from_millis(25);
const LAST_RETRY: Duration = Duration::from_millis(250);

const NOT_AN_ANSWER: FetchError = FetchError::Unfit("not_an_answer_of_the_extension");
/// The secret is not a JSON object with a text in that field.
const NO_FIELD: FetchError = FetchError::Unfit("no_text_in_that_field");

/// Where the extension listens, and what it knows its function by.
pub(crate) struct Extension {
    pub(crate) port: u16,
    pub(crate) token: SessionToken,
}

/// Which secret, and where it is kept.
pub(crate) enum SecretLocation {
    /// In Secrets Manager: its current version and, if wanted, the one before, which tokens may still be signed with.
    SecretsManager { id: String, field: Option<String>, previous: Previous },
    /// In Parameter Store, decrypted.
    ParameterStore { name: String },
}

impl SecretLocation {
    /// The versions that may have signed.
    pub(super) fn stages(&self) -> &'static [Stage] {
        match self {
            Self::ParameterStore { .. } | Self::SecretsManager { previous: Previous::Refused, .. } => &[Stage::Current],
            Self::SecretsManager { previous: Previous::Accepted, .. } => &[Stage::Current, Stage::Previous],
        }
    }
}

/// Which version of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Current,
    /// The one before it, if it was ever rotated.
    Previous,
}

/// Whether the version before the current one counts as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Previous {
    Accepted,
    Refused,
}

/// A secret as configured: given, or kept in a store.
pub(crate) enum SecretSettings<K: SecretKind> {
    Given(K),
    Stored(StoredSecret<K>),
}

/// A secret that is fetched, and how it is written.
pub(crate) struct StoredSecret<K: SecretKind = Secret> {
    pub(crate) stored: SecretLocation,
    pub(crate) encoding: Encoding,
    pub(crate) rules: K::Rules,
}

/// The extension, asked for one secret.
pub(super) struct Asked<K: SecretKind> {
    /// Whose it is, for the log.
    pub(super) issuer: String,
    pub(super) secret: StoredSecret<K>,
    pub(super) extension: Arc<Extension>,
    pub(super) fetcher: Arc<dyn Fetch>,
    pub(super) clock: Arc<dyn Clock>,
}

impl<K: SecretKind> Asked<K> {
    /// One version; `None` if there is none before the current one.
    pub(super) async fn version(
        &self,
        stage: Stage,
        patience: Duration,
        is_current_settled: &AtomicBool,
    ) -> Result<Option<K>, FetchError> {
        let (id, field) = match &self.secret.stored {
            SecretLocation::ParameterStore { name } => {
                let url = self.url("/systemsmanager/parameters/get", &[("name", name), ("withDecryption", "true")])?;
                let parameter: ParameterAnswer = self.patiently(&url, patience, || false).await?;
                return self.secret(&parameter.parameter.value).map(Some);
            }
            SecretLocation::SecretsManager { id, field, .. } => (id, field),
        };
        let name = match stage {
            Stage::Current => "AWSCURRENT",
            Stage::Previous => "AWSPREVIOUS",
        };
        let url = self.url("/secretsmanager/get", &[("secretId", id), ("versionStage", name)])?;
        // Once the extension is known to be ready or not, there is nothing more to wait for.
        let settled = || stage == Stage::Previous && is_current_settled.load(Ordering::Relaxed);
        let answer: SecretAnswer = match self.patiently(&url, patience, settled).await {
            Err(FetchError::NotFound) if stage == Stage::Previous => return Ok(None),
            answer => answer?,
        };
        let Some(field) = field else {
            return self.secret(&answer.secret_string).map(Some);
        };
        let members: Map<String, Value> = serde_json::from_str(&answer.secret_string).map_err(|_| NO_FIELD)?;
        self.secret(members.get(field).and_then(Value::as_str).ok_or(NO_FIELD)?).map(Some)
    }

    /// Asks again and again while the extension is not ready, for most of the time there is and once after it is `settled`,
    /// and then says what it said last.
    async fn patiently<T: for<'de> Deserialize<'de>>(
        &self,
        url: &KeyUrl,
        patience: Duration,
        settled: impl Fn() -> bool,
    ) -> Result<T, FetchError> {
        let (mut pause, mut paused) = (FIRST_RETRY, Duration::ZERO);
        let most = patience.saturating_sub(LAST_RETRY.saturating_mul(2)).max(FIRST_RETRY);
        loop {
            let last = settled();
            match self.once(url).await {
                // What is not there now will not be there in a moment.
                Err(error)
                    if !matches!(error, FetchError::NotFound | FetchError::Unfit(_)) && paused < most && !last =>
                {
                    tracing::debug!(issuer = self.issuer, outcome = %error, "the extension is asked again");
                    tokio::time::sleep(pause).await;
                    paused = paused.saturating_add(pause);
                    pause = pause.saturating_mul(2).min(LAST_RETRY);
                }
                outcome => return outcome,
            }
        }
    }

    async fn once<T: for<'de> Deserialize<'de>>(&self, url: &KeyUrl) -> Result<T, FetchError> {
        let fetched = self.fetcher.fetch(url, With::SessionToken(&self.extension.token)).await?;
        let Fetched::Document { body, .. } = fetched else {
            return Err(NOT_AN_ANSWER);
        };
        json::members(&body).map_err(|_| NOT_AN_ANSWER)
    }

    fn secret(&self, text: &str) -> Result<K, FetchError> {
        let secret = K::read(text.as_bytes(), self.secret.encoding, &self.secret.rules).map_err(FetchError::Unfit)?;
        if let Some(doubt) = doubt(text.as_bytes()) {
            warn!(issuer = self.issuer, "a stored {} may not be what was meant: {doubt}", K::NAME);
        }
        Ok(secret)
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> Result<KeyUrl, FetchError> {
        KeyUrl::local(self.extension.port, path, query).ok_or(FetchError::Unfit("no_address"))
    }
}

/// The extension's answer for a secret. It never prints.
#[derive(Deserialize)]
struct SecretAnswer {
    #[serde(rename = "SecretString")]
    secret_string: String,
}

/// The extension's answer for a parameter. It never prints.
#[derive(Deserialize)]
struct ParameterAnswer {
    #[serde(rename = "Parameter")]
    parameter: Parameter,
}

#[derive(Deserialize)]
struct Parameter {
    #[serde(rename = "Value")]
    value: String,
}
