//! From the tree to YAML, as sops lays it out; where sops would write what cannot be read back, in quotes.

use crate::sops::format::nested::METADATA;
use crate::sops::format::yaml::read::wipe;
use crate::sops::pool::{Pool, Span};
use crate::sops::tree::{Item, Node, Side, Tree};
use crate::sops::value::{Map, Value};
use crate::yaml::{self, Kind, NodeId, Scalar, Style};
use crate::{Error, Result};
use zeroize::Zeroizing;

/// Writes all documents; each gets the metadata as its last name.
pub(super) fn documents(tree: &Tree, metadata: Option<&Map>, indent: usize) -> Result<Zeroizing<Vec<u8>>> {
    let last = metadata.map(|map| {
        let mut last = Tree::new(64, Pool::open(4096));
        last.push_value(Some(METADATA), &Value::Map(map.clone()));
        last
    });
    let mut writer = Writer::new(tree.items.len() + 64);
    for (at, item) in tree.items.iter().enumerate() {
        if item.node == Node::End
            && writer.frames.len() == 1
            && let Some(last) = &last
        {
            for (at, item) in last.items.iter().enumerate() {
                writer.item(last, at, *item)?;
            }
        }
        writer.item(tree, at, *item)?;
    }
    writer.finish(indent)
}

/// Writes what stands at one place as a document of its own.
pub(super) fn value(tree: &Tree, at: usize, indent: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut writer = Writer::new(16);
    for (place, item) in tree.items.iter().enumerate().take(tree.behind(at)).skip(at) {
        let first = Item { key: Span::default(), merge: false, ..*item };
        writer.item(tree, place, if place == at { first } else { *item })?;
    }
    writer.finish(indent)
}

struct Writer<'t> {
    nodes: yaml::Tree<'t>,
    frames: Vec<Frame<'t>>,
    /// How many of the open collections are lists.
    lists: usize,
}

/// An open map or list.
struct Frame<'t> {
    node: NodeId,
    /// Where the comments above its first go: on it, or, if it comes first in a list that has some there, on that. The
    /// emitter would show those of one alone, and sops loses the others.
    head: NodeId,
    list: bool,
    /// Comments that wait for what they stand above or behind.
    waiting: Vec<(&'t [u8], Side)>,
    /// The last key or item.
    last: Option<NodeId>,
    /// What the comments above the last are on.
    above: NodeId,
    /// The merge key that a list stands under.
    merge: Option<NodeId>,
    /// The last value, if it is an empty list with comments. They are shown behind it, unless there are comments above
    /// what follows: those alone would be shown, and sops loses the others.
    emptied: Option<NodeId>,
    /// The last value is a map or list with something in it: a comment behind it would be found inside of it.
    filled: bool,
}

impl<'t> Writer<'t> {
    fn new(items: usize) -> Self {
        Self { nodes: yaml::Tree::with_capacity(2 * items), frames: Vec::new(), lists: 0 }
    }

    fn finish(mut self, indent: usize) -> Result<Zeroizing<Vec<u8>>> {
        let bytes = yaml::emit(&self.nodes, indent).map(Zeroizing::new);
        wipe(&mut self.nodes);
        bytes
    }

    /// Writes the item that stands at a place of the tree.
    fn item(&mut self, tree: &'t Tree, at: usize, item: Item) -> Result<()> {
        match item.node {
            Node::Comment(side) => {
                let text = tree.pool.get(item.text);
                if let Some(frame) = self.frames.last_mut() {
                    frame.waiting.push((text, side));
                }
            }
            Node::End => self.end(),
            Node::Map | Node::List => {
                let list = item.node == Node::List;
                let kind = if list { Kind::Sequence } else { Kind::Mapping };
                let node = self.nodes.push(yaml::Node::new(kind, Style::Plain, ""));
                let around = self.frames.last().filter(|frame| frame.list && frame.last.is_none());
                let around = around.map(|frame| frame.node);
                let empty = tree.items.get(at + 1).is_none_or(|next| next.node == Node::End);
                let merge = self.place(tree, item, node, empty)?;
                let merge = merge.filter(|_| list && item.merge);
                self.lists += usize::from(list);
                let taken = |head: &NodeId| !self.nodes.comments(*head).head.is_empty();
                let head = around.filter(taken).unwrap_or(node);
                self.frames.push(Frame {
                    node,
                    head,
                    list,
                    waiting: Vec::new(),
                    last: None,
                    above: head,
                    merge,
                    emptied: None,
                    filled: false,
                });
            }
            _ => {
                let node = self.scalar(tree, item);
                self.place(tree, item, node, true)?;
            }
        }
        Ok(())
    }

