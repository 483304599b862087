//! Hints for requests that should have no authorizer, and for ambiguous paths.

use super::*;

#[test]
fn a_preflight_request_should_have_no_authorizer() {
    for error in [Error::MissingToken, Error::UndeclaredRoute, Error::InsufficientScope] {
        Case { method: "OPTIONS", scope: Some("x"), ..Case::new(error, json!({})) }.says(Some(Hint::PreflightRequest));
        Case { scope: Some("x"), ..Case::new(error, json!({})) }.says(None);
    }
}

#[test]
fn an_ambiguous_path_names_its_cause() {
    let cases = [
        ("/movies", Some(Hint::DoubleSlashInPath)),
        ("movies//1", Some(Hint::DoubleSlashInPath)),
        ("movies/a%2Fb", Some(Hint::EncodedSlashInPath)),
        ("movies/%2e%2e", Some(Hint::EncodedSlashInPath)),
        ("movies/100%25", Some(Hint::EncodedSlashInPath)),
        ("movies/*", None),
    ];
    for (path, expected) in cases {
        Case { path, ..Case::new(Error::AmbiguousPath, json!({})) }.says(expected);
    }
}
