//! What is kept for other tokens is what would have been worked out anew.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use super::examples::{none, scope, sub, table};
use super::properties::{case, cases};
use super::rules::{Entry, Mode, Rules, Token, Way};
use super::started::{ROOM, Started};
use super::*;

/// Asks a plan with what it has kept, and one that has kept nothing; tells whether something kept was the answer.
fn agree(routes: &Routes, old: &Plan, token: &Token, request: &str, room: usize) -> Result<bool, TestCaseError> {
    let before = old.cache.len();
    let (kept, kept_left_out) = answer(routes, old, token, request, room);
    let recalled = before > 0 && old.cache.len() == before;
    let (new, _) = Plan::new(routes).unwrap();
    let (fresh, fresh_left_out) = answer(routes, &new, token, request, room);
    prop_assert_eq!(json(&kept).to_string(), json(&fresh).to_string(), "{} with room for {}", request, room);
    prop_assert_eq!(kept_left_out, fresh_left_out);
    Ok(recalled)
}

#[test]
fn what_is_kept_is_what_would_be_worked_out() {
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
    println!("{} answers were recalled", recalled.get());
    assert!(recalled.get() > cases() / 2, "{} answers were recalled", recalled.get());
}

/// Rooms from none to one for everything, each asked after those before it.
#[test]
fn what_is_kept_is_right_for_every_room() {
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
        assert!(recalled > 1000, "{mode:?}: {recalled} answers were recalled");
        assert_eq!(plan.cache.len(), 32);
    }
}

#[test]
fn what_was_said_to_the_last_32_kinds_of_tokens_is_kept() {
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
fn an_answer_is_kept_for_a_step_of_room_and_not_for_the_room_itself() {
    let table = Started::new(table(Mode::Deny, &[("GET", "/a", none()), ("GET", "/b/{id}", none())]));
    let token = Token { scopes: Vec::new(), claims: Value::Null };
    let said: Vec<_> = (6000..6128).map(|room| table.answer(&token, "GET/a", room)).collect();
    assert!(said.iter().all(|answer| *answer == said[0]));
    assert!(table.plan.cache.len() <= 3, "{}", table.plan.cache.len());
}

/// A table, and the tokens and requests that are drawn for it.
struct Drawn {
    rules: Rules,
    tokens: Vec<Token>,
    requests: Vec<&'static str>,
    segments: Vec<&'static str>,
}

/// What a claim may hold: more of them than answers are kept.
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
        let claims = pairs.iter().map(|(claim, name)| (*claim, vec![(*name).to_owned()])).collect();
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
fn one_plan_many_tokens_many_requests_answers_the_100_000th_as_the_first() {
    let mut answers = 0;
    for drawn in drawn() {
        let table = Started::new(drawn.rules);
        let mut first: BTreeMap<(usize, usize, usize), (String, usize)> = BTreeMap::new();
        let mut judged = std::collections::BTreeSet::new();
        let mut random: u64 = 7;
        let mut key = (0, 0, ROOM);
        for _ in 0..34_000 {
            // The constants are Knuth's.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let below = |bound: usize, bits: u32| usize::try_from((random >> bits) & 0x3ff).unwrap() % bound;
            let rooms = [ROOM, ROOM, 4000, 2200];
            // A client asks some times in a row, so that some answers are recalled and others are not.
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
        assert!(first.len() > 400, "{} different questions", first.len());
        assert_eq!(table.plan.cache.len(), 32);
    }
    assert!(answers >= 100_000);
}
