//! From YAML to the tree: aliases are expanded, comments become items of the map or list they belong to.

use crate::sops::format::yaml::names;
use crate::sops::pool::{Pool, Span};
use crate::sops::tree::{Item, Node, Side, Tree, push_item};
use crate::yaml::{self, Comments, Kind, NodeId, Scalar, Style, Timestamp};
use crate::{Error, Result};
use std::borrow::Cow;
use std::collections::HashSet;
use zeroize::Zeroize as _;

/// How many items may stand below aliases before a file is taken for a bomb, unless it has a ninth as many nodes of
/// its own; go-yaml's figure for the first document. sops has no limit in the others.
const EXPANDED: usize = 400_000;

/// How much text may be made of a file by aliases.
const EXPANDED_TEXT: usize = 64 << 20;

/// What sops says of every other use of a merge key in the first document.
const MERGES: &str = "a merge key takes a map or a list of maps: put << in quotes if it is a name";

/// Reads every document.
pub(super) fn read(source: &[u8], secret: bool) -> Result<Tree> {
    let mut nodes = yaml::Tree::parse(source).map_err(|error| yaml::refusal(error, source))?;
    let tree = load(&nodes, source.len(), secret);
    if secret {
        wipe(&mut nodes);
    }
    tree
}

/// Wipes the text that the YAML tree holds itself: what had escapes or line folds, and comments.
pub(super) fn wipe(nodes: &mut yaml::Tree<'_>) {
    for id in nodes.ids() {
        if let Cow::Owned(text) = &mut nodes.node_mut(id).text {
            text.zeroize();
        }
        if !nodes.comments(id).is_empty() {
            let Comments { head, line, foot } = nodes.comments_mut(id);
            head.zeroize();
            line.zeroize();
            foot.zeroize();
        }
    }
}

fn load(nodes: &yaml::Tree<'_>, size: usize, secret: bool) -> Result<Tree> {
    if nodes.documents().is_empty() {
        return Err(Error::new("the file is empty"));
    }
    let pool = if secret { Pool::secret(size) } else { Pool::open(size) };
    let mut loader = Loader {
        nodes,
        tree: Tree::new(nodes.len() + 8, pool),
        frames: Vec::new(),
        plaintext: secret,
        expanded: 0,
        text_limit: EXPANDED_TEXT + 8 * size,
        kept: HashSet::new(),
        kept_lines: 0,
        later: false,
    };
    for document in nodes.documents() {
        loader.document(*document)?;
        loader.later = true;
    }
    if loader.tree.pool.is_full() {
        return Err(Error::new("the file is larger than 4 GiB"));
    }
    let mut tree = loader.tree;
    tree.lost_comments = nodes.comment_lines().saturating_sub(loader.kept_lines);
    Ok(tree)
}

struct Loader<'n, 'a> {
    nodes: &'n yaml::Tree<'a>,
    tree: Tree,
    frames: Vec<Frame<'n, 'a>>,
    /// What is read is to be encrypted: what sops could not read back is refused.
    plaintext: bool,
    expanded: usize,
    text_limit: usize,
    /// The blocks of comments that are in the tree, by where they lie, and how many lines they have.
    kept: HashSet<usize>,
    kept_lines: usize,
    /// The document is not the first.
    later: bool,
}

/// An open map or list.
#[expect(clippy::struct_excessive_bools, reason = "four facts that do not exclude each other")]
struct Frame<'n, 'a> {
    node: NodeId,
    list: bool,
    children: yaml::Children<'n, 'a>,
    /// Below an alias.
    alias: bool,
    /// The comments of its elements stand above it already.
    bare: bool,
    /// The node's own comments belong inside.
    comments_inside: bool,
    /// Whose feet follow behind the end: the alias that stood here, then the key or item.
    feet: [Option<NodeId>; 2],
    names: Vec<(u64, Span)>,
}

