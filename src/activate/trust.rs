//! Reading what others must not have been able to write.
//!
//! A path is walked from the root, one name at a time, never twice by name: every folder on the way, every link
//! and the file itself must belong to somebody trusted and be closed to everybody else's writing. A sticky
//! folder may be open, since in it nobody can replace what belongs to another.

use crate::error::{Error, Result, as_word};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

/// How many links a path may lead through, as the kernel counts.
const MAX_LINKS: usize = 40;

/// The most that a manifest or a copy may weigh, in bytes: 64 MiB.
const MAX_SIZE: u64 = 64 << 20;

/// Who may have written what is read: root, and the person who runs this.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owners {
    pub(super) uid: u32,
}

impl Owners {
    fn trust(self, uid: u32) -> bool {
        uid == 0 || uid == self.uid
    }

    fn words(self) -> &'static str {
        if self.uid == 0 { "root" } else { "you or root" }
    }

    /// A folder may be open to others only where it is sticky.
    pub(super) fn check_folder(self, stat: &Stat, path: &Path) -> Result<()> {
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return Err(Error::new("is not a folder").at(path));
        }
        self.check_owner(stat, path)?;
        let sticky = stat.st_mode & 0o1000 != 0;
        if stat.st_mode & 0o022 != 0 && !sticky {
            return Err(writable(path));
        }
        Ok(())
    }

    fn check_file(self, stat: &Stat, path: &Path) -> Result<()> {
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Error::new("is not a file").at(path));
        }
        self.check_owner(stat, path)?;
        if stat.st_mode & 0o022 != 0 { Err(writable(path)) } else { Ok(()) }
    }

    fn check_owner(self, stat: &Stat, path: &Path) -> Result<()> {
        if self.trust(stat.st_uid) {
            return Ok(());
        }
        let message = format!("belongs to uid {}, and must belong to {}", stat.st_uid, self.words());
        Err(Error::new(message).at(path))
    }
}

fn writable(path: &Path) -> Error {
    Error::new("can be written by others than its owner")
        .at(path)
        .hint(format!("run chmod go-w {}, after a look at what it holds", as_word(&path.to_string_lossy())))
}

/// A folder on a trusted path.
#[derive(Debug)]
pub(super) struct Folder {
    fd: OwnedFd,
    path: PathBuf,
}

/// A trusted file's bytes, and the folder that it really lies in.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) bytes: Vec<u8>,
    pub(super) folder: Folder,
}

/// Reads the file at an absolute path; `None` where there is none.
pub(super) fn read(path: &Path, owners: Owners) -> Result<Option<Found>> {
    if !path.is_absolute() {
        return Err(Error::new("is not an absolute path").at(path));
    }
    let mut walk = Walk { above: vec![root(owners)?], owners, links: 0 };
    walk.read(path)
}

impl Folder {
    /// Reads a file below this folder; `None` where there is none. The caller has checked the path's names.
    pub(super) fn read(self: &Folder, path: &Path, owners: Owners) -> Result<Option<Vec<u8>>> {
        let here = Folder { fd: clone(&self.fd, &self.path)?, path: self.path.clone() };
        let mut walk = Walk { above: vec![root(owners)?, here], owners, links: 0 };
        Ok(walk.read(path)?.map(|found| found.bytes))
    }
}

