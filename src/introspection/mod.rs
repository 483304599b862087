//! Opaque token -> what its issuer's endpoint says of it (RFC 7662). The token goes to that endpoint and nowhere else.

mod answer;
mod client;
mod failure;
mod kept;
mod token_hash;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Semaphore;
use tracing::{debug, warn};

pub(crate) use answer::Introspected;
pub(crate) use client::{ClientAuth, ClientSettings};
pub(crate) use failure::{Failure, NotActive};

use crate::bearer::OpaqueToken;
use crate::keys::{Backoff, FetchError, KeyAccess, KeyUrl, connection_ends};
use crate::time::{Clock, Deadline, Moment};
use answer::Standing;
use client::Client;
use kept::Kept;
use token_hash::TokenHash;

/// How many questions are under way at once. A server that is asked by every process of a function has few connections for each.
const MAX_UNDER_WAY: usize = 20;
/// A question that has had less time says nothing about the endpoint when it is given up.
const FAIR_TIME: Duration = Duration::from_millis(400);

/// `introspection` as configured.
pub(crate) struct IntrospectionSettings {
    /// Where its entry stands in `issuers`.
    pub(crate) entry: usize,
    pub(crate) issuer: String,
    pub(crate) endpoint: KeyUrl,
    pub(crate) client: ClientSettings,
    /// How long an active answer is kept at most.
    pub(crate) cache: Duration,
    /// For one question.
    pub(crate) timeout: Duration,
    pub(crate) beside: Beside,
}

/// What the entry has beside `introspection`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    /// Keys or a secret: its tokens may be JWTs.
    Keys,
    /// Nothing. A JWT finds its keys by discovery, but none is to be expected.
    Nothing,
}

/// An issuer's introspection endpoint, and what it has said.
pub(crate) struct Introspection {
    pub(crate) entry: usize,
    pub(crate) beside: Beside,
    issuer: Arc<str>,
    client: Client,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    under_way: Semaphore,
}

struct State {
    kept: Kept,
    backoff: Backoff,
    /// Those that are not answered yet.
    questions: HashMap<TokenHash, Weak<Question>>,
}

/// A question, shared by all who have it. Whoever holds the lock asks it; if its invocation is dropped, the next one does.
#[derive(Default)]
struct Question(tokio::sync::Mutex<Option<Result<Standing, Failure>>>);

impl Introspection {
    /// # Errors
    /// If TLS cannot be set up.
    pub(crate) fn new(
        settings: IntrospectionSettings,
        access: &KeyAccess,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, &'static str> {
        let IntrospectionSettings { entry, issuer, endpoint, client, cache, timeout, beside } = settings;
        let client = Client::new(endpoint, client, &issuer, access)?;
        let state = State { kept: Kept::new(cache), backoff: Backoff::default(), questions: HashMap::new() };
        Ok(Self {
            entry,
            beside,
            issuer: issuer.into(),
            client,
            timeout,
            clock,
            state: Mutex::new(state),
            under_way: Semaphore::new(MAX_UNDER_WAY),
        })
    }

    /// Asks the endpoint about a token, unless its answer is kept. Nothing is waited for beyond the deadline.
    ///
    /// # Errors
    /// [`NotActive`]: the endpoint says so, or cannot be asked.
    pub(crate) async fn ask(&self, token: OpaqueToken<'_>, deadline: Deadline) -> Result<Introspected, NotActive> {
        let hash = TokenHash::of(token.as_str());
        let now = self.clock.now();
        let question = self.with(|state| match state.kept.find(&hash, now) {
            Some(standing) => Err(standing),
            None => Ok(state.question(hash)),
        });
        let standing = match question {
            Ok(question) => self.shared(&question, hash, token, deadline).await.map_err(NotActive::Unavailable)?,
            Err(kept) => kept,
        };
        Introspected::of(&standing, &self.issuer).ok_or(NotActive::Inactive)
    }

    /// The answer to a question, which this asks if nobody else does.
    async fn shared(
        &self,
        question: &Question,
        hash: TokenHash,
        token: OpaqueToken<'_>,
        deadline: Deadline,
    ) -> Result<Standing, Failure> {
        let wait = tokio::time::timeout(deadline.left(self.clock.now()), question.0.lock());
        let mut answer = wait.await.map_err(|_| Failure::OutOfTime)?;
        if let Some(answer) = &*answer {
            return answer.clone();
        }
        let outcome = self.asked(hash, token, deadline).await;
        if !matches!(outcome, Err(Failure::OutOfTime)) {
            // From now on the same token is a new question. Those who wait for this one share what came of it.
            self.with(|state| state.questions.remove(&hash));
            *answer = Some(outcome.clone());
        }
        outcome
    }

