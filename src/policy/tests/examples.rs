//! Complete documents, one for each corner case.

use serde_json::{Value, json};

use super::rules::{Entry, Mode, Rules, Token, Way};
use super::started::{ROOM, Started};
use super::*;

pub(super) fn none() -> Vec<Way> {
    Vec::new()
}

pub(super) fn scope(scope: &'static str) -> Vec<Way> {
    vec![Way { scopes: vec![vec![scope]], claims: Vec::new() }]
}

pub(super) fn sub(parameter: &str) -> Vec<Way> {
    vec![Way { scopes: Vec::new(), claims: vec![("sub", vec![parameter.into()])] }]
}

pub(super) fn table(mode: Mode, entries: &[(&'static str, &str, Vec<Way>)]) -> Rules {
    let entries = entries.iter().map(|(methods, path, any_of)| Entry {
        methods: methods.split(' ').filter(|method| *method != "ANY").collect(),
        path: (*path).to_owned(),
        any_of: any_of.clone(),
    });
    Rules { entries: entries.collect(), mode }
}

pub(super) fn token(scopes: &[&'static str], sub: &str) -> Token {
    Token { scopes: scopes.to_vec(), claims: json!({"sub": sub}) }
}

/// Asserts the Resources of a document: those of its Allow, and those of its Deny except for ambiguous paths.
#[track_caller]
pub(super) fn document(rules: &Rules, token: &Token, request: &str, allow: &[&str], deny: &[&str]) {
    let (document, _) = Started::new(rules.clone()).answer(token, request, ROOM);
    let resources = |effect: &str| -> Vec<String> {
        let statements = document["Statement"].as_array().unwrap().iter();
        statements
            .filter(|statement| statement["Effect"] == effect)
            .flat_map(|statement| statement["Resource"].as_array().unwrap())
            .map(|resource| resource.as_str().unwrap().strip_prefix(STAGE).unwrap().to_owned())
            .collect()
    };
    let sorted = |mut resources: Vec<String>| {
        resources.sort();
        resources
    };
    let expected = |resources: &[&str]| sorted(resources.iter().map(|tail| (*tail).to_owned()).collect());
    assert_eq!(sorted(resources("Allow")), expected(allow));
    let mut denied = resources("Deny");
    if let Some(first) = denied.iter().position(|resource| resource == "*//*") {
        let ambiguous = denied.split_off(first);
        assert_eq!(ambiguous[..AMBIGUOUS.len()], AMBIGUOUS);
    }
    assert_eq!(sorted(denied), expected(deny));
}

const AMBIGUOUS: [&str; 7] = ["*//*", "*/./*", "*/.", "*/../*", "*/..", "*\\*", "*;*"];

#[test]
fn a_literal_is_two_exact_resources_and_no_deny() {
    let rules = table(Mode::Deny, &[("GET", "/movies", scope("read")), ("POST", "/movies", scope("write"))]);
    document(&rules, &token(&["read"], "u"), "GET/movies", &["GET/movies", "GET/movies/"], &[]);
    document(&rules, &token(&["read"], "u"), "POST/movies", &["GET/movies", "GET/movies/"], &["POST/movies"]);
    document(&rules, &token(&[], "u"), "GET/movies", &[], &["GET/movies"]);
}

#[test]
fn the_root_has_one_spelling() {
    let rules = table(Mode::Deny, &[("GET", "/", none())]);
    document(&rules, &token(&[], "u"), "GET/", &["GET/"], &[]);
    document(&rules, &token(&[], "u"), "GET//", &["GET/"], &["GET//"]);
}

#[test]
fn the_whole_document_of_a_parameter() {
    let rules = table(Mode::Deny, &[("GET", "/pets/{id}", none()), ("GET", "/pets/zoo", scope("zoo"))]);
    let (mut policy, left_out) = Started::new(rules).answer(&token(&[], "u"), "GET/pets/1", ROOM);
    let sorted = |resources: &mut Value| resources.as_array_mut().unwrap().sort_by_key(Value::to_string);
    let resources = |tails: &[&str]| {
        let mut resources = json!(tails.iter().map(|tail| format!("{STAGE}{tail}")).collect::<Vec<_>>());
        sorted(&mut resources);
        resources
    };
    for statement in policy["Statement"].as_array_mut().unwrap() {
        sorted(&mut statement["Resource"]);
    }
    assert_eq!(
        policy,
        json!({
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": "Allow",
                    "Resource": resources(&["GET/pets/1", "GET/pets/?*"]),
                    "Condition": {"DateLessThan": {"aws:CurrentTime": "2027-01-15T08:00:00Z"}},
                },
                {
                    "Action": "execute-api:Invoke",
                    "Effect": "Deny",
                    "Resource": resources(&[
                        "GET/pets/?*/?*", "GET/pets/zoo", "GET/pets/zoo/",
                        "*//*", "*/./*", "*/.", "*/../*", "*/..", "*\\*", "*;*",
                        "*%2F*", "*%2f*", "*%5C*", "*%5c*", "*%2E*", "*%2e*", "*%3B*", "*%3b*", "*%25*",
                        // All characters of `pets` and `zoo`; the codes of `e` and `o` start with 6.
                        "*%6*", "*%70*", "*%73*", "*%74*", "*%7A*", "*%7a*",
                    ]),
                },
            ],
        })
    );
    assert_eq!(left_out, 0);
}

#[test]
fn a_refused_request_is_denied_once() {
    let rules = table(Mode::Deny, &[("GET", "/pets/{id}", none()), ("GET", "/pets/search", scope("search"))]);
    document(
        &rules,
        &token(&[], "u"),
        "GET/pets/search",
        &["GET/pets/?*"],
        &["GET/pets/search", "GET/pets/?*/?*", "GET/pets/search/"],
    );
}

#[test]
fn a_parameter_stops_at_the_next_slash() {
    let rules = table(Mode::Deny, &[("GET", "/pets/{id}", none())]);
    document(&rules, &token(&[], "u"), "GET/pets/1", &["GET/pets/1", "GET/pets/?*"], &["GET/pets/?*/?*"]);
    document(&rules, &token(&[], "u"), "GET/pets", &["GET/pets/?*"], &["GET/pets", "GET/pets/?*/?*"]);
}

#[test]
fn several_methods_share_a_deny() {
    let rules = table(Mode::Deny, &[("GET PUT DELETE", "/pets/{id}", none())]);
    document(
        &rules,
        &token(&[], "u"),
        "GET/pets/1",
        &["GET/pets/1", "GET/pets/?*", "PUT/pets/?*", "DELETE/pets/?*"],
        &["*/pets/?*/?*"],
    );
}

#[test]
fn a_shared_deny_would_hit_an_allowed_route() {
    // `*/pets/?*/?*` would refuse `GET /shop/pets/1/toys`, and `POST /pets/1/toys`.
    let rules = table(
        Mode::Deny,
        &[
            ("GET PUT", "/pets/{id}", none()),
            ("POST", "/pets/{id}/toys", none()),
            ("GET", "/shop/pets/{id}/toys", none()),
        ],
    );
    document(
        &rules,
        &token(&[], "u"),
        "GET/pets/1",
        &[
            "GET/pets/1",
            "GET/pets/?*",
            "PUT/pets/?*",
            "POST/pets/?*/toys",
            "POST/pets/?*/toys/",
            "GET/shop/pets/?*/toys",
            "GET/shop/pets/?*/toys/",
        ],
        &[
            "GET/pets/?*/?*",
            "PUT/pets/?*/?*",
            "POST/pets/?*/?*/toys",
            "POST/pets/?*/?*/toys/",
            "GET/shop/pets/?*/?*/toys",
            "GET/shop/pets/?*/?*/toys/",
        ],
    );
}

#[test]
fn a_route_below_a_parameter_starts_only_under_absent() {
    let entries = [("GET", "/pets/{id}", none()), ("GET", "/pets/{id}/owner", scope("owner"))];
    let mistakes = Plan::new(&routes(&table(Mode::Deny, &entries)).unwrap()).unwrap_err();
    assert_eq!(
        mistakes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["set `undeclared_routes` to \"absent\" if the API has no methods but those in the table, or set `policy` to \
             \"single_request\" with a gateway cache of 0 s or a REQUEST authorizer whose \
             identity sources are token, method and path: a token may use routes[0]: GET /pets/{id} and routes[1]: GET \
             /pets/{id}/owner but not undeclared paths, and every IAM pattern that refuses the last also refuses routes[1]: \
             GET /pets/{id}/owner"]
    );
    let rules = table(Mode::Absent, &entries);
    document(
        &rules,
        &token(&[], "u"),
        "GET/pets/1",
        &["GET/pets/1", "GET/pets/?*"],
        &["GET/pets/?*/owner", "GET/pets/?*/owner/"],
    );
    document(
        &rules,
        &token(&["owner"], "u"),
        "GET/pets/1/nothing",
        &["GET/pets/?*", "GET/pets/?*/owner", "GET/pets/?*/owner/"],
        &["GET/pets/1/nothing"],
    );
}

#[test]
fn a_parameter_beside_a_parameter() {
    let rules = table(
        Mode::Absent,
        &[
            ("GET", "/pets/{id}", none()),
            ("GET", "/pets/{kind}/{id}", scope("kind")),
            ("GET", "/pets/search", scope("search")),
        ],
    );
    document(
        &rules,
        &token(&[], "u"),
        "GET/pets/1",
        &["GET/pets/1", "GET/pets/?*"],
        &["GET/pets/?*/?*", "GET/pets/search", "GET/pets/search/"],
    );
    document(
        &rules,
        &token(&["kind", "search"], "u"),
        "GET/pets/cat/1",
        &["GET/pets/cat/1", "GET/pets/search", "GET/pets/search/", "GET/pets/?*", "GET/pets/?*/?*"],
        &[],
    );
}

#[test]
fn the_rest_of_a_path_beside_deeper_literals() {
    let rules = table(
        Mode::Deny,
        &[
            ("ANY", "/{proxy+}", none()),
            ("GET", "/admin/keys", scope("admin")),
            ("ANY", "/admin/{path+}", scope("admin")),
        ],
    );
    document(
        &rules,
        &token(&[], "u"),
        "GET/x/y",
        &["GET/x/y", "GET/?*", "HEAD/?*", "POST/?*", "PUT/?*", "PATCH/?*", "DELETE/?*", "OPTIONS/?*"],
        &[
            "GET/admin/?*",
            "HEAD/admin/?*",
            "POST/admin/?*",
            "PUT/admin/?*",
            "PATCH/admin/?*",
            "DELETE/admin/?*",
            "OPTIONS/admin/?*",
        ],
    );
}

#[test]
fn a_claim_in_the_path_is_its_own_resource() {
    let rules = table(Mode::Deny, &[("GET", "/users/{id}", sub("{id}")), ("GET", "/users/me", none())]);
    let me = ["GET/users/me", "GET/users/me/"];
    document(&rules, &token(&[], "u1"), "GET/users/me", &["GET/users/me", "GET/users/u1", "GET/users/u1/", me[1]], &[]);
    document(
        &rules,
        &token(&[], "auth0|7"),
        "GET/users/u1",
        &[
            "GET/users/auth0|7",
            "GET/users/auth0|7/",
            "GET/users/auth0%7C7",
            "GET/users/auth0%7C7/",
            "GET/users/me",
            "GET/users/me/",
        ],
        &["GET/users/u1"],
    );
}

#[test]
fn a_claim_that_cannot_be_a_segment_gives_nothing() {
    let rules = table(Mode::Deny, &[("GET", "/users/{id}", sub("{id}")), ("GET", "/users/me", scope("me"))]);
    for sub in ["..", ".", "", "me", "a\\b", "a/b", "a;b", "*", "u?", "${x}", "a%62", "a\nb"] {
        document(&rules, &token(&[], sub), "GET/users/u1", &[], &["GET/users/u1"]);
    }
}

#[test]
fn a_claim_before_a_parameter() {
    let rules = table(
        Mode::Deny,
        &[("GET", "/users/{id}/posts/{post}", sub("{id}")), ("GET", "/users/me/posts/{post}", scope("me"))],
    );
    document(
        &rules,
        &token(&[], "u 1"),
        "GET/users/u 1/posts/7",
        &["GET/users/u 1/posts/7", "GET/users/u 1/posts/?*", "GET/users/u%201/posts/?*"],
        &["GET/users/u 1/posts/?*/?*", "GET/users/u%201/posts/?*/?*"],
    );
    // The route with the literal decides, and requires a scope.
    document(&rules, &token(&[], "me"), "GET/users/x/posts/7", &[], &["GET/users/x/posts/7"]);
    document(
        &rules,
        &token(&["me"], "me"),
        "GET/users/x/posts/7",
        &["GET/users/me/posts/?*"],
        &["GET/users/x/posts/7", "GET/users/me/posts/?*/?*"],
    );
}

#[test]
fn undeclared_paths_are_allowed_and_declared_ones_excluded() {
    let rules = table(Mode::Allow, &[("ANY", "/admin/{path+}", scope("admin")), ("GET", "/health", none())]);
    document(
        &rules,
        &token(&[], "u"),
        "GET/x",
        &["GET/x", "GET/*", "HEAD/*", "POST/*", "PUT/*", "PATCH/*", "DELETE/*", "OPTIONS/*"],
        &[
            "GET/admin/?*",
            "HEAD/admin/?*",
            "POST/admin/?*",
            "PUT/admin/?*",
            "PATCH/admin/?*",
            "DELETE/admin/?*",
            "OPTIONS/admin/?*",
        ],
    );
}

#[test]
fn the_same_shape_with_two_methods() {
    let rules = table(
        Mode::Deny,
        &[
            ("GET", "/pets/{id}", none()),
            ("PUT", "/pets/{pet}", scope("write")),
            ("ANY", "/pets/{any}", scope("admin")),
        ],
    );
    document(&rules, &token(&[], "u"), "PUT/pets/1", &["GET/pets/?*"], &["PUT/pets/1", "GET/pets/?*/?*"]);
    document(
        &rules,
        &token(&["admin"], "u"),
        "OPTIONS/pets/1",
        &[
            "OPTIONS/pets/1",
            "GET/pets/?*",
            "HEAD/pets/?*",
            "POST/pets/?*",
            "PATCH/pets/?*",
            "DELETE/pets/?*",
            "OPTIONS/pets/?*",
        ],
        &["*/pets/?*/?*"],
    );
}

#[test]
fn a_request_that_cannot_be_named_is_denied_as_narrowly_as_iam_can() {
    let rules = table(Mode::Deny, &[("GET", "/pets/{id}", none()), ("GET", "/shop", none())]);
    let allow = ["GET/shop", "GET/shop/", "GET/pets/?*"];
    document(&rules, &token(&[], "u"), "GET/pets/a*b", &allow, &["GET/pets/a?b", "GET/pets/?*/?*"]);
    document(&rules, &token(&[], "u"), "GET/pets/${a}", &allow, &["GET/pets/?{a}", "GET/pets/?*/?*"]);
    // No Allow covers these.
    document(&rules, &token(&[], "u"), "GET/sho?", &allow, &["GET/pets/?*/?*"]);
    document(&rules, &token(&[], "u"), "GET/pets//*", &allow, &["GET/pets/?*/?*"]);
}

#[test]
fn an_encoded_request_keeps_its_siblings_if_possible() {
    let rules = table(Mode::Deny, &[("GET", "/pets/{id}", none()), ("GET", "/pets/search", none())]);
    document(
        &rules,
        &token(&[], "u"),
        "GET/pets/a%20b",
        &["GET/pets/a%20b", "GET/pets/search", "GET/pets/search/", "GET/pets/?*"],
        &["GET/pets/?*/?*"],
    );
    // Its encoded letter is one that the Denies for encoded paths cover.
    document(&rules, &token(&[], "u"), "GET/pets/%73", &["GET/pets/%73", "GET/pets/search", "GET/pets/search/"], &[]);
    document(
        &rules,
        &token(&[], "u"),
        "GET/pets/se%61rch",
        &["GET/pets/search", "GET/pets/search/", "GET/pets/?*"],
        &["GET/pets/se%61rch", "GET/pets/?*/?*"],
    );
}

#[test]
fn a_long_request_is_allowed_by_its_wildcard() {
    let rules = table(Mode::Deny, &[("GET", "/pets/{id}", none())]);
    let long = format!("GET/pets/{}", "x".repeat(500));
    document(&rules, &token(&[], "u"), &long, &["GET/pets/?*"], &["GET/pets/?*/?*"]);
}

#[test]
fn a_long_request_that_its_own_denies_would_hit_is_refused() {
    let rules = table(Mode::Allow, &[("GET", "/a", none())]);
    let long = format!("GET/%61{}", "z".repeat(500));
    document(&rules, &token(&[], "u"), &long, &["GET/a", "GET/a/"], &[]);
}

#[test]
fn a_method_that_a_specific_path_lacks_is_decided_by_a_wider_one() {
    let rules = table(Mode::Deny, &[("ANY", "/{proxy+}", none()), ("POST", "/pets", scope("write"))]);
    let table = Started::new(rules.clone());
    assert_eq!(
        table.warnings,
        [
            "declare GET, HEAD, PUT, PATCH, DELETE, OPTIONS for the path of routes[1]: POST /pets if routes[0]: ANY /{proxy+} \
             should not decide them there: it asks for less"
        ]
    );
    document(
        &rules,
        &token(&[], "u"),
        "GET/pets",
        &["GET/pets", "GET/?*", "HEAD/?*", "POST/?*", "PUT/?*", "PATCH/?*", "DELETE/?*", "OPTIONS/?*"],
        &["POST/pets", "POST/pets/"],
    );
}

#[test]
fn a_table_with_a_route_that_cannot_be_excluded_is_refused_at_start_up() {
    let refused = |mode, entries: &[(&'static str, &str, Vec<Way>)]| -> String {
        Plan::new(&routes(&table(mode, entries)).unwrap()).unwrap_err()[0].to_string()
    };
    let entries = [("GET", "/{proxy+}", none()), ("GET", "/users/{path+}", sub("{path}"))];
    for mode in [Mode::Deny, Mode::Absent] {
        assert_eq!(
            refused(mode, &entries),
            "set `policy` to \"single_request\" with a gateway cache of 0 s or a REQUEST authorizer whose \
             identity sources are token, method and path: a cached policy that allows routes[0]: GET \
             /{proxy+} cannot open routes[1]: GET /users/{path+} for some of its paths and close it for others"
        );
    }
    let layers = |outer, middle, inner| {
        [("GET", "/a/{x}", outer), ("GET", "/a/{x}/b/{y}", middle), ("GET", "/a/{x}/b/{y}/c/{z}", inner)]
    };
    assert_eq!(
        refused(Mode::Absent, &layers(none(), scope("admin"), none())),
        "let routes[2]: GET /a/{x}/b/{y}/c/{z} also need what routes[1]: GET /a/{x}/b/{y} needs, or set `policy` to \
         \"single_request\" with a gateway cache of 0 s or a REQUEST authorizer whose \
         identity sources are token, method and path: a token may use routes[0]: GET /a/{x} and routes[2]: GET \
         /a/{x}/b/{y}/c/{z} but not routes[1]: GET /a/{x}/b/{y}, and every IAM pattern that refuses the last also refuses \
         routes[2]: GET /a/{x}/b/{y}/c/{z}"
    );
    // One need implies the other, so no token may use only the outer layers.
    let all = vec![Way { scopes: vec![vec!["read", "admin"]], claims: Vec::new() }];
    let rules = table(Mode::Absent, &layers(all, scope("admin"), none()));
    assert!(Plan::new(&routes(&rules).unwrap()).is_ok());
}

#[test]
fn an_exclusion_from_the_rest_of_a_path_only_affects_paths_with_literals() {
    let rules = table(Mode::Deny, &[("GET", "/{proxy+}", none()), ("GET", "/admin/{id}", scope("admin"))]);
    let table = Started::new(rules.clone());
    let [warning] = table.warnings.as_slice() else { panic!("{:?}", table.warnings) };
    let of = "a cached policy may refuse paths of routes[0]: GET /{proxy+} whose parameter is a literal of the table, ";
    assert!(warning.starts_with(of), "{warning}");
    assert!(warning.ends_with("to a token that may not use routes[1]: GET /admin/{id}"), "{warning}");
    document(&rules, &token(&[], "u"), "GET/x/y", &["GET/x/y", "GET/?*"], &["GET/admin/?*"]);
    // A request for such a path is allowed.
    document(&rules, &token(&[], "u"), "GET/admin/x/y", &["GET/admin/x/y"], &[]);
    document(&rules, &token(&["admin"], "u"), "GET/admin/x/y", &["GET/admin/x/y", "GET/?*", "GET/admin/?*"], &[]);
}

#[test]
fn a_token_has_one_issuer() {
    let by = |issuer: &str| vec![Way { scopes: Vec::new(), claims: vec![("iss", vec![issuer.into()])] }];
    let apart = |proxy: &str| {
        table(
            Mode::Absent,
            &[
                ("GET", "/pets/{id}", by(proxy)),
                ("GET", "/pets/{id}/{toy}", scope("toys")),
                ("GET", "/pets/{id}/{toy}/shop", by("https://a.example.com/")),
            ],
        )
    };
    assert!(Plan::new(&routes(&apart("https://a.example.com/")).unwrap()).is_err());
    assert!(Plan::new(&routes(&apart("https://b.example.com/")).unwrap()).is_ok());
}
