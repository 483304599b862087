//! What the tests of fetched keys and secrets share.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::time::{Clock, Moment};

/// A clock that moves when it is told to, in seconds.
#[derive(Default)]
pub(super) struct Dial(pub(super) Mutex<u64>);

impl Clock for Dial {
    fn now(&self) -> Moment {
        let since = Duration::from_secs(*self.0.lock().unwrap());
        Moment { wall: since, monotonic: since }
    }
}

/// Waits for it in this thread.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.unwrap().block_on(future)
}

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The fields of the lines that are logged meanwhile, from INFO on.
pub(super) fn logged(what: impl FnOnce()) -> Vec<Value> {
    let paper = Paper::default();
    let written = paper.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || written.clone()).finish();
    tracing::subscriber::with_default(subscriber, what);
    let lines = paper.0.lock().unwrap();
    let lines = std::str::from_utf8(&lines).unwrap().lines();
    lines.map(|line| serde_json::from_str::<Value>(line).unwrap()["fields"].take()).collect()
}
