//! The examples of RFC 7515 appendix A and RFC 7519 through the whole pipeline, at a time before they expired.

use serde_json::{Value, json};

use crate::local::Local;
use crate::tokens::encoded;

/// The `exp` of every example.
const EXP: u64 = 1_300_819_380;
/// The payload `{"iss":"joe",..}` with line breaks and spaces (RFC 7515 appendix A.1.1, RFC 7519 section 3.1).
const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
/// The shared secret of appendix A.1.1.
const SECRET: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
/// Header and signature of appendices A.1.1, A.2.1 and A.3.1.
const HS256: (&str, &str) = ("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
const RS256: (&str, &str) = (
    "eyJhbGciOiJSUzI1NiJ9",
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
);
const ES256: (&str, &str) =
    ("eyJhbGciOiJFUzI1NiJ9", "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");

/// An API for tokens of `joe`, which have no `aud` and no `sub`.
fn api(keys: (&str, Value)) -> Value {
    let mut issuer = json!({ "issuer": "joe", "audience": null, "leeway_seconds": 0 });
    issuer[keys.0] = keys.1;
    json!({ "policy": "single_request", "principal": "iss", "issuers": [issuer], "undeclared_routes": "allow" })
}

fn local(api: &Value) -> Local {
    Local::with(api, EXP - 1, &[("JOES", SECRET)])
}

/// Checks that the example passes until it expires, and fails with another signature or payload or under stricter
/// rules.
#[track_caller]
fn example(api: &Value, (header, signature): (&str, &str)) {
    let local = local(api);
    let decided = |payload: &str, signature: &str| local.verdict("GET", "", &format!("{header}.{payload}.{signature}"));
    assert_eq!(decided(PAYLOAD, signature), "allow");
    let (first, rest) = signature.split_at(1);
    let other = if first == "A" { "B" } else { "A" };
    assert_eq!(decided(PAYLOAD, &format!("{other}{rest}")), "deny invalid_signature");
    let root = encoded(r#"{"iss":"joe","exp":1300819381,"http://example.com/is_root":true}"#);
    assert_eq!(decided(&root, signature), "deny invalid_signature");
    local.clock.advance(1);
    assert_eq!(decided(PAYLOAD, signature), "deny expired");
    assert_eq!(decided(PAYLOAD, &format!("{other}{rest}")), "deny invalid_signature", "the signature comes first");
    // Stricter rules refuse it for the claim that it lacks, but only after its signature is verified.
    for (member, value, expected) in [
        ("/principal", json!("sub"), "deny missing_claim"),
        ("/issuers/0/audience", json!("api"), "deny wrong_audience"),
        ("/issuers/0/issuer", json!("Joe"), "deny unknown_issuer"),
        ("/issuers/0/max_token_age_seconds", json!(60), "deny missing_claim"),
    ] {
        let mut api = api.clone();
        match api.pointer_mut(member) {
            Some(place) => *place = value,
            None => api["issuers"][0]["max_token_age_seconds"] = value,
        }
        let local = self::local(&api);
        assert_eq!(local.verdict("GET", "", &format!("{header}.{PAYLOAD}.{signature}")), expected, "{member}");
        let changed = local.verdict("GET", "", &format!("{header}.{PAYLOAD}.{other}{rest}"));
        let expected = if expected == "deny unknown_issuer" { expected } else { "deny invalid_signature" };
        assert_eq!(changed, expected, "{member}");
    }
}

#[test]
fn rfc_7515_a_1_and_rfc_7519_3_1_hs256() {
    example(&api(("secret", json!({ "env": "JOES", "encoding": "base64url" }))), HS256);
}

#[test]
fn rfc_7515_a_2_rs256() {
    let mut jwk = crate::forge::Rsa::rfc7515().jwk();
    // As in the RFC: without `alg`, `use` and `kid`.
    ["alg", "use"].iter().for_each(|member| drop(jwk.as_object_mut().unwrap().remove(*member)));
    example(&api(("jwks", json!({ "keys": [jwk] }))), RS256);
}

#[test]
fn rfc_7515_a_3_es256() {
    let jwk = json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    });
    example(&api(("jwks", json!({ "keys": [jwk] }))), ES256);
}

#[test]
fn rfc_7515_a_5_and_rfc_7519_6_1_an_unsecured_token_has_no_algorithm_of_ours() {
    let local = local(&api(("secret", json!({ "env": "JOES", "encoding": "base64url" }))));
    assert_eq!(local.verdict("GET", "", &format!("eyJhbGciOiJub25lIn0.{PAYLOAD}.")), "deny unsupported_algorithm");
    assert_eq!(
        local.verdict("GET", "", &format!("eyJhbGciOiJub25lIn0.{PAYLOAD}.{}", HS256.1)),
        "deny unsupported_algorithm"
    );
}

#[test]
fn rfc_7520_and_rfc_8037_a_payload_that_is_not_a_claims_set_is_malformed() {
    let local = local(&api(("secret", json!({ "env": "JOES", "encoding": "base64url" }))));
    // RFC 8037 appendix A.4, and RFC 7520 section 4.4 with its payload and detached (section 4.5).
    let ed25519 = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let header = encoded(r#"{"alg":"HS256","kid":"018c0ae5-4d9b-471b-bfd6-eef314bc7037"}"#);
    let sentence = encoded(
        "It\u{2019}s a dangerous business, Frodo, going out your door. You step onto the road, and if you don't keep your feet, there\u{2019}s no knowing where you might be swept off to.",
    );
    let mac = "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0";
    for token in [ed25519, &format!("{header}.{sentence}.{mac}"), &format!("{header}..{mac}")] {
        assert_eq!(local.verdict("GET", "", token), "deny malformed_token");
    }
}
