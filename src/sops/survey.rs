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
        let mut cipher = Cipher::new(key);
        let mut found = Vec::new();
        let opened = decrypt_or(self.tree().clone(), &mut cipher, self.metadata().rules(), &mut |error| {
            found.push(error);
            Ok(())
        });
        let mac = match opened {
            Ok(opened) if found.is_empty() => self.check_mac(&mut cipher, &opened.mac),
            Ok(_) => self.stored_mac(&mut cipher).map(drop),
            Err(error) => Err(error),
        };
        found.extend(mac.err());
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{IdentitySources, Keyring, generate};
    use crate::sops::{Format, Map, Plain, Rules};
    use std::time::UNIX_EPOCH;

    /// A file of three values, one of them in clear, as its text and its data key.
    fn made() -> (String, DataKey) {
        let key = generate("now").unwrap();
        let keys = Keyring::new(IdentitySources { key_text: Some(key.text), ..IdentitySources::default() });
        let plain = Plain::new(Map::new().with("a", "one").with("b", "two").with("c_unencrypted", "three"));
        let file = Encrypted::create(
            &plain,
            &[key.recipient],
            &Rules::default(),
            UNIX_EPOCH,
            Format::Yaml,
            &crate::keys::Programs::default(),
        )
        .unwrap();
        (String::from_utf8(file.emit().unwrap()).unwrap(), file.unlock(&keys).unwrap())
    }

    fn damage(text: &str, key: &DataKey) -> Vec<String> {
        let file = Encrypted::parse(text.as_bytes(), Format::Yaml).unwrap();
        let found: Vec<String> = file.damage(key).iter().map(ToString::to_string).collect();
        let first = file.decrypt(key).err().map(|error| error.to_string());
        assert_eq!(found.first(), first.as_ref(), "what comes first is what decrypt stops at");
        found
    }

    #[test]
    fn everything_that_is_wrong_is_found_in_its_order() {
        let (text, key) = made();
        assert_eq!(damage(&text, &key), [""; 0]);
        let changed = "the encrypted value was changed, or moved here from another key or file";
        let mac =
            "the MAC does not fit the values: the file was changed by hand, or merged from two versions";
        for (text, expected) in [
            (text.replace("three", "four"), vec![mac.to_owned()]),
            (text.replace("a: ENC", "x: ENC"), vec![format!("x: {changed}")]),
            (
                text.replace("a: ENC", "x: ENC").replace("b: ENC", "y: ENC").replace("three", "four"),
                vec![format!("x: {changed}"), format!("y: {changed}")],
            ),
            (
                text.replace("lastmodified: \"1970", "lastmodified: \"1971").replace("b: ENC", "y: ENC"),
                vec![format!("y: {changed}"), format!("sops.mac: the MAC cannot be opened: {changed}")],
            ),
        ] {
            assert_eq!(damage(&text, &key), expected, "{text}");
        }
        let (_, other) = made();
        assert_eq!(damage(&text, &other).len(), 3);
    }
}
