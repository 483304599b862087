//! Small inputs after public reports of what goes wrong with authorizers: what is said of each by its log line, by `explain`
//! and by `check`.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::program::{authz_with, golden_text};

/// The folder, the reason, what is told, and the paths of the warnings.
type Case = (&'static str, Option<&'static str>, Told, &'static [&'static str]);

/// What is told about a refusal.
enum Told {
    /// There is none.
    Nothing,
    /// The code of a hint, in the log line too.
    Hint(&'static str),
    /// How what to do begins, in `explain` alone.
    Advice(&'static str),
}
use Told::{Advice, Hint, Nothing};

impl Told {
    fn hint(&self) -> Option<&str> {
        match self {
            Hint(code) => Some(code),
            Advice(_) | Nothing => None,
        }
    }
}

const CASES: &[Case] = &[
    ("adfs-x5t-at-rollover", None, Nothing, &["issuers[0].issuer"]),
    ("algorithm-not-supported", Some("unsupported_algorithm"), Advice("Have the issuer sign with"), &[]),
    ("aud-empty-list", Some("wrong_audience"), Hint("audience_claim_absent"), &[]),
    (
        "audience-is-a-number",
        Some("wrong_audience"),
        Advice("Have the issuer write `aud`, the audience, as a text"),
        &[],
    ),
    (
        "audience-of-another-api",
        Some("wrong_audience"),
        Advice(r#"Have the client ask for a token for "https://api.test""#),
        &[],
    ),
    ("clerk-pending", Some("invalid_claim"), Hint("session_pending"), &["issuers[0].issuer", "issuers[0].audience"]),
    ("cognito-id-token-at-access-preset", Some("wrong_audience"), Hint("id_token_for_access_token"), &[]),
    ("dotted-claim", Some("claim_mismatch"), Hint("claim_name_is_dotted"), &["routes[0].claims"]),
    ("entra-app-signing-key", Some("unknown_key"), Hint("entra_application_key"), &[]),
    ("entra-graph-token-at-v2-preset", Some("unknown_issuer"), Hint("entra_graph_token"), &[]),
    (
        "expired-long-ago",
        Some("expired"),
        Advice("Have the client fetch a new token: this one ended 2 hours ago."),
        &[],
    ),
    ("express-path", Some("undeclared_route"), Hint("path_parameter_with_colon"), &["routes[0].path"]),
    (
        "header-with-crit",
        Some("malformed_token"),
        Advice("Have the issuer leave `crit` out of the token's header"),
        &[],
    ),
    ("integration-event", Some("malformed_event"), Hint("proxy_event"), &[]),
    ("issuer-double-slash", Some("unknown_issuer"), Hint("issuer_differs_by_trailing_slash"), &["issuers[0].issuer"]),
    ("issuer-in-quotes", Some("unknown_issuer"), Hint("issuer_has_quotes"), &["issuers[0].issuer"]),
    (
        "issuer-unknown",
        Some("unknown_issuer"),
        Advice(r#"Send a token of a configured issuer: the `iss` of this one is "https://login.partner.test/"."#),
        &[],
    ),
    ("issuer-with-well-known", Some("unknown_issuer"), Hint("issuer_is_a_document"), &["issuers[0].issuer"]),
    ("key-as-certificate", Some("unknown_key"), Hint("key_passed_over"), &["issuers[0].jwks"]),
    ("key-for-encryption", Some("unknown_key"), Hint("key_passed_over"), &[]),
    ("key-not-allowed", Some("unknown_key"), Hint("key_passed_over"), &[]),
    ("key-of-another-signer", Some("invalid_signature"), Advice("Send a new token, as its issuer wrote it."), &[]),
    ("key-of-other-algorithm", Some("unknown_key"), Hint("key_of_other_algorithm"), &[]),
    ("key-padded-modulus", Some("unknown_key"), Hint("key_passed_over"), &["issuers[0].jwks"]),
    ("key-passed-over-no-reason", Some("unknown_key"), Hint("key_passed_over"), &["issuers[0].jwks"]),
    ("key-shared-kid", Some("unknown_key"), Hint("key_passed_over"), &["issuers[0].jwks"]),
    ("key-unknown", Some("unknown_key"), Advice("Renew the key set of `issuers[0]`"), &[]),
    ("keycloak-auth-prefix", Some("unknown_issuer"), Hint("issuer_differs_by_auth"), &["issuers[0].issuer"]),
    ("keycloak-client-roles", Some("insufficient_scope"), Hint("scopes_in_another_claim"), &["issuers[0].issuer"]),
    ("null-d", None, Nothing, &[]),
    ("null-kid", None, Nothing, &[]),
    ("principal-too-long", Some("invalid_claim"), Hint("principal_unfit"), &[]),
    ("ps256-key-without-alg", Some("unknown_key"), Hint("key_without_alg"), &[]),
    (
        "record-of-another",
        Some("claim_mismatch"),
        Advice(r#"Ask for the path of this token: {id} has to be its `sub`, "user-1"."#),
        &[],
    ),
    ("record-with-slash", Some("claim_mismatch"), Advice("Compare {id} with another claim in `routes[0]`"), &[]),
    ("required-claim-absent", Some("missing_claim"), Advice("Have the issuer write `tenant` into its tokens"), &[]),
    (
        "required-claim-differs",
        Some("invalid_claim"),
        Advice(r#"Send a token whose `tenant` is "acme" or "initech": this one's is "umbrella"."#),
        &[],
    ),
    ("rest-request-event", None, Nothing, &[]),
    ("role-not-granted", Some("claim_mismatch"), Advice("Send the token of somebody who may"), &[]),
    ("route-not-declared", Some("undeclared_route"), Advice("Add an entry to `routes`"), &[]),
    ("rs512-key-without-alg", Some("unknown_key"), Hint("key_without_alg"), &[]),
    (
        "scope-not-granted",
        Some("insufficient_scope"),
        Advice("Have the issuer grant read:prices, and the client ask for it"),
        &[],
    ),
    ("secret-base64-in-json", Some("invalid_signature"), Hint("secret_is_a_json_member"), &["issuers[0].secret"]),
    ("secret-base64url", Some("invalid_signature"), Hint("secret_may_be_base64"), &[]),
    ("secret-hex", Some("invalid_signature"), Hint("secret_may_be_hex"), &[]),
    ("secret-in-quotes", Some("invalid_signature"), Hint("secret_in_quotes"), &["issuers[0].secret"]),
    ("secret-is-json-object", Some("invalid_signature"), Hint("secret_is_a_json_member"), &["issuers[0].secret"]),
    ("secret-of-another-stage", Some("invalid_signature"), Advice("Compare the secret of `issuers[0]`"), &[]),
    ("secret-read-as-base64", Some("invalid_signature"), Hint("secret_may_be_text"), &[]),
    ("secret-with-line-end", Some("invalid_signature"), Hint("secret_has_white_space"), &["issuers[0].secret"]),
    ("string-true", Some("invalid_claim"), Hint("claim_of_other_type"), &[]),
    ("truncated-token", Some("malformed_token"), Hint("token_truncated"), &[]),
];

fn environment() -> Vec<(String, String)> {
    // Those that are encoded are the bytes from 200 to 231, 251 and 255.
    let secrets = [
        ("JWT_SECRET", r#"{"JWT_SECRET": "0123456789abcdef0123456789abcdefXYZ"}"#),
        ("QUOTED_SECRET", r#""0123456789abcdef0123456789abcdefXYZ""#),
        ("SECRET_WITH_LINE_END", "0123456789abcdef0123456789abcdefXYZ\r\n"),
        ("PLAIN_SECRET", "0123456789abcdef0123456789abcdefABCDEFGHIJKL"),
        ("BASE64URL_SECRET", "yMnKy8zNzs_Q0dLT1NXW19jZ2tvc3d7f4OHi4-Tl5uf7_w"),
        ("HEX_SECRET", "c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7fbff"),
        ("BASE64_SECRET_IN_JSON", r#"{"name": "orders", "key": "yMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5uf7/w=="}"#),
    ];
    secrets.map(|(name, secret)| (name.to_owned(), secret.to_owned())).to_vec()
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
    for (case, reason, told, _) in CASES {
        let [config, event] = files(case);
        let [config, event] = [config.to_str().unwrap(), event.to_str().unwrap()];
        let at = ["--at", "1800000000"];
        let base = [&["explain", "--config", config][..], &at].concat();
        let ran = authz_with(&[&base[..], &["--json", event]].concat(), "", &environment());
        let explained: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
        assert_eq!(explained["reason"].as_str(), *reason, "{case}: {explained:#}");
        assert_eq!(explained["hint"]["code"].as_str(), told.hint(), "{case}: {explained:#}");
        match (told, explained["advice"].as_str()) {
            (Advice(begins), Some(advice)) => assert!(advice.starts_with(begins), "{case}: {advice}"),
            (Hint(_) | Nothing, None) => {}
            _ => panic!("{case}: {explained:#}"),
        }
        let ran = authz_with(&[&base[..], &[event]].concat(), "", &environment());
        ran.is_plain();
        golden_text(&format!("case-{case}"), &ran.text());
    }
}

#[test]
fn each_log_line_has_the_code_of_the_hint_and_nothing_of_the_token() {
    for (case, _, told, _) in CASES {
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
        assert_eq!(line["hint"].as_str(), told.hint(), "{case}");
        let secrets = environment().into_iter().map(|(_, secret)| secret);
        let parts =
            ["user-1", "orders-api", "eyJ", "read:movies", "0123456789abcdef", "billing.test", "umbrella", "yMnKy"];
        for part in parts.map(str::to_owned).into_iter().chain(secrets) {
            assert!(!logged.contains(&part), "{case}: {logged}");
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
