//! Writing an export to a folder: the manifest, and exactly the copies that it names.
//!
//! The folder is outside the repository. An earlier export in it is brought up to date; anything else that is
//! in it is never touched.

use super::manifest::Export;
use crate::activate::Manifest;
use crate::error::{Error, Result};
use crate::fs::{self, RepoPath};
use std::path::{Path, PathBuf};

/// The manifest's name.
const MANIFEST: &str = "manifest.json";

/// What writing changed, or in a dry run would change; paths below the folder.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Written {
    /// Files that are new or have other content.
    pub written: Vec<String>,
    /// Copies of an earlier export that the new one does not name.
    pub removed: Vec<String>,
}

/// Makes `folder` hold this export and nothing of an earlier one. The manifest is written after the copies, so
/// that an interrupted export is refused on the host and not half installed.
///
/// # Errors
///
/// The folder holds other things than an export; a file in it cannot be read or written; something below it is a
/// link: whoever may put one there would choose what is overwritten or removed.
pub fn write(export: &Export, folder: &Path, dry_run: bool) -> Result<Written> {
    let stale = stale(export, folder)?;
    let manifest = export.manifest.to_json()?;
    let mut written = Written::default();
    let copies = export.copies.iter().map(|(path, bytes)| (path.as_str(), bytes));
    for (name, bytes) in copies.chain([(MANIFEST, &manifest)]) {
        let path = inside(folder, name)?;
        if fs::read(&path)?.as_ref() == Some(bytes) {
            continue;
        }
        if !dry_run {
            make_parent(&path)?;
            fs::replace(&path, bytes, 0o644)?;
        }
        written.written.push(name.to_owned());
    }
    for path in stale {
        if !dry_run {
            remove(folder, &path)?;
        }
        written.removed.push(path.to_string());
    }
    Ok(written)
}

/// The copies of the export that is in the folder now and that the new one does not name.
fn stale(export: &Export, folder: &Path) -> Result<Vec<RepoPath>> {
    let path = inside(folder, MANIFEST)?;
    let Some(bytes) = fs::read(&path)? else {
        let holds_anything = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
        if holds_anything {
            let error = Error::new("holds other things than an export").at(folder);
            return Err(error.hint("give a folder of its own: --out DIR"));
        }
        return Ok(Vec::new());
    };
    let old = Manifest::parse(&bytes).map_err(|error| {
        error.at(&path).hint("what is there may be anything; give a folder of its own: --out DIR")
    })?;
    let stale = old.files.into_iter().map(|file| file.path).filter(|path| !export.copies.contains_key(path));
    let mut there = Vec::new();
    for path in stale {
        if inside(folder, path.as_str())?.exists() {
            there.push(path);
        }
    }
    Ok(there)
}

/// Where a file of the export lies, through no link below the folder.
fn inside(folder: &Path, name: &str) -> Result<PathBuf> {
    let mut path = folder.to_path_buf();
    for part in name.split('/') {
        path.push(part);
        if path.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            return Err(Error::new("is a link, and an export has none").at(&path).hint("remove it"));
        }
    }
    Ok(path)
}

fn make_parent(path: &Path) -> Result<()> {
    let parent = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    std::fs::create_dir_all(&parent).map_err(|cause| Error::io("make the folder", &parent, cause))
}

/// Removes a copy, and the folders that are empty then.
fn remove(folder: &Path, path: &RepoPath) -> Result<()> {
    let file = inside(folder, path.as_str())?;
    std::fs::remove_file(&file).map_err(|cause| Error::io("remove", &file, cause))?;
    let mut above = file.parent();
    while let Some(parent) = above.filter(|parent| *parent != folder) {
        if std::fs::remove_dir(parent).is_err() {
            break;
        }
        above = parent.parent();
    }
    Ok(())
}
