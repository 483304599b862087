//! Authorization value -> bearer token (RFC 6750 section 2.1).

use std::fmt;

use crate::error::Error;

/// The longest token in bytes: API Gateway's limit for all request headers together.
const MAX_TOKEN_BYTES: usize = 10_240;

/// The token of a `Bearer` header, unverified. Every byte of it can be part of a compact JWS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct BearerToken<'a>(&'a str);

impl<'a> BearerToken<'a> {
    /// Takes the token from the value of an `Authorization` header: the scheme in any case (RFC 9110 section 11.1),
    /// one or more spaces, the token.
    ///
    /// # Errors
    /// [`Error::MissingToken`] for no value, an empty one, or the scheme alone. [`Error::MalformedToken`] for another
    /// scheme (`Basic dTpw`), no scheme, a second token, a token over 10,240 bytes, or a byte that no compact JWS has.
    pub(crate) fn parse(authorization: Option<&'a str>) -> Result<Self, Error> {
        let token = credentials(authorization)?;
        if all_compact_jws(token) { Ok(Self(token)) } else { Err(Error::MalformedToken) }
    }

    /// The token itself.
    pub(crate) fn as_str(self) -> &'a str {
        self.0
    }
}

/// What follows the scheme `Bearer`: any bytes but none, and not too many.
fn credentials(authorization: Option<&str>) -> Result<&str, Error> {
    let value = authorization.unwrap_or_default();
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    let token = rest.trim_start_matches(' ');
    if value.is_empty() {
        Err(Error::MissingToken)
    } else if !scheme.eq_ignore_ascii_case("Bearer") {
        Err(Error::MalformedToken)
    } else if token.is_empty() {
        Err(Error::MissingToken)
    } else if token.len() > MAX_TOKEN_BYTES {
        Err(Error::MalformedToken)
    } else {
        Ok(token)
    }
}

/// A token of a `Bearer` header that is not a JWT, a reference that its issuer alone understands (RFC 6749 section 1.4).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpaqueToken<'a>(&'a str);

impl<'a> OpaqueToken<'a> {
    /// Takes the token from the value of an `Authorization` header, as [`BearerToken::parse`] does; `None` if there is none, if it
    /// is not a `b64token` (RFC 6750 section 2.1), or if it has exactly two dots: a JWT, or a token that tries to look like one.
    pub(crate) fn parse(authorization: Option<&'a str>) -> Option<Self> {
        let token = credentials(authorization).ok()?;
        let unpadded = token.trim_end_matches('=');
        let plain = !unpadded.is_empty()
            && unpadded.bytes().all(|byte| is_compact_jws(byte) || matches!(byte, b'~' | b'+' | b'/'));
        (plain && token.bytes().filter(|byte| *byte == b'.').count() != 2).then_some(Self(token))
    }

    /// The token itself.
    pub(crate) fn as_str(self) -> &'a str {
        self.0
    }
}

impl fmt::Debug for OpaqueToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpaqueToken(..)")
    }
}

/// Whether every byte can be part of a compact JWS. The loop never ends early, so that the compiler can vectorize it.
pub(crate) fn all_compact_jws(token: &str) -> bool {
    token.bytes().fold(true, |all, byte| all & is_compact_jws(byte))
}

/// Whether a byte can be part of a compact JWS: base64url or the separator (RFC 7515 section 7.1).
fn is_compact_jws(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

impl fmt::Debug for BearerToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn parsed(value: &str, expected: Result<&str, Error>) {
        assert_eq!(BearerToken::parse(Some(value)).map(BearerToken::as_str), expected, "{value:?}");
    }

    #[test]
    fn the_scheme_is_compared_without_case_and_any_number_of_spaces_follows() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c", "bEaReR    a.b.c"] {
            parsed(value, Ok("a.b.c"));
        }
    }

    #[test]
    fn no_credentials_are_a_missing_token() {
        assert_eq!(BearerToken::parse(None), Err(Error::MissingToken));
        for value in ["", "Bearer", "Bearer ", "bearer    "] {
            parsed(value, Err(Error::MissingToken));
        }
    }

    #[test]
    fn other_schemes_and_naked_tokens_are_malformed() {
        for value in ["Basic dTpw", "Digest a.b.c", "a.b.c", " Bearer a.b.c", "Bearer\ta.b.c", "Bearera.b.c", "Basic"] {
            parsed(value, Err(Error::MalformedToken));
        }
    }

    #[test]
    fn only_the_alphabet_of_a_compact_jws_passes() {
        for bad in [
            "a.b.c ",
            "a.b.c d",
            "a.b.c, Bearer d",
            "a,b",
            "a.b.c\t",
            "a.b.c\r\n",
            "a\0b",
            "a%2Eb",
            "a.b.\u{e9}",
            "\"a.b.c\"",
            "{a}",
            "a+b",
            "a/b",
            "a=",
            "a~b",
        ] {
            parsed(&format!("Bearer {bad}"), Err(Error::MalformedToken));
        }
    }

    #[test]
    fn a_token_has_at_most_10240_bytes() {
        parsed(&format!("Bearer {}", "a".repeat(10_240)), Ok(&"a".repeat(10_240)));
        parsed(&format!("Bearer {}", "a".repeat(10_241)), Err(Error::MalformedToken));
    }

    #[test]
    fn a_bearer_token_does_not_print() {
        assert_eq!(format!("{:?}", BearerToken::parse(Some("Bearer a.b.c"))), "Ok(BearerToken(..))");
        assert_eq!(format!("{:?}", OpaqueToken::parse(Some("Bearer abc"))), "Some(OpaqueToken(..))");
    }

    #[test]
    fn a_b64token_without_exactly_two_dots_is_opaque() {
        let opaque =
            |token: &str| OpaqueToken::parse(Some(&format!("Bearer {token}"))).map(|token| token.as_str().to_owned());
        for token in [
            "a",
            "abc",
            "a.b",
            "a.b.c.d",
            "a.b.c.d.e",
            "...",
            "a-b_c~d+e/f",
            "abc=",
            "abc==",
            "a.b=",
            "eyJhbGciOiJub25lIn0",
        ] {
            assert_eq!(opaque(token).as_deref(), Some(token));
        }
        for token in [
            "a.b.c", "a..", "..", "a+b.c.d", "a.b.c=", "=", "==", "a=b", "a b", "a,b", "a%2Eb", "a\u{e9}", "\"a\"",
            "{a}", "a\n",
        ] {
            assert_eq!(opaque(token), None, "{token:?}");
        }
        assert_eq!(opaque(&"a".repeat(10_240)), Some("a".repeat(10_240)));
        assert_eq!(opaque(&"a".repeat(10_241)), None);
        for value in [None, Some(""), Some("Bearer"), Some("Bearer "), Some("Basic abc"), Some("abc")] {
            assert_eq!(OpaqueToken::parse(value), None, "{value:?}");
        }
    }
}
