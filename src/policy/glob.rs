//! IAM's matching of a Resource.

/// Whether an IAM pattern matches a text: `*` is any text, `?` one character.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.as_bytes(), text.as_bytes());
    // Where to go on if the text differs: after the last `*`, one byte further into the text.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern, text) {
            ([], []) => return true,
            ([b'*', after_star @ ..], _) => {
                retry = Some((after_star, text));
                pattern = after_star;
            }
            // A `*` may have stopped within a character; `?` takes whole ones.
            ([b'?', wanted @ ..], [first, found @ ..]) if !continues(*first) => {
                pattern = wanted;
                text = found;
                while let [next, after @ ..] = text
                    && continues(*next)
                {
                    text = after;
                }
            }
            ([one, wanted @ ..], [other, found @ ..]) if one == other => (pattern, text) = (wanted, found),
            _ => {
                let Some((after_star, [_, from @ ..])) = retry else { return false };
                retry = Some((after_star, from));
                (pattern, text) = (after_star, from);
            }
        }
    }
}

/// Whether a byte of UTF-8 is not the first of its character (RFC 3629 section 3).
fn continues(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_question_mark_is_one_character_and_a_star_any_text() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("?", "", false),
            ("?", "é", true),
            ("??", "é", false),
            ("*?", "é", true),
            ("*??", "é", false),
            ("?*?", "é", false),
            ("?*?", "éé", true),
            ("a*é?", "axéyéz", true),
            ("a*b", "a/b/b", true),
            ("a*b", "a/b/c", false),
            ("*%2F*", "GET/a%2Fb", true),
            ("*%2F*", "GET/a%2fb", false),
            ("GET/a/?*", "GET/a/", false),
            ("GET/a/?*", "GET/a/b/c", true),
            ("a**b*", "ab", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
