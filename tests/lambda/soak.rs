//! A long run with every kind of answer, unknown keys and rotations: neither memory nor file descriptors, as read from
//! `/proc`, grow. `cargo xtask soak` runs a million invocations on the release build.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::api::{
    AUDIENCE, KEYS, allow, claims, config, deny, deny_all, event, event_with, healing_tokens, invalid_tokens,
    malformed_events, public_algorithms, secret_token,
};
use crate::support::http::Reply;
use crate::support::{Answer, Function, KeyServer, RuntimeApi, SigningKey, instant, jwks, key};

/// The number of invocations in ordinary test runs.
const INVOCATIONS: usize = 20_000;
/// The number of invocations between two measurements.
const LOOKS: usize = 200;
/// The memory by which the second half may exceed the maximum of the first: pages that the allocator happens to touch.
const SLACK_KB: u64 = 512;
/// The number of invocations between two key rotations: enough for the program to notice each.
const ROTATION: usize = 2_000;

/// The expected answer to an event.
enum Expected {
    Policy(Value),
    Error(&'static str),
    /// Signed with a key that was just published or removed: accepted or `unknown_key`, but never denied.
    Rotating,
}

/// The resources that the program uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Holds {
    resident_kb: u64,
    descriptors: usize,
    threads: u64,
}

impl Holds {
    fn of(function: &Function) -> Self {
        let status = std::fs::read_to_string(function.0.proc("status")).unwrap();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
        };
        let descriptors = std::fs::read_dir(function.0.proc("fd")).unwrap().count();
        Self { resident_kb: number("VmRSS"), descriptors, threads: number("Threads") }
    }

    fn most(self, other: Self) -> Self {
        Self {
            resident_kb: self.resident_kb.max(other.resident_kb),
            descriptors: self.descriptors.max(other.descriptors),
            threads: self.threads.max(other.threads),
        }
    }
}

impl fmt::Display for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} KiB resident, {} descriptors, {} threads", self.resident_kb, self.descriptors, self.threads)
    }
}

/// The keys after this rotation: the permanent ones, and a new one in place of the previous rotation's.
fn rotation(number: usize) -> Vec<SigningKey> {
    let mut keys: Vec<SigningKey> = public_algorithms().into_iter().map(key).collect();
    keys.push(key("ES256").named(&format!("rotating-{number}")));
    keys
}

/// Events of every kind. Each is signed once, because a million signatures would take longer than the program.
fn events() -> Vec<(Vec<u8>, Expected)> {
    let mut events = Vec::new();
    let mut add = |event: Vec<u8>, expected| events.push((event, expected));
    for number in 0..200 {
        let subject = format!("user-{number}");
        let token = secret_token(json!({ "sub": subject }));
        add(event(&token, "GET/movies").into(), Expected::Policy(allow(&subject, "GET/movies")));
        let own = format!("GET/users/{subject}");
        add(event(&token, &own).into(), Expected::Policy(allow(&subject, &own)));
        let refused = deny(&subject, "POST/movies", "insufficient_scope");
        add(event(&token, "POST/movies").into(), Expected::Policy(refused));
    }
    for alg in public_algorithms() {
        let token = key(alg).token(&claims(KEYS, json!({})));
        add(event(&token, "GET/movies").into(), Expected::Policy(allow("alice", "GET/movies")));
        let undeclared = deny("alice", "GET/elsewhere", "undeclared_route");
        add(event(&token, "GET/elsewhere").into(), Expected::Policy(undeclared));
    }
    for (reason, authorization) in invalid_tokens() {
        let event = event_with(authorization.as_deref(), "GET/movies");
        add(event.into(), Expected::Policy(deny_all(reason)));
    }
    for (_, token) in healing_tokens() {
        add(event(&token, "GET/movies").into(), Expected::Error("Unauthorized"));
    }
    for body in malformed_events() {
        add(body, Expected::Error("MalformedEvent"));
    }
    let padded = json!({ "padding": "x".repeat(200_000) });
    add(event(&secret_token(padded), "GET/movies").into(), Expected::Policy(deny_all("malformed_token")));
    events
}

