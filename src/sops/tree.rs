//! The tree of a file, in the order in which sops walks it.
//!
//! Every document is a run of items: a map or list opens, its items follow, it ends. Nothing is nested in
//! memory, so that a walk is a loop, ten thousand levels cost no stack, and a file of ten thousand values costs
//! two allocations. All text lies in one pool beside the items. Comments are items of the map or list they
//! stand in. The same tree serves plain and encrypted documents of all formats; which of the two it is, is said
//! by the type that holds it.

use crate::secret::wipe;
use crate::sops::path::{KeyPath, Step};
use crate::yaml::Timestamp;
use crate::{Error, Result};
use std::ops::Range;
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

/// A piece of a [`Pool`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// A piece of a text of less than 4 GiB.
    pub(super) fn new(start: usize, len: usize) -> Option<Self> {
        Some(Self { start: u32::try_from(start).ok()?, len: u32::try_from(len).ok()? })
    }

    /// The piece itself.
    pub(super) fn of(self, text: &[u8]) -> &[u8] {
        let start = self.start as usize;
        text.get(start..start + self.len as usize).unwrap_or_default()
    }

    /// From where to where it is.
    pub(super) fn range(self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.len as usize
    }

    /// The piece itself, to be written to.
    pub(super) fn of_mut(self, text: &mut [u8]) -> &mut [u8] {
        let start = self.start as usize;
        text.get_mut(start..start + self.len as usize).unwrap_or_default()
    }

    /// Its first bytes.
    pub(super) fn up_to(self, len: usize) -> Self {
        Self { len: u32::try_from(len).map_or(self.len, |len| len.min(self.len)), ..self }
    }

    pub(super) fn is_empty(self) -> bool {
        self.len == 0
    }

    pub(super) fn len(self) -> usize {
        self.len as usize
    }
}

/// All text of a tree.
#[derive(Clone, Default)]
pub(super) struct Pool {
    bytes: Vec<u8>,
    secret: bool,
    full: bool,
}

impl Pool {
    /// A pool for text that is not secret.
    pub(super) fn open(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity), secret: false, full: false }
    }

    /// A pool that has its text already.
    pub(super) fn of(bytes: Vec<u8>, secret: bool) -> Self {
        Self { bytes, secret, full: false }
    }

    /// A pool that is wiped when it grows and when it goes.
    pub(super) fn secret(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity), secret: true, full: false }
    }

    pub(super) fn get(&self, span: Span) -> &[u8] {
        span.of(&self.bytes)
    }

    /// The same, to be written over.
    pub(super) fn get_mut(&mut self, span: Span) -> &mut [u8] {
        span.of_mut(&mut self.bytes)
    }

    /// The text of a span that is UTF-8, else nothing.
    pub(super) fn str(&self, span: Span) -> Option<&str> {
        std::str::from_utf8(self.get(span)).ok()
    }

    pub(super) fn push(&mut self, text: &[u8]) -> Span {
        let start = self.len();
        self.reserve(text.len());
        self.bytes.extend_from_slice(text);
        self.since(start)
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether more was pushed than spans can name.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// The span of what was written from `start` on.
    pub(super) fn since(&mut self, start: usize) -> Span {
        if let (Ok(from), Ok(_)) = (u32::try_from(start), u32::try_from(self.len())) {
            return Span { start: from, len: u32::try_from(self.len() - start).unwrap_or_default() };
        }
        self.full = true;
        Span::default()
    }

    /// Takes back what was written from `start` on, wiped.
    pub(super) fn take_back(&mut self, start: usize) {
        if self.secret
            && let Some(rest) = self.bytes.get_mut(start..)
        {
            wipe(rest);
        }
        self.bytes.truncate(start);
    }

    /// Room for more, without leaving plaintext where the text was.
    pub(super) fn reserve(&mut self, more: usize) {
        let room = self.bytes.capacity() - self.bytes.len();
        if room >= more {
            return;
        }
        let mut grown = Vec::with_capacity((self.bytes.len() + more).max(2 * self.bytes.capacity()));
        grown.extend_from_slice(&self.bytes);
        let mut old = std::mem::replace(&mut self.bytes, grown);
        if self.secret {
            wipe(&mut old);
        }
    }

    /// Leaves so much room behind what there is.
    pub(super) fn skip(&mut self, room: usize) {
        self.reserve(room);
        self.bytes.resize(self.bytes.len() + room, 0);
    }

    /// So much more room at the end, to be written to.
    pub(super) fn more(&mut self, room: usize) -> &mut [u8] {
        let start = self.len();
        self.skip(room);
        self.bytes.get_mut(start..).unwrap_or_default()
    }

    /// Takes all of it out.
    pub(super) fn take(&mut self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(std::mem::take(&mut self.bytes))
    }

    /// Takes a piece out, with other bytes before and behind it, in the memory that it lies in. The rest goes.
    pub(super) fn cut_out(&mut self, span: Span, before: &[u8], behind: &[u8]) -> Zeroizing<Vec<u8>> {
        let (start, end) = (span.start as usize, span.start as usize + span.len());
        self.take_back(end);
        self.reserve(before.len() + behind.len());
        let mut bytes = Zeroizing::new(std::mem::take(&mut self.bytes));
        bytes.splice(..start.min(end), before.iter().copied());
        bytes.extend_from_slice(behind);
        bytes
    }

    /// The bytes themselves, for whoever writes in place behind `reserve`.
    pub(super) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if self.secret {
            // the room behind the length was never written: every growth and every taking back wipes
            wipe(&mut self.bytes);
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if self.pool.secret {
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
            self.pool.secret = true;
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
            let (key, text) = (item.key, item.text);
            let pieces = if key.start <= text.start { [key, text] } else { [text, key] };
            pieces.into_iter().filter(|piece| !piece.is_empty()).all(|piece| {
                let parted = piece.start >= end;
                end = piece.start.saturating_add(piece.len);
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
