//! What the process was given: folder, environment, clock.
//!
//! Read once; the rooms below get it by argument.

use super::arguments::Global;
use super::prompt::Person;
use crate::error::{Error, Result};
use crate::fs::{self, Link, RepoPath, Root};
use crate::keys::{self, IdentitySources, KeyType, Keyring, Programs};
use crate::keyservice::{self, Gpg, KeyServices, Local};
use crate::secret::Secret;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// The inventory's name: where it lies is the root of a fleet.
pub(super) const INVENTORY: &str = "uvars.yaml";

/// Folder, environment and clock.
#[derive(Clone)]
pub(super) struct Context {
    /// Where the command was typed.
    here: PathBuf,
    directory: PathBuf,
    /// The same by the links that somebody came through, where the shell says so.
    by_links: PathBuf,
    moved: bool,
    identities: Vec<PathBuf>,
    now: SystemTime,
    variables: fn(&str) -> Option<OsString>,
    /// Whether programs get the environment as sops hands it on.
    as_sops: bool,
}

/// Who is to wrap and open data keys, as flags or the environment say it.
pub(super) struct Wanted<A> {
    /// Whether the private keys at hand, and gpg.
    pub(super) local: bool,
    /// Of key services; empty ones say nothing.
    pub(super) addresses: A,
    /// The types of keys in the order in which they are tried; sops' own where there are none.
    pub(super) order: Vec<KeyType>,
}

impl Context {
    /// Looks around.
    pub(super) fn new(global: Global) -> Result<Self> {
        let here = std::env::current_dir()
            .map_err(|error| Error::new("cannot tell the current folder").because(error))?;
        let moved = global.directory.is_some();
        let variables = |name: &str| std::env::var_os(name);
        let shell = variables("PWD").map(PathBuf::from).filter(|folder| folder.is_absolute());
        let by_links = shell.filter(|folder| folder.canonicalize().is_ok_and(|real| real == here));
        let from =
            |folder: &Path| global.directory.as_ref().map_or(folder.to_owned(), |below| folder.join(below));
        let (directory, by_links) = (from(&here), from(by_links.as_deref().unwrap_or(&here)));
        let identities: Vec<PathBuf> = global.identity.into_iter().map(|file| here.join(file)).collect();
        let now = SystemTime::now();
        Ok(Self { here, directory, by_links, moved, identities, now, variables, as_sops: false })
    }

    /// The same for a line of sops: what `SOPS_AGE_KEY_CMD` names is often told by variables of its own where it finds a
    /// key, and gets all but those that carry our keys.
    pub(super) fn of_sops(&self) -> Self {
        Self { as_sops: true, ..self.clone() }
    }

    /// The folder that the command was typed in, whatever `-C` says.
    pub(super) fn here(&self) -> &Path {
        &self.here
    }

    /// The folder that relative paths on the command line start from.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// A path from the command line.
    pub(super) fn path(&self, typed: &Path) -> PathBuf {
        self.directory.join(typed)
    }

    /// A path from the command line by the links that somebody came through, where the shell says so.
    pub(super) fn path_by_links(&self, typed: &Path) -> PathBuf {
        self.by_links.join(typed)
    }

    /// A path from the command line as it was typed, where that means the same: messages are shorter by it.
    pub(super) fn typed(&self, typed: &Path) -> PathBuf {
        if self.moved { self.path(typed) } else { typed.to_path_buf() }
    }

