//! Decision table: which routes a token of a shared-secret issuer may call, and the exact reason of each refusal.

use serde_json::{Value, json};

use crate::local::{self, Local, NOW, signed, with_members};

/// An API with a route of each kind.
fn api() -> Value {
    json!({
        "policy": "single_request",
        "issuers": [{ "issuer": "https://issuer.example/", "audience": "api", "secret": { "env": "SECRET" } }],
        "routes": [
            { "path": "/" },
            { "method": "GET", "path": "/movies", "scopes": "read:movies" },
            { "method": ["POST", "PUT"], "path": "/movies", "scopes": ["write:movies premium", "admin"] },
            { "path": "/movies/{id}", "scopes": "read:movies" },
            { "method": "GET", "path": "/movies/popular" },
            { "path": "/movies/{id}/reviews/{review}", "scopes": "read:reviews" },
            { "path": "/movies/{path+}", "scopes": "admin" },
            { "method": "GET", "path": "/users/{id}",
              "any_of": [{ "scopes": "admin" }, { "scopes": "read:me", "claims": { "sub": "{id}" } }] },
            { "path": "/teams/{team}", "claims": { "/app/teams": "{team}" } },
            { "path": "/teams/{team}/members/{id}", "claims": { "sub": "{id}" } },
            { "path": "/plans", "claims": { "plan": ["gold", "silver"], "seats": 5, "/app/beta": true } },
            { "path": "/serials", "claims": { "serial": 9_007_199_254_740_993_u64 } },
            { "path": "/mail", "claims": { "email": { "present": true } } },
            { "path": "/files/{name+}", "claims": { "sub": "{name}" } },
            { "path": "/a:b/c.d_e-f,g" }
        ]
    })
}

/// A valid payload with additional claims.
fn claims(more: Value) -> String {
    let claims = json!({ "iss": "https://issuer.example/", "aud": "api", "sub": "user-1", "exp": NOW + 60 });
    with_members(claims, &more).to_string()
}

