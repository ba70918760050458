//! From the plain tree to the encrypted one.

use crate::sops::cipher::Cipher;
use crate::sops::format::{Store, Stores};
use crate::sops::mac::Mac;
use crate::sops::pool::{Pool, Span};
use crate::sops::rules::{Rules, Selection};
use crate::sops::settle::{Placed, settle};
use crate::sops::tree::{Item, Node, Side, Tree};
use crate::sops::walk::Walk;
use crate::{Error, Result};

/// Seals every value that the rules choose and computes the MAC.
///
/// `kept` is the pool in which the seals of the items lie, if their data key is the cipher's: a value that has
/// one keeps its ciphertext, byte for byte. Errors name the key path: a top-level `sops`, a value that could not
/// be read back, comments that would be misread.
pub(super) fn encrypt(
    plain: &Tree,
    kept: Option<&Pool>,
    cipher: &mut Cipher,
    rules: &Rules,
    (store, stores): (&dyn Store, Stores),
) -> Result<(Tree, String)> {
    let before = store.room_before(plain, stores);
    let mut pool = Pool::open(before + room(plain) + METADATA);
    pool.skip(before);
    let mut out = Tree::new(plain.items.len(), pool);
    out.distinct = plain.distinct;
    let sealing = Sealing {
        plain,
        kept,
        walk: Walk::new(rules),
        reader: Walk::new(rules),
        rules,
        mac: Mac::new(rules),
        out,
        store,
    };
    sealing.run(cipher)
}

/// Enough room for the whole tree, and in that of a large text for the metadata around it.
fn room(plain: &Tree) -> usize {
    let text = |item: &Item| match item.text.len() {
        _ if item.node.opens() => 0,
        len if len >= LARGE => len / 3 * 4 + (LARGE >> 4),
        len => len / 3 * 4 + 140,
    };
    plain.items.iter().map(|item| item.key.len() + text(item)).sum()
}

/// Room behind the tree for the metadata of few keys, so that nothing is moved to append it.
const METADATA: usize = 4 << 10;

/// From so many bytes on a text is hashed and encrypted at the same time.
const LARGE: usize = 1 << 20;

struct Sealing<'p> {
    plain: &'p Tree,
    kept: Option<&'p Pool>,
    walk: Walk<'p>,
    /// What sops will think when it reads the file: it takes an encrypted comment in a list for an element.
    reader: Walk<'p>,
    rules: &'p Rules,
    mac: Mac,
    out: Tree,
    store: &'p dyn Store,
}

