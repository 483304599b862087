//! Opaque tokens: who is asked, what is kept, and what an outage is.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::endpoint::{Endpoint, form};
use crate::support::http::Reply;
use crate::support::{KeyServer, Scratch, eventually, instant, key};
use crate::world::{ISSUER, KEYS, Local, NOW, api, claims, parse, set, token};

const TOKEN: &str = "an-opaque.token~with+all/letters=";
/// A delay longer than any test.
const EVER: Duration = Duration::from_secs(3600);
const SECRET: (&str, &str) = ("CLIENT_SECRET", "a client's s:cret");

/// An issuer with an endpoint, and a key set for its JWTs.
fn issuer(endpoint: &Endpoint, introspection: Value) -> Value {
    let mut settings = json!({ "endpoint": endpoint.url(), "client_id": "api", "client_secret": { "env": SECRET.0 } });
    settings.as_object_mut().unwrap().extend(introspection.as_object().unwrap().clone());
    json!({ "issuer": ISSUER, "audience": "api", "jwks": { "keys": [key("ES256").jwk()] }, "introspection": settings })
}

fn local(endpoint: &Endpoint, introspection: Value) -> Local {
    Local::with(&api(json!([issuer(endpoint, introspection)])), &[SECRET])
}

/// An endpoint that knows one active token, and an authorizer that asks it.
fn served() -> (Endpoint, Local) {
    let endpoint = Endpoint::start();
    endpoint.activate(TOKEN, &claims(ISSUER));
    let local = local(&endpoint, json!({}));
    (endpoint, local)
}

/// The same, that waits for the endpoint for longer than a slow machine stands still.
fn patient() -> (Endpoint, Local) {
    let endpoint = Endpoint::start();
    endpoint.activate(TOKEN, &claims(ISSUER));
    let mut issuer = issuer(&endpoint, json!({}));
    issuer["keys_cache"] = json!({ "timeout_ms": 10_000 });
    let local = Local::with(&api(json!([issuer])), &[SECRET]);
    (endpoint, local)
}

fn unavailable() -> String {
    "IntrospectionUnavailable".to_owned()
}

