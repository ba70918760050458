//! Where git keeps what belongs to a working tree.
//!
//! Only looked up, by the files that git itself goes by; git is never run, and nothing of its own is ever
//! written but one line of `info/exclude`.

use super::read::read;
use crate::{Error, Result};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A working tree and the folders that git keeps for it.
#[derive(Debug)]
pub(super) struct Git {
    /// The top of the working tree.
    pub(super) top: PathBuf,
    /// What is of this working tree alone: `.git`, or `.git/worktrees/x`, or `.git/modules/x`.
    pub(super) dir: PathBuf,
}

impl Git {
    /// The folder that all working trees share: where `info/exclude` is.
    pub(super) fn common(&self) -> Result<PathBuf> {
        let file = self.dir.join("commondir");
        match line(&file)? {
            None => Ok(self.dir.clone()),
            Some(target) => {
                self.dir.join(target).canonicalize().map_err(|error| Error::io("follow", file, error))
            }
        }
    }
}

/// Finds the working tree that `start`, an absolute path without links, lies in.
///
/// One that belongs to somebody else than `start` or this process does not count: anybody can put a `.git`
/// into /tmp.
pub(super) fn find(start: &Path) -> Result<Option<Git>> {
    let ours = [rustix::process::geteuid().as_raw(), owner(start)?];
    for top in start.ancestors() {
        let dot = top.join(".git");
        let Some(metadata) = present(&dot)? else { continue };
        if !ours.contains(&metadata.uid()) {
            continue;
        }
        let dir = if metadata.is_file() { pointed_to(&dot)? } else { dot };
        // One that may not be looked into is one all the same: who only reads the fleet need not see it.
        if matches!(present(&dir.join("HEAD")), Ok(None)) {
            continue;
        }
        return Ok(Some(Git { top: top.to_path_buf(), dir }));
    }
    Ok(None)
}

fn owner(path: &Path) -> Result<u32> {
    Ok(std::fs::metadata(path).map_err(|error| Error::io("look at", path, error))?.uid())
}

fn present(path: &Path) -> Result<Option<std::fs::Metadata>> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(Error::io("look at", path, error)),
    }
}

/// The folder that the `.git` file of a linked working tree or a submodule names.
fn pointed_to(dot: &Path) -> Result<PathBuf> {
    let target = line(dot)?
        .and_then(|line| line.strip_prefix("gitdir: ").map(PathBuf::from))
        .ok_or_else(|| Error::new("is neither a git directory nor a file that names one").at(dot))?;
    let dir = dot.parent().unwrap_or(dot).join(target);
    dir.canonicalize().map_err(|error| {
        Error::io(format!("find the git directory {} that it names", dir.display()), dot, error)
            .hint("run git worktree repair in the main working tree")
    })
}

/// The only line of one of git's small files.
fn line(file: &Path) -> Result<Option<String>> {
    let Some(bytes) = read(file)? else { return Ok(None) };
    let text = String::from_utf8(bytes).map_err(|_| Error::new("is not UTF-8").at(file))?;
    Ok(Some(text.trim_end_matches(['\n', '\r']).to_owned()))
}
