//! `authz`: is my configuration right, and why was this refused? Answered locally, with the authorizer's own code.

mod check;
#[path = "../../environment.rs"]
mod environment;
mod explain;
mod page;
mod sign;
mod token;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use apigw_jwt_authorizer::{Authorizer, Clock, Config, ConfigError, Moment};
use clap::{Parser, Subcommand};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use environment::{SystemClock, document, variable};
use page::Page;

/// The exit status of a configuration error, as the authorizer does.
const CONFIGURATION_ERROR: u8 = 2;
/// What input that cannot be used exits with.
const UNUSABLE: u8 = 1;

/// Is my configuration right, and why was this refused?
#[derive(Parser)]
#[command(name = "authz", version, max_term_width = 100, long_about = ABOUT, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const ABOUT: &str = "Is my configuration right, and why was this refused?

The configuration is found as the authorizer finds it: AUTHORIZER_CONFIG, AUTHORIZER_CONFIG_FILE, or
authorizer.json in the working directory. Nothing here needs AWS.";

const EXAMPLES: &str = "Examples:
  authz check authorizer.json
  authz check authorizer.json --fetch
  pbpaste | authz explain --token - \"GET /orders/17\"
  authz explain --config authorizer.json events/orders-get-orders.json
  authz token --secret secret.txt --claim sub=ada --claim aud=api > token.txt
  authz hints

Exit status: 0 if the question was answered, 1 for input that cannot be used, 2 for a mistake in the
configuration.";

#[derive(Subcommand)]
enum Command {
    /// Says every mistake in a configuration, and what it means
    Check(check::Arguments),
    /// Says step by step how a request is decided, and why
    #[command(long_about = explain::ABOUT)]
    Explain(explain::Arguments),
    /// Mints a token, for local use and tests
    #[command(long_about = token::ABOUT)]
    Token(token::Arguments),
    /// Lists the hints that log lines may carry, and what to do about each
    Hints,
}

/// Why there is no answer.
enum Failure {
    Configuration(ConfigError),
    Unusable(String),
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Configuration(error)
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Unusable(text)
    }
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            drop(error.print());
            return ExitCode::from(if error.use_stderr() { UNUSABLE } else { 0 });
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("authz: the async runtime could not be started: {error}");
            return ExitCode::from(UNUSABLE);
        }
    };
    let outcome = match arguments.command {
        Command::Check(arguments) => runtime.block_on(check::run(&arguments)),
        Command::Explain(arguments) => runtime.block_on(explain::run(&arguments)),
        Command::Token(arguments) => token::run(&arguments).map_err(Failure::Unusable),
        Command::Hints => Ok(hints()),
    };
    match outcome {
        // A reader that has gone away has seen enough.
        Ok(text) => {
            drop(std::io::stdout().write_all(text.as_bytes()));
            ExitCode::SUCCESS
        }
        Err(Failure::Configuration(error)) => {
            drop(std::io::stderr().write_all(check::issues(&error).as_bytes()));
            ExitCode::from(CONFIGURATION_ERROR)
        }
        Err(Failure::Unusable(text)) => {
            eprintln!("authz: {text}");
            ExitCode::from(UNUSABLE)
        }
    }
}

fn hints() -> String {
    let mut page = Page::stdout();
    for hint in apigw_jwt_authorizer::explain::hints() {
        page.heading(hint.code);
        page.paragraph(2, hint.advice);
    }
    page.finish()
}

/// The configuration, from a file if one is given.
fn configuration(file: Option<&PathBuf>) -> Result<Config, ConfigError> {
    let (text, base) = match file {
        None => document()?,
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .map_err(|_| ConfigError::document(format!("{} cannot be read as UTF-8 text", file.display())))?;
            (text, file.parent().unwrap_or_else(|| Path::new(".")).to_owned())
        }
    };
    Config::parse(&text, &variable, &base)
}

/// An authorizer that thinks it is this time.
fn authorizer(config: Config, at: Option<Duration>) -> Result<Authorizer, ConfigError> {
    let clock: Arc<dyn Clock> = match at {
        Some(wall) => Arc::new(StoppedClock(wall, SystemClock::new())),
        None => Arc::new(SystemClock::new()),
    };
    Authorizer::new(config, clock).map_err(ConfigError::document)
}

/// A wall clock that shows what it was set to.
struct StoppedClock(Duration, SystemClock);

impl Clock for StoppedClock {
    fn now(&self) -> Moment {
        Moment { wall: self.0, ..self.1.now() }
    }
}

/// A time as RFC 3339 writes it, or in seconds since 1970.
fn moment(text: &str) -> Result<Duration, String> {
    let seconds = || {
        let date = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        u64::try_from(date.unix_timestamp()).ok()
    };
    text.parse()
        .ok()
        .or_else(seconds)
        .filter(|seconds| *seconds <= 253_402_300_799)
        .map(Duration::from_secs)
        .ok_or_else(|| "expected a time such as 2026-01-31T12:00:00Z, or seconds since 1970".to_owned())
}

/// The bytes of a file, or of standard input for `-`.
fn read(file: &Path) -> Result<Vec<u8>, String> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let read = match file.as_os_str() == "-" {
        true => std::io::stdin().read_to_end(&mut bytes).map(drop),
        false => std::fs::read(file).map(|read| bytes = read),
    };
    read.map(|()| bytes).map_err(|error| format!("{}: {error}", file.display()))
}
