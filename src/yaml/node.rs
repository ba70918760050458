//! The tree of a YAML stream: nodes, their comments and their places in the source.
//!
//! One arena a stream, so that ten thousand nested collections cost no stack and an alias is an index. The
//! shape is that of go-yaml v3 (the library of sops): every document is a node with one child, a mapping's
//! children are key, value, key, value. It knows neither sops nor fleets.

use std::borrow::Cow;

/// One node of one [`Tree`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeId(u32);

/// What a node is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// A document; its one child is the root.
    Document,
    /// A list.
    Sequence,
    /// A map: children are key, value, key, value.
    Mapping,
    /// A text that may resolve to a number, a time and so on.
    Scalar,
    /// A reference to an anchored node; `text` is the anchor's name.
    Alias,
}

/// How a node is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Style {
    /// A block collection, or a plain scalar.
    #[default]
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
    /// `[…]` or `{…}`
    Flow,
}

/// Comment blocks of a node, each with its `#` marks and line feeds, empty where there is none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Comments {
    /// Above the node.
    pub head: String,
    /// Behind it, on its line.
    pub line: String,
    /// Below it, before an empty line.
    pub foot: String,
}

impl Comments {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.head.is_empty() && self.line.is_empty() && self.foot.is_empty()
    }
}

/// What few nodes have, kept beside the arena so that a node stays small.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Extra<'a> {
    comments: Comments,
    tag: Option<Cow<'a, str>>,
    anchor: Option<Cow<'a, str>>,
    target: Option<NodeId>,
}

/// A node without its links.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    /// What it is.
    pub kind: Kind,
    /// How it was, or is to be, written.
    pub style: Style,
    /// A scalar's text with quotes and escapes undone, or an alias' name; empty for the others.
    pub text: Cow<'a, str>,
    /// Line counted from 1, as go-yaml reports it; 0 for a node that was not read.
    pub line: u32,
    /// Column in characters counted from 1, as go-yaml reports it.
    pub column: u32,
    /// First byte of the node's own text in the source, behind anchor and tag.
    pub start: u32,
    /// One past its last byte. Quotes and brackets are inside; a block scalar starts at its `|` and ends
    /// behind its last line break. A block collection ends with its last child.
    pub end: u32,
    extra: u32,
    first: u32,
    last: u32,
    next: u32,
}

const NONE: u32 = u32::MAX;

impl<'a> Node<'a> {
    /// A node that stands in no source.
    pub fn new(kind: Kind, style: Style, text: impl Into<Cow<'a, str>>) -> Self {
        Self {
            kind,
            style,
            text: text.into(),
            line: 0,
            column: 0,
            start: 0,
            end: 0,
            extra: NONE,
            first: NONE,
            last: NONE,
            next: NONE,
        }
    }
}

/// The documents of a stream.
#[derive(Clone, Debug, Default)]
pub struct Tree<'a> {
    nodes: Vec<Node<'a>>,
    extras: Vec<Extra<'a>>,
    documents: Vec<NodeId>,
    comment_lines: usize,
}

impl<'a> Tree<'a> {
    /// A stream without documents.
    pub fn new() -> Self {
        Self::default()
    }

    /// A stream without documents, with room for `nodes` nodes.
    pub fn with_capacity(nodes: usize) -> Self {
        Self { nodes: Vec::with_capacity(nodes), ..Self::default() }
    }

    /// The documents in their order, each a node of kind [`Kind::Document`].
    pub fn documents(&self) -> &[NodeId] {
        &self.documents
    }

    /// The root of a document: its one child.
    pub fn root(&self, document: NodeId) -> Option<NodeId> {
        self.children(document).next()
    }

