//! The emitter against go-yaml v3: the recorded trees of tests/vectors/yaml, written again.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod yaml_trees;

use std::borrow::Cow;

use uvars::yaml::{Kind, Node, NodeId, Scalar, Style, Tree, emit, represent, resolve};
use yaml_trees::{Vector, vectors};

#[test]
fn every_tree_is_written_as_go_yaml_writes_it() {
    let mut failed = Vec::new();
    let mut compared = 0;
    for vector in vectors() {
        let Some(expected) = vector.text("emitted") else { continue };
        compared += 1;
        let written = String::from_utf8(emit(&vector.tree(), 4).unwrap()).unwrap();
        if written != expected {
            failed.push(format!("{}\n--- go-yaml\n{expected}--- ours\n{written}", vector.name));
        }
    }
    assert!(compared > 300, "{compared} vectors");
    assert!(failed.is_empty(), "{} of {compared} differ:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn every_tree_built_anew_is_written_as_go_yaml_writes_it() {
    let mut failed = Vec::new();
    let mut compared = 0;
    for vector in vectors() {
        let Some(expected) = vector.text("rebuilt") else { continue };
        compared += 1;
        let written = String::from_utf8(emit(&rebuilt(&vector), 4).unwrap()).unwrap();
        if written != expected {
            failed.push(format!("{}\n--- go-yaml\n{expected}--- ours\n{written}", vector.name));
        }
    }
    assert!(compared > 200, "{compared} vectors");
    assert!(failed.is_empty(), "{} of {compared} differ:\n{}", failed.len(), failed.join("\n"));
}

/// The tree of a vector with every scalar decoded and encoded again, every collection made anew, and the
/// comments carried the way sops carries them: see `build` in tests/vectors/yaml/main.go.
fn rebuilt(vector: &Vector) -> Tree<'static> {
    let tree = vector.tree();
    let mut new = Tree::new();
    for document in tree.documents() {
        let root = tree.root(*document).unwrap();
        let around = tree.comments(*document);
        let own = tree.comments(root);
        let (head, line, foot) = if tree.node(root).kind == Kind::Scalar {
            (format!("{}\n{}", around.head, own.head), own.line.clone(), around.foot.clone())
        } else {
            (
                format!("{}\n{}", around.head, own.head),
                own.line.clone(),
                format!("{}\n{}", own.foot, around.foot),
            )
        };
        let mut items = Vec::new();
        lines(&mut items, &head, false);
        lines(&mut items, &line, false);
        if tree.node(root).kind == Kind::Mapping {
            map_items(&tree, root, &mut new, &mut items);
        }
        lines(&mut items, &foot, false);
        let map = attach(&mut new, Kind::Mapping, items);
        let document = new.push_document();
        new.append(document, map);
    }
    new
}

enum Item {
    Comment { text: String, inline: bool },
    Entry { key: Option<NodeId>, value: NodeId },
}

fn lines(items: &mut Vec<Item>, text: &str, inline: bool) {
    let lines = text.split('\n').filter(|line| !line.is_empty());
    items.extend(lines.map(|line| Item::Comment { text: line[1..].to_owned(), inline }));
}

fn map_items(tree: &Tree<'_>, map: NodeId, new: &mut Tree<'static>, items: &mut Vec<Item>) {
    for (key, value) in tree.pairs(map) {
        let (of_key, of_value) = (tree.comments(key), tree.comments(value));
        lines(items, &of_key.head, false);
        lines(items, &of_key.line, false);
        let leaf = matches!(tree.node(value).kind, Kind::Scalar | Kind::Alias);
        if leaf {
            lines(items, &of_value.head, false);
            lines(items, &of_value.line, true);
        }
        let name = native(tree, key, new);
        let built = build(tree, value, leaf, new);
        items.push(Item::Entry { key: Some(name), value: built });
        if leaf {
            lines(items, &of_value.foot, false);
        }
        lines(items, &of_key.foot, false);
    }
}

