//! A value written as JSON: names keep their order, and none is there twice. Errors never quote it.

use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::sops::{Map, Value};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// Reads one JSON value and nothing behind it.
///
/// Errors: no JSON; a name twice in one object; a number that sops' 64 bits do not hold.
pub(super) fn read(text: &Secret) -> Result<Value> {
    match serde_json::from_slice::<Json>(text.expose()) {
        Ok(Json(value)) => Ok(value),
        Err(error) => {
            let place = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
            // the parser's own words may quote the value; ours do not
            let ours = [TWICE, TOO_LARGE].into_iter().find(|ours| error.to_string().starts_with(ours));
            let told = Error::new(ours.unwrap_or("the value is not JSON"))
                .position(place(error.line()), place(error.column()));
            Err(match ours {
                None => told
                    .hint("text in JSON stands in double quotes; without --json the value is taken as it is"),
                Some(_) => told,
            })
        }
    }
}

const TWICE: &str = "a name is there twice in one object";
const TOO_LARGE: &str = "the number is too large for sops: its whole numbers have 64 bits";

struct Json(Value);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        from.deserialize_any(Any).map(Self)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> std::result::Result<Value, E> {
        i64::try_from(value).map(Value::Int).map_err(|_| E::custom(TOO_LARGE))
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Value, E> {
        Ok(Value::Str(Secret::from(value)))
    }

    fn visit_string<E>(self, value: String) -> std::result::Result<Value, E> {
        Ok(Value::Str(Secret::from(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Json(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> std::result::Result<Value, A::Error> {
        let mut map = Map::new();
        let mut seen = HashSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom(TWICE));
            }
            let Json(value) = fields.next_value()?;
            map.set(name, value);
        }
        Ok(Value::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_typed_and_keeps_its_order() {
        assert_eq!(read(&"3".into()).unwrap(), Value::Int(3));
        assert_eq!(read(&"-9223372036854775808".into()).unwrap(), Value::Int(i64::MIN));
        assert_eq!(read(&"1.5".into()).unwrap(), Value::Float(1.5));
        assert_eq!(read(&"[true, null]".into()).unwrap(), Value::List(vec![Value::Bool(true), Value::Null]));
        let map = Map::new().with("b", "1").with("a", Map::new());
        assert_eq!(read(&r#"{"b": "1", "a": {}}"#.into()).unwrap(), Value::Map(map));
    }

    #[test]
    fn errors_quote_nothing() {
        for (text, message) in [
            ("hunter2", "the value is not JSON"),
            ("{\"hunter2\": }", "the value is not JSON"),
            ("{\"hunter2\": 1, \"hunter2\": 2}", TWICE),
            ("18446744073709551615", TOO_LARGE),
            ("1 2", "the value is not JSON"),
            ("", "the value is not JSON"),
        ] {
            let error = read(&text.into()).unwrap_err();
            assert_eq!(error.message(), message, "{text}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
