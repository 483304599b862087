//! From an API's document to a configuration: `import`, `init`, `check --api` and `simulate`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{Ran, authz, authz_in, golden, golden_text};

/// Documents as APIs have them, each with the methods that an authorizer protects.
const APIS: [(&str, usize); 6] = [
    ("petstore.yaml", 7),
    ("blog.json", 12),
    ("export.json", 6),
    ("sam.yaml", 4),
    ("cloudformation.yaml", 3),
    ("events.yaml", 5),
];

/// A document whose one method takes an API key.
const KEYS: &str = "openapi: 3.0.0
paths: { /pets: { get: { security: [{ key: [] }] } } }
components: { securitySchemes: { key: { type: apiKey, in: header, name: project_id } } }
";

fn api(name: &str) -> String {
    format!("tests/authz/apis/{name}")
}

/// A folder of its own for a test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("apis").join(name);
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let file = self.0.join(name);
        fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// Runs the program in the folder, so that its output names no folder.
    fn run(&self, arguments: &[&str]) -> Ran {
        authz_in(&self.0, arguments, "", &[])
    }
}

/// A run without its standard error.
fn output(arguments: &[&str]) -> String {
    let ran = authz(arguments, "");
    assert_eq!(ran.status, 0, "{ran:?}");
    ran.stdout
}

#[test]
fn a_document_of_each_kind_is_imported() {
    for (name, count) in APIS {
        let ran = authz(&["import", &api(name)], "");
        let stem = name.split('.').next().unwrap();
        golden(&format!("import-{stem}"), &ran);
        let table: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((&table["undeclared_routes"], table["routes"].as_array().unwrap().len()), (&"absent".into(), count));
    }
}

#[test]
fn an_api_is_initialised_checked_and_simulated_without_an_edit() {
    let folder = Folder::new("whole");
    for (name, count) in APIS {
        let init = ["init", "--issuer", "https://issuer.example/", "--audience", "api", "--api", &api(name)];
        let config = folder.write("authorizer.json", &output(&init));
        // What a document leaves open is not claimed to be checked.
        let open = name == "events.yaml";
        let checked = authz(&["check", &config, "--api", &api(name)], "");
        assert_eq!(checked.status, if open { 2 } else { 0 }, "{name}: {checked:?}");
        let simulated = output(&["simulate", &config, "--scopes", "", "--format", "json"]);
        let simulated: Value = serde_json::from_str(&simulated).unwrap();
        assert!(simulated[0]["routes"].as_array().unwrap().len() > count, "{name}");
        let again = authz(&["import", &api(name), "--into", &config, "--print"], "");
        assert_eq!(again.stdout, fs::read_to_string(&config).unwrap(), "{name}: nothing is new");
    }
}

#[test]
fn a_merge_adds_what_is_new_and_keeps_what_people_wrote() {
    let folder = Folder::new("merge");
    let before = r#"{
  "issuers": [{"issuer": "https://issuer.example/", "audience": "api"}],
  "undeclared_routes": "deny",
  "routes": [
    { "method": "GET", "path": "/archive/{item}", "scopes": "old" },
    { "method": ["GET"], "path": "/orders", "any_of": [ { "scopes": "read:orders" },
                                                        { "scopes": "staff", "claims": { "team": "sales" } } ] },
    { "path": "/orders/{order}", "scopes": "read:orders" }
  ],
  "principal": "sub"
}
"#;
    folder.write("authorizer.json", before);
    folder.write("export.json", &fs::read_to_string(api("export.json")).unwrap());
    let merge = ["import", "export.json", "--into", "authorizer.json"];
    let ran = folder.run(&merge);
    golden("import-into", &ran);
    assert_eq!(ran.status, 0);
    let after = folder.read("authorizer.json");
    golden_text("import-into-document", &after);
    let again = folder.run(&merge);
    assert_eq!((again.status, folder.read("authorizer.json")), (0, after), "a second merge changes nothing");
    assert!(!folder.0.join("authorizer.json.new").exists());
}

#[test]
fn a_table_that_is_not_the_apis_exits_with_2_and_says_how() {
    let folder = Folder::new("drift");
    folder.write("export.json", &fs::read_to_string(api("export.json")).unwrap());
    let config = r#"{ "issuers": [{ "issuer": "https://issuer.example/", "audience": "api" }], "undeclared_routes": "absent",
        "routes": [ { "path": "/{proxy+}", "method": ["GET", "DELETE"] }, { "path": "/health" }, { "path": "/pets" },
                    { "path": "/staff/{x}" }, { "path": "/orders/{order}" } ] }"#;
    folder.write("authorizer.json", config);
    let ran = folder.run(&["check", "authorizer.json", "--api", "export.json"]);
    assert_eq!(ran.status, 2);
    golden_text("check-api", &ran.stderr);
    let ran = folder.run(&["check", "authorizer.json", "--json", "--api", "export.json"]);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.status, json["api"]["missing"][0].as_str()), (2, Some("GET /")));
}

