//! The part of the Lambda Runtime API that a function needs.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::http::{Reply, Request, Server};
use super::{PATIENCE, since_epoch};

const PREFIX: &str = "/2018-06-01/runtime/";
/// The header that names the delivery of an event. Every answer must repeat it, even one that is sent again.
const DELIVERY: &str = "Lambda-Runtime-Invocation-Id";

fn delivery(request_id: &str) -> String {
    format!("delivery-of-{request_id}")
}

/// A server that hands out events and receives answers.
pub(crate) struct RuntimeApi {
    server: Server,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Invocation>,
    answers: HashMap<String, Answer>,
    /// Replies to send once each instead of an acknowledgement, and whether to keep the answer.
    acknowledgements: VecDeque<(Reply, bool)>,
    /// Answers that were kept but not acknowledged, so the function may send them again.
    unacknowledged: HashSet<String>,
    /// The number of answers that were sent again.
    repeated: usize,
    /// Whether every connection is closed without a reply.
    refuses: bool,
    /// Connections with a lower number are closed.
    closed: usize,
    init_errors: Vec<Request>,
    /// The number of requests for an event so far, and of those waiting now.
    polls: usize,
    waiting: usize,
    invocations: u64,
    /// The time limit of an invocation; by default [`PATIENCE`].
    time: Option<Duration>,
    /// Requests that no function should make.
    unexpected: Vec<String>,
    stopped: bool,
}

/// An event, and how it is handed out.
struct Invocation {
    request_id: String,
    event: Vec<u8>,
    shape: fn(Reply) -> Reply,
}

/// The answer of a function to an event.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) request_id: String,
    /// Whether it was posted as an error.
    pub(crate) is_error: bool,
    pub(crate) request: Request,
}

impl Answer {
    /// The body as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.request.body).unwrap()
    }

    /// The body of an answer that is not an error.
    #[track_caller]
    pub(crate) fn policy(&self) -> Value {
        assert!(!self.is_error, "an error: {}", self.json());
        self.json()
    }

    /// The type and the message of an answer that is an error.
    #[track_caller]
    pub(crate) fn error(&self) -> (String, String) {
        let body = self.json();
        assert!(self.is_error, "not an error: {body}");
        let member = |name: &str| body[name].as_str().unwrap().to_owned();
        (member("errorType"), member("errorMessage"))
    }
}

impl RuntimeApi {
    pub(crate) fn start() -> Self {
        let shared = Arc::<Shared>::default();
        let held = Arc::clone(&shared);
        let server = Server::start(move |request| held.answer(request));
        Self { server, shared }
    }

    /// The value for `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) fn authority(&self) -> String {
        self.server.authority()
    }

    /// The number of connections that the function has made.
    pub(crate) fn connections(&self) -> usize {
        self.server.connections()
    }

    /// The number of events that the function has asked for.
    pub(crate) fn polls(&self) -> usize {
        self.shared.state.lock().unwrap().polls
    }

    /// The init errors that were posted.
    pub(crate) fn init_errors(&self) -> Vec<Request> {
        self.shared.state.lock().unwrap().init_errors.clone()
    }

    /// Sends an event and waits for the answer to it.
    #[track_caller]
    pub(crate) fn invoke(&self, event: impl AsRef<[u8]>) -> Answer {
        let request_id = self.begin(event);
        self.answer(&request_id)
    }

    /// Sends an event; returns the request id, to wait for the answer with.
    pub(crate) fn begin(&self, event: impl AsRef<[u8]>) -> String {
        self.begin_as(event, |reply| reply)
    }

    /// Sends an event in a reply changed from the usual one.
    pub(crate) fn begin_as(&self, event: impl AsRef<[u8]>, shape: fn(Reply) -> Reply) -> String {
        let mut state = self.shared.state.lock().unwrap();
        state.invocations = state.invocations.wrapping_add(1);
        let request_id = format!("{:08x}-5eed-4000-8000-00000000e2e0", state.invocations);
        state.queue.push_back(Invocation { request_id: request_id.clone(), event: event.as_ref().to_vec(), shape });
        self.shared.changed.notify_all();
        request_id
    }

    /// Sends this reply to the next answer, and keeps the answer if `taken`.
    pub(crate) fn acknowledge(&self, reply: Reply, taken: bool) {
        self.shared.state.lock().unwrap().acknowledgements.push_back((reply, taken));
    }

    /// Sets the time limit of invocations from now on.
    pub(crate) fn ends_after(&self, time: Duration) {
        self.shared.state.lock().unwrap().time = Some(time);
    }

    /// Starts or stops closing every connection without a reply, even to requests under way.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.shared.state.lock().unwrap().refuses = refuses;
        if refuses {
            self.server.close_connections();
            self.shared.state.lock().unwrap().closed = self.server.connections();
        }
        self.shared.changed.notify_all();
    }

    /// The number of answers that were sent again after they had been kept.
    pub(crate) fn repeated(&self) -> usize {
        self.shared.state.lock().unwrap().repeated
    }

    /// Waits for the answer to an event.
    #[track_caller]
    pub(crate) fn answer(&self, request_id: &str) -> Answer {
        let answer = self.wait(PATIENCE, |state| state.answers.get(request_id).cloned());
        let unexpected = self.shared.state.lock().unwrap().unexpected.clone();
        assert!(unexpected.is_empty(), "{unexpected:?}");
        let Some(answer) = answer else {
            panic!("no answer to {request_id} within {PATIENCE:?}");
        };
        answer
    }

    /// Waits for the answer to an event, and forgets it.
    #[track_caller]
    pub(crate) fn take(&self, request_id: &str) -> Answer {
        let answer = self.answer(request_id);
        self.shared.state.lock().unwrap().answers.remove(request_id);
        answer
    }

    /// Whether an event has been answered.
    pub(crate) fn is_answered(&self, request_id: &str) -> bool {
        self.shared.state.lock().unwrap().answers.contains_key(request_id)
    }

    /// Waits until the function has started: until it asks for the first event.
    #[track_caller]
    pub(crate) fn started(&self) {
        let started = self.wait(PATIENCE, |state| (state.polls > 0).then_some(()));
        assert!(started.is_some(), "the function has asked for no event within {PATIENCE:?}");
    }

    /// Waits until this many requests for an event are waiting at once.
    #[track_caller]
    pub(crate) fn idle(&self, pollers: usize) {
        let idle = self.wait(PATIENCE, |state| (state.waiting == pollers).then_some(()));
        assert!(idle.is_some(), "{pollers} requests never waited for an event at the same time");
    }

    fn wait<T>(&self, patience: Duration, mut found: impl FnMut(&State) -> Option<T>) -> Option<T> {
        let state = self.shared.state.lock().unwrap();
        let missing = |state: &mut State| found(state).is_none();
        let waited = self.shared.changed.wait_timeout_while(state, patience, missing);
        found(&waited.unwrap().0)
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.shared.state.lock().unwrap().stopped = true;
        self.shared.changed.notify_all();
    }
}

