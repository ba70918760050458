//! Trees as text, byte for byte as go-yaml v3 writes them, its mistakes included.
//!
//! One pass over the tree without recursion. Comments travel in slots, as in go-yaml: each node (a *word*
//! below: the start of a node, or the end of a collection) fills slots, some places print some of them, and
//! what is not printed waits for the next place that does. That explains every displaced comment.

mod analysis;
mod block;
mod flow;
mod scalar;
mod start;
mod writer;

use std::mem::take;

use crate::error::Result;
use crate::yaml::emit::writer::Writer;
use crate::yaml::node::{Children, Kind, NodeId, Pairs, Style, Tree};

pub(super) use analysis::analyse;

/// A text on one line in one of the quoted styles, or as it is.
pub(super) fn quoted(text: &str, style: Style) -> String {
    let mut page = Writer::new(2);
    scalar::write(&mut page, text, style, &mut "");
    String::from_utf8(page.into_bytes()).unwrap_or_default()
}

/// All documents of a stream, as go-yaml's `Encoder` writes them with this indentation (outside 2 to 9: 2).
///
/// # Errors
/// An anchor's name that YAML cannot spell, or an empty tag.
pub fn emit(tree: &Tree<'_>, indent: usize) -> Result<Vec<u8>> {
    let mut emitter = Emitter::new(tree, indent);
    let text: usize = tree.ids().map(|id| tree.node(id).text.len()).sum();
    emitter.page.reserve(text + tree.len() * 8);
    for (index, document) in tree.documents().iter().enumerate() {
        let comments = tree.comments(*document);
        let Some(root) = tree.root(*document) else { continue };
        emitter.document(root, index > 0, &comments.head, &comments.foot)?;
    }
    Ok(emitter.page.into_bytes())
}

/// One node as a document of its own.
///
/// # Errors
/// As [`emit`].
pub fn emit_node(tree: &Tree<'_>, root: NodeId, indent: usize) -> Result<Vec<u8>> {
    let mut emitter = Emitter::new(tree, indent);
    emitter.document(root, false, "", "")?;
    Ok(emitter.page.into_bytes())
}

/// The comments that wait to be printed.
#[derive(Debug, Default)]
struct Slots<'t> {
    head: &'t str,
    line: &'t str,
    foot: &'t str,
    /// The foot of the key before.
    tail: &'t str,
    /// The line comment of a key, which waits for its value.
    key_line: &'t str,
}

/// An open collection.
#[derive(Debug)]
struct Frame<'t, 'a> {
    id: NodeId,
    items: Items<'t, 'a>,
    flow: bool,
    last: Last,
    /// It stands as a key: its foot is somebody else's tail.
    is_key: bool,
    /// The level outside.
    outer: Option<usize>,
}

/// What was written last in a collection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Last {
    Nothing,
    Item,
    /// An item that wrote its comma itself, in front of its comments.
    Comma,
}

#[derive(Debug)]
enum Items<'t, 'a> {
    List(Children<'t, 'a>),
    /// The pairs; the foot of the last key; the value whose key has just been written, and whether without `?`.
    Map(Pairs<'t, 'a>, &'t str, Option<(NodeId, bool)>),
}

/// What is due next in the innermost collection.
enum Due {
    Item(Option<NodeId>),
    Key(Option<(NodeId, NodeId)>),
    Value(NodeId, bool),
}

struct Emitter<'t, 'a> {
    tree: &'t Tree<'a>,
    page: Writer,
    slots: Slots<'t>,
    frames: Vec<Frame<'t, 'a>>,
    /// How many of the frames are written in flow form.
    flow_depth: usize,
}

impl<'t, 'a> Emitter<'t, 'a> {
    fn new(tree: &'t Tree<'a>, indent: usize) -> Self {
        Self { tree, page: Writer::new(indent), slots: Slots::default(), frames: Vec::new(), flow_depth: 0 }
    }

