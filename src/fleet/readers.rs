//! Who reads what. Nothing else decides it.

use std::collections::HashSet;
use std::fmt;

use crate::error::{Error, Result, as_word};
use crate::fs::RepoPath;
use crate::keys::{Class, Principal, Recipient};

use super::file::FileKind;
use super::fleet::Fleet;
use super::inventory::{HostId, Inventory, Place, Shared, User};
use super::members::{Member, MemberId};

/// The readers of one file.
#[derive(Clone, Debug, Default)]
pub struct Readers {
    /// Users first, then hosts, robots, admins and recovery, each by name.
    pub readers: Vec<Reader>,
    /// Who would read it too, and why not.
    pub left_out: Vec<LeftOut>,
}

/// One reader, with every reason.
#[derive(Clone, Debug)]
pub struct Reader {
    /// Who.
    pub principal: Principal,
    /// The keys as they go into the file.
    pub keys: Vec<ReaderKey>,
    /// Why: at least one.
    pub reasons: Vec<Reason>,
}

/// One recipient, and where it is registered.
#[derive(Clone, Debug)]
pub struct ReaderKey {
    /// As it goes into the file: a host's ssh-ed25519 key as `age1…`, unless `settings.ssh` is `native`.
    pub recipient: Recipient,
    /// Its line in the principal's key file.
    pub line: u32,
}

/// A sentence, and the line that says so.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reason {
    /// The file in the repository.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The sentence.
    pub text: String,
}

/// Somebody who would be a reader.
#[derive(Clone, Debug)]
pub struct LeftOut {
    /// Who.
    pub principal: Principal,
    /// Why not.
    pub reason: Reason,
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.file, self.line, self.text)
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.principal, self.reason)
    }
}

impl Readers {
    /// Whether nobody could read it: such a file is never written.
    pub fn is_empty(&self) -> bool {
        self.readers.is_empty()
    }

    /// The recipients as they go into the file, in its order, none twice.
    pub fn recipients(&self) -> Vec<&Recipient> {
        let mut seen = HashSet::new();
        let keys = self.readers.iter().flat_map(|reader| &reader.keys);
        keys.map(|key| &key.recipient).filter(|recipient| seen.insert(recipient.as_str())).collect()
    }

    /// The readers who have this recipient.
    pub fn holders<'r>(&'r self, recipient: &'r Recipient) -> impl Iterator<Item = &'r Reader> {
        self.readers.iter().filter(move |reader| reader.keys.iter().any(|key| key.recipient == *recipient))
    }
}

impl Fleet {
    /// Who reads a file of the fleet; none where the path is not one that the fleet has.
    ///
    /// There may be no reader at all ([`Readers::is_empty`]): then the file must not be written.
    pub fn readers(&self, path: &RepoPath) -> Option<Readers> {
        self.readers_of(&FileKind::of(path.as_str())?)
    }

    /// The same for a path that has been understood.
    pub fn readers_of(&self, kind: &FileKind) -> Option<Readers> {
        Some(self.gather(kind, true)?.explained())
    }

    /// The readers alone, sorted, without what it costs to say why.
    pub(super) fn reader_ids(&self, kind: &FileKind) -> Option<Vec<MemberId>> {
        let mut ids = self.gather(kind, false)?.ids;
        ids.sort_unstable();
        ids.dedup();
        Some(ids)
    }

