//! The encodings of OpenSSH that several types of key share: the wire format of public keys.

use super::encoding::Malformed;
use crate::error::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Types of keys that OpenSSH knows and age does not encrypt to.
const OTHERS: [&str; 8] = [
    "ssh-dss",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-ed25519-cert-v01@openssh.com",
    "ssh-rsa-cert-v01@openssh.com",
];

/// The name of a type of OpenSSH key that is not ed25519 or RSA, where the word is one.
pub(super) fn other_type(word: &str) -> Option<&'static str> {
    OTHERS.into_iter().find(|name| *name == word)
}

/// `TYPE BASE64 COMMENT`, as a `.pub` file has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// The first word.
    pub(super) kind: &'a str,
    /// The second.
    pub(super) base64: &'a str,
    /// The rest, without blanks around it.
    pub(super) comment: &'a str,
}

/// Takes a line apart. Nothing is checked yet.
pub(super) fn split(line: &str) -> Option<Line<'_>> {
    let (kind, rest) = line.trim().split_once([' ', '\t'])?;
    let rest = rest.trim_start();
    let (base64, comment) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    Some(Line { kind, base64, comment: comment.trim() })
}

/// The fields of a public key's blob behind the type's name, which must be `kind`.
pub(super) fn fields(kind: &str, base64: &str) -> Result<Vec<Vec<u8>>, Malformed> {
    let blob = STANDARD.decode(base64).map_err(|_| Malformed("its base64 is damaged or cut off"))?;
    let mut rest = blob.as_slice();
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (field, behind) = field(rest).ok_or(Malformed("it is cut off"))?;
        fields.push(field.to_vec());
        rest = behind;
    }
    if fields.first().map(Vec::as_slice) != Some(kind.as_bytes()) {
        return Err(Malformed("the type inside is another one than the type in front"));
    }
    fields.remove(0);
    Ok(fields)
}

/// A field of four bytes of length and that many bytes, and what is behind it.
fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// What the age crate wraps a file key with.
pub(super) fn wrapper(text: &str) -> Result<age::ssh::Recipient> {
    text.parse().map_err(|_| Error::new("cannot encrypt to this ssh key"))
}
