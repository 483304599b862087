//! Claim operators: what of a claim goes together, and tables whose start and policies depend on it.

use serde_json::{Value, json};

use super::super::claim_space::ClaimSpace;
use super::super::conditions::{Atom, AtomId};
use super::case::{Case, Outcome, ROOM, judge};
use super::iam::Document;
use super::rules::{Entry, Mode, Rules, Token, Way};
use super::wanted::Wanted;
use super::*;
use crate::claims::{Accepted, ClaimName};
use crate::routes::path_texts;

fn atoms(name: &ClaimName) -> Vec<Atom> {
    let accepted = [
        Accepted::Value(json!("a")),
        Accepted::Value(json!("b")),
        Accepted::Value(json!(1)),
        Accepted::Present,
        Accepted::Absent,
        Accepted::StartsWith("a".to_owned()),
        Accepted::StartsWith("a/".to_owned()),
        Accepted::NoneOf(vec![json!("a")]),
        Accepted::NoneOf(vec![json!("b"), json!(1)]),
        Accepted::NoneOf(vec![json!("a"), json!("b"), json!("a/b")]),
    ];
    let accepted = accepted.map(|accepted| Atom::Claim(name.clone(), accepted));
    accepted.into_iter().chain([Atom::Text(name.clone())]).collect()
}

fn is_met(atom: &Atom, claim: Option<&Value>) -> bool {
    match atom {
        Atom::Claim(_, accepted) => accepted.fits(claim),
        Atom::Text(_) => claim.is_some_and(|claim| path_texts(claim).next().is_some()),
        Atom::Scope(_) => panic!("not of a claim"),
    }
}

/// Compares what is said to be possible with all claims of a kind, for every two atoms that are had and every three that are
/// not.
#[track_caller]
fn compared(name: &ClaimName, claims: &[Option<Value>]) {
    let atoms = atoms(name);
    let numbered: Vec<(AtomId, &Atom)> = atoms.iter().enumerate().collect();
    let space = ClaimSpace::new(name, &numbered);
    let bits = |claim: &Option<Value>| -> usize {
        atoms.iter().enumerate().map(|(bit, atom)| usize::from(is_met(atom, claim.as_ref())) << bit).sum()
    };
    let mut seen: Vec<usize> = claims.iter().map(bits).collect();
    seen.sort_unstable();
    seen.dedup();
    let all = 0..atoms.len();
    for (a, b) in all.clone().flat_map(|a| (a..all.end).map(move |b| (a, b))) {
        for (c, d, e) in all.clone().flat_map(|c| all.clone().flat_map(move |d| (d..11).map(move |e| (c, d, e)))) {
            for (held, lacked) in
                [(vec![a, b], vec![c, d, e]), (vec![a, b, c], vec![d, e]), (vec![], vec![a, b, c, d, e])]
            {
                let [had, not] = [&held, &lacked].map(|set| set.iter().fold(0, |set, atom| set | 1_usize << atom));
                let expected = seen.iter().any(|claim| claim & had == had && claim & not == 0);
                let of = |set: &[usize]| -> Vec<&Atom> { set.iter().map(|atom| &atoms[*atom]).collect() };
                assert_eq!(
                    space.is_possible(&held, &lacked),
                    expected,
                    "{name:?}: {:?} and none of {:?}",
                    of(&held),
                    of(&lacked)
                );
            }
        }
    }
}

#[test]
fn of_a_claim_that_may_be_an_array_everything_is_possible_that_some_array_has() {
    let texts = ["a", "b", "ab", "ab/", "a/b", "a/c", "zz", "z/"].map(|text| json!(text));
    let items: Vec<Value> = texts.into_iter().chain([json!(1), json!({})]).collect();
    let arrays = (0..1_usize << items.len()).map(|chosen| {
        let chosen = items.iter().enumerate().filter(|(bit, _)| chosen & (1 << bit) != 0);
        Some(chosen.map(|(_, item)| item.clone()).collect())
    });
    let claims: Vec<Option<Value>> =
        arrays.chain([None, Some(Value::Null), Some(json!("a")), Some(json!({}))]).collect();
    compared(&ClaimName::Member("role".to_owned()), &claims);
}

