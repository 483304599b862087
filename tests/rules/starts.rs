//! The threat table: configurations that refuse to start, each with its one mistake.

use serde_json::{Value, json};

use crate::desk::{NOW, SECRET, config_with, signed};
use crate::tokens::{encoded, key};

/// An API with these fields in its issuer, whose secret is `S`.
fn api(fields: Value) -> Value {
    let mut issuer = json!({ "issuer": "https://issuer.example/", "audience": "api", "secret": { "env": "S" } });
    issuer.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({ "issuers": [issuer], "undeclared_routes": "allow" })
}

/// It does not start, for this reason alone.
#[track_caller]
fn refused(document: &Value, secret: &str, expected: &str) {
    let error = config_with(&document.to_string(), &[("S", secret)]).err().unwrap();
    let mistakes: Vec<String> = error.mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(mistakes, [expected], "{document}");
}

#[track_caller]
fn starts(document: &Value, secret: &str) {
    assert!(config_with(&document.to_string(), &[("S", secret)]).is_ok(), "{document}");
}

#[test]
fn row_28_an_algorithm_of_the_other_family_refuses_to_start() {
    for alg in ["RS256", "PS256", "ES256", "EdDSA"] {
        let mistake = "issuers[0].algorithms[0]: with a `secret`, expected a list of `HS256`, `HS384`, `HS512`";
        refused(&api(json!({ "algorithms": [alg] })), SECRET, mistake);
    }
    for alg in ["HS256", "HS384", "HS512"] {
        let keys = json!({ "keys": [key("ES256").jwk()] });
        let issuer =
            json!({ "issuer": "https://issuer.example/", "audience": "api", "jwks": keys, "algorithms": [alg] });
        let document = json!({ "issuers": [issuer], "undeclared_routes": "allow" });
        let mistake = "issuers[0].algorithms[0]: with keys, expected a list of `RS256`, `RS384`, `RS512`, `PS256`, `PS384`, `PS512`, `ES256`, `ES384`, `EdDSA`";
        refused(&document, SECRET, mistake);
    }
}

#[test]
fn row_59_a_secret_shorter_than_the_hash_or_empty_refuses_to_start() {
    for (alg, bytes) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
        let document = api(json!({ "algorithms": [alg] }));
        starts(&document, &"s".repeat(bytes));
        let short = format!("issuers[0].secret: the secret is shorter than the {bytes} bytes that {alg} needs");
        refused(&document, &"s".repeat(bytes - 1), &short);
        refused(&document, "s", &short);
        refused(&document, "", "issuers[0].secret: the secret is empty");
        // Counted once it is decoded.
        let encoded_secret = json!({ "algorithms": [alg], "secret": { "env": "S", "encoding": "base64url" } });
        starts(&api(encoded_secret.clone()), &encoded("s".repeat(bytes)));
        refused(&api(encoded_secret), &encoded("s".repeat(bytes - 1)), &short);
    }
}

#[test]
fn rows_27_and_61_a_public_key_for_a_secret_refuses_to_start() {
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", "MIIB".repeat(90));
    let jwk = key("RS256").jwk().to_string();
    let set = json!({ "keys": [key("ES256").jwk()] }).to_string();
    let text = "issuers[0].secret: the secret is a PEM or JWK text; public keys go into `jwks` or `jwks_file`";
    for key in [&pem, &format!(" {pem}"), &format!("\n\t{pem}"), &format!("x{pem}"), &jwk, &format!(" {jwk}"), &set] {
        refused(&api(json!({})), key, text);
    }
    let wrapped =
        "issuers[0].secret: the secret is an encoded PEM or JWK text; public keys go into `jwks` or `jwks_file`";
    for key in [&pem, &jwk, &set] {
        refused(&api(json!({ "secret": { "env": "S", "encoding": "base64url" } })), &encoded(key), wrapped);
    }
    // Nothing guesses an encoding: the same text is its own bytes unless the configuration says otherwise.
    let text = encoded(SECRET);
    starts(&api(json!({})), &text);
    starts(&api(json!({ "secret": { "env": "S", "encoding": "base64url" } })), &text);
    let not = "issuers[0].secret: the secret is not base64url as its `encoding` says";
    refused(&api(json!({ "secret": { "env": "S", "encoding": "base64url" } })), SECRET, not);
}

#[test]
fn row_61_an_encoding_that_is_configured_is_the_only_one_that_counts() {
    let claims = json!({ "iss": "https://issuer.example/", "aud": "api", "sub": "user-1", "exp": NOW + 60 });
    let token = signed(r#"{"alg":"HS256"}"#, &claims.to_string());
    let decides = |encoding: &str, text: &str| {
        let document = api(json!({ "secret": { "env": "S", "encoding": encoding } }));
        crate::desk::Desk::with(&document, NOW, &[("S", text)]).verdict("GET", "", &token)
    };
    assert_eq!(decides("utf8", SECRET), "allow");
    assert_eq!(decides("base64url", &encoded(SECRET)), "allow");
    assert_eq!(decides("utf8", &encoded(SECRET)), "deny invalid_signature");
}

#[test]
fn row_71_leeway_is_from_0_to_300_seconds() {
    for good in [0, 300] {
        starts(&api(json!({ "leeway_seconds": good })), SECRET);
    }
    for bad in [json!(-1), json!(301), json!(1.5), json!("10"), json!(1e300), json!(null)] {
        let mistake = "issuers[0].leeway_seconds: expected a whole number from 0 to 300";
        refused(&api(json!({ "leeway_seconds": bad })), SECRET, mistake);
    }
}

#[test]
fn row_79_no_audience_and_no_issuer_to_compare_with_refuses_to_start() {
    refused(
        &api(json!({ "audience": [] })),
        SECRET,
        "issuers[0].audience: an empty list says nothing; expected at least one item",
    );
    refused(
        &api(json!({ "audience": "" })),
        SECRET,
        "issuers[0].audience: expected an audience, a list of them, or `null`",
    );
    refused(&api(json!({ "issuer": "" })), SECRET, "issuers[0].issuer: expected the text of the `iss` claim");
    let mut none = api(json!({}));
    none["issuers"] = json!([]);
    refused(&none, SECRET, "issuers: expected a list of 1 to 32 issuers");
    let mut absent = api(json!({}));
    absent["issuers"][0].as_object_mut().unwrap().remove("audience");
    let expected = "issuers[0].audience: missing; expected the audience of your API, a text or a list of texts, or `null` to check none";
    refused(&absent, SECRET, expected);
    // `null` is the one way to do without, and it is warned of.
    let config = config_with(&api(json!({ "audience": null })).to_string(), &[("S", SECRET)]).unwrap();
    assert_eq!(config.warnings().len(), 1, "{:?}", config.warnings());
}

#[test]
fn row_86_a_route_that_needs_no_scope_by_an_empty_list_refuses_to_start() {
    for scopes in [json!([]), json!(""), json!(" "), json!([""]), json!(null)] {
        let mut document = api(json!({}));
        document["routes"] = json!([{ "path": "/x", "scopes": scopes }]);
        let error = config_with(&document.to_string(), &[("S", SECRET)]).err().unwrap();
        let paths: Vec<&str> = error.mistakes.iter().map(|mistake| mistake.path.as_str()).collect();
        let expected = if scopes == json!([""]) { "routes[0].scopes[0]" } else { "routes[0].scopes" };
        assert_eq!(paths, [expected], "{scopes}");
    }
}
