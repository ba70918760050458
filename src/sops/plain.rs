//! Documents in clear.

use crate::secret::{DataKey, Secret};
use crate::sops::format::{Format, Stores};
use crate::sops::path::{KeyPath, Step};
use crate::sops::pool::{Pool, Span};
use crate::sops::tree::{Item, Node, Side, Tree, wipe_items};
use crate::sops::value::{Map, Value};
use crate::{Error, Result};
use std::fmt;
use std::sync::Arc;

/// The documents of a file in clear, with their comments. Wiped when it goes.
///
/// What came out of an encrypted file remembers its ciphertext, so that [`Encrypted::update`] can keep that of
/// every value that was not changed.
///
/// [`Encrypted::update`]: crate::sops::Encrypted::update
pub struct Plain {
    pub(super) tree: Tree,
    pub(super) origin: Option<Origin>,
    pub(super) clear_comments: Vec<usize>,
    pub(super) stores: Stores,
}

/// Where a plain document came from.
#[derive(Clone)]
pub(super) struct Origin {
    /// Holds the ciphertexts that items remember.
    pub(super) sealed: Arc<Tree>,
    pub(super) key: DataKey,
}

impl Plain {
    /// One document with these values.
    pub fn new(map: Map) -> Self {
        let mut tree = Tree::new(2 * map.len() + 2, Pool::secret(64 * map.len() + 64));
        tree.push_value(None, &Value::Map(map));
        Self { tree, origin: None, clear_comments: Vec::new(), stores: Stores::default() }
    }

    /// Reads a file in clear. Errors: what the format refuses; duplicate names; names that are no strings.
    pub fn parse(source: &[u8], format: Format) -> Result<Self> {
        let tree = format.store().read_plain(source)?;
        Ok(Self { tree, origin: None, clear_comments: Vec::new(), stores: Stores::default() })
    }

    /// The same, without a copy of the source.
    pub fn take(source: Secret, format: Format) -> Result<Self> {
        let tree = format.store().take_plain(&mut source.into_inner())?;
        Ok(Self { tree, origin: None, clear_comments: Vec::new(), stores: Stores::default() })
    }

    /// Lets this be laid out as somebody's settings say, and the file that is made of it.
    #[must_use]
    pub fn laid_out(mut self, stores: Stores) -> Self {
        self.stores = stores;
        self
    }

    /// Writes the documents as sops prints them.
    pub fn emit(&self, format: Format) -> Result<Secret> {
        let bytes = format.store().write_plain(&self.tree, self.stores);
        bytes.map(|mut bytes| Secret::new(std::mem::take(&mut *bytes)))
    }

    /// The same for who needs the documents no more.
    pub fn into_text(mut self, format: Format) -> Result<Secret> {
        // the memory of the encrypted file is free for the text, where nobody else has that
        self.origin = None;
        let bytes = format.store().turn_plain(&mut self.tree, self.stores);
        bytes.map(|mut bytes| Secret::new(std::mem::take(&mut *bytes)))
    }

    /// Writes what stands at a path as a document of its own, comments included. Errors: nothing there.
    pub fn emit_at(&self, path: &KeyPath, format: Format) -> Result<Secret> {
        let at = self.tree.locate(path).ok_or_else(|| missing(path))?;
        let bytes = format.store().write_value(&self.tree, at, self.stores);
        bytes.map(|mut bytes| Secret::new(std::mem::take(&mut *bytes)))
    }

    /// How many documents there are.
    pub fn documents(&self) -> usize {
        self.tree.documents().len()
    }

    /// The values of the first document, whole, without comments.
    pub fn to_map(&self) -> Map {
        match self.get(&KeyPath::default()) {
            Some(Value::Map(map)) => map,
            _ => Map::new(),
        }
    }

    /// How many comments there are, by lines.
    pub fn comments(&self) -> usize {
        self.tree.items.iter().filter(|item| item.node.is_comment()).count()
    }

    /// How many comments of the text that this was read from are not in it: the format attaches comments to values, and
    /// in odd places finds none.
    pub fn lost_comments(&self) -> usize {
        self.tree.lost_comments
    }

    /// The value at a path in the first document.
    pub fn get(&self, path: &KeyPath) -> Option<Value> {
        self.tree.locate(path).map(|at| self.tree.value(at))
    }

    /// The names of the first document.
    pub fn keys(&self) -> Vec<String> {
        let values = self.tree.children(0).filter(|&at| !self.tree.item(at).node.is_comment());
        values.map(|at| String::from_utf8_lossy(self.tree.key(at)).into_owned()).collect()
    }

