//! `authz serve --issuer`: the development identity provider, over real HTTP.

use serde_json::{Value, json};

use crate::serve::{Gateway, folder, sample};

/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const BACK: &str = "http://localhost:5173/callback";
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn encoded(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// A request for a code, with some parameters changed; an empty one is left out.
fn asked(changes: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let mut all = vec![
        ("response_type", "code"),
        ("client_id", "spa"),
        ("redirect_uri", BACK),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "a state"),
        ("nonce", "once"),
        ("scope", "openid offline_access"),
    ];
    for (name, value) in changes {
        all.retain(|(known, _)| known != name);
        if !value.is_empty() {
            all.push((name, value));
        }
    }
    all
}

/// The parameters that the client is sent back with, after a user was chosen.
fn signed_in(gateway: &Gateway, user: &str, changes: &[(&'static str, &'static str)]) -> Vec<(String, String)> {
    let mut form = asked(changes);
    form.push(("user", user));
    let got = gateway.send("POST", "/__issuer/authorize", &[FORM], &encoded(&form));
    assert_eq!(got.status, 303, "{got:?}");
    let back = url::Url::parse(got.header("location").unwrap()).unwrap();
    assert!(back.as_str().starts_with(BACK), "{back}");
    back.query_pairs().into_owned().collect()
}

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn token(gateway: &Gateway, pairs: &[(&str, &str)]) -> (u16, Value) {
    let got = gateway.send("POST", "/__issuer/token", &[FORM, ("Origin", "http://localhost:5173")], &encoded(pairs));
    assert_eq!(got.header("access-control-allow-origin"), Some("http://localhost:5173"));
    assert_eq!(got.header("cache-control"), Some("no-store"));
    (got.status, got.json())
}

fn exchanged(gateway: &Gateway, code: &str) -> (u16, Value) {
    token(
        gateway,
        &[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", "spa"),
            ("redirect_uri", BACK),
            ("code_verifier", VERIFIER),
        ],
    )
}

/// The claims of a token.
fn claims(token: &Value) -> Value {
    use base64::Engine as _;
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn somebody_signs_in_with_pkce_calls_the_api_and_refreshes() {
    let gateway = Gateway::start(&["--demo"]);
    let base = format!("http://127.0.0.1:{}/__issuer", gateway.port);
    let discovered = gateway.send("GET", "/__issuer/.well-known/openid-configuration", &[], "").json();
    assert_eq!(discovered["issuer"], base);
    assert_eq!(discovered["code_challenge_methods_supported"], json!(["S256"]));
    let page = gateway.send("GET", &format!("/__issuer/authorize?{}", encoded(&asked(&[]))), &[], "");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("value=\"movie-fan\"") && page.body.contains("value=\"a state\""), "{}", page.body);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && policy.ends_with("form-action 'self' http://localhost:5173"));
    let back = signed_in(&gateway, "movie-fan", &[]);
    assert_eq!((value(&back, "state"), value(&back, "iss")), (Some("a state"), Some(base.as_str())));
    let (status, tokens) = exchanged(&gateway, value(&back, "code").unwrap());
    assert_eq!((status, &tokens["token_type"], &tokens["expires_in"]), (200, &json!("Bearer"), &json!(300)));
    assert_eq!(tokens["scope"], "openid offline_access read:Movies");
    let (access, id) = (claims(&tokens["access_token"]), claims(&tokens["id_token"]));
    assert_eq!((&access["iss"], &access["scope"]), (&json!("https://movies.example.com/"), &json!("read:Movies")));
    assert_eq!((&id["iss"], &id["aud"], &id["nonce"]), (&json!(base), &json!("spa"), &json!("once")));
    let bearer = |tokens: &Value, name: &str| format!("Bearer {}", tokens[name].as_str().unwrap());
    assert_eq!(gateway.get("/movie", &bearer(&tokens, "access_token")).status, 200);
    assert_eq!(gateway.get("/device", &bearer(&tokens, "access_token")).status, 403);
    assert_eq!(gateway.get("/movie", &bearer(&tokens, "id_token")).status, 403, "an ID token is not for the API");
    let refresh = |tokens: &Value| {
        let refresh_token = tokens["refresh_token"].as_str().unwrap();
        token(&gateway, &[("grant_type", "refresh_token"), ("refresh_token", refresh_token), ("client_id", "spa")])
    };
    let (status, renewed) = refresh(&tokens);
    assert_eq!((status, gateway.get("/movie", &bearer(&renewed, "access_token")).status), (200, 200));
    assert_eq!(refresh(&tokens).0, 400, "a refresh token is used once");
    assert_eq!(refresh(&renewed).0, 400, "and what came of one that was used twice is taken back");
}

