//! One document for each corner, whole.

use serde_json::json;

use super::rules::{Entry, Mode, Rules, Token, Way};
use super::*;

pub(super) fn none() -> Vec<Way> {
    Vec::new()
}

pub(super) fn scope(scope: &'static str) -> Vec<Way> {
    vec![Way { scopes: vec![vec![scope]], claims: Vec::new() }]
}

pub(super) fn sub(parameter: &str) -> Vec<Way> {
    vec![Way { scopes: Vec::new(), claims: vec![("sub", vec![parameter.to_owned()])] }]
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

/// Asserts the Resources of a document: of its Allow, and of its Deny but those for ambiguous paths.
#[track_caller]
pub(super) fn document(rules: &Rules, token: &Token, request: &str, allow: &[&str], deny: &[&str]) {
    let routes = routes(rules).unwrap();
    let (plan, _) = Plan::new(&routes).unwrap_or_else(|mistakes| panic!("{}", mistakes[0]));
    let document = json(&answer(&routes, &plan, token, request, 7936).0);
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
    let rules = table(Mode::Deny, &[("GET", "/pets/{id}", none()), ("GET", "/pets/search", scope("search"))]);
    let routes = routes(&rules).unwrap();
    let (plan, _) = Plan::new(&routes).unwrap();
    let (policy, left_out) = answer(&routes, &plan, &token(&[], "u"), "GET/pets/1", 7936);
    let resources = |tails: &[&str]| tails.iter().map(|tail| format!("{STAGE}{tail}")).collect::<Vec<_>>();
    assert_eq!(
        json(&policy),
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
                        "GET/pets/?*/?*", "GET/pets/search", "GET/pets/search/",
                        "*//*", "*/./*", "*/.", "*/../*", "*/..", "*\\*",
                        "*%2F*", "*%2f*", "*%5C*", "*%5c*", "*%2E*", "*%2e*", "*%25*",
                        "*%6*", "*%72*", "*%73*",
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
fn a_shared_deny_would_swallow_an_allowed_route() {
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
        &["GET/pets/?*/?*", "PUT/pets/?*/?*", "POST/pets/?*/?*/?*", "GET/shop/pets/?*/?*/?*"],
    );
}

#[test]
fn a_path_below_a_parameter_wants_to_know_that_nothing_else_is_there() {
    let entries = [("GET", "/pets/{id}", none()), ("GET", "/pets/{id}/owner", scope("owner"))];
    let mistakes = Plan::new(&routes(&table(Mode::Deny, &entries)).unwrap()).unwrap_err();
    assert_eq!(
        mistakes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["routes[0]: GET /pets/{id} covers undeclared paths, and no IAM pattern refuses that without routes[1]: GET \
             /pets/{id}/owner, so a cached policy would be wrong for some token: set `undeclared_routes` to \"absent\" if the \
             API has no other methods, set `policy` to \"single_request\" with a gateway cache of 0 s, or give the paths \
             another shape, such as /admin/{path+} for /admin/{id} beside /{proxy+}"]
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
fn a_claim_that_is_no_segment_gives_nothing() {
    let rules = table(Mode::Deny, &[("GET", "/users/{id}", sub("{id}")), ("GET", "/users/me", scope("me"))]);
    for sub in ["..", ".", "", "me", "a\\b", "a/b", "*", "u?", "${x}", "a%62", "a\nb"] {
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
    // The literal takes the path, and wants a scope.
    document(
        &rules,
        &token(&[], "me"),
        "GET/users/x/posts/7",
        &["GET/users/me/posts/?*"],
        &["GET/users/x/posts/7", "GET/users/me/posts/?*", "GET/users/me/posts/?*/?*"],
    );
}

#[test]
fn everything_undeclared_is_allowed_but_what_is_declared_is_cut_out() {
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
            "HEAD/health",
            "HEAD/health/",
            "POST/health",
            "POST/health/",
            "PUT/health",
            "PUT/health/",
            "PATCH/health",
            "PATCH/health/",
            "DELETE/health",
            "DELETE/health/",
            "OPTIONS/health",
            "OPTIONS/health/",
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
    // These no Allow covers.
    document(&rules, &token(&[], "u"), "GET/sho?", &allow, &["GET/pets/?*/?*"]);
    document(&rules, &token(&[], "u"), "GET/pets//*", &allow, &["GET/pets/?*/?*"]);
}

#[test]
fn an_encoded_request_keeps_its_siblings_where_nothing_speaks_against_it() {
    let rules = table(Mode::Deny, &[("GET", "/pets/{id}", none()), ("GET", "/pets/search", none())]);
    document(
        &rules,
        &token(&[], "u"),
        "GET/pets/a%20b",
        &["GET/pets/a%20b", "GET/pets/search", "GET/pets/search/", "GET/pets/?*"],
        &["GET/pets/?*/?*"],
    );
    // Its own letter is among those that no other encoded path may have.
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
fn a_long_request_brings_its_wildcard() {
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
fn a_more_specific_path_hides_methods() {
    let rules = table(Mode::Deny, &[("ANY", "/{proxy+}", none()), ("POST", "/pets", none())]);
    let (_, warnings) = Plan::new(&routes(&rules).unwrap()).unwrap();
    assert_eq!(
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["routes[1]: POST /pets hides routes[0]: GET /{proxy+}, which is less specific, so GET HEAD PUT PATCH DELETE \
             OPTIONS is refused there"]
    );
}

#[test]
fn what_cannot_be_cut_out_is_refused_at_the_start() {
    for (mode, entries, expected) in [
        (
            Mode::Deny,
            vec![("ANY", "/{proxy+}", none()), ("ANY", "/admin/{id}", scope("admin"))],
            "routes[0]: GET /{proxy+} covers routes[1]: GET /admin/{id}, and no IAM pattern refuses that without routes[0]: GET \
             /{proxy+}",
        ),
        (
            Mode::Allow,
            vec![("ANY", "/admin/{id}", scope("admin"))],
            "`undeclared_routes` \"allow\" covers routes[0]: GET /admin/{id}, and no IAM pattern refuses that without undeclared \
             paths",
        ),
        (
            Mode::Deny,
            vec![("GET", "/{proxy+}", none()), ("GET", "/users/{path+}", sub("{path}"))],
            "routes[1]: GET /users/{path+} is open to one token for some paths and closed for others, all of which routes[0]: \
             GET /{proxy+} covers",
        ),
    ] {
        let mistakes = Plan::new(&routes(&table(mode, &entries)).unwrap()).unwrap_err();
        let text = mistakes[0].to_string();
        assert!(text.starts_with(expected), "{text}");
        assert!(!text.contains("absent"), "{text}");
    }
    // One need implies the other, so no token has to be told apart.
    let all = vec![Way { scopes: vec![vec!["read", "admin"]], claims: Vec::new() }];
    let rules = table(Mode::Deny, &[("ANY", "/{proxy+}", all), ("ANY", "/admin/{id}", scope("admin"))]);
    assert!(Plan::new(&routes(&rules).unwrap()).is_ok());
}

#[test]
fn a_token_has_one_issuer() {
    let by = |issuer: &str| vec![Way { scopes: Vec::new(), claims: vec![("iss", vec![issuer.to_owned()])] }];
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
