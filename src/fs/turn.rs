//! Turns at a file: of several who change it in place at the same time, each reads what the one before wrote.
//!
//! An advisory `flock` on the very file, held from before it is read until it was written. Writers put a new file in
//! its place, so whoever has waited looks whether the name still leads to what is locked. Nothing is left behind, and
//! where there is nothing to lock (no file yet, a pipe, a file system without locks) things go on without. May not
//! read the file, and is not for holding while a person thinks.

use super::lock::{Attempt, Held, patiently};
use crate::{Error, Result};
use rustix::fs::{AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, Stat, fstat, statat};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

/// How long to wait for others.
const PATIENCE: Duration = Duration::from_secs(10);

/// The right to change a file in place, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    held: Held,
}

impl Turn {
    /// Whether a name leads to the file that it is for.
    fn is_at(&self, folder: BorrowedFd<'_>, name: &Path) -> bool {
        let place = |stat: Stat| (stat.st_dev, stat.st_ino);
        let now = statat(folder, name, AtFlags::empty()).map(place);
        now.is_ok() && now == fstat(self.held.file()).map(place)
    }
}

/// Waits for the turn at a file, through whatever links lead to it; none where there is nothing to lock.
///
/// Errors: another program has it, and goes on having it.
pub fn turn(path: &Path) -> Result<Option<Turn>> {
    take(CWD, path, path, PATIENCE)
}

/// The same for a file by its name in an open folder.
pub(super) fn turn_in(folder: impl AsFd, name: &str, shown: impl AsRef<Path>) -> Result<Option<Turn>> {
    take(folder.as_fd(), Path::new(name), shown.as_ref(), PATIENCE)
}

fn take(folder: BorrowedFd<'_>, name: &Path, shown: &Path, wait: Duration) -> Result<Option<Turn>> {
    let taken = patiently(wait, || try_now(folder, name, shown))?;
    taken.ok_or_else(|| {
        Error::new("another program is changing it, and has not come to an end")
            .at(shown)
            .hint("wait for it to end, then run the same command again")
            .hint("which one it is: lslocks")
    })
}

fn try_now(folder: BorrowedFd<'_>, name: &Path, shown: &Path) -> Result<Attempt<Option<Turn>>> {
    let nothing = Ok(Attempt::Taken(None));
    // looked at before it is opened, since a pipe's writer would be told that its reader is there
    let Ok(there) = statat(folder, name, AtFlags::empty()) else { return nothing };
    if FileType::from_raw_mode(there.st_mode) != FileType::RegularFile {
        return nothing;
    }
    // who may not read it finds that out, in better words, by reading it
    let Ok(file) = open(folder, name, OFlags::RDONLY) else { return nothing };
    let held = match lock(file) {
        Ok(held) => held,
        Err((file, Errno::WOULDBLOCK)) if is_held_for_us(&file) => return nothing,
        Err((_, Errno::WOULDBLOCK | Errno::INTR)) => return Ok(Attempt::Busy),
        // NFS locks only what is open for writing
        Err((_, Errno::BADF)) => match open(folder, name, OFlags::RDWR).map(lock) {
            Ok(Ok(held)) => held,
            Ok(Err((_, Errno::WOULDBLOCK | Errno::INTR))) => return Ok(Attempt::Busy),
            _ => return nothing,
        },
        Err((_, Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL)) => return nothing,
        Err((_, errno)) => return Err(Error::io("lock", shown, errno.into())),
    };
    let turn = Turn { held };
    Ok(if turn.is_at(folder, name) { Attempt::Taken(Some(turn)) } else { Attempt::Moved })
}

fn open(folder: BorrowedFd<'_>, name: &Path, access: OFlags) -> rustix::io::Result<File> {
    let flags = access | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::fs::openat(folder, name, flags, Mode::empty()).map(File::from)
}

fn lock(file: File) -> Result<Held, (File, Errno)> {
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Held::of(file)),
        Err(errno) => Err((file, errno)),
    }
}

