//! Strict, typed reading of configuration out of a tree.
//!
//! A [`View`] is a node with its tree and file. Every reading either gives what was asked for or an error that
//! names the file, the line and column, and the key path. Aliases and merge keys are followed; a field that
//! nobody knows, a key given twice and a value of another type are errors. No error quotes a value: the file
//! may hold secrets.
//!
//! ```ignore
//! let tree = Tree::parse(bytes)?;
//! let root = View::document(&tree, "uvars.yaml")?.map(&["version", "hosts"])?;
//! let version = root.need("version")?.int()?;
//! for host in root.entries("hosts")? {
//!     let fields = host.value.map(&["platform", "tags"])?;
//!     let platform = fields.need("platform")?.one_of(&[("nixos", Nixos), ("darwin", Darwin)])?;
//!     let tags = fields.strs("tags")?;
//! }
//! ```

mod merge;
mod path;
mod suggest;

use crate::error::{Error, Result};
use crate::yaml::node::{Kind, NodeId, Tree};
use crate::yaml::resolve::{Scalar, resolve};
use crate::yaml::time::Timestamp;

pub use suggest::closest;

/// One node, to be read as configuration. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct View<'t> {
    tree: &'t Tree<'t>,
    id: NodeId,
    file: &'t str,
}

/// A key of a map with names of the writer's own, and its value.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'t> {
    /// The key's text, whatever type it might resolve to.
    pub name: &'t str,
    /// The key, for errors that are about it.
    pub key: View<'t>,
    /// What it has.
    pub value: View<'t>,
}

/// A map whose field names are all known.
#[derive(Clone, Debug)]
pub struct Fields<'t> {
    map: View<'t>,
    entries: Vec<Entry<'t>>,
}

impl<'t> View<'t> {
    /// A node of a tree. `file` is the name in errors.
    pub fn new(tree: &'t Tree<'t>, id: NodeId, file: &'t str) -> Self {
        Self { tree, id: tree.deref(id), file }
    }

    /// The node itself, an alias included: only for errors that are about it.
    pub(super) fn exact(tree: &'t Tree<'t>, id: NodeId, file: &'t str) -> Self {
        Self { tree, id, file }
    }

    /// The root of the one document of a file.
    ///
    /// # Errors
    /// No document, or more than one.
    pub fn document(tree: &'t Tree<'t>, file: &'t str) -> Result<Self> {
        match tree.documents() {
            [] => Err(Error::new("the file is empty").at(file)),
            [document] => Ok(Self::new(tree, tree.root(*document).unwrap_or(*document), file)),
            [_, second, ..] => {
                let second = Self::new(tree, tree.root(*second).unwrap_or(*second), file);
                Err(second.error("one document is expected, and here a second one begins"))
            }
        }
    }

    /// The node itself; that of the target, where an alias stood.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// The line it stands on, counted from 1.
    pub fn line(&self) -> u32 {
        self.tree.node(self.id).line
    }

    /// The column it begins in, counted from 1.
    pub fn column(&self) -> u32 {
        self.tree.node(self.id).column
    }

    /// The key path from the root, `users.jon.hosts.0`.
    pub fn path(&self) -> String {
        path::of(self.tree, self.id)
    }

    /// An error at this place. The message may name keys, not values.
    pub fn error(&self, message: impl Into<String>) -> Error {
        let node = self.tree.node(self.id);
        let mut error = Error::new(message).at(self.file);
        if node.line > 0 {
            error = error.position(node.line, node.column);
        }
        match self.path() {
            path if path.is_empty() => error,
            path => error.key(path),
        }
    }

