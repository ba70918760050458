//! Which values of an edited document are the old ones, so that their ciphertext can stay.
//!
//! By place, not by value alone: two equal values of different places must not show that they are equal. Inside
//! one list places share what their ciphertext is bound to, so an element may move; each ciphertext is used once.

use crate::sops::pool::Span;
use crate::sops::tree::{Item, Node, Tree};
use crate::yaml::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::mem::{Discriminant, discriminant};
use zeroize::Zeroize as _;

/// Copies the seals of `old` to every leaf of `new` that is the same.
pub(super) fn keep(new: &mut Tree, old: &Tree) {
    let mut pairs: Vec<(usize, usize)> = new.documents().into_iter().zip(old.documents()).collect();
    let mut seals: Vec<(usize, Span)> = Vec::new();
    while let Some((new_at, old_at)) = pairs.pop() {
        let list = new.item(new_at).node == Node::List;
        let mut leaves = Leaves::of(old, old_at, list);
        let mut open_new = Vec::new();
        for at in new.children(new_at) {
            let item = new.item(at);
            if !item.node.opens() {
                seals.extend(leaves.take(new, item, list).map(|seal| (at, seal)));
            } else if list {
                open_new.push(at);
            } else if let Some(twin) = leaves.open.get(new.pool.get(item.key))
                && old.item(*twin).node == item.node
            {
                pairs.push((at, *twin));
            }
        }
        pairs.extend(align(new, &open_new, old, &leaves.elements));
    }
    for (at, seal) in seals {
        if let Some(item) = new.items.get_mut(at) {
            item.seal = seal;
        }
    }
}

/// What stands in a map or list of the old tree.
struct Leaves<'o> {
    seals: HashMap<Leaf<'o>, VecDeque<Span>>,
    /// Maps and lists by their names.
    open: HashMap<&'o [u8], usize>,
    /// Maps and lists without names.
    elements: Vec<usize>,
}

/// Name, kind with what a number says, and text.
type Leaf<'t> = (&'t [u8], Kind, &'t [u8]);

/// What a leaf is, with the bits of a number, by which -0 is not 0. They are wiped.
#[derive(Eq, Hash, PartialEq)]
struct Kind(Discriminant<Node>, Option<Timestamp>, u64);

impl Kind {
    fn of(node: Node) -> Self {
        let (time, bits) = match node {
            Node::Bool(flag) => (None, u64::from(flag)),
            Node::Int(number) => (None, number.cast_unsigned()),
            Node::Float(number) => (None, number.to_bits()),
            Node::Time(time) => (Some(time), 0),
            Node::Map | Node::List | Node::End | Node::Null | Node::Str | Node::Comment(_) => (None, 0),
        };
        Self(discriminant(&node), time, bits)
    }
}

impl Drop for Kind {
    fn drop(&mut self) {
        self.2.zeroize();
    }
}

impl<'o> Leaves<'o> {
    fn of(old: &'o Tree, at: usize, list: bool) -> Self {
        let children: Vec<usize> = old.children(at).collect();
        // room for all of them: a table that grows leaves copies behind
        let seals = HashMap::with_capacity(children.len());
        let mut found = Self { seals, open: HashMap::new(), elements: Vec::new() };
        for at in children {
            let item = old.item(at);
            if !item.node.opens() {
                if !item.seal.is_empty() {
                    found.seals.entry(leaf(old, item, list)).or_default().push_back(item.seal);
                }
            } else if list {
                found.elements.push(at);
            } else {
                found.open.insert(old.pool.get(item.key), at);
            }
        }
        found
    }

    fn take(&mut self, new: &'o Tree, item: Item, list: bool) -> Option<Span> {
        let (key, kind, text) = leaf(new, item, list);
        self.seals.get_mut(&(key, kind, text)).and_then(VecDeque::pop_front)
    }
}

fn leaf(tree: &Tree, item: Item, list: bool) -> Leaf<'_> {
    (if list { b"" } else { tree.pool.get(item.key) }, Kind::of(item.node), tree.pool.get(item.text))
}

