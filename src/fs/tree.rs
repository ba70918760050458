//! A folder on the disk, and walking in it without being led out.
//!
//! Every part of a path is opened by itself, from the folder before it, and never through a link. Where a link
//! is welcome, [`Tree::resolve`] first finds the path without links that it stands for, and refuses one that
//! ends outside; the walk to that path then again follows no link, so that a link swapped in between is an
//! error and not a way out.

use super::RepoPath;
use super::read::{contents, kind_of};
use crate::{Error, Result};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// How many links one path may lead through; the kernel's own limit.
const MOST_LINKS: u32 = 40;

/// A folder, held open, that nothing may lead out of.
#[derive(Debug)]
pub(super) struct Tree {
    path: PathBuf,
    handle: OwnedFd,
}

/// Why a walk ended early: at which part, counted from 0.
#[derive(Debug)]
pub(super) struct Blocked {
    pub(super) at: usize,
    pub(super) why: Why,
}

/// What was found in place of a folder.
#[derive(Debug)]
pub(super) enum Why {
    /// Nothing.
    Missing,
    /// A link, wherever it leads.
    Link,
    /// Something that is neither a folder nor a link.
    NotAFolder,
    /// It cannot be opened.
    Failed(Errno),
}

impl Blocked {
    /// The error for somebody who needs that folder of `path`.
    pub(super) fn error(&self, path: &RepoPath) -> Error {
        let folder = first_parts(path, self.at + 1);
        match self.why {
            Why::Missing => Error::new("is not there").at(folder),
            Why::Link => Error::new("is a link now, and was none before").at(folder),
            Why::NotAFolder => Error::new("is not a directory").at(folder),
            Why::Failed(errno) => Error::io("open", folder, errno.into()),
        }
    }
}

/// The first `count` parts of a path.
pub(super) fn first_parts(path: &RepoPath, count: usize) -> String {
    path.parts().take(count).collect::<Vec<_>>().join("/")
}

impl Tree {
    /// Opens the folder `path`, which must be absolute and without links.
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::openat(CWD, &path, flags, Mode::empty()) {
            Ok(handle) => Ok(Self { path, handle }),
            Err(errno) => Err(Error::io("open", path, errno.into())),
        }
    }

    /// Hands the open folder over.
    pub(super) fn into_handle(self) -> OwnedFd {
        self.handle
    }

    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the folder that the first `count` parts of `path` name, through no link.
    pub(super) fn folder(&self, path: &RepoPath, count: usize) -> std::result::Result<OwnedFd, Blocked> {
        let mut here =
            open_folder(&self.handle, ".").map_err(|errno| Blocked { at: 0, why: Why::Failed(errno) })?;
        for (at, part) in path.parts().take(count).enumerate() {
            here = open_folder(&here, part).map_err(|errno| Blocked { at, why: why(&here, part, errno) })?;
        }
        Ok(here)
    }

    /// Opens the folder `path`, or the top, through no link.
    pub(super) fn folder_at(&self, path: Option<&RepoPath>) -> std::result::Result<OwnedFd, Blocked> {
        match path {
            Some(path) => self.folder(path, path.parts().count()),
            None => {
                open_folder(&self.handle, ".").map_err(|errno| Blocked { at: 0, why: Why::Failed(errno) })
            }
        }
    }

    /// Opens the folder that `path` is in, through no link.
    pub(super) fn parent(&self, path: &RepoPath) -> std::result::Result<OwnedFd, Blocked> {
        self.folder(path, path.parts().count() - 1)
    }

    /// The path without links that `path` stands for; what is missing of it is kept as it is.
    ///
    /// A link is followed only if it ends inside this tree. The last part is followed too.
    /// Errors call it `shown`.
    pub(super) fn resolve(&self, path: &RepoPath, shown: &RepoPath) -> Result<RepoPath> {
        let mut resolved = path.clone();
        for _ in 0..MOST_LINKS {
            let Some(at) = self.first_link(&resolved, shown)? else { return Ok(resolved) };
            resolved = self.follow(&resolved, at, shown)?;
        }
        Err(Error::new("leads through too many links").at(shown))
    }

    /// Which part of `path` is a link, if any is.
    fn first_link(&self, path: &RepoPath, shown: &RepoPath) -> Result<Option<usize>> {
        let folder = match self.parent(path) {
            Ok(folder) => folder,
            Err(Blocked { at, why: Why::Link }) => return Ok(Some(at)),
            Err(Blocked { why: Why::Missing | Why::NotAFolder, .. }) => return Ok(None),
            Err(blocked) => return Err(blocked.error(path)),
        };
        let stat =
            look(&folder, path.file_name()).map_err(|errno| Error::io("look at", shown, errno.into()))?;
        let link = stat.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink);
        Ok(link.then(|| path.parts().count() - 1))
    }

    /// Replaces the link that is part `at` of `resolved` by what it leads to.
    fn follow(&self, resolved: &RepoPath, at: usize, shown: &RepoPath) -> Result<RepoPath> {
        let link = self.path.join(first_parts(resolved, at + 1));
        let end = link.canonicalize().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Error::new("is a link to nothing, or leads through one").at(shown)
            }
            _ => Error::io("follow the link", shown, error),
        })?;
        let inside = end.strip_prefix(&self.path).map_err(|_| {
            Error::new("is a link that leaves the repository, or leads through one")
                .at(shown)
                .hint("put what it leads to in its place")
        })?;
        let inside =
            inside.to_str().ok_or_else(|| Error::new("leads to a name that is not UTF-8").at(shown))?;
        let rest = resolved.parts().skip(at + 1);
        let parts: Vec<&str> = inside.split('/').filter(|part| !part.is_empty()).chain(rest).collect();
        RepoPath::new(&parts.join("/"))
            .map_err(|_| Error::new("is a link into a folder that is not ours to touch").at(shown))
    }

    /// Reads the file at `path`, which must have been resolved; `shown` is what errors call it.
    pub(super) fn read(&self, path: &RepoPath, shown: &RepoPath) -> Result<Option<Vec<u8>>> {
        self.open_file(path, shown)?.map(|file| contents(file, shown.as_ref())).transpose()
    }

    /// Opens the file at `path` for reading, through no link at all.
    pub(super) fn open_file(&self, path: &RepoPath, shown: &RepoPath) -> Result<Option<File>> {
        let folder = match self.parent(path) {
            Ok(folder) => folder,
            Err(Blocked { why: Why::Missing, .. }) => return Ok(None),
            Err(blocked) => return Err(blocked.error(path)),
        };
        match open_for_reading(&folder, path.file_name()) {
            Ok(file) => Ok(Some(file)),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::LOOP) => Err(Error::new("is a link now, and was none before").at(shown)),
            Err(errno) => Err(Error::io("open", shown, errno.into())),
        }
    }
}

