//! Tables that simplifications of the compiler got wrong, and layouts that must start.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use super::examples::{document, none, scope, sub, table, token};
use super::properties::{case, cases};
use super::rules::{Judge, Mode, Token, Way};
use super::started::{ROOM, Started, paths};
use super::wanted::Wanted;
use super::*;

/// The need that a claim equals a path parameter.
fn bound(claim: &'static str, parameter: &str) -> Vec<Way> {
    vec![Way { scopes: Vec::new(), claims: vec![(claim, vec![parameter.into()])] }]
}

fn claims(scopes: &[&'static str], claims: Value) -> Token {
    Token { scopes: scopes.to_vec(), claims }
}

/// Asserts that a table starts without warnings, and that every answer is right and complete.
#[track_caller]
fn holds(
    mode: Mode,
    entries: &[(&'static str, &str, Vec<Way>)],
    tokens: &[Token],
    requests: &[&str],
    segments: &[&str],
    deep: usize,
) -> Started {
    let table = Started::new(table(mode, entries));
    assert!(table.warnings.is_empty(), "{:?}", table.warnings);
    for token in tokens {
        for request in requests {
            let (_, left_out) = table.judged(token, request, ROOM, segments, deep);
            assert_eq!(left_out, 0);
        }
    }
    table
}

#[test]
fn one_deny_for_literals_with_a_common_prefix_spares_paths_below_another() {
    let table = Started::new(table(
        Mode::Absent,
        &[
            ("GET", "/b/{p+}", none()),
            ("GET", "/a/a:x/{p}", bound("sub", "{p}")),
            ("GET", "/a/a/a", none()),
            ("GET", "/{p}/me", none()),
        ],
    ));
    let token = claims(&[], json!({}));
    let (_, left_out) = table.judged(&token, "DELETE/x/y/z", ROOM, &["a", "a:x", "b", "me", "zz"], 3);
    assert_eq!(left_out, 0);
}

/// Files of an organization, and an export that requires the subject to equal the organization, or a scope.
fn exports() -> [(&'static str, &'static str, Vec<Way>); 2] {
    [("GET", "/o/{x}/{p+}", bound("org", "{x}")), ("GET", "/o/{x}/export", [sub("{x}"), scope("export")].concat())]
}

#[test]
fn two_claims_with_the_same_value_count_as_one() {
    let rules = table(Mode::Deny, &exports());
    let of = |org: Value, sub: &str, allow: &[&str], deny: &[&str]| {
        document(&rules, &claims(&[], json!({ "org": org, "sub": sub })), "GET/", allow, &[&["GET/"], deny].concat());
    };
    let export = |text: &str| [format!("GET/o/{text}/export"), format!("GET/o/{text}/export/")];
    let ([t, t_slash], [u, u_slash]) = (export("T"), export("U"));
    of(json!("T"), "T", &["GET/o/T/?*", &t, &t_slash], &[]);
    of(json!("T"), "U", &["GET/o/T/?*", &u, &u_slash], &[&t, &t_slash]);
    of(json!(["T", "U"]), "U", &["GET/o/T/?*", "GET/o/U/?*", &u, &u_slash], &[&t, &t_slash]);
    let all = claims(&["export"], json!({ "org": "T", "sub": "U" }));
    document(
        &rules,
        &all,
        "GET/",
        &["GET/o/T/?*", "GET/o/?*/export", "GET/o/?*/export/"],
        &["GET/", "GET/o/?*/?*/export", "GET/o/?*/?*/export/"],
    );
}

#[test]
fn the_deny_for_one_value_of_a_list_does_not_affect_another() {
    let rules = table(Mode::Deny, &exports());
    let token = claims(&[], json!({ "org": ["T1", "T2"], "sub": "T3" }));
    document(
        &rules,
        &token,
        "GET/o/T1/x",
        &["GET/o/T1/x", "GET/o/T1/?*", "GET/o/T2/?*", "GET/o/T3/export", "GET/o/T3/export/"],
        &["GET/o/T1/export", "GET/o/T1/export/", "GET/o/T2/export", "GET/o/T2/export/"],
    );
    // In every budget, the Allow for a value comes with its Deny.
    let table = Started::new(rules);
    let mut told = std::collections::BTreeSet::new();
    for room in (600..3000).step_by(64) {
        let (policy, _) = table.judged(&token, "GET/o/T1/x", room, &["o", "T1", "T2", "T3", "export"], 4);
        let text = policy.to_string();
        told.insert(["T1", "T2"].map(|org| text.contains(&format!("GET/o/{org}/?*\""))));
    }
    assert!(told.contains(&[false, false]) && told.contains(&[true, true]) && told.len() >= 3, "{told:?}");
}

#[test]
fn a_tenants_projects_start_under_absent() {
    holds(
        Mode::Absent,
        &[
            ("GET POST", "/tenants/{t}/projects", bound("tenant", "{t}")),
            ("GET PUT", "/tenants/{t}/projects/{id}", bound("tenant", "{t}")),
            ("GET", "/tenants/{t}/projects/{id}/tasks", bound("tenant", "{t}")),
        ],
        &[claims(&[], json!({"tenant": "T"})), claims(&[], json!({"tenant": ["T", "U"]})), claims(&[], json!({}))],
        &[
            "GET/tenants/T/projects",
            "GET/tenants/T/projects/7",
            "PUT/tenants/U/projects/7/tasks",
            "GET/tenants/V/projects",
        ],
        &["tenants", "T", "U", "projects", "tasks", "zz"],
        5,
    );
}

#[test]
fn textbook_crud_on_two_levels_starts_under_absent() {
    let entries = [
        ("GET", "/orders", scope("read")),
        ("POST", "/orders", scope("write")),
        ("GET", "/orders/{id}", scope("read")),
        ("PUT", "/orders/{id}", scope("write")),
        ("DELETE", "/orders/{id}", scope("admin")),
        ("GET", "/orders/{id}/items", scope("read")),
        ("POST", "/orders/{id}/items", scope("write")),
        ("GET", "/orders/{id}/items/{item}", scope("items")),
        ("DELETE", "/orders/{id}/items/{item}", scope("items")),
    ];
    let scopes: [&[&'static str]; 6] =
        [&[], &["read"], &["write"], &["items"], &["read", "admin"], &["read", "write", "items", "admin"]];
    holds(
        Mode::Absent,
        &entries,
        &scopes.map(|scopes| claims(scopes, json!({}))),
        &["GET/orders", "GET/orders/7", "POST/orders/7/items", "DELETE/orders/7/items/8", "GET/nowhere"],
        &["orders", "items", "zz"],
        5,
    );
}

#[test]
fn a_users_orders_and_their_items_start_under_absent() {
    let entries =
        [("GET", "/users/{u}/orders/{o}", sub("{u}")), ("GET", "/users/{u}/orders/{o}/items/{i}", sub("{u}"))];
    let table = holds(
        Mode::Absent,
        &entries,
        &[token(&[], "u1"), token(&[], "a|b"), token(&[], "orders"), claims(&[], json!({"sub": ["u1", "u2"]}))],
        &["GET/users/u1/orders/7", "GET/users/u1/orders/7/items/8", "GET/users/u2/orders/7"],
        &["users", "u1", "orders", "items", "a|b"],
        6,
    );
    document(
        &table.rules,
        &token(&[], "u1"),
        "GET/users/u2/orders/7",
        &["GET/users/u1/orders/?*", "GET/users/u1/orders/?*/items/?*"],
        &["GET/users/u2/orders/7"],
    );
}

/// The mistakes of a table that does not start.
fn mistakes(mode: Mode, entries: &[(&'static str, &str, Vec<Way>)]) -> Vec<String> {
    let mistakes = Plan::new(&routes(&table(mode, entries)).unwrap()).unwrap_err();
    mistakes.iter().map(ToString::to_string).collect()
}

#[test]
fn a_sandwich_is_refused_and_its_three_layers_are_named() {
    let entries = [
        ("GET", "/users/{u}", none()),
        ("GET", "/users/{u}/packages/{p}", scope("packages")),
        ("GET", "/users/{u}/packages/{p}/versions/{v}", none()),
    ];
    assert_eq!(
        mistakes(Mode::Absent, &entries),
        [
            "let routes[2]: GET /users/{u}/packages/{p}/versions/{v} also need what routes[1]: GET /users/{u}/packages/{p} needs, or \
          set `policy` to \"single_request\" with a gateway cache of 0 s or a REQUEST authorizer whose \
          identity sources are token, method and path: a token may use routes[0]: GET /users/{u} and \
          routes[2]: GET /users/{u}/packages/{p}/versions/{v} but not routes[1]: GET /users/{u}/packages/{p}, and every IAM \
          pattern that refuses the last also refuses routes[2]: GET /users/{u}/packages/{p}/versions/{v}"
        ]
    );
    // A profile for everyone, orders for their owner, items for everyone.
    let entries = [
        ("GET", "/users/{u}", none()),
        ("GET", "/users/{u}/orders/{o}", sub("{u}")),
        ("GET", "/users/{u}/orders/{o}/items/{i}", none()),
    ];
    assert_eq!(
        mistakes(Mode::Absent, &entries),
        ["let routes[0]: GET /users/{u} also need what routes[1]: GET /users/{u}/orders/{o} needs, or set \
          `policy` to \"single_request\" with a gateway cache of 0 s or a REQUEST authorizer whose \
          identity sources are token, method and path: a token may use routes[0]: GET /users/{u} and routes[2]: \
          GET /users/{u}/orders/{o}/items/{i} but not routes[1]: GET /users/{u}/orders/{o}, and every IAM pattern that refuses \
          the last also refuses routes[2]: GET /users/{u}/orders/{o}/items/{i}"]
    );
}

#[test]
fn a_sandwich_starts_where_the_middle_follows_from_the_outer_or_the_inner_layer() {
    let both = || vec![Way { scopes: vec![vec!["outer", "middle"]], claims: Vec::new() }];
    for (outer, middle, inner) in [
        (scope("middle"), scope("middle"), none()),
        (both(), scope("middle"), none()),
        (none(), scope("middle"), scope("middle")),
        (none(), scope("middle"), both()),
        (none(), none(), scope("inner")),
    ] {
        let scopes: [&[&'static str]; 5] = [&[], &["outer"], &["middle"], &["inner"], &["outer", "middle"]];
        holds(
            Mode::Absent,
            &[("GET", "/u/{a}", outer), ("GET", "/u/{a}/p/{b}", middle), ("GET", "/u/{a}/p/{b}/v/{c}", inner)],
            &scopes.map(|scopes| claims(scopes, json!({}))),
            &["GET/u/1", "GET/u/1/p/2", "GET/u/1/p/2/v/3"],
            &["u", "p", "v", "1"],
            6,
        );
    }
}

#[test]
fn a_sandwich_starts_where_the_outer_layer_compares_a_claim_that_the_middle_needs_to_be_there() {
    let there = vec![Way { scopes: Vec::new(), claims: vec![("sub", vec![Wanted::Present])] }];
    holds(
        Mode::Absent,
        &[("GET", "/{a}/{b}", sub("{a}")), ("GET", "/{a}/{b}/p/{c}", there), ("GET", "/{a}/{b}/p/{c}/{d}", none())],
        &[json!({}), json!({"sub": "1"})].map(|of| claims(&[], of)),
        &["GET/1/2", "GET/1/2/p/3", "GET/1/2/p/3/4"],
        &["p", "1", "2"],
        6,
    );
}

#[test]
fn a_parameter_starts_under_allow_and_refuses_what_is_below_it() {
    let rules = table(Mode::Allow, &[("GET", "/pets/{id}", scope("pets"))]);
    let started = Started::new(rules.clone());
    assert_eq!(
        started.warnings,
        [
            "undeclared paths below or between the segments of routes[0]: GET /pets/{id} are refused to a token that may not use \
          it"
        ]
    );
    let all = ["GET/*", "HEAD/*", "POST/*", "PUT/*", "PATCH/*", "DELETE/*", "OPTIONS/*"];
    document(&rules, &token(&[], "u"), "GET/pets/1", &all, &["GET/pets/1", "GET/pets/?*"]);
    document(&rules, &token(&["pets"], "u"), "GET/pets/1", &[&["GET/pets/1"][..], &all].concat(), &[]);
    for scopes in [&[][..], &["pets"]] {
        for request in ["GET/pets/1", "GET/pets", "GET/x/y", "POST/pets/1", "GET/pets/1/2"] {
            if request != "GET/pets/1/2" || !scopes.is_empty() {
                started.judged(&token(scopes, "u"), request, ROOM, &["pets", "1", "zz"], 4);
            }
        }
    }
}

#[test]
fn an_undeclared_path_that_a_deny_hits_is_allowed_to_its_own_request() {
    let rules = table(Mode::Allow, &[("GET", "/pets/{id}", scope("pets"))]);
    let started = Started::new(rules);
    started.judged(&token(&[], "u"), "GET/pets/1/2", ROOM, &["pets", "1", "2"], 4);
}

#[test]
fn a_path_that_a_deny_may_hit_is_a_warning_with_an_example() {
    let entries = [
        ("GET", "/{kind}/{id}", none()),
        ("GET", "/{kind}/7/{part}", scope("part")),
        ("GET", "/x/{id}/{part}", none()),
    ];
    let started = Started::new(table(Mode::Absent, &entries));
    assert_eq!(
        started.warnings,
        [
            "a cached policy may refuse paths of routes[2]: GET /x/{id}/{part} whose parameter is a literal of the table, such as \
          /x/7/7, to a token that may not use routes[1]: GET /{kind}/7/{part}"
        ]
    );
    let allows = |scopes: &[&'static str], request: &str, tail: &str| {
        let (policy, _) = started.judged(&token(scopes, "u"), request, ROOM, &["x", "7", "zz"], 4);
        iam::Document::new(&policy, STAGE).allows(tail)
    };
    assert!(!allows(&[], "GET/zz/1", "GET/x/7/7"));
    // A request for the path is allowed, and a token that may use every route has no Deny.
    assert!(allows(&[], "GET/x/7/7", "GET/x/7/7"));
    assert!(allows(&["part"], "GET/zz/1", "GET/x/7/7"));
}

#[test]
fn a_table_without_a_warning_refuses_no_plain_path() {
    let config =
        Config { cases: cases() / 5, max_global_rejects: u32::MAX, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&case(&[Mode::Deny, Mode::Absent]), |case| {
        let Some(routes) = routes(&case.rules) else {
            return Err(TestCaseError::reject("no table"));
        };
        let Ok((plan, warnings)) = Plan::new(&routes) else {
            return Err(TestCaseError::reject("the table does not start"));
        };
        if warnings.iter().any(|warning| matches!(warning, Warning::Collision { .. })) {
            return Err(TestCaseError::reject("the table has a warning"));
        }
        // Values that are not literals of the table, because such literals get no Resource.
        let token =
            Token { scopes: case.token.scopes, claims: json!({"sub": "u1", "org": ["u1", "zz"], "role": "r1"}) };
        let (policy, left_out) = answer(&routes, &plan, &token, "TRACE/", ROOM);
        prop_assert_eq!(left_out, 0);
        let document = iam::Document::new(&json(&policy), STAGE);
        let judge = Judge::new(&case.rules);
        for path in paths(&["a", "b", "me", "u1", "zz"], 4) {
            let reading = judge.read(&path);
            for method in ["GET", "POST", "OPTIONS"] {
                let tail = format!("{method}/{path}");
                let wanted = judge.allow(&token, method, &reading);
                let aside = case.rules.mode == Mode::Absent && !judge.declared(method, &reading);
                prop_assert!(aside || document.allows(&tail) == wanted, "{}: {}", tail, json(&policy));
            }
        }
        Ok(())
    });
    if let Err(broken) = outcome {
        panic!("{broken}");
    }
}

#[test]
fn a_claim_in_place_of_the_rest_of_a_path_matches_one_segment() {
    let rules = table(Mode::Deny, &[("GET", "/files/{name+}", sub("{name}"))]);
    document(&rules, &token(&[], "u1"), "GET/files/u1/x", &["GET/files/u1", "GET/files/u1/"], &["GET/files/u1/x"]);
    let started = Started::new(rules);
    for request in ["GET/files/u1", "GET/files/u1/", "GET/files/u1/x", "GET/files/x/u1", "GET/files/u1/u1"] {
        started.judged(&token(&[], "u1"), request, ROOM, &["files", "u1", "x"], 4);
    }
}
