//! Strict JSON: what `serde_json::Value` forgives is refused here.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::de::Read;
use serde_json::{Map, Number, Value};

use crate::decimal::Decimal;

/// How `serde_json` hands over a number that is no integer of 64 bits: as an object with this one member, whose value is the
/// number's text.
const NUMBER: &str = "$serde_json::private::Number";

/// What a JSON document becomes.
pub(crate) trait Json<'de>: Sized {
    /// The members of an object, before it is one.
    type Members: Default;

    fn null() -> Self;
    fn bool(value: bool) -> Self;
    fn number(value: Number) -> Self;
    fn text(value: Cow<'de, str>) -> Self;
    fn list(items: Vec<Self>) -> Self;
    fn object(members: Self::Members) -> Self;

    /// The members, if it is an object.
    fn members(self) -> Option<Self::Members>;

    /// Adds a member; `false` if there is one of this name.
    fn insert(members: &mut Self::Members, name: Cow<'de, str>, value: Self) -> bool;
}

impl<'de> Json<'de> for Value {
    type Members = Map<String, Self>;

    fn null() -> Self {
        Self::Null
    }

    fn bool(value: bool) -> Self {
        Self::Bool(value)
    }

    fn number(value: Number) -> Self {
        Self::Number(value)
    }

    fn text(value: Cow<'de, str>) -> Self {
        Self::String(value.into_owned())
    }

    fn list(items: Vec<Self>) -> Self {
        Self::Array(items)
    }

    fn object(members: Self::Members) -> Self {
        Self::Object(members)
    }

    fn members(self) -> Option<Self::Members> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    fn insert(members: &mut Self::Members, name: Cow<'de, str>, value: Self) -> bool {
        members.insert(name.into_owned(), value).is_none()
    }
}

/// Parses one JSON object in which no member, at any depth, appears twice (RFC 7515 section 4, RFC 7519 section 4).
///
/// Member names are compared after their escapes are resolved, so `"al\u0067"` repeats `"alg"`. Nesting is limited to
/// 128 levels by `serde_json`, which also refuses a byte order mark and invalid UTF-8. Numbers keep all their digits; those
/// that are no [`Decimal`] are refused, and so is a member with the name that a number has within the parser.
///
/// # Errors
/// The position of the first mistake, for anything that is not such an object and nothing else.
pub(crate) fn object(text: &[u8]) -> Result<Map<String, Value>, serde_json::Error> {
    members_from::<Value, _>(serde_json::Deserializer::from_slice(text))
}

/// The same of a text, as another kind of tree.
///
/// # Errors
/// Those of [`object`].
pub(crate) fn members_of<'de, T: Json<'de>>(text: &'de str) -> Result<T::Members, serde_json::Error> {
    members_from::<T, _>(serde_json::Deserializer::from_str(text))
}

fn members_from<'de, T: Json<'de>, R: Read<'de>>(
    mut deserializer: serde_json::Deserializer<R>,
) -> Result<T::Members, serde_json::Error> {
    let value = Strict::<T>(PhantomData).deserialize(&mut deserializer)?;
    deserializer.end()?;
    value.members().ok_or_else(|| de::Error::custom("not an object"))
}

/// Reads the members that a type names from a JSON object, passing over the others.
///
/// # Errors
/// The first mistake. A list is one: what `serde` derives for a type takes a list of its members' values as well.
pub(crate) fn members<'de, T: Deserialize<'de>>(text: &'de [u8]) -> Result<T, serde_json::Error> {
    match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => serde_json::from_slice(text),
        _ => Err(de::Error::custom("not an object")),
    }
}

/// Parses a value, refusing duplicate members.
struct Strict<T>(PhantomData<T>);

