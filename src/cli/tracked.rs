//! Whether git has a file, or would take it along: what is in clear there is in everybody's clone.

use super::context::{Context, INVENTORY};
use super::ui::Ui;
use crate::error::{Error, Result};
use crate::fs;
use crate::secret::Secret;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};

/// Whether git tracks the file. Where there is a repository and git cannot be asked, that is an error: a guess
/// could leave passwords in everybody's clone.
pub(super) fn tracked(path: &Path) -> Result<bool> {
    let real = path.canonicalize().map_err(|error| Error::io("open", path, error))?;
    let (Some(folder), Some(name)) = (real.parent(), real.file_name()) else { return Ok(false) };
    if !folder.ancestors().any(|folder| folder.join(".git").symlink_metadata().is_ok()) {
        return Ok(false);
    }
    ask(folder, &["ls-files", "--error-unmatch", "--"], &literal(name))
        .ok_or_else(|| Error::new("cannot find out whether git tracks it").at(path).hint(OUTSIDE))
}

/// The versions of a file that git would hand on: the last commit's, and the one that is to be committed next.
#[derive(Debug, Default)]
pub(super) struct Versions {
    pub(super) committed: Option<Secret>,
    pub(super) staged: Option<Secret>,
}

/// What git has of a file; nothing where there is no repository. Where there is one and git cannot be asked, that is an
/// error.
pub(super) fn versions(path: &Path) -> Result<Versions> {
    // it answers at all
    let is_tracked = tracked(path)?;
    let real = path.canonicalize().map_err(|error| Error::io("open", path, error))?;
    let (Some(folder), Some(name)) = (real.parent(), real.file_name()) else {
        return Ok(Versions::default());
    };
    Ok(Versions {
        committed: version(folder, "HEAD:./", name),
        staged: if is_tracked { version(folder, ":./", name) } else { None },
    })
}

/// The bytes of a version of a file, without what any filter makes of them; nothing where git has none.
fn version(folder: &Path, of: &str, name: &OsStr) -> Option<Secret> {
    let mut object = OsString::from(of);
    object.push(name);
    let output = git(folder).args(["cat-file", "blob"]).arg(object).stdout(Stdio::piped()).output().ok()?;
    output.status.success().then(|| Secret::new(output.stdout))
}

const OUTSIDE: &str = "keep it outside of the repository";

/// Refuses a place for a private key that everybody would get with the fleet: in its working tree, and not ignored.
pub(super) fn refuse_shared_place(context: &Context, path: &Path) -> Result<()> {
    if !goes_along(context, path)? {
        return Ok(());
    }
    Err(Error::new("would be in the fleet's working tree, and a private key is nobody else's affair")
        .at(path)
        .hint("give --out a place outside of it")
        .hint("or have git ignore that file first"))
}

/// Says that a file in clear, which was written there, goes along with the fleet; `out` is the command that takes it
/// out.
pub(super) fn warn_of_shared_place(context: &Context, ui: &mut Ui, typed: &Path, out: &str) {
    if goes_along(context, &context.path(typed)).unwrap_or(true) {
        let typed = typed.display();
        ui.warn(format!("{typed}: is in clear in the fleet's working tree, and git does not ignore it"));
        ui.hint(format!("take it out before the next commit: {out}"));
    }
}

/// Whether a file that is written there goes along when the fleet is handed on: it is in the fleet's working tree, and
/// git does not ignore it.
pub(super) fn goes_along(context: &Context, path: &Path) -> Result<bool> {
    let real = fs::real_place(path)?;
    let around = real.ancestors().skip(1).find(|folder| folder.join(INVENTORY).symlink_metadata().is_ok());
    let fleet = match around {
        Some(folder) => folder.to_path_buf(),
        None => match context.find_fleet_root()? {
            Some(root) => root.dir().to_path_buf(),
            None => return Ok(false),
        },
    };
    let top = fleet.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok());
    let Ok(inside) = real.strip_prefix(top.unwrap_or(&fleet)) else { return Ok(false) };
    match top {
        // what is in no repository yet may be in one tomorrow
        None => Ok(true),
        Some(_) if inside.starts_with(".git") => Ok(false),
        Some(top) => ask(top, &["check-ignore", "-q", "--"], inside.as_os_str())
            .map(|ignored| !ignored)
            .ok_or_else(|| Error::new("cannot find out whether git ignores it").at(path).hint(OUTSIDE)),
    }
}

/// What git answers to a question of yes or no; nothing where it does not.
fn ask(folder: &Path, question: &[&str], about: &OsStr) -> Option<bool> {
    match git(folder).args(question).arg(about).status().ok()?.code() {
        Some(0) => Some(true),
        Some(1) => Some(false),
        _ => None,
    }
}

/// A git that says nothing to anybody, and takes its place from nothing but the folder.
fn git(folder: &Path) -> Command {
    let home =
        ["HOME", "XDG_CONFIG_HOME"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    let mut git = Command::new("git");
    git.arg("-C")
        .arg(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(home);
    git.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    git
}

/// A name that git does not take for a pattern.
fn literal(name: &OsStr) -> OsString {
    let mut text = OsString::from(":(literal)");
    text.push(name);
    text
}
