//! Hints for the value of the token's header.

use super::*;
use crate::hint::credentials::malformed;

#[track_caller]
fn says(authorization: &str, expected: Option<Hint>) {
    assert_eq!(malformed(authorization), expected, "{authorization:?}");
}

#[test]
fn credentials_that_are_not_a_jwt_are_named_by_their_kind() {
    says("eyJh.e30.AA", Some(Hint::SchemeMissing));
    says("Bearer Bearer eyJh.e30.AA", Some(Hint::SchemeRepeated));
    says("Basic dTpw", Some(Hint::OtherScheme));
    says("DPoP eyJh.e30.AA", Some(Hint::OtherScheme));
    says("Bearer \"eyJh.e30.AA\"", Some(Hint::TokenInQuotes));
    says("\"Bearer eyJh.e30.AA\"", Some(Hint::TokenInQuotes));
    says("Bearer a.b.c.d.e", Some(Hint::EncryptedToken));
    says("Bearer ya29_opaque", Some(Hint::OpaqueToken));
    says("Bearer eyJh.e30=.AA", Some(Hint::NotBase64Url));
    says("Bearer ya29.a0", Some(Hint::OpaqueToken));
    says("Bearer a b", None);
    says("=", None);
}

#[test]
fn a_value_in_place_of_a_token_is_named() {
    for placeholder in ["undefined", "null", "{{access_token}}", "${TOKEN}", "<token>", "$TOKEN", "YOUR_TOKEN"] {
        says(&format!("Bearer {placeholder}"), Some(Hint::PlaceholderToken));
    }
    says("bearer [object Object]", Some(Hint::PlaceholderToken));
    says(r#"Bearer {"access_token":"eyJh.e30.AA","token_type":"Bearer"}"#, Some(Hint::TokenResponsePasted));
    says("Bearer eyJh.e30.AA, Bearer eyJh.e30.AA", Some(Hint::TwoTokens));
    says("Bearer eyJh.e30.AA,eyJh.e30.AA", Some(Hint::TwoTokens));
}

#[test]
fn a_pasted_header_line_and_a_scheme_with_punctuation_are_named() {
    for line in ["Authorization: Bearer eyJh.e30.AA", "authorization:Bearer eyJh.e30.AA", "Authorization eyJh.e30.AA"] {
        says(line, Some(Hint::HeaderNamePasted));
    }
    for value in ["Bearer: eyJh.e30.AA", "Bearer%20eyJh.e30.AA", "Bearer=eyJh.e30.AA", "BearereyJh.e30.AA"] {
        says(value, Some(Hint::SchemeWithColon));
    }
}

#[test]
fn a_token_that_is_broken_or_cut_off_is_named() {
    for value in ["Bearer eyJh.e30\n.AA", "Bearer eyJh.e30.AA\n", "Bearer eyJh.e30. AA", "Bearer\teyJh.e30.AA "] {
        says(value, Some(Hint::TokenHasWhiteSpace));
    }
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#);
    for rest in [".e30.AAAAA", ".e30.", ".eyJhI.AA"] {
        says(&format!("Bearer {header}{rest}"), Some(Hint::TokenTruncated));
    }
    says(&format!("Bearer {header}"), Some(Hint::TokenTruncated));
    says(&format!("Bearer {header}.eyJh"), Some(Hint::TokenTruncated));
}
