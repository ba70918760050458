//! Anybody's `.sops.yaml`, read as sops reads it: the first rule whose regex matches says who reads a new file.

use std::path::Path;
use std::sync::OnceLock;

use regex::bytes::Regex;

use crate::error::{Error, Result};
use crate::keys::MasterKey;
use crate::sops::{Rules, Selection, go_regex};
use crate::yaml::{Entry, View};

use super::destination::DestinationRule;
use super::group::{KeyGroup, flat_group, group};

/// The creation rules of one file, and its destination rules. `stores` is read elsewhere.
#[derive(Debug)]
pub struct SopsConfig {
    rules: Vec<CreationRule>,
    /// Whether there is a list of them, be it empty.
    has_rules: bool,
    destinations: Vec<DestinationRule>,
}

/// One creation rule.
#[derive(Debug)]
pub struct CreationRule {
    /// Which paths; empty: all.
    pub path_regex: String,
    /// Who reads: who has a key of each of the groups. sops makes one empty group, and then refuses to
    /// encrypt, of a rule that names nobody.
    pub groups: Vec<KeyGroup>,
    /// How many groups must come together, where the rule says so.
    pub shamir_threshold: Option<u32>,
    /// The line it begins on, counted from 1.
    pub line: u32,
    selections: Vec<Selection>,
    mac_only_encrypted: bool,
    /// Compiled when it is first asked: sops never looks at a regex behind the rule that matches.
    regex: OnceLock<Regex>,
}

impl SopsConfig {
    /// Reads the file; `file` is its name in errors. Of several documents the first counts.
    ///
    /// # Errors
    ///
    /// Not YAML; a field of another type than sops wants; a key given twice in one map.
    pub fn parse(file: &Path, bytes: &[u8]) -> Result<Self> {
        let name = file.to_string_lossy();
        let (tree, error) = crate::yaml::read(bytes);
        let Some(root) = tree.documents().first().and_then(|document| tree.root(*document)) else {
            return match error {
                Some(error) => Err(crate::yaml::refusal(error, bytes).at(file)),
                None => Ok(Self { rules: Vec::new(), has_rules: false, destinations: Vec::new() }),
            };
        };
        let root = View::new(&tree, root, &name);
        let (mut rules, mut has_rules) = (Vec::new(), false);
        for entry in root.entries()?.iter().filter(|entry| entry.name == "creation_rules") {
            has_rules = !entry.value.is_null();
            for rule in there(entry.value.list()?) {
                rules.push(CreationRule::read(&rule)?);
            }
        }
        let mut destinations = Vec::new();
        for entry in root.entries()?.iter().filter(|entry| entry.name == "destination_rules") {
            for rule in there(entry.value.list()?) {
                destinations.push(DestinationRule::read(&rule)?);
            }
        }
        Ok(Self { rules, has_rules, destinations })
    }

    /// Whether the file has a list of rules. One that is there and empty lets no file be encrypted; where there is none,
    /// sops takes the file for one that says nothing.
    pub fn has_rules(&self) -> bool {
        self.has_rules
    }

    /// All rules in their order.
    pub fn rules(&self) -> &[CreationRule] {
        &self.rules
    }

    /// Where `publish` takes a file to, by its path as it was typed: the first rule that matches.
    pub fn destination(&self, path: &str) -> Option<&DestinationRule> {
        self.destinations.iter().find(|rule| rule.matches(path))
    }

    /// The rule for a path, as [`relative_path`] makes it: the first that matches.
    ///
    /// # Errors
    ///
    /// A rule in front of it has a regex that Go does not compile: sops stops there.
    pub fn match_path(&self, path: &str) -> Result<Option<&CreationRule>> {
        for rule in &self.rules {
            if rule.matches(path)? {
                return Ok(Some(rule));
            }
        }
        Ok(None)
    }
}

