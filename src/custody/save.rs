//! Values that were changed go back into their file, and a reader too many goes out of it.

use super::file::Drift;
use crate::error::Result;
use crate::keys::Recipient;
use crate::secret::DataKey;
use crate::sops::{Encrypted, Format, Plain, Rules};
use std::time::SystemTime;

/// A file ready to be written.
#[derive(Debug)]
pub struct Saved {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Recipients that it has now and had not.
    pub gained: Vec<String>,
    /// Recipients that it had and has no more: then its data key is new.
    pub lost: Vec<String>,
}

/// Encrypts changed values into the file that they came from.
///
/// Without `wanted` the readers stay. With it they are made those: a reader too many means a new data key. Values
/// that were not changed keep their ciphertext unless the data key is new.
pub fn save(
    file: &Encrypted,
    key: &DataKey,
    plain: &Plain,
    wanted: Option<&[Recipient]>,
    now: SystemTime,
) -> Result<Saved> {
    let Some(wanted) = wanted else {
        let bytes = file.update(plain, key, now)?.emit()?;
        return Ok(Saved { bytes, gained: Vec::new(), lost: Vec::new() });
    };
    let drift = Drift::of(file, wanted);
    let changed = if drift.takes_away() {
        file.replace(plain, wanted, now)?
    } else {
        let updated = file.update(plain, key, now)?;
        if drift.is_none() { updated } else { updated.rewrap(key, wanted)? }
    };
    Ok(Saved { bytes: changed.emit()?, gained: drift.gained, lost: drift.lost })
}

/// Encrypts values into a file that is not there yet.
pub fn create(
    plain: &Plain,
    wanted: &[Recipient],
    rules: &Rules,
    now: SystemTime,
    format: Format,
) -> Result<Saved> {
    let bytes = Encrypted::create(plain, wanted, rules, now, format)?.emit()?;
    Ok(Saved { bytes, gained: wanted.iter().map(ToString::to_string).collect(), lost: Vec::new() })
}
