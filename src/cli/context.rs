//! What the process was given: folder, environment, clock.
//!
//! Read once; the rooms below get it by argument.

use super::arguments::Global;
use crate::error::{Error, Result};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Folder, environment and clock.
pub(super) struct Context {
    directory: PathBuf,
    now: u64,
    variables: fn(&str) -> Option<OsString>,
}

impl Context {
    /// Looks around.
    pub(super) fn new(global: Global) -> Result<Self> {
        let directory = match global.directory {
            Some(directory) => directory,
            None => std::env::current_dir()
                .map_err(|error| Error::new("cannot tell the current folder").because(error))?,
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs());
        Ok(Self { directory, now, variables: |name| std::env::var_os(name) })
    }

    /// The folder that relative paths on the command line start from.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// An environment variable that is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<OsString> {
        (self.variables)(name).filter(|value| !value.is_empty())
    }

    /// Seconds since 1970, when we were started: one run has one time.
    pub(super) fn now(&self) -> u64 {
        self.now
    }
}
