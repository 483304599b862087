//! A server for the documents that the program fetches: key sets, discovery documents and secrets.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use super::http::{Reply, Request, Server};

/// Answers each path with what was last set for it, or else 404.
pub(crate) struct KeyServer {
    server: Server,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    replies: HashMap<String, Reply>,
    /// Responses to send first, once each.
    first: HashMap<String, VecDeque<Reply>>,
    requests: Vec<Request>,
}

impl KeyServer {
    pub(crate) fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let held = Arc::clone(&state);
        let server = Server::start(move |request| {
            let mut state = held.lock().unwrap();
            let first = state.first.get_mut(&request.target).and_then(VecDeque::pop_front);
            let reply = first.or_else(|| state.replies.get(&request.target).cloned());
            state.requests.push(request);
            reply.unwrap_or_else(|| Reply::status(404))
        });
        Self { server, state }
    }

    /// Sets the response for a path, which may have a query.
    pub(crate) fn set(&self, path: &str, reply: Reply) {
        self.state.lock().unwrap().replies.insert(path.to_owned(), reply);
    }

    /// Sets the response for the next request for a path only.
    pub(crate) fn once(&self, path: &str, reply: Reply) {
        let mut state = self.state.lock().unwrap();
        state.first.entry(path.to_owned()).or_default().push_back(reply);
    }

    /// The number of connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.server.connections()
    }

    /// Closes the open connections.
    pub(crate) fn close_connections(&self) {
        self.server.close_connections();
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.authority())
    }

    /// The requests for a path so far.
    pub(crate) fn requests(&self, path: &str) -> Vec<Request> {
        let state = self.state.lock().unwrap();
        let asked = state.requests.iter().filter(|request| request.target == path);
        asked.cloned().collect()
    }

    /// The number of requests for a path so far.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.requests(path).len()
    }
}
