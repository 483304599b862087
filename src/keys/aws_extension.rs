//! Shared secrets from Secrets Manager and Parameter Store, through the Parameters and Secrets extension's local endpoint.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use tracing::{info, warn};

use super::cache::{Cache, Extent, Held, Source, State};
use super::fetch::{Fetch, FetchError, Fetched, SessionToken, With};
use super::secret::{Encoding, Secret, doubt};
use super::side_by_side::side_by_side;
use super::url::KeyUrl;
use crate::algorithm::Algorithm;
use crate::error::Error;
use crate::json;
use crate::time::{Clock, Deadline, Moment};

/// A copy is read again after this: the extension's own cache holds it no longer.
const FRESH: Duration = Duration::from_secs(300);
/// And used for so long after that, an hour in all, when it cannot be.
const STALE: Duration = Duration::from_secs(3300);
/// For one read, retries included.
const TIMEOUT: Duration = Duration::from_millis(2000);
/// The extension answers with errors until it is ready, some tens of milliseconds after the first invocation begins.
const FIRST_RETRY: Duration = Duration::from_millis(25);
const LAST_RETRY: Duration = Duration::from_millis(250);

/// Where the extension listens, and what it knows its function by.
#[derive(Debug)]
pub(crate) struct Extension {
    pub(crate) port: u16,
    pub(crate) token: SessionToken,
}

/// Which secret, and where it is kept.
#[derive(Clone, Debug)]
pub(crate) enum SecretLocation {
    /// In Secrets Manager: its current version and, if wanted, the one before, which tokens may still be signed with.
    SecretsManager { id: String, field: Option<String>, previous: Previous },
    /// In Parameter Store, decrypted.
    ParameterStore { name: String },
}

impl SecretLocation {
    /// The versions that may have signed.
    fn stages(&self) -> &'static [Stage] {
        match self {
            Self::ParameterStore { .. } | Self::SecretsManager { previous: Previous::Refused, .. } => &[Stage::Current],
            Self::SecretsManager { previous: Previous::Accepted, .. } => &[Stage::Current, Stage::Previous],
        }
    }
}

/// Which version of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Current,
    /// The one before it, if it was ever rotated.
    Previous,
}

/// A version as it was read last.
#[derive(Clone)]
struct Version {
    stage: Stage,
    /// `None` if there is no such version.
    secret: Option<Arc<Secret>>,
    read: Moment,
}

impl Version {
    /// Whether it may still be used.
    fn is_usable(&self, now: Moment) -> bool {
        now.since(self.read) < FRESH.saturating_add(STALE)
    }
}

/// The versions of one secret that were read, each as old as it is.
pub(crate) struct Versions {
    read: Arc<[Version]>,
    wanted: &'static [Stage],
    now: Moment,
}

/// What is known of a token that none of a secret's versions has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certainty {
    /// Each version was read within the cooldown.
    Recent,
    /// One of them may have been rotated since it was read.
    Old,
    /// One of them could not be read.
    Missing,
}

impl Versions {
    /// Those that may be used.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.usable().filter_map(|version| version.secret.as_deref())
    }

    /// What a signature that is by none of them means.
    pub(crate) fn certainty(&self, cooldown: Duration) -> Certainty {
        let ages = self.wanted.iter().map(|stage| {
            let version = self.usable().find(|version| version.stage == *stage)?;
            Some(self.now.since(version.read))
        });
        match ages.collect::<Option<Vec<_>>>() {
            None => Certainty::Missing,
            Some(ages) if ages.iter().all(|age| *age <= cooldown) => Certainty::Recent,
            Some(_) => Certainty::Old,
        }
    }

    fn usable(&self) -> impl Iterator<Item = &Version> {
        self.read.iter().filter(|version| version.is_usable(self.now))
    }
}

/// Whether the version before the current one counts as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Previous {
    Accepted,
    Refused,
}

/// A secret that is fetched, and how it is written.
#[derive(Clone, Debug)]
pub(crate) struct StoredSecret {
    pub(crate) stored: SecretLocation,
    pub(crate) encoding: Encoding,
    pub(crate) algorithms: Vec<Algorithm>,
}

/// A secret that is fetched when a token needs it, never at start-up, when the extension does not answer yet.
pub(crate) struct FetchedSecret {
    cache: Cache<Store>,
}