    /// A node.
    #[expect(
        clippy::indexing_slicing,
        reason = "an id is made by push alone, and no node is ever taken away"
    )]
    pub fn node(&self, id: NodeId) -> &Node<'a> {
        &self.nodes[id.0 as usize]
    }

    /// A node, to be changed.
    #[expect(
        clippy::indexing_slicing,
        reason = "an id is made by push alone, and no node is ever taken away"
    )]
    pub fn node_mut(&mut self, id: NodeId) -> &mut Node<'a> {
        &mut self.nodes[id.0 as usize]
    }

    /// A node's children in their order.
    pub fn children(&self, id: NodeId) -> Children<'_, 'a> {
        Children { tree: self, next: self.node(id).first }
    }

    /// A mapping's keys and values in their order.
    pub fn pairs(&self, id: NodeId) -> Pairs<'_, 'a> {
        Pairs(self.children(id))
    }

    /// The value of a mapping's first scalar key with this text.
    pub fn get(&self, mapping: NodeId, key: &str) -> Option<NodeId> {
        self.pairs(mapping)
            .find(|(name, _)| self.node(*name).kind == Kind::Scalar && self.node(*name).text == key)
            .map(|(_, value)| value)
    }

    /// The comments of a node.
    pub fn comments(&self, id: NodeId) -> &Comments {
        const EMPTY: &Comments = &Comments { head: String::new(), line: String::new(), foot: String::new() };
        self.extra(id).map_or(EMPTY, |extra| &extra.comments)
    }

    /// The comments of a node, to be changed.
    pub fn comments_mut(&mut self, id: NodeId) -> &mut Comments {
        &mut self.extra_mut(id).comments
    }

    /// How many lines of the source have a comment, one that is attached nowhere too: go-yaml loses some.
    pub fn comment_lines(&self) -> usize {
        self.comment_lines
    }

    pub(super) fn set_comment_lines(&mut self, lines: usize) {
        self.comment_lines = lines;
    }

    /// The explicit tag in its short form (`!!int`, `!custom`), without the `!` that means none.
    pub fn tag(&self, id: NodeId) -> Option<&str> {
        self.extra(id).and_then(|extra| extra.tag.as_deref())
    }

    /// Gives a node an explicit tag.
    pub fn set_tag(&mut self, id: NodeId, tag: impl Into<Cow<'a, str>>) {
        self.extra_mut(id).tag = Some(tag.into());
    }

    /// The anchor's name.
    pub fn anchor(&self, id: NodeId) -> Option<&str> {
        self.extra(id).and_then(|extra| extra.anchor.as_deref())
    }

    /// Names a node, so that aliases can mean it.
    pub fn set_anchor(&mut self, id: NodeId, name: impl Into<Cow<'a, str>>) {
        self.extra_mut(id).anchor = Some(name.into());
    }

    /// What an alias means.
    pub fn target(&self, id: NodeId) -> Option<NodeId> {
        self.extra(id).and_then(|extra| extra.target)
    }

    /// Binds an alias.
    pub fn set_target(&mut self, alias: NodeId, target: NodeId) {
        self.extra_mut(alias).target = Some(target);
    }

    /// The node itself, or what an alias (of an alias) means in the end.
    pub fn deref(&self, id: NodeId) -> NodeId {
        let mut at = id;
        while let Some(target) = self.target(at) {
            at = target;
        }
        at
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Every node, also those that hang nowhere.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        // there are never more than ids can name: see push
        (0..u32::try_from(self.nodes.len()).unwrap_or(NONE - 1)).map(NodeId)
    }

    /// Adds a node that hangs nowhere yet.
    pub fn push(&mut self, node: Node<'a>) -> NodeId {
        // u32::MAX nodes would take more than 250 GB: the reader's limit on input comes long before
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(NONE - 1));
        self.nodes.push(node);
        id
    }

    /// Adds an empty document.
    pub fn push_document(&mut self) -> NodeId {
        let id = self.push(Node::new(Kind::Document, Style::Plain, ""));
        self.documents.push(id);
        id
    }

    /// Hangs `child` below `parent`, behind its other children. A node hangs at one place only.
    pub fn append(&mut self, parent: NodeId, child: NodeId) {
        let last = self.node(parent).last;
        if last == NONE {
            self.node_mut(parent).first = child.0;
        } else {
            self.node_mut(NodeId(last)).next = child.0;
        }
        self.node_mut(parent).last = child.0;
    }

    /// The last of a node's children.
    pub fn last_child(&self, id: NodeId) -> Option<NodeId> {
        let last = self.node(id).last;
        (last != NONE).then_some(NodeId(last))
    }

    /// What hangs behind a node below the same parent.
    pub fn next_sibling(&self, id: NodeId) -> Option<NodeId> {
        let next = self.node(id).next;
        (next != NONE).then_some(NodeId(next))
    }

    /// Whether a node has any comment.
    pub fn has_comments(&self, id: NodeId) -> bool {
        self.extra(id).is_some_and(|extra| !extra.comments.is_empty())
    }

    /// The same tree, without a hold on the source.
    pub fn into_owned(self) -> Tree<'static> {
        let owned = |text: Cow<'a, str>| Cow::<'static, str>::Owned(text.into_owned());
        let nodes = self.nodes.into_iter().map(|node| {
            let Node { kind, style, text, line, column, start, end, extra, first, last, next } = node;
            let text = if text.is_empty() { Cow::Borrowed("") } else { owned(text) };
            Node { kind, style, text, line, column, start, end, extra, first, last, next }
        });
        let extras = self.extras.into_iter().map(|extra| Extra {
            comments: extra.comments,
            tag: extra.tag.map(owned),
            anchor: extra.anchor.map(owned),
            target: extra.target,
        });
        let (documents, comment_lines) = (self.documents, self.comment_lines);
        Tree { nodes: nodes.collect(), extras: extras.collect(), documents, comment_lines }
    }

    /// Takes the documents behind the first `count` away (their nodes stay unused in the arena).
    pub fn truncate_documents(&mut self, count: usize) {
        self.documents.truncate(count);
    }

    fn extra(&self, id: NodeId) -> Option<&Extra<'a>> {
        self.extras.get(self.node(id).extra as usize)
    }

    #[expect(clippy::indexing_slicing, reason = "the index is that of the entry just made, or made before")]
    fn extra_mut(&mut self, id: NodeId) -> &mut Extra<'a> {
        if self.node(id).extra == NONE {
            self.node_mut(id).extra = u32::try_from(self.extras.len()).unwrap_or(NONE - 1);
            self.extras.push(Extra::default());
        }
        let index = self.node(id).extra as usize;
        &mut self.extras[index]
    }
}

