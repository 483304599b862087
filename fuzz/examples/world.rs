//! Generates keys, signs tokens with them, and writes `world/` and the seeds that hold tokens: `cargo run --example
//! world`. The private keys are discarded. Run it again only if a target needs other tokens.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

#[expect(dead_code, reason = "the end-to-end tests use the rest")]
#[path = "../../tests/support/tokens.rs"]
mod tokens;

use tokens::{ALGORITHMS, jwks, key};

const NOW: u64 = 1_800_000_000;
const PATHS: [&str; 6] =
    ["GET/open", "GET/movies", "POST/pets", "PUT/users/u1", "GET/tenants/t1/files", "GET/users/%75/../1?*"];

fn main() -> std::io::Result<()> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let claims = json!({
        "iss": "https://issuer.example/", "aud": ["api", "x"], "sub": "u1", "exp": NOW + 3600, "nbf": NOW, "iat": NOW - 60,
        "scope": "read:movies read:me", "scp": ["write:pets", "premium"], "org": { "id": "t1" }, "ver": 1,
        "email": "u1@example.com", "key": "plan-7",
    });
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let mut signed: Vec<String> = ALGORITHMS.iter().map(|alg| key(alg).token(&claims)).collect();
    for (name, value) in [
        ("exp", json!(NOW - 3600)),
        ("nbf", json!(NOW + 3600)),
        ("aud", json!("elsewhere")),
        ("cnf", json!({ "jkt": "x" })),
        ("sub", json!(7)),
        ("scope", json!("admin")),
        ("iss", json!("https://other.example/")),
    ] {
        signed.extend(["ES256", "HS256"].map(|alg| key(alg).token(&with(name, value.clone()))));
    }
    let nameless = json!({ "alg": "EdDSA", "typ": "at+jwt" });
    signed.push(key("EdDSA").token_with(&nameless, &claims));
    let public: Vec<_> = ALGORITHMS.into_iter().filter(|alg| !alg.starts_with("HS")).map(key).collect();
    fs::write(home.join("world/keys.json"), format!("{:#}\n", jwks(&public)))?;
    fs::write(home.join("world/secret.txt"), key("HS256").secret())?;
    fs::write(home.join("world/tokens.txt"), signed.join("\n") + "\n")?;

    let seed = |target: &str, name: String, text: String| {
        let folder = home.join("corpus").join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), text)
    };
    for (number, token) in signed.iter().enumerate() {
        let arn = format!("arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/{}", PATHS[number % PATHS.len()]);
        let event = json!({ "type": "TOKEN", "authorizationToken": format!("Bearer {token}"), "methodArn": arn });
        seed("authorize", format!("seed-{number}"), event.to_string())?;
        seed("differential", format!("seed-{number}"), token.clone())?;
    }
    for (number, alg) in ["HS256", "HS384", "HS512"].into_iter().enumerate() {
        let text = format!("{}\n{claims}", json!({ "alg": alg, "typ": "JWT" }));
        seed("differential", format!("seed-claims-{number}"), text.clone())?;
        seed("header_and_claims", format!("seed-{number}"), format!("{number}{text}"))?;
    }
    seed("key_set", "seed".to_owned(), jwks(&public).to_string())
}
