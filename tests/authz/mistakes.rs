//! What is said of each kind of mistake.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::bad_documents::{ALL, FOLDER};
use crate::program::{authz_in, authz_with, golden_text};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config")
}

/// The environment of the documents.
fn environment() -> Vec<(String, String)> {
    let variables = fs::read(corpus().join("environment.json")).unwrap();
    serde_json::from_slice::<BTreeMap<_, _>>(&variables).unwrap().into_iter().collect()
}

#[test]
fn each_kind_of_mistake_is_told_with_its_path() {
    let environment = environment();
    assert!(ALL.len() > 200);
    let mut all = String::new();
    for bad in ALL.iter() {
        let ran = authz_in(&FOLDER, &["check", &bad.path()], "", &environment);
        ran.is_plain();
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{}", bad.name);
        writeln!(all, "== {}.json\n{}", bad.name, ran.stderr).unwrap();
    }
    golden_text("mistakes", &all);
}

#[test]
fn every_good_document_passes() {
    let environment = environment();
    for entry in fs::read_dir(corpus().join("good")).unwrap() {
        let file = entry.unwrap().path();
        let ran = authz_with(&["check", file.to_str().unwrap()], "", &environment);
        assert_eq!(ran.status, 0, "{}: {ran:?}", file.display());
        ran.is_plain();
    }
}
