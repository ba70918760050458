//! What the last run left to know about a tree: a file beside the generations, names and no values.

use super::dir::Open;
use super::generation::Store;
use super::json::{Fields, Json};
use super::report::{Failure, FileReport, Kept, TreeReport};
use crate::error::{Error, Result};
use crate::fs::{Digest, RepoPath};
use serde_json::json;
use std::path::PathBuf;

const NAME: &str = "status.json";

/// What is known of a tree.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// The link that leads to the current generation.
    pub link: String,
    /// The generation that the link leads to now.
    pub generation: Option<u64>,
    /// What the last run that came to its end reported; its `changes` are empty.
    pub last: Option<TreeReport>,
}

impl Status {
    /// Whether a run after the reported one swapped the link and was ended before it could report.
    pub fn is_interrupted(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.generation != self.generation)
    }
}

/// Writes the report beside the generations.
pub(super) fn write(folder: &Open, report: &TreeReport) -> Result<()> {
    let document = json!({
        "version": 1,
        "link": report.link,
        "for": report.of,
        "generation": report.generation,
        "files": report.files.iter().map(|file| json!({
            "path": file.path.as_str(),
            "sha256": file.sha256.to_string(),
            "opened": file.opened,
            "changed": file.changed,
        })).collect::<Vec<_>>(),
        "failures": report.failures.iter().map(|failure| json!({
            "item": failure.item,
            "message": failure.message,
            "hints": failure.hints,
            "kept": failure.kept.word(),
        })).collect::<Vec<_>>(),
        "notes": report.notes,
    });
    let mut bytes = document.to_string().into_bytes();
    bytes.push(b'\n');
    folder.replace(NAME, &bytes)
}

/// Whose manifest the last run had, as far as that is known.
pub(super) fn last_of(store: &Store) -> Option<String> {
    read(store).ok()?.last?.of
}

/// The link that the last run in a store was about, as far as that is known.
pub(super) fn last_link(store: &Store) -> Option<PathBuf> {
    Some(read(store).ok()?.last?.link.into())
}

/// A remark where a manifest is another's than the one before.
pub(super) fn other(before: Option<&str>, now: &str) -> Option<String> {
    let before = before.filter(|before| *before != now)?;
    Some(format!("this is the manifest of {now}, and the one before was that of {before}"))
}

/// What is known of the tree of a store.
pub(super) fn read(store: &Store) -> Result<Status> {
    let link = store.link.display().to_string();
    let Some(folder) = store.open()? else { return Ok(Status { link, ..Status::default() }) };
    let last = folder.read_bytes(NAME)?.map(|bytes| parse(bytes.content.expose())).transpose();
    let last = last.map_err(|error| error.at(folder.path().join(NAME)))?;
    Ok(Status { link, generation: store.current()?, last })
}

fn parse(bytes: &[u8]) -> Result<TreeReport> {
    let json = Json::parse(bytes)?;
    let known = ["version", "link", "for", "generation", "files", "failures", "notes"];
    let top = Fields::of(&json, String::new(), &known)?;
    let generation = match top.get("generation") {
        Some(Json::Count(number)) => Some(*number),
        _ => None,
    };
    let files =
        top.items("files")?.into_iter().map(|(path, item)| file(item, path)).collect::<Result<_>>()?;
    let failures =
        top.items("failures")?.into_iter().map(|(path, item)| failure(item, path)).collect::<Result<_>>()?;
    let notes = top.texts("notes")?;
    Ok(TreeReport {
        link: top.text("link")?.to_owned(),
        of: top.text_if_any("for")?.map(str::to_owned),
        generation,
        files,
        failures,
        notes,
        ..TreeReport::default()
    })
}

fn file(json: &Json, path: String) -> Result<FileReport> {
    let fields = Fields::of(json, path, &["path", "sha256", "opened", "changed"])?;
    let sha256 = Digest::parse(fields.text("sha256")?).ok_or_else(|| {
        Error::new("must be 64 lower-case hexadecimal digits").key(fields.path_of("sha256"))
    })?;
    let changed = fields.text_if_any("changed")?.map(str::to_owned);
    let opened = fields.get("opened") == Some(&Json::Bool(true));
    Ok(FileReport { path: RepoPath::new(fields.text("path")?)?, sha256, opened, changed })
}

fn failure(json: &Json, path: String) -> Result<Failure> {
    let fields = Fields::of(json, path, &["item", "message", "hints", "kept"])?;
    let kept = Kept::of_word(fields.text("kept")?)
        .ok_or_else(|| Error::new("is no word that this version knows").key(fields.path_of("kept")))?;
    Ok(Failure {
        item: fields.text("item")?.to_owned(),
        message: fields.text("message")?.to_owned(),
        hints: fields.texts("hints")?,
        kept,
    })
}

#[cfg(test)]
mod tests {
    use super::super::trust::Owners;
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let owners = Owners { uid: std::fs::metadata(dir.path()).unwrap().uid() };
        let store = Store {
            base: dir.path().to_owned(),
            name: "uvars".into(),
            link: dir.path().join("uvars"),
            folder_mode: 0o711,
            owners,
            put_aside: true,
        };
        assert!(read(&store).unwrap().last.is_none());
        let report = TreeReport {
            link: "/run/uvars".into(),
            generation: Some(7),
            files: vec![FileReport {
                path: RepoPath::new("secrets/hosts/a.sops.yaml").unwrap(),
                sha256: Digest::of(b"x"),
                opened: true,
                changed: Some("2026-01-01T00:00:00Z".into()),
            }],
            failures: vec![Failure {
                item: "db/password".into(),
                message: "no \"key\"".into(),
                hints: vec!["h".into()],
                kept: Kept::Last,
            }],
            notes: vec!["n".into()],
            ..TreeReport::default()
        };
        write(&store.open_or_make().unwrap(), &report).unwrap();
        let status = read(&store).unwrap();
        assert!(status.is_interrupted());
        let last = status.last.unwrap();
        assert_eq!((last.files, last.failures, last.notes), (report.files, report.failures, report.notes));
        assert_eq!((last.generation, status.generation), (Some(7), None));
        std::fs::write(dir.path().join("uvars.d/status.json"), "{").unwrap();
        assert!(read(&store).unwrap_err().to_string().contains("status.json"));
    }
}
