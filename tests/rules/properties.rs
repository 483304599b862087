//! One byte of a valid token changed, removed or added, at every position.

use std::collections::BTreeSet;

use serde_json::json;

use crate::local::{Local, NOW, STAGE, api, outcome};
use crate::tokens::{SigningKey, jwks, key};

/// The possible outcomes of a change in the signature.
const BEHIND: [&str; 2] = ["deny invalid_signature", "deny malformed_token"];
/// The possible outcomes of a change before the signature. `Unauthorized` is the outcome of an unknown key.
const BEFORE: [&str; 5] = [
    "Unauthorized",
    "deny invalid_signature",
    "deny malformed_token",
    "deny unknown_issuer",
    "deny unsupported_algorithm",
];
/// Bytes to insert or substitute: one of each kind in the base64url alphabet, separators, and invalid characters.
const OTHERS: [&str; 12] = ["A", "B", "Q", "z", "0", "_", "-", ".", "=", "+", " ", "\u{e9}"];

fn decided(local: &Local, token: &str) -> String {
    let event = json!({
        "type": "TOKEN", "authorizationToken": format!("Bearer {token}"), "methodArn": format!("{STAGE}GET/")
    });
    outcome(&local.answers_event(event.to_string().as_bytes()))
}

/// An authorizer whose only issuer has this key.
fn local(signer: &SigningKey) -> Local {
    let mut issuer = json!({ "issuer": "https://issuer.example/", "audience": "api" });
    let variables: &[(&str, &str)] = if signer.alg == "HS256" {
        issuer["secret"] = json!({ "env": "S" });
        &[("S", signer.secret())]
    } else {
        issuer["jwks"] = jwks([signer]);
        &[]
    };
    Local::with(&api(json!([issuer])), NOW, variables)
}

/// The base64url character that differs only in the last of its six bits.
fn neighbour(c: char) -> Option<char> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let place = ALPHABET.find(c)?;
    ALPHABET.chars().nth(place ^ 1)
}

fn any_one_byte(alg: &'static str) {
    let signer = key(alg);
    let local = local(&signer);
    let token = signer.token(&json!({ "iss": "https://issuer.example/", "aud": "api", "sub": "u", "exp": NOW + 60 }));
    assert_eq!(decided(&local, &token), "allow");
    let signature = token.rfind('.').unwrap();
    let (mut seen, mut tried) = (BTreeSet::new(), 0_usize);
    let mut refused = |place: usize, changed: &str, how: &str| {
        let decision = decided(&local, changed);
        let expected = if place > signature { &BEHIND[..] } else { &BEFORE };
        assert!(expected.contains(&decision.as_str()), "{alg}: byte {place} {how}: {decision}");
        seen.insert(decision);
        tried += 1;
    };
    for place in 0..=token.len() {
        let (before, rest) = token.split_at(place);
        for other in OTHERS {
            // Additional spaces after the scheme belong to the scheme (RFC 6750 section 2.1).
            if (place, other) != (0, " ") {
                refused(place, &format!("{before}{other}{rest}"), "added");
            }
        }
        let Some(own) = rest.chars().next() else { break };
        refused(place, &format!("{before}{}", &rest[1..]), "removed");
        refused(place, &format!("{before}{own}{rest}"), "doubled");
        let others = OTHERS.into_iter().map(str::to_owned).chain(neighbour(own).map(String::from));
        for other in others.filter(|other| *other != own.to_string() && (place, other.as_str()) != (0, " ")) {
            refused(place, &format!("{before}{other}{}", &rest[1..]), "changed");
        }
    }
    assert!(tried > 25 * token.len(), "{tried}");
    // A shared secret is chosen without a `kid`, so no change leads to an unknown key.
    let all = BEFORE.into_iter().filter(|reason| alg != "HS256" || *reason != "Unauthorized");
    assert_eq!(seen, all.map(str::to_owned).collect(), "{alg}: every reason occurs");
}

#[test]
fn any_one_byte_of_an_hs256_token_changed_removed_or_added_is_refused() {
    any_one_byte("HS256");
}

#[test]
fn any_one_byte_of_an_rs256_token_changed_removed_or_added_is_refused() {
    any_one_byte("RS256");
}

#[test]
fn any_one_byte_of_an_es256_token_changed_removed_or_added_is_refused() {
    any_one_byte("ES256");
}

#[test]
fn any_one_byte_of_an_ed25519_token_changed_removed_or_added_is_refused() {
    any_one_byte("EdDSA");
}
