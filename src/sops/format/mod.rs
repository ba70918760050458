//! The formats that a sops file can have, one file each behind one small trait.
//!
//! A format turns bytes into the tree and the tree into bytes, in sops' own layout. It knows no keys and no
//! ciphers: what is encrypted is text to it like any other.

mod stores;
mod yaml;

pub use stores::Stores;

use crate::sops::tree::{Node, Tree};
use crate::sops::value::Map;
use crate::{Error, Result};
use std::path::Path;
use zeroize::Zeroizing;

/// What a file looks like on the outside.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Format {
    /// `.yaml`, `.yml`
    Yaml,
}

impl Format {
    /// The format that a file's name ends in, upper and lower case distinguished as sops does.
    ///
    /// Errors: any other name.
    pub fn of_path(path: &Path) -> Result<Self> {
        match path.extension().and_then(|suffix| suffix.to_str()) {
            Some("yaml" | "yml") => Ok(Self::Yaml),
            _ => Err(Error::new("this is not a YAML file: its name ends in neither .yaml nor .yml").at(path)),
        }
    }

    pub(super) fn store(self) -> &'static dyn Store {
        match self {
            Self::Yaml => &yaml::Yaml,
        }
    }
}

/// One format.
pub(super) trait Store {
    /// Reads the documents of a file. `secret` says that this is plaintext: every copy made of it on the way is
    /// wiped.
    fn read(&self, source: &[u8], secret: bool) -> Result<Tree>;

    /// Takes the metadata out of the documents of an encrypted file.
    fn split(&self, tree: Tree) -> Result<(Tree, Map)>;

    /// Writes documents, with the metadata where the format has it.
    fn write(&self, tree: &Tree, metadata: Option<&Map>, stores: Stores) -> Result<Zeroizing<Vec<u8>>>;

    /// Writes what stands at one place, as a document of its own.
    fn write_value(&self, tree: &Tree, at: usize, stores: Stores) -> Result<Zeroizing<Vec<u8>>>;

    /// Why a value cannot stand in clear in an encrypted file of this format, if so: it would be read back with
    /// other bytes than the MAC was made of.
    fn refuse_clear(&self, node: Node) -> Option<&'static str>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_the_format_or_is_refused_by_name() {
        assert_eq!(Format::of_path(Path::new("a/b.yaml")).unwrap(), Format::Yaml);
        assert_eq!(Format::of_path(Path::new("b.sops.yml")).unwrap(), Format::Yaml);
        for name in ["a.json", "a.env", "a.ini", "a", ".yaml", "a.YAML"] {
            let error = Format::of_path(Path::new(name)).unwrap_err();
            assert!(error.to_string().starts_with(name), "{error}");
        }
    }
}
