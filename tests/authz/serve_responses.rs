//! `authz serve --gateway-responses`: what the gateway answers by itself, over real HTTP.

use serde_json::{Value, json};

use crate::serve::Gateway;

#[test]
fn refusals_of_the_demo_are_those_of_the_template_and_others_are_asked_for() {
    let origin = ("Origin", "http://localhost:5173");
    let readable = |gateway: &Gateway, path: &str, token: &str| {
        let got = gateway.send("GET", path, &[origin, ("Authorization", token)], "");
        let header = |name: &str| got.header(name).map(str::to_owned);
        let body: Value = serde_json::from_str(&got.body).unwrap();
        (
            got.status,
            body,
            header("www-authenticate"),
            header("access-control-allow-origin"),
            header("access-control-expose-headers"),
        )
    };
    let text = |text: &str| Some(text.to_owned());
    let page = text("http://localhost:5173");
    let demo = Gateway::start(&["--demo"]);
    let newcomer = demo.minted("newcomer", 300);
    assert_eq!(
        readable(&demo, "/movie", ""),
        (
            401,
            json!({ "message": "Unauthorized", "error": "invalid_token" }),
            text(r#"Bearer error="invalid_token""#),
            page.clone(),
            text("WWW-Authenticate")
        )
    );
    let refused = json!({ "message": "Forbidden", "error": "insufficient_scope", "reason": "insufficient_scope" });
    assert_eq!(
        readable(&demo, "/movie", &newcomer),
        (403, refused, text("Bearer"), page.clone(), text("WWW-Authenticate"))
    );
    let missing = json!({ "message": "Missing Authentication Token" });
    assert_eq!(
        readable(&demo, "/nothing", &newcomer),
        (403, missing, None, None, None),
        "the template leaves it as it is, without CORS headers"
    );
    let default = Gateway::start(&["--demo", "--gateway-responses", "default"]);
    let unauthorized = readable(&default, "/movie", "");
    assert_eq!((unauthorized.1, unauthorized.2, unauthorized.3), (json!({ "message": "Unauthorized" }), None, page));
}