#[test]
fn a_refresh_token_is_its_clients_widens_nothing_and_goes_with_a_code_that_was_used_twice() {
    let gateway = Gateway::start(&["--demo"]);
    let refresh = |tokens: &Value, client: &str| {
        let refresh_token = tokens["refresh_token"].as_str().unwrap();
        let grant = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        token(&gateway, &[&grant[..], &[("client_id", client), ("scope", "openid read:Movies read:Devices")]].concat())
    };
    let back = signed_in(&gateway, "movie-fan", &[]);
    let code = value(&back, "code").unwrap();
    let (_, tokens) = exchanged(&gateway, code);
    let refused = json!("invalid_grant");
    for client in ["other", ""] {
        let (status, answer) = refresh(&tokens, client);
        assert_eq!((status, &answer["error"]), (400, &refused), "{client}");
    }
    let (status, renewed) = refresh(&tokens, "spa");
    assert_eq!(
        (status, &renewed["scope"]),
        (200, &json!("openid offline_access read:Movies")),
        "others did not use it up"
    );
    let bearer = format!("Bearer {}", renewed["access_token"].as_str().unwrap());
    assert_eq!([gateway.get("/movie", &bearer).status, gateway.get("/device", &bearer).status], [200, 403]);
    assert_ne!(renewed["refresh_token"], tokens["refresh_token"]);
    assert_eq!(exchanged(&gateway, code).0, 400);
    let (status, answer) = refresh(&renewed, "spa");
    assert_eq!((status, &answer["error"]), (400, &refused), "whoever stole the code has nothing of it");
}

#[test]
fn no_code_is_given_without_s256_or_to_an_address_elsewhere() {
    let gateway = Gateway::start(&["--demo"]);
    let answered = |changes: &[(&'static str, &'static str)]| {
        gateway.send("GET", &format!("/__issuer/authorize?{}", encoded(&asked(changes))), &[], "")
    };
    for redirect_uri in [
        "https://evil.example/",
        "http://localhost.evil.example/",
        "javascript:alert(1)",
        "http://u:p@localhost/",
        "http://localhost/#x",
        "/callback",
    ] {
        let got = answered(&[("redirect_uri", redirect_uri)]);
        assert_eq!((got.status, got.header("location")), (400, None), "{redirect_uri}");
        assert!(!got.body.contains(redirect_uri) || redirect_uri == "/callback", "{}", got.body);
    }
    assert_eq!(answered(&[("client_id", "")]).status, 400);
    for (changes, error) in [
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("prompt", "none"), "login_required"),
    ] {
        let got = answered(&[changes]);
        let back = url::Url::parse(got.header("location").unwrap_or_else(|| panic!("{changes:?} {got:?}"))).unwrap();
        let pairs: Vec<(String, String)> = back.query_pairs().into_owned().collect();
        assert_eq!(
            (value(&pairs, "error"), value(&pairs, "state"), value(&pairs, "code")),
            (Some(error), Some("a state"), None),
            "{changes:?}"
        );
    }
    let mut form = asked(&[]);
    form.push(("user", "movie-fan"));
    let foreign =
        gateway.send("POST", "/__issuer/authorize", &[FORM, ("Origin", "https://evil.example")], &encoded(&form));
    assert_eq!((foreign.status, foreign.header("location")), (403, None));
    form.pop();
    form.push(("user", "nobody"));
    assert_eq!(gateway.send("POST", "/__issuer/authorize", &[FORM], &encoded(&form)).status, 400);
}

#[test]
fn a_code_is_exchanged_once_and_with_its_verifier() {
    let gateway = Gateway::start(&["--demo"]);
    let code = |changes: &[(&'static str, &'static str)]| {
        value(&signed_in(&gateway, "warehouse", changes), "code").unwrap().to_owned()
    };
    let wrong = |name: &'static str, wrong: &'static str| {
        let code = code(&[]);
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("client_id", "spa"),
            ("redirect_uri", BACK),
            ("code_verifier", VERIFIER),
        ];
        pairs.retain(|(known, _)| *known != name);
        pairs.push((name, wrong));
        let (status, answer) = token(&gateway, &pairs);
        (status, answer["error"].as_str().unwrap().to_owned())
    };
    for (name, value) in [
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl"),
        ("code_verifier", CHALLENGE),
        ("client_id", "other"),
        ("redirect_uri", "http://localhost:5173/"),
        ("code", "guessed"),
    ] {
        assert_eq!(wrong(name, value), (400, "invalid_grant".to_owned()), "{name}");
    }
    assert_eq!(wrong("grant_type", "password"), (400, "unsupported_grant_type".to_owned()));
    let code = code(&[("scope", "openid")]);
    let (status, tokens) = exchanged(&gateway, &code);
    assert_eq!(
        (status, tokens.get("refresh_token")),
        (200, None),
        "without offline_access there is nothing to refresh"
    );
    assert_eq!(exchanged(&gateway, &code).0, 400);
}

