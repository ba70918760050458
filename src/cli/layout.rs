//! Which `.sops.yaml` a file outside of the fleet goes by.

use super::changes::RULES;
use crate::error::{Error, Result};
use crate::fs;
use crate::rules;
use crate::sops::Stores;
use std::path::{Path, PathBuf};

/// The `.sops.yaml` in a folder or in the nearest one above.
pub(super) fn nearest_config(folder: &Path) -> Result<Option<(PathBuf, Vec<u8>)>> {
    for folder in folder.ancestors() {
        let config = folder.join(RULES);
        if let Some(bytes) = fs::read(&config)? {
            return Ok(Some((config, bytes)));
        }
    }
    Ok(None)
}

/// How files are laid out for whoever works in a folder: sops looks from there, not from the file.
pub(super) fn stores_in(folder: &Path) -> Result<Stores> {
    let folder = folder.canonicalize().map_err(|error| Error::io("open", folder, error))?;
    match nearest_config(&folder)? {
        Some((config, bytes)) => rules::stores(&config, &bytes),
        None => Ok(Stores::default()),
    }
}
