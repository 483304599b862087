//! Tokens whose own texts stand in paths, and what is denied beside wildcards.

use serde_json::{Value, json};

use super::examples::{document, none, scope, sub, table, token};
use super::iam::Document;
use super::rules::{Mode, Rules, Token, Way};
use super::*;

/// Asserts how much of everything a token with these claims is not told, where there is room for all.
#[track_caller]
fn leaves_out(rules: &Rules, claims: Value, expected: usize) {
    let routes = routes(rules).unwrap();
    let (plan, _) = Plan::new(&routes).unwrap();
    let token = Token { scopes: Vec::new(), claims };
    assert_eq!(answer(&routes, &plan, &token, "GET/", 1_000_000).1, expected);
}

#[test]
fn what_is_not_looked_at_of_a_long_list_counts_as_left_out() {
    let team = vec![Way { scopes: Vec::new(), claims: vec![("teams", vec!["{team}".to_owned()])] }];
    let rules = table(Mode::Deny, &[("GET", "/teams/{team}", team)]);
    let teams = |count: usize| json!({ "teams": (0..count).map(|team| format!("team{team}")).collect::<Vec<_>>() });
    leaves_out(&rules, teams(1), 0);
    leaves_out(&rules, teams(255), 0);
    leaves_out(&rules, teams(256), 1);
    leaves_out(&rules, teams(300), 1);
}

/// `/orgs/{org}/resN/{path+}` for members, 41 times, and an export of one of them that needs a scope as well.
fn orgs() -> Rules {
    let way = |scopes: Vec<Vec<&'static str>>| vec![Way { scopes, claims: vec![("orgs", vec!["{org}".to_owned()])] }];
    let paths: Vec<String> = (0..41).map(|number| format!("/orgs/{{org}}/res{number}/{{path+}}")).collect();
    let mut entries: Vec<_> = paths.iter().map(|path| ("ANY", path.as_str(), way(Vec::new()))).collect();
    entries.push(("ANY", "/orgs/{org}/res0/export", way(vec![vec!["export"]])));
    table(Mode::Deny, &entries)
}

#[test]
fn a_deny_is_there_in_every_answer_of_an_old_process() {
    let routes = routes(&orgs()).unwrap();
    let (plan, _) = Plan::new(&routes).unwrap();
    let answer_to = |orgs: Value| {
        let token = Token { scopes: Vec::new(), claims: json!({ "orgs": orgs }) };
        json(&answer(&routes, &plan, &token, "GET/orgs/o/res1/x", 7936).0)
    };
    let first = answer_to(json!("o"));
    let many: Vec<String> = (0..250).map(|org| format!("org{org}")).collect();
    for call in 0..5_000 {
        if call % 250 == 0 {
            let policy = answer_to(json!(many));
            let document = Document::new(&policy, STAGE);
            let passed = many.iter().find(|org| document.allows(&format!("GET/orgs/{org}/res0/export")));
            assert_eq!(passed, None, "after {call} answers");
        }
        assert_eq!(answer_to(json!("o")), first, "after {call} answers");
    }
    assert!(Document::new(&first, STAGE).allows("GET/orgs/o/res0/x"));
    assert!(!Document::new(&first, STAGE).allows("GET/orgs/o/res0/export"));
}

#[test]
fn an_answer_that_walks_too_much_loses_wildcards_and_not_their_denies() {
    let routes = routes(&orgs()).unwrap();
    let (plan, _) = Plan::new(&routes).unwrap();
    let orgs: Vec<String> = (0..250).map(|org| format!("org{org}")).collect();
    let token = Token { scopes: Vec::new(), claims: json!({ "orgs": orgs }) };
    // There is room for all, and no time for it.
    let (policy, left_out) = answer(&routes, &plan, &token, "GET/orgs/org0/res1/x", 100_000_000);
    assert!(left_out > 0);
    let document = Document::new(&json(&policy), STAGE);
    let open = |tail: &str| orgs.iter().filter(|org| document.allows(&format!("GET/orgs/{org}/{tail}"))).count();
    assert!(open("res0/x") > 0);
    assert_eq!(open("res0/export"), 0);
}

#[test]
fn two_claims_of_one_parameter_are_the_same_text() {
    let both = vec![Way {
        scopes: Vec::new(),
        claims: vec![("sub", vec!["{id}".to_owned()]), ("owner", vec!["{id}".to_owned()])],
    }];
    let rules = table(Mode::Deny, &[("GET", "/users/{id}", both)]);
    let with = |owner: Value| Token { scopes: Vec::new(), claims: json!({ "sub": "u1", "owner": owner }) };
    let own = ["GET/users/u1", "GET/users/u1/"];
    document(&rules, &with(json!("u1")), "GET/users", &own, &["GET/users"]);
    document(&rules, &with(json!(["u0", "u1", "u2"])), "GET/users", &own, &["GET/users"]);
    document(&rules, &with(json!("u2")), "GET/users", &[], &["GET/users"]);
}

#[test]
fn a_claim_with_a_fixed_value_needs_no_text_in_the_path() {
    let values = vec!["boss".to_owned(), "{id}".to_owned()];
    let need = vec![Way { scopes: Vec::new(), claims: vec![("sub", values)] }];
    let rules = table(Mode::Deny, &[("GET", "/users/{id}", need)]);
    let wild = ["GET/users/1", "GET/users/?*"];
    document(&rules, &token(&[], "boss"), "GET/users/1", &wild, &["GET/users/?*/?*"]);
    document(&rules, &token(&[], "u1"), "GET/users/1", &["GET/users/u1", "GET/users/u1/"], &["GET/users/1"]);
}

