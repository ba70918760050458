//! Key services: who wraps and opens data keys for keys of any type.
//!
//! The local one knows age, by the keyring, and `OpenPGP`, by the gpg program; all others are asked over sops' own
//! protocol. A file is never seen here, and no key of a cloud is used by this process itself.

mod local;
mod pgp;
mod services;

pub use local::Local;
pub use pgp::Gpg;
pub use services::KeyServices;

use crate::error::Result;
use crate::keys::MasterKey;
use crate::secret::Secret;

/// Wraps and opens data keys, and shares of them, for keys of the types that it knows.
pub trait KeyService: Send + Sync {
    /// Wraps for a key. The result is what a file's `enc` holds.
    ///
    /// # Errors
    ///
    /// The type is not one of this service's; the key is not there; its program or server fails.
    fn encrypt(&self, key: &MasterKey, plaintext: &[u8]) -> Result<String>;

    /// Opens what was wrapped for a key.
    ///
    /// # Errors
    ///
    /// As [`Self::encrypt`]; the text is damaged, or of another key.
    fn decrypt(&self, key: &MasterKey, ciphertext: &str) -> Result<Secret>;

    /// What errors call it: `tcp://127.0.0.1:5000`.
    fn name(&self) -> String;
}
