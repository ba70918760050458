//! The manifest of a host or of a person, made from the fleet.
//!
//! Pure but for the reading of the files that are copied. It names exactly the files that the host or the person
//! reads, and says what an activation with them would miss.

use crate::activate::{Account, File, Format, Install, Manifest, Personal, Phase, Policy, Settings, Whose};
use crate::error::{Error, Result};
use crate::fleet::{self, FileKind, Fleet, From, Placement, Shared};
use crate::fs::{Digest, RepoPath, Root};
use crate::keys::{Class, Principal};
use crate::password::Method;
use crate::sops::{self, Encrypted, Held, KeyPath};
use crate::vars::field;
use std::collections::BTreeMap;
use std::path::Path;

/// A manifest, the files that it names, and what should be known about it.
#[derive(Debug)]
pub struct Export {
    /// The manifest.
    pub manifest: Manifest,
    /// The bytes of each file that it names.
    pub copies: BTreeMap<RepoPath, Vec<u8>>,
    /// What is worth a warning: who cannot open what, and what is not there.
    pub notes: Vec<String>,
}

/// The manifest of a host.
///
/// # Errors
///
/// There is no such host; a file that an account or an install needs is not there.
pub fn of_host(fleet: &Fleet, root: &Root, name: &str) -> Result<Export> {
    let inventory = fleet.inventory();
    let host = inventory.host(name).ok_or_else(|| {
        Error::new(format!("there is no host {name}")).hint("list them: uvars host list").at(fleet::INVENTORY)
    })?;
    let mut maker =
        Maker::new(fleet, root, Whose::Host(name.to_owned()), Principal::new(Class::Hosts, name)?);
    if host.pending.is_some() {
        maker
            .notes
            .push(format!("{name} has no key yet, so it can open nothing: uvars key add hosts/{name} FILE"));
    }
    for placement in inventory.placed_on(name) {
        maker.account(&placement)?;
    }
    for install in inventory.installed_on(name) {
        maker.install(install, name)?;
    }
    for placement in inventory.placed_on(name).filter(Placement::is_integrated) {
        let user = placement.user.name.clone();
        maker.personal(user.as_str(), &FileKind::Personal(user.clone()), None)?;
    }
    // What the host reads though nothing of it is installed: so that its copy is there when that changes.
    maker.copy_if_there(&FileKind::Host(host.name.clone()))?;
    for shared in inventory.shared() {
        if inventory.hosts_of_shared(shared).any(|other| other.name == host.name) {
            maker.copy_if_there(&FileKind::Shared(shared.name.clone()))?;
        }
    }
    maker.finish()
}

/// The manifest of a person: their own file, and what they share with others.
///
/// # Errors
///
/// There is no such user.
pub fn of_user(fleet: &Fleet, root: &Root, name: &str) -> Result<Export> {
    let user = fleet.inventory().user(name).ok_or_else(|| {
        Error::new(format!("there is no user {name}")).hint("list them: uvars user list").at(fleet::INVENTORY)
    })?;
    let mut maker = Maker::new(fleet, root, Whose::User(name.to_owned()), fleet.principal(user));
    maker.personal(name, &FileKind::Personal(user.name.clone()), None)?;
    let shares = |shared: &&Shared| shared.users.iter().any(|other| other.value == user.name);
    for shared in fleet.inventory().shared().iter().filter(shares) {
        let into = format!("shared/{}", shared.name);
        maker.personal(name, &FileKind::Shared(shared.name.clone()), Some(into))?;
    }
    maker.finish()
}

/// A manifest in the making.
struct Maker<'a> {
    fleet: &'a Fleet,
    root: &'a Root,
    reader: Principal,
    manifest: Manifest,
    copies: BTreeMap<RepoPath, Vec<u8>>,
    /// The copies as they were read.
    read: BTreeMap<RepoPath, Encrypted>,
    notes: Vec<String>,
}

