//! Builds a case from bytes for the fuzz target. Each byte makes a choice; once they run out, the first option is
//! chosen.

use serde_json::{Value, json};

use super::case::{Case, ROOM};
use super::rules::{Entry, Mode, Rules, Token, Way};
use super::wanted::Wanted;

const LITERALS: [&str; 8] = ["a", "b", "me", "a:x", "A", "..a", "x.y", "b-_,c"];
const SCOPES: [&str; 3] = ["s", "t", "u"];
const METHODS: [&[&str]; 8] =
    [&["GET"], &["POST"], &["GET", "POST"], &[], &["OPTIONS"], &["DELETE", "PUT"], &["HEAD"], &["PATCH", "GET"]];
const SEGMENTS: [&str; 31] = [
    "a", "b", "me", "a:x", "u1", "zz", "a b", "", ".", "..", "a%20b", "%61", "m%65", "a%3Ax", "x%7Cy", "x|y", "\u{e9}",
    "%C3%A9", "a*", "?", "${a}", "a\\b", "%2F", "%zz", "%0a", "A", "..a", "q\"", "a;b", "%3b", "%ff",
];
/// The characters of claims that are not one of the texts above.
const LETTERS: [char; 24] = [
    'a', 'b', 'm', 'e', ':', 'x', 'u', '1', '.', '/', '\\', '*', '?', '$', '{', '%', '2', 'F', ' ', '"', '\u{e9}',
    '\u{85}', '|', 'A',
];

struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn below(&mut self, options: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first) % options
    }

    fn of<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.below(options.len())]
    }

    fn path(&mut self) -> String {
        let depth = self.below(6);
        let segment = |position| match self.below(LITERALS.len() + 5) {
            literal if literal < LITERALS.len() => format!("/{}", LITERALS[literal]),
            greedy if greedy == LITERALS.len() && position + 1 == depth => format!("/{{p{position}+}}"),
            _ => format!("/{{p{position}}}"),
        };
        let path: String = (0..depth).map(segment).collect();
        if path.is_empty() { "/".to_owned() } else { path }
    }

    fn way(&mut self, path: &str) -> Way {
        let scopes = (0..self.below(3)).map(|_| self.scopes()).filter(|all| !all.is_empty()).collect();
        let parameters: Vec<String> =
            path.split('/').filter(|part| part.starts_with('{')).map(|part| part.replace("+}", "}")).collect();
        let value = |choices: &mut Self| match choices.below(parameters.len() + 6) {
            0 => "r1".into(),
            1 => "r2".into(),
            2 => Wanted::Present,
            3 => Wanted::Absent,
            4 => Wanted::Begins(choices.of(&["r", "r1", "a", "a/", "\u{e9}"])),
            5 => {
                let listed = [json!("r1"), json!("r2"), json!("a"), json!(7), json!("")];
                let chosen = choices.below(1 << listed.len());
                let each = listed.into_iter().enumerate();
                Wanted::NoneOf(each.filter(|(bit, _)| chosen & (1 << bit) != 0).map(|(_, value)| value).collect())
            }
            parameter => parameters[parameter - 6].as_str().into(),
        };
        let claim = |choices: &mut Self| {
            let name = choices.of(&["sub", "org", "role"]);
            (name, (0..=choices.below(2)).map(|_| value(choices)).collect())
        };
        let claims = (0..self.below(3)).map(|_| claim(self)).collect();
        Way { scopes, claims }
    }

    fn scopes(&mut self) -> Vec<&'static str> {
        let chosen = self.below(8);
        SCOPES.into_iter().enumerate().filter(|(bit, _)| chosen & (1 << bit) != 0).map(|(_, scope)| scope).collect()
    }

    fn entry(&mut self) -> Entry {
        let (methods, path) = (self.of(&METHODS).to_vec(), self.path());
        let any_of = (0..self.below(3)).map(|_| self.way(&path)).collect();
        Entry { methods, path, any_of }
    }

    fn text(&mut self) -> String {
        match self.below(SEGMENTS.len() + 8) {
            known if known < SEGMENTS.len() => SEGMENTS[known].to_owned(),
            _ => (0..self.below(8)).map(|_| self.of(&LETTERS)).collect(),
        }
    }

    fn claim(&mut self) -> Value {
        match self.below(8) {
            0 => Value::Null,
            1 => json!(7),
            2 => json!("r1"),
            3 => (0..self.below(4)).map(|_| self.text()).collect(),
            4 => json!([self.text(), self.below(9), {}]).as_array().unwrap()[..self.below(4)].into(),
            _ => self.text().into(),
        }
    }

    fn request(&mut self) -> String {
        let method = self.of(&["GET", "POST", "OPTIONS", "DELETE", "HEAD", "FOO"]);
        let segments: Vec<String> = (0..self.below(6)).map(|_| self.text()).collect();
        let end = self.of(&["", "/", "", "//"]);
        format!("{method}/{}{end}", segments.join("/"))
    }
}

/// Builds the case that these bytes choose.
pub(crate) fn case(bytes: &[u8]) -> Case {
    let mut choices = Choices(bytes);
    let mode = choices.of(&[Mode::Deny, Mode::Allow, Mode::Absent]);
    let entries = (0..=choices.below(7)).map(|_| choices.entry()).collect();
    let claims = json!({"sub": choices.claim(), "org": choices.claim(), "role": choices.claim()});
    let token = Token { scopes: choices.scopes(), claims };
    let request = choices.request();
    let room = choices.of(&[ROOM, ROOM, ROOM, 600, 900, 1500, 2500, 4000]);
    let (extra, phase) = (choices.below(4), choices.below(4));
    Case::new(&LITERALS, Rules { entries, mode }, token, request, room, extra, phase)
}
