//! Routes that are bound to the token's claims, and the Denies that narrow wildcards.

use serde_json::{Value, json};

use super::examples::{document, none, scope, sub, table, token};
use super::iam::Document;
use super::rules::{Mode, Token, Way};
use super::started::{ROOM, Started};
use super::*;

/// A token of a member of `count` teams.
fn teams(count: usize) -> Token {
    let teams: Vec<_> = (0..count).map(|team| format!("team{team}")).collect();
    Token { scopes: Vec::new(), claims: json!({ "teams": teams }) }
}

#[test]
fn a_long_list_is_allowed_as_far_as_it_fits() {
    let team = vec![Way { scopes: Vec::new(), claims: vec![("teams", vec!["{team}".into()])] }];
    let table = Started::new(table(Mode::Deny, &[("GET", "/teams/{team}", team)]));
    for (count, room, told, all) in [
        (1, ROOM, 1, true),
        (40, ROOM, 40, true),
        (255, ROOM, 50, false),
        (1000, ROOM, 50, false),
        (1000, 1_000_000, 1000, true),
    ] {
        let (policy, left_out) = table.answer(&teams(count), "GET/", room);
        let document = Document::new(&policy, STAGE);
        let open = (0..count).filter(|team| document.allows(&format!("GET/teams/team{team}"))).count();
        assert_eq!((open, left_out == 0), (told, all), "{count} teams in {room} bytes");
    }
}

#[test]
fn a_thousand_values_take_no_more_than_the_budget() {
    let team = |scopes| vec![Way { scopes, claims: vec![("teams", vec!["{team}".into()])] }];
    for mode in [Mode::Deny, Mode::Absent] {
        let table = Started::new(table(
            mode,
            &[
                ("ANY", "/teams/{team}", team(Vec::new())),
                ("ANY", "/teams/{team}/files/{path+}", team(Vec::new())),
                ("GET", "/teams/{team}/files/export", team(vec![vec!["export"]])),
            ],
        ));
        let segments = ["teams", "team0", "team7", "team999", "files", "export"];
        for request in ["GET/teams/team999/files/x", "GET/teams/team999/files/export", "GET/teams/other"] {
            let (policy, left_out) = table.judged(&teams(1000), request, ROOM, &segments, 4);
            assert!(left_out > 0);
            let resources = policy["Statement"].as_array().unwrap().iter().map(|statement| &statement["Resource"]);
            let resources: usize = resources.map(|list| list.as_array().unwrap().len()).sum();
            assert!((40..150).contains(&resources), "{resources} Resources");
        }
        // Values beyond the budget are not processed, only counted.
        let left_out = |count| table.answer(&teams(count), "GET/", ROOM).1;
        assert_eq!(left_out(1000) - left_out(300), 700);
    }
}

/// 41 routes `/orgs/{org}/resN/{path+}` for members, and an export below one of them that also requires a scope.
fn orgs() -> Started {
    let way = |scopes: Vec<Vec<&'static str>>| vec![Way { scopes, claims: vec![("orgs", vec!["{org}".into()])] }];
    let paths: Vec<String> = (0..41).map(|number| format!("/orgs/{{org}}/res{number}/{{path+}}")).collect();
    let mut entries: Vec<_> = paths.iter().map(|path| ("GET", path.as_str(), way(Vec::new()))).collect();
    entries.push(("GET", "/orgs/{org}/res0/export", way(vec![vec!["export"]])));
    Started::new(table(Mode::Deny, &entries))
}

fn member(orgs: Value) -> Token {
    Token { scopes: Vec::new(), claims: json!({ "orgs": orgs }) }
}

