//! The link in a person's home that leads to their current values.
//!
//! What lands in a home is written with its owner's rights alone: a home may lie on a server or in a program that
//! gives root nothing, and no link or folder of that person can lead root anywhere. It is done by a child process
//! which gives up root for good. Not by a thread: from then on its owner may send it signals, and a signal that
//! stops or ends a thread stops or ends all of them. Not by a child that starts as that person either: it could be
//! stopped before it has started, which its parent waits for.

use super::databases::Login;
use crate::error::{Error, Result};
use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::fs::{self, DirBuilder};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The link, below a home.
pub(super) const LINK: &str = ".local/state/uvars/current";

/// How long a home may take to answer: one on a server that is away must not hold up a boot.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a child may take to end once it is killed: one that waits for a server for good is left to itself.
const LAST_PATIENCE: Duration = Duration::from_millis(200);

/// The most that the child has to say, in bytes.
const MOST_SAID: u64 = 1 << 12;

/// Makes the link in the home of `login` lead to `target`, with the rights of `login`, by a child: `helper` is a
/// program and its first arguments, and does [`link_home`] with uid, gid, home and target as further ones.
pub(super) fn link_as(helper: &[PathBuf], login: &Login, target: &Path) -> Result<()> {
    let home = Path::new(&login.home);
    if !home.is_absolute() {
        return Err(Error::new("is not an absolute path").at(home));
    }
    let Some((program, first)) = helper.split_first() else {
        return Err(Error::new("no helper is named that could make it").at(home));
    };
    let mut child = Command::new(program)
        .arg0("uvars")
        .args(first)
        .args([login.uid.to_string(), login.gid.to_string()])
        .args([home, target])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|cause| Error::io("start the helper for", home, cause))?;
    let Some(status) = ended(&mut child, PATIENCE) else {
        drop(child.kill());
        ended(&mut child, LAST_PATIENCE);
        return Err(Error::new("does not answer").at(home));
    };
    if status.success() {
        return Ok(());
    }
    // The child has ended, so this does not wait.
    let mut said = Vec::new();
    let read = child.stdout.take().map(|out| out.take(MOST_SAID).read_to_end(&mut said));
    let said = String::from_utf8_lossy(&said);
    Err(match said.trim() {
        "" => Error::new(format!("the helper was ended: {status}")).at(home),
        _ if !matches!(read, Some(Ok(_))) => Error::new("the helper failed").at(home),
        said => Error::new(said),
    })
}

/// How a child ended; `None` if it has not after `patience`.
fn ended(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let until = Instant::now() + patience;
    let mut pause = Duration::from_micros(200);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < until => sleep(pause),
            _ => return None,
        }
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}

/// What the helper does, in a process of its own: it gives up root for `uid` and `gid`, for good, and makes the
/// link in `home` lead to `target`.
pub fn link_home(uid: u32, gid: u32, home: &Path, target: &Path) -> Result<()> {
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    set_thread_groups(&[])
        .and_then(|()| set_thread_res_gid(gid, gid, gid))
        .and_then(|()| set_thread_res_uid(uid, uid, uid))
        .map_err(|cause| Error::io("give up the rights of root for", home, cause.into()))?;
    link(home, target)
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
}
