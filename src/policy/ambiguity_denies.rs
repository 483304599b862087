//! The Denies that any wildcard brings along: for paths that can be read in two ways.

/// Which ASCII characters the literals of a table have, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Encodable(u128);

/// How much of what is percent-encoded a policy refuses beside its wildcards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grade {
    /// Encoded separators, and each character that a literal of the table has.
    Characters,
    /// Encoded separators, and all characters whose code begins with the same hex digit.
    Digits,
    /// Everything that is encoded.
    All,
}

/// The narrowest first.
pub(super) const GRADES: [Grade; 3] = [Grade::Characters, Grade::Digits, Grade::All];

/// Empty and dot segments, the backslash, and the semicolon of servlet path parameters. No plain path has them, so these
/// hold for every method and every path.
const SEPARATORS: [&str; 7] = ["*//*", "*/./*", "*/.", "*/../*", "*/..", "*\\*", "*;*"];

/// `/`, `\`, `.`, `;` and `%`, encoded; IAM compares hex digits with case.
const ENCODED_SEPARATORS: [&str; 9] = ["*%2F*", "*%2f*", "*%5C*", "*%5c*", "*%2E*", "*%2e*", "*%3B*", "*%3b*", "*%25*"];

/// Where those begin, for the coarser grade.
const ENCODED_SEPARATOR_DIGITS: [u8; 3] = [2, 3, 5];

impl Encodable {
    pub(super) fn of<'a>(literals: impl Iterator<Item = &'a str>) -> Self {
        let bytes = literals.flat_map(str::bytes);
        Self(bytes.fold(0, |all, byte| all | 1_u128.checked_shl(u32::from(byte)).unwrap_or(u128::MAX)))
    }

    fn has(self, byte: u8) -> bool {
        1_u128.checked_shl(u32::from(byte)).is_none_or(|bit| self.0 & bit != 0)
    }

    /// Denies for each of them encoded. Clients encode none of the characters that a literal may have but `:` and `,`
    /// (RFC 3986 section 2.3), so it costs nobody anything to take `a` to `o` as one.
    fn characters(self) -> Vec<String> {
        const A_TO_O: std::ops::RangeInclusive<u8> = 0x61..=0x6f;
        let mut denies = Vec::new();
        if A_TO_O.into_iter().any(|byte| self.has(byte)) {
            denies.push("*%6*".to_owned());
        }
        // The dot is a separator.
        for byte in (0..0x80).filter(|byte| self.has(*byte) && !A_TO_O.contains(byte) && *byte != b'.') {
            let (upper, lower) = (format!("*%{byte:02X}*"), format!("*%{byte:02x}*"));
            if upper != lower {
                denies.push(lower);
            }
            denies.push(upper);
        }
        denies
    }

    fn digits(self) -> Vec<String> {
        let has = |digit: &u8| {
            ENCODED_SEPARATOR_DIGITS.contains(digit)
                || (0..0x10).any(|low: u8| self.has(digit.saturating_mul(0x10).saturating_add(low)))
        };
        (0..8_u8).filter(has).map(|digit| format!("*%{digit}*")).collect()
    }

    /// What every wildcard needs.
    pub(super) fn denies(self, grade: Grade) -> Vec<String> {
        let encoded = match grade {
            Grade::Characters => ENCODED_SEPARATORS.into_iter().map(str::to_owned).chain(self.characters()).collect(),
            Grade::Digits => self.digits(),
            Grade::All => vec!["*%*".to_owned()],
        };
        SEPARATORS.into_iter().map(str::to_owned).chain(encoded).collect()
    }
}

/// A segment as clients encode it: all but the unreserved characters (RFC 3986 section 2.3).
pub(super) fn percent_encoded(segment: &str) -> String {
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
