//! Whether git has a file, or would take it along: what is in clear there is in everybody's clone.

use super::context::{Context, INVENTORY};
use super::ui::Ui;
use crate::error::{Error, Result, as_word};
use crate::fs;
use crate::secret::Secret;
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether git tracks the file. Where there is a repository and git cannot be asked, that is an error: a guess
/// could leave passwords in everybody's clone.
pub(super) fn tracked(path: &Path) -> Result<bool> {
    let real = path.canonicalize().map_err(|error| Error::io("open", path, error))?;
    let (Some(folder), Some(name)) = (real.parent(), real.file_name()) else { return Ok(false) };
    if repository(folder).is_none() {
        return Ok(false);
    }
    ask(folder, &["ls-files", "--error-unmatch", "--"], &literal(name))
        .ok_or_else(|| Error::new("cannot find out whether git tracks it").at(path).hint(OUTSIDE))
}

/// The nearest folder, from this one up, that has a repository of git.
fn repository(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok())
}

/// A file, and what git would hand on of it and of the text that it has, or had.
#[derive(Debug, Default)]
pub(super) struct Versions {
    /// What the last commit has by its name.
    pub(super) committed: Option<Secret>,
    /// What is to be committed next by its name.
    pub(super) staged: Option<Secret>,
    /// Whether the last commit has that too, by whatever name: one that was moved is not new.
    pub(super) staged_before: bool,
    /// Whether the last commit has the text itself, by whatever name.
    pub(super) text_committed: bool,
    /// The other files to be committed next that are the text itself.
    pub(super) twins: Vec<PathBuf>,
}

/// What git has of a file, links followed, and of a text; nothing where there is no repository. Where there is one and
/// git cannot be asked, that is an error.
pub(super) fn versions(path: &Path, text: &Secret) -> Result<Versions> {
    // it answers at all
    let is_tracked = tracked(path)?;
    let real = path.canonicalize().map_err(|error| Error::io("open", path, error))?;
    let (Some(folder), Some(name)) = (real.parent(), real.file_name()) else {
        return Ok(Versions::default());
    };
    let Some(top) = repository(folder) else { return Ok(Versions::default()) };
    let staged = if is_tracked { version(folder, ":./", name) } else { None };
    let found = || {
        let committed = last_commit(folder)?;
        let has = |id: &str| committed.iter().any(|(known, _)| known == id);
        let text = object_id(folder, text)?;
        let staged_before = match &staged {
            Some(staged) => has(&object_id(folder, staged)?),
            None => false,
        };
        let twins = index(folder)?.into_iter().filter(|(id, _)| *id == text);
        let twins = twins.map(|(_, path)| top.join(path)).filter(|twin| *twin != real).collect();
        Some((staged_before, has(&text), twins))
    };
    let (staged_before, text_committed, twins) =
        found().ok_or_else(|| Error::new("cannot find out what git has of it").at(path))?;
    let committed = version(folder, "HEAD:./", name);
    Ok(Versions { committed, staged, staged_before, text_committed, twins })
}

/// The bytes of a version of a file, without what any filter makes of them; nothing where git has none.
fn version(folder: &Path, of: &str, name: &OsStr) -> Option<Secret> {
    let mut object = OsString::from(of);
    object.push(name);
    output(git(folder).args(["cat-file", "blob"]).arg(object)).map(Secret::new)
}

/// A file that git has: the id of what is in it, and its path from the top of the repository.
type Blob = (String, PathBuf);

/// The files of the last commit; none before the first one.
fn last_commit(folder: &Path) -> Option<Vec<Blob>> {
    match git(folder).args(["rev-parse", "--verify", "-q", "HEAD"]).status().ok()?.code() {
        Some(0) => {}
        Some(1) => return Some(Vec::new()),
        _ => return None,
    }
    // of each: mode, type and id
    let listed = output(git(folder).args(["ls-tree", "-r", "-z", "--full-tree", "HEAD"]))?;
    blobs(&listed, 2)
}

/// The files that are to be committed next.
fn index(folder: &Path) -> Option<Vec<Blob>> {
    // of each: mode, id and stage
    let listed = output(git(folder).args(["ls-files", "-s", "-z", "--full-name", "--", ":/"]))?;
    blobs(&listed, 1)
}

/// Reads a list of files, the id in the given column in front of the path.
fn blobs(listed: &[u8], column: usize) -> Option<Vec<Blob>> {
    let lines = listed.split(|byte| *byte == 0).filter(|line| !line.is_empty());
    let blob = |line: &[u8]| {
        let tab = line.iter().position(|byte| *byte == b'\t')?;
        let (columns, path) = (line.get(..tab)?, line.get(tab + 1..)?);
        let id = std::str::from_utf8(columns).ok()?.split(' ').nth(column)?;
        Some((id.to_owned(), PathBuf::from(OsStr::from_bytes(path))))
    };
    lines.map(blob).collect()
}

/// The id that git has for a text, as it is, whether it has it or not.
fn object_id(folder: &Path, text: &Secret) -> Option<String> {
    let mut git = git(folder);
    git.args(["hash-object", "--stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = git.spawn().ok()?;
    let given = child.stdin.take().map(|mut stdin| stdin.write_all(text.expose()));
    let output = child.wait_with_output().ok()?;
    let id = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && matches!(given, Some(Ok(())))).then(|| id.trim_end().to_owned())
}

/// What git prints; nothing where it fails.
fn output(git: &mut Command) -> Option<Vec<u8>> {
    let output = git.stdout(Stdio::piped()).output().ok()?;
    output.status.success().then_some(output.stdout)
}

/// A command line of git about files of one repository, as it can be typed where this one was. Links in front of the
/// files' names are to be followed already.
pub(super) fn git_line<P: AsRef<Path>>(context: &Context, command: &str, places: &[P]) -> String {
    let there = places.first().and_then(|place| repository(place.as_ref().parent()?));
    let is_moved = context.typed(Path::new("")).is_absolute();
    let here = context.directory().canonicalize().ok().filter(|_| !is_moved);
    let here = here.as_deref().filter(|here| repository(here) == there);
    let (dir, from) = match (here, there) {
        (None, Some(top)) => (format!("-C {} ", as_word(&top.to_string_lossy())), Some(top)),
        _ => (String::new(), here),
    };
    places.iter().map(AsRef::as_ref).fold(format!("git {dir}{command}"), |line, place: &Path| {
        let path = from.and_then(|from| place.strip_prefix(from).ok()).unwrap_or(place).to_string_lossy();
        // git would take it for an option, or for more than a name
        let path = if path.starts_with(['-', ':']) { Cow::Owned(format!("./{path}")) } else { path };
        format!("{line} {}", as_word(&path))
    })
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
    let fleet_of = |place: &Path| {
        let mut folders = place.ancestors().skip(1).map(Path::to_path_buf);
        folders.find(|folder| folder.join(INVENTORY).symlink_metadata().is_ok())
    };
    let ours = || context.directory().join(INVENTORY);
    let Some(fleet) = fleet_of(&real).or_else(|| fleet_of(&fs::real_place(&ours()).ok()?)) else {
        return Ok(false);
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
