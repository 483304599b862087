//! `authz deploy-parameters`: what is printed, and that nothing is after a mistake.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::program::{Ran, authz_in, golden, golden_text};

const SECRET: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:jwt-AbCdEf";
const OUTPUT: [&str; 4] = ["deploy-parameters", "authorizer.json", "--output", "parameters.yaml"];

/// A folder of its own with a document in it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, document: &Value) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("deploy").join(name);
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        let folder = Self(path);
        folder.write("authorizer.json", &document.to_string());
        folder
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.0.join(name)).ok()
    }

    /// Runs the program in the folder, so that its output names no folder.
    fn run(&self, arguments: &[&str]) -> Ran {
        authz_in(&self.0, arguments, "", &[])
    }
}

/// The values of single-quoted YAML scalars.
fn values(text: &str) -> serde_json::Map<String, Value> {
    let lines = text.lines().skip(1).map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        let value = value.strip_prefix('\'').unwrap().strip_suffix('\'').unwrap();
        (name.to_owned(), value.replace("''", "'").into())
    });
    lines.collect()
}

fn document(more: Value) -> Value {
    let mut document = json!({
        "$schema": "authorizer.schema.json",
        "issuers": [{ "issuer": "https://acme.eu.auth0.com/", "audience": "pets" }],
        "routes": [{ "method": "GET", "path": "/pets", "scopes": "read:pets premium", "claims": { "team": "it's \"ours\" \\ é" } }],
        "undeclared_routes": "absent",
    });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    document
}

fn with_secret(secret: Value) -> Value {
    document(json!({ "issuers": [{ "issuer": "https://acme.eu.auth0.com/", "audience": "pets", "secret": secret }] }))
}

/// A document that no environment variable holds.
fn long() -> Value {
    let routes: Vec<Value> =
        (0..100).map(|number| json!({ "method": "GET", "path": format!("/orders/{number}/items") })).collect();
    document(json!({ "routes": routes }))
}

#[test]
fn the_parameters_carry_the_whole_document_and_leave_no_earlier_one() {
    let document = document(json!({ "invalid_token": "unauthorized", "policy": "single_request" }));
    let folder = Folder::new("whole", &document);
    let ran = folder.run(&["deploy-parameters", "authorizer.json"]);
    golden_text("deploy-parameters", &ran.text());
    let mut values = values(&ran.stdout);
    let mut deployed: Value = serde_json::from_str(values.remove("Configuration").unwrap().as_str().unwrap()).unwrap();
    deployed.as_object_mut().unwrap().insert("$schema".to_owned(), document["$schema"].clone());
    assert_eq!(deployed, document);
    let others = json!({
        "ConfigurationFile": "false", "ConfigurationLayerArn": "", "InvalidToken": "unauthorized", "SecretArn": "",
        "SecretParameter": "", "SampleApi": "false", "CacheSeconds": "0"
    });
    assert_eq!(Value::Object(values), others);
}

#[test]
fn a_key_set_in_a_file_becomes_part_of_the_document() {
    let keys = fs::read_to_string("events/keys/orders.jwks.json").unwrap();
    let issuer = json!({ "issuer": "https://acme.eu.auth0.com/", "audience": "pets", "jwks_file": "keys.json" });
    let folder = Folder::new("keys", &document(json!({ "issuers": [issuer] })));
    folder.write("keys.json", &keys);
    let ran = folder.run(&["deploy-parameters", "authorizer.json"]);
    let deployed: Value = serde_json::from_str(values(&ran.stdout)["Configuration"].as_str().unwrap()).unwrap();
    let keys: Value = serde_json::from_str(&keys).unwrap();
    let expected = json!([{ "issuer": "https://acme.eu.auth0.com/", "audience": "pets", "jwks": keys }]);
    assert_eq!(deployed["issuers"], expected);
}

