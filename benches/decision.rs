//! In-process benches of decisions and their stages: `cargo bench --features unstable-internals`. The time of a stage
//! includes the stages before it. `scripts/instructions` counts instructions instead, which are the same in every run.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a failed step fails the bench")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use apigw_jwt_authorizer::internals::{STAGES, reach};
use apigw_jwt_authorizer::{Authorizer, Clock, Config, Invocation, Moment};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};

const ISSUER: &str = "https://tenant.example.com/";
const AUDIENCE: &str = "https://api.example.com";
const STAGE: &str = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/";
const ALGORITHMS: [&str; 4] = ["HS256", "RS256", "ES256", "EdDSA"];

/// A clock that stands at a time when the tokens are valid.
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Moment {
        Moment { wall: std::time::Duration::from_secs(1_800_000_000), monotonic: std::time::Duration::ZERO }
    }
}

/// The keys and tokens, shared with `scripts/instructions`.
fn material() -> Value {
    serde_json::from_str(include_str!("instructions/material.json")).expect("the material is JSON")
}

/// Five routes for each resource. The token may use those of `movies` and `orders`.
fn routes(count: usize) -> Vec<Value> {
    let of = |number: usize| {
        let name = match number {
            0 => "movies".to_owned(),
            1 => "orders".to_owned(),
            number => format!("resource-{number}"),
        };
        [
            json!({ "method": "GET", "path": format!("/{name}"), "scopes": format!("read:{name}") }),
            json!({ "method": "POST", "path": format!("/{name}"), "scopes": format!("write:{name}") }),
            json!({ "method": "GET", "path": format!("/{name}/{{id}}"), "scopes": format!("read:{name}") }),
            json!({ "method": "PUT", "path": format!("/{name}/{{id}}"), "scopes": format!("write:{name}") }),
            json!({ "method": "DELETE", "path": format!("/{name}/{{id}}"), "scopes": [format!("delete:{name}"), "admin"] }),
        ]
    };
    (0..).flat_map(of).take(count).collect()
}

/// An authorizer with this many routes, issuers and keys. The tokens come from the last issuer.
fn authorizer(algorithm: &str, routes_count: usize, issuers: usize, keys: usize, more: Value) -> Authorizer {
    let material = material();
    let mut set = material["keys"].as_array().cloned().unwrap_or_default();
    for number in set.len()..keys {
        let mut another = set[0].clone();
        another["kid"] = format!("another-{number}").into();
        set.push(another);
    }
    let issuer = |name: String| match algorithm {
        "HS256" => {
            json!({ "issuer": name, "audience": AUDIENCE, "secret": { "file": "events/keys/movies.secret.txt" } })
        }
        _ => json!({ "issuer": name, "audience": AUDIENCE, "jwks": { "keys": set } }),
    };
    let others = (1..issuers).map(|number| issuer(format!("{ISSUER}{number}")));
    let issuers: Vec<Value> = others.chain([issuer(ISSUER.to_owned())]).collect();
    let mut document = json!({ "issuers": issuers, "routes": routes(routes_count) });
    if let (Some(document), Some(more)) = (document.as_object_mut(), more.as_object()) {
        document.extend(more.clone());
    }
    let base = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = Config::parse(&document.to_string(), &|_| None, base).expect("the configuration has no mistake");
    Authorizer::new(config, Arc::new(Fixed)).expect("nothing is fetched")
}

fn event(token: Option<&str>, request: &str) -> Vec<u8> {
    let authorization = token.map(|token| format!("Bearer {token}"));
    let event =
        json!({ "type": "TOKEN", "authorizationToken": authorization, "methodArn": format!("{STAGE}{request}") });
    event.to_string().into_bytes()
}

fn bench(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let material = material();
    let token = |name: &str| material["tokens"][name].as_str().unwrap_or_default().to_owned();
    let mut decide = |group: &str, name: &str, authorizer: &Authorizer, event: &[u8], expected: &str| {
        let answer = runtime.block_on(authorizer.authorize(event, Invocation::default())).to_json();
        assert!(answer.contains(expected), "{group}/{name} is answered {answer}");
        criterion.benchmark_group(group).bench_function(name, |bencher| {
            bencher.iter(|| runtime.block_on(authorizer.authorize(black_box(event), Invocation::default())));
        });
    };
    let allow = r#""Effect":"Allow""#;

    for algorithm in ALGORITHMS {
        let authorizer = authorizer(algorithm, 50, 1, 3, json!({}));
        decide("allow", algorithm, &authorizer, &event(Some(&token(algorithm)), "GET/movies/17"), allow);
    }
    for count in [10, 1000, 10_000] {
        for algorithm in ["HS256", "RS256"] {
            let event = event(Some(&token(algorithm)), "GET/movies/17");
            let cacheable = authorizer(algorithm, count, 1, 3, json!({}));
            decide("routes", &format!("{algorithm}, {count}"), &cacheable, &event, allow);
            let single = authorizer(algorithm, count, 1, 3, json!({ "policy": "single_request" }));
            decide("routes", &format!("{algorithm}, {count}, single_request"), &single, &event, allow);
        }
    }
    for (issuers, keys) in [(1, 3), (32, 3), (1, 100)] {
        let authorizer = authorizer("RS256", 50, issuers, keys, json!({}));
        let name = format!("{issuers} issuers, {keys} keys");
        decide("keys", &name, &authorizer, &event(Some(&token("RS256")), "GET/movies/17"), allow);
    }

    let rs256 = token("RS256");
    let authorizer = authorizer("RS256", 50, 1, 3, json!({}));
    let (signed, signature) = rs256.rsplit_once('.').unwrap_or_default();
    let other = signature.replacen(
        signature.get(..1).unwrap_or_default(),
        if signature.starts_with('A') { "B" } else { "A" },
        1,
    );
    let item = "GET/movies/17";
    for (reason, token, request) in [
        ("missing_token", None, item),
        ("malformed_token", Some(format!("e{rs256}")), item),
        (
            "unsupported_algorithm",
            Some(format!("eyJhbGciOiJub25lIn0.{}.AA", rs256.split('.').nth(1).unwrap_or_default())),
            item,
        ),
        ("invalid_signature", Some(format!("{signed}.{other}")), item),
        ("expired", Some(token("expired")), item),
        ("wrong_audience", Some(token("wrong_audience")), item),
        ("insufficient_scope", Some(rs256.clone()), "GET/resource-2/17"),
        ("undeclared_route", Some(rs256.clone()), "GET/films/17"),
        ("ambiguous_path", Some(rs256.clone()), "GET/movies//17"),
    ] {
        // The answer to a valid token still allows its other routes, and gives no reason.
        let expected = if token.as_deref() == Some(&rs256) { allow } else { reason };
        decide("refuse", reason, &authorizer, &event(token.as_deref(), request), expected);
    }

    let event = event(Some(&rs256), item);
    for stage in STAGES {
        runtime.block_on(reach(&authorizer, &event, stage)).expect("the token passes");
        criterion.benchmark_group("stages, RS256").bench_function(format!("to {stage:?}"), |bencher| {
            bencher.iter(|| runtime.block_on(reach(&authorizer, black_box(&event), stage)));
        });
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
