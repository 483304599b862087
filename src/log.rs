//! The log: its level, where it goes, and how a line looks.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use apigw_jwt_authorizer::Clock as _;
use serde::ser::{SerializeMap, Serializer as _};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::filter::Targets;

use crate::environment::{SystemClock, variable};

/// Where the log goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// Standard output, which Lambda takes as the log.
    Lambda,
    /// Standard error, because standard output has the answers.
    Local,
}

/// Writes each event as one line. It ignores spans: no line needs one, and the library's registry of spans costs every start
/// eight pages of memory.
struct Log {
    output: Output,
    /// How a line looks: [`json`] or [`text`].
    format: fn(&Event<'_>) -> Option<Vec<u8>>,
    level: LevelFilter,
    filter: Targets,
}

/// Sets up the log: JSON lines if Lambda asks for them, and the level. Other crates log at INFO at most, because the Lambda
/// runtime prints whole events at TRACE.
pub(crate) fn to(output: Output) {
    let level = level();
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::INFO))
        .with_target("apigw_jwt_authorizer", level)
        // Its ERROR line for each error answer says less than ours.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF);
    let json = variable("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("JSON"));
    let format = if json { self::json } else { text };
    // Cannot fail: no other subscriber was set before.
    let _ = tracing::subscriber::set_global_default(Log { output, format, level, filter });
}

/// The level: `AWS_LAMBDA_LOG_LEVEL`, else `RUST_LOG`, else INFO.
fn level() -> LevelFilter {
    let lambda = variable("AWS_LAMBDA_LOG_LEVEL").and_then(|level| match level.to_ascii_uppercase().as_str() {
        "FATAL" => Some(LevelFilter::ERROR),
        level => level.parse().ok(),
    });
    let rust = || variable("RUST_LOG")?.parse::<Targets>().ok().map(|targets| most_verbose(&targets));
    lambda.or_else(rust).unwrap_or(LevelFilter::INFO)
}

/// The level for this crate in `RUST_LOG`, which may have directives for several crates.
fn most_verbose(targets: &Targets) -> LevelFilter {
    let levels = [
        tracing::Level::TRACE,
        tracing::Level::DEBUG,
        tracing::Level::INFO,
        tracing::Level::WARN,
        tracing::Level::ERROR,
    ];
    let enabled = levels.into_iter().find(|level| targets.would_enable("apigw_jwt_authorizer", level));
    enabled.map_or(LevelFilter::OFF, LevelFilter::from_level)
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        !metadata.is_span() && self.filter.would_enable(metadata.target(), metadata.level())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn event(&self, event: &Event<'_>) {
        let Some(mut line) = (self.format)(event) else { return };
        line.push(b'\n');
        // Nowhere left to report a failed log write.
        let _ = match self.output {
            Output::Lambda => std::io::stdout().write_all(&line),
            Output::Local => std::io::stderr().write_all(&line),
        };
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An event as a JSON object, as Lambda's own filter reads it: `timestamp`, `level`, the event's fields and `target`.
fn json(event: &Event<'_>) -> Option<Vec<u8>> {
    let mut line = Vec::with_capacity(512);
    let mut serializer = serde_json::Serializer::new(&mut line);
    let mut members = serializer.serialize_map(None).ok()?;
    members.serialize_entry("timestamp", &SystemClock::new().now().date_time()).ok()?;
    members.serialize_entry("level", event.metadata().level().as_str()).ok()?;
    let mut fields = Members { members, state: Ok(()) };
    event.record(&mut fields);
    fields.state.ok()?;
    fields.members.serialize_entry("target", event.metadata().target()).ok()?;
    fields.members.end().ok()?;
    Some(line)
}

/// Writes the fields of an event as members, and stops at the first error.
struct Members<M: SerializeMap> {
    members: M,
    state: Result<(), M::Error>,
}

impl<M: SerializeMap> Members<M> {
    fn write(&mut self, field: &Field, value: &(impl serde::Serialize + ?Sized)) {
        if self.state.is_ok() {
            self.state = self.members.serialize_entry(field.name(), value);
        }
    }
}

impl<M: SerializeMap> Visit for Members<M> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, &format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write(field, &value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.write(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.write(field, &value);
    }
}

/// An event as text for people: the time, the level, the message, and `name=value` for each other field.
fn text(event: &Event<'_>) -> Option<Vec<u8>> {
    let mut line = Words { line: String::new(), state: Ok(()) };
    write!(line.line, "{} {:>5}", SystemClock::new().now().date_time(), event.metadata().level()).ok()?;
    event.record(&mut line);
    line.state.ok().map(|()| line.line.into_bytes())
}

/// Writes the fields of an event one after the other.
struct Words {
    line: String,
    state: fmt::Result,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = match field.name() {
            "message" => write!(self.line, " {value:?}"),
            name => write!(self.line, " {name}={value:?}"),
        };
        self.state = self.state.and(written);
    }
}
