//! Cached policies equal those that would be built anew.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use super::examples::{none, scope, sub, table};
use super::properties::{case, cases};
use super::rules::{Entry, Mode, Rules, Token, Way};
use super::started::{ROOM, Started};
use super::*;

/// Checks that a plan with a cache and a new one give the same answer; returns whether the answer came from the cache.
fn agree(routes: &Routes, old: &Plan, token: &Token, request: &str, room: usize) -> Result<bool, TestCaseError> {
    let before = old.cache.len();
    let (kept, kept_left_out) = answer(routes, old, token, request, room);
    let recalled = before > 0 && old.cache.len() == before;
    let (new, _) = Plan::new(routes).unwrap();
    let (fresh, fresh_left_out) = answer(routes, &new, token, request, room);
    prop_assert_eq!(json(&kept).to_string(), json(&fresh).to_string(), "{} in {} bytes", request, room);
    prop_assert_eq!(kept_left_out, fresh_left_out);
    Ok(recalled)
}

#[test]
fn cached_policies_equal_new_ones() {
    let modes = [Mode::Deny, Mode::Allow, Mode::Absent];
    let config =
        Config { cases: cases() / 10, max_global_rejects: u32::MAX, failure_persistence: None, ..Config::default() };
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
    println!("{} answers came from the cache", recalled.get());
    assert!(recalled.get() > cases() / 2, "{} answers came from the cache", recalled.get());
}

/// One plan for all budgets, from zero to enough for everything, in rising order.
#[test]
fn cached_policies_are_right_for_every_budget() {
    let entry =
        |path: &str, needed| Entry { methods: vec!["GET", "PUT"], path: path.to_owned(), any_of: scope(needed) };
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
        for room in (0..5000).step_by(37) {
            for scopes in [vec!["s"], vec!["s", "t"], vec![]] {
                let token = Token { scopes, claims: Value::Null };
                for request in requests {
                    recalled += usize::from(agree(&routes, &plan, &token, request, room).unwrap());
                }
            }
        }
        assert!(recalled > 1000, "{mode:?}: {recalled} answers came from the cache");
        assert_eq!(plan.cache.len(), 32);
    }
}

#[test]
fn the_cache_holds_32_policies() {
    const SCOPES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    let entries = SCOPES.map(|name| ("GET", format!("/{name}"), scope(name)));
    let entries = entries.iter().map(|(method, path, need)| (*method, path.as_str(), need.clone()));
    let table = Started::new(table(Mode::Deny, &entries.collect::<Vec<_>>()));
    for kind in 0..64_usize {
        let scopes = SCOPES.iter().enumerate().filter(|(bit, _)| kind & (1 << bit) != 0).map(|(_, scope)| *scope);
        let token = Token { scopes: scopes.collect(), claims: Value::Null };
        table.answer(&token, "GET/a", ROOM);
        table.answer(&token, "GET/b", ROOM);
        assert_eq!(table.plan.cache.len(), 32.min(kind + 1));
    }
}

#[test]
fn a_policy_is_cached_for_a_step_of_the_budget() {
    let table = Started::new(table(Mode::Deny, &[("GET", "/a", none()), ("GET", "/b/{id}", none())]));
    let token = Token { scopes: Vec::new(), claims: Value::Null };
    let said: Vec<_> = (6000..6128).map(|room| table.answer(&token, "GET/a", room)).collect();
    assert!(said.iter().all(|answer| *answer == said[0]));
    assert!(table.plan.cache.len() <= 3, "{}", table.plan.cache.len());
}

/// A table, and the tokens and requests to choose from.
struct Drawn {
    rules: Rules,
    tokens: Vec<Token>,
    requests: Vec<&'static str>,
    segments: Vec<&'static str>,
}

/// Values of a claim: more than the cache holds.
fn texts() -> Vec<Value> {
    vec![
        json!("a"),
        json!("b"),
        json!("a|b"),
        json!(["a", "b"]),
        json!(["b", "c", "me"]),
        json!("me"),
        json!(["..", "a/b", "*"]),
        Value::Null,
    ]
}

