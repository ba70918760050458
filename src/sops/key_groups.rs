//! Who is to open a data key: one list of keys, or several groups of which some are needed together.

use crate::keys::MasterKey;
use crate::sops::metadata::{Group, KeyEntry, Metadata};
use crate::{Error, Result};
use std::collections::HashSet;

/// Groups of keys, none of them empty, of which a number that can be is needed together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyGroups {
    groups: Vec<Vec<MasterKey>>,
    threshold: i64,
}

/// As many as a share's place, one byte, can name.
const MOST: usize = 255;

impl KeyGroups {
    /// Checks them. 0 as threshold means all of several groups; one group keeps any number, as in sops' files, and
    /// needs itself alone. A key that is named twice in a group counts once.
    ///
    /// # Errors
    ///
    /// No group; a group without a key; a threshold of one or of more than there are groups, where there are several.
    pub fn new(groups: Vec<Vec<MasterKey>>, threshold: i64) -> Result<Self> {
        let count = groups.len();
        if count == 0 || groups.iter().any(Vec::is_empty) {
            let which = groups.iter().position(Vec::is_empty).filter(|_| count > 1);
            return Err(match which {
                Some(at) => {
                    Error::new(format!("key group {} has no key: nobody could open its share", at + 1))
                }
                None => Error::new("a file must have a reader: no key is named"),
            });
        }
        if count > MOST {
            return Err(Error::new("a data key is shared out among at most 255 key groups"));
        }
        let all = i64::try_from(count).unwrap_or_default();
        let threshold = if count > 1 && threshold == 0 { all } else { threshold };
        if count > 1 && !(2..=all).contains(&threshold) {
            return Err(Error::new(format!(
                "{threshold} of {count} key groups cannot share a data key: the threshold is a number from 2 to {count}"
            )));
        }
        Ok(Self { groups: groups.into_iter().map(once_each).collect(), threshold })
    }

    /// One group, each of whose keys opens the file alone.
    ///
    /// # Errors
    ///
    /// No key is named.
    pub fn one(keys: Vec<MasterKey>) -> Result<Self> {
        Self::new(vec![keys], 0)
    }

    /// The groups.
    pub fn groups(&self) -> &[Vec<MasterKey>] {
        &self.groups
    }

    /// How many are needed together; with one group, what its file says.
    pub fn threshold(&self) -> i64 {
        self.threshold
    }
}

impl Metadata {
    /// The keys of each group.
    pub fn key_groups(&self) -> Vec<Vec<MasterKey>> {
        let keys = |group: &Group| group.entries().iter().map(KeyEntry::master_key).collect();
        self.groups().iter().map(keys).collect()
    }
}

/// Each key once, where it is named first.
pub(super) fn once_each(keys: Vec<MasterKey>) -> Vec<MasterKey> {
    let mut seen = HashSet::new();
    keys.into_iter().filter(|key| seen.insert((key.kind(), key.to_string()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(counts: &[usize]) -> Vec<Vec<MasterKey>> {
        let keys = |count: usize| (0..count).map(|at| MasterKey::age(format!("age1{at}"))).collect();
        counts.iter().map(|count| keys(*count)).collect()
    }

    #[test]
    fn a_threshold_can_be_met() {
        for (counts, threshold, found) in
            [(&[1][..], 0, 0), (&[3], 4, 4), (&[1, 1], 0, 2), (&[1, 1, 2], 2, 2), (&[1, 1, 1], 3, 3)]
        {
            assert_eq!(KeyGroups::new(groups(counts), threshold).unwrap().threshold(), found);
        }
        for (counts, threshold) in
            [(&[][..], 0), (&[0], 0), (&[1, 0], 2), (&[1, 1], 1), (&[1, 1], 3), (&[1, 1], -1)]
        {
            assert!(KeyGroups::new(groups(counts), threshold).is_err(), "{counts:?} {threshold}");
        }
        assert!(KeyGroups::new(groups(&[1; 255]), 255).is_ok());
        assert!(KeyGroups::new(groups(&[1; 256]), 2).is_err());
    }

    #[test]
    fn a_key_counts_once() {
        let key = MasterKey::age("age1x");
        let found = KeyGroups::one(vec![key.clone(), key.clone()]).unwrap();
        assert_eq!(found.groups(), [[key]]);
    }
}
