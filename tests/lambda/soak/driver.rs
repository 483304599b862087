//! A Runtime API that always has a next event, and compares each answer with the first one to the same event. It answers on
//! the threads of its connections, so that an invocation costs no switch between threads.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::deck::{Event, Expected};
use super::holds::Look;
use super::judge::{Said, judge};
use super::random::Random;
use super::world::{Clock, Moving, Outcome};
use crate::support::api::event;
use crate::support::http::{Reply, Request, Server};
use crate::support::{Function, PATIENCE, since_epoch};

const PREFIX: &str = "/2018-06-01/runtime/invocation/";
const DELIVERY: &str = "Lambda-Runtime-Invocation-Id";
/// Of so many invocations, one is about something that changes with time.
const MOVING_EVERY: u64 = 16;
/// How often the deck holds an event that is not about organizations.
const OTHERS: usize = 3;
/// The number of measurements.
const LOOKS: u64 = 200;
/// A run goes on for so long to see each change at least once.
const LONGER: Duration = Duration::from_secs(120);

/// What a process is to do.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub(super) invocations: u64,
    /// Whether some are about what changes with time; then the run goes on until each change has been seen.
    pub(super) moving: bool,
}

/// What came of a process's invocations.
pub(super) struct Run {
    plan: Plan,
    first_connection: usize,
    folder: Option<PathBuf>,
    asked: u64,
    moved: usize,
    pub(super) answered: u64,
    pub(super) kinds: BTreeMap<&'static str, u64>,
    pub(super) outcomes: BTreeMap<(&'static str, Outcome), u64>,
    /// Tokens of the current cycle that were active, and how many of those were seen to be revoked.
    active: HashSet<Moving>,
    pub(super) revocations: u64,
    /// Answers that there are no keys for a token that fits none: a fetch on a busy machine took too long.
    pub(super) unsettled: u64,
    pub(super) looks: Vec<Look>,
    pub(super) most_in_flight: usize,
    pub(super) connections: usize,
    began: Duration,
    pub(super) took: Duration,
}

/// An event that was handed out.
struct Asked {
    what: What,
    at: Duration,
}

#[derive(Clone, Copy)]
enum What {
    /// This one of the deck.
    Card(usize),
    Moving(Moving),
}

struct State {
    deck: Vec<Event>,
    /// The deck is gone through in one random order after another: most tokens of organizations take a new policy, which is
    /// slow, so the other events are in it several times.
    order: Vec<usize>,
    place: usize,
    random: Random,
    /// The first answer of each kind to what changes, if it is a policy.
    moving: HashMap<(&'static str, Outcome), Said>,
    in_flight: HashMap<u64, Asked>,
    run: Option<Run>,
    clock: Clock,
    failure: Option<String>,
    stopped: bool,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

pub(super) struct Driver {
    server: Server,
    shared: Arc<Shared>,
}

impl Driver {
    pub(super) fn start(deck: Vec<Event>, clock: Clock) -> Self {
        let state = State {
            order: Vec::new(),
            place: 0,
            deck,
            random: Random::new(7),
            moving: HashMap::new(),
            in_flight: HashMap::new(),
            run: None,
            clock,
            failure: None,
            stopped: false,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let held = Arc::clone(&shared);
        let server = Server::start(move |request| held.answer(&request));
        Self { server, shared }
    }

    /// The number of events in the deck.
    pub(super) fn cards(&self) -> usize {
        self.shared.lock().deck.len()
    }

    /// Runs a process through its invocations.
    #[track_caller]
    pub(super) fn run(&self, variables: &[(&str, &str)], plan: Plan) -> Run {
        let first_connection = self.server.connections();
        {
            let mut state = self.shared.lock();
            state.in_flight.clear();
            let once = |event: &Event| !plan.moving || matches!(event.expected, Expected::Member { .. });
            let times = |event: &Event| if once(event) { 1 } else { OTHERS };
            let cards = state.deck.iter().enumerate();
            state.order = cards.flat_map(|(card, event)| std::iter::repeat_n(card, times(event))).collect();
            state.place = state.order.len();
            let now = state.clock.now();
            state.run = Some(Run::new(plan, first_connection, now));
        }
        let function = Function::at(&self.server.authority(), variables);
        let mut state = self.shared.lock();
        if let Some(run) = &mut state.run {
            run.folder = Some(function.0.proc(""));
        }
        self.shared.changed.notify_all();
        let mut answered = u64::MAX;
        while state.failure.is_none() && !state.is_done() {
            let by_now = state.run.as_ref().map_or(0, |run| run.answered);
            assert_ne!(by_now, answered, "no answer within {PATIENCE:?} after {answered}");
            answered = by_now;
            let waited = self
                .shared
                .changed
                .wait_timeout_while(state, PATIENCE, |state| state.failure.is_none() && !state.is_done());
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if let Some(look) = state.run.as_ref().and_then(|run| run.looks.last()) {
                println!("  {} answers: {}, {} s of processor time", look.answered, look.holds, look.cpu_ms / 1000);
            }
        }
        let mut run = state.run.take().unwrap();
        assert!(state.failure.is_none(), "after {} answers: {}", run.answered, state.failure.take().unwrap());
        run.connections = self.server.connections() - first_connection;
        run.took = state.clock.now() - run.began;
        drop(state);
        drop(function);
        run
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.changed.notify_all();
    }
}

impl Run {
    fn new(plan: Plan, first_connection: usize, began: Duration) -> Self {
        Self {
            plan,
            first_connection,
            folder: None,
            asked: 0,
            moved: 0,
            answered: 0,
            kinds: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            active: HashSet::new(),
            revocations: 0,
            unsettled: 0,
            looks: Vec::new(),
            most_in_flight: 0,
            connections: 0,
            began,
            took: Duration::ZERO,
        }
    }

    /// What has to be seen, and was not.
    pub(super) fn unseen(&self) -> Vec<String> {
        if !self.plan.moving {
            return Vec::new();
        }
        let keys = Moving::Rotating.kind();
        let (tenant, opaque) = (Moving::OfTenant.kind(), Moving::NeverIssued.kind());
        let outcomes = [
            (keys, Outcome::Allowed),
            (keys, Outcome::UnknownKey),
            (tenant, Outcome::Allowed),
            (opaque, Outcome::Allowed),
            (opaque, Outcome::Inactive),
            (opaque, Outcome::Unavailable),
        ];
        let unseen = outcomes.iter().filter(|outcome| !self.outcomes.contains_key(outcome));
        let revocation = (self.revocations == 0).then(|| "a revocation".to_owned());
        unseen.map(|outcome| format!("{outcome:?}")).chain(revocation).collect()
    }

    fn wants_more(&self, now: Duration) -> bool {
        self.asked < self.plan.invocations || (now < self.began + LONGER && !self.unseen().is_empty())
    }
}

impl State {
    fn is_done(&self) -> bool {
        let now = self.clock.now();
        self.in_flight.is_empty() && self.run.as_ref().is_none_or(|run| run.folder.is_some() && !run.wants_more(now))
    }

    /// An event to hand out, and its number.
    fn draw(&mut self) -> Option<(u64, Vec<u8>)> {
        let now = self.clock.now();
        let run = self.run.as_mut()?;
        run.asked += 1;
        let number = run.asked;
        let (what, body) = if run.plan.moving && number.is_multiple_of(MOVING_EVERY) {
            run.moved += 1;
            let moving = Moving::nth(run.moved, now);
            (What::Moving(moving), event(&moving.token(run.moved, now), "GET/movies").into_bytes())
        } else {
            if self.place == self.order.len() {
                self.place = 0;
                let all = self.order.len();
                self.random.choose(&mut self.order, all);
            }
            let card = self.order[self.place];
            self.place += 1;
            (What::Card(card), self.deck[card].body.clone())
        };
        // Not before it is handed out.
        self.in_flight.insert(number, Asked { what, at: self.clock.now() });
        run.most_in_flight = run.most_in_flight.max(self.in_flight.len());
        Some((number, body))
    }

    /// Judges an answer.
    fn take_in(&mut self, number: u64, said: Said) -> Result<(), String> {
        let now = self.clock.now();
        let Asked { what, at } = self.in_flight.remove(&number).ok_or("an answer to no event in flight")?;
        let run = self.run.as_mut().ok_or("an answer after the run")?;
        run.answered += 1;
        let kind = match what {
            What::Card(card) if said.is_keys_unavailable() && self.deck[card].expected.asks_for_keys() => {
                run.unsettled += 1;
                self.deck[card].kind
            }
            What::Card(card) => {
                let event = &mut self.deck[card];
                let wrong = match &event.first {
                    Some(first) if *first == said => None,
                    Some(first) => Some(format!("another answer than the first, {}", first.text())),
                    None => judge(&said, &event.request, &event.expected).err(),
                };
                if let Some(wrong) = wrong {
                    let text = said.text();
                    return Err(format!("{}, {}: {wrong}\n{text}", event.kind, event.request));
                }
                event.first.get_or_insert(said);
                event.kind
            }
            What::Moving(moving) => {
                let outcome = Outcome::of(&said).ok_or_else(|| format!("{moving:?}: {}", said.text()))?;
                if !moving.takes(outcome, (at, now)) {
                    return Err(format!("{moving:?} between {at:?} and {now:?}: {outcome:?}"));
                }
                let first = self.moving.entry((moving.kind(), outcome)).or_insert_with(|| said.clone());
                if *first != said {
                    return Err(format!("{moving:?}: {} and at first {}", said.text(), first.text()));
                }
                *run.outcomes.entry((moving.kind(), outcome)).or_default() += 1;
                if let Moving::OfCycle(cycle, _) = moving {
                    run.active.retain(|known| matches!(known, Moving::OfCycle(of, _) if *of >= cycle));
                    match outcome {
                        Outcome::Allowed => drop(run.active.insert(moving)),
                        Outcome::Inactive if run.active.remove(&moving) => run.revocations += 1,
                        _ => {}
                    }
                }
                moving.kind()
            }
        };
        *run.kinds.entry(kind).or_default() += 1;
        let every = (run.plan.invocations / LOOKS).max(1);
        if let Some(folder) = run.folder.as_ref().filter(|_| run.answered.is_multiple_of(every) || run.answered == 1) {
            run.looks.push(Look::at(folder, run.answered));
        }
        Ok(())
    }
}

impl Outcome {
    fn of(said: &Said) -> Option<Self> {
        match (said.error().as_deref(), said.reason().as_deref()) {
            (Some("Unauthorized"), _) => Some(Self::UnknownKey),
            (Some("IntrospectionUnavailable"), _) => Some(Self::Unavailable),
            (Some("KeysUnavailable"), _) => Some(Self::KeysUnavailable),
            (None, Some("inactive_token")) => Some(Self::Inactive),
            (None, None) => {
                let event = Expected::Allowed("alice".to_owned());
                judge(said, "GET/movies", &event).is_ok().then_some(Self::Allowed)
            }
            _ => None,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A failed run panics with the lock held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &Request) -> Reply {
        let target = request.target.strip_prefix(PREFIX).unwrap_or_default();
        if (request.method.as_str(), target) == ("GET", "next") {
            return self.next(request.connection);
        }
        let mut state = self.lock();
        let taken = match (request.method.as_str(), target.split_once('/')) {
            ("POST", Some((id, kind @ ("response" | "error")))) if request.header(DELIVERY) == Some(id) => {
                let said = Said { is_error: kind == "error", body: request.body.clone() };
                id.parse().map_err(|_| "not a number".to_owned()).and_then(|number| state.take_in(number, said))
            }
            (method, _) => Err(format!("{method} {}: {}", request.target, String::from_utf8_lossy(&request.body))),
        };
        if let Err(failure) = taken {
            state.failure.get_or_insert(failure);
        }
        if state.failure.is_some() || state.is_done() {
            self.changed.notify_all();
        }
        drop(state);
        Reply::status(202).body("{\"status\":\"OK\"}")
    }

    fn next(&self, connection: usize) -> Reply {
        let state = self.lock();
        let is_old =
            |state: &State| state.stopped || state.run.as_ref().is_none_or(|run| connection < run.first_connection);
        let waits = |state: &mut State| {
            let now = state.clock.now();
            let more = state.run.as_ref().is_some_and(|run| run.folder.is_some() && run.wants_more(now));
            !is_old(state) && (!more || state.failure.is_some())
        };
        let mut state = self.changed.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner);
        if is_old(&state) {
            return Reply::closed();
        }
        let Some((number, body)) = state.draw() else {
            return Reply::closed();
        };
        drop(state);
        let (id, deadline) = (number.to_string(), since_epoch().saturating_add(PATIENCE).as_millis().to_string());
        Reply::ok(body)
            .header("Content-Type", "application/json")
            .header("Lambda-Runtime-Aws-Request-Id", &id)
            .header(DELIVERY, &id)
            .header("Lambda-Runtime-Deadline-Ms", &deadline)
            .header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:authorizer")
    }
}
