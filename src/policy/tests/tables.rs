//! The route tables of public APIs, with scopes assigned in common ways.

use serde_json::{Value, json};

use super::iam::Document;
use super::rules::{Entry, Judge, Mode, Rules, Token, Way};
use super::*;

const APIS: [(&str, &str); 8] = [
    ("Discord channels", include_str!("tables/discord-channels.json")),
    ("GitHub issues", include_str!("tables/github-issues-of-a-repo.json")),
    ("GitHub user", include_str!("tables/github-user.json")),
    ("Petstore", include_str!("tables/petstore-30.json")),
    ("RealWorld", include_str!("tables/realworld-conduit.json")),
    ("Slack", include_str!("tables/slack-web-api-all.json")),
    ("Spotify", include_str!("tables/spotify-albums-artists-tracks-playlists.json")),
    ("Twilio Verify", include_str!("tables/twilio-verify-v2.json")),
];

/// A way to assign scopes to routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    None,
    ReadAndWrite,
    ByFirstLiteral,
    AnyMethod,
    ByLastLiteral,
}

const LAYOUTS: [Layout; 4] = [Layout::None, Layout::ReadAndWrite, Layout::ByFirstLiteral, Layout::AnyMethod];

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// The table of an API, and all its scopes.
fn table(document: &str, layout: Layout, mode: Mode) -> (Rules, Vec<&'static str>) {
    let document: Value = serde_json::from_str(document).unwrap();
    let (mut entries, mut scopes): (Vec<Entry>, _) = (Vec::new(), Vec::new());
    for route in document["routes"].as_array().unwrap() {
        let path = route["path"].as_str().unwrap();
        let methods: Vec<&'static str> = route["methods"]
            .as_array()
            .unwrap()
            .iter()
            .map(|method| leak(method.as_str().unwrap().to_owned()))
            .collect();
        let mut literals = path.split('/').filter(|part| !part.is_empty() && !part.starts_with('{'));
        let shape = |path: &str| {
            path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }.to_owned()).collect::<Vec<_>>()
        };
        let seen = entries.iter().any(|entry| shape(&entry.path) == shape(path));
        let mut add = |methods: Vec<&'static str>, scope: Option<String>| {
            let scope = scope.map(leak);
            scopes.extend(scope);
            let any_of = scope.map(|scope| Way { scopes: vec![vec![scope]], claims: Vec::new() }).into_iter().collect();
            entries.push(Entry { methods, path: path.to_owned(), any_of });
        };
        let kind = |method: &str| if matches!(method, "GET" | "HEAD") { "read" } else { "write" };
        match layout {
            Layout::None => add(methods, None),
            Layout::AnyMethod if seen => {}
            Layout::AnyMethod => add(Vec::new(), Some("any".to_owned())),
            Layout::ReadAndWrite => methods.iter().for_each(|method| add(vec![method], Some(kind(method).to_owned()))),
            Layout::ByFirstLiteral => {
                let first = literals.next().unwrap_or("root");
                methods.iter().for_each(|method| add(vec![method], Some(format!("{first}:{}", kind(method)))));
            }
            Layout::ByLastLiteral => {
                let last = literals.next_back().unwrap_or("root");
                methods.iter().for_each(|method| add(vec![method], Some(format!("{last}:{}", kind(method)))));
            }
        }
    }
    scopes.sort_unstable();
    scopes.dedup();
    (Rules { entries, mode }, scopes)
}

/// A sample path of an entry.
fn sample(path: &str) -> String {
    let segments = path.split('/').filter(|part| !part.is_empty());
    segments.map(|part| if part.starts_with('{') { "x1" } else { part }).collect::<Vec<_>>().join("/")
}

