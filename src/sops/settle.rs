//! Where encrypted comments at the end of a map must stand so that they can be read again.
//!
//! A comment behind a map or list that ends its map is read as one of that inner map or list, whatever its column.
//! Encrypted for the outer one, nobody could open it any more: sops loses such comments. Here they are encrypted
//! for the place where they will be found.

use crate::sops::rules::Rules;
use crate::sops::tree::{Node, Tree};
use crate::sops::walk::Walk;

/// One item in the order in which it is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Placed {
    /// Where it is in the tree.
    pub(super) at: usize,
    /// It stands in another map than it did: its ciphertext cannot stay.
    pub(super) moved: bool,
}

/// An open map or list.
struct Frame {
    list: bool,
    merge: bool,
    start: usize,
    /// The last thing in it that is no comment.
    last: Last,
    /// How many comments stand behind that.
    comments: usize,
}

impl Frame {
    fn pass(&mut self, node: Node) {
        if node.is_comment() {
            self.comments += 1;
        } else {
            (self.last, self.comments) = (Last::Scalar, 0);
        }
    }
}

#[derive(Clone, Copy)]
enum Last {
    Nothing,
    Scalar,
    /// A map or list, by the place of its beginning in the order.
    Opened(usize, Option<Spot>),
}

/// Where comments may go: the end of a map or list, by its place in the order.
#[derive(Clone, Copy)]
struct Spot {
    end: usize,
    encrypted: bool,
}

/// The items of a tree in the order in which they are to be encrypted.
pub(super) fn settle(plain: &Tree, rules: &Rules) -> Vec<Placed> {
    if rules.by_comment() {
        // where they stand decides over what follows
        return (0..plain.items.len()).map(|at| Placed { at, moved: false }).collect();
    }
    let mut order = Vec::with_capacity(plain.items.len());
    let mut walk = Walk::new(rules);
    let mut frames: Vec<Frame> = Vec::new();
    for (at, item) in plain.items.iter().enumerate() {
        match item.node {
            Node::Map | Node::List => {
                let list = item.node == Node::List;
                walk.enter(list, plain.pool.get(item.key));
                frames.push(Frame {
                    list,
                    merge: item.merge,
                    start: order.len(),
                    last: Last::Nothing,
                    comments: 0,
                });
            }
            Node::End => {
                let outermost = frames.len() == 1;
                if let Some(frame) = frames.pop() {
                    let spot = close(&mut order, &frame, outermost, &mut walk);
                    if let Some(around) = frames.last_mut() {
                        (around.last, around.comments) = (Last::Opened(frame.start, spot), 0);
                    }
                }
                walk.leave();
            }
            _ => {
                if let Some(frame) = frames.last_mut() {
                    frame.pass(item.node);
                }
            }
        }
        order.push(Placed { at, moved: false });
    }
    order
}

/// Moves the comments at the end of a map into what ends it, and says where those of the map around it could go.
fn close(order: &mut Vec<Placed>, frame: &Frame, outermost: bool, walk: &mut Walk<'_>) -> Option<Spot> {
    let encrypted = walk.comment(b"");
    let own = Spot { end: order.len(), encrypted };
    match frame.last {
        // with an encrypted comment in it, an empty list has an element in the file
        Last::Nothing if frame.list && !frame.merge && encrypted && frame.comments > 0 => Some(own),
        Last::Nothing => None,
        // an encrypted comment would be an element, and no map
        Last::Opened(_, inner) if frame.list && frame.merge => inner,
        Last::Opened(start, inner) if !frame.list => {
            let mut inner = inner?;
            if encrypted && !outermost && frame.comments > 0 {
                let comments = order.split_off(order.len() - frame.comments);
                // what is to be secret does not go where things are in clear, but above them
                let (to, moved) = if inner.encrypted { (inner.end, true) } else { (start, false) };
                order.splice(to..to, comments.into_iter().map(|placed| Placed { moved, ..placed }));
                inner.end += frame.comments;
            }
            Some(inner)
        }
        Last::Scalar | Last::Opened(..) => Some(own),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sops::{Format, Plain};

    /// What is written, in its order: names, comments, and where maps and lists begin and end. A `!` is in front of what
    /// stands in another map than it did.
    fn order(source: &str) -> String {
        let plain = Plain::parse(source.as_bytes(), Format::Yaml).unwrap();
        let tree = &plain.tree;
        let placed = settle(tree, &Rules::default());
        let words = placed.iter().map(|Placed { at, moved }| {
            let item = tree.item(*at);
            let text = match item.node {
                Node::Map => format!("{}{{", String::from_utf8_lossy(tree.pool.get(item.key))),
                Node::List => format!("{}[", String::from_utf8_lossy(tree.pool.get(item.key))),
                Node::End => ".".to_owned(),
                Node::Comment(_) => String::from_utf8_lossy(tree.pool.get(item.text)).trim().to_owned(),
                _ => String::from_utf8_lossy(tree.pool.get(item.key)).into_owned(),
            };
            if *moved { format!("!{text}") } else { text }
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_go_to_where_they_will_be_found_and_keep_their_order() {
        for (source, wanted) in [
            ("m:\n  e: {x: 1}\n  # f\nk: 1\n", "{ m{ e{ x !f . . k ."),
            ("m:\n  e:\n    x: {z: 1}\n    # f\n  # g\nk: 1\n", "{ m{ e{ x{ z !f !g . . . k ."),
            ("m:\n  e: {x: {z: 1}}\n  # f\n  # g\nk: 1\n", "{ m{ e{ x{ z !f !g . . . k ."),
            // what is in clear gets no comment that was to be secret
            ("m:\n  e_unencrypted: {x: 1}\n  # f\n  # g\nk: 1\n", "{ m{ f g e_unencrypted{ x . . k ."),
            // the metadata comes behind the last map of all
            ("m: {x: 1}\n# f\n", "{ m{ x . f ."),
            ("m:\n  e: 1\n  # f\nk: 1\n", "{ m{ e f . k ."),
        ] {
            assert_eq!(order(source), wanted, "{source}");
        }
    }
}