impl Sealing<'_> {
    fn run(mut self, cipher: &mut Cipher) -> Result<(Tree, String)> {
        for Placed { at, moved } in settle(self.plain, self.rules) {
            let mut item = self.plain.item(at);
            if moved {
                item.seal = Span::default();
            }
            let made = match item.node {
                Node::Map | Node::List => self.enter(item),
                Node::End => {
                    self.walk.leave();
                    self.reader.leave();
                    Ok(item)
                }
                Node::Comment(side) => self.comment(item, side, cipher),
                _ => self.value(item, cipher),
            };
            let made = made.map_err(|error| error.key(self.plain.path_of(at).to_string()))?;
            self.out.items.push(made);
        }
        if self.out.pool.is_full() {
            return Err(Error::new("the file would be larger than 4 GiB"));
        }
        Ok((self.out, self.mac.finish()))
    }

    fn name(&mut self, item: Item) -> Span {
        self.out.pool.push(self.plain.pool.get(item.key))
    }

    fn enter(&mut self, item: Item) -> Result<Item> {
        let key = self.plain.pool.get(item.key);
        self.check_name(key)?;
        self.walk.enter(item.node == Node::List, key);
        self.reader.enter(item.node == Node::List, key);
        let key = self.name(item);
        Ok(Item { merge: item.merge, ..Item::of_key(item.node, key) })
    }

    fn check_name(&self, key: &[u8]) -> Result<()> {
        if self.walk.depth() == 1 && self.store.is_reserved(key) {
            let name = String::from_utf8_lossy(key);
            return Err(Error::new(format!(
                "the top-level name '{name}' is kept for the metadata of an encrypted file"
            )));
        }
        Ok(())
    }

    fn value(&mut self, item: Item, cipher: &mut Cipher) -> Result<Item> {
        let key = self.plain.pool.get(item.key);
        self.check_name(key)?;
        let encrypted = self.walk.value(key);
        if self.rules.by_comment() && encrypted != self.reader.value(key) {
            return Err(Error::new(
                "sops could not read this back: between it and the comment that has it encrypted stands a comment \
                 that is encrypted itself",
            )
            .hint("put the deciding comment directly above, or above the list"));
        }
        let text = self.plain.pool.get(item.text);
        // names and texts lie as they will be written; but a text that is large is the first of its pool
        let large = text.len() >= LARGE;
        let before = if large { Span::default() } else { self.name(item) };
        let (node, text) = match item.node {
            Node::Null => (Node::Null, Span::default()),
            _ if encrypted && large => {
                let (aad, out) = (self.walk.aad(), &mut self.out.pool);
                let hash = || self.mac.add(item.node, text, true);
                let ((), sealed) = rayon::join(hash, || seal(self.kept, item, text, aad, cipher, out));
                (Node::Str, sealed?)
            }
            _ if encrypted => {
                self.mac.add(item.node, text, true);
                (Node::Str, self.seal(item, text, cipher)?)
            }
            node => {
                if let Some(why) = self.store.refuse_clear(node, text) {
                    return Err(Error::new(why));
                }
                self.mac.add(item.node, text, false);
                (node, self.out.pool.push(text))
            }
        };
        self.walk.done();
        self.reader.done();
        let key = if large { self.name(item) } else { before };
        // what is kept may have anything behind its bracket
        let made = encrypted && (self.kept.is_none() || item.seal.is_empty());
        let seal = if made { text } else { Span::default() };
        Ok(Item { node, text, key, merge: item.merge, seal })
    }

    fn comment(&mut self, item: Item, side: Side, cipher: &mut Cipher) -> Result<Item> {
        let text = self.plain.pool.get(item.text);
        let encrypted = self.walk.comment(text);
        let list = self.walk.in_list();
        if !encrypted || (text.is_empty() && !list) {
            self.reader.comment(text);
            // what was encrypted behind its value is in clear only if the rule changed: show it where it was
            let side = if side == Side::BehindSealed { Side::Behind } else { side };
            return Ok(Item { text: self.out.pool.push(text), ..Item::new(Node::Comment(side)) });
        }
        // an empty comment has no ciphertext, and in a list it would come back as an empty element
        let text = if text.is_empty() { b" " } else { text };
        let sealed = self.seal(item, text, cipher)?;
        if matches!(self.rules.selection(), Selection::UnencryptedCommentRegex(_))
            && self.rules.marks(self.out.pool.get(sealed))
        {
            return Err(Error::new(
                "the rule unencrypted_comment_regex matches what an encrypted comment looks like",
            ));
        }
        if list {
            self.reader.done();
            return Ok(Item { text: sealed, ..Item::new(Node::Str) });
        }
        self.reader.comment(self.out.pool.get(sealed));
        let side = if side == Side::Above { side } else { Side::Behind };
        Ok(Item { text: sealed, ..Item::new(Node::Comment(side)) })
    }

    fn seal(&mut self, item: Item, text: &[u8], cipher: &mut Cipher) -> Result<Span> {
        seal(self.kept, item, text, self.walk.aad(), cipher, &mut self.out.pool)
    }
}

/// The ciphertext of an item: the one that it has already, or a new one.
fn seal(
    kept: Option<&Pool>,
    item: Item,
    text: &[u8],
    aad: &[u8],
    cipher: &mut Cipher,
    out: &mut Pool,
) -> Result<Span> {
    match kept {
        Some(pool) if !item.seal.is_empty() => Ok(out.push(pool.get(item.seal))),
        _ => cipher.seal(item.node, text, aad, out),
    }
}