#[test]
fn every_answer_of_a_long_running_process_has_its_denies() {
    let table = orgs();
    let answer_to = |orgs: Value| table.answer(&member(orgs), "GET/orgs/o/res1/x", ROOM);
    let many: Vec<String> = (0..250).map(|org| format!("org{org}")).collect();
    let (first, of_many) = (answer_to(json!("o")), answer_to(json!(many)));
    assert_eq!(first.1, 0);
    for call in 0..5_000 {
        if call % 250 == 0 {
            let (policy, left_out) = answer_to(json!(many));
            let document = Document::new(&policy, STAGE);
            let passed = many.iter().find(|org| document.allows(&format!("GET/orgs/{org}/res0/export")));
            assert_eq!(passed, None, "after {call} answers");
            assert_eq!((policy, left_out), of_many, "after {call} answers");
        }
        // Other tokens evict the cached answers.
        if call % 50 == 0 {
            (0..40).for_each(|other| drop(answer_to(json!(format!("other{call}-{other}")))));
        }
        assert_eq!(answer_to(json!("o")), first, "after {call} answers");
    }
    let document = Document::new(&first.0, STAGE);
    for resource in 0..41 {
        assert!(document.allows(&format!("GET/orgs/o/res{resource}/x")));
    }
    assert!(!document.allows("GET/orgs/o/res0/export"));
}

#[test]
fn in_every_budget_a_value_comes_with_its_denies_or_not_at_all() {
    let table = orgs();
    let orgs: Vec<String> = (0..250).map(|org| format!("org{org}")).collect();
    let token = member(json!(orgs));
    for (room, told) in [(1000, 0..=0), (ROOM, 1..=249), (100_000, 1..=249), (100_000_000, 250..=250)] {
        let (policy, left_out) = table.answer(&token, "GET/orgs/org0/res1/x", room);
        assert_eq!(left_out == 0, told.contains(&250), "{room}");
        let document = Document::new(&policy, STAGE);
        let open = |tail: &str| orgs.iter().filter(|org| document.allows(&format!("GET/orgs/{org}/{tail}"))).count();
        assert_eq!(open("res0/export"), 0, "{room}");
        let (least, most) = (open("res0/x"), open("res7/x"));
        assert!(least <= most && told.contains(&most), "{least} and {most} in {room} bytes");
        assert!(least == most || left_out > 0, "{room}");
    }
}

