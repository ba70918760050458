//! The hybrid keys of age, ML-KEM-768 with X25519: recognised and kept as they are, and nothing more.

use super::encoding::{Malformed, decode};
use crate::error::Error;

/// What a hybrid recipient begins with.
pub(super) const PREFIX: &str = "age1pq1";

/// ML-KEM-768's encapsulation key and an X25519 point.
const LENGTH: usize = 1184 + 32;

/// Checks the checksum and the length.
pub(super) fn check(text: &str) -> Result<(), Malformed> {
    let (_, bytes) = decode(text)?;
    if bytes.len() == LENGTH { Ok(()) } else { Err(Malformed("its length is not that of a hybrid key")) }
}

/// Why a data key cannot be wrapped for one.
pub(super) fn unsupported() -> Error {
    Error::new("cannot encrypt to a hybrid recipient (age1pq1…, ML-KEM-768 with X25519)")
        .hint("use an X25519 key (age1…) of the same person beside or instead of it")
}