    fn document(&mut self, root: NodeId, marker: bool, head: &'t str, foot: &'t str) -> Result<()> {
        self.fill(head, "", "", "");
        if marker {
            self.page.indent_line();
            self.page.word("---");
            self.page.indent_line();
        }
        if !self.slots.head.is_empty() {
            self.head();
            self.page.line_break();
        }
        self.announce(root, "");
        self.head();
        self.start(root, Role::Root)?;
        self.line_and_foot();
        while self.step()? {}
        self.fill("", "", foot, "");
        self.page.gap = Some(0);
        self.foot();
        self.page.gap = None;
        self.page.indent_line();
        Ok(())
    }

    /// Takes one word's comments into the slots; what is there stays where the word brings none.
    fn fill(&mut self, head: &'t str, line: &'t str, foot: &'t str, tail: &'t str) {
        let slots = &mut self.slots;
        for (slot, text) in [
            (&mut slots.head, head),
            (&mut slots.line, line),
            (&mut slots.foot, foot),
            (&mut slots.tail, tail),
        ] {
            if !text.is_empty() {
                *slot = text;
            }
        }
    }

    /// The comments of a node's first word.
    fn announce(&mut self, id: NodeId, tail: &'t str) {
        if tail.is_empty() && !self.tree.has_comments(id) {
            return;
        }
        let comments = self.tree.comments(id);
        match self.tree.node(id).kind {
            Kind::Scalar => self.fill(&comments.head, &comments.line, &comments.foot, tail),
            Kind::Alias => self.fill(&comments.head, &comments.line, &comments.foot, ""),
            Kind::Mapping => self.fill(&comments.head, "", "", tail),
            Kind::Sequence | Kind::Document => self.fill(&comments.head, "", "", ""),
        }
    }

    /// The same for a key, whose foot is printed with the next key.
    fn announce_key(&mut self, id: NodeId, tail: &'t str) {
        if tail.is_empty() && !self.tree.has_comments(id) {
            return;
        }
        let comments = self.tree.comments(id);
        match self.tree.node(id).kind {
            Kind::Scalar => self.fill(&comments.head, &comments.line, "", tail),
            Kind::Alias => self.fill(&comments.head, &comments.line, "", ""),
            _ => self.announce(id, tail),
        }
    }

    fn head(&mut self) {
        if !self.slots.tail.is_empty() {
            self.page.comment_below(take(&mut self.slots.tail));
        }
        if !self.slots.head.is_empty() {
            self.page.comment_above(take(&mut self.slots.head));
        }
    }

    fn line(&mut self) {
        if !self.slots.line.is_empty() {
            self.page.comment_behind(take(&mut self.slots.line));
        }
    }

    fn foot(&mut self) {
        if !self.slots.foot.is_empty() {
            self.page.comment_below(take(&mut self.slots.foot));
        }
    }

    fn line_and_foot(&mut self) {
        self.line();
        self.foot();
    }

    /// Writes the next word of the innermost collection; false when none is open.
    fn step(&mut self) -> Result<bool> {
        let Some(frame) = self.frames.last_mut() else { return Ok(false) };
        let due = match &mut frame.items {
            Items::List(items) => Due::Item(items.next()),
            Items::Map(pairs, _, value) => match value.take() {
                None => Due::Key(pairs.next()),
                Some((value, simple)) => Due::Value(value, simple),
            },
        };
        let flow = frame.flow;
        if frame.last == Last::Nothing {
            self.open(flow);
        }
        match (due, flow) {
            (Due::Item(item), false) => self.block_item(item)?,
            (Due::Item(item), true) => self.flow_item(item)?,
            (Due::Key(pair), false) => self.block_key(pair)?,
            (Due::Key(pair), true) => self.flow_key(pair)?,
            (Due::Value(value, simple), false) => self.block_value(value, simple)?,
            (Due::Value(value, simple), true) => self.flow_value(value, simple)?,
        }
        Ok(true)
    }

    /// Before the first item: the bracket and the level.
    fn open(&mut self, flow: bool) {
        let in_block_list = self.in_block_list(1);
        let Some(frame) = self.frames.last_mut() else { return };
        if flow {
            self.page.opening(if matches!(frame.items, Items::List(_)) { "[" } else { "{" }, true);
            self.flow_depth += 1;
        }
        frame.outer = self.page.enter(flow, in_block_list);
    }

