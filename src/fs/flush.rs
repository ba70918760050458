//! Flushing many files and folders to the disk, and not one by one where that would take minutes.

use super::RepoPath;
use super::disk;
use super::tree::{Blocked, Tree, Why};
use crate::{Error, Result};
use std::collections::BTreeSet;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;

/// From how many files on a whole file system is flushed at once.
const MANY: usize = 100;

/// What is still to be flushed.
#[derive(Debug)]
pub(super) struct Flush {
    whole: bool,
    /// Folders in which names changed; none is the top of the tree.
    folders: BTreeSet<Option<RepoPath>>,
    /// An open file of each file system that has something to flush, with the system's number.
    systems: Vec<(u64, File)>,
}

impl Flush {
    /// For a change of so many files.
    pub(super) fn new(files: usize) -> Self {
        Self { whole: files >= MANY, folders: BTreeSet::new(), systems: Vec::new() }
    }

    /// Flushes a file that was written, now or by [`Flush::finish`].
    pub(super) fn file(&mut self, file: File, shown: &RepoPath) -> Result<()> {
        self.flush(file).map_err(|error| Error::io("flush", shown, error))
    }

    /// Remembers a folder in which a name changed: the one of the first `parts` parts of `path`.
    pub(super) fn folder(&mut self, path: &RepoPath, parts: usize) {
        self.folders.insert(path.leading(parts));
    }

    /// The same for an open folder that is not in the tree.
    pub(super) fn own_folder(&mut self, handle: OwnedFd, shown: &std::path::Path) -> Result<()> {
        self.flush(File::from(handle)).map_err(|error| Error::io("flush", shown, error))
    }

    /// Flushes all that is left. A folder that is gone has nothing to flush.
    pub(super) fn finish(mut self, tree: &Tree) -> Result<()> {
        for folder in std::mem::take(&mut self.folders) {
            let shown = folder.as_ref().map_or(".", RepoPath::as_str);
            match tree.folder_at(folder.as_ref()) {
                Ok(handle) => {
                    self.flush(File::from(handle)).map_err(|error| Error::io("flush", shown, error))?;
                }
                Err(Blocked { why: Why::Missing | Why::NotAFolder, .. }) => {}
                Err(Blocked { why: Why::Link, .. }) => return Err(Error::new("is a link now").at(shown)),
                Err(Blocked { why: Why::Failed(errno), .. }) => {
                    return Err(Error::io("open", shown, errno.into()));
                }
            }
        }
        for (_, system) in &self.systems {
            disk::sync_system(system).map_err(|error| Error::io("flush the disk of", tree.path(), error))?;
        }
        Ok(())
    }

    fn flush(&mut self, file: File) -> std::io::Result<()> {
        if !self.whole {
            return disk::sync(&file);
        }
        disk::sync_later(&file)?;
        let number = file.metadata()?.dev();
        if !self.systems.iter().any(|(known, _)| *known == number) {
            self.systems.push((number, file));
        }
        Ok(())
    }
}
