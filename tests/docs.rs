//! The documents hold together: every relative link and anchor leads somewhere, and the book lists every page.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Documents outside of the book.
const BESIDE: [&str; 8] = [
    "README.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "examples/README.md",
    "examples/presets/README.md",
    ".github/pull_request_template.md",
    "docs/SUMMARY.md",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(document: &Path) -> String {
    fs::read_to_string(root().join(document)).unwrap_or_else(|error| panic!("{}: {error}", document.display()))
}

/// The pages of the book, without its table of contents.
fn pages() -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut open = vec![PathBuf::from("docs")];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(root().join(&directory)).unwrap() {
            let entry = entry.unwrap();
            let path = directory.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") && !path.ends_with("SUMMARY.md") {
                found.insert(path);
            }
        }
    }
    found
}

fn documents() -> BTreeSet<PathBuf> {
    BESIDE.iter().map(PathBuf::from).chain(pages()).collect()
}

/// The lines outside of code blocks.
fn prose(text: &str) -> Vec<&str> {
    let mut in_code = false;
    text.lines()
        .filter(|line| {
            let fence = line.trim_start().starts_with("```");
            in_code ^= fence;
            !in_code && !fence
        })
        .collect()
}

/// A line without what stands between backticks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// The targets of `[text](target)`.
fn links(text: &str) -> Vec<String> {
    let lines: String = prose(text).into_iter().map(|line| without_code(line) + "\n").collect();
    lines.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()).collect()
}

/// The anchors of a document's headings, as both GitHub and mdBook make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).into_iter().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

/// A path without `.` and `..`; `None` if it leaves the repository.
fn resolved(path: &Path) -> Option<PathBuf> {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => found.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !found.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(found)
}

/// What is wrong with the links of a document.
fn broken(document: &Path, text: &str) -> Vec<String> {
    let outside = |target: &String| target.starts_with("https://") || target.starts_with("mailto:");
    let wrong = |target: &String| {
        let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
        let path = match file {
            "" => Some(document.to_owned()),
            file => resolved(&document.parent().unwrap_or_else(|| Path::new("")).join(file)),
        };
        let Some(path) = path.filter(|path| root().join(path).exists()) else { return true };
        !anchor.is_empty() && !anchors(&read(&path)).contains(anchor)
    };
    let links = links(text).into_iter().filter(|target| !outside(target) && wrong(target));
    links.map(|target| format!("{}: {target}", document.display())).collect()
}

#[test]
fn every_relative_link_and_anchor_leads_somewhere() {
    let wrong: Vec<String> = documents().iter().flat_map(|document| broken(document, &read(document))).collect();
    assert!(wrong.is_empty(), "broken links:\n{}", wrong.join("\n"));
}

#[test]
fn a_broken_link_is_found() {
    let broken = |text: &str| broken(Path::new("docs/hints.md"), text).len();
    assert_eq!(broken("[a](absent.md) and [b](../README.md#absent)"), 2);
    assert_eq!(broken("[a](../../elsewhere.md)"), 1);
    assert_eq!(broken("[a](#hints), [b](../README.md) and `[c](absent.md)`"), 0);
    assert_eq!(broken("```\n[a](absent.md)\n```"), 0);
}

#[test]
fn every_page_is_in_the_table_of_contents_once() {
    let summary = read(Path::new("docs/SUMMARY.md"));
    let listed: Vec<PathBuf> = links(&summary).iter().map(|target| Path::new("docs").join(target)).collect();
    let once: BTreeSet<PathBuf> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), once.len(), "a page is listed twice");
    assert_eq!(once, pages());
}

#[test]
fn the_readme_is_one_page() {
    let lines = read(Path::new("README.md")).lines().count();
    assert!(lines <= 170, "{lines} lines");
}
