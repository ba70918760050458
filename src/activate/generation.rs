//! Generations: numbered folders, one link to the current one, and the lock of whoever changes them.
//!
//! A generation is written whole beside the others, then the link is swapped by one rename, then all but the
//! current one and the one before it are removed (whoever has just opened the link still reads on). Killed at
//! any point, the link leads to a whole generation, and the next run clears what was left behind.

use super::dir::{Open, There, move_away};
use super::tree::Tree;
use super::trust::Owners;
use crate::error::{Error, Result};
use rustix::fs::{FlockOperation, Mode, OFlags, RenameFlags, flock, openat, renameat_with};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Where the generations of one kind live.
#[derive(Clone, Debug)]
pub(super) struct Store {
    /// The folder that holds the folder of generations, and the lock: `/run`.
    pub(super) base: PathBuf,
    /// `uvars`: generations in `uvars.d`, the lock in `uvars.lock`.
    pub(super) name: String,
    /// The link to the current generation.
    pub(super) link: PathBuf,
    /// The permission bits of every folder.
    pub(super) folder_mode: u32,
    /// Whose all of this must be.
    pub(super) owners: Owners,
    /// Whether something that stands in the place of the link is put aside; otherwise it is an error.
    pub(super) put_aside: bool,
}

/// The generation that the link leads to.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// Its number; `None` where the link leads to no generation of this store.
    pub(super) number: Option<u64>,
    /// Its files; `None` where the folder is not there or not as activation makes it.
    pub(super) tree: Option<Tree>,
}

/// Holds the lock until it is dropped.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "the descriptor is the lock")] OwnedFd);

impl Lock {
    /// Locks an open file or folder for this process alone; an error after `wait`, `None` where the file system
    /// cannot lock it.
    pub(super) fn of(fd: OwnedFd, path: &Path, wait: Duration) -> Result<Option<Self>> {
        let until = Instant::now() + wait;
        loop {
            match flock(&fd, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Some(Self(fd))),
                Err(Errno::WOULDBLOCK) if Instant::now() < until => sleep(Duration::from_millis(10)),
                Err(Errno::WOULDBLOCK) => {
                    let message =
                        format!("another uvars activate has held this for {} seconds", wait.as_secs());
                    return Err(Error::new(message)
                        .at(path)
                        .hint("wait for it, or end it, and run this again"));
                }
                Err(Errno::BADF | Errno::OPNOTSUPP | Errno::NOLCK | Errno::NOSYS | Errno::INVAL) => {
                    return Ok(None);
                }
                Err(cause) => return Err(Error::io("lock", path, cause.into())),
            }
        }
    }
}

impl Store {
    /// `/run/uvars.d`.
    pub(super) fn folder(&self) -> PathBuf {
        self.base.join(self.folder_name())
    }

    /// The folder of generations that a base has, by its name there.
    pub(super) fn folder_name(&self) -> String {
        format!("{}.d", self.name)
    }

    fn open_base(&self) -> Result<Open> {
        Open::at(&self.base, self.owners)
    }

    /// Waits for every other run; an error after `wait`.
    pub(super) fn lock(&self, wait: Duration) -> Result<Lock> {
        let name = format!("{}.lock", self.name);
        let path = self.base.join(&name);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(self.open_base()?, &name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|cause| Error::io("open the lock", &path, cause.into()))?;
        Lock::of(fd, &path, wait)?.ok_or_else(|| Error::new("is on a file system without locks").at(path))
    }

