//! A folder for plaintext that other programs are to read: on a ram file system, for one person, gone at the end.
//!
//! A run that is killed outright cannot take its folder away. The next one that wants a folder does: a folder is in use
//! as long as somebody holds its lock, and the program that reads it holds it too.

use super::context::Context;
use super::signals::{self, Held};
use crate::error::{Error, Result};
use rustix::fd::OwnedFd;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, lstat, mkdir, open};
use rustix::process::geteuid;
use std::fmt::Write as _;
use std::fs::{DirEntry, read_dir, remove_dir_all};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// What the name of a folder begins with; random digits follow.
const PREFIX: &str = "uvars-";

/// How many random bytes are in a name, two digits each.
const RANDOM: usize = 12;

/// How often a new folder may be swept away by others before it is locked.
const TRIES: usize = 16;

/// The folder; dropping it removes it with all that is in it. Signals are noted while it is there, and end the process
/// after it is gone.
pub(super) struct Scratch {
    path: PathBuf,
    held: Held,
    /// Handed on to what runs beside the folder, so that it is in use until that ends, whatever becomes of us.
    _lock: OwnedFd,
}

impl Scratch {
    /// Makes one of mode 0700 where memory is: `XDG_RUNTIME_DIR`, or else /dev/shm. macOS has no ram file system
    /// for this and gets one in the per-user temporary folder.
    ///
    /// # Errors
    ///
    /// There is no such place: plaintext is never put on a disk.
    pub(super) fn make(context: &Context) -> Result<Self> {
        let held = signals::hold()?;
        let places = places(context);
        // the run that was killed may have had another place than this one
        places.iter().filter(|place| is_memory(place)).for_each(|place| sweep(place));
        for place in places.iter().filter(|place| is_memory(place)) {
            if let Some((path, lock)) = make_in(place)? {
                return Ok(Self { path, held, _lock: lock });
            }
        }
        let tried: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
        Err(Error::new("there is no ram file system to put plaintext on")
            .hint(format!("looked at {}", tried.join(", ")))
            .hint("set XDG_RUNTIME_DIR to a folder of yours on a tmpfs"))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Scratch {
    /// The error to give up with, if a signal has asked for the end.
    pub(super) fn check_signals(&self) -> Result<()> {
        self.held.check()
    }

    /// Takes a noted signal for answered.
    pub(super) fn forget_signals(&self) {
        self.held.forget();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // what cannot be removed is in memory still, and gone with the next boot
        let _ = remove_dir_all(&self.path);
    }
}

/// Makes a folder there, and locks it; none where that cannot be.
fn make_in(place: &Path) -> Result<Option<(PathBuf, OwnedFd)>> {
    for _ in 0..TRIES {
        let path = place.join(format!("{PREFIX}{}", random_name()?));
        if mkdir(&path, Mode::RWXU).is_err() {
            return Ok(None);
        }
        // until it is locked it looks like one that nobody uses, and another run may take it away
        if let Ok(lock) = lock(&path)
            && is_still(&path, &lock)
        {
            return Ok(Some((path, lock)));
        }
    }
    Ok(None)
}

/// Whether the folder that was locked is the one at that path.
fn is_still(path: &Path, lock: &OwnedFd) -> bool {
    let (Ok(there), Ok(locked)) = (lstat(path), fstat(lock)) else { return false };
    (there.st_dev, there.st_ino) == (locked.st_dev, locked.st_ino)
}

/// Takes the lock of a folder that nobody uses.
fn lock(path: &Path) -> rustix::io::Result<OwnedFd> {
    let folder = open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
    flock(&folder, FlockOperation::NonBlockingLockExclusive)?;
    Ok(folder)
}

/// Removes the folders of ours that nobody uses any more. What cannot be removed does not stop anybody.
fn sweep(place: &Path) {
    for entry in read_dir(place).into_iter().flatten().flatten().filter(is_left_behind) {
        if let Ok(_unused) = lock(&entry.path()) {
            let _ = remove_dir_all(entry.path());
        }
    }
}

fn is_left_behind(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let digits = name.to_str().and_then(|name| name.strip_prefix(PREFIX)).unwrap_or_default();
    let named = digits.len() == 2 * RANDOM && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    // of the entry itself, not of where a link leads
    named && entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == geteuid().as_raw())
}

fn places(context: &Context) -> Vec<PathBuf> {
    let variable = if cfg!(target_os = "macos") { "TMPDIR" } else { "XDG_RUNTIME_DIR" };
    let mut places: Vec<PathBuf> = context.variable(variable).map(PathBuf::from).into_iter().collect();
    places.push(PathBuf::from("/dev/shm"));
    places.retain(|place| place.is_absolute());
    places
}

#[cfg(target_os = "linux")]
fn is_memory(place: &Path) -> bool {
    const RAMFS: i64 = 0x8584_58f6;
    const TMPFS: i64 = 0x0102_1994;
    rustix::fs::statfs(place).is_ok_and(|found| [RAMFS, TMPFS].contains(&found.f_type))
}

#[cfg(not(target_os = "linux"))]
fn is_memory(place: &Path) -> bool {
    place.is_dir()
}

fn random_name() -> Result<String> {
    let mut bytes = [0; RANDOM];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::new("no random bytes from the system").because(error))?;
    Ok(bytes.iter().fold(String::new(), |mut name, byte| {
        // writing to a string does not fail
        let _ = write!(name, "{byte:02x}");
        name
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_uses_is_swept_and_what_is_new_is_not_lost() {
        let place = tempfile::tempdir().unwrap();
        let (used, lock) = make_in(place.path()).unwrap().unwrap();
        let (left, unlocked) = make_in(place.path()).unwrap().unwrap();
        drop(unlocked);
        for name in ["uvars-test", "uvars-0123456789abcdef0123456", "other"] {
            std::fs::create_dir(place.path().join(name)).unwrap();
        }
        // a program that another test has just begun may hold a lock for a moment
        let goes = |folder: &Path| {
            (0..500).any(|_| {
                sweep(place.path());
                std::thread::sleep(std::time::Duration::from_millis(10));
                !folder.exists()
            })
        };
        assert!(goes(&left) && used.exists());
        drop(lock);
        assert!(goes(&used));
        assert_eq!(read_dir(place.path()).unwrap().count(), 3);
        // many at once: each has a folder of its own that stays
        let make = || {
            (0..100).all(|_| {
                sweep(place.path());
                let (path, _lock) = make_in(place.path()).unwrap().unwrap();
                std::thread::yield_now();
                path.exists()
            })
        };
        std::thread::scope(|scope| {
            let runs: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            assert!(runs.into_iter().all(|run| run.join().unwrap()));
        });
        // a folder that was swept between the two steps is none
        let path = place.path().join(format!("{PREFIX}{}", random_name().unwrap()));
        mkdir(&path, Mode::RWXU).unwrap();
        let folder = open(&path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
        assert!(is_still(&path, &folder));
        sweep(place.path());
        assert!(!is_still(&path, &folder));
    }
}
