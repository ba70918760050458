//! Which rule a path gets, who reads it, and why.

use crate::error::Result;
use crate::fs::RepoPath;
use crate::keys::{KeyType, Principal, Recipient};
use crate::rules::{CreationRule, SopsConfig};

use super::file::FileKind;
use super::fleet::Fleet;
use super::readers::Readers;

/// What is to be said about one path.
#[derive(Debug)]
pub struct Explanation<'c> {
    /// What the file is for, where its name is one of ours.
    pub kind: Option<FileKind>,
    /// Who reads it by the registry; none for a path that the fleet does not have.
    pub readers: Option<Readers>,
    /// The rule of `.sops.yaml` that sops would take, with its number from 1.
    pub rule: Option<(usize, &'c CreationRule)>,
    /// The keys of that rule, each with whom it belongs to: group by group.
    pub keys: Vec<Vec<NamedKey>>,
    /// Whether the rule's readers are exactly those of the registry; none where the fleet does not have the path.
    pub agrees: Option<bool>,
}

/// A key of a rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NamedKey {
    /// The key, `age1…`; another type with its name in front, `pgp FINGERPRINT`.
    pub key: String,
    /// Whose it is by the registry; nobody's: empty.
    pub holders: Vec<Principal>,
}

impl Fleet {
    /// Explains a path by the registry and by a `.sops.yaml`, ours or anybody's.
    ///
    /// # Errors
    ///
    /// A rule in front of the matching one has a regex that does not compile.
    pub fn explain<'c>(&self, path: &RepoPath, config: &'c SopsConfig) -> Result<Explanation<'c>> {
        let kind = FileKind::of(path.as_str());
        let readers = kind.as_ref().and_then(|kind| self.readers_of(kind));
        let rule = config.match_path(path.as_str())?;
        let number = |rule: &CreationRule| config.rules().iter().position(|one| std::ptr::eq(one, rule));
        let keys = rule.map(|rule| self.named_keys(rule)).unwrap_or_default();
        let agrees = readers.as_ref().map(|readers| agrees(readers, rule));
        let rule = rule.and_then(|rule| Some((number(rule)? + 1, rule)));
        Ok(Explanation { kind, readers, rule, keys, agrees })
    }

    fn named_keys(&self, rule: &CreationRule) -> Vec<Vec<NamedKey>> {
        let named =
            |kind: KeyType, text: &str| match Recipient::parse(text).ok().filter(|_| kind == KeyType::Age) {
                Some(recipient) => NamedKey {
                    holders: self.registry().holders(&recipient).to_vec(),
                    key: recipient.to_string(),
                },
                // whatever it is, a private key is not shown
                None if kind == KeyType::Age => {
                    NamedKey { key: "an age key that is none".into(), holders: Vec::new() }
                }
                None => NamedKey { key: format!("{kind} {text}"), holders: Vec::new() },
            };
        let groups = rule.groups.iter();
        groups.map(|group| group.keys.iter().map(|key| named(key.kind(), &key.text())).collect()).collect()
    }
}

/// Whether sops would encrypt to the same keys; a file without readers is right if sops refuses it.
fn agrees(readers: &Readers, rule: Option<&CreationRule>) -> bool {
    let Some(mut ruled) = rule.and_then(CreationRule::recipients) else { return false };
    let mut wanted: Vec<&str> = readers.recipients().into_iter().map(Recipient::as_str).collect();
    ruled.sort_unstable();
    wanted.sort_unstable();
    ruled == wanted
}
