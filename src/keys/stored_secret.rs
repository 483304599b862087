//! Shared secrets from Secrets Manager and Parameter Store: the versions of each, and how old they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tracing::{info, warn};

#[cfg(feature = "authz")]
use super::aws_extension::SecretLocation;
use super::aws_extension::{Asked, Extension, Stage, StoredSecret};
use super::cache::{Cache, Extent, Held, Source, State};
use super::fetch::{Fetch, FetchError};
use super::join::join_all;
use super::secret::{Secret, SecretKind};
use crate::error::Error;
use crate::time::{Clock, Deadline, Moment};

/// A copy is read again after this: the extension's own cache holds it no longer.
const FRESH: Duration = Duration::from_secs(300);
/// And used for so long after that, an hour in all, when it cannot be.
const STALE: Duration = Duration::from_secs(3300);
/// For one read, retries included.
const TIMEOUT: Duration = Duration::from_millis(2000);

/// A secret that is fetched when a token needs it, never at start-up, when the extension does not answer yet.
pub(crate) struct FetchedSecret<K: SecretKind = Secret> {
    cache: Cache<Asked<K>>,
}

impl<K: SecretKind> FetchedSecret<K> {
    pub(crate) fn new(
        issuer: String,
        secret: StoredSecret<K>,
        extension: Arc<Extension>,
        fetcher: Arc<dyn Fetch>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let asked = Asked { issuer, secret, extension, fetcher, clock: Arc::clone(&clock) };
        Self { cache: Cache::new(asked, (STALE, TIMEOUT), clock, None) }
    }

    /// The versions of the secret that may have signed, read anew if that is due.
    ///
    /// # Errors
    /// [`Error::KeysUnavailable`] if none can be had, or none is fit for a secret.
    pub(crate) async fn versions(&self, deadline: Deadline) -> Result<Versions<K>, Error> {
        let held = self.cache.usable(deadline).await?;
        Ok(self.of(&held))
    }

    /// The versions that need not be read again yet.
    pub(crate) fn fresh(&self) -> Option<Versions<K>> {
        self.cache.fresh().map(|held| self.of(&held))
    }

    /// The versions as they were read last, whatever the age of the reading.
    pub(crate) fn held(&self) -> Option<Versions<K>> {
        self.cache.held().map(|held| self.of(&held))
    }

    fn of(&self, held: &Held<Arc<[Arc<Version<K>>]>>) -> Versions<K> {
        let asked = &self.cache.source;
        Versions { read: Arc::clone(&held.item), wanted: asked.secret.stored.stages(), now: asked.clock.now() }
    }

    /// Where it is kept.
    #[cfg(feature = "authz")]
    pub(crate) fn stored(&self) -> &SecretLocation {
        &self.cache.source.secret.stored
    }
}

/// A version as it was read last.
pub(super) struct Version<K> {
    stage: Stage,
    /// `None` if there is no such version.
    secret: Option<K>,
    read: Moment,
}

impl<K> Version<K> {
    /// Whether it may still be used.
    fn is_usable(&self, now: Moment) -> bool {
        now.since(self.read) < FRESH.saturating_add(STALE)
    }
}

/// The versions of one secret that were read, each as old as it is.
pub(crate) struct Versions<K> {
    read: Arc<[Arc<Version<K>>]>,
    wanted: &'static [Stage],
    now: Moment,
}

impl<K> Versions<K> {
    /// Those that may be used.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &K> {
        self.usable().filter_map(|version| version.secret.as_ref())
    }

    /// Why a token that none of them has signed is refused: a version could not be read, a version may have been rotated since it
    /// was read, or all were read within the cooldown.
    pub(crate) fn refusal(&self, cooldown: Duration) -> Error {
        let ages = self.wanted.iter().map(|stage| {
            let version = self.usable().find(|version| version.stage == *stage)?;
            Some(self.now.since(version.read))
        });
        match ages.collect::<Option<Vec<_>>>() {
            None => Error::KeysUnavailable,
            Some(ages) if ages.iter().all(|age| *age <= cooldown) => Error::InvalidSignature,
            Some(_) => Error::InvalidSignatureUnderOldKeys,
        }
    }

    fn usable(&self) -> impl Iterator<Item = &Arc<Version<K>>> {
        self.read.iter().filter(|version| version.is_usable(self.now))
    }
}

impl<K: SecretKind> Source for Asked<K> {
    type Item = Arc<[Arc<Version<K>>]>;

