//! Events that are not those of a TOKEN authorizer.

use serde_json::Value;

use super::list::Hint;

/// The longest event that is looked into: larger ones are of nobody who needs a hint.
const MAX_BYTES: usize = 262_144;

/// What kind of event this is, if it is not a TOKEN event with a method ARN.
pub(crate) fn kind(event: &[u8]) -> Option<Hint> {
    if event.len() > MAX_BYTES {
        return None;
    }
    let event: Value = serde_json::from_slice(event).ok()?;
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let has = |name: &str| event.get(name).is_some_and(|member| !member.is_null());
    event.as_object()?;
    let socket = || {
        event.pointer("/requestContext/eventType").is_some() || event.pointer("/requestContext/connectionId").is_some()
    };
    if text("version") == Some("2.0") || has("routeArn") || has("routeKey") {
        return Some(Hint::HttpApiEvent);
    }
    if socket() || text("methodArn").is_some_and(|arn| arn.ends_with("/$connect")) {
        return Some(Hint::WebSocketEvent);
    }
    if text("type") == Some("REQUEST") {
        let format_1 = text("version") == Some("1.0");
        return Some(if format_1 { Hint::HttpApiEvent } else { Hint::RequestEvent });
    }
    if !has("methodArn") && (has("httpMethod") || has("requestContext")) {
        return Some(Hint::ProxyEvent);
    }
    match (text("type"), has("methodArn"), has("authorizationToken")) {
        (Some("TOKEN"), false, _) | (None, false, true) => Some(Hint::MethodArnAbsent),
        (Some("TOKEN"), true, _) => Some(Hint::MethodArnMalformed),
        (None, true, _) => Some(Hint::EventTypeAbsent),
        _ => Some(Hint::TestEvent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_another_kind_is_named_by_its_kind() {
        let cases = [
            (r#"{"type":"REQUEST","methodArn":"arn","headers":{}}"#, Some(Hint::RequestEvent)),
            (r#"{"version":"2.0","type":"REQUEST","routeArn":"arn"}"#, Some(Hint::HttpApiEvent)),
            (r#"{"version":"1.0","type":"REQUEST","methodArn":"arn"}"#, Some(Hint::HttpApiEvent)),
            (r#"{"type":"REQUEST","methodArn":"a/b/$connect"}"#, Some(Hint::WebSocketEvent)),
            (r#"{"requestContext":{"eventType":"CONNECT"}}"#, Some(Hint::WebSocketEvent)),
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
