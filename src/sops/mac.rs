//! The MAC of a file: SHA-512 over every value's bytes, in the order of the walk, over all documents.
//!
//! Names, comments, nulls and structure are not in it.

use crate::sops::leaf::leaf_bytes;
use crate::sops::rules::Rules;
use crate::sops::tree::{Node, scratch};
use sha2::{Digest as _, Sha512};
use zeroize::Zeroizing;

/// SHA-256 of "sops": what a file begins with whose MAC covers encrypted values only, so that the two kinds
/// can never be taken for each other.
const ONLY_ENCRYPTED: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b, 0x0b,
    0x97, 0x5b, 0x3b, 0xf4, 0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];

/// A MAC in the making.
pub(super) struct Mac {
    hash: Sha512,
    only_encrypted: bool,
    scratch: Zeroizing<Vec<u8>>,
}

impl Mac {
    pub(super) fn new(rules: &Rules) -> Self {
        let only_encrypted = rules.mac_only_encrypted();
        let mut hash = Sha512::new();
        if only_encrypted {
            hash.update(ONLY_ENCRYPTED);
        }
        Self { hash, only_encrypted, scratch: scratch() }
    }

    /// Takes a leaf in; the text is that of a string.
    pub(super) fn add(&mut self, node: Node, text: &[u8], encrypted: bool) {
        if self.only_encrypted && !encrypted {
            return;
        }
        match node {
            Node::Str => self.hash.update(text),
            Node::Int(_) | Node::Float(_) | Node::Bool(_) | Node::Time(_) => {
                self.scratch.clear();
                leaf_bytes(node, &mut self.scratch);
                self.hash.update(&*self.scratch);
            }
            Node::Map | Node::List | Node::End | Node::Null | Node::Comment(_) => {}
        }
    }

    /// 128 upper-case hexadecimal digits.
    pub(super) fn finish(self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        let digit = |value: u8| DIGITS.get(usize::from(value)).map_or('0', |digit| char::from(*digit));
        self.hash.finalize().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::Sha256;

    #[test]
    fn the_start_of_the_narrow_mac_is_the_digest_of_the_name() {
        assert_eq!(Sha256::digest(b"sops")[..], ONLY_ENCRYPTED);
    }

    #[test]
    fn values_follow_each_other_without_marks() {
        let rules = Rules::default();
        let mut mac = Mac::new(&rules);
        mac.add(Node::Str, b"ab", true);
        mac.add(Node::Null, b"", true);
        mac.add(Node::Bool(true), b"", false);
        mac.add(Node::Int(-7), b"", true);
        let direct: String =
            Sha512::digest(b"abTrue-7").iter().fold(String::new(), |text, byte| format!("{text}{byte:02X}"));
        assert_eq!(mac.finish(), direct);
    }
}
