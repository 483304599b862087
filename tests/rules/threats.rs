//! Threat table: hostile and unusual tokens of a shared-secret issuer, each with the exact reason of its refusal.
//! Tokens are signed correctly unless a row says otherwise, so an invalid signature cannot be the reason.

use serde_json::{Value, json};

use crate::local::{Local, NOW, decided, outcome, signed, signed_raw};

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

fn api() -> Value {
    json!({
        "policy": "single_request",
        "issuers": [{
            "issuer": "https://issuer.example/",
            "audience": ["api", "https://api.example/"],
            "secret": { "env": "SECRET" }
        }],
        "undeclared_routes": "allow"
    })
}

/// The API with additional issuer fields.
fn issuer(fields: Value) -> Value {
    let mut api = api();
    api["issuers"][0].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    api
}

/// A valid payload with these members replaced or added; `null` removes one.
fn payload(changes: Value) -> String {
    let mut claims = json!({
        "iss": "https://issuer.example/", "aud": "api", "sub": "user-1", "exp": NOW + 60, "nbf": NOW - 60, "iat": NOW - 60
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    claims.to_string()
}

/// A valid payload whose last members are this text.
fn payload_ending_in(text: &str) -> String {
    format!(r#"{{"iss":"https://issuer.example/","aud":"api","sub":"user-1",{text}}}"#)
}

#[track_caller]
fn header(local: &Local, header: &str, expected: &str) {
    decided(local, &signed(header, &payload(json!({}))), expected, header);
}

#[track_caller]
fn claims(local: &Local, changes: Value, expected: &str) {
    decided(local, &signed(HEADER, &payload(changes.clone())), expected, &changes.to_string());
}

#[track_caller]
fn ending(local: &Local, text: &str, expected: &str) {
    decided(local, &signed(HEADER, &payload_ending_in(text)), expected, text);
}

#[test]
fn rows_1_to_5_the_authorization_value_follows_rfc_6750() {
    let local = Local::new(&api());
    let token = signed(HEADER, &payload(json!({})));
    let decides = |value: Option<&str>| outcome(&local.answers("GET", "", value));
    assert_eq!(decides(None), "deny missing_token");
    for value in ["", "Bearer", "Bearer "] {
        assert_eq!(decides(Some(value)), "deny missing_token", "{value:?}");
    }
    for scheme in ["Bearer", "bearer", "BEARER", "Bearer   "] {
        assert_eq!(decides(Some(&format!("{scheme} {token}"))), "allow", "{scheme:?}");
    }
    for value in [
        format!("Basic {token}"),
        token.clone(),
        format!("Bearer {token}, Bearer {token}"),
        format!("Bearer {token},"),
        format!("Bearer {token} {token}"),
        format!("Bearer {token} "),
        format!("Bearer {token}\t"),
        format!("Bearer {token}\r\nX: y"),
        format!("Bearer {token}\0"),
        format!("Bearer {}", token.replace('.', "%2E")),
        format!("Bearer \"{token}\""),
        format!("Bearer {token}\u{e9}"),
    ] {
        assert_eq!(decides(Some(&value)), "deny malformed_token", "{value:?}");
    }
}

#[test]
fn rows_6_to_9_a_token_is_three_segments_of_bounded_size() {
    let local = Local::new(&api());
    let token = signed(HEADER, &payload(json!({})));
    let [h, p, s]: [&str; 3] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let json = json!({ "payload": p, "protected": h, "signature": s }).to_string();
    for bad in [
        "a".to_owned(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        format!("{h}.{p}"),
        format!("{h}.{p}."),
        format!("{h}..{s}"),
        format!(".{p}.{s}"),
        format!("{h}.{p}.{s}."),
        format!(".{h}.{p}.{s}"),
        format!("{h}.{p}.{s}.{s}"),
        format!("{h}.{p}.{s}.{s}.{s}"),
        json,
        ".".repeat(10_000),
        ".".repeat(1_000_000),
        format!("{token}{}", "A".repeat(10_241 - token.len())),
    ] {
        decided(&local, &bad, "deny malformed_token", &bad[..bad.len().min(100)]);
    }
    // A header segment has at most 4,096 bytes, 3,072 decoded.
    let header_of = |bytes: usize| {
        let start = r#"{"alg":"HS256","x":""#;
        format!("{start}{}\"}}", "x".repeat(bytes - start.len() - 2))
    };
    header(&local, &header_of(3072), "allow");
    header(&local, &header_of(3073), "deny malformed_token");
    header(&local, &json!({ "alg": "HS256", "kid": "k".repeat(256) }).to_string(), "allow");
    header(&local, &json!({ "alg": "HS256", "kid": "k".repeat(257) }).to_string(), "deny malformed_token");
}

#[test]
fn rows_10_to_12_base64url_has_no_padding_other_alphabet_or_trailing_bits() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let local = Local::new(&api());
    let (h, p) = (URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(payload(json!({}))));
    decided(&local, &signed_raw(&h, &p), "allow", "the control");
    // The 27 bytes of `HEADER` leave no trailing bits, and the 16 bytes of this header do.
    let short = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256" }"#);
    decided(&local, &signed_raw(&short, &p), "allow", "the control with trailing bits");
    let mut trailing = short.clone();
    assert_eq!(trailing.pop(), Some('Q'));
    for (h, what) in [
        (format!("{h}="), "padding"),
        (format!("{trailing}R"), "trailing bits"),
        (format!("{h}A"), "one character too many"),
        (format!("{h}+"), "the other alphabet"),
    ] {
        decided(&local, &signed_raw(&h, &p), "deny malformed_token", what);
    }
    decided(&local, &signed_raw(&h, &format!(" {p}")), "deny malformed_token", "a space, covered by the MAC");
    let token = signed_raw(&h, &p);
    decided(&local, &format!("{token}="), "deny malformed_token", "padding after the signature");
    decided(&local, &format!("{token}A"), "deny invalid_signature", "row 54: a MAC that is a byte longer");
}

#[test]
fn rows_14_to_18_the_header_is_one_strict_json_object() {
    let local = Local::new(&api());
    for bad in [
        "[]",
        "null",
        "\"HS256\"",
        "{",
        "{} {}",
        r#"{"alg":"HS256"}x"#,
        "\u{feff}{\"alg\":\"HS256\"}",
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"HS256","al\u0067":"none"}"#,
        r#"{"alg":"HS256","kid":"a","kid":"b"}"#,
        r#"{"alg":"HS256","x":{"y":1,"y":2}}"#,
        r#"{"alg":256}"#,
        r#"{"alg":null}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":"HS256","kid":1}"#,
        r#"{"alg":"HS256","kid":null}"#,
        r#"{"alg":"HS256","kid":["a"]}"#,
        r#"{"alg":"HS256","typ":1}"#,
        r#"{"alg":"HS256","typ":null}"#,
        r#"{"alg":"HS256","cty":1}"#,
        &format!(r#"{{"alg":"HS256","x":{}{}}}"#, "[".repeat(200), "]".repeat(200)),
    ] {
        header(&local, bad, "deny malformed_token");
    }
    header(&local, " {\n\t\"alg\" : \"HS256\" }\r\n", "allow");
    decided(&local, &signed_raw("eyJhbGciOiJIUzI1NiIsIngiOiL_In0", "e30"), "deny malformed_token", "invalid UTF-8");
}

#[test]
fn rows_19_to_23_header_members_that_change_processing_are_refused_and_others_ignored() {
    let local = Local::new(&api());
    for crit in [
        r#"["exp"]"#,
        "[]",
        r#""exp""#,
        "[null]",
        r#"["alg"]"#,
        r#"["b64"]"#,
        r#"["x","x"]"#,
        r#"["http://example.com/x"]"#,
        "null",
    ] {
        header(&local, &format!(r#"{{"alg":"HS256","crit":{crit},"b64":true,"x":1}}"#), "deny malformed_token");
        header(&local, &format!(r#"{{"alg":"HS256","crit":{crit}}}"#), "deny malformed_token");
    }
    for more in
        [r#""b64":false"#, r#""enc":"A256GCM""#, r#""zip":"DEF""#, r#""cty":"JWT""#, r#""cty":"application/jwt""#]
    {
        header(&local, &format!(r#"{{"alg":"HS256",{more}}}"#), "deny malformed_token");
    }
    for more in [
        r#""jku":"https://evil.example/keys""#,
        r#""jwk":{"kty":"oct","k":"AAAA"}"#,
        r#""x5u":"https://evil.example/cert","x5c":["AAAA"],"x5t":"AAAA""#,
        r#""x":1,"exp":1"#,
    ] {
        header(&local, &format!(r#"{{"alg":"HS256",{more}}}"#), "allow");
    }
}

#[test]
fn rows_24_to_26_and_34_alg_is_exactly_one_of_the_allowed() {
    let local = Local::new(&api());
    for alg in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "none ",
        "",
        "hs256",
        "HS256 ",
        "HS256\\u0000",
        "HS384",
        "HS512",
        "RS256",
        "ES256",
        "PS256",
        "EdDSA",
        "Ed25519",
        "RSA-OAEP",
        "dir",
        "A256KW",
        "A256GCM",
        "ML-DSA-44",
        "ES256K",
        "HS1",
    ] {
        header(&local, &format!(r#"{{"alg":"{alg}"}}"#), "deny unsupported_algorithm");
    }
    header(&local, r#"{"typ":"JWT"}"#, "deny unsupported_algorithm");
    let token = signed(r#"{"alg":"none"}"#, &payload(json!({})));
    let unsigned = &token[..=token.rfind('.').unwrap()];
    decided(&local, unsigned, "deny unsupported_algorithm", "no signature");
}

#[test]
fn row_48_any_change_to_the_token_is_refused() {
    let local = Local::new(&api());
    let token = signed(HEADER, &payload(json!({})));
    let other = signed(HEADER, &payload(json!({ "sub": "user-2" })));
    let (input, signature) = token.rsplit_once('.').unwrap();
    let (other_input, other_signature) = other.rsplit_once('.').unwrap();
    for swapped in [format!("{input}.{other_signature}"), format!("{other_input}.{signature}")] {
        decided(&local, &swapped, "deny invalid_signature", "swapped");
    }
    for position in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(local.decides("GET", "", &changed).starts_with("deny "), "byte {position} changed");
    }
    // Row 54: a MAC is compared in full.
    for length in 1..signature.len() {
        assert!(
            local.decides("GET", "", &format!("{input}.{}", &signature[..length])).starts_with("deny "),
            "{length}"
        );
    }
}

#[test]
fn rows_62_to_70_dates_are_numbers_compared_without_rounding() {
    let local = Local::new(&issuer(json!({ "leeway_seconds": 0 })));
    claims(&local, json!({ "exp": null }), "deny missing_claim");
    for name in ["exp", "nbf", "iat"] {
        for bad in [json!("1800000060"), json!(true), json!([1_800_000_060]), json!({})] {
            claims(&local, json!({ name: bad }), "deny invalid_claim");
        }
        let mut nulled: Value = serde_json::from_str(&payload(json!({}))).unwrap();
        nulled[name] = Value::Null;
        decided(&local, &signed(HEADER, &nulled.to_string()), "deny invalid_claim", "null is not absent");
    }
    for text in [r#""exp":NaN"#, r#""exp":Infinity"#, r#""exp":0x7fffffff"#, r#""exp":1e99999999999999999999"#] {
        ending(&local, text, "deny malformed_token");
    }
    for text in [r#""exp":1e400"#, r#""exp":-1e400"#, r#""exp":1e999999999"#] {
        ending(&local, text, "deny invalid_claim");
        ending(
            &local,
            &text.replace("exp", "nbf").replace("nbf\":", "exp\":1800000060,\"nbf\":"),
            "deny invalid_claim",
        );
    }
    for text in [r#""exp":-1"#, r#""exp":-0"#, r#""exp":0"#, r#""exp":-1e300"#, r#""exp":1.5"#] {
        ending(&local, text, "deny expired");
    }
    for text in [
        r#""exp":1e10"#,
        r#""exp":9223372036854775808"#,
        r#""exp":18446744073709551616"#,
        r#""exp":1e18"#,
        r#""exp":1e308"#,
        r#""exp":1800000000.5"#,
    ] {
        ending(&local, text, "allow");
    }
    // "On or after" (RFC 7519 section 4.1.4).
    claims(&local, json!({ "exp": NOW }), "deny expired");
    claims(&local, json!({ "exp": NOW + 1 }), "allow");
    claims(&local, json!({ "nbf": NOW + 1 }), "unauthorized not_yet_valid");
    claims(&local, json!({ "nbf": NOW }), "allow");
    claims(&local, json!({ "iat": NOW + 1 }), "unauthorized not_yet_valid");
    claims(&local, json!({ "iat": null, "nbf": null }), "allow");
    // Row 70: the order of `iat` and `nbf` is not checked.
    claims(&local, json!({ "iat": NOW - 10_000, "nbf": NOW - 20_000 }), "allow");
}

#[test]
fn leeway_moves_every_date_and_nothing_else() {
    let local = Local::new(&api());
    claims(&local, json!({ "exp": NOW - 9 }), "allow");
    claims(&local, json!({ "exp": NOW - 10 }), "deny expired");
    claims(&local, json!({ "nbf": NOW + 10, "iat": NOW + 10 }), "allow");
    claims(&local, json!({ "nbf": NOW + 11 }), "unauthorized not_yet_valid");
    claims(&local, json!({ "iat": NOW + 11 }), "unauthorized not_yet_valid");
}

#[test]
fn a_token_passes_until_it_expires() {
    let local = Local::new(&api());
    let token = signed(HEADER, &payload(json!({})));
    decided(&local, &token, "allow", "at first");
    local.clock.advance_millis(69_999);
    decided(&local, &token, "allow", "a millisecond before exp and leeway");
    local.clock.advance_millis(1);
    decided(&local, &token, "deny expired", "at exp and leeway");
}

#[test]
fn the_oldest_acceptable_iat_is_checked_and_then_required() {
    let local = Local::new(&issuer(json!({ "leeway_seconds": 0, "max_token_age_seconds": 300 })));
    claims(&local, json!({ "iat": NOW - 299 }), "allow");
    claims(&local, json!({ "iat": NOW - 300 }), "deny too_old");
    claims(&local, json!({ "iat": null }), "deny missing_claim");
    claims(&local, json!({ "iat": NOW - 300, "exp": NOW - 1 }), "deny expired");
    let answer =
        local.answers("GET", "", Some(&format!("Bearer {}", signed(HEADER, &payload(json!({ "exp": NOW + 9999 }))))));
    // 1,800,000,000 is 2027-01-15T08:00:00Z; the token reaches its maximum age 240 s later.
    assert_eq!(
        answer["policyDocument"]["Statement"][0]["Condition"],
        json!({ "DateLessThan": { "aws:CurrentTime": "2027-01-15T08:04:00Z" } })
    );
}

#[test]
fn row_72_nothing_is_decided_by_a_clock_that_is_certainly_wrong() {
    let local = Local::new(&api());
    let token = signed(HEADER, &payload(json!({ "nbf": 0, "iat": 0 })));
    local.clock.advance_wall(-1000);
    decided(&local, &token, "allow", "the build date");
    local.clock.advance_wall(-1);
    decided(&local, &token, "error internal_error", "a second before");
    decided(&local, "a.b.c", "error internal_error", "regardless of the token");
}

#[test]
fn row_74_the_payload_is_one_strict_json_object() {
    let local = Local::new(&api());
    for text in
        ["[]", "null", "1", "{", r#"{"sub":"a","sub":"b"}"#, r#"{"a":[{"b":1,"b":1}]}"#, r#"{"exp":1,"e\u0078p":2}"#]
    {
        decided(&local, &signed(HEADER, text), "deny malformed_token", text);
    }
    ending(&local, r#""exp":1800000060,"exp":1800000060"#, "deny malformed_token");
}

#[test]
fn row_75_iss_is_compared_byte_for_byte() {
    let local = Local::new(&api());
    for iss in [
        json!("https://issuer.example"),
        json!("https://issuer.example//"),
        json!("HTTPS://issuer.example/"),
        json!("https://issuer.example/ "),
        json!(["https://issuer.example/"]),
        json!({}),
        json!(1),
        json!(""),
        json!("x"),
    ] {
        claims(&local, json!({ "iss": iss }), "deny unknown_issuer");
    }
    claims(&local, json!({ "iss": null }), "deny unknown_issuer");
    ending(&local, r#""exp":1800000060,"x":1"#, "allow");
    let mut nulled: Value = serde_json::from_str(&payload(json!({}))).unwrap();
    nulled["iss"] = Value::Null;
    decided(&local, &signed(HEADER, &nulled.to_string()), "deny unknown_issuer", "null is not absent");
}

#[test]
fn rows_76_to_78_the_audience_claim_contains_a_configured_audience_exactly() {
    let local = Local::new(&api());
    for aud in [json!("api"), json!(["api"]), json!(["x", "https://api.example/"])] {
        claims(&local, json!({ "aud": aud }), "allow");
    }
    for aud in [
        json!("ap"),
        json!("apis"),
        json!("API"),
        json!("api "),
        json!(""),
        json!([]),
        json!(["x"]),
        json!(["api", 1]),
        json!(123),
        json!({ "api": 1 }),
        json!("api https://api.example/"),
    ] {
        claims(&local, json!({ "aud": aud }), "deny wrong_audience");
    }
    claims(&local, json!({ "aud": null }), "deny wrong_audience");
    let unchecked = Local::new(&issuer(json!({ "audience": null })));
    claims(&unchecked, json!({ "aud": null }), "allow");
    claims(&unchecked, json!({ "aud": 123 }), "allow");
}

#[test]
fn row_80_an_audience_may_be_in_another_claim() {
    let cognito = issuer(
        json!({ "audience": "client-1", "audience_claim": ["aud", "client_id"], "required_claims": { "token_use": "access" } }),
    );
    let local = Local::new(&cognito);
    claims(&local, json!({ "aud": null, "client_id": "client-1", "token_use": "access" }), "allow");
    claims(&local, json!({ "aud": "client-1", "token_use": "access" }), "allow");
    claims(&local, json!({ "aud": "other", "client_id": "client-1", "token_use": "access" }), "deny wrong_audience");
    claims(&local, json!({ "aud": null, "client_id": "client-2", "token_use": "access" }), "deny wrong_audience");
    claims(&local, json!({ "aud": "client-1", "token_use": "id" }), "deny invalid_claim");
    claims(&local, json!({ "aud": "client-1" }), "deny missing_claim");
}

#[test]
fn rows_81_and_82_typ_is_that_of_an_access_token() {
    let with = |typ: &str| format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#);
    let local = Local::new(&api());
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "Application/JWT"] {
        header(&local, &with(typ), "allow");
    }
    header(&local, r#"{"alg":"HS256"}"#, "allow");
    for typ in ["", "logout+jwt", "dpop+jwt", "id+jwt", "JWTx", "application/", "text/jwt", "multipart/x-JWT"] {
        header(&local, &with(typ), "deny wrong_token_type");
    }
    let strict = Local::new(&issuer(json!({ "typ": ["application/at+jwt"] })));
    header(&strict, &with("at+jwt"), "allow");
    header(&strict, &with("application/AT+jwt"), "allow");
    header(&strict, &with("JWT"), "deny wrong_token_type");
    header(&strict, r#"{"alg":"HS256"}"#, "deny wrong_token_type");
    // `nonce` and `at_hash` are not checked.
    claims(&local, json!({ "nonce": "n", "at_hash": "h" }), "allow");
}

#[test]
fn rows_85_and_86_a_scope_claim_of_another_type_makes_the_token_invalid() {
    let local = Local::new(&api());
    for scope in [json!("a b"), json!(["a", "b"]), json!([]), json!("")] {
        claims(&local, json!({ "scope": scope, "scp": scope }), "allow");
    }
    for scope in [json!(["a", 1]), json!(["a", null]), json!(1), json!(true), json!({ "a": 1 })] {
        claims(&local, json!({ "scope": scope }), "deny invalid_claim");
        claims(&local, json!({ "scp": scope }), "deny invalid_claim");
    }
    ending(&local, r#""exp":1800000060,"scope":null"#, "deny invalid_claim");
}

#[test]
fn row_88_a_principal_is_a_short_text_without_control_characters() {
    let local = Local::new(&api());
    claims(&local, json!({ "sub": null }), "deny missing_claim");
    for sub in [json!(""), json!("a\nb"), json!("a\u{85}b"), json!(1), json!(["a"]), json!("x".repeat(257))] {
        claims(&local, json!({ "sub": sub }), "deny invalid_claim");
    }
    claims(&local, json!({ "sub": "x".repeat(256) }), "allow");
    let mut api = api();
    api["principal"] = json!(["username", "/app/id", "sub"]);
    let local = Local::new(&api);
    let principal = |changes: Value| {
        local.answers("GET", "", Some(&format!("Bearer {}", signed(HEADER, &payload(changes)))))["principalId"].clone()
    };
    assert_eq!(principal(json!({ "username": "u", "app": { "id": "i" } })), "u");
    assert_eq!(principal(json!({ "app": { "id": "i" } })), "i");
    assert_eq!(principal(json!({})), "user-1");
    claims(&local, json!({ "username": "" }), "deny invalid_claim");
}

#[test]
fn row_89_a_bound_token_is_refused() {
    let local = Local::new(&api());
    for cnf in [json!({ "jkt": "x" }), json!({ "x5t#S256": "x" }), json!({}), json!(1)] {
        claims(&local, json!({ "cnf": cnf }), "deny bound_token");
    }
    ending(&local, r#""exp":1800000060,"cnf":null"#, "deny bound_token");
}

#[test]
fn row_90_only_mapped_claims_that_fit_are_forwarded() {
    let mut api = api();
    api["context"] = json!({
        "a_text": "text", "b_number": "number", "c_flag": "flag", "d_list": "list", "e_deep": "/deep/er", "f_null": "nothing",
        "g_control": "control", "h_absent": "absent", "i_long": "long", "j_fits": "fits", "k_all": ""
    });
    api["usage_identifier_key"] = "key".into();
    let local = Local::new(&api);
    let changes = json!({
        "text": "a \"b\"", "number": 17.5, "flag": true, "list": ["x", 1], "deep": { "er": "y" }, "control": "a\r\nb",
        "long": "x".repeat(2049), "fits": "x".repeat(2048), "key": "usage-1"
    });
    let mut claims: Value = serde_json::from_str(&payload(changes)).unwrap();
    claims["nothing"] = Value::Null;
    let answer = local.answers("GET", "", Some(&format!("Bearer {}", signed(HEADER, &claims.to_string()))));
    assert_eq!(answer["usageIdentifierKey"], "usage-1");
    assert_eq!(
        answer["context"],
        json!({
            "a_text": "a \"b\"", "b_number": 17.5, "c_flag": true, "d_list": "[\"x\",1]", "e_deep": "y",
            "j_fits": "x".repeat(2048)
        })
    );
    // The context is limited to 6 KiB; values are added in key order.
    let large = json!({ "text": "x".repeat(1800), "list": "x".repeat(1800), "fits": "x".repeat(1800), "flag": "x".repeat(1800), "number": 1 });
    let answer = local.answers("GET", "", Some(&format!("Bearer {}", signed(HEADER, &payload(large)))));
    let keys: Vec<_> = answer["context"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["a_text", "b_number", "c_flag", "d_list"]);
}

#[test]
fn row_90_json_text_in_the_context_has_no_control_characters() {
    let mut api = api();
    api["context"] = json!({ "deep": "deep", "list": "list" });
    let local = Local::new(&api);
    let changes =
        json!({ "list": ["a\u{1f}b\u{7f}c\u{80}d\u{9f}e\u{a0}f"], "deep": { "\u{85}": { "x": "\u{7f}", "y": null } } });
    let answer = local.answers("GET", "", Some(&format!("Bearer {}", signed(HEADER, &payload(changes.clone())))));
    assert_eq!(
        answer["context"],
        json!({
            "list": r#"["a\u001fb\u007fc\u0080d\u009fe f"]"#.replace(' ', "\u{a0}"),
            "deep": r#"{"\u0085":{"x":"\u007f","y":null}}"#
        })
    );
    // The escaped text still parses to the same JSON.
    let read = |key: &str| serde_json::from_str::<Value>(answer["context"][key].as_str().unwrap()).unwrap();
    assert_eq!((&read("list"), &read("deep")), (&changes["list"], &changes["deep"]));
    // Escapes count towards the 2 KiB of a value: 340 of six bytes and four bytes of JSON syntax fit, one more does
    // not.
    for (characters, is_there) in [(340, true), (341, false)] {
        let changes = json!({ "list": ["\u{85}".repeat(characters)] });
        let answer = local.answers("GET", "", Some(&format!("Bearer {}", signed(HEADER, &payload(changes)))));
        assert_eq!(answer["context"].get("list").is_some(), is_there, "{characters}");
    }
}

#[test]
fn null_counts_as_absent_for_a_required_claim() {
    let with = |text: &str| format!(r#""exp":1800000060,{text}"#);
    let present = Local::new(&issuer(json!({ "required_claims": { "email": { "present": true } } })));
    ending(&present, &with(r#""email":"a@b.example""#), "allow");
    ending(&present, &with(r#""email":false"#), "allow");
    ending(&present, &with(r#""email":[null]"#), "allow");
    ending(&present, &with(r#""email":null"#), "deny missing_claim");
    ending(&present, &with(r#""mail":"a@b.example""#), "deny missing_claim");
    let value = Local::new(&issuer(json!({ "required_claims": { "/app/plan": ["gold", false] } })));
    ending(&value, &with(r#""app":{"plan":"gold"}"#), "allow");
    ending(&value, &with(r#""app":{"plan":null}"#), "deny missing_claim");
    ending(&value, &with(r#""app":null"#), "deny missing_claim");
    ending(&value, &with(r#""app":{"plan":"null"}"#), "deny invalid_claim");
}

#[test]
fn row_99_numbers_in_rules_and_claims_are_compared_exactly_by_value() {
    let same: [&[&str]; 8] = [
        &["1", "1.0", "1e0", "10e-1", "0.1e1", "1E+0", "1.000e00", "100000e-5", "0.00001e+5"],
        &["0", "-0", "0.0", "-0e5", "0e99999999999999999999", "-0.00e-7"],
        &["-17.5", "-175e-1", "-0.175E2", "-17.50"],
        &["9007199254740993", "9007199254740993.0", "9.007199254740993e15"],
        &["18446744073709551617", "18446744073709551617.000", "18446744073709551617e0"],
        &["1180591620717411303424", "1180591620717411303.424e3"],
        &["1e400", "10e399", "0.1e401", "1000E397"],
        &["1e999999999", "10e999999998", "0.001e1000000002"],
    ];
    // Each is close to one of the numbers above, and in most cases the same double.
    let others = [
        "1.0000000000000000000000001",
        "0.9999999999999999999999999",
        "-1",
        "10",
        "1e1",
        "1e-999999999",
        "-1e-400",
        "5e-324",
        "-17.500000000000000000001",
        "17.5",
        "9007199254740992",
        "9007199254740992.0",
        "9007199254740993.5",
        "18446744073709551615",
        "18446744073709551616",
        "18446744073709552000",
        "1.8446744073709552e19",
        "1180591620717411303425",
        "1.18e21",
        "1e399",
        "1e401",
        "-1e400",
        "1e1000000000",
        "9e999999998",
        "1e9223372036854775807",
        "1e-9223372036854775808",
        "true",
        "\"1\"",
        "\"0\"",
        "{}",
    ];
    let rules = |number: &str| {
        let fields = format!(r#"{{"required_claims":{{"n":[{number},"x"]}}}}"#);
        let routes = format!(r#"[{{"path":"/","claims":{{"m":{number}}}}}]"#);
        let mut api = issuer(serde_json::from_str(&fields).unwrap());
        api["routes"] = serde_json::from_str(&routes).unwrap();
        Local::new(&api)
    };
    let with = |n: &str, m: &str| format!(r#""exp":1800000060,"n":{n},"m":{m}"#);
    for (group, numbers) in same.iter().enumerate() {
        for rule in *numbers {
            let local = rules(rule);
            for claim in *numbers {
                ending(&local, &with(claim, claim), "allow");
                ending(&local, &with(&format!("[null,2,{claim}]"), &format!("[{claim}]")), "allow");
            }
        }
        let local = rules(numbers[0]);
        let strangers = same.iter().enumerate().filter(|(other, _)| *other != group).flat_map(|(_, numbers)| *numbers);
        for claim in strangers.chain(&others) {
            ending(&local, &with(claim, numbers[0]), "deny invalid_claim");
            ending(&local, &with("\"x\"", claim), "deny claim_mismatch");
            ending(&local, &with("\"x\"", &format!("[{claim}]")), "deny claim_mismatch");
        }
    }
    // An exponent beyond 64 bits is not read as a number.
    for number in ["1e99999999999999999999", "1e-99999999999999999999", "10e9223372036854775807"] {
        ending(&rules("1"), &with("1", number), "deny malformed_token");
    }
}

#[test]
fn row_99_numbers_go_on_to_the_context_as_they_are_written() {
    let mut api = api();
    api["context"] = json!({ "n": "n", "list": "list" });
    let local = Local::new(&api);
    for number in [
        "1",
        "-1",
        "1.0",
        "-0",
        "0.10",
        "9007199254740993",
        "18446744073709551615",
        "18446744073709551617",
        "1180591620717411303424",
        "-1180591620717411303424",
        "3.14159265358979323846264338327950288",
        "1e+400",
        "1e-400",
        "1e+999999999",
    ] {
        let token = signed(HEADER, &payload_ending_in(&format!(r#""exp":1800000060,"n":{number},"list":[{number}]"#)));
        let answer = local.answers("GET", "", Some(&format!("Bearer {token}")));
        assert_eq!(answer["context"].to_string(), format!(r#"{{"list":"[{number}]","n":{number}}}"#));
    }
    let written = |number: &str| {
        let token = signed(HEADER, &payload_ending_in(&format!(r#""exp":1800000060,"n":{number}"#)));
        local.answers("GET", "", Some(&format!("Bearer {token}")))["context"]["n"].to_string()
    };
    // An exponent is written with a lowercase `e` and a sign.
    assert_eq!([written("1E5"), written("1.50e5")], ["1e+5", "1.50e+5"]);
    // The limit of 2 KiB also applies to numbers.
    assert_eq!(written(&"1".repeat(2048)), "1".repeat(2048));
    assert_eq!(written(&"1".repeat(2049)), "null");
}

#[test]
fn row_99_an_object_is_never_read_as_a_number() {
    let local = Local::new(&issuer(json!({ "required_claims": { "n": 5 } })));
    ending(&local, r#""exp":1800000060,"n":5"#, "allow");
    // serde_json represents arbitrary-precision numbers internally as objects with this member.
    for name in ["$serde_json::private::Number", "$serde_json\\u003a:private::Number"] {
        for value in
            [format!(r#"{{"{name}":"5"}}"#), format!(r#"{{"x":1,"{name}":"5"}}"#), format!(r#"[{{"{name}":5}}]"#)]
        {
            ending(&local, &format!(r#""exp":1800000060,"n":{value}"#), "deny malformed_token");
            ending(&local, &format!(r#""exp":1800000060,"n":5,"m":{value}"#), "deny malformed_token");
        }
        ending(&local, &format!(r#""n":5,"exp":{{"{name}":"1800000060"}}"#), "deny malformed_token");
        header(&local, &format!(r#"{{"alg":"HS256","{name}":"5"}}"#), "deny malformed_token");
        header(&local, &format!(r#"{{"{name}":"5"}}"#), "deny malformed_token");
    }
    ending(&local, r#""exp":1800000060,"n":{"$serde_json::private::RawValue":"5"}"#, "deny invalid_claim");
}

#[test]
fn rows_97_and_98_path_parameters_and_encodings_that_are_not_utf_8_are_ambiguous() {
    let mut api = api();
    api["routes"] = json!([
        { "method": "GET", "path": "/any/{x}" },
        { "method": "GET", "path": "/all/{x+}" },
        { "method": "GET", "path": "/own/{x}", "claims": { "name": "{x}" } },
        { "method": "GET", "path": "/admin/users", "scopes": "admin" }
    ]);
    let texts = [
        // Row 97: path parameters as servlets read them.
        "..;",
        ";",
        "a;b=c",
        "%3b",
        "%3B",
        "..%3b",
        "a%3Bb",
        "a%20b;c",
        // Row 98: overlong forms, a stray byte, half a character, a surrogate, a code point above U+10FFFF.
        "%c0%ae%c0%ae",
        "%C0%AE",
        "%c0%af",
        "%e0%80%af",
        "%ff",
        "%FE%20",
        "%80",
        "%c3",
        "a%c3b",
        "%c3/%a9",
        "\u{e9}%a9",
        "%ed%a0%80",
        "%f4%90%80%80",
    ];
    for undeclared in ["deny", "allow"] {
        api["undeclared_routes"] = undeclared.into();
        let local = Local::new(&api);
        for text in texts {
            let token = signed(HEADER, &payload(json!({ "scope": "admin", "name": [text, "%", "a;b=c", "\u{fffd}"] })));
            for path in [
                format!("any/{text}"),
                format!("all/{text}"),
                format!("all/a/{text}/b"),
                format!("own/{text}"),
                format!("{text}/x"),
                text.to_owned(),
                format!("admin{text}/users"),
            ] {
                assert_eq!(local.verdict("GET", &path, &token), "deny ambiguous_path", "{path}");
            }
        }
        let token = signed(HEADER, &payload(json!({ "name": "\u{e9}" })));
        for path in ["any/%C3%A9", "all/%e2%82%ac", "own/%c3%a9", "any/a:b,c", "any/%3A%2c"] {
            assert_eq!(local.verdict("GET", path, &token), "allow", "{path}");
        }
    }
}

#[test]
fn a_usage_identifier_key_is_a_string_or_not_sent() {
    let mut api = api();
    api["usage_identifier_key"] = "key".into();
    let local = Local::new(&api);
    claims(&local, json!({ "key": 1 }), "deny invalid_claim");
    claims(&local, json!({ "key": "" }), "deny invalid_claim");
    let mut nulled: Value = serde_json::from_str(&payload(json!({}))).unwrap();
    nulled["key"] = Value::Null;
    for payload in [payload(json!({})), nulled.to_string()] {
        let answer = local.answers("GET", "", Some(&format!("Bearer {}", signed(HEADER, &payload))));
        assert_eq!(answer["policyDocument"]["Statement"][0]["Effect"], "Allow");
        assert!(answer.get("usageIdentifierKey").is_none() && answer.get("context").is_none(), "{answer}");
    }
}

#[test]
fn the_principal_is_the_first_claim_that_is_there_and_null_is_absent() {
    let mut api = api();
    api["principal"] = json!(["email", "sub"]);
    let local = Local::new(&api);
    let mut claims: Value = serde_json::from_str(&payload(json!({ "email": "a@b.example", "sub": "me" }))).unwrap();
    let mut principal = |email: Value, sub: Value| {
        (claims["email"], claims["sub"]) = (email, sub);
        local.answers("GET", "", Some(&format!("Bearer {}", signed(HEADER, &claims.to_string()))))
    };
    assert_eq!(principal("a@b.example".into(), "me".into())["principalId"], "a@b.example");
    assert_eq!(principal(Value::Null, "me".into())["principalId"], "me");
    assert_eq!(principal(Value::Null, Value::Null)["context"]["reason"], "missing_claim");
    assert_eq!(principal(1.into(), "me".into())["context"]["reason"], "invalid_claim");
}

#[test]
fn an_entry_without_an_issuer_serves_tokens_that_name_no_other_entry() {
    let mut api = api();
    let secret = json!({ "env": "SECRET" });
    api["issuers"] = json!([
        { "issuer": "https://strict.example/", "audience": "strict", "secret": secret },
        { "audience": "api", "secret": secret }
    ]);
    let local = Local::new(&api);
    claims(&local, json!({ "iss": null }), "allow");
    claims(&local, json!({ "iss": "https://anybody.example/" }), "allow");
    claims(&local, json!({ "iss": "https://strict.example/" }), "deny wrong_audience");
    claims(&local, json!({ "iss": "https://strict.example/", "aud": "strict" }), "allow");
    claims(&local, json!({ "iss": ["https://strict.example/"] }), "deny unknown_issuer");
}

#[test]
fn an_invalid_token_may_be_answered_with_unauthorized() {
    let mut api = api();
    api["invalid_token"] = "unauthorized".into();
    let local = Local::new(&api);
    for token in ["a.b.c", &signed(HEADER, &payload(json!({ "exp": 0 }))), &signed(HEADER, "{}")] {
        let answer = local.answers("GET", "", Some(&format!("Bearer {token}")));
        assert_eq!(answer, json!({ "errorType": "Unauthorized", "errorMessage": "Unauthorized" }));
    }
    assert_eq!(outcome(&local.answers("GET", "", None)), "Unauthorized");
}

#[test]
fn a_refused_token_denies_the_stage_to_an_anonymous_principal() {
    let local = Local::new(&api());
    assert_eq!(
        local.answers("GET", "pets/17", Some("Bearer a.b.c")),
        json!({
            "principalId": "anonymous",
            "policyDocument": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Action": "execute-api:Invoke",
                    "Effect": "Deny",
                    "Resource": ["arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/*"]
                }]
            },
            "context": { "error": "invalid_token", "reason": "malformed_token" }
        })
    );
}
