//! Whether git has a file: what is in clear there is in everybody's clone.

use crate::error::{Error, Result};
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
    let unknown = || {
        Error::new("cannot find out whether git tracks it").at(path).hint("keep it outside of the repository")
    };
    let status = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["ls-files", "--error-unmatch", "--"])
        .arg(literal(name))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(
            ["HOME", "XDG_CONFIG_HOME"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|_| unknown())?;
    match status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ => Err(unknown()),
    }
}

/// A name that git does not take for a pattern.
fn literal(name: &OsStr) -> OsString {
    let mut text = OsString::from(":(literal)");
    text.push(name);
    text
}
