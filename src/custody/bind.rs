//! Vouching that a file belongs where it is.

use super::file::{self, Drift};
use super::names::Names;
use crate::error::{Error, Result};
use crate::fleet::Fleet;
use crate::fs::RepoPath;
use crate::keys::{Keyring, Ledger, Recipient};
use crate::sops::{Encrypted, Plain};
use std::time::SystemTime;

/// A file that somebody may vouch for: shown first, then written.
#[derive(Debug)]
pub struct Binding {
    /// Where it is.
    pub path: RepoPath,
    /// Where it says it belongs; the path is encrypted, so only its readers can have written it.
    pub before: Option<String>,
    /// Who will read it here.
    pub gained: Vec<String>,
    /// Who reads it now and will not.
    pub lost: Vec<String>,
    /// Names of the values in it.
    pub keys: Vec<String>,
    file: Encrypted,
    plain: Plain,
    wanted: Vec<Recipient>,
}

impl Binding {
    /// Opens a file and checks its MAC; the binding may be anything.
    ///
    /// Errors: no key at hand opens it; the MAC does not fit; the fleet has no such file.
    pub fn look(
        fleet: &Fleet,
        ledger: &Ledger,
        path: &RepoPath,
        bytes: &[u8],
        keyring: &Keyring,
    ) -> Result<Self> {
        let wanted: Vec<Recipient> =
            fleet.must_have_readers(path)?.recipients().into_iter().cloned().collect();
        let at = |error: Error| error.at(path);
        let file = file::parse(path, bytes).map_err(at)?;
        let key = file.unlock(keyring).map_err(at)?;
        let plain = file.decrypt(&key).map_err(at)?;
        let drift = Drift::of(&file, &wanted);
        let names = Names::of(fleet, ledger);
        Ok(Self {
            path: path.clone(),
            before: plain.binding(),
            gained: names.all(&drift.gained),
            lost: names.all(&drift.lost),
            keys: plain.keys(),
            file,
            plain,
            wanted,
        })
    }

    /// Whether the file is bound to its place already.
    pub fn is_right(&self) -> bool {
        self.plain.check_binding(&self.path).is_ok()
    }

    /// The file's bytes, bound to its place under a new data key.
    pub fn seal(mut self, now: SystemTime) -> Result<Vec<u8>> {
        self.plain.bind(&self.path)?;
        let sealed =
            self.file.replace(&self.plain, &self.wanted, now).map_err(|error| error.at(&self.path))?;
        sealed.emit()
    }
}
