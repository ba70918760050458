//! A folder that encrypted files are published to.

use crate::error::{Error, Result};
use crate::fs;
use std::path::{Component, Path, PathBuf};

/// The mode of a published file: it is encrypted, and for others to read.
const MODE: u32 = 0o644;

/// Writes a file into a folder, below the name that it has there; folders on the way are made. Returns where, or
/// nothing if it was there already with the same bytes.
///
/// # Errors
///
/// The name leads out of the folder; the folder is not there; it cannot be written to.
pub fn put(folder: &Path, name: &Path, bytes: &[u8]) -> Result<Option<PathBuf>> {
    let leads_inside = name.components().all(|part| matches!(part, Component::Normal(_)));
    if !leads_inside || name.as_os_str().is_empty() {
        return Err(Error::new("this name leads out of the folder it is to be published to").at(name));
    }
    if !folder.is_dir() {
        return Err(Error::new("no such folder")
            .at(folder)
            .hint("make it first: files are published into folders that are there"));
    }
    let path = folder.join(name);
    if fs::read(&path)?.is_some_and(|there| there == bytes) {
        return Ok(None);
    }
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|error| Error::io("make", parent, error))?;
    }
    fs::replace(&path, bytes, MODE)?;
    Ok(Some(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_in_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("apps/a.yaml");
        assert_eq!(put(dir.path(), Path::new("apps/a.yaml"), b"x").unwrap(), Some(path.clone()));
        assert_eq!(put(dir.path(), Path::new("apps/a.yaml"), b"x").unwrap(), None);
        assert_eq!(put(dir.path(), Path::new("apps/a.yaml"), b"y").unwrap(), Some(path.clone()));
        assert_eq!(std::fs::read(&path).unwrap(), b"y");
    }

    #[test]
    fn a_name_does_not_lead_out() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["../a", "/a", "", "b/../../a"] {
            assert!(put(dir.path(), Path::new(name), b"x").is_err(), "{name}");
        }
        assert!(put(&dir.path().join("none"), Path::new("a"), b"x").is_err());
    }
}
