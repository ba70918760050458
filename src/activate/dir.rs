//! A folder held open: everything below it is named relative to it and no link is followed.
//!
//! The few file operations that activation needs, each independent of the umask. It decides nothing.

use super::tree::{Leaf, Tree};
use super::trust::Owners;
use crate::error::{Error, Result, as_word};
use crate::secret::Secret;
use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Stat, Uid};
use rustix::fs::{chmodat, fchmod, fchown, fstat, mkdirat, openat, renameat, statat, symlinkat, unlinkat};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// An open folder and the path that messages call it by.
#[derive(Debug)]
pub(super) struct Open {
    fd: OwnedFd,
    path: PathBuf,
}

/// What stands at a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum There {
    Nothing,
    Link,
    Other,
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Open {
    /// Opens a folder by its path, which the caller trusts, and checks whose it is.
    pub(super) fn at(path: &Path, owners: Owners) -> Result<Self> {
        let fd = rustix::fs::open(path, FOLDER, Mode::empty()).map_err(|cause| no_folder(path, cause))?;
        let open = Self { fd, path: path.to_owned() };
        owners.check_folder(&open.stat()?, path)?;
        Ok(open)
    }

    pub(super) fn into_fd(self) -> OwnedFd {
        self.fd
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn stat(&self) -> Result<Stat> {
        fstat(&self.fd).map_err(|cause| Error::io("look at", &self.path, cause.into()))
    }

    /// A folder in this one; `None` where nothing is there.
    pub(super) fn folder(&self, name: &str, owners: Owners) -> Result<Option<Self>> {
        match self.below(name) {
            Ok(open) => {
                owners.check_folder(&open.stat()?, &open.path)?;
                Ok(Some(open))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(cause) => Err(no_folder(&self.path.join(name), cause)),
        }
    }

    fn below(&self, name: &str) -> Result<Self, Errno> {
        let fd = openat(&self.fd, name, FOLDER, Mode::empty())?;
        Ok(Self { fd, path: self.path.join(name) })
    }

    /// Makes a folder in this one; one that is there is an error.
    pub(super) fn make(&self, name: &str, mode: u32) -> Result<Self> {
        mkdirat(&self.fd, name, Mode::RWXU).map_err(|cause| self.failed("make the folder", name, cause))?;
        // By name, since the umask may have made it closed to its own maker; nobody else can have replaced it.
        chmodat(&self.fd, name, Mode::from_raw_mode(mode), AtFlags::empty())
            .map_err(|cause| self.failed("set the mode of", name, cause))?;
        self.below(name).map_err(|cause| self.failed("open the folder", name, cause))
    }

    /// A folder in this one, made where it is not there.
    pub(super) fn folder_or_make(&self, name: &str, mode: u32, owners: Owners) -> Result<Self> {
        if let Some(open) = self.folder(name, owners)? {
            return Ok(open);
        }
        self.make(name, mode).or_else(|error| match self.folder(name, owners) {
            // another run has made it meanwhile
            Ok(Some(open)) => Ok(open),
            _ => Err(error),
        })
    }

    /// The names in this folder.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let failed = |cause: Errno| Error::io("list", &self.path, cause.into());
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // Activation makes no other names than UTF-8 ones.
            if let Ok(name) = entry.file_name().to_str()
                && name != "."
                && name != ".."
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    pub(super) fn there(&self, name: &str) -> Result<There> {
        match statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink => Ok(There::Link),
            Ok(_) => Ok(There::Other),
            Err(Errno::NOENT) => Ok(There::Nothing),
            Err(cause) => Err(self.failed("look at", name, cause)),
        }
    }

    /// Makes a new file with its owner and mode; one that is there is an error. It is closed to everybody but
    /// this process' user until its content and owner are right.
    fn create(&self, name: &str, leaf: &Leaf) -> Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|cause| self.failed("create", name, cause))?;
        let mut file = File::from(fd);
        file.write_all(leaf.content.expose())
            .map_err(|cause| Error::io("write", self.path.join(name), cause))?;
        let stat = fstat(&file).map_err(|cause| self.failed("look at", name, cause))?;
        if (stat.st_uid, stat.st_gid) != (leaf.uid, leaf.gid) {
            fchown(&file, Some(Uid::from_raw(leaf.uid)), Some(Gid::from_raw(leaf.gid)))
                .map_err(|cause| self.failed("change the owner of", name, cause))?;
        }
        fchmod(&file, Mode::from_raw_mode(leaf.mode))
            .map_err(|cause| self.failed("set the mode of", name, cause))
    }

    /// Writes every file of a tree below this empty folder.
    pub(super) fn write(&self, tree: &Tree, folder_mode: u32) -> Result<()> {
        let mut made: BTreeMap<String, Open> = BTreeMap::new();
        for (name, leaf) in &tree.0 {
            let (folders, file) = name.rsplit_once('/').unwrap_or(("", name));
            let mut path = String::new();
            for folder in folders.split('/').filter(|folder| !folder.is_empty()) {
                let above = made.get(&path).unwrap_or(self);
                if !path.is_empty() {
                    path.push('/');
                }
                path.push_str(folder);
                if !made.contains_key(&path) {
                    let open = above.make(folder, folder_mode)?;
                    made.insert(path.clone(), open);
                }
            }
            made.get(&path).unwrap_or(self).create(file, leaf)?;
        }
        Ok(())
    }

    /// Every file below this folder. `None` where something is neither file nor folder, or a folder belongs to
    /// somebody else: nothing that activation made.
    pub(super) fn read(&self, owners: Owners) -> Result<Option<Tree>> {
        let mut tree = Tree::default();
        Ok(self.read_into(&mut tree, "", owners)?.then_some(tree))
    }

    fn read_into(&self, tree: &mut Tree, prefix: &str, owners: Owners) -> Result<bool> {
        for name in self.names()? {
            let stat = statat(&self.fd, &name, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|cause| self.failed("look at", &name, cause))?;
            let full = format!("{prefix}{name}");
            let ours = match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => {
                    tree.add(full, self.read_file(&name)?);
                    true
                }
                FileType::Directory => match self.folder(&name, owners) {
                    Ok(Some(open)) => open.read_into(tree, &format!("{full}/"), owners)?,
                    Ok(None) | Err(_) => false,
                },
                _ => false,
            };
            if !ours {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn read_file(&self, name: &str) -> Result<Leaf> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd =
            openat(&self.fd, name, flags, Mode::empty()).map_err(|cause| self.failed("open", name, cause))?;
        let stat = fstat(&fd).map_err(|cause| self.failed("look at", name, cause))?;
        // Room for all of it at once, so that no copy of it is left behind by a growing vector.
        let mut content = Vec::with_capacity(usize::try_from(stat.st_size).unwrap_or(0) + 1);
        File::from(fd)
            .read_to_end(&mut content)
            .map_err(|cause| Error::io("read", self.path.join(name), cause))?;
        Ok(Leaf {
            content: Secret::new(content),
            uid: stat.st_uid,
            gid: stat.st_gid,
            mode: stat.st_mode & 0o7777,
        })
    }

    /// A file in this folder; `None` where nothing is there.
    pub(super) fn read_bytes(&self, name: &str) -> Result<Option<Leaf>> {
        match self.there(name)? {
            There::Nothing => Ok(None),
            There::Link | There::Other => self.read_file(name).map(Some),
        }
    }

    /// Removes a file, a link, or a folder with all that is in it.
    pub(super) fn remove(&self, name: &str) -> Result<()> {
        match unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::ISDIR) => {}
            Err(cause) => return Err(self.failed("remove", name, cause)),
        }
        let open = self.below(name).map_err(|cause| self.failed("open the folder", name, cause))?;
        for inner in open.names()? {
            open.remove(&inner)?;
        }
        unlinkat(&self.fd, name, AtFlags::REMOVEDIR).map_err(|cause| self.failed("remove", name, cause))
    }

    /// Makes the link `name` lead to `target` in one step: at every moment it leads to the old or to the new.
    pub(super) fn relink(&self, name: &str, target: &Path) -> Result<()> {
        let staged = format!(".{name}.new");
        self.remove(&staged)?;
        symlinkat(target, &self.fd, &staged).map_err(|cause| self.failed("make the link", &staged, cause))?;
        self.rename(&staged, name)
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> Result<()> {
        renameat(&self.fd, from, &self.fd, to).map_err(|cause| self.failed("rename to", to, cause))
    }

    /// Replaces the file `name` in one step; it is nobody's but its maker's to read.
    pub(super) fn replace(&self, name: &str, content: &[u8]) -> Result<()> {
        let stat = self.stat()?;
        let leaf = Leaf { content: Secret::from(content), uid: stat.st_uid, gid: stat.st_gid, mode: 0o600 };
        let staged = format!(".{name}.new");
        self.remove(&staged)?;
        self.create(&staged, &leaf)?;
        self.rename(&staged, name)
    }

    fn failed(&self, doing: &str, name: &str, cause: Errno) -> Error {
        Error::io(doing, self.path.join(name), cause.into())
    }
}

