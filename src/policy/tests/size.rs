//! Large tables: the cost of a start and of a decision, and answers that do not fit.

use serde_json::json;

use super::rules::{Entry, Mode, Rules, Token, Way};
use super::started::{ROOM, Started};
use super::*;

/// A thousand routes: a hundred resources, each with the usual methods and a path below it.
fn thousand(mode: Mode) -> Rules {
    let mut entries = Vec::new();
    for resource in 0..100 {
        let mut entry = |methods: &[&'static str], path: String, scope: &'static str| {
            entries.push(Entry {
                methods: methods.to_vec(),
                path,
                any_of: vec![Way { scopes: vec![vec![scope]], claims: Vec::new() }],
            });
        };
        for (method, scope) in [("GET", "read"), ("POST", "write"), ("DELETE", "admin")] {
            entry(&[method], format!("/resource{resource}"), scope);
        }
        for (method, scope) in [("GET", "read"), ("PUT", "write"), ("PATCH", "write"), ("DELETE", "admin")] {
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
        // If undeclared paths are refused, one pattern for a subtree would allow too much.
        let is_left_out = |warning: &Warning| matches!(warning, Warning::LeftOut { .. });
        assert_eq!(warnings.iter().any(is_left_out), mode == Mode::Deny);
        for scopes in [vec![], vec!["ops"], vec!["read", "write", "admin"]] {
            let token = Token { scopes: scopes.clone(), claims: json!({}) };
            let (token, arn) = (verified(&token), arn("GET/resource50/7"));
            let decision = routes.decide(&arn, &token).permit;
            let begin = now();
            let mut rest = 0;
            for _ in 0..1000 {
                rest = plan.policy(&token, &arn, &decision, token.not_after(), ROOM).left_out;
            }
            println!(
                "{mode:?}, scopes {scopes:?}: start {start:?}, a decision {:?}, {rest} units left out",
                begin.elapsed() / 1000
            );
            assert!(rest == 0 || mode == Mode::Deny);
        }
    }
}

/// A thousand routes that all start with a parameter, and with `greedy`, a route with `{path+}`.
fn tenants(greedy: bool) -> Rules {
    let mut rules = thousand(Mode::Absent);
    for entry in &mut rules.entries {
        entry.path = format!("/{{tenant}}{}", entry.path);
    }
    if greedy {
        rules.entries.push(Entry { methods: Vec::new(), path: "/static/{path+}".to_owned(), any_of: Vec::new() });
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
        println!("greedy {greedy}: {} mistakes after {:?}", mistakes.len(), begin.elapsed());
        assert_eq!(mistakes, []);
    }
}

/// A table in which each path overlaps with every set of the others.
#[test]
fn a_table_that_overlaps_in_every_way_is_refused() {
    let path = |literal: usize| -> String {
        let segment = |position| match position == literal {
            true => "/a".to_owned(),
            false => format!("/{{p{position}}}"),
        };
        (0..17).map(segment).collect()
    };
    let entries = (0..17).map(|literal| Entry { methods: vec!["GET"], path: path(literal), any_of: Vec::new() });
    let rules = Rules { entries: entries.collect(), mode: Mode::Absent };
    let mistakes = Plan::new(&routes(&rules).unwrap()).unwrap_err();
    assert_eq!(mistakes, [crate::policy::findings::TableMistake::TooTangled]);
}

/// Found by fuzzing: the intersection of a long path and one with `{name+}` has very many parts. The table is compiled
/// like any other.
#[test]
fn a_table_of_long_paths_between_parameters_is_compiled() {
    let found = include_str!("../../../fuzz/seeds/config/long_path_between_parameters");
    let config: serde_json::Value = serde_json::from_str(found).unwrap();
    let path = |route: &serde_json::Value| route["path"].as_str().unwrap().to_owned();
    let entries = config["routes"].as_array().unwrap().iter().map(path);
    let entries: Vec<_> = entries.map(|path| Entry { methods: Vec::new(), path, any_of: Vec::new() }).collect();
    for (mode, mistakes) in [(Mode::Deny, 7), (Mode::Allow, 0), (Mode::Absent, 0)] {
        let rules = Rules { entries: entries.clone(), mode };
        let found = Plan::new(&routes(&rules).unwrap()).err().unwrap_or_default();
        assert_eq!(found.len(), mistakes, "{mode:?}");
        assert!(!found.contains(&crate::policy::findings::TableMistake::TooTangled), "{mode:?}");
    }
}

#[test]
fn wildcards_are_left_out_first_if_not_everything_fits() {
    let literal = |number: usize| (format!("/literal{number}"), "GET");
    let wild = |number: usize| (format!("/wild{number}/{{id}}"), "GET");
    let entries = (0..10).map(wild).chain((0..10).map(literal)).map(|(path, method)| Entry {
        methods: vec![method],
        path,
        any_of: Vec::new(),
    });
    // One pattern for all routes would allow too much.
    let table = Started::new(Rules { entries: entries.collect(), mode: Mode::Deny });
    assert_eq!(table.warnings, Vec::<String>::new());
    let token = Token { scopes: Vec::new(), claims: json!({}) };
    let mut seen = Vec::new();
    for room in (100..5000).step_by(20) {
        let (policy, left_out) = table.answer(&token, "GET/wild3/x", room);
        let text = policy.to_string();
        let count = |part: &str| text.matches(part).count();
        let (own, literals, wilds) =
            (count("GET/wild3/x\""), count("GET/literal") / 2, count("/?*\"") - count("/?*/?*\""));
        assert!(text.len() <= room.max(160), "{room}");
        assert_eq!(wilds, count("/?*/?*\""), "{room}: an Allow without its Deny");
        assert_eq!(left_out, 20 - literals - wilds);
        assert!(own == 1 || literals == 0, "{room}: a literal but not the request");
        assert!(literals == 10 || wilds == 0, "{room}: a wildcard but not every literal");
        seen.push((own, literals, wilds));
    }
    assert!(seen.is_sorted());
    assert_eq!((seen.first(), seen.last()), (Some(&(0, 0, 0)), Some(&(1, 10, 10))));
}

#[test]
fn a_table_whose_largest_answer_does_not_fit_gets_a_warning_with_the_routes_left_out() {
    for (count, expected) in [
        (20, None),
        (
            46,
            Some(
                "an answer for a token that may do everything does not fit into 8 KiB; it leaves out routes[43]: GET \
                 /literal43, routes[44]: GET /literal44, routes[45]: GET /literal45",
            ),
        ),
    ] {
        let entries = (0..count).map(|number| Entry {
            methods: vec!["GET"],
            path: format!("/literal{number}"),
            any_of: Vec::new(),
        });
        let table = Started::new(Rules { entries: entries.collect(), mode: Mode::Deny });
        assert_eq!(table.warnings.iter().map(String::as_str).collect::<Vec<_>>(), expected.as_slice(), "{count}");
    }
}
