//! Any bytes: the one value `data` of a JSON envelope, in which the metadata stands as in other JSON.

use crate::sops::format::json::{self, Json};
use crate::sops::format::{Store, Stores, nested};
use crate::sops::tree::{Item, Node, Pool, Tree};
use crate::sops::value::Map;
use crate::{Error, Result};
use zeroize::Zeroizing;

/// The name of the one value.
const DATA: &[u8] = b"data";

pub(super) struct Binary;

impl Store for Binary {
    fn read_plain(&self, source: &[u8]) -> Result<Tree> {
        let mut tree = Tree::new(3, Pool::secret(source.len() + DATA.len()));
        let key = tree.pool.push(DATA);
        let text = tree.pool.push(source);
        tree.items.push(Item::new(Node::Map));
        tree.items.push(Item { text, ..Item::of_key(Node::Str, key) });
        tree.items.push(Item::new(Node::End));
        if tree.pool.is_full() {
            return Err(Error::new("the file is larger than 4 GiB"));
        }
        Ok(tree)
    }

    fn read_sealed(&self, source: &[u8]) -> Result<(Tree, Map)> {
        const OTHER: &str = "where it is a file of another type: --input-type TYPE";
        let tree = json::read(source).map_err(|_| {
            Error::new("is no encrypted file of bytes, which its name says it is").hint(OTHER)
        })?;
        let (tree, metadata) = nested::split(tree)?;
        data(&tree).map_err(|error| error.hint(OTHER))?;
        Ok((tree, metadata))
    }

    fn write_plain(&self, tree: &Tree, _stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        let text = tree.item(data(tree)?).text;
        Ok(Zeroizing::new(tree.pool.get(text).to_vec()))
    }

    fn write_sealed(&self, tree: &Tree, metadata: &Map, stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        data(tree)?;
        json::document(tree, Some(metadata), stores.binary_indent())
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
        _ => Err(Error::new(wrong)),
    }
}
