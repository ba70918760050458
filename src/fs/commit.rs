//! Makes the changes of a transaction.

use super::Lock;
use super::survey::Planned;
use crate::{Error, Result};

pub(super) fn run(lock: &Lock, entries: &[Planned<'_>]) -> Result<()> {
    for entry in entries {
        let path = lock.root().path(&entry.path)?;
        if let Some(bytes) = entry.bytes {
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(|error| Error::io("make", parent, error))?;
            }
            super::replace(&path, bytes, entry.mode)?;
        } else {
            std::fs::remove_file(&path).map_err(|error| Error::io("remove", &path, error))?;
        }
    }
    Ok(())
}
