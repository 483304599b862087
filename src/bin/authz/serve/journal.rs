//! The log: the authorizer's own lines, as it writes them in Lambda, and a line for each request. It goes to standard error, and
//! the newest lines are kept for the page.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use apigw_jwt_authorizer::Clock as _;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::environment::SystemClock;

/// As many lines as the page shows.
const MAX_LINES: usize = 300;

/// The target of the gateway's own lines.
pub(super) const GATEWAY: &str = "authz::gateway";

/// The newest lines.
#[derive(Clone, Default)]
pub(super) struct Journal(Arc<Mutex<Lines>>);

#[derive(Default)]
struct Lines {
    written: u64,
    newest: VecDeque<(u64, Value)>,
}

impl Journal {
    /// Writes every line to it from now on.
    pub(super) fn started() -> Self {
        let journal = Self::default();
        // Cannot fail: no other subscriber was set before.
        let _ = tracing::subscriber::set_global_default(Log { journal: journal.clone(), clock: SystemClock::new() });
        journal
    }

    /// The lines after one, and the number of the last.
    pub(super) fn after(&self, number: u64) -> (u64, Vec<Value>) {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = lines.newest.iter().filter(|(known, _)| *known > number).map(|(_, line)| line.clone());
        (lines.written, newer.collect())
    }

    fn push(&self, line: Value) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.written = lines.written.saturating_add(1);
        let number = lines.written;
        lines.newest.push_back((number, line));
        if lines.newest.len() > MAX_LINES {
            lines.newest.pop_front();
        }
    }
}

/// A text that does nothing to a terminal: a path may hold what a client typed.
fn printable(text: &str) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().collect() } else { vec![c] };
    text.chars().flat_map(escaped).collect()
}

struct Log {
    journal: Journal,
    clock: SystemClock,
}

/// Whose lines are kept: other crates print addresses and heads of requests, which may hold a token.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("apigw_jwt_authorizer") || metadata.target() == GATEWAY
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && is_ours(metadata) && *metadata.level() <= Level::DEBUG
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let at = self.clock.now().date_time();
        if *metadata.level() <= Level::INFO {
            let mut text = format!("{at} {:>5} {}", metadata.level(), fields.message);
            for (name, value) in &fields.others {
                let written = match value {
                    Value::String(value) => write!(text, " {name}={value}"),
                    value => write!(text, " {name}={value}"),
                };
                // A String takes every text.
                let _ = written;
            }
            eprintln!("{}", printable(&text));
        }
        let by = if metadata.target() == GATEWAY { "gateway" } else { "authorizer" };
        self.journal.push(json!({
            "at": at, "level": metadata.level().as_str(), "by": by, "message": fields.message, "fields": fields.others,
        }));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.others.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            _ => self.put(field, format!("{value:?}").into()),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_are_kept_and_told_by_their_number() {
        let journal = Journal::default();
        for number in 0..400 {
            journal.push(number.into());
        }
        let (last, lines) = journal.after(398);
        assert_eq!((last, lines), (400, vec![Value::from(398), Value::from(399)]));
        assert_eq!(journal.after(0).1.len(), MAX_LINES);
        assert_eq!(journal.after(400), (400, Vec::new()));
    }

    #[test]
    fn no_line_steers_a_terminal() {
        assert_eq!(printable("/a\u{1b}[2J\u{9b}é"), "/a\\u{1b}[2J\\u{9b}é");
    }
}