/// Whether the lock is that of a file which this process has open: scripts say `flock FILE sops set FILE …`, and
/// waiting would be for whoever waits for us.
fn is_held_for_us(file: &File) -> bool {
    let Ok(stat) = fstat(file) else { return false };
    let inode = format!(":{}", stat.st_ino);
    // lock:	1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF
    let is_lock = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        matches!(words.as_slice(), ["lock:", _, "FLOCK", _, "WRITE", _, place, ..] if place.ends_with(&inode))
    };
    let Ok(ours) = std::fs::read_dir("/proc/self/fdinfo") else { return false };
    ours.flatten()
        .filter_map(|one| std::fs::read_to_string(one.path()).ok())
        .any(|text| text.lines().any(is_lock))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use std::process::{Child, Command, Stdio};
    use std::time::Instant;

    const SHORT: Duration = Duration::from_millis(60);

    fn take_at(path: &Path, wait: Duration) -> Result<Option<Turn>> {
        take(CWD, path, path, wait)
    }

    fn file() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f.yaml");
        std::fs::write(&path, b"a: 1\n").unwrap();
        (dir, path)
    }

    /// Another process that holds the lock, until it is ended.
    fn holder(path: &Path) -> Child {
        let mut command = Command::new("flock");
        command.arg("--no-fork").arg(path).args(["sh", "-c", "echo held; exec sleep 600"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = [0; 5];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
        child
    }

    fn end(mut holder: Child) {
        holder.kill().unwrap();
        holder.wait().unwrap();
    }

    #[test]
    fn where_there_is_nothing_to_lock_things_go_on() {
        let (dir, _) = file();
        assert!(turn(&dir.path().join("none")).unwrap().is_none());
        assert!(turn(&dir.path().join("no/folder")).unwrap().is_none());
        assert!(turn(dir.path()).unwrap().is_none());
        let fifo = dir.path().join("fifo");
        rustix::fs::mkfifoat(CWD, &fifo, Mode::RUSR | Mode::WUSR).unwrap();
        assert!(turn(&fifo).unwrap().is_none());
    }

    #[test]
    fn who_goes_on_having_it_is_told_of() {
        let (_dir, path) = file();
        let other = holder(&path);
        let error = take_at(&path, SHORT).unwrap_err();
        assert_eq!(error.message(), "another program is changing it, and has not come to an end");
        assert!(error.to_string().contains("f.yaml"), "{error}");
        end(other);
        assert!(take_at(&path, SHORT).unwrap().is_some());
        assert!(take_at(&path, SHORT).unwrap().is_some(), "the first one was dropped");
    }

    #[test]
    fn a_process_does_not_wait_for_itself() {
        let (dir, path) = file();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("f.yaml", &link).unwrap();
        let _first = turn(&path).unwrap().unwrap();
        let start = Instant::now();
        assert!(turn(&link).unwrap().is_none());
        assert!(start.elapsed() < PATIENCE);
    }

    #[test]
    fn a_file_that_was_replaced_meanwhile_is_opened_anew() {
        let (dir, path) = file();
        let other = holder(&path);
        let waiting = std::thread::spawn({
            let path = path.clone();
            move || take_at(&path, Duration::from_mins(1)).unwrap().unwrap()
        });
        std::thread::sleep(SHORT);
        assert!(!waiting.is_finished());
        std::fs::write(dir.path().join("new"), b"a: 2\n").unwrap();
        std::fs::rename(dir.path().join("new"), &path).unwrap();
        let turn = waiting.join().unwrap();
        assert!(turn.is_at(CWD, &path));
        end(other);
    }

    #[test]
    fn the_turn_at_what_was_written_is_free() {
        let (dir, path) = file();
        let old = turn(&path).unwrap().unwrap();
        crate::fs::replace(&path, b"a: 2\n", 0o644).unwrap();
        let folder = File::open(dir.path()).unwrap();
        let new = turn_in(&folder, "f.yaml", &path).unwrap().unwrap();
        assert!(new.is_at(CWD, &path) && !old.is_at(CWD, &path));
    }
}