    /// The first name at the top of the first document that a format keeps for the metadata.
    pub fn reserved(&self, format: Format) -> Option<String> {
        let store = format.store();
        let values = self.tree.children(0).filter(|&at| !self.tree.item(at).node.is_comment());
        let mut names = values.map(|at| self.tree.key(at));
        names.find(|name| store.is_reserved(name)).map(|name| String::from_utf8_lossy(name).into_owned())
    }

    /// Whether the value at a path was encrypted in the file it came from; a map or list never is itself.
    pub fn was_encrypted(&self, path: &KeyPath) -> bool {
        self.tree.locate(path).is_some_and(|at| !self.tree.item(at).seal.is_empty())
    }

    /// The containers of comments that were in clear though the rule has them encrypted: anybody may have put
    /// them there.
    pub fn clear_comments(&self) -> Vec<KeyPath> {
        self.clear_comments.iter().map(|&at| self.tree.path_of(at)).collect()
    }

    /// Gives a path in the first document a value. Maps on the way are made; in a list the place behind the last
    /// element appends. A value that is set to what it is keeps its ciphertext.
    ///
    /// Errors: a step into a scalar, a name into a list, a place far behind the end, the document itself being
    /// given something else than a map.
    pub fn set(&mut self, path: &KeyPath, value: &Value) -> Result<()> {
        if path.is_root() && value.as_map().is_none() {
            return Err(Error::new(format!("a document is a map and cannot be {}", value.kind())));
        }
        let mut at = 0;
        for (taken, step) in path.steps().iter().enumerate() {
            let node = self.tree.item(at).node;
            let found = match (node, step) {
                (Node::Map, Step::Key(name) | Step::Either(_, name)) => self.tree.find(at, name.as_bytes()),
                (Node::List, Step::Index(index) | Step::Either(index, _)) => {
                    let count = self.elements(at);
                    if *index > count {
                        return Err(
                            Error::new(format!("the list has {count} elements")).key(path.to_string())
                        );
                    }
                    self.tree.element(at, *index)
                }
                (Node::Map, Step::Index(_)) => return Err(wrong_step(path, taken, "a map, which has names")),
                (Node::List, _) => return Err(wrong_step(path, taken, "a list, which has places from 0")),
                _ => return Err(wrong_step(path, taken, "a single value")),
            };
            let Some(found) = found else {
                let rest = path.steps().get(taken + 1..).unwrap_or_default();
                self.insert(at, step, &nest(rest, value.clone()));
                return Ok(());
            };
            at = found;
        }
        if self.tree.value(at) != *value {
            self.replace(at, value);
        }
        Ok(())
    }

    /// Takes the value at a path in the first document away, and returns it. Comments stay.
    ///
    /// Errors: nothing there; the document itself.
    pub fn unset(&mut self, path: &KeyPath) -> Result<Value> {
        if path.is_root() {
            return Err(Error::new("a document cannot be taken out of itself"));
        }
        let at = self.tree.locate(path).ok_or_else(|| missing(path))?;
        let value = self.tree.value(at);
        let end = self.tree.behind(at);
        let around = self.around(at);
        self.leave_above(at);
        self.splice(at, end, Vec::new());
        if let Some(around) = around {
            self.lift_comments(around);
        }
        Ok(value)
    }

    /// Lets every value that is the same at the same place in `old` keep its ciphertext: for documents that were
    /// printed, edited and read again.
    pub fn keep_ciphertext_of(&mut self, old: &Self) {
        crate::sops::keep::keep(&mut self.tree, &old.tree);
        self.origin.clone_from(&old.origin);
    }

    /// Lets the comments of what is taken away stand on their own lines: the next value has one of its own, perhaps.
    fn leave_above(&mut self, at: usize) {
        let above = self.tree.items.get_mut(..at).unwrap_or_default();
        for item in above.iter_mut().rev().take_while(|item| item.node.is_comment()) {
            item.node = Node::Comment(Side::Above);
        }
    }

    fn elements(&self, list: usize) -> usize {
        self.tree.children(list).filter(|&at| !self.tree.item(at).node.is_comment()).count()
    }

    /// Puts a value at the end of the map or list at `at`.
    fn insert(&mut self, at: usize, step: &Step, value: &Value) {
        let key = match (self.tree.item(at).node, step) {
            (Node::Map, Step::Key(name) | Step::Either(_, name)) => Some(name.as_str()),
            _ => None,
        };
        let items = self.items_of(key, value);
        let end = self.tree.behind(at) - 1;
        self.splice(end, end, items);
    }

