//! Activation of a host, by its root: two trees, each with its own lock, so that passwords never wait for the
//! rest.
//!
//! It decides the order of steps; what a tree holds is decided by `plan`, how it is written by `generation`.

use super::databases;
use super::dir::Open;
use super::generation::{Live, Store};
use super::home;
use super::lookup::Lookup;
use super::manifest::{Manifest, Phase, Policy, Whose};
use super::open;
use super::plan::{self, Known, Opened, Plan};
use super::ramfs;
use super::report::{Failure, FileReport, Kept, Outcome, Problem, Report, TreeReport};
use super::status::{self, Status};
use super::tree::Tree;
use super::trust::{self, Folder, Owners};
use crate::error::{Error, Result};
use crate::fs::{Digest, RepoPath};
use crate::keys::Keyring;
use crate::secret::Secret;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The permission bits of root's folders: everybody may go through, nobody may list.
const FOLDER_MODE: u32 = 0o711;

/// What is activated, and where.
#[derive(Debug)]
pub struct Host<'a> {
    /// The manifest's absolute path.
    pub manifest: &'a Path,
    /// The keys of this host.
    pub keyring: &'a Keyring,
    /// The trees to make, in this order.
    pub phases: &'a [Phase],
    /// Whether only to say what would change: nothing is written, mounted or locked.
    pub dry_run: bool,
    /// How long to wait for another run.
    pub wait: Duration,
    /// Where things are on this host.
    pub places: &'a Places,
}

/// Where things are on a host.
#[derive(Clone, Debug)]
pub struct Places {
    /// `/run`
    pub run: PathBuf,
    /// `/etc`
    pub etc: PathBuf,
    /// `getent`, for owners that are not in /etc/passwd; `None` asks nobody.
    pub getent: Option<PathBuf>,
    /// The program, and its first arguments, that does [`super::link_home`]: it makes the link in a home.
    pub home_helper: Vec<PathBuf>,
    /// Whose all of it must be: root's number, 0.
    pub root: u32,
}

impl Places {
    fn owners(&self) -> Owners {
        Owners { uid: self.root }
    }

    fn store(&self, phase: Phase) -> Store {
        let name = match phase {
            Phase::Users => "uvars-users",
            Phase::Services => "uvars",
        };
        Store {
            base: self.run.clone(),
            name: name.to_owned(),
            link: self.run.join(name),
            folder_mode: FOLDER_MODE,
            owners: self.owners(),
            put_aside: true,
        }
    }

    /// What is known of each tree of this host.
    pub fn status(&self, phases: &[Phase]) -> Result<Vec<Status>> {
        phases.iter().map(|phase| status::read(&self.store(*phase))).collect()
    }
}

/// Activates a host. What goes wrong is in the report: one tree or item that fails does not stop another.
pub fn activate(host: &Host) -> Report {
    let mut run = Run { host, read: None, opened: Opened::default() };
    Report { trees: host.phases.iter().map(|phase| run.tree(*phase)).collect() }
}

/// A manifest that was read, and the folder of its copies.
struct Read {
    digest: Digest,
    manifest: Manifest,
    folder: Folder,
}

struct Run<'a> {
    host: &'a Host<'a>,
    read: Option<Read>,
    /// What the manifest's files held, kept from one tree to the next.
    opened: Opened,
}

