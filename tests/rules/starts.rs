//! Threat table: configurations that refuse to start, each with one error.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::local::{NOW, SECRET, config_with, signed, with_members};
use crate::tokens::{encoded, key};

/// An API with additional issuer fields, whose secret is in the environment variable `S`.
fn api(fields: Value) -> Value {
    let issuer = json!({ "issuer": "https://issuer.example/", "audience": "api", "secret": { "env": "S" } });
    json!({ "issuers": [with_members(issuer, &fields)], "undeclared_routes": "allow" })
}

/// A JSON number with exactly this text.
fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Checks that the document does not start, with this error alone.
#[track_caller]
fn refused(document: &Value, secret: &str, expected: &str) {
    let error = config_with(&document.to_string(), &[("S", secret)]).err().unwrap();
    let mistakes: Vec<String> = error.issues.iter().map(ToString::to_string).collect();
    assert_eq!(mistakes, [expected], "{document}");
}

#[track_caller]
fn starts(document: &Value, secret: &str) {
    assert!(config_with(&document.to_string(), &[("S", secret)]).is_ok(), "{document}");
}

#[test]
fn row_28_an_algorithm_of_the_other_family_refuses_to_start() {
    for alg in ["RS256", "PS256", "ES256", "EdDSA"] {
        let mistake = "issuers[0].algorithms[0]: with a `secret`, expected a list of `HS256`, `HS384`, `HS512`";
        refused(&api(json!({ "algorithms": [alg] })), SECRET, mistake);
    }
    for alg in ["HS256", "HS384", "HS512"] {
        let keys = json!({ "keys": [key("ES256").jwk()] });
        let issuer =
            json!({ "issuer": "https://issuer.example/", "audience": "api", "jwks": keys, "algorithms": [alg] });
        let document = json!({ "issuers": [issuer], "undeclared_routes": "allow" });
        let mistake = "issuers[0].algorithms[0]: with keys, expected a list of `RS256`, `RS384`, `RS512`, `PS256`, `PS384`, `PS512`, `ES256`, `ES384`, `ES512`, `EdDSA`";
        refused(&document, SECRET, mistake);
    }
}

#[test]
fn row_59_a_secret_shorter_than_the_hash_or_empty_refuses_to_start() {
    for (alg, bytes) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
        let document = api(json!({ "algorithms": [alg] }));
        starts(&document, &"s".repeat(bytes));
        let short = format!("issuers[0].secret: the secret is shorter than the {bytes} bytes that {alg} needs");
        refused(&document, &"s".repeat(bytes - 1), &short);
        refused(&document, "s", &short);
        refused(&document, "", "issuers[0].secret: the secret is empty");
        // The length is that of the decoded secret.
        let encoded_secret = json!({ "algorithms": [alg], "secret": { "env": "S", "encoding": "base64url" } });
        starts(&api(encoded_secret.clone()), &encoded("s".repeat(bytes)));
        refused(&api(encoded_secret), &encoded("s".repeat(bytes - 1)), &short);
    }
}

#[test]
fn rows_27_and_61_a_public_key_for_a_secret_refuses_to_start() {
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", "MIIB".repeat(90));
    let jwk = key("RS256").jwk().to_string();
    let set = json!({ "keys": [key("ES256").jwk()] }).to_string();
    let text = "issuers[0].secret: the secret is a key or a certificate (PEM, JWK, DER, or one in base64 or hex); public keys go into `jwks` or `jwks_file`";
    for key in [&pem, &format!(" {pem}"), &format!("\n\t{pem}"), &format!("x{pem}"), &jwk, &format!(" {jwk}"), &set] {
        refused(&api(json!({})), key, text);
    }
    for key in [&pem, &jwk, &set] {
        refused(&api(json!({ "secret": { "env": "S", "encoding": "base64url" } })), &encoded(key), text);
    }
    // No encoding is guessed: without `encoding`, base64url text is used as it is.
    let text = encoded(SECRET);
    starts(&api(json!({})), &text);
    starts(&api(json!({ "secret": { "env": "S", "encoding": "base64url" } })), &text);
    let not = "issuers[0].secret: the secret is not base64url as its `encoding` says";
    refused(&api(json!({ "secret": { "env": "S", "encoding": "base64url" } })), SECRET, not);
}

