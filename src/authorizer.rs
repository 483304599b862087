//! The pipeline: one function that reads top to bottom.

mod cause;
mod seen;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::bearer::{BearerToken, OpaqueToken};
use crate::claims::{Genuine, Verified};
use crate::config::Config;
use crate::error::Error;
use crate::event::{Api, MethodArn, Request};
use crate::hint::{Hint, kind_of_event};
use crate::introspection::{Beside, Introspection, NotActive};
use crate::issuer::{Issuer, Issuers, Selected};
use crate::keys::{KeyAccess, join_at_most};
use crate::observer::Observer;
use crate::policy::{IamPolicy, PolicyExpiry};
use crate::response::{Answer, Form, InvalidToken};
use crate::routes::{METHODS, Routes, Undeclared};
use crate::settings::{Policies, RouteRules, Settings};
use crate::time::{Clock, Deadline};
use crate::token::Unverified;
pub(crate) use seen::Seen;

/// How long start-up may wait for key sets. Lambda allows ten seconds for all of init, and clients are waiting.
const WARM_UP: Duration = Duration::from_secs(2);
/// How many key sets it fetches, and how many of them at once: each handshake costs milliseconds of the one thread there is, and
/// an API with more issuers has its first tokens from a few of them.
const WARM_UP_SETS: usize = 16;
const WARM_UP_AT_ONCE: usize = 8;

/// How the stages of events from the console end: *Test* of a method, and of an authorizer.
const CONSOLE_STAGES: [&str; 2] = ["/test-invoke-stage/", "/ESTestInvoke-stage/"];

/// What the platform says about an invocation besides its event.
///
/// ```
/// use apigw_jwt_authorizer::Invocation;
/// // A local run has no deadline.
/// assert_eq!(Invocation::default().deadline, None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Invocation<'a> {
    /// Its id, for the log.
    pub request_id: Option<&'a str>,
    /// When the platform ends it, since 1970-01-01T00:00:00Z. Waits for keys and secrets stop 300 ms earlier.
    pub deadline: Option<Duration>,
}

/// Decides whether requests may pass. The [crate] documentation has an example.
pub struct Authorizer {
    pub(crate) issuers: Issuers,
    /// Who is asked about opaque tokens; without it they are malformed.
    pub(crate) introspection: Option<Introspection>,
    pub(crate) routes: Routes,
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Authorizer {
    /// Makes an authorizer that fetches keys from the network and reads this clock.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(config: Config, clock: Arc<dyn Clock>) -> Result<Self, &'static str> {
        let Config { issuers, introspection, routes, settings, trust, extension, .. } = config;
        let access = KeyAccess::new(trust, extension, Arc::clone(&clock));
        let issuers = issuers.into_iter().map(|issuer| Issuer::new(issuer, &access));
        let introspection = introspection.map(|settings| Introspection::new(settings, &access, Arc::clone(&clock)));
        Ok(Self {
            issuers: Issuers::new(issuers.collect::<Result<_, _>>()?),
            introspection: introspection.transpose()?,
            routes,
            settings,
            clock,
        })
    }

    /// Fetches the first 16 key sets, 8 at a time, for at most two seconds. What fails is logged; that and the others are
    /// fetched when a token needs them. The keys of an entry that has `introspection` alone are left for a JWT, which may never come.
    pub async fn warm_up(&self) {
        let began = Instant::now();
        let sets = self.issuers_of_jwts().flat_map(|issuer| issuer.keys.remotes());
        let sets = sets.filter(|keys| !keys.is_fresh()).take(WARM_UP_SETS);
        let all = join_at_most(WARM_UP_AT_ONCE, sets.map(|keys| keys.warm_up(began)));
        let tried = tokio::time::timeout(WARM_UP, all).await;
        if !tried.is_ok_and(|tried| tried.into_iter().all(|tried| tried)) {
            warn!("not all key sets could be fetched at start-up; they are fetched when a token needs them");
        }
    }

    /// The issuers but one that has `introspection` alone, whose tokens are probably no JWTs.
    pub(crate) fn issuers_of_jwts(&self) -> impl Iterator<Item = &Issuer> {
        let alone = self.introspection.as_ref().filter(|introspection| introspection.beside == Beside::Nothing);
        let alone = alone.map(|introspection| introspection.entry);
        self.issuers.iter().enumerate().filter(move |(index, _)| Some(*index) != alone).map(|(_, issuer)| issuer)
    }

