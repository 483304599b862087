//! Properties over random tables, tokens and requests: soundness, exactness, no false refusals, and size budgets.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::{Value, json};

use super::case::{Case, Outcome, ROOM, judge};
use super::iam::Document;
use super::rules::{Entry, Judge, Mode, Rules, Token, Way};
use super::*;

/// A plain path that the token is wrongly refused, even for a table that does not start; `None` if there is none.
fn wrongly_refused(plan: &Plan, routes: &Routes, rules: &Rules, token: &Token) -> Option<String> {
    let (policy, _) = answer(routes, plan, token, "TRACE/", ROOM);
    let document = Document::new(&json(&policy), STAGE);
    let judge = Judge::new(rules);
    let mut segments = vec!["u1", "zz"];
    let declared = |text: &&str| rules.entries.iter().any(|entry| entry.path.split('/').any(|part| part == *text));
    segments.extend(LITERALS.iter().copied().filter(declared));
    let mut level = vec![String::new()];
    for depth in 0..6 {
        for path in &level {
            let reading = judge.read(path);
            let asked = |method: &&&str| {
                let undeclared = rules.mode == Mode::Allow && !judge.declared(method, &reading);
                judge.ordinary(token, method, &reading) || undeclared && reading.plain()
            };
            for method in METHODS.iter().filter(asked) {
                let tail = format!("{method}/{path}");
                if judge.allow(token, method, &reading) && !document.allows(&tail) {
                    return Some(tail);
                }
            }
        }
        let longer = |before: &String, segment: &str| match depth {
            0 => segment.to_owned(),
            _ => format!("{before}/{segment}"),
        };
        level = level.iter().flat_map(|before| segments.iter().map(move |segment| longer(before, segment))).collect();
    }
    None
}

const LITERALS: [&str; 4] = ["a", "b", "me", "a:x"];
const SCOPES: [&str; 3] = ["s", "t", "u"];

fn path() -> impl Strategy<Value = String> {
    let segment = prop_oneof![5 => select(LITERALS.to_vec()).prop_map(str::to_owned), 3 => Just("{}".to_owned())];
    (prop::collection::vec(segment, 0..4), prop::bool::weighted(0.15)).prop_map(|(mut segments, greedy)| {
        if greedy {
            segments.push("{+}".to_owned());
        }
        let named: Vec<String> = segments
            .into_iter()
            .enumerate()
            .map(|(position, segment)| match segment.as_str() {
                "{}" => format!("{{p{position}}}"),
                "{+}" => format!("{{p{position}+}}"),
                _ => segment,
            })
            .collect();
        format!("/{}", named.join("/"))
    })
}

fn way(path: &str) -> BoxedStrategy<Way> {
    let parameters: Vec<String> =
        path.split('/').filter(|part| part.starts_with('{')).map(|part| part.replace("+}", "}")).collect();
    let entry = || subsequence(SCOPES.to_vec(), 1..=2);
    let scopes = prop_oneof![
        3 => Just(Vec::new()),
        4 => prop::collection::vec(entry(), 1..=1),
        2 => prop::collection::vec(entry(), 2..=2),
    ];
    let claims: BoxedStrategy<Vec<(&'static str, Vec<String>)>> = if parameters.is_empty() {
        prop_oneof![6 => Just(Vec::new()), 1 => Just(vec![("role", vec!["r1".to_owned()])])].boxed()
    } else {
        let one = || select(parameters.clone());
        prop_oneof![
            6 => Just(Vec::new()),
            3 => one().prop_map(|name| vec![("sub", vec![name])]),
            1 => (one(), one()).prop_map(|(a, b)| vec![("sub", vec![a]), ("org", vec![b])]),
            1 => one().prop_map(|name| vec![("role", vec!["r1".to_owned(), name])]),
            1 => Just(vec![("role", vec!["r1".to_owned(), "r2".to_owned()])]),
        ]
        .boxed()
    };
    (scopes, claims).prop_map(|(scopes, claims)| Way { scopes, claims }).boxed()
}

