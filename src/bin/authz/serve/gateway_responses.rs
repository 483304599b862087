//! Gateway responses: what API Gateway answers by itself, as its defaults have it or as the project's template customizes it.

use clap::ValueEnum;
use http::header::{ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, WWW_AUTHENTICATE};
use http::{HeaderName, StatusCode};
use serde_json::{Value, json};

use super::http::{Reply, json as reply, set};
use super::responses::{Own, shared_with};

/// Whose gateway responses are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum GatewayResponses {
    /// API Gateway's own; pages may read them all
    Default,
    /// Those of the project's template: with the reason, and for pages as far as the template lets them read
    Template,
}

/// What the configuration and the authorizer's answer say about a refusal.
pub(super) struct Refused<'a> {
    pub(super) answer: Option<&'a Value>,
    /// The configuration's `invalid_token`.
    pub(super) invalid_token: &'a str,
}

impl GatewayResponses {
    /// The answer.
    pub(super) fn reply(self, own: Own, refused: &Refused<'_>) -> Reply {
        let default = own.reply();
        let (Self::Template, Some((status, body, challenge))) = (self, customized(own, refused)) else {
            return default;
        };
        let mut answer = reply(status, &body);
        let kind = HeaderName::from_static("x-amzn-errortype");
        default.headers().get(&kind).map(|value| answer.headers_mut().insert(kind, value.clone()));
        set(&mut answer, CACHE_CONTROL, "no-store");
        challenge.iter().for_each(|challenge| set(&mut answer, WWW_AUTHENTICATE, challenge));
        answer
    }

    /// Lets a page of this origin read an answer; `own` is what it is, unless it is the backend's or a preflight's.
    pub(super) fn share(self, answer: &mut Reply, origin: &str, own: Option<Own>) {
        match (self, own) {
            (Self::Default, _) => {
                shared_with(answer, origin);
                set(answer, ACCESS_CONTROL_EXPOSE_HEADERS, "WWW-Authenticate,x-amzn-errortype,x-amzn-requestid");
            }
            (Self::Template, None) => shared_with(answer, origin),
            (Self::Template, Some(own)) => {
                // Where the template sets no headers, browsers hide the answer from the page.
                let nothing = Refused { answer: None, invalid_token: "" };
                let Some((_, _, challenge)) = customized(own, &nothing) else { return };
                shared_with(answer, origin);
                if challenge.is_some() {
                    set(answer, ACCESS_CONTROL_EXPOSE_HEADERS, "WWW-Authenticate");
                }
            }
        }
    }
}

