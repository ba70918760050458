//! Metadata as a list of names and texts, for the formats that have nothing deeper: dotenv and INI.
//!
//! What is nested gets the way to it as its name, as sops writes it: `age__list_0__map_enc`.

use crate::sops::value::{Map, Value};
use crate::{Error, Result};
use std::collections::BTreeMap;

const IN_MAP: &str = "__map_";
const IN_LIST: &str = "__list_";

/// How many steps a name may have; metadata has four.
const DEPTH: usize = 32;

/// Every single value with its name, in their order; empty maps and lists have none.
pub(super) fn flatten(map: &Map) -> Vec<(String, &Value)> {
    let mut flat = Vec::new();
    for entry in map.entries() {
        descend(entry.key.clone(), &entry.value, &mut flat);
    }
    flat
}

fn descend<'v>(name: String, value: &'v Value, flat: &mut Vec<(String, &'v Value)>) {
    match value {
        Value::Map(map) => {
            for entry in map.entries() {
                descend(format!("{name}{IN_MAP}{}", entry.key), &entry.value, flat);
            }
        }
        Value::List(list) => {
            for (at, value) in list.iter().enumerate() {
                descend(format!("{name}{IN_LIST}{at}"), value, flat);
            }
        }
        single => flat.push((name, single)),
    }
}

/// The map that names and texts were made of.
///
/// Errors name the field: one that stands twice, lists with gaps, what is both a value and something around one.
pub(super) fn unflatten(flat: impl IntoIterator<Item = (String, Value)>) -> Result<Map> {
    let mut root = Node::default();
    for (name, value) in flat {
        let mut node = &mut root;
        let steps = steps(&name).ok_or_else(|| Error::new("is not a name of metadata").key(shown(&name)))?;
        for step in steps {
            node = match step {
                Step::Name(name) => node.names.entry(name.to_owned()).or_default(),
                Step::Place(place) => node.places.entry(place).or_default(),
            };
        }
        if node.value.replace(value).is_some() {
            return Err(Error::new("stands there twice").key(shown(&name)));
        }
    }
    let mut map = Map::new();
    for (name, node) in root.names {
        let value = node.value(&name)?;
        map.push(name, value);
    }
    Ok(map)
}

enum Step<'n> {
    Name(&'n str),
    Place(u32),
}

/// The way that a name says; nothing if it says none.
fn steps(name: &str) -> Option<Vec<Step<'_>>> {
    let next = |text: &str| {
        let found = [IN_MAP, IN_LIST].map(|mark| text.find(mark));
        found.into_iter().flatten().min().unwrap_or(text.len())
    };
    let (first, mut rest) = name.split_at(next(name));
    let mut steps = vec![Step::Name(first)];
    while !rest.is_empty() {
        let (text, is_place) = match rest.strip_prefix(IN_LIST) {
            Some(text) => (text, true),
            None => (rest.strip_prefix(IN_MAP)?, false),
        };
        let (word, behind) = text.split_at(next(text));
        steps.push(if is_place { Step::Place(word.parse().ok()?) } else { Step::Name(word) });
        rest = behind;
    }
    (steps.len() <= DEPTH).then_some(steps)
}

/// What names have in common so far.
#[derive(Default)]
struct Node {
    value: Option<Value>,
    names: BTreeMap<String, Node>,
    places: BTreeMap<u32, Node>,
}

impl Node {
    fn value(self, name: &str) -> Result<Value> {
        let kinds = [self.value.is_some(), !self.names.is_empty(), !self.places.is_empty()];
        if kinds.into_iter().filter(|kind| *kind).count() > 1 {
            return Err(Error::new("is a value, and something around one").key(shown(name)));
        }
        if let Some(value) = self.value {
            return Ok(value);
        }
        if !self.names.is_empty() {
            let mut map = Map::new();
            for (below, node) in self.names {
                let value = node.value(&format!("{name}{IN_MAP}{below}"))?;
                map.push(below, value);
            }
            return Ok(map.into());
        }
        let mut list = Vec::new();
        for (place, node) in self.places {
            if usize::try_from(place) != Ok(list.len()) {
                return Err(Error::new("is a list with a gap").key(shown(name)));
            }
            list.push(node.value(&format!("{name}{IN_LIST}{place}"))?);
        }
        Ok(Value::List(list))
    }
}

/// A name as an error tells it.
fn shown(name: &str) -> String {
    let name: String =
        name.chars().take(80).map(|letter| if letter.is_control() { '?' } else { letter }).collect();
    format!("sops.{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Map {
        let entry = |enc: &str| Value::from(Map::new().with("enc", enc).with("recipient", "r"));
        let group = Map::new().with("age", Value::List(vec![entry("x")]));
        Map::new()
            .with("age", Value::List(vec![entry("a"), entry("b")]))
            .with("key_groups", Value::List(vec![group.into()]))
            .with("mac", "m")
    }

    #[test]
    fn what_is_flattened_comes_back() {
        let map = sample();
        let flat = flatten(&map);
        let names: Vec<&str> = flat.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "age__list_0__map_enc",
                "age__list_0__map_recipient",
                "age__list_1__map_enc",
                "age__list_1__map_recipient",
                "key_groups__list_0__map_age__list_0__map_enc",
                "key_groups__list_0__map_age__list_0__map_recipient",
                "mac"
            ]
        );
        let again = unflatten(flat.into_iter().map(|(name, value)| (name, value.clone())).rev());
        assert_eq!(again.unwrap(), map);
    }

    #[test]
    fn ten_elements_stay_in_order() {
        let list: Vec<Value> = (0..12).map(Value::Int).collect();
        let map = Map::new().with("l", Value::List(list));
        let flat: Vec<_> = flatten(&map).into_iter().map(|(name, value)| (name, value.clone())).collect();
        assert_eq!(flat[10].0, "l__list_10");
        assert_eq!(unflatten(flat).unwrap(), map);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        let error = |names: &[&str]| {
            let flat = names.iter().map(|name| ((*name).to_owned(), Value::from("x")));
            unflatten(flat).unwrap_err().to_string()
        };
        assert_eq!(error(&["a", "a"]), "sops.a: stands there twice");
        assert_eq!(error(&["a__list_0", "a__list_2"]), "sops.a: is a list with a gap");
        assert_eq!(error(&["a__list_4294967295"]), "sops.a: is a list with a gap");
        assert_eq!(error(&["a", "a__map_b"]), "sops.a: is a value, and something around one");
        assert_eq!(error(&["a__map_b", "a__list_0"]), "sops.a: is a value, and something around one");
        assert_eq!(error(&["a__list_x"]), "sops.a__list_x: is not a name of metadata");
        let deep = "__map_a".repeat(40);
        assert!(error(&[&deep]).ends_with("is not a name of metadata"));
    }
}
