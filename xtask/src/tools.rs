//! Whether the programs that a task needs are there.

use std::path::Path;

use crate::run::{Outcome, command};

/// A program, and the package of Debian that has it.
pub type Tool = (&'static str, &'static str);

/// What every part of the deployment test needs.
const ALWAYS: [Tool; 3] = [("cc", "gcc"), ("git", "git"), ("python3", "python3")];

/// Fails with a list of what is missing.
pub fn needed(tools: &[Tool]) -> Outcome {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let is_there = |program: &str| folders.iter().any(|folder| folder.join(Path::new(program)).is_file());
    let mut missing: Vec<Tool> =
        ALWAYS.iter().chain(tools).copied().filter(|(program, _)| !is_there(program)).collect();
    let venv = || command("python3").args(["-c", "import ensurepip, venv"]).output();
    if is_there("python3") && !venv().is_ok_and(|found| found.status.success()) {
        missing.push(("python3's module venv", "python3-venv"));
    }
    if missing.is_empty() {
        return Ok(());
    }
    let (programs, packages): (Vec<&str>, Vec<&str>) = missing.into_iter().unzip();
    Err(format!("missing: {}; on Debian: apt-get install {}", programs.join(", "), packages.join(" ")).into())
}
