//! What is there now, compared with what a transaction wants; writes nothing.
//!
//! Everything that can be foreseen to go wrong is found here, before the first byte is written: targets that
//! are no files, links that leave, folders that cannot be written to, names that differ only in case.

use super::found::{Found, Seen, find_in};
use super::journal::Entry;
use super::read::{LIMIT, must_be_readable};
use super::transaction::{Change, Report};
use super::tree::{Blocked, Why, first_parts, look, names, open_folder};
use super::work::changed_meanwhile;
use super::{Digest, RepoPath, Root};
use crate::{Error, Result};
use rustix::fs::{Access, AtFlags, FileType};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::os::fd::OwnedFd;

/// One file that has to change.
#[derive(Debug)]
pub(super) struct Planned<'a> {
    /// What the journal says of it.
    pub(super) entry: Entry,
    /// What messages call it.
    pub(super) shown: &'a RepoPath,
    /// What it is to hold; nothing if it is to be gone.
    pub(super) bytes: Option<&'a [u8]>,
    /// Permission bits for a new file.
    pub(super) mode: Option<u32>,
    /// The file that is there.
    pub(super) old: Option<Seen>,
}

/// All of them, sorted by path, and the report that a commit will give.
#[derive(Debug, Default)]
pub(super) struct Survey<'a> {
    pub(super) planned: Vec<Planned<'a>>,
    pub(super) report: Report,
}

/// A change with the path where it takes place.
struct Target<'a> {
    shown: &'a RepoPath,
    change: &'a Change,
}

/// The changes by where they take place: from the top of the working tree, without links.
type Targets<'a> = BTreeMap<RepoPath, Target<'a>>;

/// Looks at every file that `changes` names.
pub(super) fn survey<'a>(
    root: &Root,
    changes: &'a BTreeMap<RepoPath, Change>,
    expected: &BTreeMap<RepoPath, Option<Digest>>,
) -> Result<Survey<'a>> {
    for (path, digest) in expected {
        if root.read(path)?.as_deref().map(Digest::of) != *digest {
            return Err(changed_meanwhile(path));
        }
    }
    let targets = resolve(root, changes)?;
    let mut surveyor = Surveyor { root, targets: &targets, folder: None };
    let mut survey = Survey::default();
    for (path, target) in &targets {
        surveyor.visit(path, target, &mut survey)?;
    }
    for list in [
        &mut survey.report.created,
        &mut survey.report.replaced,
        &mut survey.report.removed,
        &mut survey.report.unchanged,
    ] {
        list.sort_unstable();
    }
    Ok(survey)
}

fn resolve<'a>(root: &Root, changes: &'a BTreeMap<RepoPath, Change>) -> Result<Targets<'a>> {
    let mut targets = Targets::new();
    let mut folded: HashMap<String, &RepoPath> = HashMap::with_capacity(changes.len());
    for (shown, change) in changes {
        let path = match change {
            Change::Write { .. } => root.resolve(shown)?,
            Change::Remove => resolve_folder(root, shown)?,
        };
        if let Some(other) = folded.insert(path.as_str().to_lowercase(), shown) {
            let flaw = if targets.contains_key(&path) {
                format!("is the same file as {other}")
            } else {
                format!("differs from {other} only in case, which not every system can tell apart")
            };
            return Err(Error::new(flaw).at(shown));
        }
        targets.insert(path, Target { shown, change });
    }
    refuse_file_in_file(&targets)?;
    Ok(targets)
}

fn refuse_file_in_file(targets: &Targets<'_>) -> Result<()> {
    let is_written = |path: &RepoPath| {
        targets
            .get(path)
            .filter(|target| matches!(target.change, Change::Write { .. }))
            .map(|target| target.shown)
    };
    for (path, target) in targets.iter().filter(|(path, _)| is_written(path).is_some()) {
        let mut folders = std::iter::successors(path.parent(), RepoPath::parent);
        if let Some(above) = folders.find_map(|folder| is_written(&folder)) {
            return Err(Error::new(format!("cannot be made, since {above} is to be a file")).at(target.shown));
        }
    }
    Ok(())
}

/// A link that is to be removed would be another thing than the file that it leads to: neither is done.
fn resolve_folder(root: &Root, shown: &RepoPath) -> Result<RepoPath> {
    let resolved = match shown.parent() {
        Some(parent) => root.resolve(&parent)?.join(shown.file_name())?,
        None => root.top_path(shown)?,
    };
    let stat =
        root.tree().parent(&resolved).ok().and_then(|folder| look(&folder, resolved.file_name()).ok()?);
    if stat.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink) {
        return Err(Error::new("is a link; uvars removes files only").at(shown));
    }
    Ok(resolved)
}

struct Surveyor<'a> {
    root: &'a Root,
    targets: &'a Targets<'a>,
    /// The folder of the last target: the next is mostly in it too.
    folder: Option<Folder>,
}

struct Folder {
    path: Option<RepoPath>,
    handle: OwnedFd,
    /// The names in it in lower case; read when a new name first needs them.
    names: Option<HashSet<String>>,
}

