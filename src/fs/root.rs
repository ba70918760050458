//! The fleet repository as a place: what is in it, and who may write to it now.
//!
//! Paths given and returned are relative to the fleet's own root. Links, the journal and stages are seen from
//! the top of git's working tree, which may lie above it.

use super::git::{self, Git};
use super::lock::{self, Lock};
use super::stage::is_stage_name;
use super::state::{OWN_FOLDER, State};
use super::tree::{self, Blocked, Tree, Why};
use super::{Recovered, RepoPath};
use crate::{Error, Result};
use rustix::fs::FileType;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How deep folders may lie in each other: far more than any fleet, far less than the stack.
const DEEPEST: usize = 64;

/// The folders of a fleet in which a path means somebody: what one reads, and whose key it is.
pub const OWN: [&str; 2] = ["secrets", "keys"];

/// A fleet repository. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Root(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    /// From the top of the working tree to `dir`; none where they are the same.
    prefix: Option<RepoPath>,
    top: Tree,
    git: Option<Git>,
}

impl Root {
    /// Opens the repository whose root is `dir`; it need not be in git.
    pub fn open(dir: &Path) -> Result<Self> {
        let canonical = dir.canonicalize().map_err(|error| Error::io("open", dir, error))?;
        if !canonical.is_dir() {
            return Err(Error::new("is not a directory").at(dir));
        }
        let git = git::find(&canonical)?;
        let top = git.as_ref().map_or(canonical.as_path(), |git| git.top.as_path()).to_path_buf();
        let prefix = prefix(&top, &canonical)?;
        Ok(Self(Arc::new(Inner { dir: canonical, prefix, top: Tree::open(top)?, git })))
    }

    /// The root, absolute and without links.
    pub fn dir(&self) -> &Path {
        &self.0.dir
    }

    /// The git directory of this working tree, if there is one.
    pub fn git_dir(&self) -> Option<&Path> {
        self.0.git.as_ref().map(|git| git.dir.as_path())
    }

    /// Where `path` lies, links resolved; an error if one of them leaves the repository.
    ///
    /// What is not there yet is where it would be made.
    pub fn path(&self, path: &RepoPath) -> Result<PathBuf> {
        Ok(self.tree().path().join(self.resolve(path)?))
    }

    /// The repository path of a file named from outside, by an absolute path.
    ///
    /// Neither it nor its folder need exist; the file stays the link that it may be.
    pub fn repo_path(&self, path: &Path) -> Result<RepoPath> {
        self.link_path(&real_place(path)?)
    }

    /// The repository path of what lies at an absolute path whose folders are no links.
    ///
    /// Errors: it lies elsewhere; a name that no file of a repository may have.
    pub fn link_path(&self, path: &Path) -> Result<RepoPath> {
        let outside = || Error::new(format!("is not in the repository {}", self.dir().display())).at(path);
        let inside = path.strip_prefix(self.dir()).map_err(|_| outside())?;
        let text = inside.to_str().ok_or_else(|| Error::new("its name is not UTF-8").at(path))?;
        RepoPath::new(text)
    }

    /// Reads a file of the repository; `None` only where there is none.
    ///
    /// What is not a regular file, a link that leaves the repository or leads to nothing, and a file of more
    /// than [`super::LIMIT`] bytes are errors.
    pub fn read(&self, path: &RepoPath) -> Result<Option<Vec<u8>>> {
        self.tree().read(&self.resolve(path)?, path)
    }

    /// The files below the folder `path`, sorted; nothing where there is no such folder.
    ///
    /// Whatever is neither a folder nor a link to one is listed, so that reading it says what is wrong with
    /// it. A link to a folder inside the repository is passed over, since its files are where it leads, unless it
    /// is below one of [`OWN`], where nobody would look for them; one to a folder outside is an error. Files in the
    /// making are passed over.
    pub fn list(&self, path: &RepoPath) -> Result<Vec<RepoPath>> {
        let resolved = self.resolve(path)?;
        let mut found = Vec::new();
        match self.tree().folder(&resolved, resolved.parts().count()) {
            Ok(folder) => self.list_folder(&folder, Some(path), 0, &mut found)?,
            Err(Blocked { why: Why::Missing, .. }) => {}
            Err(blocked) => return Err(blocked.error(&resolved)),
        }
        found.sort_unstable();
        Ok(found)
    }

    /// The files of the whole repository, as [`Root::list`] has them, but for the folders of git and uvars.
    pub fn list_all(&self) -> Result<Vec<RepoPath>> {
        let mut found = Vec::new();
        self.list_folder(&Tree::open(self.dir().to_path_buf())?.into_handle(), None, 0, &mut found)?;
        found.sort_unstable();
        Ok(found)
    }

    fn list_folder(
        &self,
        folder: &OwnedFd,
        path: Option<&RepoPath>,
        depth: usize,
        found: &mut Vec<RepoPath>,
    ) -> Result<()> {
        let shown = path.map_or(".", RepoPath::as_str);
        if depth > DEEPEST {
            return Err(Error::new(format!("lies more than {DEEPEST} folders deep")).at(shown));
        }
        for (name, file_type) in tree::names(folder, shown)? {
            if name == ".git" || is_stage_name(&name) || (path.is_none() && name == OWN_FOLDER) {
                continue;
            }
            let below = path.map_or_else(|| RepoPath::new(&name), |path| path.join(&name))?;
            match file_type {
                FileType::Directory => {
                    let next = tree::open_folder(folder, &name)
                        .map_err(|errno| Error::io("open", &below, errno.into()))?;
                    self.list_folder(&next, Some(&below), depth + 1, found)?;
                }
                FileType::Symlink if self.leads_to_folder(&below)? => {
                    if is_own(&below) {
                        return Err(linked_folder().at(&below));
                    }
                }
                _ => found.push(below),
            }
        }
        Ok(())
    }