/// Asserts that an answer agrees with the rules for each route and leaves nothing out; returns its size in bytes.
#[track_caller]
fn right(name: &str, rules: &Rules, scopes: &[&'static str]) -> usize {
    let routes = routes(rules).unwrap();
    let (plan, _) = Plan::new(&routes).unwrap_or_else(|mistakes| panic!("{name}: {}", mistakes[0]));
    let token = Token { scopes: scopes.to_vec(), claims: json!({}) };
    let (policy, left_out) = answer(&routes, &plan, &token, "GET/", ROOM);
    assert_eq!(left_out, 0, "{name}");
    let policy = json(&policy);
    let document = Document::new(&policy, STAGE);
    let judge = Judge::new(rules);
    for entry in &rules.entries {
        let path = sample(&entry.path);
        let reading = judge.read(&path);
        for method in METHODS {
            let asked = judge.declared(method, &reading);
            let tail = format!("{method}/{path}");
            if asked {
                assert_eq!(document.allows(&tail), judge.allow(&token, method, &reading), "{name}: {tail}");
            }
        }
    }
    policy.to_string().len()
}

const ROOM: usize = 7936;

#[test]
fn the_tables_of_public_apis_start_and_nothing_is_left_out() {
    for (name, document) in APIS {
        for layout in LAYOUTS {
            let (rules, scopes) = table(document, layout, Mode::Absent);
            let half: Vec<_> = scopes.iter().step_by(2).copied().collect();
            let read: Vec<_> = scopes.iter().filter(|scope| scope.ends_with("read")).copied().collect();
            let sizes = [&scopes, &half, &read].map(|held| right(&format!("{name}, {layout:?}"), &rules, held));
            println!("{name}, {layout:?}: {} entries, {sizes:?} bytes", rules.entries.len());
        }
    }
}

/// A table like a large public API's: 1,222 routes, most of them below two shared parameters.
fn large(layout: Layout) -> (Rules, Vec<&'static str>) {
    const KINDS: [&str; 12] = [
        "issues",
        "pulls",
        "actions",
        "branches",
        "checks",
        "codespaces",
        "comments",
        "deployments",
        "hooks",
        "keys",
        "labels",
        "releases",
    ];
    const PARTS: [&str; 9] = ["runs", "jobs", "logs", "cache", "secrets", "variables", "events", "reviews", "files"];
    let mut routes: Vec<(String, Vec<&str>)> = Vec::new();
    for top in ["orgs/{org}", "repos/{owner}/{repo}", "teams/{team}", "user", "enterprises/{enterprise}"] {
        routes.push((format!("/{top}"), vec!["GET", "PATCH", "DELETE"]));
        for kind in KINDS {
            routes.push((format!("/{top}/{kind}"), vec!["GET", "POST"]));
            routes.push((format!("/{top}/{kind}/{{id}}"), vec!["GET", "PATCH", "DELETE"]));
            for part in PARTS.iter().take(if top.starts_with("repos") { 9 } else { 5 }) {
                routes.push((format!("/{top}/{kind}/{{id}}/{part}"), vec!["GET", "PUT"]));
                if top.starts_with("repos") {
                    routes.push((format!("/{top}/{kind}/{{id}}/{part}/{{number}}"), vec!["GET", "DELETE"]));
                }
                if top.starts_with("repos") || top.starts_with("orgs") {
                    routes.push((format!("/{top}/{kind}/{part}"), vec!["GET"]));
                }
            }
        }
    }
    let document = json!({
        "routes": routes.iter().map(|(path, methods)| json!({"path": path, "methods": methods})).collect::<Vec<_>>()
    });
    table(&document.to_string(), layout, Mode::Absent)
}

#[test]
fn a_table_of_a_thousand_routes_starts_and_nothing_is_left_out() {
    for layout in LAYOUTS {
        let (rules, scopes) = large(layout);
        let half: Vec<_> = scopes.iter().step_by(2).copied().collect();
        let read: Vec<_> = scopes.iter().filter(|scope| scope.ends_with("read")).copied().collect();
        let sizes = [&scopes, &half, &read].map(|held| right(&format!("large, {layout:?}"), &rules, held));
        println!("large, {layout:?}: {} entries, {sizes:?} bytes", rules.entries.len());
    }
}

#[test]
fn a_layout_that_is_refused_would_wrongly_refuse_some_token() {
    let mut started = Vec::new();
    for (name, document) in APIS {
        let (rules, scopes) = table(document, Layout::ByLastLiteral, Mode::Absent);
        let routes = routes(&rules).unwrap();
        let (plan, mistakes, _) = Plan::compile(&routes).unwrap();
        if mistakes.is_empty() {
            started.push(name);
            continue;
        }
        let judge = Judge::new(&rules);
        // Some token with two scopes is wrongly refused a route, even by the best possible answer.
        let wronged = scopes.iter().enumerate().any(|(place, first)| {
            scopes.iter().skip(place).any(|second| {
                let token = Token { scopes: vec![*first, *second], claims: json!({}) };
                let document = Document::new(&json(&answer(&routes, &plan, &token, "GET/", ROOM).0), STAGE);
                rules.entries.iter().any(|entry| {
                    let path = sample(&entry.path);
                    let reading = judge.read(&path);
                    METHODS.iter().any(|method| {
                        judge.allow(&token, method, &reading) && !document.allows(&format!("{method}/{path}"))
                    })
                })
            })
        });
        assert!(wronged, "{name} is refused without a reason: {}", mistakes[0]);
    }
    println!("by last literal start: {started:?}");
}
