//! A wall clock that jumps: libfaketime (`apt-get install faketime`) is preloaded into the program. Without it the
//! tests are skipped with a message.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::processes::frozen;
use crate::support::api::{AUDIENCE, KEYS, SECRET, YOUNG, allow, claims, config, deny_all, event, secret_token};
use crate::support::http::Reply;
use crate::support::{KeyServer, Lambda, Scratch, jwks, key, now, stranger};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// The paths where Debian and other distributions install the library.
pub(crate) const LIBRARIES: [&str; 5] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
    "/usr/local/lib/faketime/libfaketime.so.1",
];

/// The behaviour of the monotonic clock when the wall clock jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Monotonic {
    /// It continues, as when the wall clock is set, or in a freeze that it does not count.
    Goes,
    /// It jumps too, as in a freeze that it counts.
    Jumps,
}

/// The program under a clock that can be set.
struct Faked {
    lambda: Lambda,
    scratch: Scratch,
}

impl Faked {
    /// Starts the program with its clock a day ahead, so that an hour earlier is still after the build. Without
    /// libfaketime, prints the reason and returns `None`.
    fn start(config: &Value, monotonic: Monotonic) -> Option<Self> {
        let Some(library) = LIBRARIES.into_iter().find(|path| std::path::Path::new(path).exists()) else {
            // `eprintln!` is captured in a test that passes; this is not.
            writeln!(std::io::stderr(), "\nskipped: libfaketime is not installed (apt-get install faketime)").unwrap();
            return None;
        };
        let scratch = Scratch::new();
        let (file, config) = (scratch.file("clock", format!("+{DAY}")), config.to_string());
        let mut variables = vec![
            ("AUTHORIZER_CONFIG", config.as_str()),
            ("SECRET", key("HS256").secret()),
            ("LD_PRELOAD", library),
            ("FAKETIME_TIMESTAMP_FILE", &file),
            ("FAKETIME_NO_CACHE", "1"),
        ];
        if monotonic == Monotonic::Goes {
            variables.push(("FAKETIME_DONT_FAKE_MONOTONIC", "1"));
        }
        let lambda = Lambda::start(&variables);
        lambda.api.started();
        Some(Self { lambda, scratch })
    }

    /// Sets the clock to this many seconds after its start.
    fn set(&self, seconds: i64) {
        // The program reads the file each time it reads the clock, so replace it atomically.
        let offset = DAY.wrapping_add(seconds);
        let new = self.scratch.file("new", format!("{offset:+}"));
        std::fs::rename(new, format!("{}/clock", self.scratch.path())).unwrap();
    }

    /// `allow`, or the reason or error type of the refusal.
    fn decides(&self, token: &str) -> String {
        let answer = self.lambda.invoke(event(token, "GET/movies"));
        if answer.is_error {
            return answer.error().0;
        }
        let policy = answer.policy();
        policy["context"]["reason"].as_str().unwrap_or("allow").to_owned()
    }
}

/// The time this many seconds after the program's start, by its clock.
fn at(seconds: i64) -> u64 {
    now().checked_add_signed(DAY.wrapping_add(seconds)).unwrap()
}

#[test]
fn tokens_are_checked_against_the_current_time_after_every_jump() {
    let Some(faked) = Faked::start(&config(), Monotonic::Goes) else {
        return;
    };
    let token = secret_token(json!({ "iat": at(0), "exp": at(HOUR / 2) }));
    let young = |iat| key("HS256").token(&claims(YOUNG, json!({ "iat": iat, "region": "eu" })));
    // This issuer limits the token's age to an hour.
    let old = young(at(-HOUR / 2));
    let steps = [
        (0, "allow", "allow"),
        (HOUR, "expired", "too_old"),
        (-HOUR, "Unauthorized", "Unauthorized"),
        (0, "allow", "allow"),
    ];
    for (jump, expected, expected_of_old) in steps.into_iter().chain(steps) {
        faked.set(jump);
        assert_eq!(faked.decides(&token), expected, "{jump}");
        assert_eq!(faked.decides(&old), expected_of_old, "{jump}");
        assert_eq!(faked.decides(&secret_token(json!({ "iat": null }))), "allow", "{jump}");
    }
    assert_eq!(
        faked.lambda.invoke(event(&secret_token(json!({ "exp": at(-60) })), "GET/movies")).policy(),
        deny_all("expired")
    );
}

#[test]
fn a_policy_expires_with_its_token_whatever_the_clock_says() {
    let Some(faked) = Faked::start(&config(), Monotonic::Goes) else {
        return;
    };
    let token = secret_token(json!({ "iat": null }));
    let aged = key("HS256").token(&claims(YOUNG, json!({ "iat": at(0), "region": "eu" })));
    let condition = |token: &str| {
        let answer = faked.lambda.invoke(event(token, "GET/movies")).policy();
        answer["policyDocument"]["Statement"][0]["Condition"].clone()
    };
    let first = condition(&aged);
    assert!(first["DateLessThan"]["aws:CurrentTime"].is_string(), "{first}");
    for jump in [HOUR / 2, 0] {
        faked.set(jump);
        assert_eq!(faked.lambda.invoke(event(&token, "GET/movies")).policy(), allow("alice", "GET/movies"));
        // The end is that of the token's maximum age, and does not move with the clock.
        assert_eq!(condition(&aged), first);
    }
}

#[test]
fn a_clock_before_the_build_decides_nothing_until_it_is_right_again() {
    let Some(faked) = Faked::start(&config(), Monotonic::Goes) else {
        return;
    };
    let token = secret_token(json!({ "iat": null }));
    for _ in 0..3 {
        faked.set(-400 * DAY);
        assert_eq!(faked.decides(&token), "InternalError");
        assert_eq!(faked.decides("x"), "InternalError", "an invalid token is not denied either");
        faked.set(0);
        assert_eq!(faked.decides(&token), "allow");
    }
}

