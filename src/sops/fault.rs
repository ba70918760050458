//! Why one value cannot be opened. What it says never holds what the value says.

use std::fmt;

/// Why a text cannot be opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// It has not the form of an encrypted value.
    Form,
    /// A part of it is not base64.
    Base64,
    /// The nonce is not 12, 16 or 32 bytes long, or the tag not 16.
    Length,
    /// Tampered with, moved here from elsewhere, or under another data key.
    Tag,
    /// A type that no sops writes.
    Type,
    /// The plaintext is not of the type that the text claims.
    Content,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Form => "this should be encrypted and is not in the form of an encrypted value",
            Self::Base64 => "the encrypted value is damaged: a part of it is not base64",
            Self::Length => {
                "the encrypted value is damaged: its nonce or tag has a length that no sops writes"
            }
            Self::Tag => "the encrypted value was changed, or moved here from another key or file",
            Self::Type => "the encrypted value has a type that is not known",
            Self::Content => "the encrypted value is not of the type it claims",
        })
    }
}
