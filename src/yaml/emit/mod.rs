//! Trees as text, byte for byte as go-yaml v3 writes them, its mistakes included.
//!
//! One pass over the tree without recursion. Comments travel in slots, as in go-yaml: each node (a *word*
//! below: the start of a node, or the end of a collection) fills slots, some places print some of them, and
//! what is not printed waits for the next place that does. That explains every displaced comment.

mod analysis;
mod scalar;
mod writer;

use std::mem::take;

use crate::error::{Error, Result};
use crate::yaml::emit::scalar::Place;
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
    let source = tree.documents().last().map_or(0, |last| tree.node(*last).end);
    emitter.page.reserve(source as usize + tree.len() * 8);
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

/// A key longer than this is written behind a `?`.
const SIMPLE_KEY: usize = 128;

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

    fn block_item(&mut self, item: Option<NodeId>) -> Result<()> {
        let Some(item) = item else {
            self.announce_end();
            self.close();
            return Ok(());
        };
        self.announce(item, "");
        self.began();
        self.head();
        self.page.indent_line();
        self.page.indenting("-");
        self.start(item, Role::Item)?;
        self.line_and_foot();
        Ok(())
    }

    fn block_key(&mut self, pair: Option<(NodeId, NodeId)>) -> Result<()> {
        let Some((key, value)) = pair else {
            self.announce_end();
            self.head();
            self.close();
            return Ok(());
        };
        let tail = self.next_tail(key);
        self.announce_key(key, tail);
        self.began();
        self.head();
        self.page.indent_line();
        if !self.slots.line.is_empty() {
            self.slots.key_line = take(&mut self.slots.line);
        }
        let simple = self.is_simple_key(key)?;
        self.value_follows(value, simple);
        if !simple {
            self.page.indenting("?");
        }
        self.start(key, Role::Key { simple })
    }

    fn block_value(&mut self, value: NodeId, simple: bool) -> Result<()> {
        self.announce(value, "");
        if simple {
            self.page.indicator(":", false);
        } else {
            self.page.indent_line();
            self.page.indenting(":");
        }
        if !self.slots.key_line.is_empty() {
            self.place_key_line(value);
        }
        self.start(value, Role::Value)?;
        self.line_and_foot();
        Ok(())
    }

    /// A key's line comment goes behind its scalar value, or in front of a collection that starts on the next
    /// line. Else it waits.
    fn place_key_line(&mut self, value: NodeId) {
        let node = self.tree.node(value);
        match node.kind {
            Kind::Scalar if self.slots.line.is_empty() => self.slots.line = take(&mut self.slots.key_line),
            Kind::Sequence | Kind::Mapping if node.style != Style::Flow => {
                self.page.comment_behind(take(&mut self.slots.key_line));
            }
            _ => {}
        }
    }

    fn flow_item(&mut self, item: Option<NodeId>) -> Result<()> {
        let Some(item) = item else {
            self.announce_end();
            self.close();
            if self.page.column() == 0 {
                self.page.indent_line();
            }
            self.page.indicator("]", false);
            self.line_and_foot();
            return Ok(());
        };
        self.announce(item, "");
        self.comma_between();
        self.head();
        if self.page.column() == 0 {
            self.page.indent_line();
        }
        self.flow_word(item, Role::Item)
    }

    fn flow_key(&mut self, pair: Option<(NodeId, NodeId)>) -> Result<()> {
        let Some((key, value)) = pair else {
            self.end_flow_map();
            return Ok(());
        };
        let tail = self.next_tail(key);
        self.announce_key(key, tail);
        self.comma_between();
        self.head();
        if self.page.column() == 0 {
            self.page.indent_line();
        }
        let simple = self.is_simple_key(key)?;
        self.value_follows(value, simple);
        if !simple {
            self.page.indicator("?", true);
        }
        self.start(key, Role::Key { simple })
    }

    fn end_flow_map(&mut self) {
        self.announce_end();
        let waiting = [self.slots.head, self.slots.foot, self.slots.tail].iter().any(|slot| !slot.is_empty());
        if waiting && self.frames.last().is_some_and(|frame| frame.last == Last::Item) {
            self.page.indicator(",", false);
        }
        self.head();
        self.close();
        self.page.indicator("}", false);
        self.line_and_foot();
    }

    fn flow_value(&mut self, value: NodeId, simple: bool) -> Result<()> {
        self.announce(value, "");
        self.page.indicator(":", !simple);
        self.flow_word(value, Role::Value)
    }

    /// An item or value, with the comma before its comments where it has some.
    fn flow_word(&mut self, id: NodeId, role: Role) -> Result<()> {
        let waiting =
            |slots: &Slots<'_>| !(slots.line.is_empty() && slots.foot.is_empty() && slots.tail.is_empty());
        if let Some(frame) = self.frames.last_mut() {
            frame.last = if waiting(&self.slots) { Last::Comma } else { Last::Item };
        }
        self.start(id, role)?;
        if waiting(&self.slots) {
            self.page.indicator(",", false);
        }
        self.line_and_foot();
        Ok(())
    }

    fn comma_between(&mut self) {
        let Some(frame) = self.frames.last_mut() else { return };
        if frame.last == Last::Item {
            self.page.indicator(",", false);
        }
        frame.last = Last::Item;
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

    fn is_simple_key(&self, id: NodeId) -> Result<bool> {
        let node = self.tree.node(id);
        let text = match node.kind {
            Kind::Scalar if has_break(&node.text) => return Ok(false),
            Kind::Scalar | Kind::Alias => node.text.len(),
            _ if self.tree.children(id).next().is_some() => return Ok(false),
            _ => 0,
        };
        let tag = match self.tag(id) {
            Some(tag) => split_tag(tag)?,
            None => ("", String::new()),
        };
        let anchor = self.tree.anchor(id).map_or(0, str::len);
        Ok(anchor + tag.0.len() + tag.1.len() + text <= SIMPLE_KEY)
    }

    /// The tag that is written: the explicit one, and always that of a merge key.
    fn tag(&self, id: NodeId) -> Option<&'t str> {
        let node = self.tree.node(id);
        let merge = node.kind == Kind::Scalar && node.style == Style::Plain && node.text == "<<";
        self.tree.tag(id).or(merge.then_some("!!merge"))
    }

    /// Writes a node, or the anchor and tag of a collection, whose items follow step by step.
    fn start(&mut self, id: NodeId, role: Role) -> Result<()> {
        let node = self.tree.node(id);
        if node.kind == Kind::Alias {
            return self.anchor("*", &node.text);
        }
        if let Some(name) = self.tree.anchor(id) {
            self.anchor("&", name)?;
        }
        let tag = self.tag(id);
        match node.kind {
            Kind::Scalar => return self.scalar(id, tag, role),
            Kind::Sequence => {
                self.write_tag(tag)?;
                let items = Items::List(self.tree.children(id));
                self.push(id, items, role);
            }
            _ => {
                self.write_tag(tag)?;
                let items = Items::Map(self.tree.pairs(id), "", None);
                self.push(id, items, role);
            }
        }
        Ok(())
    }

    fn push(&mut self, id: NodeId, items: Items<'t, 'a>, role: Role) {
        let empty = self.tree.children(id).next().is_none();
        let flow = self.flow_depth > 0 || empty || self.tree.node(id).style == Style::Flow;
        let is_key = matches!(role, Role::Key { .. });
        self.frames.push(Frame { id, items, flow, last: Last::Nothing, is_key, outer: None });
    }

    fn scalar(&mut self, id: NodeId, tag: Option<&str>, role: Role) -> Result<()> {
        let node = self.tree.node(id);
        let seen = analyse(&node.text);
        let place =
            Place { flow: self.flow_depth > 0, simple_key: matches!(role, Role::Key { simple: true }) };
        // go-yaml asks for a literal wherever a text of several lines has no quotes
        let wanted = match node.style {
            Style::Plain | Style::Flow if seen.multiline && node.text.contains('\n') => Style::Literal,
            style => style,
        };
        let style = scalar::choose(wanted, &node.text, seen, place);
        self.write_tag(tag)?;
        let outer = self.page.enter(true, self.in_block_list(0));
        scalar::write(&mut self.page, &node.text, style, &mut self.slots.line);
        self.page.leave(outer);
        Ok(())
    }

    fn anchor(&mut self, indicator: &str, name: &str) -> Result<()> {
        if name.is_empty() || !name.bytes().all(is_alpha) {
            return Err(Error::new("an anchor's name may have letters, digits, '-' and '_' only"));
        }
        self.page.indicator(indicator, true);
        self.page.raw(name);
        Ok(())
    }

    fn write_tag(&mut self, tag: Option<&str>) -> Result<()> {
        let Some(tag) = tag else { return Ok(()) };
        let (handle, suffix) = split_tag(tag)?;
        if handle.is_empty() {
            self.page.word("!<");
            self.tag_text(&suffix);
            self.page.raw(">");
        } else {
            self.page.word(handle);
            self.tag_text(&suffix);
        }
        Ok(())
    }

    fn tag_text(&mut self, text: &str) {
        for byte in text.bytes() {
            if is_alpha(byte) || b";/?:@&=+$,_.~*'()[]".contains(&byte) {
                self.page.raw(char::from(byte).encode_utf8(&mut [0; 4]));
            } else {
                self.page.raw(&format!("%{byte:02X}"));
            }
        }
    }
}

fn has_break(text: &str) -> bool {
    let rare = |byte: u8| byte < b' ' || byte >= 0x80;
    text.bytes().any(rare) && text.contains(analysis::is_break)
}

/// What a node is to its parent.
#[derive(Clone, Copy, Debug)]
enum Role {
    Root,
    Item,
    Key { simple: bool },
    Value,
}

/// Handle and suffix of a tag: `!!` and `int`, `!` and `mine`, or none and the whole.
fn split_tag(tag: &str) -> Result<(&'static str, String)> {
    const LONG: &str = "tag:yaml.org,2002:";
    let long = match tag.strip_prefix("!!") {
        Some(short) => format!("{LONG}{short}"),
        None => tag.to_owned(),
    };
    if long.is_empty() {
        return Err(Error::new("a tag may not be empty"));
    }
    for (handle, prefix) in [("!", "!"), ("!!", LONG)] {
        if let Some(suffix) = long.strip_prefix(prefix).filter(|suffix| !suffix.is_empty()) {
            return Ok((handle, suffix.to_owned()));
        }
    }
    Ok(("", long))
}

fn is_alpha(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}