    /// An error for a name that nobody knows, with the nearest known one: ``unknown tag `lptop`, did you mean
    /// `laptop`?``
    pub fn unknown<'c>(&self, what: &str, name: &str, known: impl IntoIterator<Item = &'c str>) -> Error {
        let known: Vec<&str> = known.into_iter().collect();
        if let Some(near) = closest(name, known.iter().copied()) {
            return self.error(format!("unknown {what} `{name}`, did you mean `{near}`?"));
        }
        let error = self.error(format!("unknown {what} `{name}`"));
        match known.as_slice() {
            [] => error,
            known if known.len() > 20 => error,
            known => error.hint(format!("known here: {}", known.join(", "))),
        }
    }

    /// What stands here, for messages: `a string`, `a list`.
    pub fn what(&self) -> &'static str {
        match self.tree.node(self.id).kind {
            Kind::Mapping => "a map",
            Kind::Sequence => "a list",
            Kind::Document => "nothing",
            Kind::Scalar | Kind::Alias => match resolve(self.tree, self.id) {
                Ok(Scalar::Null) => "nothing",
                Ok(Scalar::Bool(_)) => "true or false",
                Ok(Scalar::Int(_) | Scalar::Uint(_)) => "a whole number",
                Ok(Scalar::Float(_)) => "a number",
                Ok(Scalar::Time(_)) => "a time",
                Ok(Scalar::Str(_)) => "a string",
                Ok(Scalar::Binary(_)) => "binary data",
                Ok(Scalar::Merge) => "a merge key",
                Err(_) => "a value that does not fit its tag",
            },
        }
    }

    fn wrong(&self, expected: &str) -> Error {
        let what = self.what();
        let error = self.error(format!("expected {expected}, found {what}"));
        match (expected, what) {
            ("a string", "true or false" | "a whole number" | "a number" | "a time") => {
                error.hint("put it in quotes to make it a string")
            }
            _ => error,
        }
    }

    /// Whether nothing stands here: an empty value, `~`, `null`.
    pub fn is_null(&self) -> bool {
        // not by an error, which would walk through the whole file for its key path
        match self.tree.node(self.id).kind {
            Kind::Document => true,
            Kind::Scalar => matches!(resolve(self.tree, self.id), Ok(Scalar::Null)),
            Kind::Sequence | Kind::Mapping | Kind::Alias => false,
        }
    }

    /// Whether it is a map.
    pub fn is_map(&self) -> bool {
        self.tree.node(self.id).kind == Kind::Mapping
    }

    /// Whether it is a list.
    pub fn is_list(&self) -> bool {
        self.tree.node(self.id).kind == Kind::Sequence
    }

    /// Its meaning, whatever that is.
    ///
    /// # Errors
    /// A list or map, or a text that does not fit its tag.
    pub fn scalar(&self) -> Result<Scalar<'t>> {
        resolve(self.tree, self.id).map_err(|error| self.error(Error::from(error).message()))
    }

    /// A string. `yes` and `on` are; `12`, `true` and times need quotes.
    ///
    /// # Errors
    /// Anything else.
    pub fn str(&self) -> Result<&'t str> {
        match self.scalar() {
            Ok(Scalar::Str(_)) => Ok(&self.tree.node(self.id).text),
            _ => Err(self.wrong("a string")),
        }
    }

    /// The text of any scalar but nothing, as it was written: for names such as `12` and modes such as `0400`.
    ///
    /// # Errors
    /// A list, a map, nothing.
    pub fn text(&self) -> Result<&'t str> {
        match self.scalar() {
            Ok(Scalar::Null) | Err(_) => Err(self.wrong("a string")),
            Ok(_) => Ok(&self.tree.node(self.id).text),
        }
    }

    /// A whole number.
    ///
    /// # Errors
    /// Anything else, and numbers beyond 64 bits with sign.
    pub fn int(&self) -> Result<i64> {
        match self.scalar() {
            Ok(Scalar::Int(int)) => Ok(int),
            Ok(Scalar::Uint(_)) => Err(self.error("the number is too large")),
            _ => Err(self.wrong("a whole number")),
        }
    }

    /// A whole number that fits a smaller type.
    ///
    /// # Errors
    /// Anything else, and numbers that do not fit.
    pub fn number<T: TryFrom<i64>>(&self) -> Result<T> {
        T::try_from(self.int()?).map_err(|_| self.error("the number is out of range"))
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// Anything else, `yes` and `on` included.
    pub fn bool(&self) -> Result<bool> {
        match self.scalar() {
            Ok(Scalar::Bool(value)) => Ok(value),
            _ => Err(self.wrong("true or false")),
        }
    }

    /// A time, or a string that spells one in RFC 3339.
    ///
    /// # Errors
    /// Anything else.
    pub fn time(&self) -> Result<Timestamp> {
        match self.scalar() {
            Ok(Scalar::Time(time)) => Ok(time),
            Ok(Scalar::Str(text)) => Timestamp::parse(&text).ok_or_else(|| self.wrong("a time")),
            _ => Err(self.wrong("a time")),
        }
    }

    /// One of these words, as what it stands for.
    ///
    /// # Errors
    /// Anything else; the message lists the words and names the nearest one.
    pub fn one_of<T: Clone>(&self, words: &[(&str, T)]) -> Result<T> {
        let listed = || words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let Ok(Scalar::Str(text)) = self.scalar() else { return Err(self.wrong(&listed())) };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Ok(value.clone());
        }
        let error = self.error(format!("expected {}", listed()));
        match closest(&text, words.iter().map(|(word, _)| *word)) {
            Some(near) => Err(error.hint(format!("did you mean `{near}`?"))),
            None => Err(error),
        }
    }

    /// The items of a list; none where nothing stands.
    ///
    /// # Errors
    /// Anything but a list or nothing.
    pub fn list(&self) -> Result<Vec<Self>> {
        if self.is_null() {
            return Ok(Vec::new());
        }
        if !self.is_list() {
            return Err(self.wrong("a list"));
        }
        Ok(self.tree.children(self.id).map(|id| Self::new(self.tree, id, self.file)).collect())
    }

    /// A list of strings.
    ///
    /// # Errors
    /// Anything but a list of strings or nothing.
    pub fn strs(&self) -> Result<Vec<&'t str>> {
        self.list()?.iter().map(Self::str).collect()
    }

    /// The entries of a map in their order, merged ones last; none where nothing stands.
    ///
    /// # Errors
    /// Anything but a map or nothing; a key that is not a single value; a key given twice; a merge of
    /// something else than maps.
    pub fn entries(&self) -> Result<Vec<Entry<'t>>> {
        if self.is_null() {
            return Ok(Vec::new());
        }
        if !self.is_map() {
            return Err(self.wrong("a map"));
        }
        merge::entries(*self)
    }

    /// A map that has no other fields than these; an empty one where nothing stands.
    ///
    /// # Errors
    /// As [`View::entries`]; an unknown field, with the nearest known one.
    pub fn map(&self, fields: &[&str]) -> Result<Fields<'t>> {
        let entries = self.entries()?;
        match entries.iter().find(|entry| !fields.contains(&entry.name)) {
            Some(Entry { name, key, .. }) => Err(key.unknown("field", name, fields.iter().copied())),
            None => Ok(Fields { map: *self, entries }),
        }
    }
}

