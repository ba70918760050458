//! A failure in sops' words: the text of standard error and the exit code.

use super::code::Code;
use crate::error::Error;
use std::fmt;

/// What went wrong.
#[derive(Debug)]
pub(super) struct Fault {
    code: Code,
    text: String,
    /// Told as a line of sops' log rather than as the bare text.
    logged: bool,
}

/// The result of everything here that can fail.
pub(super) type Outcome<T> = Result<T, Fault>;

impl Fault {
    /// A failure that is told by its text.
    pub(super) fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), logged: false }
    }

    /// A plain failure (1).
    pub(super) fn failed(text: impl Into<String>) -> Self {
        Self::new(Code::Failed, text)
    }

    /// A failure that sops tells through its log, with exit code 1.
    pub(super) fn logged(text: impl Into<String>) -> Self {
        Self { code: Code::Failed, text: text.into(), logged: true }
    }

    /// An error of ours behind words of sops.
    pub(super) fn of(code: Code, words: &str, error: &Error) -> Self {
        error
            .hints()
            .iter()
            .fold(Self::new(code, format!("{words}{error}")), |fault, hint| fault.hinted(hint))
    }

    /// The same failure told through the log.
    pub(super) fn into_logged(self) -> Self {
        Self { code: Code::Failed, text: self.text, logged: true }
    }

    /// The same behind more words.
    pub(super) fn behind(self, words: &str) -> Self {
        Self { text: format!("{words}{}", self.text), ..self }
    }

    /// The same with what to type next.
    pub(super) fn hinted(self, hint: &str) -> Self {
        Self { text: format!("{}\nhint: {hint}", self.text), ..self }
    }

    /// The exit code.
    pub(super) fn code(&self) -> Code {
        self.code
    }

    /// Whether it is told through the log.
    pub(super) fn is_logged(&self) -> bool {
        self.logged
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::of(Code::Failed, "", &error)
    }
}
