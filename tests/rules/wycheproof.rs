//! Project Wycheproof's vectors for whole tokens and key sets, rebuilt with claims as payloads so that valid tokens
//! pass. The numbers are those of its `json_web_signature` (W) and `json_web_key` (K) vectors.

use serde_json::json;

use crate::local::{Local, NOW, config, decided, secret_api, signed_raw};
use crate::signatures::{api, claims, local};
use crate::tokens::{ALGORITHMS, encoded, jwks, key, stranger};

fn payload() -> String {
    claims().to_string()
}

#[test]
fn w1_to_45_parts_are_modified_missing_or_too_many() {
    let signers = ["HS256", "ES256", "RS256"].map(key);
    let public = local(jwks(&signers[1..]));
    let shared = Local::with(&secret_api(), NOW, &[("SECRET", signers[0].secret())]);
    for signer in &signers {
        let local = if signer.alg == "HS256" { &shared } else { &public };
        let token = signer.token(&claims());
        let [h, p, s]: [&str; 3] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        decided(local, &token, "allow", "W1, 18, 33");
        let other_first = if s.starts_with('X') { 'Y' } else { 'X' };
        decided(local, &format!("{h}.{p}.{other_first}{}", &s[1..]), "deny invalid_signature", "W2, 19, 34");
        let mut other = claims();
        other["sub"] = "user-2".into();
        let other = encoded(other.to_string());
        decided(local, &format!("{h}.{other}.{s}"), "deny invalid_signature", "W5, 22, 37");
        let mut header = signer.header();
        header["x"] = 1.into();
        decided(local, &format!("{}.{p}.{s}", encoded(header.to_string())), "deny invalid_signature", "W8, 25, 40");
        for (bad, what) in [
            (format!("{h}.{p}."), "W3, 20, 35: no signature"),
            (format!("{h}.{p}"), "W4, 21, 36: no signature and no dot before it"),
            (format!("{h}..{s}"), "W6, 23, 38: no payload"),
            (format!("{h}.{s}"), "W7, 24, 39: no payload and no dot before it"),
            (format!(".{p}.{s}"), "W9, 26, 41: no header"),
            (format!("{p}.{s}"), "W10, 27, 42: no header and no dot after it"),
            (format!(".{p}."), "W11, 28, 43: the payload between dots"),
            (p.to_owned(), "W12, 29, 44: the payload alone"),
            (format!("{token}."), "W14: an extra dot"),
            (format!("{token}.foo"), "W15: an extra segment"),
            (json!({ "payload": p, "signatures": [{ "protected": h, "signature": s }] }).to_string(), "W17: JSON"),
        ] {
            decided(local, &bad, "deny malformed_token", what);
        }
        decided(local, "", "deny missing_token", "W13, 30, 45: nothing");
        let none = format!("{}.{p}.", encoded(json!({ "alg": "none", "kid": signer.kid }).to_string()));
        decided(local, &none, "deny unsupported_algorithm", "W16");
    }
}

#[test]
fn w31_and_w32_a_public_key_is_not_used_as_a_secret_and_a_key_in_a_token_is_ignored() {
    let signer = key("ES256");
    let local = local(jwks([&signer]));
    let jwk = signer.jwk();
    let point = [jwk["x"].as_str().unwrap(), jwk["y"].as_str().unwrap()].map(crate::forge::decoded).concat();
    let input = format!("{}.{}", encoded(json!({ "alg": "HS256", "kid": signer.kid }).to_string()), encoded(payload()));
    let mac = aws_lc_rs::hmac::sign(&aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &point), input.as_bytes());
    decided(&local, &format!("{input}.{}", encoded(mac)), "deny unsupported_algorithm", "W31");
    let forger = stranger("ES256").named(&signer.kid);
    let header = json!({ "alg": "ES256", "kid": signer.kid, "jwk": forger.jwk() });
    decided(&local, &forger.token_with(&header, &claims()), "deny invalid_signature", "W32");
}