#[test]
fn an_opaque_token_goes_to_the_endpoint_with_the_clients_credentials() {
    let (endpoint, local) = served();
    assert_eq!(local.decides(TOKEN), "allow");
    let post = self::local(&endpoint, json!({ "auth": "post" }));
    assert_eq!(post.decides(TOKEN), "allow");
    let questions = endpoint.questions();
    assert_eq!(questions.len(), 2);
    for question in &questions {
        assert_eq!((question.method.as_str(), question.target.as_str()), ("POST", "/introspect"));
        assert_eq!(question.header("Content-Type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(question.header("Accept"), Some("application/json"));
        assert!(!format!("{:?}", question.headers).contains(TOKEN));
        assert_eq!(form(&question.body)["token"], TOKEN);
        assert_eq!(form(&question.body)["token_type_hint"], "access_token");
    }
    let basic = format!("Basic {}", STANDARD.encode("api:a+client%27s+s%3Acret"));
    assert_eq!(questions[0].header("Authorization"), Some(&*basic));
    assert_eq!(form(&questions[0].body).len(), 2);
    assert_eq!(questions[1].header("Authorization"), None);
    assert_eq!(form(&questions[1].body)["client_id"], "api");
    assert_eq!(form(&questions[1].body)["client_secret"], SECRET.1);
}

#[test]
fn exactly_two_dots_are_a_jwt_or_malformed_and_every_other_b64token_is_opaque() {
    let (endpoint, local) = served();
    for malformed in ["a.b.c", "a+b.c.d", "..", "a b", "a=b", "=", "a,b", "{a}", "\u{e9}"] {
        assert_eq!(local.decides(malformed), "deny malformed_token", "{malformed}");
    }
    assert_eq!(local.decides(&token(&key("ES256"))), "allow", "a JWT of the same issuer is verified by its keys");
    assert_eq!(endpoint.count(), 0);
    for opaque in ["a", "a.b", "a.b.c.d", "a~b", "eyJhbGciOiJub25lIn0"] {
        assert_eq!(local.decides(opaque), "deny inactive_token", "{opaque}");
    }
    assert_eq!(endpoint.count(), 5);
}

#[test]
fn without_introspection_an_opaque_token_is_malformed() {
    let mut issuer = issuer(&Endpoint::start(), json!({}));
    issuer.as_object_mut().unwrap().remove("introspection");
    let local = Local::new(&api(json!([issuer])));
    for opaque in [TOKEN, "a", "a.b", "a.b.c.d"] {
        assert_eq!(local.decides(opaque), "deny malformed_token", "{opaque}");
    }
}

#[test]
fn the_rules_of_the_entry_apply_to_the_response() {
    let endpoint = Endpoint::start();
    let mut issuer = issuer(&endpoint, json!({ "cache_seconds": 0 }));
    issuer["required_claims"] = json!({ "client_id": "shop" });
    issuer["typ"] = json!("at+jwt");
    let mut api = api(json!([issuer]));
    api["routes"] = json!([{ "path": "/movies", "scopes": "read:movies" }]);
    let local = Local::with(&api, &[SECRET]);
    let with = |changes: Value| {
        let mut members = json!({
            "iss": ISSUER, "aud": ["api", "another"], "sub": "alice", "exp": NOW + 100, "iat": NOW, "nbf": NOW,
            "token_type": "Bearer", "client_id": "shop", "scope": "openid read:movies",
        });
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => members.as_object_mut().unwrap().remove(name),
                value => members.as_object_mut().unwrap().insert(name.clone(), value.clone()),
            };
        }
        endpoint.activate(TOKEN, &members);
        local.decides(TOKEN)
    };
    for passes in [
        json!({}),
        json!({ "iss": null }),
        json!({ "exp": null }),
        json!({ "exp": NOW - 9 }),
        json!({ "nbf": null, "iat": null }),
        json!({ "token_type": null }),
        json!({ "token_type": "bEARER" }),
        json!({ "typ": "anything" }),
        json!({ "aud": "api" }),
    ] {
        assert_eq!(with(passes.clone()), "allow", "{passes}");
    }
    for (changes, reason) in [
        (json!({ "iss": "https://another.example/" }), "unknown_issuer"),
        (json!({ "iss": "https://issuer.example" }), "unknown_issuer"),
        (json!({ "iss": [ISSUER] }), "unknown_issuer"),
        (json!({ "exp": NOW - 10 }), "expired"),
        (json!({ "exp": "soon" }), "invalid_claim"),
        (json!({ "aud": null }), "wrong_audience"),
        (json!({ "aud": "another" }), "wrong_audience"),
        (json!({ "token_type": "DPoP" }), "bound_token"),
        (json!({ "token_type": ["Bearer"] }), "bound_token"),
        (json!({ "cnf": { "jkt": "x" } }), "bound_token"),
        (json!({ "client_id": null }), "missing_claim"),
        (json!({ "client_id": "another" }), "invalid_claim"),
        (json!({ "sub": null }), "missing_claim"),
        (json!({ "scope": 5 }), "invalid_claim"),
        (json!({ "scope": "openid" }), "insufficient_scope"),
    ] {
        assert_eq!(with(changes.clone()), format!("deny {reason}"), "{changes}");
    }
    assert_eq!(with(json!({ "nbf": NOW + 11 })), "Unauthorized", "it may begin within the time that a Deny is cached");
}

#[test]
fn an_active_answer_is_kept_for_cache_seconds_and_then_a_revocation_is_seen() {
    let (endpoint, local) = served();
    assert_eq!(local.decides(TOKEN), "allow");
    endpoint.revoke(TOKEN);
    local.clock.advance(59);
    assert_eq!(local.decides(TOKEN), "allow");
    assert_eq!(endpoint.count(), 1);
    local.clock.advance(1);
    assert_eq!(local.decides(TOKEN), "deny inactive_token");
    assert_eq!(endpoint.count(), 2);
}

#[test]
fn an_active_answer_is_kept_until_exp_at_most() {
    let (endpoint, local) = served();
    endpoint.activate(TOKEN, &json!({ "aud": "api", "sub": "alice", "exp": NOW + 30 }));
    assert_eq!(local.decides(TOKEN), "allow");
    local.clock.advance(29);
    assert_eq!(local.decides(TOKEN), "allow");
    assert_eq!(endpoint.count(), 1);
    local.clock.advance(1);
    assert_eq!(local.decides(TOKEN), "allow", "within the leeway, and the endpoint still calls it active");
    assert_eq!(endpoint.count(), 2);
    local.clock.advance(10);
    assert_eq!(local.decides(TOKEN), "deny expired");
}

