//! What a table is told when it may not start, and when it may.

use super::rules::{Entry, Mode, Rules, Way};
use super::*;
use crate::policy::diagnostics::TableMistake;

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

/// How the mistakes of a table begin; none if it starts.
#[track_caller]
fn mistaken(mode: Mode, entries: &[Entry], expected: &[&str]) {
    let plan = Plan::new(&routes(&Rules { entries: entries.to_vec(), mode }).unwrap());
    let mistakes = plan.err().unwrap_or_default();
    let said = |mistake: &TableMistake| mistake.to_string().split_once(", so a cached").unwrap().0.to_owned();
    assert_eq!(mistakes.iter().map(said).collect::<Vec<_>>(), expected);
}

/// What a table that starts is told.
#[track_caller]
fn warned(entries: Vec<Entry>, expected: &[&str]) {
    let (_, warnings) = Plan::new(&routes(&Rules { entries, mode: Mode::Deny }).unwrap()).unwrap();
    assert_eq!(warnings.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
}

#[test]
fn a_table_is_given_up_when_more_than_a_hundred_findings_are_known() {
    let pair = |number: usize| {
        [
            entry(&["GET"], &format!("/{number}/{{path+}}"), None),
            entry(&["GET"], &format!("/{number}/admin/{{id}}"), Some("admin")),
        ]
    };
    for (pairs, findings) in [(100, 100), (101, 101), (120, 101)] {
        let rules = Rules { entries: (0..pairs).flat_map(pair).collect(), mode: Mode::Deny };
        assert_eq!(Plan::new(&routes(&rules).unwrap()).unwrap_err().len(), findings, "{pairs} pairs");
    }
}

#[test]
fn a_hidden_path_is_named_by_its_first_entry() {
    warned(
        vec![entry(&["POST"], "/pets", None), entry(&[], "/{proxy+}", None)],
        &[
            "routes[0]: POST /pets hides routes[1]: GET /{proxy+}, which is less specific, so GET HEAD PUT PATCH DELETE \
           OPTIONS is refused there",
        ],
    );
}

#[test]
fn a_literal_hides_a_parameter_and_the_rest_of_a_path_hides_none() {
    warned(
        vec![entry(&["POST"], "/pets/new", None), entry(&["GET"], "/pets/{id}", None)],
        &["routes[0]: POST /pets/new hides routes[1]: GET /pets/{id}, which is less specific, so GET is refused there"],
    );
    warned(vec![entry(&["POST"], "/pets/{path+}", None), entry(&["GET"], "/{shop}/{id}", None)], &[]);
}

#[test]
fn a_path_below_the_tokens_own_wants_to_know_that_nothing_else_is_there() {
    let table = [own("/users/{id}/posts/{post}"), entry(&["GET"], "/users/{id}/posts/{post}/likes", Some("likes"))];
    mistaken(
        Mode::Deny,
        &table,
        &["routes[0]: GET /users/{id}/posts/{post} covers undeclared paths, and no IAM pattern refuses that without \
           routes[1]: GET /users/{id}/posts/{post}/likes"],
    );
    mistaken(Mode::Absent, &table, &[]);
}

#[test]
fn a_text_of_the_token_may_be_a_literal_of_the_table() {
    mistaken(
        Mode::Absent,
        &[
            own("/users/{id}/{post}"),
            entry(&["GET"], "/users/me/{a}/{b}", Some("two")),
            entry(&["GET"], "/users/me/{a}/{b}/c", Some("three")),
        ],
        &[
            "routes[0]: GET /users/{id}/{post} covers routes[1]: GET /users/me/{a}/{b}, and no IAM pattern refuses that \
           without routes[2]: GET /users/me/{a}/{b}/c",
        ],
    );
}

#[test]
fn all_below_the_tokens_own_path_is_its_own() {
    mistaken(Mode::Deny, &[own("/users/{id}/{path+}")], &[]);
}

#[test]
fn what_hits_only_longer_paths_takes_nothing_from_a_text_in_the_place_of_the_rest() {
    let table = |files: &str| {
        let pair = [entry(&["GET"], "/{a}/x/{b}", None), entry(&["GET"], "/{a}/x/{b}/{c}", Some("four"))];
        [&pair[..], &[own(files)]].concat()
    };
    mistaken(Mode::Absent, &table("/files/{id+}"), &[]);
    mistaken(
        Mode::Absent,
        &table("/files/{x}/{id+}"),
        &["routes[2]: GET /files/{x}/{id+} is open to one token for some paths and closed for others, all of which \
           routes[0]: GET /{a}/x/{b} covers"],
    );
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
