//! From who reads what to the rules of `.sops.yaml`: one rule for each set of readers in each folder.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::error::{Error, Result};
use crate::rules::{Anchor, Rule, RuleSet, SopsConfig, alternatives, below, escape, one_of};
use crate::sops::Stores;

use super::file::{ENDING, FOLDERS, FileKind, ITEM_REGEX, SECRETS};
use super::fleet::Fleet;
use super::inventory::HandWritten;
use super::members::MemberId;

impl Fleet {
    /// The rules that say what [`Fleet::readers`] says.
    ///
    /// # Errors
    ///
    /// A hand-written rule that stands in front of ours takes a path of ours.
    pub fn rules(&self) -> Result<RuleSet> {
        let hand_written = self.inventory().hand_written();
        self.before_leaves_ours_alone()?;
        let groups = self.groups();
        let anchors = Anchors::of(self, &groups);
        let rules = groups.iter().map(|group| group.rule(&anchors)).collect();
        Ok(RuleSet {
            keys: hand_written.keys.value.clone(),
            anchors: anchors.list,
            before: hand_written.before.value.clone(),
            rules,
            deny: FOLDERS.iter().map(|folder| below(&format!("{SECRETS}/{folder}"))).collect(),
            after: hand_written.after.value.clone(),
            other: hand_written.other.value.clone(),
        })
    }

    /// How its files are laid out: `stores` in `rules.other`.
    pub fn stores(&self) -> Stores {
        self.inventory().hand_written().stores
    }

    /// That no hand-written rule in front of ours takes a path of ours: sops would encrypt to its readers.
    fn before_leaves_ours_alone(&self) -> Result<()> {
        let hand_written = self.inventory().hand_written();
        let before = &hand_written.before;
        if before.value.is_empty() {
            return Ok(());
        }
        let file = self.inventory().file();
        let text =
            format!("keys:\n{}creation_rules:\n{}", hand_written.keys.value.as_str(), before.value.as_str());
        let config = SopsConfig::parse(file, text.as_bytes()).map_err(Error::unplaced)?;
        let files = self.expected_files().into_iter().map(|file| file.kind);
        let handovers = self.inventory().users.iter().flat_map(|user| {
            let hosts = self
                .inventory()
                .placements(user)
                .map(|placement| format!("password@{}", placement.host.name));
            let items = std::iter::once("password".to_owned()).chain(hosts);
            items.map(|item| FileKind::Handover(user.name.clone(), item))
        });
        for kind in files.chain(handovers) {
            let path = kind.path();
            for (number, rule) in config.rules().iter().enumerate() {
                if rule.matches(&path)? {
                    return Err(Error::new(format!("this rule matches {path}, which is ours"))
                        .at(file)
                        .position(before.place.line, before.place.column)
                        .key(format!("rules.before.{number}"))
                        .hint("give it a path_regex that leaves secrets/ alone, or move it to rules.after"));
                }
            }
        }
        Ok(())
    }

    /// The files of each folder by their readers, in the order of the folders and of the first name.
    fn groups(&self) -> Vec<Group> {
        let mut all: [Grouping; FOLDERS.len()] = Default::default();
        let [users, accounts, handover, hosts, shared, bootstrap] = &mut all;
        for file in self.expected_files() {
            let Some(ids) = self.reader_ids(&file.kind) else { continue };
            let (grouping, name) = match &file.kind {
                FileKind::Personal(user) => (&mut *users, user.to_string()),
                FileKind::Account(user, None) => (&mut *accounts, user.to_string()),
                FileKind::Account(user, Some(host)) => (&mut *accounts, format!("{user}@{host}")),
                FileKind::Handover(..) => continue,
                FileKind::Host(host) => (&mut *hosts, host.to_string()),
                FileKind::Shared(name) => (&mut *shared, name.to_string()),
                FileKind::Bootstrap(host) => (&mut *bootstrap, host.to_string()),
            };
            grouping.add(ids, name);
        }
        for user in &self.inventory().users {
            let any = FileKind::Handover(user.name.clone(), "password".into());
            if let Some(ids) = self.reader_ids(&any).filter(|ids| !ids.is_empty()) {
                handover.add(ids, user.name.to_string());
            }
        }
        let folders = FOLDERS.iter().zip(all);
        folders.flat_map(|(folder, grouping)| grouping.finish(folder)).collect()
    }
}

