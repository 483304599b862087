//! The expressions that API Gateway matches the token's header against, before it asks the authorizer.

use serde_json::Value;

/// That of the project's template: a signed JWT.
const OF_JWTS: &str = r"^[Bb]earer +[-0-9A-Za-z_]+\.[-0-9A-Za-z_]+\.[-0-9A-Za-z_]+$";
/// Any bearer token (RFC 6750 section 2.1), which may be an opaque one. It has no backslash, which SAM might take from a parameter.
const OF_ANY_TOKENS: &str = r"^[Bb]earer +[-0-9A-Za-z._~+/]+=*$";

/// The expression for a configuration's tokens.
pub(crate) fn expression(document: &Value) -> &'static str {
    if takes_opaque_tokens(document) { OF_ANY_TOKENS } else { OF_JWTS }
}

/// Whether an issuer is asked about opaque tokens.
pub(crate) fn takes_opaque_tokens(document: &Value) -> bool {
    let issuers = document.get("issuers").and_then(Value::as_array);
    issuers.into_iter().flatten().any(|issuer| issuer.get("introspection").is_some())
}

#[cfg(test)]
mod tests {
    use regex::Regex;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_header_matches_if_it_can_hold_a_token_that_the_configuration_takes() {
        let jwts = json!({ "issuers": [{ "issuer": "a" }, { "issuer": "b" }] });
        let both = json!({ "issuers": [{ "issuer": "a" }, { "issuer": "b", "introspection": {} }] });
        for (header, jwt, opaque) in [
            ("Bearer a.b-c.d_e", true, true),
            ("bearer  a.b.c", true, true),
            ("Bearer opaque~+/==", false, true),
            ("Bearer a.b", false, true),
            ("Bearer", false, false),
            ("Bearer a b", false, false),
            ("Bearer a=b", false, false),
            ("Bearer {a}", false, false),
            ("Basic a", false, false),
        ] {
            let matches = |document: &Value| Regex::new(expression(document)).unwrap().is_match(header);
            assert_eq!((matches(&jwts), matches(&both)), (jwt, opaque), "{header}");
        }
        assert_eq!(expression(&json!({})), OF_JWTS);
    }
}