    /// Answers one authorizer event, and logs one line about it.
    pub async fn authorize(&self, event: &[u8], invocation: Invocation<'_>) -> Answer {
        let began = self.clock.now();
        let deadline = Deadline::of(invocation.deadline, began);
        let request = Request::parse(event, &self.settings.token_sources);
        let mut seen = Seen::default();
        let (answer, error) = self.answer(&request, deadline, &mut seen).await;
        if let Some(error) = error
            && tracing::enabled!(tracing::Level::INFO)
        {
            seen.hint = match &request {
                Ok(request) => self.cause(error, request, &seen).map(|cause| cause.hint),
                Err(_) => kind_of_event(event),
            };
        }
        let known = |request: &Request<'_>| METHODS.into_iter().find(|known| *known == request.arn.method());
        let method = request.as_ref().ok().and_then(known);
        if error == Some(Error::UndeclaredRoute)
            && self.routes.undeclared() == Undeclared::Absent
            && let (Ok(request), Some(method)) = (&request, method)
            && !CONSOLE_STAGES.iter().any(|stage| request.arn.stage().ends_with(stage))
        {
            warn_of_broken_promise(method, invocation.request_id);
        }
        let duration = u64::try_from(self.clock.now().since(began).as_micros()).unwrap_or(u64::MAX);
        log(&answer, error, &seen, method, invocation.request_id, duration, self.settings.route_rules);
        answer
    }

    /// The answer to a request, and the reason if it is a refusal.
    pub(crate) async fn answer<'a>(
        &'a self,
        request: &Result<Request<'_>, Error>,
        deadline: Deadline,
        observer: &mut impl Observer<'a>,
    ) -> (Answer, Option<Error>) {
        let now = self.clock.now();
        let clock = if now.wall < self.clock.earliest() { Err(Error::Internal) } else { Ok(()) };
        observer.clock(now.date(), clock);
        if let Err(error) = clock {
            return refuse(error);
        }
        observer.event(request.as_ref().map_err(|error| *error));
        match request {
            Err(error) => refuse(*error),
            Ok(request) => {
                let (invalid_token, form) = self.manner(request.api);
                match self.verify(request, deadline, observer).await {
                    Err(error) => (Answer::refused(error, invalid_token, Some(&request.arn), form), Some(error)),
                    Ok(token) => {
                        let (policy, refusal) = self.decide(&request.arn, &token, observer);
                        let (identity, claims) = token.into_parts();
                        observer.answered(claims, refusal);
                        (Answer::decided(identity, policy, refusal, form), refusal)
                    }
                }
            }
        }
    }

    /// How this kind of API is answered: an invalid token, and anything at all. An HTTP API turns every error into a 500.
    fn manner(&self, api: Api) -> (InvalidToken, Form) {
        match (api, self.settings.http_api_answer) {
            (Api::Rest | Api::WebSocket, _) => (self.settings.invalid_token, Form::Policy),
            (Api::Http1, _) => (InvalidToken::Deny, Form::Policy),
            (Api::Http2, form) => (InvalidToken::Deny, form),
        }
    }

    /// Verifies the request's token: it is genuine, current and meant for this API.
    async fn verify<'a>(
        &'a self,
        request: &Request<'_>,
        deadline: Deadline,
        observer: &mut impl Observer<'a>,
    ) -> Result<Verified, Error> {
        if let Some(introspection) = &self.introspection
            && let Some(issuer) = self.issuers.get(introspection.entry)
            && let Some(token) = OpaqueToken::parse(request.authorization.as_deref())
        {
            observer.bearer(request.authorization.as_deref(), Ok(()));
            let active = introspection.ask(token, deadline).await;
            let outcome = active.as_ref().map(drop).map_err(|not_active| *not_active);
            observer.introspection(token, introspection, issuer, outcome);
            return self.check(active.map(Genuine::Introspected).map_err(NotActive::error)?, None, issuer, observer);
        }
        let bearer = BearerToken::parse(request.authorization.as_deref());
        observer.bearer(request.authorization.as_deref(), outcome(&bearer));
        let bearer = bearer?;
        let token = Unverified::parse(bearer);
        observer.token(bearer, token.as_ref().map_err(|error| *error));
        let token = token?;
        let selected = self.issuers.select(&token);
        observer.issuer(&token, selected.as_ref().map_err(|error| *error));
        let Selected { issuer, tenant } = selected?;
        let tenant = tenant.as_deref();
        let mut kid = None;
        let signed = issuer.keys.verify(token, tenant, deadline, &mut kid).await;
        observer.signature(kid, outcome(&signed));
        self.check(Genuine::Signed(signed?), tenant, issuer, observer)
    }

    /// Checks what a genuine token says.
    fn check<'a>(
        &'a self,
        token: Genuine,
        tenant: Option<&str>,
        issuer: &Issuer,
        observer: &mut impl Observer<'a>,
    ) -> Result<Verified, Error> {
        let now = self.clock.now().date();
        let rules = (&issuer.claims, &self.settings.forwarding);
        Verified::new(token, tenant, rules, now, |check, token, outcome| {
            observer.check(check, token, now, outcome);
        })
    }

    /// Decides on the route, and builds the policy.
    pub(crate) fn decide<'a>(
        &'a self,
        arn: &MethodArn<'_>,
        token: &Verified,
        observer: &mut impl Observer<'a>,
    ) -> (IamPolicy, Option<Error>) {
        let decision = self.routes.decide(arn, token);
        observer.route(arn, token, &decision);
        let ends = token.not_after().filter(|_| self.settings.policy_expiry == PolicyExpiry::Token);
        let room = Answer::room(token.identity());
        match (self.settings.route_rules, &self.settings.policies) {
            (RouteRules::Report, _) => (IamPolicy::allow_stage(arn, ends), decision.permit.err()),
            (RouteRules::Enforce, Policies::Cacheable(plan)) if !arn.is_connect() => {
                let said = plan.policy(token, arn, &decision.permit, ends, room);
                (said.policy, said.refusal)
            }
            (RouteRules::Enforce, Policies::Cacheable(_) | Policies::SingleRequest) => {
                IamPolicy::for_request(decision.permit, arn, ends, room)
            }
        }
    }
}

