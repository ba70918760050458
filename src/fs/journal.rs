//! How a transaction survives a crash at any point.
//!
//! The writer, holding the lock, takes these steps. Each is flushed to the disk before the next begins.
//!
//! 1. The journal is written under the name `journal.new` and renamed to `journal.staging`: from here on it is
//!    known which stages there may be.
//! 2. The new bytes are written beside their targets, as `.uvars-stage-<id>-<number>`, with the mode that the
//!    target is to have. The old files get a second name, `old-<id>/<number>` in the state folder, by hard link;
//!    where that fails they are copied.
//! 3. Nobody else has touched a target meanwhile. Then the commit mark: `journal.staging` is renamed to
//!    `journal.committed`.
//! 4. Files that are to go are removed, folders made, stages renamed over their targets.
//! 5. Empty folders are removed, then the journal, then the old files.
//!
//! Whoever takes the lock next and finds a journal goes by its name:
//!
//! * `staging`: no target was touched. The stages are removed, then the journal, then the old files.
//! * `committed`: every target must be what it was before or what it was to become, else nothing is done and
//!   the error names the target. Then step 4 is done for those that are as before. If one of their stages is
//!   lost, or the rest cannot be done, the journal is renamed to `journal.undoing`.
//! * `undoing`: every target that is as it was to become is put back from the old files, and the journal is
//!   renamed to `journal.staging`.
//!
//! `journal.new` is never read. Every one of these may itself be killed and begun again: renaming the journal
//! is the only thing that changes what is to be done, and what is done already is recognised by digests.
//!
//! # The file
//!
//! UTF-8 text, each line ended by a newline, fields separated by one space:
//!
//! ```text
//! uvars journal 1
//! id 0123456789abcdef
//! place git
//! count 2
//! <before> <after> <depth> keys/users/jon.pub
//! <before> <after> <depth> secrets/users/jon.sops.yaml
//! end <digest>
//! ```
//!
//! * `id`: sixteen hexadecimal digits, in the names of stages and of the folder of old files.
//! * `place`: `git` where the journal lies in a git directory, where no clone and no checkout can put a file.
//!   Elsewhere the inode number of the journal itself, so that one that came with an archive is known as such.
//! * One line for each target: the SHA-256 of its bytes before and after, `-` for none; how many leading
//!   parts of its path name the folder that its stage lies in, which is the deepest that was there; the
//!   path from the top of the working tree (without git: from the root), links resolved. Sorted, no path twice.
//! * `end`: the SHA-256 of all lines before it.
//!
//! Nothing else is taken, and paths are used through no link.

use super::state::State;
use super::{Digest, RepoPath, disk, id, tree};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::MetadataExt as _;

const TITLE: &str = "uvars journal 1";
/// What the file is called while it is written.
const UNFINISHED: &str = "journal.new";

/// How far a transaction has come, which is the name of its journal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    /// No target has been touched.
    Staging,
    /// All of it is to happen.
    Committed,
    /// None of it is to have happened.
    Undoing,
}

impl Phase {
    /// Each of them.
    pub(super) const ALL: [Self; 3] = [Self::Staging, Self::Committed, Self::Undoing];

    /// The name of the journal in this phase.
    pub(super) fn file_name(self) -> &'static str {
        match self {
            Self::Staging => "journal.staging",
            Self::Committed => "journal.committed",
            Self::Undoing => "journal.undoing",
        }
    }
}

/// One target.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Entry {
    /// From the top of the working tree, without links.
    pub(super) path: RepoPath,
    /// What it held; nothing if it was not there.
    pub(super) before: Option<Digest>,
    /// What it is to hold; nothing if it is to be gone.
    pub(super) after: Option<Digest>,
    /// How many parts of the path name the folder of its stage.
    pub(super) depth: usize,
}

/// What a transaction is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Journal {
    pub(super) id: String,
    pub(super) entries: Vec<Entry>,
}

impl Journal {
    /// The folder, in the state folder, that keeps the old files.
    pub(super) fn old_folder(&self) -> String {
        format!("old-{}", self.id)
    }

