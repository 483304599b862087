//! Threat table: events of REQUEST authorizers of REST, WebSocket and HTTP APIs.

use serde_json::{Value, json};

use crate::local::{Local, NOW, STAGE, config, outcome, signed, with_members};

/// An API with these members, where `GET /movies` needs a scope and `$connect` another.
fn api(more: Value) -> Value {
    let document = json!({
        "issuers": [{ "issuer": "https://issuer.example/", "audience": "api", "secret": { "env": "SECRET" } }],
        "routes": [
            { "method": "GET", "path": "/movies", "scopes": "read:movies" },
            { "path": "$connect", "scopes": "chat" },
            { "path": "/open" },
        ],
        "context": { "user": "sub" },
    });
    with_members(document, &more)
}

fn sources(sources: Value) -> Local {
    Local::new(&api(json!({ "token_sources": sources })))
}

/// A token with this scope.
fn token(scope: &str) -> String {
    let claims =
        json!({ "iss": "https://issuer.example/", "aud": "api", "sub": "alice", "exp": NOW + 60, "scope": scope });
    signed(r#"{"alg":"HS256"}"#, &claims.to_string())
}

fn bearer() -> String {
    format!("Bearer {}", token("read:movies"))
}

/// An event of a REST API for `GET /movies`.
fn rest(more: Value) -> Value {
    let event = json!({
        "type": "REQUEST",
        "methodArn": format!("{STAGE}GET/movies"),
        "resource": "/movies",
        "path": "/movies",
        "httpMethod": "GET",
        "headers": null,
        "multiValueHeaders": null,
        "queryStringParameters": null,
        "multiValueQueryStringParameters": null,
        "pathParameters": null,
        "stageVariables": null,
        "requestContext": { "path": "/prod/movies", "stage": "prod", "requestId": "r", "httpMethod": "GET", "identity": { "sourceIp": "192.0.2.1" } },
    });
    with_members(event, &more)
}

/// An event of an HTTP API in format 2.0 for `GET /movies`.
fn http(more: Value) -> Value {
    let event = json!({
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": format!("{}GET/movies", STAGE.replace("/prod/", "/$default/")),
        "identitySource": [],
        "routeKey": "GET /movies",
        "rawPath": "/movies",
        "rawQueryString": "",
        "headers": {},
        "requestContext": { "accountId": "123456789012", "http": { "method": "GET", "path": "/movies" }, "stage": "$default" },
    });
    with_members(event, &more)
}

/// An event of a WebSocket API's `$connect`.
fn connect(more: Value) -> Value {
    let event = json!({
        "type": "REQUEST",
        "methodArn": format!("{STAGE}$connect"),
        "headers": {},
        "multiValueHeaders": {},
        "requestContext": { "routeKey": "$connect", "eventType": "CONNECT", "stage": "prod", "connectionId": "c" },
    });
    with_members(event, &more)
}

#[track_caller]
fn answers(local: &Local, event: &Value) -> Value {
    local.answers_event(event.to_string().as_bytes())
}

#[track_caller]
fn decided(local: &Local, event: &Value, expected: &str) {
    let answer = answers(local, event);
    let outcome = match answer.get("isAuthorized") {
        Some(Value::Bool(true)) => "allow".to_owned(),
        Some(_) => format!("deny {}", answer["context"]["reason"].as_str().unwrap()),
        None => outcome(&answer),
    };
    assert_eq!(outcome, expected, "{event}");
}

#[test]
fn a_request_event_is_answered_as_a_token_event_is() {
    let local = sources(json!("header:Authorization"));
    let event =
        rest(json!({ "headers": { "authorization": bearer() }, "multiValueHeaders": { "authorization": [bearer()] } }));
    assert_eq!(answers(&local, &event), local.answers("GET", "movies", Some(&bearer())));
    assert_eq!(answers(&local, &rest(json!({}))), local.answers("GET", "movies", None));
    let version_1 = json!({
        "version": "1.0", "headers": { "Authorization": bearer() }, "identitySource": bearer(), "authorizationToken": bearer(),
    });
    assert_eq!(answers(&local, &rest(version_1)), local.answers("GET", "movies", Some(&bearer())));
}

#[test]
fn row_114_one_header_with_two_values_is_malformed() {
    let local = sources(json!(["header:Authorization"]));
    let (one, other) = (bearer(), format!("Bearer {}", token("chat")));
    decided(&local, &rest(json!({ "headers": { "Authorization": one, "authorization": one } })), "allow");
    decided(
        &local,
        &rest(json!({ "headers": { "Authorization": one, "authorization": other } })),
        "deny malformed_token",
    );
    let multiple = |values: Value| {
        rest(json!({ "headers": { "Authorization": one }, "multiValueHeaders": { "AUTHORIZATION": values } }))
    };
    decided(&local, &multiple(json!([one])), "allow");
    decided(&local, &multiple(json!([one, one])), "allow");
    decided(&local, &multiple(json!([one, other])), "deny malformed_token");
    decided(&local, &multiple(json!([other])), "deny malformed_token");
    // Format 2.0 puts them into one.
    decided(&local, &http(json!({ "headers": { "authorization": format!("{one},{other}") } })), "deny malformed_token");
    let twice = rest(json!({}))
        .to_string()
        .replace(r#""headers":null"#, r#""headers":{"Authorization":"a","Authorization":"b"}"#);
    assert_eq!(outcome(&local.answers_event(twice.as_bytes())), "deny malformed_token");
    let many: serde_json::Map<String, Value> = (0..10_000).map(|n| (format!("x-{n}"), json!("Bearer a.b.c"))).collect();
    let mut many = json!({ "headers": many });
    many["headers"]["Authorization"] = one.into();
    decided(&local, &rest(many), "allow");
}

#[test]
fn row_114a_an_http_api_that_keeps_answers_by_something_else_is_refused() {
    let local = sources(json!("header:Authorization"));
    let one = bearer();
    let event = |headers: Value, identity: Value| http(json!({ "headers": headers, "identitySource": identity }));
    decided(&local, &event(json!({ "authorization": one }), json!([one])), "allow");
    decided(&local, &event(json!({ "authorization": one }), json!([one, "GET /movies"])), "allow");
    decided(&local, &event(json!({ "authorization": one }), json!([])), "allow");
    decided(&local, &event(json!({ "authorization": one }), json!(null)), "allow");
    decided(&local, &event(json!({ "authorization": one }), json!(["api-key-1"])), "MalformedEvent");
    decided(&local, &event(json!({ "authorization": one }), json!(["GET /movies"])), "MalformedEvent");
    decided(&local, &event(json!({ "authorization": one }), json!([token("read:movies")])), "MalformedEvent");
    decided(&local, &event(json!({}), json!(["api-key-1"])), "MalformedEvent");
    decided(&local, &event(json!({}), json!([])), "deny missing_token");
    let version_1 = |identity: &str| {
        rest(json!({ "version": "1.0", "headers": { "Authorization": one }, "identitySource": identity }))
    };
    decided(&local, &version_1(&one), "allow");
    decided(&local, &version_1(&format!("{one},other")), "allow");
    decided(&local, &version_1(""), "allow");
    decided(&local, &version_1("other"), "MalformedEvent");
    // Of two values, one alone may be the whole of another request: a Deny would be kept for that as well.
    let two = |identity: &str| {
        let headers = json!({ "Authorization": [one, "Bearer x"] });
        rest(json!({ "version": "1.0", "multiValueHeaders": headers, "identitySource": identity }))
    };
    decided(&local, &two(&one), "MalformedEvent");
    decided(&local, &two("Bearer x"), "MalformedEvent");
    decided(&local, &two(&format!("{one},Bearer x")), "deny malformed_token");
    let cookies = sources(json!("cookie:session"));
    let token = token("read:movies");
    let pair = format!("session={token}");
    let event = |identity: &str| http(json!({ "cookies": ["a=1", pair], "identitySource": [identity] }));
    decided(&cookies, &event(&format!("a=1; {pair}")), "allow");
    decided(&cookies, &event("a=1"), "MalformedEvent");
    // Browsers may split the header, and format 1.0 has both its forms.
    let split = json!({ "version": "1.0", "multiValueHeaders": { "cookie": ["a=1", pair] } });
    let with = |mut event: Value, identity: &str| {
        event["identitySource"] = identity.into();
        rest(event)
    };
    decided(&cookies, &with(split.clone(), &format!("a=1; {pair}")), "allow");
    decided(&cookies, &with(split, &pair), "MalformedEvent");
    let both = json!({ "version": "1.0", "headers": { "Cookie": pair }, "multiValueHeaders": { "Cookie": [pair] } });
    decided(&cookies, &with(both, &pair), "allow");
}

#[test]
fn row_115_a_token_where_no_source_is_configured_is_missing() {
    let (raw, bearer) = (token("read:movies"), bearer());
    let carried = json!({
        "headers": { "Authorization": bearer, "Cookie": format!("session={raw}"), "X-Token": raw },
        "queryStringParameters": { "token": raw },
    });
    for source in ["header:Authorization", "header:x-token", "cookie:session", "query:token"] {
        decided(&sources(json!(source)), &rest(carried.clone()), "allow");
    }
    for source in ["header:Other", "cookie:other", "cookie:Session", "query:Token", "websocket_protocol"] {
        decided(&sources(json!(source)), &rest(carried.clone()), "deny missing_token");
    }
}

#[test]
fn row_116_a_cookie_has_one_value() {
    let local = sources(json!("cookie:session"));
    let (one, other) = (token("read:movies"), token("chat"));
    let cookie = |text: String| rest(json!({ "headers": { "Cookie": text } }));
    decided(&local, &cookie(format!("session={one}")), "allow");
    decided(&local, &cookie(format!("session=\"{one}\"")), "allow");
    decided(&local, &cookie(format!("session={one}; session={one}")), "allow");
    decided(&local, &cookie(format!("session={one}; session={other}")), "deny malformed_token");
    decided(&local, &cookie(format!("session={}", one.replace('.', "%2E"))), "deny malformed_token");
    decided(&local, &cookie(format!("session={one}=")), "deny malformed_token");
    let many: String = (0..10_000).map(|n| format!("c{n}=v; ")).collect();
    decided(&local, &cookie(format!("{many}session={one}")), "allow");
    decided(
        &local,
        &http(json!({ "cookies": [format!("session={one}"), format!("session={other}")] })),
        "deny malformed_token",
    );
}

#[test]
fn row_117_the_type_of_an_event_decides_where_its_token_is() {
    let local = sources(json!("header:Authorization"));
    let (good, bad) = (bearer(), format!("Bearer {}", token("other")));
    let event = |more: Value| {
        let event = json!({ "type": "TOKEN", "methodArn": format!("{STAGE}GET/movies"), "authorizationToken": good });
        with_members(event, &more)
    };
    decided(&local, &event(json!({ "headers": { "Authorization": bad } })), "allow");
    decided(&local, &event(json!({ "version": "1.0" })), "MalformedEvent");
    decided(&local, &event(json!({ "version": "2.0", "routeArn": format!("{STAGE}GET/movies") })), "MalformedEvent");
    decided(&local, &event(json!({ "routeArn": format!("{STAGE}GET/open") })), "MalformedEvent");
    decided(&local, &rest(json!({ "authorizationToken": good })), "deny missing_token");
}

#[test]
fn row_118_connect_is_of_a_web_socket_api_alone() {
    let local = sources(json!(["header:Authorization"]));
    let chat = format!("Bearer {}", token("chat"));
    let arn = format!("{STAGE}$connect");
    let allowed = answers(&local, &connect(json!({ "headers": { "Authorization": chat } })));
    assert_eq!(allowed["policyDocument"]["Statement"][0]["Effect"], "Allow");
    assert_eq!(allowed["policyDocument"]["Statement"][0]["Resource"], json!([arn]));
    assert_eq!(allowed["policyDocument"]["Statement"].as_array().unwrap().len(), 1);
    assert_eq!(allowed["context"], json!({ "user": "alice" }));
    decided(&local, &connect(json!({ "headers": { "Authorization": bearer() } })), "deny insufficient_scope");
    decided(&local, &connect(json!({})), "deny missing_token");
    let of_token = json!({ "type": "TOKEN", "methodArn": arn, "authorizationToken": chat });
    decided(&local, &of_token, "MalformedEvent");
    decided(&local, &rest(json!({ "methodArn": arn, "headers": { "Authorization": chat } })), "MalformedEvent");
    for route in ["$disconnect", "$default", "send"] {
        decided(&local, &connect(json!({ "methodArn": format!("{STAGE}{route}") })), "MalformedEvent");
    }
    decided(&local, &connect(json!({ "requestContext": { "eventType": "MESSAGE" } })), "MalformedEvent");
    // A path that is called so is another thing, and undeclared.
    let path = rest(json!({ "methodArn": format!("{STAGE}GET/$connect"), "headers": { "Authorization": chat } }));
    let single = Local::new(&api(json!({ "policy": "single_request" })));
    decided(&single, &path, "deny undeclared_route");
}

#[test]
fn connect_without_an_entry_is_undeclared() {
    let without = |undeclared: &str| {
        Local::new(&api(json!({ "undeclared_routes": undeclared, "routes": [{ "path": "/open" }] })))
    };
    let event = connect(json!({ "headers": { "Authorization": bearer() } }));
    decided(&without("deny"), &event, "deny undeclared_route");
    decided(&without("absent"), &event, "deny undeclared_route");
    decided(&without("allow"), &event, "allow");
}

#[test]
fn row_119_the_subprotocol_after_bearer_is_the_token() {
    let local = sources(json!(["websocket_protocol", "query:token"]));
    let (chat, other) = (token("chat"), token("read:movies"));
    let protocols = |list: String| connect(json!({ "headers": { "Sec-WebSocket-Protocol": list } }));
    decided(&local, &protocols(format!("bearer, {chat}")), "allow");
    decided(&local, &protocols(format!("graphql-ws, bearer, {chat}")), "allow");
    decided(&local, &protocols(format!("bearer, {other}")), "deny insufficient_scope");
    for malformed in
        [chat.clone(), "graphql-ws".to_owned(), format!("bearer, {other}, {chat}"), format!("bearer {chat}")]
    {
        decided(&local, &protocols(malformed), "deny malformed_token");
    }
    decided(&local, &connect(json!({ "queryStringParameters": { "token": chat } })), "allow");
}

#[test]
fn an_http_api_gets_a_policy_or_a_simple_answer() {
    let one = bearer();
    let event = |headers: Value| http(json!({ "headers": headers }));
    let iam = Local::new(&api(json!({})));
    let policy = answers(&iam, &event(json!({ "authorization": one })));
    let resources = policy["policyDocument"]["Statement"][0]["Resource"].to_string();
    assert!(resources.contains("/$default/GET/movies"), "{resources}");
    let simple = Local::new(&api(json!({ "policy": "single_request", "http_api_answer": "simple" })));
    assert_eq!(
        answers(&simple, &event(json!({ "authorization": one }))),
        json!({ "isAuthorized": true, "context": { "user": "alice" } })
    );
    let reason =
        |error: &str, reason: &str| json!({ "isAuthorized": false, "context": { "error": error, "reason": reason } });
    assert_eq!(answers(&simple, &event(json!({}))), reason("invalid_token", "missing_token"));
    let poor = format!("Bearer {}", token("other"));
    assert_eq!(
        answers(&simple, &event(json!({ "authorization": poor }))),
        reason("insufficient_scope", "insufficient_scope")
    );
    // Only format 2.0 knows simple answers.
    let version_1 = rest(json!({ "version": "1.0", "headers": { "Authorization": one } }));
    assert_eq!(outcome(&answers(&simple, &version_1)), "allow");
    assert_eq!(outcome(&simple.answers("GET", "movies", Some(&one))), "allow");
}

#[test]
fn an_http_api_has_no_401_and_errors_that_may_heal_stay_errors() {
    let unauthorized = Local::new(&api(json!({ "policy": "single_request", "invalid_token": "unauthorized" })));
    decided(&unauthorized, &rest(json!({})), "Unauthorized");
    decided(&unauthorized, &connect(json!({})), "Unauthorized");
    decided(&unauthorized, &http(json!({})), "deny missing_token");
    decided(&unauthorized, &rest(json!({ "version": "1.0" })), "deny missing_token");
    let claims =
        json!({ "iss": "https://issuer.example/", "aud": "api", "sub": "a", "exp": NOW + 600, "nbf": NOW + 300 });
    let early = format!("Bearer {}", signed(r#"{"alg":"HS256"}"#, &claims.to_string()));
    decided(&unauthorized, &http(json!({ "headers": { "authorization": early } })), "Unauthorized");
}

#[test]
fn a_simple_answer_needs_a_policy_of_a_single_request() {
    let mistakes = |document: &Value| -> Vec<String> {
        let error = config(&document.to_string()).err().unwrap();
        error.issues.iter().map(|issue| issue.path.clone()).collect()
    };
    for policy in [json!({}), json!({ "policy": "cacheable" })] {
        let mut document = api(policy);
        document["http_api_answer"] = "simple".into();
        assert_eq!(mistakes(&document), ["http_api_answer"]);
    }
    let warnings =
        |sources: Value| config(&api(json!({ "token_sources": sources })).to_string()).unwrap().warnings().len();
    assert_eq!(warnings(json!("header:X-Token")), 0);
    assert_eq!(warnings(json!(["header:Authorization", "query:token"])), 1);
}