fn build(tree: &Tree<'_>, id: NodeId, comments_done: bool, new: &mut Tree<'static>) -> NodeId {
    let target = tree.deref(id);
    let done = comments_done && target == id;
    let comments = tree.comments(target);
    let mut items = Vec::new();
    match tree.node(target).kind {
        Kind::Scalar => return native(tree, target, new),
        Kind::Mapping => {
            if !done {
                lines(&mut items, &comments.head, false);
                lines(&mut items, &comments.line, false);
            }
            map_items(tree, target, new, &mut items);
        }
        _ => {
            if !done {
                lines(&mut items, &comments.head, false);
                lines(&mut items, &comments.line, false);
            }
            for item in tree.children(target) {
                let comments = tree.comments(item);
                lines(&mut items, &comments.head, false);
                lines(&mut items, &comments.line, true);
                let value = build(tree, item, true, new);
                items.push(Item::Entry { key: None, value });
                lines(&mut items, &comments.foot, false);
            }
        }
    }
    if !done {
        lines(&mut items, &comments.foot, false);
    }
    attach(new, tree.node(target).kind, items)
}

/// A value decoded into Go's own types and encoded again: maps come back in the order of their keys.
fn native(tree: &Tree<'_>, id: NodeId, new: &mut Tree<'static>) -> NodeId {
    let id = tree.deref(id);
    let kind = tree.node(id).kind;
    if kind != Kind::Scalar {
        let out = new.push(Node::new(kind, Style::Plain, ""));
        let mut pairs: Vec<_> = match kind {
            Kind::Mapping => tree.pairs(id).map(|(key, value)| vec![key, value]).collect(),
            _ => tree.children(id).map(|item| vec![item]).collect(),
        };
        if kind == Kind::Mapping {
            pairs.sort_by_key(|pair| tree.node(pair[0]).text.clone());
        }
        for child in pairs.into_iter().flatten() {
            let child = native(tree, child, new);
            new.append(out, child);
        }
        return out;
    }
    let scalar = resolve(tree, id).map_or(Scalar::Null, |scalar| match scalar {
        Scalar::Str(text) => Scalar::Str(Cow::Owned(text.into_owned())),
        Scalar::Null => Scalar::Null,
        Scalar::Bool(value) => Scalar::Bool(value),
        Scalar::Int(value) => Scalar::Int(value),
        Scalar::Uint(value) => Scalar::Uint(value),
        Scalar::Float(value) => Scalar::Float(value),
        Scalar::Time(value) => Scalar::Time(value),
        Scalar::Binary(value) => Scalar::Binary(value),
        Scalar::Merge => Scalar::Merge,
    });
    represent(new, &scalar)
}

fn attach(new: &mut Tree<'static>, kind: Kind, items: Vec<Item>) -> NodeId {
    let joined = |comments: &[String]| format!("#{}", comments.join("\n#"));
    let out = new.push(Node::new(kind, Style::Plain, ""));
    let (mut heads, mut inlines) = (Vec::new(), Vec::new());
    let mut last = None;
    for item in items {
        let (key, value) = match item {
            Item::Comment { text, inline } => {
                if inline { &mut inlines } else { &mut heads }.push(text);
                continue;
            }
            Item::Entry { key, value } => (key, value),
        };
        if !heads.is_empty() {
            let target = if last.is_none() { out } else { key.unwrap_or(value) };
            let head = &mut new.comments_mut(target).head;
            let more = if head.is_empty() { String::new() } else { format!("\n{head}") };
            *head = joined(&heads) + &more;
            heads.clear();
        }
        if let Some(key) = key {
            new.append(out, key);
        }
        if !inlines.is_empty() {
            let line = &mut new.comments_mut(value).line;
            let before = if line.is_empty() { String::new() } else { format!("{line}\n") };
            *line = before + &joined(&inlines);
            inlines.clear();
        }
        new.append(out, value);
        last = Some(key.unwrap_or(value));
    }
    heads.append(&mut inlines);
    if !heads.is_empty() {
        match last {
            None => {
                let head = &mut new.comments_mut(out).head;
                *head = joined(&heads);
            }
            Some(last) => {
                let foot = &mut new.comments_mut(last).foot;
                let before = if foot.is_empty() { String::new() } else { format!("{foot}\n") };
                *foot = before + &joined(&heads);
            }
        }
    }
    out
}