impl<'n, 'a> Loader<'n, 'a> {
    fn document(&mut self, document: NodeId) -> Result<()> {
        push_item(&mut self.tree.items, Item::new(Node::Map));
        self.comments(self.head(document), Side::Above);
        match self.nodes.root(document).map(|root| self.nodes.deref(root)) {
            Some(root) if self.nodes.node(root).kind == Kind::Mapping => {
                self.comments(self.head(root), Side::Above);
                self.comments(self.line(root), Side::Above);
                self.frames.push(self.frame(root, false, true, [None; 2]));
                while !self.frames.is_empty() {
                    self.step()?;
                }
                // the document ends where its root does, behind the comments at its foot
                self.tree.items.pop();
            }
            Some(root) if !self.is_null(root) => {
                let what =
                    if self.nodes.node(root).kind == Kind::Sequence { "a list" } else { "a single value" };
                return Err(self.at(root, format!("a document must be a map, and this one is {what}")));
            }
            _ => {}
        }
        self.comments(self.foot(document), Side::Above);
        push_item(&mut self.tree.items, Item::new(Node::End));
        Ok(())
    }

    fn is_null(&self, node: NodeId) -> bool {
        self.nodes.node(node).kind == Kind::Scalar
            && matches!(yaml::resolve(self.nodes, node), Ok(Scalar::Null))
    }

    fn frame(
        &self,
        node: NodeId,
        alias: bool,
        comments_inside: bool,
        feet: [Option<NodeId>; 2],
    ) -> Frame<'n, 'a> {
        Frame {
            node,
            list: self.nodes.node(node).kind == Kind::Sequence,
            children: self.nodes.children(node),
            alias,
            bare: false,
            comments_inside,
            feet,
            names: Vec::new(),
        }
    }

    /// One pair, one item, or the end of the innermost collection.
    fn step(&mut self) -> Result<()> {
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        let (list, alias) = (frame.list, frame.alias);
        match frame.children.next() {
            None => self.end(),
            Some(item) if frame.bare => self.value(Item::default(), item, true, alias, [None; 2]),
            Some(item) if list => {
                self.comments(self.head(item), Side::Above);
                let side = if self.is_empty(item) { Side::Behind } else { self.side(item) };
                self.comments(self.line(item), side);
                self.value(Item::default(), item, true, alias, [None, Some(item)])
            }
            Some(key) => {
                let value = frame.children.next().unwrap_or(key);
                self.pair(key, value, alias)
            }
        }
    }

    fn pair(&mut self, key: NodeId, value: NodeId, alias: bool) -> Result<()> {
        self.comments(self.head(key), Side::Above);
        self.comments(self.line(key), Side::Above);
        let handled = matches!(self.nodes.node(value).kind, Kind::Scalar | Kind::Alias);
        // an empty map shows no comments inside: they stand above it
        let hoisted =
            self.nodes.node(value).kind == Kind::Mapping && self.nodes.children(value).next().is_none();
        if handled || hoisted {
            self.comments(self.head(value), Side::Above);
            self.comments(self.line(value), self.side(value));
        }
        let (name, merge) = (self.name(key)?, self.is_merge(key));
        let foot = (handled || hoisted).then_some(value);
        let named = Item { key: name, merge, ..Item::default() };
        if merge && self.plaintext && self.nodes.node(value).kind == Kind::Sequence {
            self.merged_list(named, key, value, alias)
        } else if merge && self.plaintext && !self.is_mapping(value) {
            Err(self.at(value, MERGES))
        } else {
            self.value(named, value, handled || hoisted, alias, [foot, Some(key)])
        }
    }

    /// A list of maps under a merge key. Comments between them stand above it: an encrypted one would be an
    /// element of the list, and no map.
    fn merged_list(&mut self, named: Item, key: NodeId, list: NodeId, alias: bool) -> Result<()> {
        if let Some(other) = self.nodes.children(list).find(|item| !self.is_mapping(*item)) {
            return Err(self.at(other, MERGES));
        }
        for node in std::iter::once(list).chain(self.nodes.children(list)) {
            for block in [self.head(node), self.line(node), self.foot(node)] {
                self.comments(block, Side::Above);
            }
        }
        self.value(named, list, true, alias, [None, Some(key)])?;
        if let Some(frame) = self.frames.last_mut() {
            frame.bare = true;
        }
        Ok(())
    }