/// A node's children.
#[derive(Clone, Debug)]
pub struct Children<'t, 'a> {
    tree: &'t Tree<'a>,
    next: u32,
}

impl Iterator for Children<'_, '_> {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        if self.next == NONE {
            return None;
        }
        let id = NodeId(self.next);
        self.next = self.tree.node(id).next;
        Some(id)
    }
}

/// A mapping's keys and values.
#[derive(Clone, Debug)]
pub struct Pairs<'t, 'a>(Children<'t, 'a>);

impl Iterator for Pairs<'_, '_> {
    type Item = (NodeId, NodeId);

    fn next(&mut self) -> Option<(NodeId, NodeId)> {
        Some((self.0.next()?, self.0.next()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_keep_their_order() {
        let mut tree = Tree::new();
        let document = tree.push_document();
        let map = tree.push(Node::new(Kind::Mapping, Style::Plain, ""));
        tree.append(document, map);
        for text in ["a", "1", "b", "2"] {
            let node = tree.push(Node::new(Kind::Scalar, Style::Plain, text));
            tree.append(map, node);
        }
        let value = tree.get(map, "b").map(|id| tree.node(id).text.to_string());
        assert_eq!(value.as_deref(), Some("2"));
        assert_eq!(tree.pairs(map).count(), 2);
        assert_eq!(tree.root(document), Some(map));
    }

    #[test]
    fn what_few_nodes_have_costs_the_others_nothing() {
        assert!(size_of::<Node<'_>>() <= 64, "{}", size_of::<Node<'_>>());
    }
}