/// Encodes a DER value (X.690 section 8.1).
fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
    let head = match contents.len() {
        0..=127 => vec![tag, length[1]],
        128..=255 => vec![tag, 0x81, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    [head, contents.to_vec()].concat()
}

/// Public keys in forms other than a JWK: a SubjectPublicKeyInfo of each kind, a PKCS#1 key, a point and a certificate.
fn public_keys() -> Vec<(&'static str, Vec<u8>)> {
    let number = |jwk: &Value, name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let integer = |number: &[u8]| der(2, &[&[0], number].concat());
    let info = |algorithm: &[&[u8]], key: &[u8]| {
        der(0x30, &[der(0x30, &algorithm.concat()), der(3, &[&[0], key].concat())].concat())
    };
    let (rsa, ec, ed) = (key("RS256").jwk(), key("ES256").jwk(), key("EdDSA").jwk());
    let pkcs1 = der(0x30, &[integer(&number(&rsa, "n")), der(2, &number(&rsa, "e"))].concat());
    let rsa_oid = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    let (ec_oid, p256) = ([6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1], [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]);
    let point = [&[4][..], &number(&ec, "x"), &number(&ec, "y")].concat();
    let certificate = rcgen::generate_simple_self_signed(["issuer.example".to_owned()]).unwrap().cert;
    vec![
        ("an RSA key", info(&[&rsa_oid, &[5, 0]], &pkcs1)),
        ("an RSA key by itself", pkcs1),
        ("an EC key", info(&[&ec_oid, &p256], &point)),
        ("a point", point),
        ("an Ed25519 key", info(&[&[6, 3, 0x2b, 0x65, 0x70]], &number(&ed, "x"))),
        ("a certificate", certificate.der().to_vec()),
    ]
}

#[test]
fn row_100_a_public_key_in_any_encoding_refuses_to_start() {
    let mistake = "issuers[0].secret: the secret is a key or a certificate (PEM, JWK, DER, or one in base64 or hex); public keys go into `jwks` or `jwks_file`";
    let refused = |text: &str, what: &str| {
        for encoding in ["utf8", "base64", "base64url"] {
            let document = api(json!({ "secret": { "env": "S", "encoding": encoding } }));
            let error = config_with(&document.to_string(), &[("S", text)]).err();
            let error = error.unwrap_or_else(|| panic!("{what} as {encoding} starts"));
            assert_eq!(error.issues.len(), 1, "{what} as {encoding}");
            assert_eq!(error.issues[0].to_string(), mistake, "{what} as {encoding}");
        }
    };
    for (what, der) in public_keys() {
        let base64 = STANDARD.encode(&der);
        let hex: String = der.iter().map(|byte| format!("{byte:02x}")).collect();
        let colons = der.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
        let lines = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect::<Vec<_>>();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
        for text in [
            &base64,
            &base64.trim_end_matches('=').to_owned(),
            &encoded(&der),
            &format!(" {base64}\n"),
            &format!("\"{base64}\""),
            &lines.join("\n"),
            &lines.join("\r\n"),
            &hex,
            &hex.to_uppercase(),
            &format!("0x{hex}"),
            &colons,
            &pem,
            &format!(" {pem}"),
            &pem.replace('\n', "\\n"),
            &STANDARD.encode(&pem),
            &encoded(&pem),
            &STANDARD.encode(&base64),
            &STANDARD.encode(&hex),
            &STANDARD.encode(STANDARD.encode(STANDARD.encode(STANDARD.encode(&pem)))),
            &pem.replace('\n', "%0A").replace(' ', "%20").replace('+', "%2B").replace('/', "%2f"),
            &base64.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"),
            &base64.replace('/', "\\/"),
            &lines.join("\\n"),
            &format!("data:application/octet-stream;base64,{base64}"),
            &format!("data:application/x-pem-file;base64,{}", STANDARD.encode(&pem)),
            &json!({ "realm": "x", "public_key": base64, "token-service": "https://issuer.example" }).to_string(),
            &json!({ "x5c": [base64, base64] }).to_string(),
            &format!("\u{feff}{base64}"),
            &format!("# key\n{base64}"),
            &format!("public_key={base64};"),
            &format!("key: |\n  {}\n", lines.join("\n  ")),
            &STANDARD.encode(pem.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()),
            &colons.replace(':', ", "),
            &der.iter().map(|byte| format!("0x{byte:02x}")).collect::<Vec<_>>().join(", "),
            &der.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>(),
        ] {
            refused(text, what);
        }
    }
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let rsa = key("RS256").jwk();
    let n = URL_SAFE_NO_PAD.decode(rsa["n"].as_str().unwrap()).unwrap();
    for text in [
        rsa["n"].as_str().unwrap(),
        &rsa.to_string(),
        &STANDARD.encode(rsa.to_string()),
        &json!([rsa]).to_string(),
        &json!({ "keys": [rsa] }).to_string(),
        &json!({ "key": rsa }).to_string(),
        &rsa.to_string().replace('"', "'"),
        &rsa.to_string().replace('"', "\\\""),
        &rsa.to_string().replace('}', ",}"),
        &json!(rsa.to_string()).to_string(),
        &format!("\u{feff}{rsa}\n{rsa}"),
        &json!({ "n": rsa["n"], "e": "AQAB" }).to_string(),
        &format!("kty: RSA\nn: {}", rsa["n"].as_str().unwrap()),
        &encoded([&[0], &*n].concat()),
        &format!("{}==", rsa["n"].as_str().unwrap()),
        &rsa["n"]
            .as_str()
            .unwrap()
            .as_bytes()
            .chunks(76)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect::<Vec<_>>()
            .join("\n"),
        &format!("00{}", hex(&n)),
        &format!("Modulus={}", hex(&n).to_uppercase()),
        &STANDARD.encode([&[0], &*n].concat()),
    ] {
        refused(text, "a JWK");
    }
    let ssh = STANDARD.encode([b"\0\0\0\x0bssh-ed25519\0\0\0\x20", &[7; 32][..]].concat());
    for text in [
        &format!("ssh-ed25519 {ssh} somebody@example"),
        &format!("ssh-ed25519\t{ssh}"),
        &format!("no-pty ssh-ed25519 {ssh}"),
        &format!("host.example ssh-ed25519 {ssh}"),
        &ssh,
    ] {
        refused(text, "an SSH key");
    }
    let ec = key("ES256").jwk();
    let [x, y] = ["x", "y"].map(|name| URL_SAFE_NO_PAD.decode(ec[name].as_str().unwrap()).unwrap());
    for point in [[&[4], &*x, &y].concat(), [&*x, &y].concat()] {
        for text in [&STANDARD.encode(&point), &encoded(&point), &hex(&point)] {
            refused(text, "a point");
        }
    }
    refused(&json!({ "crv": "P-256", "x": ec["x"], "y": ec["y"] }).to_string(), "a JWK without its type");
}

#[test]
fn row_100_ordinary_secrets_start() {
    let mut seed = vec![0; 32];
    for length in [32, 33, 48, 64, 65, 96, 97, 128, 255, 256, 257] {
        for _ in 0..20 {
            let mut random = Vec::new();
            while random.len() < length {
                seed = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &seed).as_ref().to_vec();
                random.extend_from_slice(&seed);
            }
            random.truncate(length);
            let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
            for (encoding, text) in [
                ("utf8", &STANDARD.encode(&random)),
                ("base64", &STANDARD.encode(&random)),
                ("utf8", &hex),
                ("utf8", &format!("A passphrase, and {hex}")),
            ] {
                starts(&api(json!({ "secret": { "env": "S", "encoding": encoding } })), text);
            }
            // About one in ten random values of 256 bytes looks like an RSA modulus.
            if length != 256 {
                starts(&api(json!({})), &encoded(&random));
                starts(&api(json!({ "secret": { "env": "S", "encoding": "base64url" } })), &encoded(&random));
            }
        }
    }
}

