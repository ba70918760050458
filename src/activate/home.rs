//! The link in a person's home that leads to their current values.
//!
//! What lands in a home is written with its owner's rights alone: root does it in a thread that has given up
//! root for good, so that no link or folder of that person can lead it anywhere they could not go themselves.

use super::databases::Login;
use crate::error::{Error, Result};
use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The link, below a home.
pub(super) const LINK: &str = ".local/state/uvars/current";

/// How long a home may take to answer: one on a server that is away must not hold up a boot.
const PATIENCE: Duration = Duration::from_secs(5);

/// Makes the link in the home of `login` lead to `target`, with the rights of `login`.
pub(super) fn link_as(login: &Login, target: PathBuf) -> Result<()> {
    let (uid, gid) = (Uid::from_raw(login.uid), Gid::from_raw(login.gid));
    let home = PathBuf::from(&login.home);
    if !home.is_absolute() {
        return Err(Error::new("is not an absolute path").at(home));
    }
    let (tell, told) = mpsc::channel();
    let at = home.clone();
    let work = move || {
        let given_up = set_thread_groups(&[])
            .and_then(|()| set_thread_res_gid(gid, gid, gid))
            .and_then(|()| set_thread_res_uid(uid, uid, uid))
            .map_err(|cause| Error::io("give up the rights of root for", &home, cause.into()));
        // Nobody listens any more if this took too long.
        drop(tell.send(given_up.and_then(|()| link(&home, &target))));
    };
    thread::Builder::new()
        .name("home".to_owned())
        .spawn(work)
        .map_err(|cause| Error::io("start", &at, cause))?;
    told.recv_timeout(PATIENCE).unwrap_or_else(|_| Err(Error::new("does not answer").at(&at)))
}

/// Makes the link in `home` lead to `target`, with the rights of whoever calls.
fn link(home: &Path, target: &Path) -> Result<()> {
    if !home.is_dir() {
        return Err(Error::new("is not there yet").at(home));
    }
    let link = home.join(LINK);
    match fs::symlink_metadata(&link) {
        Ok(found) if !found.is_symlink() => {
            return Err(Error::new("is no link").at(&link).hint("move it away"));
        }
        Ok(_) if fs::read_link(&link).is_ok_and(|old| old == target) => return Ok(()),
        _ => {}
    }
    make_folder(home)?;
    let staged = link.with_file_name(".current.new");
    let made = match symlink(target, &staged) {
        Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {
            fs::remove_file(&staged).and_then(|()| symlink(target, &staged))
        }
        made => made,
    };
    made.map_err(|cause| Error::io("make the link", &staged, cause))?;
    fs::rename(&staged, &link).map_err(|cause| Error::io("replace", &link, cause))
}

/// Makes the folder of the link and returns it.
pub(super) fn make_folder(home: &Path) -> Result<PathBuf> {
    let link = home.join(LINK);
    let folder = link.parent().unwrap_or(home);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|cause| Error::io("make the folder", folder, cause))?;
    Ok(folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, chown};

    #[test]
    fn the_link_is_made_replaced_and_never_put_over_anything_else() {
        let dir = tempfile::tempdir().unwrap();
        let current = dir.path().join(LINK);
        for target in ["/run/uvars/home/jon", "/run/uvars/home/jon", "/run/user/1/uvars.d/2"] {
            link(dir.path(), Path::new(target)).unwrap();
            assert_eq!(fs::read_link(&current).unwrap(), Path::new(target));
        }
        symlink("left", current.with_file_name(".current.new")).unwrap();
        link(dir.path(), Path::new("/new")).unwrap();
        assert_eq!(fs::read_link(&current).unwrap(), Path::new("/new"));
        fs::remove_file(&current).unwrap();
        fs::write(&current, "mine").unwrap();
        assert!(link(dir.path(), Path::new("/new")).unwrap_err().to_string().contains("is no link"));
        assert_eq!(fs::read(&current).unwrap(), b"mine");
        assert!(link(&dir.path().join("none"), Path::new("/new")).is_err());
    }

    #[test]
    fn root_writes_a_home_as_its_owner() {
        let dir = tempfile::tempdir_in("/tmp").unwrap();
        if fs::metadata(dir.path()).unwrap().uid() != 0 {
            return;
        }
        let home = dir.path().join("jon");
        fs::create_dir(&home).unwrap();
        chown(&home, Some(4242), Some(4242)).unwrap();
        chown(dir.path(), Some(4242), Some(4242)).unwrap();
        let login = Login { name: "jon".into(), uid: 4242, gid: 4243, home: home.to_str().unwrap().into() };
        link_as(&login, "/run/uvars/home/jon".into()).unwrap();
        let made = fs::symlink_metadata(home.join(LINK)).unwrap();
        assert_eq!((made.uid(), made.gid()), (4242, 4243));
        assert_eq!(fs::metadata(dir.path()).unwrap().uid(), 4242);
        // The test itself is still root.
        chown(&home, Some(0), Some(0)).unwrap();
        fs::remove_dir_all(home.join(".local")).unwrap();
        assert!(link_as(&login, "/x".into()).unwrap_err().to_string().contains("Permission denied"));
        // A person cannot have root write where they may not.
        let other = dir.path().join("other");
        fs::create_dir(&other).unwrap();
        chown(&home, Some(4242), Some(4242)).unwrap();
        symlink(&other, home.join(".local")).unwrap();
        assert!(link_as(&login, "/x".into()).unwrap_err().to_string().contains("Permission denied"));
        assert_eq!(fs::read_dir(&other).unwrap().count(), 0);
    }
}
