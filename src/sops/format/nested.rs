//! Metadata as a map under the name `sops`, the last of a document: YAML, JSON and binary have it so.

use crate::sops::tree::Tree;
use crate::sops::value::{Map, Value};
use crate::{Error, Result};

/// The name under which a document carries the metadata.
pub(super) const METADATA: &str = "sops";

/// Takes the metadata out of every document; that of the first counts.
///
/// Errors: none there, twice there, not a map.
pub(super) fn split(mut tree: Tree) -> Result<(Tree, Map)> {
    let mut metadata = None;
    for (number, document) in tree.documents().into_iter().enumerate().rev() {
        let places: Vec<usize> = tree.children(document).filter(|&at| is_metadata(&tree, at)).collect();
        if number == 0 && places.len() > 1 {
            return Err(Error::new("the metadata stands there twice").key(METADATA));
        }
        for at in places.into_iter().rev() {
            if number == 0 {
                metadata = Some(tree.value(at));
            }
            let end = tree.behind(at);
            tree.items.drain(at..end);
        }
    }
    match metadata {
        Some(Value::Map(map)) => Ok((tree, map)),
        Some(other) => {
            Err(Error::new(format!("the metadata should be a map and is {}", other.kind())).key(METADATA))
        }
        None => Err(super::not_encrypted()),
    }
}

fn is_metadata(tree: &Tree, at: usize) -> bool {
    !tree.item(at).node.is_comment() && tree.key(at) == METADATA.as_bytes()
}
