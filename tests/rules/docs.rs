//! Configurations, routes and test names in the documentation are valid.

use serde_json::{Value, json};

use crate::local::config;

const README: &str = include_str!("../../README.md");
const SECURITY: &str = include_str!("../../SECURITY.md");
const MCP: &str = include_str!("../../docs/mcp.md");
const OPAQUE: &str = include_str!("../../docs/opaque-tokens.md");
const POLICIES: &str = include_str!("../../docs/policies.md");
const RUNBOOK: &str = include_str!("../../docs/runbook.md");

#[track_caller]
fn starts(document: &str) {
    let document = document.replace("JWT_SECRET", "SECRET").replace(r#""encoding":"base64","#, "");
    if let Err(error) = config(&document) {
        panic!("{document}\n{error}");
    }
}

#[test]
fn the_readmes_configuration_starts() {
    let blocks: Vec<&str> = README.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 1);
    blocks.into_iter().for_each(starts);
}

#[test]
fn the_readmes_issuers_start() {
    let cells = README.split('`').filter(|cell| cell.starts_with("{ \"issuer\""));
    let issuers: Vec<Value> = cells.map(|cell| serde_json::from_str(cell).unwrap()).collect();
    assert_eq!(issuers.len(), 6);
    for issuer in issuers {
        starts(&json!({ "issuers": [issuer], "undeclared_routes": "allow" }).to_string());
    }
}

#[test]
fn the_configuration_for_opaque_tokens_starts() {
    let blocks: Vec<&str> = OPAQUE.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 1);
    blocks.into_iter().for_each(starts);
}

#[test]
fn the_configuration_for_an_mcp_server_starts_and_goes_with_the_metadata_that_the_page_shows() {
    let blocks: Vec<&str> = MCP.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let [document, metadata] = blocks[..] else { panic!("{} blocks", blocks.len()) };
    starts(document);
    let (document, metadata): (Value, Value) =
        (serde_json::from_str(document).unwrap(), serde_json::from_str(metadata).unwrap());
    assert_eq!(metadata["resource"], document["issuers"][0]["audience"]);
    assert_eq!(metadata["authorization_servers"], json!([document["issuers"][0]["issuer"]]));
    assert_eq!(metadata["scopes_supported"], json!([document["routes"][0]["scopes"]]));
    assert_eq!(metadata["bearer_methods_supported"], json!(["header"]));
    // RFC 9728, section 3.1: the well-known path goes between the host and the path of the resource.
    let path = document["routes"][0]["path"].as_str().unwrap();
    let host = metadata["resource"].as_str().unwrap().strip_suffix(path).unwrap();
    assert!(MCP.contains(&format!("resource_metadata=\"{host}/.well-known/oauth-protected-resource{path}\"")));
}

#[test]
fn the_claims_with_which_the_runbook_refuses_a_user_or_a_token_start() {
    let (_, section) = RUNBOOK.split_once("\n## Revoke a user's token\n").unwrap();
    let claims = section.split("\n## ").next().unwrap().split('`').filter(|cell| cell.starts_with('"'));
    let claims: Vec<&str> = claims.collect();
    assert_eq!(claims.len(), 2);
    for claim in claims {
        let issuer = r#""issuer": "https://issuer.example/", "audience": "api", "secret": { "env": "SECRET" }"#;
        starts(&format!(
            r#"{{ "issuers": [{{ {issuer}, "required_claims": {{ {claim} }} }}], "undeclared_routes": "allow" }}"#
        ));
    }
}

#[test]
fn the_routes_in_the_page_on_policies_start_or_fail_as_the_page_says() {
    let document = |routes: &str, undeclared: &str| {
        let issuer = json!({ "issuer": "https://issuer.example/", "audience": "api", "secret": { "env": "SECRET" } });
        format!(r#"{{ "issuers": [{issuer}], "undeclared_routes": "{undeclared}", {routes} }}"#)
    };
    let blocks = POLICIES.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    for block in blocks {
        starts(&document(block, "deny"));
    }
    let routes = |routes: Value| format!(r#""routes": {routes}"#);
    let refused = |routes: &str, undeclared: &str| {
        assert!(config(&document(routes, undeclared)).is_err(), "{undeclared}: {routes}");
    };
    let nested = routes(json!([{ "path": "/pets/{id}" }, { "path": "/pets/{id}/owner" }]));
    refused(&nested, "deny");
    starts(&document(&nested, "absent"));
    let users = |short: Value, long: Value| {
        let open = |path: &str, scopes: &Value| match scopes {
            Value::Null => json!({ "path": path }),
            scopes => json!({ "path": path, "scopes": scopes }),
        };
        routes(json!([
            open("/users/{u}", &short),
            { "path": "/users/{u}/packages/{p}", "scopes": "packages" },
            open("/users/{u}/packages/{p}/versions/{v}", &long),
        ]))
    };
    refused(&users(Value::Null, Value::Null), "absent");
    starts(&document(&users(Value::Null, "packages".into()), "absent"));
    starts(&document(&users("packages".into(), Value::Null), "absent"));
    let bound = routes(json!([{ "path": "/users/{id}", "claims": { "sub": "{id}" } }]));
    refused(&bound, "allow");
    starts(&document(&bound, "deny"));
    starts(&document(&bound, "absent"));
}

#[test]
fn the_tests_that_the_page_on_security_names_are_there() {
    // A file in backticks, then a test of that file in backticks.
    let names: Vec<&str> = SECURITY.split('`').collect();
    let tests = names.windows(3).filter(|around| around[0].ends_with(".rs") && around[1] == " ");
    let mut count = 0_usize;
    for around in tests {
        let (file, test) = (around[0], around[2]);
        let text = std::fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert!(
            text.contains(&format!("#[test]\nfn {test}() {{"))
                || text.contains(&format!("    #[test]\n    fn {test}() {{")),
            "{file} has no {test}"
        );
        count = count.saturating_add(1);
    }
    assert_eq!(count, SECURITY.matches(".rs` `").count());
    assert!(count > 30, "{count}");
}
