//! `authz serve`: its page, and the stories behind `--demo`, over real HTTP.

use serde_json::{Value, json};

use crate::serve::{Gateway, authz_in, folder, sample};

#[test]
fn the_page_comes_with_the_program_and_asks_this_server_alone() {
    let gateway = Gateway::start(&["events/config/authorizer.json", "--issuer"]);
    for (path, kind) in [
        ("/__authorizer", "text/html; charset=utf-8"),
        ("/__authorizer/", "text/html; charset=utf-8"),
        ("/__authorizer/page.css", "text/css; charset=utf-8"),
        ("/__authorizer/page.js", "text/javascript; charset=utf-8"),
    ] {
        let got = gateway.send("GET", path, &[], "");
        assert_eq!((got.status, got.header("content-type")), (200, Some(kind)), "{path}");
        let policy = got.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';") && policy.contains("frame-ancestors 'none'")
        );
        assert_eq!(
            (got.header("x-frame-options"), got.header("x-content-type-options")),
            (Some("DENY"), Some("nosniff"))
        );
        assert!(
            !got.body.contains("https://") && !got.body.contains("//cdn"),
            "nothing is fetched from elsewhere: {path}"
        );
    }
    let visit = gateway.send("GET", "/", &[("Sec-Fetch-Mode", "navigate")], "");
    assert_eq!(
        (visit.status, visit.header("location")),
        (303, Some("/__authorizer")),
        "the address itself, in a browser"
    );
    assert_eq!(gateway.send("GET", "/", &[], "").status, 403, "the address itself, for a program");
    assert_eq!(gateway.send("GET", "/__authorizer/other", &[], "").status, 404);
    assert_eq!(gateway.send("POST", "/__authorizer", &[], "").status, 405);
    let head = gateway.send("HEAD", "/__authorizer", &[], "");
    assert_eq!((head.status, head.body.as_str()), (200, ""), "whatever answers GET answers HEAD");
}

#[test]
fn only_the_pages_own_script_steers_it() {
    let gateway = Gateway::start(&["--demo"]);
    let port = gateway.port;
    let own = format!("http://127.0.0.1:{port}");
    let (script, own) = (("X-Authz-Page", "1"), ("Origin", own.as_str()));
    let status = |headers: &[(&str, &str)]| gateway.send("POST", "/__authorizer/api/flush", headers, "{}").status;
    assert_eq!(status(&[script, own]), 200);
    assert_eq!(status(&[own]), 403, "a form cannot add the header");
    assert_eq!(status(&[script, ("Origin", "http://localhost:5173")]), 403, "an app on another port");
    assert_eq!(status(&[script, ("Sec-Fetch-Site", "cross-site")]), 403);
    let preflight = [("Origin", "http://localhost:5173"), ("Access-Control-Request-Headers", "x-authz-page")];
    let got = gateway.send("OPTIONS", "/__authorizer/api/flush", &preflight, "");
    assert_eq!((got.status, got.header("access-control-allow-headers")), (403, None));
}

