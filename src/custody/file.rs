//! One encrypted file: whether it is as it should be, and what makes it so.

use super::plan::What;
use crate::error::{Error, Kind};
use crate::fs::RepoPath;
use crate::keys::{Keyring, Recipient};
use crate::secret::DataKey;
use crate::sops::{Encrypted, Format};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::SystemTime;

/// What is at hand for opening and writing files.
#[derive(Clone, Copy)]
pub(super) struct Hand<'a> {
    /// The private keys.
    pub(super) keyring: &'a Keyring,
    /// The time that is written.
    pub(super) now: SystemTime,
}

/// What becomes of a file.
pub(super) enum Outcome {
    /// It is as it should be.
    Current,
    /// It is to hold these bytes.
    Changed { bytes: Vec<u8>, what: What, gained: Vec<String>, lost: Vec<String> },
    /// Nobody at hand can open it; these recipients can.
    Blocked(Vec<String>),
    /// It is not what it should be.
    Refused(Error),
}

/// A file's readers beside those it should have.
pub(super) struct Drift {
    pub(super) gained: Vec<String>,
    pub(super) lost: Vec<String>,
    /// One recipient is in it twice, or nobody is.
    irregular: bool,
}

impl Drift {
    /// Compares recipients as sops does: by their text.
    pub(super) fn of(file: &Encrypted, wanted: &[Recipient]) -> Self {
        let has = file.metadata().recipients();
        let had: BTreeSet<&str> = has.iter().copied().collect();
        let wants: BTreeSet<&str> = wanted.iter().map(Recipient::as_str).collect();
        Self {
            gained: wants.difference(&had).map(ToString::to_string).collect(),
            lost: had.difference(&wants).map(ToString::to_string).collect(),
            irregular: had.len() != has.len(),
        }
    }

    /// Whether somebody is to be kept out who is in now.
    pub(super) fn takes_away(&self) -> bool {
        !self.lost.is_empty() || self.irregular
    }

    pub(super) fn is_none(&self) -> bool {
        self.gained.is_empty() && self.lost.is_empty() && !self.irregular
    }
}

/// Gives a file exactly these readers.
///
/// One that has them already is not opened. Otherwise its MAC and binding are checked; a reader too many means
/// a new data key.
pub(super) fn give_readers(path: &RepoPath, bytes: &[u8], wanted: &[Recipient], hand: Hand<'_>) -> Outcome {
    let refuse = |error: Error| Outcome::Refused(error.at(path));
    let file = match parse(path, bytes) {
        Ok(file) => file,
        Err(error) => return refuse(error),
    };
    let drift = Drift::of(&file, wanted);
    if drift.is_none() {
        return Outcome::Current;
    }
    let key = match open(path, &file, hand) {
        Ok(key) => key,
        Err(outcome) => return outcome,
    };
    let changed = if drift.takes_away() {
        (file.rotate(&key, wanted, hand.now), What::Renewed)
    } else {
        (file.rewrap(&key, wanted), What::Wrapped)
    };
    let Drift { gained, lost, .. } = drift;
    match changed.0.and_then(|file| file.emit()) {
        Ok(bytes) => Outcome::Changed { bytes, what: changed.1, gained, lost },
        Err(error) => refuse(error),
    }
}

/// Encrypts a file anew, under a new data key, for exactly these readers.
pub(super) fn renew(path: &RepoPath, bytes: &[u8], wanted: &[Recipient], hand: Hand<'_>) -> Outcome {
    let refuse = |error: Error| Outcome::Refused(error.at(path));
    let file = match parse(path, bytes) {
        Ok(file) => file,
        Err(error) => return refuse(error),
    };
    let Drift { gained, lost, .. } = Drift::of(&file, wanted);
    let key = match open(path, &file, hand) {
        Ok(key) => key,
        Err(outcome) => return outcome,
    };
    match file.rotate(&key, wanted, hand.now).and_then(|file| file.emit()) {
        Ok(bytes) => Outcome::Changed { bytes, what: What::Renewed, gained, lost },
        Err(error) => refuse(error),
    }
}

/// Reads an encrypted file of the fleet.
pub(super) fn parse(path: &RepoPath, bytes: &[u8]) -> Result<Encrypted, Error> {
    Encrypted::parse(bytes, Format::of_path(Path::new(path.as_str()))?)
}

/// The data key, once MAC and binding have been checked.
fn open(path: &RepoPath, file: &Encrypted, hand: Hand<'_>) -> Result<DataKey, Outcome> {
    let key = unlock(path, file, hand)?;
    match file.check_binding(&key, path) {
        Ok(()) => Ok(key),
        Err(error) => Err(Outcome::Refused(error.at(path))),
    }
}

/// The data key.
pub(super) fn unlock(path: &RepoPath, file: &Encrypted, hand: Hand<'_>) -> Result<DataKey, Outcome> {
    file.unlock(hand.keyring).map_err(|error| {
        if error.kind() == Kind::NoKey {
            return Outcome::Blocked(file.metadata().recipients().iter().map(ToString::to_string).collect());
        }
        Outcome::Refused(error.at(path))
    })
}
