//! Import rules of `src/`: no two files import each other, no modules import in a circle, and the shared vocabulary
//! imports nothing else.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a failed step fails the test"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Known pairs that import each other. Remove a pair once it is fixed.
const KNOWN: [(&str, &str); 1] = [("src/policy/builder/assembly.rs", "src/policy/builder/mod.rs")];

/// The directories of the library with the deployed binary, and of the second binary.
const ROOT: &str = "src";
const AUTHZ: &str = "src/bin/authz";

/// The root of the deployed binary, which no file imports.
const BINARY: &str = "src/main.rs";

/// The modules that any stage may import, and that import only each other.
const VOCABULARY: [&str; 6] = ["algorithm", "decimal", "error", "json", "tenant", "time"];

/// The modules that may import `config` and `authorizer`. All others are below them.
const TOP: [&str; 5] = ["authorizer", "explain", "internals", "lib", "lint"];

/// The path of a module or item, from the root of its crate.
type Name = Vec<String>;

/// A source file: the module it holds, and the names it imports.
struct File {
    path: String,
    /// [`ROOT`] or [`AUTHZ`].
    root: &'static str,
    module: Name,
    /// The absolute name of each path in the file, and whether the file re-exports it.
    paths: Vec<(Name, Reexport)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Reexport {
    Yes,
    No,
}

#[test]
fn no_two_files_import_each_other() {
    let files = files();
    let imports = imports(&files);
    assert!(imports.len() > 200, "only {} imports were found", imports.len());
    let mutual: BTreeSet<_> = imports.iter().filter(|(a, b)| a < b && imports.contains(&(*b, *a))).copied().collect();
    assert_eq!(mutual, BTreeSet::from(KNOWN));
}

#[test]
fn modules_do_not_import_in_a_circle() {
    let mut left = module_imports();
    // Remove modules that import none of the remaining ones. Only circles remain.
    while let Some(done) = left.iter().map(|(_, to)| to.clone()).find(|to| left.iter().all(|(from, _)| from != to)) {
        left.retain(|(_, to)| *to != done);
    }
    assert_eq!(left, BTreeSet::new());
}

#[test]
fn the_vocabulary_imports_nothing_else() {
    for (from, to) in module_imports() {
        assert!(!VOCABULARY.contains(&&*from) || VOCABULARY.contains(&&*to), "{from} imports {to}");
    }
}

#[test]
fn no_stage_imports_the_configuration_or_the_authorizer() {
    for (from, to) in module_imports() {
        assert!(!["config", "authorizer"].contains(&&*to) || TOP.contains(&&*from), "{from} imports {to}");
    }
}

/// The imports between files: the file that uses a name, and the file that defines it, through any re-exports.
fn imports(files: &[File]) -> BTreeSet<(&str, &str)> {
    let uses = files.iter().flat_map(|file| file.paths.iter().map(move |(name, _)| (file, name)));
    let imports = uses.filter_map(|(file, name)| Some((&*file.path, &*defined_in(name, file.root, files)?.path)));
    imports.filter(|(from, to)| from != to).collect()
}

/// The imports between the library's top-level modules.
fn module_imports() -> BTreeSet<(String, String)> {
    let files = files();
    let top = |path: &str| path.split(['/', '.']).nth(1).unwrap_or_default().to_owned();
    let named = imports(&files).into_iter().map(|(from, to)| (top(from), top(to)));
    named.filter(|(from, to)| from != to && from != "bin").collect()
}

/// The file that defines a name.
fn defined_in<'a>(name: &[String], root: &str, files: &'a [File]) -> Option<&'a File> {
    let holder = files
        .iter()
        .filter(|file| file.root == root && file.path != BINARY && name.starts_with(&file.module))
        .max_by_key(|file| file.module.len())?;
    if root != ROOT && holder.module.is_empty() {
        // A module of the second binary whose file belongs to the first.
        return defined_in(name, ROOT, files);
    }
    let rest = name.get(holder.module.len()..)?;
    let source = holder
        .paths
        .iter()
        .find(|(path, reexport)| *reexport == Reexport::Yes && path.last() == rest.first() && !name.starts_with(path));
    match source {
        Some((source, _)) => defined_in(source, root, files),
        None => Some(holder),
    }
}