#[test]
fn of_iss_everything_is_possible_that_some_text_has() {
    let texts = ["a", "b", "ab", "ab/", "a/b", "a/c", "zz", "z/"].map(|text| Some(json!(text)));
    let claims: Vec<Option<Value>> = texts.into_iter().chain([None]).collect();
    compared(&ClaimName::Member("iss".to_owned()), &claims);
}

fn needs(claims: &[(&'static str, &[Wanted])]) -> Vec<Way> {
    let claims = claims.iter().map(|(claim, wanted)| (*claim, wanted.to_vec())).collect();
    vec![Way { scopes: Vec::new(), claims }]
}

fn table(mode: Mode, entries: &[(&str, Vec<Way>)]) -> Rules {
    let entry = |(path, any_of): &(&str, Vec<Way>)| Entry {
        methods: vec!["GET"],
        path: (*path).to_owned(),
        any_of: any_of.clone(),
    };
    Rules { entries: entries.iter().map(entry).collect(), mode }
}

/// A path, what is needed above, between and below, and whether such a table starts.
#[track_caller]
fn sandwich(claim: &'static str, outer: &[Wanted], middle: &[Wanted], inner: &[Wanted], starts: bool) {
    let of = |wanted: &[Wanted]| if wanted.is_empty() { Vec::new() } else { needs(&[(claim, wanted)]) };
    let rules = table(
        Mode::Absent,
        &[
            ("/users/{id}", of(outer)),
            ("/users/{id}/packages/{name}", of(middle)),
            ("/users/{id}/packages/{name}/v/{v}", of(inner)),
        ],
    );
    assert_eq!(Plan::new(&routes(&rules).unwrap()).is_ok(), starts, "{outer:?} {middle:?} {inner:?}");
}

fn none_of(listed: &[&str]) -> Wanted {
    Wanted::NoneOf(listed.iter().map(|text| json!(text)).collect())
}

#[test]
fn what_a_need_implies_about_the_same_claim_is_known_at_start() {
    use Wanted::{Begins, Present};
    let text = |text: &str| -> Wanted { text.into() };
    // Whoever may do the outer or the inner, may do the middle.
    sandwich("role", &[text("r1")], &[Present], &[], true);
    sandwich("role", &[text("r1")], &[Begins("r")], &[], true);
    sandwich("role", &[Begins("r1")], &[Begins("r")], &[], true);
    sandwich("role", &[none_of(&["x"])], &[Present], &[], true);
    sandwich("role", &[none_of(&["x", "y"])], &[none_of(&["x"])], &[], true);
    sandwich("role", &[], &[none_of(&["x"])], &[none_of(&["x", "y"])], true);
    // The other way round some token may not.
    sandwich("role", &[Present], &[text("r1")], &[], false);
    sandwich("role", &[Begins("r")], &[Begins("r1")], &[], false);
    sandwich("role", &[none_of(&["x"])], &[none_of(&["x", "y"])], &[], false);
    sandwich("role", &[Present], &[none_of(&["x"])], &[], false);
    // `r2` may come with something else.
    sandwich("role", &[text("r2")], &[none_of(&["x"])], &[], false);
}

#[test]
fn what_excludes_each_other_is_known_at_start() {
    use Wanted::{Absent, Present};
    let text = |text: &str| -> Wanted { text.into() };
    // Nobody may do both the outer and the inner.
    sandwich("role", &[Absent], &[text("r1")], &[Present], true);
    sandwich("role", &[Absent], &[text("r1")], &[none_of(&["x"])], true);
    sandwich("role", &[text("x")], &[text("r1")], &[none_of(&["x"])], true);
    // Whoever lacks the one has the other.
    sandwich("role", &[], &[Absent, Present], &[], true);
    sandwich("role", &[], &[Absent, none_of(&["x"])], &[], false);
    sandwich("role", &[none_of(&["y"])], &[Absent, none_of(&["x"])], &[none_of(&["x"])], true);
}

#[test]
fn what_an_array_may_hold_together_excludes_nothing() {
    use Wanted::{Begins, Present};
    let text = |text: &str| -> Wanted { text.into() };
    sandwich("role", &[text("a")], &[Present, "b".into()], &[Begins("b")], true);
    sandwich("role", &[text("a")], &[text("c")], &[text("b")], false);
    sandwich("role", &[Begins("a")], &[text("c")], &[text("b")], false);
    sandwich("role", &[text("a")], &[text("c")], &[none_of(&["b"])], false);
    sandwich("role", &[Begins("a")], &[text("c")], &[none_of(&["a"])], false);
    // Of `iss`, which is one text, one of them is enough.
    sandwich("iss", &[text("a")], &[text("c")], &[text("b")], true);
    sandwich("iss", &[Begins("a")], &[text("c")], &[text("b")], true);
    sandwich("iss", &[text("a")], &[text("c")], &[none_of(&["b"])], false);
    sandwich("iss", &[text("a")], &[text("c")], &[none_of(&["a"])], true);
    sandwich("iss", &[text("a")], &[none_of(&["c"])], &[], true);
}

#[test]
fn a_cached_policy_follows_the_operators_of_its_token() {
    let rules = table(
        Mode::Absent,
        &[
            ("/pets", needs(&[("sts", &[Wanted::Absent, none_of(&["pending"])])])),
            ("/pets/{id}", needs(&[("sub", &["{id}".into()]), ("sts", &[none_of(&["pending"])])])),
            ("/repos/{name}", needs(&[("sub", &[Wanted::Begins("repo:acme/")])])),
        ],
    );
    let routes = routes(&rules).unwrap();
    let (plan, _) = Plan::new(&routes).unwrap();
    let open = |claims: Value| -> Vec<&str> {
        let token = Token { scopes: Vec::new(), claims };
        let (policy, left_out) = answer(&routes, &plan, &token, "TRACE/", ROOM);
        assert_eq!(left_out, 0);
        let document = Document::new(&json(&policy), STAGE);
        let mut paths = vec!["GET/pets", "GET/pets/u1", "GET/pets/zz", "GET/repos/x"];
        paths.retain(|path| document.allows(path));
        paths
    };
    assert_eq!(open(json!({ "sub": "u1" })), ["GET/pets"]);
    assert_eq!(open(json!({ "sub": "u1", "sts": null })), ["GET/pets"]);
    assert_eq!(open(json!({ "sub": "u1", "sts": "active" })), ["GET/pets", "GET/pets/u1"]);
    assert_eq!(open(json!({ "sub": "u1", "sts": ["active", "new"] })), ["GET/pets", "GET/pets/u1"]);
    for sts in [json!("pending"), json!(["active", "pending"]), json!({}), json!([null]), json!([["active"]])] {
        assert_eq!(open(json!({ "sub": "u1", "sts": sts })), [""; 0]);
    }
    assert_eq!(open(json!({ "sub": "repo:acme/pets:ref:refs/heads/main", "sts": "pending" })), ["GET/repos/x"]);
    assert_eq!(open(json!({ "sub": "repo:acme-evil/pets", "sts": "pending" })), [""; 0]);
}

#[test]
fn a_value_that_an_operator_refuses_opens_no_path_of_its_own() {
    let way = || needs(&[("sub", &["{id}".into()]), ("sub", &[none_of(&["b"])])]);
    for sub in [json!("b"), json!("u1"), json!(["u1", "b"]), json!(["u1", {}]), json!(["u1", 7])] {
        for mode in [Mode::Deny, Mode::Absent] {
            let rules = table(mode, &[("/a/{id}", way()), ("/b/{id+}", Vec::new())]);
            let token = Token { scopes: Vec::new(), claims: json!({ "sub": sub }) };
            let case = Case::new(&["a", "b"], rules, token, "GET/a/u1".to_owned(), ROOM, 0, 0);
            assert_eq!(judge(&case), Ok(Outcome::Held), "{mode:?} {sub}");
        }
    }
}
