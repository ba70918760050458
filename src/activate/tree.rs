//! A generation in memory: every file with its content, owner and mode.
//!
//! What is planned and what is live have the same shape, so that "unchanged" is plain equality.

use crate::secret::Secret;
use std::collections::BTreeMap;

/// The files of one generation by their names below it, `db/password`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Tree(pub(super) BTreeMap<String, Leaf>);

/// One file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Leaf {
    pub(super) content: Secret,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Permission bits.
    pub(super) mode: u32,
}

/// What differs between two generations, by name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Changes {
    /// Files that were not there.
    pub added: Vec<String>,
    /// Files whose content, owner or mode is another.
    pub modified: Vec<String>,
    /// Files that are there no more.
    pub removed: Vec<String>,
}

impl Changes {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }
}

impl Tree {
    /// Adds a file; a name that is taken is kept and `false` returned.
    pub(super) fn add(&mut self, name: String, leaf: Leaf) -> bool {
        if self.0.contains_key(&name) {
            return false;
        }
        self.0.insert(name, leaf);
        true
    }

    /// The files of `live` below `folder`, with their names.
    pub(super) fn below(&self, folder: &str) -> impl Iterator<Item = (&String, &Leaf)> {
        let prefix = format!("{folder}/");
        self.0.iter().filter(move |(name, _)| name.starts_with(&prefix))
    }

    /// From `live` to this.
    pub(super) fn changes_from(&self, live: &Self) -> Changes {
        let mut changes = Changes::default();
        for (name, leaf) in &self.0 {
            match live.0.get(name) {
                None => changes.added.push(name.clone()),
                Some(old) if old != leaf => changes.modified.push(name.clone()),
                Some(_) => {}
            }
        }
        changes.removed = live.0.keys().filter(|name| !self.0.contains_key(*name)).cloned().collect();
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(content: &str, mode: u32) -> Leaf {
        Leaf { content: Secret::from(content), uid: 0, gid: 0, mode }
    }

    #[test]
    fn content_mode_and_removal_are_changes() {
        let mut old = Tree::default();
        let mut new = Tree::default();
        for (tree, files) in [
            (
                &mut old,
                [("same", "a", 0o400), ("text", "a", 0o400), ("mode", "a", 0o400), ("gone", "a", 0o400)],
            ),
            (
                &mut new,
                [("same", "a", 0o400), ("text", "b", 0o400), ("mode", "a", 0o440), ("new", "a", 0o400)],
            ),
        ] {
            for (name, content, mode) in files {
                assert!(tree.add(name.into(), leaf(content, mode)));
            }
        }
        assert!(!new.add("same".into(), leaf("z", 0)));
        let changes = new.changes_from(&old);
        assert_eq!(changes.added, ["new"]);
        assert_eq!(changes.modified, ["mode", "text"]);
        assert_eq!(changes.removed, ["gone"]);
        assert!(new.changes_from(&new.clone()).is_empty());
    }
}
