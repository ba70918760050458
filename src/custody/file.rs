//! One encrypted file: whether it is as it should be, and what makes it so.

use super::plan::What;
use crate::error::{Error, Kind};
use crate::fleet::Wrapping;
use crate::fs::RepoPath;
use crate::keys::Recipient;
use crate::keyservice::KeyServices;
use crate::secret::DataKey;
use crate::sops::{Drift, Encrypted, Format, Metadata, Stores};
use std::path::Path;
use std::time::SystemTime;

/// What is at hand for opening and writing files.
#[derive(Clone, Copy)]
pub(super) struct Hand<'a> {
    /// Who opens data keys and wraps them.
    pub(super) keys: &'a KeyServices,
    /// The time that is written.
    pub(super) now: SystemTime,
    /// How files are laid out.
    pub(super) stores: Stores,
}

/// What becomes of a file.
pub(super) enum Outcome {
    /// It is as it should be.
    Current,
    /// It is to hold these bytes.
    Changed { bytes: Vec<u8>, what: What, drift: Drift },
    /// Nobody at hand can open it: who could.
    Blocked(Box<Metadata>),
    /// It is not what it should be.
    Refused(Error),
    /// A reader's key could not be used, which may be so for other files too.
    Unwrapped(Error),
}

/// Who should read a file, and whether those who do now may be changed to them.
pub(super) struct Wanted<'a> {
    pub(super) recipients: Vec<Recipient>,
    pub(super) allow: &'a dyn Fn(&Drift) -> Result<(), Error>,
    pub(super) wrapping: &'a Wrapping<'a>,
}

/// Gives a file exactly these readers.
///
/// One that has them already is not opened, unless a new data key is wanted anyway. Otherwise its rule, MAC and
/// binding are checked; a reader too many means a new data key.
pub(super) fn give_readers(
    path: &RepoPath,
    bytes: &[u8],
    wanted: &Wanted<'_>,
    new_key: bool,
    hand: Hand<'_>,
) -> Outcome {
    try_to(path, bytes, wanted, new_key, hand).unwrap_or_else(|outcome| match outcome {
        Outcome::Refused(error) if wanted.wrapping.has_failed() => Outcome::Unwrapped(error.at(path)),
        Outcome::Refused(error) => Outcome::Refused(error.at(path)),
        other => other,
    })
}

fn try_to(
    path: &RepoPath,
    bytes: &[u8],
    Wanted { recipients, allow, wrapping }: &Wanted<'_>,
    new_key: bool,
    hand: Hand<'_>,
) -> Result<Outcome, Outcome> {
    let file = parse(path, bytes, hand.stores).map_err(Outcome::Refused)?;
    // it needs no key, so that everybody is told
    file.check_rule(path).map_err(Outcome::Refused)?;
    let drift = Drift::of(&file, recipients);
    if drift.is_none() && !new_key {
        return Ok(Outcome::Current);
    }
    allow(&drift).map_err(Outcome::Refused)?;
    let key = unlock(&file, hand)?;
    file.check_binding(&key, path).map_err(Outcome::Refused)?;
    let (changed, what) = if new_key || drift.takes_away() {
        (file.rotate_to(&key, recipients, hand.now, *wrapping), What::Renewed)
    } else {
        (file.rewrap(&key, recipients, *wrapping), What::Wrapped)
    };
    let bytes = changed.and_then(|file| file.emit()).map_err(Outcome::Refused)?;
    Ok(Outcome::Changed { bytes, what, drift })
}

/// Reads an encrypted file of the fleet; what is made of it will be laid out so.
pub(super) fn parse(path: &RepoPath, bytes: &[u8], stores: Stores) -> Result<Encrypted, Error> {
    Ok(Encrypted::parse(bytes, Format::of_path(Path::new(path.as_str())))?.laid_out(stores))
}

/// The data key.
fn unlock(file: &Encrypted, hand: Hand<'_>) -> Result<DataKey, Outcome> {
    file.unlock(hand.keys).map_err(|error| {
        if error.kind() == Kind::NoKey {
            return Outcome::Blocked(Box::new(file.metadata().clone()));
        }
        Outcome::Refused(error)
    })
}