    /// Whether an entry of a list is `{}` or `[]`. That is written on one line, so that a comment can stand behind it.
    fn is_empty(&self, node: NodeId) -> bool {
        matches!(self.nodes.node(node).kind, Kind::Mapping | Kind::Sequence)
            && self.nodes.children(node).next().is_none()
    }

    fn is_mapping(&self, node: NodeId) -> bool {
        self.nodes.node(self.nodes.deref(node)).kind == Kind::Mapping
    }

    /// Whether a key is `<<` without quotes.
    fn is_merge(&self, key: NodeId) -> bool {
        let node = self.nodes.node(key);
        node.kind == Kind::Scalar
            && node.text == "<<"
            && matches!(yaml::resolve(self.nodes, key), Ok(Scalar::Merge))
    }

    /// Inline comments stay behind single values; a collection has no line that they could stand on.
    fn side(&self, value: NodeId) -> Side {
        if self.nodes.node(self.nodes.deref(value)).kind == Kind::Scalar { Side::Behind } else { Side::Above }
    }

    fn name(&mut self, key: NodeId) -> Result<Span> {
        let target = self.nodes.deref(key);
        if self.nodes.node(target).kind != Kind::Scalar {
            return Err(self.at(key, "a name must be a string, and this is a list or a map"));
        }
        let name = match yaml::resolve(self.nodes, target)
            .map_err(|error| self.place(key, Error::from(error)))?
        {
            Scalar::Str(text) => text,
            Scalar::Merge => Cow::Borrowed(self.nodes.node(target).text.as_ref()),
            Scalar::Binary(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Cow::Owned(text),
                Err(_) => return Err(self.at(key, "a name must be text, and this is none")),
            },
            _ => return Err(self.at(key, "a name must be a string, and this is not one: put it in quotes")),
        };
        let span = self.tree.pool.push(name.as_bytes());
        if let Some(frame) = self.frames.last_mut() {
            frame.names.push((names::hash(name.as_bytes()), span));
        }
        Ok(span)
    }

    fn value(
        &mut self,
        named: Item,
        node: NodeId,
        handled: bool,
        alias: bool,
        feet: [Option<NodeId>; 2],
    ) -> Result<()> {
        let target = self.nodes.deref(node);
        let aliased = target != node;
        if alias || aliased {
            self.count(node)?;
        }
        let kind = self.nodes.node(target).kind;
        if kind == Kind::Scalar {
            self.scalar(named, target)?;
            self.feet(feet);
            return Ok(());
        }
        if aliased && self.frames.iter().any(|frame| frame.node == target) {
            return Err(self.at(node, "this alias stands inside of what it means"));
        }
        let inside = !handled || aliased;
        let node = if kind == Kind::Sequence { Node::List } else { Node::Map };
        push_item(&mut self.tree.items, Item { node, ..named });
        if inside {
            self.comments(self.head(target), Side::Above);
            self.comments(self.line(target), Side::Above);
        }
        let frame = self.frame(target, alias || aliased, inside, feet);
        self.frames.push(frame);
        Ok(())
    }

