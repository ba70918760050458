//! The one lock of a repository: who holds it may write.
//!
//! An advisory `flock` on a file in the state folder, so that it ends with the process that holds it, however
//! that dies. The file says who took it last; that is for messages only.

use super::state::State;
use super::{Recovered, Root};
use crate::{Error, Result};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

const NAME: &str = "lock";
/// How long to sleep between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// The right to write, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    root: Root,
    state: State,
    recovered: Recovered,
    _held: Held,
}

/// The lock itself. It ends with the process, and before that when this is dropped: told so, since a child that
/// another thread has just forked has the file open too, until it runs its program.
#[derive(Debug)]
pub(super) struct Held(File);

impl Held {
    /// A file that was locked just now.
    pub(super) fn of(file: File) -> Self {
        Self(file)
    }

    /// What is locked.
    pub(super) fn file(&self) -> &File {
        &self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = rustix::fs::flock(&self.0, FlockOperation::Unlock);
    }
}

impl Lock {
    pub(super) fn new(root: Root, state: State, held: Held, recovered: Recovered) -> Self {
        Self { root, state, recovered, _held: held }
    }

    /// The repository that it is for.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// What an interrupted writer had left, and what became of it.
    pub fn recovered(&self) -> &Recovered {
        &self.recovered
    }

    pub(super) fn set_recovered(&mut self, recovered: Recovered) {
        self.recovered = recovered;
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }
}

/// How long to try at least: whoever only looks whether the lock is held holds it for a moment.
const LEAST: Duration = Duration::from_millis(50);

/// What became of one try to take a lock.
pub(super) enum Attempt<T> {
    /// It is held.
    Taken(T),
    /// What was locked is not there any more: there is another one to try at once.
    Moved,
    /// Somebody else holds it.
    Busy,
}

/// Tries for as long as `wait`; none where it was held all the time.
pub(super) fn patiently<T>(
    wait: Duration,
    mut attempt: impl FnMut() -> Result<Attempt<T>>,
) -> Result<Option<T>> {
    let end = Instant::now() + wait.max(LEAST);
    loop {
        match attempt()? {
            Attempt::Taken(taken) => return Ok(Some(taken)),
            _ if Instant::now() >= end => return Ok(None),
            Attempt::Moved => {}
            Attempt::Busy => std::thread::sleep(PAUSE),
        }
    }
}

/// Takes the lock, trying for as long as `wait`.
pub(super) fn take(state: &State, wait: Duration) -> Result<Held> {
    let taken = patiently(wait, || {
        let file = open(state)?;
        if !try_lock(state, &file, FlockOperation::NonBlockingLockExclusive)? {
            return Ok(Attempt::Busy);
        }
        let held = Held(file);
        Ok(if still_there(state, &held.0)? { Attempt::Taken(held) } else { Attempt::Moved })
    })?;
    let Some(held) = taken else { return Err(busy(state, open(state)?)) };
    sign(&held.0);
    Ok(held)
}

/// Whether somebody holds the lock now. A lock that cannot be looked at is nobody's.
pub(super) fn is_held(state: &State) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = rustix::fs::openat(state.handle(), NAME, flags, Mode::empty()) else { return false };
    let file = Held(File::from(file));
    matches!(try_lock(state, &file.0, FlockOperation::NonBlockingLockShared), Ok(false))
}

/// Opens the lock file. Another user's can be locked without being written to.
fn open(state: &State) -> Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mode = Mode::from_bits_truncate(0o644);
    match rustix::fs::openat(state.handle(), NAME, flags | OFlags::RDWR | OFlags::CREATE, mode) {
        Err(Errno::ACCESS) => rustix::fs::openat(state.handle(), NAME, flags | OFlags::RDONLY, mode),
        other => other,
    }
    .map(File::from)
    .map_err(|errno| Error::io("open the lock", state.path_of(NAME), errno.into()))
}

fn try_lock(state: &State, file: &File, operation: FlockOperation) -> Result<bool> {
    match rustix::fs::flock(file, operation) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(false),
        Err(errno) => Err(Error::io("lock", state.path_of(NAME), errno.into())),
    }
}

/// Whether the file that was locked is the one that others would lock: it may have been deleted meanwhile.
fn still_there(state: &State, file: &File) -> Result<bool> {
    let path = state.path_of(NAME);
    let ours = file.metadata().map_err(|error| Error::io("look at", &path, error))?;
    Ok(std::fs::symlink_metadata(&path).is_ok_and(|now| (now.dev(), now.ino()) == (ours.dev(), ours.ino())))
}

/// Writes who holds it; a lock that cannot be signed is as good.
fn sign(mut file: &File) {
    let name = rustix::system::uname();
    let host = name.nodename().to_string_lossy();
    let line = format!("process {} on {host}\n", std::process::id());
    let _ = file.set_len(0).and_then(|()| file.write_all(line.as_bytes()));
}

fn busy(state: &State, file: File) -> Error {
    let mut line = String::new();
    let read = file.take(512).read_to_string(&mut line);
    let holder = line.trim_end();
    let known = read.is_ok() && holder.starts_with("process ") && !holder.contains(char::is_control);
    let who = if known { format!(": {holder}") } else { String::new() };
    Error::new(format!("another uvars is writing here{who}"))
        .at(state.path_of(NAME))
        .hint("wait for it to end, then run the same command again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_whose_file_a_child_has_open_too_ends_when_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::open(dir.path()).unwrap();
        drop(root.lock(Duration::ZERO).unwrap());
        let state = State::find(&root).unwrap().unwrap();
        let held = take(&state, Duration::ZERO).unwrap();
        let child = held.0.try_clone().unwrap();
        drop(held);
        drop(root.lock(Duration::ZERO).unwrap());
        drop(child);
    }
}
