//! YAML: any number of documents, comments, `sops` as the last name of each.

mod names;
mod read;
mod write;

use crate::sops::format::{Store, Stores};
use crate::sops::tree::{Node, Tree};
use crate::sops::value::{Map, Value};
use crate::{Error, Result};
use zeroize::Zeroizing;

/// The name under which every document carries the metadata; that of the first counts.
const METADATA: &[u8] = b"sops";

pub(super) struct Yaml;

impl Store for Yaml {
    fn read(&self, source: &[u8], secret: bool) -> Result<Tree> {
        read::read(source, secret)
    }

    fn split(&self, mut tree: Tree) -> Result<(Tree, Map)> {
        let mut metadata = None;
        for (number, document) in tree.documents().into_iter().enumerate().rev() {
            let Some(at) = tree.find(document, METADATA) else { continue };
            if number == 0 {
                metadata = Some(tree.value(at));
            }
            let end = tree.behind(at);
            tree.items.drain(at..end);
        }
        match metadata {
            Some(Value::Map(map)) => Ok((tree, map)),
            Some(other) => {
                Err(Error::new(format!("the metadata should be a map and is {}", other.kind())).key("sops"))
            }
            None => Err(Error::new("this is not an encrypted file: it has no 'sops' metadata")
                .hint("to encrypt it: uvars encrypt -i FILE")),
        }
    }

    fn write(&self, tree: &Tree, metadata: Option<&Map>, stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        write::documents(tree, metadata, stores.yaml_indent())
    }

    fn write_value(&self, tree: &Tree, at: usize, stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        // sops heeds the setting for maps alone
        let stores = if tree.item(at).node == Node::Map { stores } else { Stores::default() };
        write::value(tree, at, stores.yaml_indent())
    }

    fn refuse_clear(&self, node: Node) -> Option<&'static str> {
        match node {
            // written `-0`, which reads as the whole number 0
            Node::Float(number) if number == 0.0 && number.is_sign_negative() => {
                Some("the number -0.0 cannot stand in clear: sops would read it back as 0")
            }
            _ => None,
        }
    }
}