fn root(owners: Owners) -> Result<Folder> {
    let path = PathBuf::from("/");
    let fd = rustix::fs::open("/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|cause| Error::io("open", &path, cause.into()))?;
    owners.check_folder(&stat_of(&fd, &path)?, &path)?;
    Ok(Folder { fd, path })
}

fn clone(fd: &OwnedFd, path: &Path) -> Result<OwnedFd> {
    fd.try_clone().map_err(|cause| Error::io("open", path, cause))
}

fn stat_of(fd: impl AsFd, path: &Path) -> Result<Stat> {
    fstat(fd).map_err(|cause| Error::io("look at", path, cause.into()))
}

/// Where a walk has come to: the folders from the root to here, all checked.
struct Walk {
    above: Vec<Folder>,
    owners: Owners,
    links: usize,
}

impl Walk {
    fn read(&mut self, path: &Path) -> Result<Option<Found>> {
        let mut left = names(path);
        while let Some(name) = left.pop_front() {
            match name {
                Name::Root => self.above.truncate(1),
                Name::Up => {
                    if self.above.len() > 1 {
                        self.above.pop();
                    }
                }
                Name::Here(name) => match self.step(&name, &mut left)? {
                    Step::On => {}
                    Step::Nothing => return Ok(None),
                    Step::Found(found) => return Ok(Some(found)),
                },
            }
        }
        Err(Error::new("is a folder, and must be a file").at(path))
    }

    /// One name further.
    fn step(&mut self, name: &OsString, left: &mut VecDeque<Name>) -> Result<Step> {
        let Some(here) = self.above.last() else {
            return Err(Error::new("is above the root folder").at(name));
        };
        let path = here.path.join(name);
        let stat = match statat(&here.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(Step::Nothing),
            Err(cause) => return Err(Error::io("look at", &path, cause.into())),
        };
        if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
            self.owners.check_owner(&stat, &path)?;
            self.links += 1;
            if self.links > MAX_LINKS {
                return Err(Error::new("leads through too many links").at(&path));
            }
            let target = readlinkat(&here.fd, name, Vec::new())
                .map_err(|cause| Error::io("read the link", &path, cause.into()))?;
            let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
            for name in names(&target).into_iter().rev() {
                left.push_front(name);
            }
            return Ok(Step::On);
        }
        if left.is_empty() {
            return self.file(name, path).map(Step::Found);
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(&here.fd, name, flags, Mode::empty())
            .map_err(|cause| Error::io("open", &path, cause.into()))?;
        self.owners.check_folder(&stat_of(&fd, &path)?, &path)?;
        self.above.push(Folder { fd, path });
        Ok(Step::On)
    }

    fn file(&self, name: &OsString, path: PathBuf) -> Result<Found> {
        let Some(here) = self.above.last() else {
            return Err(Error::new("is above the root folder").at(path));
        };
        // Not to wait for the writer of a pipe.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = openat(&here.fd, name, flags, Mode::empty())
            .map_err(|cause| Error::io("open", &path, cause.into()))?;
        self.owners.check_file(&stat_of(&fd, &path)?, &path)?;
        let mut bytes = Vec::new();
        File::from(fd)
            .take(MAX_SIZE + 1)
            .read_to_end(&mut bytes)
            .map_err(|cause| Error::io("read", &path, cause))?;
        if bytes.len() as u64 > MAX_SIZE {
            return Err(Error::new("is larger than 64 MiB").at(&path));
        }
        let folder = Folder { fd: clone(&here.fd, &here.path)?, path: here.path.clone() };
        Ok(Found { bytes, folder })
    }
}

/// What a step has come to.
enum Step {
    On,
    Nothing,
    Found(Found),
}

enum Name {
    Root,
    Up,
    Here(OsString),
}

fn names(path: &Path) -> VecDeque<Name> {
    path.components()
        .filter_map(|part| match part {
            Component::RootDir => Some(Name::Root),
            Component::ParentDir => Some(Name::Up),
            Component::Normal(name) => Some(Name::Here(name.to_owned())),
            Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    fn folder() -> (tempfile::TempDir, Owners) {
        let folder = tempfile::tempdir().unwrap();
        let uid = fs::metadata(folder.path()).unwrap().uid();
        (folder, Owners { uid })
    }

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn reads_through_links_and_knows_the_real_folder() {
        let (dir, owners) = folder();
        let store = dir.path().join("store");
        fs::create_dir_all(store.join("deep")).unwrap();
        fs::write(store.join("manifest.json"), "{}").unwrap();
        fs::write(store.join("deep/copy"), "x").unwrap();
        fs::create_dir(dir.path().join("etc")).unwrap();
        symlink("../store", dir.path().join("etc/uvars")).unwrap();
        symlink(store.join("manifest.json"), dir.path().join("etc/link")).unwrap();
        for path in ["etc/uvars/manifest.json", "etc/link", "etc/../etc/./link"] {
            let found = read(&dir.path().join(path), owners).unwrap().unwrap();
            assert_eq!(found.bytes, b"{}");
            assert_eq!(found.folder.read(Path::new("deep/copy"), owners).unwrap().unwrap(), b"x");
            assert!(found.folder.read(Path::new("deep/other"), owners).unwrap().is_none());
        }
        assert!(read(&dir.path().join("etc/none/x"), owners).unwrap().is_none());
        assert!(read(Path::new("relative"), owners).is_err());
        assert!(read(&store, owners).unwrap_err().to_string().contains("is not a file"));
        assert!(read(Path::new("/"), owners).is_err());
    }

    #[test]
    fn too_much_and_too_many_links_are_refused() {
        let (dir, owners) = folder();
        let file = dir.path().join("manifest.json");
        fs::File::create(&file).unwrap().set_len(MAX_SIZE + 1).unwrap();
        let error = read(&file, owners).unwrap_err().to_string();
        assert!(error.ends_with("is larger than 64 MiB"), "{error}");
        fs::write(&file, "{}").unwrap();
        for link in 0..=MAX_LINKS {
            let before = if link == 0 { "manifest.json".into() } else { (link - 1).to_string() };
            symlink(before, dir.path().join(link.to_string())).unwrap();
        }
        assert!(read(&dir.path().join("9"), owners).unwrap().is_some());
        let error = read(&dir.path().join(MAX_LINKS.to_string()), owners).unwrap_err().to_string();
        assert!(error.ends_with("leads through too many links"), "{error}");
    }

    #[test]
    fn what_others_can_write_is_refused() {
        let (dir, owners) = folder();
        let inner = dir.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let file = inner.join("manifest.json");
        fs::write(&file, "{}").unwrap();
        let refused = || read(&file, owners).unwrap_err().to_string();
        mode(&file, 0o664);
        assert!(refused().contains("manifest.json: can be written by others"), "{}", refused());
        mode(&file, 0o444);
        assert!(read(&file, owners).unwrap().is_some());
        for bad in [0o775, 0o757] {
            mode(&inner, bad);
            assert!(refused().contains("inner: can be written by others"), "{}", refused());
        }
        mode(&inner, 0o1777);
        assert!(read(&file, owners).unwrap().is_some());
    }

    #[test]
    fn what_belongs_to_others_is_refused() {
        let (dir, owners) = folder();
        if owners.uid != 0 {
            return;
        }
        let file = dir.path().join("manifest.json");
        fs::write(&file, "{}").unwrap();
        std::os::unix::fs::chown(&file, Some(4242), None).unwrap();
        assert!(
            read(&file, owners)
                .unwrap_err()
                .to_string()
                .contains("belongs to uid 4242, and must belong to root")
        );
        assert!(read(&file, Owners { uid: 4242 }).unwrap().is_some());
        let link = dir.path().join("link");
        symlink("/etc/passwd", &link).unwrap();
        std::os::unix::fs::lchown(&link, Some(4242), None).unwrap();
        assert!(read(&link, owners).unwrap_err().to_string().contains("link: belongs to uid 4242"));
    }

    #[test]
    fn loops_and_pipes_end() {
        let (dir, owners) = folder();
        symlink("b", dir.path().join("a")).unwrap();
        symlink("a", dir.path().join("b")).unwrap();
        assert!(read(&dir.path().join("a"), owners).unwrap_err().to_string().contains("too many links"));
        rustix::fs::mknodat(rustix::fs::CWD, dir.path().join("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert!(read(&dir.path().join("pipe"), owners).unwrap_err().to_string().contains("is not a file"));
    }
}
