//! A token that is accepted here is accepted by another library, which reads the same of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::world;

/// Asks the other library, which gives the claims that it has verified, or `None` where it is known to be stricter.
pub type Other<'a> = &'a dyn Fn(&str, &Value, &Value) -> Option<Result<Value, String>>;

/// Whether a token was accepted. The data is a token, or a header, a line end and claims, which are signed.
pub fn run(data: &[u8], other: Other<'_>) -> bool {
    let token = match data.first() {
        Some(b'{') => {
            let mut parts = data.splitn(2, |byte| *byte == b'\n');
            world::signed(parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
        }
        // Spaces before it are between the scheme and the token (RFC 6750 section 2.1).
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
