//! Wrapping for the readers of the fleet's files: what fails there says whose key it is, and what can be done.

use super::fleet::Fleet;
use crate::error::{Error, Result};
use crate::keys::{MasterKey, Recipient, Wrap, reader};
use std::sync::atomic::{AtomicBool, Ordering};

/// Wraps as another one does, and knows the readers by their names.
pub struct Wrapping<'a> {
    fleet: &'a Fleet,
    with: &'a dyn Wrap,
    failed: AtomicBool,
}

impl<'a> Wrapping<'a> {
    /// With the names that this fleet has.
    pub fn new(fleet: &'a Fleet, with: &'a dyn Wrap) -> Self {
        Self { fleet, with, failed: AtomicBool::new(false) }
    }

    /// Whether a reader was one that could not be wrapped for.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    fn named(&self, key: &MasterKey, error: &Error) -> Error {
        let recipient = Recipient::parse(&key.to_string()).ok();
        let holders = recipient.as_ref().map(|key| self.fleet.registry().holders(key)).unwrap_or_default();
        let names: Vec<_> = holders.iter().map(ToString::to_string).collect();
        let shown = reader(&key.to_string(), &|_| None);
        let whose = match names.as_slice() {
            [] => shown,
            names => format!("{}, whose key is {shown}", names.join(" and ")),
        };
        let told = Error::of(error.kind(), format!("cannot encrypt for {whose}: {error}"));
        let mut told = error.hints().iter().fold(told, Error::hint);
        if let Some(plugin) = recipient.as_ref().and_then(Recipient::plugin) {
            told = told.hint(format!(
                "nothing was written: when age-plugin-{plugin} works here, run the same command again"
            ));
        }
        match names.first() {
            Some(name) => told.hint(format!("or give {name} another key: uvars key rotate {name} KEY")),
            None => told,
        }
    }
}

impl Wrap for Wrapping<'_> {
    fn wrap(&self, key: &MasterKey, data_key: &[u8]) -> Result<String> {
        self.with.wrap(key, data_key).map_err(|error| {
            self.failed.store(true, Ordering::Relaxed);
            self.named(key, &error)
        })
    }

    fn check(&self, key: &MasterKey) -> Result<()> {
        self.with.check(key).map_err(|error| self.named(key, &error))
    }
}
