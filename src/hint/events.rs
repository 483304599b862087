//! Events that cannot be read.

use serde_json::Value;

use super::list::Hint;
use crate::event::MethodArn;

/// The longest event that is looked into: larger ones are of nobody who needs a hint.
const MAX_BYTES: usize = 262_144;

/// What is wrong with an event that could not be read, by what it looks like.
pub(crate) fn kind(event: &[u8]) -> Option<Hint> {
    if event.len() > MAX_BYTES {
        return None;
    }
    let event: Value = serde_json::from_slice(event).ok()?;
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let has = |name: &str| event.get(name).is_some_and(|member| !member.is_null());
    event.as_object()?;
    match text("type") {
        Some("REQUEST") => return request(&event),
        Some("TOKEN") if has("version") || has("routeArn") => return Some(Hint::EventOfTwoKinds),
        _ => {}
    }
    if !has("methodArn") && (has("httpMethod") || has("requestContext")) {
        let socket = event.pointer("/requestContext/connectionId").is_some();
        return Some(if socket { Hint::WebSocketEvent } else { Hint::ProxyEvent });
    }
    match (text("type"), has("methodArn"), has("authorizationToken")) {
        (Some("TOKEN"), false, _) | (None, false, true) => Some(Hint::MethodArnAbsent),
        (Some("TOKEN"), true, _) => Some(Hint::MethodArnMalformed),
        (None, true, _) => Some(Hint::EventTypeAbsent),
        _ => Some(Hint::TestEvent),
    }
}

fn request(event: &Value) -> Option<Hint> {
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let has = |name: &str| event.get(name).is_some_and(|member| !member.is_null());
    let (own, other) =
        if text("version") == Some("2.0") { ("routeArn", "methodArn") } else { ("methodArn", "routeArn") };
    if has(other) {
        return Some(Hint::EventOfTwoKinds);
    }
    let Some(arn) = text(own) else {
        return Some(Hint::MethodArnAbsent);
    };
    let event_type = event.pointer("/requestContext/eventType").and_then(Value::as_str);
    match (event_type, MethodArn::parse(arn).is_some() || MethodArn::of_connect(arn).is_some()) {
        (_, false) => Some(Hint::MethodArnMalformed),
        (Some(event_type), true) if event_type != "CONNECT" => Some(Hint::WebSocketEvent),
        (None, true) if has("version") && has("identitySource") => Some(Hint::IdentitySourceIsNotTheToken),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_another_kind_is_named_by_its_kind() {
        let cases = [
            (r#"{"type":"REQUEST","methodArn":"arn","headers":{}}"#, Some(Hint::MethodArnMalformed)),
            (r#"{"type":"REQUEST","headers":{}}"#, Some(Hint::MethodArnAbsent)),
            (r#"{"version":"2.0","type":"REQUEST","methodArn":"arn"}"#, Some(Hint::EventOfTwoKinds)),
            (r#"{"version":"2.0","type":"REQUEST"}"#, Some(Hint::MethodArnAbsent)),
            (r#"{"version":"2.0","type":"TOKEN","methodArn":"arn"}"#, Some(Hint::EventOfTwoKinds)),
            (
                r#"{"version":"2.0","type":"REQUEST","routeArn":"arn:aws:execute-api:r:1:a/$default/GET/","identitySource":["x"]}"#,
                Some(Hint::IdentitySourceIsNotTheToken),
            ),
            (
                r#"{"type":"REQUEST","methodArn":"arn:aws:execute-api:r:1:a/s/$connect","requestContext":{"eventType":"MESSAGE"}}"#,
                Some(Hint::WebSocketEvent),
            ),
            (r#"{"type":"REQUEST","methodArn":"arn:aws:execute-api:r:1:a/s/GET/","headers":[]}"#, None),
            (r#"{"requestContext":{"eventType":"CONNECT","connectionId":"c"}}"#, Some(Hint::WebSocketEvent)),
            (r#"{"resource":"/x","httpMethod":"GET","requestContext":{}}"#, Some(Hint::ProxyEvent)),
            (r#"{"key1":"value1"}"#, Some(Hint::TestEvent)),
            (r#"{"Records":[]}"#, Some(Hint::TestEvent)),
            (r#"{"type":"TOKEN","authorizationToken":"Bearer x"}"#, Some(Hint::MethodArnAbsent)),
            (r#"{"type":"TOKEN","methodArn":"arn:aws:execute-api"}"#, Some(Hint::MethodArnMalformed)),
            (r#"{"methodArn":"arn"}"#, Some(Hint::EventTypeAbsent)),
            ("[]", None),
            ("not json", None),
        ];
        for (event, expected) in cases {
            assert_eq!(kind(event.as_bytes()), expected, "{event}");
        }
    }
}
