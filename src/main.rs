//! Environment -> configuration -> authorizer -> Runtime API, or a local run.

mod environment;
mod lambda;
mod log;

use std::io::{Read as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use apigw_jwt_authorizer::{Answer, Authorizer, Config, ConfigError, Invocation};
use environment::{SystemClock, document, variable};
use tokio::runtime::LocalOptions;

/// The exit status of a configuration error, in Lambda and locally.
const CONFIGURATION_ERROR: u8 = 2;

fn main() -> ExitCode {
    let runtime_api = variable("AWS_LAMBDA_RUNTIME_API").is_some_and(|address| !address.is_empty());
    log::to(if runtime_api { log::Output::Lambda } else { log::Output::Local });
    quiet_panics();
    // One thread, even for several invocations at once: a decision takes microseconds, and only key fetches wait. Linking the
    // multi-threaded runtime would make every start load the C library's `libm`.
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
            ExitCode::from(CONFIGURATION_ERROR)
        }
        (false, Ok(authorizer)) => runtime.block_on(local(&authorizer)),
        (false, Err(error)) => {
            eprintln!("{error}");
            ExitCode::from(CONFIGURATION_ERROR)
        }
    }
}

/// Reads the configuration, logs its warnings, and makes the authorizer.
fn configured() -> Result<Authorizer, ConfigError> {
    let (text, base) = document()?;
    let config = Config::parse(&text, &variable, &base)?;
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    Authorizer::new(config, Arc::new(SystemClock::new())).map_err(ConfigError::document)
}

/// Authorizes each event file in order and prints each answer on a line.
async fn local(authorizer: &Authorizer) -> ExitCode {
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
            Ok(event) => lambda::guarded(authorizer.authorize(&event, Invocation::default())).await,
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

/// Logs only where a panic happened: its text may quote the data it failed on.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panic");
    }));
}
