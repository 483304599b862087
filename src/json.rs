//! Strict JSON: refuses what `serde_json::Value` forgives.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::decimal::Decimal;

/// The name that `serde_json` gives the only member of an object that stands for a number, whose value is the number's text.
const NUMBER: &str = "$serde_json::private::Number";

/// Parses one JSON object in which no member, at any depth, appears twice (RFC 7515 section 4, RFC 7519 section 4).
///
/// Member names are compared after their escapes are resolved, so `"al\u0067"` repeats `"alg"`. `serde_json` limits nesting
/// to 128 levels and refuses a byte order mark and invalid UTF-8. Numbers keep all their digits. A number that does not fit a
/// [`Decimal`] is refused, and so is a member with the name that `serde_json` uses for numbers.
///
/// # Errors
/// The position of the first mistake.
pub(crate) fn object(text: &[u8]) -> Result<Map<String, Value>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Strict.deserialize(&mut deserializer)?;
    deserializer.end()?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(de::Error::custom("not an object")),
    }
}

/// Reads the members that a type names from a JSON object, passing over the others.
///
/// # Errors
/// The first mistake. A list is one: a derived `Deserialize` would also take a list of the members' values.
pub(crate) fn members<'de, T: Deserialize<'de>>(text: &'de [u8]) -> Result<T, serde_json::Error> {
    match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => serde_json::from_slice(text),
        _ => Err(de::Error::custom("not an object")),
    }
}

/// Parses a value, refusing duplicate members.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if name == NUMBER {
                return members.next_value_seed(NumberText).map(Value::Number);
            }
            if object.insert(name, members.next_value_seed(Self)?).is_some() {
                return Err(de::Error::custom("a member appears twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

/// Reads the text of a number, and refuses a text from the document in its place.
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

    /// A string from the document, whose author gave a member this name.
    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(E::custom("a member has the name of a number"))
    }

    /// A number's text from the parser, which passes nothing else as a `String`.
    fn visit_string<E: de::Error>(self, text: String) -> Result<Self::Value, E> {
        let number: Number = text.parse().map_err(|_| E::custom("not a number"))?;
        let fits = Decimal::of(&number).is_some();
        fits.then_some(number).ok_or_else(|| E::custom("the exponent of a number is too large"))
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
    fn anything_but_one_object_is_refused() {
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
    fn a_member_with_the_name_that_the_parser_uses_for_numbers_is_refused() {
        refused(br#"{"$serde_json::private::Number":"5"}"#);
        refused(br#"{"a":{"$serde_json::private::Number":"5"}}"#);
        refused(br#"{"a":{"\u0024serde_json::private::Number":"5"}}"#);
        refused(br#"{"a":{"$serde_json::private::Number":5}}"#);
        refused(br#"{"a":[{"b":1,"$serde_json::private::Number":"5"}]}"#);
    }

    #[test]
    fn deep_nesting_is_refused() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        refused(nested(128).as_bytes());
        assert!(object(nested(100).as_bytes()).is_ok());
    }
}