fn files() -> Vec<File> {
    let mut files = Vec::new();
    collect(Path::new(ROOT), &mut files);
    let modules: BTreeSet<_> = files.iter().map(|(path, _)| module(path)).collect();
    files.iter().map(|(path, text)| read(path, text, &modules)).collect()
}

/// Collects every source file except tests, which may import anything.
fn collect(folder: &Path, files: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_stem().is_some_and(|stem| stem == "tests") {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            files.push((path, text));
        }
    }
}

/// The root of a file's crate, and the file's module.
fn module(path: &Path) -> (&'static str, Name) {
    let root = if path.starts_with(AUTHZ) { AUTHZ } else { ROOT };
    let mut module: Name = path
        .strip_prefix(root)
        .unwrap()
        .with_extension("")
        .components()
        .map(|part| part.as_os_str().to_str().unwrap().to_owned())
        .collect();
    if matches!(module.last().unwrap().as_str(), "mod" | "lib" | "main") {
        module.pop();
    }
    (root, module)
}

/// Reads the paths of a file: those that begin with `crate`, `super` or `self` anywhere in its code, and the imports
/// that begin with one of its own modules.
fn read(path: &Path, text: &str, modules: &BTreeSet<(&'static str, Name)>) -> File {
    let (root, module) = module(path);
    let text = text.split("\nmod tests {").next().unwrap();
    let code: String =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|l| [l, "\n"]).collect();
    let words = words(&code);
    let mut paths = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let before = |back: usize| at.checked_sub(back).map_or("", |at| words[at]);
        let own = || modules.contains(&(root, [module.as_slice(), &[(*word).to_owned()]].concat()));
        let start = match *word {
            "crate" | "super" | "self" if words.get(at + 1) == Some(&"::") && before(1) != "in" => None,
            _ if before(1) == "use" && own() => Some("self"),
            _ => continue,
        };
        let exported = before(1) == "use" && (before(2) == ")" || before(2) == "pub");
        let mut names = Vec::new();
        let mut rest = words[at..].iter().copied().peekable();
        tree(&mut rest, start.map(str::to_owned).into_iter().collect(), &mut names);
        let reexport = if exported { Reexport::Yes } else { Reexport::No };
        paths.extend(names.iter().map(|name| (absolute(name, &module), reexport)));
    }
    File { path: path.to_str().unwrap().to_owned(), root, module, paths }
}

/// Splits code into words, `::`, and single other characters.
fn words(code: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            ':' if rest.starts_with("::") => 2,
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (word, after) = rest.split_at(length);
        words.push(word);
        rest = after.trim_start();
    }
    words
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Reads a path or a tree of paths in braces, and adds each of its paths.
fn tree<'a>(words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>, mut path: Name, paths: &mut Vec<Name>) {
    loop {
        match words.next() {
            Some("{") => {
                while words.peek().is_some_and(|word| *word != "}") {
                    tree(words, path.clone(), paths);
                    words.next_if_eq(&",");
                }
                words.next();
                return;
            }
            Some(word) => path.push(word.to_owned()),
            None => return,
        }
        if words.next_if_eq(&"::").is_none() {
            break;
        }
    }
    if words.next_if_eq(&"as").is_some() {
        words.next();
    }
    paths.push(path);
}

/// The path from the root of the crate.
fn absolute(path: &[String], module: &[String]) -> Name {
    let mut absolute = match path.first().map(String::as_str) {
        Some("crate") => Vec::new(),
        _ => module.to_vec(),
    };
    for part in path {
        match part.as_str() {
            "crate" | "self" => {}
            "super" => drop(absolute.pop()),
            part => absolute.push(part.to_owned()),
        }
    }
    absolute
}
