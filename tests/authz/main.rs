//! `authz`, run as users run it: what it prints is stored in `golden/`, which `UPDATE_GOLDEN=1 cargo test --all-features
//! --test authz` writes anew.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

mod apis;
#[expect(dead_code, reason = "some of it is for the tests of the schema")]
#[path = "../support/bad_documents.rs"]
mod bad_documents;
mod cases;
mod deploy;
#[expect(dead_code, reason = "some of it is for the tests of introspection")]
#[path = "../support/endpoint.rs"]
mod endpoint;
#[expect(dead_code, reason = "some of it is for the tests of key fetches")]
#[path = "../support/http.rs"]
mod http;
mod mistakes;
mod opaque;
mod program;
mod refusals;
mod serve;
mod serve_app;
mod serve_browser;
mod serve_hostile;
mod serve_issuer;
mod serve_page;
mod serve_requests;
mod serve_responses;
mod tool;

use std::fs;
use std::path::{Path, PathBuf};

use program::{Ran, authz, golden};
use serde_json::Value;

/// Every sample event of a TOKEN authorizer, in order.
fn events() -> Vec<PathBuf> {
    events_of("")
}

/// The sample events in a folder.
fn events_of(folder: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("events").join(folder);
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    files
}

#[test]
fn an_explanation_comes_to_the_stored_answer_of_every_sample_event() {
    assert!(events().len() > 20);
    let mut simple = 0;
    for folder in ["", "rest-request", "http-api", "websocket", "tenants"] {
        let configuration = format!("events/config/{}.json", if folder.is_empty() { "authorizer" } else { folder });
        assert_eq!(authz(&["check", &configuration], "").status, 0, "{configuration}");
        for event in events_of(folder) {
            let config = ["explain", "--json", "--config", &configuration];
            let ran = authz(&[&config[..], &[event.to_str().unwrap()]].concat(), "");
            let explained: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
            let stored = Path::new("events/answers").join(folder).join(event.file_name().unwrap());
            let stored: Value = serde_json::from_slice(&fs::read(stored).unwrap()).unwrap();
            assert_eq!(explained["answer"], stored, "{}", event.display());
            assert_eq!(ran.status, 0, "{}: whatever the decision", event.display());
            if let Some(authorized) = stored.get("isAuthorized") {
                let expected = if *authorized == true { ("allow", 200) } else { ("deny", 403) };
                assert_eq!(
                    (explained["decision"].as_str(), &explained["client_sees"]),
                    (Some(expected.0), &expected.1.into())
                );
                simple += 1;
            }
        }
    }
    assert_eq!(simple, 3);
}

#[test]
fn a_configuration_is_told_in_plain_words() {
    golden("check", &authz(&["check", "tests/authz/authorizer.json"], ""));
    golden("check-samples", &authz(&["check", "events/config/authorizer.json"], ""));
    golden("check-warnings", &authz(&["check", "tests/authz/warnings.json"], ""));
    let ran = authz(&["check", "--json", "tests/authz/authorizer.json"], "");
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(told["meaning"]["routes"].as_array().unwrap().len(), 5);
}

#[test]
fn a_fetch_that_fails_is_told_and_fails_a_ci_step() {
    golden("check-fetch", &authz(&["check", "--fetch", "tests/authz/unreachable.json"], ""));
}

#[test]
fn the_hints_are_listed() {
    let ran = authz(&["hints"], "");
    assert!(ran.stdout.contains("audience_misspelt") && ran.stdout.contains("secret_may_be_base64"));
    ran.is_plain();
}

#[test]
fn help_shows_examples_of_every_command() {
    for command in [
        &[][..],
        &["check"],
        &["explain"],
        &["token"],
        &["import"],
        &["init"],
        &["simulate"],
        &["deploy-parameters"],
        &["serve"],
    ] {
        let ran = authz(&[command, &["--help"]].concat(), "");
        assert!(ran.stdout.contains("Examples:") && ran.status == 0, "{ran:?}");
        ran.is_plain();
    }
}

#[test]
fn input_that_cannot_be_used_exits_with_1_and_a_configuration_mistake_with_2() {
    let status = |arguments: &[&str]| authz(arguments, "").status;
    let config = "tests/authz/authorizer.json";
    assert_eq!(status(&[]), 1);
    assert_eq!(status(&["nothing"]), 1);
    assert_eq!(status(&["explain", "--config", config, "get /movies"]), 1);
    assert_eq!(status(&["explain", "--config", config, "GET movies"]), 1);
    assert_eq!(status(&["explain", "--config", config, "absent.json"]), 1);
    assert_eq!(status(&["explain", "--config", config, "--token", "absent.txt", "GET /movies"]), 1);
    assert_eq!(status(&["explain", "--config", config, "--at", "noon", "GET /movies"]), 1);
    assert_eq!(status(&["explain", "--config", config, "GET /movies"]), 0);
    assert_eq!(status(&["explain", "--config", "absent.json", "GET /movies"]), 2);
    assert_eq!(status(&["check", "absent.json"]), 2);
    assert_eq!(status(&["token"]), 1);
    assert_eq!(status(&["token", "--key", "tests/authz/secret.txt"]), 1);
}

#[test]
fn times_are_rfc_3339_or_seconds() {
    let at = |time: &str| -> Ran {
        authz(&["explain", "--config", "tests/authz/authorizer.json", "--at", time, "GET /movies"], "")
    };
    assert_eq!(at("2027-01-15T08:00:00Z").stdout, at("1800000000").stdout);
    assert_eq!(at("2027-01-15T09:00:00+01:00").stdout, at("1800000000").stdout);
}

/// Each line of output that the pages show stands in a stored one; `...` is what they leave out.
#[test]
fn the_pages_show_real_output() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let stored = fs::read_dir(root.join("tests/authz/golden")).unwrap();
    let stored: Vec<String> = stored.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    let mut blocks = 0;
    for page in ["docs/from-your-api.md", "docs/getting-started.md", "docs/troubleshoot.md"] {
        let page = fs::read_to_string(root.join(page)).unwrap();
        for block in page.split("```text\n").skip(1) {
            let (block, _) = block.split_once("```").unwrap();
            let shown =
                |text: &&String| block.lines().all(|line| line == "..." || text.lines().any(|real| real == line));
            assert!(stored.iter().any(|text| shown(&text)), "no output has all of this:\n{block}");
            blocks += 1;
        }
    }
    assert!(blocks > 10);
}
