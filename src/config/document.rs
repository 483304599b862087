//! The configuration document as it was written: one tree of values, whose texts are where the document has them.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::Number;

use crate::json::Json;

/// A value of the document.
#[derive(Debug, PartialEq)]
pub(super) enum Tree<'d> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'d, str>),
    List(Vec<Self>),
    Object(Members<'d>),
}

/// The members of an object, by name.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Members<'d>(Vec<(Cow<'d, str>, Tree<'d>)>);

impl<'d> Members<'d> {
    /// A member. Objects of a configuration have a handful, which are looked through faster than halved.
    pub(super) fn get(&self, name: &str) -> Option<&Tree<'d>> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Tree<'d>)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// Where a member is, or where it would be: at the end, in a document that is sorted as most are.
    fn place(&self, name: &str) -> Result<usize, usize> {
        match self.0.last() {
            Some((last, _)) if **last >= *name => self.0.binary_search_by(|(known, _)| (**known).cmp(name)),
            _ => Err(self.0.len()),
        }
    }
}

impl<'d> Json<'d> for Tree<'d> {
    type Members = Members<'d>;

    fn null() -> Self {
        Self::Null
    }

    fn bool(value: bool) -> Self {
        Self::Bool(value)
    }

    fn number(value: Number) -> Self {
        Self::Number(value)
    }

    fn text(value: Cow<'d, str>) -> Self {
        Self::Text(value)
    }

    fn list(items: Vec<Self>) -> Self {
        Self::List(items)
    }

    fn object(members: Members<'d>) -> Self {
        Self::Object(members)
    }

    fn members(self) -> Option<Members<'d>> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    fn insert(members: &mut Members<'d>, name: Cow<'d, str>, value: Self) -> bool {
        match members.place(&name) {
            Ok(_) => false,
            Err(place) => {
                members.0.insert(place, (name, value));
                true
            }
        }
    }
}

/// As JSON again, for a part that another stage reads.
impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(value) => value.serialize(serializer),
            Self::Text(value) => serializer.serialize_str(value),
            Self::List(items) => items.serialize(serializer),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.0.len()))?;
                members.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn a_document_is_read_and_written_as_it_is() {
        let text = r#"{"a":[null,true,-1,1.5,18446744073709551615,"x\ny",{"é":{}}],"b":"${NAME}"}"#;
        let members: Members<'_> = json::members_of::<Tree<'_>>(text).unwrap();
        assert_eq!(serde_json::to_string(&Tree::Object(members)).unwrap(), text);
    }

    #[test]
    fn a_member_is_found_by_its_name_with_escapes_resolved() {
        let members = json::members_of::<Tree<'_>>(r#"{"z": 1, "al\u0067": 2, "b": 3}"#).unwrap();
        assert_eq!(members.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["alg", "b", "z"]);
        assert_eq!(members.get("alg"), Some(&Tree::Number(2.into())));
        assert_eq!(members.get("al"), None);
        assert!(json::members_of::<Tree<'_>>(r#"{"alg": 1, "b": 2, "al\u0067": 1}"#).is_err());
    }
}