impl<'a> Maker<'a> {
    fn new(fleet: &'a Fleet, root: &'a Root, of: Whose, reader: Principal) -> Self {
        let manifest = Manifest {
            of,
            files: Vec::new(),
            accounts: Vec::new(),
            installs: Vec::new(),
            personal: Vec::new(),
            settings: settings(fleet),
        };
        Self {
            fleet,
            root,
            reader,
            manifest,
            copies: BTreeMap::new(),
            read: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    fn account(&mut self, placement: &Placement) -> Result<()> {
        let user = &placement.user.name;
        let password = placement.password().filter(|_| placement.needs_account_file());
        let from = match password {
            None => None,
            Some(password) => {
                let host = (!password.share).then(|| placement.host.name.clone());
                let kind = FileKind::Account(user.clone(), host);
                Some(self.need(
                    &kind,
                    &format!("{user} has no password yet"),
                    &format!("uvars generate {user}"),
                )?)
            }
        };
        let plaintext = password.is_some_and(|password| password.format == fleet::Format::Plaintext);
        if let Some(from) = from.as_ref().filter(|_| placement.policy() != fleet::Policy::Absent) {
            let key = if plaintext { field::PASSWORD } else { field::HASH };
            let key = KeyPath::of_keys([key]);
            self.check_value(from, &key, false, &format!("uvars generate {user} --regenerate"));
        }
        let texts = |names: &[fleet::AccountName]| names.iter().map(ToString::to_string).collect();
        self.manifest.accounts.push(Account {
            user: user.to_string(),
            policy: match placement.policy() {
                fleet::Policy::Present => Policy::Present,
                fleet::Policy::Locked => Policy::Locked,
                fleet::Policy::Absent => Policy::Absent,
            },
            from,
            format: if plaintext { Format::Plaintext } else { Format::Hash },
            admin: placement.role() == fleet::Role::Admin,
            uid: placement.uid(),
            description: placement.description().map(str::to_owned),
            group_primary: placement.group_primary().map(ToString::to_string),
            groups_secondary: placement.groups_secondary().map(texts),
            home_dir: placement.home_dir().map(str::to_owned),
            shell: placement.shell().map(str::to_owned),
            authorized_keys: placement.authorized_keys().map(<[String]>::to_vec),
        });
        Ok(())
    }

    fn install(&mut self, install: &fleet::Install, host: &str) -> Result<()> {
        let kind = match &install.from {
            From::Hosts => FileKind::Host(fleet::HostName::new(host)?),
            From::Shared(name) => FileKind::Shared(name.clone()),
        };
        let why = format!("{} is to be installed on {host}, and its file is not there", install.name);
        let set = install.key.line("set", &kind.to_string());
        let from = self.need(&kind, &why, &set)?;
        self.check_value(&from, &install.key, true, &set);
        self.manifest.installs.push(Install {
            name: install.name.to_string(),
            from,
            key: install.key.to_string(),
            owner: install.owner.as_ref().map_or("root".to_owned(), ToString::to_string),
            group: install.group.as_ref().map(ToString::to_string),
            mode: install.mode,
            phase: match install.phase {
                fleet::Phase::Users => Phase::Users,
                fleet::Phase::Services => Phase::Services,
            },
        });
        Ok(())
    }

    fn personal(&mut self, user: &str, kind: &FileKind, into: Option<String>) -> Result<()> {
        match self.copy_if_there(kind)? {
            Some(from) => self.manifest.personal.push(Personal { user: user.to_owned(), from, into }),
            None => self.notes.push(format!("{} is not there, so nothing of it is installed", kind.path())),
        }
        Ok(())
    }

    /// Warns where a copy has no value that the host is to be given. Names are in clear, and that a value is nothing,
    /// so that this can be known. `may_be_empty` says whether a text without a letter will do.
    fn check_value(&mut self, from: &RepoPath, key: &KeyPath, may_be_empty: bool, hint: &str) {
        let missing = match self.read.get(from).and_then(|file| file.at(key)) {
            None => format!("{from} has no value {key}"),
            Some(Held::Many) => format!("{from}: {key} is a list or a map, and must be one value"),
            Some(Held::Null) => format!("{from}: {key} is null, and must be a value"),
            Some(Held::Empty) if !may_be_empty => format!("{from}: {key} is empty"),
            Some(Held::One | Held::Empty) => return,
        };
        self.notes.push(format!("{missing}: {hint}"));
    }

    /// Copies a file that must be there.
    fn need(&mut self, kind: &FileKind, why: &str, hint: &str) -> Result<RepoPath> {
        self.copy_if_there(kind)?.ok_or_else(|| Error::new(why).at(kind.path()).hint(format!("run: {hint}")))
    }

    /// Copies a file, unless it is not there.
    fn copy_if_there(&mut self, kind: &FileKind) -> Result<Option<RepoPath>> {
        let path = RepoPath::new(&kind.path())?;
        if self.copies.contains_key(&path) {
            return Ok(Some(path));
        }
        let Some(bytes) = self.root.read(&path)? else { return Ok(None) };
        self.check_reader(&path, &bytes)?;
        self.copies.insert(path.clone(), bytes);
        Ok(Some(path))
    }

    /// Warns where the copy cannot be opened with what is known of the reader's keys: an activation would fail.
    fn check_reader(&mut self, path: &RepoPath, bytes: &[u8]) -> Result<()> {
        let file = Path::new(path.as_str());
        let encrypted =
            Encrypted::parse(bytes, sops::Format::of_path(file)).map_err(|error| error.at(file))?;
        let keys = self.fleet.readers(path).map(|readers| readers.readers).unwrap_or_default();
        let keys =
            keys.iter().filter(|reader| reader.principal == self.reader).flat_map(|reader| &reader.keys);
        let named = encrypted.metadata().recipients();
        let either = |key: &fleet::ReaderKey| {
            let converted = key.recipient.converted();
            named.iter().any(|name| {
                *name == key.recipient.as_str()
                    || converted.as_ref().is_some_and(|other| *name == other.as_str())
            })
        };
        if !keys.into_iter().any(either) {
            self.notes.push(format!("{path} is not encrypted to {}: run uvars sync", self.reader));
        }
        self.read.insert(path.clone(), encrypted);
        Ok(())
    }

    fn finish(mut self) -> Result<Export> {
        self.manifest.files = self
            .copies
            .iter()
            .map(|(path, bytes)| File { path: path.clone(), sha256: Digest::of(bytes) })
            .collect();
        // What the host would refuse must not leave the repository.
        Manifest::parse(&self.manifest.to_json()?)?;
        Ok(Export { manifest: self.manifest, copies: self.copies, notes: self.notes })
    }
}

fn settings(fleet: &Fleet) -> Settings {
    let method = fleet.inventory().settings().password_hash;
    let cost = match method {
        Method::Yescrypt { cost } => u32::from(cost),
        Method::Sha512Crypt { rounds } => rounds,
        Method::Bcrypt { cost } => cost,
    };
    Settings { hash_kind: Some(method.kind().to_owned()), hash_cost: Some(cost) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::InstallName;
    use serde_json::json;

    #[test]
    fn what_the_inventory_takes_as_a_name_to_install_under_the_manifest_takes_too() {
        let manifest = |name: &str| {
            let install = json!({ "name": name, "from": "secrets/hosts/a.sops.yaml", "key": "k", "owner": "root", "mode": "0400", "phase": "services" });
            let file = json!({ "path": "secrets/hosts/a.sops.yaml", "sha256": Digest::of(b"").to_string() });
            let all = json!({ "version": 1, "for": "hosts/a", "files": [file], "accounts": [], "installs": [install], "personal": [], "settings": {} });
            Manifest::parse(&serde_json::to_vec(&all).unwrap())
        };
        let parts = ["", ".", "..", "a", ".a", "a.", "-", "_", "A9", "home", "homes", "@", " "];
        let mut taken = 0;
        for name in parts.into_iter().flat_map(|one| {
            parts.into_iter().flat_map(move |two| {
                [format!("{one}{two}"), format!("{one}/{two}"), format!("x/{one}/{two}")]
            })
        }) {
            if InstallName::new(&name).is_ok() {
                taken += 1;
                manifest(&name).unwrap_or_else(|error| panic!("{name}: {error}"));
            }
        }
        assert!(taken > 50, "{taken}");
        assert!(manifest("a").is_ok() && manifest(".a").is_err());
    }
}
