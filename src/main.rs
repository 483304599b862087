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
    if !runtime_api && let Some(text) = asked() {
        print!("{text}");
        return ExitCode::SUCCESS;
    }
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

const USAGE: &str = "usage: apigw-jwt-authorizer EVENT.json...   (`-` is standard input)";

/// What is asked of the program itself, on a desk.
fn asked() -> Option<String> {
    const HELP: &str = "\
A Lambda authorizer for API Gateway. In Lambda it serves the Runtime API. Locally it answers the authorizer
events in these files, one line of JSON on standard output for each; its log goes to standard error.

The configuration is AUTHORIZER_CONFIG (the document itself) or a file: AUTHORIZER_CONFIG_FILE, else
authorizer.json in LAMBDA_TASK_ROOT or the working directory, else /opt/authorizer.json.

Exit status: 0 if each event was decided, 1 if one ended in an error other than `Unauthorized`, 2 for a
mistake in the configuration. `authz`, built with the feature of this name, explains what is decided.
";
    let mut arguments = std::env::args_os().skip(1);
    arguments.find_map(|argument| match argument.to_str() {
        Some("--help" | "-h") => Some(format!("{USAGE}\n\n{HELP}")),
        Some("--version" | "-V") => Some(concat!("apigw-jwt-authorizer ", env!("CARGO_PKG_VERSION"), "\n").to_owned()),
        _ => None,
    })
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
        eprintln!("{USAGE}");
        return ExitCode::FAILURE;
    }
    let mut failed = false;
    let several = files.len() > 1;
    for file in files {
        if several {
            // The answers are on standard output alone, so that programs can read them.
            eprintln!("{}:", file.display());
        }
        let event = if file == "-" {
            let mut event = Vec::new();
            std::io::stdin().read_to_end(&mut event).map(|_| event)
        } else {
            std::fs::read(&file)
        };
        let answer = match event {
            Ok(event) => lambda::guarded(authorizer.authorize(&event, Invocation::default())).await,
            Err(error) => {
                eprintln!("{}: {}", file.display(), environment::unreadable(&error));
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