    /// An environment variable that is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<OsString> {
        (self.variables)(name).filter(|value| !value.is_empty())
    }

    /// The files that `--identity` names.
    pub(super) fn identities(&self) -> &[PathBuf] {
        &self.identities
    }

    /// When we were started: one run has one time.
    pub(super) fn now(&self) -> SystemTime {
        self.now
    }

    /// The fleet around the folder: the nearest one up that has an inventory.
    pub(super) fn fleet_root(&self) -> Result<Root> {
        self.find_fleet_root()?.ok_or_else(|| {
            Error::new(format!("no {INVENTORY} here or above, so this is no fleet"))
                .at(&self.directory)
                .hint("make one: uvars init")
                .hint("or say where it is: uvars -C DIR …")
        })
    }

    /// The fleet around the folder, if there is one.
    ///
    /// Errors: the folder was reached by a link among the secrets or keys of a fleet, and may be anybody's.
    pub(super) fn find_fleet_root(&self) -> Result<Option<Root>> {
        let start =
            self.directory.canonicalize().map_err(|error| Error::io("open", &self.directory, error))?;
        refuse_linked_folder(&self.by_links)?;
        fleet_around(&start)
    }

    /// The private keys at hand, looked for where sops looks for them.
    ///
    /// Errors: `--identity` names a file that is not there. Another key that happens to be at hand is not the one that
    /// was meant.
    pub(super) fn keyring(&self) -> Result<Keyring> {
        match self.identities.iter().find(|file| file.symlink_metadata().is_err()) {
            None => Ok(self.keyring_of_those_there()),
            Some(missing) => {
                Err(Error::new("no such file").at(missing).hint("--identity wants a file with a private key"))
            }
        }
    }

    /// The same, whatever is missing: a host goes on with what it has, since a missing key may never keep anybody from
    /// logging in.
    pub(super) fn keyring_of_those_there(&self) -> Keyring {
        Keyring::new(self.sources())
    }

    /// The private keys at hand, and gpg.
    ///
    /// Errors: as [`Self::keyring`].
    pub(super) fn local_service(&self) -> Result<Local> {
        let gpg = Gpg { program: self.variable("SOPS_GPG_EXEC"), programs: self.programs() };
        Ok(Local::new(self.keyring()?, gpg, self.programs()))
    }

    /// Who wraps and opens data keys: the private keys at hand, gpg, and the services that the environment names.
    ///
    /// Errors: as [`Self::keyring`]; an address that is none; a decryption order that names one type twice.
    pub(super) fn key_services(&self) -> Result<KeyServices> {
        let text = |name: &str| self.variable(name).map(|value| value.to_string_lossy().into_owned());
        let addresses = text("SOPS_KEYSERVICE");
        let is_off = |text: String| ["0", "f", "F", "false", "FALSE", "False"].contains(&text.as_str());
        let wanted = Wanted {
            local: !text("SOPS_ENABLE_LOCAL_KEYSERVICE").is_some_and(is_off),
            addresses: addresses.iter().flat_map(|all| all.split(',')),
            order: text("SOPS_DECRYPTION_ORDER").map_or(Ok(Vec::new()), |order| decryption_order(&order))?,
        };
        self.wanted_key_services(wanted, |_, error| Err(error.hint("SOPS_KEYSERVICE names it")))
    }

    /// The services that were asked for. `bad` is told of an address that leads to none, and decides whether the others
    /// are taken all the same.
    ///
    /// Errors: as [`Self::keyring`]; those of `bad`.
    pub(super) fn wanted_key_services<'a>(
        &self,
        wanted: Wanted<impl IntoIterator<Item = &'a str>>,
        bad: impl Fn(&str, Error) -> Result<()>,
    ) -> Result<KeyServices> {
        let mut services =
            if wanted.local { KeyServices::local(self.local_service()?) } else { KeyServices::none() };
        for address in wanted.addresses.into_iter().filter(|address| !address.is_empty()) {
            match address.parse().and_then(keyservice::connect) {
                Ok(service) => services = services.with(service),
                Err(error) => bad(address, error)?,
            }
        }
        Ok(if wanted.order.is_empty() { services } else { services.in_order(wanted.order) })
    }

    fn sources(&self) -> IdentitySources {
        let text = |name: &str| (self.variables)(name).map(|value| value.to_string_lossy().into_owned());
        let home = self.variable("HOME").map(PathBuf::from);
        IdentitySources {
            files: self.identities.clone(),
            key_text: (self.variables)("SOPS_AGE_KEY").map(|key| Secret::new(key.into_vec())),
            key_file: (self.variables)("SOPS_AGE_KEY_FILE").map(PathBuf::from),
            key_command: text("SOPS_AGE_KEY_CMD"),
            ssh_key_file: (self.variables)("SOPS_AGE_SSH_PRIVATE_KEY_FILE").map(PathBuf::from),
            ssh_key_command: text("SOPS_AGE_SSH_PRIVATE_KEY_CMD"),
            config_dir: self.config_dir(home.as_deref()),
            home,
            programs: self.programs(),
        }
    }

    /// What other programs get of the environment, and who answers them.
    fn programs(&self) -> Programs {
        let all = std::env::vars_os();
        let environment =
            if self.as_sops { keys::environment_without_keys(all) } else { keys::environment(all) };
        Programs { environment, ask: Some(Arc::new(Person)) }
    }

    /// The folder of configuration, as sops finds it.
    fn config_dir(&self, home: Option<&Path>) -> Option<PathBuf> {
        let standard = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".config" };
        self.variable("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute())
            .or_else(|| home.map(|home| home.join(standard)))
    }
}