fn entry() -> impl Strategy<Value = Entry> {
    let methods = prop_oneof![
        4 => Just(vec!["GET"]),
        2 => Just(vec!["POST"]),
        2 => Just(vec!["GET", "POST"]),
        1 => Just(vec!["OPTIONS"]),
        2 => Just(Vec::new()),
    ];
    (methods, path()).prop_flat_map(|(methods, path)| {
        let any_of = prop_oneof![
            2 => Just(Vec::new()),
            5 => prop::collection::vec(way(&path), 1..=1),
            2 => prop::collection::vec(way(&path), 2..=2),
        ];
        (Just(methods), Just(path), any_of).prop_map(|(methods, path, any_of)| Entry { methods, path, any_of })
    })
}

pub(super) fn table(modes: &[Mode]) -> impl Strategy<Value = Rules> + use<> {
    (prop::collection::vec(entry(), 1..7), select(modes.to_vec())).prop_map(|(entries, mode)| Rules { entries, mode })
}

fn token() -> impl Strategy<Value = Token> {
    let text = || {
        select(vec![
            json!("u1"),
            json!("a"),
            json!("me"),
            json!(".."),
            json!(""),
            json!("."),
            json!("a b"),
            json!("x|y"),
            json!("a:x"),
            json!("a\\b"),
            json!("\u{e9}"),
            json!(["u1", "b"]),
            json!(["me", "zz"]),
            json!("a/b"),
            json!("*"),
            json!("q\""),
            json!(7),
        ])
    };
    let role = select(vec![json!("r1"), json!("r2"), json!("b"), json!("u1"), Value::Null]);
    (subsequence(SCOPES.to_vec(), 0..=3), text(), text(), role)
        .prop_map(|(scopes, sub, org, role)| Token { scopes, claims: json!({"sub": sub, "org": org, "role": role}) })
}

fn request() -> impl Strategy<Value = String> {
    let plain = || select(vec!["a", "b", "me", "a:x", "u1", "zz", "a b", "b c"]);
    let odd = select(vec![
        "", ".", "..", "a%20b", "%61", "m%65", "a%3Ax", "x%7Cy", "x|y", "\u{e9}", "%C3%A9", "a*", "?", "${a}", "a\\b",
        "%2F", "%zz", "%0a", "a$b", "q\"",
    ]);
    let segment = prop_oneof![6 => plain(), 1 => odd];
    let long = prop::bool::weighted(0.01);
    let method =
        prop_oneof![5 => Just("GET"), 3 => Just("POST"), 1 => Just("OPTIONS"), 1 => Just("DELETE"), 1 => Just("FOO")];
    (method, prop::collection::vec(segment, 0..5), any::<bool>(), long).prop_map(|(method, segments, slash, long)| {
        let mut path = segments.join("/");
        if long {
            path.push_str(&"z".repeat(500));
        }
        let slash = if slash && !path.is_empty() { "/" } else { "" };
        format!("{method}/{path}{slash}")
    })
}

pub(super) fn case(modes: &[Mode]) -> impl Strategy<Value = Case> + use<> {
    let room = prop_oneof![9 => Just(ROOM), 1 => 600_usize..4000];
    (table(modes), token(), request(), room, 0..4_usize, 0..4_usize).prop_map(
        |(rules, token, request, room, extra, phase)| Case::new(&LITERALS, rules, token, request, room, extra, phase),
    )
}

pub(super) fn cases() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "whoever runs the tests decides how long they take")]
    let cases = std::env::var("POLICY_CASES").ok();
    cases.and_then(|cases| cases.parse().ok()).unwrap_or(10_000)
}