#[test]
fn in_every_budget_each_value_is_in_its_own_place() {
    let bound = |claims: &[(&'static str, &str)]| {
        let claims = claims.iter().map(|(claim, value)| (*claim, vec![(*value).into()])).collect();
        vec![Way { scopes: Vec::new(), claims }]
    };
    let files: Vec<String> = (0..12).map(|number| format!("/orgs/{{org}}/res{number}/{{path+}}")).collect();
    let mut entries: Vec<_> = files.iter().map(|path| ("ANY", path.as_str(), bound(&[("orgs", "{org}")]))).collect();
    entries.push(("GET", "/orgs/{org}", bound(&[("orgs", "{org}")])));
    entries.push(("PUT", "/orgs/{org}", bound(&[("orgs", "{org}")])));
    entries.push(("POST", "/orgs/{org}", bound(&[("orgs", "{org}")])));
    entries.push(("GET", "/p/{u}", bound(&[("sub", "{u}")])));
    entries.push(("GET", "/t/{a}/{b}", bound(&[("orgs", "{a}"), ("teams", "{b}")])));
    entries.push(("GET", "/users/{u}", bound(&[("sub", "{u}")])));
    let table = Started::new(table(Mode::Absent, &entries));
    let token =
        Token { scopes: Vec::new(), claims: json!({ "orgs": ["o1", "o2"], "teams": ["t1", "t2", "t3"], "sub": "me" }) };
    for room in (600..ROOM).step_by(64) {
        table.judged(&token, "PUT/users/o1", room, &["orgs", "o1", "o2", "p", "t", "t1", "t3", "users", "me"], 3);
    }
}

#[test]
fn two_claims_of_one_parameter_are_the_same_text() {
    let both =
        vec![Way { scopes: Vec::new(), claims: vec![("sub", vec!["{id}".into()]), ("owner", vec!["{id}".into()])] }];
    let rules = table(Mode::Deny, &[("GET", "/users/{id}", both)]);
    let with = |owner: Value| Token { scopes: Vec::new(), claims: json!({ "sub": "u1", "owner": owner }) };
    let own = ["GET/users/u1", "GET/users/u1/"];
    document(&rules, &with(json!("u1")), "GET/users", &own, &["GET/users"]);
    document(&rules, &with(json!(["u0", "u1", "u2"])), "GET/users", &own, &["GET/users"]);
    document(&rules, &with(json!("u2")), "GET/users", &[], &["GET/users"]);
}

#[test]
fn a_claim_with_a_fixed_value_need_not_be_in_the_path() {
    let values = vec!["boss".into(), "{id}".into()];
    let need = vec![Way { scopes: Vec::new(), claims: vec![("sub", values)] }];
    let rules = table(Mode::Deny, &[("GET", "/users/{id}", need)]);
    let wild = ["GET/users/1", "GET/users/?*"];
    document(&rules, &token(&[], "boss"), "GET/users/1", &wild, &["GET/users/?*/?*"]);
    document(&rules, &token(&[], "u1"), "GET/users/1", &["GET/users/u1", "GET/users/u1/"], &["GET/users/1"]);
}

#[test]
fn a_value_that_is_a_literal_of_the_table_is_excluded_from_wildcards_like_any_other() {
    let deeper = ["GET/files/?*/me", "GET/files/?*/me/"];
    let literal = ["GET/files/me", "GET/files/me/"];
    for (path, deeper) in [("/files/{name}", &[][..]), ("/files/{name+}", &deeper[..])] {
        let rules = table(Mode::Absent, &[("GET", "/{shop}/me", none()), ("GET", path, sub("{name}"))]);
        let deny = [deeper, &literal[..]].concat();
        let allow = ["GET/x/me", "GET/?*/me", "GET/?*/me/"];
        document(&rules, &token(&[], "me"), "GET/x/me", &allow, &deny);
        let allow = ["GET/x/me", "GET/files/u1", "GET/files/u1/", "GET/?*/me", "GET/?*/me/"];
        document(&rules, &token(&[], "u1"), "GET/x/me", &allow, &deny);
        // A request for the path itself gets its Resource, without the Denies that would refuse it.
        document(&rules, &token(&[], "me"), "GET/files/me", &["GET/files/me"], &[]);
        document(&rules, &token(&[], "u1"), "GET/files/me", &allow[1..], &deny);
    }
}

#[test]
fn a_shared_deny_would_hit_a_route_bound_to_the_token() {
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
fn a_value_that_cannot_be_a_segment_gives_no_wildcard() {
    let rules = table(Mode::Deny, &[("GET", "/users/{id}/posts/{post}", sub("{id}"))]);
    for sub in ["..", ".", "", "a\\b", "a;b"] {
        document(&rules, &token(&[], sub), "GET/users/u1/posts/7", &[], &["GET/users/u1/posts/7"]);
    }
}

#[test]
fn a_narrow_deny_stays_if_the_wider_one_that_covers_it_is_not_needed() {
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
fn a_deny_may_be_wider_than_necessary_if_it_hits_nothing_else() {
    let rules = table(Mode::Absent, &[("GET", "/{a}/b/{c}", none()), ("GET", "/{p}/{q}/{r}/{s}", scope("four"))]);
    document(&rules, &token(&[], "u"), "GET/x/b/y", &["GET/x/b/y", "GET/?*/b/?*"], &["GET/?*/?*/?*/?*"]);
}

#[test]
fn a_literal_that_could_be_encoded_is_refused_after_parameters_too() {
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
fn a_scope_is_enough_only_if_one_alternative_requires_nothing_else() {
    let way = |scopes: &[&'static str], claims: &[&str]| Way {
        scopes: vec![scopes.to_vec()],
        claims: claims.iter().map(|text| ("sub", vec![(*text).into()])).collect(),
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