    fn replace(&mut self, at: usize, value: &Value) {
        let Item { key, merge, .. } = self.tree.item(at);
        let mut items = self.items_of(None, value);
        if let Some(first) = items.first_mut() {
            (first.key, first.merge) = (key, merge);
        }
        let end = self.tree.behind(at);
        self.splice(at, end, items);
    }

    /// A value's items, their text in this tree's pool.
    fn items_of(&mut self, key: Option<&str>, value: &Value) -> Vec<Item> {
        let mut part = Tree::new(0, std::mem::take(&mut self.tree.pool));
        part.push_value(key, value);
        self.tree.pool = std::mem::take(&mut part.pool);
        std::mem::take(&mut part.items)
    }

    fn splice(&mut self, start: usize, end: usize, mut items: Vec<Item>) {
        let shift = |at: usize| {
            if at < start { Some(at) } else { (at >= end).then(|| at - end + start + items.len()) }
        };
        self.clear_comments = self.clear_comments.iter().filter_map(|&at| shift(at)).collect();
        self.tree.splice(start, end, &items);
        wipe_items(&mut items);
    }

    /// The map or list that the item at `at` stands in.
    fn around(&self, at: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for place in (0..at).rev() {
            match self.tree.item(place).node {
                Node::End => depth += 1,
                Node::Map | Node::List if depth == 0 => return Some(place),
                Node::Map | Node::List => depth -= 1,
                _ => {}
            }
        }
        None
    }

    /// Moves the comments of a map that has nothing else above it: no format shows them inside.
    fn lift_comments(&mut self, map: usize) {
        let end = self.tree.behind(map);
        let inner = self.tree.items.get(map + 1..end.saturating_sub(1)).unwrap_or_default();
        let only = !inner.is_empty() && inner.iter().all(|item| item.node.is_comment());
        if self.tree.item(map).node != Node::Map || self.around(map).is_none() || !only {
            return;
        }
        // their place changes, and so what their ciphertext was bound to
        let above = |item: &Item| Item { node: Node::Comment(Side::Above), seal: Span::default(), ..*item };
        let mut items: Vec<Item> = inner.iter().map(above).collect();
        items.push(self.tree.item(map));
        items.push(Item::new(Node::End));
        self.splice(map, end, items);
    }
}

fn missing(path: &KeyPath) -> Error {
    Error::new("there is no such value").key(path.to_string())
}

fn wrong_step(path: &KeyPath, taken: usize, what: &str) -> Error {
    let steps = path.steps().iter().take(taken).cloned();
    let reached = steps.fold(KeyPath::default(), KeyPath::then);
    if reached.is_root() {
        return Error::new(format!("the document is {what}")).key(path.to_string());
    }
    Error::new(format!("{reached} is {what}")).key(path.to_string())
}

/// The value under the rest of a path that is not there yet.
fn nest(steps: &[Step], value: Value) -> Value {
    steps.iter().rev().fold(value, |value, step| match step {
        Step::Key(name) | Step::Either(_, name) => Map::new().with(name.as_str(), value).into(),
        Step::Index(_) => Value::List(vec![value]),
    })
}

