//! Checks the documentation: every relative link and anchor has a target, and the book lists every page.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed step fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Documents that are not pages of the book.
const BESIDE: [&str; 9] = [
    "README.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "examples/README.md",
    "examples/presets/README.md",
    "examples/spa/README.md",
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

/// A line without its inline code.
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

/// The broken links of a document.
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
fn every_relative_link_and_anchor_has_a_target() {
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

/// The folders of examples, without that of the presets, which is no recipe.
fn recipes() -> Vec<String> {
    let entries = fs::read_dir(root().join("examples")).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    let mut names: Vec<String> = folders.map(|folder| folder.file_name().into_string().unwrap()).collect();
    names.retain(|name| name != "presets");
    names.sort();
    names
}

#[test]
fn every_recipe_is_on_a_page_and_in_the_list_of_examples() {
    let named = |document: &str, prefix: &str| -> BTreeSet<String> {
        let targets = links(&read(Path::new(document)));
        let inside = targets.iter().filter_map(|target| target.strip_prefix(prefix)?.split_once('/'));
        inside.map(|(folder, _)| folder.to_owned()).filter(|folder| !folder.starts_with('.')).collect()
    };
    let recipes: BTreeSet<String> = recipes().into_iter().collect();
    assert_eq!(named("examples/README.md", ""), recipes);
    let mut pages = named("docs/attach.md", "../examples/");
    pages.extend(named("docs/mcp.md", "../examples/"));
    assert_eq!(pages, recipes);
}

#[test]
fn every_recipe_has_the_validation_expression_of_the_template() {
    let template = read(Path::new("template.yaml"));
    let parameter = template.split_once("\n  IdentityValidationExpression:\n").unwrap().1;
    let expression = parameter.split_once("Default: '").unwrap().1.split_once('\'').unwrap().0;
    assert!(expression.starts_with('^') && expression.ends_with('$'), "{expression}");
    let files = |recipe: &String| {
        let entries = fs::read_dir(root().join("examples").join(recipe)).unwrap();
        // Languages whose texts have escapes double the backslash.
        let texts =
            entries.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap_or_default().replace(r"\\", r"\"));
        texts.collect::<String>()
    };
    let without: Vec<String> = recipes().into_iter().filter(|recipe| !files(recipe).contains(expression)).collect();
    assert_eq!(without, ["requests", "spa"], "REQUEST authorizers have none, and the app is a client of the others");
    assert_eq!(read(Path::new("docs/attach.md")).matches(expression).count(), 2);
}

/// The recipes that describe an API are read as `authz import` reads any API: what they protect, and what they leave public.
#[cfg(feature = "authz")]
#[test]
fn the_route_table_of_a_recipe_is_what_it_protects() {
    let import = |file: &str| {
        let ran =
            std::process::Command::new(env!("CARGO_BIN_EXE_authz")).current_dir(root()).args(["import", file]).output();
        let ran = ran.unwrap();
        assert!(ran.status.success(), "{ran:?}");
        (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap())
    };
    let table =
        |route: &str| format!("{{\n  \"undeclared_routes\": \"absent\",\n  \"routes\": [\n    {route}\n  ]\n}}\n");
    for (file, route, public) in [
        ("examples/openapi/openapi.yaml", r#"{ "method": "GET", "path": "/orders" }"#, "GET /health, OPTIONS /orders"),
        ("examples/sam/template.yaml", r#"{ "method": "GET", "path": "/orders" }"#, "GET /health"),
        (
            "examples/mcp/template.yaml",
            r#"{ "path": "/mcp" }"#,
            "GET /.well-known/oauth-protected-resource/mcp, OPTIONS /mcp",
        ),
    ] {
        let said = format!("1 route from {file}\n  left out  public: {public}\n");
        assert_eq!(import(file), (table(route), said));
    }
}

/// The store's configuration names each method of its template, and nothing else.
#[cfg(feature = "authz")]
#[test]
fn the_configuration_of_the_pets_store_is_for_its_template() {
    let mut check = std::process::Command::new(env!("CARGO_BIN_EXE_authz"));
    check.current_dir(root()).args(["check", "examples/pets/authorizer.json", "--api", "examples/pets/template.yaml"]);
    let ran = check.output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let said = String::from_utf8(ran.stdout).unwrap();
    let agrees = "4 methods protected by a Lambda authorizer; each is in the table, and nothing else is";
    assert!(said.contains(agrees), "{said}");
}

/// The configurations of the stacks for REQUEST authorizers start, and the REST API's names each of its methods.
#[cfg(feature = "authz")]
#[test]
fn the_configurations_of_the_request_authorizers_are_for_their_templates() {
    for (kind, api, said) in [
        ("rest", true, "3 methods protected by a Lambda authorizer; each is in the table, and nothing else is"),
        ("http", false, "GET   /orders/{id}"),
        ("websocket", false, "WebSocket  $connect"),
    ] {
        let folder = Path::new("examples/requests").join(kind);
        let mut check = std::process::Command::new(env!("CARGO_BIN_EXE_authz"));
        check.current_dir(root()).arg("check").arg(folder.join("authorizer.json"));
        if api {
            check.arg("--api").arg(folder.join("template.yaml"));
        }
        let ran = check.output().unwrap();
        assert!(ran.status.success(), "{kind}: {ran:?}");
        let output = String::from_utf8(ran.stdout).unwrap();
        assert!(output.contains(said), "{kind}: {output}");
    }
}

/// The code spans of a text, each with the text that follows it.
fn spans(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, opened) = rest.split_once('`')?;
        let (span, after) = opened.split_once('`')?;
        rest = after;
        Some((span, after))
    })
}

#[test]
fn every_file_that_the_guides_name_exists_and_has_the_items_named_after_it() {
    let mut items = 0;
    for document in ["docs/architecture.md", "CONTRIBUTING.md"] {
        let text = read(Path::new(document));
        for (file, after) in prose(&text).into_iter().flat_map(spans) {
            if !file.starts_with("src/") && !file.starts_with("tests/") || file.contains('X') {
                continue;
            }
            assert!(root().join(file).exists(), "{document}: {file}");
            // `src/file.rs` (`item`, `item`)
            let Some((named, _)) = after.strip_prefix(" (").and_then(|after| after.split_once(')')) else { continue };
            for (item, _) in spans(named) {
                assert!(read(Path::new(file)).contains(item), "{document}: {item} in {file}");
                items += 1;
            }
        }
    }
    assert!(items >= 15, "{items} items");
}
