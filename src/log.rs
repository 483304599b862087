//! The log: what is in it, where it goes, and how a line looks.

use std::fmt;

use apigw_jwt_authorizer::Clock as _;
use serde::ser::{SerializeMap, Serializer as _};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::environment::{SystemClock, variable};

/// Where the log goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// Standard output, which Lambda takes as the log.
    Lambda,
    /// Standard error, for standard output has the answers.
    Desk,
}

impl<'a> MakeWriter<'a> for Output {
    type Writer = Box<dyn std::io::Write>;

    fn make_writer(&'a self) -> Self::Writer {
        match self {
            Self::Lambda => Box::new(std::io::stdout()),
            Self::Desk => Box::new(std::io::stderr()),
        }
    }
}

/// Sets up the log: JSON lines if Lambda asks for them, its level, and no more than INFO from anybody else, for the Lambda
/// runtime prints whole events at TRACE.
pub(crate) fn to(output: Output) {
    let level = level();
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::INFO))
        .with_target("apigw_jwt_authorizer", level)
        // One ERROR line for each error answer, of which ours says more.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF);
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(output).with_ansi(false);
    if variable("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("JSON")) {
        registry.with(layer.event_format(JsonLines)).init();
    } else {
        registry.with(layer.with_target(false)).init();
    }
}

/// `AWS_LAMBDA_LOG_LEVEL`, else `RUST_LOG`, else INFO.
fn level() -> LevelFilter {
    let lambda = variable("AWS_LAMBDA_LOG_LEVEL").and_then(|level| match level.to_ascii_uppercase().as_str() {
        "FATAL" => Some(LevelFilter::ERROR),
        level => level.parse().ok(),
    });
    let rust = || variable("RUST_LOG")?.parse::<Targets>().ok().map(|targets| most_verbose(&targets));
    lambda.or_else(rust).unwrap_or(LevelFilter::INFO)
}

/// What a `RUST_LOG`, which may have directives for several crates, says about this one.
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

/// A line of JSON for each event, as Lambda's own filter reads it: `timestamp`, `level`, the event's fields and `target`. The
/// library's own writes each quote and comma by itself, which cost a line twice as much and more.
struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let timestamp = SystemClock::new().now().date_time();
        let mut line = Vec::with_capacity(512);
        let members = serde_json::Serializer::new(&mut line).serialize_map(None).and_then(|mut members| {
            members.serialize_entry("timestamp", &timestamp)?;
            members.serialize_entry("level", event.metadata().level().as_str())?;
            let mut fields = Fields { members, state: Ok(()) };
            event.record(&mut fields);
            fields.state?;
            fields.members.serialize_entry("target", event.metadata().target())?;
            fields.members.end()
        });
        let text = str::from_utf8(&line).map_err(|_| fmt::Error)?;
        members.map_err(|_| fmt::Error).and_then(|()| {
            writer.write_str(text)?;
            writer.write_char('\n')
        })
    }
}

/// Writes the fields of an event as members, up to the first that cannot be written.
struct Fields<M: SerializeMap> {
    members: M,
    state: Result<(), M::Error>,
}

impl<M: SerializeMap> Fields<M> {
    fn write(&mut self, field: &Field, value: &(impl serde::Serialize + ?Sized)) {
        if self.state.is_ok() {
            self.state = self.members.serialize_entry(field.name(), value);
        }
    }
}

impl<M: SerializeMap> Visit for Fields<M> {
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
