//! Mistakes of tables that do not start, and warnings for those that do.

use super::examples::{document, token};
use super::rules::{Entry, Mode, Rules, Way};
use super::started::{ROOM, Started};
use super::*;
use crate::policy::findings::TableMistake;

/// An entry for every token, or for tokens with a scope.
fn entry(methods: &[&'static str], path: &str, scope: Option<&'static str>) -> Entry {
    let way = |scope| Way { scopes: vec![vec![scope]], claims: Vec::new() };
    Entry { methods: methods.to_vec(), path: path.to_owned(), any_of: scope.map(way).into_iter().collect() }
}

/// An entry for the token whose subject equals the path parameter.
fn own(path: &str) -> Entry {
    let way = Way { scopes: Vec::new(), claims: vec![("sub", vec!["{id}".into()])] };
    Entry { methods: vec!["GET"], path: path.to_owned(), any_of: vec![way] }
}

/// Checks the mistakes of a table, each as (remedies without the last resort, cause); none if it starts.
#[track_caller]
fn mistaken(mode: Mode, entries: &[Entry], expected: &[(&str, &str)]) {
    const LAST_RESORT: &str = "set `policy` to \"single_request\" with a gateway cache of 0 s or a REQUEST authorizer whose \
                               identity sources are token, method and path: ";
    let plan = Plan::new(&routes(&Rules { entries: entries.to_vec(), mode }).unwrap());
    let mistakes: Vec<_> = plan.err().unwrap_or_default().iter().map(ToString::to_string).collect();
    let said = mistakes.iter().map(|mistake| {
        let (ways_out, why) = mistake.split_once(LAST_RESORT).unwrap();
        (ways_out.strip_suffix(", or ").unwrap_or(ways_out), why)
    });
    assert_eq!(said.collect::<Vec<_>>(), expected);
}

/// Checks the warnings of a table that starts.
#[track_caller]
fn warned(entries: Vec<Entry>, expected: &[&str]) {
    let (_, warnings) = Plan::new(&routes(&Rules { entries, mode: Mode::Deny }).unwrap()).unwrap();
    assert_eq!(warnings.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
}

#[test]
fn compilation_stops_after_a_hundred_and_one_findings() {
    let layers = |number: usize| {
        [
            entry(&["GET"], &format!("/{number}/{{a}}"), None),
            entry(&["GET"], &format!("/{number}/{{a}}/m/{{b}}"), Some("middle")),
            entry(&["GET"], &format!("/{number}/{{a}}/m/{{b}}/n/{{c}}"), None),
        ]
    };
    for (times, findings) in [(100, 100), (101, 101), (120, 101)] {
        let rules = Rules { entries: (0..times).flat_map(layers).collect(), mode: Mode::Absent };
        assert_eq!(Plan::new(&routes(&rules).unwrap()).unwrap_err().len(), findings, "{times} times");
    }
}

/// Whether a table can be compiled at all.
fn can_be_told_apart(entries: Vec<Entry>) -> bool {
    let mistakes = Plan::new(&routes(&Rules { entries, mode: Mode::Absent }).unwrap()).err().unwrap_or_default();
    !mistakes.contains(&TableMistake::TooTangled)
}

#[test]
fn up_to_four_claims_are_compared_with_one_place() {
    let compared = |path: &str, claims: &[&'static str]| {
        let way = |claim: &&'static str| Way { scopes: Vec::new(), claims: vec![(*claim, vec!["{x}".into()])] };
        Entry { methods: vec!["GET"], path: path.to_owned(), any_of: claims.iter().map(way).collect() }
    };
    assert!(can_be_told_apart(vec![compared("/a/{x}", &["c", "d", "e", "f"])]));
    assert!(!can_be_told_apart(vec![compared("/a/{x}", &["c", "d", "e", "f", "g"])]));
    // The same place below a literal and a parameter.
    assert!(can_be_told_apart(vec![compared("/a/{x}", &["c", "d"]), compared("/{p}/{x}", &["e", "f"])]));
    assert!(!can_be_told_apart(vec![compared("/a/{x}", &["c", "d"]), compared("/{p}/{x}", &["e", "f", "g"])]));
}

#[test]
fn a_need_is_met_in_up_to_256_ways() {
    let scope = |number: usize| &*Box::leak(format!("s{number}").into_boxed_str());
    let entry = |any_of| vec![Entry { methods: vec!["GET"], path: "/a".to_owned(), any_of }];
    for (count, expected) in [(256, true), (257, false)] {
        let alternatives =
            (0..count).map(|number| Way { scopes: vec![vec![scope(number)]], claims: Vec::new() }).collect();
        assert_eq!(can_be_told_apart(entry(alternatives)), expected, "{count} alternatives");
        let values = (0..count).map(|number| format!("v{number}").as_str().into()).collect();
        let way = Way { scopes: Vec::new(), claims: vec![("role", values)] };
        assert_eq!(can_be_told_apart(entry(vec![way])), expected, "{count} values of a claim");
    }
}

#[test]
fn a_path_whose_other_methods_fall_through_is_named_by_its_first_entry() {
    warned(
        vec![
            entry(&["POST"], "/pets", Some("write")),
            entry(&["PUT"], "/pets", Some("write")),
            entry(&[], "/{proxy+}", None),
        ],
        &[
            "declare GET, HEAD, PATCH, DELETE, OPTIONS for the path of routes[0]: POST /pets if routes[2]: ANY /{proxy+} should \
           not decide them there: it asks for less",
        ],
    );
}

#[test]
fn a_method_falls_through_to_a_parameter_only_if_it_matches_the_whole_path() {
    warned(
        vec![entry(&["POST"], "/pets/new", Some("write")), entry(&["GET"], "/pets/{id}", None)],
        &[
            "declare GET for the path of routes[0]: POST /pets/new if routes[1]: GET /pets/{id} should not decide them there: it \
           asks for less",
        ],
    );
    warned(vec![entry(&["POST"], "/pets/{path+}", Some("write")), entry(&["GET"], "/{shop}/{id}", None)], &[]);
}

#[test]
fn a_method_that_falls_through_to_an_equally_strict_entry_gets_no_warning() {
    for (specific, wider) in [(None, None), (Some("a"), Some("a")), (None, Some("a"))] {
        warned(vec![entry(&["POST"], "/pets", specific), entry(&[], "/{proxy+}", wider)], &[]);
    }
    let more = Way { scopes: vec![vec!["a", "b"]], claims: Vec::new() };
    let wider = Entry { methods: Vec::new(), path: "/{proxy+}".to_owned(), any_of: vec![more] };
    warned(vec![entry(&["POST"], "/pets", Some("a")), wider], &[]);
}

#[test]
fn the_most_specific_of_the_wider_entries_is_the_one_that_decides() {
    warned(
        vec![
            entry(&[], "/{all+}", None),
            entry(&["GET"], "/pets/{id}", None),
            entry(&["POST"], "/pets/new", Some("new")),
        ],
        &[
            "declare GET for the path of routes[2]: POST /pets/new if routes[1]: GET /pets/{id} should not decide them there: \
             it asks for less",
            "declare HEAD, PUT, PATCH, DELETE, OPTIONS for the path of routes[2]: POST /pets/new if routes[0]: ANY /{all+} \
             should not decide them there: it asks for less",
        ],
    );
}

#[test]
fn a_route_below_the_tokens_own_path_starts_only_under_absent() {
    let table = [own("/users/{id}/posts/{post}"), entry(&["GET"], "/users/{id}/posts/{post}/likes", Some("likes"))];
    mistaken(
        Mode::Deny,
        &table,
        &[(
            "set `undeclared_routes` to \"absent\" if the API has no methods but those in the table",
            "a token may use routes[0]: GET /users/{id}/posts/{post} and routes[1]: GET /users/{id}/posts/{post}/likes but \
             not undeclared paths, and every IAM pattern that refuses the last also refuses routes[1]: GET \
             /users/{id}/posts/{post}/likes",
        )],
    );
    mistaken(Mode::Absent, &table, &[]);
}

#[test]
fn a_value_that_is_a_literal_of_the_table_gives_no_allow_that_needs_exclusions() {
    let entries = [
        own("/users/{id}/{post}"),
        entry(&["GET"], "/users/me/{a}/{b}", Some("two")),
        entry(&["GET"], "/users/me/{a}/{b}/c", Some("three")),
    ];
    mistaken(Mode::Absent, &entries, &[]);
    let rules = Rules { entries: entries.to_vec(), mode: Mode::Absent };
    document(&rules, &token(&["three"], "me"), "GET/", &["GET/users/me/?*/?*/c", "GET/users/me/?*/?*/c/"], &["GET/"]);
}

#[test]
fn everything_below_the_tokens_own_path_is_allowed() {
    mistaken(Mode::Deny, &[own("/users/{id}/{path+}")], &[]);
}

#[test]
fn a_deny_for_longer_paths_does_not_affect_a_value_in_place_of_the_rest() {
    for files in ["/files/{id+}", "/files/{x}/{id+}"] {
        let entries =
            vec![entry(&["GET"], "/{a}/x/{b}", None), entry(&["GET"], "/{a}/x/{b}/{c}", Some("four")), own(files)];
        let table = Started::new(Rules { entries, mode: Mode::Absent });
        let segments = ["files", "x", "u1", "zz"];
        for request in ["GET/a/x/b", "GET/files/u1", "GET/files/zz/u1", "GET/files/x/u1"] {
            table.judged(&token(&[], "u1"), request, ROOM, &segments, 5);
        }
    }
}

#[test]
fn a_value_of_the_token_is_one_segment() {
    // `?*` in its place would match more segments, and `/u/?*/?*/p/q` hits the last route.
    mistaken(
        Mode::Absent,
        &[
            own("/u/{id}/p/{post}"),
            entry(&["GET"], "/u/{a}/{b}/p/q", Some("four")),
            entry(&["GET"], "/u/{a}/{b}/{c}/p/q", Some("five")),
        ],
        &[],
    );
}
