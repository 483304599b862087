//! Threat table: keys, and the signatures of every algorithm.

use serde_json::{Value, json};

use crate::forge::decoded;
use crate::local::{Local, NOW, SECRET, api, config, decided, secret_api};
use crate::signatures::{self, claims, local};
use crate::tokens::{ALGORITHMS, SigningKey, encoded, jwks, key, stranger};

/// The asymmetric algorithms.
fn public() -> impl Iterator<Item = &'static str> {
    ALGORITHMS.into_iter().filter(|alg| !alg.starts_with("HS"))
}

fn issuer(name: &str, keys: Value) -> Value {
    json!({ "issuer": name, "audience": "api", "jwks": keys })
}

/// Whether a key set that holds only this key is usable.
fn usable(jwk: &Value) -> bool {
    config(&signatures::api(json!({ "keys": [jwk] })).to_string()).is_ok()
}

#[test]
fn every_algorithm_verifies_its_own_tokens_and_no_changed_ones() {
    let keys: Vec<SigningKey> = public().map(key).collect();
    let local = local(jwks(&keys));
    for signer in &keys {
        let token = signer.token(&claims());
        decided(&local, &token, "allow", signer.alg);
        let (input, signature) = token.rsplit_once('.').unwrap();
        let other =
            signer.token(&json!({ "iss": "https://issuer.example/", "aud": "api", "sub": "user-2", "exp": NOW + 60 }));
        let other_input = other.rsplit_once('.').unwrap().0;
        decided(&local, &format!("{other_input}.{signature}"), "deny invalid_signature", signer.alg);
        let raw = signer.sign(input.as_bytes());
        let with = |signature: &[u8]| format!("{input}.{}", encoded(signature));
        let mut flipped = raw.clone();
        flipped[raw.len() / 2] ^= 1;
        let longer = [&raw[..], &[0]].concat();
        let zeros = vec![0; raw.len()];
        for bad in [&flipped[..], &raw[1..], &raw[..raw.len() - 1], &longer, &zeros, &[0], &[0xff; 2000]] {
            decided(&local, &with(bad), "deny invalid_signature", signer.alg);
        }
        decided(
            &local,
            &stranger(signer.alg).named(&signer.kid).token(&claims()),
            "deny invalid_signature",
            signer.alg,
        );
    }
}

#[test]
fn row_33_eddsa_has_two_names_in_tokens_and_keys() {
    let ed = key("EdDSA");
    for jwk_alg in ["EdDSA", "Ed25519"] {
        let mut jwk = ed.jwk();
        jwk["alg"] = jwk_alg.into();
        let local = local(json!({ "keys": [jwk] }));
        for alg in ["EdDSA", "Ed25519"] {
            decided(&local, &ed.token_with(&json!({ "alg": alg, "kid": ed.kid }), &claims()), "allow", alg);
        }
    }
    let mut curve = ed.jwk();
    for crv in ["Ed448", "X25519", "ed25519"] {
        curve["crv"] = crv.into();
        assert!(!usable(&curve), "{crv}");
    }
}

