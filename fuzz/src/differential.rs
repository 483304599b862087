//! Checks that another library accepts every token that is accepted here, and reads the same claims.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::world;

/// Verifies a token with the other library: the claims or its refusal, or `None` if the library is known to be
/// stricter.
pub type Other<'a> = &'a dyn Fn(&str, &Value, &Value) -> Option<Result<Value, String>>;

/// Checks a token; returns whether it was accepted. The data is a token, or a header and claims to sign, separated by a
/// line feed.
pub fn run(data: &[u8], other: Other<'_>) -> bool {
    let token = match data.first() {
        Some(b'{') => {
            let mut parts = data.splitn(2, |byte| *byte == b'\n');
            world::signed(parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
        }
        // Leading spaces belong to the space between scheme and token (RFC 6750 section 2.1).
        _ => String::from_utf8_lossy(data).trim_start_matches(' ').to_owned(),
    };
    let answer = world::asked(&token, "GET/open");
    if answer.get("errorType").is_some() || answer["principalId"] == "anonymous" {
        return false;
    }
    let [header, claims] = [0, 1].map(|segment| -> Value {
        let segment = URL_SAFE_NO_PAD.decode(token.split('.').nth(segment).unwrap()).unwrap();
        serde_json::from_slice(&segment).unwrap()
    });
    if let Some(theirs) = other(&token, &header, &claims) {
        let theirs = theirs.unwrap_or_else(|refusal| panic!("the other library refuses {header} {claims}: {refusal}"));
        assert_eq!(theirs["sub"], answer["principalId"]);
        assert_eq!(theirs["iss"], world::ISSUER);
        if let Some(email) = answer["context"].get("email") {
            let text = theirs["email"].to_string();
            assert!(&theirs["email"] == email || *email == text, "another email");
        }
    }
    true
}
