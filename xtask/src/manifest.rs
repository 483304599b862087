//! What `Cargo.toml` says of the package.

use std::fs;

use crate::run::{Outcome, root};

/// The lines of `[package]`.
pub struct Manifest(String);

impl Manifest {
    pub fn read() -> Outcome<Self> {
        Ok(Self::new(&fs::read_to_string(root().join("Cargo.toml"))?))
    }

    pub fn new(text: &str) -> Self {
        let package = text.lines().skip_while(|line| *line != "[package]").skip(1);
        Self(package.take_while(|line| !line.starts_with('[')).map(|line| format!("{line}\n")).collect())
    }

    /// A field that is one string, or the first string of a list.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// The strings of a field.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let line = self.0.lines().find_map(|line| line.split_once(" = ").filter(|(field, _)| *field == name));
        line.map_or_else(Vec::new, |(_, value)| value.split('"').skip(1).step_by(2).collect())
    }

    pub fn version(&self) -> Outcome<&str> {
        self.first("version").ok_or_else(|| "Cargo.toml has no version".into())
    }
}