/// The files of one folder that have the same readers.
struct Group {
    folder: &'static str,
    readers: Vec<MemberId>,
    names: Vec<String>,
}

impl Group {
    fn rule(&self, anchors: &Anchors) -> Rule {
        let names = self.names.iter().map(String::as_str);
        let folder = format!("{SECRETS}/{}/", self.folder);
        let path_regex = if self.folder == "handover" {
            format!("^{folder}{}/{ITEM_REGEX}{}$", alternatives(names), escape(ENDING))
        } else {
            one_of(&folder, names, ENDING)
        };
        Rule { path_regex, readers: anchors.of_members(&self.readers) }
    }
}

/// Sets of readers in the order in which they were first seen.
#[derive(Default)]
struct Grouping {
    ranks: HashMap<Vec<MemberId>, usize>,
    names: Vec<Vec<String>>,
}

impl Grouping {
    fn add(&mut self, readers: Vec<MemberId>, name: String) {
        let next = self.names.len();
        let rank = *self.ranks.entry(readers).or_insert(next);
        match self.names.get_mut(rank) {
            Some(names) => names.push(name),
            None => self.names.push(vec![name]),
        }
    }

    fn finish(self, folder: &'static str) -> Vec<Group> {
        let mut groups: Vec<_> = self.ranks.into_iter().collect();
        groups.sort_by_key(|(_, rank)| *rank);
        let groups = groups.into_iter().zip(self.names);
        groups.map(|((readers, _), names)| Group { folder, readers, names }).collect()
    }
}

/// The names of all recipients in use.
struct Anchors {
    list: Vec<Anchor>,
    /// Of each member its first anchor and how many; none where the member reads nothing.
    ranges: HashMap<MemberId, std::ops::Range<usize>>,
}

impl Anchors {
    fn of(fleet: &Fleet, groups: &[Group]) -> Self {
        let used: BTreeSet<MemberId> =
            groups.iter().flat_map(|group| group.readers.iter().copied()).collect();
        let HandWritten { keys, before, after, other, stores: _ } = fleet.inventory().hand_written();
        let mut taken: HashSet<String> = [keys, before, after, other]
            .into_iter()
            .flat_map(|said| anchors_in(said.value.as_str()))
            .collect();
        let mut anchors = Self { list: Vec::new(), ranges: HashMap::new() };
        for id in used {
            let member = fleet.members.get(id);
            let class = match member.principal.class.as_str() {
                "recovery" => "recovery",
                plural => plural.trim_end_matches('s'),
            };
            let name = format!("{class}_{}", word(&member.principal.name));
            let first = anchors.list.len();
            for (recipient, _) in &member.keys {
                let name = free(&name, &mut taken);
                anchors.list.push(Anchor { name, recipient: recipient.to_string() });
            }
            anchors.ranges.insert(id, first..anchors.list.len());
        }
        anchors
    }

    /// The anchors of several members, one for each recipient: two of them may have the same key.
    fn of_members(&self, members: &[MemberId]) -> Vec<usize> {
        let mut seen = HashSet::new();
        let all = members.iter().filter_map(|id| self.ranges.get(id)).flat_map(Clone::clone);
        all.filter(|index| self.list.get(*index).is_some_and(|anchor| seen.insert(anchor.recipient.as_str())))
            .collect()
    }
}

/// The name with everything that YAML has no anchors of as `_`.
fn word(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// The name, or with the first number from 2 on that nobody has.
fn free(name: &str, taken: &mut HashSet<String>) -> String {
    let numbered = (2..).map(|number: u32| format!("{name}_{number}"));
    let found = std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken.contains(name));
    let found = found.unwrap_or_default();
    taken.insert(found.clone());
    found
}

/// What could be an anchor in hand-written text: more than there are does no harm.
fn anchors_in(text: &str) -> impl Iterator<Item = String> {
    let is_inner = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    text.split('&').skip(1).map(move |rest| rest.chars().take_while(is_inner).collect())
}