    /// The folder of generations; `None` where it is not there.
    pub(super) fn open(&self) -> Result<Option<Open>> {
        match Open::at(&self.base, self.owners) {
            Ok(base) => base.folder(&self.folder_name(), self.owners),
            Err(_) if !self.base.exists() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The folder of generations, made where it is not there.
    pub(super) fn open_or_make(&self) -> Result<Open> {
        self.open_base()?.folder_or_make(&self.folder_name(), self.folder_mode, self.owners)
    }

    /// The number of the current generation.
    pub(super) fn current(&self) -> Result<Option<u64>> {
        let Some(number) = self.linked() else { return Ok(None) };
        let folder =
            self.open()?.map(|folder| folder.folder(&number.to_string(), self.owners)).transpose()?;
        Ok(folder.flatten().map(|_| number))
    }

    /// What is current.
    pub(super) fn live(&self) -> Result<Live> {
        let Some(number) = self.linked() else { return Ok(Live::default()) };
        let open =
            self.open()?.map(|folder| folder.folder(&number.to_string(), self.owners)).transpose()?.flatten();
        let tree = open.map(|open| open.read(self.owners)).transpose()?.flatten();
        Ok(Live { number: Some(number), tree })
    }

    /// Whether the link leads to something, be it a generation or not.
    pub(super) fn leads_somewhere(&self) -> bool {
        self.link.is_symlink() && self.link.exists()
    }

    /// The number of the generation that the link names.
    fn linked(&self) -> Option<u64> {
        let target = std::fs::read_link(&self.link).ok()?;
        if target.parent() != Some(&self.folder()) {
            return None;
        }
        target.file_name().and_then(|name| number(name.to_str()?))
    }

    /// Writes a generation, makes it current and removes old ones. Returns its number, and what went wrong
    /// after it was current.
    pub(super) fn publish(&self, tree: &Tree, live: &Live) -> Result<(u64, Vec<String>)> {
        let folder = self.open_or_make()?;
        let highest = folder.names()?.iter().filter_map(|name| number(name)).max();
        let next = highest.max(live.number).unwrap_or(0) + 1;
        let name = next.to_string();
        let written =
            folder.make(&name, self.folder_mode).and_then(|open| open.write(tree, self.folder_mode));
        let linked = written.and_then(|()| self.swap(&folder.path().join(&name)));
        let mut notes: Vec<String> = match linked {
            Ok(note) => note.into_iter().collect(),
            Err(error) => {
                // The error that stopped it is the one to tell; the next run clears up again.
                drop(folder.remove(&name));
                return Err(error);
            }
        };
        if let Err(error) = prune(&folder, next, live.number) {
            notes.push(format!("an old generation is left behind: {error}"));
        }
        Ok((next, notes))
    }

    /// Removes what a run that was ended left behind; the current generation is as it should be.
    pub(super) fn tidy(&self, current: u64) -> Result<()> {
        let Some(folder) = self.open()? else { return Ok(()) };
        let before =
            folder.names()?.iter().filter_map(|name| number(name)).filter(|found| *found < current).max();
        prune(&folder, current, before)
    }

    /// Swaps the link. What stands in its place and is no link is put aside, and the note says where.
    fn swap(&self, target: &Path) -> Result<Option<String>> {
        let (Some(above), Some(name)) =
            (self.link.parent(), self.link.file_name().and_then(|name| name.to_str()))
        else {
            return Err(Error::new("cannot be a link").at(&self.link));
        };
        let above = Open::at(above, self.owners)?;
        if above.there(name)? != There::Other {
            return above.relink(name, target).map(|()| None);
        }
        let aside = format!("{name}.before-uvars");
        if !self.put_aside || above.there(&aside)? != There::Nothing {
            let error = Error::new("is no link, and nothing of ours").at(&self.link);
            return Err(error.hint(format!("move it away: {}", move_away(&self.link))));
        }
        above.relink(&aside, target)?;
        renameat_with(&above, &aside, &above, name, RenameFlags::EXCHANGE)
            .map_err(|cause| Error::io("exchange with the new link", &self.link, cause.into()))?;
        let aside = above.path().join(aside);
        Ok(Some(format!("{} was no link, and is now {}", self.link.display(), aside.display())))
    }
}

/// Removes every generation but the current one and the one before; names that are no numbers stay.
fn prune(folder: &Open, current: u64, before: Option<u64>) -> Result<()> {
    for name in folder.names()? {
        if let Some(found) = number(&name)
            && found != current
            && Some(found) != before
        {
            folder.remove(&name)?;
        }
    }
    Ok(())
}

/// The number of a generation, written as [`Store::publish`] writes it.
pub(super) fn number(name: &str) -> Option<u64> {
    let digits = (1..=18).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_digit());
    if digits && !name.starts_with('0') { name.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::super::tree::Leaf;
    use super::*;
    use crate::secret::Secret;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    fn store(dir: &tempfile::TempDir) -> Store {
        let owners = Owners { uid: fs::metadata(dir.path()).unwrap().uid() };
        Store {
            base: dir.path().to_owned(),
            name: "uvars".into(),
            link: dir.path().join("uvars"),
            folder_mode: 0o711,
            owners,
            put_aside: true,
        }
    }

    fn tree(dir: &tempfile::TempDir, content: &str) -> Tree {
        let meta = fs::metadata(dir.path()).unwrap();
        let leaf = Leaf { content: Secret::from(content), uid: meta.uid(), gid: meta.gid(), mode: 0o400 };
        Tree([("a/b".to_owned(), leaf)].into())
    }

    fn publish(dir: &tempfile::TempDir, content: &str) -> u64 {
        let store = store(dir);
        let live = store.live().unwrap();
        let (number, notes) = store.publish(&tree(dir, content), &live).unwrap();
        assert_eq!(notes, Vec::<String>::new());
        assert_eq!(fs::read_to_string(dir.path().join("uvars/a/b")).unwrap(), content);
        assert_eq!(store.live().unwrap().tree.unwrap(), tree(dir, content));
        number
    }

    fn generations(dir: &tempfile::TempDir) -> Vec<String> {
        Open::at(&dir.path().join("uvars.d"), store(dir).owners).unwrap().names().unwrap()
    }

    #[test]
    fn numbers_rise_and_one_older_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        assert!(store(&dir).live().unwrap().number.is_none());
        for (number, kept) in [(1, vec!["1"]), (2, vec!["1", "2"]), (3, vec!["2", "3"])] {
            assert_eq!(publish(&dir, &format!("value {number}")), number);
            assert_eq!(generations(&dir), kept);
        }
    }

    #[test]
    fn a_forced_link_a_leftover_and_names_that_are_no_numbers() {
        let dir = tempfile::tempdir().unwrap();
        publish(&dir, "one");
        let folder = dir.path().join("uvars.d");
        for name in ["90", "99", "0101", "status.json", "-3"] {
            fs::create_dir(folder.join(name)).unwrap();
        }
        fs::remove_file(dir.path().join("uvars")).unwrap();
        symlink(folder.join("99"), dir.path().join("uvars")).unwrap();
        assert_eq!(publish(&dir, "two"), 100);
        assert_eq!(generations(&dir), ["-3", "0101", "100", "99", "status.json"]);
        // What a killed run left behind is neither reused nor kept.
        fs::create_dir(folder.join("104")).unwrap();
        assert_eq!(publish(&dir, "three"), 105);
        assert_eq!(generations(&dir), ["-3", "0101", "100", "105", "status.json"]);
    }

    #[test]
    fn what_is_no_link_is_put_aside() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("uvars")).unwrap();
        fs::write(dir.path().join("uvars/precious"), "x").unwrap();
        let (_, notes) = store(&dir).publish(&tree(&dir, "one"), &Live::default()).unwrap();
        assert!(notes[0].contains("uvars.before-uvars"), "{notes:?}");
        assert_eq!(fs::read_to_string(dir.path().join("uvars.before-uvars/precious")).unwrap(), "x");
        assert_eq!(fs::read_to_string(dir.path().join("uvars/a/b")).unwrap(), "one");
        fs::remove_file(dir.path().join("uvars")).unwrap();
        fs::write(dir.path().join("uvars"), "again").unwrap();
        let refused = store(&dir).publish(&tree(&dir, "two"), &Live::default()).unwrap_err();
        assert!(refused.to_string().contains("is no link"), "{refused}");
        assert_eq!(generations(&dir), ["1"]);
        // nor is it touched where that is not wanted
        fs::remove_file(dir.path().join("uvars.before-uvars/precious")).unwrap();
        fs::remove_dir(dir.path().join("uvars.before-uvars")).unwrap();
        let store = Store { put_aside: false, ..store(&dir) };
        let refused = store.publish(&tree(&dir, "two"), &Live::default()).unwrap_err();
        assert!(refused.to_string().contains("is no link"), "{refused}");
        assert_eq!(fs::read_to_string(dir.path().join("uvars")).unwrap(), "again");
    }

    #[test]
    fn a_link_elsewhere_is_no_generation_and_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        for target in ["/run/uvars/home/jon", "/run/elsewhere.d/7"] {
            drop(fs::remove_dir_all(dir.path().join("uvars.d")));
            drop(fs::remove_file(dir.path().join("uvars")));
            symlink(target, dir.path().join("uvars")).unwrap();
            assert!(store(&dir).live().unwrap().number.is_none());
            assert_eq!(publish(&dir, "one"), 1);
        }
    }

    #[test]
    fn the_lock_is_exclusive() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir);
        let held = store.lock(Duration::ZERO).unwrap();
        assert!(
            store.lock(Duration::from_millis(30)).unwrap_err().to_string().contains("another uvars activate")
        );
        drop(held);
        // a child that another test has just begun may hold the descriptor for a moment
        store.lock(Duration::from_secs(5)).unwrap();
    }
}
