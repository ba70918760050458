//! What an edit puts in.

use std::borrow::Cow;

use crate::yaml::resolve::Scalar;
use crate::yaml::time::Timestamp;

/// A new value. Lists and maps are written in block form, one entry a line, where the place allows it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A single value.
    Scalar(Scalar<'static>),
    /// A list.
    List(Vec<Value>),
    /// A map, in this order.
    Map(Vec<(String, Value)>),
    /// A list or map on one line: `[a, b]`, `{a: 1}`.
    OneLine(Box<Value>),
}

impl Value {
    /// Nothing: `null`.
    pub const NULL: Self = Self::Scalar(Scalar::Null);

    /// The same on one line.
    #[must_use]
    pub fn one_line(self) -> Self {
        Self::OneLine(Box::new(self))
    }

    /// A map of these entries.
    pub fn map<K: Into<String>, V: Into<Self>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// A list of these items.
    pub fn list<V: Into<Self>>(items: impl IntoIterator<Item = V>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }

    /// As JSON has it: times are strings there.
    pub(super) fn for_json(self) -> Self {
        match self {
            Self::Scalar(Scalar::Time(time)) => Self::from(time.to_string()),
            Self::List(items) => Self::List(items.into_iter().map(Self::for_json).collect()),
            Self::Map(entries) => {
                Self::Map(entries.into_iter().map(|(key, value)| (key, value.for_json())).collect())
            }
            Self::OneLine(value) => value.for_json().one_line(),
            scalar @ Self::Scalar(_) => scalar,
        }
    }

    /// Whether it takes one line wherever it is: a scalar, an empty list or map, one that is asked for so.
    pub(super) fn is_inline(&self) -> bool {
        match self {
            Self::Scalar(_) | Self::OneLine(_) => true,
            Self::List(items) => items.is_empty(),
            Self::Map(entries) => entries.is_empty(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Scalar(Scalar::Str(Cow::Owned(text)))
    }
}

impl From<i32> for Value {
    fn from(int: i32) -> Self {
        Self::from(i64::from(int))
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Scalar(Scalar::Int(int))
    }
}

impl From<u32> for Value {
    fn from(int: u32) -> Self {
        Self::from(i64::from(int))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Scalar(Scalar::Bool(value))
    }
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::Scalar(Scalar::Time(time))
    }
}
