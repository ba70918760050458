//! Changes in place: what is not meant keeps every byte, comments, order, styles and line ends included.
//!
//! Each change finds the bytes of its node, replaces them, reads the result again and compares what it says
//! with what was meant. A difference is an error that names the file, and nothing of the change is kept. What
//! cannot be changed without changing something else (an alias, an anchored node, an explicit key) is refused
//! by name.
//!
//! A path is a list of keys; on a list a key is an index: `&["users", "jon", "hosts", "0"]`. Only the first
//! document is edited.
//!
//! ```ignore
//! let mut edit = Edit::new("uvars.yaml", bytes)?;
//! edit.insert_key(&["users"], "jon", &Value::map([("role", "admin")]), At::Sorted)?;
//! edit.set(&["version"], &Value::from(2))?;
//! edit.append_item(&["hosts", "cinnabar", "tags"], &Value::from("laptop"))?;
//! edit.remove_key(&["users", "mallory"])?;
//! transaction.write(path, edit.into_bytes());
//! ```

mod insert;
mod locate;
mod remove;
mod replace;
mod source;
mod value;
mod verify;
mod write;

use std::ops::Range;

use crate::error::{Error, Result};
use crate::yaml::edit::locate::Page;
use crate::yaml::edit::verify::{Word, words};
use crate::yaml::node::Tree;

pub use value::Value;

/// A document that is being edited.
#[derive(Clone, Debug)]
pub struct Edit {
    file: String,
    text: String,
    bare: bool,
}

/// Where a new key goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum At<'k> {
    /// Before the first key.
    Start,
    /// Behind the last key.
    End,
    /// Behind this key.
    After(&'k str),
    /// Before the first key that is greater, byte by byte; behind the last one if none is.
    Sorted,
}

/// What an edit says that does not pass the last check.
const UNSURE: &str = "this edit would have changed more than it should, nothing was written";

/// How long a key may be that stands before its colon, in bytes.
const LONGEST_KEY: usize = 128;

/// The bytes to change and what the document is to say then.
#[derive(Debug)]
struct Plan<'t> {
    splices: Vec<(Range<usize>, String)>,
    words: Vec<Word<'t>>,
}

