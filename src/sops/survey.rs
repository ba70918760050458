//! Everything that is wrong with a file, not only what comes first.

use crate::Error;
use crate::secret::DataKey;
use crate::sops::cipher::Cipher;
use crate::sops::decrypt::decrypt_or;
use crate::sops::encrypted::Encrypted;

impl Encrypted {
    /// What [`Self::decrypt`] would stop at, and what it would find behind that: each value that was changed or moved,
    /// by its key path, then the MAC. Nothing where the file is whole. Whether the MAC fits can be told only if every
    /// value opens; whether it is there, and is the file's, always.
    pub fn damage(&self, key: &DataKey) -> Vec<Error> {
        let cipher = Cipher::new(key);
        let mut found = Vec::new();
        let opened = decrypt_or(self.tree(), &cipher, self.metadata().rules(), &mut |error| {
            found.push(error);
            Ok(())
        });
        let mac = match opened {
            Ok(opened) if found.is_empty() => self.check_mac(&cipher, &opened.mac),
            Ok(_) => self.stored_mac(&cipher).map(drop),
            Err(error) => Err(error),
        };
        found.extend(mac.err());
        found
    }
}
