//! Five incidents, staged with the real program: the alarm that rings, the row of a saved query that names the cause, and the runbook's
//! line about it. Whoever is called at night has these three and nothing else.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection};
use serde_json::{Map, Value, json};

use crate::observability::{JSON, lines, watch};
use crate::support::api::{
    AUDIENCE, KEYS, SECRET, claims, config, config_with, event, event_with, lambda, secret_token,
};
use crate::support::http::Reply;
use crate::support::{KeyServer, Lambda, Scratch, eventually, jwks, key, stranger};

/// The lines of the program, which was asked so often.
struct Incident {
    lines: Vec<Value>,
    invocations: usize,
}

impl Incident {
    fn over(lambda: Lambda, invocations: usize) -> Self {
        Self { lines: lines(&lambda.stop()), invocations }
    }

    /// These alarms ring, and no other. The runbook's section about each names what the query below shows.
    #[track_caller]
    fn rings(&self, alarms: &[(&'static str, &str)]) {
        let ring = watch().alarms(&self.lines, self.invocations);
        assert_eq!(ring, alarms.iter().map(|(alarm, _)| *alarm).collect::<BTreeSet<_>>(), "{:#?}", self.lines);
        for (_, section) in alarms {
            runbook(section);
        }
    }

    /// The first rows of a saved query, without the times.
    #[track_caller]
    fn shows(&self, query: &str, expected: &[Value]) {
        let without_times = |mut row: Map<String, Value>| {
            for time in ["since", "until", "@timestamp", "milliseconds", "age_seconds", "message", "request"] {
                row.remove(time);
            }
            Value::from(row)
        };
        let rows: Vec<Value> = watch().queries[query].rows(&self.lines).into_iter().map(without_times).collect();
        assert_eq!(rows.get(..expected.len()), Some(expected), "{query}: {rows:#?}");
    }
}

/// A section of the runbook.
#[track_caller]
fn runbook(section: &str) -> String {
    let text = std::fs::read_to_string("docs/runbook.md").unwrap();
    let (_, rest) = text.split_once(&format!("\n## {section}\n")).unwrap_or_else(|| panic!("no section {section:?}"));
    rest.split("\n## ").next().unwrap().to_owned()
}

#[track_caller]
fn says(section: &str, what: &[&str]) {
    let text = runbook(section);
    for what in what {
        assert!(text.contains(what), "{section} says nothing of {what}:\n{text}");
    }
}

#[test]
fn a_provider_that_writes_another_audience_is_found_by_reason_and_hint() {
    let lambda = lambda(&config(), &[JSON]);
    assert!(!lambda.invoke(event(&secret_token(json!({})), "GET/movies")).is_error);
    let changed = secret_token(json!({ "aud": format!("{AUDIENCE}/") }));
    for _ in 0..60 {
        lambda.invoke(event(&changed, "GET/movies"));
    }
    let incident = Incident::over(lambda, 61);
    incident.rings(&[("most-refused", "Most are refused")]);
    let (reason, hint) = ("wrong_audience", "audience_differs_by_trailing_slash");
    let row = json!({ "requests": 60, "decision": "deny", "reason": reason, "hint": hint, "issuer": SECRET, "method": "GET" });
    incident.shows("refused", &[row]);
    incident.shows("hints", &[json!({ "requests": 60, "hint": hint, "reason": reason, "issuer": SECRET })]);
    says("Most are refused", &[reason, "hints.md", "`audience`"]);
}

/// Serves a certificate of this authority that has ended. The handshake fails, so there is nothing to answer. Returns the port; the
/// thread ends with the test.
fn expired_server(authority: &CertifiedIssuer<'static, KeyPair>) -> u16 {
    let own = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let certificate = params.signed_by(&own, authority).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.serialize_der())),
        )
        .unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind(("127.0.0.1", 0)).unwrap());
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            while connection.is_handshaking() && connection.complete_io(&mut stream).is_ok() {}
        }
    });
    port
}

#[test]
fn an_expired_certificate_is_found_by_the_outcome_of_the_fetch() {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let port = expired_server(&authority);
    let scratch = Scratch::new();
    let ca = scratch.file("ca.pem", authority.pem());
    let mut config = config();
    config["tls"] = json!({ "ca_file": ca });
    config["issuers"][1] = json!({ "issuer": KEYS, "audience": AUDIENCE, "jwks_uri": format!("https://localhost:{port}/keys"), "keys_cache": { "timeout_ms": 10_000 } });
    let lambda = lambda(&config, &[JSON]);
    let answer = lambda.invoke(event(&key("RS256").token(&claims(KEYS, json!({}))), "GET/movies"));
    assert_eq!(answer.error().0, "KeysUnavailable");
    let incident = Incident::over(lambda, 1);
    incident.rings(&[("failed-fetches", "Failed fetches"), ("keys-unavailable", "Keys unavailable")]);
    let row = json!({ "level": "WARN", "issuer": KEYS, "outcome": "certificate_expired" });
    incident.shows("keys", &[row]);
    incident.shows(
        "errors",
        &[json!({ "error_type": "KeysUnavailable", "reason": "keys_unavailable", "issuer": KEYS, "method": "GET" })],
    );
    says("Keys unavailable", &["query `keys`", "#failed-fetches"]);
    says("Failed fetches", &["`certificate_expired`", "renew"]);
}

