//! A file for other keys, of any type and in groups: under the same data key or a new one.
//!
//! Which keys those are is somebody else's word: a creation rule's, or a person's.

use crate::Result;
use crate::keys::Wrap;
use crate::secret::DataKey;
use crate::sops::cipher::Cipher;
use crate::sops::encrypted::{Encrypted, moment};
use crate::sops::groups;
use crate::sops::key_groups::KeyGroups;
use crate::sops::metadata::Group;
use crate::sops::plain::Plain;
use std::time::SystemTime;

impl Encrypted {
    /// Wraps the same data key for these keys, in these groups. Values, MAC and time stay, byte for byte; so does what
    /// was wrapped for a key that stays in a file's only group.
    ///
    /// Errors: another data key than the file's; a key that cannot be wrapped for.
    pub fn regroup(
        &self,
        key: &DataKey,
        wanted: &KeyGroups,
        now: SystemTime,
        wrap: &dyn Wrap,
    ) -> Result<Self> {
        self.stored_mac(&mut Cipher::new(key))?;
        let now = moment(now);
        let groups = match (self.metadata.groups(), wanted.groups()) {
            ([group], [keys]) => vec![groups::adapt(group, key, keys, wrap, now)?],
            _ => groups::make(key, wanted, wrap, now)?,
        };
        Ok(self.in_groups(groups, wanted))
    }

    /// The same values under a new data key for these keys, in these groups. The MAC is checked first.
    ///
    /// Errors: as [`Self::decrypt`] and [`Self::replace_for`].
    pub fn rotate_for(
        &self,
        key: &DataKey,
        wanted: &KeyGroups,
        now: SystemTime,
        wrap: &dyn Wrap,
    ) -> Result<Self> {
        self.replace_for(&self.decrypt(key)?, wanted, now, wrap)
    }

    /// Other values under a new data key for these keys, in these groups.
    ///
    /// Errors: a key that cannot be wrapped for; what cannot be encrypted, by its key path.
    pub fn replace_for(
        &self,
        plain: &Plain,
        wanted: &KeyGroups,
        now: SystemTime,
        wrap: &dyn Wrap,
    ) -> Result<Self> {
        let key = groups::new_key()?;
        let groups = groups::make(&key, wanted, wrap, moment(now))?;
        let changed = self.seal(plain, &mut Cipher::new(&key), &key, now)?;
        Ok(changed.in_groups(groups, wanted))
    }

    fn in_groups(&self, groups: Vec<Group>, wanted: &KeyGroups) -> Self {
        let mut changed = self.clone();
        changed.metadata.groups = groups;
        changed.metadata.threshold = wanted.threshold();
        changed.metadata.unknown.remove("key_groups");
        changed
    }
}