#[test]
fn neither_a_frozen_nor_a_jumping_clock_lengthens_the_time_that_an_answer_is_kept() {
    for freeze in [true, false] {
        let (endpoint, local) = served();
        assert_eq!(local.decides(TOKEN), "allow");
        endpoint.revoke(TOKEN);
        match freeze {
            true => local.clock.advance_wall(60),
            false => {
                local.clock.advance_wall(-100_000);
                local.clock.advance_monotonic(60);
            }
        }
        assert_eq!(local.decides(TOKEN), "deny inactive_token");
    }
}

#[test]
fn an_inactive_answer_is_kept_for_ten_seconds() {
    let (endpoint, local) = served();
    endpoint.revoke(TOKEN);
    assert_eq!(local.decides(TOKEN), "deny inactive_token");
    endpoint.activate(TOKEN, &claims(ISSUER));
    local.clock.advance(9);
    assert_eq!(local.decides(TOKEN), "deny inactive_token");
    assert_eq!(endpoint.count(), 1);
    local.clock.advance(1);
    assert_eq!(local.decides(TOKEN), "allow");
}

#[test]
fn ten_thousand_random_tokens_drive_out_no_active_answer() {
    let (endpoint, local) = served();
    assert_eq!(local.decides(TOKEN), "allow");
    for batch in 0..100 {
        let tokens = (0..100).map(|number| format!("random-{batch}-{number}"));
        assert!(local.decide_at_once(tokens).iter().all(|decision| decision == "deny inactive_token"));
    }
    assert_eq!(endpoint.count(), 10_001);
    endpoint.always(Some(Reply::status(503)));
    assert_eq!(local.decides(TOKEN), "allow");
    assert_eq!(endpoint.count(), 10_001);
}

#[test]
fn the_same_token_a_thousand_times_at_once_is_one_question() {
    let (endpoint, local) = patient();
    endpoint.takes(Duration::from_millis(200));
    let decisions = local.decide_at_once((0..1_000).map(|_| TOKEN.to_owned()));
    assert!(decisions.iter().all(|decision| decision == "allow"));
    assert_eq!(endpoint.count(), 1);
    // So is one that fails, whether the endpoint is left alone after it or not. Nothing of it is kept for those who come later.
    endpoint.takes(Duration::from_secs(1));
    for failure in [Reply::status(400), Reply::status(503)] {
        let before = endpoint.count();
        endpoint.always(Some(failure));
        let decisions = local.decide_at_once((0..100).map(|_| "another".to_owned()));
        assert!(decisions.iter().all(|decision| *decision == unavailable()));
        assert_eq!(endpoint.count(), before + 1);
    }
}

#[test]
fn at_most_20_questions_are_under_way_and_the_others_wait_for_their_turn() {
    let (endpoint, local) = patient();
    endpoint.takes(Duration::from_millis(600));
    let tokens: Vec<_> = (0..41).map(|number| format!("token-{number}")).collect();
    tokens.iter().for_each(|token| endpoint.activate(token, &claims(ISSUER)));
    let decisions = local.decide_at_once(tokens);
    assert!(decisions.iter().all(|decision| decision == "allow"), "{decisions:?}");
    assert_eq!((endpoint.count(), endpoint.most_under_way()), (41, 20));
}

#[test]
fn a_question_that_waits_for_its_turn_ends_300_ms_before_the_deadline() {
    let (endpoint, local) = patient();
    endpoint.takes(Duration::from_secs(5));
    let busy: Vec<_> = (0..20).map(|number| local.begin(format!("token-{number}"))).collect();
    eventually("20 questions are under way", || (endpoint.count() == 20).then_some(()));
    let began = instant();
    assert_eq!(local.decides_within(600, TOKEN), unavailable());
    let took = began.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_eq!(endpoint.count(), 20);
    for begun in busy {
        assert_eq!(local.finish(begun), "deny inactive_token");
    }
    assert_eq!(local.decides(TOKEN), "allow", "that is no failure of the endpoint");
}