#[test]
fn a_method_that_the_api_gets_later_is_found() {
    let folder = Folder::new("later");
    let text = fs::read_to_string(api("export.json")).unwrap();
    folder.write("export.json", &text);
    let init = ["init", "--issuer", "https://issuer.example/", "--audience", "api", "--api", "export.json"];
    let config = folder.run(&init).stdout;
    folder.write("authorizer.json", &config);
    folder.write(
        "export.json",
        &text.replace(
            "\"/usage\": { \"get\"",
            "\"/orders/{id}/lines\": { \"get\": { \"security\": [{ \"jwt\": [] }] } }, \"/usage\": { \"get\"",
        ),
    );
    let ran = folder.run(&["check", "authorizer.json", "--api", "export.json"]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("GET /orders/{id}/lines is in the API, and no entry matches it"), "{ran:?}");
}

#[test]
fn what_cannot_be_imported_says_what_to_do() {
    let folder = Folder::new("unusable");
    let refused = |name: &str, text: &str, more: &[&str]| {
        folder.write(name, text);
        let ran = folder.run(&[&["import", name], more].concat());
        assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{ran:?}");
        format!("== {}\n{}", [&[name], more].concat().join(" "), ran.stderr)
    };
    let several = "Resources:\n  A: { Type: AWS::Serverless::Api, Properties: { Auth: &auth { DefaultAuthorizer: Jwt, Authorizers: { Jwt: { FunctionArn: x } } } } }\n  B: { Type: AWS::Serverless::Api, Properties: { Auth: *auth } }\n  F: { Type: AWS::Serverless::Function, Properties: { Events: { A: { Type: Api, Properties: { RestApiId: !Ref A, Method: get, Path: /a } }, B: { Type: Api, Properties: { RestApiId: !Ref B, Method: get, Path: /b } } } } }\n";
    let all = [
        refused("list.yaml", "- a\n- b\n", &[]),
        refused("broken.json", "{ \"openapi\": ", &[]),
        refused("broken.yaml", "openapi: 3.0.0\npaths: [\n", &[]),
        refused("public.yaml", "openapi: 3.0.0\npaths: { /pets: { get: {} } }\n", &[]),
        refused("keys.yaml", KEYS, &[]),
        refused("empty.yaml", "Resources: {}\n", &[]),
        refused("several.yaml", several, &[]),
        refused("several.yaml", several, &["--rest-api", "C"]),
    ];
    golden_text("import-unusable", &all.concat());
    let chosen = folder.run(&["import", "several.yaml", "--rest-api", "B"]);
    assert!(chosen.stdout.contains("\"/b\"") && !chosen.stdout.contains("\"/a\""), "{chosen:?}");
    let all = folder.run(&["import", "public.yaml", "--all-methods"]);
    assert!(all.stdout.contains("{ \"method\": \"GET\", \"path\": \"/pets\" }"), "{all:?}");
}

#[test]
fn the_methods_of_one_authorizer_are_chosen_by_its_name() {
    let folder = Folder::new("authorizers");
    let text = fs::read_to_string(api("export.json")).unwrap();
    folder.write("export.json", &text.replace("cognito_user_pools", "token"));
    let both = folder.run(&["import", "export.json"]);
    assert!(both.stdout.contains("/staff/{proxy+}") && both.stderr.contains("several authorizers"), "{both:?}");
    let one = folder.run(&["import", "export.json", "--authorizer", "staff"]);
    assert_eq!(one.stdout.matches("\"path\"").count(), 1, "{one:?}");
}

#[test]
fn sam_has_documents_of_its_own_and_preflights() {
    let folder = Folder::new("sam");
    folder.write("api.yaml", "openapi: 3.0.1\npaths:\n  /pets: { get: {}, post: { security: [{ Jwt: [write] }] } }\n  /open: { get: { security: [] } }\n");
    let template = |body: &str| {
        format!(
            "Resources:\n  Api:\n    Type: AWS::Serverless::Api\n    Properties:\n      {body}\n      Cors: \"'*'\"\n      Auth: {{ DefaultAuthorizer: Jwt, Authorizers: {{ Jwt: {{ FunctionArn: !GetAtt F.Arn }} }} }}\n"
        )
    };
    let bodies = [
        "DefinitionUri: api.yaml",
        "DefinitionBody: { Fn::Transform: { Name: AWS::Include, Parameters: { Location: api.yaml } } }",
    ];
    for body in bodies {
        folder.write("template.yaml", &template(body));
        let ran = folder.run(&["import", "template.yaml"]);
        golden("import-sam-document", &ran);
    }
}

