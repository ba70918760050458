//! Who opens what a data key, or a share of it, is wrapped as.
//!
//! Two do: the keyring, for age keys alone, which is all that a host needs; and the key services, for keys of
//! every type.

use super::keyring::{Keyring, Wrapped};
use super::master_key::MasterKey;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// Something wrapped for a key.
#[derive(Clone, Copy, Debug)]
pub struct WrappedKey<'a> {
    /// The key, as the file names it. Nothing proves it.
    pub key: &'a MasterKey,
    /// The wrapped bytes, in the text form of its type.
    pub enc: &'a str,
}

/// Gives a reader the name that people know: `age1…` is `users/jon`.
pub type Naming<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Opens wrapped data keys.
pub trait Unwrap: Sync {
    /// Opens the first of these that can be opened.
    ///
    /// # Errors
    ///
    /// [`Kind::NoKey`](crate::error::Kind::NoKey) where none can; hints name the readers and where keys were looked
    /// for. A plain failure where a key fits and the text is damaged.
    fn unwrap_first(&self, wrapped: &[WrappedKey<'_>], name: Naming<'_>) -> Result<Secret>;

    /// Where keys lie that one of these age recipients is, by the names that hints have.
    fn places_of(&self, recipients: &[&str]) -> Vec<String>;
}

impl Unwrap for Keyring {
    fn unwrap_first(&self, wrapped: &[WrappedKey<'_>], name: Naming<'_>) -> Result<Secret> {
        let age = of_age(wrapped);
        if age.is_empty() && !wrapped.is_empty() {
            let others: Vec<_> =
                wrapped.iter().map(|entry| format!("{} {}", entry.key.kind(), entry.key)).collect();
            return Err(Error::no_key(format!(
                "only keys of other types than age open this: {}",
                others.join(", ")
            )));
        }
        self.unwrap_named(&age, name)
    }

    fn places_of(&self, recipients: &[&str]) -> Vec<String> {
        self.places_of(recipients)
    }
}

/// Those that are age's.
pub(crate) fn of_age<'a>(wrapped: &[WrappedKey<'a>]) -> Vec<Wrapped<'a>> {
    let age = wrapped.iter().filter_map(|entry| match entry.key {
        MasterKey::Age { recipient } => Some(Wrapped { recipient, enc: entry.enc }),
        _ => None,
    });
    age.collect()
}
