//! Fetches at start-up, before the first invocation.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::http::{Reply, Server};
use crate::support::{KeyServer, Scratch, instant, jwks, key};
use crate::world::{ISSUER, KEYS, Local, api, api_of, claims, down, issuer, served, set, token};

/// `count` issuers, each with its own key set address.
fn issuers(server: &KeyServer, count: usize) -> Value {
    issuers_at(&server.url(""), count)
}

fn issuers_at(url: &str, count: usize) -> Value {
    let all = (0..count).map(|number| {
        issuer(&format!("{ISSUER}{number}"), &format!("{url}/{number}"), json!({ "timeout_ms": 10_000 }))
    });
    api(all.collect())
}

fn of(number: usize) -> String {
    key("ES256").token(&claims(&format!("{ISSUER}{number}")))
}

/// A server that pauses before it sends a set, and records the requests and how many of them wait at once.
fn slow(pause: Duration) -> (Server, Arc<Mutex<Busy>>) {
    let busy = Arc::<Mutex<Busy>>::default();
    let noted = Arc::clone(&busy);
    let server = Server::start(move |request| {
        noted.lock().unwrap().begin(request.target);
        std::thread::sleep(pause);
        noted.lock().unwrap().waiting -= 1;
        set(&[&key("ES256")])
    });
    (server, busy)
}

#[derive(Default)]
struct Busy {
    asked: Vec<String>,
    waiting: usize,
    most: usize,
}

impl Busy {
    fn begin(&mut self, target: String) {
        self.asked.push(target);
        self.waiting += 1;
        self.most = self.most.max(self.waiting);
    }
}

#[test]
fn start_up_fetches_the_first_16_key_sets_8_at_a_time_and_the_others_come_with_their_first_token() {
    let (server, busy) = slow(Duration::from_millis(300));
    let local = Local::new(&issuers_at(&format!("http://{}", server.authority()), 20));
    local.warm_up();
    let asked = |count: usize| (0..count).map(|number| format!("/{number}")).collect::<BTreeSet<_>>();
    {
        let busy = busy.lock().unwrap();
        assert_eq!((busy.asked.len(), busy.most), (16, 8));
        assert_eq!(busy.asked.iter().cloned().collect::<BTreeSet<_>>(), asked(16));
        assert_eq!(busy.asked[..8].iter().cloned().collect::<BTreeSet<_>>(), asked(8), "the first ones first");
    }
    for number in 0..20 {
        assert_eq!(local.decides(&of(number)), "allow", "{number}");
        assert_eq!(busy.lock().unwrap().asked.len(), 16.max(number + 1));
    }
}

#[test]
fn key_sets_that_hang_at_start_up_do_not_delay_the_others() {
    let server = KeyServer::start();
    for number in 0..20 {
        let delay = if number < 5 { Duration::from_secs(3600) } else { Duration::from_millis(100) };
        server.set(&format!("/{number}"), set(&[&key("ES256")]).delayed(delay));
    }
    let local = Local::new(&issuers(&server, 20));
    let began = instant();
    local.warm_up();
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(1500) && took < Duration::from_secs(5), "{took:?}");
    for number in 0..20 {
        assert_eq!(server.count(&format!("/{number}")), usize::from(number < 16), "{number}");
    }
    for number in 5..16 {
        assert_eq!(local.decides(&of(number)), "allow", "{number}");
        assert_eq!(server.count(&format!("/{number}")), 1, "{number}");
    }
}

#[test]
fn key_sets_not_reached_at_start_up_come_with_their_first_token() {
    let server = KeyServer::start();
    for number in 0..10 {
        let delay = if number < 8 { Duration::from_secs(3600) } else { Duration::ZERO };
        server.set(&format!("/{number}"), set(&[&key("ES256")]).delayed(delay));
    }
    let local = Local::new(&issuers(&server, 10));
    let began = instant();
    local.warm_up();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    for number in [8, 9] {
        let path = format!("/{number}");
        assert_eq!(server.count(&path), 0);
        assert_eq!(local.decides(&of(number)), "allow", "{number}");
        assert_eq!(server.count(&path), 1);
    }
}