    /// Asks the endpoint, once there are few enough questions under way.
    async fn asked(&self, hash: TokenHash, token: OpaqueToken<'_>, deadline: Deadline) -> Result<Standing, Failure> {
        let left_alone = || self.with(|state| state.backoff.holds_back(self.clock.now()));
        if left_alone() {
            return Err(Failure::LeftAlone);
        }
        let turn = tokio::time::timeout(deadline.left(self.clock.now()), self.under_way.acquire());
        let _turn = turn.await.map_err(|_| Failure::OutOfTime)?.map_err(|_| Failure::OutOfTime)?;
        let began = self.clock.now();
        let left = deadline.left(began);
        if left.is_zero() {
            return Err(Failure::OutOfTime);
        }
        if left_alone() {
            return Err(Failure::LeftAlone);
        }
        let attempt = Attempt { of: self, began, outcome: None };
        let asked = tokio::time::timeout(left.min(self.timeout), self.client.ask(token, deadline)).await;
        connection_ends().await;
        let timeout = if left < self.timeout { Failure::OutOfTime } else { Failure::Fetch(FetchError::Timeout) };
        let outcome = attempt.ended(asked.unwrap_or(Err(timeout)));
        if let Ok((standing, bytes)) = &outcome {
            self.with(|state| state.kept.keep(hash, standing, *bytes, began));
        }
        outcome.map(|(standing, _)| standing)
    }

    /// Logs one line about a question.
    fn log(&self, outcome: Result<&Standing, Failure>, began: Moment) {
        let (issuer, took) = (&*self.issuer, self.clock.now().since(began));
        let milliseconds = u64::try_from(took.as_millis()).ok();
        match outcome {
            Ok(Standing::Active(_)) => debug!(issuer, outcome = "active", milliseconds, "introspection"),
            Ok(Standing::Inactive) => debug!(issuer, outcome = "inactive", milliseconds, "introspection"),
            Err(failure) => {
                let advice = failure.advice();
                warn!(issuer, outcome = %failure, milliseconds, advice, "introspection");
            }
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        // A poisoned lock holds a whole state: no change of it panics.
        let mut state: MutexGuard<'_, State> = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state)
    }

    /// Where it is, who asks it, and how, for whoever has the configuration.
    #[cfg(feature = "authz")]
    pub(crate) fn described(&self) -> (&str, &str, ClientAuth, Duration) {
        (self.client.endpoint.as_str(), &self.client.id, self.client.auth, self.with(|state| state.kept.longest))
    }
}

impl State {
    /// The question about a token: the one that others have, or a new one.
    fn question(&mut self, token: TokenHash) -> Arc<Question> {
        if let Some(question) = self.questions.get(&token).and_then(Weak::upgrade) {
            return question;
        }
        // Those whose invocations were dropped are nobody's any more.
        self.questions.retain(|_, question| question.strong_count() > 0);
        let question = Arc::<Question>::default();
        self.questions.insert(token, Arc::downgrade(&question));
        question
    }
}

/// A question under way. If it is dropped before it has ended, its invocation was.
struct Attempt<'a> {
    of: &'a Introspection,
    began: Moment,
    outcome: Option<Result<(), Failure>>,
}

impl Attempt<'_> {
    fn ended(mut self, outcome: Result<(Standing, usize), Failure>) -> Result<(Standing, usize), Failure> {
        self.outcome = Some(outcome.as_ref().map(drop).map_err(|failure| *failure));
        self.of.log(outcome.as_ref().map(|(standing, _)| standing).map_err(|failure| *failure), self.began);
        outcome
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let now = self.of.clock.now();
        let given_up = || now.since(self.began) >= FAIR_TIME;
        self.of.with(|state| match self.outcome {
            Some(Ok(())) => state.backoff = Backoff::default(),
            Some(Err(Failure::OutOfTime)) | None if given_up() => state.backoff.failed_since(self.began, now),
            Some(Err(failure)) if failure.is_of_the_endpoint() => state.backoff.failed_since(self.began, now),
            Some(Err(_)) | None => {}
        });
    }
}
