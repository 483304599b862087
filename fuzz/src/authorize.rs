//! Event bytes -> `authorize`. Checks that nothing panics, the answer has an allowed shape, only signed tokens are
//! allowed anything, and neither the answer nor the log holds a piece of the token.

use std::collections::HashSet;

use apigw_jwt_authorizer::internals;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::world::{self, SECRET};

const FAILURES: [&str; 4] = ["InternalError", "KeysUnavailable", "MalformedEvent", "Unauthorized"];
/// The shortest piece of a text that counts as a leak. Shorter ones may appear anywhere by chance.
const PIECE: usize = 16;

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "authorizationToken", default)]
    header: Option<String>,
    #[serde(rename = "methodArn")]
    arn: String,
}

/// Authorizes an event; checks the answer and the log.
pub fn run(event: &[u8]) {
    let (answer, log) = world::authorize(event);
    assert!(answer.len() <= 8192, "an answer of {} bytes", answer.len());
    let answer_members: Map<String, Value> = serde_json::from_str(&answer).expect("the answer is a JSON object");
    let read = serde_json::from_slice::<Event>(event);
    if let Some(failure) = answer_members.get("errorType") {
        assert!(FAILURES.iter().any(|known| failure == known) && answer_members.len() == 2, "{answer}");
        assert!(failure != "InternalError" && failure != "KeysUnavailable", "{answer}");
    } else {
        let event = read.as_ref().expect("only an event gets a policy");
        policy(&answer_members, event.header.as_deref().unwrap_or_default(), &event.arn);
    }
    let (header, arn) = read.map(|event| (event.header.unwrap_or_default(), event.arn)).unwrap_or_default();
    // The ARN as it is and as a JSON string, whose escapes differ.
    let own = format!("{arn}\n{}", Value::from(arn.as_str()));
    leaks(&header, &answer, &own);
    leaks(&header, &log, "");
    leaks(SECRET, &answer, &own);
    leaks(SECRET, &log, "");
}

/// Checks that the answer is complete, and that only a signed token gets an identity or an Allow.
fn policy(answer: &Map<String, Value>, header: &str, arn: &str) {
    let members = ["principalId", "policyDocument", "context", "usageIdentifierKey"];
    assert!(answer.iter().all(|(name, value)| members.contains(&name.as_str()) && !value.is_null()));
    let token = header.rsplit(' ').next().unwrap_or_default();
    let signed = token.rsplit_once('.').is_some_and(|(input, _)| world::was_signed(input));
    let passes = internals::passes(&answer["policyDocument"], arn);
    let statements = answer["policyDocument"]["Statement"].as_array().unwrap();
    let allows = statements.iter().any(|statement| statement["Effect"] == "Allow");
    let anonymous = answer["principalId"] == "anonymous";
    assert!(signed || (anonymous && !allows && !passes && answer["context"]["error"] == "invalid_token"), "a forgery");
    assert!(!anonymous || !allows, "anonymous is allowed something");
}

/// Checks that `other` holds no piece of `text`, except pieces of `excuse` and of plain words, which may be the
/// program's own.
fn leaks(text: &str, other: &str, excuse: &str) {
    fn pieces(text: &str) -> HashSet<&[u8]> {
        text.as_bytes().windows(PIECE).collect()
    }
    let word = |piece: &[u8]| piece.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b' '));
    let (own, excused) = (pieces(text), pieces(excuse));
    for piece in other.as_bytes().windows(PIECE).filter(|piece| own.contains(piece)) {
        assert!(excused.contains(piece) || word(piece), "a piece of the token or the secret leaks");
    }
}
