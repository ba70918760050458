//! JSON: one document, no comments, `sops` as its last name.

mod escape;
mod read;
mod write;

pub(super) use write::is_bare;

use crate::Result;
use crate::sops::format::stores::Indent;
use crate::sops::format::{Store, Stores, minus_zero, nested, one_document};
use crate::sops::pool::Pool;
use crate::sops::tree::{Node, Tree};
use crate::sops::value::{Map, Value};
use zeroize::Zeroizing;

pub(super) struct Json;

impl Store for Json {
    fn read_plain(&self, source: &[u8]) -> Result<Tree> {
        read::read(source, true)
    }

    fn take_plain(&self, source: &mut Zeroizing<Vec<u8>>) -> Result<Tree> {
        read::take(source, true)
    }

    fn read_sealed(&self, source: &[u8]) -> Result<(Tree, Map)> {
        nested::split(read(source)?)
    }

    fn take_sealed(&self, source: &mut Zeroizing<Vec<u8>>) -> Result<(Tree, Map)> {
        nested::split(take(source)?)
    }

    fn write_plain(&self, tree: &Tree, stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        document(tree, None, stores.json_indent())
    }

    fn write_sealed(&self, tree: &Tree, metadata: &Map, stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        document(tree, Some(metadata), stores.json_indent())
    }

    fn write_value(&self, tree: &Tree, at: usize, stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        let mut bytes = write::value(tree, at, None, stores.json_indent())?;
        if tree.item(at).node == Node::Map {
            bytes.push(b'\n');
        }
        Ok(bytes)
    }

    fn refuse_clear(&self, node: Node, _text: &[u8]) -> Option<&'static str> {
        minus_zero(node)
    }
}

/// Reads a file that is not secret, its metadata among the names.
pub(super) fn read(source: &[u8]) -> Result<Tree> {
    read::read(source, false)
}

/// The same, without a copy of the source.
pub(super) fn take(source: &mut Zeroizing<Vec<u8>>) -> Result<Tree> {
    read::take(source, false)
}

/// Writes the one document of a file.
pub(super) fn document(tree: &Tree, metadata: Option<&Map>, indent: Indent) -> Result<Zeroizing<Vec<u8>>> {
    one_document(tree, "JSON")?;
    let last = metadata.map(|map| {
        let mut last = Tree::new(64, Pool::open(4096));
        last.push_value(Some(nested::METADATA), &Value::Map(map.clone()));
        last
    });
    let mut bytes = write::value(tree, 0, last.as_ref(), indent)?;
    bytes.push(b'\n');
    Ok(bytes)
}