impl State {
    /// Whether requests on a connection get no reply.
    fn refuses(&self, connection: usize) -> bool {
        self.refuses || connection < self.closed
    }
}

impl Shared {
    fn answer(&self, request: Request) -> Reply {
        let target = request.target.clone();
        let path: Vec<&str> = target.strip_prefix(PREFIX).unwrap_or_default().split('/').collect();
        if self.state.lock().unwrap().refuses(request.connection) {
            return Reply::closed();
        }
        match (request.method.as_str(), path.as_slice()) {
            ("GET", ["invocation", "next"]) => self.next(request.connection),
            ("POST", ["invocation", request_id, kind @ ("response" | "error")]) => {
                if request.header(DELIVERY) != Some(delivery(request_id).as_str()) {
                    self.state.lock().unwrap().unexpected.push(format!("{target} without its {DELIVERY}"));
                }
                let answer = Answer { request_id: (*request_id).to_owned(), is_error: *kind == "error", request };
                self.take_in(answer)
            }
            ("POST", ["init", "error"]) => {
                self.state.lock().unwrap().init_errors.push(request);
                self.accepted()
            }
            (method, _) => {
                self.state.lock().unwrap().unexpected.push(format!("{method} {target}"));
                Reply::status(404)
            }
        }
    }

    fn take_in(&self, answer: Answer) -> Reply {
        let mut state = self.state.lock().unwrap();
        let id = answer.request_id.clone();
        if state.unacknowledged.remove(&id) {
            // Lambda's reply for an invocation that is not in progress.
            state.repeated = state.repeated.wrapping_add(1);
            return Reply::status(400).body("{\"errorType\":\"InvalidRequestID\"}");
        }
        let (reply, taken) = match state.acknowledgements.pop_front() {
            Some((reply, taken)) => (Some(reply), taken),
            None => (None, true),
        };
        if taken {
            if reply.is_some() {
                state.unacknowledged.insert(id.clone());
            }
            if state.answers.insert(id.clone(), answer).is_some() {
                state.unexpected.push(format!("a second answer to {id}"));
            }
        }
        drop(state);
        let accepted = self.accepted();
        reply.unwrap_or(accepted)
    }

    fn accepted(&self) -> Reply {
        self.changed.notify_all();
        Reply::status(202).body("{\"status\":\"OK\"}")
    }

    /// Waits for an event without a time limit.
    fn next(&self, connection: usize) -> Reply {
        let mut state = self.state.lock().unwrap();
        state.polls = state.polls.wrapping_add(1);
        state.waiting = state.waiting.wrapping_add(1);
        self.changed.notify_all();
        let idle = |state: &mut State| state.queue.is_empty() && !state.stopped && !state.refuses(connection);
        let mut state = self.changed.wait_while(state, idle).unwrap();
        state.waiting = state.waiting.wrapping_sub(1);
        if state.refuses(connection) {
            return Reply::closed();
        }
        let Some(Invocation { request_id, event, shape }) = state.queue.pop_front() else {
            return Reply::closed();
        };
        let time = state.time.unwrap_or(PATIENCE);
        let deadline = since_epoch().saturating_add(time).as_millis();
        let reply = Reply::ok(event)
            .header("Content-Type", "application/json")
            .header("Lambda-Runtime-Aws-Request-Id", &request_id)
            .header(DELIVERY, &delivery(&request_id))
            .header("Lambda-Runtime-Deadline-Ms", &deadline.to_string())
            .header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:authorizer")
            .header(
                "Lambda-Runtime-Trace-Id",
                "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
            );
        shape(reply)
    }
}
