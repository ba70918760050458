//! The composer: events to nodes; anchors are bound, and comments find their last place.

use super::error::ParseError;
use super::node::{Comments, Kind, Node, NodeId, Tree};
use super::parse::{Event, EventKind, Parser, Properties};
use super::scan::Scan;
use std::borrow::Cow;
use std::collections::HashMap;

/// A collection that is still open.
struct Open {
    node: NodeId,
    mapping: bool,
    block: bool,
    /// In a mapping: the key that waits for its value.
    key: Option<NodeId>,
    /// In a mapping: the key of the last whole pair.
    previous: Option<NodeId>,
}

pub(super) struct Composer<'s> {
    parser: Parser<'s>,
    tree: Tree<'s>,
    open: Vec<Open>,
    anchors: HashMap<Cow<'s, str>, NodeId>,
}

impl<'s> Composer<'s> {
    pub(super) fn new(parser: Parser<'s>, nodes: usize) -> Self {
        Self { parser, tree: Tree::with_capacity(nodes), open: Vec::new(), anchors: HashMap::new() }
    }

    /// Reads the stream. Documents that are whole before an error are in the tree.
    pub(super) fn compose(mut self) -> (Tree<'s>, Option<ParseError>) {
        loop {
            let whole = self.tree.documents().len();
            match self.document() {
                Ok(true) => {}
                Ok(false) => {
                    self.tree.set_comment_lines(self.parser.comment_lines());
                    return (self.tree, None);
                }
                Err(error) => {
                    self.tree.truncate_documents(whole);
                    return (self.tree, Some(error));
                }
            }
        }
    }

    /// Reads one document; false where there is none.
    fn document(&mut self) -> Scan<bool> {
        let start = self.parser.next()?;
        if start.kind == EventKind::StreamEnd {
            return Ok(false);
        }
        let document = self.tree.push_document();
        self.place(document, &start);
        self.annotate(document, start.comments);
        self.open.clear();
        self.open.push(Open { node: document, mapping: false, block: false, key: None, previous: None });
        loop {
            let event = self.parser.next()?;
            match event.kind {
                EventKind::StreamEnd | EventKind::DocumentStart => return Ok(false),
                EventKind::DocumentEnd => {
                    if let Some(comments) = event.comments
                        && !comments.foot.is_empty()
                    {
                        self.tree.comments_mut(document).foot = comments.foot;
                    }
                    self.tree.node_mut(document).end = event.span.1;
                    return Ok(true);
                }
                EventKind::Alias => self.alias(event)?,
                EventKind::Scalar => {
                    let node = self.add(Kind::Scalar, event);
                    self.done(node);
                }
                EventKind::SequenceStart => self.open(Kind::Sequence, event),
                EventKind::MappingStart => self.open(Kind::Mapping, event),
                EventKind::SequenceEnd | EventKind::MappingEnd => self.close(event),
            }
        }
    }

    fn place(&mut self, id: NodeId, event: &Event<'s>) {
        let node = self.tree.node_mut(id);
        (node.line, node.column) = event.mark.position();
        (node.start, node.end) = event.span;
    }

    fn annotate(&mut self, node: NodeId, comments: Option<Box<Comments>>) {
        if let Some(comments) = comments {
            *self.tree.comments_mut(node) = *comments;
        }
    }

    /// Makes a node of an event and hangs it below the innermost open one.
    fn add(&mut self, kind: Kind, event: Event<'s>) -> NodeId {
        let mut node = Node::new(kind, event.style, event.text);
        (node.line, node.column) = event.mark.position();
        (node.start, node.end) = event.span;
        let id = self.tree.push(node);
        if let Some(parent) = self.open.last() {
            self.tree.append(parent.node, id);
        }
        self.annotate(id, event.comments);
        if let Some(properties) = event.properties {
            self.name(id, *properties);
        }
        id
    }

    fn name(&mut self, id: NodeId, properties: Properties<'s>) {
        if let Some(tag) = properties.tag
            && tag != "!"
        {
            self.tree.set_tag(id, short(tag));
        }
        if let Some(anchor) = properties.anchor {
            self.anchors.insert(anchor.clone(), id);
            self.tree.set_anchor(id, anchor);
        }
    }

    fn alias(&mut self, event: Event<'s>) -> Scan<()> {
        let Some(target) = self.anchors.get(&event.text).copied() else {
            let unknown = ParseError::plain(format!("unknown anchor '{}' referenced", event.text));
            return Err(unknown.with_position(event.mark.position()));
        };
        let node = self.add(Kind::Alias, event);
        self.tree.set_target(node, target);
        self.done(node);
        Ok(())
    }

    fn open(&mut self, kind: Kind, event: Event<'s>) {
        let mapping = kind == Kind::Mapping;
        let block = event.style != super::Style::Flow;
        let node = self.add(kind, event);
        self.open.push(Open { node, mapping, block, key: None, previous: None });
    }

    fn close(&mut self, event: Event<'s>) {
        let Some(open) = self.open.pop() else { return };
        // a block collection ends with its last child, a flow one behind its bracket
        let end = if open.block {
            self.tree.last_child(open.node).map(|last| self.tree.node(last).end)
        } else {
            Some(event.span.1)
        };
        if let Some(end) = end {
            self.tree.node_mut(open.node).end = end;
        }
        let Comments { line, foot, .. } = event.comments.map(|comments| *comments).unwrap_or_default();
        let last_key = open.previous.filter(|_| open.block && !foot.is_empty());
        if let Some(key) = last_key {
            self.tree.comments_mut(key).foot.clone_from(&foot);
        }
        let foot = if last_key.is_some() { String::new() } else { foot };
        if self.tree.has_comments(open.node) || !line.is_empty() || !foot.is_empty() {
            let comments = self.tree.comments_mut(open.node);
            (comments.line, comments.foot) = (line, foot);
        }
        self.done(open.node);
    }

    /// A child is whole: in a mapping, feet move to the keys that they stand below.
    fn done(&mut self, node: NodeId) {
        let Some(parent) = self.open.last_mut().filter(|parent| parent.mapping) else { return };
        let (from, to) = match parent.key.take() {
            None => {
                parent.key = Some(node);
                let Some(previous) = parent.previous.filter(|_| parent.block) else { return };
                (node, previous)
            }
            Some(key) => {
                parent.previous = Some(key);
                if !self.tree.comments(key).foot.is_empty() {
                    return;
                }
                (node, key)
            }
        };
        if !self.tree.comments(from).foot.is_empty() {
            let foot = std::mem::take(&mut self.tree.comments_mut(from).foot);
            self.tree.comments_mut(to).foot = foot;
        }
    }
}

/// `!!` in place of the standard namespace.
fn short(tag: Cow<'_, str>) -> Cow<'_, str> {
    match tag.strip_prefix("tag:yaml.org,2002:") {
        Some(name) => Cow::Owned(format!("!!{name}")),
        None => tag,
    }
}