impl FetchedSecret {
    pub(crate) fn new(
        issuer: String,
        secret: StoredSecret,
        extension: Arc<Extension>,
        fetcher: Arc<dyn Fetch>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let store = Store { issuer, secret, extension, fetcher, clock: Arc::clone(&clock) };
        Self { cache: Cache::new(store, (STALE, TIMEOUT), clock, None) }
    }

    /// The versions of the secret that may have signed, read anew if that is due.
    ///
    /// # Errors
    /// [`Error::KeysUnavailable`] if none can be had, or none is fit for a secret.
    pub(crate) async fn versions(&self, deadline: Deadline) -> Result<Versions, Error> {
        let held = self.cache.usable(deadline).await?;
        Ok(self.of(&held))
    }

    /// The versions that need not be read again yet.
    pub(crate) fn fresh(&self) -> Option<Versions> {
        self.cache.fresh().map(|held| self.of(&held))
    }

    /// The versions as they were read last, whatever the age of the reading.
    pub(crate) fn held(&self) -> Option<Versions> {
        self.cache.held().map(|held| self.of(&held))
    }

    fn of(&self, held: &Held<Arc<[Version]>>) -> Versions {
        let store = &self.cache.source;
        Versions { read: Arc::clone(&held.item), wanted: store.secret.stored.stages(), now: store.clock.now() }
    }

    /// Where it is kept.
    #[cfg(feature = "authz")]
    pub(crate) fn stored(&self) -> &SecretLocation {
        &self.cache.source.secret.stored
    }
}

/// The extension, asked for one secret.
struct Store {
    issuer: String,
    secret: StoredSecret,
    extension: Arc<Extension>,
    fetcher: Arc<dyn Fetch>,
    clock: Arc<dyn Clock>,
}

impl Source for Store {
    type Item = Arc<[Version]>;

    async fn obtain(&self, began: Moment, patience: Duration, state: &State<Self::Item>) -> Option<Held<Self::Item>> {
        let held = state.held.as_ref().map_or(&[][..], |held| &held.item);
        let (read, failure) = self.read(began, patience, held).await;
        let now = self.clock.now();
        let (issuer, milliseconds) = (self.issuer.as_str(), u64::try_from(now.since(began).as_millis()).ok());
        let extent = match failure {
            None => {
                let versions = read.iter().filter(|version| version.secret.is_some()).count();
                info!(issuer, outcome = "fetched", milliseconds, versions, age_seconds = 0, "secret");
                Extent::Whole
            }
            Some(failure) => {
                let there: Vec<_> = read.iter().filter(|version| version.secret.is_some()).collect();
                let versions = (!read.is_empty()).then_some(there.len());
                let age_seconds = there.iter().map(|version| now.since(version.read).as_secs()).max();
                warn!(issuer, outcome = %failure, milliseconds, versions, age_seconds, "secret");
                Extent::Part
            }
        };
        let any = read.iter().any(|version| version.read == began);
        any.then(|| Held { item: read.into(), since: began, fresh: FRESH, extent })
    }

    fn name(&self) -> (&'static str, &str) {
        ("secret", &self.issuer)
    }
}

impl Store {
    /// All versions, the current one first. One that cannot be read is the one that is held, if that may still be used; why
    /// it cannot is told of the first.
    async fn read(&self, began: Moment, patience: Duration, held: &[Version]) -> (Vec<Version>, Option<Failure>) {
        let is_current_settled = AtomicBool::new(false);
        let stages = self.secret.stored.stages();
        let outcomes = side_by_side(stages.iter().map(|stage| {
            let settled = &is_current_settled;
            async move {
                let version = self.version(*stage, patience, settled);
                let outcome = tokio::time::timeout(patience, version).await.unwrap_or(Err(Failure::Timeout));
                settled.fetch_or(*stage == Stage::Current, Ordering::Relaxed);
                (*stage, outcome)
            }
        }));
        let (mut read, mut failure) = (Vec::new(), None);
        for (stage, outcome) in outcomes.await {
            match outcome {
                Ok(secret) => read.push(Version { stage, secret: secret.map(Arc::new), read: began }),
                Err(why) => {
                    let usable = |version: &&Version| version.stage == stage && version.is_usable(began);
                    read.extend(held.iter().find(usable).cloned());
                    failure.get_or_insert(why);
                }
            }
        }
        (read, failure)
    }