impl Clone for Plain {
    fn clone(&self) -> Self {
        Self {
            tree: self.tree.clone(),
            origin: self.origin.clone(),
            clear_comments: self.clear_comments.clone(),
            stores: self.stores,
        }
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Plain(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> KeyPath {
        KeyPath::parse(text).unwrap()
    }

    fn sample() -> Plain {
        let db = Map::new().with("user", "app").with("password", "old");
        let list = Value::List(vec!["a".into(), "b".into()]);
        Plain::new(Map::new().with("db", db).with("list", list).with("port", Value::Int(1)))
    }

    #[test]
    fn sets_and_makes_what_is_missing() {
        let mut plain = sample();
        plain.set(&path("db.password"), &"new".into()).unwrap();
        plain.set(&path("db.deep.er"), &Value::Int(3)).unwrap();
        plain.set(&path("list.1"), &"c".into()).unwrap();
        plain.set(&path("list.2"), &"d".into()).unwrap();
        plain.set(&path("port"), &Map::new().with("x", "y").into()).unwrap();
        assert_eq!(plain.get(&path("db.password")), Some("new".into()));
        assert_eq!(plain.get(&path("db.deep.er")), Some(Value::Int(3)));
        assert_eq!(plain.get(&path("list")), Some(Value::List(vec!["a".into(), "c".into(), "d".into()])));
        assert_eq!(plain.get(&path("port.x")), Some("y".into()));
        assert_eq!(plain.keys(), ["db", "list", "port"]);
    }

    #[test]
    fn refuses_steps_that_lead_nowhere() {
        let mut plain = sample();
        let mut error = |text: &str| plain.set(&path(text), &Value::Null).unwrap_err().to_string();
        assert_eq!(error("port.x"), "port.x: port is a single value");
        assert_eq!(error("list.x"), "list.x: list is a list, which has places from 0");
        assert_eq!(error("list.3"), "list.3: the list has 2 elements");
        assert_eq!(error("[\"db\"][0]"), "db.0: db is a map, which has names");
        assert!(plain.set(&KeyPath::default(), &Value::Null).is_err());
        assert!(plain.unset(&KeyPath::default()).is_err());
        assert_eq!(plain.unset(&path("db.x")).unwrap_err().to_string(), "db.x: there is no such value");
    }

    #[test]
    fn takes_away_what_was_there() {
        let mut plain = sample();
        assert_eq!(plain.unset(&path("db.user")).unwrap(), "app".into());
        assert_eq!(plain.unset(&path("list.0")).unwrap(), "a".into());
        assert_eq!(plain.get(&path("list.0")), Some("b".into()));
        assert_eq!(plain.get(&path("db.user")), None);
        assert_eq!(plain.to_map().len(), 3);
    }

    #[test]
    fn shows_nothing() {
        assert_eq!(format!("{:?}", sample()), "Plain(…)");
    }

    fn print(plain: &Plain) -> String {
        String::from_utf8(plain.emit(Format::Yaml).unwrap().expose().to_vec()).unwrap()
    }

    fn read(source: &str) -> Plain {
        Plain::parse(source.as_bytes(), Format::Yaml).unwrap()
    }

    #[test]
    fn comments_of_an_emptied_map_stand_above_it() {
        let mut plain = read("a:\n    # why\n    b: 1\nc: 2\n");
        plain.unset(&path("a.b")).unwrap();
        assert_eq!(print(&plain), "# why\na: {}\nc: 2\n");
        assert_eq!(print(&read("a: {} # why\nb: 1\n")), "# why\na: {}\nb: 1\n");
    }

    #[test]
    fn the_comment_of_what_goes_stays_above_what_follows() {
        let mut plain = read("a: 1 # one\nb: 2 # two\nl:\n    - x # three\n    - z\nc: 3 # four\n");
        for gone in ["a", "l.0", "c"] {
            plain.unset(&path(gone)).unwrap();
        }
        assert_eq!(print(&plain), "# one\nb: 2 # two\nl:\n    # three\n    - z\n# four\n");
    }

    #[test]
    fn comments_behind_collections_stand_above_them() {
        assert_eq!(print(&read("l:\n    - [1] # i\n    - 2\n")), "l:\n    # i\n    - - 1\n    - 2\n");
        assert_eq!(print(&read("a: &a\n    x: 1\nb: *a # i\n")), "a:\n    x: 1\n# i\nb:\n    x: 1\n");
    }

    #[test]
    fn comments_behind_empty_entries_of_a_list_stay_there() {
        let source = "l:\n    - {} # i\n    - - [] # j\n    - x\n";
        let mut plain = read(source);
        assert_eq!(print(&plain), source);
        plain.set(&path("l.0.a"), &Value::Int(1)).unwrap();
        assert_eq!(print(&plain), "l:\n    # i\n    - a: 1\n    - - [] # j\n    - x\n");
    }

    #[test]
    fn what_stands_at_a_path_is_printed_with_its_comments() {
        let plain = read("a:\n    # why\n    b: 1\n    l:\n        - x # i\nc: 2\n");
        let at = |text: &str| {
            String::from_utf8(plain.emit_at(&path(text), Format::Yaml).unwrap().expose().to_vec()).unwrap()
        };
        assert_eq!(at("a"), "# why\nb: 1\nl:\n    - x # i\n");
        assert_eq!(at("a.l"), "- x # i\n");
        assert_eq!(at("c"), "2\n");
        assert!(plain.emit_at(&path("x"), Format::Yaml).is_err());
    }

    #[test]
    fn a_value_set_to_what_it_is_changes_nothing() {
        let mut plain = read("a:\n    # why\n    b: 1\n");
        plain.set(&path("a.b"), &Value::Int(1)).unwrap();
        let same = plain.get(&path("a")).unwrap();
        plain.set(&path("a"), &same).unwrap();
        assert_eq!(print(&plain), "a:\n    # why\n    b: 1\n");
    }
}
