//! Runs the real program.

use std::ffi::OsString;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use super::{RuntimeApi, eventually};

/// The program, with only the environment it is given. Dropping it kills it.
pub(crate) struct Process {
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
}

/// The output and the exit status of a process.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Process {
    /// The path of the program: `TEST_PROGRAM`, or else the one built with the tests.
    pub(crate) fn program() -> OsString {
        std::env::var_os("TEST_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_apigw-jwt-authorizer").into())
    }

    /// Starts the program in a directory, with arguments, environment variables and standard input.
    pub(crate) fn start(directory: &str, arguments: &[&str], variables: &[(&str, &str)], stdin: &[u8]) -> Self {
        let mut child = Command::new(Self::program())
            .current_dir(directory)
            .args(arguments)
            .env_clear()
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdout, stderr) = (captured(child.stdout.take()), captured(child.stderr.take()));
        // A write error is expected from a program that ends without reading its input.
        drop(child.stdin.take().unwrap().write_all(stdin));
        Self { child, stdout, stderr }
    }

    /// Waits until it ends.
    #[track_caller]
    pub(crate) fn finished(mut self) -> Finished {
        let status = eventually("the program ends", || self.child.try_wait().unwrap());
        self.outcome(status)
    }

    /// Kills it, unless it has ended.
    pub(crate) fn stop(mut self) -> Finished {
        drop(self.child.kill());
        let status = self.child.wait().unwrap();
        self.outcome(status)
    }

    /// Sends it SIGTERM, as Lambda and a shell do.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("sh").args(["-c", "kill -\"$0\" \"$1\"", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Reads one of its files in `/proc`.
    pub(crate) fn proc(&self, name: &str) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string()).join(name)
    }

    fn outcome(&mut self, status: ExitStatus) -> Finished {
        let text =
            |captured: Option<JoinHandle<Vec<u8>>>| String::from_utf8(captured.unwrap().join().unwrap()).unwrap();
        Finished { status, stdout: text(self.stdout.take()), stderr: text(self.stderr.take()) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Reads everything, so that the program never blocks on a full pipe.
fn captured(stream: Option<impl Read + Send + 'static>) -> Option<JoinHandle<Vec<u8>>> {
    let mut stream = stream?;
    Some(std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        bytes
    }))
}

/// The program in Lambda.
pub(crate) struct Function(pub(crate) Process);

impl Function {
    /// Starts it with the variables that Lambda sets, and these.
    pub(crate) fn start(api: &RuntimeApi, variables: &[(&str, &str)]) -> Self {
        Self::at(&api.authority(), variables)
    }

    /// Starts it under a Runtime API at `host:port`.
    pub(crate) fn at(authority: &str, variables: &[(&str, &str)]) -> Self {
        let mut environment = vec![
            ("AWS_LAMBDA_RUNTIME_API", authority),
            ("AWS_LAMBDA_FUNCTION_NAME", "authorizer"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/authorizer"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef"),
            // There is no `authorizer.json` here unless a test says so.
            ("LAMBDA_TASK_ROOT", env!("CARGO_TARGET_TMPDIR")),
        ];
        environment.extend(variables);
        Self(Process::start(env!("CARGO_TARGET_TMPDIR"), &[], &environment, b""))
    }

    /// Waits until it ends.
    #[track_caller]
    pub(crate) fn finished(self) -> Finished {
        self.0.finished()
    }

    /// Kills it, unless it has ended.
    pub(crate) fn stop(self) -> Finished {
        self.0.stop()
    }

    /// Sends it SIGTERM, as Lambda does.
    pub(crate) fn terminate(&self) {
        self.0.terminate();
    }
}
