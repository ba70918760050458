//! One file outside a repository: all of the new bytes or all of the old ones, whatever happens.

use super::read::{LIMIT_ELSEWHERE, must_be_readable};
use super::stage::stage_name;
use super::{disk, id};
use crate::{Error, Result};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Writes a file that must not be there yet, with exactly this mode.
///
/// More than [`super::LIMIT_ELSEWHERE`] bytes are refused here as in [`replace`]: they could not be read again.
/// It appears under its name whole and flushed, or not at all; whatever has the name already, a link
/// included, is left alone.
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let (folder, name) = open_folder_of(path)?;
    let stage = Stage::write(&folder, path, bytes, mode, None)?;
    disk::rename_new(&folder, &stage.name, &folder, name).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::new("exists already").at(path),
        _ => Error::io("write", path, error),
    })?;
    stage.done();
    disk::sync(&folder).map_err(|error| Error::io("flush the folder of", path, error))
}

/// Replaces the contents of a file through whatever links lead to it, or makes it.
///
/// A file that is there keeps its mode, and as far as the system allows its owner; a new one has `mode`.
/// After a crash it has all of the old bytes or all of the new ones.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let target = target(path)?;
    let (folder, name) = open_folder_of(&target)?;
    let old = old(&folder, name, path)?;
    let stage = match &old {
        None => Stage::write(&folder, path, bytes, mode, None)?,
        Some(old) => Stage::write(&folder, path, bytes, old.mode() & 0o7777, Some((old.uid(), old.gid())))?,
    };
    disk::rename(&folder, &stage.name, &folder, name).map_err(|error| Error::io("replace", path, error))?;
    stage.done();
    disk::sync(&folder).map_err(|error| Error::io("flush the folder of", path, error))
}

/// Where the links end; the path itself where there is nothing yet.
fn target(path: &Path) -> Result<PathBuf> {
    match rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink => {
            path.canonicalize().map_err(|error| Error::io("follow the link", path, error))
        }
        Ok(_) | Err(Errno::NOENT) => Ok(path.to_path_buf()),
        Err(errno) => Err(Error::io("look at", path, errno.into())),
    }
}

fn old(folder: &OwnedFd, name: &str, path: &Path) -> Result<Option<std::fs::Metadata>> {
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(folder, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(Error::io("write", path, errno.into())),
    };
    let metadata = file.metadata().map_err(|error| Error::io("look at", path, error))?;
    if !metadata.is_file() {
        return Err(Error::new("is not a file").at(path));
    }
    Ok(Some(metadata))
}

fn open_folder_of(path: &Path) -> Result<(OwnedFd, &str)> {
    let name = path
        .file_name()
        .ok_or_else(|| Error::new("is not the name of a file").at(path))?
        .to_str()
        .ok_or_else(|| Error::new("its name is not UTF-8").at(path))?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let handle = rustix::fs::openat(CWD, folder, flags, Mode::empty()).map_err(|errno| match errno {
        Errno::NOENT => Error::new("cannot be written: its folder is not there").at(path),
        errno => Error::io("open the folder it is to be in", path, errno.into()),
    })?;
    Ok((handle, name))
}

/// A file in the making, removed again unless it is done.
struct Stage<'a> {
    folder: &'a OwnedFd,
    name: String,
    file: File,
    left: bool,
}

impl<'a> Stage<'a> {
    fn write(
        folder: &'a OwnedFd,
        path: &Path,
        bytes: &[u8],
        mode: u32,
        owner: Option<(u32, u32)>,
    ) -> Result<Self> {
        must_be_readable(bytes, path, LIMIT_ELSEWHERE)?;
        let name = stage_name(&id::random()?, 0);
        let failed = |error| Error::io("write", path, error);
        let file = disk::create(folder, &name, 0o600).map_err(failed)?;
        let mut stage = Self { folder, name, file, left: true };
        disk::write(&mut stage.file, bytes).map_err(failed)?;
        if let Some((uid, gid)) = owner {
            disk::give(&stage.file, uid, gid).map_err(failed)?;
        }
        disk::set_mode(&stage.file, mode).map_err(failed)?;
        disk::sync(&stage.file).map_err(|error| Error::io("flush", path, error))?;
        Ok(stage)
    }

    fn done(mut self) {
        self.left = false;
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        if self.left {
            let _ = disk::unlink(self.folder, &self.name);
        }
    }
}
