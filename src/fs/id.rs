//! Names that nobody else has.

use crate::{Error, Result};

/// Sixteen random hexadecimal digits.
pub(super) fn random() -> Result<String> {
    let number = getrandom::u64().map_err(|error| Error::new("cannot get random bytes").because(error))?;
    Ok(format!("{number:016x}"))
}

/// Whether `text` could be one of ours.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
