//! Threat table: key and algorithm confusion, with the exact reason of each refusal.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::forge::Rsa;
use crate::local::{Local, NOW};
use crate::signatures::{api, claims, local};
use crate::tokens::{SigningKey, encoded, jwks, key, stranger};

/// A token with this header and an HMAC-SHA256 keyed with public bytes.
fn by_public_bytes(header: &Value, secret: &[u8]) -> String {
    let input = format!("{}.{}", encoded(header.to_string()), encoded(claims().to_string()));
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
    format!("{input}.{}", encoded(mac))
}

/// A JWK without its `alg`.
fn unbound(key: &SigningKey) -> Value {
    let mut jwk = key.jwk();
    jwk.as_object_mut().unwrap().remove("alg");
    jwk
}

#[test]
fn row_27_a_mac_made_with_a_public_key_is_an_unsupported_algorithm() {
    let keys = [key("RS256"), key("ES256")];
    let local = local(jwks(&keys));
    for key in &keys {
        let jwk = key.jwk();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", encoded(jwk.to_string()));
        let bytes = jwk["n"].as_str().or_else(|| jwk["x"].as_str()).unwrap();
        for secret in [pem.as_bytes(), format!(" {pem}").as_bytes(), jwk.to_string().as_bytes(), bytes.as_bytes(), b""]
        {
            for header in [json!({ "alg": "HS256", "kid": key.kid }), json!({ "alg": "HS256" })] {
                let token = by_public_bytes(&header, secret);
                assert_eq!(local.verdict("GET", "", &token), "deny unsupported_algorithm");
            }
        }
    }
}

#[test]
fn row_29_a_key_without_alg_verifies_no_other_family_and_row_30_one_with_alg_no_other_algorithm() {
    let (rsa, ec) = (key("RS256").named("k"), key("ES256").named("k"));
    let rsa_alone = local(json!({ "keys": [unbound(&rsa)] }));
    let ec_alone = local(json!({ "keys": [unbound(&ec)] }));
    for alg in ["RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"] {
        let token = rsa.token_with(&json!({ "alg": alg, "kid": "k" }), &claims());
        assert_eq!(rsa_alone.verdict("GET", "", &token), "unauthorized unknown_key", "{alg}");
    }
    for alg in ["RS256", "PS256", "ES384", "ES512", "EdDSA"] {
        let token = ec.token_with(&json!({ "alg": alg, "kid": "k" }), &claims());
        assert_eq!(ec_alone.verdict("GET", "", &token), "unauthorized unknown_key", "{alg}");
    }
    let rsa_algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
    for bound in rsa_algorithms {
        let local = local(jwks([&key(bound).named("k")]));
        for alg in rsa_algorithms {
            let expected = if alg == bound { "allow" } else { "unauthorized unknown_key" };
            assert_eq!(local.verdict("GET", "", &key(alg).named("k").token(&claims())), expected, "{alg} by {bound}");
        }
    }
}

#[test]
fn row_32_a_key_with_contradictory_members_is_dropped() {
    let good = stranger("ES256");
    let p256 = key("ES256").named("k");
    let (x, y) = (p256.jwk()["x"].clone(), p256.jwk()["y"].clone());
    for (kty, crv, alg) in [
        ("EC", "P-256", "ES384"),
        ("EC", "P-256", "ES512"),
        ("EC", "P-256", "RS256"),
        ("EC", "P-256", "ECDH-ES"),
        ("EC", "P-384", "ES256"),
        ("EC", "P-384", "ES384"),
        ("EC", "P-521", "ES256"),
        ("EC", "P-521", "ES512"),
        ("EC", "secp256k1", "ES256"),
        ("EC", "p-256", "ES256"),
        ("RSA", "P-256", "ES256"),
        ("OKP", "P-256", "ES256"),
        ("oct", "P-256", "ES256"),
        ("ec", "P-256", "ES256"),
    ] {
        let odd = json!({ "kty": kty, "crv": crv, "alg": alg, "kid": "k", "use": "sig", "x": x, "y": y });
        let local = local(json!({ "keys": [odd, good.jwk()] }));
        assert_eq!(local.verdict("GET", "", &p256.token(&claims())), "unauthorized unknown_key", "{kty} {crv} {alg}");
        assert_eq!(local.verdict("GET", "", &good.token(&claims())), "allow", "{kty} {crv} {alg}");
    }
}

#[test]
fn rows_33_and_35_other_curves_and_post_quantum_keys_are_skipped_and_their_names_unsupported() {
    let ed = key("EdDSA").named("k");
    let good = key("ES256");
    for (member, value) in [("crv", "Ed448"), ("crv", "X25519"), ("kty", "AKP"), ("alg", "ML-DSA-44"), ("alg", "Ed448")]
    {
        let mut odd = ed.jwk();
        odd[member] = value.into();
        let local = local(json!({ "keys": [odd, good.jwk()] }));
        assert_eq!(local.verdict("GET", "", &good.token(&claims())), "allow", "{value}");
        for (alg, expected) in [
            ("EdDSA", "unauthorized unknown_key"),
            ("Ed25519", "unauthorized unknown_key"),
            ("Ed448", "deny unsupported_algorithm"),
            ("ML-DSA-44", "deny unsupported_algorithm"),
        ] {
            let token = ed.token_with(&json!({ "alg": alg, "kid": "k" }), &claims());
            assert_eq!(local.verdict("GET", "", &token), expected, "{value} {alg}");
        }
    }
    // If the algorithm is not allowed, both its names are refused.
    let mut without = api(jwks([&ed]));
    without["issuers"][0]["jwks"] = jwks([&good]);
    without["issuers"][0]["algorithms"] = json!(["ES256"]);
    for alg in ["EdDSA", "Ed25519"] {
        let token = ed.token_with(&json!({ "alg": alg, "kid": "k" }), &claims());
        assert_eq!(Local::new(&without).verdict("GET", "", &token), "deny unsupported_algorithm");
    }
}

