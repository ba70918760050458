//! YAML: any number of documents, comments, `sops` as the last name of each.

mod names;
mod read;
mod write;

use crate::Result;
use crate::sops::format::{Store, Stores, minus_zero, nested};
use crate::sops::tree::{Node, Tree};
use crate::sops::value::Map;
use zeroize::Zeroizing;

pub(super) struct Yaml;

impl Store for Yaml {
    fn read_plain(&self, source: &[u8]) -> Result<Tree> {
        read::read(source, true)
    }

    fn read_sealed(&self, source: &[u8]) -> Result<(Tree, Map)> {
        nested::split(read::read(source, false)?)
    }

    fn write_plain(&self, tree: &Tree, stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        names::refuse_twice(tree)?;
        write::documents(tree, None, stores.yaml_indent())
    }

    fn write_sealed(&self, tree: &Tree, metadata: &Map, stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        names::refuse_twice(tree)?;
        write::documents(tree, Some(metadata), stores.yaml_indent())
    }

    fn write_value(&self, tree: &Tree, at: usize, stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        // sops heeds the setting for maps alone
        let stores = if tree.item(at).node == Node::Map { stores } else { Stores::default() };
        write::value(tree, at, stores.yaml_indent())
    }

    fn refuse_clear(&self, node: Node, _text: &[u8]) -> Option<&'static str> {
        minus_zero(node)
    }
}