    fn gather(&self, kind: &FileKind, explain: bool) -> Option<Gathered<'_>> {
        let mut found =
            Gathered { fleet: self, explain, ids: Vec::new(), reasons: Vec::new(), left_out: Vec::new() };
        let inventory = self.inventory();
        match kind {
            FileKind::Personal(name) => found.personal(inventory.user(name.as_str())?, true)?,
            FileKind::Handover(name, _) => found.personal(inventory.user(name.as_str())?, false)?,
            FileKind::Account(user, host) => {
                let user = inventory.user(user.as_str())?;
                found.account(user, host.as_ref().map(super::HostName::as_str))?;
            }
            FileKind::Host(name) => {
                let id = *inventory.host_ids.get(name)?;
                found.host(id, || (inventory.by_id(id).place, format!("it is {name}'s own file")));
                found.keyholders("every host's file");
            }
            FileKind::Shared(name) => found.shared(inventory.shared_named(name.as_str())?),
            FileKind::Bootstrap(name) => {
                inventory.host(name.as_str())?;
                found.keyholders("host keys made in advance");
            }
        }
        Some(found)
    }

    /// Who reads a file that is about to be written.
    ///
    /// # Errors
    ///
    /// The path is none of the fleet's, or nobody could read it; the hints say why.
    pub fn must_have_readers(&self, path: &RepoPath) -> Result<Readers> {
        let readers = self.readers(path).ok_or_else(|| {
            // a short name means the same in every folder of the fleet
            let name = FileKind::of(path.as_str()).map_or_else(|| path.to_string(), |kind| kind.to_string());
            Error::new("the fleet has no such file")
                .at(path.as_str())
                .hint(format!("uvars rules --explain {}", as_word(&name)))
        })?;
        if !readers.is_empty() {
            return Ok(readers);
        }
        let error = Error::new("nobody could read this file, so it is not written").at(path.as_str());
        Err(readers.left_out.iter().fold(error, |error, left| error.hint(left.to_string())))
    }
}

/// Readers while they are gathered.
struct Gathered<'f> {
    fleet: &'f Fleet,
    /// Whether anybody wants to know why; otherwise no sentence is made.
    explain: bool,
    ids: Vec<MemberId>,
    /// For each id its reason, where they are wanted.
    reasons: Vec<Reason>,
    left_out: Vec<LeftOut>,
}

/// A sentence and its place in `uvars.yaml`.
type Said = (Place, String);

impl<'f> Gathered<'f> {
    /// A user's own file: the user, the hosts that install it, and recovery where the settings say so.
    fn personal(&mut self, user: &'f User, installed: bool) -> Option<()> {
        if user.is_absent() {
            return None;
        }
        let inventory = self.fleet.inventory();
        let name = &user.name;
        let Some(member) = self.fleet.members.user(user) else {
            self.leave_out_keyless(user);
            return Some(());
        };
        let what = if installed { "it is the own file of" } else { "it waits for" };
        self.add(member, || (user.place, format!("{what} {name}")));
        for host in user.integrated.iter().filter(|_| installed) {
            let Some(placement) = inventory.placement(name.as_str(), host.value.as_str()) else { continue };
            let Some(id) = inventory.host_ids.get(&host.value).filter(|_| placement.is_integrated()) else {
                continue;
            };
            let text = || format!("{}'s system activation installs {name}'s file (integrated)", host.value);
            self.host(*id, || (host.place, text()));
        }
        if inventory.settings.recovery_personal {
            self.class(
                &self.fleet.members.recovery,
                "recovery keys read personal files (settings.recovery_personal)",
            );
        }
        Some(())
    }

    /// What lets a user in: the hosts that need it, admins and recovery.
    fn account(&mut self, user: &'f User, host: Option<&str>) -> Option<()> {
        let inventory = self.fleet.inventory();
        if user.password?.share != host.is_none() {
            return None;
        }
        let mut needed = false;
        let one = host.map(|host| inventory.placement(user.name.as_str(), host));
        let all = one.is_none().then(|| inventory.placements(user));
        for placement in one.flatten().into_iter().chain(all.into_iter().flatten()) {
            if placement.needs_account_file() {
                needed = true;
                self.host(placement.id(), || {
                    let (tag, place) = placement.reason();
                    let how = tag.map_or_else(|| "by name".into(), |tag| format!("by tag {tag}"));
                    (place, format!("{} is placed on {} {how}", user.name, placement.host.name))
                });
            }
        }
        self.keyholders("every account file");
        needed.then_some(())
    }

