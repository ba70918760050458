//! Encrypted files as commands of sops open them, with sops' words and codes for what can go wrong.

use super::call::Call;
use super::code::Code;
use super::fault::{Fault, Outcome};
use super::files::Source;
use crate::error::{Error, Result};
use crate::secret::{DataKey, Secret};
use crate::sops::{Encrypted, Format, MacVerdict, Plain, is_not_encrypted};

/// What sops says of a file without metadata.
const NOT_ENCRYPTED: &str = "sops metadata not found";

/// A file that was opened.
pub(super) struct Opened {
    /// As it is on disk.
    pub(super) file: Encrypted,
    /// What its values are encrypted under.
    pub(super) key: DataKey,
    /// In clear.
    pub(super) plain: Plain,
}

/// Reads a source as an encrypted file.
///
/// Errors: they are none (1).
pub(super) fn parse(source: Secret, format: Format) -> Outcome<Encrypted> {
    Encrypted::take(source, format).map_err(|error| {
        let text = if is_not_encrypted(&error) { NOT_ENCRYPTED.to_owned() } else { error.to_string() };
        Fault::failed(text)
    })
}

impl Call<'_> {
    /// Opens a file: its data key (128), its values (25), and its MAC, unless that is not looked at (51).
    pub(super) fn open(&self, source: &Source, format: Format) -> Outcome<Opened> {
        let file = parse(source.read()?, format)?;
        let key = self.unlock(&file)?;
        let plain = self.judged(file.decrypt_and_judge(&key))?;
        Ok(Opened { file, key, plain })
    }

    /// The same for who wants nothing but what is in clear.
    pub(super) fn plain(&self, source: &Source, format: Format) -> Outcome<Plain> {
        let file = parse(source.read()?, format)?;
        let key = self.unlock(&file)?;
        self.judged(file.into_plain(&key))
    }

    fn judged(&self, found: Result<(Plain, MacVerdict)>) -> Outcome<Plain> {
        let (plain, verdict) = found.map_err(|error| not_decrypted(&error))?;
        if !self.is_on("ignore-mac") {
            judge(verdict)?;
        }
        Ok(plain)
    }
}

fn not_decrypted(error: &Error) -> Fault {
    Fault::of(
        Code::DecryptTree,
        "Error decrypting tree: Error walking tree: Could not decrypt value: ",
        error,
    )
}

fn judge(verdict: MacVerdict) -> Outcome<()> {
    let text = match verdict {
        MacVerdict::Fits => return Ok(()),
        MacVerdict::Absent { computed } => format!("MAC mismatch. File has no MAC, computed {computed}"),
        MacVerdict::Differs { stored, computed } => {
            format!("MAC mismatch. File has {stored}, computed {computed}")
        }
        MacVerdict::Unreadable(error) => return Err(Fault::of(Code::Mac, "Cannot decrypt MAC: ", &error)),
    };
    Err(Fault::new(Code::Mac, text))
}

/// A document that cannot be put into its format (4).
pub(super) fn not_dumped(words: &str) -> impl Fn(Error) -> Fault + use<'_> {
    move |error| Fault::of(Code::Dump, words, &error)
}
