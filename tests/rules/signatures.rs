//! Threat table: signatures that are almost valid.

use num_bigint::BigUint;
use serde_json::{Value, json};

use crate::forge::{Padding, Rsa, order, whole};
use crate::local::{Local, NOW, decided, with_secret_for};
use crate::tokens::{ALGORITHMS, SigningKey, encoded, jwks, key};

/// An API whose only issuer has these keys.
pub(crate) fn api(jwks: Value) -> Value {
    crate::local::api(json!([{ "issuer": "https://issuer.example/", "audience": "api", "jwks": jwks }]))
}

pub(crate) fn local(jwks: Value) -> Local {
    Local::new(&api(jwks))
}

pub(crate) fn claims() -> Value {
    json!({ "iss": "https://issuer.example/", "aud": "api", "sub": "user-1", "exp": NOW + 60 })
}

/// The first two segments of a token.
pub(crate) fn input(alg: &str, kid: &str) -> String {
    format!("{}.{}", encoded(json!({ "alg": alg, "kid": kid }).to_string()), encoded(claims().to_string()))
}

#[track_caller]
pub(crate) fn judged(local: &Local, input: &str, signature: &[u8], expected: &str, what: &str) {
    decided(local, &format!("{input}.{}", encoded(signature)), expected, what);
}

/// An authorizer whose key set holds only the forger's key.
pub(crate) fn rsa_local(rsa: &Rsa) -> Local {
    let mut jwk = rsa.jwk();
    jwk["kid"] = "forged".into();
    local(json!({ "keys": [jwk] }))
}

#[test]
fn row_48_a_modified_part_of_any_algorithms_token_is_an_invalid_signature() {
    let keys: Vec<SigningKey> = ALGORITHMS.into_iter().filter(|alg| !alg.starts_with("HS")).map(key).collect();
    let local = local(jwks(&keys));
    for signer in &keys {
        let signed = input(signer.alg, &signer.kid);
        let signature = signer.sign(signed.as_bytes());
        judged(&local, &signed, &signature, "allow", signer.alg);
        for bit in [0, 1, 7] {
            for byte in [0, signature.len() / 2, signature.len() - 1] {
                let mut flipped = signature.clone();
                flipped[byte] ^= 1 << bit;
                judged(&local, &signed, &flipped, "deny invalid_signature", signer.alg);
            }
        }
        let (header, payload) = signed.split_once('.').unwrap();
        let mut more = claims();
        more["scope"] = "admin".into();
        let payload_swapped = format!("{header}.{}", encoded(more.to_string()));
        judged(&local, &payload_swapped, &signature, "deny invalid_signature", signer.alg);
        let other = encoded(json!({ "alg": signer.alg, "kid": signer.kid, "x": 1 }).to_string());
        judged(&local, &format!("{other}.{payload}"), &signature, "deny invalid_signature", signer.alg);
    }
}

#[test]
fn row_49_every_pair_of_boundary_values_and_every_other_form_of_an_ecdsa_signature_is_refused() {
    for (alg, bytes) in [("ES256", 32), ("ES384", 48), ("ES512", 66)] {
        let signer = key(alg);
        let local = local(jwks([&signer]));
        let signed = input(alg, &signer.kid);
        let signature = signer.sign(signed.as_bytes());
        judged(&local, &signed, &signature, "allow", "the control");
        let n = order(alg);
        let edges = [BigUint::ZERO, BigUint::from(1_u8), &n - 1_u8, n.clone(), &n + 1_u8];
        for r in &edges {
            for s in &edges {
                let pair = [whole(r, bytes), whole(s, bytes)].concat();
                judged(&local, &signed, &pair, "deny invalid_signature", "edge numbers");
            }
        }
        let (r, s) = signature.split_at(bytes);
        let plus_n = |half: &[u8]| whole(&(BigUint::from_bytes_be(half) + &n), bytes + 1);
        let padded = |half: &[u8], zeros: usize| [&vec![0; zeros], half].concat();
        for (what, bad) in [
            ("r + n", [plus_n(r), padded(s, 1)].concat()),
            ("s + n", [padded(r, 1), plus_n(s)].concat()),
            ("a byte longer each", [padded(r, 1), padded(s, 1)].concat()),
            ("256 bytes longer each", [padded(r, 256), padded(s, 256)].concat()),
            ("zeros at the end", [&signature, &[0, 0][..]].concat()),
            ("one number", r.to_vec()),
            ("a byte short", signature[1..].to_vec()),
            ("r twice", [r, r].concat()),
        ] {
            judged(&local, &signed, &bad, "deny invalid_signature", what);
        }
    }
}

#[test]
fn row_50_the_other_root_of_an_ecdsa_signature_is_valid_for_the_same_identity() {
    for (alg, bytes) in [("ES256", 32), ("ES384", 48), ("ES512", 66)] {
        let signer = key(alg);
        let local = local(jwks([&signer]));
        let signed = input(alg, &signer.kid);
        let signature = signer.sign(signed.as_bytes());
        let (r, s) = signature.split_at(bytes);
        let other = [r, &whole(&(order(alg) - BigUint::from_bytes_be(s)), bytes)].concat();
        judged(&local, &signed, &other, "allow", alg);
        let answer =
            |signature: &[u8]| local.answers("GET", "", Some(&format!("Bearer {signed}.{}", encoded(signature))));
        assert_eq!(answer(&signature), answer(&other), "no member depends on the token's bytes");
    }
}