#[test]
fn a_key_set_with_a_fresh_seed_is_not_fetched_at_start_up() {
    let (server, scratch) = (KeyServer::start(), Scratch::new());
    let seed = scratch.file("seed.json", jwks(&[key("ES256")]).to_string());
    let file = std::fs::File::options().append(true).open(&seed).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(crate::world::NOW)).unwrap();
    let mut config = issuers(&server, 20);
    for number in 0..20 {
        server.set(&format!("/{number}"), set(&[&key("ES256")]));
        if number < 4 {
            config["issuers"][number]["jwks_seed_file"] = seed.as_str().into();
        }
    }
    let local = Local::new(&config);
    local.warm_up();
    for number in 0..20 {
        assert_eq!(server.count(&format!("/{number}")), usize::from(number >= 4), "{number}");
        assert_eq!(local.decides(&of(number)), "allow", "{number}");
    }
}

#[test]
fn start_up_waits_at_most_two_seconds_and_a_stalling_server_blocks_no_other() {
    let server = KeyServer::start();
    server.set("/0", set(&[&key("ES256")]));
    server.set("/1", set(&[&key("ES256")]).stalling_after(10));
    server.set("/2", set(&[&key("ES256")]).delayed(Duration::from_secs(3600)));
    let local = Local::new(&issuers(&server, 3));
    let began = instant();
    local.warm_up();
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(1500) && took < Duration::from_secs(5), "{took:?}");
    assert_eq!(local.decides(&of(0)), "allow");
    assert_eq!(server.count("/0"), 1);
    // The first request that needs a stalled set fetches it without a pause.
    for number in [1, 2] {
        let path = format!("/{number}");
        assert_eq!(server.count(&path), 1);
        server.set(&path, set(&[&key("ES256")]));
        assert_eq!(local.decides(&of(number)), "allow", "{number}");
        assert_eq!(server.count(&path), 2);
    }
}

#[test]
fn a_failure_at_start_up_is_not_fatal_and_does_not_hold_back_the_first_request() {
    let (server, local) = served(&[&key("ES256")], json!({}));
    server.set(KEYS, down());
    local.warm_up();
    assert_eq!(server.count(KEYS), 1);
    assert_eq!(local.decides(&token(&key("ES256"))), "KeysUnavailable");
    assert_eq!(server.count(KEYS), 2, "the first request fetches");
    assert_eq!(local.decides(&token(&key("ES256"))), "KeysUnavailable");
    assert_eq!(server.count(KEYS), 2, "the second request is within the pause");
    server.set(KEYS, set(&[&key("ES256")]));
    local.clock.advance(1);
    assert_eq!(local.decides(&token(&key("ES256"))), "allow");
    assert_eq!(server.count(KEYS), 3);
}

#[test]
fn a_set_fetched_at_start_up_serves_the_first_request_and_counts_for_the_cooldown() {
    let (server, local) = served(&[&key("ES256")], json!({}));
    local.warm_up();
    assert_eq!(local.decides(&token(&key("ES256"))), "allow");
    assert_eq!(local.decides(&crate::world::random(0)), "Unauthorized");
    assert_eq!(server.count(KEYS), 1);
}

#[test]
fn an_environment_started_long_before_its_first_request_refreshes_its_sets_then() {
    let (server, local) = served(&[&key("ES256")], json!({}));
    local.warm_up();
    // Lambda may freeze the environment for hours, and the monotonic clock may not count that time.
    local.clock.advance_wall(7200);
    assert_eq!(local.decides(&token(&key("ES256"))), "allow");
    assert_eq!(server.count(KEYS), 2);
}

#[test]
fn no_connection_is_kept_across_invocations() {
    let (server, local) = served(&[&key("ES256")], json!({ "fresh_seconds": 100 }));
    for fetches in 1..5 {
        assert_eq!(local.decides(&token(&key("ES256"))), "allow");
        assert_eq!((server.count(KEYS), server.connections()), (fetches, fetches));
        local.clock.advance(100);
    }
}

#[test]
fn no_task_outlives_an_invocation() {
    let server = KeyServer::start();
    let local = Local::on_one_thread(&api_of(&server, json!({ "fresh_seconds": 100, "timeout_ms": 300 })));
    for (reply, expected) in [
        (set(&[&key("ES256")]), "allow"),
        (down(), "allow"),
        (set(&[&key("ES256")]).stalling_after(10), "allow"),
        (Reply::closed(), "allow"),
        (set(&[&key("ES256")]), "allow"),
    ] {
        server.set(KEYS, reply);
        let before = server.count(KEYS);
        assert_eq!(local.decides(&token(&key("ES256"))), expected);
        assert_eq!(server.count(KEYS), before + 1);
        assert_eq!(local.tasks(), 0, "tasks left behind");
        local.clock.advance(160);
    }
}