/// The answer where there is no request that it could be about.
fn refuse(error: Error) -> (Answer, Option<Error>) {
    (Answer::refused(error, InvalidToken::Deny, None, Form::Policy), Some(error))
}

fn outcome<T>(result: &Result<T, Error>) -> Result<(), Error> {
    result.as_ref().map(drop).map_err(|error| *error)
}

/// Logs that the API has a method which `undeclared_routes: "absent"` promised it has not.
fn warn_of_broken_promise(method: &str, request_id: Option<&str>) {
    warn!(
        request_id,
        code = "undeclared_method_exists",
        method,
        "the API has a method that no entry of `routes` matches, which `undeclared_routes` \"absent\" promised it has not: cached \
         policies may let requests to it pass; declare it, or set \"deny\""
    );
}

/// Logs one line per decision. Permits are at DEBUG, because at volume an authorizer's log costs more than its compute.
fn log(
    answer: &Answer,
    error: Option<Error>,
    seen: &Seen<'_>,
    method: Option<&str>,
    request_id: Option<&str>,
    duration_us: u64,
    rules: RouteRules,
) {
    let (reason, hint) = (error.map(Error::code), seen.hint.map(Hint::code));
    let issuer = seen.issuer.and_then(|issuer| issuer.name.as_configured());
    let (kid, route) = (seen.kid.as_deref(), seen.route);
    let (decision, would_be) = match (answer, error) {
        (Answer::Policy(_), None) => {
            debug!(request_id, decision = "allow", method, route, issuer, kid, duration_us, "decision");
            return;
        }
        (
            Answer::Policy(_),
            Some(Error::InsufficientScope | Error::ClaimMismatch | Error::UndeclaredRoute | Error::AmbiguousPath),
        ) if rules == RouteRules::Report => ("allow", Some("deny")),
        (Answer::Policy(_), Some(_)) => ("deny", None),
        (failure, _) if failure.is_decision() => ("unauthorized", None),
        (Answer::Failure(failure), _) => {
            let error_type = failure.error_type;
            tracing::error!(
                request_id,
                decision = "error",
                error_type,
                reason,
                hint,
                method,
                issuer,
                duration_us,
                "decision"
            );
            return;
        }
    };
    info!(request_id, decision, would_be, reason, hint, method, route, issuer, kid, duration_us, "decision");
}