/// Pairs the maps and lists of two lists: the same ones at both ends, the others by their order.
fn align(new: &Tree, left: &[usize], old: &Tree, right: &[usize]) -> Vec<(usize, usize)> {
    let same = |a: usize, b: usize| same(new, a, old, b);
    let head = left.iter().zip(right).take_while(|(a, b)| same(**a, **b)).count();
    let (left_rest, right_rest) =
        (left.get(head..).unwrap_or_default(), right.get(head..).unwrap_or_default());
    let tail =
        left_rest.iter().rev().zip(right_rest.iter().rev()).take_while(|(a, b)| same(**a, **b)).count();
    let middle = left_rest.len().min(right_rest.len()) - tail;
    let pair = |(a, b): (&usize, &usize)| (*a, *b);
    let front = left.iter().zip(right).take(head + middle).map(pair);
    front.chain(left.iter().rev().zip(right.iter().rev()).take(tail).map(pair)).collect()
}

/// Whether two maps or lists are equal, comments included.
fn same(new: &Tree, a: usize, old: &Tree, b: usize) -> bool {
    let (left, right) = (new.items.get(a..new.behind(a)), old.items.get(b..old.behind(b)));
    let (left, right) = (left.unwrap_or_default(), right.unwrap_or_default());
    left.len() == right.len()
        && left.iter().zip(right).all(|(a, b)| {
            (a.node == b.node || a.node.is_comment() && b.node.is_comment())
                && new.pool.get(a.key) == old.pool.get(b.key)
                && new.pool.get(a.text) == old.pool.get(b.text)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sops::format::Format;
    use crate::sops::plain::Plain;

    /// Gives every leaf a seal of its own.
    fn sealed(source: &str) -> Tree {
        let mut tree = plain(source);
        for number in 0..tree.items.len() {
            let seal = tree.pool.push(format!("seal {number}").as_bytes());
            if let Some(item) = tree.items.get_mut(number).filter(|item| !item.node.opens()) {
                item.seal = seal;
            }
        }
        tree
    }

    fn plain(source: &str) -> Tree {
        std::mem::take(&mut Plain::parse(source.as_bytes(), Format::Yaml).unwrap().tree)
    }

    /// The paths of the leaves that lost their seal.
    fn lost(old: &str, new: &str) -> Vec<String> {
        let (old, mut new) = (sealed(old), plain(new));
        keep(&mut new, &old);
        let bare = |at: &usize| {
            let item = new.item(*at);
            item.seal.is_empty() && !item.node.opens() && item.node != Node::End
        };
        (0..new.items.len()).filter(bare).map(|at| new.path_of(at).to_string()).collect()
    }

    #[test]
    fn what_stays_keeps_its_seal_and_nothing_else_gets_one() {
        let old =
            "# c\na: 1\nb:\n    c: x\n    d: x\nl:\n    - p\n    - q\n    - p\nm:\n    - k: 1\n    - k: 2\n";
        assert_eq!(lost(old, old), [""; 0]);
        assert_eq!(lost(old, &old.replace("a: 1", "a: 2")), ["a"]);
        // one that moved to another name is bound to another place
        assert_eq!(lost(old, &old.replace("d: x", "e: x")), ["b.e"]);
        assert_eq!(lost(old, &old.replace("    - p\n    - q", "    - new\n    - p\n    - q")), ["l.0"]);
        assert_eq!(lost(old, &old.replace("    - q\n", "    - p\n")), ["l.2"]);
        assert_eq!(lost(old, &old.replace("    - k: 1\n", "    - k: 0\n    - k: 1\n")), ["m.0.k"]);
        assert_eq!(lost(old, &old.replace("# c\n", "# other\n")), [""]);
        assert_eq!(lost(old, &old.replace("a: 1", "a: '1'")), ["a"]);
    }

    #[test]
    fn no_seal_is_used_twice() {
        let (old, mut new) = (sealed("l: [x]\n"), plain("l: [x, x]\n"));
        keep(&mut new, &old);
        let seals: Vec<_> = new.items.iter().filter(|item| !item.seal.is_empty()).collect();
        assert_eq!(seals.len(), 1);
    }

    #[test]
    fn minus_zero_is_not_zero() {
        assert_eq!(lost("a: -0.0\n", "a: 0.0\n"), ["a"]);
    }
}
