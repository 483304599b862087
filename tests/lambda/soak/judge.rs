//! A judge of first answers, who knows the API's rules and how IAM reads a policy, and nothing of the program.

use serde_json::Value;

use super::deck::{Expected, RESOURCES};
use crate::support::api::STAGE;

/// How many organizations are also tried with a slash at the end.
const WITH_SLASH: usize = 20;
/// How much of an answer a message quotes.
const MAX_TEXT: usize = 3000;

/// What was answered to an invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) is_error: bool,
    pub(super) body: Vec<u8>,
}

impl Said {
    fn json(&self) -> Result<Value, String> {
        serde_json::from_slice(&self.body).map_err(|error| error.to_string())
    }

    /// For the message of a failure.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(MAX_TEXT).collect()
    }

    /// The type of an error; `None` for a policy.
    pub(super) fn error(&self) -> Option<String> {
        let json = if self.is_error { self.json().ok() } else { None };
        json.and_then(|json| json["errorType"].as_str().map(str::to_owned))
    }

    pub(super) fn is_keys_unavailable(&self) -> bool {
        self.error().as_deref() == Some("KeysUnavailable")
    }

    /// The reason in a policy's context.
    pub(super) fn reason(&self) -> Option<String> {
        let json = if self.is_error { None } else { self.json().ok() };
        json.and_then(|json| json["context"]["reason"].as_str().map(str::to_owned))
    }
}

/// A policy, read as IAM does: a Deny overrides every Allow.
pub(super) struct Policy {
    allow: Vec<String>,
    deny: Vec<String>,
}

impl Policy {
    fn of(answer: &Value) -> Option<Self> {
        let (mut allow, mut deny) = (Vec::new(), Vec::new());
        for statement in answer["policyDocument"]["Statement"].as_array()? {
            let list = if statement["Effect"] == "Allow" { &mut allow } else { &mut deny };
            for resource in statement["Resource"].as_array()? {
                list.push(resource.as_str()?.strip_prefix(STAGE)?.to_owned());
            }
        }
        Some(Self { allow, deny })
    }

    fn allows(&self, request: &str) -> bool {
        let hits = |list: &[String]| list.iter().any(|glob| matches(glob.as_bytes(), request.as_bytes()));
        hits(&self.allow) && !hits(&self.deny)
    }
}

/// `*` is any text and `?` any character. A star is tried again from the last one only.
fn matches(glob: &[u8], text: &[u8]) -> bool {
    let (mut at, mut of, mut star) = (0, 0, None);
    while of < text.len() {
        match glob.get(at) {
            Some(b'*') => {
                star = Some((at, of));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[of] => (at, of) = (at + 1, of + 1),
            _ => match star {
                Some((place, tried)) => {
                    star = Some((place, tried + 1));
                    (at, of) = (place + 1, tried + 1);
                }
                None => return false,
            },
        }
    }
    glob[at..].iter().all(|byte| *byte == b'*')
}

/// Whether an answer to this request is right.
///
/// # Errors
/// What is wrong with it.
pub(super) fn judge(said: &Said, request: &str, expected: &Expected) -> Result<(), String> {
    if let Expected::Error(kind) = expected {
        let found = said.error();
        return if found.as_deref() == Some(*kind) { Ok(()) } else { Err(format!("{found:?} in place of {kind}")) };
    }
    if said.is_error {
        return Err(format!("the error {:?}", said.error()));
    }
    let answer = said.json()?;
    let policy = Policy::of(&answer).ok_or("no policy of this stage")?;
    let reason = answer["context"]["reason"].as_str();
    let passes = policy.allows(request);
    let right = match expected {
        Expected::Error(_) => false,
        Expected::Allowed(principal) => passes && answer["principalId"] == *principal && reason.is_none(),
        // A policy that is right for every request of a token says nothing about one of them.
        Expected::Refused(code) => !passes && reason == *code,
        Expected::Invalid(code) => policy.allow.is_empty() && policy.deny == ["*"] && reason == Some(code),
        Expected::Member { orgs, exports, passes: own } => {
            members(&policy, orgs, *exports)?;
            passes == *own && reason.is_none()
        }
    };
    if right { Ok(()) } else { Err(format!("passes: {passes}, reason: {reason:?}")) }
}

/// Whether a policy lets a member of these organizations do no more than the rules do, and all of it if there is one.
fn members(policy: &Policy, orgs: &[String], exports: bool) -> Result<(), String> {
    for (place, org) in orgs.iter().enumerate() {
        let export = format!("GET/orgs/{org}/res0/export");
        let with_slash = format!("{export}/");
        let open = policy.allows(&export) || (place < WITH_SLASH && policy.allows(&with_slash));
        if open && !exports {
            return Err(format!("without the scope, {export} passes"));
        }
    }
    if policy.allows("GET/orgs/of-others/res7/x") || policy.allows("GET/orgs/of-others/res0/export") {
        return Err("the resources of another organization pass".to_owned());
    }
    if let [org] = orgs {
        let shut = (0..RESOURCES).find(|number| !policy.allows(&format!("GET/orgs/{org}/res{number}/x")));
        if let Some(number) = shut {
            return Err(format!("its own res{number} is not allowed"));
        }
        if exports && !policy.allows(&format!("GET/orgs/{org}/res0/export")) {
            return Err("its own export is not allowed".to_owned());
        }
    }
    Ok(())
}

#[test]
fn the_judge_notices_a_missing_deny() {
    let policy = |deny: &[&str]| Policy {
        allow: (0..RESOURCES).map(|number| format!("GET/orgs/o/res{number}/*")).collect(),
        deny: deny.iter().map(|text| (*text).to_owned()).collect(),
    };
    let orgs = ["o".to_owned()];
    assert_eq!(members(&policy(&["GET/orgs/*/res0/export", "GET/orgs/*/res0/export/"]), &orgs, false), Ok(()));
    assert!(members(&policy(&["GET/orgs/*/res0/export"]), &orgs, false).is_err());
    assert!(members(&policy(&[]), &orgs, false).is_err());
    assert_eq!(members(&policy(&[]), &orgs, true), Ok(()));
    assert!(members(&policy(&["GET/orgs/*/res7/*"]), &orgs, true).is_err());
}

#[test]
fn a_star_is_any_text_and_a_question_mark_any_character() {
    for (glob, text, expected) in [
        ("", "", true),
        ("*", "", true),
        ("a*b*c", "axbxbc", true),
        ("a*b", "axbx", false),
        ("a?c", "abc", true),
        ("a?", "a", false),
        ("*/x", "a/b/x", true),
        ("a", "ab", false),
    ] {
        assert_eq!(matches(glob.as_bytes(), text.as_bytes()), expected, "{glob} {text}");
    }
}
