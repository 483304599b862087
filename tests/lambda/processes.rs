//! Freezes, as between two invocations in Lambda, and termination signals.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::api::{AUDIENCE, KEYS, allow, claims, config, deny_all, event, lambda, secret_token};
use crate::support::http::Reply;
use crate::support::{Function, KeyServer, Lambda, RuntimeApi, SigningKey, eventually, jwks, key, stranger};

const CONCURRENT: (&str, &str) = ("AWS_LAMBDA_MAX_CONCURRENCY", "4");
/// The signal that ends a terminated program.
const TERMINATED: Option<i32> = Some(15);

fn good() -> String {
    event(&secret_token(json!({})), "GET/movies")
}

/// An API whose key set is at `/keys`, with times so short that a freeze outlasts them.
fn fetching(server: &KeyServer) -> Value {
    let times = json!({ "fresh_seconds": 1, "cooldown_seconds": 1, "timeout_ms": 10_000 });
    let mut config = config();
    config["issuers"][1] =
        json!({ "issuer": KEYS, "audience": AUDIENCE, "jwks_uri": server.url("/keys"), "keys_cache": times });
    config
}

fn with(key: &SigningKey) -> String {
    event(&key.token(&claims(KEYS, json!({}))), "GET/movies")
}

/// Stops the program, runs `meanwhile`, and resumes the program.
#[track_caller]
pub(crate) fn frozen<T>(function: &Function, meanwhile: impl FnOnce() -> T) -> T {
    function.0.signal("STOP");
    eventually("it is stopped", || {
        let stat = std::fs::read_to_string(function.0.proc("stat")).unwrap();
        let (_, rest) = stat.rsplit_once(") ").unwrap();
        rest.starts_with('T').then_some(())
    });
    let found = meanwhile();
    function.0.signal("CONT");
    found
}

#[test]
fn a_days_freezes_between_invocations_change_no_answer() {
    let server = KeyServer::start();
    server.set("/keys", Reply::json(&jwks(&[key("RS256")])));
    let lambda = lambda(&fetching(&server), &[]);
    for freeze in 0..300 {
        lambda.api.idle(1);
        // The event arrives during the freeze, as in Lambda, which thaws the program for it.
        let events = [good(), with(&key("RS256")), event("x", "GET/movies")];
        let request_id = frozen(&lambda.function, || lambda.api.begin(&events[freeze % 3]));
        let expected = if freeze % 3 == 2 { deny_all("malformed_token") } else { allow("alice", "GET/movies") };
        assert_eq!(lambda.api.answer(&request_id).policy(), expected);
    }
    assert_eq!(lambda.api.connections(), 1, "a freeze costs no connection");
}

#[test]
fn freezes_in_the_middle_of_invocations_lose_no_answer() {
    for variables in [&[][..], &[CONCURRENT]] {
        let lambda = lambda(&config(), variables);
        lambda.api.started();
        for _ in 0..50 {
            let begun: Vec<String> = (0..4).map(|_| lambda.api.begin(good())).collect();
            frozen(&lambda.function, || {});
            for request_id in begun {
                assert_eq!(lambda.api.answer(&request_id).policy(), allow("alice", "GET/movies"));
            }
        }
    }
}

#[test]
fn a_freeze_in_the_middle_of_a_key_fetch_whose_connection_dies_meanwhile_is_an_outage_at_most() {
    let server = KeyServer::start();
    let set = Reply::json(&jwks(&[key("RS256")]));
    server.set("/keys", set.clone().stalling_after(10));
    let lambda = lambda(&fetching(&server), &[]);
    lambda.api.started();
    for _ in 0..3 {
        // The fetch at start-up has failed; the one for this event hangs.
        let request_id = waiting(&lambda, &server, &with(&key("RS256")));
        frozen(&lambda.function, || server.close_connections());
        assert_eq!(lambda.api.answer(&request_id).error().0, "KeysUnavailable");
        assert_eq!(lambda.invoke(good()).policy(), allow("alice", "GET/movies"));
    }
    server.set("/keys", set);
    eventually("it heals", || {
        let answer = lambda.invoke(with(&key("RS256")));
        if answer.is_error {
            assert_eq!(answer.error().0, "KeysUnavailable");
        }
        (!answer.is_error).then_some(())
    });
}

/// Starts invocations until one waits for a fetch; returns its request id.
fn waiting(lambda: &Lambda, server: &KeyServer, event: &str) -> String {
    eventually("a fetch is under way", || {
        let asked = server.count("/keys");
        let request_id = lambda.api.begin(event);
        eventually("the invocation fetches keys or is answered", || {
            (server.count("/keys") > asked || lambda.api.is_answered(&request_id)).then_some(())
        });
        (!lambda.api.is_answered(&request_id)).then_some(request_id)
    })
}