#[test]
fn a_long_document_travels_in_a_layer() {
    let folder = Folder::new("long", &long());
    let refused = folder.run(&OUTPUT);
    golden("deploy-parameters-too-long", &refused);
    assert_eq!(folder.read("parameters.yaml"), None);

    let ran = folder.run(&[&OUTPUT[..], &["--layer", "layer"]].concat());
    golden("deploy-parameters-layer", &ran);
    let values = values(&folder.read("parameters.yaml").unwrap());
    assert_eq!((&values["Configuration"], &values["ConfigurationFile"]), (&"".into(), &"true".into()));
    let checked = folder.run(&["check", "layer/authorizer.json", "--json"]);
    assert_eq!((checked.status, checked.stderr.as_str()), (0, ""));
    let mut deployed: Value = serde_json::from_str(&folder.read("layer/authorizer.json").unwrap()).unwrap();
    deployed.as_object_mut().unwrap().insert("$schema".to_owned(), "authorizer.schema.json".into());
    assert_eq!(deployed, long());
}

#[test]
fn a_document_that_is_in_the_layer_stays_as_it_is() {
    let folder = Folder::new("in-place", &long());
    let before = folder.read("authorizer.json");
    assert_eq!(folder.run(&[&OUTPUT[..], &["--layer", "."]].concat()).status, 0);
    assert_eq!(folder.read("authorizer.json"), before);
}

#[test]
fn a_stored_secret_is_named_so_that_the_function_may_read_it() {
    for (secret, arn, parameter) in [
        (json!({ "secrets_manager": SECRET, "encoding": "base64" }), SECRET, ""),
        (json!([{ "secrets_manager": SECRET, "field": "a" }, { "secrets_manager": SECRET, "field": "b" }]), SECRET, ""),
        (json!({ "parameter_store": "/jwt/secret" }), "", "/jwt/secret"),
    ] {
        let ran = Folder::new("secret", &with_secret(secret)).run(&["deploy-parameters", "authorizer.json"]);
        golden("deploy-parameters-secret", &Ran { stdout: String::new(), ..ran });
        let ran = Folder(Path::new(env!("CARGO_TARGET_TMPDIR")).join("deploy/secret"));
        let values = values(&ran.run(&["deploy-parameters", "authorizer.json"]).stdout);
        assert_eq!((&values["SecretArn"], &values["SecretParameter"]), (&arn.into(), &parameter.into()));
    }
}

#[test]
fn what_the_function_could_not_read_is_a_mistake() {
    let issuer = |more: Value| {
        let mut issuer = json!({ "issuer": "https://acme.eu.auth0.com/", "audience": "pets" });
        issuer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        document(json!({ "issuers": [issuer] }))
    };
    for (document, path) in [
        (with_secret(json!({ "env": "JWT_SECRET" })), "issuers[0].secret.env"),
        (with_secret(json!({ "file": "secret.txt" })), "issuers[0].secret.file"),
        (with_secret(json!([{ "parameter_store": "/a" }, { "env": "JWT_SECRET" }])), "issuers[0].secret[1].env"),
        (with_secret(json!({ "secrets_manager": "by-its-name" })), "issuers[0].secret"),
        (with_secret(json!({ "parameter_store": "no-slash" })), "issuers[0].secret"),
        (with_secret(json!([{ "parameter_store": "/a" }, { "parameter_store": "/b" }])), "issuers[0].secret[1]"),
        (with_secret(json!([{ "parameter_store": "/a" }, { "secrets_manager": SECRET }])), "issuers[0].secret[1]"),
        (issuer(json!({ "jwks_seed_file": "keys.json" })), "issuers[0].jwks_seed_file"),
        (document(json!({ "tls": { "ca_file": "authority.pem" } })), "tls.ca_file"),
        (issuer(json!({ "audience": 1 })), "issuers[0].audience"),
    ] {
        let ran = Folder::new("mistakes", &document).run(&["deploy-parameters", "authorizer.json"]);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{ran:?}");
        assert_eq!(ran.stderr.lines().nth(1), Some(format!("  {path}").as_str()), "{ran:?}");
        ran.is_plain();
    }
}

