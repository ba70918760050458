//! What a file says about itself: who may read, which rule holds, the MAC.
//!
//! Nothing of it is authenticated by the MAC. What is not understood is kept: entries of key types that cannot
//! be used here, and fields that no sops knows.

mod entry;
mod read;

pub use entry::KeyEntry;

use crate::keys::KeyType;
use crate::sops::rules::Rules;
use crate::sops::value::{Map, Value};
use crate::yaml::Timestamp;

/// The release whose files ours are like; new files name it.
pub const SOPS_VERSION: &str = "3.13.3";

/// The metadata of an encrypted file.
#[derive(Clone, Debug)]
pub struct Metadata {
    pub(super) groups: Vec<Group>,
    pub(super) threshold: i64,
    pub(super) lastmodified: Timestamp,
    pub(super) mac: String,
    pub(super) rules: Rules,
    pub(super) version: String,
    /// Fields that are not known, by their names.
    pub(super) unknown: Map,
}

/// One key group: whoever holds one of its keys has the group's share of the data key.
#[derive(Clone, Debug, Default)]
pub struct Group {
    pub(super) entries: Vec<KeyEntry>,
    pub(super) unknown: Map,
}

impl Group {
    /// The keys of the group.
    pub fn entries(&self) -> &[KeyEntry] {
        &self.entries
    }

    /// Its age recipients, as they stand in the file.
    pub fn recipients(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|entry| entry.kind == KeyType::Age).map(KeyEntry::id)
    }

    /// Its keys that are not age's: type and name of each.
    pub fn others(&self) -> impl Iterator<Item = String> {
        let entries = self.entries.iter().filter(|entry| entry.kind != KeyType::Age);
        entries.map(|entry| without_control(&format!("{} {}", entry.kind.field(), entry.id())))
    }

    fn of(&self, kind: KeyType) -> Option<Value> {
        let list: Vec<_> =
            self.entries.iter().filter(|entry| entry.kind == kind).map(KeyEntry::to_value).collect();
        (!list.is_empty()).then_some(Value::List(list))
    }

    fn write(&self, into: &mut Map) {
        for kind in KeyType::ALL {
            if let Some(list) = self.of(kind) {
                into.push(kind.field().to_owned(), list);
            }
        }
    }

    fn to_value(&self) -> Value {
        let mut map = self.unknown.clone();
        self.write(&mut map);
        for kind in [KeyType::Age, KeyType::HcVault] {
            // sops writes these two even when they are empty
            if map.get(kind.field()).is_none() {
                map.push(kind.field().to_owned(), Value::List(Vec::new()));
            }
        }
        map.sort();
        map.into()
    }
}

impl Metadata {
    /// The age recipients of all groups, as they stand in the file.
    pub fn recipients(&self) -> Vec<&str> {
        self.groups.iter().flat_map(Group::recipients).collect()
    }

    /// The keys that are not age's: type and name of each. A new data key would lock their holders out.
    pub fn others(&self) -> Vec<String> {
        let known = self.groups.iter().flat_map(Group::others);
        let unknown = self.unknown.entries().iter().filter(|entry| wraps(&entry.value));
        known.chain(unknown.map(|entry| without_control(&entry.key))).collect()
    }

    /// Takes every key away, of whatever type and group.
    pub(super) fn drop_keys(&mut self) {
        self.groups = vec![Group::default()];
        self.threshold = 0;
        let names: Vec<_> = self.unknown.entries().iter().filter(|entry| wraps(&entry.value)).collect();
        let names: Vec<_> = names.into_iter().map(|entry| entry.key.clone()).collect();
        for name in names.iter().map(String::as_str).chain(["key_groups"]) {
            self.unknown.remove(name);
        }
    }

    /// The key groups; one, unless the data key is shared out.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// How many groups it takes to put the data key together.
    pub fn needed_groups(&self) -> usize {
        match (self.groups.len(), usize::try_from(self.threshold)) {
            (1, _) => 1,
            (all, Err(_) | Ok(0)) => all,
            (_, Ok(threshold)) => threshold.max(2),
        }
    }

    /// How many groups are needed together; 0 if the file does not say.
    pub fn threshold(&self) -> i64 {
        self.threshold
    }

    /// When a value was changed last.
    pub fn lastmodified(&self) -> Timestamp {
        self.lastmodified
    }

    /// The release that wrote the file.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Which values are encrypted.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The fields that no sops knows.
    pub fn unknown(&self) -> &Map {
        &self.unknown
    }

    /// What the MAC is bound to: the time as sops formats it anew.
    pub(super) fn mac_aad(&self) -> String {
        self.lastmodified.seconds()
    }

    /// The `sops` map as 3.13 writes it: every level in the order of the names' bytes.
    pub(super) fn to_map(&self) -> Map {
        let mut map = self.unknown.clone();
        match self.groups.as_slice() {
            [group] => {
                for entry in group.unknown.entries() {
                    map.set(entry.key.clone(), entry.value.clone());
                }
                group.write(&mut map);
            }
            groups => {
                map.push("key_groups".to_owned(), Value::List(groups.iter().map(Group::to_value).collect()));
            }
        }
        if self.threshold != 0 {
            map.push("shamir_threshold".to_owned(), Value::Int(self.threshold));
        }
        map.push("lastmodified".to_owned(), self.mac_aad().as_str().into());
        map.push("mac".to_owned(), self.mac.as_str().into());
        let (field, text) = self.rules.selection().field();
        if !text.is_empty() {
            map.push(field.to_owned(), text.into());
        }
        if self.rules.mac_only_encrypted() {
            map.push("mac_only_encrypted".to_owned(), Value::Bool(true));
        }
        map.push("version".to_owned(), self.version.as_str().into());
        map.sort();
        map
    }
}

/// A name of a file as people may see it.
fn without_control(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Whether an unknown field looks like a list of wrapped keys.
fn wraps(value: &Value) -> bool {
    value.as_list().is_some_and(|list| {
        list.iter().any(|entry| entry.as_map().is_some_and(|entry| entry.get("enc").is_some()))
    })
}
