//! Activation by a person, without root: their own values, in memory that is theirs.

use super::dir::{Open, There};
use super::generation::{Live, Store};
use super::home;
use super::host;
use super::lookup::Lookup;
use super::manifest::{Manifest, Whose};
use super::open;
use super::plan::{self, Known, Opened};
use super::ramfs;
use super::report::TreeReport;
use super::status::{self, Status};
use super::tree::Tree;
use super::trust::{self, Owners};
use crate::error::{Error, Result};
use crate::keys::Keyring;
use rustix::fs::Stat;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is activated, and for whom.
#[derive(Debug)]
pub struct Person<'a> {
    /// The manifest's absolute path.
    pub manifest: &'a Path,
    /// The person's keys.
    pub keyring: &'a Keyring,
    /// Whether only to say what would change.
    pub dry_run: bool,
    /// How long to wait for another run.
    pub wait: Duration,
    /// Where the person's things are.
    pub places: &'a PersonPlaces,
}

/// Where a person's things are.
#[derive(Clone, Debug)]
pub struct PersonPlaces {
    /// The home folder.
    pub home: PathBuf,
    /// `XDG_RUNTIME_DIR`, where it is set.
    pub runtime: Option<PathBuf>,
    /// `/dev/shm`: a folder in memory in which everybody may make their own.
    pub shared: PathBuf,
    /// The person's number.
    pub uid: u32,
    /// The number of their group.
    pub gid: u32,
}

/// The permission bits of a person's folders.
const FOLDER_MODE: u32 = 0o700;

impl PersonPlaces {
    fn owners(&self) -> Owners {
        Owners { uid: self.uid }
    }

    /// What is known of the person's tree.
    pub fn status(&self) -> Result<Status> {
        match self.base(false)? {
            Some(base) => status::read(&self.store(base)),
            None => {
                Ok(Status { link: self.home.join(home::LINK).display().to_string(), ..Status::default() })
            }
        }
    }

    fn store(&self, base: PathBuf) -> Store {
        Store {
            base,
            name: "uvars".to_owned(),
            link: self.home.join(home::LINK),
            folder_mode: FOLDER_MODE,
            owners: self.owners(),
            put_aside: false,
        }
    }

    /// The folder in memory that is the person's alone; `None` where it would have to be made and may not be.
    fn base(&self, make: bool) -> Result<Option<PathBuf>> {
        let runtime = self
            .runtime
            .as_deref()
            .map(|path| Open::at(path, self.owners()).map_err(|error| not_ours(error, path)));
        let base = match runtime.transpose()? {
            Some(open) if ramfs::is_ram(&open)? => open,
            found => {
                let shared = Open::at(&self.shared, self.owners()).and_then(|shared| {
                    if ramfs::is_ram(&shared)? {
                        Ok(shared)
                    } else {
                        Err(Error::new("is not in memory").at(&self.shared))
                    }
                });
                let shared = shared.map_err(|cause| {
                    let error = match found {
                        None => {
                            Error::new("XDG_RUNTIME_DIR is not set, and there is no other folder in memory")
                        }
                        Some(disk) => {
                            Error::new("is not in memory, and neither is another folder").at(disk.path())
                        }
                    };
                    error
                        .because(cause)
                        .hint("log in with a session that has XDG_RUNTIME_DIR (pam_systemd makes it)")
                })?;
                let name = format!("uvars-{}", self.uid);
                match shared.folder(&name, self.owners())? {
                    Some(open) => open,
                    None if make => shared.make(&name, FOLDER_MODE)?,
                    None => return Ok(None),
                }
            }
        };
        self.check_private(&base.stat()?, base.path())?;
        Ok(Some(base.path().to_owned()))
    }

    fn check_private(&self, stat: &Stat, path: &Path) -> Result<()> {
        // No permission for anybody else: the last six bits are clear.
        if stat.st_uid == self.uid && stat.st_mode.trailing_zeros() >= 6 {
            return Ok(());
        }
        Err(not_ours(Error::new("is not yours alone").at(path), path))
    }
}

