//! Tools shared by the tests of fetched keys and secrets.

#[path = "../../tests/support/log_buffer.rs"]
mod log_buffer;

use std::sync::Mutex;
use std::time::Duration;

use log_buffer::LogBuffer;
use serde_json::Value;

use crate::time::{Clock, Moment};

/// A clock set by hand, in seconds.
#[derive(Default)]
pub(super) struct Dial(pub(super) Mutex<u64>);

impl Clock for Dial {
    fn now(&self) -> Moment {
        let since = Duration::from_secs(*self.0.lock().unwrap());
        Moment { wall: since, monotonic: since }
    }
}

/// Runs a future to completion in this thread.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.unwrap().block_on(future)
}

/// The fields of the lines that `what` logs at INFO and above.
pub(super) fn logged(what: impl FnOnce()) -> Vec<Value> {
    let buffer = LogBuffer::default();
    let written = buffer.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || written.clone()).finish();
    tracing::dispatcher::with_default(&log_buffer::dispatch(subscriber), what);
    let fields = |line: &str| serde_json::from_str::<Value>(line).unwrap()["fields"].take();
    let lines = buffer.0.lock().unwrap();
    std::str::from_utf8(&lines).unwrap().lines().map(fields).collect()
}

#[test]
fn a_line_that_a_thread_without_a_log_came_to_first_is_captured() {
    fn say() {
        tracing::info!("said");
    }
    let lines = logged(|| {
        std::thread::spawn(say).join().unwrap();
        say();
    });
    assert_eq!(lines, [serde_json::json!({ "message": "said" })]);
}
