//! A tree in the form in which the oracle (tests/oracle/yamldump) prints go-yaml's.

use serde_json::{Map, Value, json};
use uvars::yaml::{Kind, NodeId, Scalar, Style, Tree, check_map, resolve};

/// All nodes in the order of the text, each with its depth.
pub(crate) fn nodes(tree: &Tree<'_>) -> Value {
    let mut out = Vec::with_capacity(tree.len());
    let mut open: Vec<(NodeId, usize)> = tree.documents().iter().rev().map(|id| (*id, 0)).collect();
    while let Some((id, depth)) = open.pop() {
        out.push(node(tree, id, depth));
        let children: Vec<NodeId> = tree.children(id).collect();
        open.extend(children.into_iter().rev().map(|child| (child, depth + 1)));
    }
    Value::Array(out)
}

fn node(tree: &Tree<'_>, id: NodeId, depth: usize) -> Value {
    let node = tree.node(id);
    let mut out = Map::new();
    let kind = match node.kind {
        Kind::Document => "doc",
        Kind::Sequence => "seq",
        Kind::Mapping => "map",
        Kind::Scalar => "scalar",
        Kind::Alias => "alias",
    };
    out.insert("d".into(), json!(depth));
    out.insert("k".into(), json!(kind));
    let mut styles = Vec::new();
    if tree.tag(id).is_some() {
        styles.push("tagged");
    }
    match node.style {
        Style::Plain => {}
        Style::DoubleQuoted => styles.push("double"),
        Style::SingleQuoted => styles.push("single"),
        Style::Literal => styles.push("literal"),
        Style::Folded => styles.push("folded"),
        Style::Flow => styles.push("flow"),
    }
    if !styles.is_empty() {
        out.insert("s".into(), json!(styles));
    }
    if let Some(tag) = tag(tree, id) {
        out.insert("tag".into(), json!(tag));
    }
    if matches!(node.kind, Kind::Scalar | Kind::Alias) {
        out.insert("v".into(), json!(node.text));
    }
    if let Some(anchor) = tree.anchor(id) {
        out.insert("a".into(), json!(anchor));
    }
    out.insert("l".into(), json!(node.line));
    out.insert("c".into(), json!(node.column));
    let comments = tree.comments(id);
    for (name, text) in [("h", &comments.head), ("i", &comments.line), ("f", &comments.foot)] {
        if !text.is_empty() {
            out.insert(name.into(), json!(text));
        }
    }
    Value::Object(out)
}

fn tag(tree: &Tree<'_>, id: NodeId) -> Option<String> {
    let node = tree.node(id);
    if let Some(tag) = tree.tag(id) {
        return Some(tag.to_owned());
    }
    match node.kind {
        Kind::Document | Kind::Alias => None,
        Kind::Sequence => Some("!!seq".into()),
        Kind::Mapping => Some("!!map".into()),
        Kind::Scalar => Some(
            match resolve(tree, id) {
                Ok(Scalar::Null) => "!!null",
                Ok(Scalar::Bool(_)) => "!!bool",
                Ok(Scalar::Int(_) | Scalar::Uint(_)) => "!!int",
                Ok(Scalar::Float(_)) => "!!float",
                Ok(Scalar::Time(_)) => "!!timestamp",
                Ok(Scalar::Merge) => "!!merge",
                Ok(Scalar::Str(_) | Scalar::Binary(_)) | Err(_) => "!!str",
            }
            .into(),
        ),
    }
}

/// go-yaml's complaint when it decodes the first document into a map; null where there is none.
pub(crate) fn map_error(bytes: &[u8], tree: &Tree<'_>, error: &Value) -> Value {
    let Some(first) = tree.documents().first() else {
        let eof = if bytes.is_empty() { Value::Null } else { json!("EOF") };
        return if error.is_null() { eof } else { error.clone() };
    };
    check_map(tree, *first).map_or_else(|error| json!(error.to_string()), |()| Value::Null)
}

/// Where two dumps differ first, as a path and both values.
pub(crate) fn difference(path: &str, ours: &Value, theirs: &Value) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| {
                let (a, b) = (a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
                difference(&format!("{path}.{key}"), a, b)
            })
        }
        (Value::Array(a), Value::Array(b)) => (0..a.len().max(b.len())).find_map(|at| {
            let (a, b) = (a.get(at).unwrap_or(&Value::Null), b.get(at).unwrap_or(&Value::Null));
            difference(&format!("{path}[{at}]"), a, b)
        }),
        _ if ours == theirs => None,
        _ => Some(format!("{path}: ours {}, theirs {}", short(ours), short(theirs))),
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(300).collect()
}
