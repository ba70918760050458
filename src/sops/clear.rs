//! What a file holds in clear: names always, values and comments where its rule leaves them so.

use crate::secret::Secret;
use crate::sops::encrypted::Encrypted;
use crate::sops::path::{KeyPath, Step};
use crate::sops::tree::{Item, Node, Tree};
use std::collections::BTreeMap;

/// How a text that is encrypted begins.
const SEALED: &[u8] = b"ENC[AES256_GCM,";

/// A text that a file holds in clear.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Clear {
    /// What it is.
    pub kind: ClearKind,
    /// Of a value its path; of a name or a comment that of the map or list it stands in.
    pub place: KeyPath,
    /// The text. It is clear in a file that is written; this one may not be yet.
    text: Secret,
}

/// What is in clear.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClearKind {
    /// A name in a map.
    Name,
    /// A value.
    Value,
    /// A comment.
    Comment,
}

/// What stands at a path, as far as that can be seen without a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Held {
    /// One value.
    One,
    /// A null.
    Null,
    /// A text with nothing in it.
    Empty,
    /// A list or a map.
    Many,
}

impl Encrypted {
    /// What stands at a path in the first document; nothing where no name leads there.
    pub fn at(&self, path: &KeyPath) -> Option<Held> {
        let at = self.tree().locate(path)?;
        let item = self.tree().item(at);
        Some(match item.node {
            node if node.opens() => Held::Many,
            Node::Null => Held::Null,
            // what is encrypted has its ciphertext
            Node::Str if self.tree().pool.get(item.text).is_empty() => Held::Empty,
            _ => Held::One,
        })
    }

    /// The texts in clear, of all documents, that are wanted. Comments that follow one another are one text.
    pub fn texts_in_clear(&self, wanted: impl Fn(&str) -> bool) -> Vec<Clear> {
        let tree = self.tree();
        let mut found = Vec::new();
        let mut around = Vec::new();
        let mut look = |kind, at: usize, bytes: &[u8]| {
            if std::str::from_utf8(bytes).is_ok_and(&wanted) {
                found.push(Clear { kind, place: tree.path_of(at), text: Secret::from(bytes) });
            }
        };
        let mut comments: Vec<u8> = Vec::new();
        for (at, item) in tree.items.iter().enumerate() {
            if item.node.is_comment() {
                if !comments.is_empty() {
                    comments.push(b'\n');
                }
                comments.extend_from_slice(clear_text(tree, item));
                if tree.items.get(at + 1).is_none_or(|next| !next.node.is_comment()) {
                    look(ClearKind::Comment, at, &comments);
                    comments.clear();
                }
                continue;
            }
            if let Some(map) = around.last().filter(|_| !item.key.is_empty()) {
                look(ClearKind::Name, *map, tree.pool.get(item.key));
            }
            match item.node {
                Node::Map | Node::List => around.push(at),
                Node::End => drop(around.pop()),
                _ => look(ClearKind::Value, at, clear_text(tree, item)),
            }
        }
        found
    }

    /// The values in clear that another version of the file does not have so. What is nothing is no value.
    pub fn values_in_clear(&self, before: Option<&Self>) -> Vec<KeyPath> {
        let mut mine = clear_values(self.tree());
        if let Some(theirs) = before.filter(|_| !mine.is_empty()).map(|before| clear_values(before.tree())) {
            let known: BTreeMap<&KeyPath, &Secret> = theirs.iter().map(|(path, text)| (path, text)).collect();
            mine.retain(|(path, text)| known.get(path) != Some(&text));
        }
        mine.into_iter().map(|(path, _)| path).collect()
    }
}

