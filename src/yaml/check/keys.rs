//! Keys of maps: which are there twice, and which a merge has already seen.

use super::problem::Problem;
use crate::yaml::node::{Kind, NodeId, Tree};
use crate::yaml::resolve::{Scalar, resolve};
use std::collections::{HashMap, HashSet};

/// Maps with fewer keys are compared in pairs, which is faster than hashing.
const FEW: usize = 12;

/// A key as go-yaml tells keys apart while it merges maps.
#[derive(Debug, Eq, Hash, PartialEq)]
pub(super) enum Key {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(u64),
    Time(String),
    Text(String),
    Bytes(Vec<u8>),
}

impl Key {
    /// The key of a map that has keys of all types; none for a collection.
    pub(super) fn of(tree: &Tree<'_>, key: NodeId) -> Option<Self> {
        Some(match resolve(tree, key).ok()? {
            Scalar::Null => Self::Null,
            Scalar::Bool(value) => Self::Bool(value),
            Scalar::Int(value) => Self::Int(value),
            Scalar::Uint(value) => Self::Uint(value),
            Scalar::Float(value) => Self::Float(value.to_bits()),
            Scalar::Time(value) => Self::Time(value.to_string()),
            Scalar::Str(value) => Self::Text(value.into_owned()),
            Scalar::Merge => Self::Text("<<".to_owned()),
            Scalar::Binary(value) => match String::from_utf8(value) {
                Ok(text) => Self::Text(text),
                Err(error) => Self::Bytes(error.into_bytes()),
            },
        })
    }

    /// The key of a map that has text keys.
    pub(super) fn text(tree: &Tree<'_>, key: NodeId) -> Option<Self> {
        match Self::of(tree, key)? {
            found @ (Self::Text(_) | Self::Bytes(_)) => Some(found),
            _ => Some(Self::Text(tree.node(tree.deref(key)).text.to_string())),
        }
    }
}

/// A complaint for each pair of equal keys, at most `most`: in the order of the first, then of the second.
/// Keys are equal when kind and text are; all list keys are equal, and all map keys.
pub(super) fn duplicates(tree: &Tree<'_>, map: NodeId, most: usize) -> Vec<Problem> {
    let keys: Vec<NodeId> = tree.pairs(map).map(|(key, _)| key).collect();
    let same = |a: NodeId, b: NodeId| identity(tree, a) == identity(tree, b);
    if keys.len() < FEW {
        let mut found = Vec::new();
        let mut rest = keys.as_slice();
        while let [first, later @ ..] = rest {
            let twins = later.iter().filter(|second| same(*first, **second));
            found.extend(twins.map(|second| Problem::duplicate(tree, *first, *second)));
            rest = later;
        }
        found.truncate(most);
        return found;
    }
    let mut seen = HashSet::with_capacity(keys.len());
    if keys.iter().all(|key| seen.insert(identity(tree, *key))) {
        return Vec::new();
    }
    let mut groups: HashMap<(Kind, &str), Vec<NodeId>> = HashMap::new();
    for key in &keys {
        groups.entry(identity(tree, *key)).or_default().push(*key);
    }
    let pairs = keys.iter().flat_map(|first| {
        let group = groups.get(&identity(tree, *first)).map(Vec::as_slice).unwrap_or_default();
        // ids grow with the place in the text, so that a group is in order
        let later = group.partition_point(|second| second <= first);
        group.iter().skip(later).map(move |second| (*first, *second))
    });
    pairs.take(most).map(|(first, second)| Problem::duplicate(tree, first, second)).collect()
}

fn identity<'t>(tree: &'t Tree<'_>, key: NodeId) -> (Kind, &'t str) {
    let node = tree.node(key);
    (node.kind, &node.text)
}