    /// Whether the collection `up` levels above the innermost one is a block list.
    fn in_block_list(&self, up: usize) -> bool {
        let frame = self.frames.len().checked_sub(up + 1).and_then(|at| self.frames.get(at));
        frame.is_some_and(|frame| !frame.flow && matches!(frame.items, Items::List(_)))
    }

    /// Behind the last item: the level outside, and the comments of the collection's end.
    fn close(&mut self) -> Option<Frame<'t, 'a>> {
        let frame = self.frames.pop()?;
        if frame.flow {
            self.flow_depth -= 1;
        }
        self.page.leave(frame.outer);
        Some(frame)
    }

    fn announce_end(&mut self) {
        let Some(frame) = self.frames.last_mut() else { return };
        let tail = match &mut frame.items {
            Items::List(_) => "",
            Items::Map(_, tail, _) => take(tail),
        };
        let comments = self.tree.comments(frame.id);
        let foot = if frame.is_key { "" } else { comments.foot.as_str() };
        self.fill("", &comments.line, foot, tail);
    }

    fn began(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.last = Last::Item;
        }
    }

    /// The foot of the key before this one; this one's is kept for the next.
    fn next_tail(&mut self, key: NodeId) -> &'t str {
        let foot = self.tree.comments(key).foot.as_str();
        match self.frames.last_mut().map(|frame| &mut frame.items) {
            Some(Items::Map(_, tail, _)) => std::mem::replace(tail, foot),
            _ => "",
        }
    }

    fn value_follows(&mut self, id: NodeId, simple: bool) {
        if let Some(Items::Map(_, _, value)) = self.frames.last_mut().map(|frame| &mut frame.items) {
            *value = Some((id, simple));
        }
    }
}

/// What a node is to its parent.
#[derive(Clone, Copy, Debug)]
enum Role {
    Root,
    Item,
    Key { simple: bool },
    Value,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::node::Node;

    /// A tree of lists inside each other, and the same for maps.
    fn nested(depth: usize, kind: Kind, style: Style) -> Tree<'static> {
        let mut tree = Tree::new();
        let mut at = tree.push_document();
        for _ in 0..depth {
            if kind == Kind::Mapping && tree.node(at).kind == Kind::Mapping {
                let key = tree.push(Node::new(Kind::Scalar, Style::Plain, "k"));
                tree.append(at, key);
            }
            let inner = tree.push(Node::new(kind, style, ""));
            tree.append(at, inner);
            at = inner;
        }
        tree
    }

    #[test]
    fn depth_costs_no_stack() {
        let small = std::thread::Builder::new().stack_size(64 * 1024);
        let done = small.spawn(|| {
            let lists = emit(&nested(10_000, Kind::Sequence, Style::Plain), 4).unwrap();
            let flow = emit(&nested(100_000, Kind::Sequence, Style::Flow), 4).unwrap();
            let maps = emit(&nested(100_000, Kind::Mapping, Style::Flow), 4).unwrap();
            (lists.len(), flow.len(), maps.len())
        });
        assert_eq!(done.unwrap().join().unwrap(), (20_001, 200_001, 499_998));
    }

    #[test]
    fn names_that_yaml_cannot_spell_are_errors() {
        let mut tree = Tree::new();
        let document = tree.push_document();
        let root = tree.push(Node::new(Kind::Scalar, Style::Plain, "x"));
        tree.append(document, root);
        tree.set_anchor(root, "a b");
        assert!(emit(&tree, 4).unwrap_err().message().contains("anchor"));
        tree.set_anchor(root, "ab");
        tree.set_tag(root, "");
        assert!(emit(&tree, 4).unwrap_err().message().contains("tag"));
        tree.set_tag(root, "tag:example.org,2000:a b!");
        assert_eq!(emit(&tree, 4).unwrap(), b"&ab !<tag:example.org,2000:a%20b%21> x\n");
    }
}