impl<'de, T: Json<'de>> DeserializeSeed<'de> for Strict<T> {
    type Value = T;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Json<'de>> Visitor<'de> for Strict<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(T::null())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(T::bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(T::number(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(T::number(value.into()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(T::text(Cow::Owned(value.to_owned())))
    }

    fn visit_borrowed_str<E: de::Error>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(T::text(Cow::Borrowed(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self(PhantomData))? {
            list.push(item);
        }
        Ok(T::list(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut object = T::Members::default();
        while let Some(name) = members.next_key_seed(Name)? {
            if name == NUMBER {
                return members.next_value_seed(NumberText).map(T::number);
            }
            let value = members.next_value_seed(Self(PhantomData))?;
            if !T::insert(&mut object, name, value) {
                return Err(de::Error::custom("a member appears twice"));
            }
        }
        Ok(T::object(object))
    }
}

/// Parses the name of a member, which is borrowed where it has no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }

    fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }
}

/// Reads the text of a number, and nothing that the document itself says.
struct NumberText;

impl<'de> DeserializeSeed<'de> for NumberText {
    type Value = Number;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for NumberText {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no member of this name")
    }

    /// A string of the document: its author gave a member this name.
    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(E::custom("a member has the name of a number"))
    }

    /// The parser's own text, which alone is handed over as a `String`.
    fn visit_string<E: de::Error>(self, text: String) -> Result<Self::Value, E> {
        let number: Number = text.parse().map_err(|_| E::custom("not a number"))?;
        let fits = Decimal::of(&number).is_some();
        if fits { Ok(number) } else { Err(E::custom("the exponent of a number is too large")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &[u8]) {
        assert!(object(text).is_err(), "accepted {:?}", String::from_utf8_lossy(text));
    }

    #[test]
    fn an_object_is_read_with_any_json_white_space() {
        let members = object(b" {\n\t\"a\": [1, -2, 1.5, true, null, \"x\"] ,\r\n\"b\":{\"a\":{}}}\n").unwrap();
        assert_eq!(Value::Object(members), serde_json::json!({"a": [1, -2, 1.5, true, null, "x"], "b": {"a": {}}}));
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        for text in
            ["", "[]", "null", "\"a\"", "1", "{}{}", "{} x", "{", "{\"a\":}", "{\"a\":1,}", "{a:1}", "\u{feff}{}"]
        {
            refused(text.as_bytes());
        }
        refused(b"{\"a\":\"\xff\"}");
        refused(b"{\"a\":\"\xed\xa0\x80\"}");
        refused(b"{\x00\"\x00a\x00\"\x00:\x001\x00}\x00");
    }

    #[test]
    fn a_duplicate_member_is_refused_at_any_depth_and_in_any_spelling() {
        refused(br#"{"alg":1,"alg":1}"#);
        refused(br#"{"alg":1,"al\u0067":1}"#);
        refused(br#"{"a":{"b":1,"b":2}}"#);
        refused(br#"{"a":[{"b":1,"b":2}]}"#);
    }

    #[test]
    fn numbers_keep_all_their_digits_and_their_exponent_is_bounded() {
        for number in ["1e+400", "18446744073709551617", "-0", "1.50", "0.1000000000000000000000000000001e-7"] {
            let members = object(format!(r#"{{"a":{number},"b":[{number}]}}"#).as_bytes()).unwrap();
            assert_eq!((members["a"].to_string(), members["b"][0].to_string()), (number.to_owned(), number.to_owned()));
        }
        refused(br#"{"exp":NaN}"#);
        refused(br#"{"exp":01}"#);
        refused(br#"{"exp":1e99999999999999999999}"#);
    }

    #[test]
    fn what_a_number_is_called_within_the_parser_is_no_name_of_a_member() {
        refused(br#"{"$serde_json::private::Number":"5"}"#);
        refused(br#"{"a":{"$serde_json::private::Number":"5"}}"#);
        refused(br#"{"a":{"\u0024serde_json::private::Number":"5"}}"#);
        refused(br#"{"a":{"$serde_json::private::Number":5}}"#);
        refused(br#"{"a":[{"b":1,"$serde_json::private::Number":"5"}]}"#);
        assert!(members_of::<Value>(r#"{"a":{"$serde_json::private::Number":"5"}}"#).is_err());
    }

    #[test]
    fn deep_nesting_is_refused() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        refused(nested(128).as_bytes());
        assert!(object(nested(100).as_bytes()).is_ok());
    }
}
