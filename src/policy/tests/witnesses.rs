//! For every table that may not start, some token that a cached policy would wrongly refuse.

use std::cell::Cell;
use std::collections::HashSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use super::case::ROOM;
use super::iam::Document;
use super::properties::{LITERALS, SCOPES, cases, operator, table};
use super::rules::{Entry, Judge, Mode, Rules, Token, Way};
use super::wanted::Wanted;
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

/// Tokens with all scopes and claims that may matter for a table.
fn tokens(rules: &Rules) -> impl Iterator<Item = Token> {
    let texts = json!(["u1", "zz", "a", "b", "me", "a:x"]);
    let roles = [
        json!(["r1", "r2", "u1", "zz"]),
        json!("r1"),
        json!("r2"),
        json!("u1"),
        json!(["r2", "zz", "a", "b", "me", "a:x"]),
        json!(["zz", "a", "b", "me", "a:x"]),
        Value::Null,
    ];
    let roles: Vec<Value> = roles.into_iter().chain(mixed(rules, "role", &[], 3)).collect();
    let subs = [texts.clone(), json!("u1"), json!("b"), Value::Null];
    let subs =
        subs.into_iter().chain(mixed(rules, "sub", &[], 3)).chain(mixed(rules, "sub", texts.as_array().unwrap(), 1));
    let subs: Vec<Value> = subs.collect();
    let scopes: Vec<Vec<&'static str>> = (0..8)
        .map(|chosen| {
            let chosen = SCOPES.iter().enumerate().filter(|(bit, _)| chosen & (1 << bit) != 0);
            chosen.map(|(_, scope)| *scope).collect()
        })
        .collect();
    let claims = subs.into_iter().flat_map(move |text| {
        let with = move |role: &Value| json!({"sub": text, "org": text, "role": role});
        roles.iter().map(with).collect::<Vec<_>>()
    });
    claims.flat_map(move |claims| {
        let with = move |scopes: &Vec<&'static str>| Token { scopes: scopes.clone(), claims: claims.clone() };
        scopes.iter().map(with).collect::<Vec<_>>()
    })
}

/// Lists with up to so many more items, for a claim that some operator of the table is about.
fn mixed(rules: &Rules, claim: &str, texts: &[Value], most: u32) -> Vec<Value> {
    let ways = rules.entries.iter().flat_map(|entry| &entry.any_of);
    let claims = ways.flat_map(|way| &way.claims).filter(|(name, _)| *name == claim);
    let (mut items, mut operators) = (vec![json!("u1"), json!({})], false);
    for wanted in claims.flat_map(|(_, wanted)| wanted) {
        operators |= !matches!(wanted, Wanted::Text(_) | Wanted::Parameter(_));
        match wanted {
            Wanted::Text(text) => items.push(json!(text)),
            // No other text of a table begins so.
            Wanted::Begins(begins) => items.push(json!(format!("{begins}-"))),
            Wanted::NoneOf(listed) => items.extend(listed.clone()),
            Wanted::Parameter(_) | Wanted::Present | Wanted::Absent => {}
        }
    }
    if !operators {
        return Vec::new();
    }
    items.sort_by_key(Value::to_string);
    items.dedup();
    let chosen = (0..1_usize << items.len()).filter(|chosen| chosen.count_ones() <= most);
    let list = chosen.map(|chosen| {
        let more = items.iter().enumerate().filter(|(bit, _)| chosen & (1 << bit) != 0).map(|(_, item)| item);
        texts.iter().chain(more).cloned().collect()
    });
    list.collect()
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
        // Tokens with the same rights and texts have the same policy.
        let mut seen = HashSet::new();
        let mut is_new = |token: &Token| {
            let bound = plan.conditions.bound.iter();
            let texts: Vec<_> = bound.map(|bound| bound.name.of(&token.claims).cloned()).collect();
            seen.insert((plan.conditions.met(&verified(token)), texts))
        };
        let mut tokens = tokens(&rules).filter(|token| is_new(token));
        let wronged = tokens.any(|token| wrongly_refused(&plan, &routes, &rules, &token).is_some());
        assert!(wronged, "{rules:?} is refused without a reason: {}", mistakes[0]);
    }
}