impl Run<'_> {
    fn tree(&mut self, phase: Phase) -> TreeReport {
        let store = self.host.places.store(phase);
        let mut report = TreeReport { link: store.link.display().to_string(), ..TreeReport::default() };
        if self.host.dry_run {
            let made = self.make(phase, &store, &mut report);
            failed(&store, &mut report, made);
            return report;
        }
        // The lock comes before the manifest, so that of two runs the later one has the newer manifest.
        match store.lock(self.host.wait) {
            Err(error) => failed(&store, &mut report, Err(error)),
            Ok(_lock) => {
                let made = prepare(&store, &mut report).and_then(|()| self.make(phase, &store, &mut report));
                failed(&store, &mut report, made);
                if let Err(error) = tell(&store, &report) {
                    report.notes.push(format!("the status is not written: {error}"));
                }
            }
        }
        report
    }

    fn make(&mut self, phase: Phase, store: &Store, report: &mut TreeReport) -> Result<()> {
        let live = store.live().unwrap_or_else(|error| {
            report.notes.push(format!("the last generation cannot be read: {error}"));
            Live::default()
        });
        report.generation = live.number;
        report.of = status::last_of(store);
        let read = self.read_manifest().map_err(|error| ("manifest".to_owned(), error));
        let made =
            read.and_then(|()| self.plan(phase, &live, report).map_err(|error| (report.link.clone(), error)));
        let plan = match made {
            Ok(plan) => plan,
            Err((item, error)) => match self.rescue(phase, &live, &item, &error, report) {
                Some(plan) => plan,
                None => return Ok(()),
            },
        };
        report.failures.extend(plan.failures);
        let empty = Tree::default();
        report.changes = plan.tree.changes_from(live.tree.as_ref().unwrap_or(&empty));
        let changed = live.tree.is_none() || !report.changes.is_empty();
        if self.host.dry_run {
            report.generation = live.number.filter(|_| !changed);
            return Ok(());
        }
        if changed {
            let (number, notes) = store.publish(&plan.tree, &live)?;
            report.generation = Some(number);
            report.outcome = Outcome::Published;
            report.notes.extend(notes);
        } else if let Some(number) = live.number {
            store.tidy(number)?;
        }
        if phase == Phase::Services {
            self.link_homes(store, &plan.tree, report);
        }
        Ok(())
    }

    /// Reads the manifest, again for each tree; what its files held is kept only while it is the same.
    fn read_manifest(&mut self) -> Result<()> {
        let path = self.host.manifest;
        let found = trust::read(path, self.host.places.owners())?.ok_or_else(|| {
            Error::new("there is no manifest").at(path).hint(
                "on the administrator's machine, run: uvars export manifest hosts/NAME --out DIR, and copy DIR here",
            )
        })?;
        let digest = Digest::of(&found.bytes);
        if self.read.as_ref().is_some_and(|read| read.digest == digest) {
            return Ok(());
        }
        let manifest = Manifest::parse(&found.bytes).map_err(|error| error.at(path))?;
        if let Whose::User(name) = &manifest.of {
            return Err(Error::new(format!("is the manifest of the person {name}, not of a host"))
                .at(path)
                .hint("as that person, run: uvars activate --user"));
        }
        self.opened.clear();
        self.read = Some(Read { digest, manifest, folder: found.folder });
        Ok(())
    }

    fn plan(&mut self, phase: Phase, live: &Live, report: &mut TreeReport) -> Result<Plan> {
        let Some(read) = &self.read else {
            return Err(Error::new("there is no manifest").at(self.host.manifest));
        };
        let of = read.manifest.of.to_string();
        report.notes.extend(status::other(report.of.as_deref(), &of));
        report.of = Some(of);
        let wanted = wanted(&read.manifest, phase);
        let owners = self.host.places.owners();
        open::open(&read.manifest, &read.folder, owners, self.host.keyring, &wanted, &mut self.opened);
        report.files = files(&read.manifest, &wanted, &self.opened);
        // Before accounts are made a directory server cannot be asked, and need not be: root owns all of it.
        let getent = self.host.places.getent.clone().filter(|_| phase == Phase::Services);
        let lookup = match Lookup::read(&self.host.places.etc, getent.clone()) {
            Ok(lookup) => lookup,
            // Hashes need no owner but root, and what needs another is closed to all but root. What is there with
            // its owners is better than that.
            Err(error) if phase == Phase::Users || live.tree.is_none() => {
                report.notes.push(format!("the accounts of this host cannot be read: {error}"));
                Lookup::new(b"", b"", getent)
            }
            Err(error) => return Err(error),
        };
        let empty = Tree::default();
        let shadow = shadow(&self.host.places.etc);
        let known = Known {
            manifest: &read.manifest,
            opened: &self.opened,
            live: live.tree.as_ref().unwrap_or(&empty),
            lookup: &lookup,
            shadow: &|user| shadow.iter().find(|(name, _)| name == user).map(|(_, field)| field.clone()),
        };
        Ok(match phase {
            Phase::Users => plan::users(&known),
            Phase::Services => plan::services(&known),
        })
    }

    /// A manifest that cannot be used, or anything else that concerns a whole tree, changes nothing; but where
    /// there are no passwords at all yet, as after a boot, every password that the host has is offered.
    fn rescue(
        &self,
        phase: Phase,
        live: &Live,
        item: &str,
        error: &Error,
        report: &mut TreeReport,
    ) -> Option<Plan> {
        let mut problem = |kept| {
            report.failures.push(Failure::new(item, &Problem::of(error), kept));
        };
        if phase == Phase::Users && live.tree.is_none() {
            problem(Kept::Shadow);
            let tree = plan::rescue(&shadow(&self.host.places.etc));
            return (!tree.0.is_empty()).then(|| Plan::of(tree));
        }
        problem(if live.tree.is_some() { Kept::Last } else { Kept::Nothing });
        None
    }

    /// Leads each integrated user's own link to their values. A home that will not have it is no failure of the
    /// host's: a person must not be able to make its activation fail.
    fn link_homes(&self, store: &Store, tree: &Tree, report: &mut TreeReport) {
        let Some(read) = &self.read else { return };
        let Ok(lookup) = Lookup::read(&self.host.places.etc, self.host.places.getent.clone()) else { return };
        let users: BTreeSet<_> = read.manifest.personal.iter().map(|personal| &personal.user).collect();
        for user in users {
            let folder = format!("home/{user}");
            let Some(login) = lookup.login(user).filter(|_| tree.below(&folder).next().is_some()) else {
                continue;
            };
            if let Err(error) =
                home::link_as(&self.host.places.home_helper, &login, &store.link.join(&folder))
            {
                report.notes.push(format!("the link of {user} is left as it was: {error}"));
            }
        }
    }
}