fn not_ours(error: Error, path: &Path) -> Error {
    error.hint(format!(
        "{} must belong to you with mode 0700; unset XDG_RUNTIME_DIR if it is somebody else's",
        path.display()
    ))
}

/// Activates a person's values.
///
/// # Errors
///
/// Without a usable manifest, home or folder in memory nothing is done. What concerns single values is in the
/// report.
pub fn activate(person: &Person) -> Result<TreeReport> {
    let places = person.places;
    check_home(places)?;
    let base = places.base(!person.dry_run)?;
    let store =
        places.store(base.clone().unwrap_or_else(|| places.shared.join(format!("uvars-{}", places.uid))));
    let _lock = if person.dry_run { None } else { Some(store.lock(person.wait)?) };
    let live = if base.is_some() { store.live()? } else { Live::default() };
    let mut report = TreeReport {
        link: store.link.display().to_string(),
        generation: live.number,
        ..TreeReport::default()
    };
    let plan = plan(person, &live, &mut report)?;
    report.failures = plan.failures;
    let empty = Tree::default();
    report.changes = plan.tree.changes_from(live.tree.as_ref().unwrap_or(&empty));
    let changed = live.tree.is_none() || !report.changes.is_empty();
    if person.dry_run {
        report.generation = live.number.filter(|_| !changed);
        return Ok(report);
    }
    if changed {
        let link_folder = Open::at(&home::make_folder(&places.home)?, places.owners())?;
        if link_folder.there("current")? == There::Other {
            return Err(Error::new("is no link").at(&store.link).hint("move it away"));
        }
        let (number, notes) = store.publish(&plan.tree, &live)?;
        report.generation = Some(number);
        report.notes.extend(notes);
    } else if let Some(number) = live.number {
        store.tidy(number)?;
    }
    status::write(&store.open_or_make()?, &report)?;
    Ok(report)
}

/// Nothing is written in a home that is another's: `sudo` keeps HOME on some hosts.
fn check_home(places: &PersonPlaces) -> Result<()> {
    let stat =
        rustix::fs::stat(&places.home).map_err(|cause| Error::io("look at", &places.home, cause.into()))?;
    if stat.st_uid == places.uid {
        return Ok(());
    }
    Err(Error::new(format!("belongs to uid {}, and you are uid {}", stat.st_uid, places.uid))
        .at(&places.home)
        .hint("run this as the person whose home it is, with HOME set to it"))
}

fn plan(person: &Person, live: &Live, report: &mut TreeReport) -> Result<plan::Plan> {
    let owners = person.places.owners();
    let path = person.manifest;
    let found = trust::read(path, owners)?.ok_or_else(|| {
        Error::new("there is no manifest")
            .at(path)
            .hint("in the fleet's repository, run: uvars export manifest users/NAME --out ~/.config/uvars")
    })?;
    let manifest = Manifest::parse(&found.bytes).map_err(|error| error.at(path))?;
    if let Whose::Host(name) = &manifest.of {
        return Err(Error::new(format!("is the manifest of the host {name}, not of a person"))
            .at(path)
            .hint("on that host, as root, run: uvars activate"));
    }
    let wanted = manifest.personal.iter().map(|personal| &personal.from).collect();
    let mut opened = Opened::default();
    open::open(&manifest, &found.folder, owners, person.keyring, &wanted, &mut opened);
    report.files = host::files(&manifest, &wanted, &opened);
    let empty = Tree::default();
    let known = Known {
        manifest: &manifest,
        opened: &opened,
        live: live.tree.as_ref().unwrap_or(&empty),
        lookup: &Lookup::default(),
        shadow: &|_| None,
    };
    Ok(plan::person(&known, (person.places.uid, person.places.gid)))
}
