//! A file system in memory for plaintext: mounted where that is allowed, used where it is there already.
//!
//! ramfs first, since it is never swapped; then tmpfs that may not be swapped; then any tmpfs. Where nothing
//! may be mounted, the memory that the folder lies in anyway (as /run does nearly everywhere); never a disk.

use super::dir::Open;
use crate::error::{Error, Result, as_word};
use rustix::fs::{Mode, fchmod, fstatfs};
use rustix::mount::{MountFlags, mount};
use std::ffi::CString;
use std::path::Path;

/// What statfs says of ramfs and tmpfs.
const RAMFS: i64 = 0x8584_58f6;
const TMPFS: i64 = 0x0102_1994;

/// Whether the folder lies in memory.
pub(super) fn is_ram(folder: &Open) -> Result<bool> {
    Ok(matches!(magic(folder)?, RAMFS | TMPFS))
}

fn magic(folder: &Open) -> Result<i64> {
    let statfs = fstatfs(folder).map_err(|cause| Error::io("look at", folder.path(), cause.into()))?;
    // The type is wider on some machines than on others; the kernel's numbers fit all of them.
    #[allow(clippy::useless_conversion, clippy::cast_lossless, reason = "the type differs between machines")]
    Ok(i64::from(statfs.f_type) & 0xffff_ffff)
}

/// Makes sure that `folder`, which lies in `base`, is in memory. Returns a remark where it may be swapped out.
/// The folder must be opened anew after this: something may have been mounted on it.
pub(super) fn ensure(base: &Open, folder: &Open, folder_mode: u32) -> Result<Option<&'static str>> {
    let own_mount = folder.stat()?.st_dev != base.stat()?.st_dev;
    if own_mount && !is_ram(folder)? {
        return Err(Error::new("is a file system of its own, and not in memory")
            .at(folder.path())
            .hint(format!("unmount it: umount {}", as_word(&folder.path().to_string_lossy()))));
    }
    // What is in use is not mounted over: a run that was not allowed to mount left its generations here.
    if own_mount || (is_ram(folder)? && !folder.names()?.is_empty()) {
        return Ok(None);
    }
    match mount_any(folder.path(), folder_mode) {
        Ok(remark) => Ok(remark),
        Err(_) if is_ram(base)? => Ok(Some("nothing may be mounted here: values lie in the tmpfs around")),
        Err(cause) => Err(Error::io("mount a file system in memory on", folder.path(), cause.into()).hint(
            format!("let this be run with the right to mount, or mount a tmpfs on {}", base.path().display()),
        )),
    }
}

/// Mounts the best that is allowed.
fn mount_any(at: &Path, folder_mode: u32) -> std::result::Result<Option<&'static str>, rustix::io::Errno> {
    let swappable = Some("the kernel knows no tmpfs without swap: values may be swapped out");
    let kinds = [("ramfs", "", None), ("tmpfs", ",noswap", None), ("tmpfs", "", swappable)];
    let mut last = rustix::io::Errno::INVAL;
    for (kind, option, remark) in kinds {
        let options = CString::new(format!("mode={folder_mode:04o}{option}")).unwrap_or_default();
        let flags = MountFlags::NODEV | MountFlags::NOSUID | MountFlags::NOEXEC;
        match mount("uvars", at, kind, flags, options.as_c_str()) {
            Ok(()) => return Ok(remark),
            Err(cause) => last = cause,
        }
    }
    Err(last)
}

/// Gives a folder that was just mounted the mode it should have, whatever the file system made of its options.
pub(super) fn set_mode(folder: &Open, folder_mode: u32) -> Result<()> {
    if folder.stat()?.st_mode & 0o7777 == folder_mode {
        return Ok(());
    }
    fchmod(folder, Mode::from_raw_mode(folder_mode))
        .map_err(|cause| Error::io("set the mode of", folder.path(), cause.into()))
}

#[cfg(test)]
mod tests {
    use super::super::trust::Owners;
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn disk_and_memory_are_told_apart() {
        let uid = std::fs::metadata("/proc/self").unwrap().uid();
        let shared = Path::new("/dev/shm");
        if shared.exists() {
            assert!(is_ram(&Open::at(shared, Owners { uid }).unwrap()).unwrap());
        }
        let proc = Open::at(Path::new("/proc"), Owners { uid: 0 }).unwrap();
        assert!(!is_ram(&proc).unwrap());
    }
}
