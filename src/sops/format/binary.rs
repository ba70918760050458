//! Any bytes: the one value `data` of a JSON envelope, in which the metadata stands as in other JSON.

use crate::sops::format::json::{self, Json};
use crate::sops::format::{Store, Stores, nested};
use crate::sops::pool::{Pool, Span};
use crate::sops::tree::{Item, Node, Tree};
use crate::sops::value::Map;
use crate::{Error, Result};
use zeroize::Zeroizing;

/// The name of the one value.
const DATA: &[u8] = b"data";

pub(super) struct Binary;

impl Store for Binary {
    fn read_plain(&self, source: &[u8]) -> Result<Tree> {
        let mut taken = Zeroizing::new(Vec::with_capacity(source.len() + DATA.len()));
        taken.extend_from_slice(source);
        self.take_plain(&mut taken)
    }

    fn take_plain(&self, source: &mut Zeroizing<Vec<u8>>) -> Result<Tree> {
        let text = Span::new(0, source.len() + DATA.len()).map(|all| all.up_to(source.len()));
        let text = text.ok_or_else(|| Error::new("the file is larger than 4 GiB"))?;
        let mut tree = Tree::new(3, Pool::of(std::mem::take(&mut **source), true));
        let key = tree.pool.push(DATA);
        tree.items.push(Item::new(Node::Map));
        tree.items.push(Item { text, ..Item::of_key(Node::Str, key) });
        tree.items.push(Item::new(Node::End));
        Ok(tree)
    }

    fn read_sealed(&self, source: &[u8]) -> Result<(Tree, Map)> {
        envelope(json::read(source))
    }

    fn take_sealed(&self, source: &mut Zeroizing<Vec<u8>>) -> Result<(Tree, Map)> {
        envelope(json::take(source))
    }

    fn write_plain(&self, tree: &Tree, _stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        let text = tree.item(data(tree)?).text;
        Ok(Zeroizing::new(tree.pool.get(text).to_vec()))
    }

    fn turn_plain(&self, tree: &mut Tree, _stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        let text = tree.item(data(tree)?).text;
        Ok(tree.pool.cut_out(text, b"", b""))
    }

    fn write_sealed(&self, tree: &Tree, metadata: &Map, stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        json::document(tree, Some(metadata), stores.binary_indent())
    }

    fn turn_sealed(&self, mut tree: Tree, metadata: &Map, stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        const BEFORE: &[u8] = b"\"data\": \"";
        let at = data(&tree).ok().filter(|&at| json::is_bare(tree.pool.get(tree.item(at).text)));
        let Some(at) = at else { return self.write_sealed(&tree, metadata, stores) };
        let text = tree.item(at).text;
        // all that stands around the text is written, and it stays where it is
        tree.splice(at, at + 1, &[Item { text: Span::default(), ..tree.item(at) }]);
        let around = self.write_sealed(&tree, metadata, stores)?;
        let before = memchr::memmem::find(&around, BEFORE).map_or(0, |start| start + BEFORE.len());
        let (before, behind) = around.split_at_checked(before).unwrap_or_default();
        Ok(tree.pool.cut_out(text, before, behind))
    }

    fn write_value(&self, _tree: &Tree, _at: usize, _stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        Err(Error::new("a file of bytes has nothing in it that could be printed for itself"))
    }

    fn is_reserved(&self, _name: &[u8]) -> bool {
        false
    }

    fn refuse_clear(&self, node: Node, text: &[u8]) -> Option<&'static str> {
        Json.refuse_clear(node, text)
    }

    fn check_sealed(&self, tree: &Tree) -> Result<()> {
        data(tree).map(drop)
    }
}

/// What an encrypted file holds: its bytes, or any JSON whose file has a name that does not say so.
fn envelope(tree: Result<Tree>) -> Result<(Tree, Map)> {
    const OTHER: &str = "where it is a file of another type: --input-type TYPE";
    let tree =
        tree.map_err(|_| Error::new("is no encrypted file of bytes, which its name says it is").hint(OTHER))?;
    nested::split(tree)
}

/// The place of the one value of a file of bytes.
fn data(tree: &Tree) -> Result<usize> {
    let documents = tree.documents().len();
    let wrong = "holds no file of bytes, which is one text by the name of data";
    let mut values = tree.children(0).filter(|&at| !tree.item(at).node.is_comment());
    match (values.next(), values.next()) {
        (Some(at), None) if documents == 1 && tree.key(at) == DATA && tree.item(at).node == Node::Str => {
            Ok(at)
        }
        _ => Err(Error::new(wrong)
            .hint("where it is a file of another type: --output-type TYPE, or a name that says so")),
    }
}

#[cfg(test)]
mod tests {
    use crate::keys::{IdentitySources, Keyring, Programs, generate};
    use crate::secret::Secret;
    use crate::sops::{Encrypted, Format, Indent, Plain, Rules, Stores};
    use std::time::SystemTime;

    #[test]
    fn a_file_made_in_its_own_memory_is_the_same_as_one_that_is_copied() {
        let key = generate("2026-01-01T00:00:00Z").unwrap();
        let keys = Keyring::new(IdentitySources { key_text: Some(key.text), ..IdentitySources::default() });
        for length in [0, 1, 100, 70_000, (1 << 20) + 1] {
            let bytes: Vec<u8> = (0..=255_u8).rev().cycle().take(length).collect();
            for indent in [Indent::Tab, Indent::Spaces(3)] {
                let stores = Stores::default().with_binary_indent(indent);
                let plain = Plain::take(Secret::new(bytes.clone()), Format::Binary).unwrap().laid_out(stores);
                let (readers, rules, now) =
                    (std::slice::from_ref(&key.recipient), Rules::default(), SystemTime::now());
                let file =
                    Encrypted::create(&plain, readers, &rules, now, Format::Binary, &Programs::default());
                let file = file.unwrap();
                let copied = file.emit().unwrap();
                assert!(file.into_bytes().unwrap() == copied, "{length}");
                let taken = Encrypted::take(Secret::new(copied.clone()), Format::Binary).unwrap();
                let plain = taken.decrypt(&taken.unlock(&keys).unwrap()).unwrap();
                assert!(plain.emit(Format::Binary).unwrap().expose() == bytes, "{length}");
                assert!(plain.into_text(Format::Binary).unwrap().expose() == bytes, "{length}");
            }
        }
    }
}
