//! Values that were changed go back into their file, and a reader too many goes out of it.

use crate::error::{Error, Result};
use crate::keys::{self, Recipient, Wrap};
use crate::secret::DataKey;
use crate::sops::{ClearKind, Drift, Encrypted, Format, KeyGroups, KeyPath, Plain, Rules};
use std::time::SystemTime;

/// A file ready to be written.
#[derive(Debug)]
pub struct Saved {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whose access changes; a reader too many means that the data key is new.
    pub drift: Option<Drift>,
    /// Values that the file's rule leaves in clear, and that were not there so before.
    pub clear: Vec<KeyPath>,
}

impl Saved {
    fn of(file: &Encrypted, before: Option<&Encrypted>, drift: Option<Drift>) -> Result<Self> {
        refuse_private(file, before)?;
        Ok(Self { bytes: file.emit()?, drift, clear: file.values_in_clear(before) })
    }
}

/// Refuses a private key in what stands in clear. One that stands there already is not made worse by what is written
/// now, and is taken out by another write.
fn refuse_private(file: &Encrypted, before: Option<&Encrypted>) -> Result<()> {
    let found = file.texts_in_clear(keys::holds_private);
    if found.is_empty() {
        return Ok(());
    }
    let known = before.map(|before| before.texts_in_clear(keys::holds_private)).unwrap_or_default();
    let Some(new) = found.into_iter().find(|text| !known.contains(text)) else { return Ok(()) };
    let (what, hint) = match new.kind {
        ClearKind::Name => {
            ("a name here is a private key, and names are", "a private key is a value; give it a name")
        }
        ClearKind::Value => (
            "this is a private key, and the rule of the file leaves it",
            "give it a name that the rule has encrypted",
        ),
        ClearKind::Comment => (
            "a comment here holds a private key, and the rule of the file leaves it",
            "a private key is a value; give it a name",
        ),
    };
    let error = Error::new(format!("{what} in clear; nothing was written")).hint(hint);
    Err(if new.place.is_root() { error } else { error.key(new.place.to_string()) })
}

/// Encrypts changed values into the file that they came from.
///
/// Without `wanted` the readers stay. With it they are made those, by who wraps for them: a reader too many means a new
/// data key. Values
/// that were not changed keep their ciphertext unless the data key is new.
pub fn save(
    file: &Encrypted,
    key: &DataKey,
    plain: &Plain,
    wanted: Option<(&[Recipient], &dyn Wrap)>,
    now: SystemTime,
) -> Result<Saved> {
    let Some((wanted, wrap)) = wanted else {
        return Saved::of(&file.update(plain, key, now)?, Some(file), None);
    };
    let drift = Drift::of(file, wanted);
    Saved::of(&file.update_to(plain, key, wanted, now, wrap)?, Some(file), Some(drift))
}

/// The same values under a new data key, for whoever reads the file now.
pub fn renew(file: &Encrypted, key: &DataKey, now: SystemTime, wrap: &dyn Wrap) -> Result<Saved> {
    Saved::of(&file.renew(key, now, wrap)?, Some(file), None)
}

/// Encrypts values into a file that is not there yet.
pub fn create(
    plain: &Plain,
    wanted: &KeyGroups,
    rules: &Rules,
    now: SystemTime,
    format: Format,
    wrap: &dyn Wrap,
) -> Result<Saved> {
    Saved::of(&Encrypted::create_for(plain, wanted, rules, now, format, wrap)?, None, None)
}
