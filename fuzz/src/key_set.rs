//! Bytes -> the key set parser. Checks that it takes at most 100 keys, no two with the same `kid` and algorithm, and
//! only suitable ones.

use apigw_jwt_authorizer::internals;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Set<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Parses a key set; checks the keys that are taken.
pub fn run(text: &[u8]) {
    let Some(keys) = internals::key_set(text) else { return };
    let set: Set<'_> = serde_json::from_slice(text).expect("a key set is JSON");
    // An unreadable key is skipped, and the others are used.
    let jwks: Vec<Value> = set.keys.iter().filter_map(|jwk| serde_json::from_str(jwk.get()).ok()).collect();
    assert!((1..=100).contains(&keys.len()), "{} keys", keys.len());
    for (kid, alg) in &keys {
        let named = |jwk: &&Value| jwk.get("kid").and_then(Value::as_str) == kid.as_deref();
        assert!(jwks.iter().filter(named).any(|jwk| fits(jwk, alg)), "an unsuitable key is taken");
        let twins = keys.iter().filter(|(other, of)| other == kid && of == alg).count();
        assert!(twins == 1 || kid.is_none(), "two keys have the same kid");
    }
}

/// Whether a key is suitable for an algorithm.
fn fits(jwk: &Value, alg: &str) -> bool {
    let octets = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap_or_default()).unwrap_or_default();
    let number = |name: &str| -> Vec<u8> { octets(name).into_iter().skip_while(|byte| *byte == 0).collect() };
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    let public = PRIVATE.iter().all(|name| jwk.get(name).is_none());
    let named = jwk.get("alg").is_none_or(|name| name == alg || alg == "EdDSA" && name == "Ed25519");
    let usage = jwk.get("use").is_none_or(|usage| usage == "sig");
    let operations =
        jwk.get("key_ops").is_none_or(|all| all.as_array().is_some_and(|all| all.contains(&"verify".into())));
    let numbers = match (alg, jwk["kty"].as_str(), jwk["crv"].as_str()) {
        ("ES256", Some("EC"), Some("P-256")) => octets("x").len() == 32 && octets("y").len() == 32,
        ("ES384", Some("EC"), Some("P-384")) => octets("x").len() == 48 && octets("y").len() == 48,
        ("ES512", Some("EC"), Some("P-521")) => octets("x").len() == 66 && octets("y").len() == 66,
        ("EdDSA", Some("OKP"), Some("Ed25519")) => octets("x").len() == 32,
        (alg, Some("RSA"), _) if alg.starts_with(['R', 'P']) => {
            let (n, e) = (number("n"), number("e"));
            let bits = n.len() * 8;
            let unused = n.first().map_or(0, |byte| byte.leading_zeros());
            (2048..=8192).contains(&(bits - usize::try_from(unused).unwrap()))
                && odd(&n)
                && odd(&e)
                && e.len() <= 4
                && e != [1]
        }
        _ => false,
    };
    public && named && usage && operations && numbers
}
