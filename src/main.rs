//! Environment -> configuration -> authorizer -> Runtime API, or the desk run.

mod environment;
mod lambda;

use std::io::{Read as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use apigw_jwt_authorizer::{Answer, Authorizer, Config, ConfigError};
use environment::{SystemClock, document, variable};
use tokio::runtime::LocalOptions;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// What a configuration mistake exits with, in Lambda and on a desk.
const CONFIGURATION_MISTAKE: u8 = 2;

fn main() -> ExitCode {
    let runtime_api = variable("AWS_LAMBDA_RUNTIME_API").is_some_and(|address| !address.is_empty());
    log_to(if runtime_api { Output::Lambda } else { Output::Desk });
    quiet_panics();
    // One thread, also for several invocations at once: a decision takes microseconds of it, and only a key fetch waits. A runtime
    // of many threads that is merely possible makes every start load the C library's `libm`.
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = match builder.enable_all().build_local(LocalOptions::default()) {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the async runtime could not be started");
            return ExitCode::FAILURE;
        }
    };
    let authorizer = configured();
    match (runtime_api, authorizer) {
        (true, Ok(authorizer)) => runtime.block_on(lambda::serve(authorizer)),
        (true, Err(error)) => {
            runtime.block_on(lambda::init_error(&error));
            ExitCode::from(CONFIGURATION_MISTAKE)
        }
        (false, Ok(authorizer)) => runtime.block_on(desk(&authorizer)),
        (false, Err(error)) => {
            eprintln!("{error}");
            ExitCode::from(CONFIGURATION_MISTAKE)
        }
    }
}

/// Reads the configuration, says what should be seen of it, and makes the authorizer.
fn configured() -> Result<Authorizer, ConfigError> {
    let (text, base) = document()?;
    let config = Config::parse(&text, &variable, &base)?;
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    Authorizer::new(config, Arc::new(SystemClock::new())).map_err(ConfigError::document)
}

/// Authorizes each event file in order and prints each answer on a line.
async fn desk(authorizer: &Authorizer) -> ExitCode {
    let files: Vec<_> = std::env::args_os().skip(1).collect();
    if files.is_empty() {
        eprintln!("usage: apigw-jwt-authorizer EVENT.json...   (`-` is standard input)");
        return ExitCode::FAILURE;
    }
    let mut failed = false;
    for file in files {
        let event = if file == "-" {
            let mut event = Vec::new();
            std::io::stdin().read_to_end(&mut event).map(|_| event)
        } else {
            std::fs::read(&file)
        };
        let answer = match event {
            Ok(event) => lambda::guarded(authorizer.authorize(&event, None)).await,
            Err(error) => {
                eprintln!("{}: {error}", file.display());
                Answer::malformed_event()
            }
        };
        failed |= !answer.is_decision();
        if writeln!(std::io::stdout(), "{}", answer.to_json()).is_err() {
            return ExitCode::FAILURE;
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Where the log goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Output {
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
fn log_to(output: Output) {
    let level = level();
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::INFO))
        .with_target("apigw_jwt_authorizer", level)
        // One ERROR line for each error answer, of which ours says more.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF);
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(output).with_ansi(false);
    if variable("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("JSON")) {
        registry.with(layer.json().flatten_event(true).with_current_span(false).with_span_list(false)).init();
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

/// A panic's text may quote what it failed on, so only its place is logged.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panic");
    }));
}