#[test]
fn row_38_a_kid_of_any_text_is_unknown_and_one_of_another_type_malformed() {
    let signer = key("ES256");
    let two = local(jwks([&signer, &stranger("ES256")]));
    for kid in ["", "../../etc/passwd", "' OR 1=1 --", "a\u{0}b", "http://evil.example/", "\u{202e}", "es256 ", "ES256"]
    {
        let token = signer.token_with(&json!({ "alg": "ES256", "kid": kid }), &claims());
        assert_eq!(two.verdict("GET", "", &token), "unauthorized unknown_key", "{kid:?}");
    }
    let long = "k".repeat(257);
    for kid in [json!(1), json!(null), json!(true), json!([]), json!({}), json!(["es256"]), json!(long)] {
        let token = signer.token_with(&json!({ "alg": "ES256", "kid": kid }), &claims());
        assert_eq!(two.verdict("GET", "", &token), "deny malformed_token");
    }
}

#[test]
fn rows_41_to_43_and_46_a_token_signed_by_a_skipped_key_has_an_unknown_key() {
    let good = key("ES256");
    let bad = stranger("RS256").named("bad");
    let odd = |member: &str, value: Value| {
        let mut jwk = bad.jwk();
        jwk[member] = value;
        jwk
    };
    let n = bad.jwk()["n"].as_str().unwrap().to_owned();
    for (row, jwk) in [
        (41, json!({ "kty": "oct", "kid": "bad", "alg": "RS256", "k": encoded([7; 32]) })),
        (42, odd("use", json!("enc"))),
        (42, odd("key_ops", json!([]))),
        (42, odd("key_ops", json!(["encrypt"]))),
        (42, odd("key_ops", json!(["sign, verify"]))),
        (43, odd("d", json!("AQAB"))),
        (43, odd("q", json!(""))),
        (43, odd("k", json!("AAAA"))),
        (46, odd("n", json!(format!("{n}==")))),
        (46, odd("n", json!(null))),
        (46, odd("e", json!(65_537))),
        (46, odd("kty", json!(null))),
        (46, odd("use", json!(["sig"]))),
    ] {
        let local = local(json!({ "keys": [jwk, null, 7, "key", [], {}, good.jwk()] }));
        assert_eq!(
            local.verdict("GET", "", &bad.token(&claims())),
            "unauthorized unknown_key",
            "row {row}: {member}",
            member = jwk["kty"]
        );
        assert_eq!(local.verdict("GET", "", &good.token(&claims())), "allow", "row {row}");
    }
}

#[test]
fn row_94_nothing_in_a_token_chooses_among_secrets() {
    let issuer =
        |name: &str, variable: &str| json!({ "issuer": name, "audience": "api", "secret": { "env": variable } });
    let document = json!({
        "policy": "single_request", "undeclared_routes": "allow",
        "issuers": [issuer("https://issuer.example/", "ONE"), issuer("https://other.example/", "TWO")]
    });
    let (one, two) = ("the secret of the first issuer, 1", "the secret of the other issuer, 2");
    let local = Local::with(&document, NOW, &[("ONE", one), ("TWO", two), ("EMPTY", "")]);
    for header in [
        json!({ "alg": "HS256" }),
        json!({ "alg": "HS256", "kid": "TWO" }),
        json!({ "alg": "HS256", "kid": "/dev/null" }),
        json!({ "alg": "HS256", "kid": "EMPTY" }),
        json!({ "alg": "HS256", "jwk": { "kty": "oct", "k": encoded(two) } }),
        json!({ "alg": "HS256", "iss": "https://other.example/" }),
    ] {
        assert_eq!(local.verdict("GET", "", &by_public_bytes(&header, one.as_bytes())), "allow", "{header}");
        for wrong in [two.as_bytes(), b"", b"TWO", &[0; 32]] {
            let token = by_public_bytes(&header, wrong);
            assert_eq!(local.verdict("GET", "", &token), "deny invalid_signature", "{header}");
        }
    }
}

#[test]
fn row_21_a_key_in_a_token_is_ignored() {
    let signer = key("RS256");
    let local = local(jwks([&signer]));
    let own = Rsa::rfc7515();
    for (name, value) in [
        ("jwk", own.jwk()),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/chain")),
        ("x5c", json!([encoded([0x30; 300])])),
    ] {
        let mut header = json!({ "alg": "RS256", "kid": signer.kid });
        header[name] = value;
        let input = format!("{}.{}", encoded(header.to_string()), encoded(claims().to_string()));
        let padded = crate::forge::Padding::RIGHT.of(input.as_bytes(), own.bytes());
        let forged = format!("{input}.{}", encoded(own.sign(&padded)));
        assert_eq!(local.verdict("GET", "", &forged), "deny invalid_signature", "{name}");
        assert_eq!(local.verdict("GET", "", &signer.token_with(&header, &claims())), "allow", "{name}");
    }
}