#[test]
fn a_literal_is_cut_out_only_for_tokens_that_do_not_have_it() {
    let deeper = ["GET/files/?*/me", "GET/files/?*/me/"];
    for (path, deeper) in [("/files/{name}", &[][..]), ("/files/{name+}", &deeper[..])] {
        let rules = table(Mode::Absent, &[("GET", "/{shop}/me", none()), ("GET", path, sub("{name}"))]);
        let allow = ["GET/x/me", "GET/files/me", "GET/files/me/", "GET/?*/me", "GET/?*/me/"];
        document(&rules, &token(&[], "me"), "GET/x/me", &allow, deeper);
        let allow = ["GET/x/me", "GET/files/u1", "GET/files/u1/", "GET/?*/me", "GET/?*/me/"];
        let deny = [deeper, &["GET/files/me", "GET/files/me/"][..]].concat();
        document(&rules, &token(&[], "u1"), "GET/x/me", &allow, &deny);
    }
}

#[test]
fn a_shared_deny_would_swallow_a_route_with_the_tokens_own_text() {
    let rules = table(Mode::Deny, &[("GET PUT", "/pets/{id}", none()), ("POST", "/pets/{id}/toys", sub("{id}"))]);
    document(
        &rules,
        &token(&[], "u1"),
        "GET/pets/1",
        &["GET/pets/1", "POST/pets/u1/toys", "POST/pets/u1/toys/", "GET/pets/?*", "PUT/pets/?*"],
        &["GET/pets/?*/?*", "PUT/pets/?*/?*"],
    );
}

#[test]
fn a_request_that_cannot_be_named_keeps_its_dollars() {
    let rules = table(Mode::Deny, &[("GET", "/pets/{id}", none())]);
    document(&rules, &token(&[], "u"), "GET/pets/$a$${b}*", &["GET/pets/?*"], &["GET/pets/$a$?{b}?", "GET/pets/?*/?*"]);
}

#[test]
fn a_text_that_is_no_segment_gives_no_wildcard() {
    let rules = table(Mode::Deny, &[("GET", "/users/{id}/posts/{post}", sub("{id}"))]);
    for sub in ["..", ".", "", "a\\b"] {
        document(&rules, &token(&[], sub), "GET/users/u1/posts/7", &[], &["GET/users/u1/posts/7"]);
    }
}

#[test]
fn a_deny_that_a_wider_one_would_cover_stays_where_the_wider_one_is_not_needed() {
    let both = vec![Way { scopes: vec![vec!["admin", "keys"]], claims: Vec::new() }];
    let rules = table(
        Mode::Deny,
        &[("GET", "/{proxy+}", none()), ("GET", "/admin/{path+}", scope("admin")), ("GET", "/admin/keys", both)],
    );
    let of = |scopes: &[&'static str], allow: &[&str], deny: &[&str]| {
        document(&rules, &token(scopes, "u"), "GET/x", allow, deny);
    };
    of(&[], &["GET/x", "GET/?*"], &["GET/admin/?*"]);
    of(&["admin"], &["GET/x", "GET/?*", "GET/admin/?*"], &["GET/admin/keys", "GET/admin/keys/"]);
}

#[test]
fn a_deny_is_wider_than_it_has_to_be_where_that_hits_nothing_else() {
    let rules = table(Mode::Absent, &[("GET", "/{a}/b/{c}", none()), ("GET", "/{p}/{q}/{r}/{s}", scope("four"))]);
    document(&rules, &token(&[], "u"), "GET/x/b/y", &["GET/x/b/y", "GET/?*/b/?*"], &["GET/?*/?*/?*/?*"]);
}

#[test]
fn what_an_encoded_segment_could_turn_into_is_refused_behind_parameters_too() {
    for entries in [
        [("GET", "/{a}/{b}", none()), ("GET", "/{a}/zz", scope("zz"))],
        [("GET", "/users/{id}/posts/{post}", sub("{id}")), ("GET", "/users/{id}/posts/zz", scope("zz"))],
    ] {
        let routes = routes(&table(Mode::Deny, &entries)).unwrap();
        let (plan, _) = Plan::new(&routes).unwrap();
        let text = json(&answer(&routes, &plan, &token(&[], "u1"), "GET/", 7936).0).to_string();
        for deny in ["*%7A*", "*%7a*"] {
            assert!(text.contains(&format!("\"{STAGE}{deny}\"")), "{text}");
        }
    }
}

#[test]
fn a_scope_is_enough_by_itself_only_where_one_way_asks_for_no_more() {
    let way = |scopes: &[&'static str], claims: &[&str]| Way {
        scopes: vec![scopes.to_vec()],
        claims: claims.iter().map(|text| ("sub", vec![(*text).to_owned()])).collect(),
    };
    let told = |ways: &[Way], allow: &[&str], deny: &[&str]| {
        let rules = table(Mode::Absent, &[("GET", "/users/{id}", ways.to_vec())]);
        document(&rules, &token(&["read"], "u1"), "GET/users", allow, deny);
    };
    let own = ["GET/users/u1", "GET/users/u1/"];
    let every = ["GET/users/?*"];
    told(&[way(&["read"], &[])], &every, &["GET/users"]);
    told(&[way(&["read"], &["{id}"])], &own, &["GET/users"]);
    told(&[way(&["read", "more"], &[])], &[], &["GET/users"]);
    told(&[way(&["read"], &["{id}"]), way(&["read"], &[])], &every, &["GET/users"]);
    told(&[way(&["read"], &[]), way(&["read"], &["{id}"])], &every, &["GET/users"]);
    told(&[way(&["read"], &["{id}"]), way(&["read", "more"], &[])], &own, &["GET/users"]);
}
