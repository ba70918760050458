//! Keys on the command line: a list of each type, with commas between.

use super::call::Call;
use super::code::Code;
use super::fault::{Fault, Outcome};
use crate::keys::{KeyType, MasterKey};
use std::collections::BTreeMap;

/// The flags that name keys, in the order in which sops puts the keys of a new file.
pub(super) const FLAGS: [(&str, KeyType); 7] = [
    ("kms", KeyType::Kms),
    ("gcp-kms", KeyType::GcpKms),
    ("hckms", KeyType::Hckms),
    ("azure-kv", KeyType::AzureKv),
    ("pgp", KeyType::Pgp),
    ("hc-vault-transit", KeyType::HcVault),
    ("age", KeyType::Age),
];

impl Call<'_> {
    /// The keys that the flags with this in front of their names list: `""`, `add-`, `rm-`.
    ///
    /// Errors: a text that is no key of its type; an encryption context that is not made of pairs (6).
    pub(super) fn keys(&self, prefix: &str) -> Outcome<Vec<MasterKey>> {
        let mut keys = Vec::new();
        for (name, kind) in FLAGS {
            let flag = format!("{prefix}{name}");
            for text in self.own.texts(&flag).iter().filter(|text| !text.is_empty()) {
                keys.extend(self.keys_of(kind, text)?);
            }
        }
        Ok(keys)
    }

    fn keys_of(&self, kind: KeyType, list: &str) -> Outcome<Vec<MasterKey>> {
        // no other type has a context
        let context = if kind == KeyType::Kms { self.encryption_context()? } else { BTreeMap::new() };
        let profile = self.text("aws-profile");
        let keys = list.split(',').map(|text| MasterKey::parse(kind, text));
        keys.map(|key| Ok(key?.with_aws(&context, profile))).collect()
    }

    /// `--encryption-context NAME:VALUE,NAME:VALUE`.
    pub(super) fn encryption_context(&self) -> Outcome<BTreeMap<String, String>> {
        let text = self.text("encryption-context");
        let pairs = text.split(',').filter(|_| !text.is_empty());
        let pairs = pairs.map(|pair| match pair.split(':').collect::<Vec<_>>().as_slice() {
            [name, value] => Ok(((*name).to_owned(), (*value).to_owned())),
            _ => Err(Fault::new(Code::KmsContext, "Invalid KMS encryption context format")),
        });
        pairs.collect()
    }

    /// `--shamir-secret-sharing-threshold`; 0 where it was not given.
    pub(super) fn threshold(&self) -> i64 {
        self.own.number("shamir-secret-sharing-threshold")
    }
}