#[test]
fn a_freeze_that_outlasts_a_key_fetch_costs_known_keys_nothing_and_new_ones_an_error_at_most() {
    let server = KeyServer::start();
    server.set("/keys", Reply::json(&jwks(&[key("RS256")])));
    let lambda = lambda(&fetching(&server), &[]);
    lambda.api.started();
    server.set("/keys", Reply::json(&jwks(&[key("RS256"), stranger("RS256")])).delayed(Duration::from_millis(300)));
    // Long enough for the response to reach the socket and for the wait to exceed its limit.
    let long = || std::thread::sleep(Duration::from_secs(1));
    let known = waiting(&lambda, &server, &with(&key("RS256")));
    frozen(&lambda.function, long);
    assert_eq!(lambda.api.answer(&known).policy(), allow("alice", "GET/movies"));
    let new = with(&stranger("RS256"));
    eventually("the new key is found", || {
        let answer = lambda.invoke(&new);
        if answer.is_error {
            assert_eq!(answer.error().0, "KeysUnavailable");
        }
        (!answer.is_error).then_some(())
    });
}

#[test]
fn a_runtime_api_connection_that_dies_in_a_freeze_loses_no_answer() {
    // The event arrives and its connection closes while the program is frozen.
    for variables in [&[][..], &[CONCURRENT]] {
        let lambda = lambda(&config(), variables);
        for _ in 0..20 {
            lambda.api.started();
            let request_id = frozen(&lambda.function, || {
                let request_id = lambda.api.begin_as(good(), |reply| reply.broken_after(usize::MAX));
                std::thread::sleep(Duration::from_millis(10));
                request_id
            });
            assert_eq!(lambda.api.answer(&request_id).policy(), allow("alice", "GET/movies"));
        }
    }
}

#[test]
fn a_termination_signal_ends_the_program_at_once_in_every_state() {
    let terminated = |function: Function| {
        function.terminate();
        let finished = function.finished();
        assert_eq!(finished.status.signal(), TERMINATED, "{finished:?}");
        assert_eq!(finished.stderr, "");
    };
    let server = KeyServer::start();
    server.set("/keys", Reply::json(&jwks(&[key("RS256")])).stalling_after(10));
    let config = fetching(&server);
    for variables in [&[][..], &[CONCURRENT]] {
        // During init, while it fetches.
        let asked = server.count("/keys");
        let starting = lambda(&config, variables);
        eventually("it fetches", || (server.count("/keys") > asked).then_some(()));
        terminated(starting.function);
        // Idle.
        let idle = lambda(&config, variables);
        idle.api.started();
        terminated(idle.function);
        // During an invocation that waits for keys.
        let waiting = lambda(&config, variables);
        waiting.api.started();
        let asked = server.count("/keys");
        let request_id = waiting.api.begin(with(&key("RS256")));
        eventually("it fetches", || (server.count("/keys") > asked).then_some(()));
        terminated(waiting.function);
        assert!(!waiting.api.is_answered(&request_id), "the program must not answer");
        // Frozen: it ends once it resumes.
        let stopped = lambda(&config, variables);
        stopped.api.started();
        frozen(&stopped.function, || stopped.function.terminate());
        let finished = stopped.function.finished();
        assert_eq!(finished.status.signal(), TERMINATED, "{finished:?}");
    }
}

#[test]
fn a_termination_signal_ends_the_program_while_the_runtime_api_refuses() {
    let api = RuntimeApi::start();
    api.refuse(true);
    let config = config().to_string();
    let variables = [("AUTHORIZER_CONFIG", config.as_str()), ("SECRET", key("HS256").secret()), CONCURRENT];
    let function = Function::start(&api, &variables);
    eventually("the function retries", || (api.connections() > 10).then_some(()));
    function.terminate();
    assert_eq!(function.finished().status.signal(), TERMINATED);
}

#[test]
fn answers_received_before_a_termination_signal_are_complete() {
    for _ in 0..20 {
        let Lambda { function, api } = lambda(&config(), &[CONCURRENT]);
        api.started();
        let begun: Vec<String> = (0..40).map(|_| api.begin(good())).collect();
        eventually("some are answered", || api.is_answered(&begun[5]).then_some(()));
        function.terminate();
        assert_eq!(function.finished().status.signal(), TERMINATED);
        let answered: Vec<_> = begun.iter().filter(|request_id| api.is_answered(request_id)).collect();
        assert!(!answered.is_empty());
        for request_id in answered {
            assert_eq!(api.answer(request_id).policy(), allow("alice", "GET/movies"));
        }
    }
}
