//! `authz` as a tool: its arguments, what it makes, and how wide it writes.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::program::{Ran, authz, authz_in, authz_with};

const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl";

/// An empty folder of its own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tool-{name}-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn here(folder: &Path, arguments: &[&str], input: &str) -> Ran {
    authz_in(folder, arguments, input, &[])
}

#[test]
fn a_token_in_the_arguments_is_refused_and_not_repeated() {
    let config = ["--config", "tests/authz/authorizer.json"];
    let bearer = format!("Bearer {TOKEN}");
    for arguments in [
        &["explain", "--token", TOKEN, "GET /movies"][..],
        &["explain", "--token", &bearer, "GET /movies"],
        &["explain", TOKEN],
        &["explain", "GET /movies", TOKEN],
        &["explain", "--tokn", TOKEN, "GET /movies"],
    ] {
        let ran = authz(&[arguments, &config].concat(), "");
        assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{arguments:?}");
        assert!(ran.stderr.contains("a token stands on the command line"), "{ran:?}");
        assert!(!ran.stderr.contains("eyJ") && !ran.stderr.contains("c2lnbmF0dXJl"), "{ran:?}");
    }
    // Where there is no configuration, too.
    for arguments in [&["explain", "--token", TOKEN, "GET /movies"][..], &["explain", TOKEN]] {
        let ran = here(&folder("token"), arguments, "");
        assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{arguments:?}");
        assert!(ran.stderr.contains("a token stands on the command line") && !ran.stderr.contains("eyJ"), "{ran:?}");
    }
    let ran = authz(&[&["explain", "--token", "", "GET /movies"][..], &config].concat(), "");
    assert!(ran.stderr.contains("a value is required for '--token <FILE>'"), "{ran:?}");
    let ran = authz(&["token", "--secret", "the-canary-secret-itself"], "");
    assert_eq!(ran.status, 1);
    assert!(!ran.stderr.contains("canary") && ran.stderr.contains("there is no such file"), "{ran:?}");
}

#[test]
fn one_hint_is_printed_by_its_code() {
    let ran = authz(&["hints", "kid_absent"], "");
    assert!(ran.stdout.starts_with("kid_absent\n  The token has no `kid`"), "{ran:?}");
    assert_eq!(ran.stdout.lines().filter(|line| !line.starts_with(' ')).count(), 1);
    let ran = authz(&["hints", "kid_abesnt"], "");
    assert_eq!((ran.status, ran.stderr.as_str()), (1, "authz: there is no such hint; did you mean kid_absent?\n"));
}

#[test]
fn a_token_without_a_signer_says_which_there_are() {
    let ran = authz(&["token", "--claim", "aud=api"], "");
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.contains("<--key <FILE>|--secret <FILE>|--unsigned|--new-key [<FILE>]>"), "{ran:?}");
    let ran = authz(&["token", "--key", "a.jwk.json", "--secret", "secret.txt"], "");
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("'--key <FILE>' cannot be used with '--secret <FILE>'"), "{ran:?}");
}

#[test]
fn a_new_key_signs_tokens_that_its_set_verifies() {
    let folder = folder("new-key");
    for alg in ["ES256", "ES384", "ES512", "EdDSA", "RS256", "PS384"] {
        let private = format!("{alg}.jwk.json");
        let made = here(&folder, &["token", "--new-key", &private, "--alg", alg], "");
        assert_eq!(made.status, 0, "{made:?}");
        let set: Value = serde_json::from_str(&made.stdout).unwrap();
        for member in ["d", "p", "q"] {
            assert!(set["keys"][0].get(member).is_none(), "the set is public: {set}");
        }
        let config = json!({
            "issuers": [{ "issuer": "https://idp.test/", "audience": "api", "jwks": set }], "routes": [{ "path": "/pets" }]
        });
        std::fs::write(folder.join("authorizer.json"), config.to_string()).unwrap();
        let claims = ["--claim", "iss=https://idp.test/", "--claim", "aud=api", "--claim", "sub=ada"];
        let token = here(&folder, &[&["token", "--key", &private][..], &claims].concat(), "");
        let ran = here(&folder, &["explain", "--token", "-", "GET /pets"], &token.stdout);
        assert!(ran.stdout.starts_with("ALLOWED  GET /pets\n"), "{alg}: {ran:?}");
        let again = here(&folder, &["token", "--new-key", &private, "--alg", alg], "");
        assert_eq!(again.status, 1, "a key is not replaced: {again:?}");
    }
    let printed: Value = serde_json::from_str(&here(&folder, &["token", "--new-key"], "").stdout).unwrap();
    assert_eq!((&printed["alg"], printed["d"].is_string()), (&json!("ES256"), true));
    let made = here(&folder, &["token", "--new-key", "secret.txt", "--alg", "HS512"], "");
    assert_eq!((made.status, made.stdout.as_str()), (0, ""));
    assert_eq!(std::fs::read_to_string(folder.join("secret.txt")).unwrap().trim().len(), 86);
}