#[test]
fn a_secret_probably_copied_with_surrounding_text_gets_a_warning() {
    for (secret, warning) in [
        (
            r#"{"password":"a secret of more than thirty-two bytes"}"#,
            "it reads as a JSON object; `field` names the member of a stored one",
        ),
        ("a secret of more than thirty-two bytes\n", "it ends in white space, which is part of it"),
        ("\"a secret of more than thirty-two bytes\"", "it stands in quotes, which are part of it"),
        ("'a secret of more than thirty-two bytes'", "it stands in quotes, which are part of it"),
    ] {
        let config = config_with(&api(json!({})).to_string(), &[("S", secret)]).unwrap();
        assert_eq!(config.warnings(), [format!("issuers[0].secret: {warning}")]);
    }
    assert!(config_with(&api(json!({})).to_string(), &[("S", SECRET)]).unwrap().warnings().is_empty());
}

#[test]
fn row_61_only_the_configured_encoding_is_used() {
    let claims = json!({ "iss": "https://issuer.example/", "aud": "api", "sub": "user-1", "exp": NOW + 60 });
    let token = signed(r#"{"alg":"HS256"}"#, &claims.to_string());
    let decides = |encoding: &str, text: &str| {
        let document = api(json!({ "secret": { "env": "S", "encoding": encoding } }));
        crate::local::Local::with(&document, NOW, &[("S", text)]).verdict("GET", "", &token)
    };
    assert_eq!(decides("utf8", SECRET), "allow");
    assert_eq!(decides("base64url", &encoded(SECRET)), "allow");
    assert_eq!(decides("utf8", &encoded(SECRET)), "deny invalid_signature");
}

#[test]
fn row_71_leeway_is_from_0_to_300_seconds() {
    for good in [0, 300] {
        starts(&api(json!({ "leeway_seconds": good })), SECRET);
    }
    for bad in [
        json!(-1),
        json!(301),
        json!(1.5),
        json!("10"),
        json!(1e300),
        json!(null),
        number("1e400"),
        number("18446744073709551626"),
    ] {
        let mistake = "issuers[0].leeway_seconds: expected a whole number from 0 to 300";
        refused(&api(json!({ "leeway_seconds": bad })), SECRET, mistake);
    }
}

#[test]
fn row_99_a_number_whose_exponent_is_beyond_64_bits_refuses_to_start() {
    let document = r#"{
  "issuers": [{ "audience": "api", "secret": { "env": "S" }, "required_claims": { "n": 1e99999999999999999999 } }],
  "undeclared_routes": "allow"
}"#;
    let error = config_with(document, &[("S", SECRET)]).err().unwrap();
    let mistakes: Vec<String> = error.issues.iter().map(ToString::to_string).collect();
    assert_eq!(
        mistakes,
        [
            "(document): line 2, column 109 is not part of a document, which is one JSON object in which no member appears twice"
        ]
    );
    assert!(config_with(&document.replace("e99999999999999999999", "e400"), &[("S", SECRET)]).is_ok());
}

