//! What a test has logged.

use std::sync::{Arc, Mutex};

use serde_json::Value;

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
