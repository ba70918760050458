//! The service of this process: age by the keyring, `OpenPGP` by gpg.

use crate::error::{Error, Result};
use crate::keys::{Keyring, MasterKey, Programs, Wrap as _, Wrapped};
use crate::keyservice::KeyService;
use crate::keyservice::pgp::Gpg;
use crate::secret::Secret;

/// Wraps for age and `OpenPGP`, and opens with the private keys at hand.
#[derive(Debug)]
pub struct Local {
    pub(super) keyring: Keyring,
    gpg: Gpg,
    /// How the program of a plugin is started.
    programs: Programs,
}

impl Local {
    /// With these private keys; `programs` is what plugins get.
    pub fn new(keyring: Keyring, gpg: Gpg, programs: Programs) -> Self {
        Self { keyring, gpg, programs }
    }

    /// Whether wrapping for a key can be tried; nothing is started.
    pub(super) fn check(&self, key: &MasterKey) -> Result<()> {
        match key {
            MasterKey::Age { .. } => self.programs.check(key),
            // gpg knows by itself what it has
            MasterKey::Pgp { .. } => Ok(()),
            other => Err(foreign(other)),
        }
    }
}

impl KeyService for Local {
    fn encrypt(&self, key: &MasterKey, plaintext: &[u8]) -> Result<String> {
        match key {
            MasterKey::Age { .. } => self.programs.wrap(key, plaintext),
            MasterKey::Pgp { fingerprint } => self.gpg.encrypt(fingerprint, plaintext),
            other => Err(foreign(other)),
        }
    }

    fn decrypt(&self, key: &MasterKey, ciphertext: &str) -> Result<Secret> {
        match key {
            MasterKey::Age { recipient } => self.keyring.unwrap(&[Wrapped { recipient, enc: ciphertext }]),
            MasterKey::Pgp { fingerprint } => self.gpg.decrypt(fingerprint, ciphertext),
            other => Err(foreign(other)),
        }
    }

    fn name(&self) -> String {
        "this machine".to_owned()
    }
}

/// Why nothing is done for a key of a cloud.
fn foreign(key: &MasterKey) -> Error {
    Error::new(format!("{} keys are used through a key service", key.kind().words()))
        .hint("run sops keyservice where the cloud is at hand, and set SOPS_KEYSERVICE=tcp://HOST:PORT here")
}
