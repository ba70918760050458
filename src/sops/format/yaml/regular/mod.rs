//! Regular YAML, line by line: maps of plain names and one-line texts, without comments or lists, in one document.
//!
//! Large files are so, since programs write them, and to ask about each of their lines what all of YAML could mean by it takes
//! longer than to decrypt them. What is read and written here is the same that `read` and `write` beside this room read and write:
//! where anything is otherwise, nothing is done and no error made, which is for those to do.

mod read;
mod write;

pub(super) use read::{plain, sealed};
pub(super) use write::{around, lines, turned};

/// Whether it looks like an encrypted value, which is text whatever stands in it, and has no blank.
fn is_sealed(value: &[u8]) -> bool {
    value.starts_with(b"ENC[") && value.ends_with(b"]") && all(value, |byte| byte.is_ascii_graphic())
}

/// Whether it is a word that YAML has no other meaning for: those that it has are shorter, or begin with no letter.
fn is_word(text: &[u8]) -> bool {
    let of_words = |byte: u8| byte.is_ascii_alphanumeric() | matches!(byte, b'-' | b'_' | b'.' | b'/');
    text.len() > 5 && text.first().is_some_and(u8::is_ascii_alphabetic) && all(text, of_words)
}

/// Looks at every byte in any case, so that the compiler can take many at once.
fn all(text: &[u8], holds: impl Fn(u8) -> bool) -> bool {
    text.iter().fold(true, |all, byte| all & holds(*byte))
}
