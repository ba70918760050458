//! Between the tree of a file and native values.

use crate::secret::Secret;
use crate::sops::pool::Span;
use crate::sops::tree::{Item, Node, Tree, push_item};
use crate::sops::value::{Map, Value};

impl Tree {
    /// The value at a place, whole, without comments.
    pub(super) fn value(&self, at: usize) -> Value {
        // open collections with the name under which each will hang in the one around it
        let mut open: Vec<(String, Value)> = vec![(String::new(), Value::List(Vec::new()))];
        let end = self.behind(at);
        for place in at..end {
            let item = self.item(place);
            let key = || String::from_utf8_lossy(self.pool.get(item.key)).into_owned();
            let value = match item.node {
                Node::Map => {
                    open.push((key(), Value::Map(Map::new())));
                    continue;
                }
                Node::List => {
                    open.push((key(), Value::List(Vec::new())));
                    continue;
                }
                Node::Comment(_) => continue,
                Node::End => {
                    if let Some((key, value)) = open.pop() {
                        hang(&mut open, key, value);
                    }
                    continue;
                }
                Node::Null => Value::Null,
                Node::Bool(flag) => Value::Bool(flag),
                Node::Int(number) => Value::Int(number),
                Node::Float(number) => Value::Float(number),
                Node::Time(time) => Value::Time(time),
                Node::Str => Value::Str(Secret::from(self.pool.get(item.text))),
            };
            hang(&mut open, key(), value);
        }
        match open.pop() {
            Some((_, Value::List(mut list))) => list.pop().unwrap_or_default(),
            _ => Value::Null,
        }
    }

    /// Appends a value's items, under `key` if it will stand in a map.
    pub(super) fn push_value(&mut self, key: Option<&str>, value: &Value) {
        enum Work<'v> {
            Value(Option<&'v str>, &'v Value),
            End,
        }
        let mut work = vec![Work::Value(key, value)];
        while let Some(next) = work.pop() {
            let Work::Value(key, value) = next else {
                push_item(&mut self.items, Item::new(Node::End));
                continue;
            };
            let key = key.map_or(Span::default(), |key| self.pool.push(key.as_bytes()));
            let mut text = Span::default();
            let node = match value {
                Value::Null => Node::Null,
                Value::Bool(flag) => Node::Bool(*flag),
                Value::Int(number) => Node::Int(*number),
                Value::Float(number) => Node::Float(*number),
                Value::Time(time) => Node::Time(*time),
                Value::Str(bytes) => {
                    text = self.pool.push(bytes.expose());
                    Node::Str
                }
                Value::List(list) => {
                    work.push(Work::End);
                    work.extend(list.iter().rev().map(|value| Work::Value(None, value)));
                    Node::List
                }
                Value::Map(map) => {
                    work.push(Work::End);
                    let entries = map.entries().iter().rev();
                    work.extend(entries.map(|entry| Work::Value(Some(&entry.key), &entry.value)));
                    Node::Map
                }
            };
            push_item(&mut self.items, Item { text, ..Item::of_key(node, key) });
        }
    }
}

fn hang(open: &mut [(String, Value)], key: String, value: Value) {
    match open.last_mut() {
        Some((_, Value::List(list))) => list.push(value),
        Some((_, Value::Map(map))) => map.push(key, value),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sops::path::KeyPath;
    use crate::sops::pool::Pool;

    fn sample() -> Value {
        let inner = Map::new().with("k", "v").with("n", Value::Null);
        let list = Value::List(vec![Value::Int(1), inner.into(), Value::List(vec![])]);
        Map::new().with("a", list).with("b", Value::Bool(true)).with("c", Map::new()).into()
    }

    #[test]
    fn a_value_comes_back() {
        let mut tree = Tree::new(0, Pool::secret(0));
        tree.push_value(None, &sample());
        assert_eq!(tree.value(0), sample());
        assert_eq!(tree.behind(0), tree.items.len());
    }

    #[test]
    fn places_have_paths_and_paths_places() {
        let mut tree = Tree::new(0, Pool::secret(0));
        tree.push_value(None, &sample());
        for text in ["a", "a.0", "a.1.k", "a.1.n", "a.2", "b", "c"] {
            let at = tree.locate(&KeyPath::parse(text).unwrap()).unwrap();
            assert_eq!(tree.path_of(at).to_string(), text);
        }
        for text in ["x", "a.3", "a.k", "b.x", "c.x", "a.1.k.x"] {
            assert_eq!(tree.locate(&KeyPath::parse(text).unwrap()), None, "{text}");
        }
    }
}
