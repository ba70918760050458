//! The writer's own way through a transaction: prepare, mark, apply, and back if anything fails.

use super::flush::Flush;
use super::found::Seen;
use super::journal::{self, Journal, Phase};
use super::survey::Planned;
use super::tree::{look, open_folder};
use super::turn::{Turn, turn_in};
use super::work::{Numbered, Work, changed_meanwhile};
use super::{Lock, disk, id};
use crate::{Error, Result};
use std::os::fd::OwnedFd;

/// Makes all of the changes, durably, or none of them and says why.
pub(super) fn run(lock: &Lock, planned: &[Planned<'_>]) -> Result<()> {
    if planned.is_empty() {
        return Ok(());
    }
    if journal::is_there(lock.state())? {
        return Err(Error::new("an earlier change is left half made").hint("run uvars recover"));
    }
    let entries = planned.iter().map(|one| one.entry.clone()).collect();
    let journal = Journal { id: id::random()?, entries };
    let writer = Writer { lock, planned, work: Work::new(lock, &journal), journal: &journal };
    journal.begin(lock.state())?;
    let marked =
        writer.prepare().and_then(|()| journal::advance(lock.state(), Phase::Staging, Phase::Committed));
    marked.map_err(|error| left(error, &writer.give_up()))?;
    writer.apply().map_err(|error| left(error, &writer.undo()))?;
    writer.work.finish();
    Ok(())
}

/// The first error, and what to do if not even the way back worked.
fn left(error: Error, back: &Result<()>) -> Error {
    match back {
        Ok(()) => error,
        Err(_) => error.hint("the change is left half made; when the cause is mended, run uvars recover"),
    }
}

struct Writer<'a> {
    lock: &'a Lock,
    planned: &'a [Planned<'a>],
    work: Work<'a>,
    journal: &'a Journal,
}

impl Writer<'_> {
    /// Step 2: stages and old files, flushed.
    fn prepare(&self) -> Result<()> {
        let mut flush = Flush::new(self.planned.len());
        let old = self.make_old_folder()?;
        for (number, planned) in self.planned.iter().enumerate() {
            if let Some(bytes) = planned.bytes {
                self.stage(number, planned, bytes, &mut flush)?;
            }
            if let (Some(seen), Some(old)) = (&planned.old, &old) {
                self.work.keep((number, &planned.entry), seen, old, &mut flush)?;
            }
        }
        if let Some(old) = old {
            flush.own_folder(old, &self.lock.state().path_of(&self.journal.old_folder()))?;
        }
        flush.finish(self.lock.root().tree())?;
        self.check_all()
    }

    fn make_old_folder(&self) -> Result<Option<OwnedFd>> {
        if self.planned.iter().all(|planned| planned.old.is_none()) {
            return Ok(None);
        }
        let state = self.lock.state();
        let name = self.journal.old_folder();
        let failed = |error| Error::io("make", state.path_of(&name), error);
        disk::make_folder(state.handle(), &name, 0o700).map_err(failed)?;
        open_folder(state.handle(), &name).map(Some).map_err(|errno| failed(errno.into()))
    }

    fn stage(&self, number: usize, planned: &Planned<'_>, bytes: &[u8], flush: &mut Flush) -> Result<()> {
        let entry = &planned.entry;
        let folder = self.lock.root().tree().folder(&entry.path, entry.depth);
        let folder = folder.map_err(|blocked| blocked.error(&entry.path))?;
        let failed = |error| Error::io("write", planned.shown, error);
        // A new file without a mode of its own gets what the umask leaves of the usual one.
        let plain = planned.old.is_none() && planned.mode.is_none();
        let mut file = disk::create(&folder, &self.work.stage(number), if plain { 0o666 } else { 0o600 })
            .map_err(failed)?;
        disk::write(&mut file, bytes).map_err(failed)?;
        if let Some(old) = &planned.old {
            disk::give(&file, old.owner.0, old.owner.1).map_err(failed)?;
        }
        if let Some(mode) = planned.old.map(|old| old.mode).or(planned.mode) {
            disk::set_mode(&file, mode).map_err(failed)?;
        }
        flush.folder(&entry.path, entry.depth);
        flush.file(file, planned.shown)
    }

    /// Step 3: whether every target is still what it was when the plan was made.
    fn check_all(&self) -> Result<()> {
        for (number, planned) in self.planned.iter().enumerate() {
            match self.lock.root().tree().parent(&planned.entry.path) {
                Ok(folder) => self.check((number, &planned.entry), &folder)?,
                Err(_) if planned.old.is_none() => {}
                Err(_) => return Err(changed_meanwhile(planned.shown)),
            }
        }
        Ok(())
    }

    fn check(&self, (number, entry): Numbered<'_>, folder: &OwnedFd) -> Result<()> {
        let Some(planned) = self.planned.get(number) else { return Ok(()) };
        let name = entry.path.file_name();
        // A target that was not there is never replaced: renaming a stage to it fails if it has come.
        if planned.old.is_some() && Seen::at(folder, name) != planned.old {
            return Err(changed_meanwhile(planned.shown));
        }
        Ok(())
    }

    /// Step 4.
    fn apply(&self) -> Result<()> {
        let all: Vec<Numbered<'_>> = self.work.entries().collect();
        self.work.forward(&all, |numbered, folder| {
            let turn = self.turn(numbered, folder)?;
            self.check(numbered, folder)?;
            Ok(turn)
        })
    }

    /// Others, who do not know of the repository's lock, may be about to change the same file.
    fn turn(&self, (number, entry): Numbered<'_>, folder: &OwnedFd) -> Result<Option<Turn>> {
        let Some(planned) = self.planned.get(number).filter(|planned| planned.old.is_some()) else {
            return Ok(None);
        };
        turn_in(folder, entry.path.file_name(), planned.shown)
    }

    /// The way back from before the commit mark.
    fn give_up(&self) -> Result<()> {
        let state = self.lock.state();
        let name = Phase::Staging.file_name();
        match look(state.handle(), name) {
            Ok(Some(_)) => self.work.discard(),
            // The mark is there and could not be taken back: what it promises will be done.
            Ok(None) => Err(Error::new("is not there").at(state.path_of(name))),
            Err(errno) => Err(Error::io("look at", state.path_of(name), errno.into())),
        }
    }

    /// The way back from after it.
    fn undo(&self) -> Result<()> {
        let state = self.lock.state();
        journal::advance(state, Phase::Committed, Phase::Undoing)?;
        self.work.backward(false)?;
        journal::advance(state, Phase::Undoing, Phase::Staging)?;
        self.work.discard()
    }
}
