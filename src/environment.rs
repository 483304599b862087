//! The environment, files and the clock: where the configuration is, and what time it is. Both binaries use it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use apigw_jwt_authorizer::{Clock, ConfigError, Moment};

/// Finds the configuration document; returns it with the folder that its relative paths start from.
pub(crate) fn document() -> Result<(String, PathBuf), ConfigError> {
    let home = PathBuf::from(variable("LAMBDA_TASK_ROOT").unwrap_or_else(|| ".".to_owned()));
    let read = |file: &Path| {
        let base = file.parent().unwrap_or_else(|| Path::new(".")).to_owned();
        std::fs::read_to_string(file).map(|text| (text, base))
    };
    for name in ["AUTHORIZER_CONFIG", "AUTHORIZER_CONFIG_FILE"] {
        // A non-UTF-8 value is an error; don't treat it as unset.
        if std::env::var_os(name).is_some() && variable(name).is_none() {
            return Err(ConfigError::document(format!("{name} is not UTF-8 text")));
        }
    }
    match (variable("AUTHORIZER_CONFIG"), variable("AUTHORIZER_CONFIG_FILE")) {
        (Some(_), Some(_)) => Err(ConfigError::document(
            "AUTHORIZER_CONFIG and AUTHORIZER_CONFIG_FILE are both set; unset the one that is not meant",
        )),
        (Some(text), None) => Ok((text, home)),
        (None, Some(file)) => read(Path::new(&file)).map_err(|error| {
            ConfigError::document(format!("the file that AUTHORIZER_CONFIG_FILE names: {}", unreadable(&error)))
        }),
        (None, None) => {
            let files = [home.join("authorizer.json"), PathBuf::from("/opt/authorizer.json")];
            let Some(file) = files.iter().find(|file| file.exists()) else {
                return Err(ConfigError::document(
                    "there is none: set AUTHORIZER_CONFIG or AUTHORIZER_CONFIG_FILE, or add authorizer.json to the function or a layer",
                ));
            };
            read(file).map_err(|error| ConfigError::document(format!("authorizer.json: {}", unreadable(&error))))
        }
    }
}

/// Why a file cannot be read, without its name.
pub(crate) fn unreadable(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file",
        io::ErrorKind::PermissionDenied => "the file may not be read (permission denied)",
        io::ErrorKind::IsADirectory => "this is a folder, and a file is expected",
        io::ErrorKind::InvalidData => "the file is not UTF-8 text",
        _ => "the file cannot be read",
    }
}

/// Reads an environment variable; one that is not UTF-8 counts as unset.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The system's two clocks.
pub(crate) struct SystemClock(Instant);

impl SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> Moment {
        // A clock before 1970 is before `earliest`, so no decision uses it.
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Moment { wall, monotonic: self.0.elapsed() }
    }

    fn earliest(&self) -> Duration {
        // A build that does not know when it was made decides nothing.
        env!("BUILT_UNIX_SECONDS").parse().map_or(Duration::MAX, Duration::from_secs)
    }
}