#[test]
fn a_provider_is_known_by_its_name() {
    let init = |more: &[&str]| authz(&[&["init", "--provider"], more].concat(), "");
    golden(
        "init-auth0",
        &init(&["auth0", "--with", "domain=acme.eu.auth0.com", "--audience", "https://api.example.com"]),
    );
    golden("init-okta", &init(&["okta", "--with", "domain=acme.okta.com"]));
    let zitadel = ["domain=acme.zitadel.cloud", "project=281", "client=282", "secret=introspection"];
    let zitadel = init(&[&["zitadel"][..], &zitadel.map(|with| ["--with", with]).concat()].concat());
    golden_text("init-zitadel", &zitadel.text());
    golden("init-lacking", &init(&["cognito-access-token", "--audience", "a1b2c3"]));
    golden("init-unknown", &init(&["acme", "--audience", "a1b2c3"]));
    golden("init-wrong", &authz(&["init", "--issuer", "http://issuer.example/", "--audience", "api"], ""));
    // What a value holds stays a value.
    let odd = init(&["auth0", "--with", "domain=a\"b\\c", "--audience", "api"]);
    assert!(odd.status == 2 || odd.stdout.contains(r#""https://a\"b\\c/""#), "{odd:?}");
}

#[test]
fn every_route_is_simulated_for_everybody() {
    let config = "tests/authz/authorizer.json";
    let asked = [
        "simulate",
        config,
        "--scopes",
        "read:movies read:me",
        "--scopes",
        "admin",
        "--scopes",
        "",
        "--claim",
        "sub=ada",
    ];
    golden("simulate", &authz(&asked, ""));
    for format in ["json", "markdown"] {
        let ran = authz(&[&asked[..], &["--format", format]].concat(), "");
        assert_eq!(ran.status, 0);
        golden_text(&format!("simulate-{format}"), &ran.stdout);
    }
}

#[test]
fn a_simulated_token_is_verified() {
    let folder = Folder::new("tokens");
    let claims =
        r#"{ "iss": "https://issuer.example/", "aud": "https://api.example/", "sub": "ada", "scope": "read:movies" }"#;
    let mint = ["token", "--secret", "tests/authz/secret.txt", "--at", "1800000000", "--claims", "-"];
    let token = folder.write("ada.txt", &authz(&mint, claims).stdout);
    let simulate = ["simulate", "tests/authz/authorizer.json", "--token", &token, "--at"];
    golden("simulate-token", &authz(&[&simulate[..], &["1800000000"]].concat(), ""));
    golden("simulate-token-expired", &authz(&[&simulate[..], &["1900000000"]].concat(), ""));
}

#[test]
fn only_what_changes_is_shown() {
    let folder = Folder::new("against");
    let old = |routes: &str| {
        let text = format!(
            r#"{{ "issuers": [{{ "issuer": "https://issuer.example/", "audience": "api", "jwks_uri": "https://issuer.example/keys" }}], "routes": [{routes}] }}"#
        );
        folder.write("old.json", &text);
        text
    };
    let text = old(
        r#"{ "method": "GET", "path": "/pets", "scopes": "read:pets" }, { "path": "/admin/{path+}", "scopes": "admin" }"#,
    );
    let new = text.replace("\"scopes\": \"read:pets\"", "\"scopes\": [\"read:pets\", \"list:pets\"]").replace(
        "{ \"path\": \"/admin/{path+}\"",
        "{ \"method\": \"GET\", \"path\": \"/admin/status\" }, { \"method\": [\"GET\", \"POST\"], \"path\": \"/admin/{path+}\"",
    );
    folder.write("new.json", &new);
    let asked = ["simulate", "new.json", "--scopes", "list:pets", "--scopes", "admin", "--against", "old.json"];
    golden("simulate-against", &folder.run(&asked));
    golden_text("simulate-against-markdown", &folder.run(&[&asked[..], &["--format", "markdown"]].concat()).stdout);
    golden(
        "simulate-against-same",
        &folder.run(&["simulate", "new.json", "--scopes", "admin", "--against", "new.json"]),
    );
}

#[test]
fn an_answer_for_one_request_is_marked_where_it_would_be_cached() {
    let folder = Folder::new("single");
    let config = r#"{ "issuers": [{ "issuer": "https://issuer.example/", "audience": "api" }], "policy": "single_request",
        "routes": [ { "method": "GET", "path": "/pets" }, { "method": "GET", "path": "/admin", "scopes": "admin" } ] }"#;
    folder.write("authorizer.json", config);
    golden("simulate-single-request", &folder.run(&["simulate", "authorizer.json", "--scopes", "read:pets"]));
}
