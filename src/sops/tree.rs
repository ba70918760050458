//! The tree of a file, in the order in which sops walks it.
//!
//! Every document is a run of items: a map or list opens, its items follow, it ends. Nothing is nested in
//! memory, so that a walk is a loop, ten thousand levels cost no stack, and a file of ten thousand values costs
//! two allocations. All text lies in one pool beside the items. Comments are items of the map or list they
//! stand in. The same tree serves plain and encrypted documents of all formats; which of the two it is, is said
//! by the type that holds it.

use crate::sops::path::{KeyPath, Step};
use crate::sops::pool::{Pool, Span};
use crate::yaml::Timestamp;
use crate::{Error, Result};
use zeroize::{Zeroize, Zeroizing};

/// The documents of a file. Items whose texts are secret are wiped when they go: a number is in the item itself.
#[derive(Clone, Default)]
pub(super) struct Tree {
    pub(super) items: Vec<Item>,
    pub(super) pool: Pool,
    /// How many lines with a comment the source had that are not among the items.
    pub(super) lost_comments: usize,
    /// No name stands twice in its map, as whoever read it has seen; a change forgets that.
    pub(super) distinct: bool,
}

/// One thing of a document.
#[derive(Clone, Copy, Default)]
pub(super) struct Item {
    pub(super) node: Node,
    /// The name, for the items of a map that are no comments.
    pub(super) key: Span,
    /// The name is a merge key: what stands under it belongs to the map around it.
    pub(super) merge: bool,
    /// The text of a string or comment.
    pub(super) text: Span,
    /// Of what is in clear: the ciphertext that this value had in the file it was read from, in that file's pool. Of what
    /// was just encrypted: its text, which is known to be ciphertext.
    pub(super) seal: Span,
}

/// What an item is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Node {
    /// A map opens; a document is a map that stands in nothing.
    Map,
    /// A list opens.
    List,
    /// The innermost map or list ends.
    #[default]
    End,
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Time(Timestamp),
    Str,
    Comment(Side),
}

/// Where a comment stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Side {
    /// On its own line above the next item, or below the last.
    Above,
    /// Behind the next item, on its line.
    Behind,
    /// Behind the next item in the encrypted file, above it in what is decrypted: sops forgets at decryption
    /// where a comment stood.
    BehindSealed,
}

impl Node {
    pub(super) fn opens(&self) -> bool {
        matches!(self, Self::Map | Self::List)
    }

    pub(super) fn is_comment(&self) -> bool {
        matches!(self, Self::Comment(_))
    }
}

/// Takes all items away and wipes their memory, every byte of it: a number is in the item itself, and an item that is
/// written over another leaves what its own kind has no use for.
pub(super) fn wipe_items(items: &mut Vec<Item>) {
    items.clear();
    items.spare_capacity_mut().iter_mut().for_each(Zeroize::zeroize);
}

/// One more item. The memory that the others are moved out of for want of room is wiped.
pub(super) fn push_item(items: &mut Vec<Item>, item: Item) {
    if items.len() == items.capacity() {
        let mut grown = Vec::with_capacity(2 * items.len().max(32));
        grown.extend_from_slice(items);
        wipe_items(&mut std::mem::replace(items, grown));
    }
    items.push(item);
}

impl Item {
    pub(super) fn new(node: Node) -> Self {
        Self { node, ..Self::default() }
    }

    pub(super) fn of_key(node: Node, key: Span) -> Self {
        Self { node, key, ..Self::default() }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if self.pool.is_secret() {
            wipe_items(&mut self.items);
        }
    }
}

impl Tree {
    /// One document with nothing in it.
    pub(super) fn without_values() -> Self {
        Self {
            items: vec![Item::new(Node::Map), Item::new(Node::End)],
            pool: Pool::default(),
            lost_comments: 0,
            distinct: false,
        }
    }

    pub(super) fn new(items: usize, pool: Pool) -> Self {
        Self { items: Vec::with_capacity(items), pool, lost_comments: 0, distinct: false }
    }

    /// Puts items in the place of those from `start` to `end`. The old ones are wiped, and so is the memory that
    /// they are moved out of.
    pub(super) fn splice(&mut self, start: usize, end: usize, items: &[Item]) {
        let mut changed = Vec::with_capacity(self.items.len() + items.len());
        changed.extend_from_slice(self.items.get(..start).unwrap_or_default());
        changed.extend_from_slice(items);
        changed.extend_from_slice(self.items.get(end..).unwrap_or_default());
        wipe_items(&mut std::mem::replace(&mut self.items, changed));
        self.distinct = false;
    }