/// Opens a file in a folder; never a link, and without waiting for anybody.
pub(super) fn open_for_reading(folder: &OwnedFd, name: &str) -> rustix::io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::openat(folder, name, flags, Mode::empty())?))
}

/// Opens a folder in a folder; never a link.
pub(super) fn open_folder(folder: &OwnedFd, name: &str) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(folder, name, flags, Mode::empty())
}

/// What has this name in a folder, a link seen as itself; `None` where nothing has.
pub(super) fn look(folder: &OwnedFd, name: &str) -> rustix::io::Result<Option<Stat>> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

fn why(folder: &OwnedFd, name: &str, errno: Errno) -> Why {
    match errno {
        Errno::NOENT => Why::Missing,
        Errno::LOOP | Errno::NOTDIR => match look(folder, name) {
            Ok(Some(stat)) if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink => Why::Link,
            Ok(Some(_)) => Why::NotAFolder,
            Ok(None) => Why::Missing,
            Err(errno) => Why::Failed(errno),
        },
        errno => Why::Failed(errno),
    }
}

/// The names in a folder with their types, sorted; names that are not UTF-8 are an error.
pub(super) fn names(folder: &OwnedFd, shown: &str) -> Result<Vec<(String, FileType)>> {
    let failed = |errno: Errno| Error::io("list", shown, errno.into());
    let mut found = Vec::new();
    for entry in Dir::read_from(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let name = name.to_str().map_err(|_| {
            Error::new(format!("holds a name that is not UTF-8: {:?}", entry.file_name())).at(shown)
        })?;
        let file_type = match entry.file_type() {
            FileType::Unknown => match look(folder, name).map_err(failed)? {
                Some(stat) => FileType::from_raw_mode(stat.st_mode),
                None => continue,
            },
            known => known,
        };
        found.push((name.to_owned(), file_type));
    }
    found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Ok(found)
}

/// The sentence for a target or source that is not a file.
pub(super) fn not_a_file(stat: &Stat, shown: &RepoPath) -> Error {
    Error::new(format!("is {}, not a file", kind_of(FileType::from_raw_mode(stat.st_mode)))).at(shown)
}