/// Puts an error that concerns the whole tree into its report.
fn failed(store: &Store, report: &mut TreeReport, made: Result<()>) {
    if let Err(error) = made {
        let is_there = store.current().is_ok_and(|number| number.is_some());
        let kept = if is_there { Kept::Last } else { Kept::Nothing };
        report.failures.push(Failure::new(report.link.clone(), &Problem::of(&error), kept));
    }
}

/// Leaves the report beside the generations, where there is a folder for them.
fn tell(store: &Store, report: &TreeReport) -> Result<()> {
    store.open()?.map_or(Ok(()), |folder| status::write(&folder, report))
}

/// Makes the folder of generations, in memory.
fn prepare(store: &Store, report: &mut TreeReport) -> Result<()> {
    let folder = store.open_or_make()?;
    let base = Open::at(&store.base, store.owners)?;
    let remark = ramfs::ensure(&base, &folder, store.folder_mode)?;
    report.notes.extend(remark.map(str::to_owned));
    ramfs::set_mode(&store.open_or_make()?, store.folder_mode)
}

/// The files that a tree needs.
fn wanted(manifest: &Manifest, phase: Phase) -> BTreeSet<&RepoPath> {
    let installs =
        manifest.installs.iter().filter(move |install| install.phase == phase).map(|install| &install.from);
    match phase {
        Phase::Users => {
            let accounts = manifest.accounts.iter().filter(|account| account.policy != Policy::Absent);
            accounts.filter_map(|account| account.from.as_ref()).chain(installs).collect()
        }
        Phase::Services => manifest.personal.iter().map(|personal| &personal.from).chain(installs).collect(),
    }
}

/// What is told of the files that a tree was made from.
pub(super) fn files(manifest: &Manifest, wanted: &BTreeSet<&RepoPath>, opened: &Opened) -> Vec<FileReport> {
    let told = manifest.files.iter().filter(|file| wanted.contains(&file.path));
    let is_account = |path| manifest.accounts.iter().any(|account| account.from.as_ref() == Some(path));
    told.map(|file| {
        let plain = opened.get(&file.path).and_then(|plain| plain.as_ref().ok());
        FileReport {
            path: file.path.clone(),
            sha256: file.sha256,
            opened: plain.is_some(),
            // elsewhere a value of that name is a value like all others
            changed: plain.filter(|_| is_account(&file.path)).and_then(open::changed),
        }
    })
    .collect()
}

/// The passwords that the host has now. One that cannot be read is a host without: each account then says so.
fn shadow(etc: &Path) -> Vec<(String, Secret)> {
    let bytes = std::fs::read(etc.join("shadow")).map(Secret::new).unwrap_or_default();
    databases::shadow(bytes.expose())
}
