//! What go-yaml refuses when it decodes a document into a map with text keys, which is how sops looks at the
//! first document of a file: duplicate keys, wrong types, bad merges, alias bombs.
//!
//! The walk is that of go-yaml's decoder, because the order decides which refusal comes first, but with a
//! stack of its own (aliases make a document deeper than its text) and with a hash of the keys of each map
//! instead of a comparison of all pairs. Nothing is decoded into anything.

mod dump;
mod keys;
mod problem;

pub use problem::CheckError;

use super::node::{Kind, NodeId, Tree};
use super::resolve::{Scalar, resolve, tag_of};
use keys::{Key, duplicates};
use problem::Problem;
use std::collections::HashSet;

/// How many problems are collected. go-yaml has no limit, and 100,000 equal keys make five billion pairs.
const MOST_PROBLEMS: usize = 10_000;

/// Checks that a document is a map with text keys, in which everything has a meaning.
///
/// An empty document passes. A stream without documents is the caller's to refuse (go-yaml says `EOF`).
pub fn check_map(tree: &Tree<'_>, document: NodeId) -> Result<(), CheckError> {
    let mut check = Check {
        tree,
        problems: Vec::new(),
        frames: Vec::new(),
        good: false,
        decoded: 1,
        aliased: 0,
        alias_depth: 0,
        active: HashSet::new(),
        merged: Vec::new(),
    };
    if let Some(root) = tree.root(document) {
        check.enter(root, Wanted::Map(Keys::Text))?;
        while let Some(frame) = check.frames.pop() {
            check.step(frame)?;
        }
    }
    if check.problems.is_empty() { Ok(()) } else { Err(CheckError::collected(check.problems)) }
}

/// What the keys of a map have to be.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Keys {
    Text,
    Any,
}

/// What a node has to be.
#[derive(Clone, Copy)]
enum Wanted {
    Any,
    /// The key of a map with text keys.
    Text,
    Map(Keys),
}

/// The index of a set of keys in `Check::merged`: what merges must not look at again.
type Merged = Option<usize>;

/// Work that is left for when what was entered last is done.
#[derive(Clone, Copy)]
enum Frame {
    AliasEnd(NodeId),
    Items {
        next: Option<NodeId>,
    },
    Pairs {
        map: NodeId,
        keys: Keys,
        next: Option<NodeId>,
        merge: Option<NodeId>,
        merged: Merged,
    },
    /// The key was entered; its value follows.
    Value {
        map: NodeId,
        keys: Keys,
        key: NodeId,
        merge: Option<NodeId>,
        merged: Merged,
    },
    /// Further maps of a list that are merged in.
    Sources {
        next: Option<NodeId>,
        keys: Keys,
        merged: usize,
    },
}

struct Check<'t, 'a> {
    tree: &'t Tree<'a>,
    problems: Vec<Problem>,
    frames: Vec<Frame>,
    /// Whether what was done last had a value that go-yaml would have kept.
    good: bool,
    decoded: u64,
    aliased: u64,
    alias_depth: u64,
    active: HashSet<NodeId>,
    merged: Vec<HashSet<Key>>,
}

