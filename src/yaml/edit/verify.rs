//! What a document says, as a flat list, so that two of them can be compared whatever their depth.

use std::borrow::Cow;
use std::ops::Range;

use crate::yaml::edit::value::Value;
use crate::yaml::node::{Kind, NodeId, Style, Tree};
use crate::yaml::represent::{represent, safe_string_node};
use crate::yaml::resolve::{Scalar, resolve_plain};

/// One word of the list: the start of a node or the end of a collection.
#[derive(Clone, Debug)]
pub(super) enum Word<'t> {
    Open { kind: Kind, tag: Option<Cow<'t, str>>, anchor: Option<Cow<'t, str>> },
    Scalar { text: Cow<'t, str>, quoted: bool, tag: Option<Cow<'t, str>>, anchor: Option<Cow<'t, str>> },
    Alias(Cow<'t, str>),
    Close,
}

impl PartialEq for Word<'_> {
    /// Texts are equal if they mean the same: quotes count only where the text alone would mean something else.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Scalar { text, quoted, tag, anchor },
                Self::Scalar { text: text2, quoted: quoted2, tag: tag2, anchor: anchor2 },
            ) => {
                let same =
                    quoted == quoted2 || (matches!(resolve_plain(text), Scalar::Str(_)) && text != "<<");
                text == text2 && tag == tag2 && anchor == anchor2 && same
            }
            (Self::Open { kind, tag, anchor }, Self::Open { kind: kind2, tag: tag2, anchor: anchor2 }) => {
                kind == kind2 && tag == tag2 && anchor == anchor2
            }
            (Self::Alias(name), Self::Alias(name2)) => name == name2,
            (Self::Close, Self::Close) => true,
            _ => false,
        }
    }
}

/// All documents as words, each with its node; a collection's end has the node of its start.
pub(super) fn words<'t>(tree: &'t Tree<'_>) -> Vec<(Word<'t>, NodeId)> {
    let mut words = Vec::with_capacity(tree.len());
    for document in tree.documents() {
        words.push((word(tree, *document), *document));
        let mut open = vec![(*document, tree.children(*document))];
        while let Some((parent, children)) = open.last_mut() {
            if let Some(child) = children.next() {
                words.push((word(tree, child), child));
                if is_collection(tree.node(child).kind) {
                    open.push((child, tree.children(child)));
                }
            } else {
                words.push((Word::Close, *parent));
                open.pop();
            }
        }
    }
    words
}

fn is_collection(kind: Kind) -> bool {
    matches!(kind, Kind::Document | Kind::Mapping | Kind::Sequence)
}

fn word<'t>(tree: &'t Tree<'_>, id: NodeId) -> Word<'t> {
    let node = tree.node(id);
    let tag = tree.tag(id).map(Cow::Borrowed);
    let anchor = tree.anchor(id).map(Cow::Borrowed);
    match node.kind {
        Kind::Alias => Word::Alias(Cow::Borrowed(&node.text)),
        Kind::Scalar => {
            Word::Scalar { text: Cow::Borrowed(&node.text), quoted: node.style != Style::Plain, tag, anchor }
        }
        kind => Word::Open { kind, tag, anchor },
    }
}

/// Where a node's words are.
pub(super) fn range(words: &[(Word<'_>, NodeId)], id: NodeId) -> Range<usize> {
    let first = words.iter().position(|(_, node)| *node == id).unwrap_or(words.len());
    let collection = matches!(words.get(first), Some((Word::Open { .. }, _)));
    let rest = words.iter().skip(first + 1).position(|(_, node)| collection && *node == id);
    first..rest.map_or(first + 1, |rest| first + rest + 2)
}

/// The words of a new value.
pub(super) fn words_of(value: &Value, out: &mut Vec<Word<'static>>) {
    let open = |kind| Word::Open { kind, tag: None, anchor: None };
    match value {
        Value::OneLine(value) => words_of(value, out),
        Value::List(items) => {
            out.push(open(Kind::Sequence));
            for item in items {
                words_of(item, out);
            }
            out.push(Word::Close);
        }
        Value::Map(entries) => {
            out.push(open(Kind::Mapping));
            for (key, value) in entries {
                out.push(string(key));
                words_of(value, out);
            }
            out.push(Word::Close);
        }
        Value::Scalar(Scalar::Str(text)) => out.push(string(text)),
        Value::Scalar(scalar) => {
            let mut tree = Tree::new();
            let id = represent(&mut tree, scalar);
            out.push(Word::Scalar {
                text: tree.node(id).text.replace('\n', "").into(),
                quoted: false,
                tag: tree.tag(id).map(|tag| tag.to_owned().into()),
                anchor: None,
            });
        }
    }
}

/// The word of a string.
pub(super) fn string(text: &str) -> Word<'static> {
    let quoted = safe_string_node(text, true).style != Style::Plain;
    Word::Scalar { text: text.to_owned().into(), quoted, tag: None, anchor: None }
}