/// The items of a list that are something. sops' library leaves null out of a list of maps.
pub(super) fn there(items: Vec<View<'_>>) -> Vec<View<'_>> {
    items.into_iter().filter(|item| !item.is_null()).collect()
}

impl CreationRule {
    /// A rule that says nothing.
    pub(super) fn empty(line: u32) -> Self {
        Self {
            path_regex: String::new(),
            groups: vec![KeyGroup::default()],
            shamir_threshold: None,
            line,
            selections: Vec::new(),
            mac_only_encrypted: false,
            regex: OnceLock::new(),
        }
    }

    pub(super) fn read(view: &View<'_>) -> Result<Self> {
        let entries = view.entries()?;
        let field = |name: &str| entries.iter().find(|entry| entry.name == name).map(|entry| entry.value);
        let text = |name: &str| field(name).map(|value| scalar(&value)).transpose();
        let groups = match field("key_groups").map(|groups| groups.list()).transpose()?.map(there) {
            Some(groups) if !groups.is_empty() => groups.iter().map(group).collect::<Result<Vec<_>>>()?,
            _ => vec![flat_group(&entries)?],
        };
        let threshold = field("shamir_threshold").filter(|value| !value.is_null());
        let mac_only = field("mac_only_encrypted").filter(|value| !value.is_null());
        Ok(Self {
            path_regex: text("path_regex")?.unwrap_or_default(),
            groups,
            shamir_threshold: threshold.map(|value| value.number()).transpose()?.filter(|number| *number > 0),
            line: view.line(),
            selections: selections(&entries)?,
            mac_only_encrypted: mac_only.map(|value| value.bool()).transpose()?.unwrap_or_default(),
            regex: OnceLock::new(),
        })
    }

    /// Whether the rule is for this path.
    pub fn matches(&self, path: &str) -> Result<bool> {
        if self.path_regex.is_empty() {
            return Ok(true);
        }
        if let Some(regex) = self.regex.get() {
            return Ok(regex.is_match(path.as_bytes()));
        }
        let regex = go_regex(&self.path_regex)
            .map_err(|error| Error::new(format!("line {}: path_regex: {}", self.line, error.message())))?;
        Ok(self.regex.get_or_init(|| regex).is_match(path.as_bytes()))
    }

    /// Which values of a new file are encrypted.
    ///
    /// # Errors
    ///
    /// More than one of the six fields; a regex that does not compile, which sops would take for one that
    /// matches nothing.
    pub fn encryption(&self) -> Result<Rules> {
        match self.selections.as_slice() {
            [] => {
                let usual = Rules::default();
                Rules::new(usual.selection().clone(), self.mac_only_encrypted)
            }
            [one] => Rules::new(one.clone(), self.mac_only_encrypted),
            [first, second, ..] => {
                let names = (first.field().0, second.field().0);
                Err(Error::new(format!("line {}: the rule has both {} and {}", self.line, names.0, names.1)))
            }
        }
    }

    /// The keys of each group, in the order in which sops wraps for them.
    ///
    /// # Errors
    ///
    /// A text that is no key of its type.
    pub fn key_groups(&self) -> Result<Vec<Vec<MasterKey>>> {
        let groups = self.groups.iter().map(KeyGroup::master_keys);
        groups
            .collect::<Result<_>>()
            .map_err(|error| Error::new(format!("line {}: {}", self.line, error.message())))
    }

    /// The text of one of the six fields that say which values are encrypted; none where it is empty.
    pub fn selection(&self, field: &str) -> Option<&str> {
        self.selections.iter().map(Selection::field).find(|(name, _)| *name == field).map(|(_, text)| text)
    }

    /// Checks that it names one of the six at most.
    ///
    /// # Errors
    ///
    /// It names more.
    pub fn selections_agree(&self) -> Result<()> {
        match self.selections.as_slice() {
            [] | [_] => Ok(()),
            _ => Err(Error::new(
                "cannot use more than one of encrypted_suffix, unencrypted_suffix, encrypted_regex, \
                 unencrypted_regex, encrypted_comment_regex, or unencrypted_comment_regex for the same rule",
            )),
        }
    }

    /// Whether values in clear are left out of the MAC.
    pub fn mac_only_encrypted(&self) -> bool {
        self.mac_only_encrypted
    }

    /// The age recipients of a rule with one group, as sops would store them; none where the rule wants
    /// more groups or other keys than age's.
    pub fn recipients(&self) -> Option<Vec<&str>> {
        match self.groups.as_slice() {
            [group] => group.age_alone(),
            _ => None,
        }
    }
}

fn selections(entries: &[Entry<'_>]) -> Result<Vec<Selection>> {
    let mut found = Vec::new();
    for entry in entries {
        let Some(named) = Selection::of_field(entry.name, "") else { continue };
        let text = scalar(&entry.value)?;
        if !text.is_empty() {
            found.extend(Selection::of_field(named.field().0, &text));
        }
    }
    Ok(found)
}

/// The text of a field that sops reads into a string: any scalar, empty where nothing stands.
pub(super) fn scalar(view: &View<'_>) -> Result<String> {
    if view.is_null() { Ok(String::new()) } else { Ok(view.text()?.to_owned()) }
}

/// The path that sops holds against the regexes: without the folder of the config file, where the file lies
/// below it, else whole. Both absolute and clean.
pub fn relative_path<'p>(folder: &Path, file: &'p Path) -> std::borrow::Cow<'p, str> {
    file.strip_prefix(folder).unwrap_or(file).to_string_lossy()
}
