//! The bad configurations of `tests/config/bad.json`, one on a line:
//!
//! - `name`: what is wrong with it;
//! - `mistakes`: the paths that the error must name;
//! - `beyond_schema`: why no schema can find the mistake, if none can;
//! - `document`: the configuration; or `text` if it is not JSON, `null` or has a member twice; or `latin_1` if it is not UTF-8.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bad {
    pub(crate) name: String,
    pub(crate) mistakes: BTreeSet<String>,
    pub(crate) beyond_schema: Option<String>,
    document: Option<Box<RawValue>>,
    text: Option<String>,
    latin_1: Option<String>,
}

impl Bad {
    /// The configuration, byte for byte.
    pub(crate) fn content(&self) -> Vec<u8> {
        match (&self.document, &self.text, &self.latin_1) {
            (Some(document), None, None) => document.get().into(),
            (None, Some(text), None) => text.clone().into(),
            (None, None, Some(text)) => text.chars().map(|c| u8::try_from(c).unwrap()).collect(),
            _ => panic!("{}: one of `document`, `text` and `latin_1` is expected", self.name),
        }
    }

    /// Its path below [`FOLDER`].
    pub(crate) fn path(&self) -> String {
        format!("tests/config/bad/{}.json", self.name)
    }
}

/// All bad documents, in the order of the table.
pub(crate) static ALL: LazyLock<Vec<Bad>> = LazyLock::new(|| {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/bad.json");
    serde_json::from_slice(&fs::read(table).unwrap()).unwrap()
});

/// A folder with each bad document as a file, and the files that they name.
pub(crate) static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bad-documents");
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/files");
    for entry in fs::read_dir(files).unwrap() {
        let file = entry.unwrap();
        write(&folder.join("tests/config/files").join(file.file_name()), &fs::read(file.path()).unwrap());
    }
    for bad in ALL.iter() {
        write(&folder.join(bad.path()), &bad.content());
    }
    folder
});

/// Another process that runs the tests may write the same file, or read it.
fn write(file: &Path, content: &[u8]) {
    if fs::read(file).is_ok_and(|there| there == content) {
        return;
    }
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let new = file.with_extension(format!("{}.new", std::process::id()));
    fs::write(&new, content).unwrap();
    fs::rename(new, file).unwrap();
}
