//! From the copies beside a manifest to what is in them: digest, key, MAC and binding, in this order.
//!
//! Each file is decrypted once, whatever number of values comes out of it. A file that fails does not stop
//! another.

use super::manifest::{File, Manifest};
use super::plan::Opened;
use super::report::Problem;
use super::trust::{Folder, Owners};
use crate::error::{Error, Result};
use crate::fs::{Digest, RepoPath};
use crate::keys::Keyring;
use crate::secret::Secret;
use crate::sops::{Encrypted, Format, KeyPath, Plain, Value};
use std::collections::BTreeSet;
use std::path::Path;

/// Opens those files of the manifest that are `wanted` and not yet `opened`.
pub(super) fn open(
    manifest: &Manifest,
    folder: &Folder,
    owners: Owners,
    keyring: &Keyring,
    wanted: &BTreeSet<&RepoPath>,
    opened: &mut Opened,
) {
    for file in &manifest.files {
        if wanted.contains(&file.path) && !opened.contains_key(&file.path) {
            let plain = one(file, folder, owners, keyring)
                .map_err(|error| Problem::of(&error.at(file.path.as_str())));
            opened.insert(file.path.clone(), plain);
        }
    }
}

fn one(file: &File, folder: &Folder, owners: Owners, keyring: &Keyring) -> Result<Plain> {
    let bytes = folder
        .read(Path::new(file.path.as_str()), owners)?
        .ok_or_else(|| Error::new("is not there beside the manifest").hint("export the manifest again"))?;
    if Digest::of(&bytes) != file.sha256 {
        return Err(Error::new("is not the file that the manifest names: its SHA-256 differs")
            .hint("export the manifest again, and copy it whole"));
    }
    let encrypted = Encrypted::take(Secret::new(bytes), Format::of_path(Path::new(file.path.as_str())))?;
    let key = encrypted.unlock(keyring)?;
    let plain = encrypted.decrypt(&key)?;
    plain.check_binding(&file.path)?;
    Ok(plain)
}

/// When a password was last changed, as its account file says: `changed`, which is text or a time.
pub(super) fn changed(plain: &Plain) -> Option<String> {
    match plain.get(&KeyPath::of_keys(["changed"]))? {
        found @ (Value::Str(_) | Value::Time(_)) => Some(found.to_bytes()?.expose_str()?.to_owned()),
        _ => None,
    }
}
