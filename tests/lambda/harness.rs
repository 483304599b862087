//! Tests of the tools in `tests/support`.

use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::http::Reply;
use crate::support::{ALGORITHMS, KeyServer, SigningKey, eventually, key, stranger};

/// Verifies a signature with only the published key.
fn verifies(key: &SigningKey, message: &[u8], signature: &[u8]) -> bool {
    let jwk = if key.alg.starts_with("HS") { Value::Null } else { key.jwk() };
    let part = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let unparsed = |algorithm: &'static dyn VerificationAlgorithm, public: Vec<u8>| {
        UnparsedPublicKey::new(algorithm, public).verify(message, signature).is_ok()
    };
    let point = || [vec![4], part("x"), part("y")].concat();
    let hmac =
        |algorithm| hmac::verify(&hmac::Key::new(algorithm, key.secret().as_bytes()), message, signature).is_ok();
    let rsa = match key.alg {
        "HS256" => return hmac(hmac::HMAC_SHA256),
        "HS384" => return hmac(hmac::HMAC_SHA384),
        "HS512" => return hmac(hmac::HMAC_SHA512),
        "ES256" => return unparsed(&ECDSA_P256_SHA256_FIXED, point()),
        "ES384" => return unparsed(&ECDSA_P384_SHA384_FIXED, point()),
        "ES512" => return unparsed(&ECDSA_P521_SHA512_FIXED, point()),
        "EdDSA" => return unparsed(&ED25519, part("x")),
        "RS256" => &RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &RSA_PSS_2048_8192_SHA256,
        "PS384" => &RSA_PSS_2048_8192_SHA384,
        _ => &RSA_PSS_2048_8192_SHA512,
    };
    RsaPublicKeyComponents { n: part("n"), e: part("e") }.verify(rsa, message, signature).is_ok()
}

#[test]
fn tokens_are_signed_by_the_key_that_is_published() {
    for alg in ALGORITHMS {
        let token = key(alg).token(&json!({ "sub": "alice" }));
        let (input, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(verifies(&key(alg), input.as_bytes(), &signature), "{alg}");
        assert!(!verifies(&stranger(alg), input.as_bytes(), &signature), "{alg}");
        assert!(!verifies(&key(alg), b"another message", &signature), "{alg}");
    }
}

#[test]
fn the_key_server_answers_as_scripted_and_stops_while_it_stalls() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = KeyServer::start();
    server.set("/a", Reply::ok("a").header("ETag", "\"1\""));
    server.set("/stall", Reply::ok("stall").stalling_after(2));
    server.set("/late", Reply::ok("late").delayed(Duration::from_secs(3600)));
    runtime.block_on(async {
        let get = |path: &str| {
            let request = http::Request::get(path).body(lambda_runtime_api_client::body::Body::empty()).unwrap();
            let endpoint = server.url("/").parse().unwrap();
            let client = lambda_runtime_api_client::Client::builder().with_endpoint(endpoint).build().unwrap();
            async move { client.call(request).await.unwrap() }
        };
        assert_eq!(get("/a").await.headers()["etag"], "\"1\"");
        assert_eq!(get("/b").await.status(), 404);
        // The response's head arrives, but its body stalls.
        assert_eq!(get("/stall").await.status(), 200);
        let late = tokio::time::timeout(Duration::from_millis(50), get("/late")).await;
        assert!(late.is_err());
    });
    assert_eq!((server.count("/a"), server.count("/b"), server.count("/c")), (1, 1, 0));
    eventually("the late request has arrived", || (server.count("/late") == 1).then_some(()));
    drop(server);
}