/// A server with a key set at `/keys`, and a program that fetches it, with the default ages: fresh for ten minutes, then usable
/// for an hour.
fn fetching(monotonic: Monotonic) -> Option<(KeyServer, Faked)> {
    let server = KeyServer::start();
    server.set("/keys", Reply::json(&jwks(&[key("RS256")])));
    let mut config = config();
    config["issuers"][1] = json!({ "issuer": KEYS, "audience": AUDIENCE, "jwks_uri": server.url("/keys") });
    let faked = Faked::start(&config, monotonic)?;
    Some((server, faked))
}

#[test]
fn the_age_of_keys_is_that_of_the_clock_that_advanced_further() {
    for monotonic in [Monotonic::Goes, Monotonic::Jumps] {
        let Some((server, faked)) = fetching(monotonic) else { return };
        let token = key("RS256").token(&claims(KEYS, json!({ "iat": null })));
        let asked = |expected: &str, fetches: usize, what: &str| {
            assert_eq!(faked.decides(&token), expected, "{monotonic:?}: {what}");
            assert_eq!(server.count("/keys"), fetches, "{monotonic:?}: {what}");
        };
        asked("allow", 1, "fresh");
        faked.set(HOUR / 2);
        asked("allow", 2, "stale, and refreshed");
        asked("allow", 2, "fresh again");
        server.set("/keys", Reply::status(500));
        faked.set(HOUR / 2 + HOUR);
        asked("allow", 3, "stale, and served in an outage");
        faked.set(HOUR / 2 + 3 * HOUR);
        asked("KeysUnavailable", 4, "too old to be served");
        server.set("/keys", Reply::json(&jwks(&[key("RS256")])));
        faked.set(HOUR / 2 + 4 * HOUR);
        asked("allow", 5, "fetched again");
    }
}

#[test]
fn a_clock_that_jumps_an_hour_back_and_forth_makes_no_key_younger_and_causes_few_fetches() {
    let Some((server, faked)) = fetching(Monotonic::Goes) else { return };
    let token = key("RS256").token(&claims(KEYS, json!({ "iat": null })));
    assert_eq!(faked.decides(&token), "allow");
    // The clock is set back: by the monotonic clock, the set is still fresh.
    faked.set(-HOUR);
    assert_eq!((faked.decides(&token).as_str(), server.count("/keys")), ("allow", 1));
    // The clock is correct again: nothing changes.
    faked.set(0);
    assert_eq!((faked.decides(&token).as_str(), server.count("/keys")), ("allow", 1));
    // An hour ahead, the set is stale. Once the clock is correct again, the refetched set has a time in the future.
    faked.set(HOUR);
    assert_eq!((faked.decides(&token).as_str(), server.count("/keys")), ("allow", 2));
    faked.set(0);
    assert_eq!((faked.decides(&token).as_str(), server.count("/keys")), ("allow", 2));
    // A removed key is gone on time, because the clock that advanced further counts.
    server.set("/keys", Reply::json(&jwks(&[stranger("RS256")])));
    faked.set(2 * HOUR);
    assert_eq!((faked.decides(&token).as_str(), server.count("/keys")), ("Unauthorized", 3));
}

#[test]
fn unknown_keys_are_refetched_after_every_jump_and_never_in_a_loop() {
    for monotonic in [Monotonic::Goes, Monotonic::Jumps] {
        let Some((server, faked)) = fetching(monotonic) else { return };
        let unknown = stranger("RS256").token(&claims(KEYS, json!({ "iat": null })));
        for (jump, fetches) in [(0, 1), (60, 2), (120, 3), (180, 4)] {
            faked.set(jump);
            for _ in 0..5 {
                assert_eq!(faked.decides(&unknown), "Unauthorized", "{monotonic:?}: {jump}");
                assert_eq!(server.count("/keys"), fetches, "{monotonic:?}: {jump}");
            }
        }
        if monotonic == Monotonic::Goes {
            // The wall clock is now before the last attempt, but the monotonic clock still counts the cooldown.
            faked.set(-HOUR);
            assert_eq!(faked.decides(&unknown), "Unauthorized");
            assert_eq!(server.count("/keys"), 4);
        }
    }
}

#[test]
fn a_day_of_freezes_of_an_hour_each_changes_no_answer() {
    for monotonic in [Monotonic::Goes, Monotonic::Jumps] {
        let Some((server, faked)) = fetching(monotonic) else { return };
        let lasting = key("RS256").token(&claims(KEYS, json!({ "iat": null })));
        let ending = key("HS256").token(&claims(SECRET, json!({ "iat": null, "exp": at(12 * HOUR + HOUR / 2) })));
        for hour in 1..=24 {
            faked.lambda.api.idle(1);
            let request_id = frozen(&faked.lambda.function, || {
                faked.set(hour * HOUR);
                faked.lambda.api.begin(event(&lasting, "GET/movies"))
            });
            assert_eq!(
                faked.lambda.api.answer(&request_id).policy(),
                allow("alice", "GET/movies"),
                "{monotonic:?}: {hour}"
            );
            assert_eq!(faked.decides(&ending), if hour <= 12 { "allow" } else { "expired" }, "{monotonic:?}: {hour}");
        }
        // At start-up and after each hour, because a set is fresh for ten minutes.
        assert_eq!(server.count("/keys"), 25, "{monotonic:?}");
    }
}
