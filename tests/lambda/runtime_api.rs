//! A Runtime API that closes connections, truncates responses and refuses. No answer is lost or wrong. The program
//! continues, or ends with a failure status so that Lambda restarts it. It never hangs.

use serde_json::json;

use crate::support::api::{allow, config, event, lambda, malformed_events, secret_token, serves};
use crate::support::http::Reply;
use crate::support::{Finished, Function, KeyServer, Lambda, RuntimeApi, eventually, key};

const CONCURRENT: (&str, &str) = ("AWS_LAMBDA_MAX_CONCURRENCY", "4");
/// The exit status of a program that cannot continue, and of one that panicked.
const FAILED: Option<i32> = Some(1);
const PANICKED: Option<i32> = Some(101);

fn good() -> String {
    event(&secret_token(json!({})), "GET/movies")
}

/// Checks that the program ends by itself with this exit status.
#[track_caller]
fn ends(lambda: Lambda, exit: Option<i32>) -> (Finished, RuntimeApi) {
    let Lambda { function, api } = lambda;
    let finished = function.finished();
    assert_eq!(finished.status.code(), exit, "{finished:?}");
    assert_eq!(finished.stderr, "", "in Lambda the log is standard output");
    (finished, api)
}

#[test]
fn an_answer_whose_connection_is_closed_is_sent_again() {
    for variables in [&[][..], &[CONCURRENT]] {
        let lambda = lambda(&config(), variables);
        lambda.api.acknowledge(Reply::closed(), false);
        serves(&lambda);
        lambda.api.acknowledge(Reply::closed(), false);
        assert_eq!(lambda.invoke("no event").error().0, "MalformedEvent");
        // The status of the acknowledgement is enough.
        lambda.api.acknowledge(Reply::status(202).body("{}").broken_after(1), true);
        serves(&lambda);
        serves(&lambda);
        assert_eq!(lambda.api.repeated(), 0);
    }
}

#[test]
fn a_repeated_answer_that_is_refused_does_not_end_the_program() {
    for variables in [&[][..], &[CONCURRENT]] {
        let lambda = lambda(&config(), variables);
        for repeated in 1..=3 {
            lambda.api.acknowledge(Reply::closed(), true);
            serves(&lambda);
            // The program polls for the next event after that.
            serves(&lambda);
            assert!(lambda.api.repeated() <= repeated);
        }
        eventually("the answer is sent again", || (lambda.api.repeated() == 3).then_some(()));
    }
}

#[test]
fn an_answer_is_sent_twice_at_most() {
    let lambda = lambda(&config(), &[]);
    lambda.api.acknowledge(Reply::closed(), false);
    lambda.api.acknowledge(Reply::closed(), false);
    let lost = lambda.api.begin(good());
    let (finished, api) = ends(lambda, FAILED);
    assert!(!api.is_answered(&lost));
    assert_eq!(finished.stdout.matches("the answer could not be sent; trying once more").count(), 1, "{finished:?}");
    assert!(finished.stdout.contains("the Runtime API cannot be reached"), "{finished:?}");
}

#[test]
fn an_answer_that_is_refused_is_not_sent_again() {
    for status in [400, 403, 410, 413, 500] {
        let lambda = lambda(&config(), &[]);
        lambda.api.acknowledge(Reply::status(status), true);
        serves(&lambda);
        serves(&lambda);
        assert_eq!(lambda.api.repeated(), 0, "{status}");
    }
}

#[test]
fn a_connection_closed_after_an_event_loses_no_answer() {
    for variables in [&[][..], &[CONCURRENT]] {
        let lambda = lambda(&config(), variables);
        for _ in 0..50 {
            let request_id = lambda.api.begin_as(good(), |reply| reply.broken_after(usize::MAX));
            assert_eq!(lambda.api.answer(&request_id).policy(), allow("alice", "GET/movies"));
        }
        serves(&lambda);
    }
}

#[test]
fn a_connection_closed_during_a_poll_ends_the_program() {
    let lambda = lambda(&config(), &[]);
    serves(&lambda);
    lambda.api.begin_as("", |_| Reply::closed());
    let (finished, _) = ends(lambda, FAILED);
    assert!(finished.stdout.contains("the Runtime API cannot be reached"), "{finished:?}");
}

