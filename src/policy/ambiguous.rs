//! Denies for the ambiguous paths that a wildcard would let through.

use std::borrow::Cow;

/// Which characters the literals near a wildcard have, one bit for each ASCII character.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Letters(u128);

/// How much of what is percent-encoded a policy refuses beside its wildcards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoded {
    /// Separators, and the letters of the literals that an encoded segment could turn into.
    Telling,
    /// All of it, in one Deny: for a document that would otherwise grow too large.
    All,
}

/// Empty and dot segments and the backslash. No plain path has them, so these hold for every method and every path.
const SEPARATORS: [&str; 6] = ["*//*", "*/./*", "*/.", "*/../*", "*/..", "*\\*"];

/// `/`, `\`, `.` and `%`, encoded; IAM compares hex digits with case.
const ENCODED_SEPARATORS: [&str; 7] = ["*%2F*", "*%2f*", "*%5C*", "*%5c*", "*%2E*", "*%2e*", "*%25*"];

impl Letters {
    /// Takes in the characters of a literal.
    pub(crate) fn add(&mut self, literal: &str) {
        for byte in literal.bytes() {
            self.0 |= 1_u128.checked_shl(u32::from(byte)).unwrap_or(0);
        }
    }

    /// Those of both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Denies for each of them encoded. Clients encode none of the characters that a literal may have but `:` and `,`
    /// (RFC 3986 section 2.3), so it costs nobody anything to take `a` to `o` as one.
    fn denies(self) -> Vec<Cow<'static, str>> {
        const A_TO_O: std::ops::RangeInclusive<u8> = 0x61..=0x6f;
        let mut denies = Vec::new();
        let has = |byte: u8| self.0 & 1_u128.checked_shl(u32::from(byte)).unwrap_or(0) != 0;
        if A_TO_O.into_iter().any(has) {
            denies.push("*%6*".into());
        }
        // The dot is a separator.
        for byte in (0..0x80).filter(|byte| has(*byte) && !A_TO_O.contains(byte) && *byte != b'.') {
            let (upper, lower) = (format!("*%{byte:02X}*"), format!("*%{byte:02x}*"));
            if upper != lower {
                denies.push(lower.into());
            }
            denies.push(upper.into());
        }
        denies
    }
}

/// What every wildcard needs.
pub(crate) fn denies(letters: Letters, encoded: Encoded) -> Vec<Cow<'static, str>> {
    let mut denies: Vec<Cow<'static, str>> = SEPARATORS.map(Cow::Borrowed).into();
    match encoded {
        Encoded::Telling => {
            denies.extend(ENCODED_SEPARATORS.map(Cow::Borrowed));
            denies.extend(letters.denies());
        }
        Encoded::All => denies.push("*%*".into()),
    }
    denies
}

/// A segment as clients encode it: all but the unreserved characters (RFC 3986 section 2.3).
pub(crate) fn percent_encoded(segment: &str) -> String {
    let mut encoded = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
