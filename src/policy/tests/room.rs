//! Policies that do not fit into their budget (`room`, in bytes).

use serde_json::json;

use super::examples::{none, scope, sub, table, token};
use super::iam::Document;
use super::rules::{Mode, Token, Way};
use super::started::{ROOM, Started};
use super::*;
use crate::error::Error;
use crate::policy::builder::json_bytes;

/// A table that starts, and a token.
struct Table {
    routes: Routes,
    plan: Plan,
    token: Token,
}

impl Table {
    fn new(mode: Mode, entries: &[(&'static str, &str, Vec<Way>)]) -> Self {
        let routes = routes(&table(mode, entries)).unwrap();
        let (plan, _) = Plan::new(&routes).unwrap();
        Self { routes, plan, token: Token { scopes: Vec::new(), claims: json!({ "sub": "auth0|7" }) } }
    }

    /// The document for a request in this budget, and the number of units left out.
    fn document(&self, request: &str, room: usize) -> (String, usize) {
        let (policy, left_out) = answer(&self.routes, &self.plan, &self.token, request, room);
        (json(&policy).to_string(), left_out)
    }

    /// The reason why a request is refused in this budget.
    fn refusal(&self, request: &str, room: usize) -> Option<Error> {
        let (token, arn) = (verified(&self.token), arn(request));
        let permit = self.routes.decide(&arn, &token).permit;
        self.plan.policy(&token, &arn, &permit, token.not_after(), room).refusal
    }

    /// The smallest budget in which the document has this Resource.
    #[track_caller]
    fn least_room(&self, request: &str, says: &str) -> usize {
        let says = format!("\"{STAGE}{says}\"");
        (0..ROOM).find(|room| self.document(request, *room).0.contains(&says)).unwrap()
    }
}

#[test]
fn the_length_of_a_text_is_that_in_json() {
    for text in ["GET/pets", "a\"b", "a\\b", "\u{1}\u{1f}", "\u{e9}\u{1f600}", ""] {
        assert_eq!(json_bytes(text), json!(text).to_string().len() - 2, "{text:?}");
    }
}

#[test]
fn every_encoded_path_is_refused_if_single_characters_take_too_much_room() {
    let table = Table::new(Mode::Deny, &[("GET", "/pets/{id}", none()), ("GET", "/pets/search", none())]);
    let least = table.least_room("GET/pets", "GET/pets/?*");
    let all = format!("\"{STAGE}*%*\"");
    let (text, left_out) = table.document("GET/pets", least);
    assert!(text.contains(&all) && left_out == 0, "{text}");
    let (text, left_out) = table.document("GET/pets", ROOM);
    assert!(!text.contains(&all) && left_out == 0, "{text}");
}

#[test]
fn single_characters_are_denied_if_nothing_more_would_fit_without_them() {
    let long = format!("/{}/{{id}}", "x".repeat(400));
    let table = Table::new(Mode::Deny, &[("GET", "/pets/{id}", none()), ("GET", &long, none())]);
    let least = table.least_room("GET/pets", "*%25*");
    let (text, left_out) = table.document("GET/pets", least);
    assert!(text.contains("GET/pets/?*\"") && left_out == 1, "{text}");
}

#[test]
fn the_denies_for_encoded_paths_are_coarser_in_smaller_budgets() {
    let table = Table::new(Mode::Deny, &[("GET", "/pets/{id}", none()), ("GET", "/pets/search", none())]);
    let mut seen = Vec::new();
    for room in (0..ROOM).step_by(64) {
        let (text, left_out) = table.document("GET/pets", room);
        if !text.contains("GET/pets/?*\"") {
            continue;
        }
        assert_eq!(left_out, 0, "{room}: {text}");
        let grades = ["*%*", "*%2*", "*%25*"].map(|deny| text.contains(&format!("\"{STAGE}{deny}\"")));
        if seen.last() != Some(&grades) {
            seen.push(grades);
        }
    }
    assert_eq!(seen, [[true, false, false], [false, true, false], [false, false, true]]);
}

#[test]
fn a_long_request_passes_by_a_wildcard_or_is_refused() {
    let entries =
        [("GET", "/a/{id}", none()), ("POST", "/b/{id}", none()), ("GET", "/b/{id}", none()), ("GET", "/c", none())];
    for mode in [Mode::Deny, Mode::Absent] {
        let table = Table::new(mode, &entries);
        let long = format!("GET/b/{}", "z".repeat(500));
        let mut passed = Vec::new();
        for room in (0..4000).step_by(32) {
            let (policy, _) = answer(&table.routes, &table.plan, &table.token, &long, room);
            let passes = Document::new(&json(&policy), STAGE).allows(&long);
            let expected = if passes { None } else { Some(Error::AmbiguousPath) };
            assert_eq!(table.refusal(&long, room), expected, "{room}");
            passed.push(passes);
        }
        assert!(passed.is_sorted() && !passed[0] && passed[passed.len() - 1]);
    }
}

#[test]
fn the_rest_of_the_policy_does_not_depend_on_the_length_of_the_request() {
    let table = Table::new(Mode::Deny, &[("GET", "/pets/{id}", none()), ("GET", "/pets/search", none())]);
    for room in (600..3000).step_by(100) {
        let others = |length: usize| {
            let own = format!("GET/pets/{}", "x".repeat(length));
            let (text, left_out) = table.document(&own, room);
            (text.replace(&format!("\"{STAGE}{own}\","), "").replace(&format!("\"{STAGE}{own}\""), ""), left_out)
        };
        // The Resource of each of these requests takes at most 256 bytes.
        assert!([2, 100, 180].iter().all(|length| others(*length) == others(1)), "{room}");
    }
}

/// Two subtrees of six patterns each. The pattern `refused` requires a scope.
fn two_subtrees(refused: &str) -> Started {
    let paths: Vec<_> = ["left", "right"]
        .iter()
        .flat_map(|side| (0..6).map(move |number| format!("/{side}/r{number}/{{id}}")))
        .collect();
    let need = |path: &String| if *path == format!("/{refused}/{{id}}") { scope("more") } else { none() };
    let entries: Vec<_> = paths.iter().map(|path| ("GET", path.as_str(), need(path))).collect();
    Started::new(table(Mode::Absent, &entries))
}

#[test]
fn the_narrowest_answer_that_leaves_nothing_out_is_taken() {
    let token = Token { scopes: Vec::new(), claims: json!({}) };
    for (refused, denied) in [("none", &[][..]), ("left/r3", &["GET/left/r3/?*"])] {
        let table = two_subtrees(refused);
        let mut seen: Vec<(Vec<String>, Vec<String>)> = Vec::new();
        for room in (0..ROOM).step_by(64).rev() {
            let (policy, left_out) = table.judged(&token, "POST/", room, &["left", "right", "r0", "r3", "zz"], 3);
            if left_out > 0 {
                continue;
            }
            let tails = |effect: &str| -> Vec<String> {
                let statements = policy["Statement"].as_array().unwrap().iter();
                let resources = statements
                    .filter(|statement| statement["Effect"] == effect)
                    .flat_map(|statement| statement["Resource"].as_array().unwrap());
                let tails =
                    resources.map(|resource| resource.as_str().unwrap().strip_prefix(STAGE).unwrap().to_owned());
                tails.filter(|tail| tail.starts_with("GET")).collect()
            };
            let said = (tails("Allow"), tails("Deny"));
            if seen.last() != Some(&said) {
                seen.push(said);
            }
        }
        let (allowed, denies): (Vec<_>, Vec<_>) = seen.into_iter().unzip();
        let own = if denied.is_empty() { 12 } else { 11 };
        assert_eq!(allowed[0].len(), own);
        assert_eq!(allowed[1..], [vec!["GET/left/?*", "GET/right/?*"], vec!["GET/?*"]]);
        assert_eq!(denies, [&[][..], denied, denied]);
    }
}

#[test]
fn the_mask_of_a_request_counts_towards_the_budget() {
    let table = Table::new(Mode::Deny, &[("GET", "/pets/{id}", none())]);
    for room in 400..2000 {
        let (text, _) = table.document(&format!("GET/pets/${{{}}}", "a".repeat(100)), room);
        assert!(text.len() <= room, "{room}: {text}");
    }
}

#[test]
fn a_resource_has_at_most_512_characters() {
    // The limit counts the trailing slash.
    for (chars, expected) in [(512, 0), (513, 1)] {
        let path = "x".repeat(chars - STAGE.len() - "OPTIONS//".len());
        let table = Table::new(Mode::Deny, &[("OPTIONS", &format!("/{path}"), none())]);
        let (text, left_out) = table.document("GET/", ROOM);
        assert_eq!((left_out, text.contains("xxx")), (expected, expected == 0), "{text}");
        // The request's own Resource has no trailing slash, so it fits.
        assert_eq!(table.refusal(&format!("OPTIONS/{path}"), ROOM), None);
    }
    let table = Table::new(Mode::Deny, &[("GET", "/pets/{id}", sub("{id}"))]);
    let with = |length: usize| Token { scopes: Vec::new(), claims: json!({ "sub": "x".repeat(length) }) };
    for (length, expected) in [(400, 0), (500, 1)] {
        let (policy, left_out) = answer(&table.routes, &table.plan, &with(length), "GET/", ROOM);
        assert_eq!(left_out, expected, "{length}");
        Document::new(&json(&policy), STAGE);
    }
}

#[test]
fn a_document_fits_into_exactly_its_size() {
    for entries in [
        vec![("GET", "/pets/{id}", none())],
        vec![("GET PUT DELETE", "/pets/{id}", none())],
        vec![("GET PUT", "/pets/{id}", none()), ("POST", "/pets/{id}/toys", none())],
        vec![("GET PUT DELETE", "/pets/{id}", none()), ("GET POST", "/pets/new", scope("new"))],
        vec![("GET PUT", "/pets/{id}", none()), ("GET", "/users/{id}/posts/{post}", sub("{id}"))],
        vec![("ANY", "/{proxy+}", none()), ("ANY", "/admin/{path+}", scope("admin"))],
    ] {
        let table = Table::new(Mode::Deny, &entries);
        let (whole, left_out) = table.document("GET/pets/1", ROOM);
        assert_eq!(left_out, 0);
        // Each of the two lists has one comma less than Resources. The request's own Resource has a separate budget.
        let own = STAGE.len() + r#""GET/pets/1","#.len();
        let least = 256 + (whole.len() + 2 - own).next_multiple_of(64);
        // A new table, so the cache is empty; the smaller budget first.
        let table = Table::new(Mode::Deny, &entries);
        let fits = |room| table.document("GET/pets/1", room).0 == whole;
        assert!(!fits(least - 1) && fits(least), "{whole}");
    }
}

#[test]
fn no_value_is_written_percent_encoded_if_every_encoded_path_is_refused() {
    let table = Table::new(Mode::Deny, &[("GET", "/users/{id}", sub("{id}")), ("GET", "/pets/{id}", none())]);
    let least = table.least_room("GET/pets/1", "*%*");
    let (text, _) = table.document("GET/pets/1", least);
    assert!(text.contains("GET/users/auth0|7\"") && !text.contains("auth0%7C7"), "{text}");
    let (text, _) = table.document("GET/pets/1", ROOM);
    assert!(text.contains("GET/users/auth0|7\"") && text.contains("GET/users/auth0%7C7\""), "{text}");
}

#[test]
fn a_request_that_the_rules_allow_but_no_document_can_name_is_refused() {
    let table = Table::new(Mode::Deny, &[("GET", "/pets/{id}", none()), ("GET", "/pets/search", none())]);
    let long = format!("GET/pets/{}", "z".repeat(500));
    let no_room = Some(Error::AmbiguousPath);
    for (request, room, expected) in [
        ("GET/pets/1", ROOM, None),
        ("GET/pets/1", 100, no_room),
        (&long, ROOM, None),
        (&long, 400, no_room),
        // Only the request's own Resource covers it.
        ("GET/pets/%73", ROOM, None),
        ("GET/pets/%73", 100, no_room),
        ("GET/nowhere", ROOM, Some(Error::UndeclaredRoute)),
        ("GET/nowhere", 100, Some(Error::UndeclaredRoute)),
    ] {
        assert_eq!(table.refusal(request, room), expected, "{request} in {room} bytes");
    }
}

#[test]
fn undeclared_paths_of_most_methods_precede_literals_if_not_everything_fits() {
    let table = Table::new(Mode::Allow, &[("GET", "/health", none()), ("GET", "/admin/{path+}", scope("admin"))]);
    let (whole, left_out) = table.document("GET/x", ROOM);
    assert_eq!((left_out, whole.contains("OPTIONS/*\"")), (0, true), "{whole}");
    let least = table.least_room("GET/x", "OPTIONS/*");
    let (most, left_out) = table.document("GET/x", least - 1);
    assert!(most.contains("GET/*\"") && left_out > 0, "{most}");
}

#[test]
fn units_that_are_never_built_for_lack_of_room_count_as_left_out() {
    let table = Started::new(table(Mode::Allow, &[("ANY", "/", scope("u"))]));
    let request = format!("GET/{}", "z".repeat(500));
    let (policy, left_out) = table.answer(&token(&[], "u1"), &request, 600);
    assert!(!Document::new(&policy, STAGE).allows("GET/x"));
    assert!(left_out > 0);
}