#[test]
fn a_truncated_event_is_never_decided() {
    let shapes: [fn(Reply) -> Reply; 3] =
        [|reply| reply.broken_after(0), |reply| reply.broken_after(100), |reply| reply.broken_after(200)];
    for shape in shapes {
        let lambda = lambda(&config(), &[]);
        serves(&lambda);
        let broken = lambda.api.begin_as(good(), shape);
        let (_, api) = ends(lambda, FAILED);
        assert!(!api.is_answered(&broken));
    }
}

#[test]
fn a_reply_that_is_not_an_event_ends_the_program() {
    let shapes: [fn(Reply) -> Reply; 5] = [
        |_| Reply::status(400),
        |_| Reply::status(403),
        |_| Reply::status(500).body("{\"errorType\":\"Internal\"}"),
        |_| Reply::status(503),
        |_| Reply::ok("{}"),
    ];
    for shape in shapes {
        let lambda = lambda(&config(), &[]);
        serves(&lambda);
        lambda.api.begin_as("", shape);
        let (finished, _) = ends(lambda, PANICKED);
        assert_eq!(finished.stdout.lines().count(), 1, "{finished:?}");
    }
}

#[test]
fn a_reply_that_is_not_http_ends_the_program() {
    let shapes: [fn(Reply) -> Reply; 4] = [
        |_| Reply::raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice()),
        |_| Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}"),
        |_| Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
        // A response head of ten million bytes.
        |_| Reply::raw(format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n{{}}", "x".repeat(10_000_000))),
    ];
    for shape in shapes {
        let lambda = lambda(&config(), &[]);
        serves(&lambda);
        lambda.api.begin_as("", shape);
        ends(lambda, FAILED);
    }
}

#[test]
fn with_concurrency_the_other_invocations_continue_until_none_can() {
    let lambda = lambda(&config(), &[CONCURRENT]);
    for left in [3, 2, 1] {
        lambda.api.begin_as(good(), |reply| reply.broken_after(100));
        lambda.api.idle(left);
        serves(&lambda);
    }
    lambda.api.begin_as(good(), |reply| reply.broken_after(100));
    ends(lambda, FAILED);
}

#[test]
fn with_concurrency_a_runtime_api_that_refuses_for_a_while_costs_nothing_after_it() {
    let lambda = lambda(&config(), &[CONCURRENT]);
    for _ in 0..3 {
        lambda.api.idle(4);
        let polls = lambda.api.connections();
        lambda.api.refuse(true);
        eventually("it tries again", || (lambda.api.connections() > polls).then_some(()));
        lambda.api.refuse(false);
        lambda.api.idle(4);
        serves(&lambda);
    }
}

#[test]
fn a_runtime_api_that_refuses_from_the_start_ends_the_program() {
    let lambda = {
        let api = RuntimeApi::start();
        api.refuse(true);
        let config = config().to_string();
        let secret = key("HS256").secret();
        let function = Function::start(&api, &[("AUTHORIZER_CONFIG", &config), ("SECRET", secret)]);
        Lambda { function, api }
    };
    ends(lambda, FAILED);
}

#[test]
fn an_address_without_a_listener_ends_the_program() {
    let api = RuntimeApi::start();
    let gone = KeyServer::start();
    let authority = gone.url("").trim_start_matches("http://").to_owned();
    drop(gone);
    let config = config().to_string();
    let secret = key("HS256").secret();
    for config in [config.as_str(), "{}"] {
        let function = Function::start(
            &api,
            &[("AUTHORIZER_CONFIG", config), ("SECRET", secret), ("AWS_LAMBDA_RUNTIME_API", &authority)],
        );
        let finished = function.finished();
        // A configuration mistake has its own status, even if the init error could not be posted.
        assert_eq!(finished.status.code(), if config == "{}" { Some(2) } else { FAILED }, "{finished:?}");
    }
}

#[test]
fn an_init_error_that_is_not_acknowledged_is_still_in_the_log() {
    let api = RuntimeApi::start();
    api.refuse(true);
    let finished = Function::start(&api, &[("AUTHORIZER_CONFIG", r#"{"routes":7}"#)]).finished();
    assert_eq!(finished.status.code(), Some(2), "{finished:?}");
    assert!(finished.stdout.contains("issuers") && finished.stdout.contains("routes"), "{finished:?}");
}

#[test]
fn malformed_events_on_connections_closed_after_them_are_answered() {
    let lambda = lambda(&config(), &[]);
    for body in malformed_events() {
        let request_id = lambda.api.begin_as(&body, |reply| reply.broken_after(usize::MAX));
        assert_eq!(lambda.api.answer(&request_id).error().0, "MalformedEvent");
    }
    serves(&lambda);
}
