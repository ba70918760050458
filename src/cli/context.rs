//! What the process was given: folder, environment, clock.
//!
//! Read once; the rooms below get it by argument.

use super::arguments::Global;
use super::prompt::Person;
use crate::error::{Error, Result};
use crate::fs::{self, RepoPath, Root};
use crate::keys::{self, IdentitySources, Keyring, Programs};
use crate::secret::Secret;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// The inventory's name: where it lies is the root of a fleet.
pub(super) const INVENTORY: &str = "uvars.yaml";

/// Folder, environment and clock.
pub(super) struct Context {
    directory: PathBuf,
    moved: bool,
    identities: Vec<PathBuf>,
    now: SystemTime,
    variables: fn(&str) -> Option<OsString>,
}

impl Context {
    /// Looks around.
    pub(super) fn new(global: Global) -> Result<Self> {
        let here = std::env::current_dir()
            .map_err(|error| Error::new("cannot tell the current folder").because(error))?;
        let moved = global.directory.is_some();
        let directory = global.directory.map_or(here.clone(), |directory| here.join(directory));
        let identities: Vec<PathBuf> = global.identity.into_iter().map(|file| here.join(file)).collect();
        let variables = |name: &str| std::env::var_os(name);
        Ok(Self { directory, moved, identities, now: SystemTime::now(), variables })
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
        let shell = self.variable("PWD").map(PathBuf::from).filter(|folder| folder.is_absolute());
        let same = |folder: &PathBuf| folder.canonicalize().is_ok_and(|real| real == self.directory);
        shell.filter(same).unwrap_or_else(|| self.directory.clone()).join(typed)
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
    pub(super) fn find_fleet_root(&self) -> Result<Option<Root>> {
        let start =
            self.directory.canonicalize().map_err(|error| Error::io("open", &self.directory, error))?;
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
            programs: Programs {
                environment: keys::environment(std::env::vars_os()),
                ask: Some(Arc::new(Person)),
            },
        }
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

/// The fleet among whose secrets or keys a path is by its words, whatever links it goes through; and its path there.
///
/// Errors: through a link it leads into another fleet, so that others would read what is written.
pub(super) fn fleet_by_words(path: &Path) -> Result<Option<(Root, RepoPath)>> {
    for folder in path.ancestors().skip(1) {
        let below = path.strip_prefix(folder).unwrap_or(path);
        let own = fs::OWN.iter().any(|own| below.starts_with(own)) && below.components().nth(1).is_some();
        let plain = below.components().all(|part| matches!(part, Component::Normal(_)));
        if !own || !plain || folder.join(INVENTORY).symlink_metadata().is_err() {
            continue;
        }
        let root = Root::open(folder)?;
        let Some(inside) = below.to_str().and_then(|below| RepoPath::new(below).ok()) else { continue };
        let real = fs::real_place(path)?;
        return match real.parent().map(fleet_around).transpose()?.flatten() {
            Some(other) if other.dir() != root.dir() => {
                let dir = other.dir().display();
                Err(Error::new(format!("leads through a link into another fleet, {dir}"))
                    .at(path)
                    .hint("put the folder or file itself in the place of the link"))
            }
            _ => Ok(Some((root, inside))),
        };
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
