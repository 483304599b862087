//! Properties over random tables, tokens and requests: soundness, exactness, no false refusals, and size budgets.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::{Value, json};

use super::case::{Case, Outcome, ROOM, judge};
use super::rules::{Entry, Mode, Rules, Token, Way};
use super::wanted::Wanted;
use super::*;

pub(super) const LITERALS: [&str; 4] = ["a", "b", "me", "a:x"];
pub(super) const SCOPES: [&str; 3] = ["s", "t", "u"];

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
    let claims: BoxedStrategy<Claims> = if parameters.is_empty() {
        prop_oneof![6 => Just(Vec::new()), 1 => Just(vec![("role", vec!["r1".into()])])].boxed()
    } else {
        let one = || select(parameters.clone()).prop_map(Wanted::Parameter);
        prop_oneof![
            6 => Just(Vec::new()),
            3 => one().prop_map(|name| vec![("sub", vec![name])]),
            1 => (one(), one()).prop_map(|(a, b)| vec![("sub", vec![a]), ("org", vec![b])]),
            1 => one().prop_map(|name| vec![("role", vec!["r1".into(), name])]),
            1 => Just(vec![("role", vec!["r1".into(), "r2".into()])]),
            1 => (one(), operator()).prop_map(|(name, operator)| vec![("sub", vec![name, operator])]),
        ]
        .boxed()
    };
    let operators = prop_oneof![6 => Just(Vec::new()), 3 => operators()];
    (scopes, claims, operators)
        .prop_map(|(scopes, claims, operators)| Way { scopes, claims: [claims, operators].concat() })
        .boxed()
}

type Claims = Vec<(&'static str, Vec<Wanted>)>;

pub(super) fn operator() -> impl Strategy<Value = Wanted> {
    let listed = vec![json!("r1"), json!("r2"), json!("b"), json!("u1"), json!(7)];
    prop_oneof![
        1 => Just(Wanted::Present),
        2 => Just(Wanted::Absent),
        2 => select(vec!["r", "r1", "u", "b"]).prop_map(Wanted::Begins),
        4 => subsequence(listed, 1..=3).prop_map(Wanted::NoneOf),
    ]
}

/// Operators about a claim, alone and beside each other and values.
fn operators() -> impl Strategy<Value = Claims> {
    let claim = || prop_oneof![3 => Just("role"), 1 => Just("sub")];
    prop_oneof![
        4 => (claim(), operator()).prop_map(|(claim, operator)| vec![(claim, vec![operator])]),
        2 => (claim(), operator(), operator()).prop_map(|(claim, a, b)| vec![(claim, vec![a, b])]),
        1 => (claim(), operator(), operator()).prop_map(|(claim, a, b)| vec![(claim, vec![a]), (claim, vec![b])]),
        1 => (claim(), operator()).prop_map(|(claim, operator)| vec![(claim, vec!["r1".into(), operator])]),
    ]
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
    let role = select(vec![
        json!("r1"),
        json!("r2"),
        json!("b"),
        json!("u1"),
        Value::Null,
        json!("rx"),
        json!(7),
        json!([]),
        json!({}),
        json!(["r1", "zz"]),
        json!(["r2", "b", {}]),
        json!(["u1", 7]),
    ]);
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
