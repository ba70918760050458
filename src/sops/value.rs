//! Native values, as the other rooms hand them in and get them out, and their byte forms.
//!
//! A value knows nothing of comments, encryption or formats; those live in the document it came from.

use crate::secret::Secret;
use crate::yaml::{Timestamp, float_f};
use std::io::Write as _;
use zeroize::Zeroizing;

/// A value of a sops file. Lists and maps are whole; comments stay in the document.
///
/// Numbers are equal if all of their bits are: -0 is not 0.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// Nothing; never encrypted.
    #[default]
    Null,
    /// true or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A point in time.
    Time(Timestamp),
    /// Text, or bytes that need not be UTF-8.
    Str(Secret),
    /// Values in their order.
    List(Vec<Value>),
    /// Named values in their order.
    Map(Map),
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Int(one), Self::Int(other)) => one == other,
            (Self::Float(one), Self::Float(other)) => one.to_bits() == other.to_bits(),
            (Self::Time(one), Self::Time(other)) => one == other,
            (Self::Str(one), Self::Str(other)) => one == other,
            (Self::List(one), Self::List(other)) => one == other,
            (Self::Map(one), Self::Map(other)) => one == other,
            _ => false,
        }
    }
}

/// Named values in their order; a name stands once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map(Vec<Entry>);

/// One named value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The name, which is never secret.
    pub key: String,
    /// The value.
    pub value: Value,
}

impl Value {
    /// The bytes of a string, nothing for other types.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::Str(text) = self { Some(text.expose()) } else { None }
    }

    /// A string that is UTF-8, nothing for other types.
    pub fn as_str(&self) -> Option<&str> {
        self.as_bytes().and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// A map, nothing for other types.
    pub fn as_map(&self) -> Option<&Map> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }

    /// A list, nothing for other types.
    pub fn as_list(&self) -> Option<&[Value]> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    /// What this is, for errors: "a string", "a map" and so on.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Time(_) => "a time",
            Self::Str(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }

    /// The bytes that a program is given for a scalar: a string as it is, anything else as sops hashes it, with
    /// `true` and `false` in lower case; nothing for null, lists and maps.
    pub fn to_bytes(&self) -> Option<Secret> {
        let mut out = Vec::new();
        match self {
            Self::Null | Self::List(_) | Self::Map(_) => return None,
            Self::Str(text) => return Some(text.clone()),
            Self::Bool(flag) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
            Self::Int(number) => int_bytes(*number, &mut out),
            Self::Float(number) => float_bytes(*number, &mut out),
            Self::Time(time) => time_bytes(*time, &mut out),
        }
        Some(Secret::new(out))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(Secret::from(text))
    }
}

impl From<Secret> for Value {
    fn from(text: Secret) -> Self {
        Self::Str(text)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl Map {
    /// A map without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a name.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// Gives a name a value, at its old place or at the end.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        let (key, value) = (key.into(), value.into());
        match self.0.iter_mut().find(|entry| entry.key == key) {
            Some(entry) => entry.value = value,
            None => self.0.push(Entry { key, value }),
        }
    }

    /// The same map with one more entry.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.set(key, value);
        self
    }

    /// Takes a name away and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.0.iter().position(|entry| entry.key == key)?;
        Some(self.0.remove(at).value)
    }

    /// The entries in their order.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds an entry without looking whether the name is there.
    pub(super) fn push(&mut self, key: String, value: Value) {
        self.0.push(Entry { key, value });
    }

    /// Puts the entries into the order of their names' bytes.
    pub(super) fn sort(&mut self) {
        self.0.sort_by(|a, b| a.key.as_bytes().cmp(b.key.as_bytes()));
    }
}

impl IntoIterator for Map {
    type Item = Entry;
    type IntoIter = std::vec::IntoIter<Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Decimal, with a sign if negative.
pub(super) fn int_bytes(number: i64, out: &mut Vec<u8>) {
    // writing into memory cannot fail
    let _ = write!(out, "{number}");
}

/// Go's 'f' format with the shortest digits that read back: no exponent, no trailing `.0`.
pub(super) fn float_bytes(number: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(Zeroizing::new(float_f(number)).as_bytes());
}

/// `True` and `False`, as the first sops, in Python, had it.
pub(super) fn bool_bytes(flag: bool) -> &'static [u8] {
    if flag { b"True" } else { b"False" }
}

/// RFC 3339 with up to nine fractional digits.
pub(super) fn time_bytes(time: Timestamp, out: &mut Vec<u8>) {
    let _ = write!(out, "{time}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(number: f64) -> String {
        let mut out = Vec::new();
        float_bytes(number, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn floats_have_the_bytes_that_sops_hashes() {
        for (number, text) in [
            (1.0, "1"),
            (2.5, "2.5"),
            (1e21, "1000000000000000000000"),
            (1e-7, "0.0000001"),
            (-0.0, "-0"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
            (0.1, "0.1"),
            (1_234_567.5, "1234567.5"),
            // between two that read back: Go takes the even one, and the MAC would not fit
            (f64::from_bits(0x3E60_0000_0000_0000), "0.000000029802322387695312"),
        ] {
            assert_eq!(float(number), text);
        }
    }

    #[test]
    fn a_map_keeps_order_and_names() {
        let mut map = Map::new().with("b", "1").with("a", "2");
        map.set("b", "3");
        let keys: Vec<_> = map.entries().iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, ["b", "a"]);
        assert_eq!(map.get("b").and_then(Value::as_str), Some("3"));
        assert_eq!(map.remove("b"), Some(Value::from("3")));
        assert_eq!(map.len(), 1);
    }
}
