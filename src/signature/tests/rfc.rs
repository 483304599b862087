//! The examples of RFC 7520 section 4 and RFC 8037 appendix A, whose payloads are sentences.

use serde_json::json;

use super::{accepts, decoded, encoded, key};
use crate::algorithm::Algorithm;
use crate::keys::{Encoding, KeyRules, PublicKey, Secret, SecretKind as _, Unusable};

/// RFC 7520 figure 7.
const PAYLOAD: &str = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";
/// RFC 7520 figure 3, without `d`.
const N: &str = "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw";
/// RFC 7520 figures 13 and 20: RS256 and PS384.
const RS256: &str = "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg";
const PS384: &str = "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw";

/// The signing input: the header as in the RFC, and the payload.
fn input(header: &str) -> String {
    format!("{}.{PAYLOAD}", encoded(header.as_bytes()))
}

#[test]
fn rfc_7520_4_1_and_4_2_rsa_signatures() {
    let header = |alg: &str| input(&format!(r#"{{"alg":"{alg}","kid":"bilbo.baggins@hobbiton.example"}}"#));
    for (algorithm, alg, signature) in [(Algorithm::Rs256, "RS256", RS256), (Algorithm::Ps384, "PS384", PS384)] {
        // The key has no `alg`, so it is bound to the allowed one.
        let key = key(&json!({ "kty": "RSA", "use": "sig", "n": N, "e": "AQAB" }), algorithm);
        assert!(accepts(&key, header(alg).as_bytes(), &decoded(signature)), "{alg}");
        assert!(!accepts(&key, header("RS512").as_bytes(), &decoded(signature)), "{alg}: another header");
    }
}

#[test]
fn rfc_7520_4_3_es512() {
    let jwk = json!({
        "kty": "EC", "kid": "bilbo.baggins@hobbiton.example", "use": "sig", "crv": "P-521",
        "x": "AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt",
        "y": "AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1"
    });
    let signature = decoded(
        "AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2",
    );
    let key = key(&jwk, Algorithm::Es512);
    let header = |alg: &str| input(&format!(r#"{{"alg":"{alg}","kid":"bilbo.baggins@hobbiton.example"}}"#));
    assert!(accepts(&key, header("ES512").as_bytes(), &signature));
    assert!(!accepts(&key, header("ES384").as_bytes(), &signature), "another header");
}

#[test]
fn rfc_7520_4_4_hmac() {
    let text = b"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg";
    let secret = Secret::read(text, Encoding::Base64Url, &vec![Algorithm::Hs256]).unwrap();
    let key = secret.key(Algorithm::Hs256).unwrap();
    let signature = decoded("s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0");
    let signed = input(r#"{"alg":"HS256","kid":"018c0ae5-4d9b-471b-bfd6-eef314bc7037"}"#);
    assert!(accepts(key, signed.as_bytes(), &signature));
    assert!(!accepts(key, input(r#"{"alg":"HS256"}"#).as_bytes(), &signature));
}

#[test]
fn rfc_8037_appendix_a_ed25519() {
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let signature = decoded("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
    let public = key(&jwk, Algorithm::Ed25519);
    assert!(accepts(&public, b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc", &signature));
    assert!(!accepts(&public, b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmd", &signature));
    // Appendix A.1: a JWK with the private key is not accepted.
    let mut private = jwk;
    private["d"] = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A".into();
    let parsed = PublicKey::parse(&private.to_string(), &KeyRules::of_one_issuer(&[Algorithm::Ed25519]));
    assert_eq!(parsed.err().map(|key| key.reason), Some(Unusable::Private));
}
