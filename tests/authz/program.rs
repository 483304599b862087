//! The program, run in the repository with nothing else in its environment.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: i32,
}

impl Ran {
    /// Nothing is wider than 100 columns, and nothing is coloured where nobody sees it.
    #[track_caller]
    pub(crate) fn is_plain(&self) {
        for line in self.stdout.lines().chain(self.stderr.lines()) {
            assert!(line.chars().count() <= 100, "wider than 100 columns: {line}");
            assert!(!line.contains('\u{1b}'), "coloured: {line}");
        }
    }

    pub(crate) fn text(&self) -> String {
        let status = match self.status {
            0 => String::new(),
            status => format!("exit status {status}\n"),
        };
        format!("{}{}{status}", self.stdout, self.stderr)
    }
}

pub(crate) fn authz(arguments: &[&str], input: &str) -> Ran {
    authz_with(arguments, input, &[])
}

pub(crate) fn authz_with(arguments: &[&str], input: &str, environment: &[(String, String)]) -> Ran {
    authz_in(Path::new(env!("CARGO_MANIFEST_DIR")), arguments, input, environment)
}

pub(crate) fn authz_in(folder: &Path, arguments: &[&str], input: &str, environment: &[(String, String)]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_authz"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end before it has read anything.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    Ran {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        status: output.status.code().unwrap(),
    }
}

/// Compares a run with what is stored for it.
#[track_caller]
pub(crate) fn golden(name: &str, ran: &Ran) {
    ran.is_plain();
    let text = ran.text();
    assert!(text.lines().all(|line| line == line.trim_end()), "spaces at an end: {text}");
    golden_text(name, &text);
}

#[track_caller]
pub(crate) fn golden_text(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/authz/golden").join(name).with_extension("txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
    }
    let stored = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(text, stored, "{name}: `UPDATE_GOLDEN=1 cargo test --all-features --test authz` stores it");
}
