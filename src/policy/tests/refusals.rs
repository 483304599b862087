//! What a table is told when it may not start, and when it may.

use super::examples::{document, token};
use super::rules::{Entry, Mode, Rules, Way};
use super::started::{ROOM, Started};
use super::*;

/// An entry that anybody may use, or those with a scope.
fn entry(methods: &[&'static str], path: &str, scope: Option<&'static str>) -> Entry {
    let way = |scope| Way { scopes: vec![vec![scope]], claims: Vec::new() };
    Entry { methods: methods.to_vec(), path: path.to_owned(), any_of: scope.map(way).into_iter().collect() }
}

/// An entry for the token whose subject stands in the path.
fn own(path: &str) -> Entry {
    let way = Way { scopes: Vec::new(), claims: vec![("sub", vec!["{id}".to_owned()])] };
    Entry { methods: vec!["GET"], path: path.to_owned(), any_of: vec![way] }
}

/// The mistakes of a table, what helps but for the last resort apart; none if it starts.
#[track_caller]
fn mistaken(mode: Mode, entries: &[Entry], expected: &[(&str, &str)]) {
    const LAST_RESORT: &str = "set `policy` to \"single_request\" with a gateway cache of 0 s: ";
    let plan = Plan::new(&routes(&Rules { entries: entries.to_vec(), mode }).unwrap());
    let mistakes: Vec<_> = plan.err().unwrap_or_default().iter().map(ToString::to_string).collect();
    let said = mistakes.iter().map(|mistake| {
        let (ways_out, why) = mistake.split_once(LAST_RESORT).unwrap();
        (ways_out.strip_suffix(", or ").unwrap_or(ways_out), why)
    });
    assert_eq!(said.collect::<Vec<_>>(), expected);
}

/// What a table that starts is told.
#[track_caller]
fn warned(entries: Vec<Entry>, expected: &[&str]) {
    let (_, warnings) = Plan::new(&routes(&Rules { entries, mode: Mode::Deny }).unwrap()).unwrap();
    assert_eq!(warnings.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
}

#[test]
fn a_table_is_given_up_when_more_than_a_hundred_findings_are_known() {
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
fn a_method_falls_through_to_a_parameter_and_not_to_one_that_does_not_take_the_whole_path() {
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
fn a_method_that_falls_through_to_what_asks_for_as_much_is_nothing_to_warn_of() {
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
fn a_path_below_the_tokens_own_wants_to_know_that_nothing_else_is_there() {
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
fn a_text_that_is_a_literal_of_the_table_opens_nothing_that_would_have_to_be_cut_out() {
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
fn all_below_the_tokens_own_path_is_its_own() {
    mistaken(Mode::Deny, &[own("/users/{id}/{path+}")], &[]);
}

#[test]
fn what_hits_only_longer_paths_takes_nothing_from_a_text_in_the_place_of_the_rest() {
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
fn a_text_of_the_token_is_one_segment() {
    // `?*` in its place would take in more, and `/u/?*/?*/p/q` hits the last of these.
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
