//! A file as somebody edits it: its values in clear, its metadata below them if so wanted, and the release that it names.

use crate::Result;
use crate::secret::Secret;
use crate::sops::encrypted::Encrypted;
use crate::sops::format::Format;
use crate::sops::metadata::SOPS_VERSION;
use crate::sops::plain::Plain;

impl Encrypted {
    /// Documents in clear with the metadata of this file where an encrypted file has it. Nobody can read that back as a
    /// file: it is for eyes.
    pub fn emit_with(&self, plain: &Plain) -> Result<Secret> {
        let metadata = self.metadata().to_map();
        let bytes = self.format().store().write_sealed(&plain.tree, &metadata, self.stores());
        bytes.map(|mut bytes| Secret::new(std::mem::take(&mut *bytes)))
    }

    /// The same file, as one of another format.
    #[must_use]
    pub fn of_format(mut self, format: Format) -> Self {
        self.set_format(format);
        self
    }

    /// The same file, naming the release that ours are like if it names an older one: sops does so when a file is
    /// edited, and at nothing else.
    #[must_use]
    pub fn with_release_raised(mut self) -> Self {
        if numbers(self.metadata().version()) < numbers(SOPS_VERSION) {
            self.set_version(SOPS_VERSION);
        }
        self
    }
}

/// The numbers of a release. What has none is old.
fn numbers(version: &str) -> Option<(u64, u64, u64)> {
    let core = version.strip_prefix('v').unwrap_or(version).split(['-', '+']).next()?;
    let mut parts = core.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_their_numbers() {
        for (old, new) in
            [("3.9.4", "3.13.3"), ("v3.9.0", "3.9.1"), ("3", "0.0.1"), ("3.13.2-dev+x", "3.13.3")]
        {
            assert!(numbers(old) < numbers(new), "{old} {new}");
        }
    }
}