#[test]
fn row_51_an_rsa_signature_has_one_padding_and_the_length_of_its_modulus() {
    let rsa = Rsa::rfc7515();
    let local = rsa_local(&rsa);
    let signed = input("RS256", "forged");
    let right = rsa.sign(&Padding::RIGHT.of(signed.as_bytes(), rsa.bytes()));
    judged(&local, &signed, &right, "allow", "the control");
    for (what, padding) in Padding::wrong() {
        let wrong = rsa.sign(&padding.of(signed.as_bytes(), rsa.bytes()));
        judged(&local, &signed, &wrong, "deny invalid_signature", what);
    }
    let number = BigUint::from_bytes_be(&right);
    let over = |length| whole(&(&number + rsa.n()), length);
    for (what, bad) in [
        ("a leading zero", [&[0], &right[..]].concat()),
        ("a trailing zero", [&right[..], &[0]].concat()),
        ("s + n, a byte longer", over(rsa.bytes() + 1)),
        ("n", rsa.n().to_bytes_be()),
        ("zero", vec![0; rsa.bytes()]),
        ("one", whole(&BigUint::from(1_u8), rsa.bytes())),
        ("n - 1", whole(&(rsa.n() - 1_u8), rsa.bytes())),
        ("half", right[..rsa.bytes() / 2].to_vec()),
    ] {
        judged(&local, &signed, &bad, "deny invalid_signature", what);
    }
}

#[test]
fn row_52_a_pss_signature_of_another_hash_or_salt_is_refused() {
    let ps256 = key("PS256");
    let local = local(jwks([&ps256]));
    let signed = input("PS256", &ps256.kid);
    judged(&local, &signed, &ps256.sign(signed.as_bytes()), "allow", "the control");
    for alg in ["PS384", "PS512", "RS256"] {
        judged(&local, &signed, &key(alg).sign(signed.as_bytes()), "deny invalid_signature", alg);
    }
    // Other salt lengths are covered by the vectors in `src/signature/tests/wycheproof.rs`.
    let rsa = Rsa::rfc7515();
    let mut jwk = rsa.jwk();
    (jwk["kid"], jwk["alg"]) = ("forged".into(), "PS256".into());
    let forged = self::local(json!({ "keys": [jwk] }));
    let signed = input("PS256", "forged");
    for (salt_bytes, expected) in [(32, "allow"), (0, "deny invalid_signature"), (20, "deny invalid_signature")] {
        let signature = rsa.sign(&pss(signed.as_bytes(), salt_bytes, rsa.bytes(), 0xbc));
        judged(&forged, &signed, &signature, expected, &format!("a salt of {salt_bytes} bytes"));
    }
    let trailer = rsa.sign(&pss(signed.as_bytes(), 32, rsa.bytes(), 0xcc));
    judged(&forged, &signed, &trailer, "deny invalid_signature", "another trailer");
}

/// EMSA-PSS with SHA-256 for both hashes, for a modulus of `bytes` whole bytes (RFC 8017 section 9.1.1).
fn pss(message: &[u8], salt_bytes: usize, bytes: usize, trailer: u8) -> Vec<u8> {
    let digest = |text: &[u8]| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text).as_ref().to_vec();
    let salt = vec![7; salt_bytes];
    let hash = digest(&[&[0; 8][..], &digest(message), &salt].concat());
    let mut block = vec![0; bytes - 1 - hash.len()];
    let one = block.len() - salt_bytes - 1;
    block[one] = 1;
    block[one + 1..].copy_from_slice(&salt);
    let mask = (0_u32..).flat_map(|counter| digest(&[&hash[..], &counter.to_be_bytes()].concat()));
    block.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    block[0] &= 0x7f;
    [&block[..], &hash, &[trailer]].concat()
}

#[test]
fn row_53_an_ed25519_signature_is_whole_its_number_is_below_the_order_and_its_point_is_not_small() {
    let signer = key("EdDSA");
    let local = local(jwks([&signer]));
    let signed = input("EdDSA", &signer.kid);
    let signature = signer.sign(signed.as_bytes());
    judged(&local, &signed, &signature, "allow", "the control");
    let (r, s) = signature.split_at(32);
    // RFC 8032 section 5.1.7: S is little-endian and must be below the order.
    let plus = BigUint::from_bytes_le(s) + order("EdDSA");
    let mut plus = plus.to_bytes_le();
    plus.resize(32, 0);
    let mut identity = [0; 32];
    identity[0] = 1;
    for (what, bad) in [
        ("S + L", [r, &plus].concat()),
        ("S = 0", [r, &[0; 32]].concat()),
        ("all zero", vec![0; 64]),
        ("R the identity and S zero", [&identity[..], &[0; 32]].concat()),
        ("all ones", vec![0xff; 64]),
        ("a byte short", signature[..63].to_vec()),
        ("a byte long", [&signature[..], &[0]].concat()),
        ("R alone", r.to_vec()),
        ("S before R", [s, r].concat()),
    ] {
        judged(&local, &signed, &bad, "deny invalid_signature", what);
    }
}

#[test]
fn row_54_a_mac_of_any_other_length_is_an_invalid_signature() {
    for alg in ["HS256", "HS384", "HS512"] {
        let signer = key(alg);
        let local = with_secret_for(alg, signer.secret());
        let signed = input(alg, "any");
        let mac = signer.sign(signed.as_bytes());
        judged(&local, &signed, &mac, "allow", alg);
        for length in 1..mac.len() {
            judged(&local, &signed, &mac[..length], "deny invalid_signature", "cut short at the end");
            judged(&local, &signed, &mac[length..], "deny invalid_signature", "cut short at the start");
        }
        judged(&local, &signed, &[&mac[..], &[0]].concat(), "deny invalid_signature", "longer");
        judged(&local, &signed, &[&mac[..], &mac].concat(), "deny invalid_signature", "twice");
    }
}
