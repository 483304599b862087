//! Large tables: what a start and a decision cost, and what becomes of an answer that does not fit.

use serde_json::json;

use super::rules::{Entry, Mode, Rules, Token, Way};
use super::*;

/// A thousand routes: a hundred resources with the usual methods and one path below.
fn thousand(mode: Mode) -> Rules {
    let mut entries = Vec::new();
    for resource in 0..100 {
        let mut entry = |methods: &[&'static str], path: String, scope: &'static str| {
            entries.push(Entry {
                methods: methods.to_vec(),
                path,
                any_of: vec![Way {
                    scopes: vec![vec![scope]],
                    claims: Vec::new(),
                }],
            });
        };
        for (method, scope) in [("GET", "read"), ("POST", "write"), ("DELETE", "admin")] {
            entry(&[method], format!("/resource{resource}"), scope);
        }
        for (method, scope) in [
            ("GET", "read"),
            ("PUT", "write"),
            ("PATCH", "write"),
            ("DELETE", "admin"),
        ] {
            entry(&[method], format!("/resource{resource}/{{id}}"), scope);
        }
        entry(&[], format!("/resource{resource}/search"), "read");
        entry(&["POST"], format!("/resource{resource}/{{id}}/close"), "write");
        entry(&["GET"], format!("/health/resource{resource}"), "ops");
    }
    Rules { entries, mode }
}

#[test]
fn a_thousand_routes_are_decided_in_microseconds() {
    for mode in [Mode::Deny, Mode::Absent] {
        let rules = thousand(mode);
        let routes = routes(&rules).unwrap();
        #[expect(clippy::disallowed_methods, reason = "the test measures")]
        let now = std::time::Instant::now;
        let begin = now();
        let (plan, warnings) = Plan::new(&routes).unwrap();
        let start = begin.elapsed();
        assert!(warnings.contains(&Warning::TooLarge { routes: 1000 }));
        for scopes in [vec![], vec!["ops"], vec!["read", "write", "admin"]] {
            let token = Token {
                scopes: scopes.clone(),
                claims: json!({}),
            };
            let (token, arn) = (verified(&token), arn("GET/resource50/7"));
            let decision = routes.permit(&arn, &token);
            let begin = now();
            let mut rest = 0;
            for _ in 0..1000 {
                rest = plan
                    .policy_and_rest(&routes, &token, &arn, &decision, PolicyExpiry::Token, 7936)
                    .1;
            }
            println!(
                "{mode:?}, scopes {scopes:?}: start {start:?}, a decision {:?}, {rest} units left out",
                begin.elapsed() / 1000
            );
        }
    }
}

/// A thousand routes that all begin with a parameter, beside one that takes everything.
fn tenants(greedy: bool) -> Rules {
    let mut rules = thousand(Mode::Absent);
    for entry in &mut rules.entries {
        entry.path = format!("/{{tenant}}{}", entry.path);
    }
    if greedy {
        rules.entries.push(Entry {
            methods: Vec::new(),
            path: "/static/{path+}".to_owned(),
            any_of: Vec::new(),
        });
    }
    rules
}

#[test]
fn a_thousand_routes_below_a_parameter_start_in_time() {
    #[expect(clippy::disallowed_methods, reason = "the test measures")]
    let now = std::time::Instant::now;
    for greedy in [false, true] {
        let routes = routes(&tenants(greedy)).unwrap();
        let begin = now();
        let mistakes = Plan::new(&routes).map_or_else(|mistakes| mistakes, |_| Vec::new());
        println!(
            "greedy {greedy}: {} mistakes after {:?}",
            mistakes.len(),
            begin.elapsed()
        );
        for mistake in mistakes.iter().take(2) {
            println!("{mistake}");
        }
    }
}
