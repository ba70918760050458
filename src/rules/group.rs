//! Key groups of a creation rule: which keys, in which order sops would write them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::error::Result;
use crate::keys::{KeyType, MasterKey};
use crate::yaml::{Entry, View};

use super::config::{scalar, there};

/// The keys of one group, each of which opens it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KeyGroup {
    /// In the order in which sops wraps for them.
    pub keys: Vec<GroupKey>,
}

/// One key. What its text means is asked when the rule is used: sops never looks at rules behind the one that
/// matches.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum GroupKey {
    /// Its type, and its text as the rule has it.
    Text(KeyType, String),
    /// A key that the rule gives in parts.
    Whole(MasterKey),
}

impl KeyGroup {
    /// The recipients, if all keys are age's.
    pub(super) fn age_alone(&self) -> Option<Vec<&str>> {
        self.keys.iter().map(GroupKey::age).collect()
    }

    /// The keys, in the order of the rule.
    ///
    /// # Errors
    ///
    /// A text that is no key of its type.
    pub fn master_keys(&self) -> Result<Vec<MasterKey>> {
        self.keys.iter().map(GroupKey::master_key).collect()
    }
}

impl GroupKey {
    /// Its type.
    pub fn kind(&self) -> KeyType {
        match self {
            Self::Text(kind, _) => *kind,
            Self::Whole(key) => key.kind(),
        }
    }

    /// Its text, as the rule has it; of a key in parts, as sops shows it.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(_, text) => Cow::Borrowed(text),
            Self::Whole(key) => Cow::Owned(key.to_string()),
        }
    }

    fn age(&self) -> Option<&str> {
        match self {
            Self::Text(KeyType::Age, recipient) => Some(recipient),
            _ => None,
        }
    }

    fn master_key(&self) -> Result<MasterKey> {
        match self {
            Self::Text(kind, text) => MasterKey::parse(*kind, text),
            Self::Whole(key @ MasterKey::AzureKv { version, .. }) if version.is_empty() => {
                MasterKey::parse(KeyType::AzureKv, &key.to_string())
            }
            Self::Whole(key) => Ok(key.clone()),
        }
    }
}

/// Fields of a group in the order of sops, and how their items are written.
const KINDS: [(&str, KeyType, Items); 7] = [
    ("age", KeyType::Age, Items::Lists),
    ("pgp", KeyType::Pgp, Items::Texts),
    ("kms", KeyType::Kms, Items::Maps),
    ("gcp_kms", KeyType::GcpKms, Items::Maps),
    ("hckms", KeyType::Hckms, Items::Maps),
    ("azure_keyvault", KeyType::AzureKv, Items::Maps),
    ("hc_vault", KeyType::HcVault, Items::Texts),
];

/// Fields of a rule without groups, in the order of sops, and the type of their keys.
const FLAT: [(&str, KeyType); 7] = [
    ("age", KeyType::Age),
    ("pgp", KeyType::Pgp),
    ("kms", KeyType::Kms),
    ("gcp_kms", KeyType::GcpKms),
    ("hckms", KeyType::Hckms),
    ("azure_keyvault", KeyType::AzureKv),
    ("hc_vault_transit_uri", KeyType::HcVault),
];

#[derive(Clone, Copy)]
enum Items {
    /// A text is one key.
    Texts,
    /// A text is keys with commas between them.
    Lists,
    /// A map is a key.
    Maps,
}

/// One item of `key_groups`: merged groups first, then its own keys, none twice.
pub(super) fn group(view: &View<'_>) -> Result<KeyGroup> {
    let mut found = KeyGroup::default();
    collect(view, &mut found, 0, &mut 0)?;
    let mut seen = std::collections::HashSet::new();
    found.keys.retain(|key| seen.insert(key.clone()));
    Ok(found)
}

/// Groups that one group may gather: aliases of aliases could make as many as one likes.
const MOST: usize = 2_000;
/// Keys that one group may have.
const MOST_KEYS: usize = 100_000;
/// How deep groups may merge groups.
const DEEPEST: usize = 64;