    /// What a shared file names, admins and recovery.
    fn shared(&mut self, shared: &'f Shared) {
        let inventory = self.fleet.inventory();
        let name = &shared.name;
        for user in &shared.users {
            let Some(known) = inventory.user(user.value.as_str()) else { continue };
            if known.is_absent() {
                let text = || format!("{} is absent and reads nothing", user.value);
                self.leave_out(self.fleet.principal(known), || (user.place, text()));
            } else if let Some(member) = self.fleet.members.user(known) {
                self.add(member, || (user.place, format!("shared/{name} names {}", user.value)));
            } else {
                self.leave_out_keyless(known);
            }
        }
        for host in &shared.hosts {
            let Some(id) = inventory.host_ids.get(&host.value) else { continue };
            self.host(*id, || (host.place, format!("shared/{name} names {}", host.value)));
        }
        for tag in &shared.tags {
            for id in inventory.ids_tagged(tag.value.as_str()) {
                let host = &inventory.by_id(id).name;
                self.host(id, || (tag.place, format!("shared/{name} names the tag {} of {host}", tag.value)));
            }
        }
        for robot in &shared.robots {
            let Some(member) = self.fleet.members.robot(robot.value.as_str()) else { continue };
            self.add(member, || (robot.place, format!("shared/{name} names the robot {}", robot.value)));
        }
        self.keyholders("every shared file");
    }

    fn add(&mut self, id: MemberId, why: impl FnOnce() -> Said) {
        self.ids.push(id);
        if self.explain {
            self.reasons.push(self.fleet.inventory().reason(why()));
        }
    }

    fn host(&mut self, id: HostId, why: impl FnOnce() -> Said) {
        if let Some(member) = self.fleet.members.host(id) {
            return self.add(member, why);
        }
        let host = self.fleet.inventory().by_id(id);
        let principal = Principal { class: Class::Hosts, name: host.name.to_string() };
        let place = host.pending.unwrap_or(host.place);
        self.leave_out(principal, || (place, format!("{} has no key yet (key: pending)", host.name)));
    }

    fn leave_out_keyless(&mut self, user: &User) {
        let key = &user.key.value;
        let text = || format!("{} has no key: there is no keys/users/{key}.pub", user.name);
        self.leave_out(self.fleet.principal(user), || (user.key.place, text()));
    }

    fn leave_out(&mut self, principal: Principal, why: impl FnOnce() -> Said) {
        if self.explain && self.left_out.iter().all(|left| left.principal != principal) {
            let reason = self.fleet.inventory().reason(why());
            self.left_out.push(LeftOut { principal, reason });
        }
    }

    fn keyholders(&mut self, what: &str) {
        self.class(&self.fleet.members.admins, &format!("admins read {what}"));
        self.class(&self.fleet.members.recovery, &format!("recovery keys read {what}"));
    }

    fn class(&mut self, members: &[MemberId], text: &str) {
        self.ids.extend(members);
        if self.explain {
            let reason = |member: &Member| Reason {
                file: member.principal.path(),
                line: member.keys.first().map_or(1, |(_, line)| *line),
                text: text.to_owned(),
            };
            self.reasons.extend(members.iter().map(|id| reason(self.fleet.members.get(*id))));
        }
    }

    fn explained(self) -> Readers {
        let mut because: Vec<_> = self.ids.into_iter().zip(self.reasons).collect();
        because.sort_by_key(|(member, _)| *member);
        let mut readers: Vec<Reader> = Vec::new();
        let mut last = None;
        for (id, reason) in because {
            match readers.last_mut().filter(|_| last == Some(id)) {
                Some(reader) => reader.reasons.push(reason),
                None => readers.push(Reader::of(self.fleet.members.get(id), reason)),
            }
            last = Some(id);
        }
        Readers { readers, left_out: self.left_out }
    }
}

impl Reader {
    fn of(member: &Member, reason: Reason) -> Self {
        let key =
            |(recipient, line): &(Recipient, u32)| ReaderKey { recipient: recipient.clone(), line: *line };
        Self {
            principal: member.principal.clone(),
            keys: member.keys.iter().map(key).collect(),
            reasons: vec![reason],
        }
    }
}

impl Inventory {
    /// A reason in this file.
    fn reason(&self, (place, text): Said) -> Reason {
        Reason { file: self.file.to_string_lossy().into_owned(), line: place.line, text }
    }
}
