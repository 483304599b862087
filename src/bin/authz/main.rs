//! `authz`: is my configuration right, and why was this refused? Answered locally, with the authorizer's own code.

mod api;
mod check;
mod deploy;
mod document;
mod drift;
#[path = "../../environment.rs"]
mod environment;
mod explain;
mod expression;
mod import;
mod init;
mod new_key;
mod page;
mod serve;
mod sign;
mod simulate;
mod table;
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

use environment::{SystemClock, document, unreadable, variable};
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
  authz token --new-key private.jwk.json > keys.jwks.json
  authz init --issuer https://tenant.example.com/ --audience pets --api openapi.yaml
  authz check authorizer.json --api openapi.yaml
  authz simulate authorizer.json --scopes \"read:pets\" --against old.json
  authz deploy-parameters authorizer.json --output parameters.yaml
  authz serve --demo
  authz hints kid_absent

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
    /// Prints the route table that an API's own document describes
    #[command(long_about = import::ABOUT)]
    Import(import::Arguments),
    /// Prints a first configuration, from an issuer and an API's document
    #[command(long_about = init::ABOUT)]
    Init(init::Arguments),
    /// Says what tokens and scopes may do on every route
    #[command(long_about = simulate::ABOUT)]
    Simulate(simulate::Arguments),
    /// Prints a configuration as the parameters of `sam deploy`
    #[command(long_about = deploy::ABOUT)]
    DeployParameters(deploy::Arguments),
    /// Serves a configuration on this machine, as API Gateway would
    #[command(long_about = serve::ABOUT)]
    Serve(serve::Arguments),
    /// Lists the hints that log lines may carry, and what to do about each
    Hints {
        /// Only this one
        code: Option<String>,
    },
}

/// Why there is no answer.
enum Failure {
    Configuration(ConfigError),
    /// The configuration differs from what it is compared with, or its mistakes are printed already. The text is for standard error.
    Differs(String),
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
            // Its text quotes what it does not know, which may be a token.
            if error.use_stderr() && std::env::args_os().any(|argument| looks_like_a_token(&argument.to_string_lossy()))
            {
                eprintln!("authz: {TOKEN_IN_ARGUMENTS}");
            } else {
                drop(error.print());
            }
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
        Command::Hints { code } => hints(code.as_deref()).map_err(Failure::Unusable),
        Command::Import(arguments) => import::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Simulate(arguments) => runtime.block_on(simulate::run(&arguments)),
        Command::DeployParameters(arguments) => deploy::run(&arguments),
        Command::Serve(arguments) => runtime.block_on(serve::run(&arguments)),
    };
    match outcome {
        // A reader that has gone away has seen enough.
        Ok(text) => {
            drop(std::io::stdout().write_all(text.as_bytes()));
            ExitCode::SUCCESS
        }
        Err(failure) => {
            let (text, status) = match failure {
                Failure::Configuration(error) => (check::issues(&error), CONFIGURATION_ERROR),
                Failure::Differs(text) => (text, CONFIGURATION_ERROR),
                Failure::Unusable(text) => (format!("authz: {text}\n"), UNUSABLE),
            };
            drop(std::io::stderr().write_all(text.as_bytes()));
            ExitCode::from(status)
        }
    }
}

fn hints(code: Option<&str>) -> Result<String, String> {
    let mut page = Page::stdout();
    for hint in apigw_jwt_authorizer::explain::hints().filter(|hint| code.is_none_or(|code| code == hint.code)) {
        page.heading(hint.code);
        page.paragraph(2, hint.advice);
    }
    let page = page.finish();
    match code {
        Some(code) if page.is_empty() => Err(match apigw_jwt_authorizer::explain::similar_hint(code) {
            Some(similar) => format!("there is no such hint; did you mean {similar}?"),
            None => "there is no such hint; `authz hints` lists all of them, and `authz explain` says what to do about a reason"
                .to_owned(),
        }),
        _ => Ok(page),
    }
}

/// A configuration, and where it was.
struct Loaded {
    config: Config,
    /// How long it is.
    bytes: usize,
    in_environment: bool,
}

/// The configuration, from a file if one is given.
fn configuration(file: Option<&PathBuf>) -> Result<Loaded, ConfigError> {
    let in_environment = file.is_none() && variable("AUTHORIZER_CONFIG").is_some();
    let (text, base) = source(file)?;
    Ok(Loaded { config: Config::parse(&text, &variable, &base)?, bytes: text.len(), in_environment })
}

/// The text of a configuration, with the folder that its relative paths start from.
fn source(file: Option<&PathBuf>) -> Result<(String, PathBuf), ConfigError> {
    let Some(file) = file else { return document() };
    let text = std::fs::read_to_string(file)
        .map_err(|error| ConfigError::document(format!("{}: {}", file.display(), unreadable(&error))))?;
    Ok((text, file.parent().unwrap_or_else(|| Path::new(".")).to_owned()))
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

const TOKEN_IN_ARGUMENTS: &str = "a token stands on the command line, which other users of the machine can see; put it into a file \
or on standard input: `authz explain --token - \"GET /pets\" <<< \"$TOKEN\"` (it is not repeated here)";

/// Whether an argument is a token, or its header.
fn looks_like_a_token(argument: &str) -> bool {
    const SHORTEST: usize = 20;
    let scheme = argument.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("Bearer "));
    let compact = argument.len() > SHORTEST && argument.matches('.').count() == 2 && !argument.contains(['/', ' ']);
    let opaque = argument.len() > 3 * SHORTEST
        && argument.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-~+=".contains(&byte));
    argument.contains("eyJ") || scheme || ((compact || opaque) && !Path::new(argument).exists())
}

/// The bytes of a file, or of standard input for `-`.
fn read(file: &Path) -> Result<Vec<u8>, String> {
    use std::io::Read as _;
    if looks_like_a_token(&file.to_string_lossy()) {
        return Err(TOKEN_IN_ARGUMENTS.to_owned());
    }
    let mut bytes = Vec::new();
    let read = match file.as_os_str() == "-" {
        true => std::io::stdin().read_to_end(&mut bytes).map(drop),
        false => std::fs::read(file).map(|read| bytes = read),
    };
    read.map(|()| bytes).map_err(|error| format!("{}: {}", file.display(), unreadable(&error)))
}
