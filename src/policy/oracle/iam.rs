//! IAM's policy evaluation, written from its documentation alone: in a Resource `*` matches any text, even an empty
//! one, and `?` one character; an explicit Deny overrides every Allow; anything not allowed is denied.

/// A pattern, split at its stars.
struct Glob {
    pieces: Vec<Vec<char>>,
}

impl Glob {
    fn new(text: &str) -> Self {
        Self { pieces: text.split('*').map(|piece| piece.chars().collect()).collect() }
    }

    fn fits(piece: &[char], text: &[char]) -> bool {
        piece.len() <= text.len() && piece.iter().zip(text).all(|(wanted, found)| *wanted == '?' || wanted == found)
    }

    /// Matches the first piece at the start, the last at the end, and the others between them, each as early as
    /// possible.
    fn matches(&self, text: &[char]) -> bool {
        let (first, rest) = self.pieces.split_first().unwrap();
        if !Self::fits(first, text) {
            return false;
        }
        let mut text = &text[first.len()..];
        let Some((last, middle)) = rest.split_last() else {
            return text.is_empty();
        };
        for piece in middle {
            match (0..=text.len()).find(|start| Self::fits(piece, &text[*start..])) {
                Some(start) => text = &text[start + piece.len()..],
                None => return false,
            }
        }
        text.len() >= last.len() && Self::fits(last, &text[text.len() - last.len()..])
    }
}

/// A policy document for one stage.
pub(crate) struct Document {
    allow: Vec<Glob>,
    deny: Vec<Glob>,
}

impl Document {
    /// Reads a policy document, in which every Resource must start with the stage.
    pub(crate) fn new(json: &serde_json::Value, stage: &str) -> Self {
        let globs = |effect: &str| {
            let statements = json["Statement"].as_array().unwrap().iter();
            statements
                .filter(|statement| statement["Effect"] == effect)
                .flat_map(|statement| statement["Resource"].as_array().unwrap())
                .map(|resource| {
                    let resource = resource.as_str().unwrap();
                    assert!(resource.chars().count() <= 512, "a Resource of more than 512 characters");
                    Glob::new(resource.strip_prefix(stage).expect("every Resource is in the stage"))
                })
                .collect()
        };
        assert_eq!(json["Version"], "2012-10-17");
        Self { allow: globs("Allow"), deny: globs("Deny") }
    }

    /// Whether the policy allows `METHOD/path`.
    pub(crate) fn allows(&self, tail: &str) -> bool {
        let text: Vec<char> = tail.chars().collect();
        self.allow.iter().any(|glob| glob.matches(&text)) && !self.deny.iter().any(|glob| glob.matches(&text))
    }
}

#[test]
fn stars_match_any_text_and_question_marks_one_character() {
    let fits = |glob: &str, text: &str| Glob::new(glob).matches(&text.chars().collect::<Vec<_>>());
    for (glob, text) in
        [("*", ""), ("*", "a/b"), ("a*", "a"), ("a*c", "abbc"), ("?*", "\u{e9}"), ("a?c", "a/c"), ("*a*b", "aabab")]
    {
        assert!(fits(glob, text), "{glob} {text}");
    }
    for (glob, text) in [("", "a"), ("?", ""), ("?", "ab"), ("a*c", "ab"), ("a*a", "a"), ("*a?", "a"), ("ab*b", "ab")] {
        assert!(!fits(glob, text), "{glob} {text}");
    }
}
