//! One key in a file: what it is called there, and what is wrapped for it.
//!
//! The fields are kept as they stand, those too that no sops knows.

use crate::keys::{KeyType, MasterKey};
use crate::sops::value::{Entry, Map, Value};
use crate::yaml::Timestamp;
use std::collections::BTreeMap;

/// One key that the data key, or a share of it, is wrapped for.
#[derive(Clone, Debug)]
pub struct KeyEntry {
    pub(in crate::sops) kind: KeyType,
    /// As they stand in the file.
    pub(super) fields: Map,
}

impl KeyEntry {
    pub(in crate::sops) fn age(recipient: &str, enc: &str) -> Self {
        Self { kind: KeyType::Age, fields: Map::new().with("enc", enc).with("recipient", recipient) }
    }

    /// A key for which something was wrapped just now.
    pub(in crate::sops) fn new(key: &MasterKey, enc: &str, now: Timestamp) -> Self {
        let fields = match key {
            MasterKey::Age { recipient } => return Self::age(recipient, enc),
            MasterKey::Pgp { fingerprint } => Map::new().with("fp", &**fingerprint),
            MasterKey::GcpKms { resource_id } => Map::new().with("resource_id", &**resource_id),
            MasterKey::Hckms { key_id } => Map::new().with("key_id", &**key_id),
            MasterKey::Kms { arn, role, context, profile } => {
                let mut fields = Map::new().with("arn", &**arn).with("aws_profile", &**profile);
                if !role.is_empty() {
                    fields.set("role", &**role);
                }
                if !context.is_empty() {
                    let pairs = context.iter();
                    fields.set(
                        "context",
                        pairs.fold(Map::new(), |map, (name, value)| map.with(name, &**value)),
                    );
                }
                fields
            }
            MasterKey::AzureKv { vault_url, name, version } => {
                Map::new().with("vault_url", &**vault_url).with("name", &**name).with("version", &**version)
            }
            MasterKey::HcVault { address, engine, name } => Map::new()
                .with("vault_address", &**address)
                .with("engine_path", &**engine)
                .with("key_name", &**name),
        };
        let fields = fields.with("created_at", now.seconds().as_str()).with("enc", enc);
        Self { kind: key.kind(), fields }
    }

    /// The key, as the file says it.
    pub fn master_key(&self) -> MasterKey {
        let text = |field: &str| self.text(field).to_owned();
        match self.kind {
            KeyType::Age => MasterKey::Age { recipient: text("recipient") },
            KeyType::Pgp => MasterKey::Pgp { fingerprint: text("fp") },
            KeyType::GcpKms => MasterKey::GcpKms { resource_id: text("resource_id") },
            KeyType::Hckms => MasterKey::Hckms { key_id: text("key_id") },
            KeyType::Kms => MasterKey::Kms {
                arn: text("arn"),
                role: text("role"),
                context: self.context(),
                profile: text("aws_profile"),
            },
            KeyType::AzureKv => MasterKey::AzureKv {
                vault_url: text("vault_url"),
                name: text("name"),
                version: text("version"),
            },
            KeyType::HcVault => MasterKey::HcVault {
                address: text("vault_address"),
                engine: text("engine_path"),
                name: text("key_name"),
            },
        }
    }

    fn context(&self) -> BTreeMap<String, String> {
        let context = self.fields.get("context").and_then(Value::as_map);
        let pairs = context.into_iter().flat_map(Map::entries);
        let text = |entry: &Entry| entry.value.as_str().unwrap_or_default().to_owned();
        pairs.map(|entry| (entry.key.clone(), text(entry))).collect()
    }

    /// Its type.
    pub fn kind(&self) -> KeyType {
        self.kind
    }

    /// Which key it is, as the file says: an age recipient, a fingerprint and so on; empty if it does not say.
    pub fn id(&self) -> &str {
        self.text(identity(self.kind))
    }

    /// The wrapped data key.
    pub(in crate::sops) fn enc(&self) -> &str {
        self.text("enc")
    }

    fn text(&self, field: &str) -> &str {
        self.fields.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn to_value(&self) -> Value {
        let fields = self.fields.entries().iter().cloned().map(|mut entry| {
            if let Value::Map(context) = &mut entry.value {
                context.sort();
            }
            entry
        });
        let mut map = fields.fold(Map::new(), |map, entry| map.with(entry.key, entry.value));
        map.sort();
        map.into()
    }
}

/// The field that says which key it is.
fn identity(kind: KeyType) -> &'static str {
    match kind {
        KeyType::Kms => "arn",
        KeyType::GcpKms => "resource_id",
        KeyType::Hckms => "key_id",
        KeyType::AzureKv => "name",
        KeyType::HcVault => "key_name",
        KeyType::Pgp => "fp",
        KeyType::Age => "recipient",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_every_type_comes_back_from_its_file() {
        let text = str::to_owned;
        let context = [("b", "2"), ("a", "1")].map(|(name, value)| (text(name), text(value)));
        for key in [
            MasterKey::age("age1x"),
            MasterKey::Pgp { fingerprint: text("F") },
            MasterKey::GcpKms { resource_id: text("R") },
            MasterKey::Hckms { key_id: text("K") },
            MasterKey::Kms {
                arn: text("A"),
                role: text("O"),
                context: BTreeMap::from(context),
                profile: text("P"),
            },
            MasterKey::AzureKv { vault_url: text("U"), name: text("N"), version: text("V") },
            MasterKey::HcVault { address: text("D"), engine: text("E"), name: text("N") },
        ] {
            let entry = KeyEntry::new(&key, "wrapped", Timestamp::from_unix(0));
            assert_eq!(entry.master_key(), key);
            assert_eq!(entry.enc(), "wrapped");
            let Value::Map(written) = entry.to_value() else { panic!("{key}") };
            let names: Vec<_> = written.entries().iter().map(|entry| &*entry.key).collect();
            assert!(names.is_sorted(), "{names:?}");
        }
    }

    #[test]
    fn a_context_is_written_in_the_order_of_its_names() {
        let context = Map::new().with("b", "2").with("a", "1");
        let entry = KeyEntry { kind: KeyType::Kms, fields: Map::new().with("context", context) };
        let Value::Map(written) = entry.to_value() else { panic!() };
        let context = written.get("context").and_then(Value::as_map).unwrap();
        assert_eq!(context.entries()[0].key, "a");
    }
}
