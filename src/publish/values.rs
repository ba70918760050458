//! The values of an entry of Vault, as JSON: compared, looked through, and wiped.
//!
//! Nothing here knows where they lie.

use serde_json::Value;
use zeroize::Zeroize as _;

/// A JSON value whose texts are overwritten in the end.
#[derive(Eq, PartialEq)]
pub(super) struct Values(Value);

impl Values {
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok().map(Self)
    }

    /// Takes out what lies below these names, one inside of the other; nothing where that is null.
    pub(super) fn take(&mut self, names: &[&str]) -> Option<Self> {
        let found = names.iter().try_fold(&mut self.0, |value, name| value.get_mut(name))?;
        Some(found.take()).filter(|found| !found.is_null()).map(Self)
    }

    /// Where the first integer is that a double does not hold: version 2 of the engine reads its entries into doubles.
    pub(super) fn rounded(&self) -> Option<String> {
        rounded(&self.0)
    }
}

impl Drop for Values {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Overwrites the texts of a JSON value.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(list) => list.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        _ => {}
    }
}

fn rounded(value: &Value) -> Option<String> {
    let below = |name: String, value: &Value| {
        let rest = rounded(value)?;
        Some(if rest.is_empty() { name } else { format!("{name}.{rest}") })
    };
    match value {
        Value::Number(number) => {
            let is_same = match (number.as_i64(), number.as_u64()) {
                (Some(integer), _) => exact(integer),
                (None, Some(integer)) => exact(integer),
                (None, None) => true,
            };
            (!is_same).then(String::new)
        }
        Value::Array(list) => list.iter().enumerate().find_map(|(at, value)| below(at.to_string(), value)),
        Value::Object(map) => map.iter().find_map(|(name, value)| below(name.clone(), value)),
        _ => None,
    }
}

/// Whether an integer that goes through a double comes back with the same digits.
fn exact(integer: impl std::fmt::Display) -> bool {
    let digits = integer.to_string();
    digits.parse::<f64>().is_ok_and(|double| double.to_string() == digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_that_a_double_rounds_is_found() {
        let found = |json: &str| Values::parse(json.as_bytes()).unwrap().rounded();
        for json in [
            "9007199254740992",
            "-9007199254740992",
            "123456789012345680",
            "1e300",
            "0.1",
            "\"9007199254740993\"",
        ] {
            assert_eq!(found(json), None, "{json}");
        }
        for json in ["9007199254740993", "-9007199254740993", "9223372036854775807", "18446744073709551615"] {
            assert_eq!(found(json), Some(String::new()), "{json}");
        }
        assert_eq!(
            found(r#"{"a": 1, "b": {"c": [1, {"d": 9007199254740993}]}}"#).as_deref(),
            Some("b.c.1.d")
        );
    }

    #[test]
    fn what_lies_inside_comes_out() {
        let mut whole = Values::parse(br#"{"data": {"data": {"a": "b"}, "metadata": null}}"#).unwrap();
        assert!(whole.take(&["data", "metadata"]).is_none());
        assert!(whole.take(&["data", "none"]).is_none());
        assert!(whole.take(&["data", "data"]) == Values::parse(br#"{"a": "b"}"#));
        assert!(whole.take(&["data", "data"]).is_none());
    }
}
