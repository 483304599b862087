//! `authz serve --demo`: the app at an origin of its own, over real HTTP.

use std::net::{TcpListener, TcpStream};

use serde_json::json;

use crate::serve::{Gateway, folder};

#[test]
fn the_app_comes_with_the_program_and_asks_the_gateway_alone() {
    let gateway = Gateway::start_in(&folder("app-served"), &["--demo"]);
    let port = gateway.app();
    let own = format!("http://127.0.0.1:{}", gateway.port);
    let expected = format!("connect-src 'self' {own};");
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/?code=x&state=y", "text/html; charset=utf-8"),
        ("/app.css", "text/css; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
    ] {
        let got = gateway.send_to(port, "GET", path, &[], "");
        assert_eq!((got.status, got.header("content-type")), (200, Some(kind)), "{path}");
        let policy = got.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';") && policy.contains(&expected), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("require-trusted-types-for 'script'"));
        assert_eq!(
            ["x-frame-options", "x-content-type-options", "referrer-policy", "cross-origin-resource-policy"]
                .map(|name| got.header(name)),
            [Some("DENY"), Some("nosniff"), Some("no-referrer"), Some("same-origin")]
        );
        assert_eq!(got.header("access-control-allow-origin"), None);
    }
    let page = gateway.send_to(port, "GET", "/", &[], "").body;
    assert!(!page.contains("http://") && !page.contains("https://"), "nothing is fetched from elsewhere: {page}");
    let settings = gateway.send_to(port, "GET", "/settings.json", &[], "");
    assert_eq!(settings.header("cache-control"), Some("no-store"), "another run has other ports");
    assert_eq!(
        settings.json(),
        json!({
            "issuer": format!("{own}/__issuer"), "clientId": "stories", "scope": "openid offline_access",
            "apis": { "movies": own, "pets": own }, "inspector": format!("{own}/__authorizer"),
        })
    );
    let visit = gateway.send("GET", "/", &[("Sec-Fetch-Mode", "navigate")], "");
    let app = format!("http://127.0.0.1:{port}");
    assert_eq!(
        (visit.status, visit.header("location")),
        (303, Some(app.as_str())),
        "the gateway's address, in a browser"
    );
}

#[test]
fn only_its_own_names_and_pages_reach_the_app_and_it_has_nothing_of_the_gateway() {
    let gateway = Gateway::start(&["--demo"]);
    let port = gateway.app();
    let status =
        |method: &str, path: &str, headers: &[(&str, &str)]| gateway.send_to(port, method, path, headers, "").status;
    let named = |name: &str, port: u16| format!("{name}:{port}");
    assert_eq!(status("GET", "/", &[("Host", &named("localhost", port))]), 200);
    for host in [named("evil.example", port), named("127.0.0.1", gateway.port), "127.0.0.1".to_owned()] {
        assert_eq!(status("GET", "/settings.json", &[("Host", &host)]), 421, "{host}");
    }
    assert_eq!(status("GET", &format!("http://evil.example:{port}/"), &[]), 421);
    let own = format!("http://127.0.0.1:{port}");
    assert_eq!(status("GET", "/settings.json", &[("Origin", &own)]), 200);
    for origin in [format!("http://127.0.0.1:{}", gateway.port), "https://evil.example".to_owned(), "null".to_owned()] {
        assert_eq!(status("GET", "/settings.json", &[("Origin", &origin)]), 403, "{origin}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        assert_eq!(status(method, "/", &[]), 405, "{method}");
    }
    for path in [
        "/movie",
        "/pets",
        "/__authorizer",
        "/__authorizer/api/state",
        "/__issuer/jwks.json",
        "/built/app.js",
        "//",
        "/../Cargo.toml",
    ] {
        assert_eq!(status("GET", path, &[("X-Authz-Page", "1")]), 404, "{path}");
    }
    assert!(TcpStream::connect(("127.0.0.2", port)).is_err(), "it listens on 127.0.0.1 alone");
    // Code that got into the app could ask the API, and not steer the server.
    let steers = [("Origin", own.as_str()), ("X-Authz-Page", "1")];
    assert_eq!(gateway.send("POST", "/__authorizer/api/issuer", &steers, r#"{"action":"offline"}"#).status, 403);
    assert_eq!(gateway.send("GET", "/__authorizer/api/state", &steers, "").status, 403);
}

#[test]
fn the_app_is_sent_its_codes_at_its_own_address_alone() {
    let gateway = Gateway::start(&["--demo"]);
    let port = gateway.app();
    let asked = |redirect_uri: &str, client: &str| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("response_type", "code"),
                ("client_id", client),
                ("redirect_uri", redirect_uri),
                ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
                ("code_challenge_method", "S256"),
                ("user", "customer"),
            ])
            .finish();
        let page = gateway.send("GET", &format!("/__issuer/authorize?{query}"), &[], "");
        let form = gateway.send("POST", "/__issuer/authorize", &[], &query);
        ((page.status, page.header("location").is_some()), (form.status, form.header("location").is_some()))
    };
    for own in [format!("http://127.0.0.1:{port}/"), format!("http://localhost:{port}/")] {
        assert_eq!(asked(&own, "stories"), ((200, false), (303, true)), "{own}");
    }
    for other in [
        format!("http://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}/other"),
        format!("http://127.0.0.1:{port}/?x=1"),
        format!("http://127.0.0.1:{}/", gateway.port),
        format!("http://[::1]:{port}/"),
        "http://localhost:5173/".to_owned(),
    ] {
        assert_eq!(asked(&other, "stories"), ((400, false), (400, false)), "{other}");
    }
    assert_eq!(asked("http://localhost:5173/", "spa"), ((200, false), (303, true)), "another client");
}

#[test]
fn the_app_has_the_next_port_or_a_free_one() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let before = port.checked_sub(1).unwrap();
    // The port before may be somebody else's, which tells nothing.
    let Some(gateway) = Gateway::try_start(&["--demo", "--port", &before.to_string()]) else { return };
    assert_eq!(gateway.port, before);
    assert_ne!(gateway.app(), port);
    assert_eq!(gateway.send_to(gateway.app(), "GET", "/", &[], "").status, 200);
}