#[test]
fn a_request_is_shown_with_what_the_client_sees_the_steps_the_hint_and_the_matrix() {
    let gateway = Gateway::start(&["--demo"]);
    let send = |path: &str, token: &str| {
        gateway.page("send", &json!({ "method": "GET", "path": path, "token": token })).json()
    };
    let movies = sample("movies-get-movie");
    let shown = send("/movie", &movies);
    assert_eq!(
        (&shown["status"], &shown["gateway"]["asked"], &shown["gateway"]["verdict"]),
        (&json!(200), &json!("invoked"), &json!("allowed"))
    );
    let refused = send("/device", &movies);
    assert_eq!((&refused["status"], &refused["gateway"]["asked"]), (&json!(403), &json!("cached")));
    assert_eq!(refused["explanation"]["reason"], "insufficient_scope");
    let steps: Vec<(&str, bool)> = refused["gateway"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["name"].as_str().unwrap(), step["passed"].as_bool().unwrap()))
        .collect();
    assert_eq!(steps, [("resource", true), ("token", true), ("cache", true), ("policy", false)]);
    let cell = |shown: &Value, path: &str, method: &str| {
        let rows = shown["matrix"].as_array().unwrap();
        let row = rows.iter().find(|row| row["path"] == path).unwrap_or_else(|| panic!("{path}"));
        row["methods"][method]["passes"].as_bool()
    };
    assert_eq!(cell(&refused, "/movie", "GET"), Some(true));
    assert_eq!(cell(&refused, "/device", "GET"), Some(false));
    assert_eq!(cell(&refused, "/pets", "POST"), Some(false));
    assert_eq!(cell(&refused, "/movie", "POST"), None, "the API has no such method");
    let expired = send("/movie", &sample("movies-token-expired"));
    assert_eq!((&expired["explanation"]["reason"], cell(&expired, "/movie", "GET")), (&json!("expired"), Some(false)));
    let nobody = send("/movie", "");
    assert_eq!(
        (&nobody["status"], &nobody["gateway"]["asked"], &nobody["matrix"]),
        (&json!(401), &json!("not_asked"), &Value::Null)
    );
    let bare = send("/movie", movies.trim_start_matches("Bearer "));
    assert_eq!(bare["status"], 200, "the scheme may be left out on the page");
    for path in ["movie", "http://evil.example/", ""] {
        assert_eq!(gateway.page("send", &json!({ "method": "GET", "path": path })).status, 400, "{path}");
    }
}

#[test]
fn a_configuration_is_checked_as_it_is_written_and_served_without_its_file_being_touched() {
    let folder = folder("editor");
    let file = folder.join("authorizer.json");
    let config = |path: &str| {
        let issuer = json!({ "issuer": "https://idp.test/", "audience": "api", "jwks_uri": "https://idp.test/keys" });
        json!({ "issuers": [issuer], "routes": [{ "path": path, "scopes": "read" }] }).to_string()
    };
    std::fs::write(&file, config("/old")).unwrap();
    let gateway = Gateway::start_in(&folder, &["authorizer.json", "--issuer"]);
    let user = gateway.minted("user-with-read", 300);
    assert_eq!([gateway.get("/old", &user).status, gateway.get("/new", &user).status], [200, 403]);
    let mistaken = gateway.page("check", &json!({ "text": config("new") })).json();
    let said = json!([{ "path": "routes[0].path", "text": "a resource path begins with `/`" }]);
    assert_eq!(mistaken["mistakes"], said);
    assert_eq!(gateway.page("apply", &json!({ "text": config("new") })).json()["mistakes"], said);
    assert_eq!(gateway.get("/old", &user).status, 200, "what has mistakes is not served");
    assert!(
        gateway.page("check", &json!({ "text": "{" })).json()["mistakes"][0]["text"]
            .as_str()
            .unwrap()
            .starts_with("line 1")
    );
    let applied = gateway.page("apply", &json!({ "text": config("/new") })).json();
    assert_eq!((&applied["mistakes"], &applied["applied"]), (&json!([]), &json!(true)));
    assert_eq!(gateway.state()["cache"], json!([]), "the answers of the old one are gone");
    assert_eq!([gateway.get("/old", &user).status, gateway.get("/new", &user).status], [403, 200]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), config("/old"));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn claims_that_are_changed_on_the_page_are_signed_as_they_are() {
    let gateway = Gateway::start(&["--demo"]);
    let mut claims = gateway.state()["issuer"]["users"][0]["claims"].clone();
    claims["aud"] = json!("https://AnotherResourceServer");
    let minted = gateway.page("mint", &json!({ "user": "movie-fan", "claims": claims })).json();
    let shown = gateway.page("send", &json!({ "method": "GET", "path": "/movie", "token": minted["token"] })).json();
    assert_eq!(shown["explanation"]["reason"], "wrong_audience");
    assert_eq!(gateway.page("mint", &json!({ "user": "movie-fan", "claims": [] })).status, 400);
    assert_eq!(gateway.page("mint", &json!({ "user": "nobody" })).status, 400);
}