#[test]
fn a_variable_that_is_set_here_and_not_there_is_a_mistake() {
    let set = [("STAGE".to_owned(), "prod".to_owned()), ("AWS_REGION".to_owned(), "eu-west-1".to_owned())];
    let run = |context: Value| {
        let folder = Folder::new("variables", &document(json!({ "context": context })));
        authz_in(&folder.0, &["deploy-parameters", "authorizer.json"], "", &set)
    };
    for (context, path) in [
        (json!({ "tenant": "https://acme.example.com/${STAGE}" }), "context.tenant"),
        (json!({ "tenant": "$${STAGE}${STAGE}" }), "context.tenant"),
        (json!({ "tenant": "${AWS_REGION}/${STAGE}" }), "context.tenant"),
        (json!({ "${STAGE}": "email" }), "context[\"${STAGE}\"]"),
    ] {
        let ran = run(context);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{ran:?}");
        assert_eq!(ran.stderr.lines().nth(1), Some(format!("  {path}").as_str()), "{ran:?}");
        assert!(ran.stderr.contains("`${STAGE}`"), "{ran:?}");
        ran.is_plain();
    }
    for context in [json!({ "tenant": "$${STAGE}" }), json!({ "tenant": "${AWS_REGION}" })] {
        let ran = run(context);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "a literal, or a variable that Lambda sets");
    }
}

#[test]
fn after_a_mistake_sam_finds_no_parameters() {
    let folder = Folder::new("stale", &document(json!({})));
    let ran = folder.run(&OUTPUT);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, ""));
    assert_eq!(ran.stderr, "next: sam deploy --parameter-overrides file://parameters.yaml\n");
    assert!(folder.read("parameters.yaml").is_some());
    for mistake in ["{", r#"{"issuers": []}"#] {
        folder.write("authorizer.json", mistake);
        let ran = folder.run(&OUTPUT);
        assert_eq!((ran.status, ran.stdout.as_str(), folder.read("parameters.yaml")), (2, "", None), "{ran:?}");
        folder.write("parameters.yaml", "# Made by authz deploy-parameters");
    }
    let ran = folder.run(&["deploy-parameters", "absent.json", "--output", "parameters.yaml"]);
    assert_eq!((ran.status, folder.read("parameters.yaml")), (2, None), "{ran:?}");
}

#[test]
fn a_file_of_someone_else_is_not_written() {
    let folder = Folder::new("others", &document(json!({})));
    folder.write("template.yaml", "Resources: {}\n");
    for name in ["template.yaml", "authorizer.json", "parameters.txt"] {
        let ran = folder.run(&["deploy-parameters", "authorizer.json", "--output", name]);
        assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{ran:?}");
    }
    assert_eq!(folder.read("template.yaml").as_deref(), Some("Resources: {}\n"));
    assert_eq!(folder.read("parameters.txt"), None);
}

#[test]
fn opaque_tokens_need_another_expression_and_their_clients_secret() {
    let with = |secret: Value| {
        let introspection =
            json!({ "endpoint": "https://acme.example.com/introspect", "client_id": "pets", "client_secret": secret });
        let issuer =
            json!({ "issuer": "https://acme.example.com/", "audience": "pets", "introspection": introspection });
        document(json!({ "issuers": [issuer] }))
    };
    let folder = Folder::new("opaque", &with(json!({ "secrets_manager": SECRET, "field": "introspection" })));
    let ran = folder.run(&["deploy-parameters", "authorizer.json"]);
    assert_eq!(ran.status, 0, "{}", ran.text());
    let values = values(&ran.stdout);
    assert_eq!(values["IdentityValidationExpression"], "^[Bb]earer +[-0-9A-Za-z._~+/]+=*$");
    assert_eq!(values["SecretArn"], SECRET);

    let folder = Folder::new("opaque-environment", &with(json!({ "env": "HOME" })));
    let ran = folder.run(&["deploy-parameters", "authorizer.json"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("issuers[0].introspection.client_secret.env"), "{}", ran.stderr);
}