impl Check<'_, '_> {
    fn step(&mut self, frame: Frame) -> Result<(), CheckError> {
        match frame {
            Frame::AliasEnd(alias) => {
                self.alias_depth -= 1;
                self.active.remove(&alias);
                Ok(())
            }
            Frame::Items { next: None } => {
                self.good = true;
                Ok(())
            }
            Frame::Items { next: Some(item) } => {
                self.frames.push(Frame::Items { next: self.tree.next_sibling(item) });
                self.enter(item, Wanted::Any)
            }
            Frame::Pairs { map, keys, next: None, merge, merged } => self.end_map(map, keys, merge, merged),
            Frame::Pairs { map, keys, next: Some(key), merge, merged } => {
                if self.is_merge(key) {
                    let source = self.tree.next_sibling(key);
                    let next = source.and_then(|source| self.tree.next_sibling(source));
                    self.frames.push(Frame::Pairs { map, keys, next, merge: source, merged });
                    return Ok(());
                }
                self.frames.push(Frame::Value { map, keys, key, merge, merged });
                self.enter(key, if keys == Keys::Text { Wanted::Text } else { Wanted::Any })
            }
            Frame::Value { map, keys, key, merge, merged } => {
                let value = self.tree.next_sibling(key);
                let next = value.and_then(|value| self.tree.next_sibling(value));
                self.frames.push(Frame::Pairs { map, keys, next, merge, merged });
                if !self.good || !self.is_new(key, keys, merged) {
                    return Ok(());
                }
                if self.tree.node(self.tree.deref(key)).kind != Kind::Scalar {
                    return Err(CheckError::at_once(Problem::map_key(self.tree, key)));
                }
                value.map_or(Ok(()), |value| self.enter(value, Wanted::Any))
            }
            Frame::Sources { next: None, .. } => Ok(()),
            Frame::Sources { next: Some(source), keys, merged } => {
                self.frames.push(Frame::Sources { next: self.tree.next_sibling(source), keys, merged });
                self.enter_source(source, keys, merged)
            }
        }
    }

    /// Looks at a node: a scalar is done at once, a collection leaves a frame.
    fn enter(&mut self, id: NodeId, wanted: Wanted) -> Result<(), CheckError> {
        self.enter_merging(id, wanted, None)
    }

    fn enter_merging(&mut self, id: NodeId, wanted: Wanted, merged: Merged) -> Result<(), CheckError> {
        let mut id = id;
        self.count(id)?;
        while let Some(target) = self.tree.target(id) {
            if !self.active.insert(id) {
                return Err(CheckError::at_once(Problem::contains_itself(self.tree.node(id))));
            }
            self.alias_depth += 1;
            self.frames.push(Frame::AliasEnd(id));
            id = target;
            self.count(id)?;
        }
        match self.tree.node(id).kind {
            Kind::Mapping => {
                self.enter_map(id, wanted, merged);
                Ok(())
            }
            Kind::Sequence => {
                if matches!(wanted, Wanted::Any) {
                    self.frames.push(Frame::Items { next: self.tree.children(id).next() });
                } else {
                    self.mismatch(id, "!!seq", wanted);
                }
                Ok(())
            }
            _ => self.scalar(id, wanted),
        }
    }

    fn enter_map(&mut self, id: NodeId, wanted: Wanted, merged: Merged) {
        let room = MOST_PROBLEMS.saturating_sub(self.problems.len());
        let found = duplicates(self.tree, id, room);
        self.good = false;
        if !found.is_empty() {
            self.problems.extend(found);
            return;
        }
        let keys = match wanted {
            Wanted::Map(keys) => keys,
            Wanted::Any if has_text_keys(self.tree, id) => Keys::Text,
            Wanted::Any => Keys::Any,
            Wanted::Text => return self.mismatch(id, "!!map", wanted),
        };
        let next = self.tree.children(id).next();
        self.frames.push(Frame::Pairs { map: id, keys, next, merge: None, merged });
    }

    fn scalar(&mut self, id: NodeId, wanted: Wanted) -> Result<(), CheckError> {
        let scalar = resolve(self.tree, id)
            .map_err(|error| CheckError::at_once(Problem::unresolved(self.tree.node(id), error)))?;
        self.good = match wanted {
            Wanted::Text | Wanted::Map(_) if scalar == Scalar::Null => false,
            Wanted::Any | Wanted::Text => true,
            Wanted::Map(_) => {
                let tag = tag_of(&scalar);
                self.mismatch(id, tag, wanted);
                false
            }
        };
        Ok(())
    }

    fn mismatch(&mut self, id: NodeId, tag: &str, wanted: Wanted) {
        self.good = false;
        if self.problems.len() < MOST_PROBLEMS {
            let tag = self.tree.tag(id).unwrap_or(tag);
            let into = if matches!(wanted, Wanted::Text) { "string" } else { "map[string]interface {}" };
            self.problems.push(Problem::mismatch(self.tree.node(id), tag, into));
        }
    }

