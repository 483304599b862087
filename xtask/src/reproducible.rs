//! The same bytes from two clones, wherever they lie and whenever they are built.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::build::{cargo_home, tools};
use crate::run::{Outcome, command, output, root, run, target_dir};

/// Makes the release of HEAD in two clones, and fails unless all files are the same. Those of the first are then in `release-files`.
pub fn check(architectures: &[String]) -> Outcome {
    let commit = String::from_utf8(output(command("git").args(["rev-parse", "HEAD"]))?)?.trim().to_owned();
    if !output(command("git").args(["status", "--porcelain", "--untracked-files=no"]))?.is_empty() {
        return Err("commit what you changed: the clones are of HEAD".into());
    }
    let parent = std::env::temp_dir().join(format!("reproducible-{}", std::process::id()));
    fs::create_dir_all(&parent)?;
    let made = both(&parent, &commit, architectures);
    fs::remove_dir_all(&parent)?;
    let [first, second] = made?;
    let mut names: Vec<&String> = first.keys().chain(second.keys()).collect();
    names.sort();
    names.dedup();
    let mut differ = Vec::new();
    for name in names {
        let same = first.get(name) == second.get(name);
        println!("{} {name}", if same { "same   " } else { "differs" });
        if !same {
            differ.push(name.as_str());
        }
    }
    if !differ.is_empty() || first.is_empty() {
        return Err(format!("{commit} does not make the same bytes twice: {}", differ.join(", ")).into());
    }
    let files = target_dir().join("release-files");
    if files.exists() {
        fs::remove_dir_all(&files)?;
    }
    fs::create_dir_all(&files)?;
    for (name, bytes) in &first {
        fs::write(files.join(name), bytes)?;
    }
    println!("{commit} makes the same bytes twice; they are in {}", files.display());
    Ok(())
}

/// The files of a release: name -> bytes.
type Files = BTreeMap<String, Vec<u8>>;

fn both(parent: &Path, commit: &str, architectures: &[String]) -> Outcome<[Files; 2]> {
    let first = made(&parent.join("a"), commit, architectures, &[])?;
    // Elsewhere, with folders of its own for Cargo and Zig in which nothing was compiled or unpacked, and in another time zone.
    let apart = parent.join("another/and-longer/place");
    let home = apart.join("cargo");
    cargo_home_like(&cargo_home()?, &home)?;
    let environment = [
        ("CARGO_HOME", home),
        ("XDG_CACHE_HOME", apart.join("cache")),
        ("TMPDIR", apart.clone()),
        ("TZ", PathBuf::from("Pacific/Kiritimati")),
        ("LC_ALL", PathBuf::from("C")),
    ];
    let second = made(&apart.join("clone"), commit, architectures, &environment)?;
    Ok([first, second])
}

fn made(clone: &Path, commit: &str, architectures: &[String], environment: &[(&str, PathBuf)]) -> Outcome<Files> {
    eprintln!("== {}", clone.display());
    run(command("git").args(["clone", "--quiet", "--no-checkout", "--"]).arg(root()).arg(clone))?;
    run(command("git").args(["checkout", "--quiet", "--detach", commit]).current_dir(clone))?;
    run(tools("cargo")
        .args(["xtask", "release"])
        .args(architectures)
        .current_dir(clone)
        .env_remove("CARGO_TARGET_DIR")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdout(std::io::stderr()))?;
    let mut files = Files::new();
    for entry in fs::read_dir(clone.join("target/release-files"))? {
        let entry = entry?;
        files.insert(entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?);
    }
    Ok(files)
}

/// A folder for Cargo with the downloads and settings of another one. The sources are unpacked anew.
fn cargo_home_like(from: &Path, to: &Path) -> Outcome {
    fs::create_dir_all(to.join("registry"))?;
    for (from, to) in [(from.to_owned(), to.to_owned()), (from.join("registry"), to.join("registry"))] {
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let name = entry.file_name();
            if name != "registry" && name != "src" {
                symlink(entry.path(), to.join(name))?;
            }
        }
    }
    Ok(())
}
