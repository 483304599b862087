#![no_main]

use std::collections::HashSet;
use std::sync::LazyLock;

use apigw_jwt_authorizer_fuzz::differential;
use apigw_jwt_authorizer_fuzz::world::{ISSUER, KEYS, NOW, SECRET};
use jwt_simple::prelude::*;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fuzz_target!(|data: &[u8]| {
    differential::run(data, &jwt_simple);
});

/// The public key of an algorithm.
fn key(alg: &str) -> String {
    let set: Value = serde_json::from_str(KEYS).unwrap();
    set["keys"].as_array().unwrap().iter().find(|key| key["alg"] == alg).unwrap().to_string()
}

fn jwt_simple(token: &str, header: &Value, claims: &Value) -> Option<Result<Value, String>> {
    static RS256: LazyLock<RS256PublicKey> = LazyLock::new(|| RS256PublicKey::from_jwk(&key("RS256")).unwrap());
    static RS384: LazyLock<RS384PublicKey> = LazyLock::new(|| RS384PublicKey::from_jwk(&key("RS384")).unwrap());
    static RS512: LazyLock<RS512PublicKey> = LazyLock::new(|| RS512PublicKey::from_jwk(&key("RS512")).unwrap());
    static PS256: LazyLock<PS256PublicKey> = LazyLock::new(|| PS256PublicKey::from_jwk(&key("PS256")).unwrap());
    static PS384: LazyLock<PS384PublicKey> = LazyLock::new(|| PS384PublicKey::from_jwk(&key("PS384")).unwrap());
    static PS512: LazyLock<PS512PublicKey> = LazyLock::new(|| PS512PublicKey::from_jwk(&key("PS512")).unwrap());
    static ES256: LazyLock<ES256PublicKey> = LazyLock::new(|| ES256PublicKey::from_jwk(&key("ES256")).unwrap());
    static ES384: LazyLock<ES384PublicKey> = LazyLock::new(|| ES384PublicKey::from_jwk(&key("ES384")).unwrap());
    static ED25519: LazyLock<Ed25519PublicKey> = LazyLock::new(|| Ed25519PublicKey::from_jwk(&key("EdDSA")).unwrap());

    if is_stricter(header, claims) {
        return None;
    }
    let alg = header["alg"].as_str().unwrap();
    let secret = SECRET.as_bytes();
    let audiences: &[&str] = if alg.starts_with("HS") { &["api", "other"] } else { &["api"] };
    let options = Some(VerificationOptions {
        allowed_issuers: Some(HashSet::from([ISSUER.to_owned()])),
        allowed_audiences: Some(audiences.iter().map(|audience| (*audience).to_owned()).collect()),
        artificial_time: Some(UnixTimeStamp::from_secs(NOW.into())),
        time_tolerance: Some(Duration::from_secs(10)),
        ..Default::default()
    });
    type Members = Map<String, Value>;
    let verified = match alg {
        "HS256" => HS256Key::from_bytes(secret).verify_token::<Members>(token, options),
        "HS384" => HS384Key::from_bytes(secret).verify_token::<Members>(token, options),
        "HS512" => HS512Key::from_bytes(secret).verify_token::<Members>(token, options),
        "RS256" => RS256.verify_token::<Members>(token, options),
        "RS384" => RS384.verify_token::<Members>(token, options),
        "RS512" => RS512.verify_token::<Members>(token, options),
        "PS256" => PS256.verify_token::<Members>(token, options),
        "PS384" => PS384.verify_token::<Members>(token, options),
        "PS512" => PS512.verify_token::<Members>(token, options),
        "ES256" => ES256.verify_token::<Members>(token, options),
        "ES384" => ES384.verify_token::<Members>(token, options),
        "EdDSA" | "Ed25519" => ED25519.verify_token::<Members>(token, options),
        other => panic!("the unsupported algorithm {other} is accepted"),
    };
    Some(verified.map_err(|error| error.to_string()).map(|verified| serde_json::to_value(verified).unwrap()))
}

/// Whether the other library refuses something here that the RFCs allow.
fn is_stricter(header: &Value, claims: &Value) -> bool {
    let text = |value: Option<&Value>| value.is_none_or(Value::is_string);
    let texts = |value: &Value| value.as_array().is_some_and(|items| items.iter().all(Value::is_string));
    // RFC 7515 section 4.1.9 also allows `application/jwt`; the library only knows long types that end in `+jwt`.
    let long_type = header["typ"].as_str().is_some_and(|typ| typ.eq_ignore_ascii_case("application/jwt"));
    // It reads header parameters that we ignore (RFC 7515 section 4), and expects strings, even for `jwk`, which is an
    // object.
    let parameters = ["jku", "jwk", "x5u", "x5t", "x5t#S256"].iter().any(|name| !text(header.get(name)))
        || !header.get("x5c").is_none_or(texts)
        || header.get("salt").is_some();
    // It does not accept dates before 1970.
    let dated = ["exp", "nbf", "iat"].iter().any(|name| claims[name].as_f64().is_some_and(|date| date < 0.0));
    // It checks that `jti` and `nonce` are strings (RFC 7519 section 4.1.7); we do not read them.
    let unasked = ["jti", "nonce"].iter().any(|name| !text(claims.get(name)));
    long_type || parameters || dated || unasked
}
