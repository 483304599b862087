//! What is kept for other tokens is what would have been worked out anew.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::Value;

use super::properties::{case, cases};
use super::rules::{Entry, Mode, Rules, Token, Way};
use super::*;

/// Asks with what was kept so far, and without; tells whether something kept was the answer.
fn agree(routes: &Routes, plan: &Plan, token: &Token, request: &str, room: usize) -> Result<bool, TestCaseError> {
    let before = plan.memory.kept();
    let (kept, kept_left_out) = answer(routes, plan, token, request, room);
    let recalled = plan.memory.kept() == before;
    let all = plan.memory.forget();
    let (fresh, fresh_left_out) = answer(routes, plan, token, request, room);
    let keeps = plan.memory.kept() > 0;
    plan.memory.remember(all);
    prop_assert_eq!(json(&kept), json(&fresh), "{} with room for {}", request, room);
    prop_assert_eq!(kept_left_out, fresh_left_out);
    Ok(recalled && keeps)
}

#[test]
fn what_is_kept_is_what_would_be_worked_out() {
    let modes = [Mode::Deny, Mode::Allow, Mode::Absent];
    let config =
        Config { cases: cases() / 5, max_global_rejects: u32::MAX, failure_persistence: None, ..Config::default() };
    let recalled = std::cell::Cell::new(0_u32);
    let outcome = TestRunner::new(config).run(&(case(&modes), case(&modes), case(&modes)), |(first, second, third)| {
        let Some(routes) = routes(&first.rules) else {
            return Err(TestCaseError::reject("no table"));
        };
        let Ok((plan, _)) = Plan::new(&routes) else {
            return Err(TestCaseError::reject("the table does not start"));
        };
        for room in [first.room, second.room, third.room] {
            for token in [&first.token, &second.token] {
                for request in [&first.request, &second.request, &third.request] {
                    recalled.set(recalled.get() + u32::from(agree(&routes, &plan, token, request, room)?));
                }
            }
        }
        Ok(())
    });
    if let Err(broken) = outcome {
        panic!("{broken}");
    }
    println!("{} answers were recalled", recalled.get());
    assert!(recalled.get() > cases(), "{} answers were recalled", recalled.get());
}

/// Every room from none to one for everything, each asked after those before it.
#[test]
fn what_is_kept_is_right_for_every_room() {
    let way = |scope| vec![Way { scopes: vec![vec![scope]], claims: Vec::new() }];
    let entry = |path: &str, scope| Entry { methods: vec!["GET", "PUT"], path: path.to_owned(), any_of: way(scope) };
    let entries = vec![
        entry("/", "s"),
        entry("/movies", "s"),
        entry("/movies/{path+}", "s"),
        entry("/movies/new", "s"),
        entry("/orders/{path+}", "t"),
        entry("/users", "t"),
    ];
    for mode in [Mode::Deny, Mode::Allow, Mode::Absent] {
        let routes = routes(&Rules { entries: entries.clone(), mode }).unwrap();
        let (plan, _) = Plan::new(&routes).unwrap();
        let requests =
            ["GET/movies", "GET/movies/17", "PUT/movies/17/", "GET/films", "GET/", "DELETE/users", "GET/users//"];
        let mut recalled = 0;
        for room in (0..5000).step_by(7) {
            for scopes in [vec!["s"], vec!["s", "t"], vec![]] {
                let token = Token { scopes, claims: Value::Null };
                for request in requests {
                    recalled += usize::from(agree(&routes, &plan, &token, request, room).unwrap());
                }
            }
        }
        assert!(recalled > 5000, "{mode:?}: {recalled} answers were recalled");
        assert!(plan.memory.kept() <= 32);
    }
}

#[test]
fn what_was_said_to_the_last_32_kinds_of_tokens_is_kept() {
    const SCOPES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    let entry = |scope: &&'static str| Entry {
        methods: vec!["GET"],
        path: format!("/{scope}"),
        any_of: vec![Way { scopes: vec![vec![*scope]], claims: Vec::new() }],
    };
    let routes = routes(&Rules { entries: SCOPES.iter().map(entry).collect(), mode: Mode::Deny }).unwrap();
    let (plan, _) = Plan::new(&routes).unwrap();
    for kind in 0..64_usize {
        let scopes = SCOPES.iter().enumerate().filter(|(bit, _)| kind & (1 << bit) != 0).map(|(_, scope)| *scope);
        let token = Token { scopes: scopes.collect(), claims: Value::Null };
        answer(&routes, &plan, &token, "GET/a", 7936);
        answer(&routes, &plan, &token, "GET/b", 7936);
        assert_eq!(plan.memory.kept(), 32.min(kind + 1));
    }
}
