//! Tools of the end-to-end tests: a Lambda Runtime API, servers for the documents that the program fetches, and tokens.
//!
//! A test binary declares it as `#[cfg(test)] #[path = "../support/mod.rs"] mod support;`. With `#[cfg(test)]`, the
//! lints treat all of it as test code.

pub(crate) mod api;
pub(crate) mod endpoint;
pub(crate) mod http;
pub(crate) mod in_process;
mod key_server;
mod pieces;
mod process;
mod runtime_api;
mod tokens;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

pub(crate) use key_server::KeyServer;
pub(crate) use pieces::{piece_in, pieces};
pub(crate) use process::{Finished, Function, Process};
pub(crate) use runtime_api::{Answer, RuntimeApi};
pub(crate) use tokens::{ALGORITHMS, SigningKey, jwks, key, stranger};

/// The longest that a test waits for anything. Generous, because the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A program with its own Runtime API.
pub(crate) struct Lambda {
    // Declared before the API, so that the program ends before the API stops.
    pub(crate) function: Function,
    pub(crate) api: RuntimeApi,
}

impl Lambda {
    /// Starts the program with these environment variables.
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        let api = RuntimeApi::start();
        let function = Function::start(&api, variables);
        Self { function, api }
    }

    /// Sends an event and waits for the answer to it.
    #[track_caller]
    pub(crate) fn invoke(&self, event: impl AsRef<[u8]>) -> Answer {
        self.api.invoke(event)
    }

    /// Ends the program and returns its output.
    pub(crate) fn stop(self) -> Finished {
        self.function.stop()
    }
}

/// A directory that is removed after the test.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// Writes a file and returns its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A leftover directory is harmless: it is in the build directory.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    since_epoch().as_secs()
}

/// The time since 1970.
#[expect(clippy::disallowed_methods, reason = "the program under test reads the real clock")]
pub(crate) fn since_epoch() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap()
}

/// The monotonic time, for measuring.
#[expect(clippy::disallowed_methods, reason = "the program under test runs in real time")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// Retries until there is a result.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let began = instant();
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