#[test]
fn w331_to_348_the_header_names_another_algorithm_than_the_key_or_none() {
    for bound in ALGORITHMS.into_iter().filter(|alg| alg.starts_with("RS") || alg.starts_with("PS")) {
        let local = local(jwks([&key(bound).named("k")]));
        for alg in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
            let expected = if alg == bound { "allow" } else { "unauthorized unknown_key" };
            decided(&local, &key(alg).named("k").token(&claims()), expected, "W331-340");
        }
        for none in ["none", "None", "NONE", "nOnE"] {
            let header = encoded(json!({ "alg": none, "kid": "k" }).to_string());
            for signature in ["", "AAAA"] {
                let token = format!("{header}.{}.{signature}", encoded(payload()));
                decided(&local, &token, "deny unsupported_algorithm", "W341-344");
            }
        }
    }
}

/// Vectors that are valid in Wycheproof and refused here.
#[test]
fn w350_is_an_exception() {
    // W350: the key's `alg` is PS256 and the token's PS384. A key is bound to one algorithm (RFC 8725 and 8725bis section 3.1).
    let mut jwk = key("PS384").named("k").jwk();
    jwk["alg"] = "PS256".into();
    decided(
        &local(json!({ "keys": [jwk] })),
        &key("PS384").named("k").token(&claims()),
        "unauthorized unknown_key",
        "W350",
    );
}

#[test]
fn w353_to_356_and_k6_k21_a_key_for_encryption_verifies_nothing() {
    let good = stranger("ES256");
    for alg in ["RS256", "ES256"] {
        let signer = key(alg);
        for (member, value) in [("use", json!("enc")), ("key_ops", json!(["encrypt"]))] {
            let mut jwk = signer.jwk();
            jwk.as_object_mut().unwrap().remove("use");
            jwk[member] = value;
            let local = local(json!({ "keys": [jwk, good.jwk()] }));
            decided(&local, &signer.token(&claims()), "unauthorized unknown_key", member);
            decided(&local, &good.token(&claims()), "allow", member);
        }
    }
}

