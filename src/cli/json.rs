//! A value as JSON, read and written: names keep their order, and none is there twice. Errors never quote it.

use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::sops::{Map, Value};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};
use std::collections::HashSet;
use std::fmt;
use zeroize::Zeroizing;

/// Reads one JSON value and nothing behind it.
///
/// Errors: no JSON; a name twice in one object; a number that sops' 64 bits do not hold.
pub(super) fn read(text: &Secret) -> Result<Value> {
    match serde_json::from_slice::<Json>(text.expose()) {
        // the parser makes a float of it, with other digits than were typed
        Ok(_) if has_long_integer(text.expose()) => Err(Error::new(TOO_LARGE)),
        Ok(Json(value)) => Ok(value),
        Err(error) => {
            let place = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
            // the parser's own words may quote the value; ours do not
            let said = error.to_string();
            let ours = [TWICE, TOO_LARGE].into_iter().find(|ours| said.starts_with(ours));
            let ours = ours.or(said.starts_with("number out of range").then_some(NO_FLOAT));
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

/// Writes a value as JSON, indented, with a line end. Names keep their order.
///
/// Errors: what JSON cannot hold, which is text that is not UTF-8, and numbers that are none or endless.
pub(super) fn write(value: &Value) -> Result<Secret> {
    let mut text = Zeroizing::new(Vec::with_capacity(64 * 1024));
    // the writer's own words may quote the value; ours do not
    serde_json::to_writer_pretty(&mut *text, &Shown(value)).map_err(|_| Error::new(NO_JSON))?;
    text.push(b'\n');
    Ok(Secret::new(std::mem::take(&mut *text)))
}

const NO_JSON: &str = "holds what JSON cannot: text that is not UTF-8, or a number without an end";

struct Shown<'v>(&'v Value);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => to.serialize_unit(),
            Value::Bool(value) => to.serialize_bool(*value),
            Value::Int(value) => to.serialize_i64(*value),
            Value::Float(value) if value.is_finite() => to.serialize_f64(*value),
            Value::Float(_) => Err(S::Error::custom(NO_JSON)),
            Value::Time(value) => to.collect_str(value),
            Value::Str(value) => match value.expose_str() {
                Some(text) => to.serialize_str(text),
                None => Err(S::Error::custom(NO_JSON)),
            },
            Value::List(items) => to.collect_seq(items.iter().map(Shown)),
            Value::Map(map) => {
                to.collect_map(map.entries().iter().map(|entry| (entry.key.as_str(), Shown(&entry.value))))
            }
        }
    }
}

const TWICE: &str = "a name is there twice in one object";
const TOO_LARGE: &str = "the number is too large for sops: its whole numbers have 64 bits";

const NO_FLOAT: &str = "the number is too large: the largest one is near 1.8e308";

/// Whether JSON that is right holds a whole number that has more than 64 bits.
fn has_long_integer(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some((first, behind)) = rest.split_first() {
        rest = match first {
            b'"' => behind_string(behind),
            b'-' | b'0'..=b'9' => {
                let in_number = |byte: &&u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
                let (number, behind) = rest.split_at(rest.iter().take_while(in_number).count());
                let whole = std::str::from_utf8(number).ok().filter(|text| !text.contains(['.', 'e', 'E']));
                if whole.is_some_and(|text| text.parse::<i64>().is_err()) {
                    return true;
                }
                behind
            }
            _ => behind,
        };
    }
    false
}

/// What follows a string that began before.
fn behind_string(text: &[u8]) -> &[u8] {
    let mut escaped = false;
    let end = text.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    end.and_then(|end| text.get(end + 1..)).unwrap_or_default()
}

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
        assert_eq!(
            read(&"123456789012345678901234567890.0".into()).unwrap(),
            Value::Float(1.234_567_890_123_456_8e29)
        );
        let digits = r#"["\\", "\"123456789012345678901234567890", 1e5]"#;
        let list =
            vec![Value::from("\\"), Value::from("\"123456789012345678901234567890"), Value::Float(1e5)];
        assert_eq!(read(&digits.into()).unwrap(), Value::List(list));
        assert_eq!(read(&"[true, null]".into()).unwrap(), Value::List(vec![Value::Bool(true), Value::Null]));
        let map = Map::new().with("b", "1").with("a", Map::new());
        assert_eq!(read(&r#"{"b": "1", "a": {}}"#.into()).unwrap(), Value::Map(map));
    }

    #[test]
    fn what_was_read_is_written_again_in_its_order() {
        let text = "{\n  \"b\": [\n    1,\n    -2.5,\n    true,\n    null\n  ],\n  \"a\": {\n    \"ä\\n\": \"\\\"\"\n  }\n}\n";
        assert_eq!(write(&read(&text.into()).unwrap()).unwrap().expose_str(), Some(text));
        for value in [Value::Float(f64::NAN), Value::from(Secret::from(b"\xff".as_slice()))] {
            assert_eq!(write(&value).unwrap_err().message(), NO_JSON);
        }
    }

    #[test]
    fn errors_quote_nothing() {
        for (text, message) in [
            ("hunter2", "the value is not JSON"),
            ("{\"hunter2\": }", "the value is not JSON"),
            ("{\"hunter2\": 1, \"hunter2\": 2}", TWICE),
            ("18446744073709551615", TOO_LARGE),
            ("123456789012345678901234567890", TOO_LARGE),
            ("-123456789012345678901234567890", TOO_LARGE),
            (r#"{"a\"1": ["x", 123456789012345678901234567890]}"#, TOO_LARGE),
            ("1e400", NO_FLOAT),
            ("1 2", "the value is not JSON"),
            ("", "the value is not JSON"),
        ] {
            let error = read(&text.into()).unwrap_err();
            assert_eq!(error.message(), message, "{text}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