#[track_caller]
fn as_expected(answer: &Answer, expected: &Expected) {
    match expected {
        Expected::Policy(policy) => assert_eq!(answer.policy(), *policy),
        Expected::Error(kind) => assert_eq!(answer.error().0, *kind),
        Expected::Rotating if answer.is_error => assert_eq!(answer.error().0, "Unauthorized"),
        Expected::Rotating => assert_eq!(answer.policy(), allow("alice", "GET/movies")),
    }
}

#[test]
fn memory_and_descriptors_are_level_over_a_long_run() {
    let longer = std::env::var_os("SOAK_INVOCATIONS");
    let invocations = longer.map_or(INVOCATIONS, |number| number.to_str().unwrap().parse().unwrap());
    let server = KeyServer::start();
    server.set("/keys", Reply::json(&jwks(&rotation(0))));
    let times = json!({ "fresh_seconds": 1, "cooldown_seconds": 1 });
    let mut config = config();
    config["issuers"][1] =
        json!({ "issuer": KEYS, "audience": AUDIENCE, "jwks_uri": server.url("/keys"), "keys_cache": times });
    let (config, secret) = (config.to_string(), key("HS256").secret());
    let variables = [("AUTHORIZER_CONFIG", config.as_str()), ("SECRET", secret), ("AWS_LAMBDA_LOG_LEVEL", "FATAL")];
    let api = RuntimeApi::start();
    let function = Function::start(&api, &variables);
    api.started();

    let events = events();
    let (mut halves, mut looks) = ([Holds::default(); 2], Vec::new());
    let (mut found, mut not_found) = (0_usize, 0_usize);
    let began = instant();
    for number in 0..invocations {
        let rotations = number.div_euclid(ROTATION);
        if number % ROTATION == 0 {
            server.set("/keys", Reply::json(&jwks(&rotation(rotations))));
        }
        let answer = if number % 50 == 0 {
            // In turn: this rotation's key, the previous rotation's, and one that was never published.
            let kid = match number % 150 {
                0 => format!("rotating-{rotations}"),
                50 => format!("rotating-{}", rotations.saturating_sub(1)),
                _ => format!("never-{number}"),
            };
            let token = key("ES256").named(&kid).token(&claims(KEYS, json!({})));
            let answer = api.take(&api.begin(event(&token, "GET/movies")));
            as_expected(&answer, &Expected::Rotating);
            let count = if answer.is_error { &mut not_found } else { &mut found };
            *count = count.saturating_add(1);
            answer
        } else {
            let (event, expected) = &events[number % events.len()];
            let answer = api.take(&api.begin(event));
            as_expected(&answer, expected);
            answer
        };
        drop(answer);
        let every = invocations.div_euclid(LOOKS).max(1);
        // After a short event: the buffers for the longest one are still there just after it.
        if number % every == 0 {
            let holds = Holds::of(&function);
            let half = &mut halves[usize::from(number >= invocations.div_euclid(2))];
            *half = half.most(holds);
            looks.push(holds);
        }
    }
    let took: Duration = began.elapsed();

    let [first, second] = halves;
    println!("{invocations} invocations in {} s; {} fetches of keys", took.as_secs(), server.count("/keys"));
    println!("at first   {}", looks[0]);
    println!("half way   {}", looks[looks.len().div_euclid(2)]);
    println!("at the end {}", looks[looks.len().saturating_sub(1)]);
    println!("at most    {first} in the first half");
    println!("at most    {second} in the second half");
    assert!(found > 0 && not_found > 0 && server.count("/keys") > 1, "keys must have been found, missed and refetched");
    assert!(second.resident_kb <= first.resident_kb.saturating_add(SLACK_KB), "{looks:?}");
    assert!(second.descriptors <= first.descriptors && second.threads <= first.threads, "{looks:?}");
    assert_eq!(api.connections(), 1);
}