#[test]
fn w357_to_377_base64url_is_strict_and_json_has_its_white_space() {
    let local = Local::new(&secret_api());
    let (h, p) = (encoded(r#"{"kid":"hs256-key","alg":"HS256"}"#), encoded(payload()));
    let valid = signed_raw(&h, &p);
    let [_, _, s]: [&str; 3] = valid.split('.').collect::<Vec<_>>().try_into().unwrap();
    decided(&local, &valid, "allow", "W357; W367 and W370 are the same token, labelled invalid there");
    let inserted = |text: &str, junk: &str| format!("{}{junk}{}", &text[..text.len() - 1], &text[text.len() - 1..]);
    for (bad, what) in [
        (format!("{h}.{p}.    {s}"), "W360: spaces before the MAC"),
        (format!("{h}.{p}.?{s}"), "W361: a character before it"),
        (format!("{h}.{p}.{s}?"), "W362: a character after it"),
        (format!("{h}.{p}.?{}", &s[1..]), "W363: a character replaced"),
        (format!("{h}.{p}.????{}", &s[4..]), "W364: four characters replaced"),
        (signed_raw(&format!("{h}    "), &p), "W365: spaces after the header, covered by the MAC"),
        (signed_raw(&format!("{h}####"), &p), "W366: characters after it, covered by the MAC"),
        (signed_raw(&h, &format!("    {p}")), "W368: spaces before the payload, covered by the MAC"),
        (signed_raw(&h, &format!("####{p}")), "W369: characters before it, covered by the MAC"),
        (signed_raw(&h, &format!("?{p}")), "W371: one character, covered by the MAC"),
        // Valid in Wycheproof, refused here: RFC 7515 section 2 allows no other character.
        (format!("{}.{p}.{s}", inserted(&h, "?")), "W372: a character in the header"),
        (format!("{h}.{p}?.{s}"), "W373: a character after the payload"),
        (signed_raw(&h, &format!("{}=", &p)), "padding, covered by the MAC"),
    ] {
        decided(&local, &bad, "deny malformed_token", what);
    }
    // W374 and W375: nonzero trailing bits; the MAC covers the canonical encoding (W374) or the altered one (W375).
    let text =
        [payload(), format!(" {}", payload()), format!("  {}", payload())].into_iter().find(|text| text.len() % 3 == 1);
    let right = encoded(text.unwrap());
    let last = right.chars().last().unwrap();
    let twin = format!("{}{}", &right[..right.len() - 1], char::from(u8::try_from(last).unwrap() + 1));
    decided(&local, &signed_raw(&h, &right), "allow", "the canonical encoding");
    decided(&local, &signed_raw(&h, &twin), "deny malformed_token", "W375");
    let mac = signed_raw(&h, &right).rsplit_once('.').unwrap().1.to_owned();
    decided(&local, &format!("{h}.{twin}.{mac}"), "deny malformed_token", "W374");
    for header in [r#"{ "kid" : "hs256-key", "alg" : "HS256" }"#, "{\"kid\":\"hs256-key\",\n\t\"alg\":\"HS256\"}"] {
        decided(&local, &signed_raw(&encoded(header), &p), "allow", "W376, W377");
    }
}

#[test]
fn k1_to_5_sets_mix_families_and_repeat_names() {
    let (ec, rsa) = (key("ES256"), key("RS256"));
    let oct = json!({ "kty": "oct", "alg": "HS256", "use": "sig", "kid": "oct", "k": encoded(crate::local::SECRET) });
    // K1: Wycheproof refuses a whole set that holds a secret; here only the secret is skipped.
    let mixed = local(json!({ "keys": [oct, ec.jwk()] }));
    let by_secret = signed_raw(&encoded(r#"{"alg":"HS256","kid":"oct"}"#), &encoded(payload()));
    decided(&mixed, &by_secret, "deny unsupported_algorithm", "K1: the secret is skipped");
    decided(&mixed, &ec.token(&claims()), "allow", "K1: an exception, the public key is used");
    // K2 and K3: two keys; another key's signature.
    let two = local(jwks([&ec, &rsa]));
    decided(&two, &ec.token(&claims()), "allow", "K2");
    decided(&two, &stranger("ES256").named(&ec.kid).token(&claims()), "deny invalid_signature", "K3");
    // K4: two keys with the same kid.
    let (first, second) = (key("ES256").named("k"), stranger("ES256").named("k"));
    let twice = local(jwks([&first, &second, &rsa]));
    decided(&twice, &first.token(&claims()), "unauthorized unknown_key", "K4");
    decided(&twice, &second.token(&claims()), "unauthorized unknown_key", "K4");
    decided(&twice, &rsa.token(&claims()), "allow", "K5");
}

#[test]
fn k19_to_26_a_set_with_only_contradictory_keys_refuses_to_start() {
    let ec = key("ES256").jwk();
    let with = |member: &str, value: &str| {
        let mut jwk = ec.clone();
        jwk[member] = value.into();
        jwk
    };
    let mut off = crate::forge::decoded(ec["y"].as_str().unwrap());
    off[30] ^= 1;
    let oct = |alg: &str| json!({ "kty": "oct", "alg": alg, "use": "sig", "kid": "k", "k": encoded([7; 32]) });
    for (jwk, what) in [
        (with("alg", "ES521"), "K19"),
        (with("alg", "ES224"), "K20"),
        (with("use", "enc"), "K21"),
        (with("y", &encoded(&off)), "K22"),
        (with("crv", "P-384"), "K23"),
        (with("kty", "RSA"), "K24"),
        (oct("A256GCM"), "K25"),
        (oct("A256KW"), "K26"),
    ] {
        let error = config(&api(json!({ "keys": [jwk] })).to_string()).err().unwrap();
        let paths: Vec<&str> = error.issues.iter().map(|issue| issue.path.as_str()).collect();
        assert_eq!(paths, ["issuers[0].jwks"], "{what}");
    }
}
