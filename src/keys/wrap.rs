//! Who wraps a data key, or a share of it.
//!
//! Two do: how programs are started, for age keys alone, plugins among them; and the key services, for keys of every
//! type.

use super::master_key::MasterKey;
use super::programs::Programs;
use super::recipient::Recipient;
use crate::error::{Error, Result};

/// Wraps data keys.
pub trait Wrap: Sync {
    /// Wraps for a key. The result is what a file's `enc` holds.
    ///
    /// # Errors
    ///
    /// The key is none; its type is not one of this one's; its program or server fails.
    fn wrap(&self, key: &MasterKey, data_key: &[u8]) -> Result<String>;

    /// Whether that can be tried at all: no program is started and nobody is asked.
    ///
    /// # Errors
    ///
    /// The key is none, or cannot be encrypted to; its program is not there.
    fn check(&self, key: &MasterKey) -> Result<()>;
}

/// age alone. The default knows no program, and so no plugin.
impl Wrap for Programs {
    fn wrap(&self, key: &MasterKey, data_key: &[u8]) -> Result<String> {
        recipient(key)?.wrap_with(data_key, self)
    }

    fn check(&self, key: &MasterKey) -> Result<()> {
        recipient(key)?.check_with(self)
    }
}

fn recipient(key: &MasterKey) -> Result<Recipient> {
    match key {
        MasterKey::Age { recipient } => Recipient::parse(recipient),
        other => Err(Error::new(format!("{} {other} is no age key", other.kind()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_alone_wraps_for_age_alone() {
        let none = Programs::default();
        let key = MasterKey::age(crate::keys::generate("now").unwrap().recipient.as_str());
        none.check(&key).unwrap();
        assert!(none.wrap(&key, &[7; 32]).unwrap().starts_with("-----BEGIN AGE"));
        let plugin = MasterKey::age("age1uvarstest1wp6kymrfvvsxsctvvclek6ak");
        let missing = "this key needs the program age-plugin-uvarstest, which is not on PATH";
        for (key, said) in [
            (&plugin, missing),
            (&MasterKey::Pgp { fingerprint: "AB".to_owned() }, "pgp AB is no age key"),
            (&MasterKey::age("x"), "unknown type of recipient"),
        ] {
            assert_eq!(none.check(key).unwrap_err().to_string(), said);
            assert_eq!(none.wrap(key, &[7; 32]).unwrap_err().to_string(), said);
        }
    }
}
