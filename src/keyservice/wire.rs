//! The messages of sops' key service: protocol buffers, package without a name, service `KeyService`.
//!
//! Numbers and names are those of sops 3.13.3 (`keyservice/keyservice.proto`).

use crate::keys::MasterKey;
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroize as _;

pub(super) const ENCRYPT: &str = "/KeyService/Encrypt";
pub(super) const DECRYPT: &str = "/KeyService/Decrypt";

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Key {
    #[prost(oneof = "KeyType", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub(super) key_type: Option<KeyType>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum KeyType {
    #[prost(message, tag = "1")]
    Kms(Kms),
    #[prost(message, tag = "2")]
    Pgp(Pgp),
    #[prost(message, tag = "3")]
    GcpKms(GcpKms),
    #[prost(message, tag = "4")]
    AzureKv(AzureKv),
    #[prost(message, tag = "5")]
    HcVault(HcVault),
    #[prost(message, tag = "6")]
    Age(Age),
    #[prost(message, tag = "7")]
    Hckms(Hckms),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Kms {
    #[prost(string, tag = "1")]
    arn: String,
    #[prost(string, tag = "2")]
    role: String,
    #[prost(btree_map = "string, string", tag = "3")]
    context: BTreeMap<String, String>,
    #[prost(string, tag = "4")]
    aws_profile: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Pgp {
    #[prost(string, tag = "1")]
    fingerprint: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct GcpKms {
    #[prost(string, tag = "1")]
    resource_id: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AzureKv {
    #[prost(string, tag = "1")]
    vault_url: String,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    version: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct HcVault {
    #[prost(string, tag = "1")]
    vault_address: String,
    #[prost(string, tag = "2")]
    engine_path: String,
    #[prost(string, tag = "3")]
    key_name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Age {
    #[prost(string, tag = "1")]
    recipient: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Hckms {
    #[prost(string, tag = "1")]
    key_id: String,
}

/// Wiped when it is dropped, and never shown.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(super) struct EncryptRequest {
    #[prost(message, optional, tag = "1")]
    pub(super) key: Option<Key>,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) plaintext: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct EncryptResponse {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) ciphertext: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DecryptRequest {
    #[prost(message, optional, tag = "1")]
    pub(super) key: Option<Key>,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) ciphertext: Vec<u8>,
}

/// Wiped when it is dropped, and never shown.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub(super) struct DecryptResponse {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) plaintext: Vec<u8>,
}

impl Drop for EncryptRequest {
    fn drop(&mut self) {
        self.plaintext.zeroize();
    }
}

impl fmt::Debug for EncryptRequest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("EncryptRequest").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Drop for DecryptResponse {
    fn drop(&mut self) {
        self.plaintext.zeroize();
    }
}

impl fmt::Debug for DecryptResponse {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DecryptResponse(…)")
    }
}

impl From<&MasterKey> for Key {
    fn from(key: &MasterKey) -> Self {
        let key_type = match key.clone() {
            MasterKey::Age { recipient } => KeyType::Age(Age { recipient }),
            MasterKey::Pgp { fingerprint } => KeyType::Pgp(Pgp { fingerprint }),
            MasterKey::Kms { arn, role, context, profile } => {
                KeyType::Kms(Kms { arn, role, context, aws_profile: profile })
            }
            MasterKey::GcpKms { resource_id } => KeyType::GcpKms(GcpKms { resource_id }),
            MasterKey::Hckms { key_id } => KeyType::Hckms(Hckms { key_id }),
            MasterKey::AzureKv { vault_url, name, version } => {
                KeyType::AzureKv(AzureKv { vault_url, name, version })
            }
            MasterKey::HcVault { address, engine, name } => {
                KeyType::HcVault(HcVault { vault_address: address, engine_path: engine, key_name: name })
            }
        };
        Self { key_type: Some(key_type) }
    }
}

impl Key {
    /// The key that is meant; nothing if none is, or one of a type that is not known.
    pub(super) fn into_master_key(self) -> Option<MasterKey> {
        Some(match self.key_type? {
            KeyType::Age(Age { recipient }) => MasterKey::Age { recipient },
            KeyType::Pgp(Pgp { fingerprint }) => MasterKey::Pgp { fingerprint },
            KeyType::Kms(Kms { arn, role, context, aws_profile }) => {
                MasterKey::Kms { arn, role, context, profile: aws_profile }
            }
            KeyType::GcpKms(GcpKms { resource_id }) => MasterKey::GcpKms { resource_id },
            KeyType::Hckms(Hckms { key_id }) => MasterKey::Hckms { key_id },
            KeyType::AzureKv(AzureKv { vault_url, name, version }) => {
                MasterKey::AzureKv { vault_url, name, version }
            }
            KeyType::HcVault(HcVault { vault_address, engine_path, key_name }) => {
                MasterKey::HcVault { address: vault_address, engine: engine_path, name: key_name }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message as _;

    #[test]
    fn every_key_comes_back() {
        let context = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
        for key in [
            MasterKey::age("age1x"),
            MasterKey::Pgp { fingerprint: "F".into() },
            MasterKey::Kms { arn: "a".into(), role: "r".into(), context, profile: "p".into() },
            MasterKey::GcpKms { resource_id: "g".into() },
            MasterKey::Hckms { key_id: "h:i".into() },
            MasterKey::AzureKv { vault_url: "v".into(), name: "n".into(), version: "1".into() },
            MasterKey::HcVault { address: "v".into(), engine: "e".into(), name: "n".into() },
        ] {
            let bytes = Key::from(&key).encode_to_vec();
            assert_eq!(Key::decode(bytes.as_slice()).unwrap().into_master_key(), Some(key));
        }
        assert_eq!(Key::default().into_master_key(), None);
        // a type of tomorrow
        assert_eq!(Key::decode([0x42_u8, 0x00].as_slice()).unwrap().into_master_key(), None);
    }

    #[test]
    fn the_numbers_are_those_of_sops() {
        let request = EncryptRequest { key: Some(Key::from(&MasterKey::age("x"))), plaintext: vec![7] };
        assert_eq!(request.encode_to_vec(), [0x0a, 5, 0x32, 3, 0x0a, 1, b'x', 0x12, 1, 7]);
    }

    #[test]
    fn plaintext_is_not_shown() {
        let request = EncryptRequest { key: None, plaintext: b"hunter2".to_vec() };
        let response = DecryptResponse { plaintext: b"hunter2".to_vec() };
        let shown = format!("{request:?}{response:?}");
        assert!(!shown.contains("104") && !shown.contains("hunter2"), "{shown}");
    }
}