fn collect(view: &View<'_>, found: &mut KeyGroup, depth: usize, seen: &mut usize) -> Result<()> {
    *seen += 1;
    if depth > DEEPEST || *seen > MOST || found.keys.len() > MOST_KEYS {
        return Err(view.error("groups merge groups without end"));
    }
    let entries = view.entries()?;
    let field = |name: &str| entries.iter().find(|entry| entry.name == name).map(|entry| entry.value);
    for merged in there(field("merge").map(|merge| merge.list()).transpose()?.unwrap_or_default()) {
        collect(&merged, found, depth + 1, seen)?;
    }
    for (name, kind, items) in KINDS {
        for item in field(name).map(|list| list.list()).transpose()?.unwrap_or_default() {
            match items {
                Items::Texts => found.keys.push(GroupKey::Text(kind, scalar(&item)?)),
                Items::Lists => found.keys.extend(texts(&scalar(&item)?, kind)),
                Items::Maps => found.keys.push(of_parts(kind, &item)?),
            }
        }
    }
    Ok(())
}

/// The one group of a rule that names its keys without groups. Doubles stay.
pub(super) fn flat_group(entries: &[Entry<'_>]) -> Result<KeyGroup> {
    let field = |name: &str| entries.iter().find(|entry| entry.name == name).map(|entry| entry.value);
    let profile = field("aws_profile").map(|value| scalar(&value)).transpose()?.unwrap_or_default();
    let mut found = KeyGroup::default();
    for (name, kind) in FLAT {
        let Some(value) = field(name) else { continue };
        if value.is_list() {
            found.keys.extend(texts(&value.strs()?.join(","), kind));
        } else if !value.is_null() {
            // in a text alone an empty part is passed over: sops mended that for trailing commas
            let keys = texts(value.str()?, kind);
            found.keys.extend(keys.filter(|key| !matches!(key, GroupKey::Text(_, text) if text.is_empty())));
        }
    }
    if !profile.is_empty() {
        for key in &mut found.keys {
            if let GroupKey::Text(KeyType::Kms, text) = key {
                let whole = MasterKey::parse(KeyType::Kms, text)?.with_aws(&BTreeMap::new(), &profile);
                *key = GroupKey::Whole(whole);
            }
        }
    }
    Ok(found)
}

/// Keys with commas between them. An empty part is a key that is none: sops refuses it when it gets there.
fn texts(text: &str, kind: KeyType) -> impl Iterator<Item = GroupKey> {
    let parts = text.split(',').filter(move |_| !text.is_empty());
    parts.map(move |part| GroupKey::Text(kind, part.trim().to_owned()))
}

/// A key of several parts.
fn of_parts(kind: KeyType, view: &View<'_>) -> Result<GroupKey> {
    let entries = view.entries()?;
    let value = |field: &str| entries.iter().find(|entry| entry.name == field).map(|entry| entry.value);
    let text =
        |field: &str| value(field).map(|value| scalar(&value)).transpose().map(Option::unwrap_or_default);
    Ok(match kind {
        KeyType::Kms => {
            let mut context = BTreeMap::new();
            if let Some(map) = value("context").filter(|context| !context.is_null()) {
                for inner in map.entries()? {
                    context.insert(inner.name.to_owned(), scalar(&inner.value)?);
                }
            }
            let (arn, role, profile) = (text("arn")?, text("role")?, text("aws_profile")?);
            GroupKey::Whole(MasterKey::Kms { arn, role, context, profile })
        }
        KeyType::AzureKv => {
            let (vault_url, name, version) = (text("vaultUrl")?, text("key")?, text("version")?);
            GroupKey::Whole(MasterKey::AzureKv { vault_url, name, version })
        }
        KeyType::GcpKms => GroupKey::Text(kind, text("resource_id")?),
        _ => GroupKey::Text(kind, text("key_id")?),
    })
}
