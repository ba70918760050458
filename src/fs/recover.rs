//! What an interrupted writer left, and what becomes of it.

use super::found::Side;
use super::journal::{self, Journal, Phase};
use super::state::{OWN_FOLDER, State};
use super::work::{Numbered, Work};
use super::{Lock, RepoPath, Root, lock};
use crate::{Error, Result};
use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

/// How long `recover` waits for a writer that is at work.
const WAIT: Duration = Duration::from_secs(5);

/// What was found and done.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Recovered {
    /// What became of the interrupted transaction.
    pub outcome: Outcome,
    /// The files that it was about, sorted.
    pub files: Vec<RepoPath>,
}

impl fmt::Display for Recovered {
    /// A sentence for people, without the names of the files.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = match self.files.len() {
            1 => "1 file".to_owned(),
            many => format!("{many} files"),
        };
        match self.outcome {
            Outcome::Nothing => out.write_str("nothing to recover"),
            Outcome::Discarded => {
                write!(out, "an interrupted change of {files} was taken back: none had been touched")
            }
            Outcome::Finished => write!(out, "an interrupted change of {files} was finished"),
            Outcome::Undone => {
                write!(out, "an interrupted change of {files} was undone: all are as before")
            }
            Outcome::Forgotten => {
                write!(out, "an interrupted change of {files} was forgotten: all stay as they are")
            }
        }
    }
}

/// What became of an interrupted transaction.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Outcome {
    /// There was none.
    #[default]
    Nothing,
    /// It had not been committed: no file had been touched, what was prepared has been removed.
    Discarded,
    /// It had been committed, and every file is now as it wanted.
    Finished,
    /// It had been committed but could not be finished: every file is as it was before.
    Undone,
    /// It was given up: every file stays as it was found.
    Forgotten,
}

/// Finishes or takes back what an interrupted writer left; waits a few seconds for one that is at work.
///
/// Refused with a sentence, and nothing done: a journal that is not ours or not well formed, and one that is
/// about a file which somebody else has changed since.
pub fn recover(root: &Root) -> Result<Recovered> {
    Ok(root.lock(WAIT)?.recovered().clone())
}

/// Gives up what an interrupted writer left: files stay as they are, what it had prepared or kept is removed.
///
/// For the case that [`recover`] refuses because files were changed by somebody else since.
pub fn forget(root: &Root) -> Result<Recovered> {
    let lock = root.lock_only(WAIT)?;
    refuse_stray(root)?;
    let Some((phase, journal)) = journal::find(lock.state())? else { return Ok(Recovered::default()) };
    if phase != Phase::Staging {
        journal::advance(lock.state(), phase, Phase::Staging)?;
    }
    Work::new(&lock, &journal).discard()?;
    Ok(recovered(root, &journal, Outcome::Forgotten))
}

/// Whether an interrupted transaction waits to be recovered. Writes nothing, and is quick.
///
/// One whose writer is still at work is not interrupted.
pub fn pending(root: &Root) -> Result<bool> {
    if stray(root)?.is_some() {
        return Ok(true);
    }
    let Some(state) = State::find(root)? else { return Ok(false) };
    Ok(journal::is_there(&state)? && !lock::is_held(&state))
}

/// What whoever takes the lock does first.
pub(super) fn settle(lock: &Lock) -> Result<Recovered> {
    let root = lock.root();
    refuse_stray(root)?;
    let Some((phase, journal)) = journal::find(lock.state())? else {
        journal::sweep(lock.state())?;
        return Ok(Recovered::default());
    };
    let work = Work::new(lock, &journal);
    let outcome = match phase {
        Phase::Staging => work.discard().map(|()| Outcome::Discarded)?,
        Phase::Committed => finish_or_undo(lock, &work)?,
        Phase::Undoing => undo(lock, &work)?,
    };
    Ok(recovered(root, &journal, outcome))
}

fn finish_or_undo(lock: &Lock, work: &Work<'_>) -> Result<Outcome> {
    let sides = work.sides()?;
    work.refuse_foreign(&sides)?;
    let todo: Vec<Numbered<'_>> =
        sides.into_iter().filter(|(_, side)| *side == Side::Before).map(|(numbered, _)| numbered).collect();
    let mut complete = true;
    for numbered in &todo {
        complete = complete && work.has_stage(*numbered)?;
    }
    if complete {
        work.forward(&todo, |_, _| Ok(()))?;
        // Renaming may have been done as linking and unlinking, and killed in between.
        work.remove_stages()?;
        work.finish();
        return Ok(Outcome::Finished);
    }
    journal::advance(lock.state(), Phase::Committed, Phase::Undoing)?;
    undo(lock, work)
}

fn undo(lock: &Lock, work: &Work<'_>) -> Result<Outcome> {
    work.backward(true)?;
    journal::advance(lock.state(), Phase::Undoing, Phase::Staging)?;
    work.discard()?;
    Ok(Outcome::Undone)
}

fn recovered(root: &Root, journal: &Journal, outcome: Outcome) -> Recovered {
    let mut files: Vec<RepoPath> = journal.entries.iter().map(|entry| root.root_path(&entry.path)).collect();
    files.sort_unstable();
    Recovered { outcome, files }
}

/// A journal where only a fleet outside git keeps one, although this one is in git: a clone or a checkout
/// could have brought it.
fn stray(root: &Root) -> Result<Option<PathBuf>> {
    if root.git().is_none() {
        return Ok(None);
    }
    for phase in Phase::ALL {
        let path = root.dir().join(OWN_FOLDER).join(phase.file_name());
        match std::fs::symlink_metadata(&path) {
            Ok(_) => return Ok(Some(path)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => return Err(Error::io("look at", path, error)),
        }
    }
    Ok(None)
}

fn refuse_stray(root: &Root) -> Result<()> {
    match stray(root)? {
        None => Ok(()),
        Some(path) => {
            Err(Error::new("this journal is not followed: in a git repository a clone could have brought it")
                .at(path)
                .hint(format!("look at it, then remove the folder {OWN_FOLDER}; nothing has been done")))
        }
    }
}