    /// Writes it down: step 1. If that fails, nothing is left.
    pub(super) fn begin(&self, state: &State) -> Result<()> {
        let written = self.write(state).and_then(|()| {
            disk::rename(state.handle(), UNFINISHED, state.handle(), Phase::Staging.file_name())
                .map_err(|error| Error::io("rename", state.path_of(UNFINISHED), error))
        });
        if written.is_err() {
            let _ = disk::unlink(state.handle(), UNFINISHED);
        }
        written?;
        disk::sync(state.handle()).map_err(|error| {
            let _ = disk::unlink(state.handle(), Phase::Staging.file_name());
            Error::io("flush the folder of", state.path_of(Phase::Staging.file_name()), error)
        })
    }

    fn write(&self, state: &State) -> Result<()> {
        let failed = |error| Error::io("write", state.path_of(UNFINISHED), error);
        let mut file = disk::create(state.handle(), UNFINISHED, 0o600).map_err(failed)?;
        let inode = file.metadata().map_err(failed)?.ino();
        let text = self.render((!state.in_git()).then_some(inode));
        if text.len() as u64 > super::LIMIT {
            return Err(Error::new("too many files for one transaction").at(state.path_of(UNFINISHED)));
        }
        disk::write(&mut file, text.as_bytes()).map_err(failed)?;
        disk::sync(&file).map_err(failed)
    }

    /// The text of the file; `inode` is its own, where it does not lie in a git directory.
    fn render(&self, inode: Option<u64>) -> String {
        let mut text = format!("{TITLE}\nid {}\n", self.id);
        let place = inode.map_or_else(|| "git".to_owned(), |inode| inode.to_string());
        let _ = writeln!(text, "place {place}\ncount {}", self.entries.len());
        for entry in &self.entries {
            let [before, after] = [entry.before, entry.after]
                .map(|digest| digest.map_or_else(|| "-".to_owned(), |digest| digest.to_string()));
            let _ = writeln!(text, "{before} {after} {} {}", entry.depth, entry.path);
        }
        let end = Digest::of(text.as_bytes());
        let _ = writeln!(text, "end {end}");
        text
    }

    /// Reads what [`Journal::render`] wrote, and nothing else; says what is wrong in a few words.
    fn parse(text: &str, inode: Option<u64>) -> std::result::Result<Self, &'static str> {
        let (body, end) = text.trim_end_matches('\n').rsplit_once('\n').ok_or("it is cut short")?;
        let body = format!("{body}\n");
        if end != format!("end {}", Digest::of(body.as_bytes())) || !text.ends_with('\n') {
            return Err("it is cut short or was changed");
        }
        let mut lines = body.lines();
        if lines.next() != Some(TITLE) {
            return Err("it is of another version of uvars");
        }
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned);
        let id = field("id").filter(|text| id::is_id(text)).ok_or("it has no id")?;
        let place = field("place").ok_or("it has no place")?;
        if place != inode.map_or_else(|| "git".to_owned(), |inode| inode.to_string()) {
            return Err("it was not written here, but copied");
        }
        let count: usize = field("count").and_then(|text| text.parse().ok()).ok_or("it has no count")?;
        let entries =
            lines.map(parse_entry).collect::<Option<Vec<_>>>().ok_or("a line of it is malformed")?;
        let journal = Self { id, entries };
        if journal.entries.len() != count || journal.render(inode) != text {
            return Err("it is malformed");
        }
        journal.check().map(|()| journal)
    }

    /// Whether the entries can be those of one transaction.
    fn check(&self) -> std::result::Result<(), &'static str> {
        let by_path: BTreeMap<&str, &Entry> = self.entries.iter().map(|e| (e.path.as_str(), e)).collect();
        if !self.entries.is_sorted_by(|one, next| one.path < next.path) {
            return Err("its paths are not sorted");
        }
        for entry in &self.entries {
            if entry.before == entry.after || entry.depth >= entry.path.parts().count() {
                return Err("a line of it makes no sense");
            }
            let folders = std::iter::successors(entry.path.parent(), RepoPath::parent);
            for above in folders.filter_map(|folder| by_path.get(folder.as_str()).copied()) {
                if above.after.is_some() == entry.after.is_some()
                    || above.before.is_some() == entry.before.is_some()
                {
                    return Err("a path of it is a file and a folder at once");
                }
            }
        }
        Ok(())
    }
}