/// Types of keys with commas between them, in the order in which they are to be tried. Unknown ones are passed over, as
/// by sops.
///
/// Errors: one type is there twice.
fn decryption_order(text: &str) -> Result<Vec<KeyType>> {
    let mut order = Vec::new();
    for kind in text.split(',').filter_map(|name| KeyType::of_field(name.trim())) {
        if order.contains(&kind) {
            return Err(Error::usage(format!("the decryption order names {kind} twice")));
        }
        order.push(kind);
    }
    Ok(order)
}

/// The fleet to whose secrets or keys a link belongs that a path ends in; and its path there. What the link leads to is
/// the file's content, and no other place of it.
///
/// Errors: a folder on the way is such a link, so that others might read what is written there; the file is in another
/// fleet.
pub(super) fn fleet_by_links(path: &Path) -> Result<Option<(Root, RepoPath)>> {
    let Some((root, link)) = own_link(path)? else { return Ok(None) };
    if !link.rest.as_os_str().is_empty() {
        return Err(fs::linked_folder().at(link.at));
    }
    root.link_path(&link.at).map(|inside| Some((root, inside)))
}

/// Refuses a folder that is reached by a link of a fleet's secrets or keys.
fn refuse_linked_folder(folder: &Path) -> Result<()> {
    match own_link(folder)? {
        Some((_, link)) => Err(fs::linked_folder().at(link.at)),
        None => Ok(()),
    }
}

/// The first link on a way that lies in the secrets or keys of a fleet, or is that folder.
fn own_link(path: &Path) -> Result<Option<(Root, Link)>> {
    for link in fs::links(path)? {
        let Some(root) = link.at.parent().map(fleet_around).transpose()?.flatten() else { continue };
        let Ok(inside) = link.at.strip_prefix(root.dir()) else { continue };
        if fs::OWN.iter().any(|own| inside.starts_with(own)) {
            return Ok(Some((root, link)));
        }
    }
    Ok(None)
}

/// The fleet that a folder is in, which is given without links and need not exist: the nearest one up that has an
/// inventory.
///
/// Errors: it is below the secrets or keys of another one. Somebody may have planted it there, so that commands take the
/// files beside it for files of no fleet.
pub(super) fn fleet_around(folder: &Path) -> Result<Option<Root>> {
    let has_inventory = |folder: &&Path| folder.join(INVENTORY).symlink_metadata().is_ok();
    let mut fleets = folder.ancestors().filter(has_inventory);
    let Some(nearest) = fleets.next() else { return Ok(None) };
    let own = |outer: &Path| {
        let below = nearest.strip_prefix(outer).unwrap_or(nearest);
        fs::OWN.iter().any(|own| below.starts_with(own))
    };
    match fleets.find(|outer| own(outer)) {
        None => Root::open(nearest).map(Some),
        Some(outer) => Err(Error::new(format!("lies among the files of the fleet {}", outer.display()))
            .at(nearest.join(INVENTORY))
            .hint("take it out: with it, commands would look at it in place of that fleet")),
    }
}