    /// Counts a node, and refuses when aliases make up too much of what there is.
    fn count(&mut self, id: NodeId) -> Result<(), CheckError> {
        self.decoded += 1;
        if self.alias_depth > 0 {
            self.aliased += 1;
        }
        if self.aliased > 100
            && self.decoded > 1000
            && share(self.aliased, self.decoded) > allowed(self.decoded)
        {
            return Err(CheckError::at_once(Problem::aliasing(self.tree.node(id))));
        }
        Ok(())
    }

    fn is_merge(&self, key: NodeId) -> bool {
        let node = self.tree.node(key);
        node.kind == Kind::Scalar
            && node.text == "<<"
            && match self.tree.tag(key) {
                Some(tag) => tag == "!!merge",
                None => node.style == super::Style::Plain,
            }
    }

    /// Inside a merge: whether nobody has had this key before.
    fn is_new(&mut self, key: NodeId, keys: Keys, merged: Merged) -> bool {
        let Some(seen) = merged.and_then(|merged| self.merged.get_mut(merged)) else { return true };
        let key = match keys {
            Keys::Text => Key::text(self.tree, key),
            Keys::Any => Key::of(self.tree, key),
        };
        key.is_none_or(|key| seen.insert(key))
    }

    fn end_map(
        &mut self,
        map: NodeId,
        keys: Keys,
        merge: Option<NodeId>,
        merged: Merged,
    ) -> Result<(), CheckError> {
        self.good = true;
        let Some(source) = merge else { return Ok(()) };
        let merged = match merged {
            Some(merged) => merged,
            None => self.own_keys(map)?,
        };
        if self.tree.node(source).kind == Kind::Sequence {
            let next = self.tree.children(source).next();
            self.frames.push(Frame::Sources { next, keys, merged });
            return Ok(());
        }
        self.enter_source(source, keys, merged)
    }

    /// A new set with the keys of a map that merges others in. go-yaml decodes them once more for that.
    fn own_keys(&mut self, map: NodeId) -> Result<usize, CheckError> {
        let mut own = HashSet::new();
        for (key, _) in self.tree.pairs(map) {
            self.count(key)?;
            if let Some(target) = self.tree.target(key) {
                self.alias_depth += 1;
                self.count(target)?;
                self.alias_depth -= 1;
            }
            if self.tree.node(self.tree.deref(key)).kind != Kind::Scalar {
                return Err(CheckError::at_once(Problem::map_key(self.tree, key)));
            }
            own.extend(Key::of(self.tree, key));
        }
        self.merged.push(own);
        Ok(self.merged.len() - 1)
    }

    fn enter_source(&mut self, source: NodeId, keys: Keys, merged: usize) -> Result<(), CheckError> {
        let direct = self.tree.target(source).unwrap_or(source);
        if self.tree.node(direct).kind != Kind::Mapping {
            return Err(CheckError::at_once(Problem::merge(self.tree.node(source))));
        }
        self.enter_merging(source, Wanted::Map(keys), Some(merged))
    }
}

/// Whether go-yaml makes a map with text keys of a map that may be anything.
fn has_text_keys(tree: &Tree<'_>, map: NodeId) -> bool {
    tree.pairs(map).all(|(key, _)| {
        let key = tree.deref(key);
        match tree.tag(key) {
            Some(tag) => matches!(tag, "!!str" | "!!merge"),
            None => matches!(resolve(tree, key), Ok(Scalar::Str(_) | Scalar::Merge)),
        }
    })
}

/// How much of what is decoded may stand below aliases: nearly all of a small document, a tenth of a large.
fn allowed(decoded: u64) -> f64 {
    const SMALL: u64 = 400_000;
    const LARGE: u64 = 4_000_000;
    match decoded {
        0..=SMALL => 0.99,
        LARGE.. => 0.10,
        _ => 0.99 - 0.89 * share(decoded - SMALL, LARGE - SMALL),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of nodes are far below 2^53")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
