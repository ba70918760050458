//! Vouching that a file belongs where it is.

use super::file;
use super::keyholders::keep_keyholders;
use super::names::Names;
use crate::error::{Error, Result};
use crate::fleet::{Fleet, Wrapping};
use crate::fs::RepoPath;
use crate::keys::{Ledger, Recipient};
use crate::keyservice::KeyServices;
use crate::sops::{Drift, KeyPath, Vouched};
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
    /// What becomes of its key groups, if it has several.
    pub regrouped: Option<String>,
    /// Names of the values in it.
    pub keys: Vec<String>,
    /// The rule by which its values are encrypted now, if it is not the fleet's: its name and its text.
    pub rule: Option<(&'static str, String)>,
    /// What lies in it in clear and will be encrypted.
    pub clear: Vec<KeyPath>,
    vouched: Vouched,
    wanted: Vec<Recipient>,
    drift: Drift,
}

impl Binding {
    /// Opens a file and checks its MAC; the binding and the rule may be anything.
    ///
    /// Errors: no key at hand opens it; the MAC does not fit; the fleet has no such file; it would lose its last admin
    /// and recovery key.
    pub fn look(
        fleet: &Fleet,
        ledger: &Ledger,
        path: &RepoPath,
        bytes: &[u8],
        keys: &KeyServices,
    ) -> Result<Self> {
        let wanted: Vec<Recipient> =
            fleet.must_have_readers(path)?.recipients().into_iter().cloned().collect();
        let at = |error: Error| error.at(path);
        let file = file::parse(path, bytes, fleet.stores()).map_err(at)?;
        let key = file.unlock(keys).map_err(at)?;
        let mut vouched = file.vouch(&key).map_err(at)?;
        let drift = Drift::of(&file, &wanted);
        keep_keyholders(fleet, ledger, path, &drift)?;
        let (gained, lost) = Names::of(fleet, ledger).of_drift(&drift);
        Ok(Self {
            path: path.clone(),
            before: vouched.plain.binding(),
            gained,
            lost,
            regrouped: drift.regrouped(),
            keys: vouched.plain.keys(),
            rule: vouched.rule.take(),
            clear: std::mem::take(&mut vouched.clear),
            vouched,
            wanted,
            drift,
        })
    }

    /// Whether the file is bound to its place already, by the fleet's rule and for its readers.
    pub fn is_right(&self) -> bool {
        self.rule.is_none() && self.drift.is_none() && self.vouched.plain.check_binding(&self.path).is_ok()
    }

    /// The file's bytes, bound to its place under a new data key, all values encrypted by the fleet's rule.
    ///
    /// Errors: a reader whose key cannot be encrypted for.
    pub fn seal(self, fleet: &Fleet, keys: &KeyServices, now: SystemTime) -> Result<Vec<u8>> {
        let Vouched { file, mut plain, .. } = self.vouched;
        plain.bind(&self.path)?;
        file.replace_to(&plain, &self.wanted, now, &Wrapping::new(fleet, keys))
            .and_then(|sealed| sealed.emit())
            .map_err(|error| error.at(&self.path))
    }
}