impl<'t> Fields<'t> {
    /// The map itself, for errors about the whole.
    pub fn view(&self) -> View<'t> {
        self.map
    }

    /// A field's value, if the field is there. A field with nothing in it is.
    pub fn get(&self, field: &str) -> Option<View<'t>> {
        self.entries.iter().find(|entry| entry.name == field).map(|entry| entry.value)
    }

    /// A field's value.
    ///
    /// # Errors
    /// The field is missing.
    pub fn need(&self, field: &str) -> Result<View<'t>> {
        self.get(field).ok_or_else(|| self.map.error(format!("the field `{field}` is missing")))
    }

    /// A field read in one way, if it is there: `fields.maybe("uid", View::int)?`.
    ///
    /// # Errors
    /// What the reading says.
    pub fn maybe<T>(&self, field: &str, read: impl FnOnce(&View<'t>) -> Result<T>) -> Result<Option<T>> {
        self.get(field).map(|value| read(&value)).transpose()
    }

    /// The entries of a field's map; none where the field is missing.
    ///
    /// # Errors
    /// As [`View::entries`].
    pub fn entries(&self, field: &str) -> Result<Vec<Entry<'t>>> {
        Ok(self.maybe(field, View::entries)?.unwrap_or_default())
    }

    /// The strings of a field's list; none where the field is missing.
    ///
    /// # Errors
    /// As [`View::strs`].
    pub fn strs(&self, field: &str) -> Result<Vec<&'t str>> {
        Ok(self.maybe(field, View::strs)?.unwrap_or_default())
    }

    /// The fields that are there, in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Entry<'t>> {
        self.entries.iter()
    }
}

