//! The formats that a sops file can have, one file each behind one small trait.
//!
//! A format turns bytes into the tree and the tree into bytes, in sops' own layout. It knows no keys and no
//! ciphers: what is encrypted is text to it like any other.

mod binary;
mod dotenv;
mod flat;
mod ini;
mod json;
mod nested;
mod scalar;
mod stores;
mod yaml;

pub use stores::{Indent, Stores};

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
    /// `.json`
    Json,
    /// `.env`
    Dotenv,
    /// `.ini`
    Ini,
    /// Any bytes: one value in an envelope of JSON.
    Binary,
}

impl Format {
    /// The format that a file's name ends in, upper and lower case distinguished as sops does; any other name is that
    /// of a file of bytes.
    pub fn of_path(path: &Path) -> Self {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match name.rsplit_once('.') {
            Some((_, "yaml" | "yml")) => Self::Yaml,
            Some((_, "json")) => Self::Json,
            Some((_, "env")) => Self::Dotenv,
            Some((_, "ini")) => Self::Ini,
            _ => Self::Binary,
        }
    }

    /// The format of a name that a command line gives it: `yaml`, `json`, `dotenv`, `ini`, `binary`.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Every format.
    pub const ALL: [Self; 5] = [Self::Yaml, Self::Json, Self::Dotenv, Self::Ini, Self::Binary];

    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
            Self::Dotenv => "dotenv",
            Self::Ini => "ini",
            Self::Binary => "binary",
        }
    }

    /// Whether there are values that this format cannot hold.
    pub(super) fn is_narrow(self) -> bool {
        matches!(self, Self::Json | Self::Dotenv | Self::Ini)
    }

    pub(super) fn store(self) -> &'static dyn Store {
        match self {
            Self::Yaml => &yaml::Yaml,
            Self::Json => &json::Json,
            Self::Dotenv => &dotenv::Dotenv,
            Self::Ini => &ini::Ini,
            Self::Binary => &binary::Binary,
        }
    }
}

/// One format.
pub(super) trait Store {
    /// Reads a file in clear. Every copy made of it on the way is wiped.
    fn read_plain(&self, source: &[u8]) -> Result<Tree>;

    /// The same, and may keep the source for itself.
    fn take_plain(&self, source: &mut Zeroizing<Vec<u8>>) -> Result<Tree> {
        self.read_plain(source)
    }

    /// Reads an encrypted file: its documents, and the metadata that stood in them.
    fn read_sealed(&self, source: &[u8]) -> Result<(Tree, Map)>;

    /// The same, and may keep the source for itself.
    fn take_sealed(&self, source: &mut Zeroizing<Vec<u8>>) -> Result<(Tree, Map)> {
        self.read_sealed(source)
    }

    /// Writes documents in clear.
    fn write_plain(&self, tree: &Tree, stores: Stores) -> Result<Zeroizing<Vec<u8>>>;

    /// The same, and may take the text out of the tree.
    fn turn_plain(&self, tree: &mut Tree, stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        self.write_plain(tree, stores)
    }

    /// Writes encrypted documents with their metadata.
    fn write_sealed(&self, tree: &Tree, metadata: &Map, stores: Stores) -> Result<Zeroizing<Vec<u8>>>;

    /// The same, and may make the file out of the tree's text.
    fn turn_sealed(&self, tree: Tree, metadata: &Map, stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        self.write_sealed(&tree, metadata, stores)
    }

    /// How much room before the text of an encrypted tree, made of this one, lets the file be made out of it.
    fn room_before(&self, _plain: &Tree, _stores: Stores) -> usize {
        0
    }

    /// Writes what stands at one place, as a document of its own.
    fn write_value(&self, tree: &Tree, at: usize, stores: Stores) -> Result<Zeroizing<Vec<u8>>>;

    /// Why a value cannot stand in clear in an encrypted file of this format, if so: it would be read back with
    /// other bytes than the MAC was made of.
    fn refuse_clear(&self, node: Node, text: &[u8]) -> Option<&'static str>;

    /// Whether an encrypted file of this format may be made of documents that can be written in it.
    ///
    /// Errors: it could not be printed in that format when it is decrypted.
    fn check_sealed(&self, _tree: &Tree) -> Result<()> {
        Ok(())
    }

    /// Whether a name at the top of a document is kept for the metadata.
    fn is_reserved(&self, name: &[u8]) -> bool {
        name == nested::METADATA.as_bytes()
    }
}

/// What is said of a file that has no metadata.
const NOT_ENCRYPTED: &str = "this is not an encrypted file: it has no 'sops' metadata";

/// The error about a file that has no metadata.
fn not_encrypted() -> Error {
    Error::new(NOT_ENCRYPTED).hint("to encrypt it: uvars encrypt -i FILE")
}

/// Whether an error says that a file has no metadata, and nothing else is wrong with it.
pub fn is_not_encrypted(error: &Error) -> bool {
    error.message() == NOT_ENCRYPTED
}

/// Where the first such byte of a text stands. They are looked at in runs, so that the compiler can take many at once.
fn first(text: &[u8], such: impl Fn(u8) -> bool) -> Option<usize> {
    const RUN: usize = 64;
    let has_any = |run: &[u8]| run.iter().fold(false, |any, byte| any | such(*byte));
    let before = RUN * text.chunks(RUN).position(has_any)?;
    text.get(before..)?.iter().position(|byte| such(*byte)).map(|at| before + at)
}

/// Checks that a format that holds one document is given one: sops drops the others.
fn one_document(tree: &Tree, format: &str) -> Result<()> {
    match tree.documents().len() {
        1 => Ok(()),
        count => Err(Error::new(format!("{format} holds one document, and there are {count}"))),
    }
}

/// Why -0.0 cannot stand in clear in YAML and JSON: it is written `-0`, which reads as the whole number 0.
fn minus_zero(node: Node) -> Option<&'static str> {
    match node {
        Node::Float(number) if number == 0.0 && number.is_sign_negative() => {
            Some("the number -0.0 cannot stand in clear: sops would read it back as 0")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_is_found_wherever_it_stands() {
        for length in [0, 1, 63, 64, 65, 200] {
            let mut text = vec![b'a'; length];
            assert_eq!(first(&text, |byte| byte == b'"'), None);
            for at in (0..length).rev() {
                text[at] = b'"';
                assert_eq!(first(&text, |byte| byte == b'"'), Some(at), "of {length}");
            }
        }
    }

    #[test]
    fn a_name_says_the_format() {
        for (name, format) in [
            ("a/b.yaml", Format::Yaml),
            ("b.sops.yml", Format::Yaml),
            ("a.json", Format::Json),
            (".env", Format::Dotenv),
            ("a.env", Format::Dotenv),
            ("a.ini", Format::Ini),
            ("a.env.local", Format::Binary),
            ("a.YAML", Format::Binary),
            ("a", Format::Binary),
        ] {
            assert_eq!(Format::of_path(Path::new(name)), format, "{name}");
            assert_eq!(Format::of_name(format.name()), Some(format));
        }
    }
}
