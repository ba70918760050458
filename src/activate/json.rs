//! JSON that is what it says: no field twice, none that nobody knows, none of another type.
//!
//! Every refusal names the field by its path, `accounts.2.user`. Knows nothing of manifests.

use crate::error::{Error, Result};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// A JSON value whose objects keep their order and have no field twice.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// A whole number from 0 on, the only kind a manifest has.
    Count(u64),
    /// A negative or broken number.
    OtherNumber,
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads one JSON value and nothing behind it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes)
            .map_err(|cause| Error::new("is not the JSON it should be").because(cause))
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Count(_) | Self::OtherNumber => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        from.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Json, E> {
        Ok(Json::Count(value))
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<Json, E> {
        Ok(Json::OtherNumber)
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<Json, E> {
        Ok(Json::OtherNumber)
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> std::result::Result<Json, A::Error> {
        let mut object: Vec<(String, Json)> = Vec::new();
        let mut seen = HashSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom(format!("the field {name:?} is there twice")));
            }
            object.push((name, fields.next_value()?));
        }
        Ok(Json::Object(object))
    }
}

/// The fields of one object, under the path by which errors name them.
pub(super) struct Fields<'a> {
    path: String,
    fields: &'a [(String, Json)],
}

impl<'a> Fields<'a> {
    /// The object at `path` (empty for the whole document), which may have no fields but the `known`.
    pub(super) fn of(json: &'a Json, path: String, known: &[&str]) -> Result<Self> {
        let Json::Object(fields) = json else {
            return Err(wrong(&path, "an object", json));
        };
        let this = Self { path, fields };
        match fields.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(this),
            Some((name, _)) => Err(Error::new("is a field that this version of uvars does not know")
                .key(this.path_of(name))
                .hint(format!("the fields here are: {}", known.join(", ")))),
        }
    }

    /// `path.name`.
    pub(super) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// The field, unless it is absent or null.
    pub(super) fn get(&self, name: &str) -> Option<&'a Json> {
        self.fields
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, json)| json)
            .filter(|json| **json != Json::Null)
    }

    /// A text that may be absent.
    pub(super) fn text_if_any(&self, name: &str) -> Result<Option<&'a str>> {
        match self.get(name) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(&self.path_of(name), "text", other)),
        }
    }

    /// A text that must be there.
    pub(super) fn text(&self, name: &str) -> Result<&'a str> {
        self.text_if_any(name)?.ok_or_else(|| Error::new("is missing").key(self.path_of(name)))
    }

    /// A whole number that may be absent and fits 32 bits.
    pub(super) fn count_if_any(&self, name: &str) -> Result<Option<u32>> {
        let too_much = || Error::new("is not a whole number below 4294967296").key(self.path_of(name));
        match self.get(name) {
            None => Ok(None),
            Some(Json::Count(count)) => u32::try_from(*count).map(Some).map_err(|_| too_much()),
            Some(Json::OtherNumber) => Err(too_much()),
            Some(other) => Err(wrong(&self.path_of(name), "a number", other)),
        }
    }

    /// The items of a list, each with the path that names it; none where the field is absent.
    pub(super) fn items(&self, name: &str) -> Result<Vec<(String, &'a Json)>> {
        let path = self.path_of(name);
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Json::List(items)) => {
                Ok(items.iter().enumerate().map(|(at, item)| (format!("{path}.{at}"), item)).collect())
            }
            Some(other) => Err(wrong(&path, "a list", other)),
        }
    }

    /// A list of texts; empty where the field is absent.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>> {
        self.items(name)?
            .into_iter()
            .map(|(path, item)| match item {
                Json::Text(text) => Ok(text.clone()),
                other => Err(wrong(&path, "text", other)),
            })
            .collect()
    }
}

fn wrong(path: &str, wanted: &str, found: &Json) -> Error {
    let error = Error::new(format!("must be {wanted}, and is {}", found.kind()));
    if path.is_empty() { error } else { error.key(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Json::parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_field_that_is_there_twice_is_refused() {
        assert!(refused(r#"{"a": {"b": 1, "b": 2}}"#).contains("\"b\" is there twice"));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["", "{", "{} {}", "{'a': 1}", "{\"a\": NaN}", "[1,]", "// no\n{}"] {
            assert!(refused(text).starts_with("is not the JSON it should be"), "{text}");
        }
        assert!(Json::parse(b"{\"a\": \"\xff\"}").is_err());
        assert!(Json::parse("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn fields_are_known_and_typed() {
        let json = Json::parse(br#"{"a": 1, "b": "x", "c": ["y", 2], "d": null, "e": -1, "f": 4294967296}"#)
            .unwrap();
        let fields = Fields::of(&json, "top".into(), &["a", "b", "c", "d", "e", "f"]).unwrap();
        assert_eq!(fields.count_if_any("a").unwrap(), Some(1));
        assert_eq!(fields.text("b").unwrap(), "x");
        assert_eq!(fields.text_if_any("d").unwrap(), None);
        assert_eq!(fields.text("d").unwrap_err().to_string(), "top.d: is missing");
        assert_eq!(fields.text("a").unwrap_err().to_string(), "top.a: must be text, and is a number");
        assert_eq!(fields.texts("c").unwrap_err().to_string(), "top.c.1: must be text, and is a number");
        assert_eq!(fields.items("b").err().unwrap().to_string(), "top.b: must be a list, and is text");
        for name in ["e", "f"] {
            assert!(fields.count_if_any(name).unwrap_err().to_string().contains("is not a whole number"));
        }
        let unknown = Fields::of(&json, "top".into(), &["a", "c", "d", "e", "f"]).err().unwrap();
        assert_eq!(unknown.to_string(), "top.b: is a field that this version of uvars does not know");
        assert!(Fields::of(&Json::Null, String::new(), &[]).is_err());
    }
}