fn parse_entry(line: &str) -> Option<Entry> {
    let mut fields = line.splitn(4, ' ');
    let mut digest = || match fields.next()? {
        "-" => Some(None),
        text => Digest::parse(text).map(Some),
    };
    let (before, after) = (digest()?, digest()?);
    let depth = fields.next()?.parse().ok()?;
    let path = RepoPath::new(fields.next()?).ok()?;
    Some(Entry { path, before, after, depth })
}

/// Goes from one phase to another: the journal gets its new name, for good. If that fails it has the old one.
pub(super) fn advance(state: &State, from: Phase, to: Phase) -> Result<()> {
    let handle = state.handle();
    let failed = |error| Error::io("mark the journal", state.path_of(from.file_name()), error);
    disk::rename(handle, from.file_name(), handle, to.file_name()).map_err(failed)?;
    disk::sync(handle).map_err(|error| {
        let _ = disk::rename(handle, to.file_name(), handle, from.file_name());
        failed(error)
    })
}

/// Removes the journal: the transaction is over.
pub(super) fn end(state: &State, phase: Phase) -> Result<()> {
    let name = phase.file_name();
    disk::unlink(state.handle(), name).map_err(|error| Error::io("remove", state.path_of(name), error))?;
    disk::sync(state.handle()).map_err(|error| Error::io("flush the folder of", state.path_of(name), error))
}

/// Whether there is a journal, whatever may be in it.
pub(super) fn is_there(state: &State) -> Result<bool> {
    for phase in Phase::ALL {
        let found = tree::look(state.handle(), phase.file_name());
        if found
            .map_err(|errno| Error::io("look at", state.path_of(phase.file_name()), errno.into()))?
            .is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The journal that an interrupted writer left, and how far it had come.
///
/// One that is not ours, or not as we write them, is refused.
pub(super) fn find(state: &State) -> Result<Option<(Phase, Journal)>> {
    let mut found = None;
    for phase in Phase::ALL {
        let Some((bytes, metadata)) = state.read(phase.file_name())? else { continue };
        let path = state.path_of(phase.file_name());
        let journal = trusted(&metadata).and_then(|()| {
            let text = std::str::from_utf8(&bytes).map_err(|_| "it is not UTF-8")?;
            Journal::parse(text, (!state.in_git()).then_some(metadata.ino()))
        });
        match journal {
            Err(flaw) => return Err(refused(flaw).at(path)),
            Ok(_) if found.is_some() => return Err(refused("there is more than one").at(path)),
            Ok(journal) => found = Some((phase, journal)),
        }
    }
    Ok(found)
}

fn trusted(metadata: &std::fs::Metadata) -> std::result::Result<(), &'static str> {
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err("it belongs to another user, who can run uvars recover");
    }
    if metadata.mode() & 0o022 != 0 || metadata.nlink() != 1 {
        return Err("others could have written it");
    }
    Ok(())
}

fn refused(flaw: &str) -> Error {
    Error::new(format!("this journal is not followed: {flaw}"))
        .hint("if it is not yours, remove it; nothing has been done")
}

/// Removes what a killed writer may have left without a journal that tells of it.
pub(super) fn sweep(state: &State) -> Result<()> {
    for (name, _) in tree::names(state.handle(), &state.path_of("").display().to_string())? {
        if name == UNFINISHED {
            disk::unlink(state.handle(), &name)
                .map_err(|error| Error::io("remove", state.path_of(&name), error))?;
        } else if name.strip_prefix("old-").is_some_and(id::is_id) {
            remove_old(state, &name)?;
        }
    }
    Ok(())
}

