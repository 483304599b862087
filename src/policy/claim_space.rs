//! What one claim may be: whether some value meets some atoms and not others.
//!
//! A claim may be an array, which meets together what no single text can: it holds `a` and something that begins with `b`.
//! A scalar meets what the array with that one item meets, and an object what `[{}]` does, so arrays stand for all values.
//! Every atom then says that some item is one of a few (a value, a beginning, a text for paths), or that no item is (`none_of`).
//! Items that no atom tells apart are one item here.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::conditions::{Atom, AtomId};
use crate::claims::{Accepted, ClaimName, same};
use crate::routes::path_texts;

/// What an atom says of the claim.
#[derive(Debug)]
enum Meaning {
    Present,
    Absent,
    /// Some item is one of these, which are in order.
    Some(Vec<usize>),
    /// It is present, and no item is one of these.
    None(Vec<usize>),
}

/// An item of the claim: a scalar that some atom names, strings that no atom tells apart, or, without both, an object or an
/// array.
#[derive(Debug)]
struct Item<'a> {
    scalar: Option<&'a Value>,
    /// The string, or what the strings begin with.
    text: Option<&'a str>,
    /// Whether it may stand in a path.
    plain: bool,
}

/// The atoms of one claim, and what matters of its values.
#[derive(Debug)]
pub(super) struct ClaimSpace {
    is_one_string: bool,
    atoms: FxHashMap<AtomId, Meaning>,
    /// By item, whether it is a string.
    strings: Vec<bool>,
}

impl ClaimSpace {
    /// Of these atoms, all of one claim.
    pub(super) fn new(name: &ClaimName, atoms: &[(AtomId, &Atom)]) -> Self {
        let items = items(atoms);
        let meaning = |atom: &Atom| {
            let those = |is_one: &dyn Fn(&Item<'_>) -> bool| -> Vec<usize> {
                items.iter().enumerate().filter(|(_, item)| is_one(item)).map(|(place, _)| place).collect()
            };
            Some(match atom {
                Atom::Claim(_, Accepted::Present) => Meaning::Present,
                Atom::Claim(_, Accepted::Absent) => Meaning::Absent,
                Atom::Claim(_, Accepted::Value(value)) => Meaning::Some(those(&|item| item.is(value))),
                Atom::Claim(_, Accepted::StartsWith(start)) => Meaning::Some(those(&|item| item.begins_with(start))),
                Atom::Claim(_, Accepted::NoneOf(listed)) => {
                    Meaning::None(those(&|item| item.is_nested() || listed.iter().any(|value| item.is(value))))
                }
                Atom::Text(_) => Meaning::Some(those(&|item| item.plain)),
                Atom::Scope(_) => return None,
            })
        };
        Self {
            is_one_string: is_one_string(name),
            atoms: atoms.iter().filter_map(|(id, atom)| Some((*id, meaning(atom)?))).collect(),
            strings: items.iter().map(|item| item.text.is_some()).collect(),
        }
    }

    /// Whether some value meets all atoms of this claim that are `held`, and none that are `lacked`.
    pub(super) fn is_possible(&self, held: &[AtomId], lacked: &[AtomId]) -> bool {
        let meanings =
            |atoms: &[AtomId]| -> Vec<&Meaning> { atoms.iter().filter_map(|atom| self.atoms.get(atom)).collect() };
        let (held, lacked) = (meanings(held), meanings(lacked));
        let is_absent = |meaning: &&Meaning| matches!(meaning, Meaning::Absent);
        let is_present = |meaning: &&Meaning| matches!(meaning, Meaning::Present);
        if held.iter().all(is_absent) && !lacked.iter().any(is_absent) {
            return true;
        }
        !held.iter().any(is_absent) && !lacked.iter().any(is_present) && self.is_possible_present(&held, &lacked)
    }

    fn is_possible_present(&self, held: &[&Meaning], lacked: &[&Meaning]) -> bool {
        // Some item has to be one of each of the first lists, and none may be one of the others.
        let (mut some, mut none) = (Vec::new(), Vec::new());
        for (meaning, is_held) in held.iter().map(|of| (of, true)).chain(lacked.iter().map(|of| (of, false))) {
            match (meaning, is_held) {
                (Meaning::Some(items), true) | (Meaning::None(items), false) => some.push(items),
                (Meaning::None(items), true) | (Meaning::Some(items), false) => none.push(items),
                (Meaning::Present | Meaning::Absent, _) => {}
            }
        }
        let mut open = vec![true; self.strings.len()];
        for item in none.into_iter().flatten() {
            if let Some(open) = open.get_mut(*item) {
                *open = false;
            }
        }
        let is_open = |item: &usize| open.get(*item).is_some_and(|open| *open);
        match self.is_one_string {
            false => some.iter().all(|items| items.iter().any(is_open)),
            true => self.strings.iter().enumerate().any(|(item, is_string)| {
                *is_string && is_open(&item) && some.iter().all(|items| items.binary_search(&item).is_ok())
            }),
        }
    }

    /// How many items there are to look at.
    pub(super) fn len(&self) -> usize {
        self.strings.len()
    }
}

/// Whether a claim is always one string, if it is there: `iss`, by which a token's entry was found before.
pub(super) fn is_one_string(name: &ClaimName) -> bool {
    matches!(name, ClaimName::Member(name) if name == "iss")
}

/// All items that some atom tells from others.
fn items<'a>(atoms: &[(AtomId, &'a Atom)]) -> Vec<Item<'a>> {
    let mut items: Vec<Item<'a>> = vec![Item { scalar: None, text: None, plain: false }];
    let mut begins: Vec<&'a str> = vec![""];
    for (_, atom) in atoms {
        let values = match atom {
            Atom::Claim(_, Accepted::Value(value)) => std::slice::from_ref(value),
            Atom::Claim(_, Accepted::NoneOf(listed)) => listed.as_slice(),
            Atom::Claim(_, Accepted::StartsWith(start)) => {
                begins.push(start);
                &[]
            }
            Atom::Claim(_, Accepted::Present | Accepted::Absent) | Atom::Text(_) | Atom::Scope(_) => &[],
        };
        // One value may be there twice, which changes nothing.
        let scalar = |value: &'a Value| Item { scalar: Some(value), text: value.as_str(), plain: is_path_text(value) };
        items.extend(values.iter().map(scalar));
    }
    for text in begins {
        items.push(Item { scalar: None, text: Some(text), plain: false });
        // What begins with `a/` never stands in a path.
        if is_path_text(&text.into()) {
            items.push(Item { scalar: None, text: Some(text), plain: true });
        }
    }
    items
}

fn is_path_text(value: &Value) -> bool {
    path_texts(value).next().is_some()
}

impl Item<'_> {
    fn is(&self, value: &Value) -> bool {
        self.scalar.is_some_and(|scalar| same(scalar, value))
    }

    fn begins_with(&self, start: &str) -> bool {
        self.text.is_some_and(|text| text.starts_with(start))
    }

    fn is_nested(&self) -> bool {
        self.scalar.is_none() && self.text.is_none()
    }
}
