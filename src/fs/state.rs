//! The folder where uvars keeps what a writer needs while it writes: lock, journal, old bytes.
//!
//! `uvars` in the git directory; without git `.uvars` in the root, which tells git to ignore it should the
//! folder ever be taken into one. It is opened once, through no link, and used through that handle.

use super::Root;
use super::read::contents;
use super::single;
use super::stage;
use super::tree;
use crate::{Error, Result};
use rustix::fs::{Access, CWD, Mode, OFlags};
use rustix::io::Errno;
use std::fs::{Metadata, OpenOptions};
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The folder's name where there is no git.
pub(super) const OWN_FOLDER: &str = ".uvars";
/// Its name in a git directory.
const IN_GIT: &str = "uvars";

/// The open folder.
#[derive(Debug)]
pub(super) struct State {
    path: PathBuf,
    handle: OwnedFd,
    in_git: bool,
}

impl State {
    /// Opens the folder, which is made if need be; git is told to ignore files in the making.
    pub(super) fn make(root: &Root) -> Result<Self> {
        let (path, in_git) = place(root);
        let made = match rustix::fs::mkdirat(CWD, &path, Mode::from_bits_truncate(0o755)) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(Error::io("make", path, errno.into())),
        };
        let Some(state) = Self::open(path, in_git)? else {
            return Err(Error::new("vanished while it was made").at(place(root).0));
        };
        if made {
            state.give_to_owner();
        }
        match root.git() {
            Some(git) => exclude(&git.common()?)?,
            None => state.ignore_itself()?,
        }
        Ok(state)
    }

    /// Opens the folder if it is there; makes nothing.
    ///
    /// One that may not be looked into is nothing to whoever only reads.
    pub(super) fn find(root: &Root) -> Result<Option<Self>> {
        let (path, in_git) = place(root);
        match rustix::fs::access(&path, Access::READ_OK | Access::EXEC_OK) {
            Err(Errno::ACCESS) => Ok(None),
            _ => Self::open(path, in_git),
        }
    }

    fn open(path: PathBuf, in_git: bool) -> Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(CWD, &path, flags, Mode::empty()) {
            Ok(handle) => Ok(Some(Self { path, handle, in_git })),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => {
                Err(Error::new("is not a directory, but uvars keeps its journal there")
                    .at(path)
                    .hint("remove it"))
            }
            Err(errno) => Err(Error::io("open", path, errno.into())),
        }
    }

    /// The open folder.
    pub(super) fn handle(&self) -> &OwnedFd {
        &self.handle
    }

    /// The path of one of its files, for messages.
    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Whether it lies in a git directory, where nothing comes from a clone.
    pub(super) fn in_git(&self) -> bool {
        self.in_git
    }

    /// Reads one of its files, with its facts, through no link.
    pub(super) fn read(&self, name: &str) -> Result<Option<(Vec<u8>, Metadata)>> {
        let path = self.path_of(name);
        let file = match tree::open_for_reading(&self.handle, name) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(Error::new("is a link, not a file").at(path)),
            Err(errno) => return Err(Error::io("open", path, errno.into())),
        };
        let metadata = file.metadata().map_err(|error| Error::io("look at", &path, error))?;
        Ok(Some((contents(file, &path)?, metadata)))
    }

    /// A folder that root makes in somebody's repository is of use to that somebody too.
    fn give_to_owner(&self) {
        let above = self.path.parent().and_then(|parent| std::fs::metadata(parent).ok());
        if let Some(above) = above.filter(|_| rustix::process::geteuid().is_root()) {
            let _ = std::os::unix::fs::fchown(&self.handle, Some(above.uid()), Some(above.gid()));
        }
    }

    fn ignore_itself(&self) -> Result<()> {
        let path = self.path_of(".gitignore");
        match tree::look(&self.handle, ".gitignore") {
            Ok(None) => single::write_new(&path, b"*\n", 0o644),
            Ok(Some(_)) => Ok(()),
            Err(errno) => Err(Error::io("look at", path, errno.into())),
        }
    }
}

fn place(root: &Root) -> (PathBuf, bool) {
    match root.git() {
        Some(git) => (git.dir.join(IN_GIT), true),
        None => (root.dir().join(OWN_FOLDER), false),
    }
}

/// Adds our line to `info/exclude` unless it is there; in one call, so that nobody ever sees half of it and nothing
/// is left behind.
fn exclude(common: &Path) -> Result<()> {
    let info = common.join("info");
    let path = info.join("exclude");
    let text = super::read(&path)?.unwrap_or_default();
    if text.split(|byte| *byte == b'\n').any(|line| line == stage::EXCLUDE.as_bytes()) {
        return Ok(());
    }
    match rustix::fs::mkdirat(CWD, &info, Mode::from_bits_truncate(0o755)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(Error::io("make", info, errno.into())),
    }
    let end = if text.is_empty() || text.ends_with(b"\n") { "" } else { "\n" };
    let line = format!("{end}{}\n", stage::EXCLUDE);
    let opened = OpenOptions::new().append(true).create(true).open(&path);
    let written = opened.and_then(|mut file| file.write_all(line.as_bytes()));
    written.map_err(|error| Error::io("write", path, error))
}