    /// One version; `None` if there is none before the current one.
    async fn version(
        &self,
        stage: Stage,
        patience: Duration,
        is_current_settled: &AtomicBool,
    ) -> Result<Option<Secret>, Failure> {
        let (id, field) = match &self.secret.stored {
            SecretLocation::ParameterStore { name } => {
                let url = self.url("/systemsmanager/parameters/get", &[("name", name), ("withDecryption", "true")]);
                let parameter: ParameterAnswer =
                    self.patiently(&url.ok_or(Failure::Address)?, patience, || false).await?;
                return self.secret(&parameter.parameter.value).map(Some);
            }
            SecretLocation::SecretsManager { id, field, .. } => (id, field),
        };
        let name = match stage {
            Stage::Current => "AWSCURRENT",
            Stage::Previous => "AWSPREVIOUS",
        };
        let url =
            self.url("/secretsmanager/get", &[("secretId", id), ("versionStage", name)]).ok_or(Failure::Address)?;
        // Once the extension is known to be ready or not, there is nothing more to wait for.
        let settled = || stage == Stage::Previous && is_current_settled.load(Ordering::Relaxed);
        let answer: SecretAnswer = match self.patiently(&url, patience, settled).await {
            Err(Failure::Fetch(FetchError::NotFound)) if stage == Stage::Previous => return Ok(None),
            answer => answer?,
        };
        let Some(field) = field else {
            return self.secret(&answer.secret_string).map(Some);
        };
        let members: Map<String, Value> = serde_json::from_str(&answer.secret_string).map_err(|_| Failure::Field)?;
        self.secret(members.get(field).and_then(Value::as_str).ok_or(Failure::Field)?).map(Some)
    }

    /// Asks again and again while the extension is not ready, for most of the time there is and once after it is `settled`,
    /// and then says what it said last.
    async fn patiently<T: for<'de> Deserialize<'de>>(
        &self,
        url: &KeyUrl,
        patience: Duration,
        settled: impl Fn() -> bool,
    ) -> Result<T, Failure> {
        let (mut pause, mut paused) = (FIRST_RETRY, Duration::ZERO);
        let most = patience.saturating_sub(LAST_RETRY.saturating_mul(2)).max(FIRST_RETRY);
        loop {
            let last = settled();
            match self.once(url).await {
                // What is not there now will not be there in a moment.
                Err(Failure::Fetch(error)) if error != FetchError::NotFound && paused < most && !last => {
                    tracing::debug!(issuer = self.issuer, outcome = %error, "the extension is asked again");
                    tokio::time::sleep(pause).await;
                    paused = paused.saturating_add(pause);
                    pause = pause.saturating_mul(2).min(LAST_RETRY);
                }
                outcome => return outcome,
            }
        }
    }

    async fn once<T: for<'de> Deserialize<'de>>(&self, url: &KeyUrl) -> Result<T, Failure> {
        let fetched =
            self.fetcher.fetch(url, With::SessionToken(&self.extension.token)).await.map_err(Failure::Fetch)?;
        let Fetched::Document { body, .. } = fetched else {
            return Err(Failure::Answer);
        };
        json::members(&body).map_err(|_| Failure::Answer)
    }

