//! Opening a file whatever its MAC says, and what that says: for whoever tells the two apart.

use crate::secret::DataKey;
use crate::sops::cipher::Cipher;
use crate::sops::decrypt::decrypt;
use crate::sops::encrypted::Encrypted;
use crate::sops::plain::{Origin, Plain};
use crate::sops::tree::Tree;
use crate::{Error, Result};
use std::sync::Arc;
use std::time::SystemTime;

/// What the MAC of a file says about its values.
#[derive(Debug)]
pub enum MacVerdict {
    /// It fits.
    Fits,
    /// The file has none.
    Absent {
        /// What it would be.
        computed: String,
    },
    /// It is of other values.
    Differs {
        /// What the file has.
        stored: String,
        /// What it would be.
        computed: String,
    },
    /// It is damaged, or of another data key or time.
    Unreadable(Error),
}

impl Encrypted {
    /// Decrypts everything, and says what the MAC says. Errors name the key path of a value that was changed or moved.
    pub fn decrypt_and_judge(&self, key: &DataKey) -> Result<(Plain, MacVerdict)> {
        let (mut plain, verdict) = self.opened(Tree::clone(self.whole_tree()), key)?;
        plain.origin = Some(Origin { sealed: Arc::clone(self.whole_tree()), key: key.clone() });
        Ok((plain, verdict))
    }

    /// The same for who needs the file no more, in its memory. The documents remember no ciphertext.
    pub fn into_plain(mut self, key: &DataKey) -> Result<(Plain, MacVerdict)> {
        let tree = Arc::unwrap_or_clone(self.take_tree());
        self.opened(tree, key)
    }

    fn opened(&self, sealed: Tree, key: &DataKey) -> Result<(Plain, MacVerdict)> {
        let mut cipher = Cipher::new(key);
        let opened = decrypt(sealed, &mut cipher, self.metadata().rules())?;
        let verdict = self.judge(&mut cipher, opened.mac);
        let (tree, clear_comments) = (opened.tree, opened.clear_comments);
        Ok((Plain { tree, origin: None, clear_comments, stores: self.stores() }, verdict))
    }

    /// As [`Self::update`], for a file whose MAC nobody looks at: what it says need not be of this data key.
    pub fn update_whatever_mac(&self, plain: &Plain, key: &DataKey, now: SystemTime) -> Result<Self> {
        self.seal(plain, &mut Cipher::new(key), key, now)
    }

    /// Whether the file has a MAC at all.
    pub fn has_mac(&self) -> bool {
        !self.metadata().mac.is_empty()
    }

    fn judge(&self, cipher: &mut Cipher, computed: String) -> MacVerdict {
        if self.metadata().mac.is_empty() {
            return MacVerdict::Absent { computed };
        }
        match self.stored_mac(cipher) {
            Ok(stored) if stored == computed.as_bytes() => MacVerdict::Fits,
            Ok(stored) => {
                MacVerdict::Differs { stored: String::from_utf8_lossy(&stored).into_owned(), computed }
            }
            Err(error) => MacVerdict::Unreadable(error),
        }
    }
}
