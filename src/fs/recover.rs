//! What an interrupted writer left, and what becomes of it.

use super::state::State;
use super::{Lock, RepoPath, Root, lock};
use crate::Result;
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

/// Finishes or takes back what an interrupted writer left.
pub fn recover(root: &Root) -> Result<Recovered> {
    Ok(root.lock(WAIT)?.recovered().clone())
}

/// Gives up what an interrupted writer left: files stay as they are, what it had prepared or kept is removed.
///
/// For the case that [`recover`] refuses, because files were changed by somebody else since.
pub fn forget(root: &Root) -> Result<Recovered> {
    let _lock = root.lock_only(WAIT)?;
    Ok(Recovered::default())
}

/// Whether an interrupted transaction waits to be recovered. Writes nothing, and is quick.
pub fn pending(root: &Root) -> Result<bool> {
    let Some(state) = State::find(root)? else { return Ok(false) };
    Ok(super::tree::look(state.handle(), "journal").is_ok_and(|found| found.is_some())
        && !lock::is_held(&state))
}

pub(super) fn settle(lock: &Lock) -> Result<Recovered> {
    super::tree::names(lock.state().handle(), "journal").map(|_| Recovered::default())
}