/// Checks each case: method, path after the stage, claims, expected outcome.
fn table(config: &Value, cases: &[(&str, &str, Value, &str)]) {
    let local = Local::new(config);
    for (method, path, more, expected) in cases {
        let token = signed(r#"{"alg":"HS256"}"#, &claims(more.clone()));
        assert_eq!(local.decides(method, path, &token), *expected, "{method} {path} with {more}");
    }
}

#[test]
fn any_entry_of_scopes_is_enough_and_requires_all_its_scopes() {
    let scope = |text: &str| json!({ "scope": text });
    table(
        &api(),
        &[
            ("GET", "movies", scope("read:movies"), "allow"),
            ("GET", "movies", scope("x read:movies  y"), "allow"),
            ("GET", "movies", scope(""), "deny insufficient_scope"),
            ("GET", "movies", json!({}), "deny insufficient_scope"),
            ("GET", "movies", scope("read:movie"), "deny insufficient_scope"),
            ("GET", "movies", scope("unread:movies"), "deny insufficient_scope"),
            ("GET", "movies", scope("READ:MOVIES"), "deny insufficient_scope"),
            ("GET", "movies", scope("x,read:movies"), "deny insufficient_scope"),
            ("GET", "movies", scope("x\tread:movies"), "deny insufficient_scope"),
            ("GET", "movies", scope("x\u{a0}read:movies"), "deny insufficient_scope"),
            ("POST", "movies", scope("write:movies"), "deny insufficient_scope"),
            ("POST", "movies", scope("premium write:movies"), "allow"),
            ("PUT", "movies", scope("admin"), "allow"),
            // Scopes of `scope` and `scp` are combined. An item of a list is one scope, even with a space in it.
            ("POST", "movies", json!({ "scope": "premium", "scp": ["write:movies"] }), "allow"),
            ("POST", "movies", json!({ "scp": ["write:movies premium"] }), "deny insufficient_scope"),
            ("GET", "movies", json!({ "scp": "read:movies" }), "allow"),
        ],
    );
}

#[test]
fn each_method_has_its_own_routes() {
    let all = || json!({ "scope": "read:movies read:reviews" });
    table(
        &api(),
        &[
            ("GET", "", json!({}), "allow"),
            ("DELETE", "", json!({}), "allow"),
            ("GET", "movies/17", all(), "allow"),
            ("GET", "movies/17/", all(), "allow"),
            ("GET", "movies/", all(), "allow"),
            ("GET", "Movies", all(), "deny undeclared_route"),
            ("DELETE", "movies", all(), "deny undeclared_route"),
            // `/movies/popular` is declared for GET alone, so `/movies/{id}` decides the others.
            ("GET", "movies/popular", json!({}), "allow"),
            ("POST", "movies/popular", json!({}), "deny insufficient_scope"),
            ("POST", "movies/popular", all(), "allow"),
            ("HEAD", "movies/popular", json!({}), "deny insufficient_scope"),
            ("GET", "movies/popular/reviews/2", all(), "allow"),
            // Backtracking: the third segment is not `reviews`, so `/movies/{path+}` decides.
            ("GET", "movies/17/cast", all(), "deny insufficient_scope"),
            ("GET", "movies/17/cast", json!({ "scope": "admin" }), "allow"),
            ("GET", "movies/17/reviews", json!({ "scope": "admin" }), "allow"),
            ("GET", "movies/17/reviews/2/3", json!({ "scope": "admin" }), "allow"),
            ("GET", "a:b/c.d_e-f,g", json!({}), "allow"),
            ("GET", "a:b", json!({}), "deny undeclared_route"),
            ("TRACE", "", json!({}), "deny undeclared_route"),
            ("GET", "nowhere", json!({}), "deny undeclared_route"),
        ],
    );
}

#[test]
fn the_most_specific_path_is_compared_segment_by_segment_from_the_left() {
    let config = |paths: &[&str]| {
        let routes: Vec<Value> = paths.iter().map(|path| json!({ "path": path, "scopes": *path })).collect();
        let mut config = api();
        config["routes"] = routes.into();
        config
    };
    let paths = ["/{a}/b/c", "/x/{b}/{c}", "/x/{rest+}", "/{all+}", "/x/b/{c}/d"];
    for (path, taken) in [
        ("x/b/c", "/x/{b}/{c}"),
        ("y/b/c", "/{a}/b/c"),
        ("x/b/c/d", "/x/b/{c}/d"),
        ("x/b/c/e", "/x/{rest+}"),
        ("x/b", "/x/{rest+}"),
        ("x", "/{all+}"),
        ("y/b", "/{all+}"),
    ] {
        table(&config(&paths), &[("GET", path, json!({ "scope": taken }), "allow")]);
        let others: Vec<&str> = paths.into_iter().filter(|other| *other != taken).collect();
        table(&config(&paths), &[("GET", path, json!({ "scope": others.join(" ") }), "deny insufficient_scope")]);
    }
}

#[test]
fn a_named_method_takes_precedence_over_any_method() {
    let mut config = api();
    config["routes"] = json!([{ "path": "/x" }, { "method": "DELETE", "path": "/x", "scopes": "admin" }]);
    table(&config, &[("GET", "x", json!({}), "allow"), ("DELETE", "x", json!({}), "deny insufficient_scope")]);
}

#[test]
fn the_order_of_entries_does_not_matter() {
    let mut config = api();
    config["routes"].as_array_mut().unwrap().reverse();
    table(
        &config,
        &[
            ("GET", "movies/popular", json!({}), "allow"),
            ("GET", "movies/17/cast", json!({ "scope": "read:movies" }), "deny insufficient_scope"),
            ("GET", "movies/17", json!({ "scope": "read:movies" }), "allow"),
        ],
    );
}

#[test]
fn a_claim_must_equal_the_paths_own_segment_raw_or_decoded_once() {
    let me = |sub: &str| json!({ "scope": "read:me", "sub": sub });
    table(
        &api(),
        &[
            ("GET", "users/user-1", me("user-1"), "allow"),
            ("GET", "users/user-1/", me("user-1"), "allow"),
            ("GET", "users/user-2", me("user-1"), "deny claim_mismatch"),
            ("GET", "users/User-1", me("user-1"), "deny claim_mismatch"),
            ("GET", "users/user-2", json!({ "scope": "admin" }), "allow"),
            ("GET", "users/user-1", json!({}), "deny insufficient_scope"),
            ("GET", "users/auth0%7C1", me("auth0|1"), "allow"),
            ("GET", "users/auth0%7c1", me("auth0|1"), "allow"),
            ("GET", "users/auth0|1", me("auth0|1"), "allow"),
            ("GET", "users/a%20b", me("a b"), "allow"),
            ("GET", "users/%C3%A9", me("\u{e9}"), "allow"),
            ("GET", "users/\u{e9}", me("\u{e9}"), "allow"),
            // A claim with a character that has a meaning in a path or a Resource never matches.
            ("GET", "users/a%20b", me("a%20b"), "deny claim_mismatch"),
            ("GET", "users/a%24b", me("a$b"), "deny claim_mismatch"),
            ("GET", "users/%2A", me("*"), "deny claim_mismatch"),
            ("GET", "users/a%3Fb", me("a?b"), "deny claim_mismatch"),
            // An array claim matches if one of its items equals the segment.
            ("GET", "teams/red", json!({ "app": { "teams": ["blue", "red"] } }), "allow"),
            ("GET", "teams/red", json!({ "app": { "teams": "red" } }), "allow"),
            ("GET", "teams/red", json!({ "app": { "teams": ["blue", 1] } }), "deny claim_mismatch"),
            ("GET", "teams/red", json!({ "app": {} }), "deny claim_mismatch"),
            ("GET", "teams/1", json!({ "app": { "teams": 1 } }), "deny claim_mismatch"),
            // With several parameters, only the named one is compared.
            ("GET", "teams/red/members/user-1", json!({}), "allow"),
            ("GET", "teams/user-1/members/red", json!({}), "deny claim_mismatch"),
            // A claim can equal `{name+}` only if that is a single segment.
            ("GET", "files/user-1", json!({}), "allow"),
            ("GET", "files/user-1/x", json!({}), "deny claim_mismatch"),
        ],
    );
}

#[test]
fn claims_fit_by_value_and_all_of_them_are_needed() {
    let plan =
        |plan: Value, seats: Value, beta: Value| json!({ "plan": plan, "seats": seats, "app": { "beta": beta } });
    table(
        &api(),
        &[
            ("GET", "plans", plan(json!("gold"), json!(5), json!(true)), "allow"),
            ("GET", "plans", plan(json!(["x", "silver"]), json!(5.0), json!([false, true])), "allow"),
            ("GET", "plans", plan(json!("bronze"), json!(5), json!(true)), "deny claim_mismatch"),
            ("GET", "plans", plan(json!("gold"), json!("5"), json!(true)), "deny claim_mismatch"),
            ("GET", "plans", plan(json!("gold"), json!(6), json!(true)), "deny claim_mismatch"),
            ("GET", "plans", plan(json!("gold"), json!(5), json!("true")), "deny claim_mismatch"),
            ("GET", "plans", json!({ "plan": "gold", "seats": 5 }), "deny claim_mismatch"),
            ("GET", "plans", plan(json!({ "gold": true }), json!(5), json!(true)), "deny claim_mismatch"),
            // Integers above 2^53 are compared exactly, not as doubles.
            ("GET", "serials", json!({ "serial": 9_007_199_254_740_993_u64 }), "allow"),
            ("GET", "serials", json!({ "serial": 9_007_199_254_740_992_u64 }), "deny claim_mismatch"),
            ("GET", "mail", json!({ "email": "a@b.example" }), "allow"),
            ("GET", "mail", json!({ "email": null }), "deny claim_mismatch"),
            ("GET", "mail", json!({}), "deny claim_mismatch"),
        ],
    );
}

#[test]
fn an_ambiguous_path_is_refused_for_every_token() {
    let admin = || json!({ "scope": "admin read:movies read:me", "sub": "*" });
    let mut cases: Vec<(&str, &str, Value, &str)> = [
        "movies/*",
        "movies/?",
        "movies/${x}",
        "movies/a\tb",
        "movies/%",
        "movies/%2",
        "movies/%zz",
        "movies/%0A",
        "movies/%7F",
        "movies//",
        "movies//17",
        "/",
        "/movies",
        "movies/.",
        "movies/../users",
        "movies/./17",
        "movies\\17",
        "movies/%2F",
        "movies/a%2fb",
        "movies/%5C",
        "movies/%2e%2e",
        "movies/%2E",
        "movies/%2541",
        "movies/%c2%85",
        "users/*",
        // Decoding these once changes the route.
        "%6dovies",
        "movies/popula%72",
        "movies/17/%72eviews/2",
        "a%3Ab/c.d_e-f,g",
    ]
    .into_iter()
    .map(|path| ("GET", path, admin(), "deny ambiguous_path"))
    .collect();
    // Encodings that do not change the route are allowed.
    cases.extend(
        ["movies/%20", "movies/%C3%A9", "movies/%F0%9F%8E%AC", "movies/a$b"]
            .map(|path| ("GET", path, admin(), "allow")),
    );
    table(&api(), &cases);
}

#[test]
fn undeclared_paths_pass_only_if_allowed() {
    let mut config = api();
    config["undeclared_routes"] = "allow".into();
    table(
        &config,
        &[
            ("GET", "nowhere", json!({}), "allow"),
            ("GET", "nowhere/", json!({}), "allow"),
            ("DELETE", "movies", json!({}), "allow"),
            ("GET", "movies", json!({}), "deny insufficient_scope"),
            ("GET", "no//where", json!({}), "deny ambiguous_path"),
            ("GET", "%6dovies", json!({}), "deny ambiguous_path"),
        ],
    );
    config.as_object_mut().unwrap().remove("routes");
    table(&config, &[("GET", "", json!({}), "allow"), ("PATCH", "x/y", json!({}), "allow")]);
}

#[test]
fn a_request_for_a_method_that_was_declared_absent_is_logged() {
    let mut config = api();
    config["undeclared_routes"] = "absent".into();
    let local = Local::new(&config);
    let token = signed(r#"{"alg":"HS256"}"#, &claims(json!({})));
    let broken = |method: &str, path: &str, token: &str| {
        local.take_log();
        let decided = local.decides(method, path, token);
        (decided, local.take_log().contains("\"code\":\"undeclared_method_exists\""))
    };
    assert_eq!(broken("DELETE", "movies", &token), ("deny undeclared_route".to_owned(), true));
    assert_eq!(broken("GET", "nowhere", &token), ("deny undeclared_route".to_owned(), true));
    assert_eq!(broken("GET", "movies", &token), ("deny insufficient_scope".to_owned(), false));
    // An invalid token does not get this far, and API Gateway does not have the method TRACE.
    assert_eq!(broken("GET", "nowhere", "a.b.c"), ("deny malformed_token".to_owned(), false));
    assert_eq!(broken("TRACE", "nowhere", &token), ("deny undeclared_route".to_owned(), false));
}

#[test]
fn a_test_in_the_console_breaks_no_promise() {
    let mut config = api();
    config["undeclared_routes"] = "absent".into();
    let local = Local::new(&config);
    let token = signed(r#"{"alg":"HS256"}"#, &claims(json!({})));
    for (stage, is_logged) in
        [("prod", true), ("test-invoke-stage", false), ("ESTestInvoke-stage", false), ("a-test-invoke-stage", true)]
    {
        let arn = format!("arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/{stage}/GET/nowhere");
        let event = json!({ "type": "TOKEN", "authorizationToken": format!("Bearer {token}"), "methodArn": arn });
        local.take_log();
        let answer = local.answers_event(event.to_string().as_bytes());
        assert_eq!(answer["context"]["reason"], "undeclared_route", "{stage}");
        assert_eq!(local.take_log().contains("undeclared_method_exists"), is_logged, "{stage}");
    }
}

#[test]
fn a_method_that_is_not_one_of_the_seven_is_refused() {
    let mut config = api();
    config["undeclared_routes"] = "allow".into();
    for method in ["TRACE", "CONNECT", "PROPFIND", "ANY", "X"] {
        table(
            &config,
            &[
                (method, "nowhere", json!({}), "deny undeclared_route"),
                (method, "", json!({}), "deny undeclared_route"),
                (method, "movies", json!({ "scope": "admin read:movies" }), "deny undeclared_route"),
                (method, "no//where", json!({}), "deny ambiguous_path"),
            ],
        );
    }
    table(&config, &[("OPTIONS", "nowhere", json!({}), "allow")]);
}

#[test]
fn a_request_that_a_policy_cannot_name_is_refused() {
    let local = Local::new(&api());
    let token = signed(r#"{"alg":"HS256"}"#, &claims(json!({ "scope": "admin read:movies" })));
    let stage = local::STAGE.len() + "GET/movies/".len();
    assert_eq!(local.decides("GET", &format!("movies/{}", "x".repeat(512 - stage)), &token), "allow");
    assert_eq!(local.decides("GET", &format!("movies/{}", "x".repeat(513 - stage)), &token), "deny ambiguous_path");
}

#[test]
fn a_policy_for_one_request_names_it_alone_or_denies_the_stage_if_it_cannot_be_named() {
    let local = Local::new(&api());
    let token = format!("Bearer {}", signed(r#"{"alg":"HS256"}"#, &claims(json!({ "scope": "read:movies" }))));
    let long = |path: &str| format!("{path}{}", "x".repeat(512 - local::STAGE.len() - "GET/".len() - path.len()));
    let longer = |path: &str| long(path) + "x";
    for (path, effect, tail) in [
        ("movies".to_owned(), "Allow", Some("GET/movies".to_owned())),
        (long("movies/"), "Allow", Some(format!("GET/{}", long("movies/")))),
        (longer("movies/"), "Deny", None),
        ("plans".to_owned(), "Deny", Some("GET/plans".to_owned())),
        ("nowhere".to_owned(), "Deny", Some("GET/nowhere".to_owned())),
        (long("nowhere/"), "Deny", Some(format!("GET/{}", long("nowhere/")))),
        (longer("nowhere/"), "Deny", None),
        ("movies/a%2Fb".to_owned(), "Deny", None),
        ("movies/*".to_owned(), "Deny", None),
    ] {
        let answer = local.answers("GET", &path, Some(&token));
        let resource = format!("{}{}", local::STAGE, tail.as_deref().unwrap_or("*"));
        let statements = &answer["policyDocument"]["Statement"];
        assert_eq!(statements.as_array().unwrap().len(), 1, "{path}");
        assert_eq!(
            (&statements[0]["Effect"], &statements[0]["Resource"]),
            (&json!(effect), &json!([resource])),
            "{path}"
        );
    }
}

#[test]
fn report_allows_the_stage_to_every_verified_token_and_to_no_other() {
    let mut config = api();
    config["route_rules"] = "report".into();
    let local = Local::new(&config);
    let token = signed(r#"{"alg":"HS256"}"#, &claims(json!({})));
    let answer = local.answers("GET", "movies", Some(&format!("Bearer {token}")));
    assert_eq!(answer["policyDocument"]["Statement"][0]["Effect"], "Allow");
    assert_eq!(answer["policyDocument"]["Statement"][0]["Resource"], json!([format!("{}*", local::STAGE)]));
    assert_eq!(local.decides("GET", "movies", "a.b.c"), "deny malformed_token");
}

#[test]
fn the_log_hints_at_a_path_that_is_declared_for_other_methods_or_in_another_case() {
    let mut config = api();
    let routes = config["routes"].as_array_mut().unwrap();
    for path in ["/Reports/{year}", "/Scans/{path+}"] {
        routes.push(json!({ "method": "GET", "path": path }));
    }
    let local = Local::new(&config);
    let token = signed(r#"{"alg":"HS256"}"#, &claims(json!({})));
    for (method, path, hint) in [
        ("DELETE", "movies", "method_not_declared".into()),
        ("POST", "users/7", "method_not_declared".into()),
        ("GET", "Movies", "path_differs_by_case".into()),
        ("GET", "MOVIES/17/Reviews/2", "path_differs_by_case".into()),
        ("GET", "MOVIES/17/18/19", "path_differs_by_case".into()),
        ("GET", "reports/2026", "path_differs_by_case".into()),
        ("GET", "REPORTS/2026", "path_differs_by_case".into()),
        ("GET", "Files/a/B/c", "path_differs_by_case".into()),
        ("GET", "scans/a", "path_differs_by_case".into()),
        ("GET", "scans/a/B/c", "path_differs_by_case".into()),
        ("GET", "nowhere", Value::Null),
        ("GET", "Moviez/17", Value::Null),
        ("GET", "reports/2026/1", Value::Null),
        ("GET", "reports", Value::Null),
        ("GET", "scans", Value::Null),
    ] {
        local.take_log();
        assert_eq!(local.decides(method, path, &token), "deny undeclared_route", "{method} {path}");
        let log = local.take_log();
        let mut lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let line = lines.find(|line| line["fields"]["message"] == "decision").unwrap();
        assert_eq!(line["fields"]["hint"], hint, "{method} {path}");
    }
}