#[test]
fn the_endpoint_is_waited_for_until_300_ms_before_the_deadline() {
    let (endpoint, local) = served();
    endpoint.always(Some(Reply::json(&json!({ "active": true })).delayed(EVER)));
    let began = instant();
    assert_eq!(local.decides_within(900, TOKEN), unavailable());
    let took = began.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_eq!(local.decides_within(299, TOKEN), unavailable());
    assert_eq!(endpoint.count(), 1);
}

#[test]
fn who_waits_for_a_question_takes_over_if_its_invocation_ends() {
    let (endpoint, local) = patient();
    let active = json!({ "active": true, "aud": "api", "sub": "alice" });
    endpoint.always(Some(Reply::json(&active).delayed(EVER)));
    let asks = local.begin(TOKEN.to_owned());
    eventually("it asks", || (endpoint.count() == 1).then_some(()));
    let waits = local.begin(TOKEN.to_owned());
    endpoint.always(None);
    // The one that waits ends first, so that it cannot take over.
    local.give_up(waits);
    local.give_up(asks);
    assert_eq!(local.decides(TOKEN), "allow");
    assert_eq!(endpoint.count(), 2);

    endpoint.always(Some(Reply::json(&active).delayed(EVER)));
    let first = local.begin("another".to_owned());
    eventually("the first asks", || (endpoint.count() == 3).then_some(()));
    let second = local.begin("another".to_owned());
    endpoint.always(None);
    endpoint.activate("another", &claims(ISSUER));
    first.abort();
    assert_eq!(local.finish(second), "allow");
    assert_eq!(endpoint.count(), 4);
}

