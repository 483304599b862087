//! Threat table: tokens of unusual shape or content, in addition to those of `threats.rs`.

use serde_json::{Value, json};

use crate::local::{Local, NOW, decided, outcome, secret_api, signed, signed_raw};
use crate::tokens::encoded;

const HEADER: &str = r#"{"alg":"HS256"}"#;

fn payload(text: &str) -> String {
    format!(r#"{{"iss":"https://issuer.example/","aud":"api","sub":"user-1","exp":{}{text}}}"#, NOW + 60)
}

#[test]
fn row_5_no_byte_outside_the_alphabet_of_a_token_passes_anywhere_in_it() {
    let local = Local::new(&secret_api());
    let token = signed(HEADER, &payload(""));
    let places = [0, 5, token.find('.').unwrap(), token.rfind('.').unwrap() + 1, token.len()];
    let odd = (0..=0x7f_u8).map(char::from).filter(|c| !c.is_ascii_alphanumeric() && !".-_".contains(*c));
    for c in odd.chain(['\u{80}', '\u{e9}', '\u{ff0e}', '\u{200b}', '\u{feff}', '\u{1f600}']) {
        for place in places {
            let (before, after) = token.split_at(place);
            // Additional spaces after the scheme belong to the scheme.
            let expected = if (c, place) == (' ', 0) { "allow" } else { "deny malformed_token" };
            decided(&local, &format!("{before}{c}{after}"), expected, &format!("{c:?} at {place}"));
        }
    }
}

#[test]
fn row_8_an_encrypted_token_is_malformed_whatever_it_contains() {
    let local = Local::new(&secret_api());
    let inner = format!("{}.{}.", encoded(r#"{"alg":"none"}"#), encoded(payload("")));
    for header in [
        r#"{"alg":"dir","enc":"A256GCM","cty":"JWT"}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A128CBC-HS256"}"#,
        r#"{"alg":"HS256","enc":"A256GCM"}"#,
        r#"{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":2147483647}"#,
    ] {
        let five = [header, "", "iv", &inner, "tag"].map(encoded).join(".");
        decided(&local, &five, "deny malformed_token", header);
    }
    for five in ["....", "a.b.c.d.e", &format!("{}.{}", signed(HEADER, &payload("")), "AAAA.AAAA")] {
        decided(&local, five, "deny malformed_token", five);
    }
}

#[test]
fn row_9_limits_come_before_any_decoding() {
    let local = Local::new(&secret_api());
    // The longest token that fits into 10,240 bytes, and a token just above the limit.
    let filled = |filler: usize| signed(HEADER, &payload(&format!(r#","x":"{}""#, "x".repeat(filler))));
    let longest = (0..8000).rev().find(|filler| filled(*filler).len() <= 10_240).unwrap();
    decided(&local, &filled(longest), "allow", "10,240 bytes or just below");
    decided(&local, &filled(longest + 2), "deny malformed_token", "just above");
    for bad in [".".repeat(1_000_000), "a".repeat(1_000_000), "eyJ".repeat(300_000), "a.".repeat(5_120)] {
        decided(&local, &bad, "deny malformed_token", "large");
    }
}

#[test]
fn row_14_a_header_or_payload_in_another_encoding_than_utf_8_is_malformed() {
    let local = Local::new(&secret_api());
    let utf16 = |text: &str, big: bool| -> Vec<u8> {
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        text.encode_utf16().flat_map(bytes).collect()
    };
    let claims = payload("");
    for bytes in [
        utf16(HEADER, true),
        utf16(HEADER, false),
        utf16(&format!("\u{feff}{HEADER}"), true),
        format!("\u{feff}{HEADER}").into_bytes(),
        b"{\"alg\":\"HS256\",\"x\":\"\xc0\xaf\"}".to_vec(),
        b"{\"alg\":\"HS256\",\"x\":\"\xed\xa0\x80\"}".to_vec(),
        b"{\"alg\":\"HS256\"}\0".to_vec(),
    ] {
        decided(&local, &signed_raw(&encoded(&bytes), &encoded(&claims)), "deny malformed_token", "a header");
    }
    // Row 74: the same encodings for the payload.
    for bytes in [
        utf16(&claims, true),
        utf16(&claims, false),
        format!("\u{feff}{claims}").into_bytes(),
        claims.replace("user-1", "user-\u{e9}").chars().map(|c| u8::try_from(c).unwrap()).collect(),
    ] {
        decided(&local, &signed_raw(&encoded(HEADER), &encoded(&bytes)), "deny malformed_token", "a payload");
    }
}

#[test]
fn row_18_depth_is_limited_and_width_is_not() {
    let local = Local::new(&secret_api());
    let nested = |depth: usize, open: &str, close: &str| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        // The enclosing object counts as the first of 127 levels.
        decided(&local, &signed(HEADER, &payload(&format!(r#","x":{}"#, nested(126, open, close)))), "allow", "126");
        for depth in [127, 128, 500] {
            let deep = nested(depth, open, close);
            decided(&local, &signed(HEADER, &payload(&format!(r#","x":{deep}"#))), "deny malformed_token", "a payload");
            let header = format!(r#"{{"alg":"HS256","x":{deep}}}"#);
            decided(&local, &signed(&header, &payload("")), "deny malformed_token", "a header");
        }
    }
    let wide = format!("[{}]", vec!["1"; 1000].join(","));
    decided(&local, &signed(&format!(r#"{{"alg":"HS256","x":{wide}}}"#), &payload("")), "allow", "a wide header");
    decided(&local, &signed(HEADER, &payload(&format!(r#","x":{wide}"#))), "allow", "a wide payload");
}

#[test]
fn row_67_an_exp_beyond_any_integer_passes_unless_the_age_is_limited() {
    let mut limited = secret_api();
    limited["issuers"][0]["max_token_age_seconds"] = 60.into();
    for (local, young, old) in
        [(Local::new(&secret_api()), "allow", "allow"), (Local::new(&limited), "allow", "deny too_old")]
    {
        for exp in ["9223372036854775808", "18446744073709551616", "1e18", "1e308"] {
            let token = |iat: u64| {
                let text =
                    format!(r#"{{"iss":"https://issuer.example/","aud":"api","sub":"u","exp":{exp},"iat":{iat}}}"#);
                signed(HEADER, &text)
            };
            decided(&local, &token(NOW), young, exp);
            decided(&local, &token(NOW - 3600), old, exp);
        }
    }
}

#[test]
fn row_73_an_answer_ends_with_the_token_whatever_the_gateways_cache_does() {
    let token = format!("Bearer {}", signed(HEADER, &payload("")));
    let condition = |api: &Value| {
        Local::new(api).answers("GET", "", Some(&token))["policyDocument"]["Statement"][0]["Condition"].clone()
    };
    // 1,800,000,000 is 2027-01-15T08:00:00Z; `exp` is 60 s later and the leeway 10 s more.
    let ends = json!({ "DateLessThan": { "aws:CurrentTime": "2027-01-15T08:01:10Z" } });
    assert_eq!(condition(&secret_api()), ends);
    let mut cacheable = secret_api();
    cacheable["policy"] = "cacheable".into();
    assert_eq!(condition(&cacheable), ends);
    let mut none = secret_api();
    none["policy_expiry"] = "none".into();
    assert_eq!(condition(&none), Value::Null);
    // The documentation states this rule.
    let told = include_str!("../../docs/policies.md");
    assert!(told.contains("With `policy_expiry: \"token\"` every Allow ends with the token, plus `leeway_seconds`."));
}

#[test]
fn row_72_a_clock_that_comes_back_decides_again() {
    let local = Local::new(&secret_api());
    let token = signed(HEADER, &payload(""));
    local.clock.advance_wall(-2000);
    decided(&local, &token, "error internal_error", "a clock before the build");
    local.clock.advance_wall(2000);
    decided(&local, &token, "allow", "a correct clock again");
    local.clock.advance(3600);
    decided(&local, &token, "deny expired", "an hour later");
}

#[test]
fn row_95_a_client_gets_fixed_codes_only() {
    let local = Local::new(&secret_api());
    let canary = "canary-of-a-claim-0f4b7a61";
    let with = |claims: Value| signed(HEADER, &claims.to_string());
    for token in [
        signed(&format!(r#"{{"alg":"{canary}"}}"#), &payload("")),
        signed(&format!(r#"{{"alg":"HS256","typ":"{canary}"}}"#), &payload("")),
        with(json!({ "iss": canary, "aud": "api", "sub": "u", "exp": NOW + 60 })),
        with(json!({ "iss": "https://issuer.example/", "aud": canary, "sub": "u", "exp": NOW + 60 })),
        with(json!({ "iss": "https://issuer.example/", "aud": "api", "sub": [canary], "exp": NOW + 60 })),
        with(json!({ "iss": "https://issuer.example/", "aud": "api", "sub": "u", "exp": canary })),
        canary.to_owned(),
    ] {
        let answer = local.answers("GET", &format!("x/{canary}"), Some(&format!("Bearer {token}")));
        assert!(outcome(&answer).starts_with("deny "), "{answer}");
        let mut context: Vec<&str> = answer["context"].as_object().unwrap().keys().map(String::as_str).collect();
        context.sort_unstable();
        assert_eq!(
            (context.as_slice(), &answer["context"]["error"]),
            (&["error", "reason"][..], &json!("invalid_token"))
        );
        assert!(!answer.to_string().contains(canary), "{answer}");
    }
}
