//! Where a node is: worked out only when an error needs it.

use std::collections::HashMap;

use crate::yaml::node::{Kind, NodeId, Tree};

/// The key path of a node from its document's root, `users.jon.hosts.0`. A key has the path of its value.
pub(super) fn of(tree: &Tree<'_>, wanted: NodeId) -> String {
    let mut parents: HashMap<NodeId, (NodeId, String)> = HashMap::new();
    let mut open: Vec<NodeId> = tree.documents().to_vec();
    while let Some(parent) = open.pop() {
        match tree.node(parent).kind {
            Kind::Mapping => {
                for (key, value) in tree.pairs(parent) {
                    let step = key_step(&tree.node(tree.deref(key)).text);
                    parents.insert(key, (parent, step.clone()));
                    parents.insert(value, (parent, step));
                    open.extend([key, value]);
                }
            }
            Kind::Sequence => {
                for (index, item) in tree.children(parent).enumerate() {
                    parents.insert(item, (parent, format!(".{index}")));
                    open.push(item);
                }
            }
            _ => open.extend(tree.children(parent)),
        }
        if parents.contains_key(&wanted) {
            break;
        }
    }
    let mut steps = Vec::new();
    let mut at = wanted;
    while let Some((parent, step)) = parents.get(&at) {
        steps.push(step.as_str());
        at = *parent;
    }
    steps.reverse();
    steps.concat().trim_start_matches('.').to_owned()
}

/// A name with a dot in it is written `["a.b"]`.
fn key_step(name: &str) -> String {
    if name.is_empty() || name.contains(['.', '[', '"']) { format!("[{name:?}]") } else { format!(".{name}") }
}
