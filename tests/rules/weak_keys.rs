//! Threat table: keys and secrets outside the limits do not verify the tokens that they signed.

use num_bigint::BigUint;
use serde_json::{Value, json};

use crate::forge::{Padding, Rsa, decoded};
use crate::local::{config, decided, with_secret_for};
use crate::signatures::{api, claims, input, judged, local, rsa_local};
use crate::tokens::{encoded, key, stranger};

/// Checks that a key set drops this key (`kid` `weak`) and keeps a good one.
#[track_caller]
fn dropped(mut jwk: Value, token: &str, what: &str) {
    jwk["kid"] = "weak".into();
    assert!(config(&api(json!({ "keys": [jwk] })).to_string()).is_err(), "{what}: nothing usable");
    let good = key("ES256");
    let local = local(json!({ "keys": [jwk, good.jwk()] }));
    decided(&local, token, "unauthorized unknown_key", what);
    decided(&local, &good.token(&claims()), "allow", what);
}

/// A token correctly signed by the key `weak`.
fn weak(rsa: &Rsa) -> String {
    let signed = input("RS256", "weak");
    let signature = rsa.sign(&Padding::RIGHT.of(signed.as_bytes(), rsa.bytes()));
    format!("{signed}.{}", encoded(signature))
}

#[test]
fn rows_55_and_56_an_rsa_key_out_of_bounds_is_dropped_though_it_signs() {
    // The control: a modulus of 2,203 bits is within the limits.
    let within = Rsa::mersenne(2203, 65_537);
    let local = rsa_local(&within);
    let signed = input("RS256", "forged");
    let signature = within.sign(&Padding::RIGHT.of(signed.as_bytes(), within.bytes()));
    judged(&local, &signed, &signature, "allow", "the control");
    for (rsa, what) in [
        (Rsa::mersenne(1279, 65_537), "1,279 bits"),
        (Rsa::mersenne(9689, 65_537), "9,689 bits"),
        (Rsa::mersenne(2203, (1 << 32) + 15), "an exponent of five bytes"),
        (Rsa::mersenne(2203, 1), "the exponent 1, with which anyone can sign"),
    ] {
        dropped(rsa.jwk(), &weak(&rsa), what);
    }
    for (e, what) in [("AA", "the exponent 0"), ("Ag", "the exponent 2"), ("AQAA", "an even exponent")] {
        let mut jwk = within.jwk();
        jwk["e"] = e.into();
        dropped(jwk, &weak(&within), what);
    }
}

#[test]
fn row_57_a_modulus_with_the_fingerprint_of_a_broken_key_generator_is_accepted() {
    // A multiple of the first 39 primes, plus one, so the modulus is 1 modulo each of them.
    let primes = (2..168_u32).filter(|n| (2..*n).all(|divisor| n % divisor != 0));
    let product: BigUint = primes.map(BigUint::from).product();
    let n = (&product << (2047 - usize::try_from(product.bits()).unwrap() + 1)) + 1_u8;
    assert_eq!((n.bits(), &n % &product), (2048, BigUint::from(1_u8)));
    let jwk = json!({ "kty": "RSA", "alg": "RS256", "n": encoded(n.to_bytes_be()), "e": "AQAB" });
    assert!(config(&api(json!({ "keys": [jwk] })).to_string()).is_ok());
}

#[test]
fn row_58_a_point_off_its_curve_or_with_a_short_coordinate_is_dropped() {
    for alg in ["ES256", "ES384", "ES512"] {
        let signer = stranger(alg).named("weak");
        let jwk = signer.jwk();
        let mut off = jwk.clone();
        let mut y = decoded(jwk["y"].as_str().unwrap());
        *y.last_mut().unwrap() ^= 1;
        off["y"] = encoded(&y).into();
        let mut short = jwk.clone();
        short["x"] = encoded(&decoded(jwk["x"].as_str().unwrap())[1..]).into();
        for (bad, what) in [(off, "off the curve"), (short, "a short coordinate")] {
            dropped(bad, &signer.token(&claims()), what);
        }
    }
}

#[test]
fn row_60_a_secret_longer_than_a_block_is_used_whole() {
    use aws_lc_rs::hmac;
    for (alg, algorithm) in [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)] {
        let secret = "long ".repeat(60);
        let local = with_secret_for(alg, &secret);
        let signed = input(alg, "any");
        let mac = |secret: &str| hmac::sign(&hmac::Key::new(algorithm, secret.as_bytes()), signed.as_bytes());
        judged(&local, &signed, mac(&secret).as_ref(), "allow", alg);
        judged(&local, &signed, mac(&secret[..299]).as_ref(), "deny invalid_signature", alg);
    }
}