impl<'f, 't> IntoIterator for &'f Fields<'t> {
    type Item = &'f Entry<'t>;
    type IntoIter = std::slice::Iter<'f, Entry<'t>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(text: &str, read: impl FnOnce(View<'_>) -> Result<T>) -> Result<T, String> {
        let tree = Tree::parse(text.as_bytes()).unwrap();
        View::document(&tree, "f.yaml").and_then(read).map_err(|error| {
            error.hints().iter().fold(error.to_string(), |text, hint| format!("{text} ({hint})"))
        })
    }

    fn refused(text: &str, reading: impl FnOnce(View<'_>) -> Result<()>) -> String {
        read(text, reading).unwrap_err()
    }

    #[test]
    fn every_type_is_read_as_itself_only() {
        let text =
            "s: a\nq: '1'\ni: 7\nb: true\nt: 2024-01-02\nr: '2024-01-02T03:04:05Z'\nl: [x, y]\nn:\nm: 0400\n";
        read(text, |root| {
            let fields = root.map(&["s", "q", "i", "b", "t", "r", "l", "n", "m"])?;
            assert_eq!(fields.need("s")?.str()?, "a");
            assert_eq!(fields.need("q")?.str()?, "1");
            assert_eq!(fields.need("i")?.int()?, 7);
            assert_eq!(fields.need("i")?.number::<u16>()?, 7);
            assert!(fields.need("b")?.bool()?);
            assert_eq!(fields.need("t")?.time()?.to_string(), "2024-01-02T00:00:00Z");
            assert_eq!(fields.need("r")?.time()?.to_string(), "2024-01-02T03:04:05Z");
            assert_eq!(fields.strs("l")?, ["x", "y"]);
            assert!(fields.strs("n")?.is_empty() && fields.entries("n")?.is_empty());
            assert_eq!(fields.need("m")?.text()?, "0400");
            assert_eq!(fields.maybe("nope", View::int)?, None);
            assert_eq!(fields.need("l")?.list()?.get(1).map(View::path), Some("l.1".to_owned()));
            assert_eq!(fields.iter().count(), 9);
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn errors_name_the_place_and_what_was_expected() {
        let field = |text: &str, read: fn(&View<'_>) -> Result<()>| {
            refused(text, |root| read(&root.map(&["a"])?.need("a")?))
        };
        assert_eq!(
            field("a: 12\n", |view| view.str().map(drop)),
            "f.yaml:1:4: a: expected a string, found a whole number (put it in quotes to make it a string)"
        );
        assert_eq!(
            field("a: [1]\n", |view| view.str().map(drop)),
            "f.yaml:1:4: a: expected a string, found a list"
        );
        assert_eq!(
            field("a: yes\n", |view| view.bool().map(drop)),
            "f.yaml:1:4: a: expected true or false, found a string"
        );
        assert_eq!(
            field("a:\n", |view| view.int().map(drop)),
            "f.yaml:1:3: a: expected a whole number, found nothing"
        );
        assert_eq!(
            field("a: x\n", |view| view.list().map(drop)),
            "f.yaml:1:4: a: expected a list, found a string"
        );
        assert_eq!(
            field("a: x\n", |view| view.entries().map(drop)),
            "f.yaml:1:4: a: expected a map, found a string"
        );
        assert_eq!(
            field("a: 300\n", |view| view.number::<u8>().map(drop)),
            "f.yaml:1:4: a: the number is out of range"
        );
        assert_eq!(
            field("a: 18446744073709551615\n", |view| view.int().map(drop)),
            "f.yaml:1:4: a: the number is too large"
        );
        assert_eq!(
            field("a: soon\n", |view| view.time().map(drop)),
            "f.yaml:1:4: a: expected a time, found a string"
        );
        assert_eq!(
            field("a: !!int x\n", |view| view.int().map(drop)),
            "f.yaml:1:4: a: expected a whole number, found a value that does not fit its tag"
        );
        assert_eq!(
            field("a: 1.5\n", |view| view.int().map(drop)),
            "f.yaml:1:4: a: expected a whole number, found a number"
        );
    }

    #[test]
    fn unknown_and_missing_fields() {
        assert_eq!(
            refused("hosts:\n  c: { platfrom: nixos }\n", |root| {
                let hosts = root.map(&["hosts"])?.entries("hosts")?;
                hosts.iter().try_for_each(|host| host.value.map(&["platform", "tags"]).map(drop))
            }),
            "f.yaml:2:8: hosts.c.platfrom: unknown field `platfrom`, did you mean `platform`?"
        );
        assert_eq!(
            refused("zzz: 1\n", |root| root.map(&["hosts", "users"]).map(drop)),
            "f.yaml:1:1: zzz: unknown field `zzz` (known here: hosts, users)"
        );
        assert_eq!(
            refused("a: 1\n", |root| root.map(&["a", "b"])?.need("b").map(drop)),
            "f.yaml:1:1: the field `b` is missing"
        );
        assert_eq!(
            refused("a:\n  c: 1\na: 2\n", |root| root.entries().map(drop)),
            "f.yaml:3:1: a: the key `a` is already on line 1"
        );
        assert_eq!(
            refused("[1]: 2\n", |root| root.entries().map(drop)),
            "f.yaml:1:1: [\"\"]: a key must be a single value"
        );
        assert_eq!(
            refused("p: nixso\n", |root| root
                .map(&["p"])?
                .need("p")?
                .one_of(&[("nixos", 1), ("darwin", 2)])
                .map(drop)),
            "f.yaml:1:4: p: expected `nixos`, `darwin` (did you mean `nixos`?)"
        );
        assert_eq!(read("p: darwin\n", |root| root.map(&["p"])?.need("p")?.one_of(&[("darwin", 2)])), Ok(2));
    }

    #[test]
    fn one_document_is_wanted() {
        assert_eq!(refused("", |root| root.str().map(drop)), "f.yaml: the file is empty");
        assert_eq!(
            refused("a\n---\nb\n", |root| root.str().map(drop)),
            "f.yaml:3:1: one document is expected, and here a second one begins"
        );
    }

    fn pairs(view: View<'_>) -> Result<String> {
        let one = |entry: &Entry<'_>| Ok(format!("{}={}", entry.name, entry.value.int()?));
        Ok(view.entries()?.iter().map(one).collect::<Result<Vec<_>>>()?.join(" "))
    }

    #[test]
    fn aliases_and_merges_are_followed() {
        let text = "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  <<: [*x, *y]\n  a: 9\nw: *x\nv: {<<: *y}\n";
        let all = read(text, |root| {
            let entries = root.entries()?;
            entries
                .iter()
                .map(|entry| Ok((entry.name.to_owned(), pairs(entry.value)?)))
                .collect::<Result<Vec<_>>>()
        });
        let shown: Vec<_> =
            all.unwrap().into_iter().map(|(name, pairs)| format!("{name}: {pairs}")).collect();
        assert_eq!(shown, ["x: a=1 b=2", "y: b=3 c=4", "z: a=9 b=2 c=4", "w: a=1 b=2", "v: b=3 c=4"]);
        assert_eq!(
            refused("a: {<<: 1}\n", |root| root.map(&["a"])?.entries("a").map(drop)),
            "f.yaml:1:9: a.<<: `<<` can only merge maps"
        );
        let cycle = "a: &a\n  <<: *a\n  b: 1\n";
        assert!(refused(cycle, |root| root.map(&["a"])?.entries("a").map(drop)).contains("merges itself"));
    }

    #[test]
    fn json_with_tabs_is_read_too() {
        let text = "{\n\t\"hosts\": {\n\t\t\"c\": {\"tags\": [\"a\", \"b\\u00e9\\n\"], \"n\": 1.5e3, \"t\": true, \"z\": null}\n\t}\n}\n";
        let shown = read(text, |root| {
            let hosts = root.map(&["hosts"])?.entries("hosts")?;
            let host = hosts.first().map(|host| host.value.map(&["tags", "n", "t", "z"])).transpose()?;
            host.map(|host| host.strs("tags").map(|tags| tags.join(" "))).transpose()
        });
        assert_eq!(shown, Ok(Some("a bé\n".to_owned())));
    }
}
