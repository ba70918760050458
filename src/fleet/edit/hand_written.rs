//! A key that is replaced by another one in the rules that a person wrote.

use std::ops::Range;

use crate::error::Result;
use crate::keys::Recipient;
use crate::yaml::{Kind, NodeId, Style, Tree};

use super::super::fleet::INVENTORY;
use super::read;

/// `uvars.yaml` with another key in its own rules, and where those have the old one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InRules {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The lines, counted from 1, on which the key was replaced.
    pub replaced: Vec<u32>,
    /// The lines on which it stands in a form that is left to a person.
    pub left: Vec<u32>,
}

/// Replaces a key in `rules:`, where it is a text of its own or one of several with commas between them. All else
/// stays as it is: anchors, comments, quotes and order.
///
/// # Errors
///
/// The bytes are no inventory.
pub fn replace_in_rules(bytes: &[u8], old: &Recipient, new: &Recipient) -> Result<InRules> {
    let tree = parse(bytes)?;
    let mut found = InRules { bytes: bytes.to_vec(), replaced: Vec::new(), left: Vec::new() };
    let mut spans: Vec<Range<usize>> = Vec::new();
    for scalar in scalars(&tree) {
        let node = tree.node(scalar);
        let parts = node.text.split(',').map(str::trim);
        let is_old = |part: &&str| Recipient::parse(part).is_ok_and(|key| key.is_same_key(old));
        let parts: Vec<&str> = parts.filter(is_old).collect();
        if parts.is_empty() {
            continue;
        }
        let (start, end) = (node.start as usize, node.end as usize);
        let source =
            bytes.get(start..end).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
        let simple = matches!(node.style, Style::Plain | Style::SingleQuoted | Style::DoubleQuoted);
        let places: Vec<_> = parts
            .iter()
            .filter_map(|part| source.find(part).map(|at| start + at..start + at + part.len()))
            .collect();
        if !simple || places.len() < parts.len() {
            found.left.push(node.line);
            continue;
        }
        found.replaced.push(node.line);
        spans.extend(places);
    }
    spans.sort_by_key(|span| span.start);
    spans.dedup();
    for span in spans.into_iter().rev() {
        found.bytes.splice(span, new.to_string().into_bytes());
    }
    read(&found.bytes)?;
    Ok(found)
}

/// The keys in `rules:`, each with its line, counted from 1.
///
/// # Errors
///
/// The bytes are no inventory.
pub fn keys_in_rules(bytes: &[u8]) -> Result<Vec<(u32, Recipient)>> {
    let tree = parse(bytes)?;
    let nodes = scalars(&tree).into_iter().map(|scalar| tree.node(scalar));
    let found = nodes.flat_map(|node| {
        let parts = node.text.split(',').filter_map(|part| Recipient::parse(part.trim()).ok());
        parts.map(move |key| (node.line, key))
    });
    Ok(found.collect())
}

fn parse(bytes: &[u8]) -> Result<Tree<'_>> {
    read(bytes)?;
    Tree::parse(bytes).map_err(|error| crate::error::Error::new(error.to_string()).at(INVENTORY))
}

/// The texts below `rules`, in the order of the file; an alias stands for one that is among them.
fn scalars(tree: &Tree<'_>) -> Vec<NodeId> {
    let root = tree.documents().first().and_then(|document| tree.root(*document));
    let mut open: Vec<NodeId> = root.and_then(|root| tree.get(root, "rules")).into_iter().collect();
    let mut found = Vec::new();
    while let Some(id) = open.pop() {
        if tree.node(id).kind == Kind::Scalar {
            found.push(id);
        }
        let below: Vec<NodeId> = tree.children(id).collect();
        open.extend(below.into_iter().rev());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "version: 1\nhosts: {}\nusers: {}\nrules:\n";

    #[test]
    fn a_key_is_replaced_wherever_it_is_a_text() {
        let key = || crate::keys::generate("2026-01-01T00:00:00Z").unwrap().recipient;
        let (old, new, other) = (key(), key(), key());
        let rules = format!(
            "{HEAD}  keys:\n    - &me OLD # mine: OLD\n    - &you {other}\n  after:\n    # for OLD\n    - path_regex: ^apps/\n      \
             age: *me\n    - {{ path_regex: ^more/, age: \"OLD,{other}\" }}\n    - path_regex: ^x/\n      key_groups:\n        - \
             age:\n            - *you\n            - 'OLD'\n    - path_regex: ^y/\n      age: >-\n        OLD,\n        {other}\n"
        );
        let with = |key: &Recipient| rules.replace("OLD", key.as_str());
        let found = replace_in_rules(with(&old).as_bytes(), &old, &new).unwrap();
        let text = String::from_utf8(found.bytes).unwrap();
        assert_eq!((found.replaced, found.left), (vec![6, 12, 17], vec![19]));
        let kept = rules
            .replace("# mine: OLD", &format!("# mine: {old}"))
            .replace("# for OLD", &format!("# for {old}"))
            .replace(">-\n        OLD", &format!(">-\n        {old}"));
        assert_eq!(text, kept.replace("OLD", new.as_str()));
        let keys = [(6, &old), (7, &other), (12, &old), (12, &other), (17, &old), (19, &old), (19, &other)];
        let there = keys_in_rules(with(&old).as_bytes()).unwrap();
        assert_eq!(there.iter().map(|(line, key)| (*line, key)).collect::<Vec<_>>(), keys);
        // nothing of it there, nothing changed
        let without = with(&other);
        let found = replace_in_rules(without.as_bytes(), &old, &new).unwrap();
        assert_eq!((found.bytes, found.replaced, found.left), (without.into_bytes(), vec![], vec![]));
    }
}
