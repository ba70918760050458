//! The steps of a transaction on the disk, forward and back.
//!
//! Both the writer itself and whoever recovers after it take them; [`super::journal`] says in which order and
//! why. Every step may find itself done already.

use super::flush::Flush;
use super::found::{self, Found, Seen, Side};
use super::journal::{self, Entry, Journal, Phase};
use super::read::contents;
use super::stage::stage_name;
use super::state::State;
use super::tree::{Blocked, Tree, Why, look, names, open_folder, open_for_reading};
use super::{Digest, Lock, RepoPath, Root, disk};
use crate::{Error, Result};
use rustix::fs::FileType;
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;

/// A journal with the place that it is about.
pub(super) struct Work<'a> {
    root: &'a Root,
    state: &'a State,
    journal: &'a Journal,
}

/// An entry with its number, which is in the names of its stage and its old file.
pub(super) type Numbered<'a> = (usize, &'a Entry);

impl<'a> Work<'a> {
    pub(super) fn new(lock: &'a Lock, journal: &'a Journal) -> Self {
        Self { root: lock.root(), state: lock.state(), journal }
    }

    fn tree(&self) -> &Tree {
        self.root.tree()
    }

    /// All entries.
    pub(super) fn entries(&self) -> impl Iterator<Item = Numbered<'a>> {
        self.journal.entries.iter().enumerate()
    }

    /// What messages call the target.
    pub(super) fn shown(&self, entry: &Entry) -> RepoPath {
        self.root.root_path(&entry.path)
    }

    /// The name of the stage of an entry.
    pub(super) fn stage(&self, number: usize) -> String {
        stage_name(&self.journal.id, number)
    }

    /// Every target with the state that it is in.
    pub(super) fn sides(&self) -> Result<Vec<(Numbered<'a>, Side)>> {
        let mut sides = Vec::with_capacity(self.journal.entries.len());
        for (number, entry) in self.entries() {
            let found = found::find(self.tree(), &entry.path, &self.shown(entry))?;
            sides.push(((number, entry), found.side(entry)));
        }
        Ok(sides)
    }

    /// Whether the stage of an entry holds what the target is to hold.
    pub(super) fn has_stage(&self, (number, entry): Numbered<'_>) -> Result<bool> {
        let Some(after) = entry.after else { return Ok(true) };
        let folder = match self.tree().folder(&entry.path, entry.depth) {
            Ok(folder) => folder,
            Err(Blocked { why: Why::Missing | Why::NotAFolder, .. }) => return Ok(false),
            Err(blocked) => return Err(blocked.error(&entry.path)),
        };
        let found = found::find_in(&folder, &self.stage(number), &self.shown(entry))?;
        Ok(matches!(found, Found::File(digest, _) if digest == after))
    }

    /// Step 4: makes the targets what they are to be, and flushes them.
    ///
    /// `check` is asked right before an existing target is touched, and what it gives is kept until then.
    pub(super) fn forward<T>(
        &self,
        todo: &[Numbered<'_>],
        check: impl Fn(Numbered<'_>, &OwnedFd) -> Result<T>,
    ) -> Result<()> {
        let mut flush = Flush::new(todo.len());
        for (number, entry) in todo.iter().copied().filter(|(_, entry)| entry.after.is_none()) {
            if let Some(folder) = self.parent_if_there(entry)? {
                let _kept = check((number, entry), &folder)?;
                self.unlink(&folder, entry)?;
                flush.folder(&entry.path, entry.path.parts().count() - 1);
            }
        }
        for (number, entry) in todo.iter().copied().filter(|(_, entry)| entry.after.is_some()) {
            let folder = self.make_parents(&entry.path, &mut flush)?;
            let _kept = check((number, entry), &folder)?;
            self.place((number, entry), &folder)?;
            flush.folder(&entry.path, entry.path.parts().count() - 1);
            flush.folder(&entry.path, entry.depth);
        }
        flush.finish(self.tree())
    }

    /// Renames the stage over the target.
    fn place(&self, (number, entry): Numbered<'_>, to: &OwnedFd) -> Result<()> {
        let from =
            self.tree().folder(&entry.path, entry.depth).map_err(|blocked| blocked.error(&entry.path))?;
        let name = entry.path.file_name();
        let placed = if entry.before.is_some() {
            disk::rename(&from, &self.stage(number), to, name)
        } else {
            remove_empty(to, name).and_then(|()| disk::rename_new(&from, &self.stage(number), to, name))
        };
        placed.map_err(|error| Error::io("write", self.shown(entry), error))
    }

    fn unlink(&self, folder: &OwnedFd, entry: &Entry) -> Result<()> {
        match disk::unlink(folder, entry.path.file_name()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io("remove", self.shown(entry), error))
            }
            _ => Ok(()),
        }
    }

    fn parent_if_there(&self, entry: &Entry) -> Result<Option<OwnedFd>> {
        match self.tree().parent(&entry.path) {
            Ok(folder) => Ok(Some(folder)),
            Err(Blocked { why: Why::Missing | Why::NotAFolder, .. }) => Ok(None),
            Err(blocked) => Err(blocked.error(&entry.path)),
        }
    }

    /// Opens the folder of a path, which is made if need be.
    fn make_parents(&self, path: &RepoPath, flush: &mut Flush) -> Result<OwnedFd> {
        loop {
            let at = match self.tree().parent(path) {
                Ok(folder) => return Ok(folder),
                Err(Blocked { at, why: Why::Missing }) => at,
                Err(blocked) => return Err(blocked.error(path)),
            };
            let above = self.tree().folder(path, at).map_err(|blocked| blocked.error(path))?;
            match disk::make_folder(&above, path.parts().nth(at).unwrap_or_default(), 0o777) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(Error::io("make the folder of", path, error));
                }
                _ => flush.folder(path, at),
            }
        }
    }

    /// Step 5: the transaction has happened. Whatever of it fails here is for the next writer to do.
    pub(super) fn finish(&self) {
        let removed = self.journal.entries.iter().filter(|entry| entry.after.is_none());
        let folders: BTreeSet<RepoPath> = removed.filter_map(|entry| entry.path.parent()).collect();
        for folder in folders.iter().rev() {
            self.remove_empty_above(folder, 0);
        }
        if journal::end(self.state, Phase::Committed).is_ok() {
            let _ = journal::remove_old(self.state, &self.journal.old_folder());
        }
    }

    /// Removes a folder if it is empty, then those above it, down to `least` parts of its path.
    ///
    /// One that is gone already does not end it: whoever was killed here had come that far.
    fn remove_empty_above(&self, folder: &RepoPath, least: usize) {
        let parts: Vec<&str> = folder.parts().collect();
        for (above, name) in parts.into_iter().enumerate().skip(least).rev() {
            let gone = match self.tree().folder(folder, above) {
                Ok(handle) => match disk::remove_folder(&handle, name) {
                    Ok(()) => true,
                    Err(error) => error.kind() == io::ErrorKind::NotFound,
                },
                Err(blocked) => matches!(blocked.why, Why::Missing),
            };
            if !gone {
                return;
            }
        }
    }

    /// Puts every target that was changed back to what it was, and flushes them.
    ///
    /// A target that somebody else has changed stops it before anything is done, or with `strict` off is
    /// left as it is.
    pub(super) fn backward(&self, strict: bool) -> Result<()> {
        let sides = self.sides()?;
        if strict {
            self.refuse_foreign(&sides)?;
        }
        let back: Vec<Numbered<'_>> = sides
            .into_iter()
            .filter(|(_, side)| *side == Side::After)
            .map(|(numbered, _)| numbered)
            .collect();
        let old = self.old_files(&back)?;
        let mut flush = Flush::new(back.len());
        for (_, entry) in back.iter().filter(|(_, entry)| entry.before.is_none()) {
            if let Some(folder) = self.parent_if_there(entry)? {
                self.unlink(&folder, entry)?;
                flush.folder(&entry.path, entry.path.parts().count() - 1);
            }
        }
        for folder in self.journal.entries.iter().rev().filter(|entry| entry.after.is_some()) {
            if let Some(parent) = folder.path.parent() {
                self.remove_empty_above(&parent, folder.depth);
                flush.folder(&folder.path, folder.depth);
            }
        }
        for (number, entry) in back.iter().copied().filter(|(_, entry)| entry.before.is_some()) {
            let Some(old) = &old else { break };
            let folder = self.make_parents(&entry.path, &mut flush)?;
            self.put_back((number, entry), old, &folder)?;
            flush.folder(&entry.path, entry.path.parts().count() - 1);
        }
        flush.finish(self.tree())
    }

    /// An error if somebody else has changed a target.
    pub(super) fn refuse_foreign(&self, sides: &[(Numbered<'_>, Side)]) -> Result<()> {
        let Some(((_, entry), _)) = sides.iter().find(|(_, side)| *side == Side::Neither) else {
            return Ok(());
        };
        Err(Error::new("is neither what it was before an interrupted change nor what it was to become, so nothing was done")
            .at(self.shown(entry))
            .hint("put it back as it was (git checkout), then run uvars recover")
            .hint("or run uvars recover --forget: every file stays as it is now"))
    }

    /// Opens the folder of old files, which must hold those of all these entries.
    fn old_files(&self, back: &[Numbered<'_>]) -> Result<Option<OwnedFd>> {
        let mut needed =
            back.iter().filter_map(|(number, entry)| Some((number, entry, entry.before?))).peekable();
        if needed.peek().is_none() {
            return Ok(None);
        }
        let name = self.journal.old_folder();
        let folder = open_folder(self.state.handle(), &name).map_err(|errno| {
            Error::io("open the old files of an interrupted change", self.state.path_of(&name), errno.into())
        })?;
        for (number, entry, before) in needed {
            let shown = self.shown(entry);
            let found = found::find_in(&folder, &number.to_string(), &shown)?;
            if !matches!(found, Found::File(digest, _) if digest == before) {
                return Err(Error::new(
                    "an interrupted change can be neither finished nor taken back: its old bytes are lost",
                )
                .at(shown)
                .hint("put the file right by hand or with git, then run uvars recover --forget"));
            }
        }
        Ok(Some(folder))
    }

    /// Moves the old file back to its place; copies it where that is on another file system.
    fn put_back(&self, (number, entry): Numbered<'_>, old: &OwnedFd, folder: &OwnedFd) -> Result<()> {
        let name = entry.path.file_name();
        match disk::rename(old, &number.to_string(), folder, name) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                self.copy_back((number, entry), old, folder)
            }
            other => other,
        }
        .map_err(|error| Error::io("put back", self.shown(entry), error))
    }

    fn copy_back(&self, (number, entry): Numbered<'_>, old: &OwnedFd, folder: &OwnedFd) -> io::Result<()> {
        let stage = self.stage(number);
        match disk::unlink(folder, &stage) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let source = open_for_reading(old, &number.to_string())?;
        let seen = Seen::of(&source.metadata()?);
        let bytes = contents(source, entry.path.as_ref()).map_err(io::Error::other)?;
        let mut file = disk::create(folder, &stage, 0o600)?;
        disk::write(&mut file, &bytes)?;
        disk::give(&file, seen.owner.0, seen.owner.1)?;
        disk::set_mode(&file, seen.mode)?;
        disk::sync(&file)?;
        disk::rename(folder, &stage, folder, entry.path.file_name())
    }

    /// No target is to be touched, or all are put back: removes what was prepared, and the journal.
    pub(super) fn discard(&self) -> Result<()> {
        self.remove_stages()?;
        journal::end(self.state, Phase::Staging)?;
        let _ = journal::remove_old(self.state, &self.journal.old_folder());
        Ok(())
    }

    /// Removes whatever stages there are, and flushes their folders.
    pub(super) fn remove_stages(&self) -> Result<()> {
        let mut flush = Flush::new(self.journal.entries.len());
        for (number, entry) in self.entries() {
            let folder = match self.tree().folder(&entry.path, entry.depth) {
                Ok(folder) => folder,
                Err(Blocked { why: Why::Missing | Why::NotAFolder, .. }) => continue,
                Err(blocked) => return Err(blocked.error(&entry.path)),
            };
            let stage = self.stage(number);
            match disk::unlink(&folder, &stage) {
                Ok(()) => flush.folder(&entry.path, entry.depth),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(Error::io(format!("remove {stage} beside"), self.shown(entry), error));
                }
            }
        }
        flush.finish(self.tree())
    }

    /// Gives the old file of an entry a second name among the old files, or copies it there.
    pub(super) fn keep(
        &self,
        (number, entry): Numbered<'_>,
        seen: &Seen,
        old: &OwnedFd,
        flush: &mut Flush,
    ) -> Result<()> {
        let shown = self.shown(entry);
        let folder = self.tree().parent(&entry.path).map_err(|blocked| blocked.error(&entry.path))?;
        let (name, kept) = (entry.path.file_name(), number.to_string());
        if disk::link(&folder, name, old, &kept).is_ok() {
            return if Seen::at(old, &kept).as_ref() == Some(seen) {
                Ok(())
            } else {
                Err(changed_meanwhile(&shown))
            };
        }
        let failed = |error: io::Error| Error::io("keep the old bytes of", &shown, error);
        let source = open_for_reading(&folder, name).map_err(|errno| failed(errno.into()))?;
        let bytes = contents(source, shown.as_ref())?;
        if Some(Digest::of(&bytes)) != entry.before {
            return Err(changed_meanwhile(&shown));
        }
        let mut file = disk::create(old, &kept, 0o600).map_err(failed)?;
        disk::write(&mut file, &bytes).map_err(failed)?;
        disk::give(&file, seen.owner.0, seen.owner.1).map_err(failed)?;
        disk::set_mode(&file, seen.mode).map_err(failed)?;
        flush.file(file, &shown)
    }
}

/// The error for a target that is not what it was when the plan was made.
pub(super) fn changed_meanwhile(shown: &RepoPath) -> Error {
    Error::new("was changed by somebody else meanwhile; nothing was written")
        .at(shown)
        .hint("run the same command again")
}

/// Removes the folder `name` if there is one; it may hold empty folders, but no file.
fn remove_empty(folder: &OwnedFd, name: &str) -> io::Result<()> {
    let is_folder =
        look(folder, name)?.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory);
    if !is_folder {
        return Ok(());
    }
    let inside = open_folder(folder, name)?;
    for (below, _) in names(&inside, name).map_err(io::Error::other)? {
        match open_folder(&inside, &below) {
            Ok(_) => remove_empty(&inside, &below)?,
            Err(_) => return Err(Errno::NOTEMPTY.into()),
        }
    }
    disk::remove_folder(folder, name)
}
