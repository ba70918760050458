//! A file's readers beside those that it should have, and what makes it so.
//!
//! This is for files whose readers a registry decides. Whoever is not among them is a reader too many, whatever
//! their key is: age, `OpenPGP`, a cloud's, or one of several key groups.

use crate::Result;
use crate::keys::{Recipient, Wrap};
use crate::secret::DataKey;
use crate::sops::encrypted::Encrypted;
use crate::sops::plain::Plain;
use std::collections::BTreeSet;
use std::time::SystemTime;

/// The difference between the readers that a file has and those that it should have.
#[derive(Clone, Debug)]
pub struct Drift {
    /// Recipients that it should have.
    pub gained: Vec<String>,
    /// age recipients that it should not have.
    pub lost: Vec<String>,
    /// Keys of other types, which no registry names: `pgp ABCD`.
    pub others: Vec<String>,
    /// How many key groups the data key is shared out among; more than one becomes one list of readers.
    pub groups: usize,
    /// One recipient is in it twice.
    irregular: bool,
}

impl Drift {
    /// Compares recipients as sops does: by their text.
    pub fn of(file: &Encrypted, wanted: &[Recipient]) -> Self {
        let metadata = file.metadata();
        let has = metadata.recipients();
        let had: BTreeSet<&str> = has.iter().copied().collect();
        let wants: BTreeSet<&str> = wanted.iter().map(Recipient::as_str).collect();
        Self {
            gained: wants.difference(&had).map(ToString::to_string).collect(),
            lost: had.difference(&wants).map(ToString::to_string).collect(),
            others: metadata.others(),
            groups: metadata.groups().len(),
            irregular: had.len() != has.len(),
        }
    }

    /// Whether somebody is to be kept out who is in now, or readers are to be arranged anew.
    pub fn takes_away(&self) -> bool {
        !self.lost.is_empty() || !self.others.is_empty() || self.groups > 1 || self.irregular
    }

    /// What is to be said where the data key was shared out, and will not be.
    pub fn regrouped(&self) -> Option<String> {
        let groups = self.groups;
        (groups > 1).then(|| {
            format!("its data key was shared out among {groups} key groups; now each reader opens it alone")
        })
    }

    /// Whether the readers are those that they should be.
    pub fn is_none(&self) -> bool {
        self.gained.is_empty() && !self.takes_away()
    }
}

impl Encrypted {
    /// The same values for exactly these readers: a reader too many means a new data key, one too few changes
    /// nothing else.
    ///
    /// Errors: as [`Self::rotate_to`] and [`Self::rewrap`].
    pub fn give_readers(
        &self,
        key: &DataKey,
        wanted: &[Recipient],
        now: SystemTime,
        wrap: &dyn Wrap,
    ) -> Result<Self> {
        if Drift::of(self, wanted).takes_away() {
            self.rotate_to(key, wanted, now, wrap)
        } else {
            self.rewrap(key, wanted, wrap)
        }
    }

    /// Changed values for exactly these readers. Values that were not changed keep their ciphertext, unless a
    /// reader too many means a new data key.
    ///
    /// Errors: as [`Self::update`], [`Self::replace`] and [`Self::rewrap`].
    pub fn update_to(
        &self,
        plain: &Plain,
        key: &DataKey,
        wanted: &[Recipient],
        now: SystemTime,
        wrap: &dyn Wrap,
    ) -> Result<Self> {
        let drift = Drift::of(self, wanted);
        if drift.takes_away() {
            return self.replace_to(plain, wanted, now, wrap);
        }
        let updated = self.update(plain, key, now)?;
        if drift.is_none() { Ok(updated) } else { updated.rewrap(key, wanted, wrap) }
    }

    /// The same values under a new data key for exactly these readers. The MAC is checked first.
    ///
    /// Errors: as [`Self::rotate`], but for keys of other types and key groups, which go.
    pub fn rotate_to(
        &self,
        key: &DataKey,
        wanted: &[Recipient],
        now: SystemTime,
        wrap: &dyn Wrap,
    ) -> Result<Self> {
        self.replace_to(&self.decrypt(key)?, wanted, now, wrap)
    }

    /// Other values under a new data key for exactly these readers.
    ///
    /// Errors: as [`Self::replace`], but for keys of other types and key groups, which go.
    pub fn replace_to(
        &self,
        plain: &Plain,
        wanted: &[Recipient],
        now: SystemTime,
        wrap: &dyn Wrap,
    ) -> Result<Self> {
        self.without_keys().replace(plain, wanted, now, wrap)
    }
}
