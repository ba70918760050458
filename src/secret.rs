//! The only types that may hold plaintext.
//!
//! Both wipe their memory when they are dropped, show nothing when they are printed for debugging, and have
//! no `Display`. Whoever needs the bytes says so by `expose`.

use std::fmt;
use std::io::{ErrorKind, Read, Result};
use zeroize::{Zeroize, Zeroizing};

/// Overwrites bytes with zeros, in a way that no compiler takes out.
///
/// As fast as memory is: a file of many megabytes is wiped in a few milliseconds, and not byte by byte.
pub fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    zeroize::optimization_barrier(bytes);
}

/// What is read of unknown length has this much room first.
const FIRST_ROOM: usize = 16 * 1024;

/// Plaintext bytes: a value, a password, a private key.
#[derive(Clone, Default)]
pub struct Secret(Vec<u8>);

impl Drop for Secret {
    fn drop(&mut self) {
        // what was shortened may still lie behind the end
        self.0.resize(self.0.capacity(), 0);
        wipe(&mut self.0);
    }
}

impl Secret {
    /// Takes the bytes over; the vector is wiped with this value.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Reads to the end, or `most` bytes. A vector that grows by itself leaves copies in memory that nobody wipes.
    ///
    /// # Errors
    ///
    /// Those of the reader.
    pub fn read(mut from: impl Read, most: usize) -> Result<Self> {
        let mut bytes = Self::new(vec![0; FIRST_ROOM.min(most)]);
        let mut length = 0;
        while length < most {
            if length == bytes.len() {
                let room = (length * 2).min(most);
                let mut larger = Self::new(Vec::with_capacity(room));
                larger.0.extend_from_slice(&bytes.0);
                larger.0.resize(room, 0);
                bytes = larger;
            }
            match from.read(bytes.0.get_mut(length..).unwrap_or_default()) {
                Ok(0) => break,
                Ok(count) => length += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.0.truncate(length);
        Ok(bytes)
    }

    /// The bytes.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as text, where they are UTF-8.
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Hands the bytes over to somebody who wipes them.
    pub fn into_inner(mut self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(std::mem::take(&mut self.0))
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text.into_bytes())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes().to_vec())
    }
}

impl From<&[u8]> for Secret {
    fn from(bytes: &[u8]) -> Self {
        Self::new(bytes.to_vec())
    }
}

impl Eq for Secret {}

impl PartialEq for Secret {
    /// Compares every byte, whatever the first difference is; only the length shows in the time it takes.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.expose().iter().zip(other.expose()).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(…)")
    }
}

/// The 32 bytes that every value of a sops file is encrypted under.
#[derive(Clone, Eq, PartialEq)]
pub struct DataKey([u8; 32]);

impl DataKey {
    /// Takes 32 bytes over.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// From a slice that must be 32 bytes long.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for DataKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DataKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let shown = format!("{:?} {:?}", Secret::from("hunter2"), DataKey::new([7; 32]));
        assert_eq!(shown, "Secret(…) DataKey(…)");
    }

    #[test]
    fn what_is_read_is_read_whole_and_no_further() {
        let bytes: Vec<u8> = (0..20_000_u32).flat_map(u32::to_le_bytes).collect();
        for length in [0, 1, FIRST_ROOM, FIRST_ROOM + 1, bytes.len()] {
            let all = &bytes[..length];
            for most in [length, length + 1, usize::MAX] {
                assert_eq!(Secret::read(all, most).unwrap().expose(), all, "{length} {most}");
            }
        }
        assert_eq!(Secret::read(&*bytes, 7).unwrap().expose(), &bytes[..7]);
        assert_eq!(Secret::read(&*bytes, FIRST_ROOM + 7).unwrap().expose(), &bytes[..FIRST_ROOM + 7]);
    }

    #[test]
    fn equality_is_by_content() {
        assert_eq!(Secret::from("a"), Secret::from("a"));
        assert_ne!(Secret::from("a"), Secret::from("b"));
        assert_ne!(Secret::from("a"), Secret::from("ab"));
    }
}