fn drawn() -> [Drawn; 3] {
    let claims = |pairs: &[(&'static str, &str)], scopes: Vec<Vec<&'static str>>| {
        let claims = pairs.iter().map(|(claim, name)| (*claim, vec![(*name).into()])).collect();
        Way { scopes, claims }
    };
    let every = |scopes: &[&[&'static str]]| -> Vec<Token> {
        texts()
            .iter()
            .flat_map(|sub| texts().into_iter().step_by(3).map(move |org| json!({"sub": sub, "org": org})))
            .flat_map(|claims| {
                scopes.iter().map(move |scopes| Token { scopes: scopes.to_vec(), claims: claims.clone() })
            })
            .collect()
    };
    [
        Drawn {
            rules: table(
                Mode::Deny,
                &[
                    ("GET PUT", "/users/{id}", sub("{id}")),
                    ("GET", "/users/{id}/{path+}", sub("{id}")),
                    ("GET", "/users/{id}/keys", vec![claims(&[("sub", "{id}")], vec![vec!["keys"]])]),
                    ("GET", "/users/me", none()),
                ],
            ),
            tokens: every(&[&[], &["keys"]]),
            requests: vec!["GET/users/me", "GET/users/a", "PUT/users/b/", "GET/users/a/keys", "GET/users/a%7Cb/x"],
            segments: vec!["users", "a", "b", "me", "keys", "a|b"],
        },
        Drawn {
            rules: table(
                Mode::Deny,
                &[
                    ("GET", "/o/{x}/{p+}", vec![claims(&[("org", "{x}")], Vec::new())]),
                    ("GET", "/o/{x}/export", [sub("{x}"), scope("export")].concat()),
                ],
            ),
            tokens: every(&[&[], &["export"]]),
            requests: vec!["GET/o/a/export", "GET/o/b/x/y", "GET/o/c/export/", "GET/o/a|b/x", "POST/o/a"],
            segments: vec!["o", "a", "b", "c", "export", "a|b"],
        },
        Drawn {
            rules: table(
                Mode::Absent,
                &[
                    ("GET", "/t/{a}", vec![claims(&[("sub", "{a}")], Vec::new())]),
                    ("GET", "/t/{a}/{b}", vec![claims(&[("sub", "{a}"), ("sub", "{b}")], Vec::new())]),
                    ("GET", "/t/{a}/log", vec![claims(&[("sub", "{a}")], vec![vec!["log"]])]),
                ],
            ),
            tokens: every(&[&[], &["log"]]),
            requests: vec!["GET/t/a", "GET/t/a/b", "GET/t/b/log", "GET/t/c/c/", "GET/t"],
            segments: vec!["t", "a", "b", "c", "log", "a|b"],
        },
    ]
}

#[test]
fn one_plan_gives_the_same_answer_to_the_first_and_the_100_000th_request() {
    let mut answers = 0;
    for drawn in drawn() {
        let table = Started::new(drawn.rules);
        let mut first: BTreeMap<(usize, usize, usize), (String, usize)> = BTreeMap::new();
        let mut judged = std::collections::BTreeSet::new();
        let mut random: u64 = 7;
        let mut key = (0, 0, ROOM);
        for _ in 0..34_000 {
            // A linear congruential generator with Knuth's constants.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let below = |bound: usize, bits: u32| usize::try_from((random >> bits) & 0x3ff).unwrap() % bound;
            let rooms = [ROOM, ROOM, 4000, 2200];
            // A client repeats its token a few times, so that some answers come from the cache.
            if below(6, 20) == 0 {
                (key.0, key.2) = (below(drawn.tokens.len(), 33), rooms[below(4, 53)]);
            }
            key.1 = below(drawn.requests.len(), 43);
            let (token, request) = (&drawn.tokens[key.0], drawn.requests[key.1]);
            let (policy, left_out) = answer(&table.routes, &table.plan, token, request, key.2);
            let said = (serde_json::to_string(&policy).unwrap(), left_out);
            answers += 1;
            match first.get(&key) {
                Some(known) => assert_eq!(*known, said, "{token:?} {request}"),
                None => {
                    if judged.insert((key.0, said.0.clone())) {
                        let deep = if judged.len().is_multiple_of(20) { 4 } else { 3 };
                        table.judged(token, request, key.2, &drawn.segments, deep);
                    }
                    first.insert(key, said);
                }
            }
        }
        assert!(first.len() > 400, "{} different requests", first.len());
        assert_eq!(table.plan.cache.len(), 32);
    }
    assert!(answers >= 100_000);
}