#[test]
fn an_outage_is_an_error_and_kept_answers_are_served_through_it() {
    let (endpoint, local) = served();
    assert_eq!(local.decides(TOKEN), "allow");
    let large = format!(r#"{{"active":true,"aud":"api","sub":"alice","x":"{}"}}"#, "x".repeat(512 * 1024));
    for (number, reply) in [
        Reply::status(401),
        Reply::status(403),
        Reply::status(404),
        Reply::status(429),
        Reply::status(500),
        Reply::status(503),
        Reply::status(204),
        Reply::status(302).header("Location", &endpoint.url()),
        Reply::status(307).header("Location", &endpoint.url()),
        Reply::status(304),
        Reply::closed(),
        Reply::ok("<html>active</html>"),
        Reply::ok(""),
        Reply::ok("{}"),
        Reply::ok(r#"{"active":"true","aud":"api","sub":"alice"}"#),
        Reply::ok(r#"{"active":1,"aud":"api","sub":"alice"}"#),
        Reply::ok(r#"{"active":null,"aud":"api","sub":"alice"}"#),
        Reply::ok(r#"{"active":true,"active":true,"aud":"api","sub":"alice"}"#),
        Reply::ok(r#"{"active":true,"aud":"api","sub":"alice","a":{"b":1,"b":2}}"#),
        Reply::ok(large),
        Reply::ok(r#"{"active":true,"aud":"api","sub":"alice"}"#).broken_after(20),
        Reply::ok(token(&key("ES256"))),
    ]
    .into_iter()
    .enumerate()
    {
        let before = endpoint.count();
        endpoint.always(Some(reply.clone()));
        let other = format!("other-{number}");
        assert_eq!(local.decides(&other), unavailable(), "{reply:?}");
        assert_eq!(endpoint.count(), before + 1, "{reply:?}");
        assert_eq!(local.decides(TOKEN), "allow");
        endpoint.always(None);
        endpoint.activate(&other, &claims(ISSUER));
        // The longest first pause.
        local.clock.advance(1);
        assert_eq!(local.decides(&other), "allow", "nothing is kept of a failure: {reply:?}");
    }
}

#[test]
fn an_endpoint_that_fails_is_left_alone_for_longer_and_longer() {
    let (endpoint, local) = served();
    endpoint.always(Some(Reply::status(503)));
    // The shortest and the longest pause in milliseconds: each is twice the one before, less up to a tenth.
    for (failures, shortest, longest) in [(1, 900, 1000), (2, 1620, 2000), (3, 2916, 4000), (4, 5248, 8000)] {
        assert_eq!(local.decides(&format!("token-{failures}")), unavailable());
        assert_eq!(endpoint.count(), failures);
        local.clock.advance_millis(shortest - 1);
        assert_eq!(local.decides(TOKEN), unavailable());
        assert_eq!(endpoint.count(), failures, "it is left alone");
        local.clock.advance_millis(longest - shortest + 1);
    }
    endpoint.always(None);
    assert_eq!(local.decides(TOKEN), "allow");
    endpoint.always(Some(Reply::status(503)));
    assert_eq!(local.decides("token-6"), unavailable());
    local.clock.advance(1);
    assert_eq!(local.decides("token-7"), unavailable());
    assert_eq!(endpoint.count(), 7, "the pauses begin anew after a success");
}

#[test]
fn failures_at_once_are_one_failure() {
    let (endpoint, local) = patient();
    endpoint.always(Some(Reply::status(503)));
    endpoint.takes(Duration::from_millis(200));
    let decisions = local.decide_at_once((0..100).map(|number| format!("token-{number}")));
    assert!(decisions.iter().all(|decision| *decision == unavailable()));
    assert!(endpoint.count() <= 21, "{} questions", endpoint.count());
    endpoint.always(None);
    local.clock.advance(1);
    assert_eq!(local.decides(TOKEN), "allow");
}

#[test]
fn a_token_that_the_endpoint_cannot_read_stops_no_questions_about_others() {
    let (endpoint, local) = served();
    for reply in [Reply::status(400), Reply::status(413), Reply::ok("<html>"), Reply::ok("x".repeat(600_000))] {
        endpoint.set("odd", reply);
        assert_eq!(local.decides("odd"), unavailable());
        let other = format!("other-{}", endpoint.count());
        endpoint.activate(&other, &claims(ISSUER));
        assert_eq!(local.decides(&other), "allow");
    }
}

#[test]
fn a_timeout_is_that_of_the_key_cache() {
    let endpoint = Endpoint::start();
    let mut issuer = issuer(&endpoint, json!({}));
    // Longer than the default, so that a slow machine cannot make it pass or fail.
    issuer["keys_cache"] = json!({ "timeout_ms": 3000 });
    let local = Local::with(&api(json!([issuer])), &[SECRET]);
    endpoint.always(Some(Reply::json(&json!({ "active": true })).delayed(EVER)));
    let began = instant();
    assert_eq!(local.decides(TOKEN), unavailable());
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(3000), "{took:?}");
    assert_eq!(local.decides("another"), unavailable());
    assert_eq!(endpoint.count(), 1, "the endpoint is left alone");
}

#[test]
fn a_clients_secret_comes_from_every_source() {
    let endpoint = Endpoint::start();
    endpoint.activate(TOKEN, &claims(ISSUER));
    let extension = KeyServer::start();
    let managed = |stage: &str| format!("/secretsmanager/get?secretId=client&versionStage={stage}");
    let secret = |text: &str| Reply::json(&json!({ "SecretString": json!({ "of": text }).to_string() }));
    extension.set(&managed("AWSCURRENT"), secret("new"));
    extension.set(&managed("AWSPREVIOUS"), secret("old"));
    let parameter = "/systemsmanager/parameters/get?name=%2Fclient&withDecryption=true";
    extension.set(parameter, Reply::json(&json!({ "Parameter": { "Value": "cGFyYW1ldGVy" } })));
    let scratch = Scratch::new();
    let file = scratch.file("secret", "of a file\n");
    let url = extension.url("");
    let port = url.rsplit(':').next().unwrap();
    let sent = |secret: Value| {
        let before = endpoint.count();
        let document = api(json!([issuer(&endpoint, json!({ "auth": "post", "client_secret": secret }))]));
        let local = Local::with(&document, &[SECRET, ("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", port)]);
        assert_eq!(local.decides(TOKEN), "allow");
        let questions = endpoint.questions().split_off(before);
        questions.iter().map(|question| form(&question.body)["client_secret"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(sent(json!({ "env": SECRET.0 })), [SECRET.1]);
    assert_eq!(sent(json!({ "file": file })), ["of a file"]);
    assert_eq!(sent(json!({ "parameter_store": "/client", "encoding": "base64" })), ["parameter"]);
    assert_eq!(sent(json!({ "secrets_manager": "client", "field": "of" })), ["new"]);
}

#[test]
fn during_a_rotation_the_previous_version_of_a_clients_secret_is_tried_after_the_current_one() {
    let (endpoint, extension) = (Endpoint::start(), KeyServer::start());
    let managed = |stage: &str| format!("/secretsmanager/get?secretId=client&versionStage={stage}");
    for (stage, text) in [("AWSCURRENT", "new"), ("AWSPREVIOUS", "old")] {
        extension.set(&managed(stage), Reply::json(&json!({ "SecretString": text })));
    }
    let url = extension.url("");
    let port = url.rsplit(':').next().unwrap();
    let secret = json!({ "auth": "post", "client_secret": { "secrets_manager": "client" } });
    let document = api(json!([issuer(&endpoint, secret)]));
    let local = Local::with(&document, &[("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", port)]);
    endpoint.always(Some(Reply::status(401)));
    assert_eq!(local.decides(TOKEN), unavailable());
    let secrets: Vec<_> =
        endpoint.questions().iter().map(|question| form(&question.body)["client_secret"].clone()).collect();
    assert_eq!(secrets, ["new", "old"]);
}

#[test]
fn a_clients_secret_that_cannot_be_read_is_an_outage() {
    let (endpoint, extension) = (Endpoint::start(), KeyServer::start());
    endpoint.activate(TOKEN, &claims(ISSUER));
    let path = "/secretsmanager/get?secretId=client&versionStage=AWSCURRENT";
    extension.set(path, Reply::status(403));
    let url = extension.url("");
    let port = url.rsplit(':').next().unwrap();
    let secret = json!({ "client_secret": { "secrets_manager": "client", "previous": false } });
    let document = api(json!([issuer(&endpoint, secret)]));
    let local = Local::with(&document, &[("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", port)]);
    assert_eq!(local.decides_within(900, TOKEN), unavailable());
    assert_eq!(endpoint.count(), 0);
    extension.set(path, Reply::json(&json!({ "SecretString": "x" })));
    local.clock.advance(1);
    assert_eq!(local.decides(TOKEN), "allow");
}

#[test]
fn an_entry_with_introspection_alone_fetches_keys_by_discovery_once_there_is_a_jwt() {
    let (endpoint, server) = (Endpoint::start(), KeyServer::start());
    let name = server.url("");
    let mut issuer = issuer(&endpoint, json!({}));
    issuer.as_object_mut().unwrap().remove("jwks");
    issuer["issuer"] = json!(name);
    let document = "/.well-known/openid-configuration";
    server.set(document, Reply::json(&json!({ "issuer": name, "jwks_uri": server.url(KEYS) })));
    server.set(KEYS, set(&[&key("ES256")]));
    endpoint.activate(TOKEN, &claims(&name));
    let local = Local::with(&api(json!([issuer])), &[SECRET]);
    local.warm_up();
    assert_eq!(local.decides(TOKEN), "allow");
    assert_eq!(server.count(document), 0);
    assert_eq!(local.decides(&key("ES256").token(&claims(&name))), "allow");
    assert_eq!((server.count(document), server.count(KEYS)), (1, 1));
}

#[test]
fn only_one_entry_has_introspection_and_it_is_asked_about_every_opaque_token() {
    let endpoint = Endpoint::start();
    let second =
        json!({ "issuer": "https://second.example/", "audience": "api", "jwks": { "keys": [key("RS256").jwk()] } });
    let both = api(json!([second, issuer(&endpoint, json!({}))]));
    let local = Local::with(&both, &[SECRET]);
    endpoint.activate(TOKEN, &claims(ISSUER));
    assert_eq!(local.decides(TOKEN), "allow");
    let mut third = issuer(&endpoint, json!({}));
    third["issuer"] = json!("https://third.example/");
    let error = parse(&api(json!([issuer(&endpoint, json!({})), third])), &[SECRET]).err().unwrap();
    let issues: Vec<_> = error.issues.iter().map(ToString::to_string).collect();
    assert_eq!(issues, ["issuers[1].introspection: expected in one entry at most, and issuers[0] has it"]);
}
