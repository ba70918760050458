//! A folder for plaintext that other programs are to read: on a ram file system, for one person, gone at the end.
//!
//! A run that is killed outright cannot take its folder away. The next one does: a folder is in use as long as somebody
//! holds its lock, and the program that reads it holds it too.

use super::context::Context;
use super::signals::{self, Held};
use crate::error::{Error, Result};
use rustix::fd::OwnedFd;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, mkdir, open};
use rustix::process::geteuid;
use std::fmt::Write as _;
use std::fs::{DirEntry, read_dir, remove_dir_all};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the name of a folder begins with; random digits follow.
const PREFIX: &str = "uvars-";

/// How many random bytes are in a name, two digits each.
const RANDOM: usize = 12;

/// A folder that is younger may belong to a run that has not come to locking it.
const SETTLED: Duration = Duration::from_mins(1);

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
        let mut tried = Vec::new();
        for place in places(context) {
            if !is_memory(&place) {
                tried.push(place.display().to_string());
                continue;
            }
            sweep(&place);
            let path = place.join(format!("{PREFIX}{}", random_name()?));
            match mkdir(&path, Mode::RWXU).and_then(|()| lock(&path)) {
                Ok(lock) => return Ok(Self { path, held, _lock: lock }),
                Err(_) => tried.push(place.display().to_string()),
            }
        }
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
    named
        && entry.metadata().is_ok_and(|found| {
            let settled = found.modified().is_ok_and(|when| when.elapsed().is_ok_and(|age| age > SETTLED));
            found.is_dir() && found.uid() == geteuid().as_raw() && settled
        })
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
