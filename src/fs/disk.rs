//! Every call that changes the disk for the writer, one small function each.
//!
//! Each is one step: tests can make any step fail, or be the last one before the process is gone.

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use std::fs::{File, Permissions};
use std::io::{Result, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

/// Makes a file that was not there.
pub(super) fn create(folder: &OwnedFd, name: &str, mode: u32) -> Result<File> {
    step("create")?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::openat(folder, name, flags, bits(mode))?))
}

/// Writes all of the bytes.
pub(super) fn write(file: &mut File, bytes: &[u8]) -> Result<()> {
    #[cfg(test)]
    if let Err(error) = step("write") {
        let half = bytes.len() / 2;
        file.write_all(bytes.get(..half).unwrap_or_default())?;
        return Err(error);
    }
    file.write_all(bytes)
}

/// Gives an open file exactly these permission bits.
///
/// Not if it has them: there are file systems on which they cannot be set.
pub(super) fn set_mode(file: &File, mode: u32) -> Result<()> {
    step("chmod")?;
    if file.metadata()?.mode() & 0o7777 == mode {
        return Ok(());
    }
    file.set_permissions(Permissions::from_mode(mode))
}

/// Gives an open file to the owner and group of the file that it is to replace, where they differ and the
/// system allows it. Before [`set_mode`], since it may clear bits of the mode.
pub(super) fn give(file: &File, uid: u32, gid: u32) -> Result<()> {
    let now = file.metadata()?;
    if (now.uid(), now.gid()) == (uid, gid) {
        return Ok(());
    }
    if std::os::unix::fs::fchown(file, Some(uid), Some(gid)).is_err() {
        // Only root can give a file away; a group that cannot be kept either is no reason not to write.
        let _ = std::os::unix::fs::fchown(file, None, Some(gid));
    }
    Ok(())
}

/// Flushes a file, or the names in a folder, to the disk.
pub(super) fn sync(file: &impl AsFd) -> Result<()> {
    step("fsync")?;
    flush(file)
}

#[cfg(target_vendor = "apple")]
fn flush(file: &impl AsFd) -> Result<()> {
    // fsync stops at the drive's cache there; file systems that know no better get it all the same.
    match rustix::fs::fcntl_fullfsync(file) {
        Ok(()) => Ok(()),
        Err(_) => Ok(rustix::fs::fsync(file)?),
    }
}

#[cfg(not(target_vendor = "apple"))]
fn flush(file: &impl AsFd) -> Result<()> {
    match rustix::fs::fsync(file) {
        // There are file systems that have nothing to flush for a folder.
        Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
        other => Ok(other?),
    }
}

/// Does what [`sync_system`] needs done with each file before.
#[cfg(target_os = "linux")]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(super) fn sync_later(_file: &impl AsFd) -> Result<()> {
    Ok(())
}

/// Does what [`sync_system`] needs done with each file before.
#[cfg(not(target_os = "linux"))]
pub(super) fn sync_later(file: &impl AsFd) -> Result<()> {
    step("fsync")?;
    Ok(rustix::fs::fsync(file)?)
}

/// Flushes everything that was written on the file system of an open file.
#[cfg(target_os = "linux")]
pub(super) fn sync_system(file: &impl AsFd) -> Result<()> {
    step("syncfs")?;
    Ok(rustix::fs::syncfs(file)?)
}

/// Flushes everything that was handed to the drive of an open file.
#[cfg(not(target_os = "linux"))]
pub(super) fn sync_system(file: &impl AsFd) -> Result<()> {
    sync(file)
}

/// Renames over whatever file has the new name.
pub(super) fn rename(from: &OwnedFd, old: &str, to: &OwnedFd, new: &str) -> Result<()> {
    step("rename")?;
    Ok(rustix::fs::renameat(from, old, to, new)?)
}

