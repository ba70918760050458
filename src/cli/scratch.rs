//! A folder for plaintext that other programs are to read: on a ram file system, for one person, gone at the end.

use super::context::Context;
use super::signals::{self, Held};
use crate::error::{Error, Result};
use rustix::fs::{Mode, mkdir};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The folder; dropping it removes it with all that is in it. Signals are noted while it is there, and end the process
/// after it is gone.
pub(super) struct Scratch {
    path: PathBuf,
    held: Held,
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
            let path = place.join(format!("uvars-{}", random_name()?));
            match mkdir(&path, Mode::RWXU) {
                Ok(()) => return Ok(Self { path, held }),
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
        let _ = std::fs::remove_dir_all(&self.path);
    }
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
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::new("no random bytes from the system").because(error))?;
    Ok(bytes.iter().fold(String::new(), |mut name, byte| {
        // writing to a string does not fail
        let _ = write!(name, "{byte:02x}");
        name
    }))
}
