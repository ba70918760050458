//! YAML: any number of documents, comments, `sops` as the last name of each.

mod names;
mod read;
mod regular;
mod write;

use crate::Result;
use crate::sops::format::{Store, Stores, minus_zero, nested};
use crate::sops::tree::{Node, Tree};
use crate::sops::value::Map;
use zeroize::Zeroizing;

pub(super) struct Yaml;

impl Store for Yaml {
    fn read_plain(&self, source: &[u8]) -> Result<Tree> {
        self.take_plain(&mut Zeroizing::new(source.to_vec()))
    }

    fn take_plain(&self, source: &mut Zeroizing<Vec<u8>>) -> Result<Tree> {
        regular::plain(source).map_or_else(|| read::read(source, true), Ok)
    }

    fn read_sealed(&self, source: &[u8]) -> Result<(Tree, Map)> {
        self.take_sealed(&mut Zeroizing::new(source.to_vec()))
    }

    fn take_sealed(&self, source: &mut Zeroizing<Vec<u8>>) -> Result<(Tree, Map)> {
        let general = |source: &[u8]| nested::split(read::read(source, false)?);
        regular::sealed(source).map_or_else(|| general(source), Ok)
    }

    fn write_plain(&self, tree: &Tree, stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        names::refuse_twice(tree)?;
        written(tree, None, stores)
    }

    fn turn_plain(&self, tree: &mut Tree, stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        names::refuse_twice(tree)?;
        regular::turned(tree, stores.yaml_indent(), false).map_or_else(|| written(tree, None, stores), Ok)
    }

    fn write_sealed(&self, tree: &Tree, metadata: &Map, stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        names::refuse_twice(tree)?;
        written(tree, Some(metadata), stores)
    }

    fn turn_sealed(&self, mut tree: Tree, metadata: &Map, stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        names::refuse_twice(&tree)?;
        let indent = stores.yaml_indent();
        let last = last_name(metadata, indent)?;
        let Some(mut lines) = regular::turned(&mut tree, indent, true) else {
            return written(&tree, Some(metadata), stores);
        };
        lines.extend_from_slice(&last);
        Ok(lines)
    }

    fn room_before(&self, tree: &Tree, stores: Stores) -> usize {
        regular::around(tree, stores.yaml_indent()).unwrap_or(0)
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

/// The metadata as the last lines of a document.
fn last_name(metadata: &Map, indent: usize) -> Result<Zeroizing<Vec<u8>>> {
    write::documents(&Tree::without_values(), Some(metadata), indent)
}

/// Writes all documents; each gets the metadata as its last name.
fn written(tree: &Tree, metadata: Option<&Map>, stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
    let indent = stores.yaml_indent();
    let last = match metadata {
        None => Zeroizing::default(),
        Some(metadata) => last_name(metadata, indent)?,
    };
    match regular::lines(tree, indent, last.len()) {
        None => write::documents(tree, metadata, indent),
        Some(mut lines) => {
            lines.extend_from_slice(&last);
            Ok(lines)
        }
    }
}