    /// Whether a link leads to a folder; that folder must be inside.
    fn leads_to_folder(&self, link: &RepoPath) -> Result<bool> {
        if !self.dir().join(link).is_dir() {
            return Ok(false);
        }
        // where it leads to inside is seen by whoever goes through it
        self.tree().resolve(&self.top_path(link)?, link).map(|_| true)
    }

    /// Waits up to `wait` for the one lock of this repository, and takes it.
    ///
    /// Whoever writes takes it before reading what the plan is made from. If an earlier writer was
    /// interrupted, its transaction is finished or taken back first: see [`Lock::recovered`].
    pub fn lock(&self, wait: Duration) -> Result<Lock> {
        let mut lock = self.lock_only(wait)?;
        let recovered = super::recover::settle(&lock)?;
        lock.set_recovered(recovered);
        Ok(lock)
    }

    /// The lock without a look at what an earlier writer left.
    pub(super) fn lock_only(&self, wait: Duration) -> Result<Lock> {
        let state = State::make(self)?;
        let held = lock::take(&state, wait)?;
        Ok(Lock::new(self.clone(), state, held, Recovered::default()))
    }

    /// The path from the top of the working tree, links resolved.
    ///
    /// Errors: a link leaves the repository; a folder of [`OWN`] is a link; one leads from a file of the fleet to another
    /// one of its files, so that whoever writes the one would change the other.
    pub(super) fn resolve(&self, path: &RepoPath) -> Result<RepoPath> {
        let straight = self.top_path(path)?;
        let resolved = self.tree().resolve(&straight, path)?;
        if resolved != straight && self.is_linked_folder(path, &straight) {
            return Err(linked_folder().at(path));
        }
        if resolved != straight && is_own(path) && self.below_root(&resolved).is_some_and(|end| is_own(&end))
        {
            return Err(Error::new("is a link to another file of the fleet, or leads through one")
                .at(path)
                .hint("put a file of its own in its place"));
        }
        Ok(resolved)
    }

    /// Whether a path with a link in it is one of [`OWN`], or has a folder of it that is the link.
    fn is_linked_folder(&self, path: &RepoPath, straight: &RepoPath) -> bool {
        let is_link = || matches!(self.tree().parent(straight), Err(Blocked { why: Why::Link, .. }));
        OWN.contains(&path.as_str()) || is_own(path) && is_link()
    }

    fn below_root(&self, path: &RepoPath) -> Option<RepoPath> {
        match &self.0.prefix {
            Some(prefix) => RepoPath::new(path.below(prefix)?).ok(),
            None => Some(path.clone()),
        }
    }

    /// The same path seen from the top of the working tree.
    pub(super) fn top_path(&self, path: &RepoPath) -> Result<RepoPath> {
        match &self.0.prefix {
            Some(prefix) => prefix.join(path.as_str()),
            None => Ok(path.clone()),
        }
    }

    /// The path seen from the root; as it is, where it lies outside the root.
    pub(super) fn root_path(&self, path: &RepoPath) -> RepoPath {
        let below = self.0.prefix.as_ref().and_then(|prefix| path.below(prefix));
        below.and_then(|below| RepoPath::new(below).ok()).unwrap_or_else(|| path.clone())
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.0.top
    }

    pub(super) fn git(&self) -> Option<&Git> {
        self.0.git.as_ref()
    }
}

/// Whether a path is in a folder where each file says something about its own name.
fn is_own(path: &RepoPath) -> bool {
    path.parts().next().is_some_and(|first| OWN.contains(&first)) && path.parts().nth(1).is_some()
}

/// What is wrong with a folder of [`OWN`] that is a link: files there would be bound to other places than they have.
pub fn linked_folder() -> Error {
    Error::new("is a link to a folder, or leads through one, and nothing looks after the files there")
        .hint("put the folder itself in its place")
}

fn prefix(top: &Path, dir: &Path) -> Result<Option<RepoPath>> {
    let Some(below) = dir.strip_prefix(top).ok().filter(|below| !below.as_os_str().is_empty()) else {
        return Ok(None);
    };
    let text = below.to_str().ok_or_else(|| Error::new("its name is not UTF-8").at(dir))?;
    RepoPath::new(text).map(Some).map_err(|error| error.at(dir))
}

/// Where a file is, or would be: links are followed in the folders that exist, and its own name is kept.
///
/// Errors: the path ends in `..`, or goes up from a folder that does not exist.
pub fn real_place(path: &Path) -> Result<PathBuf> {
    let mut missing = Vec::new();
    let mut folder = path;
    loop {
        let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else {
            return Err(Error::new("is no name of a file").at(path));
        };
        missing.push(name);
        match parent.canonicalize() {
            Ok(real) => return Ok(missing.iter().rev().fold(real, |place, name| place.join(name))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => folder = parent,
            Err(error) => return Err(Error::io("find the folder of", path, error)),
        }
    }
}
