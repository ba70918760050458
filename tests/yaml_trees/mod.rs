//! The recorded trees of tests/vectors/yaml as trees of ours, without the reader.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot set up fails"
)]

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;
use uvars::yaml::{Kind, Node, NodeId, Style, Tree};

/// One input with what go-yaml v3 makes of it.
pub(crate) struct Vector {
    /// The file's name without its suffix.
    pub(crate) name: String,
    json: Value,
}

/// All of them, by name.
pub(crate) fn vectors() -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/yaml");
    let mut vectors: Vec<Vector> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|suffix| suffix == "json"))
        .map(|path| Vector {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            json: serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap(),
        })
        .collect();
    vectors.sort_by(|a, b| a.name.cmp(&b.name));
    vectors
}

impl Vector {
    /// A text of the record.
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.json.get(field)?.as_str()
    }

    /// The recorded documents.
    pub(crate) fn tree(&self) -> Tree<'static> {
        let mut tree = Tree::new();
        let mut anchors = HashMap::new();
        for document in self.json["docs"].as_array().unwrap() {
            let id = tree.push_document();
            comments(&mut tree, id, document);
            for child in document["ch"].as_array().unwrap() {
                let child = build(&mut tree, child, &mut anchors);
                tree.append(id, child);
            }
        }
        tree
    }
}

fn comments(tree: &mut Tree<'static>, id: NodeId, json: &Value) {
    let text = |field: &str| json.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (head, line, foot) = (text("h"), text("i"), text("f"));
    if !(head.is_empty() && line.is_empty() && foot.is_empty()) {
        let comments = tree.comments_mut(id);
        (comments.head, comments.line, comments.foot) = (head, line, foot);
    }
}

fn build(tree: &mut Tree<'static>, json: &Value, anchors: &mut HashMap<String, NodeId>) -> NodeId {
    let text = |field: &str| json.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let styles: Vec<&str> = json
        .get("s")
        .and_then(Value::as_array)
        .map(|styles| styles.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let kind = match json["k"].as_str().unwrap() {
        "map" => Kind::Mapping,
        "seq" => Kind::Sequence,
        "scalar" => Kind::Scalar,
        "alias" => Kind::Alias,
        kind => panic!("{kind}"),
    };
    let style = styles.iter().fold(Style::Plain, |style, name| match *name {
        "double" => Style::DoubleQuoted,
        "single" => Style::SingleQuoted,
        "literal" => Style::Literal,
        "folded" => Style::Folded,
        "flow" => Style::Flow,
        _ => style,
    });
    let id = tree.push(Node::new(kind, style, text("v")));
    comments(tree, id, json);
    if styles.contains(&"tagged") {
        tree.set_tag(id, text("tag"));
    }
    if kind == Kind::Alias {
        tree.set_target(id, anchors[&text("v")]);
    } else if json.get("a").is_some() {
        tree.set_anchor(id, text("a"));
        anchors.insert(text("a"), id);
    }
    for child in json.get("ch").and_then(Value::as_array).into_iter().flatten() {
        let child = build(tree, child, anchors);
        tree.append(id, child);
    }
    id
}