impl Edit {
    /// Takes a document over. `file` is the name in errors.
    ///
    /// # Errors
    /// It is not UTF-8, or not YAML.
    pub fn new(file: &str, bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|_| Error::new("only UTF-8 can be edited").at(file))?;
        Tree::parse(bytes).map_err(|error| Error::from(error).at(file))?;
        Ok(Self { file: file.to_owned(), text: text.to_owned(), bare: false })
    }

    /// Writes new keys such as `on` and `yes` without quotes, which YAML 1.1 would take for `true`: for files that
    /// we alone read.
    #[must_use]
    pub fn with_bare_words(self) -> Self {
        Self { bare: true, ..self }
    }

    /// The text as it is now.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text as it is now.
    pub fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }

    /// Whether there is a node at this path.
    pub fn contains(&self, path: &[&str]) -> bool {
        self.read().is_ok_and(|tree| Page::new(&self.file, &self.text, &tree).find(path).is_ok())
    }

    /// Gives a key, an item or the root another value. A string stays in the quotes that the old one had.
    ///
    /// # Errors
    /// There is nothing at the path; it is, or lies within, an alias or an anchored node; it has a tag.
    pub fn set(&mut self, path: &[&str], value: &Value) -> Result<()> {
        self.check_names(None, value)?;
        self.change(|page| replace::set(page, path, value))
    }

    /// Puts a key into the map at a path. Nothing and an empty map become a map of one key.
    ///
    /// # Errors
    /// There is no map at the path; it has the key already; `After` names a key that it has not; an alias or
    /// anchor as for [`Edit::set`].
    pub fn insert_key(&mut self, path: &[&str], key: &str, value: &Value, at: At<'_>) -> Result<()> {
        self.check_names(Some(key), value)?;
        self.change(|page| insert::key(page, path, key, value, at))
    }

    /// Sets a key of the map at a path, or puts it in where it is missing.
    ///
    /// # Errors
    /// As [`Edit::set`] and [`Edit::insert_key`].
    pub fn put(&mut self, path: &[&str], key: &str, value: &Value, at: At<'_>) -> Result<()> {
        let whole: Vec<&str> = path.iter().copied().chain([key]).collect();
        if self.contains(&whole) { self.set(&whole, value) } else { self.insert_key(path, key, value, at) }
    }

    /// Gives a key another name.
    ///
    /// # Errors
    /// There is no such key; the new name is taken; an alias or anchor as for [`Edit::set`].
    pub fn rename_key(&mut self, path: &[&str], name: &str) -> Result<()> {
        self.check_names(Some(name), &Value::NULL)?;
        self.change(|page| replace::rename(page, path, name))
    }

    /// Takes a key, its value and the comments directly above it and behind it away. A map whose last key
    /// goes becomes `{}`.
    ///
    /// # Errors
    /// There is no such key; something else refers to an anchor in it; an alias or anchor as for
    /// [`Edit::set`].
    pub fn remove_key(&mut self, path: &[&str]) -> Result<()> {
        self.change(|page| remove::key(page, path))
    }

    /// Puts an item behind the last one of the list at a path. Nothing and an empty list become a list of one.
    ///
    /// # Errors
    /// There is no list at the path; an alias or anchor as for [`Edit::set`].
    pub fn append_item(&mut self, path: &[&str], value: &Value) -> Result<()> {
        self.check_names(None, value)?;
        self.change(|page| insert::item(page, path, value))
    }

    /// Takes an item and its comments out of the list at a path. A list whose last item goes becomes `[]`.
    ///
    /// # Errors
    /// There is no such item; otherwise as [`Edit::remove_key`].
    pub fn remove_item(&mut self, path: &[&str], index: usize) -> Result<()> {
        self.change(|page| remove::item(page, path, index))
    }

    /// Refuses keys that would have to be written with a `?`.
    fn check_names(&self, key: Option<&str>, value: &Value) -> Result<()> {
        if key.is_some_and(|key| key.len() > LONGEST_KEY) {
            let sentence = format!("a key of more than {LONGEST_KEY} bytes is not put in: write it by hand");
            return Err(Error::new(sentence).at(&self.file));
        }
        match value {
            Value::Map(entries) => {
                entries.iter().try_for_each(|(key, value)| self.check_names(Some(key), value))
            }
            Value::List(items) => items.iter().try_for_each(|item| self.check_names(None, item)),
            Value::OneLine(value) => self.check_names(None, value),
            Value::Scalar(_) => Ok(()),
        }
    }

    fn read(&self) -> Result<Tree<'_>> {
        Tree::parse(self.text.as_bytes()).map_err(|error| Error::from(error).at(&self.file))
    }

    fn change(&mut self, plan: impl for<'t> FnOnce(&Page<'t>) -> Result<Plan<'t>>) -> Result<()> {
        let tree = self.read()?;
        let mut page = Page::new(&self.file, &self.text, &tree);
        page.pen.bare = self.bare;
        let plan = plan(&page)?;
        let text = splice(&self.text, plan.splices);
        if !says(&text, &plan.words) {
            if page.source.ends_open() {
                let sentence =
                    "the file has no final line break, and this edit would change what its last value means";
                return Err(Error::new(sentence).at(&self.file).hint("end the file with a line break"));
            }
            // the way of writing is one that the rules above do not know
            return Err(Error::new(UNSURE).at(&self.file).hint("edit the file by hand"));
        }
        drop(tree);
        self.text = text;
        Ok(())
    }
}

/// Whether a text says just this.
fn says(text: &str, meant: &[Word<'_>]) -> bool {
    Tree::parse(text.as_bytes()).is_ok_and(|tree| {
        let found = words(&tree);
        found.len() == meant.len() && found.iter().zip(meant).all(|((found, _), meant)| found == meant)
    })
}

/// Replaces ranges, which do not overlap, in any order; of two at one place the first stays first.
fn splice(text: &str, mut splices: Vec<(Range<usize>, String)>) -> String {
    splices.sort_by_key(|(range, _)| (range.start, range.end));
    let mut out = String::with_capacity(text.len() + 64);
    let mut at = 0;
    for (range, new) in splices {
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.push_str(&new);
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