/// Renames only if nothing has the new name.
pub(super) fn rename_new(from: &OwnedFd, old: &str, to: &OwnedFd, new: &str) -> Result<()> {
    step("rename")?;
    match rustix::fs::renameat_with(from, old, to, new, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => link_then_unlink(from, old, to, new),
        other => Ok(other?),
    }
}

/// For file systems that cannot rename so: a hard link never replaces anything either.
fn link_then_unlink(from: &OwnedFd, old: &str, to: &OwnedFd, new: &str) -> Result<()> {
    match rustix::fs::linkat(from, old, to, new, AtFlags::empty()) {
        Ok(()) => Ok(rustix::fs::unlinkat(from, old, AtFlags::empty())?),
        // Nor can all of them link. What is left is a look before.
        Err(Errno::PERM | Errno::NOSYS | Errno::NOTSUP) => {
            match rustix::fs::statat(to, new, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(_) => Err(Errno::EXIST.into()),
                Err(_) => Ok(rustix::fs::renameat(from, old, to, new)?),
            }
        }
        Err(errno) => Err(errno.into()),
    }
}

/// Gives a file a second name.
pub(super) fn link(from: &OwnedFd, old: &str, to: &OwnedFd, new: &str) -> Result<()> {
    step("link")?;
    Ok(rustix::fs::linkat(from, old, to, new, AtFlags::empty())?)
}

/// Removes a name that is not a folder's.
pub(super) fn unlink(folder: &OwnedFd, name: &str) -> Result<()> {
    step("unlink")?;
    Ok(rustix::fs::unlinkat(folder, name, AtFlags::empty())?)
}

/// Makes a folder.
pub(super) fn make_folder(folder: &OwnedFd, name: &str, mode: u32) -> Result<()> {
    step("mkdir")?;
    Ok(rustix::fs::mkdirat(folder, name, bits(mode))?)
}

/// Removes an empty folder.
pub(super) fn remove_folder(folder: &OwnedFd, name: &str) -> Result<()> {
    step("rmdir")?;
    Ok(rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR)?)
}

/// Permission bits as system calls take them.
fn bits(mode: u32) -> Mode {
    Mode::from_bits_truncate(rustix::fs::RawMode::try_from(mode & 0o7777).unwrap_or(0o600))
}

#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "in tests it fails")]
fn step(_name: &'static str) -> Result<()> {
    Ok(())
}

#[cfg(test)]
pub(super) use faults::step;

#[cfg(test)]
pub(super) mod faults {
    //! Steps that fail, for tests.
    use std::cell::Cell;
    use std::io::{Error, Result};

    /// What happens at the chosen step.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub(in crate::fs) enum Fault {
        /// Nothing, only count.
        None,
        /// That one step fails, with this error number.
        Once(i32),
        /// That step and all after it fail.
        From(i32),
        /// The process is gone: like `From`, and the test looks at what is left.
        Killed,
    }

    thread_local! {
        static COUNT: Cell<usize> = const { Cell::new(0) };
        static PLAN: Cell<(usize, Fault)> = const { Cell::new((0, Fault::None)) };
    }

    /// Counts from 0 again; step number `at` (from 1) meets `fault`.
    pub(in crate::fs) fn plan(at: usize, fault: Fault) {
        COUNT.set(0);
        PLAN.set((at, fault));
    }

    /// How many steps there were since the plan was made.
    pub(in crate::fs) fn count() -> usize {
        COUNT.get()
    }

    pub(in crate::fs) fn step(_name: &'static str) -> Result<()> {
        let now = COUNT.get() + 1;
        COUNT.set(now);
        match PLAN.get() {
            (at, Fault::Once(number)) if now == at => Err(Error::from_raw_os_error(number)),
            (at, Fault::From(number)) if now >= at => Err(Error::from_raw_os_error(number)),
            (at, Fault::Killed) if now >= at => Err(Error::other("killed")),
            _ => Ok(()),
        }
    }
}
