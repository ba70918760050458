//! From the encrypted tree to the plain one.

use crate::sops::cipher::{Cipher, Fault, plaintext_bound};
use crate::sops::mac::Mac;
use crate::sops::rules::Rules;
use crate::sops::tree::{Item, Node, Pool, Side, Tree};
use crate::sops::walk::Walk;
use crate::{Error, Result};

/// What came out of an encrypted tree.
pub(super) struct Opened {
    /// The plain tree; every item that was encrypted remembers its ciphertext.
    pub(super) tree: Tree,
    /// The MAC as computed.
    pub(super) mac: String,
    /// The places of comments that should be encrypted and could not be opened; they are kept as they are.
    pub(super) clear_comments: Vec<usize>,
}

/// Opens every value. Errors name the key path: a value in clear that should be encrypted, a value that was
/// changed or moved, a type that cannot be.
pub(super) fn decrypt(sealed: &Tree, cipher: &Cipher, rules: &Rules) -> Result<Opened> {
    decrypt_or(sealed, cipher, rules, &mut Err)
}

/// The same, but each error is handed on, and where that says so the rest is opened without the value.
pub(super) fn decrypt_or(
    sealed: &Tree,
    cipher: &Cipher,
    rules: &Rules,
    or: &mut dyn FnMut(Error) -> Result<()>,
) -> Result<Opened> {
    let opening = Opening {
        sealed,
        cipher,
        rules,
        walk: Walk::new(rules),
        mac: Mac::new(rules),
        out: Tree::new(sealed.items.len(), Pool::secret(room(sealed))),
        clear_comments: Vec::new(),
    };
    opening.run(or)
}

/// Enough room for the plain text of the whole tree, so that it is written once and never moved.
fn room(sealed: &Tree) -> usize {
    let text = |item: &Item| match item.node {
        Node::Str | Node::Comment(_) => item.text.len().max(plaintext_bound(item.text.len())),
        _ => 0,
    };
    sealed.items.iter().map(|item| item.key.len() + text(item)).sum()
}

struct Opening<'s> {
    sealed: &'s Tree,
    cipher: &'s Cipher,
    rules: &'s Rules,
    walk: Walk<'s>,
    mac: Mac,
    out: Tree,
    clear_comments: Vec<usize>,
}

impl Opening<'_> {
    fn run(mut self, or: &mut dyn FnMut(Error) -> Result<()>) -> Result<Opened> {
        for (at, item) in self.sealed.items.iter().enumerate() {
            let made = match item.node {
                Node::Map | Node::List => {
                    self.walk.enter(item.node == Node::List, self.sealed.pool.get(item.key));
                    Ok(self.keyed(*item, item.node))
                }
                Node::End => {
                    self.walk.leave();
                    Ok(*item)
                }
                Node::Comment(side) => Ok(self.comment(*item, side)),
                _ => self.value(*item),
            };
            let made = match made {
                Ok(made) => made,
                Err(fault) => {
                    or(self.said(fault, at))?;
                    self.walk.done();
                    Item::new(Node::Null)
                }
            };
            self.out.items.push(made);
        }
        Ok(Opened { tree: self.out, mac: self.mac.finish(), clear_comments: self.clear_comments })
    }

    /// The error of a value, with its place.
    fn said(&self, fault: Fault, at: usize) -> Error {
        let error = Error::new(fault.to_string()).key(self.sealed.path_of(at).to_string());
        if fault == Fault::Form {
            error.hint("a value added by hand: take it out of the file, then add it with 'uvars set'")
        } else {
            error
        }
    }

    fn keyed(&mut self, item: Item, node: Node) -> Item {
        let key = self.out.pool.push(self.sealed.pool.get(item.key));
        Item { merge: item.merge, ..Item::of_key(node, key) }
    }

    fn value(&mut self, item: Item) -> Result<Item, Fault> {
        let encrypted = self.walk.value(self.sealed.pool.get(item.key));
        let mut made = Item::new(item.node);
        let text = self.sealed.pool.get(item.text);
        match item.node {
            Node::Str if encrypted && !text.is_empty() => {
                (made.node, made.text) = self.cipher.open(text, self.walk.aad(), &mut self.out.pool)?;
                made.seal = item.text;
            }
            Node::Str => made.text = self.out.pool.push(text),
            Node::Null => {}
            _ if encrypted => return Err(Fault::Form),
            // under no MAC nothing tells what it was; sops prints it so
            Node::Float(-0.0) if self.rules.mac_only_encrypted() => made.node = Node::Int(0),
            _ => {}
        }
        if made.node.is_comment() && !self.walk.in_list() {
            return Err(Fault::Content);
        }
        // a name goes behind its text: so a text that is large is the first of its pool
        (made.key, made.merge) = (self.out.pool.push(self.sealed.pool.get(item.key)), item.merge);
        if made.node.is_comment() {
            // a comment in a list is one of its elements while it is encrypted, and does not end the reach of
            // the comments above it
            return Ok(made);
        }
        self.mac.add(made.node, self.out.pool.get(made.text), encrypted);
        self.walk.done();
        Ok(made)
    }

    fn comment(&mut self, item: Item, side: Side) -> Item {
        let text = self.sealed.pool.get(item.text);
        let encrypted = self.walk.comment(text);
        if encrypted && !text.is_empty() {
            let start = self.out.pool.len();
            match self.cipher.open(text, self.walk.aad(), &mut self.out.pool) {
                Ok((Node::Comment(_), text)) => {
                    let side = if side == Side::Behind { Side::BehindSealed } else { side };
                    return Item { text, seal: item.text, ..Item::new(Node::Comment(side)) };
                }
                Ok((Node::Str, text)) => {
                    return Item { text, seal: item.text, ..Item::new(Node::Comment(side)) };
                }
                Ok(_) | Err(_) => {
                    self.out.pool.take_back(start);
                    self.clear_comments.push(self.out.items.len());
                }
            }
        }
        Item { text: self.out.pool.push(text), ..Item::new(Node::Comment(side)) }
    }
}