#[test]
fn a_client_gets_the_scopes_it_asks_for_and_the_user_has() {
    let folder = folder("scopes");
    let config = json!({
        "issuers": [{ "issuer": "https://idp.test/", "audience": ["api", "other"], "jwks_uri": "https://idp.test/keys" }],
        "routes": [{ "path": "/a", "scopes": "read:a" }, { "path": "/b", "scopes": "read:b" }],
    });
    std::fs::write(folder.join("authorizer.json"), config.to_string()).unwrap();
    let gateway = Gateway::start_in(&folder, &["--issuer"]);
    let granted = |user: &str, scope: &'static str| {
        let back = signed_in(&gateway, user, &[("scope", scope), ("audience", "other")]);
        exchanged(&gateway, value(&back, "code").unwrap()).1
    };
    assert_eq!(granted("administrator", "openid")["scope"], "openid read:a read:b");
    let narrow = granted("administrator", "read:b write:b");
    assert_eq!((&narrow["scope"], narrow.get("id_token")), (&json!("read:b"), None));
    let access = claims(&narrow["access_token"]);
    assert_eq!(
        (&access["aud"], &access["scope"], &access["client_id"]),
        (&json!("other"), &json!("read:b"), &json!("spa"))
    );
    let bearer = format!("Bearer {}", narrow["access_token"].as_str().unwrap());
    assert_eq!([gateway.get("/a", &bearer).status, gateway.get("/b", &bearer).status], [403, 200]);
    assert_eq!(granted("user-without-rights", "read:a")["scope"], "");
}

#[test]
fn a_rotation_an_outage_and_a_retired_key_are_what_they_are_in_production() {
    let folder = folder("rotation");
    let cache = json!({ "fresh_seconds": 1, "stale_seconds": 0, "cooldown_seconds": 1 });
    let config = json!({
        "issuers": [{ "issuer": "https://idp.test/", "audience": "api", "jwks_uri": "https://idp.test/keys", "keys_cache": cache }],
        "routes": [{ "path": "/a" }],
    });
    std::fs::write(folder.join("authorizer.json"), config.to_string()).unwrap();
    let gateway = Gateway::start_in(&folder, &["--issuer", "--cache-seconds", "0"]);
    let steer = |action: &str| assert_eq!(gateway.page("issuer", &json!({ "action": action })).status, 200);
    let minted = || gateway.minted("user-without-rights", 300);
    let pause = || std::thread::sleep(std::time::Duration::from_millis(1200));
    let old = minted();
    assert_eq!(gateway.get("/a", &old).status, 200);
    steer("rotate");
    let new = minted();
    pause();
    assert_eq!(
        [gateway.get("/a", &new).status, gateway.get("/a", &old).status],
        [200, 200],
        "both keys are in the set"
    );
    steer("retire");
    pause();
    assert_eq!(gateway.get("/a", &new).status, 200);
    let refused = gateway.get("/a", &old);
    assert_eq!(
        refused.status, 401,
        "a key that is gone is an unknown key of the provider, not one of the configured issuer"
    );
    steer("offline");
    pause();
    let outage = gateway.get("/a", &new);
    assert_eq!((outage.status, outage.header("x-amzn-errortype")), (500, Some("AuthorizerConfigurationException")));
    assert_eq!(outage.body, r#"{"message":null}"#);
    assert_eq!(gateway.send("GET", "/__issuer/jwks.json", &[], "").status, 503);
    steer("online");
    // Fetches that fail are tried again after a pause.
    let healed = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(200));
        gateway.get("/a", &new).status == 200
    });
    assert!(healed, "the provider is back");
    assert_eq!(gateway.page("issuer", &json!({ "action": "explode" })).status, 400);
}

#[test]
fn its_keys_are_its_own_and_the_configured_ones_still_count() {
    let (one, other) = (Gateway::start(&["--demo"]), Gateway::start(&["--demo"]));
    let minted = one.minted("movie-fan", 300);
    assert_eq!([one.get("/movie", &minted).status, other.get("/movie", &minted).status], [200, 403]);
    assert_eq!(one.get("/movie", &sample("movies-get-movie")).status, 200, "a token of the configured issuer");
    let plain = Gateway::start(&["events/config/authorizer.json"]);
    assert_eq!(plain.get("/movie", &minted).status, 403, "without --issuer");
    assert_eq!(plain.send("GET", "/__issuer/jwks.json", &[], "").status, 403, "there is no provider");
    assert_eq!(plain.page("mint", &json!({ "user": "movie-fan" })).status, 400);
    let expired = one.minted("movie-fan", -60);
    assert_eq!(one.get("/movie", &expired).status, 403);
}

#[test]
fn the_users_of_a_file_replace_those_of_the_routes() {
    let folder = folder("users");
    let config = json!({
        "issuers": [{ "issuer": "https://idp.test/", "audience": "api", "jwks_uri": "https://idp.test/keys" }],
        "routes": [{ "path": "/a", "claims": { "/realm/role": "clerk" } }],
    });
    std::fs::write(folder.join("authorizer.json"), config.to_string()).unwrap();
    let users = json!([{ "name": "Clerk", "claims": { "/realm/role": "clerk" } }, { "name": "Guest" }]);
    std::fs::write(folder.join("users.json"), users.to_string()).unwrap();
    let gateway = Gateway::start_in(&folder, &["--users", "users.json"]);
    let statuses = ["clerk", "guest"].map(|user| gateway.get("/a", &gateway.minted(user, 300)).status);
    assert_eq!(statuses, [200, 403]);
    assert_eq!(gateway.state()["issuer"]["users"].as_array().unwrap().len(), 2);
}
