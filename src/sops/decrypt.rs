//! From the encrypted tree to the plain one: every value is opened where it stands, in the memory of its ciphertext.

use crate::sops::cipher::Cipher;
use crate::sops::fault::Fault;
use crate::sops::mac::Mac;
use crate::sops::pool::Span;
use crate::sops::rules::Rules;
use crate::sops::tree::{Item, Node, Side, Tree};
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
pub(super) fn decrypt(sealed: Tree, cipher: &mut Cipher, rules: &Rules) -> Result<Opened> {
    decrypt_or(sealed, cipher, rules, &mut Err)
}

/// The same, but each error is handed on, and where that says so the rest is opened without the value.
pub(super) fn decrypt_or(
    sealed: Tree,
    cipher: &mut Cipher,
    rules: &Rules,
    or: &mut dyn FnMut(Error) -> Result<()>,
) -> Result<Opened> {
    let opening = Opening {
        tree: sealed.into_openable()?,
        cipher,
        walk: Walk::new(rules),
        rules,
        mac: Mac::new(rules),
        clear_comments: Vec::new(),
    };
    opening.run(or)
}

struct Opening<'s> {
    /// Plain up to the item that is at work.
    tree: Tree,
    cipher: &'s mut Cipher,
    rules: &'s Rules,
    walk: Walk<'s>,
    mac: Mac,
    clear_comments: Vec<usize>,
}

impl Opening<'_> {
    fn run(mut self, or: &mut dyn FnMut(Error) -> Result<()>) -> Result<Opened> {
        for at in 0..self.tree.items.len() {
            let item = self.tree.item(at);
            let made = match item.node {
                Node::Map | Node::List => {
                    self.walk.enter(item.node == Node::List, self.tree.pool.get(item.key));
                    continue;
                }
                Node::End => {
                    self.walk.leave();
                    continue;
                }
                Node::Comment(side) => Ok(self.comment(at, item, side)),
                _ => self.value(item),
            };
            let made = match made {
                Ok(made) => made,
                Err(fault) => {
                    or(self.said(fault, at))?;
                    self.walk.done();
                    Item { merge: item.merge, ..Item::of_key(Node::Null, item.key) }
                }
            };
            if let Some(place) = self.tree.items.get_mut(at) {
                *place = made;
            }
        }
        Ok(Opened { tree: self.tree, mac: self.mac.finish(), clear_comments: self.clear_comments })
    }

    /// The error of a value, with its place.
    fn said(&self, fault: Fault, at: usize) -> Error {
        let error = Error::new(fault.to_string()).key(self.tree.path_of(at).to_string());
        if fault == Fault::Form {
            error.hint("a value added by hand: take it out of the file, then add it with 'uvars set'")
        } else {
            error
        }
    }

    fn value(&mut self, item: Item) -> Result<Item, Fault> {
        let encrypted = self.walk.value(self.tree.pool.get(item.key));
        let mut made = item;
        match item.node {
            Node::Str if encrypted && !item.text.is_empty() => {
                let place = self.tree.pool.get_mut(item.text);
                let (node, len) = self.cipher.open_or_lose(place, self.walk.aad())?;
                made = opened(item, node, len);
            }
            Node::Str | Node::Null => {}
            _ if encrypted => return Err(Fault::Form),
            // under no MAC nothing tells what it was; sops prints it so
            Node::Float(number)
                if number.to_bits() == (-0.0_f64).to_bits() && self.rules.mac_only_encrypted() =>
            {
                made.node = Node::Int(0);
            }
            _ => {}
        }
        if made.node.is_comment() {
            // a comment in a list is one of its elements while it is encrypted, and does not end the reach of
            // the comments above it
            return if self.walk.in_list() { Ok(made) } else { Err(Fault::Content) };
        }
        self.mac.add(made.node, self.tree.pool.get(made.text), encrypted);
        self.walk.done();
        Ok(made)
    }

    fn comment(&mut self, at: usize, item: Item, side: Side) -> Item {
        let encrypted = self.walk.comment(self.tree.pool.get(item.text));
        if !encrypted || item.text.is_empty() {
            return item;
        }
        let place = self.tree.pool.get_mut(item.text);
        match self.cipher.open(place, self.walk.aad()) {
            Ok((Node::Comment(_), len)) => {
                let side = if side == Side::Behind { Side::BehindSealed } else { side };
                opened(item, Node::Comment(side), len)
            }
            Ok((Node::Str, len)) => opened(item, Node::Comment(side), len),
            Ok(_) | Err(_) => {
                self.clear_comments.push(at);
                item
            }
        }
    }
}

/// The item whose text was opened.
fn opened(item: Item, node: Node, len: usize) -> Item {
    let text = if len == 0 { Span::default() } else { item.text.up_to(len) };
    Item { node, text, seal: item.text, ..item }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::DataKey;
    use crate::sops::pool::Pool;

    /// A list with the same ciphertext twice, as an alias makes it, and under a name that is the ciphertext too.
    #[test]
    fn a_text_that_stands_twice_is_opened_twice() {
        let rules = Rules::default();
        let mut cipher = Cipher::new(&DataKey::new([7; 32]));
        let mut pool = Pool::open(0);
        let key = pool.push(b"a");
        let text = cipher.seal(Node::Str, b"shared", b"a:", &mut pool).unwrap();
        let mut tree = Tree::new(0, pool);
        tree.items.push(Item::new(Node::Map));
        tree.items.push(Item::of_key(Node::List, key));
        tree.items.extend([Item { text, ..Item::new(Node::Str) }; 2]);
        tree.items.push(Item::new(Node::End));
        tree.items.push(Item::of_key(Node::Null, text));
        tree.items.push(Item::new(Node::End));
        let plain = decrypt(tree, &mut cipher, &rules).unwrap().tree;
        let texts: Vec<&[u8]> = plain.items.iter().map(|item| plain.pool.get(item.text)).collect();
        assert_eq!(texts[2..4], [b"shared", b"shared"]);
        assert!(plain.pool.get(plain.items[5].key).starts_with(b"ENC[AES256_GCM,"));
    }

    #[test]
    fn a_comment_that_cannot_be_opened_stays() {
        let rules = Rules::default();
        let mut cipher = Cipher::new(&DataKey::new([7; 32]));
        let sealed = |cipher: &mut Cipher, pool: &mut Pool, node: Node, len: usize| {
            cipher.seal(node, &vec![b'c'; len], b"elsewhere:", pool).unwrap()
        };
        let mut pool = Pool::open(0);
        let texts = [
            sealed(&mut cipher, &mut pool, Node::Comment(Side::Above), 9),
            sealed(&mut cipher, &mut pool, Node::Str, 200_000),
            pool.push(b" in clear"),
        ];
        let mut tree = Tree::new(0, pool);
        tree.items.push(Item::new(Node::Map));
        tree.items.extend(texts.map(|text| Item { text, ..Item::new(Node::Comment(Side::Above)) }));
        tree.items.push(Item::new(Node::End));
        let opened = decrypt(tree.clone(), &mut cipher, &rules).unwrap();
        assert_eq!(opened.clear_comments, [1, 2, 3]);
        for text in texts {
            assert_eq!(opened.tree.pool.get(text), tree.pool.get(text));
        }
    }
}
