//! The folders in memory that a person's generations lie in: the one to use now, and those that were used before.
//!
//! A person is activated with a session's folder at one time and without one at another. What they have is found
//! by their link, wherever it leads, and no values stay behind in a folder that is used no more.

use super::dir::Open;
use super::generation::{self, Lock, Store};
use super::home;
use super::person::{FOLDER_MODE, PersonPlaces};
use super::ramfs;
use super::status;
use crate::error::{Error, Result};
use rustix::fs::Stat;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The folder to use now.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) path: PathBuf,
    /// What is worth knowing of the choice.
    pub(super) note: Option<String>,
}

impl PersonPlaces {
    /// The folder in memory that is the person's alone, made where it may be.
    pub(super) fn base(&self, make: bool) -> Result<Base> {
        let (runtime, note) = match &self.runtime {
            Some(path) if !path.is_absolute() => (None, Some("is not an absolute path")),
            Some(path) if is_missing(path) => (None, Some("is not there")),
            found => (found.as_deref(), None),
        };
        let runtime = runtime
            .map(|path| Open::at(path, self.owners()).map_err(|error| not_ours(error, path)))
            .transpose()?;
        if let Some(open) = &runtime
            && ramfs::is_ram(open)?
        {
            self.check_private(&open.stat()?, open.path())?;
            return Ok(Base { path: open.path().to_owned(), note: None });
        }
        let shared = self.open_shared().map_err(|cause| {
            let error = match (&runtime, &self.runtime, note) {
                (Some(disk), ..) => {
                    Error::new("is not in memory, and neither is another folder").at(disk.path())
                }
                (None, Some(named), Some(note)) => {
                    Error::new(format!("XDG_RUNTIME_DIR {note}, and there is no other folder in memory"))
                        .at(named)
                }
                _ => Error::new("XDG_RUNTIME_DIR is not set, and there is no other folder in memory"),
            };
            error.because(cause).hint("log in with a session that has XDG_RUNTIME_DIR (pam_systemd makes it)")
        })?;
        let path = self.shared_base();
        let name = self.shared_name();
        let found = if make {
            Some(shared.folder_or_make(&name, FOLDER_MODE, self.owners())?)
        } else {
            shared.folder(&name, self.owners())?
        };
        if let Some(open) = found {
            self.check_private(&open.stat()?, &path)?;
        }
        let note = note.zip(self.runtime.as_deref()).map(|(note, named)| {
            format!("XDG_RUNTIME_DIR {note} ({}): values lie in {}", named.display(), path.display())
        });
        Ok(Base { path, note })
    }

    fn open_shared(&self) -> Result<Open> {
        let shared = Open::at(&self.shared, self.owners())?;
        if ramfs::is_ram(&shared)? {
            Ok(shared)
        } else {
            Err(Error::new("is not in memory").at(&self.shared))
        }
    }

    fn shared_name(&self) -> String {
        format!("uvars-{}", self.uid)
    }

    fn shared_base(&self) -> PathBuf {
        self.shared.join(self.shared_name())
    }

    fn check_private(&self, stat: &Stat, path: &Path) -> Result<()> {
        // No permission for anybody else: the last six bits are clear.
        if stat.st_uid == self.uid && stat.st_mode.trailing_zeros() >= 6 {
            return Ok(());
        }
        Err(not_ours(Error::new("is not yours alone").at(path), path))
    }

    /// The store whose generation the link names, in whatever folder, where that is in memory and the person's.
    pub(super) fn named(&self) -> Option<Store> {
        let target = std::fs::read_link(self.link()).ok()?;
        generation::number(target.file_name()?.to_str()?)?;
        let folder = target.parent()?;
        let store = self.store(folder.parent()?.to_owned());
        (store.folder() == folder && self.holds_generations(&store).unwrap_or(false)).then_some(store)
    }

    /// Whether a store has a folder of generations in memory, which only the person can have made.
    fn holds_generations(&self, store: &Store) -> Result<bool> {
        let base = Open::at(&store.base, self.owners())?;
        self.check_private(&base.stat()?, &store.base)?;
        let Some(folder) = store.open()? else { return Ok(false) };
        Ok(folder.stat()?.st_uid == self.uid && ramfs::is_ram(&folder)?)
    }

    /// Waits for every other run of this person, whichever folder it uses: the folder of the link is common to all.
    /// A home that cannot be locked, as one on a server, leaves those that use the same folder.
    pub(super) fn lock(&self, store: &Store, wait: Duration) -> Result<Vec<Lock>> {
        let home = Open::at(&home::make_folder(&self.home)?, self.owners())?;
        let path = home.path().to_owned();
        let common = Lock::of(home.into_fd(), &path, wait)?;
        Ok(common.into_iter().chain([store.lock(wait)?]).collect())
    }

    /// Removes what lies in folders that are used no more: where the link led `before`, and what a run that was
    /// ended left in the shared one. Returns what went wrong.
    pub(super) fn clear_others(&self, store: &Store, before: Option<Store>) -> Vec<String> {
        let clear = |other: Store| Open::at(&other.base, other.owners)?.remove(&other.folder_name());
        let failed = |error| format!("values are left behind where they were before: {error}");
        before
            .into_iter()
            .chain(self.others(store))
            .filter_map(|other| clear(other).err())
            .map(failed)
            .collect()
    }

    /// Where this person has generations but in `store`: where the link leads, and in the shared folder.
    fn others(&self, store: &Store) -> Vec<Store> {
        let shared = self.store(self.shared_base());
        let shared = Some(shared).filter(|shared| self.holds_generations(shared).unwrap_or(false));
        // Another home of the same person's may have its values there.
        let shared = shared.filter(|shared| status::last_link(shared).is_none_or(|link| link == self.link()));
        self.named().into_iter().chain(shared).filter(|other| other.base != store.base).collect()
    }
}

fn is_missing(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_err_and(|cause| cause.kind() == std::io::ErrorKind::NotFound)
}

fn not_ours(error: Error, path: &Path) -> Error {
    error.hint(format!(
        "{} must belong to you with mode 0700; unset XDG_RUNTIME_DIR if it is somebody else's",
        path.display()
    ))
}