/// What moves something out of the way, to be typed in a shell.
pub(super) fn move_away(path: &Path) -> String {
    let path = path.to_string_lossy();
    format!("mv {} {}", as_word(&path), as_word(&format!("{path}.old")))
}

/// Why a folder cannot be opened. The system calls a link "not a directory" too, since none is followed here.
fn no_folder(path: &Path, cause: Errno) -> Error {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => {
            Error::new("is a link, and must be a folder").at(path).hint(format!(
                "remove the link, as its owner or root, and run this again: rm {}",
                as_word(&path.to_string_lossy())
            ))
        }
        Ok(found) if !found.is_dir() => Error::new("is not a folder")
            .at(path)
            .hint(format!("move it away and run this again: {}", move_away(path))),
        _ => Error::io("open the folder", path, cause.into()),
    }
}

impl AsFd for Open {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    fn open(dir: &tempfile::TempDir) -> (Open, Owners, u32, u32) {
        let meta = fs::metadata(dir.path()).unwrap();
        let owners = Owners { uid: meta.uid() };
        (Open::at(dir.path(), owners).unwrap(), owners, meta.uid(), meta.gid())
    }

    fn tree(files: &[(&str, &str, u32)], uid: u32, gid: u32) -> Tree {
        let leaf = |content: &str, mode| Leaf { content: Secret::from(content), uid, gid, mode };
        Tree(files.iter().map(|(name, content, mode)| ((*name).to_owned(), leaf(content, *mode))).collect())
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let (open, owners, uid, gid) = open(&dir);
        let tree = tree(&[("a", "1", 0o400), ("b/c/d", "2", 0o640), ("b/e", "", 0o444)], uid, gid);
        let generation = open.make("1", 0o711).unwrap();
        generation.write(&tree, 0o711).unwrap();
        assert_eq!(generation.read(owners).unwrap().unwrap(), tree);
        for folder in ["1", "1/b", "1/b/c"] {
            assert_eq!(fs::metadata(dir.path().join(folder)).unwrap().permissions().mode() & 0o7777, 0o711);
        }
        assert!(generation.write(&tree, 0o711).unwrap_err().to_string().contains("cannot create"));
        assert!(open.make("1", 0o711).is_err());
        open.remove("1").unwrap();
        open.remove("1").unwrap();
        assert_eq!(open.names().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn runs_at_once_make_a_folder_once() {
        let dir = tempfile::tempdir().unwrap();
        let (open, owners, ..) = open(&dir);
        for round in 0..100 {
            let name = round.to_string();
            std::thread::scope(|scope| {
                let runs = [(); 4].map(|()| scope.spawn(|| open.folder_or_make(&name, 0o700, owners)));
                assert!(runs.into_iter().all(|run| run.join().unwrap().is_ok()));
            });
        }
        fs::write(dir.path().join("file"), "").unwrap();
        assert!(open.folder_or_make("file", 0o700, owners).is_err());
    }

    #[test]
    fn links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (open, owners, uid, gid) = open(&dir);
        let kept = tempfile::tempdir().unwrap();
        fs::write(kept.path().join("file"), "kept").unwrap();
        symlink(kept.path(), dir.path().join("folder")).unwrap();
        symlink(kept.path().join("file"), dir.path().join("a")).unwrap();
        assert!(open.folder("folder", owners).is_err());
        assert!(open.write(&tree(&[("a", "x", 0o400)], uid, gid), 0o700).is_err());
        assert!(open.write(&tree(&[("folder/x", "x", 0o400)], uid, gid), 0o700).is_err());
        assert_eq!(open.read(owners).unwrap(), None);
        open.replace("a", b"mine").unwrap();
        open.remove("folder").unwrap();
        assert_eq!(fs::read(kept.path().join("file")).unwrap(), b"kept");
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"mine");
        assert_eq!(fs::read_dir(kept.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_is_replaced_in_one_step_and_a_stage_left_behind_is_no_obstacle() {
        let dir = tempfile::tempdir().unwrap();
        let (open, ..) = open(&dir);
        symlink("leftover", dir.path().join(".it.new")).unwrap();
        for target in ["/run/1", "/run/2"] {
            open.relink("it", Path::new(target)).unwrap();
            assert_eq!(fs::read_link(dir.path().join("it")).unwrap(), Path::new(target));
        }
        assert_eq!(open.there("it").unwrap(), There::Link);
        assert_eq!(open.there("none").unwrap(), There::Nothing);
        assert_eq!(open.names().unwrap(), ["it"]);
    }
}