/// The status, the body and the challenge that the template has for an answer; `None` if it leaves it as it is.
fn customized(own: Own, refused: &Refused<'_>) -> Option<(StatusCode, Value, Option<&'static str>)> {
    // A code that is absent is an empty text.
    let code =
        |name: &str| refused.answer.and_then(|answer| answer.get("context")?.get(name)?.as_str()).unwrap_or_default();
    Some(match own {
        Own::Unauthorized => (
            StatusCode::UNAUTHORIZED,
            json!({ "message": "Unauthorized", "error": "invalid_token" }),
            Some(r#"Bearer error="invalid_token""#),
        ),
        Own::AccessDenied { .. } => (
            StatusCode::FORBIDDEN,
            json!({ "message": "Forbidden", "error": code("error"), "reason": code("reason") }),
            // With `deny` a 403 may also mean an invalid token.
            Some(if refused.invalid_token == "unauthorized" {
                r#"Bearer error="insufficient_scope""#
            } else {
                "Bearer"
            }),
        ),
        Own::AuthorizerFailed => {
            (StatusCode::INTERNAL_SERVER_ERROR, json!({ "message": "Internal server error" }), None)
        }
        Own::BackendUnreachable | Own::BackendTimedOut => {
            (StatusCode::GATEWAY_TIMEOUT, json!({ "message": "Internal server error" }), None)
        }
        Own::NoMethod | Own::UriTooLong | Own::BodyTooLong => return None,
    })
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    const TEMPLATE: &str = include_str!("../../../../template.yaml");

    /// The template's lines about one gateway response.
    fn lines(name: &str) -> Vec<&'static str> {
        let (_, rest) = TEMPLATE.split_once(&format!("\n        {name}:\n")).unwrap();
        rest.lines().take_while(|line| line.starts_with("         ")).map(str::trim).collect()
    }

    async fn body(reply: Reply) -> String {
        String::from_utf8(reply.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    /// The template's value of a header, with `InvalidToken` at `unauthorized` or not.
    fn header_of(name: &str, header: &str, unauthorized: bool) -> Option<String> {
        let line = lines(name).into_iter().find_map(|line| line.strip_prefix(&format!("{header}: ")))?;
        let quoted = match line.strip_prefix("!If [WithUnauthorized, ") {
            None => serde_json::from_str(line).unwrap(),
            Some(choice) => {
                let [yes, no]: [String; 2] = serde_json::from_str(&format!("[{choice}")).unwrap();
                if unauthorized { yes } else { no }
            }
        };
        Some(quoted.trim_matches('\'').to_owned())
    }

    /// The template's body, with these codes of the context.
    fn body_of(name: &str, error: &str, reason: &str) -> Value {
        let text = lines(name).into_iter().find_map(|line| line.strip_prefix("application/json: '")).unwrap();
        let text = text.replace("$context.authorizer.error", error).replace("$context.authorizer.reason", reason);
        serde_json::from_str(text.trim_end_matches('\'')).unwrap()
    }

    #[tokio::test]
    async fn the_answers_are_the_templates() {
        let answer = json!({ "context": { "error": "insufficient_scope", "reason": "claim_mismatch" } });
        for (own, name, status) in [
            (Own::Unauthorized, "UNAUTHORIZED", 401),
            (Own::AccessDenied { explicit: true }, "ACCESS_DENIED", 403),
            (Own::AccessDenied { explicit: false }, "ACCESS_DENIED", 403),
            (Own::AuthorizerFailed, "DEFAULT_5XX", 500),
            (Own::BackendUnreachable, "DEFAULT_5XX", 504),
            (Own::BackendTimedOut, "DEFAULT_5XX", 504),
        ] {
            for invalid_token in ["unauthorized", "deny"] {
                let refused = Refused { answer: Some(&answer), invalid_token };
                let mut reply = GatewayResponses::Template.reply(own, &refused);
                GatewayResponses::Template.share(&mut reply, "http://localhost:5173", Some(own));
                let header = |name: &str| reply.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
                for wanted in ["WWW-Authenticate", "Cache-Control", "Access-Control-Expose-Headers"] {
                    let expected = header_of(name, wanted, invalid_token == "unauthorized");
                    assert_eq!(header(wanted), expected, "{own:?} {invalid_token} {wanted}");
                }
                assert_eq!(header("Access-Control-Allow-Origin").as_deref(), Some("http://localhost:5173"));
                assert_eq!(reply.status().as_u16(), status);
                let body: Value = serde_json::from_str(&body(reply).await).unwrap();
                assert_eq!(body, body_of(name, "insufficient_scope", "claim_mismatch"), "{own:?}");
            }
        }
    }

    #[tokio::test]
    async fn what_the_template_leaves_alone_stays_and_pages_cannot_read_it() {
        for own in [Own::NoMethod, Own::UriTooLong, Own::BodyTooLong] {
            let nothing = Refused { answer: None, invalid_token: "deny" };
            let mut reply = GatewayResponses::Template.reply(own, &nothing);
            GatewayResponses::Template.share(&mut reply, "http://localhost:5173", Some(own));
            assert!(reply.headers().get("access-control-allow-origin").is_none(), "{own:?}");
            assert_eq!(body(reply).await, body(own.reply()).await);
        }
        assert!(!TEMPLATE.contains("DEFAULT_4XX") && !TEMPLATE.contains("MISSING_AUTHENTICATION_TOKEN"));
    }

    #[test]
    fn a_code_of_the_context_cannot_leave_its_text() {
        let answer = json!({ "context": { "error": "\",\"x\":\"", "reason": 7 } });
        let (_, body, _) =
            customized(Own::AccessDenied { explicit: false }, &Refused { answer: Some(&answer), invalid_token: "" })
                .unwrap();
        assert_eq!(body, json!({ "message": "Forbidden", "error": "\",\"x\":\"", "reason": "" }));
    }
}
