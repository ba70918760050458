//! Key groups of a creation rule: which keys, in which order sops would write them.

use crate::error::Result;
use crate::yaml::{Entry, View};

use super::config::scalar;

/// The keys of one group, each of which opens it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KeyGroup {
    /// In the order in which sops wraps for them.
    pub keys: Vec<GroupKey>,
}

/// One key.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct GroupKey {
    /// `age`, `pgp`, `kms` and so on: the field's name in a group.
    pub kind: &'static str,
    /// The key; of a key of several parts the parts in their order.
    pub text: String,
}

impl KeyGroup {
    /// The recipients, if all keys are age's.
    pub(super) fn age_alone(&self) -> Option<Vec<&str>> {
        self.keys.iter().map(|key| (key.kind == AGE).then_some(key.text.as_str())).collect()
    }
}

const AGE: &str = "age";

/// Fields of a group in the order of sops, and how their items are written.
const KINDS: [(&str, Items); 7] = [
    (AGE, Items::Lists),
    ("pgp", Items::Texts),
    ("kms", Items::Maps(&["arn", "role", "context", "aws_profile"])),
    ("gcp_kms", Items::Maps(&["resource_id"])),
    ("hckms", Items::Maps(&["key_id"])),
    ("azure_keyvault", Items::Maps(&["vaultUrl", "key", "version"])),
    ("hc_vault", Items::Texts),
];

/// Fields of a rule without groups, in the order of sops, and the kind of their keys.
const FLAT: [(&str, &str); 7] = [
    ("age", AGE),
    ("pgp", "pgp"),
    ("kms", "kms"),
    ("gcp_kms", "gcp_kms"),
    ("hckms", "hckms"),
    ("azure_keyvault", "azure_keyvault"),
    ("hc_vault_transit_uri", "hc_vault"),
];

#[derive(Clone, Copy)]
enum Items {
    /// A text is one key.
    Texts,
    /// A text is keys with commas between them.
    Lists,
    /// A map with these fields is a key.
    Maps(&'static [&'static str]),
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
    for merged in field("merge").map(|merge| merge.list()).transpose()?.unwrap_or_default() {
        collect(&merged, found, depth + 1, seen)?;
    }
    for (kind, items) in KINDS {
        for item in field(kind).map(|list| list.list()).transpose()?.unwrap_or_default() {
            match items {
                Items::Texts => found.keys.push(GroupKey { kind, text: scalar(&item)? }),
                Items::Lists => found.keys.extend(texts(&scalar(&item)?, kind)),
                Items::Maps(fields) => found.keys.push(GroupKey { kind, text: parts(&item, fields)? }),
            }
        }
    }
    Ok(())
}

/// The one group of a rule that names its keys without groups. Doubles stay.
pub(super) fn flat_group(entries: &[Entry<'_>]) -> Result<KeyGroup> {
    let mut found = KeyGroup::default();
    for (field, kind) in FLAT {
        let Some(entry) = entries.iter().find(|entry| entry.name == field) else { continue };
        if entry.value.is_list() {
            found.keys.extend(texts(&entry.value.strs()?.join(","), kind));
        } else if !entry.value.is_null() {
            // in a text alone an empty part is passed over: sops mended that for trailing commas
            found.keys.extend(texts(entry.value.str()?, kind).filter(|key| !key.text.is_empty()));
        }
    }
    Ok(found)
}

/// Keys with commas between them. An empty part is a key that is none: sops refuses it when it gets there.
fn texts(text: &str, kind: &'static str) -> impl Iterator<Item = GroupKey> {
    let parts = text.split(',').filter(move |_| !text.is_empty());
    parts.map(move |part| GroupKey { kind, text: part.trim().to_owned() })
}

/// A key of several parts: each field that is there, in the order of the table.
fn parts(view: &View<'_>, fields: &[&str]) -> Result<String> {
    let entries = view.entries()?;
    let mut parts = Vec::new();
    for field in fields {
        let Some(entry) = entries.iter().find(|entry| entry.name == *field) else { continue };
        if entry.value.is_map() {
            for inner in entry.value.entries()? {
                parts.push(format!("{}={}", inner.name, scalar(&inner.value)?));
            }
        } else {
            parts.push(scalar(&entry.value)?);
        }
    }
    Ok(parts.join(" "))
}
