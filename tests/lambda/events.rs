//! Events of any size and shape: each is answered, and so is the event after it.

use serde_json::{Value, json};

use crate::support::api::{
    CANARY, KEYS, STAGE, allow, claims, config, deny_all, event, event_with, lambda, secret_token, serves,
};
use crate::support::{Answer, Scratch, key, piece_in, pieces};

/// The largest event that Lambda passes to a function.
const LAMBDA_LIMIT: usize = 6 * 1024 * 1024;

/// A very long text.
fn long(bytes: usize) -> String {
    CANARY.repeat(bytes.div_ceil(CANARY.len()))
}

#[test]
fn an_event_of_six_megabytes_is_decided_by_its_members() {
    let lambda = lambda(&config(), &[]);
    let token = secret_token(json!({}));
    let mut good: Value = serde_json::from_str(&event(&token, "GET/movies")).unwrap();
    good["padding"] = long(LAMBDA_LIMIT).into();
    assert_eq!(lambda.invoke(good.to_string()).policy(), allow("alice", "GET/movies"));

    let spaces = format!("{}{}", " ".repeat(LAMBDA_LIMIT), event(&token, "GET/movies"));
    assert_eq!(lambda.invoke(spaces).policy(), allow("alice", "GET/movies"));

    let mut many: Value = serde_json::from_str(&event(&token, "GET/movies")).unwrap();
    for number in 0..100_000 {
        many[format!("member-{number}")] = json!([number, { "a": null }]);
    }
    assert_eq!(lambda.invoke(many.to_string()).policy(), allow("alice", "GET/movies"));
    serves(&lambda);
}

#[test]
fn a_token_of_a_megabyte_is_refused_for_its_shape() {
    let lambda = lambda(&config(), &[]);
    let megabyte = 1024 * 1024;
    let (input, signature) = {
        let token = secret_token(json!({}));
        let (input, signature) = token.rsplit_once('.').unwrap();
        (input.to_owned(), signature.to_owned())
    };
    for token in [
        "a".repeat(megabyte),
        ".".repeat(megabyte),
        long(megabyte),
        format!("{input}.{}", signature.repeat(25_000)),
        format!("{}.{signature}", input.repeat(5_000)),
        // Valid except for its size.
        secret_token(json!({ "padding": long(megabyte) })),
        key("RS256").token(&claims(KEYS, json!({ "padding": long(megabyte) }))),
    ] {
        let answer = lambda.invoke(event(&token, "GET/movies"));
        assert_eq!(answer.policy(), deny_all("malformed_token"), "{} bytes", token.len());
        serves(&lambda);
    }
    let spaces = event_with(Some(&format!("Bearer{}", " ".repeat(megabyte))), "GET/movies");
    assert_eq!(lambda.invoke(spaces).policy(), deny_all("missing_token"));
}

#[test]
fn a_path_of_a_megabyte_is_denied_without_being_repeated() {
    let lambda = lambda(&config(), &[]);
    for path in [long(1024 * 1024), "a/".repeat(500_000), "%41".repeat(300_000)] {
        let answer = lambda.invoke(event(&secret_token(json!({})), &format!("GET/{path}"))).policy();
        let statements = answer["policyDocument"]["Statement"].as_array().unwrap();
        assert!(!statements.is_empty());
        assert!(statements.iter().all(|statement| statement["Effect"] == "Deny"));
        assert!(answer.to_string().len() < 8 * 1024, "{} bytes", answer.to_string().len());
        serves(&lambda);
    }
}

