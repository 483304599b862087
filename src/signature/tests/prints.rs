//! No `Debug` implementation of a stage prints a piece of a token, a claim or a secret.

use serde_json::json;

use super::encoded;
use crate::bearer::BearerToken;
use crate::event::Request;
use crate::token::Unverified;

const SECRET: &str = "a secret for tests, of 32 bytes or more";
const CANARY: &str = "canary-0f4b7a61c2d95e38";

/// Checks that a value's `Debug` output has no 16 bytes of any of these texts, neither as text nor as a list of
/// numbers.
#[track_caller]
fn prints_none(value: &dyn std::fmt::Debug, private: &[&str]) {
    let printed = format!("{value:?} {value:#?}");
    for window in private.iter().flat_map(|text| text.as_bytes().windows(16)) {
        let piece = String::from_utf8_lossy(window);
        assert!(!printed.contains(piece.as_ref()), "{piece} in {printed}");
        assert!(!printed.contains(format!("{window:?}").trim_matches(['[', ']'])), "{piece} as numbers in {printed}");
    }
}

#[test]
fn no_debug_of_a_stage_prints_a_piece_of_a_token_a_claim_or_a_secret() {
    let header = encoded(json!({ "alg": "HS256", "kid": CANARY, "typ": CANARY }).to_string().as_bytes());
    let claims = encoded(json!({ "iss": CANARY, "sub": CANARY }).to_string().as_bytes());
    let mac = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    let input = format!("{header}.{claims}");
    let token = format!("{input}.{}", encoded(aws_lc_rs::hmac::sign(&mac, input.as_bytes()).as_ref()));
    let authorization = format!("Bearer {token}");
    let private = [&*token, CANARY, SECRET];
    let event = json!({
        "type": "TOKEN", "authorizationToken": authorization,
        "methodArn": format!("arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/GET/{CANARY}")
    });
    let event = event.to_string();
    let request = Request::parse(event.as_bytes(), &[]).unwrap();
    prints_none(&request.arn, &private);
    let bearer = BearerToken::parse(request.authorization.as_deref());
    prints_none(&bearer, &private);
    let unverified = Unverified::parse(bearer.unwrap()).unwrap();
    prints_none(&unverified, &private);
    prints_none(&unverified.iss(), &private);
}
