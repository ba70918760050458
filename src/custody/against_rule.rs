//! What a file is, beside what its creation rule would make of it now. Needs no key.

use crate::keys::{self, KeyType, MasterKey, Recipient};
use crate::rules::CreationRule;
use crate::sops::{Encrypted, Format, KeyGroups, Rules};
use std::collections::BTreeSet;

/// One thing that differs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Difference {
    /// The rule names a key, and the file does not. The number is that of the key group, from 1, where there are several.
    Missing(String, Option<usize>),
    /// The file names a key, and the rule does not.
    Extra(String, Option<usize>),
    /// How many key groups the file has, and the rule.
    Groups(usize, usize),
    /// How many of them it takes to open the file, and by the rule.
    Threshold(usize, usize),
    /// Which values are encrypted, in the words of the metadata, and by the rule.
    Selection(String, String),
    /// The MAC covers encrypted values alone, or all; by the rule it is the other way round. True: encrypted ones alone.
    MacOnlyEncrypted(bool),
    /// The rule names nobody: files here are not to be encrypted.
    NamesNobody,
    /// The rule cannot be used, and why.
    Unusable(String),
}

impl Difference {
    /// Its name, for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Missing(..) => "reader-missing",
            Self::Extra(..) => "reader-extra",
            Self::Groups(..) => "key-groups",
            Self::Threshold(..) => "threshold",
            Self::Selection(..) => "selection",
            Self::MacOnlyEncrypted(_) => "mac-only-encrypted",
            Self::NamesNobody => "rule-names-nobody",
            Self::Unusable(_) => "rule-unusable",
        }
    }

    /// The key that it is about, whole; none where it is about something else.
    pub fn reader(&self) -> Option<&str> {
        match self {
            Self::Missing(reader, _) | Self::Extra(reader, _) => Some(reader),
            _ => None,
        }
    }

    /// What differs, about a file and for people; `rule` is what they call the rule.
    pub fn sentence(&self, rule: &str) -> String {
        let only = |only: bool| if only { "encrypted values alone" } else { "all values" };
        match self {
            Self::Missing(reader, group) => {
                format!("does not name {} as a reader{}, which {rule} does", on_screen(reader), of(*group))
            }
            Self::Extra(reader, group) => {
                format!("names {} as a reader{}, which {rule} does not", on_screen(reader), of(*group))
            }
            Self::Groups(1, wants) => format!("has one list of readers, and {rule} has {wants} key groups"),
            Self::Groups(has, 1) => format!("has {has} key groups, and {rule} has one list of readers"),
            Self::Groups(has, wants) => format!("has {has} key groups, and {rule} has {wants}"),
            Self::Threshold(has, wants) => {
                format!("takes {has} of its key groups to be opened, and by {rule} it would take {wants}")
            }
            Self::Selection(has, wants) => format!("has {has}, and {rule} has {wants}"),
            Self::MacOnlyEncrypted(has) => {
                format!("has a MAC over {}, and by {rule} it would be over {}", only(*has), only(!*has))
            }
            Self::NamesNobody => format!("is encrypted, and {rule} names nobody"),
            Self::Unusable(why) => format!("cannot be held against {rule}: {why}"),
        }
    }
}

fn of(group: Option<usize>) -> String {
    group.map(|number| format!(" of key group {number}")).unwrap_or_default()
}

/// An age key by its ends where it is long; another key by its type and name.
fn on_screen(reader: &str) -> String {
    match Recipient::parse(reader) {
        Ok(_) => keys::reader(reader, &|_| None),
        Err(_) => reader.to_owned(),
    }
}

