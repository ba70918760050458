//! Key services: who wraps and opens data keys for keys of any type.
//!
//! The local one knows age, by the keyring, and `OpenPGP`, by the gpg program; all others are asked over sops' own
//! protocol. A file is never seen here, and no key of a cloud is used by this process itself.

mod address;
#[cfg(feature = "keyservice")]
mod client;
mod local;
mod pgp;
#[cfg(feature = "keyservice")]
mod server;
mod services;
#[cfg(feature = "keyservice")]
mod wire;

pub use address::Address;
#[cfg(feature = "keyservice")]
pub use client::Remote;
pub use local::Local;
pub use pgp::Gpg;
#[cfg(feature = "keyservice")]
pub use server::{Gate, Open, Use, serve};
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

/// The key service at an address; nothing is sent yet.
///
/// # Errors
///
/// This program was built without the feature `keyservice`; the address cannot be one.
pub fn connect(address: Address) -> Result<Box<dyn KeyService>> {
    #[cfg(feature = "keyservice")]
    return Remote::new(address).map(|remote| Box::new(remote) as Box<dyn KeyService>);
    #[cfg(not(feature = "keyservice"))]
    return Err(crate::error::Error::new(format!(
        "this program was built without key services, and cannot ask {address}"
    ))
    .hint("build it with the cargo feature keyservice"));
}