#[test]
fn a_provider_that_is_down_is_found_by_the_outcome_of_the_fetch_while_old_keys_serve() {
    let server = KeyServer::start();
    server.set("/keys", Reply::json(&jwks(&[key("RS256")])));
    let mut config = config();
    config["issuers"][1] = json!({
        "issuer": KEYS, "audience": AUDIENCE, "jwks_uri": server.url("/keys"), "keys_cache": { "fresh_seconds": 1, "timeout_ms": 10_000 },
    });
    let lambda = lambda(&config, &[JSON]);
    let token = key("RS256").token(&claims(KEYS, json!({})));
    assert!(!lambda.invoke(event(&token, "GET/movies")).is_error);
    server.set("/keys", Reply::status(503));
    let before = server.count("/keys");
    // The third attempt on old keys has the whole time-out, so that a slow machine does not end it.
    eventually("three refreshes fail", || {
        assert!(!lambda.invoke(event(&token, "GET/movies")).is_error, "old keys serve");
        (server.count("/keys") >= before.saturating_add(3)).then_some(())
    });
    let incident = Incident::over(lambda, 1);
    incident.rings(&[("failed-fetches", "Failed fetches"), ("stale-keys", "Stale keys")]);
    let rows = watch().queries["keys"].rows(&incident.lines);
    let failed = &rows[0];
    assert_eq!((&failed["issuer"], &failed["outcome"]), (&json!(KEYS), &json!("status_503")), "{rows:#?}");
    assert!(failed["age_seconds"].is_u64(), "{failed:?}");
    // There is a line for each request that old keys serve, and they do not hide the fetches.
    assert!(rows.iter().all(|row| row.contains_key("outcome")), "{rows:#?}");
    let rows = watch().queries["warnings"].rows(&incident.lines);
    let stale = rows.iter().find(|row| row["message"] == "a stale key set is in use").unwrap();
    assert!(stale["lines"].as_u64() >= Some(3) && stale["issuer"] == KEYS, "{stale:?}");
    says("Stale keys", &["query `keys`", "`age_seconds`", "stale_seconds", "query `warnings`", "#failed-fetches"]);
    says("Failed fetches", &["`status_N`"]);
}

#[test]
fn a_route_that_was_forgotten_is_found_by_reason_and_method() {
    let token = secret_token(json!({}));
    for (undeclared, alarms) in [("deny", &[][..]), ("absent", &[("broken-promises", "Broken promises")])] {
        let lambda = lambda(&config_with("undeclared_routes", json!(undeclared)), &[JSON]);
        for _ in 0..3 {
            lambda.invoke(event(&token, "DELETE/movies"));
        }
        let incident = Incident::over(lambda, 3);
        incident.rings(alarms);
        incident.shows("refused", &[json!({
            "requests": 3, "decision": "deny", "reason": "undeclared_route", "hint": "method_not_declared", "issuer": SECRET,
            "method": "DELETE",
        })]);
        if undeclared == "absent" {
            incident
                .shows("warnings", &[json!({ "lines": 3, "code": "undeclared_method_exists", "method": "DELETE" })]);
        }
    }
    says("Broken promises", &["query `warnings`", "authz check", "--api"]);
    says("Most are refused", &["`undeclared_route`"]);
}

#[test]
fn a_flood_of_bad_tokens_is_told_from_a_change_by_its_reasons() {
    let server = KeyServer::start();
    server.set("/keys", Reply::json(&jwks(&[key("RS256")])));
    let mut config = config();
    config["issuers"][1] = json!({
        "issuer": KEYS, "audience": AUDIENCE, "jwks_uri": server.url("/keys"), "keys_cache": { "timeout_ms": 10_000 },
    });
    let lambda = lambda(&config, &[JSON]);
    // The keys are there, however long they took at start-up.
    let known = key("RS256").token(&claims(KEYS, json!({})));
    eventually("the keys are known", || (!lambda.invoke(event(&known, "GET/movies")).is_error).then_some(()));
    for number in 0..40 {
        let invented = stranger("RS256").named(&format!("invented-{number}")).token(&claims(KEYS, json!({})));
        let forged = stranger("HS256").token(&claims(SECRET, json!({ "sub": number.to_string() })));
        for authorization in [format!("Bearer {invented}"), format!("Bearer {forged}"), format!("Bearer {number}.a.b")]
        {
            lambda.invoke(event_with(Some(&authorization), "GET/movies"));
        }
        assert!(!lambda.invoke(event(&secret_token(json!({})), "GET/movies")).is_error, "users pass");
    }
    let incident = Incident::over(lambda, 160);
    incident.rings(&[("most-refused", "Most are refused")]);
    let mut rows = watch().queries["refused"].rows(&incident.lines);
    rows.sort_by_key(|row| row["reason"].to_string());
    let seen: Vec<(&Value, &Value)> = rows.iter().map(|row| (&row["reason"], &row["requests"])).collect();
    let each = json!(40);
    let expected = ["invalid_signature", "malformed_token", "unknown_key"].map(|reason| (json!(reason), &each));
    assert_eq!(seen, expected.iter().map(|(reason, count)| (reason, *count)).collect::<Vec<_>>(), "{rows:#?}");
    assert_eq!(watch().queries["errors"].rows(&incident.lines), []);
    says("Most are refused", &["`invalid_signature`", "`malformed_token`", "`unknown_key`", "flood"]);
}
