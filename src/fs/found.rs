//! What lies at a target now.

use super::journal::Entry;
use super::read::contents;
use super::tree::{Blocked, Tree, Why, look, not_a_file, open_for_reading};
use super::{Digest, RepoPath};
use crate::{Error, Result};
use rustix::fs::FileType;
use rustix::io::Errno;
use std::fs::Metadata;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;

/// What lies at a path.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing, not even a folder for it perhaps.
    Nothing,
    /// A folder.
    Folder,
    /// A regular file with these bytes.
    File(Digest, Seen),
}

/// What tells a file from another, and one look at it from the next.
///
/// Not the time when the inode last changed: a second name, which we give it, changes that.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Seen {
    place: (u64, u64),
    size: u64,
    time: (i64, i64),
    /// Permission bits.
    pub(super) mode: u32,
    /// User and group.
    pub(super) owner: (u32, u32),
}

impl Seen {
    pub(super) fn of(file: &Metadata) -> Self {
        Self {
            place: (file.dev(), file.ino()),
            size: file.size(),
            time: (file.mtime(), file.mtime_nsec()),
            mode: file.mode() & 0o7777,
            owner: (file.uid(), file.gid()),
        }
    }

    /// A look at a name in a folder; nothing where there is no file that can be read.
    pub(super) fn at(folder: &OwnedFd, name: &str) -> Option<Self> {
        Some(Self::of(&open_for_reading(folder, name).ok()?.metadata().ok()?))
    }
}

/// Which of the two states that a journal knows a target is in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Side {
    /// As it was.
    Before,
    /// As it is to be.
    After,
    /// Somebody else has changed it.
    Neither,
}

impl Found {
    /// Compares what is there with what the journal says.
    ///
    /// A folder counts as nothing: it may be the one in whose place the file is to come, or the one that
    /// has come in its place.
    pub(super) fn side(&self, entry: &Entry) -> Side {
        let digest = match self {
            Self::Nothing | Self::Folder => None,
            Self::File(digest, _) => Some(*digest),
        };
        match digest {
            digest if digest == entry.before => Side::Before,
            digest if digest == entry.after => Side::After,
            _ => Side::Neither,
        }
    }
}

/// Looks at a path through no link. Links, fifos, devices and unreadable files are errors.
pub(super) fn find(tree: &Tree, path: &RepoPath, shown: &RepoPath) -> Result<Found> {
    match tree.parent(path) {
        Ok(folder) => find_in(&folder, path.file_name(), shown),
        Err(Blocked { why: Why::Missing | Why::NotAFolder, .. }) => Ok(Found::Nothing),
        Err(blocked) => Err(blocked.error(path)),
    }
}

/// Looks at a name in a folder.
pub(super) fn find_in(folder: &OwnedFd, name: &str, shown: &RepoPath) -> Result<Found> {
    let Some(stat) = look(folder, name).map_err(|errno| Error::io("look at", shown, errno.into()))? else {
        return Ok(Found::Nothing);
    };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Ok(Found::Folder),
        FileType::RegularFile => read_in(folder, name, shown),
        _ => Err(not_a_file(&stat, shown)),
    }
}

fn read_in(folder: &OwnedFd, name: &str, shown: &RepoPath) -> Result<Found> {
    let file = match open_for_reading(folder, name) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(Found::Nothing),
        Err(errno) => return Err(Error::io("open", shown, errno.into())),
    };
    let seen = Seen::of(&file.metadata().map_err(|error| Error::io("look at", shown, error))?);
    Ok(Found::File(Digest::of(&contents(file, shown.as_ref())?), seen))
}
