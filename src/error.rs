//! What went wrong, where, and what to type next.
//!
//! One error type serves every room. It names the file and the key path, and ends in hints that can be
//! typed. It may not hold or quote anything that may be secret: messages are made of names, never of values.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a failure means to the caller; `cli` maps it to the exit code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// The work could not be done (exit 1).
    Failed,
    /// The command line cannot be meant (exit 2).
    Usage,
    /// What is there is not what the registry says (exit 3).
    OutOfDate,
    /// No identity at hand opens this (exit 4).
    NoKey,
}

/// A sentence with its place and its hints.
///
/// Displayed as `FILE:LINE:COLUMN: KEY.PATH: message`, each part only where it is known. The message is
/// lower case, has no full stop, and fits behind "failed to …".
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    file: Option<PathBuf>,
    position: Option<(u32, u32)>,
    key: Option<String>,
    message: String,
    hints: Vec<String>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of the given kind.
    pub fn of(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            file: None,
            position: None,
            key: None,
            message: message.into(),
            hints: Vec::new(),
            cause: None,
        }))
    }

    /// A plain failure (exit 1).
    pub fn new(message: impl Into<String>) -> Self {
        Self::of(Kind::Failed, message)
    }

    /// A command line that cannot be meant (exit 2).
    pub fn usage(message: impl Into<String>) -> Self {
        Self::of(Kind::Usage, message)
    }

    /// Something that is not what the registry says (exit 3).
    pub fn out_of_date(message: impl Into<String>) -> Self {
        Self::of(Kind::OutOfDate, message)
    }

    /// Nobody at hand can open it (exit 4).
    pub fn no_key(message: impl Into<String>) -> Self {
        Self::of(Kind::NoKey, message)
    }

    /// A failed system call: `doing` says what was tried ("open", "rename to x").
    pub fn io(doing: impl fmt::Display, file: impl AsRef<Path>, cause: std::io::Error) -> Self {
        let mut error = Self::new(format!("cannot {doing}")).at(file);
        error.0.cause = Some(Box::new(cause));
        error
    }

    /// Names the file, unless an inner caller already has.
    #[must_use]
    pub fn at(mut self, file: impl AsRef<Path>) -> Self {
        self.0.file.get_or_insert_with(|| file.as_ref().to_path_buf());
        self
    }

    /// Names the line and column, both counted from 1, unless they are known.
    #[must_use]
    pub fn position(mut self, line: u32, column: u32) -> Self {
        self.0.position.get_or_insert((line, column));
        self
    }

    /// Forgets line and column: they were those of a text that nobody will see.
    #[must_use]
    pub fn unplaced(mut self) -> Self {
        self.0.position = None;
        self
    }

    /// Names the key path in the file, `db.password`, unless it is known. A name from a file cannot make it look like
    /// lines of ours.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.0.key.get_or_insert_with(|| one_line(&key.into()));
        self
    }

    /// Adds a hint: a sentence that can be acted on, best of all a command line.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hints.push(hint.into());
        self
    }

    /// The same with other hints.
    #[must_use]
    pub fn map_hints(mut self, hint: impl Fn(&str) -> String) -> Self {
        for one in &mut self.0.hints {
            *one = hint(one);
        }
        self
    }

    /// Keeps the error underneath; it must not quote input that may be secret.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// What the failure means to the caller.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The file it is about.
    pub fn file(&self) -> Option<&Path> {
        self.0.file.as_deref()
    }

    /// Whether it is about one place in a file.
    pub fn has_key(&self) -> bool {
        self.0.key.is_some()
    }

    /// Line and column, from 1.
    pub fn line_column(&self) -> Option<(u32, u32)> {
        self.0.position
    }

    /// The place in the file, `db.password`.
    pub fn key_path(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// The sentence alone, without its place.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to type next.
    pub fn hints(&self) -> &[String] {
        &self.0.hints
    }
}

/// A name from a file on one line, its control characters shown: it cannot look like lines of ours.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if c.is_control() {
            out.extend(c.escape_debug());
        } else {
            out.push(c);
        }
        out
    })
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.0.file {
            write!(out, "{}", file.display())?;
            if let Some((line, column)) = self.0.position {
                write!(out, ":{line}:{column}")?;
            }
            write!(out, ": ")?;
        } else if let Some((line, column)) = self.0.position {
            write!(out, "line {line}, column {column}: ")?;
        }
        if let Some(key) = &self.0.key {
            write!(out, "{key}: ")?;
        }
        write!(out, "{}", self.0.message)?;
        if let Some(cause) = &self.0.cause {
            write!(out, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_ref().and_then(|cause| cause.source())
    }
}

/// A word of a command line as a shell takes it for what it is: names in a file may be anybody's.
pub fn as_word(text: &str) -> Cow<'_, str> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./@".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

/// The name of a file as a word of a command line that no program takes for an option.
pub fn as_file(text: &str) -> Cow<'_, str> {
    if text.starts_with('-') {
        return Cow::Owned(as_word(&format!("./{text}")).into_owned());
    }
    as_word(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_of_a_shell() {
        for (text, typed) in [
            ("db.password", "db.password"),
            ("users/jon", "users/jon"),
            (r#"["db.password"]"#, r#"'["db.password"]'"#),
            ("$(evil)", "'$(evil)'"),
            ("it's", r"'it'\''s'"),
            ("a b", "'a b'"),
            ("", "''"),
        ] {
            assert_eq!(as_word(text), typed);
        }
    }

    #[test]
    fn a_file_is_no_option() {
        for (text, typed) in
            [("a b.yaml", "'a b.yaml'"), ("-x.yaml", "./-x.yaml"), ("-x y", "'./-x y'"), ("/-x", "/-x")]
        {
            assert_eq!(as_file(text), typed);
        }
    }

    #[test]
    fn a_name_stays_on_its_line() {
        let error = Error::new("bad").key("a\n  b\r\t\"c\u{1b}");
        assert_eq!(error.to_string(), "a\\n  b\\r\\t\"c\\u{1b}: bad");
    }

    #[test]
    fn names_file_position_key_and_cause() {
        let cause = std::io::Error::from_raw_os_error(13);
        let error = Error::io("open", "secrets/db.yaml", cause).position(3, 7).key("db.password");
        assert_eq!(
            error.to_string(),
            "secrets/db.yaml:3:7: db.password: cannot open: Permission denied (os error 13)"
        );
    }

    #[test]
    fn the_innermost_place_wins() {
        let error = Error::new("no such key").at("inner").key("a").at("outer").key("b");
        assert_eq!(error.to_string(), "inner: a: no such key");
    }
}
