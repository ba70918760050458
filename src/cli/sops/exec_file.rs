//! `sops exec-file`: a command that is given a file in clear, by a pipe with a name or as a file in memory.

use super::Command;
use super::call::Call;
use super::decrypt;
use super::fault::{Fault, Outcome};
use super::flags::{Flag, Kind};
use super::run_as::{become_user, ended, shell};
use super::tables::{BACKGROUND, INPUT_TYPE, KEYSERVICE, LOCAL, ORDER, OUTPUT_TYPE, USER};
use crate::cli::child;
use crate::cli::scratch::Scratch;
use crate::error::Error;
use crate::secret::Secret;
use rustix::fs::{CWD, Mode};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

const NO_FIFO: Flag =
    Flag::new(&["no-fifo"], Kind::Switch(false), "A regular file in memory instead of a pipe with a name");
const USUAL_NAME: &str = "tmp-file";
const FILENAME: Flag = Flag::new(&["filename"], Kind::TextOr(USUAL_NAME), "The name of the file or pipe");

pub(super) const COMMAND: Command = Command {
    name: "exec-file",
    words: "FILE COMMAND",
    about: "Run a command of the shell, {} in it being the name of a file that holds the values in clear",
    more: "The file is a pipe that can be read once; with --no-fifo it is a regular file. Either lies in memory, in a \
           folder that goes when the command ends.",
    flags: &[&[BACKGROUND, NO_FIFO, USER, INPUT_TYPE, OUTPUT_TYPE, FILENAME, ORDER, LOCAL, KEYSERVICE]],
    below: &[],
    run,
};

fn run(call: &Call<'_>) -> Outcome<()> {
    let [file, command] = call.words() else {
        return Err(Fault::failed("error: missing file to decrypt"));
    };
    let source = call.named(Some(call.absolute(file))).called(file);
    let text = decrypt::decrypted(call, &source)?;
    if call.is_on("background") {
        return Err(Fault::failed(
            "exec-file cannot run a command in the background: the file would be gone before it is read",
        ));
    }
    let name = local_name(call.text("filename"))?;
    let scratch = Scratch::make(call.context)?;
    let path = scratch.path().join(name);
    let fifo = !call.is_on("no-fifo");
    lay_out(&path, &text, fifo)?;
    let mut child = shell(&command.replace("{}", &path.to_string_lossy()));
    if !call.text("user").is_empty() {
        give(&scratch, &path, call.text("user"))?;
        become_user(call.text("user"), &mut child)?;
    }
    let started = child.spawn().map_err(|error| Fault::failed(format!("fork/exec /bin/sh: {error}")))?;
    if fifo {
        feed(path, text);
    }
    let done = child::wait(started, "/bin/sh", None)?;
    // with it goes the file; a signal that asked us to end does so now
    drop(scratch);
    ended(done.status)
}

/// The name of the file, in which `.` and `..` may stand as long as they do not lead out of its folder.
fn local_name(typed: &str) -> Outcome<PathBuf> {
    let elsewhere = || Fault::failed("The provided filename is not a local path.");
    let mut name = PathBuf::new();
    for part in Path::new(if typed.is_empty() { USUAL_NAME } else { typed }).components() {
        match part {
            Component::Normal(part) => name.push(part),
            Component::CurDir => {}
            Component::ParentDir if name.pop() => {}
            _ => return Err(elsewhere()),
        }
    }
    if name.components().count() == 1 { Ok(name) } else { Err(elsewhere()) }
}

fn lay_out(path: &Path, text: &Secret, fifo: bool) -> Outcome<()> {
    let failed = |error| Fault::from(Error::io("write", path, error));
    if fifo {
        return make_fifo(path).map_err(|errno| failed(errno.into()));
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(text.expose()).map_err(failed)
}

#[cfg(target_os = "linux")]
fn make_fifo(path: &Path) -> rustix::io::Result<()> {
    rustix::fs::mknodat(CWD, path, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
}

#[cfg(not(target_os = "linux"))]
fn make_fifo(path: &Path) -> rustix::io::Result<()> {
    rustix::fs::mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR)
}

/// Hands folder and file to the user that the command runs as.
fn give(scratch: &Scratch, path: &Path, user: &str) -> Outcome<()> {
    let failed = |error| Fault::from(Error::io("give away", path, error));
    let (uid, gid) = super::run_as::ids(user)?;
    for place in [path, scratch.path()] {
        std::os::unix::fs::lchown(place, Some(uid), Some(gid)).map_err(failed)?;
    }
    Ok(())
}

/// Writes to whoever opens the pipe, once, beside the command; a command that never does so leaves us waiting no longer
/// than it runs.
fn feed(path: PathBuf, text: Secret) {
    std::thread::spawn(move || {
        if let Ok(mut pipe) = OpenOptions::new().write(true).open(path) {
            // a reader may close early
            let _ = pipe.write_all(text.expose());
        }
    });
}