#[test]
fn the_stories_of_the_demo_go_as_they_are_told() {
    let gateway = Gateway::start_in(&folder("demo"), &["--demo"]);
    let [fan, owner, warehouse, administrator, customer] =
        ["movie-fan", "device-owner", "warehouse", "administrator", "customer"].map(|user| gateway.minted(user, 300));
    let status = |token: &String, path: &str| gateway.get(path, token).status;
    assert_eq!([status(&fan, "/movie"), status(&fan, "/device")], [200, 403]);
    assert_eq!([status(&owner, "/movie"), status(&owner, "/device")], [403, 200]);
    assert_eq!([status(&warehouse, "/orders"), status(&fan, "/orders")], [200, 403]);
    let post = |token: &String, path: &str, body: Value| {
        let got = gateway.send("POST", path, &[("Authorization", token)], &body.to_string());
        (got.status, got.json())
    };
    let moss = json!({ "name": "Moss the tortoise", "price": 60 });
    assert_eq!(post(&customer, "/pets", moss.clone()).0, 403);
    let (status, mut added) = post(&administrator, "/pets", moss);
    let id = added.as_object_mut().unwrap().remove("id").unwrap();
    assert_eq!((status, added), (201, json!({ "name": "Moss the tortoise", "price": 60, "sold": false })));
    assert_eq!(post(&administrator, "/pets/purchase", json!({ "id": id })).0, 403);
    assert_eq!(post(&administrator, "/pets", json!({ "name": 1 })).1["error"], "bad_name");
    let (status, sold) = post(&customer, "/pets/purchase", json!({ "id": id, "soldTo": "other@example.com" }));
    assert_eq!((status, &sold["soldTo"]), (200, &json!("customer@example.com")), "the e-mail address of the context");
    let (status, again) = post(&customer, "/pets/purchase", json!({ "id": id }));
    assert_eq!((status, &again["error"]), (409, &json!("sold")));
    let seen = |token: &String| {
        let pets = gateway.get("/pets", token).json()["pets"].as_array().unwrap().clone();
        pets.into_iter().find(|pet| pet["id"] == id).unwrap()
    };
    assert_eq!(seen(&customer), sold, "the buyer sees who has it");
    assert_eq!((&seen(&administrator)["sold"], seen(&administrator).get("soldTo")), (&json!(true), None));
}

#[test]
fn a_pet_that_many_want_is_sold_once() {
    let gateway = Gateway::start(&["--demo"]);
    let customers = ["customer", "other-customer"].map(|user| gateway.minted(user, 300));
    let body = json!({ "id": format!("{:032x}", 1) }).to_string();
    let buy = |token: &String| gateway.send("POST", "/pets/purchase", &[("Authorization", token)], &body).status;
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let buyers: Vec<_> =
            (0..20).map(|number| &customers[number % 2]).map(|token| scope.spawn(|| buy(token))).collect();
        buyers.into_iter().map(|buyer| buyer.join().unwrap()).collect()
    });
    let count = |status| statuses.iter().filter(|other| **other == status).count();
    assert_eq!((count(200), count(409)), (1, 19));
}

#[test]
fn the_page_of_a_configuration_without_a_provider_takes_pasted_tokens() {
    let folder = folder("pasted");
    let set = authz_in(&folder, &["token", "--new-key", "key.json"]);
    let config = format!(
        r#"{{ "issuers": [{{ "issuer": "https://idp.test/", "audience": "api", "jwks": {set} }}], "routes": [{{ "path": "/a" }}] }}"#
    );
    std::fs::write(folder.join("authorizer.json"), config).unwrap();
    let claims = ["--claim", "iss=https://idp.test/", "--claim", "aud=api", "--claim", "sub=ada"];
    let token = authz_in(&folder, &[&["token", "--key", "key.json"][..], &claims].concat());
    let gateway = Gateway::start_in(&folder, &[]);
    let shown = gateway.page("send", &json!({ "method": "PUT", "path": "/a", "token": token })).json();
    assert_eq!((&shown["status"], &gateway.state()["issuer"]), (&json!(200), &Value::Null));
}