impl Surveyor<'_> {
    fn visit<'a>(&mut self, path: &RepoPath, target: &Target<'a>, survey: &mut Survey<'a>) -> Result<()> {
        let shown = target.shown;
        let (found, depth) = self.look(path, target)?;
        let (before, old) = match found {
            Found::Nothing => (None, None),
            Found::Folder => {
                self.must_be_emptied(path, target)?;
                (None, None)
            }
            Found::File(digest, seen) => (Some(digest), Some(seen)),
        };
        let (bytes, mode) = match target.change {
            Change::Write { bytes, mode } => (Some(bytes.as_slice()), *mode),
            Change::Remove => (None, None),
        };
        must_be_readable(bytes.unwrap_or_default(), shown, LIMIT)?;
        let after = bytes.map(Digest::of);
        let list = match (before, after) {
            (before, after) if before == after => {
                survey.report.unchanged.push(shown.clone());
                return Ok(());
            }
            (None, _) => &mut survey.report.created,
            (_, None) => &mut survey.report.removed,
            _ => &mut survey.report.replaced,
        };
        list.push(shown.clone());
        self.must_be_possible(path, shown, old.is_some() && bytes.is_some(), before.is_none())?;
        let entry = Entry { path: path.clone(), before, after, depth };
        survey.planned.push(Planned { entry, shown, bytes, mode, old });
        Ok(())
    }

    /// What is there, and how many parts of the path are folders that are there.
    fn look(&mut self, path: &RepoPath, target: &Target<'_>) -> Result<(Found, usize)> {
        let parent = path.parent();
        if self.folder.as_ref().is_none_or(|folder| folder.path != parent) {
            self.folder = None;
            match self.root.tree().parent(path) {
                Ok(handle) => self.folder = Some(Folder { path: parent, handle, names: None }),
                Err(Blocked { at, why: Why::Missing }) => return Ok((Found::Nothing, at)),
                Err(Blocked { at, why: Why::NotAFolder }) => {
                    self.must_make_room(path, at, target)?;
                    return Ok((Found::Nothing, at));
                }
                Err(blocked) => return Err(blocked.error(path)),
            }
        }
        let Some(folder) = &self.folder else { return Ok((Found::Nothing, 0)) };
        Ok((find_in(&folder.handle, path.file_name(), target.shown)?, path.parts().count() - 1))
    }

    /// Part `at` of the path is a file: this transaction must remove it.
    fn must_make_room(&self, path: &RepoPath, at: usize, target: &Target<'_>) -> Result<()> {
        let file = first_parts(path, at + 1);
        let goes = matches!(target.change, Change::Remove)
            || RepoPath::new(&file).is_ok_and(|file| self.is_removed(&file));
        if goes { Ok(()) } else { Err(Error::new("is not a directory").at(file)) }
    }

    /// A folder lies where a file is to come: this transaction must remove all that is in it.
    fn must_be_emptied(&self, path: &RepoPath, target: &Target<'_>) -> Result<()> {
        let emptied = matches!(target.change, Change::Write { .. })
            && match self.root.tree().folder(path, path.parts().count()) {
                Ok(folder) => self.is_emptied(&folder, path)?,
                Err(_) => false,
            };
        if emptied { Ok(()) } else { Err(Error::new("is a directory, not a file").at(target.shown)) }
    }

    fn is_emptied(&self, folder: &OwnedFd, path: &RepoPath) -> Result<bool> {
        let mut files = 0;
        for (name, file_type) in names(folder, path.as_str())? {
            let below = path.join(&name)?;
            let gone = match file_type {
                FileType::Directory => {
                    let below_folder = open_folder(folder, &name)
                        .map_err(|errno| Error::io("open", &below, errno.into()))?;
                    self.is_emptied(&below_folder, &below)?
                }
                _ => self.is_removed(&below),
            };
            if !gone {
                return Ok(false);
            }
            files += 1;
        }
        // A folder that was empty before is not ours to remove.
        Ok(files > 0)
    }

    fn is_removed(&self, path: &RepoPath) -> bool {
        self.targets.get(path).is_some_and(|target| matches!(target.change, Change::Remove))
    }

    /// Whether the folder, and a file that is to be replaced, can be written to.
    fn must_be_possible(
        &mut self,
        path: &RepoPath,
        shown: &RepoPath,
        replaced: bool,
        new: bool,
    ) -> Result<()> {
        let Some(folder) = &mut self.folder else { return Ok(()) };
        let may = |name: &str, access| rustix::fs::accessat(&folder.handle, name, access, AtFlags::empty());
        if let Err(errno) = may(".", Access::WRITE_OK | Access::EXEC_OK) {
            let parent = shown.parent().map_or_else(|| ".".to_owned(), |parent| parent.to_string());
            return Err(Error::io("write to the directory", parent, errno.into()));
        }
        if replaced && let Err(errno) = may(path.file_name(), Access::WRITE_OK) {
            return Err(Error::io("write", shown, errno.into()));
        }
        if new { folder.must_not_clash(path, shown) } else { Ok(()) }
    }
}

impl Folder {
    /// A new name must differ from its neighbours in more than case.
    fn must_not_clash(&mut self, path: &RepoPath, shown: &RepoPath) -> Result<()> {
        let taken = if let Some(taken) = self.names.take() {
            taken
        } else {
            let parent = shown.parent();
            let all = names(&self.handle, parent.as_ref().map_or(".", RepoPath::as_str))?;
            all.into_iter().map(|(name, _)| name.to_lowercase()).collect()
        };
        let name = path.file_name().to_lowercase();
        let clash = taken.contains(&name) && !matches!(look(&self.handle, path.file_name()), Ok(Some(_)));
        self.names = Some(taken);
        if clash {
            let flaw = "a file beside it has a name that differs only in case, which not every system can tell apart";
            return Err(Error::new(flaw).at(shown));
        }
        Ok(())
    }
}