/// Compares a file with the rule for its path: readers in their groups, threshold, and what is encrypted.
///
/// Keys are the same if sops would say so, but for the comment of an ssh key, which opens nothing.
pub fn against_rule(file: &Encrypted, rule: &CreationRule) -> Vec<Difference> {
    let mut found = Vec::new();
    match rule.key_groups() {
        Ok(wanted) if wanted.iter().all(Vec::is_empty) => return vec![Difference::NamesNobody],
        Ok(wanted) if let Some(why) = no_recipient(&wanted) => found.push(Difference::Unusable(why)),
        Ok(wanted) => {
            let threshold = i64::from(rule.shamir_threshold.unwrap_or_default());
            readers(file, &wanted, &mut found);
            match KeyGroups::new(wanted, threshold) {
                Ok(wanted) => shares(file, &wanted, &mut found),
                Err(error) => found.push(Difference::Unusable(error.to_string())),
            }
        }
        Err(error) => found.push(Difference::Unusable(error.to_string())),
    }
    match rule.encryption() {
        // a file of bytes has one value, which is encrypted by whatever rule
        Ok(_) if file.format() == Format::Binary => {}
        Ok(wanted) => encryption(file.metadata().rules(), &wanted, &mut found),
        Err(error) => found.push(Difference::Unusable(error.to_string())),
    }
    found
}

/// Why sops could not encrypt to one of the age keys: the rule is read without looking at them.
fn no_recipient(wanted: &[Vec<MasterKey>]) -> Option<String> {
    let mut age = wanted.iter().flatten().filter(|key| key.kind() == KeyType::Age);
    age.find_map(|key| Recipient::parse(&key.to_string()).err()).map(|error| error.to_string())
}

fn readers(file: &Encrypted, wanted: &[Vec<MasterKey>], found: &mut Vec<Difference>) {
    let has = file.metadata().key_groups();
    if has.len() == wanted.len() {
        for (number, (has, wants)) in (1..).zip(has.iter().zip(wanted)) {
            let group = (wanted.len() > 1).then_some(number);
            compare(&names(has), &names(wants), group, found);
        }
    } else {
        compare(&names(has.iter().flatten()), &names(wanted.iter().flatten()), None, found);
    }
}

fn compare(
    has: &BTreeSet<String>,
    wants: &BTreeSet<String>,
    group: Option<usize>,
    found: &mut Vec<Difference>,
) {
    found.extend(wants.difference(has).map(|reader| Difference::Missing(reader.clone(), group)));
    found.extend(has.difference(wants).map(|reader| Difference::Extra(reader.clone(), group)));
}

fn names<'k>(keys: impl IntoIterator<Item = &'k MasterKey>) -> BTreeSet<String> {
    keys.into_iter().map(name).collect()
}

/// A key by its text, without the comment of an ssh key; one that is not age's with its type. What is no recipient may be
/// anything, and is not shown.
fn name(key: &MasterKey) -> String {
    let text = key.to_string();
    match key.kind() {
        KeyType::Age => match Recipient::parse(&text) {
            Ok(recipient) => recipient.to_string(),
            Err(_) => Recipient::shown(&text).to_owned(),
        },
        kind => format!("{} {}", kind.field(), crate::error::one_line(&text)),
    }
}

fn shares(file: &Encrypted, wanted: &KeyGroups, found: &mut Vec<Difference>) {
    let (has, wants) = (file.metadata().groups().len(), wanted.groups().len());
    if has != wants {
        found.push(Difference::Groups(has, wants));
        return;
    }
    let needed = file.metadata().needed_groups();
    let wants = if wants == 1 { 1 } else { usize::try_from(wanted.threshold()).unwrap_or(wants) };
    if needed != wants {
        found.push(Difference::Threshold(needed, wants));
    }
}

fn encryption(has: &Rules, wants: &Rules, found: &mut Vec<Difference>) {
    let words = |rules: &Rules| {
        let (field, text) = rules.selection().field();
        crate::error::one_line(&format!("{field}: {text}"))
    };
    if has.selection() != wants.selection() {
        found.push(Difference::Selection(words(has), words(wants)));
    }
    if has.mac_only_encrypted() != wants.mac_only_encrypted() {
        found.push(Difference::MacOnlyEncrypted(has.mac_only_encrypted()));
    }
}