/// Bodies that are not TOKEN events, larger and less regular than anything that a gateway sends.
fn garbage() -> Vec<(&'static str, Vec<u8>)> {
    let good = event(&secret_token(json!({})), "GET/movies");
    let in_utf_16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (first, second) = good.split_at(good.len().div_euclid(2));
    vec![
        ("six megabytes of zeros", vec![0; LAMBDA_LIMIT]),
        ("six megabytes of no UTF-8", vec![0xff; LAMBDA_LIMIT]),
        ("six megabytes of text", long(LAMBDA_LIMIT).into()),
        ("deep lists", vec![b'['; LAMBDA_LIMIT]),
        ("deep and closed lists", [vec![b'['; 1_000_000], vec![b']'; 1_000_000]].concat()),
        ("deep objects", br#"{"a":"#.repeat(1_000_000)),
        ("an endless number", vec![b'9'; LAMBDA_LIMIT]),
        ("UTF-16", in_utf_16),
        ("a byte-order mark", [b"\xef\xbb\xbf", good.as_bytes()].concat()),
        ("a zero byte before it", [b"\0", good.as_bytes()].concat()),
        ("a zero byte behind it", [good.as_bytes(), b"\0"].concat()),
        ("a zero byte in it", [first.as_bytes(), b"\0", second.as_bytes()].concat()),
        ("half of it", first.into()),
        ("two of them", good.repeat(2).into()),
        ("a list of it", format!("[{good}]").into()),
        ("it as a text", Value::from(good.as_str()).to_string().into()),
        ("half a surrogate pair", good.replace("TOKEN", "TOKEN\\ud800").into()),
        ("a member twice", good.replacen('{', &format!("{{\"methodArn\":\"{STAGE}GET/users\","), 1).into()),
        ("the type twice", good.replacen('{', "{\"type\":\"TOKEN\",", 1).into()),
        (
            "a token that is a list",
            json!({ "type": "TOKEN", "authorizationToken": ["Bearer x"], "methodArn": format!("{STAGE}GET/movies") })
                .to_string()
                .into(),
        ),
        ("nothing of a member", json!({ "type": "TOKEN", "methodArn": { "$ref": CANARY } }).to_string().into()),
    ]
}

#[test]
fn garbage_is_a_malformed_event_and_the_next_event_is_decided() {
    for variables in [&[][..], &[("AWS_LAMBDA_MAX_CONCURRENCY", "4")]] {
        let lambda = lambda(&config(), variables);
        for (what, body) in garbage() {
            let answer: Answer = lambda.invoke(&body);
            assert!(answer.is_error, "{what}: {}", answer.json());
            assert_eq!(answer.error().0, "MalformedEvent", "{what}");
            serves(&lambda);
        }
    }
}

#[test]
fn no_log_line_holds_a_piece_of_the_event_and_none_is_long() {
    let lambda = lambda(&config(), &[("AWS_LAMBDA_LOG_LEVEL", "TRACE"), ("RUST_LOG", "trace")]);
    for (_, body) in garbage() {
        lambda.invoke(&body);
    }
    lambda.invoke(event(&long(1024 * 1024), "GET/movies"));
    lambda.invoke(event(&secret_token(json!({})), &format!("GET/{}", long(1024 * 1024))));
    let finished = lambda.stop();
    let pieces = pieces([CANARY]);
    assert!(finished.stdout.lines().count() > 20, "{finished:?}");
    for line in finished.stdout.lines() {
        assert_eq!(piece_in(line, &pieces), None, "{line}");
        assert!(line.len() < 1000, "{} bytes", line.len());
    }
}

#[test]
fn run_locally_garbage_is_an_error_on_a_line_too() {
    let scratch = Scratch::new();
    let (config, secret) = (config().to_string(), key("HS256").secret());
    for (what, body) in garbage() {
        let file = scratch.file("event.json", body);
        let variables = [("AUTHORIZER_CONFIG", config.as_str()), ("SECRET", secret)];
        let finished = crate::support::Process::start(scratch.path(), &[&file], &variables, b"").finished();
        assert_eq!(finished.status.code(), Some(1), "{what}");
        let answer: Value = serde_json::from_str(&finished.stdout).unwrap();
        assert_eq!(answer["errorType"], "MalformedEvent", "{what}");
    }
}