    fn secret(&self, text: &str) -> Result<Secret, Failure> {
        let secret =
            Secret::new(text.as_bytes(), self.secret.encoding, &self.secret.algorithms).map_err(Failure::Unfit)?;
        if let Some(doubt) = doubt(text.as_bytes()) {
            warn!(issuer = self.issuer, "a stored secret may not be what was meant: {doubt}");
        }
        Ok(secret)
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> Option<KeyUrl> {
        KeyUrl::local(self.extension.port, path, query)
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

/// Why there is no secret.
enum Failure {
    Timeout,
    Fetch(FetchError),
    /// The name makes no address.
    Address,
    /// The answer is not the extension's.
    Answer,
    /// The secret is not a JSON object with a text in that field.
    Field,
    /// The secret is too short, or a key, or not in its encoding.
    Unfit(&'static str),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fetch(error) => return error.fmt(f),
            Self::Timeout => "timeout",
            Self::Address => "no_address",
            Self::Answer => "not_an_answer_of_the_extension",
            Self::Field => "no_text_in_that_field",
            Self::Unfit(why) => why,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::keys::fetch::Fetching;
    use crate::keys::test_log::logged;

    const SECRET: &str = "a secret for tests, of 32 bytes or more";

    /// Says the same to every request, until it is told to say something else.
    struct Script(Mutex<Result<String, FetchError>>);

    impl Fetch for Script {
        fn fetch<'a>(&'a self, _: &'a KeyUrl, _: With<'a>) -> Fetching<'a> {
            let said = self.0.lock().unwrap().clone();
            let document = said.map(|text| Fetched::Document { body: text.into_bytes(), max_age: None, etag: None });
            Box::pin(std::future::ready(document))
        }
    }

    /// A clock that moves when it is told to, in seconds.
    #[derive(Default)]
    struct Dial(Mutex<u64>);

    impl Clock for Dial {
        fn now(&self) -> Moment {
            let since = Duration::from_secs(*self.0.lock().unwrap());
            Moment { wall: since, monotonic: since }
        }
    }

    /// A secret in a field, and where it comes from.
    struct Local {
        script: Arc<Script>,
        clock: Arc<Dial>,
        secret: FetchedSecret,
    }

    impl Local {
        fn new() -> Self {
            let (script, clock) = (Arc::new(Script(Mutex::new(Ok(answer(SECRET))))), Arc::<Dial>::default());
            let secret = StoredSecret {
                stored: SecretLocation::SecretsManager {
                    id: "id".to_owned(),
                    field: Some("key".to_owned()),
                    previous: Previous::Accepted,
                },
                encoding: Encoding::Utf8,
                algorithms: vec![Algorithm::Hs256],
            };
            let extension = Arc::new(Extension { port: 2773, token: SessionToken(String::new()) });
            let fetcher: Arc<dyn Fetch> = Arc::<Script>::clone(&script);
            let shared: Arc<dyn Clock> = Arc::<Dial>::clone(&clock);
            let secret = FetchedSecret::new("https://a.example/".to_owned(), secret, extension, fetcher, shared);
            Self { script, clock, secret }
        }

        fn says(&self, said: Result<String, FetchError>) {
            *self.script.0.lock().unwrap() = said;
        }

        /// Asks for the versions, and tells what is logged meanwhile.
        fn logs(&self) -> Vec<Value> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let deadline = Deadline::of(None, self.clock.now());
            logged(|| drop(runtime.block_on(self.secret.versions(deadline))))
        }
    }

    /// What the extension says of a secret whose field has this text.
    fn answer(text: &str) -> String {
        serde_json::json!({ "SecretString": serde_json::json!({ "key": text }).to_string() }).to_string()
    }

    #[test]
    fn the_versions_are_held_once_they_are_read() {
        let local = Local::new();
        assert!(local.secret.held().is_none());
        local.logs();
        assert_eq!(local.secret.held().map(|versions| versions.secrets().count()), Some(2));
    }

    #[test]
    fn the_log_says_why_there_is_no_secret() {
        for (said, outcome) in [
            (Ok("{}".to_owned()), "not_an_answer_of_the_extension"),
            (Ok(r#"{"SecretString":"{}"}"#.to_owned()), "no_text_in_that_field"),
            (Ok(answer("short")), "the secret is shorter than the 32 bytes that HS256 needs"),
            // It is asked again and again, and what it said last is the reason.
            (Err(FetchError::Status(500)), "status_500"),
        ] {
            let local = Local::new();
            local.says(said);
            let logged = local.logs();
            assert_eq!((logged.len(), &logged[0]["outcome"]), (1, &outcome.into()), "{logged:?}");
        }
    }

    #[test]
    fn the_log_says_that_a_secret_may_not_be_what_was_meant() {
        let local = Local::new();
        local.says(Ok(answer(&format!("{SECRET} "))));
        let logged = local.logs();
        let doubt = "a stored secret may not be what was meant: it ends in white space, which is part of it";
        assert_eq!((logged.len(), &logged[0]["message"], &logged[1]["message"]), (3, &doubt.into(), &doubt.into()));
        assert_eq!(logged[2]["outcome"], "fetched");
    }

    #[test]
    fn the_log_says_that_a_stale_secret_is_in_use() {
        let local = Local::new();
        assert_eq!(local.logs()[0]["outcome"], "fetched");
        local.says(Ok("{}".to_owned()));
        *local.clock.0.lock().unwrap() = 300;
        let logged = local.logs();
        assert_eq!((logged.len(), &logged[0]["age_seconds"]), (2, &300.into()), "{logged:?}");
        let stale = serde_json::json!({
            "issuer": "https://a.example/", "age_seconds": 300, "message": "a stale secret is in use"
        });
        assert_eq!(logged[1], stale);
    }
}
