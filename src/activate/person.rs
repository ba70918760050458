//! Activation by a person, without root: their own values, in memory that is theirs.

use super::dir::{Open, There};
use super::generation::{Live, Store};
use super::home;
use super::host;
use super::lookup::Lookup;
use super::manifest::{Manifest, Whose};
use super::open;
use super::plan::{self, Known, Opened};
use super::report::{Kept, Outcome, TreeReport};
use super::status::{self, Status};
use super::tree::Tree;
use super::trust::{self, Owners};
use crate::error::{Error, Result};
use crate::keys::Keyring;
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
pub(super) const FOLDER_MODE: u32 = 0o700;

impl PersonPlaces {
    pub(super) fn owners(&self) -> Owners {
        Owners { uid: self.uid }
    }

    /// The link to what is current.
    pub(super) fn link(&self) -> PathBuf {
        self.home.join(home::LINK)
    }

    /// What is known of the person's tree.
    pub fn status(&self) -> Result<Status> {
        match self.named() {
            Some(store) => status::read(&store),
            None => status::read(&self.store(self.base(false)?.path)),
        }
    }

    pub(super) fn store(&self, base: PathBuf) -> Store {
        Store {
            base,
            name: "uvars".to_owned(),
            link: self.link(),
            folder_mode: FOLDER_MODE,
            owners: self.owners(),
            put_aside: false,
        }
    }
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
    let store = places.store(base.path);
    let _locks = if person.dry_run { Vec::new() } else { places.lock(&store, person.wait)? };
    let mut report = TreeReport {
        link: store.link.display().to_string(),
        notes: base.note.into_iter().collect(),
        ..TreeReport::default()
    };
    make(person, &store, &mut report)?;
    if !person.dry_run {
        status::write(&store.open_or_make()?, &report)?;
    }
    Ok(report)
}

/// Makes the link lead to a generation of `store` that is as the manifest wants it.
fn make(person: &Person, store: &Store, report: &mut TreeReport) -> Result<()> {
    let places = person.places;
    let named = places.named();
    let live = named.as_ref().map_or(Ok(Live::default()), Store::live)?;
    let before = named.filter(|named| named.base != store.base);
    report.generation = live.number;
    report.of = status::last_of(before.as_ref().unwrap_or(store));
    let Planned { plan, all_known } = plan(person, &live, report)?;
    report.failures = plan.failures;
    if live.tree.is_none() && !all_known && store.leads_somewhere() {
        leave(store, report);
        return Ok(());
    }
    let empty = Tree::default();
    report.changes = plan.tree.changes_from(live.tree.as_ref().unwrap_or(&empty));
    let changed = live.tree.is_none() || !report.changes.is_empty() || before.is_some();
    if person.dry_run {
        report.generation = live.number.filter(|_| !changed);
        return Ok(());
    }
    if changed {
        let link_folder = Open::at(&home::make_folder(&places.home)?, places.owners())?;
        if link_folder.there("current")? == There::Other {
            return Err(Error::new("is no link").at(&store.link).hint("move it away"));
        }
        // The number in another folder says nothing of this one.
        let here = Live { number: live.number.filter(|_| before.is_none()), tree: None };
        let (number, notes) = store.publish(&plan.tree, &here)?;
        report.generation = Some(number);
        report.outcome = Outcome::Published;
        report.notes.extend(notes);
        let moved = before.as_ref().map(|old| {
            format!("values lie in {} now, and no more in {}", store.base.display(), old.base.display())
        });
        report.notes.extend(moved);
    } else if let Some(number) = live.number {
        store.tidy(number)?;
    }
    report.notes.extend(places.clear_others(store, before));
    Ok(())
}

/// What the link leads to is none of ours to read, a host's or a broken one, and there is less than all to put in
/// its place: it stays.
fn leave(store: &Store, report: &mut TreeReport) {
    report.outcome = Outcome::Left;
    for failure in &mut report.failures {
        failure.kept = Kept::Last;
    }
    let target = std::fs::read_link(&store.link).unwrap_or_default();
    report
        .notes
        .push(format!("it leads to {} as before, since not everything could be had", target.display()));
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

/// What a person is to have, and whether all of it is known: every file was opened, and no place is contested.
struct Planned {
    plan: plan::Plan,
    all_known: bool,
}

fn plan(person: &Person, live: &Live, report: &mut TreeReport) -> Result<Planned> {
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
    let of = manifest.of.to_string();
    report.notes.extend(status::other(report.of.as_deref(), &of));
    report.of = Some(of);
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
    let plan = plan::person(&known, (person.places.uid, person.places.gid));
    let all_known = opened.values().all(std::result::Result::is_ok) && !plan.is_contested;
    Ok(Planned { plan, all_known })
}