    /// Hangs a value, with its key, which is returned, and the comments that waited for it. Those behind it stay there if
    /// it is on one line: a single value, or an empty collection in a list.
    fn place(&mut self, tree: &'t Tree, item: Item, value: NodeId, empty: bool) -> Result<Option<NodeId>> {
        let in_list = self.lists > 0;
        let Some(frame) = self.frames.last_mut() else {
            let document = self.nodes.push_document();
            self.nodes.append(document, value);
            return Ok(None);
        };
        if let Some(key) = frame.merge
            && item.node != Node::Map
            && !is_sealed_comment(tree, item)
        {
            quote(&mut self.nodes, key);
        }
        let waiting = std::mem::take(&mut frame.waiting);
        let (around, list) = (frame.node, frame.list);
        let one_line = !item.node.opens() || list && empty;
        let behind = |side: Side| side == Side::Behind && one_line;
        let above = || waiting.iter().filter(|(_, side)| !behind(*side)).map(|(text, _)| *text);
        let first = frame.last.is_none();
        let emptied = frame.emptied.take();
        frame.filled = false;
        let key = if list { None } else { Some(self.nodes.push(key_node(tree, item, in_list)?)) };
        let placed = key.unwrap_or(value);
        frame.last = Some(placed);
        frame.above = if first { frame.head } else { placed };
        let head = frame.above;
        if !waiting.is_empty() {
            if let Some(emptied) = emptied.filter(|_| above().next().is_some()) {
                let shown = std::mem::take(&mut self.nodes.comments_mut(emptied).head);
                self.nodes.comments_mut(head).head = shown;
            }
            add(&mut self.nodes, head, above(), |comments| &mut comments.head);
            let line = waiting.iter().filter(|(_, side)| behind(*side)).map(|(text, _)| *text);
            add(&mut self.nodes, value, line, |comments| &mut comments.line);
        }
        if let Some(key) = key {
            self.nodes.append(around, key);
        }
        self.nodes.append(around, value);
        Ok(key)
    }

    fn end(&mut self) {
        let Some(mut frame) = self.frames.pop() else { return };
        self.lists -= usize::from(frame.list);
        if let Some(around) = self.frames.last_mut() {
            around.filled = frame.last.is_some();
        }
        if frame.filled && !frame.list {
            // what is encrypted for this map stays in it; it stood behind a list on one line, as no sops writes it
            let (sealed, rest) = frame.waiting.into_iter().partition(|(text, _)| is_sealed(text));
            let sealed: Vec<_> = sealed;
            add(&mut self.nodes, frame.above, sealed.into_iter().map(|(text, _)| text), |comments| {
                &mut comments.head
            });
            frame.waiting = rest;
        }
        if frame.waiting.is_empty() {
            return;
        }
        let inline = |wanted: bool| {
            let chosen = move |entry: &&(&'t [u8], Side)| (entry.1 == Side::Behind) == wanted;
            frame.waiting.iter().filter(chosen).map(|(text, _)| *text)
        };
        let left = inline(false).chain(inline(true));
        match frame.last {
            None => {
                add(&mut self.nodes, frame.head, left, |comments| &mut comments.head);
                if let Some(around) = self.frames.last_mut().filter(|_| frame.list) {
                    around.emptied = Some(frame.node);
                }
            }
            Some(last) => add(&mut self.nodes, last, left, |comments| &mut comments.foot),
        }
    }

    fn scalar(&mut self, tree: &'t Tree, item: Item) -> NodeId {
        let scalar = match item.node {
            Node::Bool(flag) => Scalar::Bool(flag),
            Node::Int(number) => Scalar::Int(number),
            Node::Float(number) => Scalar::Float(number),
            Node::Time(time) => Scalar::Time(time),
            Node::Str => match tree.pool.str(item.text) {
                Some(text) => return self.nodes.push(yaml::safe_string_node(text, self.lists > 0)),
                None => Scalar::Binary(tree.pool.get(item.text).to_vec()),
            },
            Node::Map | Node::List | Node::End | Node::Null | Node::Comment(_) => Scalar::Null,
        };
        yaml::represent_safe(&mut self.nodes, &scalar, self.lists > 0)
    }
}

/// The node of a name. What no map can merge was put under a merge key by hand: there it is a name like any other.
fn key_node(tree: &Tree, item: Item, in_list: bool) -> Result<yaml::Node<'_>> {
    let name = tree.pool.str(item.key).ok_or_else(|| Error::new("a name is not text"))?;
    if item.merge && item.node.opens() {
        return Ok(yaml::Node::new(Kind::Scalar, Style::Plain, name));
    }
    Ok(yaml::safe_string_node(name, in_list))
}

fn quote(nodes: &mut yaml::Tree<'_>, key: NodeId) {
    nodes.node_mut(key).style = Style::DoubleQuoted;
}

/// Whether an element of a list is a comment while it is encrypted.
fn is_sealed_comment(tree: &Tree, item: Item) -> bool {
    item.node == Node::Str && tree.pool.get(item.text).ends_with(b",type:comment]")
}

/// Whether a comment is one that is still encrypted.
fn is_sealed(text: &[u8]) -> bool {
    text.starts_with(b"ENC[") && text.ends_with(b"]")
}

/// Adds lines to a block of comments, each with its mark.
fn add<'t>(
    nodes: &mut yaml::Tree<'_>,
    node: NodeId,
    lines: impl Iterator<Item = &'t [u8]>,
    block: fn(&mut yaml::Comments) -> &mut String,
) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    let block = block(nodes.comments_mut(node));
    for line in lines {
        if !block.is_empty() {
            block.push('\n');
        }
        block.push('#');
        block.push_str(&String::from_utf8_lossy(line));
    }
}