/// Removes a folder of old files.
pub(super) fn remove_old(state: &State, name: &str) -> Result<()> {
    let failed = |error| Error::io("remove", state.path_of(name), error);
    let folder = match tree::open_folder(state.handle(), name) {
        Ok(folder) => folder,
        Err(rustix::io::Errno::NOENT) => return Ok(()),
        Err(errno) => return Err(failed(errno.into())),
    };
    for (file, _) in tree::names(&folder, name)? {
        disk::unlink(&folder, &file).map_err(failed)?;
    }
    disk::remove_folder(state.handle(), name).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, before: Option<&str>, after: Option<&str>) -> Entry {
        let digest = |text: Option<&str>| text.map(|text| Digest::of(text.as_bytes()));
        let path = RepoPath::new(path).unwrap();
        Entry { depth: path.parts().count() - 1, path, before: digest(before), after: digest(after) }
    }

    fn journal() -> Journal {
        let entries = vec![
            entry("a b", None, Some("new")),
            entry("keys/jon.pub", Some("old"), Some("new")),
            entry("x", Some("old"), None),
            entry("x/y", None, Some("new")),
        ];
        Journal { id: "0123456789abcdef".to_owned(), entries }
    }

    /// The text with another last line, made right.
    fn sealed(body: &str) -> String {
        format!("{body}end {}\n", Digest::of(body.as_bytes()))
    }

    #[test]
    fn reads_what_it_writes() {
        for inode in [None, Some(42)] {
            assert_eq!(Journal::parse(&journal().render(inode), inode), Ok(journal()));
        }
    }

    #[test]
    fn one_from_elsewhere_is_refused() {
        let flaw = Err("it was not written here, but copied");
        assert_eq!(Journal::parse(&journal().render(Some(42)), Some(43)), flaw);
        assert_eq!(Journal::parse(&journal().render(None), Some(43)), flaw);
        assert_eq!(Journal::parse(&journal().render(Some(42)), None), flaw);
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_refused() {
        let text = journal().render(None);
        for at in 0..text.len() {
            assert!(Journal::parse(text.get(..at).unwrap(), None).is_err(), "cut at {at}");
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(Journal::parse(&changed, None).is_err(), "changed at {at}");
        }
    }

    #[test]
    fn hostile_ones_are_refused_though_well_sealed() {
        let d = Digest::of(b"d").to_string();
        let e = Digest::of(b"e").to_string();
        let head = "uvars journal 1\nid 0123456789abcdef\nplace git\n";
        let bodies = [
            format!("{head}count 1\n- {d} 0 /etc/passwd\n"),
            format!("{head}count 1\n- {d} 0 ../x\n"),
            format!("{head}count 1\n- {d} 1 a/../../x\n"),
            format!("{head}count 1\n- {d} 1 .git/config\n"),
            format!("{head}count 1\n- {d} 0 .uvars\n"),
            format!("{head}count 1\n- {d} 1 a\n"),
            format!("{head}count 1\n- {d} 99999999999999999999999 a\n"),
            format!("{head}count 1\n- {d} 00 a\n"),
            format!("{head}count 1\n{d} {d} 0 a\n"),
            format!("{head}count 1\n- - 0 a\n"),
            format!("{head}count 2\n- {d} 0 a\n"),
            format!("{head}count 2\n- {d} 0 a\n- {d} 0 a\n"),
            format!("{head}count 2\n- {d} 0 b\n- {d} 0 a\n"),
            format!("{head}count 2\n- {d} 0 a\n- {d} 1 a/b\n"),
            format!("{head}count 2\n{d} {e} 0 a\n- {d} 1 a/b\n"),
            format!("{head}count 0\n\n"),
            "uvars journal 2\nid 0123456789abcdef\nplace git\ncount 0\n".to_owned(),
            "uvars journal 1\nid ../../../../etc\nplace git\ncount 0\n".to_owned(),
            "uvars journal 1\nplace git\nid 0123456789abcdef\ncount 0\n".to_owned(),
            "uvars journal 1\r\nid 0123456789abcdef\nplace git\ncount 0\n".to_owned(),
        ];
        for body in bodies {
            assert!(Journal::parse(&sealed(&body), None).is_err(), "taken:\n{body}");
        }
        assert!(Journal::parse(&sealed(&format!("{head}count 1\n- {d} 0 a\n")), None).is_ok());
    }
}