/// Checks this many cases whose table starts.
fn run(modes: &[Mode], cases: u32) {
    let config = Config { cases, max_global_rejects: u32::MAX, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&case(modes), |case| match judge(&case) {
        Ok(Outcome::Held) => Ok(()),
        Ok(_) => Err(TestCaseError::reject("the table does not start")),
        Err(broken) => Err(TestCaseError::fail(broken)),
    });
    if let Err(broken) = outcome {
        panic!("{broken}");
    }
}

#[test]
fn cached_policies_are_right_where_undeclared_paths_are_refused() {
    run(&[Mode::Deny], cases() * 4 / 10);
}

#[test]
fn cached_policies_are_right_where_undeclared_paths_are_allowed() {
    run(&[Mode::Allow], cases() * 2 / 10);
}

#[test]
fn cached_policies_are_right_where_undeclared_paths_are_absent() {
    run(&[Mode::Absent], cases() * 4 / 10);
}

/// The numbers of 250 random but reproducible tables that start as they are, and that start only with `"absent"`.
fn started(tables: impl Strategy<Value = Rules>) -> (usize, usize) {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let (mut seen, mut as_they_are, mut absent) = (0, 0, 0);
    while seen < 250 {
        let rules = tables.new_tree(&mut runner).unwrap().current();
        let Some(table) = routes(&rules) else { continue };
        seen += 1;
        let mode = Mode::Absent;
        match Plan::new(&table) {
            Ok(_) => as_they_are += 1,
            Err(_) => absent += usize::from(Plan::new(&routes(&Rules { mode, ..rules }).unwrap()).is_ok()),
        }
    }
    (as_they_are, absent)
}

/// Tables of up to three routes, about a third of whose segments are parameters.
fn small_table() -> impl Strategy<Value = Rules> {
    let mode = prop_oneof![9 => Just(Mode::Deny), 1 => Just(Mode::Allow)];
    (prop::collection::vec(entry(), 1..4), mode).prop_map(|(entries, mode)| Rules { entries, mode })
}

#[test]
fn most_random_tables_start() {
    for mode in [Mode::Deny, Mode::Allow] {
        println!("of 250 dense tables with {mode:?}: {:?}", started(table(&[mode])));
    }
    let (as_they_are, absent) = started(small_table());
    println!("of 250 small tables {as_they_are} start, and {absent} more with \"absent\"");
    assert!(as_they_are >= 200 && as_they_are + absent >= 225);
}

#[test]
fn a_table_is_refused_only_if_some_token_would_be_wrongly_refused() {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let tables = table(&[Mode::Deny, Mode::Allow, Mode::Absent]);
    let mut refused = 0;
    while refused < 40 {
        let rules = tables.new_tree(&mut runner).unwrap().current();
        let Some(routes) = routes(&rules) else { continue };
        let (plan, mistakes, _) = Plan::compile(&routes).unwrap();
        if mistakes.is_empty() {
            continue;
        }
        refused += 1;
        let tokens = (0..8).flat_map(|scopes| {
            let scopes: Vec<_> = SCOPES.iter().enumerate().filter(|(bit, _)| scopes & (1 << bit) != 0).collect();
            let texts = json!(["u1", "zz", "a", "b", "me", "a:x"]);
            [
                json!(["r1", "r2", "u1", "zz"]),
                json!("r1"),
                json!("r2"),
                json!("u1"),
                json!(["r2", "zz", "a", "b", "me", "a:x"]),
                json!(["zz", "a", "b", "me", "a:x"]),
                Value::Null,
            ]
            .into_iter()
            .flat_map(move |role| {
                [texts.clone(), json!("u1"), json!("b"), Value::Null]
                    .map(|text| json!({"sub": text, "org": text, "role": role}))
            })
            .map(move |claims| Token { scopes: scopes.iter().map(|(_, scope)| **scope).collect(), claims })
        });
        let wronged = tokens.into_iter().any(|token| wrongly_refused(&plan, &routes, &rules, &token).is_some());
        assert!(wronged, "{rules:?} is refused without a reason: {}", mistakes[0]);
    }
}
