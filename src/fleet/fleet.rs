//! The inventory with the keys: what neither says alone.

use std::path::Path;

use crate::error::{Error, Result};
use crate::fs::{Outlook, RepoPath, Root};
use crate::keys::{Class, LEDGER_PATH, Ledger, Principal, Registry};
use crate::yaml::closest;

use super::inventory::{Host, Inventory, Place, User};
use super::members::Members;
use super::placement::Placement;

/// The folder of the key files.
const KEYS: &str = "keys";
/// Where the inventory is in a fleet repository.
pub const INVENTORY: &str = "uvars.yaml";

/// A fleet: who and what there is, and whose keys are whose. Whoever holds one need check nothing again.
#[derive(Clone, Debug)]
pub struct Fleet {
    inventory: Inventory,
    registry: Registry,
    pub(super) members: Members,
}

impl Fleet {
    /// Reads `uvars.yaml` and `keys/`.
    ///
    /// # Errors
    ///
    /// There is no `uvars.yaml`; anything in it or in `keys/` is not exactly right; a host has no key and
    /// does not say so; a key is named that is not there; a revoked key is back.
    pub fn load(root: &Root) -> Result<Self> {
        let bytes = root.read(&RepoPath::new(INVENTORY)?)?.ok_or_else(|| {
            Error::new("this is no fleet repository: there is no uvars.yaml")
                .at(root.dir())
                .hint("uvars init makes one")
        })?;
        let fleet = Self::new(Inventory::parse(Path::new(INVENTORY), &bytes)?, Registry::read(root)?)?;
        fleet.no_revoked_key(&Ledger::read(root)?)?;
        fleet.absent_keys_are_absent(|path| root.read(path))?;
        Ok(fleet)
    }

    /// Reads them as a transaction will leave them. Errors: as [`Fleet::load`].
    pub fn load_from(files: Outlook<'_>) -> Result<Self> {
        let bytes = files.read(&RepoPath::new(INVENTORY)?)?.unwrap_or_default();
        let keys = files.list(&RepoPath::new(KEYS)?)?;
        let keys = keys.into_iter().map(|path| Ok((path.clone(), files.read(&path)?.unwrap_or_default())));
        let fleet = Self::new(Inventory::parse(Path::new(INVENTORY), &bytes)?, Registry::of_files(keys)?)?;
        let ledger = files.read(&RepoPath::new(LEDGER_PATH)?)?.unwrap_or_default();
        fleet.no_revoked_key(&Ledger::parse(&ledger)?)?;
        fleet.absent_keys_are_absent(|path| files.read(path))?;
        Ok(fleet)
    }

    /// Puts the two together.
    pub fn new(inventory: Inventory, registry: Registry) -> Result<Self> {
        let fleet = Self { members: Members::of(&inventory, &registry), inventory, registry };
        fleet.inventory.hosts.iter().try_for_each(|host| fleet.has_key_or_says_so(host))?;
        fleet.inventory.users.iter().try_for_each(|user| fleet.named_key_is_there(user))?;
        fleet.robots_are_there()?;
        Ok(fleet)
    }

    /// That no key is back that the ledger says must never come back, as a merge might bring it.
    fn no_revoked_key(&self, ledger: &Ledger) -> Result<()> {
        if ledger.entries().is_empty() {
            return Ok(());
        }
        for file in self.registry.iter() {
            if let Some(key) = file.keys.iter().find(|key| ledger.is_revoked(&key.recipient)) {
                return Err(Error::new("this key is revoked, and must never be used again")
                    .at(file.principal.path())
                    .position(key.line, 1)
                    .hint("take the line out")
                    .hint(format!("{LEDGER_PATH} says since when and why")));
            }
        }
        Ok(())
    }

    /// That a user without a key has no key file, rather than something in its place that is no file.
    fn absent_keys_are_absent(&self, read: impl Fn(&RepoPath) -> Result<Option<Vec<u8>>>) -> Result<()> {
        self.keyless().try_for_each(|user| read(&RepoPath::new(&self.principal(user).path())?).map(drop))
    }

    /// What `uvars.yaml` says.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// What `keys/` says.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// A user's placements, in the order of the hosts' names; none for a user who is not there.
    pub fn placements(&self, user: &str) -> impl Iterator<Item = Placement<'_>> {
        self.inventory.user(user).into_iter().flat_map(|user| self.inventory.placements(user))
    }

    /// The hosts that say `key: pending`: left out of all readers until their key is in `keys/hosts/`.
    pub fn pending(&self) -> impl Iterator<Item = &Host> {
        self.inventory.hosts.iter().filter(|host| host.pending.is_some())
    }

    /// The users who have no key in `keys/users/`, so that nothing can be encrypted for them.
    pub fn keyless(&self) -> impl Iterator<Item = &User> {
        self.inventory.users.iter().filter(|user| self.members.user(user).is_none())
    }

    /// Whose key a user's own files are encrypted to: `users/NAME`, whether it is there or not.
    pub fn principal(&self, user: &User) -> Principal {
        Principal { class: Class::Users, name: user.key.value.as_str().to_owned() }
    }

    fn has_key_or_says_so(&self, host: &Host) -> Result<()> {
        let name = &host.name;
        let has_key = self.registry.get(&Principal { class: Class::Hosts, name: name.to_string() }).is_some();
        match (has_key, host.pending) {
            (true, None) | (false, Some(_)) => Ok(()),
            (false, None) => Err(self
                .at(
                    host.place,
                    format!("hosts.{name}"),
                    format!("{name} has no key: there is no keys/hosts/{name}.pub"),
                )
                .hint(format!("uvars key add hosts/{name} FILE"))
                .hint(format!("or say that it has none yet: uvars host set {name} key=pending"))),
            (true, Some(place)) => Err(self
                .at(
                    place,
                    format!("hosts.{name}.key"),
                    format!("{name} has a key now, keys/hosts/{name}.pub, and still says `key: pending`"),
                )
                .hint(format!("uvars host set {name} key="))),
        }
    }

    fn named_key_is_there(&self, user: &User) -> Result<()> {
        if !user.key_is_named || self.members.user(user).is_some() {
            return Ok(());
        }
        let key = &user.key.value;
        let names = self.registry.class(Class::Users).map(|file| file.principal.name.as_str());
        let message = format!("there is no keys/users/{key}.pub{}", did_you_mean(key.as_str(), names));
        Err(self.at(user.key.place, format!("users.{}.key", user.name), message))
    }

    fn robots_are_there(&self) -> Result<()> {
        for shared in &self.inventory.shared {
            if let Some(robot) =
                shared.robots.iter().find(|robot| self.members.robot(robot.value.as_str()).is_none())
            {
                let name = robot.value.as_str();
                let names = self.registry.class(Class::Robots).map(|file| file.principal.name.as_str());
                let message = format!("there is no keys/robots/{name}.pub{}", did_you_mean(name, names));
                return Err(self
                    .at(robot.place, format!("shared.{}.robots", shared.name), message)
                    .hint(format!("uvars key add robots/{name} FILE")));
            }
        }
        Ok(())
    }

    fn at(&self, place: Place, key: String, message: String) -> Error {
        Error::new(message).at(&self.inventory.file).position(place.line, place.column).key(key)
    }
}

fn did_you_mean<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    closest(name, known).map_or_else(String::new, |near| format!(", did you mean `{near}`?"))
}