/// The values in clear with their paths, in one walk: there may be as many as the file has values.
fn clear_values(tree: &Tree) -> Vec<(KeyPath, Secret)> {
    let mut found = Vec::new();
    // how to get into each open map or list; of a list how many elements there were
    let mut around: Vec<(Option<Step>, Option<usize>)> = Vec::new();
    for item in &tree.items {
        let step = match around.last_mut() {
            _ if item.node == Node::End || item.node.is_comment() => None,
            Some((_, Some(count))) => {
                *count += 1;
                Some(Step::Index(*count - 1))
            }
            Some(_) => Some(Step::Key(String::from_utf8_lossy(tree.pool.get(item.key)).into_owned())),
            None => None,
        };
        match item.node {
            Node::Map => around.push((step, None)),
            Node::List => around.push((step, Some(0))),
            Node::End => drop(around.pop()),
            Node::Null | Node::Comment(_) => {}
            Node::Str if clear_text(tree, item).is_empty() => {}
            node => {
                let steps = around.iter().filter_map(|(step, _)| step.clone()).chain(step);
                let path = steps.fold(KeyPath::default(), KeyPath::then);
                // a number has no text but what it is
                let text = [format!("{node:?}").as_bytes(), clear_text(tree, item)].concat();
                found.push((path, Secret::new(text)));
            }
        }
    }
    found
}

/// The text of an item, unless it is encrypted.
fn clear_text<'t>(tree: &'t Tree, item: &Item) -> &'t [u8] {
    let text = tree.pool.get(item.text);
    if text.starts_with(SEALED) { b"" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::generate;
    use crate::sops::{Format, Plain, Rules};
    use std::time::SystemTime;

    fn sealed(text: &str) -> Encrypted {
        let plain = Plain::parse(text.as_bytes(), Format::Yaml).unwrap();
        let reader = generate("now").unwrap().recipient;
        Encrypted::create(
            &plain,
            &[reader],
            &Rules::default(),
            SystemTime::UNIX_EPOCH,
            Format::Yaml,
            &crate::keys::Programs::default(),
        )
        .unwrap()
    }

    const TEXT: &str = "\
# note x
a: {x: x, y_unencrypted: x, z: [x]}
list_unencrypted:
  - 1
  # note x
  - x: ''
b: null
---
c_unencrypted: x
";

    #[test]
    fn names_are_in_clear_and_values_by_the_rule() {
        let found = sealed(TEXT).texts_in_clear(|text| text.contains('x') && text.len() < 10);
        let found: Vec<_> = found.iter().map(|clear| (clear.kind, clear.place.to_string())).collect();
        let expected = [
            (ClearKind::Name, "a"),
            (ClearKind::Value, "a.y_unencrypted"),
            (ClearKind::Comment, "list_unencrypted"),
            (ClearKind::Name, "list_unencrypted[1]"),
            (ClearKind::Value, "c_unencrypted"),
        ];
        let expected: Vec<_> =
            expected.into_iter().map(|(kind, path)| (kind, path.replace("[1]", ".1"))).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_a_path_holds_is_seen_without_a_key() {
        let file = sealed(TEXT);
        for (path, held) in [
            ("a", Some(Held::Many)),
            ("a.x", Some(Held::One)),
            ("b", Some(Held::Null)),
            ("list_unencrypted.1.x", Some(Held::Empty)),
            ("c_unencrypted", None),
        ] {
            assert_eq!(file.at(&KeyPath::parse(path).unwrap()), held, "{path}");
        }
    }

    #[test]
    fn comments_that_follow_one_another_are_one_text() {
        let found = sealed("a_unencrypted:\n  # one\n  # two\n  b: x\n  # three\n  c: x\n");
        let two =
            found.texts_in_clear(|text| text.contains("one") && text.contains('\n') && text.contains("two"));
        assert_eq!(two.len(), 1);
        assert!(found.texts_in_clear(|text| text.contains("two") && text.contains("three")).is_empty());
    }

    #[test]
    fn a_value_that_was_in_clear_before_is_none_that_comes() {
        let (old, new) = (sealed(TEXT), sealed(&TEXT.replace("- 1", "- 2").replace("z:", "z_unencrypted:")));
        let shown = |paths: Vec<KeyPath>| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            shown(old.values_in_clear(None)),
            ["a.y_unencrypted", "list_unencrypted.0", "c_unencrypted"]
        );
        assert_eq!(shown(new.values_in_clear(Some(&old))), ["a.z_unencrypted.0", "list_unencrypted.0"]);
    }
}