    /// This tree with room of its own for each text, which is wiped when it goes: for whoever writes over texts.
    ///
    /// Errors: more text than a tree can have, as of aliases.
    pub(super) fn into_openable(mut self) -> Result<Self> {
        if self.is_parted() {
            self.pool.keep_secret();
            return Ok(self);
        }
        let lens = self.items.iter().map(|item| item.key.len() + item.text.len());
        let mut pool = Pool::secret(lens.sum());
        for item in &mut self.items {
            (item.key, item.text) = (pool.push(self.pool.get(item.key)), pool.push(self.pool.get(item.text)));
        }
        if pool.is_full() {
            return Err(Error::new("the file would be larger than 4 GiB without its aliases"));
        }
        self.pool = pool;
        Ok(self)
    }

    /// Whether all pieces of text stand one behind the other, in whatever order in an item.
    fn is_parted(&self) -> bool {
        let mut end = 0;
        self.items.iter().all(|item| {
            let (key, text) = (item.key.range(), item.text.range());
            let pieces = if key.start <= text.start { [key, text] } else { [text, key] };
            pieces.into_iter().filter(|piece| !piece.is_empty()).all(|piece| {
                let parted = piece.start >= end;
                end = piece.end;
                parted
            })
        })
    }

    /// Where the item behind the one at `at` and all that stands in it begins.
    pub(super) fn behind(&self, at: usize) -> usize {
        let mut depth = 0_usize;
        for (offset, item) in self.items.iter().skip(at).enumerate() {
            match item.node {
                Node::Map | Node::List => depth += 1,
                Node::End => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return at + offset + 1;
            }
        }
        self.items.len()
    }

    /// The places of the items that stand in the map or list at `at`, comments too.
    pub(super) fn children(&self, at: usize) -> Children<'_> {
        Children { tree: self, next: at + 1 }
    }

    /// The places where documents open.
    pub(super) fn documents(&self) -> Vec<usize> {
        let mut places = Vec::new();
        let mut at = 0;
        while at < self.items.len() {
            places.push(at);
            at = self.behind(at);
        }
        places
    }

    pub(super) fn item(&self, at: usize) -> Item {
        self.items.get(at).copied().unwrap_or_default()
    }

    pub(super) fn key(&self, at: usize) -> &[u8] {
        self.pool.get(self.item(at).key)
    }

    /// The place of a name's value in the map at `map`.
    pub(super) fn find(&self, map: usize, key: &[u8]) -> Option<usize> {
        self.children(map).find(|&at| !self.item(at).node.is_comment() && self.key(at) == key)
    }

    /// The place that a path names in the first document.
    pub(super) fn locate(&self, path: &KeyPath) -> Option<usize> {
        let mut at = 0;
        for step in path.steps() {
            at = match (self.item(at).node, step) {
                (Node::Map, Step::Key(name) | Step::Either(_, name)) => self.find(at, name.as_bytes())?,
                (Node::List, Step::Index(index) | Step::Either(index, _)) => self.element(at, *index)?,
                _ => return None,
            };
        }
        (at < self.items.len()).then_some(at)
    }

    /// The place of a list's element, comments not counted.
    pub(super) fn element(&self, list: usize, index: usize) -> Option<usize> {
        self.children(list).filter(|&at| !self.item(at).node.is_comment()).nth(index)
    }

    /// The path of the item at `wanted`; of a comment, that of the map or list it stands in.
    pub(super) fn path_of(&self, wanted: usize) -> KeyPath {
        // (is a list, elements so far, how to get here)
        let mut frames: Vec<(bool, usize, Option<Step>)> = Vec::new();
        for (at, item) in self.items.iter().enumerate().take(wanted + 1) {
            if item.node == Node::End {
                frames.pop();
                continue;
            }
            let step = match frames.last_mut() {
                _ if item.node.is_comment() => None,
                None => None,
                Some((true, count, _)) => {
                    *count += 1;
                    Some(Step::Index(*count - 1))
                }
                Some(_) => Some(Step::Key(String::from_utf8_lossy(self.pool.get(item.key)).into_owned())),
            };
            if at == wanted {
                let steps = frames.into_iter().filter_map(|(_, _, step)| step).chain(step);
                return steps.fold(KeyPath::default(), KeyPath::then);
            }
            if item.node.opens() {
                frames.push((item.node == Node::List, 0, step));
            }
        }
        KeyPath::default()
    }
}

/// The places of items in one map or list.
pub(super) struct Children<'t> {
    tree: &'t Tree,
    next: usize,
}

impl Iterator for Children<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let at = self.next;
        if self.tree.items.get(at)?.node == Node::End {
            return None;
        }
        self.next = self.tree.behind(at);
        Some(at)
    }
}

/// A buffer for a number's bytes on their way to a hash.
pub(super) fn scratch() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(512))
}
