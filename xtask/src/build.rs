//! The binary of a release: the same bytes for the same commit, wherever and whenever it is built.

use std::fs;
use std::path::PathBuf;

use crate::NAME;
use crate::run::{Outcome, command, output, root, run, target_dir};

/// A folder of this machine, and what a binary says in its place.
type Place = (PathBuf, &'static str);

/// Builds the binary of a release, or an example instead, and returns its path. `date`, in seconds since 1970, replaces the
/// date of the build.
pub fn build(target: Option<&String>, example: Option<&String>, date: Option<&str>) -> Outcome<PathBuf> {
    let target = target.cloned().unwrap_or_else(|| format!("{}-unknown-linux-musl", std::env::consts::ARCH));
    let mut cargo = tools("cargo");
    let (kind, name) = example.map_or(("--bin", NAME), |example| ("--example", example.as_str()));
    cargo.args(["lambda", "build", "--release", "--locked", kind, name, "--target", &target]);
    if let Some(date) = date {
        cargo.env("SOURCE_DATE_EPOCH", date);
    }
    let places = places()?;
    // Cargo adds these flags to those of .cargo/config.toml, which `RUSTFLAGS` would replace.
    let variable = format!("CARGO_TARGET_{}_RUSTFLAGS", target.to_uppercase().replace('-', "_"));
    cargo.env(variable, flags("--remap-path-prefix", &places)?);
    let c = fs::read_to_string(root().join(".cargo/config.toml"))?;
    cargo.env("AWS_LC_SYS_CFLAGS", format!("{} {}", c_flags(&c)?, flags("-ffile-prefix-map", &places)?));
    // The path is all that goes to standard output.
    cargo.stdout(std::io::stderr());
    run(&mut cargo)?;
    let built = target_dir().join("lambda").join(name).join("bootstrap");
    built.canonicalize().map_err(|error| format!("{}: {error}", built.display()).into())
}

/// A program that finds `cargo lambda`: the installed one, or else that of the deployment test.
pub fn tools(program: &str) -> std::process::Command {
    if command("cargo").args(["lambda", "--version"]).output().is_ok_and(|found| found.status.success()) {
        return command(program);
    }
    let mut tools = command(root().join("tests/deploy/tools"));
    tools.arg(program);
    tools
}

/// The folders that compilers would write into the binary.
fn places() -> Outcome<Vec<Place>> {
    let sysroot = String::from_utf8(output(command("rustc").args(["--print", "sysroot"]))?)?;
    // Of two that fit, rustc takes the last one, and so does Clang: the narrower comes after the wider.
    Ok(vec![
        (root().to_owned(), "/source"),
        (target_dir(), "/target"),
        (cargo_home()?, "/cargo"),
        (PathBuf::from(sysroot.trim()), "/rust"),
    ])
}

/// Where Cargo unpacks the sources of crates.
pub fn cargo_home() -> Outcome<PathBuf> {
    let given = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = given.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    home.ok_or_else(|| "CARGO_HOME is not known".into())
}

/// One flag for each place, separated by spaces as the variables of the compilers want it.
fn flags(flag: &str, places: &[Place]) -> Outcome<String> {
    let mut flags = Vec::new();
    for (place, name) in places {
        let place = place.to_str().filter(|place| !place.contains(char::is_whitespace) && !place.contains('='));
        let place = place.ok_or("a release cannot be built in a folder whose path has spaces or `=` in it")?;
        flags.push(format!("{flag}={place}={name}"));
    }
    Ok(flags.join(" "))
}

/// The flags for aws-lc in Cargo's configuration, which a variable of the environment replaces.
fn c_flags(configuration: &str) -> Outcome<&str> {
    let line = configuration.lines().find_map(|line| line.strip_prefix("AWS_LC_SYS_CFLAGS = \""));
    let flags = line.and_then(|rest| rest.strip_suffix('"'));
    flags.ok_or_else(|| "`.cargo/config.toml` no longer has AWS_LC_SYS_CFLAGS".into())
}
