//! An introspection endpoint (RFC 7662) that knows what tests tell it, and can misbehave.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::http::{Reply, Request, Server};

/// The path of the endpoint.
const PATH: &str = "/introspect";

/// Says of each token what was last set for it, or else that it is not active.
pub(crate) struct Endpoint {
    server: Server,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    replies: HashMap<String, Reply>,
    /// The reply to every question, whatever the token.
    always: Option<Reply>,
    /// How long a question takes.
    takes: Duration,
    questions: Vec<Request>,
    under_way: usize,
    most_under_way: usize,
}

impl Endpoint {
    pub(crate) fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let held = Arc::clone(&state);
        let server = Server::start(move |request| {
            let (reply, takes) = held.lock().unwrap().begin(request);
            std::thread::sleep(takes);
            let mut state = held.lock().unwrap();
            state.under_way = state.under_way.wrapping_sub(1);
            reply
        });
        Self { server, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}{PATH}", self.server.authority())
    }

    /// Sets the reply to a question about a token.
    pub(crate) fn set(&self, token: &str, reply: Reply) {
        self.state.lock().unwrap().replies.insert(token.to_owned(), reply);
    }

    /// Makes a token active, with these claims.
    pub(crate) fn activate(&self, token: &str, claims: &Value) {
        let mut members = claims.clone();
        members.as_object_mut().unwrap().insert("active".to_owned(), true.into());
        self.set(token, Reply::json(&members));
    }

    /// Makes a token inactive.
    pub(crate) fn revoke(&self, token: &str) {
        self.set(token, Reply::json(&json!({ "active": false })));
    }

    /// Sets the reply to all questions; `None` for those about each token.
    pub(crate) fn always(&self, reply: Option<Reply>) {
        self.state.lock().unwrap().always = reply;
    }

    /// Sets how long a question takes.
    pub(crate) fn takes(&self, time: Duration) {
        self.state.lock().unwrap().takes = time;
    }

    /// The questions so far.
    pub(crate) fn questions(&self) -> Vec<Request> {
        self.state.lock().unwrap().questions.clone()
    }

    /// The number of questions so far.
    pub(crate) fn count(&self) -> usize {
        self.state.lock().unwrap().questions.len()
    }

    /// The largest number of questions that were under way at once.
    pub(crate) fn most_under_way(&self) -> usize {
        self.state.lock().unwrap().most_under_way
    }
}

impl State {
    fn begin(&mut self, request: Request) -> (Reply, Duration) {
        let token = form(&request.body).remove("token").unwrap_or_default();
        let is_question = request.method == "POST" && request.target == PATH;
        self.questions.push(request);
        self.under_way = self.under_way.wrapping_add(1);
        self.most_under_way = self.most_under_way.max(self.under_way);
        let inactive = || Reply::json(&json!({ "active": false }));
        let reply = self.always.clone().or_else(|| self.replies.get(&token).cloned()).unwrap_or_else(inactive);
        (if is_question { reply } else { Reply::status(404) }, self.takes)
    }
}

/// The members of a form.
pub(crate) fn form(body: &[u8]) -> HashMap<String, String> {
    url::form_urlencoded::parse(body).into_owned().collect()
}
