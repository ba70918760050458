//! Recipients by the names of those who hold them.

use crate::fleet::Fleet;
use crate::keys::{Ledger, Recipient};
use crate::sops::Drift;
use std::collections::BTreeSet;

/// Who holds which recipient.
pub struct Names<'f> {
    fleet: &'f Fleet,
    ledger: &'f Ledger,
}

impl<'f> Names<'f> {
    /// The holders that keys/ has, and the former ones of the ledger.
    pub fn of(fleet: &'f Fleet, ledger: &'f Ledger) -> Self {
        Self { fleet, ledger }
    }

    /// Names, each once: principals, with ` (former key)` for one of the ledger; else the recipient itself.
    pub fn all(&self, recipients: &[String]) -> Vec<String> {
        let named: BTreeSet<String> =
            recipients.iter().flat_map(|recipient| self.of_one(recipient)).collect();
        named.into_iter().collect()
    }

    /// Who becomes a reader and who stops being one. Keys of other types than age are called what they are.
    pub fn of_drift(&self, drift: &Drift) -> (Vec<String>, Vec<String>) {
        let mut lost = self.all(&drift.lost);
        lost.extend(drift.others.iter().cloned());
        (self.all(&drift.gained), lost)
    }

    fn of_one(&self, text: &str) -> Vec<String> {
        let Ok(recipient) = Recipient::parse(text) else { return vec![Recipient::shown(text).to_owned()] };
        let holders = self.fleet.registry().holders(&recipient);
        if !holders.is_empty() {
            return holders.iter().map(ToString::to_string).collect();
        }
        match self.ledger.find(&recipient) {
            Some(entry) => vec![format!("{} (former key)", entry.whose)],
            None => vec![text.to_owned()],
        }
    }
}
