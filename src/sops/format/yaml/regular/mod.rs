//! Regular YAML, line by line: maps of plain names and one-line texts, without comments or lists, in one document.
//!
//! Large files are so, since programs write them, and to ask about each of their lines what all of YAML could mean by it takes
//! longer than to decrypt them. What is read and written here is the same that `read` and `write` beside this room read and write:
//! where anything is otherwise, nothing is done and no error made, which is for those to do.

mod read;
mod write;

pub(super) use read::{plain, sealed};
pub(super) use write::lines;

/// Whether it looks like an encrypted value, which is text whatever stands in it, and has no blank.
fn is_sealed(value: &[u8]) -> bool {
    value.starts_with(b"ENC[") && value.ends_with(b"]") && value.iter().all(u8::is_ascii_graphic)
}