    async fn obtain(&self, began: Moment, patience: Duration, state: &State<Self::Item>) -> Option<Held<Self::Item>> {
        let held = state.held.as_ref().map_or(&[][..], |held| &held.item);
        let (read, failure) = self.read(began, patience, held).await;
        let now = self.clock.now();
        let (issuer, milliseconds) = (self.issuer.as_str(), u64::try_from(now.since(began).as_millis()).ok());
        let extent = match failure {
            None => {
                let versions = read.iter().filter(|version| version.secret.is_some()).count();
                info!(issuer, outcome = "fetched", milliseconds, versions, age_seconds = 0, "{}", K::NAME);
                Extent::Whole
            }
            Some(failure) => {
                let there: Vec<_> = read.iter().filter(|version| version.secret.is_some()).collect();
                let versions = (!read.is_empty()).then_some(there.len());
                let age_seconds = there.iter().map(|version| now.since(version.read).as_secs()).max();
                warn!(issuer, outcome = %failure, milliseconds, versions, age_seconds, "{}", K::NAME);
                Extent::Part
            }
        };
        let any = read.iter().any(|version| version.read == began);
        any.then(|| Held { item: read.into(), since: began, fresh: FRESH, extent })
    }

    fn name(&self) -> (&'static str, &str) {
        (K::NAME, &self.issuer)
    }
}

impl<K: SecretKind> Asked<K> {
    /// Reads all versions, the current one first. If one cannot be read, the held copy takes its place while that may still be
    /// used. The failure is that of the first version that could not be read.
    async fn read(
        &self,
        began: Moment,
        patience: Duration,
        held: &[Arc<Version<K>>],
    ) -> (Vec<Arc<Version<K>>>, Option<FetchError>) {
        let is_current_settled = AtomicBool::new(false);
        let stages = self.secret.stored.stages();
        let outcomes = join_all(stages.iter().map(|stage| {
            let settled = &is_current_settled;
            async move {
                let version = self.version(*stage, patience, settled);
                let outcome = tokio::time::timeout(patience, version).await.unwrap_or(Err(FetchError::Timeout));
                settled.fetch_or(*stage == Stage::Current, Ordering::Relaxed);
                (*stage, outcome)
            }
        }));
        let (mut read, mut failure) = (Vec::new(), None);
        for (stage, outcome) in outcomes.await {
            match outcome {
                Ok(secret) => read.push(Arc::new(Version { stage, secret, read: began })),
                Err(why) => {
                    let usable = |version: &&Arc<Version<K>>| version.stage == stage && version.is_usable(began);
                    read.extend(held.iter().find(usable).cloned());
                    failure.get_or_insert(why);
                }
            }
        }
        (read, failure)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::Value;

    use super::*;
    use crate::algorithm::Algorithm;
    use crate::keys::aws_extension::{Previous, SecretLocation};
    use crate::keys::fetch::{Fetched, Fetching, SessionToken, With};
    use crate::keys::secret::Encoding;
    use crate::keys::test_support::{Dial, block_on, logged};
    use crate::keys::url::KeyUrl;

    const SECRET: &str = "a secret for tests, of 32 bytes or more";

    /// Gives every request the same answer until a test changes it.
    struct Script(Mutex<Result<String, FetchError>>);

    impl Fetch for Script {
        fn fetch<'a>(&'a self, _: &'a KeyUrl, _: With<'a>) -> Fetching<'a> {
            let said = self.0.lock().unwrap().clone();
            let document = said.map(|text| Fetched::Document { body: text.into_bytes(), max_age: None, etag: None });
            Box::pin(std::future::ready(document))
        }
    }

    /// A stored secret with a `field`, its source and its clock.
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
                rules: vec![Algorithm::Hs256],
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

        /// Reads the versions; returns the lines logged meanwhile.
        fn logs(&self) -> Vec<Value> {
            let deadline = Deadline::of(None, self.clock.now());
            logged(|| drop(block_on(self.secret.versions(deadline))))
        }
    }

    /// The extension's response for a secret whose field has this text.
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
            // It is retried, and the reason is that of the last response.
            (Err(FetchError::Status(500)), "status_500"),
        ] {
            let local = Local::new();
            local.says(said);
            let logged = local.logs();
            assert_eq!((logged.len(), &logged[0]["outcome"]), (1, &outcome.into()), "{logged:?}");
        }
    }

    #[test]
    fn the_log_warns_of_a_secret_that_was_probably_copied_wrong() {
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