    fn count(&mut self, node: NodeId) -> Result<()> {
        self.expanded += 1;
        if self.expanded > EXPANDED.max(9 * self.nodes.len()) || self.tree.pool.len() > self.text_limit {
            return Err(self.at(node, "the aliases of this file expand to far more than the file itself"));
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let Some(mut frame) = self.frames.pop() else { return Ok(()) };
        // sops looks for names that stand twice in the first document alone, and writes what it cannot be given back
        let looked = self.plaintext || !self.later;
        if let Some(name) = names::twice(|span| self.tree.pool.get(span), &mut frame.names).filter(|_| looked)
        {
            let name = self.tree.pool.str(name).unwrap_or_default();
            let second =
                self.nodes.pairs(frame.node).filter(|(key, _)| self.nodes.node(*key).text == name).nth(1);
            let place = second.map_or(frame.node, |(key, _)| key);
            return Err(self.at(place, format!("the name '{}' stands twice in one map", name.escape_debug())));
        }
        if frame.comments_inside {
            self.comments(self.foot(frame.node), Side::Above);
        }
        push_item(&mut self.tree.items, Item::new(Node::End));
        self.feet(frame.feet);
        Ok(())
    }

    fn feet(&mut self, feet: [Option<NodeId>; 2]) {
        for node in feet.into_iter().flatten() {
            self.comments(self.foot(node), Side::Above);
        }
    }

    fn scalar(&mut self, named: Item, node: NodeId) -> Result<()> {
        let plain = self.nodes.node(node);
        if plain.style == Style::Plain && plain.text.starts_with("ENC[") && self.nodes.tag(node).is_none() {
            // nine of ten values of an encrypted file: a text, whatever stands in it
            let text = self.tree.pool.push(plain.text.as_bytes());
            push_item(&mut self.tree.items, Item { node: Node::Str, text, ..named });
            return Ok(());
        }
        let scalar = yaml::resolve(self.nodes, node).map_err(|error| self.place(node, Error::from(error)))?;
        let mut text = Span::default();
        let made = match scalar {
            Scalar::Null => Node::Null,
            Scalar::Bool(flag) => Node::Bool(flag),
            // sops writes a float -0 so, and no whole number
            Scalar::Int(0) if !self.plaintext && plain.text == "-0" => Node::Float(-0.0),
            Scalar::Int(number) => Node::Int(number),
            Scalar::Float(number) => Node::Float(number),
            Scalar::Time(time) => Node::Time(self.time(node, time)?),
            Scalar::Uint(_) => {
                return Err(self
                    .at(node, "sops cannot keep whole numbers above 9223372036854775807: put it in quotes"));
            }
            Scalar::Str(value) => {
                text = self.tree.pool.push(value.as_bytes());
                Node::Str
            }
            Scalar::Merge => {
                text = self.tree.pool.push(self.nodes.node(node).text.as_bytes());
                Node::Str
            }
            Scalar::Binary(mut bytes) => {
                text = self.tree.pool.push(&bytes);
                bytes.zeroize();
                Node::Str
            }
        };
        push_item(&mut self.tree.items, Item { node: made, text, ..named });
        Ok(())
    }

    fn time(&self, node: NodeId, time: Timestamp) -> Result<Timestamp> {
        if time.offset.unsigned_abs() >= 24 * 60 {
            return Err(self.at(node, "sops cannot keep times with an offset of a day: put it in quotes"));
        }
        Ok(time)
    }

    fn head(&self, node: NodeId) -> &'n str {
        &self.nodes.comments(node).head
    }

    fn line(&self, node: NodeId) -> &'n str {
        &self.nodes.comments(node).line
    }

    fn foot(&self, node: NodeId) -> &'n str {
        &self.nodes.comments(node).foot
    }

    /// Adds every line of a block of comments, without its mark; empty lines are dropped.
    fn comments(&mut self, block: &str, side: Side) {
        if block.is_empty() {
            return;
        }
        // an alias brings those of what it means once more
        let new = self.kept.insert(block.as_ptr().addr());
        for line in block.split('\n').filter(|line| !line.is_empty()) {
            self.kept_lines += usize::from(new);
            let mut rest = line.chars();
            rest.next();
            let text = self.tree.pool.push(rest.as_str().as_bytes());
            push_item(&mut self.tree.items, Item { text, ..Item::new(Node::Comment(side)) });
        }
    }

    fn at(&self, node: NodeId, why: impl Into<String>) -> Error {
        self.place(node, Error::new(why))
    }

    fn place(&self, node: NodeId, error: Error) -> Error {
        let node = self.nodes.node(node);
        error.position(node.line, node.column)
    }
}
