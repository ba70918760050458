//! Which user lives on which host, and what the account looks like there.

use super::inventory::{
    ALL, Account, Format, Host, HostId, Inventory, Password, Place, Platform, Policy, Role, User,
};
use super::name::AccountName;

/// One user on one host, with everything that `on` says otherwise put in its place.
#[derive(Clone, Copy, Debug)]
pub struct Placement<'f> {
    /// Who.
    pub user: &'f User,
    /// Where.
    pub host: &'f Host,
    id: HostId,
    here: Option<&'f Account>,
}

/// A field as the host has it, else as the user has it everywhere.
macro_rules! merged {
    ($self:ident, $field:ident) => {
        $self.here.and_then(|here| here.$field.as_ref()).or($self.user.account.$field.as_ref())
    };
}

impl<'f> Placement<'f> {
    /// Whether the user administers the host.
    pub fn role(&self) -> Role {
        merged!(self, role).copied().unwrap_or_default()
    }

    /// Whether the account is there.
    pub fn policy(&self) -> Policy {
        merged!(self, policy).copied().unwrap_or_default()
    }

    /// The number; none: the system's choice.
    pub fn uid(&self) -> Option<u32> {
        merged!(self, uid).copied()
    }

    /// The full name.
    pub fn description(&self) -> Option<&'f str> {
        merged!(self, description).map(String::as_str)
    }

    /// The first group; none: the system's choice.
    pub fn group_primary(&self) -> Option<&'f AccountName> {
        merged!(self, group_primary)
    }

    /// The other groups; none: they are left alone.
    pub fn groups_secondary(&self) -> Option<&'f [AccountName]> {
        merged!(self, groups_secondary).map(Vec::as_slice)
    }

    /// The home directory; none: the system's choice.
    pub fn home_dir(&self) -> Option<&'f str> {
        merged!(self, home_dir).map(String::as_str)
    }

    /// The login shell; none: the system's choice.
    pub fn shell(&self) -> Option<&'f str> {
        merged!(self, shell).map(String::as_str)
    }

    /// Lines of `authorized_keys`; none: they are left alone.
    pub fn authorized_keys(&self) -> Option<&'f [String]> {
        merged!(self, authorized_keys).map(Vec::as_slice)
    }

    /// All of that as one account.
    pub fn account(&self) -> Account {
        Account {
            role: merged!(self, role).copied(),
            policy: merged!(self, policy).copied(),
            uid: self.uid(),
            description: merged!(self, description).cloned(),
            group_primary: merged!(self, group_primary).cloned(),
            groups_secondary: merged!(self, groups_secondary).cloned(),
            home_dir: merged!(self, home_dir).cloned(),
            shell: merged!(self, shell).cloned(),
            authorized_keys: merged!(self, authorized_keys).cloned(),
        }
    }

    /// How the password comes about; none: an account without password.
    pub fn password(&self) -> Option<Password> {
        self.user.password
    }

    /// Whether the host's activation reads and installs the user's personal file.
    pub fn is_integrated(&self) -> bool {
        self.policy() != Policy::Absent
            && self.user.integrated.iter().any(|host| host.value == self.host.name)
    }

    /// Whether the host reads an account file of this user: the account is there, has a password, and the
    /// host can use what the file holds (hashes of crypt(3) mean nothing to Darwin).
    pub fn needs_account_file(&self) -> bool {
        let usable = |password: Password| {
            password.format == Format::Plaintext || self.host.platform != Platform::Darwin
        };
        self.policy() != Policy::Absent && self.password().is_some_and(usable)
    }

    pub(super) fn id(&self) -> HostId {
        self.id
    }

    /// By which word of `uvars.yaml` the user is placed here: the tag, or none for the host's name; and where.
    pub fn reason(&self) -> (Option<&'f str>, Place) {
        if let Some(named) = self.user.hosts.iter().find(|host| host.value == self.host.name) {
            return (None, named.place);
        }
        let carried = |tag: &str| tag == ALL || self.host.tags.iter().any(|own| own.value.as_str() == tag);
        self.user
            .tags
            .iter()
            .find(|tag| carried(tag.value.as_str()))
            .map_or((None, self.user.place), |tag| (Some(tag.value.as_str()), tag.place))
    }
}

impl User {
    /// Whether no account of this user is left anywhere, so that nothing may be read under this name.
    pub fn is_absent(&self) -> bool {
        let everywhere = self.account.policy.unwrap_or_default();
        let here = |host: &HostId| self.on.get(host).and_then(|on| on.value.policy).unwrap_or(everywhere);
        if self.placed.is_empty() {
            return everywhere == Policy::Absent;
        }
        // most users say nothing on any host, and then the first host speaks for all
        self.on.is_empty() && everywhere == Policy::Absent
            || !self.on.is_empty() && self.placed.iter().all(|host| here(host) == Policy::Absent)
    }
}

impl Inventory {
    /// A user's placements, in the order of the hosts' names.
    pub fn placements<'f>(&'f self, user: &'f User) -> impl Iterator<Item = Placement<'f>> {
        user.placed.iter().map(move |id| self.placement_at(user, *id))
    }

    /// A user on a host, if placed there.
    pub fn placement(&self, user: &str, host: &str) -> Option<Placement<'_>> {
        let user = self.user(user)?;
        let id = *self.host_ids.get(host)?;
        user.placed.binary_search(&id).ok().map(|_| self.placement_at(user, id))
    }

    /// Everybody placed on a host, in the order of the users' names.
    pub fn placed_on(&self, host: &str) -> impl Iterator<Item = Placement<'_>> {
        let id = self.host_ids.get(host).copied();
        self.users
            .iter()
            .filter_map(move |user| {
                id.filter(|id| user.placed.binary_search(id).is_ok()).map(|id| (user, id))
            })
            .map(|(user, id)| self.placement_at(user, id))
    }

    fn placement_at<'f>(&'f self, user: &'f User, id: HostId) -> Placement<'f> {
        Placement { user, host: self.by_id(id), id, here: user.on.get(&id).map(|on| &on.value) }
    }
}
