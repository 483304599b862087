//! `authz serve` as the gateway of a REQUEST authorizer: identity sources, and what answers are kept by.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::serve::{Gateway, folder, sample};

const HEADER: &str = "method.request.header.Authorization";

/// A folder of its own, with a file of the sample configuration for REQUEST events with these members changed.
fn folder_and_file(name: &str, more: &Value) -> (PathBuf, PathBuf) {
    let sample = std::fs::read("events/config/rest-request.json").unwrap();
    let mut document: Value = serde_json::from_slice(&sample).unwrap();
    let keys = std::fs::canonicalize("events/keys/movies.secret.txt").unwrap();
    document["issuers"][0]["secret"] = json!({ "file": keys });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let folder = folder(name);
    let file = folder.join("authorizer.json");
    std::fs::write(&file, document.to_string()).unwrap();
    (folder, file)
}

/// A gateway with the sample configuration for REQUEST events, these members changed, and these identity sources.
fn gateway(name: &str, more: &Value, sources: &[&str]) -> Gateway {
    let (folder, file) = folder_and_file(name, more);
    let mut arguments = vec![file.to_str().unwrap()];
    sources.iter().for_each(|source| arguments.extend(["--identity-source", source]));
    Gateway::start_in(&folder, &arguments)
}

#[test]
fn with_method_and_path_among_the_identity_sources_each_request_has_an_answer_of_its_own() {
    let single = json!({ "policy": "single_request" });
    let gateway = gateway("request-all", &single, &[HEADER, "context.httpMethod", "context.path"]);
    let movies = sample("movies-get-movie");
    let statuses = ["/movie", "/device", "/movie", "/device"].map(|path| gateway.get(path, &movies).status);
    assert_eq!(statuses, [200, 403, 200, 403]);
    assert_eq!(gateway.asked(), ["invoked", "invoked", "cached", "cached"]);
}

#[test]
fn with_the_token_alone_a_cacheable_policy_is_right_and_one_of_a_single_request_is_not() {
    let movies = sample("movies-get-movie");
    let cacheable = gateway("request-cacheable", &json!({}), &[HEADER]);
    let statuses = ["/device", "/movie", "/device"].map(|path| cacheable.get(path, &movies).status);
    assert_eq!(statuses, [403, 200, 403]);
    assert_eq!(cacheable.asked(), ["invoked", "cached", "cached"]);
    let single = gateway("request-single", &json!({ "policy": "single_request" }), &[HEADER]);
    let statuses = ["/device", "/movie"].map(|path| single.get(path, &movies).status);
    assert_eq!(statuses, [403, 403], "the answer to the first request is kept for the second");
}

#[test]
fn nobody_is_asked_if_an_identity_source_is_absent() {
    let gateway = gateway("request-absent", &json!({}), &[HEADER, "method.request.querystring.device"]);
    let movies = sample("movies-get-movie");
    for (target, token) in [("/movie", movies.as_str()), ("/movie?device=", movies.as_str()), ("/movie?device=1", "")] {
        let got = gateway.get(target, token);
        assert_eq!((got.status, got.header("x-amzn-errortype")), (401, Some("UnauthorizedException")), "{target}");
    }
    assert_eq!(gateway.get("/movie?device=1", &movies).status, 200);
    assert_eq!(gateway.get("/movie?device=2", &movies).status, 200);
    assert_eq!(gateway.asked(), ["not_asked", "not_asked", "not_asked", "invoked", "invoked"]);
}

#[test]
fn the_token_of_a_cookie_is_taken_and_two_tokens_are_malformed() {
    let gateway = gateway("request-cookie", &json!({}), &["method.request.header.Cookie"]);
    let movies = sample("movies-get-movie");
    let token = movies.strip_prefix("Bearer ").unwrap();
    let other = sample("devices-get-device");
    let send = |headers: &[(&str, &str)]| gateway.send("GET", "/movie", headers, "").status;
    assert_eq!(send(&[("Cookie", &format!("theme=dark; session={token}"))]), 200);
    assert_eq!(send(&[("Cookie", "theme=dark")]), 403);
    let two = format!("session={token}; session={}", other.strip_prefix("Bearer ").unwrap());
    assert_eq!(send(&[("Cookie", &two)]), 403);
}

#[test]
fn the_development_issuers_tokens_are_believed_wherever_they_are() {
    let (folder, file) = folder_and_file("request-issuer", &json!({ "token_sources": "cookie:session" }));
    let arguments = [file.to_str().unwrap(), "--issuer", "--identity-source", "method.request.header.Cookie"];
    let gateway = Gateway::start_in(&folder, &arguments);
    let minted = gateway.minted("administrator", 300);
    let cookie = format!("a=b; session={}", minted.strip_prefix("Bearer ").unwrap());
    assert_eq!(gateway.send("GET", "/movie", &[("Cookie", &cookie)], "").status, 200);
}
