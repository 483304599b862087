//! Small inputs after public reports of what goes wrong with authorizers: what is said of each by its log line, by `explain`
//! and by `check`.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::program::{authz_with, golden_text};

/// The folder, the reason, the hint, and the paths of the warnings.
type Case = (&'static str, Option<&'static str>, Option<&'static str>, &'static [&'static str]);

const CASES: &[Case] = &[
    ("adfs-x5t-at-rollover", None, None, &[]),
    ("aud-empty-list", Some("wrong_audience"), Some("audience_claim_absent"), &[]),
    ("cognito-id-token-at-access-preset", Some("wrong_audience"), Some("id_token_for_access_token"), &[]),
    ("dotted-claim", Some("claim_mismatch"), Some("claim_name_is_dotted"), &["routes[0].claims"]),
    ("entra-app-signing-key", Some("unknown_key"), Some("entra_application_key"), &[]),
    ("entra-graph-token-at-v2-preset", Some("unknown_issuer"), Some("entra_graph_token"), &[]),
    ("express-path", Some("undeclared_route"), Some("path_parameter_with_colon"), &["routes[0].path"]),
    ("issuer-double-slash", Some("unknown_issuer"), Some("issuer_differs_by_trailing_slash"), &["issuers[0].issuer"]),
    ("issuer-with-well-known", Some("unknown_issuer"), Some("issuer_is_a_document"), &["issuers[0].issuer"]),
    ("key-passed-over-no-reason", Some("unknown_key"), Some("key_passed_over"), &["issuers[0].jwks"]),
    ("keycloak-auth-prefix", Some("unknown_issuer"), Some("issuer_differs_by_auth"), &["issuers[0].issuer"]),
    ("keycloak-client-roles", Some("insufficient_scope"), Some("scopes_in_another_claim"), &["issuers[0].issuer"]),
    ("null-d", None, None, &[]),
    ("null-kid", None, None, &[]),
    ("principal-too-long", Some("invalid_claim"), Some("principal_unfit"), &[]),
    ("rest-request-event", Some("malformed_event"), Some("request_event"), &[]),
    ("rs512-key-without-alg", Some("unknown_key"), Some("key_without_alg"), &[]),
    ("secret-is-json-object", Some("invalid_signature"), Some("secret_is_a_json_member"), &["issuers[0].secret"]),
    ("string-true", Some("invalid_claim"), Some("claim_of_other_type"), &[]),
    ("truncated-token", Some("malformed_token"), Some("token_truncated"), &[]),
];

fn environment() -> Vec<(String, String)> {
    let secret = r#"{"JWT_SECRET": "0123456789abcdef0123456789abcdefXYZ"}"#;
    vec![("JWT_SECRET".to_owned(), secret.to_owned())]
}

fn files(case: &str) -> [PathBuf; 2] {
    let folder = Path::new("tests/authz/cases").join(case);
    ["config.json", "event.json"].map(|file| folder.join(file))
}

#[test]
fn every_folder_is_a_case() {
    let folders = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/authz/cases")).unwrap();
    let mut folders: Vec<String> = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    folders.sort();
    assert_eq!(folders, CASES.iter().map(|(case, ..)| (*case).to_owned()).collect::<Vec<_>>());
}

#[test]
fn each_refusal_is_explained_by_its_cause() {
    for (case, reason, hint, _) in CASES {
        let [config, event] = files(case);
        let [config, event] = [config.to_str().unwrap(), event.to_str().unwrap()];
        let at = ["--at", "1800000000"];
        let base = [&["explain", "--config", config][..], &at].concat();
        let ran = authz_with(&[&base[..], &["--json", event]].concat(), "", &environment());
        let explained: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
        assert_eq!(explained["reason"].as_str(), *reason, "{case}: {explained:#}");
        assert_eq!(explained["hint"]["code"].as_str(), *hint, "{case}: {explained:#}");
        let ran = authz_with(&[&base[..], &[event]].concat(), "", &environment());
        ran.is_plain();
        golden_text(&format!("case-{case}"), &ran.text());
    }
}

#[test]
fn each_log_line_has_the_code_of_the_hint_and_nothing_of_the_token() {
    for (case, _, hint, _) in CASES {
        let [config, event] = files(case);
        let ran = Command::new(env!("CARGO_BIN_EXE_apigw-jwt-authorizer"))
            .arg(event)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_clear()
            .envs(environment())
            .env("AUTHORIZER_CONFIG_FILE", config)
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_LAMBDA_LOG_LEVEL", "DEBUG")
            .output()
            .unwrap();
        let logged = String::from_utf8(ran.stderr).unwrap();
        let decision = logged.lines().find(|line| line.contains(r#""message":"decision""#));
        let line: Value = serde_json::from_str(decision.unwrap_or_else(|| panic!("{case}: {logged}"))).unwrap();
        assert_eq!(line["hint"].as_str(), *hint, "{case}");
        for part in ["user-1", "orders-api", "eyJ", "read:movies", "0123456789abcdef"] {
            assert!(!logged.contains(part), "{case}: {logged}");
        }
    }
}

#[test]
fn check_warns_of_what_can_be_seen_without_a_token() {
    for (case, _, _, paths) in CASES {
        let [config, _] = files(case);
        let ran = authz_with(&["check", "--json", config.to_str().unwrap()], "", &environment());
        let told: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{case}: {ran:?}"));
        let warnings = told["warnings"].as_array().unwrap().iter().map(|warning| warning["path"].as_str().unwrap());
        let found: Vec<&str> = warnings.collect();
        assert_eq!(found.len(), paths.len(), "{case}: {told:#}");
        assert!(found.iter().zip(*paths).all(|(found, path)| found.starts_with(path)), "{case}: {found:?}");
    }
}
