//! Values that were changed go back into their file, and a reader too many goes out of it.

use crate::error::Result;
use crate::keys::Recipient;
use crate::secret::DataKey;
use crate::sops::{Drift, Encrypted, Format, Plain, Rules};
use std::time::SystemTime;

/// A file ready to be written.
#[derive(Debug)]
pub struct Saved {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whose access changes; a reader too many means that the data key is new.
    pub drift: Option<Drift>,
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
        return Ok(Saved { bytes: file.update(plain, key, now)?.emit()?, drift: None });
    };
    let drift = Drift::of(file, wanted);
    Ok(Saved { bytes: file.update_to(plain, key, wanted, now)?.emit()?, drift: Some(drift) })
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
    Ok(Saved { bytes, drift: None })
}
