//! Identity providers that misbehave in ways that need raw bytes on the wire or a real network.

use std::ops::Range;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::api::{AUDIENCE, KEYS, allow, claims, event, lambda};
use crate::support::http::Reply;
use crate::support::{KeyServer, Lambda, SigningKey, eventually, jwks, key, stranger};

/// A complete response of raw bytes, with these headers and a valid key set.
fn raw(headers: &str) -> Reply {
    let set = jwks(&[key("RS256")]).to_string();
    Reply::raw(format!("HTTP/1.1 200 OK\r\n{}\r\n\r\n{set}", headers.replace("LENGTH", &set.len().to_string())))
}

/// A response: its description, its bytes, and whether it is accepted as a key set.
type Response = (&'static str, Reply, bool);

fn responses() -> Vec<Response> {
    let set = jwks(&[key("RS256")]).to_string();
    let good = set.as_str();
    let chunk = format!("{:x}\r\n{good}\r\n", good.len());
    let many_headers: String = (0..10_000).map(|number| format!("X-{number}: x\r\n")).collect();
    let wrong = |change: fn(&mut Value)| {
        let mut wrong = key("RS256").jwk();
        change(&mut wrong);
        Reply::json(&json!({ "keys": [wrong] }))
    };
    vec![
        // Headers that describe the body without changing it are ignored.
        ("no content type", raw("Content-Length: LENGTH"), true),
        ("HTML that is a key set", raw("Content-Type: text/html\r\nContent-Length: LENGTH"), true),
        ("no length, up to the end", raw("Connection: close"), true),
        ("chunks", Reply::raw(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n")), true),
        (
            "a continuation before it",
            Reply::raw(format!(
                "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{good}",
                good.len()
            )),
            true,
        ),
        ("HTTP/1.0", Reply::raw(format!("HTTP/1.0 200 OK\r\n\r\n{good}")), true),
        // Everything else is rejected.
        ("a length that is too small", raw("Content-Length: 20"), false),
        ("a length that is too large", raw("Content-Length: 100000"), false),
        ("a negative length", raw("Content-Length: -1"), false),
        ("an enormous length", raw("Content-Length: 18446744073709551616"), false),
        ("two lengths", raw("Content-Length: LENGTH\r\nContent-Length: 20"), false),
        (
            "chunks without their end",
            Reply::raw(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}")),
            false,
        ),
        (
            "a chunk of another size",
            Reply::raw(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{good}\r\n0\r\n\r\n")),
            false,
        ),
        (
            "an enormous chunk",
            Reply::raw(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{good}")),
            false,
        ),
        // Bodies are not decompressed, so a small response cannot expand.
        (
            "packed bytes",
            Reply::ok(b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0".as_slice())
                .header("Content-Encoding", "gzip"),
            false,
        ),
        (
            "a switch of protocols",
            Reply::raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"),
            false,
        ),
        ("no HTTP at all", Reply::raw("SSH-2.0-OpenSSH_9.2\r\n"), false),
        ("TLS where none was asked for", Reply::raw(b"\x15\x03\x01\0\x02\x02\x46".as_slice()), false),
        ("HTTP/0.9", Reply::raw(good), false),
        ("ten thousand headers", raw(&format!("{many_headers}Content-Length: LENGTH")), false),
        (
            "a header of ten million bytes",
            raw(&format!("X: {}\r\nContent-Length: LENGTH", "x".repeat(10_000_000))),
            false,
        ),
        ("a body without end", Reply::endless("HTTP/1.1 200 OK\r\n\r\n", " ".repeat(65_536).as_bytes()), false),
        (
            "chunks without end",
            Reply::endless(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                b"1\r\n \r\n".repeat(4096).as_slice(),
            ),
            false,
        ),
        ("headers without end", Reply::endless("HTTP/1.1 200 OK\r\n", b"X: x\r\n".repeat(4096).as_slice()), false),
        (
            "early hints without end",
            Reply::endless("", b"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(4096).as_slice()),
            false,
        ),
        (
            "a list without end",
            Reply::endless("HTTP/1.1 200 OK\r\n\r\n{\"keys\":[", b"{},".repeat(4096).as_slice()),
            false,
        ),
        ("a body that drips", Reply::dripping(format!("HTTP/1.1 200 OK\r\n\r\n{good}"), Duration::from_secs(1)), false),
        (
            "a head that drips",
            Reply::dripping(format!("HTTP/1.1 200 OK\r\nX: {}\r\n", "x".repeat(100_000)), Duration::from_millis(10)),
            false,
        ),
        ("a key of another kind", wrong(|key| key["kty"] = "EC".into()), false),
        ("a key for another use", wrong(|key| key["use"] = "enc".into()), false),
        ("a key for another algorithm", wrong(|key| key["alg"] = "RSA-OAEP".into()), false),
        ("a key without its parts", wrong(|key| key["n"] = Value::Null), false),
        ("a small key", wrong(|key| key["n"] = "AQAB".into()), false),
    ]
}

/// An issuer for each response. The path of its key set is the number of the response.
fn issuers(server: &KeyServer, responses: &[Response], keys_cache: &Value) -> Vec<Value> {
    let issuer = |number: usize| {
        let url = server.url(&format!("/{number}"));
        json!({ "issuer": format!("{KEYS}{number}"), "audience": AUDIENCE, "jwks_uri": url, "keys_cache": keys_cache })
    };
    (0..responses.len()).map(issuer).collect()
}

/// Runs the program for all issuers, in groups as large as the number of key sets that start-up fetches. Calls `then`
/// with the numbers of a group once the program has started, and `ask` with each number.
fn with_all(issuers: &[Value], then: impl Fn(Range<usize>), mut ask: impl FnMut(&Lambda, usize)) {
    const MOST: usize = 16;
    for (round, some) in issuers.chunks(MOST).enumerate() {
        let config = json!({
            "policy": "single_request",
            "issuers": some,
            "routes": [{ "method": "GET", "path": "/movies", "scopes": "read:movies" }],
        });
        let lambda = lambda(&config, &[]);
        lambda.api.started();
        let first = round.wrapping_mul(MOST);
        let numbers = first..first.wrapping_add(some.len());
        then(numbers.clone());
        for number in numbers {
            ask(&lambda, number);
        }
    }
}

fn token(key: &SigningKey, number: usize) -> String {
    key.token(&claims(&format!("{KEYS}{number}"), json!({})))
}

#[test]
fn whatever_a_provider_sends_is_a_key_set_or_an_outage() {
    let server = KeyServer::start();
    let responses = responses();
    for (number, (_, reply, _)) in responses.iter().enumerate() {
        server.set(&format!("/{number}"), reply.clone());
    }
    with_all(
        &issuers(&server, &responses, &json!({ "timeout_ms": 500 })),
        |_| {},
        |lambda, number| {
            let (what, _, is_key_set) = &responses[number];
            let answer = lambda.invoke(event(&token(&key("RS256"), number), "GET/movies"));
            match is_key_set {
                true => assert_eq!(answer.policy(), allow("alice", "GET/movies"), "{what}"),
                false => {
                    assert!(answer.is_error, "{what}: {}", answer.json());
                    assert_eq!(answer.error().0, "KeysUnavailable", "{what}");
                }
            }
        },
    );
}

#[test]
fn a_good_set_survives_every_bad_response() {
    let server = KeyServer::start();
    let responses: Vec<Response> = responses().into_iter().filter(|(_, _, is_key_set)| !is_key_set).collect();
    let times = json!({ "fresh_seconds": 1, "cooldown_seconds": 1, "timeout_ms": 300 });
    let issuers = issuers(&server, &responses, &times);
    let good = || {
        for number in 0..responses.len() {
            server.set(&format!("/{number}"), Reply::json(&jwks(&[key("RS256")])));
        }
    };
    let bad = |numbers: Range<usize>| {
        for number in numbers {
            server.set(&format!("/{number}"), responses[number].1.clone());
        }
    };
    good();
    with_all(&issuers, bad, |lambda, number| {
        let path = format!("/{number}");
        let (what, ..) = &responses[number];
        let known = || lambda.invoke(event(&token(&key("RS256"), number), "GET/movies")).policy();
        eventually(what, || {
            assert_eq!(known(), allow("alice", "GET/movies"), "{what}");
            (server.count(&path) > 1).then_some(())
        });
        // Without a refresh, it is undecided whether another key is unknown, so it is not denied.
        let unknown = lambda.invoke(event(&token(&stranger("RS256"), number), "GET/movies"));
        assert_eq!(unknown.error().0, "KeysUnavailable", "{what}");
        assert_eq!(known(), allow("alice", "GET/movies"), "{what}");
    });
}
