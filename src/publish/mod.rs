//! Files taken somewhere else: their values to Vault, or the encrypted file to a folder.
//!
//! Which file goes where is said by the rules; whether it may go, by a person. Nothing here decrypts.

mod directory;
mod values;
mod vault;

pub use directory::put;
pub use vault::{Sent, Vault, VaultSettings};