#[test]
fn strict_takes_warnings_for_mistakes_and_json_tells_mistakes_too() {
    let warnings = "tests/authz/warnings.json";
    assert_eq!(authz(&["check", warnings], "").status, 0);
    let strict = authz(&["check", "--strict", warnings], "");
    assert_eq!((strict.status, strict.stdout.as_str()), (2, ""), "{strict:?}");
    let told = |arguments: &[&str]| -> (i32, Value) {
        let ran = authz(arguments, "");
        (ran.status, serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}")))
    };
    let (status, plain) = told(&["check", "--json", warnings]);
    assert_eq!((status, plain["mistakes"].as_array().unwrap().len()), (0, 0));
    let (status, strict) = told(&["check", "--json", "--strict", warnings]);
    assert_eq!(status, 2);
    assert_eq!(strict["mistakes"].as_array().unwrap().len(), plain["warnings"].as_array().unwrap().len());
    let (status, absent) = told(&["check", "--json", "absent.json"]);
    let expected = json!({ "path": "(document)", "expected": "absent.json: there is no such file" });
    assert_eq!((status, &absent["mistakes"]), (2, &json!([expected])));
}

#[test]
fn a_document_that_is_nearly_as_long_as_the_environment_is_warned_of() {
    let folder = folder("size");
    let document = |bytes: usize| {
        let route = json!({ "path": "/pets", "scopes": "s".repeat(bytes) });
        let issuer = json!({ "issuer": "https://idp.test/", "audience": "api", "jwks_uri": "https://keys.test/set" });
        json!({ "issuers": [issuer], "routes": [route] }).to_string()
    };
    let warned = |bytes: usize, strict: bool| {
        std::fs::write(folder.join("authorizer.json"), document(bytes)).unwrap();
        let flags: &[&str] = if strict { &["--strict"] } else { &[] };
        here(&folder, &[&["check"][..], flags].concat(), "")
    };
    assert!(warned(3000, false).stdout.starts_with("No mistakes.\n"));
    assert!(warned(3600, false).stdout.contains("nearly as long as the 4 KB"));
    assert!(warned(5000, false).stdout.contains("longer than the 4 KB"));
    assert_eq!(warned(5000, true).status, 0, "a file may be long");
    let variable = [("AUTHORIZER_CONFIG".to_owned(), document(3600))];
    assert_eq!(authz_with(&["check", "--strict"], "", &variable).status, 2);
}

#[test]
fn lines_are_as_wide_as_the_terminal() {
    for (columns, widest) in [("60", 60), ("100", 100), ("200", 100), ("20", 40)] {
        let environment = [("COLUMNS".to_owned(), columns.to_owned())];
        let ran = authz_with(&["hints"], "", &environment);
        let found = ran.stdout.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(found <= widest && found > widest.saturating_sub(12), "{columns}: {found}");
    }
}

#[test]
fn the_deployed_binary_says_what_it_is_without_a_configuration() {
    let ran = |argument: &str| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_apigw-jwt-authorizer")).arg(argument).env_clear().output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let version = format!("apigw-jwt-authorizer {}\n", env!("CARGO_PKG_VERSION"));
    for argument in ["--version", "-V"] {
        assert_eq!(ran(argument), (Some(0), version.clone()));
    }
    for argument in ["--help", "-h"] {
        let (status, text) = ran(argument);
        assert_eq!(status, Some(0));
        assert!(
            text.starts_with("usage: apigw-jwt-authorizer EVENT.json...") && text.contains("AUTHORIZER_CONFIG_FILE")
        );
    }
}

#[test]
fn a_local_run_names_each_event_on_standard_error() {
    let files = ["events/no-token.json", "events/orders-get-orders.json", "absent.json"];
    let output = Command::new(env!("CARGO_BIN_EXE_apigw-jwt-authorizer"))
        .args(files)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .env("AUTHORIZER_CONFIG_FILE", "events/config/authorizer.json")
        .output()
        .unwrap();
    let (answers, log) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(answers.lines().count(), 3, "{answers}");
    assert!(files.iter().all(|file| log.lines().any(|line| line == format!("{file}:"))), "{log}");
    assert!(log.contains("absent.json: there is no such file"), "{log}");
}