/// Routes that IAM can tell apart for some tokens only: whoever may use the first and the third must have the second as well.
fn nested() -> impl Strategy<Value = Rules> {
    let value = || select(vec!["r1", "r2", "rx"]).prop_map(Wanted::from);
    let need = || prop_oneof![1 => Just(Vec::new()), 4 => vec(prop_oneof![1 => value(), 2 => operator()], 1..=2)];
    (need(), need(), need()).prop_map(|(outer, middle, inner)| {
        let entry = |(path, wanted): (&str, Vec<Wanted>)| Entry {
            methods: vec!["GET"],
            path: path.to_owned(),
            any_of: match wanted.is_empty() {
                true => Vec::new(),
                false => vec![Way { scopes: Vec::new(), claims: vec![("role", wanted)] }],
            },
        };
        let entries = [("/{u}", outer), ("/{u}/a/{p}", middle), ("/{u}/a/{p}/b", inner)];
        Rules { entries: entries.into_iter().map(entry).collect(), mode: Mode::Absent }
    })
}

/// Whether a nested table starts, and a token that would be wrongly refused, with where.
fn start(rules: &Rules) -> (bool, Option<String>) {
    let routes = routes(rules).unwrap();
    let (plan, mistakes, _) = Plan::compile(&routes).unwrap();
    let mut seen = HashSet::new();
    let values = ["r1", "r2", "rx"].map(|text| json!(text));
    let pairs = [json!(["r1", "r2"]), json!(["r1", "rx"]), json!(["r2", "rx"]), json!(["r1", "r2", "rx"])];
    let roles = [Value::Null, json!([]), json!({})].into_iter().chain(values).chain(pairs);
    let roles = roles.chain(mixed(rules, "role", &[], 3));
    let tokens = roles.map(|role| Token { scopes: Vec::new(), claims: json!({ "role": role }) });
    let mut tokens = tokens.filter(|token| seen.insert(plan.conditions.met(&verified(token))));
    let wronged = tokens.find_map(|token| {
        let refused = wrongly_refused(&plan, &routes, rules, &token)?;
        Some(format!("{}: {refused:?}", token.claims))
    });
    (mistakes.is_empty(), wronged)
}

#[test]
fn a_nested_table_starts_exactly_if_no_token_would_be_wrongly_refused() {
    // Of fewer, all might start, or none.
    let config = Config { cases: (cases() / 10).max(50), failure_persistence: None, ..Config::default() };
    let (started, refused) = (Cell::new(0), Cell::new(0));
    let outcome = TestRunner::new(config).run(&nested(), |rules| {
        let (starts, wronged) = start(&rules);
        let counted = if starts { &started } else { &refused };
        counted.set(counted.get() + 1);
        prop_assert_eq!(starts, wronged.is_none(), "{:?}", wronged);
        Ok(())
    });
    if let Err(broken) = outcome {
        panic!("{broken}");
    }
    assert!(started.get() > 0 && refused.get() > 0, "{} started and {} were refused", started.get(), refused.get());
}

/// The token of a prefix must not be one that another route of the table takes by its whole text.
#[test]
fn a_list_of_two_prefixes_is_wrongly_refused_between_them() {
    let entry = |path: &str, wanted| Entry {
        methods: vec!["GET"],
        path: path.to_owned(),
        any_of: vec![Way { scopes: Vec::new(), claims: vec![("role", wanted)] }],
    };
    let entries = vec![
        entry("/{u}", vec![Wanted::Begins("r")]),
        entry("/{u}/a/{p}", vec![Wanted::from("rx"), Wanted::Begins("r1")]),
        entry("/{u}/a/{p}/b", vec![Wanted::Begins("u")]),
    ];
    let (starts, wronged) = start(&Rules { entries, mode: Mode::Absent });
    assert!(!starts && wronged.is_some_and(|wronged| wronged.contains(r#"["r-","u-"]"#)));
}