#[test]
fn rows_27_and_28_secrets_and_keys_never_stand_in_for_each_other() {
    let rs256 = key("RS256");
    let keys_only = local(jwks([&rs256]));
    for alg in ["HS256", "HS384", "HS512"] {
        let token = key(alg).token_with(&json!({ "alg": alg, "kid": rs256.kid }), &claims());
        decided(&keys_only, &token, "deny unsupported_algorithm", alg);
    }
    let secret_only = Local::new(&secret_api());
    for alg in public() {
        decided(&secret_only, &key(alg).token(&claims()), "deny unsupported_algorithm", alg);
    }
    // One issuer with both: the family of `alg` decides which one verifies.
    let both = Local::new(&api(json!([issuer("https://issuer.example/", jwks([&rs256])), secret_api()["issuers"][0]])));
    decided(&both, &rs256.token(&claims()), "allow", "keys");
    decided(&both, &crate::local::signed(r#"{"alg":"HS256"}"#, &claims().to_string()), "allow", "secret");
    decided(&both, &key("HS256").token(&claims()), "deny invalid_signature", "another secret");
    assert!(SECRET.len() >= 32);
}

#[test]
fn rows_29_to_32_a_key_is_bound_to_one_algorithm() {
    for (jwk_alg, signed_with) in [("RS256", "PS256"), ("RS256", "RS512"), ("PS256", "RS256"), ("PS384", "PS256")] {
        let local = local(jwks([&key(jwk_alg).named("k")]));
        decided(
            &local,
            &key(signed_with).named("k").token(&claims()),
            "unauthorized unknown_key",
            "a key with this kid for another algorithm",
        );
    }
    let mut unbound = key("RS256").named("k").jwk();
    unbound.as_object_mut().unwrap().remove("alg");
    let with = |algorithms: Value| {
        let mut issuer = issuer("https://issuer.example/", json!({ "keys": [unbound] }));
        issuer["algorithms"] = algorithms;
        api(json!([issuer]))
    };
    let passes = |algorithms: Value, alg| {
        Local::new(&with(algorithms)).verdict("GET", "", &key(alg).named("k").token(&claims()))
    };
    assert_eq!(
        local(json!({ "keys": [unbound] })).decides("GET", "", &key("RS256").named("k").token(&claims())),
        "allow"
    );
    assert_eq!(passes(json!(["RS256", "PS256"]), "RS256"), "allow");
    assert_eq!(passes(json!(["RS256", "PS256"]), "PS256"), "unauthorized unknown_key");
    assert_eq!(passes(json!(["PS384", "ES256"]), "PS384"), "allow");
    assert_eq!(passes(json!(["PS384", "ES256"]), "RS256"), "deny unsupported_algorithm");
    assert!(config(&with(json!(["PS256", "PS384"])).to_string()).is_err(), "which of the two is undecided");
    // A curve implies its algorithm, so another `alg` makes the key unusable.
    let mut p256 = key("ES256").jwk();
    p256["alg"] = "ES384".into();
    assert!(!usable(&p256));
    p256.as_object_mut().unwrap().remove("alg");
    assert!(usable(&p256));
    let mut p384 = key("ES384").jwk();
    p384["alg"] = "ES256".into();
    assert!(!usable(&p384));
    p384["alg"] = "ES384".into();
    p384["kty"] = "RSA".into();
    assert!(!usable(&p384));
}

#[test]
fn rows_36_to_39_kid_chooses_among_the_keys_of_the_issuer_alone() {
    let (first, second) = (key("RS256").named("one"), stranger("RS256").named("two"));
    let two = local(jwks([&first, &second]));
    decided(&two, &first.token(&claims()), "allow", "one");
    decided(&two, &second.token(&claims()), "allow", "two");
    let swapped = first.token_with(&json!({ "alg": "RS256", "kid": "two" }), &claims());
    decided(&two, &swapped, "deny invalid_signature", "the key of another kid");
    for kid in ["three", "", "ONE", "one ", "../../etc/passwd", "' OR 1=1 --", "one\u{0}"] {
        decided(
            &two,
            &first.token_with(&json!({ "alg": "RS256", "kid": kid }), &claims()),
            "unauthorized unknown_key",
            kid,
        );
    }
    let nameless = |signer: &SigningKey| signer.token_with(&json!({ "alg": signer.alg }), &claims());
    decided(&two, &nameless(&first), "allow", "row 37: two keys fit, and each is tried");
    decided(&two, &nameless(&second), "allow", "row 37: two keys fit, and each is tried");
    let mixed = local(jwks([&first, &key("ES256")]));
    decided(&mixed, &nameless(&first), "allow", "row 37: one key fits");
    decided(&mixed, &nameless(&key("ES256")), "allow", "row 37: one key fits");
    decided(&mixed, &nameless(&second), "deny invalid_signature", "row 37: it did not sign");
    // Row 39: the same kid under two issuers.
    let issuers = json!([
        issuer("https://issuer.example/", jwks([&first.named("k")])),
        issuer("https://other.example/", jwks([&second.named("k")])),
    ]);
    let local = Local::new(&api(issuers));
    let other = json!({ "iss": "https://other.example/", "aud": "api", "sub": "user-1", "exp": NOW + 60 });
    let (ours, theirs) = (key("RS256").named("k"), stranger("RS256").named("k"));
    decided(&local, &ours.token(&claims()), "allow", "its own key");
    decided(&local, &theirs.token(&other), "allow", "its own key");
    decided(&local, &theirs.token(&claims()), "deny invalid_signature", "the other's key");
    decided(&local, &ours.token(&other), "deny invalid_signature", "the other's key");
}

/// Up to five keys for ES256 with their `kid`s.
fn several(count: usize) -> Vec<(SigningKey, Value)> {
    let pairs = ["a", "b", "c", "d", "e"].into_iter().map(|kid| SigningKey::generated("ES256").named(kid));
    pairs
        .take(count)
        .map(|key| {
            let jwk = key.jwk();
            (key, jwk)
        })
        .collect()
}

#[test]
fn row_37_without_kid_at_most_four_keys_are_tried() {
    let nameless = |signer: &SigningKey| signer.token_with(&json!({ "alg": "ES256" }), &claims());
    for (count, expected) in [(4, "allow"), (5, "unauthorized unknown_key")] {
        let keys = several(count);
        let set = keys.iter().map(|(_, jwk)| jwk.clone()).chain([key("RS256").jwk()]).collect::<Vec<_>>();
        let local = local(json!({ "keys": set }));
        for (signer, _) in &keys {
            decided(&local, &nameless(signer), expected, &format!("one of {count} keys"));
            decided(&local, &signer.token(&claims()), "allow", "a token that names its key");
        }
        let other = if count == 4 { "deny invalid_signature" } else { expected };
        decided(&local, &nameless(&key("ES256")), other, "a key that is not in the set");
    }
}

#[test]
fn row_37_without_kid_a_thumbprint_that_a_key_of_the_set_has_decides() {
    for member in ["x5t", "x5t#S256"] {
        let mut keys = several(5);
        for (position, (_, jwk)) in keys.iter_mut().enumerate().take(4) {
            jwk[member] = format!("thumb-{position}").into();
        }
        let local = local(json!({ "keys": keys.iter().map(|(_, jwk)| jwk).collect::<Vec<_>>() }));
        let with = |signer: usize, header: Value| keys[signer].0.token_with(&header, &claims());
        decided(&local, &with(1, json!({ "alg": "ES256", member: "thumb-1" })), "allow", "its own");
        decided(&local, &with(1, json!({ "alg": "ES256", member: "thumb-2" })), "deny invalid_signature", "another's");
        for none in [json!("thumb-9"), json!("THUMB-1"), json!(""), json!(null), json!(["thumb-1"]), json!(1)] {
            decided(&local, &with(1, json!({ "alg": "ES256", member: none })), "unauthorized unknown_key", "nobody's");
        }
        decided(
            &local,
            &with(4, json!({ "alg": "ES256", member: "thumb-1" })),
            "deny invalid_signature",
            "a key without one",
        );
        let named = json!({ "alg": "ES256", "kid": "b", member: "thumb-2" });
        decided(&local, &with(1, named), "allow", "a `kid` goes first");
        let other = if member == "x5t" { "x5t#S256" } else { "x5t" };
        let unknown = json!({ "alg": "ES256", other: "thumb-1" });
        decided(&local, &with(1, unknown.clone()), "unauthorized unknown_key", "no key has this member, and five fit");
        let mut both = unknown;
        both[member] = "thumb-1".into();
        decided(&local, &with(1, both), "allow", "a member that no key has says nothing");
    }
}

#[test]
fn row_37_both_thumbprints_have_to_be_those_of_the_key() {
    let mut keys = several(2);
    for (name, (_, jwk)) in ["one", "two"].into_iter().zip(&mut keys) {
        jwk["x5t"] = name.into();
        jwk["x5t#S256"] = name.into();
    }
    let local = local(json!({ "keys": keys.iter().map(|(_, jwk)| jwk).collect::<Vec<_>>() }));
    let token = |short: &str, long: &str| {
        keys[0].0.token_with(&json!({ "alg": "ES256", "x5t": short, "x5t#S256": long }), &claims())
    };
    decided(&local, &token("one", "one"), "allow", "both");
    decided(&local, &token("one", "two"), "unauthorized unknown_key", "one of each");
}

#[test]
fn a_thumbprint_of_null_in_a_set_counts_as_absent_and_any_other_type_makes_the_key_unusable() {
    let mut jwk = key("ES256").jwk();
    jwk["x5t"] = Value::Null;
    let token = key("ES256").token_with(&json!({ "alg": "ES256", "x5t": "any" }), &claims());
    decided(&local(json!({ "keys": [jwk] })), &token, "allow", "null");
    jwk["x5t"] = json!(1);
    assert!(!usable(&jwk));
}

#[test]
fn row_36_a_key_without_kid_serves_a_token_with_one_only_if_no_other_key_fits() {
    let without_kid = |signer: &SigningKey| {
        let mut jwk = signer.jwk();
        jwk.as_object_mut().unwrap().remove("kid");
        jwk
    };
    let (first, second) = (key("ES256").named("one"), stranger("ES256").named("two"));
    let alone = local(json!({ "keys": [without_kid(&first), key("RS256").jwk()] }));
    decided(&alone, &first.token(&claims()), "allow", "the only key for ES256");
    decided(&alone, &second.token(&claims()), "deny invalid_signature", "it did not sign");
    let beside = local(json!({ "keys": [without_kid(&first), second.jwk()] }));
    decided(&beside, &first.token(&claims()), "unauthorized unknown_key", "another key fits, too");
    decided(&beside, &second.token(&claims()), "allow", "the key that is named");
    let other = local(jwks([&first]));
    decided(
        &other,
        &first.token_with(&json!({ "alg": "ES256", "kid": "zz" }), &claims()),
        "unauthorized unknown_key",
        "a key with another `kid`",
    );
}

#[test]
fn row_40_two_different_keys_with_the_same_kid_are_both_dropped() {
    let (first, second, third) = (key("RS256").named("k"), stranger("RS256").named("k"), key("ES256").named("k"));
    let local = local(jwks([&first, &second, &third]));
    decided(&local, &first.token(&claims()), "unauthorized unknown_key", "the first");
    decided(&local, &second.token(&claims()), "unauthorized unknown_key", "the second");
    decided(&local, &third.token(&claims()), "allow", "a key with this kid for another algorithm");
    let twice = self::local(jwks([&first, &first]));
    decided(&twice, &first.token(&claims()), "allow", "the same key twice");
    decided(&twice, &first.token_with(&json!({ "alg": "RS256" }), &claims()), "allow", "it is one key");
}

#[test]
fn rows_41_to_47_unusable_keys_are_skipped() {
    let good = key("RS256");
    let change = |member: &str, value: Value| {
        let mut jwk = stranger("RS256").jwk();
        match value {
            Value::Null => drop(jwk.as_object_mut().unwrap().remove(member)),
            value => jwk[member] = value,
        }
        jwk
    };
    let (n, e) = (stranger("RS256").jwk()["n"].as_str().unwrap().to_owned(), "AQAB");
    let odd = [
        ("row 41", json!({ "kty": "oct", "k": "AAAA", "kid": "oct", "alg": "HS256" })),
        ("row 42", change("use", json!("enc"))),
        ("row 42", change("use", json!(1))),
        ("row 42", change("key_ops", json!(["sign"]))),
        ("row 42", change("key_ops", json!(["sign, verify"]))),
        ("row 42", change("key_ops", json!("verify"))),
        ("row 43", change("d", json!("AAAA"))),
        ("row 43", change("p", json!("AAAA"))),
        ("row 35", json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA", "kid": "pq" })),
        ("row 46", change("n", json!(format!("{n}=")))),
        ("row 46", change("n", Value::Null)),
        ("row 46", change("e", json!(65537))),
        ("row 46", change("kty", Value::Null)),
        ("row 46", change("kid", json!(1))),
        ("row 46", change("alg", json!("RSA-OAEP"))),
        ("row 46", json!(null)),
        ("row 46", json!("key")),
        ("row 46", json!({})),
        ("row 46", change("kid", json!("k".repeat(257)))),
        ("row 47", change("n", json!("A".repeat(1_000_000)))),
        ("row 55", change("n", json!(encoded([0xff; 128])))),
        ("row 55", change("n", json!(encoded([&[0x7f], &[0xff; 255][..]].concat())))),
        ("row 56", change("n", json!(encoded([0xff; 1025])))),
        ("row 56", change("e", json!("AQ"))),
        ("row 56", change("e", json!("AA"))),
        ("row 56", change("e", json!("BA"))),
        ("row 56", change("e", json!(encoded([0xff; 5])))),
        ("row 56", change("n", json!(encoded([0xfe; 256])))),
    ];
    for (row, jwk) in &odd {
        assert!(!usable(jwk), "{row}: {:.200}", jwk.to_string());
        let local = local(json!({ "keys": [jwk, good.jwk()], "more": 1 }));
        decided(&local, &good.token(&claims()), "allow", "the rest of the set is not affected");
    }
    let longest = key("RS256").named(&"k".repeat(256));
    decided(&local(jwks([&longest])), &longest.token(&claims()), "allow", "a kid of 256 bytes");
    // Some providers write a leading zero byte, or `key_ops` in addition to `use`.
    let padded = [
        change("n", json!(encoded([&[0][..], &decoded(&n)].concat()))),
        change("e", json!(encoded([&[0][..], &decoded(e)].concat()))),
        change("key_ops", json!(["verify", "x"])),
        change("use", Value::Null),
        change("x5c", json!(["AAAA"])),
    ];
    for jwk in &padded {
        decided(
            &local(json!({ "keys": [jwk] })),
            &stranger("RS256").token(&claims()),
            "allow",
            &jwk["key_ops"].to_string(),
        );
    }
}

#[test]
fn row_47_a_hundred_keys_of_a_set_are_read() {
    let keys = |before: usize| {
        let other = stranger("ES256");
        let mut keys: Vec<Value> = (0..before)
            .map(|n| {
                let mut jwk = other.jwk();
                jwk["kid"] = format!("k{n}").into();
                jwk
            })
            .collect();
        keys.push(key("ES256").jwk());
        json!({ "keys": keys })
    };
    decided(&local(keys(99)), &key("ES256").token(&claims()), "allow", "the hundredth");
    decided(&local(keys(100)), &key("ES256").token(&claims()), "unauthorized unknown_key", "the one after it");
}

#[test]
fn row_58_a_point_is_on_its_curve_and_its_coordinates_are_whole() {
    for alg in ["ES256", "ES384", "ES512"] {
        let jwk = key(alg).jwk();
        assert!(usable(&jwk), "{alg}");
        let mut off = jwk.clone();
        off["x"] = jwk["y"].clone();
        assert!(!usable(&off), "{alg}: off the curve");
        for coordinate in ["x", "y"] {
            let bytes = decoded(jwk[coordinate].as_str().unwrap());
            let mut short = jwk.clone();
            short[coordinate] = encoded(&bytes[1..]).into();
            assert!(!usable(&short), "{alg}: short {coordinate}");
            let mut long = jwk.clone();
            long[coordinate] = encoded([&[0][..], &bytes].concat()).into();
            assert!(!usable(&long), "{alg}: long {coordinate}");
        }
    }
    let mut ed = key("EdDSA").jwk();
    let point = decoded(ed["x"].as_str().unwrap());
    ed["x"] = encoded(&point[1..]).into();
    assert!(!usable(&ed));
    // The same key as a SubjectPublicKeyInfo (RFC 8410 section 10.1).
    let info = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    ed["x"] = encoded([&info[..], &point].concat()).into();
    assert!(!usable(&ed));
}

#[test]
fn rows_49_and_50_an_ecdsa_signature_is_two_whole_numbers_within_the_order() {
    for (alg, bytes) in [("ES256", 32), ("ES384", 48), ("ES512", 66)] {
        let signer = key(alg);
        let local = local(jwks([&signer]));
        let token = signer.token(&claims());
        let input = token.rsplit_once('.').unwrap().0;
        let raw = signer.sign(input.as_bytes());
        assert_eq!(raw.len(), 2 * bytes);
        let with = |signature: Vec<u8>| format!("{input}.{}", encoded(signature));
        let (r, s) = raw.split_at(bytes);
        let der = {
            let number = |n: &[u8]| [&[2, u8::try_from(n.len() + 1).unwrap(), 0], n].concat();
            let body = [number(r), number(s)].concat();
            [&[0x30, u8::try_from(body.len()).unwrap()][..], &body].concat()
        };
        let zero = vec![0; bytes];
        let mut one = zero.clone();
        one[bytes - 1] = 1;
        let most = vec![0xff; bytes];
        for (what, signature) in [
            ("r = 0", [&zero, s].concat()),
            ("s = 0", [r, &zero].concat()),
            ("both 0", [&zero[..], &zero].concat()),
            ("both 1", [&one[..], &one].concat()),
            ("r too large", [&most, s].concat()),
            ("s too large", [r, &most].concat()),
            ("swapped", [s, r].concat()),
            ("longer numbers", [&[0], r, &[0], s].concat()),
            ("trailing zero", [r, s, &[0]].concat()),
            ("DER", der),
        ] {
            decided(&local, &with(signature), "deny invalid_signature", what);
        }
    }
}
