//! Event bytes -> `authorize`. Checks that nothing panics, the answer has an allowed shape, only signed tokens are
//! allowed anything, and neither the answer nor the log holds a piece of the token.

use std::collections::HashSet;
use std::fmt;

use apigw_jwt_authorizer::internals;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::world::{self, SECRET};

const FAILURES: [&str; 4] = ["InternalError", "KeysUnavailable", "MalformedEvent", "Unauthorized"];
/// The shortest piece of a text that counts as a leak. Shorter ones may appear anywhere by chance.
const PIECE: usize = 16;

/// The ARN that an event is about. A REQUEST event of format 2.0 has another name for it.
#[derive(Deserialize)]
struct About {
    #[serde(rename = "methodArn", alias = "routeArn")]
    arn: String,
}

/// Authorizes an event; checks the answer and the log.
pub fn run(event: &[u8]) {
    let (answer, log) = world::authorize(event);
    assert!(answer.len() <= 8192, "an answer of {} bytes", answer.len());
    let answer_members: Map<String, Value> = serde_json::from_str(&answer).expect("the answer is a JSON object");
    let arn = serde_json::from_slice::<About>(event).map(|about| about.arn);
    let texts = texts(event, arn.as_deref().unwrap_or_default());
    if let Some(failure) = answer_members.get("errorType") {
        assert!(FAILURES.iter().any(|known| failure == known) && answer_members.len() == 2, "{answer}");
        assert!(failure != "InternalError" && failure != "KeysUnavailable", "{answer}");
    } else {
        policy(&answer_members, &texts, arn.as_ref().expect("only an event gets a policy"));
    }
    let arn = arn.unwrap_or_default();
    leaks(&texts, &answer, &log, &arn);
}

/// Checks that neither the answer nor the log holds a piece of one of these texts or of the secret.
pub(super) fn leaks(texts: &[String], answer: &str, log: &str, arn: &str) {
    // The ARN as it is and as a JSON string, whose escapes differ.
    let own = format!("{arn}\n{}", Value::from(arn));
    for text in texts.iter().map(String::as_str).chain([SECRET]) {
        leak(text, answer, &own);
        leak(text, log, "");
    }
}

/// All strings in an event, names included and each as often as it is there, but for the ARN that it is about.
pub(super) fn texts(event: &[u8], arn: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut read = serde_json::Deserializer::from_slice(event);
    // What cannot be read to the end has no answer but a failure, and its strings are still in `texts`.
    let _unread = Texts(&mut texts).deserialize(&mut read);
    texts.retain(|text| text != arn);
    texts
}

/// Collects the strings of a value.
struct Texts<'t>(&'t mut Vec<String>);

impl<'de> DeserializeSeed<'de> for Texts<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Texts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.push(text.to_owned());
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Texts(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_key_seed(Texts(self.0))?.is_some() {
            members.next_value_seed(Texts(self.0))?;
        }
        Ok(())
    }
}

/// Checks that the answer is complete, and that only a signed token gets an identity or an Allow.
fn policy(answer: &Map<String, Value>, texts: &[String], arn: &str) {
    let members = ["principalId", "policyDocument", "context", "usageIdentifierKey"];
    assert!(answer.iter().all(|(name, value)| members.contains(&name.as_str()) && !value.is_null()));
    let signed = texts.iter().any(|text| {
        // Between the characters that no token has.
        let mut tokens = text.split(|byte: char| !byte.is_ascii_alphanumeric() && !matches!(byte, '.' | '-' | '_'));
        tokens.any(|token| token.rsplit_once('.').is_some_and(|(input, _)| world::was_signed(input)))
    });
    let passes = internals::passes(&answer["policyDocument"], arn);
    let statements = answer["policyDocument"]["Statement"].as_array().unwrap();
    let allows = statements.iter().any(|statement| statement["Effect"] == "Allow");
    let anonymous = answer["principalId"] == "anonymous";
    assert!(signed || (anonymous && !allows && !passes && answer["context"]["error"] == "invalid_token"), "a forgery");
    assert!(!anonymous || !allows, "anonymous is allowed something");
}

/// Checks that `other` holds no piece of `text`, except pieces of `excuse` and of plain words, which may be the
/// program's own.
fn leak(text: &str, other: &str, excuse: &str) {
    fn pieces(text: &str) -> HashSet<&[u8]> {
        text.as_bytes().windows(PIECE).collect()
    }
    let word = |piece: &[u8]| piece.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b' '));
    let (own, excused) = (pieces(text), pieces(excuse));
    for piece in other.as_bytes().windows(PIECE).filter(|piece| own.contains(piece)) {
        assert!(excused.contains(piece) || word(piece), "a piece of the token or the secret leaks");
    }
}
