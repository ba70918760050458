//! Everybody who may read something, each with the recipients that stand for them in `.sops.yaml`.
//!
//! Readers are sets of small numbers here, so that a fleet of ten thousand hosts costs numbers and not names.

use std::collections::HashMap;

use crate::keys::{Class, KeyFile, Principal, Recipient, Registry};

use super::inventory::{HostId, Inventory, SshForm, User};

/// A principal's rank: users first, then hosts, robots, admins and recovery, each by name.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct MemberId(pub(super) u32);

/// One principal with at least one key.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) principal: Principal,
    /// As they go into files, each with its line in the key file.
    pub(super) keys: Vec<(Recipient, u32)>,
}

/// All of them.
#[derive(Clone, Debug)]
pub(super) struct Members {
    all: Vec<Member>,
    users: HashMap<String, MemberId>,
    robots: HashMap<String, MemberId>,
    /// By the host's rank; none: no key yet.
    hosts: Vec<Option<MemberId>>,
    pub(super) admins: Vec<MemberId>,
    pub(super) recovery: Vec<MemberId>,
}

impl Members {
    pub(super) fn of(inventory: &Inventory, registry: &Registry) -> Self {
        let mut members = Self {
            all: Vec::new(),
            users: HashMap::new(),
            robots: HashMap::new(),
            hosts: Vec::with_capacity(inventory.hosts.len()),
            admins: Vec::new(),
            recovery: Vec::new(),
        };
        for file in registry.class(Class::Users) {
            let id = members.add(file, SshForm::Native);
            members.users.insert(file.principal.name.clone(), id);
        }
        for host in &inventory.hosts {
            let principal = Principal { class: Class::Hosts, name: host.name.as_str().to_owned() };
            let id = registry.get(&principal).map(|file| members.add(file, inventory.settings.ssh));
            members.hosts.push(id);
        }
        for file in registry.class(Class::Robots) {
            let id = members.add(file, SshForm::Native);
            members.robots.insert(file.principal.name.clone(), id);
        }
        members.admins = members.add_all(registry, Class::Admins);
        members.recovery = members.add_all(registry, Class::Recovery);
        members
    }

    fn add_all(&mut self, registry: &Registry, class: Class) -> Vec<MemberId> {
        registry.class(class).map(|file| self.add(file, SshForm::Native)).collect()
    }

    fn add(&mut self, file: &KeyFile, ssh: SshForm) -> MemberId {
        let form = |recipient: &Recipient| match ssh {
            SshForm::Native => recipient.clone(),
            SshForm::Converted => recipient.converted().unwrap_or_else(|| recipient.clone()),
        };
        let keys = file.keys.iter().map(|key| (form(&key.recipient), key.line)).collect();
        let id = MemberId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.push(Member { principal: file.principal.clone(), keys });
        id
    }

    #[expect(clippy::indexing_slicing, reason = "ids are ranks in this very list, which only grows")]
    pub(super) fn get(&self, id: MemberId) -> &Member {
        &self.all[id.0 as usize]
    }

    /// Whose key a user's files are for; none: there is no key yet.
    pub(super) fn user(&self, user: &User) -> Option<MemberId> {
        self.users.get(user.key.value.as_str()).copied()
    }

    pub(super) fn robot(&self, name: &str) -> Option<MemberId> {
        self.robots.get(name).copied()
    }

    pub(super) fn host(&self, id: HostId) -> Option<MemberId> {
        self.hosts.get(id.0 as usize).copied().flatten()
    }
}
