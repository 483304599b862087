//! What is said of each kind of mistake.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::program::{authz_with, golden_text};

#[test]
fn each_kind_of_mistake_is_told_with_its_path() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let environment: BTreeMap<String, String> =
        serde_json::from_slice(&fs::read(corpus.join("environment.json")).unwrap()).unwrap();
    let environment: Vec<_> = environment.into_iter().collect();
    let mut names: Vec<String> = fs::read_dir(corpus.join("bad"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() > 200);
    let mut all = String::new();
    for name in names {
        let ran = authz_with(&["check", &format!("tests/config/bad/{name}")], "", &environment);
        ran.is_plain();
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{name}");
        writeln!(all, "== {name}\n{}", ran.stderr).unwrap();
    }
    golden_text("mistakes", &all);
}

#[test]
fn every_good_document_passes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let environment: BTreeMap<String, String> =
        serde_json::from_slice(&fs::read(corpus.join("environment.json")).unwrap()).unwrap();
    let environment: Vec<_> = environment.into_iter().collect();
    for entry in fs::read_dir(corpus.join("good")).unwrap() {
        let file = entry.unwrap().path();
        let ran = authz_with(&["check", file.to_str().unwrap()], "", &environment);
        assert_eq!(ran.status, 0, "{}: {ran:?}", file.display());
        ran.is_plain();
    }
}