#[test]
fn row_79_a_missing_audience_or_issuer_refuses_to_start() {
    refused(
        &api(json!({ "audience": [] })),
        SECRET,
        "issuers[0].audience: an empty list says nothing; expected at least one item",
    );
    refused(
        &api(json!({ "audience": "" })),
        SECRET,
        "issuers[0].audience: expected an audience, a list of them, or `null`",
    );
    refused(&api(json!({ "issuer": "" })), SECRET, "issuers[0].issuer: expected the text of the `iss` claim");
    let mut none = api(json!({}));
    none["issuers"] = json!([]);
    refused(&none, SECRET, "issuers: expected a list of 1 to 1000 issuers");
    let mut absent = api(json!({}));
    absent["issuers"][0].as_object_mut().unwrap().remove("audience");
    let expected = "issuers[0].audience: missing; expected the audience of your API, a text or a list of texts, or `null` to check none";
    refused(&absent, SECRET, expected);
    // Only `null` turns the audience check off, with a warning.
    let config = config_with(&api(json!({ "audience": null })).to_string(), &[("S", SECRET)]).unwrap();
    assert_eq!(config.warnings().len(), 1, "{:?}", config.warnings());
}

#[test]
fn row_86_a_route_with_an_empty_list_of_scopes_refuses_to_start() {
    for scopes in [json!([]), json!(""), json!(" "), json!([""]), json!(null)] {
        let mut document = api(json!({}));
        document["routes"] = json!([{ "path": "/x", "scopes": scopes }]);
        let error = config_with(&document.to_string(), &[("S", SECRET)]).err().unwrap();
        let paths: Vec<&str> = error.issues.iter().map(|issue| issue.path.as_str()).collect();
        let expected = if scopes == json!([""]) { "routes[0].scopes[0]" } else { "routes[0].scopes" };
        assert_eq!(paths, [expected], "{scopes}");
    }
}
